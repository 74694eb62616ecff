/* The agent's link to the coordinator. It runs in a child of its own that holds no capabilities and
 * is the only part of the agent that parses what comes from the network; nng lives there. Towards
 * the agent it is a SOCK_SEQPACKET pair on which the child accepts packed summaries and returns
 * fixed-size messages, so that nothing from the network is parsed by the privileged side.
 *
 * Delivery: a summary is sent until it is acknowledged or dropped because a newer one holds the same
 * rows; at most a few are in flight. Reconnects with jitter. If the coordinator refuses us, its
 * reason (or what TLS found wrong) is logged by the child, rate-limited. */
#pragma once

#include "agent/checkpoint.h"
#include "agent/executor_wire.h"
#include "proto/base.h"
#include "proto/loop.h"
#include "proto/note.h"
#include "proto/wire.h"

struct uplink_options {
        const char *url; /* tcp://127.0.0.1:7337 (loopback only) or tls+tcp://host:port */
        const char *host;
        const char *ca_file, *certificate_file, *key_file; /* with tls+tcp only; read before privileges go */
        const char *user;                                  /* to become; NULL keeps the user (when not root) */
        const struct note_key *audit_keys;                 /* of the coordinator's audit log; none: it is not told by them */
        size_t audit_keys_count;
        struct checkpoint_file checkpoint; /* that was seen last */
};

/* NULL if `url` can be that of a coordinator, else what was expected in its place. */
const char *uplink_url_expected(const char *url);

struct uplink;

enum uplink_event_kind {
        UPLINK_CONNECTED = 1,
        UPLINK_DISCONNECTED,
        UPLINK_ACKNOWLEDGED, /* sequence, coordinator, resync, pause_ms */
        UPLINK_COMMAND,      /* id, command, threshold | tier, until, service */
        UPLINK_ORDER,        /* a struct uplink_order instead */
};

/* What comes back from the child: numbers, and one bounded name. */
struct uplink_event {
        uint32_t kind;
        uint32_t command;
        uint64_t id;
        uint64_t session, sequence, coordinator;
        uint32_t resync, pause_ms;
        uint32_t threshold, tier;
        int64_t until;
        char service[128];
};

/* What the child found of the checkpoint that came with an order. */
enum uplink_order_verdict {
        UPLINK_ORDER_GOOD = 1, /* the audit log continues the one that was seen last; `checkpoint`, if it is a new one, is to
                                * be kept before anything is done */
        UPLINK_ORDER_REFUSED,  /* it does not: `why` */
        UPLINK_ORDER_UNPROVEN, /* that cannot be told from this order: it counts as not given */
};

/* An order for an action, as the coordinator gave it: numbers, and the name of a service, by which the agent finds it
 * in its own file. `order` has no service and no targets yet. */
struct uplink_target {
        int64_t started; /* wall clock, as the agent said it */
        uint64_t build;
        uint32_t pid, padding;
};
struct uplink_order {
        uint32_t kind; /* UPLINK_ORDER */
        uint32_t padding;
        uint64_t id;
        char service[ACTION_SERVICE_SIZE];
        struct uplink_target targets[ACTION_TARGETS_MAX];
        struct executor_order order;
        uint32_t verdict;
        uint32_t checkpoint_size; /* 0: the one that is kept */
        uint64_t log_size;
        char why[128];
        char checkpoint[ACTION_CHECKPOINT_MAX]; /* opaque: for the next child */
};

typedef void (*uplink_function)(void *data, const struct uplink_event *event);
typedef void (*uplink_order_function)(void *data, const struct uplink_order *order);

/* Forks the child; call it before anything privileged is loaded, and before other threads exist.
 * -EINVAL with a sentence for a URL or file that cannot work. */
MUST_CHECK int uplink_fork(const struct uplink_options *options, uint64_t session, struct uplink **ret_uplink,
                           const char **ret_why);
/* Watches the child; a child that dies is forked again with a delay. */
MUST_CHECK int uplink_attach(struct uplink *uplink, struct loop *loop, uplink_function function, void *data);
/* Who is given orders; before that they are taken and forgotten. */
void uplink_on_order(struct uplink *uplink, uplink_order_function function, void *data);
/* The checkpoint of an order was kept: the next child goes on from it. */
void uplink_kept(struct uplink *uplink, const struct uplink_order *order);
/* Whether there is one to go on from. */
bool uplink_has_checkpoint(const struct uplink *uplink);
/* What the child took for granted did not come about: it is started again, from what was kept. */
void uplink_end_child(struct uplink *uplink);
/* The child's process id, or 0 while there is none: its memory and time are the agent's. */
int uplink_pid(const struct uplink *uplink);
/* Ends the child: waits up to `grace_ns` for acknowledgements of what was sent. */
void uplink_free(struct uplink **uplink, int64_t grace_ns);

/* Takes a packed summary. -EAGAIN if the child is behind: keep the rows dirty and send later. */
MUST_CHECK int uplink_send(struct uplink *uplink, uint64_t sequence, const uint8_t *message, size_t size);
/* Tells the child that commands up to `id` were carried out. */
MUST_CHECK int uplink_done(struct uplink *uplink, uint64_t id);
