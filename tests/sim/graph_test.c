/* The graph ends the same whatever happened on the way: in each of many worlds, after the trouble has
 * ended, the view is compared with the truth. Prints TAP; SEEDS worlds from SEED on. */
#include "proto/address.h"
#include "tests/sim/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool talk;

static void step(struct world *w, bool trouble)
{
        w->now += NSEC_PER_SEC;
        for (int i = 0; i < w->hosts; i++) {
                struct sim_agent *a = &w->agents[i];

                if (trouble && w->trouble & TROUBLE_AGENTS && a->up && world_random(w, 400) == 0) {
                        agent_stop(w, i, world_random(w, 2));
                        a->next_at = w->now + (int64_t)world_random(w, 30) * NSEC_PER_SEC;
                }
                if (!a->up && (!trouble || w->now >= a->next_at))
                        agent_start(w, i);
                if (a->up && w->now >= a->next_at) {
                        agent_report(w, i, a->sequence % 30 == 0, false);
                        a->next_at += 10 * NSEC_PER_SEC;
                }
        }
        if (trouble && w->trouble & TROUBLE_COORDINATOR && w->core && world_random(w, 200) == 0)
                coordinator_kill(w);
        network_step(w);
        coordinator_step(w);
}

/* Another client of the same server, which sees both come from one address. */
static bool behind_same_address(const struct world *w, const struct pair *p, int edge)
{
        for (int i = 0; i < w->pairs; i++) {
                const struct pair *q = &w->pair[i];
                if (q->edge == edge && p->service[SERVER] >= 0 && q->service[SERVER] == p->service[SERVER] &&
                    memcmp(&q->remote, &p->remote, sizeof(q->remote)) == 0)
                        return true;
        }
        return false;
}

/* Connections that came through a router while the client's agent was away: nobody's, as it seems. */
static bool unobserved_then(const struct world *w, const struct view_edge *e)
{
        char text[ADDRESS_TEXT_SIZE];

        for (int i = 0; i < w->pairs; i++) {
                const struct pair *p = &w->pair[i];
                if (p->agent[CLIENT] >= 0 && w->agents[p->agent[CLIENT]].tainted && p->local_port == e->port &&
                    memcmp(p->remote.bytes + 12, "\x0a\x00\xff\xfe", 4) == 0 &&
                    strcmp(address_format(&p->remote, text), e->client) == 0 && e->counters.opened < w->truth[p->edge].opened)
                        return true;
        }
        return false;
}

static bool any_agent(const struct world *w, int edge, bool (*is)(const struct world *w, const struct sim_agent *a))
{
        for (int i = 0; i < w->pairs; i++) {
                const struct pair *p = &w->pair[i];

                if (p->edge != edge && p->failures != edge && !behind_same_address(w, p, edge))
                        continue;
                for (int side = 0; side < 2; side++)
                        if (p->agent[side] >= 0 && is(w, &w->agents[p->agent[side]]))
                                return true;
        }
        return false;
}

static bool is_tainted(const struct world *w, const struct sim_agent *a)
{
        return a->tainted || (w->crashes && a->retired);
}

static bool is_unheard(const struct world *w, const struct sim_agent *a)
{
        (void)w;
        return a->unheard;
}

static bool tainted(const struct world *w, int edge)
{
        return any_agent(w, edge, is_tainted);
}

static int wrong(const struct view_edge *e, const char *what, uint64_t is, uint64_t should)
{
        if (talk)
                printf("# %s -> %s:%u%s: %s is %llu, truth %llu\n", e->client, e->server, e->port, e->complete ? " (complete)" : "",
                       what, (unsigned long long)is, (unsigned long long)should);
        return 1;
}

