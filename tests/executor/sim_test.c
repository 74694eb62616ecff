/* The executor's deciding half under simulation: the real core of agent/remedy_core.c with a simulated journal,
 * hosts whose steps fail, half-finish and take their time, people who change the same targets, two coordinators,
 * clocks that jump, and crashes and reboots between any two things that happen. What the header of the core
 * promises is checked after every step by an observer that knows the world and not the core's memory.
 *
 * SEEDS (default 1500) is how many worlds, SEED the first; ONLY names the promises to check (all), TRACE a key to follow. A failure
 * names its seed, which gives the same world again. */
#include "agent/remedy_core.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SERVICES 4
#define KEYS 96
#define MINUTE (60 * NSEC_PER_SEC)
#define HOUR (60 * MINUTE)
#define SLACK (2 * MINUTE) /* for steps under way and retries, after a lease */

static const struct remedy_limits limits = { .per_hour = 4, .concurrent = 2, .attempts = 3, .cooldown = 10 * MINUTE };

struct entry { /* of the simulated journal */
        bool there;
        struct remedy remedy;
        uint64_t boot;
};

struct known { /* what the observer knows of a key */
        struct remedy_request request;
        bool sent, told_stuck, person_verified;
        bool restored; /* as the last revert left it */
        bool doubtful; /* a CLOSE that could not be synced, and is on disk all the same: the next life finds it */
        enum action_state told;
        uint64_t former; /* value of the service as prepared */
        unsigned changes;
        int64_t inside; /* the end of the lease that what was changed knows, where it knows one */
        bool under_way; /* from the intent on, until it is told that it ended */
        int64_t began, deadline;
};

struct running {
        bool there;
        uint32_t index;
        enum remedy_step step;
        int64_t ends;
};

struct world {
        uint64_t seed, random;
        int64_t now, wall_offset, boot_started;
        uint64_t boot;
        uint64_t value[SERVICES], base[SERVICES], next_value;
        struct entry journal[KEYS + 1];
        uint64_t journal_epoch, epoch_heard;
        bool stopped, disk_full, calm;
        struct known known[KEYS + 1]; /* by key.low */
        struct running running[REMEDY_MAX];
        struct remedy_core *core;
        int64_t up_since;
        uint64_t last_key; /* that was applied */
        bool failed;
};

static uint64_t totals[ACTION_STATES], remedies, crashes;

static uint64_t draw(struct world *w)
{
        uint64_t x = w->random += UINT64_C(0x9e3779b97f4a7c15);

        x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
        return x ^ (x >> 31);
}

static bool chance(struct world *w, unsigned percent)
{
        return draw(w) % 100 < percent;
}

static void broken(struct world *w, const char *invariant, const char *format, ...) PRINTF_LIKE(3, 4);
static void broken(struct world *w, const char *invariant, const char *format, ...)
{
        va_list arguments;

        if (w->failed || (getenv("ONLY") && !strstr(getenv("ONLY"), invariant)))
                return;
        w->failed = true;
        printf("# seed %" PRIu64 " at %.3f s: %s: ", w->seed, (double)w->now / 1e9, invariant);
        va_start(arguments, format);
        vprintf(format, arguments);
        va_end(arguments);
        printf("\n");
}

static struct remedy_time clock_of(const struct world *w)
{
        return (struct remedy_time){ .wall = w->now + w->wall_offset, .boot = w->now - w->boot_started };
}

static struct action_digest digest_of(uint64_t value)
{
        struct action_digest d = { { 1 } };

        memcpy(d.bytes + 8, &value, sizeof(value));
        return d;
}

/* Values that a remedy makes are told by its key: whole and half. */
static uint64_t ours(uint64_t key)
{
        return key * 2 + 1000000;
}

static uint64_t half(uint64_t key)
{
        return key * 2 + 1000001;
}

static bool is_made_by(uint64_t value, uint64_t key)
{
        return value == ours(key) || value == half(key);
}

static void check_lasting(struct world *w)
{
        for (uint64_t key = 1; key <= KEYS; key++) {
                struct known *k = &w->known[key];

                if (!k->changes || !is_made_by(w->value[k->request.service], key) || k->told_stuck || k->request.one_way)
                        continue;
                if (k->person_verified && !k->request.temporary)
                        continue;
                if (w->now > MAX(k->deadline, w->up_since) + SLACK)
                        broken(w, "lease", "the change of key %" PRIu64 " outlives its lease, told as %s", key,
                               action_state_name(k->told) ?: "nothing");
        }
}

