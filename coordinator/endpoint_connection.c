#include "coordinator/endpoint_internal.h"
#include "coordinator/tls.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define MESSAGE_NS (60 * NSEC_PER_SEC) /* for one whole message to arrive */
#define UNREAD_NS (30 * NSEC_PER_SEC)  /* replies that the peer takes nothing of */
#define DRAIN_NS (2 * NSEC_PER_SEC)    /* for the peer to close after us */
#define GREETINGS_MAX 4096             /* handshakes of all peers together */
#define CONTROL_RESERVED 32u           /* connections for the control socket */
#define HANDSHAKES_PER_ADDRESS 256     /* one address may stand for many hosts */

/* A network of IPv6 is one place: whoever has one address in it has 2^64. */
static void place_of(const char *address, char *ret_key, size_t size)
{
        size_t host = address[0] == '[' ? strcspn(address, "]") : strcspn(address, ":");
        char text[INET6_ADDRSTRLEN + 1];
        struct in6_addr v6;

        snprintf(ret_key, size, "from %.*s", (int)host, address);
        if (address[0] != '[' || host > sizeof(text) - 1)
                return;
        snprintf(text, sizeof(text), "%.*s", (int)host - 1, address + 1);
        if (inet_pton(AF_INET6, text, &v6) != 1 || IN6_IS_ADDR_LOOPBACK(&v6))
                return;
        memset(v6.s6_addr + 8, 0, 8);
        if (inet_ntop(AF_INET6, &v6, text, sizeof(text)))
                snprintf(ret_key, size, "from %s/64", text);
}

/* The peer's name for the books: what its certificate says, else where it comes from. */
int connection_count(struct connection *connection, const char *name)
{
        const char *address = connection->address;
        char key[TLS_NAME_MAX + 8];
        struct account *account;
        int r;

        if (name) {
                snprintf(key, sizeof(key), "name %s", name);
        } else {
                place_of(address, key, sizeof(key));
        }
        r = account_get(connection->endpoint, key, &account);
        if (r < 0)
                return r;
        if (connection->account)
                connection->account->input_bytes -= connection->input_capacity;
        account_put(connection->endpoint, &connection->account);
        connection->account = account;
        account->input_bytes += connection->input_capacity;
        return 0;
}

/* Finds an empty slot, so that tokens and ids can name the connection without a search. */
static int take_slot(struct endpoint *endpoint, struct connection *connection)
{
        uint32_t count = endpoint->slots_count;
        struct slot *slots;

        for (uint32_t i = 0; i < count; i++) {
                uint32_t index = (uint32_t)((endpoint->serial + i) % count);
                if (!endpoint->slots[index].connection) {
                        connection->index = index;
                        endpoint->slots[index].connection = connection;
                        return 0;
                }
        }
        if (count >= endpoint->options.connections_max)
                return -EUSERS;
        slots = reallocarray(endpoint->slots, MAX(count * 2, 64u), sizeof(*slots));
        if (!slots)
                return -ENOMEM;
        endpoint->slots = slots;
        endpoint->slots_count = MIN(MAX(count * 2, 64u), endpoint->options.connections_max);
        memset(slots + count, 0, (endpoint->slots_count - count) * sizeof(*slots));
        slots[count].connection = connection;
        connection->index = count;
        return 0;
}

static void greeting_begins(struct connection *connection)
{
        struct endpoint *endpoint = connection->endpoint;

        connection->previous_greeting = endpoint->last_greeting;
        if (endpoint->last_greeting)
                endpoint->last_greeting->next_greeting = connection;
        else
                endpoint->greeting = connection;
        endpoint->last_greeting = connection;
        endpoint->greeting_count++;
}

void connection_greeted(struct connection *connection)
{
        struct endpoint *endpoint = connection->endpoint;

        if (connection->previous_greeting)
                connection->previous_greeting->next_greeting = connection->next_greeting;
        else
                endpoint->greeting = connection->next_greeting;
        if (connection->next_greeting)
                connection->next_greeting->previous_greeting = connection->previous_greeting;
        else
                endpoint->last_greeting = connection->previous_greeting;
        connection->next_greeting = connection->previous_greeting = NULL;
        endpoint->greeting_count--;
}

/* What all others leave free is for the control socket; and anybody on this machine may come by plain
 * loopback, so that half stays for those who show a certificate. */
static bool is_full(const struct endpoint *endpoint, const struct listener *listener)
{
        uint32_t max = endpoint->options.connections_max, taken = endpoint->statistics.connections;

        if (!listener->local && taken + MIN(CONTROL_RESERVED, max / 8) >= max)
                return true;
        return taken >= max || (!listener->local && !listener->secure && endpoint->loopback_count >= max / 2);
}

/* Peers that only open connections cannot keep others out: the oldest that still is in the handshake
 * gives way, and an honest one is done long before it is the oldest. */
static void make_room(struct endpoint *endpoint, const struct listener *listener)
{
        uint32_t greetings_max = MIN(GREETINGS_MAX, endpoint->options.connections_max / 2 + 1);

        if (endpoint->greeting && (endpoint->greeting_count >= greetings_max || is_full(endpoint, listener)))
                connection_refuse(endpoint->greeting, "closed: too many connections are in the handshake, and this is the oldest");
}

