/* Ends become edges. See graph.h for the rules. */
#include "coordinator/assemble_internal.h"
#include "proto/address.h"

#include <stdio.h>
#include <string.h>

/* The node that stands for an address without an agent, as an end on `host` has it. */
struct service *external_node(struct core *core, const struct host *host, const struct address *a)
{
        char text[ADDRESS_TEXT_SIZE + 256];

        address_format(a, text);
        /* Each host has its own: where nobody listens, say, two hosts do not call the same one. */
        if (address_is_loopback(a)) {
                size_t length = strlen(text);

                snprintf(text + length, sizeof(text) - length, "@%.254s", host->name->data);
        }
        return service_get(core, text, true);
}

static bool begin(struct core *core, uint32_t *cursor)
{
        (void)cursor;
        core->pass++;
        core->assembled_at = core->now;
        core->changed = false;
        core->edges_counted = 0;
        return false;
}

static bool clear_ends(struct core *core, uint32_t *cursor)
{
        uint32_t i;
        bool more = work_portion(core, core->ends_count, cursor, &i);

        for (; i < *cursor; i++) {
                struct end *e = core->ends[i];

                memset(&e->covered, 0, sizeof(e->covered));
                e->covered_open = 0;
                e->joined = false;
                if (e->role == ROLE_UNKNOWN)
                        assemble_guess_role(core, e);
        }
        return more;
}

static bool link_servers(struct core *core, uint32_t *cursor)
{
        uint32_t i;
        bool more;

        if (*cursor == 0) {
                if (!core->relink)
                        return false;
                core->relink = false;
        }
        more = work_portion(core, core->ends_count, cursor, &i);
        for (; i < *cursor; i++)
                if (core->ends[i]->role == ROLE_SERVER)
                        assemble_link_by_address(core, core->ends[i]);
        return more;
}

/* Clients with one link know whose their counts are; they go first. */
static bool take_clients(struct core *core, uint32_t *cursor)
{
        uint32_t i;
        bool more = work_portion(core, core->ends_count, cursor, &i);

        for (; i < *cursor; i++) {
                struct end *c = core->ends[i];
                const struct end *sibling;

                if (c->role != ROLE_CLIENT || (c->links && c->links->next_of_client))
                        continue;
                sibling = c->links ? NULL : assemble_sibling_of(core, c);
                if (sibling && assemble_has_several_targets(sibling)) {
                        split_add(core, c);
                        continue;
                }
                assemble_cover_links(c, sibling ? sibling->links : c->links);
                assemble_client(core, c, sibling ? sibling->links : NULL);
        }
        return more;
}

static bool take_shared_clients(struct core *core, uint32_t *cursor)
{
        uint32_t i;
        bool more = work_portion(core, core->ends_count, cursor, &i);

        for (; i < *cursor; i++) {
                struct end *c = core->ends[i];

                if (c->role != ROLE_CLIENT || !c->links || !c->links->next_of_client)
                        continue;
                if (assemble_has_several_targets(c)) {
                        split_add(core, c);
                        continue;
                }
                assemble_cover_links(c, c->links);
                assemble_client(core, c, NULL);
        }
        return more;
}

static bool split_clients(struct core *core, uint32_t *cursor)
{
        (void)cursor;
        split_all(core);
        return false;
}

static bool take_servers(struct core *core, uint32_t *cursor)
{
        uint32_t i;
        bool more = work_portion(core, core->ends_count, cursor, &i);

        for (; i < *cursor; i++)
                if (core->ends[i]->role == ROLE_SERVER)
                        assemble_server(core, core->ends[i]);
        return more;
}

/* From the last to the first: an edge that goes is replaced by the last. The cursor counts those done. */
static bool end_edges(struct core *core, uint32_t *cursor)
{
        uint32_t from = core->edges_count - MIN(*cursor, core->edges_count), left = core->options.portion;

        while (from > 0 && left-- > 0) {
                struct edge *e = core->edges[--from];

                if (e->pass != core->pass) {
                        edge_begin(core, e);
                        if (!core->forgetting && !e->past && counters_zero(&e->sliced) && e->sliced_open == 0) {
                                edge_free(core, e);
                                continue;
                        }
                }
                core->edges_counted += e->seen != 0;
                ++*cursor;
        }
        if (from > 0)
                return true;
        core->edges_live = core->edges_counted;
        core->services_settled = core->services_named;
        return false;
}

void assembly_add(struct core *core)
{
        static const work_function steps[] = { begin,         clear_ends,   link_servers, take_clients, take_shared_clients,
                                               split_clients, take_servers, end_edges };

        for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
                work_add(core, steps[i]);
}
