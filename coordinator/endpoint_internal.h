/* What the files of the endpoint share, and nobody else: the endpoint, its listeners, its
 * connections, and the accounts by which peers are bounded.
 *
 * A connection is closed at any moment, also from inside a request's callback; it is then taken off
 * every list at once and its memory is freed when the loop next enters the endpoint. Only functions
 * that the loop calls (connection_event, sweep, serve_ready, accept_ready) collect the dead. */
#pragma once

#include "coordinator/endpoint.h"
#include "coordinator/endpoint_sp.h"
#include "proto/log.h"

#include <netinet/in.h>

struct tls_context;
struct tls_session;

enum connection_state {
        CONNECTION_TLS,       /* → HELLO, CLOSED */
        CONNECTION_HELLO,     /* → OPEN, CLOSED */
        CONNECTION_OPEN,      /* → FINISHING, CLOSED */
        CONNECTION_FINISHING, /* replies are flushed, nothing is read; → DRAINING, CLOSED */
        CONNECTION_DRAINING,  /* we are done, the peer's end is awaited; → CLOSED */
        CONNECTION_CLOSED,
};

/* Bytes waiting for the peer to read them. */
struct output {
        struct output *next;
        const uint8_t *data;
        size_t size, offset;
        uint8_t *mapping; /* what `data` is, if it is no copy */
        uint8_t copy[];
};

/* A request that was handed up and not answered; id 0 is a free slot. */
struct in_flight {
        uint32_t id;
        uint32_t generation;
};

/* What a peer occupies, by certificate name or else by address. */
struct account {
        struct account *next;
        uint32_t connections;
        uint64_t input_bytes;
        char key[];
};

struct connection {
        struct endpoint *endpoint;
        struct connection *next, *previous; /* all, newest first; `next` also links the dead */
        struct connection *next_ready;
        struct connection *next_greeting, *previous_greeting; /* while in the handshake, oldest first */
        struct account *account;
        struct tls_session *tls;
        struct loop_source *source;
        uint64_t id;
        uint32_t index;
        uint32_t events;
        int fd;
        enum connection_state state;
        enum sp_mapping mapping;
        bool secure, local, loopback, ready, throttled;
        uint32_t uid;
        char *name;
        char address[64];
        int64_t opened, last_read, last_written, message_began; /* monotonic; message_began 0: none */

        uint8_t *input; /* an incomplete message, or requests that wait for their turn */
        size_t input_start, input_size, input_capacity;
        size_t message_size; /* of the incomplete one, once known */
        struct output *output, **output_tail;
        uint64_t output_bytes;
        struct in_flight *in_flight;
        uint32_t in_flight_count, in_flight_capacity;
};

struct listener {
        struct endpoint *endpoint;
        struct listener *next;
        struct loop_source *source;
        int fd;
        bool secure, local;
        char *path; /* of an IPC socket: removed in the end, if it is still ours */
        uint64_t path_device, path_inode;
        uint16_t port;
};

/* A place that a connection's id and its requests' tokens name. */
struct slot {
        struct connection *connection;
};

#define ENDPOINT_GATES 64
#define ENDPOINT_ACCOUNTS 1024

struct endpoint {
        struct loop *loop;
        struct endpoint_options options;
        struct endpoint_functions functions;
        void *data;
        struct tls_context *tls;
        struct listener *listeners;
        struct connection *connections, *dead;
        struct connection *ready, **ready_tail; /* hold a whole request already: one each a round */
        struct slot *slots;
        struct connection *greeting, *last_greeting;
        uint32_t slots_count, greeting_count;
        uint32_t loopback_count; /* connections without a certificate: of anybody on this machine */
        uint64_t serial;
        uint32_t generation;
        uint64_t input_bytes;
        int kick; /* eventfd, readable while `ready` is not empty */
        bool accepting;
        struct loop_source *kick_source, *sweep, *resume;
        struct account *accounts[ENDPOINT_ACCOUNTS];
        struct log_gate gates[ENDPOINT_GATES];
        struct endpoint_statistics statistics;
        uint8_t *scratch;
        char why[256];
};

