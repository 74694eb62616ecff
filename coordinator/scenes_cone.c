#include "coordinator/graph.h"
#include "coordinator/scenes_internal.h"

#define STEPS_MAX 16

#define BUCKETS 256 /* four times as many as there can be */

/* Services by address; open addressing. */
struct set {
        const struct service *buckets[BUCKETS];
        const struct service *items[SITUATION_CONE_MAX];
        uint32_t count;
};

static uint32_t bucket_of(const struct set *set, const struct service *s)
{
        uint32_t i = (uint32_t)((uintptr_t)s >> 4) * UINT32_C(2654435761) >> 24;

        while (set->buckets[i] && set->buckets[i] != s)
                i = (i + 1) % BUCKETS;
        return i;
}

/* False if there is no room. */
static bool put(struct set *set, const struct service *s)
{
        uint32_t i = bucket_of(set, s);

        if (set->buckets[i])
                return true;
        if (set->count == SITUATION_CONE_MAX)
                return false;
        set->buckets[i] = set->items[set->count++] = s;
        return true;
}

/* One direction; false if there are more than have room, or further than is looked. */
static bool follow(const struct core *core, const struct service *from, bool callees, struct set *set)
{
        if (!put(set, from))
                return false;
        for (int step = 0; step < STEPS_MAX; step++) {
                uint32_t before = set->count;

                for (uint32_t k = 0; k < core->edges_count; k++) {
                        const struct edge *e = core->edges[k];
                        const struct service *near = callees ? e->client : e->server, *far = callees ? e->server : e->client;

                        if (set->buckets[bucket_of(set, near)] && !put(set, far))
                                return false;
                }
                if (set->count == before)
                        return true;
        }
        return false;
}

void scenes_cone(const struct core *core, const struct service *service, struct situation *s)
{
        for (int callees = 0; callees < 2; callees++) {
                struct set set = { 0 };

                s->cone_whole = !follow(core, service, callees, &set) || s->cone_whole;
                for (uint32_t i = 1; i < set.count; i++) {
                        if (s->cone_count == SITUATION_CONE_MAX)
                                s->cone_whole = true;
                        else
                                s->cone[s->cone_count++] = situation_key(set.items[i]->name);
                }
        }
}
