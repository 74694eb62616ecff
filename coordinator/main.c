#include "coordinator/config.h"
#include "coordinator/daemon.h"
#include "proto/log.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
        struct yaml_config_error error = { "" };
        struct daemon *daemon = NULL;
        struct config config = { 0 };
        int r;

        signal(SIGPIPE, SIG_IGN);
        r = config_read(argc, argv, &config, &error);
        if (r > 0)
                return EXIT_SUCCESS;
        if (r == -EINVAL) {
                fprintf(stderr, "nightshift-coordinator: %s\n", error.text);
                return 2;
        }
        if (r == 0)
                r = daemon_new(&config, &daemon, &error);
        if (r < 0)
                log_error("main", "%s", error.text);
        else
                r = daemon_run(daemon);
        daemon_free(&daemon);
        config_free(&config);
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
