/* Replies: acknowledgements, commands, answers and refusals. */
#include "proto/wire.h"
#include "proto/wire_internal.h"

#include <string.h>

static void drop_arena(struct arena **arena)
{
        arena_free(arena);
}

static int pack_commands(const struct wire_commands *commands, struct arena *arena, Nightshift__Commands *m)
{
        if (commands->count > WIRE_COMMANDS_MAX)
                return -E2BIG;
        m->command = arena_alloc(arena, commands->count * sizeof(*m->command));
        if (!m->command)
                return -ENOMEM;
        for (size_t i = 0; i < commands->count; i++) {
                const struct wire_command *c = &commands->commands[i];
                Nightshift__Command *to = arena_alloc(arena, sizeof(*to));

                if (!to)
                        return -ENOMEM;
                nightshift__command__init(to);
                to->id = c->id;
                to->kind = c->kind;
                to->threshold = c->threshold;
                to->service = wire_clean_copy(arena, c->service ? c->service : "");
                to->tier = c->tier;
                to->until = c->until;
                if (!to->service)
                        return -ENOMEM;
                if (c->kind == WIRE_COMMAND_ACTION) {
                        int r = c->dispatch ? wire_pack_dispatch(c->dispatch, arena, &to->dispatch) : -EINVAL;

                        if (r < 0)
                                return r;
                }
                m->command[i] = to;
        }
        m->n_command = commands->count;
        return 0;
}

int wire_pack_reply(const struct wire_reply *reply, uint8_t **ret_buffer, size_t *ret_size)
{
        CLEANUP(drop_arena) struct arena *arena = NULL;
        Nightshift__Reply m = NIGHTSHIFT__REPLY__INIT;
        Nightshift__Ack ack = NIGHTSHIFT__ACK__INIT;
        Nightshift__Commands commands = NIGHTSHIFT__COMMANDS__INIT;
        Nightshift__Answer answer = NIGHTSHIFT__ANSWER__INIT;
        Nightshift__Refusal refusal = NIGHTSHIFT__REFUSAL__INIT;
        int r = arena_new(WIRE_SCRATCH_MAX, &arena);

        if (r < 0)
                return r;
        m.version = WIRE_VERSION;
        switch (reply->kind) {
        case WIRE_ACK:
                m.body_case = NIGHTSHIFT__REPLY__BODY_ACK;
                m.ack = &ack;
                ack.session = reply->ack.session;
                ack.sequence = reply->ack.sequence;
                ack.coordinator = reply->ack.coordinator;
                ack.resync = reply->ack.resync;
                ack.pause_ms = reply->ack.pause_ms;
                break;
        case WIRE_COMMANDS:
                m.body_case = NIGHTSHIFT__REPLY__BODY_COMMANDS;
                m.commands = &commands;
                r = pack_commands(&reply->commands, arena, &commands);
                break;
        case WIRE_ANSWER:
                m.body_case = NIGHTSHIFT__REPLY__BODY_ANSWER;
                m.answer = &answer;
                answer.status = reply->answer.status;
                answer.content_type = wire_clean_copy(arena, reply->answer.content_type);
                answer.body.data = (uint8_t *)reply->answer.body;
                answer.body.len = reply->answer.body_size;
                r = answer.content_type ? 0 : -ENOMEM;
                break;
        case WIRE_REFUSAL:
                m.body_case = NIGHTSHIFT__REPLY__BODY_REFUSAL;
                m.refusal = &refusal;
                refusal.reason = wire_clean_copy(arena, reply->refusal.reason);
                r = refusal.reason ? 0 : -ENOMEM;
                break;
        default:
                return -EINVAL;
        }
        if (r < 0)
                return r;
        return wire_write_out(&m.base, WIRE_ANSWER_MAX, ret_buffer, ret_size);
}

static int bad(const char **ret_why, const char *why)
{
        *ret_why = why;
        return -EBADMSG;
}

