#include "tests/sim/acting_world.h"
#include "coordinator/action_names.h"
#include "coordinator/record_json.h"
#include "proto/arena.h"
#include "proto/wire.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define T0 (INT64_C(1700000000) * NSEC_PER_SEC)
#define LEASE (60 * NSEC_PER_SEC)

/* splitmix64 */
static uint64_t draw(struct aw *w)
{
        uint64_t z = w->random += UINT64_C(0x9e3779b97f4a7c15);

        z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
        return z ^ z >> 31;
}

uint64_t aw_below(struct aw *w, uint64_t n)
{
        return draw(w) % n;
}

bool aw_chance(struct aw *w, uint32_t per_thousand)
{
        return aw_below(w, 1000) < per_thousand;
}

void aw_break(struct aw *w, const char *invariant, const char *format, ...)
{
        va_list args;

        if (w->broken)
                return;
        w->broken = invariant;
        va_start(args, format);
        vsnprintf(w->detail, sizeof(w->detail), format, args);
        va_end(args);
}

void aw_send(struct aw *w, const struct aw_message *m)
{
        struct aw_message *to;

        if (w->messages_count == AW_MESSAGES || (!w->calm && aw_chance(w, w->storm ? 500 : 50)) ||
            w->hosts[m->host].cut[m->coordinator])
                return;
        to = &w->messages[w->messages_count++];
        *to = *m;
        /* Late ones overtake each other. */
        to->at = w->now + (w->calm || aw_chance(w, w->storm ? 300 : 700) ? 0 : (int64_t)aw_below(w, 12) * AW_STEP);
        if (!w->calm && aw_chance(w, 30) && w->messages_count < AW_MESSAGES) {
                w->messages[w->messages_count] = *to;
                w->messages[w->messages_count++].at += (int64_t)aw_below(w, 60) * AW_STEP;
        }
}

static void draw_policy(struct aw *w)
{
        struct policy *p = &w->policy;

        policy_defaults(p);
        /* Most worlds have room, so that much happens; some are as tight as the defaults. */
        if (aw_chance(w, 850)) {
                for (int i = 0; i < CLASSES; i++) {
                        p->hourly[i] = 20 + (uint32_t)aw_below(w, 80);
                        p->daily[i] = 200 + (uint32_t)aw_below(w, 800);
                }
                p->fleet_hourly = 30 + (uint32_t)aw_below(w, 100);
                p->service_hourly = 20 + (uint32_t)aw_below(w, 40);
                p->zone_hourly = 20 + (uint32_t)aw_below(w, 60);
                p->host_hourly = 4 + (uint32_t)aw_below(w, 20);
                p->cool_down = (int64_t)(60 + aw_below(w, 600)) * NSEC_PER_SEC;
                p->attempts_most = 3 + (uint32_t)aw_below(w, 30);
        }
        if (aw_chance(w, 850)) {
                p->sick_share = .9;
                p->class_at_once = 6 + (uint32_t)aw_below(w, 10);
                p->fleet_at_once = 6 + (uint32_t)aw_below(w, 12);
                p->zone_at_once = 6 + (uint32_t)aw_below(w, 10);
        }
        /* Orders that live long meet those of who led before. */
        p->order_lives = (int64_t)(30 + aw_below(w, 300)) * NSEC_PER_SEC;
        p->answer_within = p->order_lives + 270 * NSEC_PER_SEC;
        p->host_at_once = 1 + (uint32_t)aw_below(w, 3);
        p->share_percent = 25 + (uint32_t)aw_below(w, 50);
        p->decays_after = 3600 * NSEC_PER_SEC * (int64_t)(1 + aw_below(w, 48));
}

static void start(struct aw_coordinator *c)
{
        if (acting_new(NULL, &c->acting) < 0)
                abort();
        c->read = 0;
        c->epoch = 0;
        c->leads_until = 0;
        c->pace = (struct pace){ 0 };
}

