/* Addresses are leased: a host has one for as long as its summaries list it. */
#include "coordinator/graph.h"

#include "proto/address.h"

#include <string.h>

/* Of one host for one address: more namespaces that have the same one cannot be told apart anyway. */
#define SAME_ADDRESS_MAX 64

static uint64_t address_hash(const struct core *core, const struct address *a)
{
        return hash_bytes(&core->hash_key, a, sizeof(*a));
}

static struct lease *find(const struct core *core, const struct host *host, const struct summary_address *a, uint32_t *ret_others)
{
        *ret_others = 0;
        for (struct map_node *n = map_first(&core->leases, address_hash(core, &a->address)); n; n = map_next(n)) {
                struct lease *l = container_of(n, struct lease, node);
                if (l->host != host || address_compare(&l->address, &a->address) != 0)
                        continue;
                if (l->netns == a->netns)
                        return l;
                ++*ret_others;
        }
        return NULL;
}

static void drop(struct core *core, struct host *host, const struct summary_address *a)
{
        uint32_t ignored;
        struct lease *l = find(core, host, a, &ignored);

        if (!l)
                return;
        map_remove(&core->leases, &l->node);
        core_release(core, l, sizeof(*l));
        core->changed = core->relink = true;
}

void lease_drop(struct core *core, struct host *host)
{
        for (uint32_t i = 0; i < host->addresses_count; i++)
                drop(core, host, &host->addresses[i]);
}

int lease_take(struct core *core, struct host *host, const struct summary_address *addresses, size_t count)
{
        struct summary_address *copy;

        if (count == host->addresses_count && (count == 0 || memcmp(addresses, host->addresses, count * sizeof(*copy)) == 0))
                return 0;
        copy = core_alloc(core, count * sizeof(*copy));
        if (!copy && count > 0)
                return -ENOMEM;
        if (count > 0)
                memcpy(copy, addresses, count * sizeof(*copy));
        lease_drop(core, host);
        core_release(core, host->addresses, host->addresses_count * sizeof(*copy));
        host->addresses = copy;
        host->addresses_count = 0;
        for (size_t i = 0; i < count; i++) {
                struct lease *l;
                uint32_t others;

                host->addresses_count++;
                if (address_is_zero(&copy[i].address) || address_is_loopback(&copy[i].address) ||
                    find(core, host, &copy[i], &others) || others >= SAME_ADDRESS_MAX)
                        continue;
                l = core_alloc(core, sizeof(*l));
                if (!l)
                        return -ENOMEM;
                l->address = copy[i].address;
                l->host = host;
                l->netns = copy[i].netns;
                if (map_insert(&core->leases, &l->node, address_hash(core, &l->address)) < 0) {
                        core_release(core, l, sizeof(*l));
                        return -ENOMEM;
                }
        }
        core->changed = core->relink = true;
        return 0;
}

static const struct lease *same(const struct map_node *n, const struct address *address)
{
        for (; n; n = map_next(n)) {
                const struct lease *l = container_of(n, struct lease, node);
                if (address_compare(&l->address, address) == 0)
                        return l;
        }
        return NULL;
}

const struct lease *lease_first(const struct core *core, const struct address *address)
{
        return same(map_first(&core->leases, address_hash(core, address)), address);
}

const struct lease *lease_next(const struct lease *lease)
{
        return same(map_next(&lease->node), &lease->address);
}

bool lease_resolve(const struct core *core, const struct host *from, uint32_t netns, const struct address *address,
                   struct host **ret_host, uint32_t *ret_netns)
{
        const struct lease *best = NULL;
        int best_rank = 0;
        bool tie = false;

        if (address_is_loopback(address) || address_is_zero(address)) {
                *ret_host = (struct host *)from;
                *ret_netns = netns;
                return true;
        }
        /* One's own namespace first, then one's own host, then others: private ranges repeat from
         * host to host. Among several of the same nearness there is no telling. */
        for (const struct lease *l = lease_first(core, address); l; l = lease_next(l)) {
                int rank = l->host == from ? (l->netns == netns ? 3 : 2) : 1;

                if (!host_fresh(core, l->host))
                        continue;
                tie = rank == best_rank ? true : rank > best_rank ? false : tie;
                if (rank > best_rank) {
                        best_rank = rank;
                        best = l;
                }
        }
        if (!best || tie)
                return false;
        *ret_host = best->host;
        *ret_netns = best->netns;
        return true;
}
