#include "coordinator/replay.h"
#include "coordinator/core.h"
#include "proto/arena.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_MAX ((size_t)64 << 20) /* as the daemon's */
#define ARENA_KEEP ((size_t)4 << 20)

struct replay {
        struct recording_reader *reader;
        struct core_options override;
        const struct signature_set *signatures;
        struct core *core;
        struct arena *arena;
        struct replay_facts facts;
        struct recording_frame frame;
        bool held; /* `frame` lies after the last `until`, and is the next */
        bool after_gap;
};

static int fail(const struct replay *p, struct recording_failure *failure, int r, const char *what, const char *why)
{
        failure->offset = recording_offset(p->reader);
        snprintf(failure->why, sizeof(failure->why), "%s%s%s", what, *why ? ": " : "", why);
        return r;
}

static int start(struct replay *p, const struct recording_frame *f, struct recording_failure *failure)
{
        struct core_options options = { 0 };
        struct recording_start s;
        int r;

        if (recording_start_unpack(f, &s) < 0)
                return fail(p, failure, -EBADMSG, "a beginning with options that no coordinator can have", "");
        options.coordinator = s.coordinator;
        options.memory_max = p->override.memory_max ? p->override.memory_max : s.memory_max;
        options.forget_after = p->override.forget_after ? p->override.forget_after : s.forget_after;
        options.host_stale_after = p->override.host_stale_after ? p->override.host_stale_after : s.host_stale_after;
        memcpy(p->facts.version, s.version, sizeof(p->facts.version));
        if (p->after_gap)
                p->facts.gap_to = f->at;
        p->after_gap = false;
        core_free(&p->core);
        r = core_new(&options, &p->core);
        if (r < 0)
                return fail(p, failure, r, "a core cannot be made", strerror(-r));
        core_set_signatures(p->core, p->signatures);
        return 0;
}

static int stored(struct replay *p, const struct recording_frame *f, struct recording_failure *failure)
{
        struct recording_stored s;
        int r;

        if (recording_stored_unpack(f, &s) < 0)
                return fail(p, failure, -EBADMSG, "a record whose key is longer than itself", "");
        r = core_load(p->core, s.kind, s.key, s.key_size, s.value, s.value_size);
        if (r == -ENOMEM)
                return fail(p, failure, r, "out of memory", "");
        p->facts.skipped += r < 0;
        return 0;
}

static int summary(struct replay *p, const struct recording_frame *f, struct recording_failure *failure)
{
        struct wire_request request;
        struct wire_ack ack;
        const char *why = "";
        int r;

        arena_reset(p->arena, ARENA_KEEP);
        r = wire_unpack_request(f->data, f->size, p->arena, &request, &why);
        if (r == -ENOBUFS)
                return fail(p, failure, -EBADMSG, "a summary that is too large", "");
        if (r < 0)
                return fail(p, failure, r, "a summary that does not parse", why);
        if (request.kind != WIRE_SUMMARY || !*request.summary->host)
                return fail(p, failure, -EBADMSG, "a message that is no summary of a host", "");
        r = core_summary(p->core, f->at, request.summary->host, request.summary, &ack);
        if (r < 0 && r != -ENOMEM)
                return fail(p, failure, r, "a summary that the core does not take", strerror(-r));
        p->facts.summaries += r == 0;
        p->facts.refused += r < 0;
        return 0;
}

static int poll(struct replay *p, const struct recording_frame *f, struct recording_failure *failure)
{
        struct wire_commands commands;
        struct recording_poll poll;
        int r;

        if (recording_poll_unpack(f, &poll) < 0)
                return fail(p, failure, -EBADMSG, "a poll of nobody", "");
        r = core_poll(p->core, f->at, poll.host, poll.session, poll.acknowledged, &commands);
        return r < 0 && r != -ENOMEM ? fail(p, failure, r, "a poll that the core does not take", strerror(-r)) : 0;
}

/* Of what is not there nothing came then either. */
static int announce(struct replay *p, const struct recording_frame *f, struct recording_failure *failure)
{
        struct recording_announce a;
        uint64_t id;
        int r;

        if (recording_announce_unpack(f, &a) < 0)
                return fail(p, failure, -EBADMSG, "a deployment of nothing", "");
        r = core_announce(p->core, f->at, a.service, a.version, *a.host ? a.host : NULL, &id);
        return r < 0 && r != -ENOMEM && r != -ENOENT ? fail(p, failure, r, "a deployment that the core does not take", strerror(-r))
                                                     : 0;
}

static int take(struct replay *p, const struct recording_frame *f, struct recording_failure *failure)
{
        switch (f->kind) {
        case RECORDING_START:
                return start(p, f, failure);
        case RECORDING_STORED:
                return stored(p, f, failure);
        case RECORDING_LOADED:
                core_loaded(p->core, f->at);
                return 0;
        case RECORDING_SUMMARY:
                return summary(p, f, failure);
        case RECORDING_TICK:
                core_tick(p->core, f->at);
                p->facts.ticks++;
                return 0;
        case RECORDING_SETTLE:
                core_begin_settle(p->core, f->at);
                while (core_work(p->core))
                        ;
                return 0;
        case RECORDING_ALIGN:
                core_align(p->core, f->at);
                return 0;
        case RECORDING_POLL:
                return poll(p, f, failure);
        case RECORDING_ANNOUNCE:
                return announce(p, f, failure);
        case RECORDING_GAP:
                p->after_gap = true;
                p->facts.gaps++;
                p->facts.gap_from = p->facts.gap_to = f->at;
                for (size_t i = 0; i < f->size; i++)
                        p->facts.gap_why[i] = f->data[i] < ' ' || f->data[i] == 0x7f ? '?' : (char)f->data[i];
                p->facts.gap_why[f->size] = '\0';
                return 0;
        case RECORDING_END:
                break;
        }
        return 0;
}

int replay_new(struct recording_reader **reader, const struct core_options *options, const struct signature_set *signatures,
               struct replay **ret_replay)
{
        struct replay *p = calloc(1, sizeof(*p));
        int r = -ENOMEM;

        if (!p) {
                recording_reader_free(reader);
                return r;
        }
        p->reader = TAKE_PTR(*reader);
        if (options)
                p->override = *options;
        p->signatures = signatures;
        r = arena_new(ARENA_MAX, &p->arena);
        if (r < 0)
                replay_free(&p);
        else
                *ret_replay = p;
        return r;
}

void replay_free(struct replay **replay)
{
        struct replay *p = *replay;

        *replay = NULL;
        if (!p)
                return;
        core_free(&p->core);
        arena_free(&p->arena);
        recording_reader_free(&p->reader);
        free(p);
}

int replay_run(struct replay *p, int64_t until, struct recording_failure *failure)
{
        for (;;) {
                int r = p->held ? 1 : recording_next(p->reader, &p->frame, failure);

                p->held = false;
                if (r <= 0)
                        return r;
                if (p->frame.at > until) {
                        p->held = true;
                        return 0;
                }
                r = take(p, &p->frame, failure);
                if (r < 0)
                        return r;
                p->facts.now = p->frame.at;
        }
}

struct core *replay_core(struct replay *p)
{
        return p->core;
}

void replay_facts(const struct replay *p, struct replay_facts *ret_facts)
{
        const struct recording_facts *f = recording_facts(p->reader);

        *ret_facts = p->facts;
        ret_facts->from = f->from;
        ret_facts->to = f->to;
        ret_facts->cut = f->cut;
        ret_facts->cut_at = f->cut_at;
        ret_facts->size = f->size;
}