void aw_new(struct aw *w, uint64_t seed)
{
        memset(w, 0, sizeof(*w));
        w->seed = seed;
        w->random = seed * UINT64_C(0x2545f4914f6cdd1d) + 1;
        w->now = T0;
        w->json = seed % 16 == 0;
        w->storm = seed % 4 == 3;
        draw_policy(w);
        if (arena_new(64 << 20, &w->arena) < 0)
                abort();
        w->hosts_count = 4 + (uint32_t)aw_below(w, AW_HOSTS - 3);
        w->services_count = 4 + (uint32_t)aw_below(w, AW_SERVICES - 3);
        w->next_pid = 100;
        for (uint32_t k = 0; k < w->hosts_count; k++) {
                w->hosts[k].up = true;
                w->hosts[k].fresh_at = w->now;
                aw_host_new(w, k);
                for (uint32_t s = 0; s < w->services_count; s++)
                        w->hosts[k].instances[s] =
                                (struct aw_instance){ aw_chance(w, 400), ++w->next_pid, 10, T0 - 3600 * NSEC_PER_SEC };
        }
        for (uint32_t k = 0; k < AW_COORDINATORS; k++)
                start(&w->coordinators[k]);
}

void aw_free(struct aw *w)
{
        for (uint32_t k = 0; k < w->hosts_count; k++)
                aw_agent_free(&w->hosts[k].agent);
        arena_free(&w->arena);
        for (uint32_t k = 0; k < AW_COORDINATORS; k++)
                acting_free(&w->coordinators[k].acting);
        for (size_t i = 0; i < w->log_count; i++)
                record_free(&w->log[i]);
        free(w->log);
}

void aw_calm(struct aw *w)
{
        w->calm = true;
        w->full_until = 0;
        for (uint32_t k = 0; k < w->hosts_count; k++)
                w->hosts[k].back_at = MIN(w->hosts[k].back_at, w->now);
        /* One may be gone for good: nobody will ever answer there. */
        if (aw_chance(w, 400)) {
                struct aw_host *h = &w->hosts[aw_below(w, w->hosts_count)];

                h->up = false;
                h->back_at = INT64_MAX;
        }
        for (uint32_t k = 0; k < AW_COORDINATORS; k++)
                w->coordinators[k].back_at = MIN(w->coordinators[k].back_at, w->now);
}

static int64_t clock_of(const struct aw *w, const struct aw_coordinator *c)
{
        (void)w;
        return c->pace.now;
}

/* Kept as the log would give it back. */
static void keep(struct aw *w, const struct record *r)
{
        struct record *to;

        if (w->log_count == w->log_capacity) {
                w->log_capacity = w->log_capacity ? 2 * w->log_capacity : 1024;
                w->log = reallocarray(w->log, w->log_capacity, sizeof(*w->log));
                if (!w->log)
                        abort();
        }
        to = &w->log[w->log_count++];
        if (w->json) {
                json_t *o = record_to_json(r);
                char *text = json_dumps(o, JSON_COMPACT);

                json_decref(o);
                o = json_loads(text, 0, NULL);
                if (!o || record_from_json(o, to) < 0)
                        aw_break(w, "replay", "a record does not come back from JSON: %.150s", text);
                free(text);
                json_decref(o);
        } else {
                *to = *r;
                if (r->kind == RECORD_PROPOSED && plan_copy(&r->plan, &to->plan) < 0)
                        abort();
        }
}

static int append(void *data, const struct record *r)
{
        struct aw *w = data;
        struct aw_coordinator *c = &w->coordinators[w->deciding];

        if (w->now < w->full_until)
                return -ENOSPC;
        /* The store fences: an epoch that is over writes nothing. */
        if (w->lease.holder != w->deciding || w->lease.epoch != c->epoch)
                return -EROFS;
        if (!w->calm && aw_chance(w, 3)) {
                w->full_until = w->now + (int64_t)aw_below(w, 30) * AW_STEP;
                return -ENOSPC;
        }
        aw_check_append(w, r);
        keep(w, r);
        c->read = w->log_count;
        w->counts.proposed += r->kind == RECORD_PROPOSED;
        w->counts.intended += r->kind == RECORD_INTENDED;
        w->counts.verified += r->kind == RECORD_VERDICT && r->verdict == VERDICT_VERIFIED;
        w->counts.reverted += r->kind == RECORD_REVERTING;
        w->counts.stuck += r->kind == RECORD_STUCK || (r->kind == RECORD_RESULT && r->outcome == OUTCOME_STUCK);
        w->counts.refused += r->kind == RECORD_RESULT && r->outcome == OUTCOME_REFUSED;
        if (!w->calm && aw_chance(w, 2)) {
                /* Written, and killed before it knew. */
                c->killed = true;
                return -EIO;
        }
        return 0;
}