/* Nothing ends by itself at another time than the core believes. */
static void check_inside(struct world *w)
{
        for (size_t i = 0; i < REMEDY_MAX; i++) {
                const struct remedy *r = &w->core->remedies[i];

                if (r->state == ACTION_APPLIED && r->request.extends && r->step == REMEDY_STEP_NONE && !r->writing &&
                    r->lease_end && w->known[r->request.key.low].inside != r->lease_end)
                        broken(w, "extended", "key %" PRIu64 " was not told the end of its lease", r->request.key.low);
                if (r->state == ACTION_APPLIED && r->request.temporary && r->this_boot &&
                    r->lease_end > r->begun_boot + r->request.lease_max)
                        broken(w, "temporary", "key %" PRIu64 " is kept for longer than it may last", r->request.key.low);
        }
}

static void check_begin(struct world *w, uint32_t index)
{
        const struct remedy_request *q = &w->core->remedies[index].request;
        uint64_t key = q->key.low;
        struct known *k = &w->known[key];
        struct entry *e = &w->journal[key];
        struct remedy_time now = clock_of(w);
        int64_t live = 0, hour = 0, day = 0;

        if (!e->there || e->remedy.state != ACTION_INTENDED ||
            !action_digest_equal(&e->remedy.former, &w->core->remedies[index].former))
                broken(w, "intent", "key %" PRIu64 " is applied without an intent on disk", key);
        if (q->epoch < w->epoch_heard)
                broken(w, "epoch", "key %" PRIu64 " of epoch %" PRIu64 " after %" PRIu64, key, q->epoch, w->epoch_heard);
        if (q->epoch > w->journal_epoch)
                broken(w, "epoch", "key %" PRIu64 " of epoch %" PRIu64 ", which is not on disk", key, q->epoch);
        if (k->changes)
                broken(w, "once", "key %" PRIu64 " is applied again", key);
        if (!q->allowed)
                broken(w, "allowed", "key %" PRIu64 " is not allowed here", key);
        if (q->order != ACTION_ORDER_APPLY)
                broken(w, "dry run", "key %" PRIu64 " was only to be checked", key);
        if (q->expires <= now.wall)
                broken(w, "expiry", "key %" PRIu64 " has expired", key);
        if (q->one_way && !q->by_person)
                broken(w, "one way", "key %" PRIu64 " without a person", key);
        if (w->stopped)
                broken(w, "stop file", "key %" PRIu64 " begins although it is there", key);
        for (uint64_t other = 1; other <= KEYS; other++) {
                const struct known *o = &w->known[other];
                bool same = o->request.service == q->service;

                if (other == key)
                        continue;
                live += o->under_way;
                if (o->under_way && same)
                        broken(w, "one a service", "key %" PRIu64 " is %s, and %" PRIu64 " begins", other,
                               action_state_name(o->told) ?: "not told", key);
                if (o->told_stuck && o->request.kind == q->kind)
                        broken(w, "stuck", "key %" PRIu64 " while %" PRIu64 " of its kind is stuck", key, other);
                if (!o->changes)
                        continue;
                hour += w->now - o->began < HOUR;
                day += same && w->now - o->began < 24 * HOUR;
                if (same && w->now - o->began < limits.cooldown)
                        broken(w, "cooldown", "key %" PRIu64 " too soon after %" PRIu64, key, other);
        }
        if (live >= limits.concurrent)
                broken(w, "concurrent", "key %" PRIu64 " with %" PRId64 " under way", key, live);
        if (hour >= limits.per_hour)
                broken(w, "rate", "key %" PRIu64 " after %" PRId64 " in an hour", key, hour);
        if (day >= limits.attempts)
                broken(w, "attempts", "key %" PRIu64 " after %" PRId64 " on its service", key, day);
        k->under_way = true;
        k->began = w->now;
}

static bool ended(enum action_state state)
{
        return state == ACTION_REFUSED || state == ACTION_HELD || state == ACTION_CLOSED || state == ACTION_REVERTED ||
               state == ACTION_YIELDED || state == ACTION_STUCK;
}

