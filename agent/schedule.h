/* When the agent does what: pushes, sweeps and the duty cycle of the turnarounds tier. Pure: time is
 * an argument, monotonic nanoseconds. */
#pragma once

#include "proto/base.h"

/* Pushes of what is new. The first comes 50 ms after it was wanted, so that what comes together
 * travels together; then at most five a second, and one a second once ten were made in a row. */
struct schedule_push {
        int64_t last; /* the last push; 0: none yet */
        int64_t credit_at;
        uint32_t credit;
};

/* The moment at which a push that is wanted now may be made. Asking costs nothing. */
int64_t schedule_push_at(const struct schedule_push *push, int64_t now);
/* A push was made. */
void schedule_pushed(struct schedule_push *push, int64_t now);

/* Sweeps cost time in proportion to the open files of the host: at least `interval` apart, and so
 * far apart that they take at most 0.3 % of a core, but no further than ten minutes. */
#define SCHEDULE_SWEEP_SHARE 0.003

struct schedule_sweep {
        int64_t last;
        int64_t cost_ns; /* of the last one, in processor time */
};

bool schedule_sweep_due(const struct schedule_sweep *sweep, int64_t interval, int64_t now);
void schedule_swept(struct schedule_sweep *sweep, int64_t now, int64_t cost_ns);

/* The turnarounds tier is on for one second in twenty, or without a break while it is raised. */
#define SCHEDULE_DUTY_ON_NS NSEC_PER_SEC
#define SCHEDULE_DUTY_CYCLE_NS (20 * NSEC_PER_SEC)

/* A raise of the tier for a service, until a deadline on the wall clock. */
#define SCHEDULE_RAISES_MAX 16
#define SCHEDULE_RAISE_SIZE 160

struct schedule_raise {
        char service[SCHEDULE_RAISE_SIZE];
        uint32_t tier;
        int64_t until;
};

struct schedule_tier {
        bool always;   /* by configuration */
        int64_t phase; /* start of a cycle: hosts differ, so that not all measure at once */
        struct schedule_raise raises[SCHEDULE_RAISES_MAX];
};

/* Whether the tier is to be on now, and when to ask again. */
bool schedule_tier_on(struct schedule_tier *tier, int64_t now, int64_t wall, int64_t *ret_again);
/* Whether it is on for longer than a turn of the duty cycle: what is counted then is all there was. */
bool schedule_tier_raised(const struct schedule_tier *tier, int64_t wall);
/* The end of a raise that a command asks for: no further off than a coordinator may ask for. */
int64_t schedule_tier_until(int64_t until, int64_t wall);
/* tier <= 1 ends a raise. -ENOSPC: too many services are raised; -EINVAL: the deadline has passed. */
MUST_CHECK int schedule_tier_raise(struct schedule_tier *tier, const char *service, uint32_t level, int64_t until, int64_t wall);
