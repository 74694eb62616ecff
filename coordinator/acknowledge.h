/* `nightshift acknowledge ID`: that a person has seen a page, all pages of an incident, or an action that is stuck.
 *
 * Of a page it is no decision, and works while the audit log takes no entries. Of an action it is one, which does not work
 * then; its page is silenced nevertheless, for that is all that whoever was woken by it can do. */
#pragma once

#include "coordinator/queries.h"

struct conduct;
struct people;
struct signature_set;

/* `by` is who says it. The answer is a sentence or two. QUERY_DONE: all of it took effect. *ret_paged, set in any case: a page
 * was acknowledged, which is for the log. */
enum query_status acknowledge(struct people *people, struct conduct *conduct, const struct signature_set *signatures, int64_t wall,
                              const struct wire_query *query, const char *by, struct text *out, bool *ret_paged);
