/* Deployments under trouble: services roll to new builds over several hosts, try one and take it back,
 * restart and crash; summaries are lost, late, repeated and out of order, agents and the coordinator are
 * started anew. In the end the deployments are compared with what was done. Prints TAP; SEEDS worlds from
 * SEED on. */
#include "coordinator/core.h"
#include "coordinator/view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BEGIN (INT64_C(1700000000) * NSEC_PER_SEC)
#define HOSTS 6
#define SERVICES 3
#define INSTANCES 8 /* of a service, over all hosts */
#define WAITING 4096
#define RECORDS 512
#define DONE 64
#define MINUTE (60 * NSEC_PER_SEC)
#define REPORT_EVERY (10 * NSEC_PER_SEC)

struct instance {
        int host, build;
        int64_t started, down_until; /* 0: it runs */
        int setting;
        int next; /* build it is brought up with */
};

struct service {
        int count, build, builds;
        struct instance instance[INSTANCES];
        /* What is under way: the instances from `position` to `last` follow, one by one. */
        int target, position, last;
        int64_t step_at, next_at;
        bool taking_back;
        int open; /* index of `done` */
};

struct done {
        int service, from, to;
        int64_t at, end;
        uint32_t hosts; /* bits */
        bool back, shown;
};

struct message {
        int64_t at;
        int host, rows;
        struct summary s;
        struct summary_build builds[SERVICES * INSTANCES];
        struct summary_setting settings[SERVICES * INSTANCES];
        struct summary_identity identities[SERVICES * INSTANCES];
        int service[SERVICES * INSTANCES], build[SERVICES * INSTANCES];
        char names[SERVICES * INSTANCES][3][24];
};

struct agent {
        uint64_t session, sequence, said;
        int64_t session_started, next_at;
        uint64_t seen; /* newest sequence that arrived */
};

struct record {
        uint32_t kind;
        uint8_t key[64], *value;
        size_t key_size, size;
};

struct world {
        uint64_t random;
        int64_t now;
        struct core *core;
        struct agent agent[HOSTS];
        struct service service[SERVICES];
        struct done done[DONE];
        int done_count, hosts, services, waiting_count;
        unsigned loss, delay; /* percent; seconds */
        bool restarts;
        struct message *waiting[WAITING];
        struct record records[RECORDS];
        size_t records_count;
};

static uint64_t random_below(struct world *w, uint64_t n)
{
        w->random ^= w->random << 13;
        w->random ^= w->random >> 7;
        w->random ^= w->random << 17;
        return n ? (w->random >> 11) % n : 0;
}

static void build_world(struct world *w, uint64_t seed)
{
        memset(w, 0, sizeof(*w));
        w->random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
        w->now = BEGIN;
        w->hosts = 1 + (int)random_below(w, HOSTS);
        w->services = 1 + (int)random_below(w, SERVICES);
        w->loss = seed % 4 ? (unsigned)random_below(w, 35) : 0;
        w->delay = seed % 3 ? (unsigned)random_below(w, 90) : 0;
        w->restarts = seed % 5 != 0;
        for (int i = 0; i < w->hosts; i++)
                w->agent[i] = (struct agent){ .session = 100 + (uint64_t)i,
                                              .session_started = BEGIN - 3600 * NSEC_PER_SEC,
                                              .next_at = BEGIN + (int64_t)random_below(w, REPORT_EVERY) };
        for (int i = 0; i < w->services; i++) {
                struct service *s = &w->service[i];

                s->count = 1 + (int)random_below(w, INSTANCES);
                s->build = s->builds = 1;
                s->open = -1;
                s->next_at = BEGIN + (20 + (int64_t)random_below(w, 20)) * MINUTE;
                for (int k = 0; k < s->count; k++)
                        s->instance[k] = (struct instance){ .host = (int)random_below(w, (uint64_t)w->hosts),
                                                            .build = 1,
                                                            .started = BEGIN - (int64_t)(1 + random_below(w, 1000)) * MINUTE };
        }
        if (core_new(NULL, &w->core) < 0)
                abort();
}

