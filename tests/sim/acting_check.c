/* The invariants of acting, against what really happened and what really is in the log. */
#include "coordinator/action_names.h"
#include "coordinator/policy_keys.h"
#include "tests/sim/acting_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOUR (3600 * NSEC_PER_SEC)
#define DAY (24 * HOUR)

/* The log as its own witness: nothing of the core's state is believed here. */
static const struct record *proposal(const struct aw *w, uint64_t remedy)
{
        for (size_t i = w->log_count; i-- > 0;)
                if (w->log[i].kind == RECORD_PROPOSED && w->log[i].remedy == remedy)
                        return &w->log[i];
        return NULL;
}

static const struct record *last_of(const struct aw *w, uint64_t remedy, enum record_kind kind)
{
        for (size_t i = w->log_count; i-- > 0;)
                if (w->log[i].kind == kind && w->log[i].remedy == remedy)
                        return &w->log[i];
        return NULL;
}

static const struct record *intent_of(const struct aw *w, uint64_t remedy, uint32_t target)
{
        for (size_t i = w->log_count; i-- > 0;) {
                const struct record *r = &w->log[i];

                if (r->kind == RECORD_INTENDED && r->remedy == remedy && target >= r->from && target < r->from + r->count)
                        return r;
        }
        return NULL;
}

static bool paused(const struct aw *w)
{
        for (size_t i = w->log_count; i-- > 0;)
                if (w->log[i].kind == RECORD_PAUSED || w->log[i].kind == RECORD_RESUMED)
                        return w->log[i].kind == RECORD_PAUSED;
        return false;
}

/* Evidence is whole, fresh, and of targets that are there. */
static void check_evidence(struct aw *w, const struct plan *p, int64_t at, const struct scene *scene, uint32_t from, uint32_t count)
{
        const struct situation *s = scene_find(scene, p->incident);

        if (!s) {
                aw_break(w, "evidence", "acts for an incident that is not there");
                return;
        }
        if (!s->complete)
                aw_break(w, "evidence", "acts on an incomplete window");
        if (at - s->seen_at > w->policy.evidence_max_age)
                aw_break(w, "evidence", "acts on evidence that is %lld s old", (long long)((at - s->seen_at) / NSEC_PER_SEC));
        for (uint32_t t = from; t < from + count; t++) {
                bool there = false;

                for (uint32_t i = 0; i < s->instances_count; i++)
                        there = there || (strcmp(s->instances[i].host, p->targets[t].host) == 0 &&
                                          s->instances[i].pid == p->targets[t].pid && s->instances[i].fresh);
                if (!there)
                        aw_break(w, "evidence", "acts on %s, of which it does not know enough", p->targets[t].host);
        }
}

/* One limit at a time, counted anew from the log. */
static void check_limits(struct aw *w, const struct plan *p, const struct record *r)
{
        const struct policy *y = &w->policy;
        uint32_t class_hour = 0, class_day = 0, service_hour = 0, fleet_hour = 0;

        for (size_t i = w->log_count; i-- > 0 && w->log[i].at + DAY > r->at;) {
                const struct record *x = &w->log[i];
                const struct record *of = x->kind == RECORD_INTENDED ? proposal(w, x->remedy) : NULL;

                if (!of)
                        continue;
                class_day += of->plan.class == p->class ? x->count : 0;
                for (uint32_t t = r->from; t < r->from + r->count; t++)
                        for (uint32_t n = x->from; n < x->from + x->count; n++)
                                if (strcmp(of->plan.service, p->service) == 0 &&
                                    strcmp(of->plan.targets[n].host, p->targets[t].host) == 0 && x->at + y->cool_down > r->at)
                                        aw_break(w, "limits", "%s on %s before it cooled down", p->service, p->targets[t].host);
                if (x->at + HOUR <= r->at)
                        continue;
                class_hour += of->plan.class == p->class ? x->count : 0;
                service_hour += strcmp(of->plan.service, p->service) == 0 ? x->count : 0;
                fleet_hour += x->count;
        }
        if (class_hour + r->count > y->hourly[p->class] || class_day + r->count > y->daily[p->class] ||
            service_hour + r->count > y->service_hourly || fleet_hour + r->count > y->fleet_hourly)
                aw_break(w, "limits", "%u more: %u and %u of its class, %u of its service, %u in all", r->count, class_hour,
                         class_day, service_hour, fleet_hour);
}

