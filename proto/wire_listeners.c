/* Who listens where. */
#include "proto/wire_table.h"

void wire_pack_listeners(struct wire_packer *p)
{
        const struct summary_listener *l = p->s->listeners;
        size_t n = p->s->listeners_count;
        Nightshift__Listeners *m = NEW_TABLE(p, listeners, Listeners);

        if (!m)
                return;
        PACK_FIRST(p, m, port, n, l[i].port);
        PACK_IDENTITY(p, m, identity, n, l[i].identity);
        PACK_NETNS(p, m, netns, n, l[i].netns);
        PACK(p, m, transport, n, l[i].transport);
        PACK_ADDRESS(p, m, address, n, l[i].address);
        PACK(p, m, backlog, n, l[i].backlog);
        PACK(p, m, backlog_max, n, l[i].backlog_max);
        PACK(p, m, drops, n, l[i].drops);
        PACK(p, m, connections_max, n, l[i].connections_max);
}

int wire_unpack_listeners(struct wire_unpacker *u)
{
        const Nightshift__Listeners *m = u->m->listeners;
        struct summary_listener *rows;
        size_t n = m ? m->n_port : 0;

        UNPACK_ROWS(u, listeners, n, WIRE_LISTENERS_MAX, rows);
        UNPACK_PORT(u, "listeners", m, port, n, rows[i].port);
        UNPACK_IDENTITY(u, "listeners", m, identity, n, rows[i].identity);
        UNPACK_NETNS(u, "listeners", m, netns, n, rows[i].netns);
        UNPACK_TRANSPORT(u, "listeners", m, transport, n, rows[i].transport);
        UNPACK_ADDRESS(u, "listeners", m, address, n, rows[i].address);
        UNPACK(u, "listeners", m, backlog, n, rows[i].backlog = v);
        UNPACK(u, "listeners", m, backlog_max, n, rows[i].backlog_max = v);
        UNPACK(u, "listeners", m, drops, n, rows[i].drops = v);
        UNPACK(u, "listeners", m, connections_max, n, rows[i].connections_max = v);
        return 0;
}
