#include "coordinator/remedy.h"

#include <string.h>

struct move {
        enum remedy_state to;
        uint32_t movers;
};

static const struct {
        const char *name;
        bool over, in_flight;
        struct move next[6]; /* ended by no movers */
} states[REMEDY_STATES] = {
        [REMEDY_PROPOSED] = { "proposed", .next = { { REMEDY_APPROVED, MOVER_PERSON | MOVER_PLANNER },
                                                    { REMEDY_REJECTED, MOVER_PERSON },
                                                    { REMEDY_WITHDRAWN, MOVER_PLANNER | MOVER_CLOCK } } },
        [REMEDY_APPROVED] = { "approved", .next = { { REMEDY_INTENDED, MOVER_PLANNER },
                                                    { REMEDY_REJECTED, MOVER_PERSON },
                                                    { REMEDY_WITHDRAWN, MOVER_PLANNER | MOVER_CLOCK } } },
        /* An answer to what was dispatched before a restart finds it intended. */
        [REMEDY_INTENDED] = { "intended", .in_flight = true,
                              .next = { { REMEDY_DISPATCHED, MOVER_PLANNER },
                                        { REMEDY_APPLIED, MOVER_AGENT },
                                        { REMEDY_REFUSED, MOVER_AGENT },
                                        { REMEDY_CLOSED, MOVER_AGENT },
                                        { REMEDY_REVERTING, MOVER_PERSON | MOVER_AGENT | MOVER_CLOCK } } },
        [REMEDY_DISPATCHED] = { "dispatched", .in_flight = true,
                                .next = { { REMEDY_APPLIED, MOVER_AGENT },
                                          { REMEDY_REFUSED, MOVER_AGENT },
                                          { REMEDY_CLOSED, MOVER_AGENT },
                                          { REMEDY_REVERTING, MOVER_PERSON | MOVER_AGENT | MOVER_CLOCK } } },
        [REMEDY_APPLIED] = { "applied", .in_flight = true,
                             .next = { { REMEDY_VERIFIED, MOVER_VERIFIER },
                                       { REMEDY_FALSIFIED, MOVER_VERIFIER },
                                       { REMEDY_UNKNOWN, MOVER_VERIFIER | MOVER_CLOCK },
                                       { REMEDY_REVERTING, MOVER_PERSON | MOVER_AGENT } } },
        [REMEDY_VERIFIED] = { "verified", .next = { { REMEDY_INTENDED, MOVER_PLANNER },
                                                    { REMEDY_REVERTING, MOVER_PERSON },
                                                    { REMEDY_CLOSED, MOVER_PLANNER } } },
        [REMEDY_FALSIFIED] = { "falsified", .in_flight = true,
                               .next = { { REMEDY_REVERTING, MOVER_PLANNER }, { REMEDY_CLOSED, MOVER_PLANNER } } },
        [REMEDY_UNKNOWN] = { "unknown", .in_flight = true,
                             .next = { { REMEDY_REVERTING, MOVER_PLANNER }, { REMEDY_CLOSED, MOVER_PLANNER } } },
        [REMEDY_REVERTING] = { "reverting", .in_flight = true,
                               .next = { { REMEDY_REVERTED, MOVER_AGENT }, { REMEDY_STUCK, MOVER_AGENT | MOVER_CLOCK } } },
        [REMEDY_REVERTED] = { "reverted", .over = true },
        /* It is in flight until somebody looked: nothing else is done in its cone. */
        [REMEDY_STUCK] = { "stuck", .over = true, .in_flight = true, .next = { { REMEDY_CLOSED, MOVER_PERSON } } },
        [REMEDY_CLOSED] = { "closed", .over = true,
                            .next = { { REMEDY_REVERTING, MOVER_PERSON }, { REMEDY_REVERTED, MOVER_AGENT } } }, /* a lease ended */
        [REMEDY_REJECTED] = { "rejected", .over = true },
        [REMEDY_WITHDRAWN] = { "withdrawn", .over = true },
        [REMEDY_REFUSED] = { "refused", .over = true },
};

bool remedy_may(enum remedy_state from, enum remedy_state to, uint32_t mover)
{
        for (size_t i = 0; i < ARRAY_SIZE(states[from].next) && states[from].next[i].movers; i++)
                if (states[from].next[i].to == to)
                        return states[from].next[i].movers & mover;
        return false;
}

const char *remedy_state_name(enum remedy_state state)
{
        return states[state].name;
}

bool remedy_state_find(const char *name, enum remedy_state *ret_state)
{
        for (int i = 0; i < REMEDY_STATES; i++)
                if (strcmp(states[i].name, name) == 0) {
                        *ret_state = (enum remedy_state)i;
                        return true;
                }
        return false;
}

bool remedy_is_over(enum remedy_state state)
{
        return states[state].over;
}

bool remedy_is_in_flight(enum remedy_state state)
{
        return states[state].in_flight;
}