static int compare(const struct world *w, const struct view_edge *e, int edge)
{
        const struct truth *t = &w->truth[edge];
        bool exact = e->complete;
        int bad = 0;

        /* Which backend an adopted connection belongs to, nobody can tell once its key is long gone. */
        if (t->ambiguous && (!e->complete || e->counters.opened == t->opened) && tainted(w, edge))
                return 0;
        /* A window that began after an agent came back says nothing of what was before. */
        if (tainted(w, edge) && e->first_seen > t->first_at + NSEC_PER_SEC)
                exact = false;
        /* Nor of a session that ended before anything of it arrived. */
        if (any_agent(w, edge, is_unheard))
                exact = false;
        /* What an observed client could not count of bytes and ends looks like its neighbour's. */
        if (e->client_external && !e->complete && tainted(w, edge))
                return e->counters.opened > t->opened + w->services * 20 ? wrong(e, "opened", e->counters.opened, t->opened) : 0;
#define EXACT(name, is)                                                                                                            \
        if ((is) > t->name || (exact && (is) != t->name))                                                                          \
                bad |= wrong(e, #name, is, t->name);
        EXACT(opened, e->counters.opened)
        EXACT(closed, e->counters.closed)
        EXACT(refused, e->counters.refused)
        EXACT(timed_out, e->counters.timed_out)
        EXACT(sent, e->counters.sent)
        EXACT(received, e->counters.received)
        EXACT(reset_by_self, e->counters.reset_by_self)
        EXACT(open, e->open)
#undef EXACT
        if (!e->complete && !tainted(w, edge))
                bad |= wrong(e, "complete", 0, 1);
        return bad;
}

/* What a server's agent could not count hides those whom only it sees, and who share an address with
 * clients that are observed. */
static bool may_be_hidden(const struct world *w, int edge)
{
        const struct truth *t = &w->truth[edge];

        return tainted(w, edge) && (t->opened == 0 || strcmp(t->client, "10.0.255.254") == 0);
}

static int check(const struct world *w, const struct view *v)
{
        bool seen[EDGES_MAX] = { false };
        int bad = 0;

        for (size_t i = 0; i < v->edges_count; i++) {
                const struct view_edge *e = &v->edges[i];
                int found = -1;

                for (int k = 0; k < w->edges && found < 0; k++)
                        if (strcmp(w->truth[k].client, e->client) == 0 && strcmp(w->truth[k].server, e->server) == 0 &&
                            w->truth[k].port == e->port)
                                found = k;
                if (found < 0 && unobserved_then(w, e))
                        continue;
                if (found < 0)
                        bad |= wrong(e, "an edge that is not there; opened", e->counters.opened, 0);
                else if (seen[found])
                        bad |= wrong(e, "an edge that is there twice", 1, 0);
                else
                        bad |= compare(w, e, found);
                if (found >= 0)
                        seen[found] = true;
        }
        for (int k = 0; k < w->edges; k++) {
                const struct truth *t = &w->truth[k];
                if (!seen[k] && (t->opened || t->refused || t->timed_out) && !may_be_hidden(w, k)) {
                        bad = 1;
                        if (talk)
                                printf("# %s -> %s:%u is missing, opened %llu\n", t->client, t->server, t->port,
                                       (unsigned long long)t->opened);
                }
        }
        return bad;
}

static int run(uint64_t seed, struct world *w)
{
        struct view *v = NULL;
        int bad;

        world_build(w, seed);
        for (uint64_t n = 100 + world_random(w, 500); n > 0; n--) {
                traffic_step(w);
                step(w, true);
        }
        w->trouble &= ~(unsigned)(TROUBLE_NETWORK | TROUBLE_LOSS);
        w->core_back_at = 0;
        for (int i = 0; i < 30; i++)
                step(w, false);
        /* Every pair once more, now that all are there: who belongs to whom must be known then. */
        for (int i = 0; i < w->pairs; i++)
                conn_open(w, i);
        for (int i = 0; i < 90; i++)
                step(w, false);
        if (core_view(w->core, w->now, &(struct view_query){ .parts = VIEW_GRAPH }, &v) < 0)
                abort();
        bad = check(w, v);
        if (bad && talk) {
                printf("# %d hosts, %d pairs, trouble %u, %u crashes of the coordinator\n", w->hosts, w->pairs, w->trouble,
                       w->crashes);
                for (int i = 0; i < w->pairs; i++) {
                        const struct truth *t = &w->truth[w->pair[i].edge];
                        printf("# pair %d: %s (host %d) -> %s (host %d) opened %llu open %llu\n", i, t->client, w->pair[i].agent[0],
                               t->server, w->pair[i].agent[1], (unsigned long long)t->opened, (unsigned long long)t->open);
                }
        }
        view_free(&v);
        world_free(w);
        return bad;
}

int main(void)
{
        const char *seeds = getenv("SEEDS"), *first = getenv("SEED"), *fast = getenv("FAST");
        uint64_t count = seeds && *seeds ? strtoull(seeds, NULL, 0) : fast && *fast ? 300 : 2000;
        uint64_t from = first && *first ? strtoull(first, NULL, 0) : 1;
        struct world *w = malloc(sizeof(*w));
        uint64_t failed = 0;

        if (!w)
                return 1;
        printf("TAP version 13\n1..1\n# SEED=%llu SEEDS=%llu\n", (unsigned long long)from, (unsigned long long)count);
        for (uint64_t i = from; i < from + count; i++) {
                talk = false;
                if (run(i, w) == 0)
                        continue;
                if (failed++ < 5) {
                        printf("# seed %llu:\n", (unsigned long long)i);
                        talk = true;
                        (void)run(i, w);
                }
        }
        printf("%s 1 - the graph equals the truth in %llu worlds\n", failed ? "not ok" : "ok", (unsigned long long)count);
        if (failed)
                printf("# %llu of them failed\n", (unsigned long long)failed);
        free(w);
        return failed != 0;
}
