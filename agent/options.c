#include "agent/options.h"

#include "proto/units.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

const char options_help[] = "Usage: nightshift-agent [OPTION]...\n"
                            "Watches this machine's connections and services, and reports them to the coordinator.\n"
                            "\n"
                            "  --config FILE         configuration (default: /etc/nightshift/agent.yaml, if it is there)\n"
                            "  --state-dir DIR       where to keep state (default: /var/lib/nightshift/agent)\n"
                            "  --coordinator URL     tls+tcp://HOST:PORT, or tcp://127.0.0.1:PORT (default: tcp://127.0.0.1:7337)\n"
                            "  --host NAME           what this host is called (default: its own name)\n"
                            "  --interval SECONDS    how often counters are reported, 1 to 3600 (default: 10)\n"
                            "  --scope cgroup=PATH   watch only what runs below this cgroup\n"
                            "  --verbose             log what is done, too\n"
                            "  --help                show this help\n"
                            "  --version             show the version\n"
                            "\n"
                            "SIGHUP reads the configuration again, SIGTERM stops cleanly. It needs CAP_BPF, CAP_PERFMON and\n"
                            "CAP_NET_ADMIN, and to name other users' processes CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH.\n";

enum options_code {
        OPTION_CONFIG = 1,
        OPTION_STATE,
        OPTION_COORDINATOR,
        OPTION_HOST,
        OPTION_INTERVAL,
        OPTION_SCOPE,
        OPTION_HELP,
        OPTION_VERSION,
        OPTION_VERBOSE,
        OPTION_MANUAL
};

static const struct option options_long[] = {
        { "config", required_argument, NULL, OPTION_CONFIG },
        { "state-dir", required_argument, NULL, OPTION_STATE },
        { "coordinator", required_argument, NULL, OPTION_COORDINATOR },
        { "host", required_argument, NULL, OPTION_HOST },
        { "interval", required_argument, NULL, OPTION_INTERVAL },
        { "scope", required_argument, NULL, OPTION_SCOPE },
        { "help", no_argument, NULL, OPTION_HELP },
        { "version", no_argument, NULL, OPTION_VERSION },
        { "verbose", no_argument, NULL, OPTION_VERBOSE },
        { "manual-keys", no_argument, NULL, OPTION_MANUAL },
        { 0 },
};

static int fail(const char **ret_why, const char *format, const char *what)
{
        static char why[256];

        snprintf(why, sizeof(why), format, what);
        *ret_why = why;
        return -EINVAL;
}

static int take(struct options *o, int option, const char *value, const char **ret_why)
{
        switch (option) {
        case OPTION_CONFIG:
                o->config = value;
                break;
        case OPTION_STATE:
                o->state_dir = value;
                break;
        case OPTION_COORDINATOR:
                o->coordinator = value;
                break;
        case OPTION_HOST:
                if (!*value || strlen(value) > 253)
                        return fail(ret_why, "--host: expected a name of 1 to 253 characters, found '%.64s'", value);
                o->host = value;
                break;
        case OPTION_INTERVAL:
                if (duration_parse(value, &o->interval) < 0 || o->interval < NSEC_PER_SEC || o->interval > 3600 * NSEC_PER_SEC)
                        return fail(ret_why, "--interval: expected seconds from 1 to 3600, found '%.64s'", value);
                break;
        case OPTION_SCOPE:
                if (strncmp(value, "cgroup=", 7) != 0 || !value[7])
                        return fail(ret_why, "--scope: expected cgroup=PATH, found '%.64s'", value);
                o->scope = value + 7;
                break;
        case OPTION_HELP:
                o->help = true;
                break;
        case OPTION_VERSION:
                o->version = true;
                break;
        case OPTION_VERBOSE:
                o->verbose = true;
                break;
        case OPTION_MANUAL:
                o->manual = true;
                break;
        }
        return 0;
}

int options_parse(int argc, char *const argv[], struct options *ret_options, const char **ret_why)
{
        struct options o = { 0 };
        int option, r;

        opterr = 0;
        optind = 0; /* anew, whatever was parsed before */
        while ((option = getopt_long(argc, argv, "+:h", options_long, NULL)) != -1) {
                if (option == ':')
                        return fail(ret_why, "%.64s needs a value", argv[optind - 1]);
                if (option == '?')
                        return fail(ret_why, "there is no option %.64s", argv[optind - 1]);
                r = take(&o, option == 'h' ? OPTION_HELP : option, optarg, ret_why);
                if (r < 0)
                        return r;
        }
        if (optind < argc)
                return fail(ret_why, "unexpected argument '%.64s'", argv[optind]);
        *ret_options = o;
        return 0;
}