static void start_instance(struct world *w, struct instance *in)
{
        in->build = in->next;
        in->started = w->now;
        in->down_until = 0;
}

static void stop_instance(struct world *w, struct instance *in, int next)
{
        in->next = next;
        in->down_until = w->now + (int64_t)random_below(w, 20) * NSEC_PER_SEC;
}

static bool settled(const struct service *s)
{
        for (int i = 0; i < s->count; i++)
                if (s->instance[i].down_until)
                        return false;
        return true;
}

static void begin_deployment(struct world *w, int index)
{
        struct service *s = &w->service[index];
        bool back = s->count > 2 && random_below(w, 4) == 0;

        /* Now and then a former build comes again. */
        s->target = s->build > 2 && random_below(w, 5) == 0 ? s->build - 2 : ++s->builds;
        s->position = 0;
        s->last = back ? 1 : s->count;
        s->taking_back = false;
        s->open = w->done_count++;
        w->done[s->open] = (struct done){ .service = index, .from = s->build, .to = s->target, .back = back };
        s->step_at = w->now;
}

static void step_deployment(struct world *w, int index)
{
        struct service *s = &w->service[index];
        struct done *d = &w->done[s->open];

        if (w->now < s->step_at || !settled(s))
                return;
        if (s->taking_back) {
                /* It was brought back just now. */
                d->end = s->instance[0].started;
                s->open = -1;
        } else if (s->position < s->last) {
                stop_instance(w, &s->instance[s->position], s->target);
                d->hosts |= 1u << s->instance[s->position].host;
                s->position++;
                s->step_at = w->now + (int64_t)random_below(w, d->back ? 1 : 240) * NSEC_PER_SEC;
                return;
        } else if (d->back) {
                d->at = s->instance[0].started;
                if (w->now < d->at + 8 * MINUTE)
                        return;
                stop_instance(w, &s->instance[0], s->build);
                s->taking_back = true;
                return;
        } else {
                d->at = INT64_MAX;
                for (int i = 0; i < s->count; i++) {
                        d->at = MIN(d->at, s->instance[i].started);
                        d->end = MAX(d->end, s->instance[i].started);
                }
                s->build = s->target;
                s->open = -1;
        }
        s->next_at = w->now + (25 + (int64_t)random_below(w, 60)) * MINUTE;
}

/* Restarts of the same build, of an instance that nothing else happens to. */
static void crash(struct world *w, int index)
{
        struct service *s = &w->service[index];
        struct instance *in = &s->instance[random_below(w, (uint64_t)s->count)];

        if (in->down_until || s->open >= 0)
                return;
        stop_instance(w, in, in->build);
}

static struct message *make(struct world *w, int host, bool full)
{
        struct agent *a = &w->agent[host];
        struct message *m = calloc(1, sizeof(*m));
        static const char *const names[HOSTS] = { "a", "b", "c", "d", "e", "f" };
        uint64_t hash = 7;
        uint32_t n = 0;

