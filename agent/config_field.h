/* The keys of a service in the agent's configuration, as tables: each row is a key, its type, its bounds, its help and
 * where its value lies in the struct (struct service for most); a section has a table of its own. The tables
 * (config_service_keys.c) drive the reader, the manual page and what frees a service. Errors name file, line, key and what was
 * expected. */
#pragma once

#include "proto/yaml_config.h"

struct yaml_node_s;

enum config_field_type {
        FIELD_SECTION,
        FIELD_TEXT,
        FIELD_PATH,
        FIELD_UNIT,     /* "payments.service", or the template "ledger@.service" */
        FIELD_TEMPLATE, /* "ledger@.service" */
        FIELD_WORD,
        FIELD_ARGV,
        FIELD_ADDRESSES,
        FIELD_INTEGER,
        FIELD_BYTES,
        FIELD_DURATION,
        FIELD_LIST, /* of mappings, by functions of its own */
};

/* How a list is read, freed and described; `to` is where its value lies. */
struct config_list {
        int (*read)(struct yaml_config_reader *reader, struct yaml_node_s *node, const char *path, void *to);
        void (*free)(void *to);
        void (*manual)(const char *path);
};

struct config_field {
        const char *name;
        enum config_field_type type;
        size_t offset; /* of a section: where to note that it is there; 0: nowhere */
        bool required;
        int64_t min, max;
        const char *words;   /* those that a FIELD_WORD may be, separated by '|' */
        const char *drivers; /* that need this key: words of the section's key `driver`, separated by '|' */
        const struct config_field *fields;
        size_t count;
        const struct config_list *list;
        const char *help;
};

/* config_service_keys.c */
extern const struct config_field config_service_keys[];
extern const size_t config_service_keys_count;

/* Reads a mapping into a struct by a table. */
MUST_CHECK int config_field_read(struct yaml_config_reader *reader, const struct config_field *fields, size_t count,
                                 struct yaml_node_s *node, const char *path, void *to);
void config_field_free(const struct config_field *fields, size_t count, void *to);
/* Writes the keys below `path` as part of a manual page. */
void config_field_manual(const struct config_field *fields, size_t count, const char *path);
