#include "coordinator/endpoint_internal.h"
#include "coordinator/tls.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define BUDGET_SPENT "closed: incomplete messages of this peer, or of all together, take too much memory"

/* What to wait for follows from the state; called whenever that may have changed. */
static void update(struct connection *connection)
{
        uint32_t events = 0;

        switch (connection->state) {
        case CONNECTION_TLS: /* the handshake sets its own */
        case CONNECTION_CLOSED:
                return;
        case CONNECTION_HELLO:
        case CONNECTION_OPEN:
                /* Bytes that wait for their turn, or for a free place among the requests, are
                 * finished first; the kernel's buffer then slows the peer down. */
                events = connection->ready || connection->throttled ? EPOLLRDHUP : EPOLLIN;
                break;
        case CONNECTION_FINISHING:
                break;
        case CONNECTION_DRAINING:
                events = EPOLLIN;
                break;
        }
        if (connection->output)
                events |= EPOLLOUT;
        if (events == connection->events)
                return;
        connection->events = events;
        if (loop_modify_fd(connection->source, events) < 0)
                connection_close(connection, "closed: cannot wait for it");
}

/* Our side is done. Closing with unread bytes would reset, and the peer might lose what we said
 * last: so it is read, and thrown away, until the peer closes or DRAIN_NS have passed. */
void connection_drain(struct connection *connection)
{
        if (connection->state < CONNECTION_OPEN)
                connection_greeted(connection);
        shutdown(connection->fd, SHUT_WR);
        connection->state = CONNECTION_DRAINING;
        connection->last_written = clock_monotonic();
        update(connection);
}

void connection_flush(struct connection *connection)
{
        const char *why;

        if (!connection->output)
                connection->last_written = clock_monotonic();
        if (output_flush(connection, &why) < 0) {
                connection_close(connection, why);
                return;
        }
        if (connection->state == CONNECTION_FINISHING && !connection->output) {
                if (connection->tls)
                        tls_goodbye(connection->tls);
                connection_drain(connection);
                return;
        }
        update(connection);
}

void connection_finish(struct connection *connection)
{
        if (connection->state != CONNECTION_OPEN) {
                if (connection->state < CONNECTION_OPEN)
                        connection_close(connection, NULL);
                return;
        }
        connection->state = CONNECTION_FINISHING;
        connection->in_flight_count = connection->in_flight_capacity = 0;
        input_drop(connection);
        connection_flush(connection);
}

/* Handles at most one request at the start of `data`. *ret_used is what is done with; *ret_wanted
 * the size of an incomplete message, as far as it is known. 0: there may be more; -EAGAIN: not yet;
 * -EBUSY: too many are in flight; -EPROTO, -EMSGSIZE, -ENOMEM with a sentence. */
static int step(struct connection *connection, const uint8_t *data, size_t size, size_t *ret_used, size_t *ret_wanted,
                const char **ret_why)
{
        const struct endpoint_options *o = &connection->endpoint->options;
        struct sp_request request;
        size_t used = 0, length;
        uint32_t slot = 0;
        int r;

        *ret_used = *ret_wanted = 0;
        *ret_why = "closed: out of memory";
        if (connection->state == CONNECTION_HELLO) {
                r = sp_parse_hello(data, size, ret_why);
                if (r < 0)
                        return r;
                connection->state = CONNECTION_OPEN;
                connection_greeted(connection);
                used = SP_HELLO_SIZE;
                *ret_used = used;
                if (used == size)
                        return -EAGAIN;
        }
        r = sp_parse_request(connection->mapping, o->request_bytes_max, data + used, size - used, &request, &length, ret_why);
        if (r == 0)
                r = request_take(connection, request.id, &slot);
        else if (r == -EAGAIN)
                *ret_wanted = length;
        if (r < 0)
                return r;
        *ret_used = used + length;
        request_deliver(connection, slot, &request);
        return 0;
}

static void mark_ready(struct connection *connection)
{
        struct endpoint *endpoint = connection->endpoint;
        uint64_t one = 1;

        if (connection->ready)
                return;
        connection->ready = true;
        connection->next_ready = NULL;
        if (!endpoint->ready && write(endpoint->kick, &one, sizeof(one)) < 0)
                log_error("endpoint", "cannot wake the loop: %s", strerror(errno));
        *endpoint->ready_tail = connection;
        endpoint->ready_tail = &connection->next_ready;
}

/* Works on what has arrived: on what the connection keeps if `data` is NULL, else straight on
 * `data`, of which it keeps what is left over. */