        if (!m)
                abort();
        for (int i = 0; i < w->services; i++)
                for (int k = 0; k < w->service[i].count; k++) {
                        const struct instance *in = &w->service[i].instance[k];
                        struct summary_build *b = &m->builds[n];
                        uint32_t id = (uint32_t)(i * INSTANCES + k) + 1;

                        if (in->host != host || in->down_until)
                                continue;
                        snprintf(m->names[n][0], sizeof(m->names[n][0]), "s%d", i);
                        snprintf(m->names[n][1], sizeof(m->names[n][1]), "s@%d.service", k);
                        snprintf(m->names[n][2], sizeof(m->names[n][2]), "%d", in->build);
                        m->identities[n] =
                                (struct summary_identity){ id, IDENTITY_UNIT, m->names[n][0], m->names[n][1], "/bin/x", "/x", "" };
                        m->service[n] = i;
                        m->build[n] = in->build;
                        m->settings[n] = (struct summary_setting){ SETTING_FLAG, "--level", 7 };
                        *b = (struct summary_build){ .identity = id,
                                                     .processes = 1,
                                                     .program = "x",
                                                     .build = m->names[n][2],
                                                     .release = "",
                                                     .image = "",
                                                     .version = "",
                                                     .first_started = in->started,
                                                     .last_started = in->started,
                                                     .settings = n,
                                                     .settings_count = 1 };
                        hash = hash * 31 + (uint64_t)in->started * 7 + (uint64_t)in->build;
                        n++;
                }
        m->host = host;
        m->rows = (int)n;
        m->s = (struct summary){ .session = a->session,
                                 .sequence = ++a->sequence,
                                 .session_started = a->session_started,
                                 .at = w->now,
                                 .interval = REPORT_EVERY,
                                 .host = names[host],
                                 .host_id = names[host],
                                 .boot_id = "boot",
                                 .kernel = "6.1",
                                 .agent_version = "0",
                                 .full = full,
                                 .parts = 1,
                                 .settings_key = 5 };
        if (full || hash != a->said) {
                m->s.builds_count = m->s.settings_count = m->s.identities_count = n;
                a->said = hash;
        } else {
                m->rows = 0;
        }
        return m;
}

static void deliver(struct world *w, struct message *m)
{
        struct agent *a = &w->agent[m->host];
        struct wire_ack ack;

        m->s.builds = m->builds;
        m->s.settings = m->settings;
        m->s.identities = m->identities;
        if (core_summary(w->core, w->now, m->s.host, &m->s, &ack) < 0)
                abort();
        for (int i = 0; i < m->rows && m->s.session == a->session && m->s.sequence >= a->seen; i++)
                for (int k = 0; k < w->done_count; k++)
                        if (w->done[k].service == m->service[i] && w->done[k].to == m->build[i])
                                w->done[k].shown = true;
        if (m->s.session == a->session)
                a->seen = MAX(a->seen, m->s.sequence);
}

static void send(struct world *w, struct message *m, bool trouble)
{
        unsigned copies = trouble && random_below(w, 10) == 0 ? 2 : 1;

        for (unsigned i = 0; i < copies; i++) {
                struct message *copy;

                if (trouble && random_below(w, 100) < w->loss)
                        continue;
                copy = malloc(sizeof(*copy));
                if (!copy || w->waiting_count == WAITING)
                        abort();
                *copy = *m;
                for (int k = 0; k < m->rows; k++) {
                        copy->identities[k].service = copy->names[k][0];
                        copy->identities[k].instance = copy->names[k][1];
                        copy->builds[k].build = copy->names[k][2];
                }
                copy->at = w->now + (trouble ? (int64_t)random_below(w, w->delay + 1) * NSEC_PER_SEC : 0);
                w->waiting[w->waiting_count++] = copy;
        }
        free(m);
}

static int put(void *data, uint32_t kind, const void *key, size_t key_size, const void *value, size_t size)
{
        struct world *w = data;
        size_t i = 0;

        while (i < w->records_count &&
               !(w->records[i].kind == kind && w->records[i].key_size == key_size && memcmp(w->records[i].key, key, key_size) == 0))
                i++;
        if (i == RECORDS || key_size > sizeof(w->records[i].key))
                abort();
        w->records_count = MAX(w->records_count, i + 1);
        free(w->records[i].value);
        w->records[i].value = malloc(size + 1);
        if (!w->records[i].value)
                abort();
        if (size)
                memcpy(w->records[i].value, value, size);
        memcpy(w->records[i].key, key, key_size);
        w->records[i].kind = kind;
        w->records[i].key_size = key_size;
        w->records[i].size = size;
        return 0;
}

