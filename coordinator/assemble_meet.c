/* Ends that find each other by their addresses. */
#include "coordinator/assemble_internal.h"
#include "proto/address.h"

#define GRACE_INTERVALS 3
#define OWN_ADDRESSES_MAX 256 /* of one namespace, that a datagram socket may have been reached on */
#define DIALLING_MAX 4096     /* ends of one host that dial the same address and port */

static int64_t grace(const struct host *a, const struct host *b)
{
        int64_t interval = MAX(a->interval, b ? b->interval : 0);

        return GRACE_INTERVALS * MIN(MAX(interval, NSEC_PER_SEC), 60 * NSEC_PER_SEC);
}

/* A host that is heard and has this address, as seen from `from`; any, if several do. */
static struct host *owner(const struct core *core, struct host *from, const struct address *a)
{
        if (address_is_loopback(a))
                return host_fresh(core, from) ? from : NULL;
        for (const struct lease *l = lease_first(core, a); l; l = lease_next(l))
                if (host_fresh(core, l->host))
                        return l->host;
        return NULL;
}

/* The other end may be on its way: too early to call the far end unknown. */
bool assemble_may_still_meet(const struct core *core, const struct end *e)
{
        struct host *far = owner(core, e->host, &e->remote);

        return far && core->now - e->unmatched_since < grace(e->host, far);
}

static bool links_to_others(const struct end *client, const struct service *server)
{
        for (const struct link *l = client->links; l; l = l->next_of_client)
                if (l->matched > 0 && l->server->service != server)
                        return true;
        return false;
}

/* Links a server's end with the clients of this host and namespace that dial the address. What fails
 * for want of memory is tried again at the next assembly. */
static void link_dialling(struct core *core, struct end *s, struct host *host, uint32_t netns, const struct address *address)
{
        uint32_t left = DIALLING_MAX;

        for (struct end *c = end_first_dialling(core, host, address, s->local_port, s->transport); c && left-- > 0;
             c = end_next_dialling(core, c))
                if (c->netns == netns && !links_to_others(c, s->service) && link_add(core, c, s, 0, core->now) < 0) {
                        core->relink = true;
                        return;
                }
}

/* Links a server's end with the clients that dial the very address it was reached on, from a host
 * and namespace that has the address they come from: the join that needs no keys. */
void assemble_link_by_address(struct core *core, struct end *s)
{
        const struct lease *l = NULL;
        struct host *host = s->host;
        uint32_t netns = s->netns;
        bool loopback = address_is_loopback(&s->remote);

        if (!loopback) {
                l = lease_first(core, &s->remote);
                if (!l)
                        return;
        }
        do {
                if (l) {
                        host = l->host;
                        netns = l->netns;
                }
                if (!address_is_zero(&s->local)) {
                        link_dialling(core, s, host, netns, &s->local);
                        continue;
                }
                /* A datagram socket that is bound to no address was reached on any of its host's; but whoever comes
                 * from a loopback address dialled one. */
                if (loopback) {
                        link_dialling(core, s, host, netns, &s->remote);
                        continue;
                }
                for (uint32_t i = 0, left = OWN_ADDRESSES_MAX; i < s->host->addresses_count && left > 0; i++) {
                        if (s->host->addresses[i].netns != s->netns)
                                continue;
                        link_dialling(core, s, host, netns, &s->host->addresses[i].address);
                        left--;
                }
        } while (l && (l = lease_next(l)));
}

/* An adopted end of which the keys say nothing (yet). */
void assemble_guess_role(struct core *core, struct end *e)
{
        struct host *host;
        uint32_t netns;
        bool several;

        if (lease_resolve(core, e->host, e->netns, &e->remote, &host, &netns) &&
            (listener_find(host, netns, e->transport, &e->remote, e->remote_port, &several) || several))
                end_set_role(core, e, ROLE_CLIENT);
        else if (e->local_port && (listener_find(e->host, e->netns, e->transport, &e->local, e->local_port, &several) || several))
                end_set_role(core, e, ROLE_SERVER);
        else if (!assemble_may_still_meet(core, e))
                end_set_role(core, e, e->remote_port || !e->local_port ? ROLE_CLIENT : ROLE_SERVER);
}
