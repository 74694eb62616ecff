/* What a fortnight of a graph of 10,000 edges takes, and whether it can be read after a restart: fortnight FOLDER [DAYS].
 *
 * A core with a budget of 512 MiB and a store in FOLDER. Every edge is in use all the time, with times that are
 * spread over several buckets, which is more than a real graph has. Summaries come as seldom as the history is
 * coarse by the end: what ten minutes gained is the same in one summary as in sixty, once their slices are merged.
 *
 * Prints on one line: edges, bytes that the process has grown by, bytes of history, those of the store's files,
 * milliseconds that the restart took, how many moments of the past were asked for, and how many of them did not come
 * back as they were. */
#include "coordinator/core.h"
#include "coordinator/graph.h"
#include "coordinator/store.h"
#include "coordinator/view.h"
#include "tests/bench/swarm_summary.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HOSTS 200
#define CALLS 50
#define EDGES (HOSTS * CALLS)
#define BUDGET (UINT64_C(512) << 20)
#define ROUNDS_MAX 8192
#define DAY (24 * 3600 * NSEC_PER_SEC)

/* What an edge's client has counted. */
static struct {
        struct summary_counters counters;
        struct histogram rtt, turnaround;
} state[EDGES];

/* How many connections all edges together had opened by then. */
static struct {
        int64_t at;
        uint64_t opened;
} rounds[ROUNDS_MAX];
static uint32_t rounds_count;

static struct swarm_host *hosts[HOSTS];
static uint64_t dice_state = 1;

static void must(int r, const char *what)
{
        if (r >= 0)
                return;
        fprintf(stderr, "fortnight: %s: %s\n", what, strerror(-r));
        exit(1);
}

static uint32_t dice(uint32_t sides)
{
        dice_state = dice_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        return (uint32_t)(dice_state >> 33) % sides;
}

static uint64_t resident(void)
{
        unsigned long long pages = 0, all;
        FILE *f = fopen("/proc/self/statm", "r");

        if (!f || fscanf(f, "%llu %llu", &all, &pages) != 2)
                must(-EIO, "/proc/self/statm");
        fclose(f);
        return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t stored(const char *folder)
{
        static const char *const names[] = { "graph.db", "graph.db-wal" };
        uint64_t bytes = 0;

        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                char path[4200];
                struct stat st;

                snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
                if (stat(path, &st) == 0)
                        bytes += (uint64_t)st.st_size;
        }
        return bytes;
}

/* What an edge does in as many intervals of 10 s. */
static void go_on(uint32_t edge, uint32_t intervals)
{
        struct summary_counters *c = &state[edge].counters;
        uint32_t opened = dice(3 * intervals), answers = 1 + dice(40 * intervals), middle = 14 + edge % 12;

        c->attempted += opened;
        c->opened += opened;
        c->closed = c->opened - MIN(c->opened, (uint64_t)dice(8));
        c->sent += answers * (300 + dice(200));
        c->received += answers * (2000 + dice(2000));
        if (dice(20) == 0)
                c->retransmits += 1 + dice(intervals);
        if (dice(200) == 0)
                c->reset_by_peer++;
        for (uint32_t k = 0; k < 5; k++) {
                state[edge].rtt.count[middle - 8 + k] += opened / (1 + k);
                state[edge].turnaround.count[middle + k] += answers / (1 + k);
        }
}

static void report(struct core *core, uint32_t host, int64_t now)
{
        struct summary *s = (struct summary *)swarm_host_next(hosts[host], now, true);
        struct wire_ack ack;
        uint32_t kept = 0;

        for (size_t i = 0; i < s->edges_count; i++) {
                struct summary_edge *e = &s->edges[i];
                uint32_t edge = host * CALLS + kept;

                if (e->role != ROLE_CLIENT) /* the listeners tell whose the other ends are */
                        continue;
                e->counters = state[edge].counters;
                e->rtt = state[edge].rtt;
                e->turnaround = state[edge].turnaround;
                s->edges[kept++] = *e;
        }
        s->edges_count = kept;
        s->keys_count = 0;
        must(core_summary(core, now, swarm_host_name(hosts[host]), s, &ack), "a summary");
}