/* With what the store has: what came after is lost. */
static void restart_coordinator(struct world *w)
{
        core_free(&w->core);
        if (core_new(NULL, &w->core) < 0)
                abort();
        for (size_t i = 0; i < w->records_count; i++)
                if (w->records[i].size && core_load(w->core, w->records[i].kind, w->records[i].key, w->records[i].key_size,
                                                    w->records[i].value, w->records[i].size) < 0)
                        abort();
        core_loaded(w->core, w->now);
        /* Agents hear of it and say everything anew. */
        for (int i = 0; i < w->hosts; i++)
                w->agent[i].said = 0;
}

static void step(struct world *w, bool trouble)
{
        w->now += NSEC_PER_SEC;
        for (int i = 0; i < w->services; i++) {
                struct service *s = &w->service[i];

                for (int k = 0; k < s->count; k++)
                        if (s->instance[k].down_until && w->now >= s->instance[k].down_until)
                                start_instance(w, &s->instance[k]);
                if (s->open >= 0)
                        step_deployment(w, i);
                else if (trouble && w->now >= s->next_at && w->done_count < DONE && settled(s))
                        begin_deployment(w, i);
                if (trouble && random_below(w, 300) == 0)
                        crash(w, i);
        }
        for (int i = 0; i < w->hosts; i++) {
                struct agent *a = &w->agent[i];

                if (trouble && w->restarts && random_below(w, 2000) == 0) {
                        a->session += 1000;
                        a->session_started = w->now;
                        a->sequence = a->said = a->seen = 0;
                        a->next_at = w->now + (int64_t)random_below(w, 120) * NSEC_PER_SEC;
                }
                if (w->now < a->next_at)
                        continue;
                a->next_at = w->now + REPORT_EVERY;
                send(w, make(w, i, a->sequence % 30 == 0), trouble);
        }
        for (int i = 0; i < w->waiting_count; i++)
                if (w->waiting[i]->at <= w->now) {
                        deliver(w, w->waiting[i]);
                        free(w->waiting[i]);
                        w->waiting[i--] = w->waiting[--w->waiting_count];
                }
        if (w->now / NSEC_PER_SEC % 10 == 0)
                core_tick(w->core, w->now);
        if (w->now / NSEC_PER_SEC % 15 == 0)
                while (core_save(w->core, w->now, put, w) > 0)
                        ;
        if (trouble && w->restarts && random_below(w, 1500) == 0)
                restart_coordinator(w);
}

static int wrong(const struct done *d, const char *what, int64_t is, int64_t should)
{
        printf("# s%d from %d to %d: %s is %lld, should be %lld\n", d->service, d->from, d->to, what, (long long)is,
               (long long)should);
        return 1;
}

static int compare(const struct world *w, const struct done *d, const struct view_deployment *v)
{
        /* What was lost and what crashed meanwhile may hide the exact moment, for as long as that takes. */
        int64_t slack = (int64_t)(w->loss ? 600 : 120 + w->delay) * NSEC_PER_SEC;
        uint32_t hosts = 0;
        int bad = 0;

        for (size_t i = 0; i < v->hosts.count; i++)
                hosts |= 1u << (v->hosts.items[i][0] - 'a');
        if (atoi(v->from) != d->from)
                bad += wrong(d, "from", atoi(v->from), d->from);
        if (v->at < d->at || v->at > d->at + slack)
                bad += wrong(d, "at", (v->at - BEGIN) / NSEC_PER_SEC, (d->at - BEGIN) / NSEC_PER_SEC);
        if (v->end != (d->back ? DEPLOYMENT_TAKEN_BACK : DEPLOYMENT_DONE))
                bad += wrong(d, "its end", v->end, d->back ? DEPLOYMENT_TAKEN_BACK : DEPLOYMENT_DONE);
        if (v->ended_at < d->end - (d->back ? slack : 0) || v->ended_at > d->end + slack + (d->back ? 660 * NSEC_PER_SEC : 0))
                bad += wrong(d, "ended", (v->ended_at - BEGIN) / NSEC_PER_SEC, (d->end - BEGIN) / NSEC_PER_SEC);
        if (hosts != d->hosts && w->loss == 0)
                bad += wrong(d, "hosts", hosts, d->hosts);
        return bad;
}