/* How many instances are out by what is done to a target: there are one or two processes to a host. */
static uint32_t instances_out(struct aw *w, const struct plan *p, uint32_t target)
{
        uint32_t host = (uint32_t)atoi(p->targets[target].host + 1);
        uint32_t there = 1 + aw_has_worker(host);

        if (p->targets[target].instances != there)
                aw_break(w, "limits", "%u processes of %s on h%u, which has %u", p->targets[target].instances, p->service, host,
                         there);
        return strcmp(p->action->name, "process.freeze") == 0 ? 1 : there;
}

/* What is out and not verified, as the log has it, with this intent; and what is frozen. */
static void check_at_once(struct aw *w, const struct plan *p, const struct record *r)
{
        uint32_t fleet = r->count, service = 0, targets = r->count, host[PLAN_TARGETS_MAX] = { 0 };

        for (uint32_t n = r->from; n < r->from + r->count; n++)
                service += instances_out(w, p, n);
        for (uint64_t id = 1; id <= r->remedy + 64; id++) {
                const struct remedy *m = acting_find(w->coordinators[w->deciding].acting, id);

                if (!m)
                        continue;
                for (uint32_t t = 0; t < m->plan.count; t++) {
                        enum target_state s = m->targets[t];

                        if (s == TARGET_VERIFIED && strcmp(m->plan.action->name, "process.freeze") == 0 &&
                            strcmp(m->plan.service, p->service) == 0 && m->state_at + DAY > r->at) {
                                service++;
                                targets++;
                        }
                        if (!remedy_is_in_flight(m->state))
                                continue;
                        if (s != TARGET_ORDERED && s != TARGET_APPLIED && s != TARGET_FAILED && s != TARGET_REVERTING &&
                            s != TARGET_STUCK)
                                continue;
                        fleet++;
                        if (strcmp(m->plan.service, p->service) == 0) {
                                service += instances_out(w, &m->plan, t);
                                targets++;
                        }
                        for (uint32_t n = r->from; n < r->from + r->count; n++)
                                host[n] += strcmp(m->plan.targets[t].host, p->targets[n].host) == 0;
                }
                if (remedy_is_in_flight(m->state) && m->id != r->remedy && strcmp(m->plan.service, p->service) == 0)
                        aw_break(w, "limits", "two remedies for %s at once", p->service);
        }
        for (uint32_t n = r->from; n < r->from + r->count; n++)
                if (host[n] + 1 > w->policy.host_at_once)
                        aw_break(w, "limits", "%u at once on %s", host[n] + 1, p->targets[n].host);
        if (fleet > w->policy.fleet_at_once)
                aw_break(w, "limits", "%u at once", fleet);
        if (targets > 1 && service > MAX(1u, p->instances * w->policy.share_percent / 100))
                aw_break(w, "limits", "%u of %u instances of %s at once", service, p->instances, p->service);
        if (p->action->unavailable && p->instances < service + w->policy.min_healthy)
                aw_break(w, "limits", "none of %u instances of %s is left", p->instances, p->service);
        if (r->count > w->policy.ramp_most || (r->from == 0 && r->count > w->policy.ramp_first))
                aw_break(w, "limits", "a wave of %u from %u on", r->count, r->from);
}

/* What the hosts' own files say: h5 lets nothing be done, h6 declares no barriers. */
static void check_permits(struct aw *w, const struct plan *p, bool by_person)
{
        const struct situation *s = scene_find(w->scene, p->incident);
        bool old = s && s->deployed_at + w->policy.barriers_age < s->seen_at;

        for (uint32_t t = 0; t < p->count; t++) {
                if (strcmp(p->targets[t].host, "h05") == 0)
                        aw_break(w, "permits", "acts on a host whose file lets nothing be done");
                if (strcmp(p->targets[t].host, "h06") == 0 && old && !by_person && p->action->reach == REACH_CONDEMNED)
                        aw_break(w, "permits", "rolls back by itself, by far, where no barriers are declared");
        }
}

