/* What a view may say of a world, and what it must.
 *
 * Edges that share a server, or an address before servers, are a *group*: their clients can be taken for
 * one another where an agent was away. In words:
 * - An edge that calls itself complete is exact in every field; if it knows itself to have begun later than
 *   the truth, it counts at least what was since, but for the ends of connections that were lost before.
 * - An edge never counts beyond the truth, unless it calls itself incomplete and its client is one that can
 *   be mistaken for another of its group; a group never does.
 * - What no agent missed anything of is complete, and is there.
 * - Connections that are open are known as open in each group whose agents lost nothing and whose edges are there.
 * - Both ends observed: seen from both.
 * - The whole is complete if all edges are, and says how many events were lost. */
#include "proto/address.h"
#include "tests/sim/world.h"

#include <stdio.h>
#include <string.h>

#define SKEW (499 * NSEC_PER_MSEC) /* between clocks that are right; what is later than that was in another step */
#define SLACK (2 * NSEC_PER_SEC)

struct judge {
        const struct world *w;
        const struct view *v;
        bool talk;
        int bad;
        int group[EDGES_MAX];
        struct truth_counts want[EDGES_MAX], have[EDGES_MAX]; /* by group */
        uint64_t want_open[EDGES_MAX], have_open[EDGES_MAX];
        bool hidden[EDGES_MAX];
};

static void wrong(struct judge *j, const struct view_edge *e, const char *what, uint64_t is, uint64_t should)
{
        j->bad = 1;
        if (j->talk)
                printf("# %s -> %s:%u/%d%s: %s is %llu, truth %llu\n", e->client, e->server, e->port, e->transport,
                       e->complete ? " (complete)" : "", what, (unsigned long long)is, (unsigned long long)should);
}

static void join_groups(struct judge *j, int a, int b)
{
        int from = j->group[a], to = j->group[b];

        for (int i = 0; i < j->w->edges; i++)
                if (j->group[i] == from)
                        j->group[i] = to;
}

static void find_groups(struct judge *j)
{
        const struct world *w = j->w;

        for (int i = 0; i < w->edges; i++)
                j->group[i] = i;
        for (int i = 0; i < w->pairs; i++) {
                const struct pair *p = &w->pair[i];

                join_groups(j, p->edge, p->failures);
                for (int k = 0; k < i; k++)
                        if (p->service[SERVER] >= 0 && w->pair[k].service[SERVER] == p->service[SERVER])
                                join_groups(j, p->edge, w->pair[k].edge);
        }
}

/* True if `is` holds of any agent that has a part in the group, or in the edge alone. */
static bool any_agent(const struct judge *j, int edge, bool whole_group,
                      bool (*is)(const struct world *w, const struct sim_agent *a))
{
        for (int i = 0; i < j->w->pairs; i++) {
                const struct pair *p = &j->w->pair[i];

                if (whole_group ? j->group[p->edge] != j->group[edge] : p->edge != edge && p->failures != edge)
                        continue;
                for (int side = 0; side < 2; side++)
                        if (p->agent[side] >= 0 && is(j->w, &j->w->agents[p->agent[side]]))
                                return true;
        }
        return false;
}

static bool is_tainted(const struct world *w, const struct sim_agent *a)
{
        return a->tainted || a->refused || (w->crashes && a->retired);
}

static bool has_lost(const struct world *w, const struct sim_agent *a)
{
        (void)w;
        return a->lossy || a->refused;
}

static bool is_refused(const struct world *w, const struct sim_agent *a)
{
        (void)w;
        return a->refused;
}

/* Of any host: what is said of strangers is doubtful for as long as that. */
static bool refused_of_late(const struct world *w)
{
        return w->refused_at != 0 && w->now - w->refused_at <= 60 * NSEC_PER_SEC;
}

/* Another client of the same server, which sees both come from one address. */
static bool may_be_another(const struct judge *j, int edge)
{
        const struct world *w = j->w;

        for (int i = 0; i < w->pairs; i++)
                for (int k = 0; w->pair[i].edge == edge && k < w->pairs; k++)
                        if (w->pair[k].edge != edge && w->pair[k].service[SERVER] >= 0 &&
                            w->pair[k].service[SERVER] == w->pair[i].service[SERVER] &&
                            memcmp(&w->pair[k].remote, &w->pair[i].remote, sizeof(struct address)) == 0)
                                return true;
        return false;
}