/* What was done, and what was found of it. */
static void talk(const struct world *w, const struct view *v)
{
        for (int i = 0; i < w->done_count; i++)
                printf("# done  s%d %d -> %d at %lld to %lld%s\n", w->done[i].service, w->done[i].from, w->done[i].to,
                       (long long)((w->done[i].at - BEGIN) / NSEC_PER_SEC), (long long)((w->done[i].end - BEGIN) / NSEC_PER_SEC),
                       w->done[i].back ? ", taken back" : "");
        for (size_t i = 0; i < v->deployments_count; i++)
                printf("# found %s %s -> %s at %lld to %lld, end %d\n", v->deployments[i].service, v->deployments[i].from,
                       v->deployments[i].to, (long long)((v->deployments[i].at - BEGIN) / NSEC_PER_SEC),
                       (long long)((v->deployments[i].ended_at - BEGIN) / NSEC_PER_SEC), (int)v->deployments[i].end);
}

static int check(struct world *w)
{
        struct view_query q = { .parts = VIEW_DEPLOYMENTS };
        bool found[DONE] = { false };
        struct view *v;
        int bad = 0;

        if (core_view(w->core, w->now, &q, &v) < 0)
                abort();
        for (size_t i = 0; i < v->deployments_count; i++) {
                const struct view_deployment *d = &v->deployments[i];
                int k, best = -1;

                for (k = 0; k < w->done_count; k++)
                        if (!found[k] && d->kind == DEPLOYMENT_BUILD && w->done[k].service == atoi(d->service + 1) &&
                            w->done[k].to == atoi(d->to) &&
                            (best < 0 || llabs(w->done[k].at - d->at) < llabs(w->done[best].at - d->at)))
                                best = k;
                if (best < 0) {
                        printf("# invented: %s from %s to %s, kind %d, at %lld\n", d->service, d->from, d->to, d->kind,
                               (long long)((d->at - BEGIN) / NSEC_PER_SEC));
                        bad++;
                        continue;
                }
                found[best] = true;
                bad += compare(w, &w->done[best], d);
        }
        for (int k = 0; k < w->done_count; k++)
                if (!found[k] && w->done[k].shown) {
                        printf("# missing: s%d from %d to %d at %lld\n", w->done[k].service, w->done[k].from, w->done[k].to,
                               (long long)((w->done[k].at - BEGIN) / NSEC_PER_SEC));
                        bad++;
                }
        if (bad && getenv("TALK"))
                talk(w, v);
        view_free(&v);
        return bad;
}

static int run(uint64_t seed, struct world *w, uint64_t *done)
{
        int bad;

        build_world(w, seed);
        for (int i = 0; i < 4 * 3600; i++)
                step(w, true);
        for (int i = 0; i < 3600; i++)
                step(w, false);
        bad = check(w);
        *done += (uint64_t)w->done_count;
        for (int i = 0; i < w->waiting_count; i++)
                free(w->waiting[i]);
        for (size_t i = 0; i < w->records_count; i++)
                free(w->records[i].value);
        core_free(&w->core);
        return bad;
}

int main(void)
{
        const char *seeds = getenv("SEEDS"), *first = getenv("SEED"), *fast = getenv("FAST");
        uint64_t count = seeds && *seeds ? strtoull(seeds, NULL, 0) : fast && *fast ? 60 : 400;
        uint64_t from = first && *first ? strtoull(first, NULL, 0) : 1, done = 0;
        struct world *w = calloc(1, sizeof(*w));
        int failed = 0;

        if (!w)
                return 1;
        printf("1..1\n");
        for (uint64_t i = from; i < from + count; i++)
                if (run(i, w, &done) > 0) {
                        printf("# seed %llu: not as it was done\n", (unsigned long long)i);
                        failed++;
                }
        printf("%sok 1 - deployments of %llu worlds from seed %llu, %llu done in all\n", failed ? "not " : "",
               (unsigned long long)count, (unsigned long long)from, (unsigned long long)done);
        free(w);
        return failed > 0;
}