static void check_intent(struct aw *w, const struct record *r)
{
        const struct record *of = proposal(w, r->remedy), *word = last_of(w, r->remedy, RECORD_APPROVED);

        if (!of || !word) {
                aw_break(w, "authority", "an intent without a plan that was approved");
                return;
        }
        if (memcmp(word->digest, of->plan.digest, DIGEST_SIZE))
                aw_break(w, "authority", "another plan was approved");
        if (word->mover != MOVER_PERSON && (of->plan.class == CLASS_ONE_WAY || word->rung < RUNG_ALONE_SMALL))
                aw_break(w, "authority", "%s at %s without a person's word", class_name(of->plan.class), rung_name(word->rung));
        if (word->mover != MOVER_PERSON && word->rung == RUNG_ALONE_SMALL && of->plan.count > 1 &&
            strcmp(of->plan.unit.environment, "production") == 0)
                aw_break(w, "authority", "more than one instance in production at alone_small");
        if (paused(w))
                aw_break(w, "pause", "an intent while paused");
        if (r->from > 0) {
                const struct record *v = last_of(w, r->remedy, RECORD_VERDICT);
                const struct record *before = last_of(w, r->remedy, RECORD_INTENDED);

                if (!v || v < before || v->verdict != VERDICT_VERIFIED)
                        aw_break(w, "limits", "a wave before the one before was verified");
        }
        check_permits(w, &of->plan, word->mover == MOVER_PERSON);
        check_evidence(w, &of->plan, r->at, w->scene, r->from, r->count);
        check_limits(w, &of->plan, r);
        check_at_once(w, &of->plan, r);
}

void aw_check_append(struct aw *w, const struct record *r)
{
        size_t i = 0;

        while (i < w->log_count && w->log[i].kind == RECORD_STARTED)
                i++;
        if (r->kind != RECORD_STARTED && !policy_same(i < w->log_count ? &w->log[i].policy : &r->policy, &w->policy))
                aw_break(w, "policy", "%s before the log says by which numbers", record_kind_name(r->kind));
        if (r->epoch != w->lease.epoch)
                aw_break(w, "epoch", "a record of epoch %llu, while %llu leads", (unsigned long long)r->epoch,
                         (unsigned long long)w->lease.epoch);
        if (r->kind == RECORD_INTENDED)
                check_intent(w, r);
}

void aw_check_order(struct aw *w, const struct order *o, const struct scene *scene)
{
        const struct record *intent = intent_of(w, o->remedy, o->target);
        const struct aw_coordinator *c = &w->coordinators[w->deciding];

        if (!intent) {
                aw_break(w, "intent", "an order for a%llu target %u of which the log has no intent", (unsigned long long)o->remedy,
                         o->target);
                return;
        }
        if (o->kind != ORDER_APPLY)
                return;
        if (c->read == w->log_count && paused(w))
                aw_break(w, "pause", "an order while paused");
        check_evidence(w, o->plan, MAX(c->pace.now, intent->at), scene, o->target, 1);
}

void aw_check_apply(struct aw *w, uint32_t host, const struct aw_message *m)
{
        const struct aw_host *h = &w->hosts[host];
        const struct aw_instance *x = &h->instances[m->service];
        uint32_t same = 0, hour = 0;

        if (!intent_of(w, m->remedy, m->target))
                aw_break(w, "intent", "h%u changes something for a%llu without an intent in the log", host,
                         (unsigned long long)m->remedy);
        if (m->epoch < h->heard)
                aw_break(w, "epoch", "h%u obeys epoch %llu after %llu", host, (unsigned long long)m->epoch,
                         (unsigned long long)h->heard);
        if (x->pid != m->pid || x->started != m->started)
                aw_break(w, "evidence", "h%u changes another incarnation", host);
        for (uint32_t i = 0; i < h->changes_count; i++)
                same += h->changes[i].remedy == m->remedy && h->changes[i].target == m->target;
        if (same > 1)
                aw_break(w, "once", "h%u does a%llu twice", host, (unsigned long long)m->remedy);
        for (uint32_t i = 0; i < h->applies_count; i++)
                hour += h->applies[i] + HOUR > w->now;
        if (hour >= 4)
                aw_break(w, "limits", "h%u is changed for the %uth time in an hour", host, hour + 1);
}

