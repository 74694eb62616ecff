/* The deployments that are known, oldest first, and bounded. */
#include "coordinator/deployment_internal.h"

#include <stdlib.h>
#include <string.h>

struct deployment *deployment_new(struct core *core, struct text *service, enum deployment_kind kind, int64_t at)
{
        struct deployment *d = core_alloc(core, sizeof(*d));

        if (!d)
                return NULL;
        d->id = ++core->deployments.next_id;
        d->service = text_ref(service);
        d->kind = kind;
        d->at = at;
        d->dirty = true;
        if (deployment_insert(core, d) < 0) {
                deployment_drop(core, d);
                return NULL;
        }
        return d;
}

int deployment_insert(struct core *core, struct deployment *d)
{
        struct deployments *all = &core->deployments;
        uint32_t i;

        if (core_reserve(core, (void **)&all->items, all->count, &all->capacity, sizeof(*all->items)) < 0)
                return -ENOMEM;
        for (i = all->count; i > 0 && all->items[i - 1]->id > d->id; i--)
                all->items[i] = all->items[i - 1];
        all->items[i] = d;
        all->count++;
        all->next_id = MAX(all->next_id, d->id);
        deployments_bound(core);
        return 0;
}

void deployment_drop(struct core *core, struct deployment *d)
{
        for (uint32_t i = 0; i < d->hosts_count; i++)
                text_put(core, &d->hosts[i].name);
        for (uint32_t i = 0; i < d->changes_count; i++)
                text_put(core, &d->changes[i]);
        core_release(core, d->hosts, d->hosts_capacity * sizeof(*d->hosts));
        core_release(core, d->changes, d->changes_capacity * sizeof(*d->changes));
        text_put(core, &d->service);
        text_put(core, &d->from);
        text_put(core, &d->to);
        core_release(core, d, sizeof(*d));
}

static void forget_first(struct core *core)
{
        struct deployments *all = &core->deployments;
        struct deployment *d = all->items[0];

        if (d->saved && core_reserve(core, (void **)&all->removed.items, all->removed.count, &all->removed.capacity,
                                     sizeof(*all->removed.items)) == 0)
                all->removed.items[all->removed.count++] = d->id;
        memmove(all->items, all->items + 1, --all->count * sizeof(struct deployment *));
        deployment_drop(core, d);
}

void deployments_bound(struct core *core)
{
        struct deployments *all = &core->deployments;

        while (all->count > DEPLOYMENTS_MAX ||
               (all->count > 1 && MAX(all->items[0]->at, all->items[0]->ended_at) + DEPLOYMENTS_AGE < core->now))
                forget_first(core);
}

struct deployment *deployment_find(const struct core *core, uint64_t id)
{
        uint32_t low = 0, high = core->deployments.count;

        while (low < high) {
                uint32_t middle = low + (high - low) / 2;

                if (core->deployments.items[middle]->id < id)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low < core->deployments.count && core->deployments.items[low]->id == id ? core->deployments.items[low] : NULL;
}

struct deployment *deployment_latest(const struct core *core, const struct text *service,
                                     bool (*fits)(const struct deployment *d, int64_t at), int64_t at)
{
        for (uint32_t i = core->deployments.count; i > 0; i--) {
                struct deployment *d = core->deployments.items[i - 1];

                if (d->service == service && fits(d, at))
                        return d;
        }
        return NULL;
}

void deployment_reached(struct core *core, struct deployment *d, struct text *host, int64_t at)
{
        uint32_t i = 0;

        while (i < d->hosts_count && d->hosts[i].name != host)
                i++;
        if (i == d->hosts_count) {
                if (core_reserve(core, (void **)&d->hosts, d->hosts_count, &d->hosts_capacity, sizeof(*d->hosts)) < 0)
                        return;
                d->hosts[d->hosts_count++] = (struct deployment_host){ .name = text_ref(host) };
        }
        if (d->hosts[i].at != at) {
                d->hosts[i].at = at;
                d->dirty = true;
        }
}

void deployment_changed(struct core *core, struct deployment *d, struct text *name)
{
        for (uint32_t i = 0; i < d->changes_count; i++)
                if (d->changes[i] == name)
                        return;
        if (d->changes_count >= DEPLOYMENT_CHANGES_MAX ||
            core_reserve(core, (void **)&d->changes, d->changes_count, &d->changes_capacity, sizeof(*d->changes)) < 0)
                return;
        d->changes[d->changes_count++] = text_ref(name);
        d->dirty = true;
}