static uint32_t peer_uid(int fd)
{
        struct ucred credentials;
        socklen_t size = sizeof(credentials);

        return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) < 0 ? UINT32_MAX : credentials.uid;
}

void connection_open(struct endpoint *endpoint, const struct listener *listener, int fd, const char *address)
{
        struct connection *connection = calloc(1, sizeof(*connection));
        int r;

        make_room(endpoint, listener);
        if (!connection || is_full(endpoint, listener) || take_slot(endpoint, connection) < 0) {
                endpoint->statistics.refused++;
                endpoint_log(endpoint, address, NULL,
                             connection ? "refused: there are too many connections" : "refused: out of memory");
                free(connection);
                close(fd);
                return;
        }
        connection->endpoint = endpoint;
        connection->fd = fd;
        connection->local = listener->local;
        connection->uid = listener->local ? peer_uid(fd) : UINT32_MAX;
        connection->secure = listener->secure;
        connection->loopback = !listener->local && !listener->secure;
        endpoint->loopback_count += connection->loopback;
        connection->mapping = listener->local ? SP_IPC : SP_STREAM;
        connection->state = listener->secure ? CONNECTION_TLS : CONNECTION_HELLO;
        connection->id = (++endpoint->serial << 24) | connection->index;
        connection->output_tail = &connection->output;
        connection->opened = connection->last_read = connection->last_written = clock_monotonic();
        snprintf(connection->address, sizeof(connection->address), "%s", address);
        connection->next = endpoint->connections;
        if (connection->next)
                connection->next->previous = connection;
        endpoint->connections = connection;
        endpoint->statistics.connections++;
        greeting_begins(connection);

        r = connection_count(connection, NULL);
        connection->events = EPOLLIN;
        if (r == 0)
                r = loop_add_fd(endpoint->loop, fd, EPOLLIN, connection_event, connection, &connection->source);
        if (r < 0)
                connection_refuse(connection, "refused: out of memory");
        else if (listener->secure && connection->account->connections > HANDSHAKES_PER_ADDRESS)
                connection_refuse(connection, "refused: too many connections from this address are in the handshake");
        else if (!listener->secure)
                connection_greet(connection);
}

void connection_close(struct connection *connection, const char *why)
{
        struct endpoint *endpoint = connection->endpoint;

        if (connection->state == CONNECTION_CLOSED)
                return;
        if (why)
                endpoint_log(endpoint, connection->address, connection->name, why);
        if (connection->state < CONNECTION_OPEN)
                connection_greeted(connection);
        connection->state = CONNECTION_CLOSED;
        loop_remove(&connection->source);
        tls_free(&connection->tls);
        fd_close(&connection->fd);
        input_drop(connection);
        output_drop(connection);
        free(connection->in_flight);
        connection->in_flight = NULL;
        connection->in_flight_capacity = connection->in_flight_count = 0;
        account_put(endpoint, &connection->account);
        endpoint->slots[connection->index].connection = NULL;
        endpoint->statistics.connections--;
        endpoint->loopback_count -= connection->loopback;
        if (connection->previous)
                connection->previous->next = connection->next;
        else
                endpoint->connections = connection->next;
        if (connection->next)
                connection->next->previous = connection->previous;
        if (endpoint->functions.gone)
                endpoint->functions.gone(endpoint->data, connection->id);
        /* The dead keep `next`, which a sweep may be standing on. */
        connection->previous = endpoint->dead;
        endpoint->dead = connection;
}

void connection_refuse(struct connection *connection, const char *why)
{
        connection->endpoint->statistics.refused++;
        connection_close(connection, why);
}

void connection_collect(struct endpoint *endpoint)
{
        struct connection **link = &endpoint->dead, *connection;

        while ((connection = *link)) {
                if (connection->ready) { /* still named by the list of the ready */
                        link = &connection->previous;
                        continue;
                }
                *link = connection->previous;
                free(connection->name);
                free(connection);
        }
}

void connection_sweep(struct connection *connection, int64_t now)
{
        const struct endpoint_options *o = &connection->endpoint->options;

        switch (connection->state) {
        case CONNECTION_TLS:
        case CONNECTION_HELLO:
                if (now - connection->opened > o->handshake_ns)
                        connection_refuse(connection, "closed: the handshake took too long");
                break;
        case CONNECTION_OPEN:
                if (connection->message_began && now - connection->message_began > MESSAGE_NS)
                        connection_refuse(connection, "closed: one message took too long to arrive");
                else if (connection->local)
                        break;
                else if (connection->output && now - connection->last_written > UNREAD_NS)
                        connection_refuse(connection, "closed: does not read its replies");
                else if (now - connection->last_read > o->idle_ns)
                        connection_refuse(connection, "closed: idle for too long");
                break;
        case CONNECTION_FINISHING:
                if (now - connection->last_written > UNREAD_NS)
                        connection_close(connection, NULL);
                break;
        case CONNECTION_DRAINING:
                if (now - connection->last_written > DRAIN_NS)
                        connection_close(connection, NULL);
                break;
        case CONNECTION_CLOSED:
                break;
        }
}
