/* Which identity an owner of sockets has. An identity's id is unique in the session and never
 * reused; equal names share one. An owner keeps its identity for as long as it is known, and an owner
 * that nothing refers to any more is forgotten when room is needed.
 *
 * Bounded: past OWNERS_MAX owners in use, new ones get the identity "unknown". */
#pragma once

#include "agent/identity.h"
#include "bpf/event.h"

#define OWNERS_MAX 32768

struct owners;

/* `matches` stays the caller's and must outlive the owners, or be replaced by owners_reconfigure. */
MUST_CHECK int owners_new(const struct service_match *matches, const char *proc, struct owners **ret_owners);
void owners_free(struct owners **owners);

/* Takes the names of an owner. *ret_changed is true if it was known by another identity before. */
MUST_CHECK int owners_learn(struct owners *owners, const struct event_owner_named *event, bool *ret_changed);

/* The identity of an owner. One that was never named is looked up by `pid` in /proc if that is not 0,
 * and is "unknown" otherwise. Never 0. */
uint32_t owners_identity(struct owners *owners, const struct event_owner *owner, uint32_t pid);

/* The identity of owners without a name. */
uint32_t owners_unknown(const struct owners *owners);

/* Names every owner anew by other matches; those seen only by event keep what was learnt. */
MUST_CHECK int owners_reconfigure(struct owners *owners, const struct service_match *matches);

/* The identity with this id; NULL if there is none. */
const struct summary_identity *owners_get(const struct owners *owners, uint32_t id);

/* When there are many: forgets the owners and identities that were not marked since owners_mark_begin().
 * owners_crowded() says whether that is due. */
bool owners_crowded(const struct owners *owners);
MUST_CHECK int owners_mark_begin(struct owners *owners);
void owners_mark(void *owners, uint32_t id);
void owners_collect(struct owners *owners);
