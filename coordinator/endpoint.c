#include "coordinator/endpoint_internal.h"
#include "coordinator/tls.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define SWEEP_NS NSEC_PER_SEC
#define SWEEP_BURST 128
#define SWEEP_PAUSE_NS (5 * NSEC_PER_MSEC)
#define ACCEPT_PAUSE_NS (200 * NSEC_PER_MSEC) /* after accept() ran out of descriptors or memory */
#define ACCEPT_BURST 32                       /* before others get their turn */
#define ACCEPTS_MAX 4096

#define OPTION_DEFAULT(options, field, value) ((options)->field = (options)->field ? (options)->field : (value))

/* Requests whose whole message is here already: one of each connection a round, so that one busy
 * peer delays another by no more than one message. */
static void serve_ready(void *data, uint32_t events)
{
        struct endpoint *endpoint = data;
        struct connection *connection = endpoint->ready, *next;
        uint64_t ignored;

        (void)events;
        connection_collect(endpoint);
        endpoint->ready = NULL;
        endpoint->ready_tail = &endpoint->ready;
        for (; connection; connection = next) {
                next = connection->next_ready;
                connection->next_ready = NULL;
                connection->ready = false;
                if (connection->state != CONNECTION_CLOSED)
                        connection_serve(connection);
        }
        if (!endpoint->ready && read(endpoint->kick, &ignored, sizeof(ignored)) < 0)
                return;
}

static void sweep(void *data, int64_t now)
{
        struct endpoint *endpoint = data;
        uint32_t before = endpoint->statistics.connections;
        struct connection *connection, *next;

        connection_collect(endpoint);
        for (connection = endpoint->connections; connection; connection = next) {
                next = connection->next; /* stays valid: the closed are freed by the next collect */
                connection_sweep(connection, now);
                if (before - endpoint->statistics.connections >= SWEEP_BURST)
                        break; /* thousands may be due at once: others get their turn in between */
        }
        if (loop_set_timer(endpoint->sweep, now + (connection ? SWEEP_PAUSE_NS : SWEEP_NS)) < 0)
                log_error("endpoint", "cannot set the timer: idle connections are not closed any more");
}

static void set_accepting(struct endpoint *endpoint, bool accepting)
{
        endpoint->accepting = accepting;
        for (struct listener *listener = endpoint->listeners; listener; listener = listener->next)
                if (loop_modify_fd(listener->source, accepting ? EPOLLIN : 0) < 0)
                        log_error("endpoint", "cannot change what is waited for on a listener");
}

static void resume_accepting(void *data, int64_t now)
{
        (void)now;
        set_accepting(data, true);
}

/* Anything may come out of accept() on behalf of a connection that died while it waited; only a lack
 * of descriptors or memory stays, and would make us spin on a listener that remains readable. */
static bool accept_failed(struct endpoint *endpoint, int error)
{
        char why[96];

        if (error == EAGAIN)
                return false;
        if (error != EMFILE && error != ENFILE && error != ENOBUFS && error != ENOMEM)
                return true;
        snprintf(why, sizeof(why), "cannot accept connections for now: %s", strerror(error));
        endpoint_log(endpoint, "listener", NULL, why);
        set_accepting(endpoint, false);
        if (loop_set_timer(endpoint->resume, clock_monotonic() + ACCEPT_PAUSE_NS) < 0)
                set_accepting(endpoint, true);
        return false;
}

static void accept_ready(void *data, uint32_t events)
{
        struct listener *listener = data;
        struct endpoint *endpoint = listener->endpoint;

        (void)events;
        connection_collect(endpoint);
        for (int i = 0; i < ACCEPT_BURST && endpoint->accepting; i++) {
                struct sockaddr_storage address = { 0 };
                socklen_t length = sizeof(address);
                char text[64];
                int fd = accept4(listener->fd, (struct sockaddr *)&address, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);

                if (fd < 0) {
                        if (!accept_failed(endpoint, errno))
                                return;
                        continue;
                }
                endpoint->statistics.accepted++;
                socket_accepted(fd, (struct sockaddr *)&address, text, sizeof(text));
                connection_open(endpoint, listener, fd, text);
        }
}

