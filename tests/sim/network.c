/* What lies between agents and coordinator, and the coordinator's lives and deaths. */
#include "coordinator/recorder.h"
#include "proto/arena.h"
#include "tests/sim/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(bool condition, const char *what)
{
        if (condition)
                return;
        fprintf(stderr, "simulation: %s\n", what);
        abort();
}

static bool listens_for_datagrams(const struct world *w, int service)
{
        for (int i = 0; i < w->pairs; i++)
                if (w->pair[i].service[SERVER] == service)
                        return w->pair[i].transport == TRANSPORT_UDP;
        return false;
}

void agent_report(struct world *w, int agent, bool full, bool final)
{
        static char names[SERVICES_MAX][16];
        struct sim_agent *a = &w->agents[agent];
        struct summary_identity identities[SERVICES_MAX];
        struct summary_listener listeners[SERVICES_MAX];
        struct summary_edge edges[ROWS_MAX];
        struct summary_address address = { a->address, 4026531840u };
        struct summary s = { .session = a->session,
                             .sequence = ++a->sequence,
                             .session_started = a->started,
                             .at = w->now + a->clock_skew,
                             .interval = 10 * NSEC_PER_SEC,
                             .host = a->name,
                             .host_id = a->name,
                             .boot_id = "",
                             .kernel = "",
                             .agent_version = "",
                             .full = full || a->resync || a->sequence == 1,
                             .final = final,
                             .lost = a->lost,
                             .key_threshold = a->threshold,
                             .identities = identities,
                             .addresses = &address,
                             .addresses_count = 1,
                             .listeners = listeners,
                             .edges = edges,
                             .keys = a->keys,
                             .keys_count = (size_t)a->keys_count };
        struct wire_request request = { .kind = WIRE_SUMMARY, .summary = &s };
        struct packet p = { .agent = agent, .at = w->now };

        for (int i = 0; i < w->services; i++) {
                uint32_t id = (uint32_t)i + 1;

                if (w->service_host[i] != agent)
                        continue;
                snprintf(names[i], sizeof(names[i]), "svc-%d", i);
                identities[s.identities_count++] = (struct summary_identity){ id, IDENTITY_UNIT, names[i], "", "/bin/x", "/x", "" };
                if (s.full)
                        listeners[s.listeners_count++] =
                                (struct summary_listener){ .identity = id,
                                                           .netns = 4026531840u,
                                                           .transport = listens_for_datagrams(w, i) ? TRANSPORT_UDP : TRANSPORT_TCP,
                                                           .port = (uint16_t)(8000 + i) };
        }
        for (int i = 0; i < a->rows_count; i++)
                if (s.full || a->rows[i].changed_in)
                        edges[s.edges_count++] = a->rows[i].edge;
        must(wire_pack_request(&request, &p.data, &p.size) == 0, "a summary cannot be packed");
        if (w->trouble & TROUBLE_NETWORK) {
                if (world_random(w, 4) == 0)
                        p.at += (int64_t)world_random(w, 25) * NSEC_PER_SEC;
                if (world_random(w, 6) == 0) {
                        free(p.data);
                        return;
                }
                if (world_random(w, 6) == 0 && w->packets_count < PACKETS_MAX) {
                        struct packet copy = p;

                        copy.data = malloc(p.size);
                        must(copy.data, "no memory");
                        memcpy(copy.data, p.data, p.size);
                        copy.at += (int64_t)world_random(w, 40) * NSEC_PER_SEC;
                        w->packets[w->packets_count++] = copy;
                }
        }
        must(w->packets_count < PACKETS_MAX, "too many packets on the way");
        w->packets[w->packets_count++] = p;
}

static void acknowledged(struct world *w, int agent, const struct wire_ack *ack)
{
        struct sim_agent *a = &w->agents[agent];
        int kept = 0;

        if (!a->up || ack->session != a->session)
                return;
        a->resync = ack->resync;
        /* The threshold of a coordinator's former life does not bind. */
        if (ack->coordinator != a->coordinator && !a->threshold_is_new)
                a->threshold = UINT32_MAX;
        a->coordinator = ack->coordinator;
        a->threshold_is_new = false;
        for (int i = 0; i < a->rows_count; i++)
                if (a->rows[i].changed_in <= ack->sequence)
                        a->rows[i].changed_in = 0;
        for (int i = 0; i < a->keys_count; i++) {
                if (a->key_first[i] <= ack->sequence)
                        continue;
                a->keys[kept] = a->keys[i];
                a->key_first[kept++] = a->key_first[i];
        }
        a->keys_count = kept;
}

