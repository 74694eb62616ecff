/* Configuration files from one table: key, type, default, range and help. The same table reads the
 * file, frees what was read, and writes the manual page, so that they cannot disagree.
 *
 * A file is a YAML mapping; "tls.ca" in the table is the key `ca` in the mapping `tls`. What is wrong
 * is reported as "FILE:LINE: KEY: expected this, found that": an unknown or repeated key, a value of
 * another type or out of range. On libyaml's documents rather than libcyaml, to which durations, sizes,
 * ranges and the sentence of what was expected are foreign. */
#pragma once

#include "proto/base.h"

struct yaml_document_s;
struct yaml_node_s;

enum yaml_config_type {
        YAML_CONFIG_STRING,   /* char *; NULL if absent without default */
        YAML_CONFIG_STRINGS,  /* struct yaml_config_strings: a sequence, or one scalar */
        YAML_CONFIG_BOOL,     /* bool */
        YAML_CONFIG_INTEGER,  /* int64_t */
        YAML_CONFIG_COUNT,    /* uint32_t; `min` and `max` are needed */
        YAML_CONFIG_RATIO,    /* double: 0.25 or 25%; `min` and `max` in millionths */
        YAML_CONFIG_BYTES,    /* uint64_t, as bytes_parse() */
        YAML_CONFIG_DURATION, /* int64_t nanoseconds, as duration_parse() */
        YAML_CONFIG_CUSTOM,   /* read by `custom`, freed by the owner */
};

struct yaml_config_strings {
        char **items;
        size_t count;
};

struct yaml_config_reader;

struct yaml_config_key {
        const char *name;
        enum yaml_config_type type;
        size_t offset;       /* into the caller's struct */
        const char *initial; /* default, as it would be written in a file; NULL: zero */
        int64_t min, max;    /* of numbers, bytes and durations; both 0: any */
        bool reloadable;     /* taken over by SIGHUP; otherwise at the next start */
        const char *help;    /* one or two sentences for the manual page */
        /* Of texts: NULL for a good one, else what was expected in its place. */
        const char *(*expected)(const char *text);
        /* With yaml_config_fail() for errors; `config` is the caller's struct. */
        int (*custom)(struct yaml_config_reader *reader, struct yaml_node_s *node, const char *path, void *config);
};

/* One line, without a line break. */
struct yaml_config_error {
        char text[512];
};

/* Fills `config`, which holds nothing yet, with the defaults. -ENOMEM. */
MUST_CHECK int yaml_config_defaults(const struct yaml_config_key *keys, size_t count, void *config);
/* Reads `path` over the defaults. On failure `config` must still be freed. -ENOENT: no such file;
 * -EBADMSG, -EACCES, ...: see the error. */
MUST_CHECK int yaml_config_load(const char *path, const struct yaml_config_key *keys, size_t count, void *config,
                                struct yaml_config_error *ret_error);
/* The same for a text that was read already; `name` is what errors call it. */
MUST_CHECK int yaml_config_parse(const char *name, const char *text, size_t size, const struct yaml_config_key *keys, size_t count,
                                 void *config, struct yaml_config_error *ret_error);
void yaml_config_free(const struct yaml_config_key *keys, size_t count, void *config);
/* The line on which `key` ("tls.ca") stands in the file; 0 where it does not, or cannot be read. For what is wrong with
 * several keys together. */
size_t yaml_config_line(const char *path, const char *key);
/* Writes the keys as the body of a manual page (mdoc) to standard output. */
void yaml_config_manual(const struct yaml_config_key *keys, size_t count);

/* For custom readers: the document, and the sentence of a failure at a node; returns -EBADMSG. */
struct yaml_document_s *yaml_config_document(struct yaml_config_reader *reader);
int yaml_config_fail(struct yaml_config_reader *reader, const struct yaml_node_s *node, const char *path, const char *format, ...)
        PRINTF_LIKE(4, 5);