void endpoint_log(struct endpoint *endpoint, const char *address, const char *name, const char *why)
{
        size_t host = strcspn(address, "]");
        uint64_t suppressed;
        uint32_t hash = 2166136261u;
        struct log_gate *gate;

        if (address[host] == '\0')
                host = strcspn(address, ":");
        for (size_t i = 0; i < host; i++)
                hash = (hash ^ (uint8_t)address[i]) * 16777619u;
        for (const char *c = why; *c; c++)
                hash = (hash ^ (uint8_t)*c) * 16777619u;
        gate = &endpoint->gates[hash % ENDPOINT_GATES];
        gate->interval_ns = 10 * NSEC_PER_SEC;
        gate->burst = 3;
        if (!log_gate_open(gate, clock_monotonic(), &suppressed))
                return;
        if (suppressed)
                log_warning("endpoint", "%s%s%s%s: %s (and %llu more lines like this held back)", address, name ? " (" : "",
                            name ? name : "", name ? ")" : "", why, (unsigned long long)suppressed);
        else
                log_warning("endpoint", "%s%s%s%s: %s", address, name ? " (" : "", name ? name : "", name ? ")" : "", why);
}

int endpoint_new(struct loop *loop, const struct endpoint_options *options, const struct endpoint_functions *functions, void *data,
                 struct endpoint **ret_endpoint, const char **ret_why)
{
        static char why[256]; /* for a failure that leaves no endpoint behind */
        struct endpoint *endpoint = calloc(1, sizeof(*endpoint));
        struct endpoint_options *o;
        int r = -ENOMEM;

        if (!endpoint)
                goto fail;
        o = &endpoint->options;
        *o = *options;
        OPTION_DEFAULT(o, connections_max, 16384);
        OPTION_DEFAULT(o, connections_per_peer, 16);
        OPTION_DEFAULT(o, requests_per_connection, 64);
        OPTION_DEFAULT(o, request_bytes_max, 4u << 20);
        OPTION_DEFAULT(o, pending_reply_bytes_max, 8u << 20);
        OPTION_DEFAULT(o, handshake_ns, 10 * NSEC_PER_SEC);
        OPTION_DEFAULT(o, idle_ns, 90 * NSEC_PER_SEC);
        o->connections_max = MIN(o->connections_max, 1u << 24); /* a token has so many bits for each */
        o->requests_per_connection = MIN(o->requests_per_connection, 1u << 8);
        endpoint->loop = loop;
        endpoint->functions = *functions;
        endpoint->data = data;
        endpoint->accepting = true;
        endpoint->ready_tail = &endpoint->ready;
        endpoint->kick = -1;
        endpoint->scratch = malloc(ENDPOINT_SCRATCH);
        if (!endpoint->scratch)
                goto fail;
        signal(SIGPIPE, SIG_IGN);
        if (options->certificate_file) {
                r = tls_context_new(options->ca_file, options->certificate_file, options->key_file, &endpoint->tls, why,
                                    sizeof(why));
                if (r < 0) {
                        endpoint_free(&endpoint);
                        *ret_why = why;
                        return r;
                }
        }
        endpoint->kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (endpoint->kick < 0)
                r = -errno;
        else
                r = loop_add_fd(loop, endpoint->kick, EPOLLIN, serve_ready, endpoint, &endpoint->kick_source);
        if (r == 0)
                r = loop_add_timer(loop, sweep, endpoint, &endpoint->sweep);
        if (r == 0)
                r = loop_add_timer(loop, resume_accepting, endpoint, &endpoint->resume);
        if (r == 0)
                r = loop_set_timer(endpoint->sweep, clock_monotonic() + SWEEP_NS);
        if (r < 0)
                goto fail;
        *ret_endpoint = endpoint;
        return 0;
fail:
        endpoint_free(&endpoint);
        snprintf(why, sizeof(why), "cannot set up the endpoint: %s", strerror(-r));
        *ret_why = why;
        return r;
}

