/* Deployments of a view, oldest first. */
#include "coordinator/view_internal.h"

#include <stdlib.h>
#include <string.h>

static struct view_strings copy_hosts(struct view_builder *b, const struct deployment *d)
{
        struct view_strings s = { .items = view_take(b, MAX(d->hosts_count, 1u) * sizeof(*s.items)) };

        if (!s.items)
                return s;
        for (uint32_t i = 0; i < d->hosts_count; i++)
                s.items[s.count++] = view_copy_text(b, d->hosts[i].name);
        qsort(s.items, s.count, sizeof(*s.items), view_by_string);
        return s;
}

static struct view_strings copy_changes(struct view_builder *b, const struct deployment *d)
{
        struct view_strings s = { .items = view_take(b, MAX(d->changes_count, 1u) * sizeof(*s.items)) };

        if (!s.items)
                return s;
        for (uint32_t i = 0; i < d->changes_count; i++)
                s.items[s.count++] = view_copy_text(b, d->changes[i]);
        qsort(s.items, s.count, sizeof(*s.items), view_by_string);
        return s;
}

bool view_deployments_known(const struct view_builder *b)
{
        const struct core *core = b->core;
        const char *service = b->query->service;
        bool found = !service;

        if (b->query->host && !host_find(core, b->query->host))
                return false;
        for (uint32_t i = 0; !found && i < core->deployments.count; i++)
                found = strcmp(core->deployments.items[i]->service->data, service) == 0;
        for (size_t i = 0; !found && core->services.table && i <= core->services.mask; i++)
                for (const struct map_node *n = core->services.table[i]; n && !found; n = n->next)
                        found = strcmp(container_of(n, const struct service, node)->name, service) == 0;
        return found;
}

static bool selected(const struct view_builder *b, const struct deployment *d)
{
        const struct view_query *q = b->query;
        bool found = !q->host;

        for (uint32_t i = 0; !found && i < d->hosts_count; i++)
                found = strcmp(d->hosts[i].name->data, q->host) == 0;
        return found && (!q->service || strcmp(d->service->data, q->service) == 0);
}

static int by_time(const void *x, const void *y)
{
        const struct view_deployment *a = x, *b = y;

        if (a->at != b->at)
                return a->at < b->at ? -1 : 1;
        return a->id < b->id ? -1 : a->id > b->id;
}

void view_add_deployments(struct view_builder *b)
{
        const struct deployments *all = &b->core->deployments;
        struct view_deployment *rows = view_take(b, MAX(all->count, 1u) * sizeof(*rows));
        size_t n = 0;

        for (uint32_t i = 0; rows && i < all->count; i++) {
                const struct deployment *d = all->items[i];

                if (!selected(b, d))
                        continue;
                rows[n++] = (struct view_deployment){ .id = d->id,
                                                      .kind = d->kind,
                                                      .end = d->end,
                                                      .service = view_copy_text(b, d->service),
                                                      .from = view_copy_text(b, d->from),
                                                      .to = view_copy_text(b, d->to),
                                                      .hosts = copy_hosts(b, d),
                                                      .changes = copy_changes(b, d),
                                                      .at = d->at,
                                                      .ended_at = d->ended_at,
                                                      .announced_at = d->announced_at,
                                                      .observed = d->observed };
        }
        if (n)
                qsort(rows, n, sizeof(*rows), by_time);
        b->view->deployments = rows;
        b->view->deployments_count = n;
}

static int by_name(const void *name, const void *row)
{
        const struct view_service *s = row;
        int r = strcmp(name, s->name);

        return r ? r : -(int)s->external;
}

void view_name_versions(struct view_builder *b)
{
        const struct map *tracks = &b->core->deployments.tracks;
        struct view *v = b->view;
        size_t own = 0;
        uint32_t *most;

        while (own < v->services_count && !v->services[own].external)
                own++;
        most = view_take(b, MAX(own, (size_t)1) * sizeof(*most));
        for (size_t i = 0; most && own && tracks->table && i <= tracks->mask; i++)
                for (const struct map_node *n = tracks->table[i]; n; n = n->next) {
                        const struct track *t = container_of(n, const struct track, node);
                        struct view_service *s = bsearch(t->service->data, v->services, own, sizeof(*s), by_name);
                        const char *version = s ? track_version(t, &most[s - v->services]) : NULL;

                        if (version && version[0])
                                s->version = view_copy_string(b, version);
                }
        /* Where nothing is declared, what was announced last. */
        for (uint32_t i = b->core->deployments.count; own && i > 0; i--) {
                const struct deployment *d = b->core->deployments.items[i - 1];
                struct view_service *s = d->announced_at ? bsearch(d->service->data, v->services, own, sizeof(*s), by_name) : NULL;

                if (s && s->version[0] == 0)
                        s->version = view_copy_text(b, d->to);
        }
}