/* Everything that a view shows, as one number. */
static uint64_t digest(struct world *w)
{
        static const struct view_query all = { .parts = VIEW_GRAPH | VIEW_HOSTS };
        uint64_t sum = 0;
        struct view *v;

        must(core_view(w->core, w->now, &all, &v) == 0, "no view");
        sum = v->hosts_total + 31 * v->services_total + 1021 * v->lost_events;
        for (size_t i = 0; i < v->edges_count; i++) {
                const uint64_t *counters = (const uint64_t *)(const void *)&v->edges[i].counters;

                for (size_t k = 0; k < sizeof(v->edges[i].counters) / sizeof(*counters); k++)
                        sum = (sum ^ counters[k]) * UINT64_C(0x100000001b3);
                sum = (sum ^ v->edges[i].open) * UINT64_C(0x100000001b3) + v->edges[i].seen_from;
        }
        view_free(&v);
        return sum;
}

/* A summary that the budget has no room for must leave nothing behind. */
static int take(struct world *w, int agent, const struct summary *s, struct wire_ack *ret_ack)
{
        bool watched = w->trouble & TROUBLE_MEMORY && world_random(w, 4) == 0;
        uint64_t before = watched ? digest(w) : 0;
        struct sim_agent *a = &w->agents[agent];
        int r = core_summary(w->core, w->now, a->name, s, ret_ack);

        must(r == 0 || (r == -ENOMEM && w->options.memory_max), "not taken");
        must(r == 0 || !watched || digest(w) == before, "a refused summary left something behind");
        if (r < 0)
                w->refused_at = w->now;
        if (s->session == a->session)
                a->refused = r < 0;
        return r;
}

static void deliver(struct world *w, struct packet *p, struct arena *arena)
{
        struct wire_request request;
        struct wire_ack ack;
        const char *why = "";
        int r;

        if (w->core) {
                arena_reset(arena, SIZE_MAX);
                must(wire_unpack_request(p->data, p->size, arena, &request, &why) == 0, why);
                r = take(w, p->agent, request.summary, &ack);
                if (w->recorder)
                        recorder_add(w->recorder, RECORDING_SUMMARY, core_time(w->core), NULL, 0, p->data, p->size);
                if (r == 0 && request.summary->session == w->agents[p->agent].session)
                        w->agents[p->agent].heard = true;
                if (r == 0 && (!(w->trouble & TROUBLE_NETWORK) || world_random(w, 6) != 0))
                        acknowledged(w, p->agent, &ack);
        }
        free(p->data);
        p->data = NULL;
}

static void poll_commands(struct world *w, int agent)
{
        struct sim_agent *a = &w->agents[agent];
        struct wire_commands commands;

        if (!w->core || !a->up || !a->heard || (w->trouble & TROUBLE_NETWORK && world_random(w, 3) == 0))
                return;
        must(core_poll(w->core, w->now, a->name, a->session, a->command, &commands) == 0, "a poll is not taken");
        for (size_t i = 0; i < commands.count; i++) {
                a->command = MAX(a->command, commands.commands[i].id);
                a->threshold = commands.commands[i].threshold;
                a->threshold_is_new = true;
        }
}

uint32_t world_threshold(const struct world *w)
{
        uint32_t lowest = UINT32_MAX;

        for (int i = 0; i < w->hosts; i++)
                if (!w->agents[i].refused)
                        lowest = MIN(lowest, w->agents[i].threshold);
        return lowest;
}

void network_step(struct world *w)
{
        static struct arena *arena;

        if (!arena && arena_new(16u << 20, &arena) < 0)
                abort();
        for (int i = 0; i < w->packets_count;) {
                struct packet p = w->packets[i];

                if (p.at > w->now) {
                        i++;
                        continue;
                }
                w->packets[i] = w->packets[--w->packets_count];
                deliver(w, &p, arena);
        }
        for (int i = 0; i < w->hosts; i++)
                poll_commands(w, i);
}

