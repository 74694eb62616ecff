#include "coordinator/outbox.h"
#include "coordinator/core.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AGAIN_AFTER (10 * NSEC_PER_SEC) /* what was acknowledged and not answered */

/* The largest number that a host was given; it is kept until the clock is past it. */
struct given {
        char host[NAME_MAX_HOST + 1];
        uint64_t id;
};

struct outbox {
        struct outgoing items[OUTBOX_MAX];
        uint32_t count;
        struct given *given;
        uint32_t given_count, given_capacity;
};

int outbox_new(struct outbox **ret_outbox)
{
        *ret_outbox = calloc(1, sizeof(**ret_outbox));
        return *ret_outbox ? 0 : -ENOMEM;
}

void outbox_free(struct outbox **outbox)
{
        if (*outbox)
                free((*outbox)->given);
        free(*outbox);
        *outbox = NULL;
}

static const struct outgoing *find(const struct outgoing *items, uint32_t count, const struct order *o)
{
        for (uint32_t i = 0; i < count; i++)
                if (items[i].order.remedy == o->remedy && items[i].order.target == o->target && items[i].order.kind == o->kind)
                        return &items[i];
        return NULL;
}

bool outbox_take(struct outbox *outbox, const struct order *orders, size_t count, int64_t now)
{
        struct outgoing *before = outbox->count ? malloc(outbox->count * sizeof(*before)) : NULL;
        uint32_t had = before ? outbox->count : 0;
        bool any = false;

        if (had)
                memcpy(before, outbox->items, had * sizeof(*before));
        outbox->count = 0;
        for (size_t i = 0; i < count && outbox->count < OUTBOX_MAX; i++) {
                const struct outgoing *old = find(before, had, &orders[i]);
                struct outgoing *o = &outbox->items[outbox->count++];

                *o = (struct outgoing){ .order = orders[i], .at = now };
                memcpy(o->host, orders[i].plan->targets[orders[i].target].host, sizeof(o->host));
                o->order.plan = NULL;
                any = any || !old;
                if (!old)
                        continue;
                o->id = old->id;
                o->session = old->session;
                o->told_at = old->told_at;
                o->log_size = old->log_size;
        }
        free(before);
        return any;
}

static bool is_due(const struct outgoing *o, const char *host, uint64_t session, uint64_t acknowledged, int64_t now)
{
        if (strcmp(o->host, host))
                return false;
        return o->id == 0 || o->session != session || o->id > acknowledged || o->told_at + AGAIN_AFTER <= now;
}

bool outbox_has(const struct outbox *outbox, const char *host, uint64_t session, uint64_t acknowledged, int64_t now)
{
        for (uint32_t i = 0; i < outbox->count; i++)
                if (is_due(&outbox->items[i], host, session, acknowledged, now))
                        return true;
        return false;
}

uint64_t outbox_log_size(const struct outbox *outbox, const char *host, uint64_t session, uint64_t acknowledged, int64_t now)
{
        uint64_t size = 0;

        for (uint32_t i = 0; i < outbox->count; i++) {
                const struct outgoing *o = &outbox->items[i];

                if (o->id && o->id <= acknowledged && o->session == session && o->told_at + AGAIN_AFTER > now &&
                    strcmp(o->host, host) == 0)
                        size = MAX(size, o->log_size);
        }
        return size;
}

/* Its place in the list, a new one if need be. NULL: out of memory. */
static struct given *given_to(struct outbox *outbox, const char *host, int64_t wall)
{
        struct given *g;

        for (uint32_t i = 0; i < outbox->given_count;) {
                g = &outbox->given[i];
                if (strcmp(g->host, host) == 0)
                        return g;
                if (g->id < (uint64_t)wall)
                        *g = outbox->given[--outbox->given_count];
                else
                        i++;
        }
        if (outbox->given_count == outbox->given_capacity) {
                uint32_t capacity = MAX(2 * outbox->given_capacity, 16u);

                g = reallocarray(outbox->given, capacity, sizeof(*g));
                if (!g)
                        return NULL;
                outbox->given = g;
                outbox->given_capacity = capacity;
        }
        g = &outbox->given[outbox->given_count++];
        *g = (struct given){ 0 };
        snprintf(g->host, sizeof(g->host), "%s", host);
        return g;
}

size_t outbox_tell(struct outbox *outbox, const struct outbox_poll *poll, int64_t now, struct outgoing **ret_outgoing)
{
        struct given *given = given_to(outbox, poll->host, poll->wall);
        uint64_t acknowledged, last;
        size_t n = 0;

        if (!given) /* it asks again */
                return 0;
        last = MAX(given->id, poll->issued);
        acknowledged = command_believed(poll->acknowledged, last, poll->wall);
        for (uint32_t i = 0; i < outbox->count && n < OUTBOX_OF_HOST; i++) {
                struct outgoing *o = &outbox->items[i];
                bool same = o->id > acknowledged && o->session == poll->session;
                size_t at = n;

                if (!is_due(o, poll->host, poll->session, acknowledged, now))
                        continue;
                if (!same)
                        o->id = last = given->id = MAX(MAX(last, acknowledged) + 1, (uint64_t)poll->wall);
                o->session = poll->session;
                o->told_at = now;
                for (; at > 0 && ret_outgoing[at - 1]->id > o->id; at--)
                        ret_outgoing[at] = ret_outgoing[at - 1];
                ret_outgoing[at] = o;
                n++;
        }
        return n;
}
