/* Small summaries for tests of the core. */
#pragma once

#include "coordinator/core.h"
#include "coordinator/view.h"
#include "proto/address.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define T0 (INT64_C(1699999200) * NSEC_PER_SEC)
#define SECONDS(n) ((int64_t)(n)*NSEC_PER_SEC)
#define NETNS 4026531840u

struct agent {
        const char *host;
        struct summary s;
        struct summary_identity identities[64];
        char services[64][32]; /* their names, so that a caller may build one anew for each */
        struct summary_address addresses[16];
        struct summary_listener listeners[64];
        struct summary_edge edges[64];
        struct summary_key keys[256];
        struct summary_pool pools[64];
        struct wire_ack ack;
};

static inline struct address ip(const char *text)
{
        struct address a;

        if (address_parse(text, &a) < 0)
                abort();
        return a;
}

static inline void agent_start(struct agent *a, const char *host, uint64_t session, int64_t at)
{
        memset(a, 0, sizeof(*a));
        a->host = host;
        a->s = (struct summary){ .session = session,
                                 .session_started = at,
                                 .at = at,
                                 .interval = SECONDS(10),
                                 .host = host,
                                 .host_id = host,
                                 .boot_id = "boot",
                                 .kernel = "6.1",
                                 .agent_version = "0",
                                 .key_threshold = UINT32_MAX,
                                 .identities = a->identities,
                                 .addresses = a->addresses,
                                 .listeners = a->listeners,
                                 .edges = a->edges,
                                 .keys = a->keys,
                                 .pools = a->pools };
}

static inline uint32_t agent_service(struct agent *a, const char *name)
{
        char *own = a->services[a->s.identities_count];

        for (size_t i = 0; i < a->s.identities_count; i++)
                if (strcmp(a->identities[i].service, name) == 0)
                        return a->identities[i].id;
        snprintf(own, sizeof(a->services[0]), "%s", name);
        a->identities[a->s.identities_count] =
                (struct summary_identity){ (uint32_t)a->s.identities_count + 1, IDENTITY_UNIT, own, "", "/bin/x", "/x", "" };
        return a->identities[a->s.identities_count++].id;
}

static inline void agent_address(struct agent *a, const char *address)
{
        a->addresses[a->s.addresses_count++] = (struct summary_address){ ip(address), NETNS };
}

static inline void agent_listener(struct agent *a, const char *service, const char *address, uint16_t port)
{
        a->listeners[a->s.listeners_count++] = (struct summary_listener){ .identity = agent_service(a, service),
                                                                          .netns = NETNS,
                                                                          .transport = TRANSPORT_TCP,
                                                                          .address = ip(address),
                                                                          .port = port };
}

static inline struct summary_edge *agent_edge(struct agent *a, const char *service, enum summary_role role)
{
        struct summary_edge *e = &a->edges[a->s.edges_count++];

        memset(e, 0, sizeof(*e));
        e->id = a->s.edges_count;
        e->identity = agent_service(a, service);
        e->netns = NETNS;
        e->role = role;
        e->transport = TRANSPORT_TCP;
        e->first_seen = e->last_seen = a->s.at;
        return e;
}

static inline struct summary_edge *agent_client(struct agent *a, const char *service, const char *remote, uint16_t port)
{
        struct summary_edge *e = agent_edge(a, service, ROLE_CLIENT);

        e->remote = ip(remote);
        e->remote_port = port;
        return e;
}

static inline struct summary_edge *agent_server(struct agent *a, const char *service, const char *local, uint16_t port,
                                                const char *remote)
{
        struct summary_edge *e = agent_edge(a, service, ROLE_SERVER);

        e->local = ip(local);
        e->local_port = port;
        e->remote = ip(remote);
        return e;
}

static inline void agent_key(struct agent *a, const struct summary_edge *edge, uint64_t key)
{
        a->keys[a->s.keys_count++] = (struct summary_key){ key, edge->id, edge->role };
}

/* What a sweep found of the edge; it goes with the next summary. */
static inline struct summary_pool *agent_pool(struct agent *a, const struct summary_edge *edge, uint32_t pid)
{
        struct summary_pool *p = &a->pools[a->s.pools_count++];

        *p = (struct summary_pool){
                .edge = edge->id, .pid = pid, .started = a->s.session_started, .opened_at = a->s.session_started
        };
        return p;
}

static inline void opened(struct summary_edge *e, uint64_t n, uint64_t closed)
{
        e->counters.attempted += n;
        e->counters.opened += n;
        e->counters.closed += closed;
}

/* Sends what the agent holds as one full summary, and forgets the keys. */
static inline int agent_send(struct agent *a, struct core *core, int64_t now)
{
        int r;

        a->s.sequence++;
        a->s.at = now;
        a->s.full = true;
        a->s.pools_at = now;
        r = core_summary(core, now, a->host, &a->s, &a->ack);
        a->s.keys_count = 0;
        return r;
}

static inline const struct view_edge *view_find(const struct view *v, const char *client, const char *server)
{
        for (size_t i = 0; i < v->edges_count; i++)
                if (strcmp(v->edges[i].client, client) == 0 && strcmp(v->edges[i].server, server) == 0)
                        return &v->edges[i];
        return NULL;
}