/* What may be told after what. */
static bool may_follow(enum action_state before, enum action_state now)
{
        switch (before) {
        case ACTION_REVERTED:
        case ACTION_YIELDED:
                return now == before;
        case ACTION_STUCK:
                return true; /* told before it could be written: the next life may know it by an earlier state */
        case ACTION_CLOSED:
                return now == before || now == ACTION_REVERTING || ended(now);
        case ACTION_HELD:
                return now == before || now == ACTION_APPLIED || now == ACTION_REVERTING || ended(now);
        case ACTION_REVERTING:
                return now != ACTION_CLOSED && now != ACTION_HELD; /* APPLIED: a life ended before it could write */
        default:
                return true;
        }
}

static void on_tell(struct world *w, uint32_t index)
{
        const struct remedy *r = &w->core->remedies[index];
        struct known *k = &w->known[r->request.key.low];
        enum action_state state = r->state;

        if (state == REMEDY_PREPARING)
                return;
        if (getenv("TRACE") && r->request.key.low == strtoull(getenv("TRACE"), NULL, 10))
                printf("# %.3f told %s %s\n", (double)w->now / 1e9, action_state_name(state), action_reason_name(r->reason));
        if (!may_follow(k->told, state) && !k->doubtful)
                broken(w, "life", "key %" PRIu64 " goes from %s to %s", r->request.key.low, action_state_name(k->told),
                       action_state_name(state));
        if (state == ACTION_REVERTED && r->reason != ACTION_REASON_GONE && k->changes && !k->restored)
                broken(w, "restored", "key %" PRIu64 " is told as reverted, and the former state is not back", r->request.key.low);
        if (state == ACTION_REVERTED && r->reason == ACTION_REASON_GONE &&
            is_made_by(w->value[k->request.service], r->request.key.low))
                broken(w, "restored", "key %" PRIu64 " is told as gone, and is there", r->request.key.low);
        if (k->told == ACTION_STUCK && state == ACTION_REVERTING)
                k->deadline = w->now; /* it is tried again */
        k->told = state;
        k->told_stuck = state == ACTION_STUCK;
        if (ended(state))
                k->under_way = false;
}

/* Writes go to a temporary file first: all of it is there afterwards, or nothing. */
static bool disk_write(struct world *w, uint32_t index)
{
        const struct remedy *r = &w->core->remedies[index];

        if (getenv("TRACE") && r->request.key.low == strtoull(getenv("TRACE"), NULL, 10))
                printf("# %.3f writes %s %d\n", (double)w->now / 1e9, action_state_name(r->state), r->request.one_way);
        if (!w->calm && (w->disk_full || chance(w, 2))) {
                if (!w->disk_full && chance(w, 50)) { /* there, but the sync of the folder failed */
                        w->journal[r->request.key.low] = (struct entry){ true, *r, r->this_boot ? w->boot : 0 };
                        w->known[r->request.key.low].doubtful |= r->tentative;
                }
                return false;
        }
        w->journal[r->request.key.low] = (struct entry){ true, *r, r->this_boot ? w->boot : 0 };
        return true;
}

static void crash(struct world *w, bool reboot);

/* Returns false if the world crashed. */
static bool drain(struct world *w)
{
        struct remedy_effect effect;

        while (remedy_effect(w->core, &effect)) {
                struct remedy_time now = clock_of(w);
                bool ok;

                if (!w->calm && draw(w) % 400 == 0) {
                        crash(w, chance(w, 30));
                        return false;
                }
                switch (effect.kind) {
                case REMEDY_EFFECT_STEP:
                        if (effect.step == REMEDY_STEP_APPLY)
                                check_begin(w, effect.index);
                        w->running[effect.index] = (struct running){ true, effect.index, effect.step,
                                                                     w->now + (int64_t)(draw(w) % (uint64_t)(5 * NSEC_PER_SEC)) };
                        break;
                case REMEDY_EFFECT_WRITE:
                        ok = disk_write(w, effect.index);
                        if (!w->calm && draw(w) % 200 == 0) {
                                crash(w, chance(w, 30));
                                return false;
                        }
                        remedy_written(w->core, effect.index, ok, &now);
                        break;
                case REMEDY_EFFECT_FORGET:
                        w->journal[effect.key.low].there = false;
                        w->known[effect.key.low].under_way = false;
                        break;
                case REMEDY_EFFECT_TELL:
                        on_tell(w, effect.index);
                        break;
                case REMEDY_EFFECT_REFUSE:
                        break;
                }
        }
        return true;
}

