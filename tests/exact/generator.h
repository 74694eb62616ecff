/* The modes of the generator; each gets the arguments that follow its name and returns an exit status. */
#pragma once

struct generator_mode {
        const char *name;
        int (*run)(int argc, char **argv);
        const char *help;
};

int mode_serve(int argc, char **argv);
int mode_load(int argc, char **argv);
int mode_storm(int argc, char **argv);
int mode_fail(int argc, char **argv);
int mode_abort(int argc, char **argv);
int mode_hang(int argc, char **argv);
int mode_mute(int argc, char **argv);

/* "--name VALUE" among the arguments, else `fallback`. */
const char *option(int argc, char **argv, const char *name, const char *fallback);
long option_number(int argc, char **argv, const char *name, long fallback);