/* "h12", from a table: names are most of what is looked at. */
static void name(char *to, size_t size, char letter, uint32_t number)
{
        to[0] = letter;
        to[1] = (char)('0' + number / 10);
        to[2] = (char)('0' + number % 10);
        to[3] = '\0';
        (void)size;
}

/* What coordinator `k` sees of a service; as true as the network lets it be. */
static void see(struct aw *w, uint32_t k, uint32_t service, struct situation *s)
{
        const struct aw_incident *i = &w->incidents[service];
        int64_t offset = w->coordinators[k].offset;

        *s = (struct situation){
                .incident = i->id,
                .signature = "connection-pool-leak",
                .signature_digest = { 1 },
                .cause = "deployment",
                .cause_ref = "d-1",
                .from_build = "v10",
                .to_build = "v11",
                .seen_at = i->seen_at + offset,
                .deployed_at = i->since - (service == 3 ? 30 * 24 * 3600 * NSEC_PER_SEC : 0),
                .complete = i->complete,
                .confidence = .9,
                .cause_key = i->id,
                .cone_count = 1,
                .remedies = { { .action = "service.rollback",
                                .predicts = { .signal = "held", .says = "held falling by 50 %", .within = 120 * NSEC_PER_SEC } } }
        };
        name(s->service, sizeof(s->service), 's', service);
        s->service_key = situation_key(s->service);
        /* Each pair of neighbours depends on the other. */
        s->cone[0] = situation_key(service % 2 ? "s00" : "s01");
        if (service > 1)
                s->cone_count = 0;
        s->remedies_count = 2;
        s->remedies[1] = s->remedies[0];
        strcpy(s->remedies[1].action, service % 2 ? "process.freeze" : "service.restart");
        s->instances = calloc(2 * AW_HOSTS, sizeof(*s->instances));
        if (!s->instances)
                abort();
        for (uint32_t h = 0; h < w->hosts_count; h++) {
                const struct aw_instance *x = &w->hosts[h].instances[service];
                struct instance *to = &s->instances[s->instances_count];

                if (!x->there)
                        continue;
                s->instances_count++;
                name(to->host, sizeof(to->host), 'h', h);
                name(to->zone, sizeof(to->zone), 'z', h % 2);
                snprintf(to->environment, sizeof(to->environment), "%s",
                         h == 3         ? "staging"
                         : service == 1 ? "staging"
                                        : "production");
                snprintf(to->boot_id, sizeof(to->boot_id), "b");
                name(to->build, sizeof(to->build), 'v', x->version);
                to->host_number = h;
                to->pid = x->pid;
                to->started = x->started;
                to->sick = i->real ? x->version == 11 : x->version >= 10;
                to->condemned = x->version == 11;
                to->fresh = w->hosts[h].up && !w->hosts[h].cut[k];
                to->restart_safe = service != 2;
                /* The host's own file: one lets nothing be done, and one has no barriers that are declared. */
                to->permits = h == 5 ? 0 : UINT32_MAX;
                to->barriers = h != 6;
                for (int r = 0; r < SITUATION_REMEDIES_MAX; r++)
                        to->bounds[r] = h % 4 ? h : NAN;
                /* A workload says that it was started when it was not: no such process is there. */
                if (w->seed % 5 == 0 && h == 0 && service == 0 && !w->calm)
                        to->started += 7;
                if (aw_has_worker(h)) {
                        to[1] = *to;
                        to[1].pid += 1000000;
                        to[1].sick = to[1].condemned = false;
                        s->instances_count++;
                }
        }
}

static void read_predictions(struct aw *w, const struct aw_coordinator *c, struct reading *readings, uint32_t *count)
{
        for (size_t i = 0; i < acting_count(c->acting); i++) {
                const struct remedy *m = acting_get(c->acting, i);

                for (uint32_t t = m->from; m->state == REMEDY_APPLIED && t < m->from + m->count && *count < 64; t++) {
                        uint32_t host = (uint32_t)atoi(m->plan.targets[t].host + 1);
                        uint32_t service = (uint32_t)atoi(m->plan.service + 1);
                        const struct aw_host *h = &w->hosts[host];
                        const struct aw_incident *x = &w->incidents[service];
                        bool freezes = strcmp(m->plan.action->name, "process.freeze") == 0;
                        bool well = x->real && (freezes ? h->instances[service].marked : h->instances[service].version < 11);

                        readings[(*count)++] =
                                (struct reading){ .remedy = m->id,
                                                  .target = t,
                                                  .verdict = !h->up || h->cut[c - w->coordinators] ? READING_UNKNOWN
                                                             : well                                ? READING_YES
                                                                                                   : READING_NO,
                                                  .from = m->applied_at,
                                                  .to = clock_of(w, c) >= m->applied_at + 2 * AW_STEP ? clock_of(w, c)
                                                                                                      : INT64_MAX };
                }
        }
}

