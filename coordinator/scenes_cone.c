#include "coordinator/graph.h"
#include "coordinator/scenes_internal.h"

#define STEPS_MAX 16

static bool has(const struct service *const *set, uint32_t count, const struct service *s)
{
        for (uint32_t i = 0; i < count; i++)
                if (set[i] == s)
                        return true;
        return false;
}

/* One direction; false if there are more than have room. */
static bool follow(const struct core *core, const struct service *from, bool callees, const struct service **set, uint32_t *count)
{
        uint32_t begin = *count;

        set[(*count)++] = from;
        for (int step = 0; step < STEPS_MAX; step++) {
                uint32_t before = *count;

                for (uint32_t k = 0; k < core->edges_count; k++) {
                        const struct edge *e = core->edges[k];
                        const struct service *near = callees ? e->client : e->server, *far = callees ? e->server : e->client;

                        if (!has(set + begin, *count - begin, near) || has(set + begin, *count - begin, far))
                                continue;
                        if (*count == SITUATION_CONE_MAX)
                                return false;
                        set[(*count)++] = far;
                }
                if (*count == before)
                        return true;
        }
        return false;
}

void scenes_cone(const struct core *core, const struct service *service, struct situation *s)
{
        const struct service *set[SITUATION_CONE_MAX + 2];
        uint32_t count = 0;

        s->cone_whole = !follow(core, service, true, set, &count) || count >= SITUATION_CONE_MAX ||
                        !follow(core, service, false, set, &count);
        for (uint32_t i = 0; i < count && s->cone_count < SITUATION_CONE_MAX; i++)
                if (set[i] != service)
                        s->cone[s->cone_count++] = situation_key(set[i]->name);
}
