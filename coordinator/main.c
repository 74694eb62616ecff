#include "coordinator/config.h"
#include "coordinator/daemon.h"
#include "proto/log.h"

#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

/* A look at the whole graph takes tens of megabytes for a moment. With thresholds of its own choice malloc()
 * keeps as much on its heap from then on. */
#define LARGE (1 << 20)

int main(int argc, char **argv)
{
        struct yaml_config_error error = { "" };
        struct daemon *daemon = NULL;
        struct config config = { 0 };
        int r;

        signal(SIGPIPE, SIG_IGN);
        (void)mallopt(M_MMAP_THRESHOLD, LARGE);
        (void)mallopt(M_TRIM_THRESHOLD, LARGE);
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
