/* Questions: a verb and its arguments become a view of the core, and the view becomes text. The
 * control socket and the HTTP interface ask here. */
#pragma once

#include "coordinator/render.h"
#include "proto/wire.h"

struct conduct;
struct core;
struct signature_set;

/* Exit statuses of the CLI, which travel with an answer. */
enum query_status { QUERY_DONE = 0, QUERY_FAILED = 1, QUERY_USAGE = 2, QUERY_NO_SUCH = 3 };

/* `deployed`, the one verb that changes something: only for who may. The answer is the id. */
enum query_status query_announce(struct core *core, int64_t now, const struct wire_query *query, struct text *out);

/* Appends the answer, or the sentence of a failure, to `out`. Arguments: `service`, `host` (names),
 * `depth`, `at` (RFC 3339), `window` (duration), `format` (json, or dot for `graph`). `conduct` NULL: nobody acts.
 * `started_monotonic` below 0: there is no clock but the core's. *ret_type is static. */
enum query_status query_answer(struct core *core, const struct signature_set *signatures, const struct conduct *conduct,
                               int64_t now, int64_t started_monotonic, const struct wire_query *query, struct text *out,
                               const char **ret_type);
/* Whether it is answered without the graph: also while the core is at work, and never at length. */
bool query_is_brief(const char *verb);
