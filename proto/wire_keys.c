/* Single connections, by their keys. */
#include "proto/wire_table.h"

void wire_pack_keys(struct wire_packer *p)
{
        const struct summary_key *k = p->s->keys;
        size_t n = p->s->keys_count;
        Nightshift__Keys *m = NEW_TABLE(p, keys, Keys);

        if (!m)
                return;
        PACK_FIRST(p, m, key, n, k[i].key);
        PACK(p, m, edge_delta, n, wire_difference(k[i].edge, i ? k[i - 1].edge : 0));
        PACK(p, m, role, n, k[i].role);
}

int wire_unpack_keys(struct wire_unpacker *u)
{
        const Nightshift__Keys *m = u->m->keys;
        struct summary_key *rows;
        size_t n = m ? m->n_key : 0;
        uint64_t edge = 0;

        UNPACK_ROWS(u, keys, n, WIRE_KEYS_MAX, rows);
        UNPACK(u, "keys", m, key, n, rows[i].key = v);
        UNPACK(u, "keys", m, edge_delta, n, rows[i].edge = edge += (uint64_t)v);
        UNPACK_ROLE(u, "keys", m, role, n, rows[i].role);
        return 0;
}
