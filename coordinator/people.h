/* People: tickets for those who read in the morning, pages for what cannot wait. Joins what decides (tickets.h, needs.h,
 * pages.h, notices.h) with what does it (ticket_write.h, notices_files.h, webhook.h, page_command.h), on the daemon's loop.
 *
 * No server and no command that is slow or gone holds up the daemon or what is decided there: what fails is logged, once, and
 * tried again. Files do: tickets and what waits are synced, and secrets, templates and certificates read, on the daemon's own
 * thread. All of them have to be on a local disk; a network file system that hangs would stop the daemon. */
#pragma once

#include "coordinator/config.h"
#include "coordinator/queries.h"

struct conduct;
struct core;
struct loop;
struct people;
struct signature_set;

/* `config` must outlive it and may change between calls; people_configured() then. -ENOMEM. */
MUST_CHECK int people_new(struct loop *loop, const char *state_dir, const struct people_config *config, struct people **ret_people);
void people_free(struct people **people);
void people_configured(struct people *people);

/* About once a second, while the core is not at work. */
void people_tick(struct people *people, struct core *core, const struct signature_set *signatures, const struct conduct *conduct,
                 int64_t wall, int64_t monotonic);

/* The page of this id, or all of an incident's, are acknowledged; the answer is a sentence. QUERY_NO_SUCH. */
enum query_status people_acknowledge(struct people *people, int64_t wall, const char *id, const char *by, const char *why,
                                     struct text *out);
/* The answer to `pages`. */
enum query_status people_answer_pages(const struct people *people, int64_t wall, struct text *out, const char **ret_type);
