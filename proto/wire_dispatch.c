/* Orders for actions, as part of a command. What is absent is zero; what is out of range is refused here, so that
 * neither side sees a kind, an order or a count that it does not know. */
#include "proto/wire_internal.h"

#include <math.h>
#include <string.h>

#define DIGEST sizeof(struct action_digest)

static int put_digests(struct arena *arena, const struct action_digest *digests, size_t count, ProtobufCBinaryData *to)
{
        uint8_t *copy = arena_alloc_raw(arena, MAX(count * DIGEST, (size_t)1));

        if (!copy)
                return -ENOMEM;
        if (count)
                memcpy(copy, digests, count * DIGEST);
        to->data = copy;
        to->len = count * DIGEST;
        return 0;
}

static int put_digest(struct arena *arena, const struct action_digest *digest, ProtobufCBinaryData *to)
{
        return put_digests(arena, digest, action_digest_is_none(digest) ? 0 : 1, to);
}

static int put_targets(struct arena *arena, const struct action_dispatch *d, Nightshift__Dispatch *m)
{
        size_t n = d->targets_count;

        m->target_pid = arena_alloc(arena, n * sizeof(*m->target_pid));
        m->target_started = arena_alloc(arena, n * sizeof(*m->target_started));
        m->target_build = arena_alloc(arena, n * sizeof(*m->target_build));
        if (!m->target_pid || !m->target_started || !m->target_build)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                m->target_pid[i] = d->targets[i].pid;
                m->target_started[i] = d->targets[i].started;
                m->target_build[i] = d->targets[i].build;
        }
        m->n_target_pid = m->n_target_started = m->n_target_build = n;
        return 0;
}

static int put_parameters(struct arena *arena, const struct action_parameters *p, Nightshift__Dispatch *m)
{
        m->from = p->from;
        m->to = p->to;
        m->instances = p->instances;
        m->resource = p->resource;
        m->value = p->value;
        m->server = p->server;
        m->rate = p->rate;
        m->tier = p->tier;
        m->cookie = arena_alloc(arena, p->cookies_count * sizeof(*m->cookie));
        if (!m->cookie)
                return -ENOMEM;
        if (p->cookies_count)
                memcpy(m->cookie, p->cookies, p->cookies_count * sizeof(*m->cookie));
        m->n_cookie = p->cookies_count;
        return 0;
}

int wire_pack_dispatch(const struct action_dispatch *d, struct arena *arena, Nightshift__Dispatch **ret_message)
{
        Nightshift__Dispatch *m = arena_alloc_raw(arena, sizeof(*m));
        int r;

        if (!m)
                return -ENOMEM;
        if (d->targets_count > ACTION_TARGETS_MAX || d->parameters.cookies_count > ACTION_COOKIES_MAX ||
            d->checkpoint_size > ACTION_CHECKPOINT_MAX || d->consistency_count > ACTION_CONSISTENCY_MAX ||
            strlen(d->service) >= ACTION_SERVICE_SIZE)
                return -E2BIG;
        nightshift__dispatch__init(m);
        m->order = d->order;
        m->kind = d->kind;
        m->key_high = d->key.high;
        m->key_low = d->key.low;
        m->epoch = d->epoch;
        m->expires = d->expires;
        m->lease = d->lease;
        m->by_person = d->by_person;
        m->verified = d->verified;
        m->service = wire_clean_copy(arena, d->service);
        m->signal = wire_clean_copy(arena, d->prediction.signal ? d->prediction.signal : "");
        m->direction = d->prediction.direction;
        m->bound = d->prediction.bound;
        m->within = d->prediction.within;
        m->checkpoint.data = (uint8_t *)d->checkpoint;
        m->checkpoint.len = d->checkpoint_size;
        m->consistency_from = d->consistency_from;
        if (!m->service || !m->signal)
                return -ENOMEM;
        r = put_targets(arena, d, m);
        if (r == 0)
                r = put_parameters(arena, &d->parameters, m);
        if (r == 0)
                r = put_digest(arena, &d->plan, &m->plan);
        if (r == 0)
                r = put_digest(arena, &d->former, &m->former);
        if (r == 0)
                r = put_digests(arena, d->consistency, d->consistency_count, &m->consistency);
        if (r == 0)
                *ret_message = m;
        return r;
}

static bool get_digest(const ProtobufCBinaryData *from, struct action_digest *to)
{
        if (from->len == 0)
                return true;
        if (from->len != DIGEST)
                return false;
        memcpy(to, from->data, DIGEST);
        return true;
}

