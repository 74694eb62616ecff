/* The identities of a session: equal names share one. An id is never reused, also not after its
 * identity was forgotten. The cgroup is not told apart: a login session has another one each time. */
#pragma once

#include "agent/identity.h"

/* Zero is empty. */
struct identities {
        struct summary_identity *items; /* by rising id */
        size_t count, size;
        uint32_t *index; /* by names: position + 1; open addressing */
        size_t index_size;
        uint8_t *marks; /* parallel to items between identities_mark_begin() and identities_collect() */
        uint32_t last_id;
};

void identities_free(struct identities *identities);
/* The id of these names, a new one if need be. -ENOMEM. */
MUST_CHECK int identities_intern(struct identities *identities, const struct identity *identity, uint32_t *ret_id);
/* NULL if there is none of this id; valid until the next identities_intern() or identities_collect(). */
const struct summary_identity *identities_get(const struct identities *identities, uint32_t id);

MUST_CHECK int identities_mark_begin(struct identities *identities);
void identities_mark(struct identities *identities, uint32_t id);
bool identities_marked(const struct identities *identities, uint32_t id);
/* Forgets what was not marked. */
void identities_collect(struct identities *identities);