static void live(struct core *core, struct store *store, int64_t *now, int64_t until, int64_t step)
{
        while (*now < until) {
                uint64_t opened = 0;

                *now += step;
                for (uint32_t i = 0; i < EDGES; i++) {
                        go_on(i, (uint32_t)(step / NSEC_PER_SEC / 10));
                        opened += state[i].counters.opened;
                }
                for (uint32_t i = 0; i < HOSTS; i++)
                        report(core, i, *now);
                core_tick(core, *now);
                if (rounds_count % 10 == 0)
                        must(store_save(store, core, *now), "the store");
                if (rounds_count < ROUNDS_MAX) {
                        rounds[rounds_count].at = *now;
                        rounds[rounds_count++].opened = opened;
                }
        }
}

/* Whether the graph of that moment has what had been counted by then. */
static bool is_right(struct core *core, int64_t now, int64_t at)
{
        struct view *view = NULL;
        uint64_t opened = 0, wanted = 0;

        if (core_view(core, now, &(struct view_query){ .parts = VIEW_EDGES, .at = at }, &view) < 0)
                return false;
        for (size_t i = 0; i < view->edges_count; i++)
                opened += view->edges[i].counters.opened;
        for (uint32_t i = 0; i < rounds_count && rounds[i].at <= view->as_of; i++)
                wanted = rounds[i].opened;
        if (opened != wanted || llabs(view->as_of - at) > 2 * 3600 * NSEC_PER_SEC)
                fprintf(stderr, "fortnight: %.2f days ago: %llu connections, not %llu; as of %.2f h before\n",
                        (double)(now - at) / DAY, (unsigned long long)opened, (unsigned long long)wanted,
                        (double)(at - view->as_of) / 3600 / NSEC_PER_SEC);
        opened = opened == wanted && llabs(view->as_of - at) <= 2 * 3600 * NSEC_PER_SEC;
        view_free(&view);
        return opened;
}

int main(int argc, char **argv)
{
        static const struct swarm_shape shape = { HOSTS, 1, CALLS, 0, 10 * NSEC_PER_SEC };
        const struct core_options options = { .coordinator = 1, .memory_max = BUDGET };
        int64_t begun = clock_wall() / DAY * DAY, now = begun, end, restart;
        int days = argc > 2 ? atoi(argv[2]) : 14;
        uint32_t asked = 0, wrong = 0;
        struct store *store = NULL;
        struct core *core = NULL;
        const char *why = "";
        uint64_t before, grown, history, edges;

        if (argc < 2)
                return 2;
        end = begun + days * DAY;
        for (uint32_t i = 0; i < HOSTS; i++)
                must(swarm_host_new(&shape, i, &hosts[i]), "a host");
        memset(state, 0, sizeof(state));
        before = resident();
        must(store_open(argv[1], &store, &why), why);
        must(core_new(&options, &core), "a core");
        live(core, store, &now, end - 3 * 3600 * NSEC_PER_SEC, 600 * NSEC_PER_SEC);
        live(core, store, &now, end - 600 * NSEC_PER_SEC, 60 * NSEC_PER_SEC);
        live(core, store, &now, end, 10 * NSEC_PER_SEC);
        must(store_flush(store, core, now), "the store");
        grown = resident() - before;
        history = core->history.bytes;
        edges = core->edges_count;
        core_free(&core);
        store_close(&store);

        restart = clock_monotonic();
        must(store_open(argv[1], &store, &why), why);
        must(core_new(&options, &core), "a core");
        must(store_load(store, core, now), "what is stored");
        restart = clock_monotonic() - restart;
        for (int64_t at = begun + 2 * 3600 * NSEC_PER_SEC; at < now; at += (now - begun) / 40, asked++)
                wrong += !is_right(core, now, at);
        printf("%llu %llu %llu %llu %lld %u %u\n", (unsigned long long)edges, (unsigned long long)grown,
               (unsigned long long)history, (unsigned long long)stored(argv[1]), (long long)(restart / NSEC_PER_MSEC), asked,
               wrong);
        core_free(&core);
        store_close(&store);
        for (uint32_t i = 0; i < HOSTS; i++)
                swarm_host_free(&hosts[i]);
        return 0;
}
