/* stretch FACTOR IN OUT: a recording whose time passes FACTOR times as fast as it did, so that what a
 * client library did in six minutes, with all its periods a tenth of what they are in production, becomes
 * the hour that it stands for.
 *
 * Every moment is moved away from the recording's first, and processor time grows with it, so that a
 * process which took half a core still does. What an agent counted stays as it was: connections, bytes,
 * turnarounds, files, memory. Ticks are the coordinator's own and not the world's: there is one each
 * second again.
 *
 * What the store held when the recording began is left out, since its records are the coordinator's own;
 * agents tell all of it again in the full summaries with which a recording begins. What would tell of the
 * machine (release of its kernel, its ids, cgroups above the host) is replaced. */
#include "coordinator/recording.h"
#include "proto/arena.h"
#include "proto/units.h"
#include "proto/wire.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_MAX ((size_t)64 << 20)
#define GRAIN INT64_C(0x7fffff) /* 8 ms: what is finer makes files large and tells nothing */

struct stretch {
        int64_t base, factor;
        int64_t ticked; /* the last tick */
        struct recording_writer *out;
        struct arena *arena;
};

static int64_t moved(const struct stretch *s, int64_t at)
{
        return at == 0 ? 0 : (s->base + (at - s->base) * s->factor) & ~GRAIN;
}

static void put(const struct stretch *s, enum recording_kind kind, int64_t at, const uint8_t *data, size_t size)
{
        int r = recording_put(s->out, &(struct recording_frame){ .kind = kind, .at = at, .data = data, .size = size });

        if (r < 0)
                errx(1, "cannot write: %s", strerror(-r));
}

static void tick_until(struct stretch *s, int64_t at)
{
        for (; s->ticked + NSEC_PER_SEC <= at; s->ticked += NSEC_PER_SEC)
                put(s, RECORDING_TICK, s->ticked + NSEC_PER_SEC, (const uint8_t *)"", 0);
}

/* A test's hosts have cgroups of their own above systemd's. */
static const char *inside(const char *cgroup)
{
        const char *slice = strstr(cgroup, "/system.slice");
        const char *scope = slice ? slice : strstr(cgroup, "/init.scope");

        return scope ? scope : "/";
}

static void move_summary(const struct stretch *s, struct summary *m)
{
        uint64_t factor = (uint64_t)s->factor;

        m->session_started = moved(s, m->session_started);
        m->at = moved(s, m->at);
        m->interval *= s->factor;
        m->agent_cpu_ns = (m->agent_cpu_ns * factor) & ~(uint64_t)GRAIN;
        m->pools_at = moved(s, m->pools_at);
        m->kernel = "6.1";
        m->boot_id = "00000000-0000-4000-8000-000000000001";
        m->host_id = "00000000000000000000000000000001";
        for (size_t i = 0; i < m->identities_count; i++)
                m->identities[i].cgroup = inside(m->identities[i].cgroup);
        for (size_t i = 0; i < m->edges_count; i++) {
                m->edges[i].first_seen = moved(s, m->edges[i].first_seen);
                m->edges[i].last_seen = moved(s, m->edges[i].last_seen);
        }
        for (size_t i = 0; i < m->processes_count; i++) {
                m->processes[i].started = moved(s, m->processes[i].started);
                m->processes[i].cpu_ns = (m->processes[i].cpu_ns * factor) & ~(uint64_t)GRAIN;
                m->processes[i].throttled_ns *= factor;
        }
        for (size_t i = 0; i < m->pools_count; i++) {
                m->pools[i].started = moved(s, m->pools[i].started);
                m->pools[i].opened_at = moved(s, m->pools[i].opened_at);
        }
        for (size_t i = 0; i < m->builds_count; i++) {
                m->builds[i].first_started = moved(s, m->builds[i].first_started);
                m->builds[i].last_started = moved(s, m->builds[i].last_started);
        }
}

static void put_summary(struct stretch *s, const struct recording_frame *f)
{
        struct wire_request request;
        const char *why = "";
        uint8_t *data;
        size_t size;
        int r;

        arena_reset(s->arena, ARENA_MAX);
        if (wire_unpack_request(f->data, f->size, s->arena, &request, &why) < 0 || request.kind != WIRE_SUMMARY)
                errx(1, "a summary that does not parse: %s", why);
        move_summary(s, request.summary);
        r = wire_pack_request(&request, &data, &size);
        if (r < 0)
                errx(1, "a summary that cannot be packed: %s", strerror(-r));
        put(s, f->kind, moved(s, f->at), data, size);
        free(data);
}

static void put_frame(struct stretch *s, const struct recording_frame *f)
{
        if (s->base == 0)
                s->base = s->ticked = f->at & ~GRAIN;
        switch (f->kind) {
        case RECORDING_SUMMARY:
                tick_until(s, moved(s, f->at));
                put_summary(s, f);
                break;
        case RECORDING_START:
        case RECORDING_LOADED: /* nothing may come between them */
                put(s, f->kind, s->ticked, f->data, f->size);
                break;
        case RECORDING_POLL:
        case RECORDING_ANNOUNCE:
                tick_until(s, moved(s, f->at));
                put(s, f->kind, moved(s, f->at), f->data, f->size);
                break;
        case RECORDING_GAP:
                errx(1, "a recording with a gap cannot be stretched");
        default:
                break;
        }
}

int main(int argc, char **argv)
{
        struct stretch s = { .factor = argc == 4 ? atol(argv[1]) : 0 };
        struct recording_reader *in;
        struct recording_failure failure;
        struct recording_frame f;
        int r;

        if (s.factor < 1 || s.factor > 1000)
                errx(2, "stretch FACTOR IN OUT");
        if (recording_open(argv[2], &in, &failure) < 0)
                errx(1, "%s: %s", argv[2], failure.why);
        if (arena_new(ARENA_MAX, &s.arena) < 0 || recording_create(argv[3], &s.out) < 0)
                errx(1, "%s: it cannot be made", argv[3]);
        while ((r = recording_next(in, &f, &failure)) > 0)
                put_frame(&s, &f);
        if (r < 0)
                errx(1, "%s: at byte %llu: %s", argv[2], (unsigned long long)failure.offset, failure.why);
        r = recording_finish(s.out);
        if (r < 0)
                errx(1, "%s: %s", argv[3], strerror(-r));
        recording_writer_free(&s.out);
        recording_reader_free(&in);
        arena_free(&s.arena);
        return 0;
}