/* NULL, or what is wrong. */
static const char *wrong(const Nightshift__Dispatch *m)
{
        if (m->order < ACTION_ORDER_CHECK || m->order >= ACTION_ORDERS)
                return "dispatch.order: unknown";
        if (m->kind < ACTION_SERVICE_ROLLBACK || m->kind >= ACTION_KINDS)
                return "dispatch.kind: unknown";
        if (m->key_high == 0 && m->key_low == 0)
                return "dispatch.key: missing";
        if (m->epoch == 0)
                return "dispatch.epoch: missing";
        if (m->expires <= 0)
                return "dispatch.expires: missing";
        if (m->lease < 0 || m->lease > ACTION_LEASE_MAX)
                return "dispatch.lease: negative, or more than a day";
        if (!wire_text_ok(m->service) || !m->service[0] || strlen(m->service) >= ACTION_SERVICE_SIZE)
                return "dispatch.service: missing, too long, or not text";
        if (!wire_text_ok(m->signal))
                return "dispatch.signal: not text";
        if (m->direction < -1 || m->direction > 1)
                return "dispatch.direction: unknown";
        if (!isfinite(m->bound))
                return "dispatch.bound: not a number";
        if (m->within < 0)
                return "dispatch.within: negative";
        if (m->resource >= ACTION_RESOURCES)
                return "dispatch.resource: unknown";
        if (m->n_target_pid > ACTION_TARGETS_MAX)
                return "dispatch.target_pid: more than 32";
        if (m->n_target_started != m->n_target_pid || m->n_target_build != m->n_target_pid)
                return "dispatch.target_pid: not one entry a target";
        if (m->n_cookie > ACTION_COOKIES_MAX)
                return "dispatch.cookie: more than 64";
        if (m->checkpoint.len > ACTION_CHECKPOINT_MAX)
                return "dispatch.checkpoint: longer than 2048 bytes";
        if (m->consistency.len % DIGEST != 0 || m->consistency.len / DIGEST > ACTION_CONSISTENCY_MAX)
                return "dispatch.consistency: not at most 64 hashes";
        return NULL;
}

int wire_unpack_dispatch(const Nightshift__Dispatch *m, struct arena *arena, const struct action_dispatch **ret_dispatch,
                         const char **ret_why)
{
        struct action_dispatch *d;
        const char *why = wrong(m);

        if (why) {
                *ret_why = why;
                return -EBADMSG;
        }
        d = arena_alloc(arena, sizeof(*d));
        if (!d)
                return -ENOBUFS;
        *d = (struct action_dispatch){
                .order = (enum action_order)m->order,
                .kind = (enum action_kind)m->kind,
                .key = { m->key_high, m->key_low },
                .epoch = m->epoch,
                .expires = m->expires,
                .lease = m->lease,
                .by_person = m->by_person,
                .verified = m->verified,
                .service = m->service,
                .targets_count = m->n_target_pid,
                .parameters = { .from = m->from,
                                .to = m->to,
                                .instances = m->instances,
                                .resource = (enum action_resource)m->resource,
                                .value = m->value,
                                .server = m->server,
                                .rate = m->rate,
                                .tier = m->tier,
                                .cookies = m->cookie,
                                .cookies_count = m->n_cookie },
                .prediction = { m->signal, m->direction, m->bound, m->within },
                .checkpoint = m->checkpoint.data,
                .checkpoint_size = m->checkpoint.len,
                .consistency_from = m->consistency_from,
                .consistency_count = m->consistency.len / DIGEST,
        };
        d->targets = arena_alloc(arena, MAX(d->targets_count, (size_t)1) * sizeof(*d->targets));
        d->consistency = arena_alloc(arena, MAX(d->consistency_count, (size_t)1) * DIGEST);
        if (!d->targets || !d->consistency)
                return -ENOBUFS;
        for (size_t i = 0; i < d->targets_count; i++) {
                d->targets[i] = (struct action_target){ m->target_pid[i], m->target_started[i], m->target_build[i] };
                if (d->targets[i].pid == 0 || d->targets[i].started <= 0) {
                        *ret_why = "dispatch.target_pid: one that no process can have";
                        return -EBADMSG;
                }
        }
        if (m->consistency.len)
                memcpy(d->consistency, m->consistency.data, m->consistency.len);
        if (!get_digest(&m->plan, &d->plan) || !get_digest(&m->former, &d->former)) {
                *ret_why = "dispatch.plan, former: not of 32 bytes";
                return -EBADMSG;
        }
        *ret_dispatch = d;
        return 0;
}
