/* What an entry of the audit log says: an in-toto statement (version 1) whose predicate is ours,
 *
 *   {"_type":"https://in-toto.io/Statement/v1",
 *    "predicate":{"action":ID,"at":TIME,"data":OBJECT,"incident":ID},
 *    "predicateType":"urn:nightshift:audit:KIND:v1",
 *    "subject":[{"digest":{"sha256":HEX},"name":"data"},{"digest":{"sha256":HEX},"name":"evidence"}]}
 *
 * in canonical form: keys sorted, no blanks, as jansson writes it; `action`, `incident` and the subject
 * `evidence` are left out where there is none. The digest of `data` is that of its canonical form, that of
 * `evidence` names a file of the log. TIME is RFC 3339 in UTC with nanoseconds. */
#pragma once

#include "coordinator/audit.h"
#include "coordinator/digest.h"

/* The caller frees. -EINVAL: the record's predicate is no object, or not UTF-8. */
MUST_CHECK int statement_make(const struct audit_record *record, const uint8_t evidence[DIGEST_SIZE], char **ret_text,
                              size_t *ret_size);

struct statement {
        enum audit_kind kind;
        int64_t at;
        json_t *root; /* what the rest points into */
        const json_t *data;
        const char *incident, *action, *evidence; /* NULL: none */
};
/* -EBADMSG: it is no such statement, or not in canonical form. */
MUST_CHECK int statement_parse(const char *text, size_t size, struct statement *ret_statement);
void statement_free(struct statement *statement);
