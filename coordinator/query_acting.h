/* Questions about acting, and the words by which people steer it. */
#pragma once

#include "coordinator/queries.h"

struct conduct;
struct view;

/* `actions` and `authority`. */
bool query_is_of_acting(const char *verb);
enum query_status query_of_acting(const struct conduct *conduct, int64_t now, const struct wire_query *query, struct text *out);

/* The verbs that decide something, only for who may: approve, reject, undo, acknowledge (`action`), pause,
 * resume, grant, cap (`signature`, `action`, `environment`, `rung`, `for`), maintenance, freeze, opt-out, opt-in;
 * all of them with `why`. `by` is who says it. The answer is a sentence. `acknowledge` is of the action alone: acknowledge.h
 * sees to its page, too. */
bool query_is_word(const char *verb);
/* "" where it was not given. */
const char *query_argument(const struct wire_query *query, const char *name);
enum query_status query_word(struct conduct *conduct, const struct signature_set *signatures, int64_t now,
                             const struct wire_query *query, const char *by, struct text *out);

/* Adds to a view what acting knows: the states of incidents. */
void query_add_acting(const struct conduct *conduct, struct view *view);
