/* What an operator sets for a process: its flags, its environment and its configuration files, as names
 * and digests. No value is kept or sent anywhere, and no part of one: where a flag could be a short one
 * with its value behind it ("-psecret"), only its first letter is its name.
 *
 * A digest is a keyed hash of name and value. The key stays on this host (settings_key.h): without it
 * a password cannot be found by trying all of them.
 *
 * What a supervisor or a shell sets anew for each process is no setting and left out: see the table in
 * settings.c. A process that wrote its title over its arguments or its environment (setproctitle) does
 * not tell them any more: then they are unknown, not empty. */
#pragma once

#include "proto/hash.h"
#include "proto/summary.h"

#define SETTINGS_MAX 256      /* of one process; what is more is not told apart */
#define SETTINGS_TEXT 131072u /* of arguments, of environment: a longer one is cut */
#define SETTING_NAME_SIZE 128

struct setting {
        enum setting_kind kind;
        char name[SETTING_NAME_SIZE];
        uint64_t digest;
};

struct settings {
        struct hash_key key;
        uint32_t unknown; /* as in struct summary_build */
        uint32_t count;
        char version[64]; /* that the environment declares */
        struct setting items[SETTINGS_MAX];
};

/* `text` is as in /proc/PID/cmdline and environ, of `size` bytes with one more NUL behind. `script` is
 * the argument that names the program, or NULL. */
void settings_arguments(struct settings *settings, const char *text, size_t size, const char *script);
void settings_environment(struct settings *settings, const char *text, size_t size);
void settings_file(struct settings *settings, const char *name, uint64_t digest);
/* True if a process wrote its title over its arguments. */
bool settings_retitled(const char *text, size_t size);
/* By kind and name; equal names become one. */
void settings_sort(struct settings *settings);