static void start(struct world *w)
{
        struct remedy_time now = clock_of(w);

        remedy_core_init(w->core, &limits);
        w->core->stopped = w->stopped;
        remedy_epoch_written(w->core, w->journal_epoch);
        for (uint64_t key = 1; key <= KEYS; key++) {
                struct entry *e = &w->journal[key];
                uint32_t index;

                if (!e->there)
                        continue;
                e->remedy.this_boot = e->boot == w->boot;
                if (remedy_load(w->core, &e->remedy, &index) < 0)
                        broken(w, "journal", "no room for what is in it");
        }
        w->up_since = w->now;
        remedy_reconcile(w->core, &now);
        drain(w);
}

/* Steps die with the executor: done, half done or not begun. */
static void crash(struct world *w, bool reboot)
{
        crashes++;
        for (size_t i = 0; i < REMEDY_MAX; i++) {
                const struct running *run = &w->running[i];
                const struct remedy *r = &w->core->remedies[i];
                uint64_t key = r->request.key.low;

                if (!run->there)
                        continue;
                if (run->step == REMEDY_STEP_APPLY && w->value[r->request.service] == w->known[key].former && chance(w, 66)) {
                        w->value[r->request.service] = chance(w, 50) ? ours(key) : half(key);
                        w->known[key].changes++;
                }
                if (run->step == REMEDY_STEP_REVERT && is_made_by(w->value[r->request.service], key) && !r->request.one_way &&
                    chance(w, 66))
                        w->value[r->request.service] = chance(w, 50) ? w->known[key].former : half(key);
        }
        memset(w->running, 0, sizeof(w->running));
        w->now += (int64_t)(draw(w) % (uint64_t)(chance(w, 80) ? 5 * NSEC_PER_SEC : 2 * HOUR));
        if (reboot) {
                w->boot++;
                w->boot_started = w->now;
                w->now += NSEC_PER_SEC;
                for (uint64_t key = 1; key <= KEYS; key++) {
                        const struct known *k = &w->known[key];

                        if (k->changes && k->request.gone_with_boot && is_made_by(w->value[k->request.service], key))
                                w->value[k->request.service] = k->former;
                }
        }
        start(w);
}

static void end_step(struct world *w, struct running *run)
{
        struct remedy *r = &w->core->remedies[run->index];
        uint64_t *value = &w->value[r->request.service], key = r->request.key.low;
        struct known *k = &w->known[key];
        struct remedy_result result = { .outcome = REMEDY_DONE };
        struct remedy_time now = clock_of(w);
        bool fails = !w->calm && chance(w, 10);

        run->there = false;
        switch (run->step) {
        case REMEDY_STEP_PREPARE:
                k->former = *value;
                result.former = digest_of(*value);
                result.touched = chance(w, 5) ? 0 : 1;
                if (fails)
                        result = (struct remedy_result){ .outcome = REMEDY_UNCHANGED, .reason = ACTION_REASON_MISMATCH };
                break;
        case REMEDY_STEP_APPLY:
                if (!action_digest_equal(&r->former, &(struct action_digest[]){ digest_of(*value) }[0])) {
                        result = (struct remedy_result){ .outcome = REMEDY_UNCHANGED, .reason = ACTION_REASON_CHANGED };
                } else if (fails && chance(w, 50)) {
                        *value = half(key);
                        k->changes++;
                        result = (struct remedy_result){ .outcome = REMEDY_FAILED, .reason = ACTION_REASON_TIMED_OUT };
                } else if (fails) {
                        result = (struct remedy_result){ .outcome = REMEDY_UNCHANGED };
                } else {
                        *value = ours(key);
                        k->changes++;
                        k->inside = r->lease_end;
                        w->last_key = key;
                        result.present = digest_of(*value);
                }
                break;
        case REMEDY_STEP_VERIFY:
                result.verdict = fails           ? ACTION_VERDICT_FALSIFIED
                                 : chance(w, 10) ? ACTION_VERDICT_UNKNOWN
                                                 : ACTION_VERDICT_VERIFIED;
                break;
        case REMEDY_STEP_EXTEND:
                if (fails)
                        result = (struct remedy_result){ .outcome = REMEDY_FAILED, .reason = ACTION_REASON_TIMED_OUT };
                else
                        k->inside = r->lease_end;
                break;
        case REMEDY_STEP_REVERT:
                if (r->request.one_way)
                        broken(w, "one way", "key %" PRIu64 " is reverted, which cannot be", key);
                if (*value == k->former) {
                        result.present = digest_of(*value);
                } else if (!is_made_by(*value, key)) {
                        result.outcome = REMEDY_OTHERS;
                        result.present = digest_of(*value);
                } else if (fails) {
                        *value = chance(w, 50) ? half(key) : *value;
                        /* One that says it is done, and is not. */
                        result.outcome = chance(w, 50) ? REMEDY_DONE : REMEDY_FAILED;
                        result.present = digest_of(*value);
                } else {
                        *value = k->former;
                        result.present = digest_of(*value);
                }
                k->restored = *value == k->former;
                break;
        case REMEDY_STEP_NONE:
                break;
        }
        remedy_stepped(w->core, run->index, &result, &now);
}

