#include "agent/service_lives.h"

#include <stdlib.h>
#include <string.h>

#define HOUR_NS (3600 * NSEC_PER_SEC)

void service_lives_free(struct service_lives *lives)
{
        for (size_t i = 0; i < lives->count; i++)
                free(lives->items[i].service);
        free(lives->items);
        *lives = (struct service_lives){ 0 };
}

static struct service_life *find(const struct service_lives *lives, const char *service)
{
        for (size_t i = 0; i < lives->count; i++)
                if (strcmp(lives->items[i].service, service) == 0)
                        return &lives->items[i];
        return NULL;
}

static int64_t last_end(const struct service_life *life)
{
        return life->ends[(life->count - 1) % SERVICE_LIVES_ENDS];
}

/* A free place, made by forgetting if need be. */
static struct service_life *room(struct service_lives *lives)
{
        struct service_life *oldest = lives->items;

        if (lives->count < SERVICE_LIVES_MAX) {
                if (lives->count == lives->size) {
                        size_t size = lives->size ? lives->size * 2 : 16;
                        struct service_life *items = reallocarray(lives->items, size, sizeof(*items));

                        if (!items)
                                return NULL;
                        lives->items = items;
                        lives->size = size;
                }
                return &lives->items[lives->count++];
        }
        for (size_t i = 1; i < lives->count; i++)
                if (last_end(&lives->items[i]) < last_end(oldest))
                        oldest = &lives->items[i];
        free(oldest->service);
        return oldest;
}

int service_lives_ended(struct service_lives *lives, const char *service, const struct service_exit *how, int64_t now)
{
        struct service_life *life = find(lives, service);

        if (!life) {
                char *name = strdup(service);

                if (!name)
                        return -ENOMEM;
                life = room(lives);
                if (!life) {
                        free(name);
                        return -ENOMEM;
                }
                *life = (struct service_life){ .service = name };
        }
        life->ends[life->count++ % SERVICE_LIVES_ENDS] = now;
        life->last = *how;
        return 0;
}

uint32_t service_lives_restarts(const struct service_lives *lives, const char *service, int64_t now,
                                const struct service_exit **ret_last)
{
        const struct service_life *life = find(lives, service);
        uint32_t restarts = 0;

        *ret_last = life ? &life->last : NULL;
        if (!life)
                return 0;
        for (uint64_t i = 0; i < MIN(life->count, (uint64_t)SERVICE_LIVES_ENDS); i++)
                restarts += now - life->ends[i] < HOUR_NS;
        return restarts;
}
