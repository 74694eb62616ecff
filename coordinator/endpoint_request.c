#include "coordinator/endpoint_internal.h"

#include <stdlib.h>
#include <string.h>

/* An id that is in flight already is a peer's retransmission: the former request gives way. */
int request_take(struct connection *connection, uint32_t id, uint32_t *ret_slot)
{
        uint32_t limit = connection->endpoint->options.requests_per_connection, capacity = connection->in_flight_capacity;
        uint32_t slot = capacity;
        struct in_flight *more;

        for (uint32_t i = 0; i < capacity; i++) {
                if (connection->in_flight[i].id == id) {
                        *ret_slot = i;
                        return 0;
                }
                if (connection->in_flight[i].id == 0 && slot == capacity)
                        slot = i;
        }
        if (slot == capacity) {
                if (capacity == limit)
                        return -EBUSY;
                capacity = MIN(MAX(capacity * 2, 4u), limit);
                more = reallocarray(connection->in_flight, capacity, sizeof(*more));
                if (!more)
                        return -ENOMEM;
                memset(more + slot, 0, (capacity - slot) * sizeof(*more));
                connection->in_flight = more;
                connection->in_flight_capacity = capacity;
        }
        connection->in_flight_count++;
        *ret_slot = slot;
        return 0;
}

void request_deliver(struct connection *connection, uint32_t slot, const struct sp_request *request)
{
        struct endpoint *endpoint = connection->endpoint;
        struct endpoint_peer peer = {
                .connection = connection->id,
                .name = connection->name,
                .address = connection->address,
                .local = connection->local,
                .uid = connection->uid,
                .loopback = connection->loopback,
        };
        uint32_t generation = ++endpoint->generation;
        uint64_t token = (uint64_t)generation << 32 | (uint64_t)slot << 24 | connection->index;

        connection->in_flight[slot] = (struct in_flight){ .id = request->id, .generation = generation };
        endpoint->statistics.requests++;
        endpoint->functions.request(endpoint->data, &peer, token, request->body, request->body_size);
}
