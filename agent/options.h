/* The command line of the agent. */
#pragma once

#include "proto/base.h"

/* The texts belong to argv. */
struct options {
        const char *config;    /* NULL: the default file, if there is one */
        const char *state_dir; /* NULL: as configured; likewise below */
        const char *coordinator;
        const char *host;
        int64_t interval;  /* 0: as configured */
        const char *scope; /* path of a cgroup; NULL: everything */
        bool help, version, manual;
        bool verbose;
};

/* -EINVAL: wrong usage; *ret_why is then a sentence. */
MUST_CHECK int options_parse(int argc, char *const argv[], struct options *ret_options, const char **ret_why);
extern const char options_help[];
