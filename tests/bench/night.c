/* Writes a recording of a synthetic night for the bench of the replay: night FILE [HOURS].
 *
 * 100 services on 20 hosts, each of which calls four others, so 400 edges that both ends report; a
 * summary of each host every 10 s at its own phase, a tick a second, and a full summary now and then. A
 * third of the edges is quiet at a time, as at night most are. */
#include "coordinator/bytes.h"
#include "coordinator/core.h"
#include "coordinator/recorder.h"
#include "proto/wire.h"
#include "tests/bench/swarm_summary.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOSTS 20
#define SERVICES 5 /* of a host */
#define CALLS 4
#define ALL (HOSTS * SERVICES)
#define INTERVAL 10

static int64_t begun;

static void must(int r, const char *what)
{
        if (r >= 0)
                return;
        fprintf(stderr, "night: %s: %s\n", what, strerror(-r));
        exit(1);
}

static void put(struct recording_writer *w, enum recording_kind kind, int64_t at, const uint8_t *data, size_t size)
{
        must(recording_put(w, &(struct recording_frame){ kind, at, data, size }), "a frame");
}

static void begin(struct recording_writer *w)
{
        struct writer out = { 0 };
        struct recording_frame f;
        struct core *core = NULL;
        const uint8_t *data;
        const char *why;

        must(core_new(&(struct core_options){ .coordinator = 42 }, &core), "a core");
        core_tick(core, begun);
        must(recorder_snapshot(core, &out), "its snapshot");
        for (data = out.data; data < out.data + out.size;) {
                must(recording_frame_take(&data, out.data + out.size, &f, &why), "a frame of the snapshot");
                must(recording_put(w, &f), "a frame");
        }
        core_free(&core);
        writer_free(&out);
}

/* Leaves out rows of edges that are quiet in this round, at both ends alike. */
static void thin_out(struct summary *s, uint32_t host, uint64_t round)
{
        size_t kept = 0;

        for (size_t i = 0; i < s->edges_count; i++) {
                const struct summary_edge *e = &s->edges[i];
                uint32_t service = host * SERVICES + e->identity - 1, k = (uint32_t)(e->id - 1) / 2 % CALLS;
                uint32_t from = e->role == ROLE_CLIENT ? service : (service + ALL - (1 + k * 7)) % ALL;

                if ((from + k + round / 6) % 3 != 0)
                        s->edges[kept++] = *e;
        }
        s->edges_count = kept;
}

static void report(struct recording_writer *w, struct swarm_host *host, uint32_t index, int64_t at, uint64_t round)
{
        bool full = round % 360 == 0;
        struct summary *s = (struct summary *)swarm_host_next(host, at, full);
        struct wire_request request = { .kind = WIRE_SUMMARY, .summary = s };
        uint8_t *packed = NULL;
        size_t size;

        if (!full)
                thin_out(s, index, round);
        must(wire_pack_request(&request, &packed, &size), "a summary");
        put(w, RECORDING_SUMMARY, at, packed, size);
        free(packed);
}

int main(int argc, char **argv)
{
        static const struct swarm_shape shape = { HOSTS, SERVICES, CALLS, 2, INTERVAL * NSEC_PER_SEC };
        struct swarm_host *hosts[HOSTS];
        struct recording_writer *w = NULL;
        int seconds = argc > 2 ? atoi(argv[2]) * 3600 : 24 * 3600;

        if (argc < 2)
                return 2;
        begun = clock_wall(); /* the simulated agents take it for the beginning of their sessions */
        must(recording_create(argv[1], &w), argv[1]);
        begin(w);
        for (uint32_t i = 0; i < HOSTS; i++)
                must(swarm_host_new(&shape, i, &hosts[i]), "a host");
        for (int second = 1; second <= seconds; second++) {
                int64_t now = begun + second * NSEC_PER_SEC;

                put(w, RECORDING_TICK, now, NULL, 0);
                for (int i = second % INTERVAL; i < HOSTS; i += INTERVAL)
                        report(w, hosts[i], (uint32_t)i, now + (i + 1) * 20 * NSEC_PER_MSEC, (uint64_t)second / INTERVAL);
        }
        must(recording_finish(w), argv[1]);
        printf("%.1f MiB\n", (double)recording_written(w) / (1 << 20));
        for (uint32_t i = 0; i < HOSTS; i++)
                swarm_host_free(&hosts[i]);
        recording_writer_free(&w);
        return 0;
}