void endpoint_free(struct endpoint **endpoint)
{
        struct endpoint *e = *endpoint;

        if (!e)
                return;
        while (e->connections)
                connection_close(e->connections, NULL);
        connection_collect(e);
        while (e->listeners) {
                struct listener *listener = e->listeners;
                e->listeners = listener->next;
                loop_remove(&listener->source);
                socket_unlisten(listener);
                free(listener);
        }
        loop_remove(&e->kick_source);
        loop_remove(&e->sweep);
        loop_remove(&e->resume);
        fd_close(&e->kick);
        tls_context_free(&e->tls);
        free(e->slots);
        free(e->scratch);
        free(e);
        *endpoint = NULL;
}

int endpoint_listen(struct endpoint *endpoint, const char *url, const char **ret_why)
{
        struct listener *listener = calloc(1, sizeof(*listener));
        int r;

        *ret_why = endpoint->why;
        snprintf(endpoint->why, sizeof(endpoint->why), "listen address %s: out of memory", url);
        if (!listener)
                return -ENOMEM;
        listener->endpoint = endpoint;
        r = socket_listen(url, listener, endpoint->why, sizeof(endpoint->why));
        if (r == 0 && listener->secure && !endpoint->tls) {
                snprintf(endpoint->why, sizeof(endpoint->why),
                         "listen address %s: needs a CA, a certificate and its key; make them with `nightshift ca init`", url);
                r = -EINVAL;
        }
        if (r == 0)
                r = loop_add_fd(endpoint->loop, listener->fd, EPOLLIN, accept_ready, listener, &listener->source);
        if (r < 0) {
                socket_unlisten(listener);
                free(listener);
                return r;
        }
        listener->next = endpoint->listeners;
        endpoint->listeners = listener;
        return 0;
}

uint16_t endpoint_port(const struct endpoint *endpoint)
{
        return endpoint->listeners ? endpoint->listeners->port : 0;
}

/* A connection's id is (serial, index), a request's token (generation, slot, index). */
static struct connection *find(struct endpoint *endpoint, uint64_t index)
{
        return index < endpoint->slots_count ? endpoint->slots[index].connection : NULL;
}

/* The connection and the place of a request that waits for its answer; NULL if its peer is gone. */
static struct connection *find_request(struct endpoint *endpoint, uint64_t token, uint32_t *ret_slot)
{
        struct connection *connection = find(endpoint, token & 0xffffff);
        uint32_t slot = (token >> 24) & 0xff;

        if (!connection || slot >= connection->in_flight_capacity || connection->in_flight[slot].id == 0 ||
            connection->in_flight[slot].generation != token >> 32) {
                endpoint->statistics.dropped_replies++;
                return NULL;
        }
        *ret_slot = slot;
        return connection;
}

int endpoint_reply(struct endpoint *endpoint, uint64_t token, const uint8_t *body, size_t size)
{
        uint32_t slot;
        struct connection *connection = find_request(endpoint, token, &slot);

        return connection ? connection_reply(connection, slot, body, size, NULL) : -ENOENT;
}

int endpoint_reply_mapped(struct endpoint *endpoint, uint64_t token, uint8_t *mapping, size_t size)
{
        uint32_t slot;
        struct connection *connection = find_request(endpoint, token, &slot);

        if (connection)
                return connection_reply(connection, slot, NULL, size, mapping);
        munmap(mapping, size);
        return -ENOENT;
}

void endpoint_close(struct endpoint *endpoint, uint64_t id, const char *why)
{
        struct connection *connection = find(endpoint, id & 0xffffff);

        if (!connection || connection->id != id)
                return;
        endpoint->statistics.refused++;
        endpoint_log(endpoint, connection->address, connection->name, why);
        connection_finish(connection);
}

int endpoint_reload(struct endpoint *endpoint, const char **ret_why)
{
        const struct endpoint_options *o = &endpoint->options;
        struct tls_context *context;
        int r;

        if (!o->certificate_file)
                return 0;
        *ret_why = endpoint->why;
        r = tls_context_new(o->ca_file, o->certificate_file, o->key_file, &context, endpoint->why, sizeof(endpoint->why));
        if (r < 0)
                return r;
        tls_context_free(&endpoint->tls);
        endpoint->tls = context;
        return 0;
}

void endpoint_statistics(const struct endpoint *endpoint, struct endpoint_statistics *ret_statistics)
{
        *ret_statistics = endpoint->statistics;
}
