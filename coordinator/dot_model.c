#include "coordinator/dot.h"

#include <stdlib.h>
#include <string.h>

#define NONE UINT32_MAX
#define MERGE_FROM 4 /* so many alike external ends become one */

/* Open addressing over the nodes' names, or over (client, server, port, transport) of links. */
struct table {
        uint32_t *slots;
        size_t mask;
};

static int table_new(struct table *table, size_t entries)
{
        size_t size = 64;

        while (size < 2 * entries)
                size *= 2;
        table->slots = malloc(size * sizeof(*table->slots));
        if (!table->slots)
                return -ENOMEM;
        memset(table->slots, 0xff, size * sizeof(*table->slots));
        table->mask = size - 1;
        return 0;
}

/* The state is stirred before the next value comes in, so that values do not cancel each other. */
static uint64_t mix(uint64_t h, uint64_t v)
{
        h = (h + v) * UINT64_C(0x9e3779b97f4a7c15);
        h = (h ^ (h >> 32)) * UINT64_C(0xd6e8feb86659fd93);
        return h ^ (h >> 32);
}

static uint64_t hash_name(const char *name)
{
        uint64_t h = UINT64_C(0xcbf29ce484222325);

        while (*name)
                h = (h ^ (unsigned char)*name++) * UINT64_C(0x100000001b3);
        return h ^ (h >> 32);
}

/* The node of that name; made if it is not there. The array has room for every name there can be. */
static uint32_t node_of(struct dot_model *m, struct table *names, const char *name)
{
        size_t i = hash_name(name) & names->mask;

        while (names->slots[i] != NONE) {
                if (strcmp(m->nodes[names->slots[i]].name, name) == 0)
                        return names->slots[i];
                i = (i + 1) & names->mask;
        }
        names->slots[i] = (uint32_t)m->nodes_count;
        m->nodes[m->nodes_count] = (struct dot_node){ .name = name, .into = (uint32_t)m->nodes_count, .members = 1 };
        return (uint32_t)m->nodes_count++;
}

static void attach(struct dot_model *m, uint32_t node, uint32_t other, const struct view_edge *e, bool is_client)
{
        struct dot_node *n = &m->nodes[node];

        if (n->links++ == 0) {
                n->is_client = is_client;
                n->port = e->port;
        }
        /* Edges come sorted, so equal sets of neighbours give equal digests. */
        n->neighbours = mix(mix(n->neighbours, (uint64_t)other << 1 | is_client), (uint64_t)e->port << 8 | e->transport);
}

static int by_neighbours(const void *a, const void *b, void *data)
{
        const struct dot_node *nodes = data;
        uint32_t i = *(const uint32_t *)a, k = *(const uint32_t *)b;

        if (nodes[i].neighbours != nodes[k].neighbours)
                return nodes[i].neighbours < nodes[k].neighbours ? -1 : 1;
        return i < k ? -1 : i > k;
}

static int merge_nodes(struct dot_model *m)
{
        CLEANUP_FREE uint32_t *order = malloc((m->nodes_count + 1) * sizeof(*order));
        size_t count = 0, k;

        if (!order)
                return -ENOMEM;
        for (size_t i = 0; i < m->nodes_count; i++)
                if (m->nodes[i].external && m->nodes[i].links)
                        order[count++] = (uint32_t)i;
        qsort_r(order, count, sizeof(*order), by_neighbours, m->nodes);
        for (size_t i = 0; i < count; i = k) {
                struct dot_node *first = &m->nodes[order[i]];

                for (k = i + 1; k < count && m->nodes[order[k]].neighbours == first->neighbours; k++)
                        ;
                if (k - i < MERGE_FROM)
                        continue;
                first->members = (uint32_t)(k - i);
                for (size_t n = i + 1; n < k; n++)
                        m->nodes[order[n]].into = order[i];
        }
        return 0;
}

static bool same_link(const struct dot_link *a, const struct dot_link *b)
{
        return a->client == b->client && a->server == b->server && a->edge->port == b->edge->port &&
               a->edge->transport == b->edge->transport;
}

static int merge_links(struct dot_model *m)
{
        struct table table;
        int r = table_new(&table, m->links_count);

        if (r < 0)
                return r;
        for (size_t i = 0; i < m->links_count; i++) {
                struct dot_link *l = &m->links[i], *into;
                size_t slot;

                l->client = m->nodes[l->client].into;
                l->server = m->nodes[l->server].into;
                slot = mix(mix(0, (uint64_t)l->client << 32 | l->server), (uint64_t)l->edge->port << 8 | l->edge->transport) &
                       table.mask;
                while (table.slots[slot] != NONE && !same_link(&m->links[table.slots[slot]], l))
                        slot = (slot + 1) & table.mask;
                if (table.slots[slot] == NONE) {
                        table.slots[slot] = (uint32_t)i;
                        continue;
                }
                into = &m->links[table.slots[slot]];
                into->open += l->open;
                into->bytes += l->bytes;
                into->rate += l->rate;
                into->attempted += l->attempted;
                into->failed += l->failed;
                into->errors += l->errors;
                into->merged++;
                l->hidden = true;
        }
        free(table.slots);
        return 0;
}

static void read_links(struct dot_model *m, struct table *names, const struct view *view)
{
        for (size_t i = 0; i < view->edges_count; i++) {
                const struct view_edge *e = &view->edges[i];
                struct dot_link *l = &m->links[m->links_count++];
                double window = (double)MAX(e->window_ns, NSEC_PER_SEC) / (double)NSEC_PER_SEC;

                *l = (struct dot_link){
                        .client = node_of(m, names, e->client),
                        .server = node_of(m, names, e->server),
                        .edge = e,
                        .open = e->open,
                        .bytes = e->counters.sent + e->counters.received,
                        .attempted = e->counters.attempted,
                        .failed = e->failed,
                        .errors = e->errors + e->counters.timed_out_open,
                        .merged = 1,
                };
                l->rate = (double)l->bytes / window;
                if (!m->nodes[l->client].service)
                        m->nodes[l->client].external |= e->client_external;
                if (!m->nodes[l->server].service)
                        m->nodes[l->server].external |= e->server_external;
                attach(m, l->client, l->server, e, true);
                attach(m, l->server, l->client, e, false);
        }
}

int dot_model_new(const struct view *view, struct dot_model *ret_model)
{
        size_t most = view->services_count + 2 * view->edges_count;
        struct dot_model m = { 0 };
        struct table names;
        int r = table_new(&names, most);

        if (r < 0)
                return r;
        m.nodes = calloc(most + 1, sizeof(*m.nodes));
        m.links = calloc(view->edges_count + 1, sizeof(*m.links));
        if (!m.nodes || !m.links) {
                r = -ENOMEM;
                goto out;
        }
        for (size_t i = 0; i < view->services_count; i++) {
                struct dot_node *n = &m.nodes[node_of(&m, &names, view->services[i].name)];

                n->service = &view->services[i];
                n->external = n->service->external;
        }
        read_links(&m, &names, view);
        r = merge_nodes(&m);
        if (r == 0)
                r = merge_links(&m);
out:
        free(names.slots);
        if (r < 0)
                dot_model_free(&m);
        else
                *ret_model = m;
        return r;
}

void dot_model_free(struct dot_model *model)
{
        free(model->nodes);
        free(model->links);
        *model = (struct dot_model){ 0 };
}
