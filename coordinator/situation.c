#include "coordinator/situation.h"

#include <stdlib.h>
#include <string.h>

uint64_t situation_key(const char *name)
{
        uint64_t h = UINT64_C(0xcbf29ce484222325);

        for (; *name; name++)
                h = (h ^ (uint8_t)*name) * UINT64_C(0x100000001b3);
        return h;
}

const struct situation *scene_find(const struct scene *scene, uint64_t incident)
{
        for (uint32_t i = 0; i < scene->situations_count; i++)
                if (scene->situations[i].incident == incident)
                        return &scene->situations[i];
        return NULL;
}

#define SICK_WORDS 1024 /* of 64 hosts each: beyond 65,536 hosts they share bits, and fewer are counted */

bool scene_doubts_itself(const struct scene *scene, const struct policy *policy, const struct situation *situation,
                         uint32_t *ret_sick)
{
        uint64_t sick[SICK_WORDS];
        uint32_t words = MIN(scene->hosts_count / 64 + 1, (uint32_t)SICK_WORDS), count = 0;

        memset(sick, 0, words * sizeof(*sick));
        for (uint32_t k = 0; k < scene->situations_count; k++) {
                const struct situation *s = &scene->situations[k];

                if (s->incident == situation->incident && s->cause[0])
                        continue;
                for (uint32_t i = 0; i < s->instances_count; i++) {
                        uint32_t host = s->instances[i].host_number % (words * 64);

                        if (!s->instances[i].sick || (sick[host / 64] >> host % 64) & 1)
                                continue;
                        sick[host / 64] |= UINT64_C(1) << host % 64;
                        count++;
                }
        }
        *ret_sick = count;
        return count >= policy->sick_min && count > policy->sick_share * scene->hosts_count;
}

static bool in(uint64_t key, const uint64_t *cone, uint32_t count)
{
        for (uint32_t i = 0; i < count; i++)
                if (cone[i] == key)
                        return true;
        return false;
}

bool situation_touches(const struct situation *a, uint64_t service_key, const uint64_t *cone, uint32_t cone_count, bool cone_whole)
{
        return a->cone_whole || cone_whole || a->service_key == service_key || in(a->service_key, cone, cone_count) ||
               in(service_key, a->cone, a->cone_count);
}
