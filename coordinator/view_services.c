/* Services of a view: what hosts and edges say of them, brought together by name. */
#include "coordinator/raise.h"
#include "coordinator/view_internal.h"
#include "proto/address.h"

#include <stdlib.h>
#include <string.h>

static struct view_service *service_row(struct view_builder *b, const struct service *s)
{
        struct view_service *v = b->services[s->rank];

        if (v)
                return v;
        if (b->distance && b->distance[s->rank] > (b->query->depth ? b->query->depth : 1))
                return NULL;
        v = b->services[s->rank] = view_take(b, sizeof(*v));
        if (!v)
                return NULL;
        v->name = view_service_name(b, s);
        v->external = s->external;
        v->environment = "";
        v->version = "";
        v->tier = 1;
        v->health = VIEW_HEALTH_UNKNOWN;
        return v;
}

static void add_string(struct view_builder *b, struct view_strings *set, const char *string)
{
        const char **items;

        for (size_t i = 0; i < set->count; i++)
                if (strcmp(set->items[i], string) == 0)
                        return;
        if ((set->count & (set->count - 1)) == 0) {
                items = view_take(b, MAX(2 * set->count, (size_t)1) * sizeof(*items));
                if (!items)
                        return;
                if (set->count > 0)
                        memcpy(items, set->items, set->count * sizeof(*items));
                set->items = items;
        }
        set->items[set->count++] = string;
}

static void add_host(struct view_builder *b, struct view_service *v, const struct host *h, const char *name)
{
        const char *environment = view_label(h, "environment");

        add_string(b, &v->hosts, name);
        if (v->environment[0] == 0)
                v->environment = view_copy_string(b, environment);
}

static void add_listener(struct view_builder *b, struct view_service *v, const struct host_listener *l)
{
        char address[ADDRESS_TEXT_SIZE];
        struct view_port *p, *ports;

        address_format(&l->row.address, address);
        for (size_t i = 0; i < v->listening_count; i++) {
                p = &v->listening[i];
                if (p->port != l->row.port || p->transport != l->row.transport || strcmp(p->address, address) != 0)
                        continue;
                p->backlog += l->row.backlog;
                p->backlog_max += l->row.backlog_max;
                p->drops += l->row.drops;
                return;
        }
        if ((v->listening_count & (v->listening_count - 1)) == 0) {
                ports = view_take(b, MAX(2 * v->listening_count, (size_t)1) * sizeof(*ports));
                if (!ports)
                        return;
                if (v->listening_count > 0)
                        memcpy(ports, v->listening, v->listening_count * sizeof(*ports));
                v->listening = ports;
        }
        v->listening[v->listening_count++] = (struct view_port){ .address = view_copy_string(b, address),
                                                                 .port = l->row.port,
                                                                 .transport = l->row.transport,
                                                                 .backlog = l->row.backlog,
                                                                 .backlog_max = l->row.backlog_max,
                                                                 .drops = l->row.drops };
}

static int by_port(const void *x, const void *y)
{
        const struct view_port *a = x, *b = y;
        int r = (int)a->port - (int)b->port;

        if (r == 0)
                r = (int)a->transport - (int)b->transport;
        return r ? r : strcmp(a->address, b->address);
}

/* `counted`: by rank, the host (its number + 1) whose restarts are in already; each of its processes tells them. */
static void add_process(struct view_builder *b, const struct host *h, const struct host_process *p, uint32_t *counted)
{
        struct view_service *v = p->identity ? service_row(b, p->identity->service) : NULL;

        if (!v)
                return;
        v->use.processes++;
        v->use.threads += p->row.threads;
        v->use.open_files += p->row.open_files;
        v->use.rss_bytes += p->row.rss_bytes;
        v->use.cpu_ratio += p->cpu.ratio;
        v->use.throttled_ratio += p->throttled.ratio;
        if (counted[p->identity->service->rank] != h->number + 1)
                v->use.restarts_1h += p->row.restarts_1h;
        counted[p->identity->service->rank] = h->number + 1;
}

/* What identities, listeners and processes of the hosts say of services. */
static void services_of_hosts(struct view_builder *b)
{
        struct core *core = b->core;
        uint32_t *counted = view_take(b, (core->order_count + 1) * sizeof(*counted));

        for (uint32_t i = 0; counted && i < core->hosts_count; i++) {
                const struct host *h = core->hosts[i];
                const char *name;

                if (!view_host_selected(b, h))
                        continue;
                name = view_copy_text(b, h->name);
                for (size_t k = 0; h->identities.table && k <= h->identities.mask; k++) {
                        for (const struct map_node *n = h->identities.table[k]; n; n = n->next) {
                                const struct identity *d = container_of(n, const struct identity, node);
                                struct view_service *v = d->references ? service_row(b, d->service) : NULL;

                                if (!v)
                                        continue;
                                add_host(b, v, h, name);
                                v->instances++;
                                if (strcmp(v->version, d->version->data) < 0)
                                        v->version = view_copy_text(b, d->version);
                        }
                }
                for (uint32_t k = 0; k < h->listeners_count; k++) {
                        const struct host_listener *l = &h->listeners[k];
                        struct view_service *v = l->identity ? service_row(b, l->identity->service) : NULL;

                        if (v)
                                add_listener(b, v, l);
                }
                for (uint32_t k = 0; k < h->processes_count; k++)
                        add_process(b, h, &h->processes[k], counted);
                for (size_t k = 0; k < HOST_RAISES; k++) {
                        uint32_t tier;
                        const struct service *s = raise_at(core, h, k, &tier);
                        struct view_service *v = s ? service_row(b, s) : NULL;

                        if (v)
                                v->tier = MAX(v->tier, tier);
                }
        }
}

/* Names that only edges know: external nodes, and services of hosts that are silent. */
static void services_of_edges(struct view_builder *b)
{
        struct core *core = b->core;

        for (uint32_t i = 0; i < core->edges_count; i++) {
                const struct edge *e = core->edges[i];

                if (!view_edge_selected(b, e))
                        continue;
                (void)service_row(b, e->client);
                (void)service_row(b, e->server);
        }
}

void view_add_services(struct view_builder *b)
{
        struct core *core = b->core;
        struct view_service *rows;
        size_t n = 0;

        services_of_hosts(b);
        services_of_edges(b);
        view_judge(b);
        view_mark_incidents(b);
        rows = view_take(b, core->order_count * sizeof(*rows));
        if (!rows)
                return;
        for (int external = 0; external < 2; external++)
                for (uint32_t i = 0; i < core->order_count; i++)
                        if (b->services[i] && b->services[i]->external == (external != 0))
                                rows[n++] = *b->services[i];
        for (size_t i = 0; i < n; i++) {
                if (rows[i].hosts.count)
                        qsort(rows[i].hosts.items, rows[i].hosts.count, sizeof(*rows[i].hosts.items), view_by_string);
                if (rows[i].listening_count)
                        qsort(rows[i].listening, rows[i].listening_count, sizeof(*rows[i].listening), by_port);
        }
        b->view->services = rows;
        b->view->services_count = n;
        view_name_versions(b);
}
