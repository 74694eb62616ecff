/* Inside the uplink's child: the parts that share one loop on one thread. nng's threads do nothing
 * but leave a note in a pipe, which wakes the loop. */
#pragma once

#include "agent/uplink_internal.h"

#include <nng/nng.h>

struct arena;
struct link_child;

enum exchange_state {
        EXCHANGE_IDLE,      /* → SENDING */
        EXCHANGE_SENDING,   /* waits for a connection, then for the send; → RECEIVING, RESTING */
        EXCHANGE_RECEIVING, /* → IDLE, SENDING, RESTING */
        EXCHANGE_RESTING,   /* the message is sent again at `rest_until`; → SENDING */
};

/* One context of the REQ socket, and the request it is busy with. */
struct exchange {
        struct link_child *child;
        nng_ctx ctx;
        nng_aio *aio;
        uint32_t index;
        enum exchange_state state;
        uint8_t *message;
        size_t size;
        uint64_t sequence;
        int64_t sent, rest_until;
        int64_t patience_ns; /* for the reply */
};

#define LINK_POLL UPLINK_HELD_MAX /* the index of the long poll's exchange */

/* What nng's threads tell the loop. */
enum link_note_kind { LINK_NOTE_AIO = 1, LINK_NOTE_PIPE_UP, LINK_NOTE_PIPE_DOWN, LINK_NOTE_FAILED };
struct link_note {
        uint32_t kind;
        uint32_t value; /* an exchange's index, or a pipe's id */
};

struct link_child {
        const struct uplink_options *options;
        struct uplink_url url;
        uint64_t session;
        int fd; /* to the agent */
        struct loop *loop;
        struct loop_source *tick;
        bool ticking;
        struct arena *arena;

        nng_socket socket;
        nng_dialer dialer;
        bool dialing;
        nng_pipe pipe; /* id 0: not connected */
        int64_t dial_started, redial_at, connected_at, unconnected_since, complained;

        struct checkpoint_file kept; /* the last checkpoint of the coordinator's audit log */
        struct exchange exchanges[UPLINK_HELD_MAX + 1];
        uint64_t commands_seen, commands_done;
};

/* uplink_exchange.c */
MUST_CHECK int exchange_open(struct exchange *exchange, struct link_child *child, uint32_t index, int64_t patience_ns);
/* Takes the message over. */
void exchange_start(struct exchange *exchange, uint8_t *message, size_t size);
void exchange_again(struct exchange *exchange, int64_t delay_ns);
/* After a note that its operation ended. A reply is handed to link_reply(). */
void exchange_advance(struct exchange *exchange);
void exchange_done(struct exchange *exchange);
/* True if it rests and must be looked after. */
bool exchange_watch(struct exchange *exchange, int64_t now);

/* uplink_dial.c */
void link_dial(struct link_child *child);
/* Closes the dialer and dials again after about `delay_ns`. */
void link_redial(struct link_child *child, int64_t delay_ns);
/* Ends the present connection: nothing comes through it. nng connects anew. */
void link_hang_up(struct link_child *child);
void link_pipe_up(struct link_child *child, uint32_t id);
void link_pipe_down(struct link_child *child, uint32_t id);
void link_failed(struct link_child *child, const char *why);
/* Looks after what waits; returns true if there is more to look after. */
bool link_watch(struct link_child *child, int64_t now);

/* uplink_socket.c. True while TCP waits for the other side's first answer. */
bool link_is_connecting(void);
/* Lets the kernel end connections that are not acknowledged any more. */
void link_watch_for_silence(void);

/* uplink_child.c */
void link_note(uint32_t kind, uint32_t value);
void link_need_tick(struct link_child *child);
void link_tell(struct link_child *child, const struct uplink_event *event);
/* An order, whose dispatch the wire module has checked. */
void link_tell_order(struct link_child *child, const struct wire_command *command);
/* uplink_witness.c: fills what the order says of the audit log. */
void link_witness(struct link_child *child, const struct action_dispatch *dispatch, struct uplink_order *order);
/* uplink_reply.c */
void link_poll(struct link_child *child);
void link_reply(struct link_child *child, struct exchange *exchange, const uint8_t *body, size_t size);
