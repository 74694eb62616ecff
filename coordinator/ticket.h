/* A ticket: one incident as JSON for programs and as Markdown for people, both from the answer to `explain`. Pure but for
 * reading the graph. */
#pragma once

#include "coordinator/render.h"
#include "coordinator/tickets.h"

#include <jansson.h>

struct conduct;
struct core;
struct signature_set;

#define TICKET_NAME_SIZE 48

/* "20260501T020000Z-i12", by when it was opened: a number may come again when the history was lost. */
const char *ticket_name(const struct ticket_fact *fact, char ret_name[TICKET_NAME_SIZE]);
/* {"id", "state", "revision", "written_at", "service", "signature", "title", "as_of", "complete", "explain"}, of which
 * `explain` is all of that answer. The caller owns it. -ENOENT, -ENOMEM. */
MUST_CHECK int ticket_make(struct core *core, const struct signature_set *signatures, const struct conduct *conduct, int64_t now,
                           const struct ticket_fact *fact, json_t **ret_ticket);
MUST_CHECK int ticket_markdown(json_t *ticket, int64_t now, struct text *out);
