/* Requests and replies around the packed form. */
#include "proto/wire.h"
#include "proto/wire_internal.h"

#include <stdlib.h>
#include <string.h>

static void drop_arena(struct arena **arena)
{
        arena_free(arena);
}

static void *allocator_alloc(void *data, size_t size)
{
        return arena_alloc_raw(data, size);
}

static void allocator_free(void *data, void *pointer)
{
        (void)data;
        (void)pointer;
}

ProtobufCAllocator wire_allocator(struct arena *arena)
{
        return (ProtobufCAllocator){ .alloc = allocator_alloc, .free = allocator_free, .allocator_data = arena };
}

int wire_write_out(const ProtobufCMessage *message, size_t max, uint8_t **ret_buffer, size_t *ret_size)
{
        size_t size = protobuf_c_message_get_packed_size(message);
        uint8_t *buffer;

        if (size > max)
                return -E2BIG;
        buffer = malloc(MAX(size, (size_t)1));
        if (!buffer)
                return -ENOMEM;
        protobuf_c_message_pack(message, buffer);
        *ret_buffer = buffer;
        *ret_size = size;
        return 0;
}

/* A copy that is valid text of at most WIRE_TEXT_MAX bytes; NULL when memory is short. */
char *wire_clean_copy(struct arena *arena, const char *text)
{
        size_t length = wire_text_length(text, WIRE_TEXT_MAX);
        char *copy = arena_alloc_raw(arena, length + 1);

        if (copy)
                wire_text_clean(copy, text, length);
        return copy;
}

static int pack_query(const struct wire_query *query, struct arena *arena, Nightshift__Query *m)
{
        size_t n = query->arguments_count;

        if (n > WIRE_ARGUMENTS_MAX)
                return -E2BIG;
        m->verb = wire_clean_copy(arena, query->verb);
        m->name = arena_alloc(arena, n * sizeof(*m->name));
        m->value = arena_alloc(arena, n * sizeof(*m->value));
        if (!m->verb || !m->name || !m->value)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                m->name[i] = wire_clean_copy(arena, query->arguments[i].name);
                m->value[i] = wire_clean_copy(arena, query->arguments[i].value);
                if (!m->name[i] || !m->value[i])
                        return -ENOMEM;
        }
        m->n_name = m->n_value = n;
        return 0;
}

int wire_pack_request(const struct wire_request *request, uint8_t **ret_buffer, size_t *ret_size)
{
        CLEANUP(drop_arena) struct arena *arena = NULL;
        Nightshift__Request m = NIGHTSHIFT__REQUEST__INIT;
        Nightshift__Poll poll = NIGHTSHIFT__POLL__INIT;
        Nightshift__Query query = NIGHTSHIFT__QUERY__INIT;
        int r = arena_new(WIRE_SCRATCH_MAX, &arena);

        if (r < 0)
                return r;
        m.version = WIRE_VERSION;
        switch (request->kind) {
        case WIRE_SUMMARY:
                m.body_case = NIGHTSHIFT__REQUEST__BODY_SUMMARY;
                r = wire_pack_summary(request->summary, arena, &m.summary);
                break;
        case WIRE_POLL:
                m.body_case = NIGHTSHIFT__REQUEST__BODY_POLL;
                m.poll = &poll;
                poll.session = request->poll.session;
                poll.host = wire_clean_copy(arena, request->poll.host);
                poll.acknowledged = request->poll.acknowledged;
                r = poll.host ? 0 : -ENOMEM;
                break;
        case WIRE_QUERY:
                m.body_case = NIGHTSHIFT__REQUEST__BODY_QUERY;
                m.query = &query;
                r = pack_query(&request->query, arena, &query);
                break;
        default:
                return -EINVAL;
        }
        if (r < 0)
                return r;
        return wire_write_out(&m.base, WIRE_MESSAGE_MAX, ret_buffer, ret_size);
}

static int bad(const char **ret_why, const char *why)
{
        *ret_why = why;
        return -EBADMSG;
}

bool wire_text_ok(const char *text)
{
        size_t length = strnlen(text, WIRE_TEXT_MAX + 1);

        return length <= WIRE_TEXT_MAX && wire_text_valid(text, length);
}

static int unpack_query(const Nightshift__Query *m, struct arena *arena, struct wire_query *ret_query, const char **ret_why)
{
        struct wire_query query = { .verb = m->verb, .arguments_count = m->n_name };

        if (!wire_text_ok(m->verb) || m->verb[0] == 0)
                return bad(ret_why, "query.verb: missing, or not text");
        if (m->n_name > WIRE_ARGUMENTS_MAX)
                return bad(ret_why, "query.name: more than 64 arguments");
        if (m->n_name != m->n_value)
                return bad(ret_why, "query.value: not one for each name");
        query.arguments = arena_alloc(arena, m->n_name * sizeof(*query.arguments));
        if (!query.arguments)
                return -ENOBUFS;
        for (size_t i = 0; i < m->n_name; i++) {
                if (!wire_text_ok(m->name[i]))
                        return bad(ret_why, "query.name: not text");
                if (!wire_text_ok(m->value[i]))
                        return bad(ret_why, "query.value: not text");
                query.arguments[i] = (struct wire_argument){ m->name[i], m->value[i] };
        }
        *ret_query = query;
        return 0;
}

/* protobuf-c answers NULL both for a malformed message and for a full arena. */
int wire_unpack_failed(struct arena *arena, const char **ret_why)
{
        if (arena_refused(arena))
                return -ENOBUFS;
        return bad(ret_why, "message: not the protobuf that was expected");
}

int wire_unpack_request(const uint8_t *buffer, size_t size, struct arena *arena, struct wire_request *ret_request,
                        const char **ret_why)
{
        ProtobufCAllocator allocator = wire_allocator(arena);
        struct wire_request request = { 0 };
        Nightshift__Request *m;
        int r = 0;

        if (size > WIRE_MESSAGE_MAX)
                return bad(ret_why, "message: longer than 4 MiB");
        m = nightshift__request__unpack(&allocator, size, buffer);
        if (!m)
                return wire_unpack_failed(arena, ret_why);
        if (m->version != WIRE_VERSION)
                return bad(ret_why, "version: not one that is spoken here");
        switch (m->body_case) {
        case NIGHTSHIFT__REQUEST__BODY_SUMMARY:
                request.kind = WIRE_SUMMARY;
                r = wire_unpack_summary(m->summary, arena, &request.summary, ret_why);
                break;
        case NIGHTSHIFT__REQUEST__BODY_POLL:
                request.kind = WIRE_POLL;
                request.poll = (struct wire_poll){ m->poll->session, m->poll->host, m->poll->acknowledged };
                if (m->poll->session == 0)
                        r = bad(ret_why, "poll.session: missing");
                else if (!wire_text_ok(m->poll->host) || m->poll->host[0] == 0)
                        r = bad(ret_why, "poll.host: missing, or not text");
                break;
        case NIGHTSHIFT__REQUEST__BODY_QUERY:
                request.kind = WIRE_QUERY;
                r = unpack_query(m->query, arena, &request.query, ret_why);
                break;
        default:
                return bad(ret_why, "body: of no known kind");
        }
        if (r < 0)
                return r;
        *ret_request = request;
        return 0;
}