static void catch_up(struct aw *w, struct aw_coordinator *c)
{
        for (; c->read < w->log_count; c->read++)
                if (acting_apply(c->acting, &w->log[c->read]) < 0) {
                        aw_break(w, "replay", "record %zu (%s) cannot be applied", c->read, record_kind_name(w->log[c->read].kind));
                        return;
                }
}

static void kill_coordinator(struct aw *w, struct aw_coordinator *c)
{
        acting_free(&c->acting);
        c->killed = false;
        c->back_at = w->now + (int64_t)(1 + aw_below(w, 30)) * AW_STEP;
        w->counts.crashes++;
}

static void take_lease(struct aw *w, uint32_t k)
{
        struct aw_coordinator *c = &w->coordinators[k];

        if (!w->calm && w->now < c->cut_until)
                return;
        if (w->lease.holder == k && w->lease.epoch == c->epoch && c->epoch) {
                /* Renewed, unless the store is out of reach for a while. */
                if (w->calm || !aw_chance(w, 60)) {
                        w->lease.until = w->now + LEASE;
                        c->leads_until = clock_of(w, c) + LEASE;
                }
                return;
        }
        if (w->lease.epoch && w->now < w->lease.until)
                return;
        w->lease.holder = k;
        w->lease.until = w->now + LEASE;
        w->lease.epoch++;
        c->epoch = w->lease.epoch;
        c->leads_until = clock_of(w, c) + LEASE;
        w->counts.takeovers++;
        catch_up(w, c);
        (void)pace_now(&c->pace, c->acting, w->now + c->offset, w->now);
}

static void people(struct aw *w, struct aw_coordinator *c, const struct scene *scene, const struct ledger *ledger)
{
        struct word word = { .by = "ann", .why = "as seen", .kind = WORD_APPROVE };
        struct record record;
        char why[PLAN_WHY_MAX];
        size_t count = acting_count(c->acting);
        const struct remedy *m = count ? acting_get(c->acting, count - 1 - aw_below(w, MIN(count, (size_t)6))) : NULL;

        if (m) {
                word.remedy = m->id;
                word.unit = m->plan.unit;
        }
        switch (aw_below(w, w->calm ? 24 : 40)) {
        case 0 ... 9:
                /* Twice, too: the second says the same, or that it cannot be. */
                break;
        case 10:
                word.kind = WORD_REJECT;
                break;
        case 11:
                word.kind = WORD_UNDO;
                break;
        case 12 ... 13:
                word.kind = WORD_ACKNOWLEDGE;
                break;
        case 14:
                word.kind = w->calm ? WORD_RESUME : WORD_PAUSE;
                break;
        case 15 ... 20:
                word.kind = WORD_RESUME;
                break;
        case 21 ... 23:
                word.kind = WORD_MANDATE;
                word.cap = aw_chance(w, 100);
                word.rung = (enum rung)(word.cap ? aw_below(w, RUNGS) : 2 + aw_below(w, 2));
                word.until = clock_of(w, c) + (int64_t)(1 + aw_below(w, 600)) * 60 * NSEC_PER_SEC;
                if (!m)
                        return;
                break;
        case 24:
                word.kind = aw_chance(w, 300) ? WORD_WINDOW : WORD_END_WINDOW;
                word.window = (struct window){ .kind = (enum window_kind)aw_below(w, WINDOWS),
                                               .scope = SCOPE_SERVICE,
                                               .until = clock_of(w, c) + (int64_t)(1 + aw_below(w, 200)) * AW_STEP };
                name(word.window.name, sizeof(word.window.name), 's', (uint32_t)aw_below(w, w->services_count));
                break;
        default:
                return;
        }
        if (acting_word(c->acting, clock_of(w, c), scene, &word, &record, why) == 0)
                (void)!acting_commit(c->acting, ledger, &record);
}

