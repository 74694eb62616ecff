/* Connections come, carry bytes and go, and agents count what they see of them. */
#include "tests/sim/world.h"

#include <stdlib.h>
#include <string.h>

#define NETNS 4026531840u

static struct sim_row *new_row(struct world *w, int agent, int pair, enum side side, bool unknown, uint64_t key)
{
        struct sim_agent *a = &w->agents[agent];
        const struct pair *p = &w->pair[pair];
        struct sim_row *row;
        struct summary_edge edge = { .identity = (uint32_t)p->service[side] + 1,
                                     .netns = NETNS,
                                     .role = unknown          ? ROLE_UNKNOWN
                                             : side == CLIENT ? ROLE_CLIENT
                                                              : ROLE_SERVER,
                                     .transport = p->transport,
                                     .first_seen = w->now + a->clock_skew,
                                     .last_seen = w->now + a->clock_skew };

        if (side == CLIENT) {
                edge.remote = p->dialled;
                edge.remote_port = p->dialled_port;
                if (unknown) {
                        edge.local = a->address;
                        edge.local_port = (uint16_t)(32768 + key % 20000);
                }
        } else {
                edge.local = p->unbound ? (struct address){ 0 } : p->local;
                edge.local_port = p->local_port;
                edge.remote = p->remote;
        }
        for (int i = 0; i < a->rows_count; i++) {
                struct summary_edge *e = &a->rows[i].edge;
                if (e->identity == edge.identity && e->role == edge.role && e->transport == edge.transport &&
                    e->remote_port == edge.remote_port && e->local_port == edge.local_port &&
                    memcmp(&e->remote, &edge.remote, 16) == 0 && memcmp(&e->local, &edge.local, 16) == 0)
                        return &a->rows[i];
        }
        if (a->rows_count == ROWS_MAX)
                abort();
        edge.id = ++a->next_row;
        row = &a->rows[a->rows_count++];
        *row = (struct sim_row){ .edge = edge };
        return row;
}

static void touch(struct world *w, int agent, struct sim_row *row)
{
        row->changed_in = w->agents[agent].sequence + 1;
        row->moved_at = w->now;
        row->edge.last_seen = w->now + w->agents[agent].clock_skew;
}

static void report_key(struct world *w, int agent, const struct sim_row *row, uint64_t key)
{
        struct sim_agent *a = &w->agents[agent];

        /* As the kernel's programs choose; what may be either end is always said. */
        if (row->edge.role != ROLE_UNKNOWN && (uint32_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 32) > a->threshold)
                return;
        if (a->keys_count == KEYS_MAX)
                abort();
        if (row->edge.role == ROLE_UNKNOWN) /* the raw pair, as an initiator sees it */
                key = (uint64_t)((uint32_t)(key >> 32) - 1) << 32 | (uint32_t)key;
        a->keys[a->keys_count] = (struct summary_key){ key, row->edge.id, row->edge.role };
        a->key_first[a->keys_count++] = a->sequence + 1;
}

static struct sim_row *row_of(struct world *w, const struct conn *c, enum side side)
{
        return c->row[side] >= 0 ? &w->agents[w->pair[c->pair].agent[side]].rows[c->row[side]] : NULL;
}

bool conn_open(struct world *w, int pair)
{
        const struct pair *p = &w->pair[pair];
        struct truth *t = &w->truth[p->edge];
        struct conn *c = NULL;

        for (int i = 0; i < CONNS_MAX && !c; i++)
                if (!w->conn[i].live)
                        c = &w->conn[i];
        if (!c)
                return false;
        *c = (struct conn){ .live = true, .pair = pair, .row = { -1, -1 } };
        w->next_key++;
        c->key = w->next_key * UINT64_C(0x9e3779b97f4a7c15);
        if (t->counts.attempted++ == 0)
                t->first_at = w->now;
        t->counts.opened++;
        t->open++;
        for (int side = 0; side < 2; side++) {
                int agent = p->agent[side];
                struct sim_row *row;

                if (agent < 0 || !w->agents[agent].up)
                        continue;
                if (w->trouble & TROUBLE_LOSS && world_random(w, 300) == 0) {
                        w->agents[agent].lost++;
                        w->agents[agent].tainted = w->agents[agent].lossy = true;
                        continue;
                }
                row = new_row(w, agent, pair, (enum side)side, false, c->key);
                c->row[side] = (int)(row - w->agents[agent].rows);
                row->edge.counters.attempted++;
                row->edge.counters.opened++;
                touch(w, agent, row);
                report_key(w, agent, row, c->key);
        }
        return true;
}