static struct remedy_request make_request(struct world *w)
{
        struct remedy_time now = clock_of(w);
        uint64_t key = w->last_key && chance(w, 50) ? w->last_key : draw(w) % KEYS + 1;
        struct known *k = &w->known[key];
        struct remedy_request q = k->request;

        if (!k->sent) {
                unsigned nature = (unsigned)(draw(w) % 4);

                q = (struct remedy_request){ .kind = (enum action_kind)(nature + 1),
                                             .key = { 7, key },
                                             .service = draw(w) % SERVICES,
                                             .temporary = nature == 1 || nature == 2,
                                             .gone_with_boot = nature == 2,
                                             .one_way = nature == 3,
                                             .extends = nature == 2,
                                             .allowed = chance(w, 95),
                                             .by_person = chance(w, 60),
                                             .lease_max = 30 * MINUTE };
                remedies++;
        }
        q.order = (enum action_order)(1 + draw(w) % 5);
        if (!k->sent && chance(w, 80))
                q.order = ACTION_ORDER_APPLY;
        q.epoch = w->journal_epoch && chance(w, 85) ? w->journal_epoch : 1 + draw(w) % 6;
        if (w->journal_epoch && chance(w, 2)) /* would be heard for ever, and nobody else */
                q.epoch = UINT64_MAX - draw(w) % 3;
        q.expires = now.wall + (chance(w, 10) ? -NSEC_PER_SEC : (int64_t)(draw(w) % (uint64_t)MINUTE));
        q.lease = chance(w, 5) ? 0 : (int64_t)(draw(w) % (uint64_t)(35 * MINUTE));
        q.verified = chance(w, 50);
        q.former = chance(w, 90) ? (struct action_digest){ { 0 } } : digest_of(draw(w) % 3);
        k->sent = true;
        k->request = q;
        return q;
}

static struct remedy *remembered(struct world *w, uint64_t key)
{
        for (size_t i = 0; i < REMEDY_MAX; i++)
                if (w->core->remedies[i].state != 0 && w->core->remedies[i].request.key.low == key)
                        return &w->core->remedies[i];
        return NULL;
}

static void give_order(struct world *w)
{
        struct remedy_request q = make_request(w);
        struct known *k = &w->known[q.key.low];
        struct remedy_time now = clock_of(w);
        struct remedy *r = remembered(w, q.key.low);
        int64_t lease_end = r ? r->lease_end : 0;

        if (remedy_epoch_is_new(w->core, &q) && (w->calm || !w->disk_full)) {
                if (q.epoch > UINT64_MAX / 2)
                        broken(w, "deaf", "epoch %" PRIu64 " is heard after %" PRIu64, q.epoch, w->journal_epoch);
                w->journal_epoch = q.epoch;
                remedy_epoch_written(w->core, q.epoch);
                w->epoch_heard = MAX(w->epoch_heard, q.epoch);
        }
        if ((q.order == ACTION_ORDER_APPLY || q.order == ACTION_ORDER_KEEP) && q.lease > 0 && q.lease <= q.lease_max)
                k->deadline = MAX(k->deadline, w->now + 30 * NSEC_PER_SEC + q.lease);
        if (q.verified && (q.order == ACTION_ORDER_KEEP || q.order == ACTION_ORDER_CLOSE))
                k->person_verified = true;
        remedy_order(w->core, &q, &now);
        if (r && q.order == ACTION_ORDER_KEEP && w->stopped && r->lease_end > lease_end)
                broken(w, "stop file", "key %" PRIu64 " is kept although it is there", q.key.low);
}

