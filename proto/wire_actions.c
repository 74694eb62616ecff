/* What became of orders, and what a host lets be done. */
#include "proto/wire_table.h"

#include <string.h>

#define DIGEST sizeof(struct action_digest)

static void pack_digests(struct wire_packer *p, size_t offset, ProtobufCBinaryData *to)
{
        size_t n = p->s->actions_count;

        to->data = arena_alloc_raw(p->arena, n * DIGEST);
        if (!to->data) {
                p->r = -ENOMEM;
                return;
        }
        for (size_t i = 0; i < n; i++)
                memcpy(to->data + i * DIGEST, (const char *)&p->s->actions[i] + offset, DIGEST);
        to->len = n * DIGEST;
}

void wire_pack_actions(struct wire_packer *p)
{
        const struct summary_action *a = p->s->actions;
        size_t n = p->s->actions_count;
        Nightshift__Actions *m;

        p->m->action_epoch = p->s->action_epoch;
        p->m->actions_stopped = p->s->actions_stopped;
        p->m->checkpoint_size = p->s->checkpoint_size;
        m = NEW_TABLE(p, actions, Actions);
        if (!m)
                return;
        PACK_FIRST(p, m, key_high, n, a[i].key.high);
        PACK(p, m, key_low, n, a[i].key.low);
        PACK(p, m, epoch, n, a[i].epoch);
        PACK(p, m, kind, n, a[i].kind);
        PACK(p, m, state, n, a[i].state);
        PACK(p, m, reason, n, a[i].reason);
        PACK(p, m, verdict, n, a[i].verdict);
        PACK_TIME(p, m, at_ago, n, a[i].at);
        PACK(p, m, lease_left, n, a[i].lease_left);
        PACK(p, m, touched, n, a[i].touched);
        PACK_TEXT(p, m, service, n, a[i].service);
        PACK_TEXT(p, m, detail, n, a[i].detail);
        pack_digests(p, offsetof(struct summary_action, former), &m->former);
        pack_digests(p, offsetof(struct summary_action, present), &m->present);
}

int wire_unpack_actions(struct wire_unpacker *u)
{
        const Nightshift__Actions *m = u->m->actions;
        struct summary_action *rows;
        size_t n = m ? m->n_key_high : 0;

        u->s->action_epoch = u->m->action_epoch;
        u->s->actions_stopped = u->m->actions_stopped;
        u->s->checkpoint_size = u->m->checkpoint_size;
        UNPACK_ROWS(u, actions, n, WIRE_ACTIONS_MAX, rows);
        UNPACK(u, "actions", m, key_high, n, rows[i].key.high = v);
        UNPACK(u, "actions", m, key_low, n, rows[i].key.low = v);
        UNPACK(u, "actions", m, epoch, n, rows[i].epoch = v);
        UNPACK(u, "actions", m, kind, n, rows[i].kind = (enum action_kind)v);
        UNPACK(u, "actions", m, state, n, rows[i].state = (enum action_state)v);
        UNPACK(u, "actions", m, reason, n, rows[i].reason = (enum action_reason)v);
        UNPACK(u, "actions", m, verdict, n, rows[i].verdict = (enum action_verdict)v);
        UNPACK_TIME(u, "actions", m, at_ago, n, rows[i].at);
        UNPACK(u, "actions", m, lease_left, n, rows[i].lease_left = v);
        UNPACK(u, "actions", m, touched, n, rows[i].touched = v);
        UNPACK_TEXT(u, "actions", m, service, n, rows[i].service);
        UNPACK_TEXT(u, "actions", m, detail, n, rows[i].detail);
        if (m->former.len != n * DIGEST || m->present.len != n * DIGEST)
                FAIL(u, "actions.former, present: not 32 bytes a row");
        for (size_t i = 0; i < n; i++) {
                memcpy(&rows[i].former, m->former.data + i * DIGEST, DIGEST);
                memcpy(&rows[i].present, m->present.data + i * DIGEST, DIGEST);
                if (rows[i].key.high == 0 && rows[i].key.low == 0)
                        FAIL(u, "actions.key: missing");
                if (rows[i].kind < ACTION_SERVICE_ROLLBACK || rows[i].kind >= ACTION_KINDS)
                        FAIL(u, "actions.kind: unknown");
                if (rows[i].state < ACTION_CHECKED || rows[i].state >= ACTION_STATES)
                        FAIL(u, "actions.state: unknown");
                if (rows[i].reason >= ACTION_REASONS)
                        FAIL(u, "actions.reason: unknown");
                if (rows[i].verdict >= ACTION_VERDICTS)
                        FAIL(u, "actions.verdict: unknown");
                if (rows[i].lease_left < 0 || rows[i].lease_left > ACTION_LEASE_MAX)
                        FAIL(u, "actions.lease_left: negative, or more than a day");
        }
        return 0;
}

void wire_pack_permits(struct wire_packer *p)
{
        const struct summary_permit *q = p->s->permits;
        size_t n = p->s->permits_count;
        Nightshift__Permits *m;

        if (!p->s->permits_told)
                return;
        m = p->m->permits = NEW_MESSAGE(p, permits, Permits);
        if (!m)
                return;
        PACK_FIRST(p, m, service, n, wire_intern_text(p, q[i].service));
        PACK(p, m, kinds, n, q[i].kinds);
        PACK(p, m, restart_safe, n, q[i].restart_safe);
        PACK(p, m, instances_min, n, q[i].instances_min);
        PACK(p, m, instances_max, n, q[i].instances_max);
        PACK(p, m, barriers, n, q[i].barriers);
}

int wire_unpack_permits(struct wire_unpacker *u)
{
        const Nightshift__Permits *m = u->m->permits;
        struct summary_permit *rows;
        size_t n = m ? m->n_service : 0;

        u->s->permits_told = m != NULL;
        UNPACK_ROWS(u, permits, n, WIRE_PERMITS_MAX, rows);
        UNPACK_TEXT(u, "permits", m, service, n, rows[i].service);
        UNPACK(u, "permits", m, kinds, n, rows[i].kinds = v);
        UNPACK(u, "permits", m, restart_safe, n, rows[i].restart_safe = v);
        UNPACK(u, "permits", m, instances_min, n, rows[i].instances_min = v);
        UNPACK(u, "permits", m, instances_max, n, rows[i].instances_max = v);
        UNPACK(u, "permits", m, barriers, n, rows[i].barriers = v);
        for (size_t i = 0; i < n; i++)
                if (rows[i].kinds >= 1u << ACTION_KINDS)
                        FAIL(u, "permits.kinds: unknown");
        return 0;
}