static void conn_close(struct world *w, struct conn *c)
{
        const struct pair *p = &w->pair[c->pair];
        struct truth *t = &w->truth[p->edge];
        uint64_t up = world_random(w, 5000), down = world_random(w, 50000);
        bool datagrams = p->transport == TRANSPORT_UDP, reset = world_random(w, 10) == 0 && !datagrams;
        uint64_t asked = datagrams ? 1 + up / 1000 : 0, answered = datagrams ? down / 1000 : 0;

        t->counts.closed++;
        t->open--;
        t->counts.sent += up;
        t->counts.received += down;
        t->counts.reset_by_self += reset;
        t->counts.datagrams_sent += asked;
        t->counts.datagrams_received += answered;
        for (int side = 0; side < 2; side++) {
                struct sim_row *row = row_of(w, c, (enum side)side);

                if (!row)
                        continue;
                row->edge.counters.closed++;
                row->edge.counters.sent += side == CLIENT ? up : down;
                row->edge.counters.received += side == CLIENT ? down : up;
                row->edge.counters.datagrams_sent += side == CLIENT ? asked : answered;
                row->edge.counters.datagrams_received += side == CLIENT ? answered : asked;
                *(side == CLIENT ? &row->edge.counters.reset_by_self : &row->edge.counters.reset_by_peer) += reset;
                touch(w, p->agent[side], row);
        }
        c->live = false;
}

/* An attempt that never opens: only its client sees it. */
static void conn_fail(struct world *w, int pair)
{
        const struct pair *p = &w->pair[pair];
        struct truth *t = &w->truth[p->failures];
        bool refused = world_random(w, 2) == 0;
        struct sim_row *row;

        if (p->agent[CLIENT] < 0 || !w->agents[p->agent[CLIENT]].up || p->transport == TRANSPORT_UDP)
                return;
        row = new_row(w, p->agent[CLIENT], pair, CLIENT, false, 0);
        row->edge.counters.attempted++;
        *(refused ? &row->edge.counters.refused : &row->edge.counters.timed_out) += 1;
        if (t->counts.attempted++ == 0)
                t->first_at = w->now;
        *(refused ? &t->counts.refused : &t->counts.timed_out) += 1;
        touch(w, p->agent[CLIENT], row);
}

void agent_start(struct world *w, int agent)
{
        struct sim_agent *a = &w->agents[agent];

        a->up = true;
        a->session = 1 + w->next_session++ * UINT64_C(0x2545f4914f6cdd1d);
        a->sequence = a->lost = a->next_row = a->command = a->coordinator = 0;
        a->threshold = UINT32_MAX;
        a->threshold_is_new = a->refused = false;
        a->rows_count = a->keys_count = 0;
        a->started = w->now + a->clock_skew;
        a->next_at = w->now;
        for (int i = 0; i < CONNS_MAX; i++) {
                struct conn *c = &w->conn[i];

                for (int side = 0; c->live && side < 2; side++) {
                        struct sim_row *row;

                        if (w->pair[c->pair].agent[side] != agent)
                                continue;
                        row = new_row(w, agent, c->pair, (enum side)side,
                                      side == CLIENT && w->pair[c->pair].transport == TRANSPORT_TCP && world_random(w, 2), c->key);
                        c->row[side] = (int)(row - a->rows);
                        row->edge.counters.adopted++;
                        touch(w, agent, row);
                        report_key(w, agent, row, c->key);
                }
        }
}

void agent_stop(struct world *w, int agent, bool clean)
{
        struct sim_agent *a = &w->agents[agent];

        if (clean)
                agent_report(w, agent, true, true);
        a->up = false;
        a->tainted = true;
        a->unheard = a->unheard || !a->heard;
        a->heard = false;
        for (int i = 0; i < CONNS_MAX; i++)
                for (int side = 0; side < 2; side++)
                        if (w->conn[i].live && w->pair[w->conn[i].pair].agent[side] == agent)
                                w->conn[i].row[side] = -1;
}

/* A row that is idle and known to the coordinator may go; its number is never used again. */
static void retire(struct world *w, int agent)
{
        struct sim_agent *a = &w->agents[agent];

        for (int i = 0; i < a->rows_count; i++) {
                struct sim_row *row = &a->rows[i];
                const struct summary_counters *c = &row->edge.counters;

                if (row->changed_in != 0 || row->moved_at + 90 * NSEC_PER_SEC > w->now || c->adopted + c->opened != c->closed)
                        continue;
                a->retired = true;
                a->rows_count--;
                if (i != a->rows_count) {
                        *row = a->rows[a->rows_count];
                        for (int k = 0; k < CONNS_MAX; k++)
                                for (int side = 0; side < 2; side++)
                                        if (w->conn[k].live && w->pair[w->conn[k].pair].agent[side] == agent &&
                                            w->conn[k].row[side] == a->rows_count)
                                                w->conn[k].row[side] = i;
                }
                return;
        }
}

void traffic_step(struct world *w)
{
        for (uint64_t n = world_random(w, 4); n > 0; n--) {
                int pair = (int)world_random(w, (uint64_t)w->pairs);

                if (world_random(w, 8) == 0)
                        conn_fail(w, pair);
                else
                        conn_open(w, pair);
        }
        for (int i = 0; i < CONNS_MAX; i++)
                if (w->conn[i].live && world_random(w, 20) == 0)
                        conn_close(w, &w->conn[i]);
        for (int i = 0; i < w->hosts; i++)
                if (w->agents[i].up && world_random(w, 10) == 0)
                        retire(w, i);
}
