/* Makes connections of every kind and logs the truth about each; see truth.h. The executable's name is
 * the name of the service, so a test copies it under as many names as it wants services. */
#include "tests/exact/generator.h"
#include "tests/exact/truth.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

static int mode_truth(int argc, char **argv)
{
        (void)argc, (void)argv;
        truth_print(stdout);
        return 0;
}

static const struct generator_mode modes[] = {
        { "serve", mode_serve, "--listen A,B,... [--workers N]: serves until SIGTERM" },
        { "load", mode_load,
          "--to A,B,... --server NAME --count N [--seed S] [--mix all|plain|quick|FROM-TO] [--bytes MAX] [--ports LO-HI]" },
        { "storm", mode_storm, "--exec FILE,FILE --jobs N --parallel P [--seed S] -- ARGS: fork and exec FILE ARGS --seed S+i" },
        { "fail", mode_fail, "--to A,B,... --server NAME --count N [--parallel P] [--hold N]: connects that fail" },
        { "abort", mode_abort, "--to A --server NAME --count N --how close|kill|timeout: gives up before it opens" },
        { "hang", mode_hang,
          "--to A --server NAME --count N [--timeout MS]: opens, says 'ready', and after a line writes into the void" },
        { "mute", mode_mute, "--listen A --count N: connects to its own listener, never accepts, ends" },
        { "truth", mode_truth, ": prints the truth as JSON lines" },
};

const char *option(int argc, char **argv, const char *name, const char *fallback)
{
        for (int i = 0; i + 1 < argc && strcmp(argv[i], "--") != 0; i++) {
                if (strncmp(argv[i], "--", 2) == 0 && strcmp(argv[i] + 2, name) == 0)
                        return argv[i + 1];
        }
        return fallback;
}

long option_number(int argc, char **argv, const char *name, long fallback)
{
        const char *text = option(argc, argv, name, NULL);

        return text != NULL ? atol(text) : fallback;
}

int main(int argc, char **argv)
{
        signal(SIGPIPE, SIG_IGN);
        if (argc >= 2) {
                for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
                        if (strcmp(modes[i].name, argv[1]) == 0) {
                                truth_open();
                                return modes[i].run(argc - 2, argv + 2);
                        }
                }
        }
        for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
                fprintf(stderr, "%s %s\n", modes[i].name, modes[i].help);
        return 2;
}
