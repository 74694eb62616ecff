/* Who listens where on a host, and who did so until shortly before. Kept in order, for a host may have
 * thousands, and each is looked for from many ends. */
#include "coordinator/graph.h"

#include "proto/address.h"

#include <stdlib.h>
#include <string.h>

#define SAME_PLACE_MAX 64 /* of one address and port that are looked at: they are hardly ever two services */

static void drop_former(struct core *core, struct host *h, uint32_t count)
{
        for (uint32_t i = 0; i < count; i++)
                identity_put(h->former_listeners[i].identity);
        h->former_listeners_count -= count;
        memmove(h->former_listeners, h->former_listeners + count, h->former_listeners_count * sizeof(*h->former_listeners));
        if (h->former_listeners_count > 0)
                return;
        core_release(core, h->former_listeners, FORMER_LISTENERS_MAX * sizeof(*h->former_listeners));
        h->former_listeners = NULL;
}

static int by_place(const struct host_listener *a, const struct host_listener *b)
{
        int r = a->row.netns < b->row.netns ? -1 : a->row.netns > b->row.netns;

        if (r == 0)
                r = (int)a->row.transport - (int)b->row.transport;
        if (r == 0)
                r = (int)a->row.port - (int)b->row.port;
        if (r == 0)
                r = address_compare(&a->row.address, &b->row.address);
        return r;
}

static int by_place_and_identity(const void *x, const void *y)
{
        const struct host_listener *a = x, *b = y;
        int r = by_place(a, b);

        return r ? r : a->row.identity < b->row.identity ? -1 : a->row.identity > b->row.identity;
}

/* Remembers those that are not among the new ones. Without memory they are merely forgotten at once. */
static void keep_former(struct core *core, struct host *h, const struct host_listener *new, size_t count)
{
        uint32_t stale = 0;

        while (stale < h->former_listeners_count && h->former_listeners[stale].gone_at + LISTENER_LINGER <= core->now)
                stale++;
        if (stale > 0)
                drop_former(core, h, stale);
        for (uint32_t i = 0; i < h->listeners_count; i++) {
                struct host_listener *old = &h->listeners[i];

                if (!old->identity || (count > 0 && bsearch(old, new, count, sizeof(*new), by_place_and_identity)))
                        continue;
                if (h->former_listeners_count == FORMER_LISTENERS_MAX)
                        drop_former(core, h, 1);
                if (!h->former_listeners)
                        h->former_listeners = core_alloc(core, FORMER_LISTENERS_MAX * sizeof(*h->former_listeners));
                if (!h->former_listeners)
                        return;
                old->identity->references++;
                old->gone_at = core->now;
                h->former_listeners[h->former_listeners_count++] = *old;
        }
}

static void drop_present(struct core *core, struct host *h)
{
        for (uint32_t i = 0; i < h->listeners_count; i++)
                identity_put(h->listeners[i].identity);
        core_release(core, h->listeners, h->listeners_count * sizeof(*h->listeners));
        h->listeners = NULL;
        h->listeners_count = 0;
}

void listeners_drop(struct core *core, struct host *h)
{
        if (h->former_listeners)
                drop_former(core, h, h->former_listeners_count);
        drop_present(core, h);
}

int listeners_take(struct core *core, struct host *h, const struct summary *s)
{
        struct host_listener *new;

        if (s->sequence < h->listeners_sequence || (s->listeners_count == 0 && (!s->full || s->part > 0)))
                return 0;
        new = core_alloc(core, s->listeners_count * sizeof(*new));
        if (!new && s->listeners_count > 0)
                return -ENOMEM;
        for (size_t i = 0; i < s->listeners_count; i++) {
                new[i].row = s->listeners[i];
                new[i].identity = host_identity(core, h, s->listeners[i].identity);
                if (new[i].identity)
                        new[i].identity->references++;
        }
        if (s->listeners_count > 1)
                qsort(new, s->listeners_count, sizeof(*new), by_place_and_identity);
        keep_former(core, h, new, s->listeners_count);
        drop_present(core, h);
        h->listeners = new;
        h->listeners_count = (uint32_t)s->listeners_count;
        h->listeners_sequence = s->sequence;
        return 0;
}

struct found {
        struct service *exact, *any;
        bool several_exact, several_any;
};

static void look_at(struct found *found, const struct host_listener *l, const struct address *address)
{
        struct service *s = l->identity ? l->identity->service : NULL;

        if (!s)
                return;
        if (address_compare(&l->row.address, address) == 0) {
                found->several_exact = found->several_exact || (found->exact && found->exact != s);
                found->exact = s;
        } else if (address_is_zero(&l->row.address) && (address_is_v4(address) || !address_is_v4(&l->row.address))) {
                found->several_any = found->several_any || (found->any && found->any != s);
                found->any = s;
        }
}

static struct service *found_one(const struct found *found, bool *ret_several)
{
        *ret_several = found->exact ? found->several_exact : found->several_any;
        if (*ret_several)
                return NULL;
        return found->exact ? found->exact : found->any;
}

/* Those at the very place of `wanted`. */
static void look_at_place(struct found *found, const struct host *h, const struct host_listener *wanted,
                          const struct address *address)
{
        uint32_t from = 0, to = h->listeners_count;

        while (from < to) {
                uint32_t middle = from + (to - from) / 2;

                if (by_place(&h->listeners[middle], wanted) < 0)
                        from = middle + 1;
                else
                        to = middle;
        }
        for (uint32_t i = 0; i < SAME_PLACE_MAX && from + i < h->listeners_count; i++) {
                if (by_place(&h->listeners[from + i], wanted) != 0)
                        return;
                look_at(found, &h->listeners[from + i], address);
        }
}

static struct service *find_present(const struct host *h, struct host_listener *wanted, bool *ret_several)
{
        static const struct address any[] = { { .bytes = { 0 } }, { .bytes = { [10] = 0xff, [11] = 0xff } } };
        struct address address = wanted->row.address;
        struct found found = { 0 };

        look_at_place(&found, h, wanted, &address);
        for (size_t i = 0; i < ARRAY_SIZE(any); i++) {
                wanted->row.address = any[i];
                if (address_compare(&any[i], &address) != 0)
                        look_at_place(&found, h, wanted, &address);
        }
        wanted->row.address = address;
        return found_one(&found, ret_several);
}

static struct service *find_former(const struct host *h, const struct host_listener *wanted, bool *ret_several)
{
        struct found found = { 0 };

        for (uint32_t i = 0; i < h->former_listeners_count; i++) {
                const struct host_listener *l = &h->former_listeners[i];

                if (l->gone_at >= h->heard - LISTENER_LINGER && l->row.port == wanted->row.port &&
                    l->row.transport == wanted->row.transport && l->row.netns == wanted->row.netns)
                        look_at(&found, l, &wanted->row.address);
        }
        return found_one(&found, ret_several);
}

struct service *listener_find(const struct host *host, uint32_t netns, enum summary_transport transport,
                              const struct address *address, uint16_t port, bool *ret_several)
{
        struct host_listener wanted = { .row = { .netns = netns, .transport = transport, .port = port, .address = *address } };
        struct service *s = find_present(host, &wanted, ret_several);

        return s || *ret_several ? s : find_former(host, &wanted, ret_several);
}
