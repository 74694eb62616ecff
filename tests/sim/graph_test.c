/* The graph ends the same whatever happened on the way: in each of many worlds, after the trouble has
 * ended, the view is compared with the truth. Prints TAP; SEEDS worlds from SEED on. */
#include "tests/sim/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool talk;

static int run(uint64_t seed, struct world *w)
{
        struct view *v = NULL;
        unsigned trouble;
        int bad;

        world_build(w, seed);
        trouble = w->trouble;
        for (uint64_t n = 100 + world_random(w, 500); n > 0; n--) {
                traffic_step(w);
                world_step(w, true);
        }
        w->trouble &= ~(unsigned)(TROUBLE_NETWORK | TROUBLE_LOSS);
        w->core_back_at = 0;
        if (w->trouble & TROUBLE_MEMORY && world_random(w, 2))
                coordinator_enlarge(w);
        for (int i = 0; i < 30 || (world_threshold(w) < UINT32_MAX && i < 400); i++)
                world_step(w, false);
        /* Every pair once more, now that all are there: who belongs to whom must be known then. */
        for (int i = 0; i < w->pairs; i++)
                conn_open(w, i);
        for (int i = 0; i < 90; i++)
                world_step(w, false);
        if (core_view(w->core, w->now, &(struct view_query){ .parts = VIEW_GRAPH }, &v) < 0)
                abort();
        bad = world_compare(w, v, talk);
        if (world_threshold(w) < UINT32_MAX) {
                bad = 1;
                if (talk)
                        printf("# an agent still leaves out keys\n");
        }
        if (bad && talk) {
                printf("# %d hosts, %d pairs, trouble %u, %u crashes of the coordinator\n", w->hosts, w->pairs, trouble,
                       w->crashes);
                for (int i = 0; i < w->pairs; i++) {
                        const struct truth *t = &w->truth[w->pair[i].edge];
                        printf("# pair %d: %s (host %d) -> %s (host %d) opened %llu open %llu\n", i, t->client, w->pair[i].agent[0],
                               t->server, w->pair[i].agent[1], (unsigned long long)t->counts.opened, (unsigned long long)t->open);
                }
        }
        view_free(&v);
        world_free(w);
        return bad;
}

int main(void)
{
        const char *seeds = getenv("SEEDS"), *first = getenv("SEED"), *fast = getenv("FAST");
        uint64_t count = seeds && *seeds ? strtoull(seeds, NULL, 0) : fast && *fast ? 300 : 3000;
        uint64_t from = first && *first ? strtoull(first, NULL, 0) : 1;
        struct world *w = malloc(sizeof(*w));
        uint64_t failed = 0;

        if (!w)
                return 1;
        printf("TAP version 13\n1..1\n# SEED=%llu SEEDS=%llu\n", (unsigned long long)from, (unsigned long long)count);
        for (uint64_t i = from; i < from + count; i++) {
                talk = false;
                if (run(i, w) == 0)
                        continue;
                if (failed++ < 5) {
                        printf("# seed %llu:\n", (unsigned long long)i);
                        talk = true;
                        (void)run(i, w);
                }
        }
        printf("%s 1 - the graph equals the truth in %llu worlds\n", failed ? "not ok" : "ok", (unsigned long long)count);
        if (failed)
                printf("# %llu of them failed\n", (unsigned long long)failed);
        free(w);
        return failed != 0;
}