static void advance(struct world *w, int64_t by)
{
        int64_t end = w->now + by;

        while (w->now < end && !w->failed) {
                struct running *next = NULL;
                struct remedy_time now;
                int64_t tick = remedy_next(w->core), at = end;

                if (tick != INT64_MAX)
                        at = MIN(at, MAX(tick + w->boot_started, w->now));
                for (size_t i = 0; i < REMEDY_MAX; i++)
                        if (w->running[i].there && w->running[i].ends <= at) {
                                at = MAX(w->running[i].ends, w->now);
                                next = &w->running[i];
                        }
                w->now = at;
                now = clock_of(w);
                if (next)
                        end_step(w, next);
                else
                        remedy_tick(w->core, &now);
                drain(w);
                check_lasting(w);
                check_inside(w);
                tick = remedy_next(w->core);
                if (!next && at < end && tick != INT64_MAX && tick + w->boot_started <= at) {
                        /* A lease that cannot be acted on before a step has ended. */
                        w->now = MAX(w->now, MIN(end, w->now + 100 * NSEC_PER_MSEC));
                }
        }
}

static void check_end(struct world *w)
{
        for (uint64_t key = 1; key <= KEYS; key++) {
                const struct known *k = &w->known[key];

                totals[k->told]++;
                if (k->told == ACTION_INTENDED || k->told == ACTION_APPLIED || k->told == ACTION_REVERTING)
                        broken(w, "end", "key %" PRIu64 " never ends: %s", key, action_state_name(k->told));
                if (k->changes && is_made_by(w->value[k->request.service], key) && k->told != ACTION_HELD &&
                    k->told != ACTION_CLOSED && k->told != ACTION_STUCK)
                        broken(w, "end", "the change of key %" PRIu64 " stays, told as %s", key,
                               action_state_name(k->told) ?: "nothing");
        }
}

static bool live(uint64_t seed)
{
        static struct remedy_core core;
        static struct world w;

        w = (struct world){ .seed = seed, .random = seed * UINT64_C(0x2545f4914f6cdd1d), .core = &core, .boot = 1 };
        w.now = 3 * HOUR;
        w.wall_offset = INT64_C(1700000000) * NSEC_PER_SEC;
        for (size_t i = 0; i < SERVICES; i++)
                w.value[i] = i % 3;
        start(&w);
        for (unsigned i = 0; i < 400 && !w.failed; i++) {
                switch (draw(&w) % 16) {
                case 0:
                        crash(&w, chance(&w, 30));
                        break;
                case 1:
                        w.value[draw(&w) % SERVICES] = 10 + w.next_value++; /* a person, or another controller */
                        break;
                case 2:
                        w.wall_offset += (int64_t)(draw(&w) % (uint64_t)(4 * HOUR)) - 2 * HOUR;
                        break;
                case 3:
                        w.core->stopped = w.stopped = chance(&w, 30);
                        break;
                case 4:
                        w.disk_full = chance(&w, 30);
                        break;
                default:
                        give_order(&w);
                        break;
                }
                drain(&w);
                advance(&w, (int64_t)(draw(&w) % (uint64_t)(chance(&w, 80) ? 20 * NSEC_PER_SEC : 40 * MINUTE)));
        }
        w.calm = true;
        if (!w.failed)
                advance(&w, 2 * HOUR);
        if (!w.failed)
                check_end(&w);
        return !w.failed;
}

int main(void)
{
        uint64_t seeds = strtoull(getenv("SEEDS") ?: "1500", NULL, 10), first = strtoull(getenv("SEED") ?: "1", NULL, 10);
        uint64_t bad = 0;

        printf("1..2\n# seeds %" PRIu64 " to %" PRIu64 "\n", first, first + seeds - 1);
        for (uint64_t seed = first; seed < first + seeds && bad < 3; seed++)
                bad += !live(seed);
        printf("%s 1 - what the executor promises holds after every step\n", bad ? "not ok" : "ok");
        printf("# %" PRIu64 " remedies, %" PRIu64 " crashes; told last:", remedies, crashes);
        for (unsigned i = 1; i < ACTION_STATES; i++)
                printf(" %s %" PRIu64, action_state_name((enum action_state)i), totals[i]);
        printf("\n");
        /* A simulation in which nothing gets far proves nothing. */
        for (unsigned i = ACTION_CHECKED; i < ACTION_STATES; i++)
                if (seeds >= 100 && totals[i] == 0 && i != ACTION_INTENDED && i != ACTION_APPLIED && i != ACTION_REVERTING)
                        bad++;
        printf("%s 2 - every way to end was gone\n", bad ? "not ok" : "ok");
        return bad != 0;
}