static void take(struct connection *connection, const uint8_t *data, size_t size)
{
        uint8_t *kept = data ? NULL : TAKE_PTR(connection->input); /* must outlive a close by the callback */
        size_t used, wanted;
        const char *why;
        int r;

        if (!data) {
                data = kept + connection->input_start;
                size = connection->input_size;
        }
        r = step(connection, data, size, &used, &wanted, &why);
        if (connection->state != CONNECTION_HELLO && connection->state != CONNECTION_OPEN) {
                free(kept);
                return;
        }
        if (kept) {
                connection->input = kept;
                input_consume(connection, used);
        }
        if (r == -EPROTO || r == -EMSGSIZE || r == -ENOMEM) {
                connection_refuse(connection, why);
                return;
        }
        if (used > 0 || wanted > 0)
                connection->message_size = wanted;
        if (!kept && used < size && input_append(connection, data + used, size - used) < 0) {
                connection_refuse(connection, BUDGET_SPENT);
                return;
        }
        if (used > 0)
                connection->message_began = 0;
        if (r == -EAGAIN && connection->input_size > 0 && !connection->message_began)
                connection->message_began = clock_monotonic();
        connection->throttled = r == -EBUSY;
        if (r == 0 && connection->input_size > 0)
                mark_ready(connection);
        update(connection);
}

void connection_serve(struct connection *connection)
{
        if (connection->state != CONNECTION_HELLO && connection->state != CONNECTION_OPEN)
                return;
        if (connection->input_size > 0)
                take(connection, NULL, 0);
        else
                update(connection);
}

/* Frees the request's slot in any case. */
int connection_reply(struct connection *connection, uint32_t slot, const uint8_t *body, size_t size, uint8_t *mapping)
{
        struct endpoint *endpoint = connection->endpoint;
        uint8_t head[SP_FRAME_MAX];
        size_t head_size = sp_frame_reply(connection->mapping, connection->in_flight[slot].id, size, head);
        bool waiting = connection->output;
        int r;

        connection->in_flight[slot].id = 0;
        connection->in_flight_count--;
        if (waiting && !connection->local && connection->output_bytes + size > endpoint->options.pending_reply_bytes_max) {
                endpoint->statistics.dropped_replies++;
                if (mapping)
                        munmap(mapping, size);
                connection_refuse(connection, "closed: does not read its replies");
                return -ENOENT;
        }
        r = output_append(connection, head, head_size, body, body ? size : 0);
        if (mapping && r == 0)
                r = output_append_mapping(connection, mapping, size);
        else if (mapping)
                munmap(mapping, size);
        if (r < 0) {
                endpoint->statistics.dropped_replies++;
                connection_refuse(connection, "closed: out of memory for its reply");
                return -ENOENT;
        }
        endpoint->statistics.replies++;
        if (connection->throttled) {
                connection->throttled = false;
                mark_ready(connection);
        }
        if (!waiting)
                connection_flush(connection);
        return 0;
}

void connection_ended(struct connection *connection)
{
        if (connection->state < CONNECTION_OPEN)
                connection_refuse(connection, "hung up before the handshake was done");
        else if (connection->state == CONNECTION_OPEN && connection->input_size > 0 && !connection->throttled && !connection->ready)
                connection_refuse(connection, "hung up in the middle of a message");
        else
                connection_close(connection, NULL);
}

static void receive(struct connection *connection)
{
        struct endpoint *endpoint = connection->endpoint;
        const char *why = NULL;
        int64_t n;

        if (connection->tls) {
                n = tls_read(connection->tls, endpoint->scratch, ENDPOINT_SCRATCH, &why);
        } else {
                n = recv(connection->fd, endpoint->scratch, ENDPOINT_SCRATCH, 0);
                if (n < 0)
                        n = -errno;
        }
        if (n == -EAGAIN || n == -EINTR)
                return;
        if (n <= 0) {
                if (why)
                        connection_refuse(connection, why);
                else
                        connection_ended(connection);
                return;
        }
        connection->last_read = clock_monotonic();
        if (connection->state == CONNECTION_DRAINING)
                return;
        if (connection->input_size == 0)
                take(connection, endpoint->scratch, (size_t)n);
        else if (input_append(connection, endpoint->scratch, (size_t)n) < 0)
                connection_refuse(connection, BUDGET_SPENT);
        else
                take(connection, NULL, 0);
}

void connection_event(void *data, uint32_t events)
{
        struct connection *connection = data;

        connection_collect(connection->endpoint);
        if (connection->state == CONNECTION_TLS) {
                connection_handshake(connection);
                return;
        }
        if (events & EPOLLOUT)
                connection_flush(connection);
        if (connection->state == CONNECTION_CLOSED)
                return;
        if (events & EPOLLIN)
                receive(connection);
        else if (events & (EPOLLERR | EPOLLHUP | EPOLLRDHUP))
                connection_close(connection, NULL);
}