/* As a command in the answer of a long poll. */
static void over_the_wire(struct aw *w, const struct action_dispatch *from, struct aw_message *to)
{
        struct wire_command command = { .id = 1, .kind = WIRE_COMMAND_ACTION, .service = "", .dispatch = from };
        struct wire_reply reply = { .kind = WIRE_COMMANDS, .commands = { &command, 1 } };
        const struct action_dispatch *d;
        const char *why = "";
        uint8_t *bytes;
        size_t size;

        if (wire_pack_reply(&reply, &bytes, &size) < 0)
                abort();
        arena_reset(w->arena, 1 << 20);
        if (wire_unpack_reply(bytes, size, w->arena, &reply, &why) < 0) {
                aw_break(w, "wire", "an order does not parse: %s", why);
                free(bytes);
                return;
        }
        d = reply.commands.commands[0].dispatch;
        to->dispatch = *d;
        to->dispatch.prediction.signal = "";
        snprintf(to->service_name, sizeof(to->service_name), "%s", d->service);
        if (d->targets_count)
                to->target_process = d->targets[0];
        free(bytes);
}

static void send_orders(struct aw *w, uint32_t k, const struct scene *scene)
{
        struct aw_coordinator *c = &w->coordinators[k];
        struct order orders[64];
        size_t n = acting_orders(c->acting, clock_of(w, c), scene, NULL, orders, 64);

        for (size_t i = 0; i < n; i++) {
                const struct order *o = &orders[i];
                const struct plan_target *t = &o->plan->targets[o->target];
                struct dispatch d;
                const char *why;

                aw_check_order(w, o, scene);
                acting_told(c->acting, o->remedy);
                if (dispatch_make(o, AW_LOG, w->now, &d, &why) < 0)
                        abort();
                struct aw_message m = { .order = true,
                                        .host = (uint32_t)atoi(t->host + 1),
                                        .coordinator = k,
                                        .number = ++w->orders_sent,
                                        .remedy = o->remedy,
                                        .epoch = o->epoch,
                                        .target = o->target,
                                        .service = (uint32_t)atoi(o->plan->service + 1),
                                        .pid = t->pid,
                                        .started = t->started,
                                        .one_way = o->plan->class == CLASS_ONE_WAY,
                                        .temporary = o->plan->action->lapse == LAPSE_REVERT };

                over_the_wire(w, &d.message, &m);
                aw_send(w, &m);
                /* Whoever led before sends the same: a copy of a coordinator that was brought back. */
                if (w->storm && !w->calm && m.epoch > 1 && aw_chance(w, 500)) {
                        m.dispatch.epoch = --m.epoch;
                        aw_send(w, &m);
                }
        }
}

static void coordinate(struct aw *w, uint32_t k)
{
        struct aw_coordinator *c = &w->coordinators[k];
        struct ledger ledger = { append, w };
        struct situation situations[AW_SERVICES];
        struct reading readings[64];
        struct scene scene = { .situations = situations, .readings = readings };
        int r;

        if (!c->acting) {
                if (w->now < c->back_at)
                        return;
                start(c);
        }
        if (!w->calm && aw_chance(w, 3)) {
                kill_coordinator(w, c);
                return;
        }
        if (!w->calm && aw_chance(w, 2))
                c->offset += ((int64_t)aw_below(w, 4000) - 2000) * NSEC_PER_SEC;
        if (!w->calm && w->now >= c->cut_until && aw_chance(w, w->storm ? 40 : 6)) {
                c->cut_until = w->now + (int64_t)aw_below(w, 40) * AW_STEP;
                /* Or it stands still, and believes that it leads. */
                if (aw_chance(w, 500))
                        c->frozen_until = c->cut_until;
        }
        if (w->calm || w->now >= c->frozen_until)
                (void)pace_now(&c->pace, c->acting, w->now + c->offset, w->now);
        take_lease(w, k);
        /* Who does not believe that it leads does nothing. */
        for (uint32_t s = 0; s < w->services_count && clock_of(w, c) < c->leads_until; s++)
                if (w->incidents[s].id)
                        see(w, k, s, &situations[scene.situations_count++]);
        for (uint32_t h = 0; h < w->hosts_count; h++)
                scene.hosts_count += w->hosts[h].up && !w->hosts[h].cut[k];
        read_predictions(w, c, readings, &scene.readings_count);
        scene.epoch = c->epoch;
        scene.leads_until = c->leads_until;
        scene.log_works = w->now >= w->full_until;
        w->deciding = k;
        w->scene = &scene;
        /* A coordinator that was held up for long believes what it believed before. */
        for (uint32_t i = 0; i < w->messages_count && c->epoch; i++) {
                struct aw_message *m = &w->messages[i];
                struct report report;
                struct record record;
                char host[16], why[PLAN_WHY_MAX];

                if (m->order || m->coordinator != k || m->at > w->now || w->hosts[m->host].cut[k])
                        continue;
                name(host, sizeof(host), 'h', m->host);
                if (dispatch_report(c->acting, AW_LOG, host, &m->row, &report, why) <= 0 ||
                    acting_report(c->acting, clock_of(w, c), &scene, &report, &record) < 0)
                        continue;
                r = acting_commit(c->acting, &ledger, &record);
                if (r == -EBADMSG)
                        aw_break(w, "replay", "an answer that is news cannot be applied");
                if (r < 0)
                        break;
        }
        r = c->killed ? -EIO : acting_begin(c->acting, &ledger, clock_of(w, c), &scene, &w->policy);
        if (r == 0)
                r = acting_decide(c->acting, &ledger, clock_of(w, c), &scene, 32);
        if (!c->killed && r >= 0 && aw_chance(w, 350))
                people(w, c, &scene, &ledger);
        if (r == -EBADMSG)
                aw_break(w, "replay", "a decision cannot be applied by who made it");
        if (!c->killed)
                send_orders(w, k, &scene);
        if (c->killed)
                kill_coordinator(w, c);
        for (uint32_t s = 0; s < scene.situations_count; s++)
                free(situations[s].instances);
}