static void compare_edge(struct judge *j, const struct view_edge *e, int edge)
{
        const struct truth *t = &j->w->truth[edge];
        struct truth_counts since = { 0 };
        bool tainted = any_agent(j, edge, true, is_tainted);
        bool mistaken = tainted && !e->complete && (t->ambiguous || (e->client_external && may_be_another(j, edge)));

        if (tainted && e->first_seen > t->first_at + SKEW) {
                since = truth_at(j->w, edge, e->first_seen + SLACK);
                if (any_agent(j, edge, false, has_lost))
                        since = (struct truth_counts){ since.attempted,          since.opened,
                                                       t->counts.closed,         since.refused,
                                                       since.timed_out,          t->counts.sent,
                                                       t->counts.received,       t->counts.reset_by_self,
                                                       t->counts.datagrams_sent, t->counts.datagrams_received };
        }
#define X(name)                                                                                                                    \
        if (e->counters.name > t->counts.name && !mistaken)                                                                        \
                wrong(j, e, #name, e->counters.name, t->counts.name);                                                              \
        else if (e->complete && e->counters.name < t->counts.name - since.name)                                                    \
                wrong(j, e, #name, e->counters.name, t->counts.name - since.name);
        TRUTH_COUNTERS(X)
#undef X
        if ((e->open > t->open && !mistaken && !any_agent(j, edge, true, is_refused)) || (e->complete && e->open != t->open))
                wrong(j, e, "open", e->open, t->open);
        if (!e->complete && !tainted && !(e->external && refused_of_late(j->w)))
                wrong(j, e, "complete", 0, 1);
}

/* A host whose summaries are refused is a stranger to the others. */
static bool refused_stranger(const struct judge *j, const struct view_edge *e)
{
        return refused_of_late(j->w) && (e->client_external || e->server_external) && !j->v->complete;
}

/* Connections that came through a router while the client's agent was away: nobody's, as it seems. */
static int unobserved_then(const struct judge *j, const struct view_edge *e)
{
        char text[ADDRESS_TEXT_SIZE];

        for (int i = 0; i < j->w->pairs; i++) {
                const struct pair *p = &j->w->pair[i];

                if (p->agent[CLIENT] >= 0 && any_agent(j, p->edge, false, is_tainted) && p->local_port == e->port && !e->complete &&
                    p->transport == e->transport && memcmp(p->remote.bytes + 12, "\x0a\x00\xff\xfe", 4) == 0 &&
                    strcmp(address_format(&p->remote, text), e->client) == 0)
                        return p->edge;
        }
        return -1;
}

static int find_truth(const struct world *w, const struct view_edge *e)
{
        for (int k = 0; k < w->edges; k++)
                if (strcmp(w->truth[k].client, e->client) == 0 && strcmp(w->truth[k].server, e->server) == 0 &&
                    w->truth[k].port == e->port && w->truth[k].transport == e->transport)
                        return k;
        return -1;
}

static void compare_seen(struct judge *j, const struct view_edge *e, int edge)
{
        bool observed = j->w->truth[edge].counts.opened > 0;

        for (int i = 0; i < j->w->pairs; i++)
                if (j->w->pair[i].edge == edge)
                        observed = observed && j->w->pair[i].agent[CLIENT] >= 0 && j->w->pair[i].agent[SERVER] >= 0;
        if (observed && e->seen_from != VIEW_SEEN_BOTH && !any_agent(j, edge, false, is_refused))
                wrong(j, e, "seen from", e->seen_from, VIEW_SEEN_BOTH);
}

static void compare_groups(struct judge *j)
{
        for (int k = 0; k < j->w->edges; k++) {
                struct view_edge e = { .client = "group of", .server = j->w->truth[k].server, .port = j->w->truth[k].port };

                if (j->group[k] != k)
                        continue;
#define X(name)                                                                                                                    \
        if (j->have[k].name > j->want[k].name)                                                                                     \
                wrong(j, &e, #name, j->have[k].name, j->want[k].name);
                TRUTH_COUNTERS(X)
#undef X
                if ((j->have_open[k] > j->want_open[k] && !any_agent(j, k, true, is_refused)) ||
                    (j->have_open[k] < j->want_open[k] && !j->hidden[k] && !any_agent(j, k, true, has_lost)))
                        wrong(j, &e, "open", j->have_open[k], j->want_open[k]);
        }
}

static void compare_whole(struct judge *j)
{
        bool complete = !refused_of_late(j->w);

        for (size_t i = 0; i < j->v->edges_count; i++)
                complete = complete && j->v->edges[i].complete;
        if (j->v->complete != complete) {
                j->bad = 1;
                if (j->talk)
                        printf("# the answer is called %scomplete\n", j->v->complete ? "" : "in");
        }
}

static void add_up(struct judge *j, int edge, const struct view_edge *e)
{
        int g = j->group[edge];

#define X(name) j->have[g].name += e->counters.name;
        TRUTH_COUNTERS(X)
#undef X
        j->have_open[g] += e->open;
}

/* What a server's agent could not count hides those whom only it sees, and who share an address with
 * clients that are observed. */
static bool may_be_hidden(const struct judge *j, int edge)
{
        return any_agent(j, edge, false, is_refused) ||
               (any_agent(j, edge, true, is_tainted) && (j->w->truth[edge].counts.opened == 0 || may_be_another(j, edge)));
}

int world_compare(const struct world *w, const struct view *v, bool talk)
{
        struct judge j = { .w = w, .v = v, .talk = talk };
        bool seen[EDGES_MAX] = { false };

        find_groups(&j);
        for (size_t i = 0; i < v->edges_count; i++) {
                const struct view_edge *e = &v->edges[i];
                int found = find_truth(w, e), then = found < 0 ? unobserved_then(&j, e) : found;

                if (then < 0 && refused_stranger(&j, e))
                        continue;
                if (then < 0)
                        wrong(&j, e, "an edge that is not there; opened", e->counters.opened, 0);
                else if (found >= 0 && seen[found])
                        wrong(&j, e, "an edge that is there twice", 1, 0);
                else
                        add_up(&j, then, e);
                if (found < 0)
                        continue;
                seen[found] = true;
                compare_edge(&j, e, found);
                compare_seen(&j, e, found);
        }
        for (int k = 0; k < w->edges; k++) {
                const struct truth *t = &w->truth[k];
                struct view_edge e = { .client = t->client, .server = t->server, .port = t->port, .transport = t->transport };

                if (!seen[k] && t->counts.attempted > 0 && may_be_hidden(&j, k))
                        j.hidden[j.group[k]] = true;
                else if (!seen[k] && t->counts.attempted > 0)
                        wrong(&j, &e, "missing; opened", 0, t->counts.opened);
#define X(name) j.want[j.group[k]].name += t->counts.name;
                TRUTH_COUNTERS(X)
#undef X
                j.want_open[j.group[k]] += t->open;
        }
        compare_groups(&j);
        compare_whole(&j);
        return j.bad;
}
