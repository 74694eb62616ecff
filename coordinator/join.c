/* Where the two ends of a connection meet: a bounded table of keys that wait for their other end.
 * A key that has met stays until it expires as well, so that one reported twice does nothing. */
#include "coordinator/graph.h"

#define KEYS_MAX (1u << 20)
#define KEY_LIFE (45 * NSEC_PER_SEC)

static uint64_t key_hash(const struct core *core, uint64_t key)
{
        return hash_bytes(&core->hash_key, &key, sizeof(key));
}

static struct key_entry *find(const struct core *core, uint64_t key)
{
        for (struct map_node *n = map_first(&core->join.keys, key_hash(core, key)); n; n = map_next(n)) {
                struct key_entry *e = container_of(n, struct key_entry, node);
                if (e->key == key)
                        return e;
        }
        return NULL;
}

static void entry_free(struct core *core, struct key_entry *e)
{
        struct join *j = &core->join;

        map_remove(&j->keys, &e->node);
        *(e->older ? &e->older->newer : &j->oldest) = e->newer;
        *(e->newer ? &e->newer->older : &j->newest) = e->older;
        core_release(core, e, sizeof(*e));
}

static struct key_entry *entry_get(struct core *core, uint64_t key, int64_t now)
{
        struct join *j = &core->join;
        struct key_entry *e = find(core, key);

        if (e)
                return e;
        if (j->keys.count >= KEYS_MAX) {
                j->overflowed++;
                entry_free(core, j->oldest);
        }
        e = core_alloc(core, sizeof(*e));
        if (!e || map_insert(&j->keys, &e->node, key_hash(core, key)) < 0) {
                core_release(core, e, sizeof(*e));
                j->overflowed++;
                return NULL;
        }
        e->key = key;
        e->at = now;
        e->older = j->newest;
        *(j->newest ? &j->newest->newer : &j->oldest) = e;
        j->newest = e;
        return e;
}

/* The shorter list of the two: either end may have thousands. */
static struct link *find_link(const struct end *client, const struct end *server)
{
        struct link *l;

        if (client->links_count <= server->links_count) {
                for (l = client->links; l && l->server != server; l = l->next_of_client)
                        ;
        } else {
                for (l = server->links; l && l->client != client; l = l->next_of_server)
                        ;
        }
        return l;
}

int link_add(struct core *core, struct end *client, struct end *server, uint64_t matched, int64_t now)
{
        int64_t first_seen = MIN(end_first_seen(client), end_first_seen(server));
        struct link *l;

        l = find_link(client, server);
        if (l) {
                l->matched += matched;
                l->last = now;
                return 0;
        }
        l = core_alloc(core, sizeof(*l));
        if (!l)
                return -ENOMEM;
        remainder_review(core, server);
        *l = (struct link){ .client = client,
                            .server = server,
                            .matched = matched,
                            .last = now,
                            .next_of_client = client->links,
                            .next_of_server = server->links,
                            .reach_of_client = &client->links,
                            .reach_of_server = &server->links };
        if (l->next_of_client)
                l->next_of_client->reach_of_client = &l->next_of_client;
        if (l->next_of_server)
                l->next_of_server->reach_of_server = &l->next_of_server;
        client->links = l;
        server->links = l;
        client->links_count++;
        server->links_count++;
        client->dirty = server->dirty = true;
        client->snapshot_at = server->snapshot_at = 0;
        /* Also what was before its agent first came: the other end may have seen that. */
        if (host_gap_since(client->host, first_seen) || remainder_began_before(core, server, client->host))
                remainder_excuse(core, server);
        if (host_gap_since(server->host, first_seen) ||
            end_first_seen(client) < server->host->known_since + host_skew(server->host))
                remainder_excuse(core, client);
        core->changed = core->relink = true;
        return 0;
}

