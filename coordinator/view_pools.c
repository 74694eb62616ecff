/* Pools of a view. */
#include "coordinator/incident.h"
#include "coordinator/view_internal.h"

#include "proto/address.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int by_pool(const void *x, const void *y)
{
        const struct view_pool *a = x, *b = y;
        int r = strcmp(a->client, b->client);

        if (r == 0)
                r = strcmp(a->server, b->server);
        if (r == 0)
                r = (int)a->port - (int)b->port;
        if (r == 0)
                r = strcmp(a->host, b->host);
        if (r == 0)
                r = a->pool.pid < b->pool.pid ? -1 : a->pool.pid > b->pool.pid;
        return r;
}

static bool is_subject(const struct incident *i, const struct host *h, const struct summary_pool *p)
{
        for (uint32_t k = 0; k < i->subjects_count; k++)
                if (i->subjects[k].host == h->name && i->subjects[k].pid == p->pid && i->subjects[k].started == p->started)
                        return true;
        return false;
}

/* The forecast of an incident is one for all that it names. The first to break counts where a pool has several. */
static void add_forecast(const struct core *core, const struct host *h, const struct summary_pool *p, const struct service *client,
                         const struct service *server, struct view_pool *v)
{
        for (uint32_t k = 0; k < core->incidents_count; k++) {
                const struct incident *i = core->incidents[k];
                const struct signature *s;

                if (i->kind != SUBJECT_POOL || !i->has_breach || !incident_is_open(i) || i->service != client ||
                    i->server != server || i->port != v->port || !is_subject(i, h, p))
                        continue;
                if (v->breach_likely == 0 || i->breach.likely < v->breach_likely) {
                        v->breach_earliest = i->breach.earliest;
                        v->breach_likely = i->breach.likely;
                        v->breach_latest = i->breach.latest;
                }
                s = core->signatures ? signatures_find(core->signatures, i->signature->data) : NULL;
                if (s && (s->breach == SIGNAL_LOST || s->breach == SIGNAL_HELD)) {
                        v->held_low = i->breach.rate_low;
                        v->held = i->breach.rate;
                        v->held_high = i->breach.rate_high;
                }
        }
}

static void fill(struct view_builder *b, const struct host *h, const struct summary_pool *p, const struct end *end,
                 struct view_pool *v)
{
        const struct edge *edge = end_edge(b->core, end);
        const struct host_process *process = host_process_find(h, p->pid, p->started);
        bool serves = end->role == ROLE_SERVER;
        struct pool_limit limit;
        char address[ADDRESS_TEXT_SIZE];

        address_format(&end->remote, address);
        v->side = serves ? ROLE_SERVER : ROLE_CLIENT;
        v->client = edge ? view_service_name(b, edge->client) : serves ? view_copy_string(b, address) : NULL;
        v->server = edge ? view_service_name(b, edge->server) : serves ? NULL : view_copy_string(b, address);
        if (!v->client)
                v->client = view_service_name(b, end->service);
        if (!v->server)
                v->server = view_service_name(b, end->service);
        v->port = edge ? edge->port : serves ? end->local_port : end->remote_port;
        v->transport = end->transport;
        v->pool = *p;
        v->complete = h->pools.complete && host_fresh(b->core, h);
        limit = pool_limit(p, edge, process);
        v->limit = limit.value;
        v->limit_source = limit.source;
        v->held_low = v->held = v->held_high = NAN;
        if (edge && !serves)
                add_forecast(b->core, h, p, edge->client, edge->server, v);
}

void view_add_pools(struct view_builder *b)
{
        struct core *core = b->core;
        struct view_pool *rows;
        size_t n = 0;

        for (uint32_t i = 0; i < core->hosts_count; i++)
                n += core->hosts[i]->pools.count;
        rows = view_take(b, n * sizeof(*rows));
        if (!rows)
                return;
        n = 0;
        for (uint32_t i = 0; i < core->hosts_count; i++) {
                const struct host *h = core->hosts[i];
                const char *name = view_copy_text(b, h->name);

                for (uint32_t k = 0; view_host_selected(b, h) && k < h->pools.count; k++) {
                        const struct summary_pool *p = &h->pools.rows[k];
                        const struct end *end = pool_end(core, h, p);
                        struct view_pool *v = &rows[n];

                        if (!end)
                                continue;
                        fill(b, h, p, end, v);
                        if (b->query->service && strcmp(b->query->service, v->client) && strcmp(b->query->service, v->server))
                                continue;
                        v->host = name;
                        b->view->complete = b->view->complete && v->complete;
                        n++;
                }
        }
        qsort(rows, n, sizeof(*rows), by_pool);
        b->view->pools = rows;
        b->view->pools_count = n;
}
