/* The answers to `audit list` and `audit show`. */
#pragma once

#include "coordinator/audit.h"
#include "coordinator/queries.h"

/* Arguments: `incident`, `action`, `kind`; `from` (index), `last` (how many at most, 1 to 10,000; 1,000). */
enum query_status audit_answer_list(struct audit *audit, int64_t now, const struct wire_query *query, struct text *out,
                                    const char **ret_type);
/* Argument: `index`. */
enum query_status audit_answer_show(struct audit *audit, int64_t now, const struct wire_query *query, struct text *out,
                                    const char **ret_type);