/* The log alone gives the state that its leader has. */
static void check_replay(struct aw *w)
{
        const struct aw_coordinator *leader = &w->coordinators[w->lease.holder];
        uint8_t is[DIGEST_SIZE], was[DIGEST_SIZE];
        struct acting *a;

        if (!leader->acting || leader->epoch != w->lease.epoch || leader->read != w->log_count)
                return;
        if (acting_new(NULL, &a) < 0)
                abort();
        for (size_t i = 0; i < w->log_count; i++)
                if (acting_apply(a, &w->log[i]) < 0)
                        aw_break(w, "replay", "record %zu (%s) does not follow from those before", i,
                                 record_kind_name(w->log[i].kind));
        if (acting_digest(a, is) < 0 || acting_digest(leader->acting, was) < 0)
                abort();
        if (memcmp(is, was, DIGEST_SIZE))
                aw_break(w, "replay", "the log gives another state than its leader has");
        acting_free(&a);
}

void aw_check_step(struct aw *w)
{
        uint32_t leaders = 0;

        for (uint32_t k = 0; k < AW_COORDINATORS; k++)
                leaders += w->coordinators[k].acting && w->coordinators[k].epoch == w->lease.epoch && w->lease.epoch;
        if (leaders > 1)
                aw_break(w, "epoch", "two coordinators have the same epoch");
        if (aw_below(w, 64) == 0)
                check_replay(w);
}

/* Every state that is not an end has a deadline, and all of them are shorter. */
static bool on_its_way(const struct aw *w, const struct remedy *m)
{
        const struct aw_coordinator *leader = &w->coordinators[w->lease.holder];

        return remedy_is_in_flight(m->state) && leader->pace.now - m->state_at <= 900 * NSEC_PER_SEC;
}

/* After everything was well for long enough, nothing is left half done, and nobody waits in silence. */
void aw_check_end(struct aw *w)
{
        const struct aw_coordinator *leader = &w->coordinators[w->lease.holder];

        check_replay(w);
        if (!leader->acting || leader->read != w->log_count) {
                aw_break(w, "end", "nobody leads in the end");
                return;
        }
        for (size_t i = 0; i < acting_count(leader->acting); i++) {
                const struct remedy *m = acting_get(leader->acting, i);

                if (remedy_is_in_flight(m->state) && m->state != REMEDY_STUCK && !on_its_way(w, m))
                        aw_break(w, "end", "a%llu is still %s, since %lld s", (unsigned long long)m->id,
                                 remedy_state_name(m->state), (long long)((leader->pace.now - m->state_at) / NSEC_PER_SEC));
        }
        for (uint32_t k = 0; k < w->hosts_count; k++) {
                const struct aw_host *h = &w->hosts[k];

                for (uint32_t i = 0; i < h->changes_count; i++) {
                        const struct aw_change *c = &h->changes[i];
                        const struct remedy *m = acting_find(leader->acting, c->remedy);
                        enum target_state s;

                        if (!c->changed || c->stuck)
                                continue;
                        if (!m) {
                                aw_break(w, "end", "h%u is changed, and no remedy knows", k);
                                continue;
                        }
                        s = m->targets[c->target];
                        if (s != TARGET_VERIFIED && s != TARGET_HELD && m->state != REMEDY_STUCK && !on_its_way(w, m) &&
                            !(m->plan.class == CLASS_ONE_WAY && m->state == REMEDY_CLOSED) &&
                            !last_of(w, c->remedy, RECORD_ACKNOWLEDGED))
                                aw_break(w, "end", "h%u is changed by a%llu, which is %s", k, (unsigned long long)m->id,
                                         remedy_state_name(m->state));
                }
        }
}
