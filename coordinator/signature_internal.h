/* What the readers of a signature share. A path is how an error calls what it speaks of: "against[2].by",
 * lists counted from 1. Failures are sentences by yaml_config_fail(). */
#pragma once

#include "coordinator/signature.h"
#include "proto/yaml_config.h"

#include <yaml.h>

#define SIGNATURE_PATH_SIZE 96
#define SIGNATURE_WINDOW_MAX (14 * 86400 * NSEC_PER_SEC)

/* signature_fields.c: the nodes of a mapping by the names of its keys; NULL where one is not given. A key
 * that has no name among them, or comes twice, is refused. */
MUST_CHECK int signature_fields(struct yaml_config_reader *reader, yaml_node_t *node, const char *path, const char *const *names,
                                size_t count, yaml_node_t **ret_nodes);
/* Fails unless `node` is a list of 1 to `max`; then returns how many, and item() each. */
MUST_CHECK int signature_list(struct yaml_config_reader *reader, const yaml_node_t *node, const char *path, size_t max,
                              size_t *ret_count);
yaml_node_t *signature_list_item(struct yaml_config_reader *reader, const yaml_node_t *node, size_t index);
/* A scalar that is not empty; it lives as long as the document. */
MUST_CHECK int signature_text(struct yaml_config_reader *reader, const yaml_node_t *node, const char *path, const char *expected,
                              const char **ret_text);
/* A line for people, of SIGNATURE_TEXT_MAX bytes at most. */
MUST_CHECK int signature_sentence(struct yaml_config_reader *reader, const yaml_node_t *node, const char *path, char *ret_text);
MUST_CHECK int signature_span(struct yaml_config_reader *reader, const yaml_node_t *node, const char *path, int64_t max,
                              int64_t *ret_ns);
MUST_CHECK int signature_signal(struct yaml_config_reader *reader, const yaml_node_t *node, const char *path, enum subject subject,
                                enum signal *ret_signal);
MUST_CHECK int signature_cause(struct yaml_config_reader *reader, const yaml_node_t *node, const char *path, enum cause *ret_cause);

/* signature_item.c: the keys of an item, by the names of which its mapping is taken apart together with
 * others that the caller adds behind them. */
enum item_key { ITEM_SIGNAL, ITEM_SHAPE, ITEM_PARAMETERS, ITEM_KEYS = ITEM_PARAMETERS + PARAMETERS };
extern const char *const signature_item_keys[ITEM_KEYS];

enum item_use {
        ITEM_EVIDENCE,
        ITEM_AGAINST,   /* without anything that it explains: as evidence */
        ITEM_EXPLAINS,  /* `by` and `for` may be left to the evidence that it explains */
        ITEM_PREDICTED, /* has a deadline instead of a window */
};
MUST_CHECK int signature_item(struct yaml_config_reader *reader, yaml_node_t *node, yaml_node_t *const *nodes, const char *path,
                              enum subject subject, enum item_use use, struct signature_item *ret_item);

/* signature_read.c: the subject, which the file may name after what needs it. */
MUST_CHECK int signature_need_subject(struct yaml_config_reader *reader, const yaml_node_t *node, struct signature *signature);

/* signature_parts.c: for yaml_config_key.custom; `config` is a struct signature. */
int signature_read_evidence(struct yaml_config_reader *reader, yaml_node_t *node, const char *path, void *config);
int signature_read_against(struct yaml_config_reader *reader, yaml_node_t *node, const char *path, void *config);
int signature_read_breach(struct yaml_config_reader *reader, yaml_node_t *node, const char *path, void *config);
int signature_read_remedies(struct yaml_config_reader *reader, yaml_node_t *node, const char *path, void *config);
int signature_read_observe(struct yaml_config_reader *reader, yaml_node_t *node, const char *path, void *config);