static void deliver(struct aw *w)
{
        uint32_t kept = 0;

        for (uint32_t i = 0; i < w->messages_count; i++) {
                struct aw_message m = w->messages[i];

                if (m.at > w->now)
                        w->messages[kept++] = m;
                else if (m.order && !w->hosts[m.host].cut[m.coordinator])
                        aw_host_order(w, &m);
        }
        w->messages_count = kept;
}

/* Deployments that are bad, and some that only look so. */
static void trouble(struct aw *w)
{
        for (uint32_t s = 0; s < w->services_count; s++) {
                struct aw_incident *i = &w->incidents[s];
                bool sick = false;

                for (uint32_t h = 0; h < w->hosts_count; h++)
                        sick = sick || (w->hosts[h].instances[s].there && w->hosts[h].instances[s].version == 11);
                if (!i->id && !w->calm && w->now >= i->quiet_at && aw_chance(w, 100)) {
                        *i = (struct aw_incident){
                                .id = ++w->next_incident, .real = aw_chance(w, 800), .since = w->now, .seen_at = w->now
                        };
                        for (uint32_t h = 0; h < w->hosts_count; h++) {
                                struct aw_instance *x = &w->hosts[h].instances[s];

                                x->version = 11;
                                x->marked = false;
                                x->pid = ++w->next_pid;
                                x->started = w->now;
                        }
                        continue;
                }
                if (!i->id)
                        continue;
                if (w->calm || !aw_chance(w, 100))
                        i->complete = w->calm || !aw_chance(w, 50);
                /* Evidence is seen anew while it is there, and now and then nobody looks. */
                if ((sick || !i->real) && (w->calm || !aw_chance(w, 100)))
                        i->seen_at = w->now;
                if ((i->real && !sick && w->now > i->seen_at + 150 * NSEC_PER_SEC) ||
                    w->now > i->since + (w->calm ? 1800 : 900) * NSEC_PER_SEC) {
                        i->id = 0;
                        i->quiet_at = w->now + (int64_t)aw_below(w, 20) * AW_STEP;
                }
                /* Somebody deploys, or restarts, while all this goes on. */
                if (!w->calm && aw_chance(w, 3)) {
                        struct aw_instance *x = &w->hosts[aw_below(w, w->hosts_count)].instances[s];

                        x->pid = ++w->next_pid;
                        x->started = w->now;
                        x->marked = false;
                }
        }
}

void aw_step(struct aw *w)
{
        w->now += AW_STEP;
        trouble(w);
        aw_hosts_step(w);
        for (uint32_t k = 0; k < AW_COORDINATORS; k++)
                coordinate(w, k);
        deliver(w);
        aw_check_step(w);
}
