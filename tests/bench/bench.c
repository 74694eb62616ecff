/* Measures what is promised of cost and scale, and prints each figure beside its bound:
 *
 *   bench [--build FOLDER] [--rounds N] [--seconds N] [services|connections|kernel|agent|scale|replay|history|audit]...
 *
 * The exit status is 1 if a figure is over its bound; inconclusive ones do not fail it. */
#include "tests/bench/cost.h"
#include "tests/bench/figure.h"
#include "tests/bench/world.h"

#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

static const struct {
        const char *name;
        void (*run)(const struct cost_options *options);
} groups[] = {
        { "kernel", cost_kernel }, { "connections", cost_connections }, { "services", cost_services }, { "agent", cost_agent },
        { "scale", cost_scale },   { "replay", cost_replay },           { "history", cost_history },   { "audit", cost_audit },
};

static bool is_wanted(const char *name, int argc, char **argv)
{
        if (argc == 0)
                return true;
        for (int i = 0; i < argc; i++)
                if (strcmp(argv[i], name) == 0)
                        return true;
        return false;
}

static void describe(const struct cost_options *options)
{
        struct utsname name;
        double load = 0;

        (void)uname(&name);
        (void)getloadavg(&load, 1);
        printf("Linux %s, %ld processors, load %.2f; blocks of 250 ms, at least %u pairs; intervals are of 95 %%\n\n", name.release,
               sysconf(_SC_NPROCESSORS_ONLN), load, 2 * options->rounds);
}

static void remove_folder(const char *folder)
{
        char command[PATH_MAX + 16];

        snprintf(command, sizeof(command), "rm -rf '%s'", folder);
        if (system(command) != 0)
                fprintf(stderr, "%s could not be removed\n", folder);
}

int main(int argc, char **argv)
{
        static const struct option known[] = { { "build", required_argument, NULL, 'b' },
                                               { "rounds", required_argument, NULL, 'r' },
                                               { "seconds", required_argument, NULL, 's' },
                                               { "keep", no_argument, NULL, 'k' },
                                               { 0 } };
        struct cost_options options = { .rounds = 50, .seconds = 120 };
        char folder[] = "/tmp/nightshift-bench.XXXXXX", build[PATH_MAX];
        const char *why = NULL, *path = "build";
        bool keep = false;
        int option, failed;

        while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
                switch (option) {
                case 'b':
                        path = optarg;
                        break;
                case 'r':
                        options.rounds = (uint32_t)MAX(atoi(optarg), 1);
                        break;
                case 's':
                        options.seconds = (uint32_t)MAX(atoi(optarg), 1);
                        break;
                case 'k':
                        keep = true;
                        break;
                default:
                        return 2;
                }
        }
        if (!realpath(path, build) || world_enter(&why) < 0) {
                fprintf(stderr, "bench: %s\n", why ? why : "no such build folder");
                return 1;
        }
        if (!mkdtemp(folder)) {
                perror("bench: mkdtemp");
                return 1;
        }
        options.folder = folder;
        options.build = build;
        describe(&options);
        for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
                if (is_wanted(groups[i].name, argc - optind, argv + optind))
                        groups[i].run(&options);
        failed = figures_print();
        if (keep)
                fprintf(stderr, "logs are in %s\n", folder);
        else
                remove_folder(folder);
        return failed ? 1 : 0;
}
