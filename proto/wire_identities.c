/* Who is there: the services that rows of other tables refer to. */
#include "proto/wire_table.h"

void wire_pack_identities(struct wire_packer *p)
{
        const struct summary_identity *d = p->s->identities;
        size_t n = p->s->identities_count;
        Nightshift__Identities *m = NEW_TABLE(p, identities, Identities);

        if (!m)
                return;
        PACK_FIRST(p, m, id, n, d[i].id);
        PACK(p, m, kind, n, d[i].kind);
        PACK_TEXT(p, m, service, n, d[i].service);
        PACK_TEXT(p, m, instance, n, d[i].instance);
        PACK_TEXT(p, m, executable, n, d[i].executable);
        PACK_TEXT(p, m, cgroup, n, d[i].cgroup);
        PACK_TEXT(p, m, version, n, d[i].version);
}

int wire_unpack_identities(struct wire_unpacker *u)
{
        const Nightshift__Identities *m = u->m->identities;
        struct summary_identity *rows;
        size_t n = m ? m->n_id : 0;

        UNPACK_ROWS(u, identities, n, WIRE_IDENTITIES_MAX, rows);
        UNPACK(u, "identities", m, id, n, {
                if (v == 0)
                        FAIL(u, "identities.id: 0");
                rows[i].id = v;
        });
        if (m->n_kind != n)
                FAIL(u, "identities.kind: not one entry a row");
        UNPACK(u, "identities", m, kind, n, {
                if (v < IDENTITY_EXPLICIT || v > IDENTITY_EXECUTABLE)
                        FAIL(u, "identities.kind: unknown");
                rows[i].kind = (enum identity_kind)v;
        });
        UNPACK_TEXT(u, "identities", m, service, n, rows[i].service);
        UNPACK_TEXT(u, "identities", m, instance, n, rows[i].instance);
        UNPACK_TEXT(u, "identities", m, executable, n, rows[i].executable);
        UNPACK_TEXT(u, "identities", m, cgroup, n, rows[i].cgroup);
        UNPACK_TEXT(u, "identities", m, version, n, rows[i].version);
        for (size_t i = 0; i < n; i++)
                if (rows[i].service[0] == 0)
                        FAIL(u, "identities.service: missing");
        return 0;
}