static void record_set(struct record **list, size_t *count, uint32_t kind, const void *key, size_t key_size, const void *value,
                       size_t value_size)
{
        struct record *r = NULL;

        must(key_size <= sizeof(r->key), "a key of the store is too long");
        for (size_t i = 0; i < *count && !r; i++)
                if ((*list)[i].kind == kind && (*list)[i].key_size == key_size && memcmp((*list)[i].key, key, key_size) == 0)
                        r = &(*list)[i];
        if (!r) {
                *list = realloc(*list, (*count + 1) * sizeof(**list));
                must(*list, "no memory");
                r = &(*list)[(*count)++];
                *r = (struct record){ .kind = kind, .key_size = key_size };
                memcpy(r->key, key, key_size);
        }
        free(r->value);
        r->value = NULL;
        r->value_size = value_size;
        if (value_size > 0) {
                r->value = malloc(value_size);
                must(r->value, "no memory");
                memcpy(r->value, value, value_size);
        }
}

static int put(void *data, uint32_t kind, const void *key, size_t key_size, const void *value, size_t value_size)
{
        struct world *w = data;

        record_set(&w->pending, &w->pending_count, kind, key, key_size, value, value_size);
        return 0;
}

static void save(struct world *w, bool all)
{
        bool fails = !all && world_random(w, 10) == 0;
        int more;

        do {
                more = core_save(w->core, w->now, put, w);
                must(more >= 0, "the core cannot be saved");
        } while (all && more == 1);
        if (fails)
                core_save_again(w->core);
        for (size_t i = 0; i < w->pending_count; i++) {
                struct record *r = &w->pending[i];

                if (!fails)
                        record_set(&w->records, &w->records_count, r->kind, r->key, r->key_size, r->value, r->value_size);
                free(r->value);
        }
        w->pending_count = 0;
}

void coordinator_kill(struct world *w)
{
        core_free(&w->core);
        w->core_back_at = w->now + (int64_t)world_random(w, 40) * NSEC_PER_SEC;
        w->crashes++;
        w->refused_at = 0; /* nobody remembers */
}

void coordinator_enlarge(struct world *w)
{
        if (w->core) {
                core_save_again(w->core);
                save(w, true);
                coordinator_kill(w);
        }
        w->core_back_at = w->now;
        w->refused_at = 0;
        w->options.memory_max = 0;
}

/* The work of a tick, cut off anywhere: what is left is done by whatever comes next. */
static void work_a_while(struct world *w)
{
        static const struct view_query totals = { .parts = VIEW_STATUS };
        uint64_t portions = world_random(w, 3) ? UINT64_MAX : world_random(w, 100);
        struct view *view;

        while (portions-- > 0 && core_work(w->core))
                ;
        must(core_view(w->core, w->now, &totals, &view) == 0, "no view of the totals");
        view_free(&view);
}

/* As the daemon does. */
static void note_input(void *data, const struct core_input *input)
{
        static const enum recording_kind kinds[] = { RECORDING_TICK, RECORDING_SETTLE, RECORDING_ALIGN };

        if (input->kind == CORE_INPUT_POLL) {
                uint8_t head[RECORDING_POLL_HEAD];

                recording_poll_head(input->session, input->acknowledged, head);
                recorder_add(data, RECORDING_POLL, input->at, head, sizeof(head), input->host, strlen(input->host));
                return;
        }
        recorder_add(data, kinds[input->kind], input->at, NULL, 0, NULL, 0);
}

void coordinator_step(struct world *w)
{
        if (!w->core) {
                if (w->now < w->core_back_at)
                        return;
                w->options.coordinator = 7 + w->crashes;
                must(core_new(&w->options, &w->core) == 0, "no core");
                for (size_t i = 0; i < w->records_count; i++) {
                        const struct record *r = &w->records[i];
                        must(r->value_size == 0 || core_load(w->core, r->kind, r->key, r->key_size, r->value, r->value_size) == 0,
                             "a record cannot be loaded");
                }
                core_loaded(w->core, w->now);
                core_set_signatures(w->core, w->signatures);
                if (w->recorder)
                        core_observe(w->core, note_input, w->recorder);
        }
        core_begin_tick(w->core, w->now);
        work_a_while(w);
        if (world_random(w, 3) == 0)
                save(w, false);
}

void world_step(struct world *w, bool trouble)
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
        if (w->steps == STEPS_MAX)
                abort();
        for (int i = 0; i < w->edges; i++)
                w->history[i][w->steps] = w->truth[i].counts;
        w->steps++;
}