#define ENDPOINT_SCRATCH (64u << 10)
#define ENDPOINT_INPUT_MAX (256u << 20) /* incomplete messages of all peers together */

/* endpoint_socket.c: sockets by URL. *listener is filled as far as it is known. */
MUST_CHECK int socket_listen(const char *url, struct listener *listener, char *why, size_t why_size);
void socket_unlisten(struct listener *listener);
/* Sets the options of an accepted socket and writes the peer's address as text. */
void socket_accepted(int fd, const struct sockaddr *address, char *ret_text, size_t text_size);

/* endpoint_account.c. account_get counts one connection more on `key`. -ENOMEM. */
MUST_CHECK int account_get(struct endpoint *endpoint, const char *key, struct account **ret_account);
void account_put(struct endpoint *endpoint, struct account **account);

/* endpoint_connection.c: the life of a connection. connection_open takes `fd` over in every case. */
void connection_open(struct endpoint *endpoint, const struct listener *listener, int fd, const char *address);
/* The handshake ended, in whatever way. */
void connection_greeted(struct connection *connection);
/* Closes at once; `why` NULL is an ordinary end, else it is logged against the peer. */
void connection_close(struct connection *connection, const char *why);
/* The same for a peer that broke a rule: it is counted. */
void connection_refuse(struct connection *connection, const char *why);
/* Moves it to the account of `name`, or of its address when NULL. -ENOMEM. */
MUST_CHECK int connection_count(struct connection *connection, const char *name);
void connection_sweep(struct connection *connection, int64_t now);
void connection_collect(struct endpoint *endpoint);

/* endpoint_traffic.c: what comes and goes on it. */
void connection_event(void *data, uint32_t events);
/* The peer has closed, or reset. */
void connection_ended(struct connection *connection);
/* Writes what waits, as far as the peer takes it. */
void connection_flush(struct connection *connection);
/* Says that nothing more comes from us, and lets what was said arrive. */
void connection_drain(struct connection *connection);
/* Handles one message that is here already. */
void connection_serve(struct connection *connection);
/* Reads no more; closes when the last reply was taken and the peer has closed. */
void connection_finish(struct connection *connection);
/* Either copies `body` or takes `mapping` over, in every case. */
MUST_CHECK int connection_reply(struct connection *connection, uint32_t slot, const uint8_t *body, size_t size, uint8_t *mapping);

/* endpoint_handshake.c: who it is. connection_greet sends our opening. */
void connection_handshake(struct connection *connection);
void connection_greet(struct connection *connection);

/* endpoint_request.c: requests in flight. request_take: -EBUSY when there are too many, -ENOMEM. */
MUST_CHECK int request_take(struct connection *connection, uint32_t id, uint32_t *ret_slot);
void request_deliver(struct connection *connection, uint32_t slot, const struct sp_request *request);

/* endpoint_buffer.c: bytes on their way in and out. input_append: -ENOBUFS when a budget is spent. */
MUST_CHECK int input_append(struct connection *connection, const uint8_t *data, size_t size);
void input_consume(struct connection *connection, size_t size);
void input_drop(struct connection *connection);
MUST_CHECK int output_append(struct connection *connection, const uint8_t *head, size_t head_size, const uint8_t *body,
                             size_t body_size);
/* Takes the mapping over, in every case. */
MUST_CHECK int output_append_mapping(struct connection *connection, uint8_t *mapping, size_t size);
/* Writes what the peer takes now, and no more than a portion: 0 also when something stays, -errno with
 * a sentence or NULL. */
MUST_CHECK int output_flush(struct connection *connection, const char **ret_why);
void output_drop(struct connection *connection);

/* Logs one line about a peer, rate-limited by address and rule. */
void endpoint_log(struct endpoint *endpoint, const char *address, const char *name, const char *why);
