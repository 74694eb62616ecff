/* Records as the predicates of audit entries. Doubles do not occur in what is decided by; times are nanoseconds
 * and digests hexadecimal, both as strings, so that no reader of JSON rounds them. */
#pragma once

#include "coordinator/audit.h"
#include "coordinator/record.h"

/* The entry's kind. */
enum audit_kind record_audit_kind(const struct record *record);
/* The caller frees it with json_decref(). NULL: no memory, or a text that is not UTF-8 after all. */
json_t *record_to_json(const struct record *record);
/* -EBADMSG: it is no record, or one of a version that is not known; -ENOMEM. The plan's digest is made anew and
 * must be the one that stands there. */
MUST_CHECK int record_from_json(const json_t *json, struct record *ret_record);
