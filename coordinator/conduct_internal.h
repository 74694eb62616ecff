/* What the files of acting in the daemon share: conduct.c decides, conduct_orders.c has agents told and takes their
 * answers. */
#pragma once

#include "coordinator/acting_commit.h"
#include "coordinator/conduct.h"
#include "coordinator/dispatch.h"
#include "coordinator/outbox.h"

struct host;

struct conduct {
        const struct core *core;
        struct acting *acting;
        struct audit *audit;
        struct ledger ledger;
        struct pace pace;
        uint64_t epoch;
        uint64_t latest; /* incident that was looked at */
        int64_t looked_at;
        struct outbox *outbox;
        bool waits; /* there is something in it */
        void (*news)(void *data);
        void *news_data;
        int64_t began;
        bool settled;
        /* What the commands of the last answer point to. */
        struct dispatch dispatches[OUTBOX_OF_HOST];
        struct action_digest proof[ACTION_CONSISTENCY_MAX];
        bool followed;        /* all that it says is in `acting` */
        bool damaged;         /* what the log says cannot be followed */
        struct policy policy; /* as it is configured */
        struct log_index *index;
        uint64_t indexed;     /* entries below are in it */
        uint32_t sick, hosts; /* where so many look sick that the observer is suspect */
};

/* What leads, as far as it does not depend on what is seen. */
struct scene conduct_bare_scene(const struct conduct *conduct);
void conduct_look_and_step(struct conduct *conduct, int64_t now);

/* conduct_orders.c. How many answers of the host's agent were news, or -errno of the log. */
MUST_CHECK int conduct_take_answers(struct conduct *conduct, const struct host *host, int64_t now);
/* Puts what is due by this scene into the outbox. */
void conduct_dispatch(struct conduct *conduct, int64_t now, const struct scene *scene);