static void link_free(struct core *core, struct link *l)
{
        *l->reach_of_client = l->next_of_client;
        if (l->next_of_client)
                l->next_of_client->reach_of_client = l->reach_of_client;
        *l->reach_of_server = l->next_of_server;
        if (l->next_of_server)
                l->next_of_server->reach_of_server = l->reach_of_server;
        l->client->links_count--;
        l->server->links_count--;
        core_release(core, l, sizeof(*l));
        core->changed = core->relink = true;
}

void links_free(struct core *core, struct end *e)
{
        while (e->links)
                link_free(core, e->links);
}

static void take(struct core *core, uint64_t key, struct end *end, bool as_client, bool tentative, int64_t now)
{
        struct key_entry *e = entry_get(core, key, now);
        bool met;

        if (!e)
                return;
        end->keyed_at = now;
        met = e->client && e->server;
        if (as_client) {
                if (e->client)
                        return;
                e->client = end;
                e->client_tentative = tentative;
        } else {
                if (e->server)
                        return;
                e->server = end;
                e->server_tentative = tentative;
        }
        if (met || !e->client || !e->server)
                return;
        /* Both ends: what was only a guess about direction is now known. */
        if (e->client_tentative)
                end_set_role(core, e->client, ROLE_CLIENT);
        if (e->server_tentative)
                end_set_role(core, e->server, ROLE_SERVER);
        if (e->client->role != ROLE_CLIENT || e->server->role != ROLE_SERVER)
                return;
        core->join.matched++;
        if (link_add(core, e->client, e->server, 1, now) < 0)
                core->join.overflowed++;
}

void join_key(struct core *core, const struct summary_key *key, struct end *end, int64_t now)
{
        core->join.taken++;
        if (key->role == ROLE_UNKNOWN && end->transport == TRANSPORT_TCP) {
                uint32_t upper = (uint32_t)(key->key >> 32), lower = (uint32_t)key->key;

                take(core, (uint64_t)(upper + 1) << 32 | lower, end, true, true, now);
                take(core, (uint64_t)lower << 32 | upper, end, false, true, now);
                return;
        }
        take(core, key->key, end, end->role == ROLE_CLIENT || (end->role == ROLE_UNKNOWN && key->role == ROLE_CLIENT),
             end->role == ROLE_UNKNOWN, now);
}

void join_expire(struct core *core, int64_t now)
{
        while (core->join.oldest && core->join.oldest->at + KEY_LIFE < now)
                entry_free(core, core->join.oldest);
}

bool join_knows(const struct core *core, const struct end *end)
{
        return end->keyed_at && end->keyed_at + KEY_LIFE >= core->now;
}

void join_free(struct core *core)
{
        while (core->join.oldest)
                entry_free(core, core->join.oldest);
        map_free(&core->join.keys);
}

#define RATE_EVERY (10 * NSEC_PER_SEC)

/* The same threshold for all, in powers of two: down at once when keys come too fast, up again when
 * even twice as many would fit. */
void join_adjust_threshold(struct core *core, int64_t now)
{
        struct join *j = &core->join;
        int64_t span = now - j->rate_since;
        uint64_t rate, most = core->options.keys_per_second;

        if (span >= RATE_EVERY) {
                rate = j->taken * (uint64_t)NSEC_PER_SEC / (uint64_t)span;
                if (rate > most && j->threshold > UINT32_MAX >> 16)
                        j->threshold >>= 1;
                else if (rate * 4 < most && j->threshold < UINT32_MAX)
                        j->threshold = j->threshold << 1 | 1;
                j->taken = 0;
                j->rate_since = now;
        }
        for (uint32_t i = 0; i < core->hosts_count; i++) {
                struct host *h = core->hosts[i];

                if (h->threshold_told == j->threshold || h->session == 0)
                        continue;
                h->threshold_told = j->threshold;
                /* By time, so that ids also rise from one coordinator's life to the next. */
                h->command_id = h->threshold_id = MAX(h->command_id + 1, (uint64_t)now);
        }
}
