/* The life of a remedy, as one table: states, which may follow which, who may move it, and what its deadline
 * brings. A remedy is one plan for one incident, from the moment it is proposed until nothing of it is left to
 * do. It is carried out in waves; each goes from intended to verified by itself.
 *
 *   proposed   waits for somebody with authority
 *   approved   waits for room within the limits
 *   intended   the audit log has it, synced; an agent may be told
 *   dispatched an agent was told. Forgotten when the coordinator restarts: it is told again, by the same key
 *   applied    every agent of the wave answered, some changed something
 *   verified   the prediction came true for the wave
 *   falsified  it did not by its deadline; the diagnosis was wrong
 *   unknown    it cannot be told; that is no success
 *   reverting  what was changed is being undone
 *   reverted   and is undone
 *   stuck      it cannot be undone, or nobody knows: a person is paged, the action's class is frozen
 *   closed     nothing is left to do
 *   rejected, withdrawn, refused   ended before anything changed: by a person, by the coordinator, by the agents */
#pragma once

#include "proto/base.h"

enum remedy_state {
        REMEDY_PROPOSED,
        REMEDY_APPROVED,
        REMEDY_INTENDED,
        REMEDY_DISPATCHED,
        REMEDY_APPLIED,
        REMEDY_VERIFIED,
        REMEDY_FALSIFIED,
        REMEDY_UNKNOWN,
        REMEDY_REVERTING,
        REMEDY_REVERTED,
        REMEDY_STUCK,
        REMEDY_CLOSED,
        REMEDY_REJECTED,
        REMEDY_WITHDRAWN,
        REMEDY_REFUSED,
        REMEDY_STATES
};

/* Who moves it, as bits. */
enum remedy_mover {
        MOVER_PERSON = 1,
        MOVER_PLANNER = 2,  /* authority, limits and the course of a plan */
        MOVER_AGENT = 4,    /* a result */
        MOVER_VERIFIER = 8, /* a reading of the prediction */
        MOVER_CLOCK = 16,   /* its deadline */
};

bool remedy_may(enum remedy_state from, enum remedy_state to, uint32_t mover);
const char *remedy_state_name(enum remedy_state state);
bool remedy_state_find(const char *name, enum remedy_state *ret_state);
/* Nothing of it is left to do by itself. */
bool remedy_is_over(enum remedy_state state);
/* Something may have changed somewhere that is not verified yet. */
bool remedy_is_in_flight(enum remedy_state state);
