#include "coordinator/endpoint_internal.h"
#include "coordinator/tls.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

/* Bytes written in one go: a peer that reads as fast as we write keeps nobody waiting. */
#define FLUSH_MAX ((size_t)512 << 10)
#define ACCOUNT_INPUT_MESSAGES 4 /* incomplete messages of the largest size, by peer */

static void set_capacity(struct connection *connection, size_t capacity)
{
        connection->endpoint->input_bytes += capacity - connection->input_capacity;
        if (connection->account)
                connection->account->input_bytes += capacity - connection->input_capacity;
        connection->input_capacity = capacity;
}

/* Grows as bytes arrive, not as the peer promises, and at most to the message's size and what one
 * read may bring beyond it. */
int input_append(struct connection *connection, const uint8_t *data, size_t size)
{
        struct endpoint *endpoint = connection->endpoint;
        size_t need = connection->input_size + size, capacity;
        uint64_t more;
        uint8_t *input;

        if (connection->input_start) {
                memmove(connection->input, connection->input + connection->input_start, connection->input_size);
                connection->input_start = 0;
        }
        if (need > connection->input_capacity) {
                capacity = MAX(need, connection->input_capacity * 2);
                if (connection->message_size >= need)
                        capacity = MIN(capacity, connection->message_size);
                more = capacity - connection->input_capacity;
                if (!connection->local &&
                    (endpoint->input_bytes + more > ENDPOINT_INPUT_MAX ||
                     connection->account->input_bytes + more >
                             ACCOUNT_INPUT_MESSAGES * (endpoint->options.request_bytes_max + ENDPOINT_SCRATCH)))
                        return -ENOBUFS;
                input = realloc(connection->input, capacity);
                if (!input)
                        return -ENOBUFS;
                connection->input = input;
                set_capacity(connection, capacity);
        }
        memcpy(connection->input + connection->input_size, data, size);
        connection->input_size = need;
        return 0;
}

void input_consume(struct connection *connection, size_t size)
{
        connection->input_start += size;
        connection->input_size -= size;
        if (connection->input_size == 0)
                input_drop(connection);
}

void input_drop(struct connection *connection)
{
        free(connection->input);
        connection->input = NULL;
        connection->input_start = connection->input_size = 0;
        connection->message_began = 0;
        connection->message_size = 0;
        set_capacity(connection, 0);
}

static void output_add(struct connection *connection, struct output *output)
{
        *connection->output_tail = output;
        connection->output_tail = &output->next;
        connection->output_bytes += output->size;
}

int output_append(struct connection *connection, const uint8_t *head, size_t head_size, const uint8_t *body, size_t body_size)
{
        struct output *output = malloc(sizeof(*output) + head_size + body_size);

        if (!output)
                return -ENOMEM;
        *output = (struct output){ .data = output->copy, .size = head_size + body_size };
        memcpy(output->copy, head, head_size);
        if (body_size)
                memcpy(output->copy + head_size, body, body_size);
        output_add(connection, output);
        return 0;
}

int output_append_mapping(struct connection *connection, uint8_t *mapping, size_t size)
{
        struct output *output = malloc(sizeof(*output));

        if (!output) {
                munmap(mapping, size);
                return -ENOMEM;
        }
        *output = (struct output){ .data = mapping, .size = size, .mapping = mapping };
        output_add(connection, output);
        return 0;
}

static void output_free_first(struct connection *connection)
{
        struct output *output = connection->output;

        connection->output = output->next;
        if (!connection->output)
                connection->output_tail = &connection->output;
        if (output->mapping)
                munmap(output->mapping, output->size);
        free(output);
}

int output_flush(struct connection *connection, const char **ret_why)
{
        size_t written = 0;
        struct output *output;

        *ret_why = NULL;
        while ((output = connection->output) && written < FLUSH_MAX) {
                const uint8_t *data = output->data + output->offset;
                size_t size = MIN(output->size - output->offset, FLUSH_MAX);
                int64_t n;

                if (connection->tls) {
                        n = tls_write(connection->tls, data, size, ret_why);
                } else {
                        n = send(connection->fd, data, size, MSG_NOSIGNAL);
                        if (n < 0)
                                n = -errno;
                }
                if (n == -EAGAIN)
                        return 0;
                if (n < 0)
                        return (int)n;
                connection->last_written = clock_monotonic();
                connection->output_bytes -= (uint64_t)n;
                output->offset += (size_t)n;
                written += (size_t)n;
                if (output->offset == output->size)
                        output_free_first(connection);
        }
        return 0;
}

void output_drop(struct connection *connection)
{
        while (connection->output)
                output_free_first(connection);
        connection->output_bytes = 0;
}
