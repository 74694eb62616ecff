/* nightshift-agent: the program on every node. */
#include "agent/daemon.h"
#include "proto/log.h"

#include <stdio.h>

int main(int argc, char **argv)
{
        struct daemon daemon = { 0 };
        const char *why = NULL;

        if (options_parse(argc, argv, &daemon.options, &why) < 0) {
                fprintf(stderr, "nightshift-agent: %s\nTry 'nightshift-agent --help'.\n", why);
                return 2;
        }
        if (daemon.options.help || daemon.options.version || daemon.options.manual) {
                if (daemon.options.manual)
                        config_manual();
                else
                        fputs(daemon.options.help ? options_help : "nightshift-agent " NIGHTSHIFT_VERSION "\n", stdout);
                return fflush(stdout) == 0 ? 0 : 1;
        }
        log_set_level(daemon.options.verbose ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO);
        return daemon_run(&daemon) < 0 ? 1 : 0;
}
