/* Which ticket is to be written now: one an incident, again whenever it has moved. Pure: facts and time (monotonic) are
 * arguments; the writing is in ticket_write.h.
 *
 * A ticket moves when the incident changes its state or its likeliest cause, when an action of it does, and with each entry
 * of the audit log about it. It is written at most every few seconds, and the last of quick moves is never lost. An incident
 * that was over before anybody could write of it has no ticket. */
#pragma once

#include "proto/base.h"

#define TICKET_FACTS_MAX 512 /* as many incidents as the core has */

struct acting;
struct core;
struct log_index;

struct ticket_fact {
        uint64_t incident;
        int64_t opened_at;
        bool open;
        int64_t breach_at; /* the earliest; 0: it cannot be said */
        const char *service, *signature;
        uint64_t revision; /* another one: it has moved */
};

/* Of all incidents, oldest first, at most `most`; texts live as long as the incidents. How many. */
size_t ticket_facts(const struct core *core, const struct acting *acting, const struct log_index *log,
                    struct ticket_fact *ret_facts, size_t most);

struct tickets;

MUST_CHECK int tickets_new(struct tickets **ret_tickets);
void tickets_free(struct tickets **tickets);
/* The revision that lies on the disk, from before a restart; 0: there is no ticket. Before it is asked for the incident. */
void tickets_found(struct tickets *tickets, const struct ticket_fact *fact, uint64_t revision);
bool tickets_knows(const struct tickets *tickets, const struct ticket_fact *fact);
/* As if it were new. */
void tickets_forget(struct tickets *tickets);
/* It has one already, from before or from now. */
bool tickets_has(const struct tickets *tickets, const struct ticket_fact *fact);
/* NULL: none is due. */
const struct ticket_fact *tickets_next(struct tickets *tickets, const struct ticket_fact *facts, size_t count, int64_t now);
void tickets_written(struct tickets *tickets, const struct ticket_fact *fact, int64_t now);
/* What cannot be written for this reason is the folder's fault, not one ticket's: -ENOSPC, -EDQUOT, -EROFS, -ENOENT. */
bool tickets_is_of_folder(int r);
/* It failed with `r`, and comes after the others; where it is the folder's fault all are left alone for a while. True: it is
 * worth saying, since this one did not fail before by itself. */
bool tickets_failed(struct tickets *tickets, const struct ticket_fact *fact, int r, int64_t now);
/* A notice of it was made. */
void tickets_note(struct tickets *tickets, const struct ticket_fact *fact);
bool tickets_noted(const struct tickets *tickets, const struct ticket_fact *fact);