static int unpack_commands(const Nightshift__Commands *m, struct arena *arena, struct wire_commands *ret_commands,
                           const char **ret_why)
{
        struct wire_commands commands = { .count = m->n_command };

        if (m->n_command > WIRE_COMMANDS_MAX)
                return bad(ret_why, "commands: more than 1024");
        commands.commands = arena_alloc(arena, m->n_command * sizeof(*commands.commands));
        if (!commands.commands)
                return -ENOBUFS;
        for (size_t i = 0; i < m->n_command; i++) {
                const Nightshift__Command *c = m->command[i];

                if (c->id == 0)
                        return bad(ret_why, "commands.id: missing");
                if (c->kind < WIRE_COMMAND_KEY_THRESHOLD || c->kind > WIRE_COMMAND_ACTION)
                        return bad(ret_why, "commands.kind: unknown");
                if ((c->kind == WIRE_COMMAND_ACTION) != (c->dispatch != NULL))
                        return bad(ret_why, "commands.dispatch: not with this kind");
                if (c->tier > WIRE_TIER_MAX)
                        return bad(ret_why, "commands.tier: unknown");
                if (!wire_text_ok(c->service))
                        return bad(ret_why, "commands.service: not text");
                if (c->until < 0)
                        return bad(ret_why, "commands.until: before the epoch");
                commands.commands[i] = (struct wire_command){
                        .id = c->id,
                        .kind = (enum wire_command_kind)c->kind,
                        .threshold = c->threshold,
                        .service = c->service,
                        .tier = c->tier,
                        .until = c->until,
                };
                if (c->dispatch) {
                        int r = wire_unpack_dispatch(c->dispatch, arena, &commands.commands[i].dispatch, ret_why);

                        if (r < 0)
                                return r;
                }
        }
        *ret_commands = commands;
        return 0;
}

static int unpack_body(const Nightshift__Reply *m, struct arena *arena, struct wire_reply *reply, const char **ret_why)
{
        switch (m->body_case) {
        case NIGHTSHIFT__REPLY__BODY_ACK:
                reply->kind = WIRE_ACK;
                if (m->ack->session == 0)
                        return bad(ret_why, "ack.session: missing");
                reply->ack = (struct wire_ack){ .session = m->ack->session,
                                                .sequence = m->ack->sequence,
                                                .coordinator = m->ack->coordinator,
                                                .resync = m->ack->resync,
                                                .pause_ms = m->ack->pause_ms };
                return 0;
        case NIGHTSHIFT__REPLY__BODY_COMMANDS:
                reply->kind = WIRE_COMMANDS;
                return unpack_commands(m->commands, arena, &reply->commands, ret_why);
        case NIGHTSHIFT__REPLY__BODY_ANSWER:
                reply->kind = WIRE_ANSWER;
                if (!wire_text_ok(m->answer->content_type))
                        return bad(ret_why, "answer.content_type: not text");
                reply->answer = (struct wire_answer){ .status = m->answer->status,
                                                      .content_type = m->answer->content_type,
                                                      .body = m->answer->body.data,
                                                      .body_size = m->answer->body.len };
                return 0;
        case NIGHTSHIFT__REPLY__BODY_REFUSAL:
                reply->kind = WIRE_REFUSAL;
                if (!wire_text_ok(m->refusal->reason))
                        return bad(ret_why, "refusal.reason: not text");
                reply->refusal.reason = m->refusal->reason;
                return 0;
        default:
                return bad(ret_why, "body: of no known kind");
        }
}

int wire_unpack_reply(const uint8_t *buffer, size_t size, struct arena *arena, struct wire_reply *ret_reply, const char **ret_why)
{
        ProtobufCAllocator allocator = wire_allocator(arena);
        struct wire_reply reply = { 0 };
        Nightshift__Reply *m;
        int r;

        if (size > WIRE_ANSWER_MAX)
                return bad(ret_why, "message: longer than 512 MiB");
        m = nightshift__reply__unpack(&allocator, size, buffer);
        if (!m)
                return wire_unpack_failed(arena, ret_why);
        if (m->version != WIRE_VERSION)
                return bad(ret_why, "version: not one that is spoken here");
        r = unpack_body(m, arena, &reply, ret_why);
        if (r < 0)
                return r;
        *ret_reply = reply;
        return 0;
}
