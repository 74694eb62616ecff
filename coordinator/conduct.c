#include "coordinator/action_names.h"
#include "coordinator/audit.h"
#include "coordinator/conduct_internal.h"
#include "coordinator/graph.h"
#include "coordinator/log_index.h"
#include "coordinator/record_json.h"
#include "coordinator/scenes.h"
#include "proto/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_EVERY (10 * NSEC_PER_SEC)
#define DECISIONS_MOST 64 /* a tick: each is a sync of the disk */
/* After a start agents are awaited so long: what is not heard of yet is not gone. */
#define SETTLES_WITHIN (30 * NSEC_PER_SEC)

static int index_entry(void *data, const struct audit_entry *entry)
{
        struct conduct *c = data;

        log_index_add(c->index, entry);
        c->indexed = entry->index + 1;
        return 0;
}

static int replay_entry(void *data, const struct audit_entry *entry)
{
        struct conduct *c = data;
        struct record record;
        int r = index_entry(data, entry);

        /* Evidence, rotations of keys and the like decide nothing. */
        if (!json_object_get(entry->predicate, "record"))
                return r;
        r = record_from_json(entry->predicate, &record);
        if (r < 0)
                return r;
        r = acting_apply(c->acting, &record);
        record_free(&record);
        return r;
}

static void log_record(const struct record *r)
{
        if (r->kind == RECORD_STUCK)
                log_error("acting", "a%" PRIu64 " is stuck: %s", r->remedy, r->why);
        else if (r->remedy)
                log_notice("acting", "a%" PRIu64 " %s%s%s%s%s", r->remedy, record_kind_name(r->kind), *r->by ? " by " : "", r->by,
                           *r->why ? ": " : "", r->why);
        else
                log_notice("acting", "%s%s%s%s%s", record_kind_name(r->kind), *r->by ? " by " : "", r->by, *r->why ? ": " : "",
                           r->why);
}

static int append(void *data, const struct record *record)
{
        struct conduct *c = data;
        const struct remedy *m = record->remedy ? acting_find(c->acting, record->remedy) : NULL;
        const struct plan *plan = record->kind == RECORD_PROPOSED ? &record->plan : m ? &m->plan : NULL;
        char incident[24], action[24];
        json_t *predicate = record_to_json(record);
        uint64_t index;
        int r;

        snprintf(incident, sizeof(incident), "i%" PRIu64, plan ? plan->incident : 0);
        snprintf(action, sizeof(action), "a%" PRIu64, record->remedy);
        r = predicate ? audit_append(c->audit, record_audit_kind(record), record->at, plan ? incident : NULL,
                                     record->remedy ? action : NULL, predicate, &index)
                      : -ENOMEM;
        json_decref(predicate);
        if (r < 0)
                log_error("acting", "the audit log takes no entry, so nothing is done: %s", strerror(-r));
        else
                log_record(record);
        return r;
}

/* What was written since, by whoever wrote it. What cannot be read is found by those who need it. */
static void index_new(struct conduct *c)
{
        if (c->followed && audit_size(c->audit) > c->indexed)
                (void)!audit_visit(c->audit, c->indexed, audit_size(c->audit), index_entry, c);
}

/* What the log says, once it can be read. */
static void follow(struct conduct *c)
{
        int r = audit_visit(c->audit, 0, audit_size(c->audit), replay_entry, c);

        c->followed = true;
        if (r < 0) {
                log_error("acting", "the audit log cannot be followed, so nothing is decided: %s", strerror(-r));
                c->damaged = true;
        }
        /* The lock of the state folder sees to it that nobody else leads. */
        c->epoch = acting_epoch(c->acting) + 1;
}

int conduct_new(const struct core *core, struct audit *audit, struct conduct **ret_conduct)
{
        struct conduct *c = calloc(1, sizeof(*c));
        int r;

        if (!c)
                return -ENOMEM;
        c->core = core;
        c->audit = audit;
        c->ledger = (struct ledger){ append, c };
        policy_defaults(&c->policy);
        r = acting_new(NULL, &c->acting);
        if (r == 0)
                r = log_index_new(&c->index);
        if (r == 0)
                r = outbox_new(&c->outbox);
        if (r < 0) {
                conduct_free(&c);
                return r;
        }
        if (!audit_refusal(audit))
                follow(c);
        *ret_conduct = c;
        return 0;
}

void conduct_free(struct conduct **ret_conduct)
{
        struct conduct *c = *ret_conduct;

        if (!c)
                return;
        acting_free(&c->acting);
        log_index_free(&c->index);
        outbox_free(&c->outbox);
        free(c);
        *ret_conduct = NULL;
}

const struct acting *conduct_acting(const struct conduct *c)
{
        return c->acting;
}

const struct log_index *conduct_log(const struct conduct *c)
{
        return c->index;
}

void conduct_set_policy(struct conduct *c, const struct policy *policy)
{
        c->policy = *policy;
}

const char *conduct_refusal(const struct conduct *c)
{
        if (c->damaged)
                return "the audit log cannot be followed: see `nightshift audit verify`";
        if (audit_refusal(c->audit))
                return audit_refusal(c->audit);
        return c->followed ? NULL : "the audit log was not read yet";
}

static int look(const struct conduct *c, int64_t now, struct seen **ret_seen)
{
        struct seen *seen;
        int r = seen_new(c->core, c->acting, now, &seen);

        if (r < 0)
                return r;
        seen_scene(seen)->epoch = c->epoch;
        seen_scene(seen)->leads_until = INT64_MAX;
        seen_scene(seen)->log_works = !conduct_refusal(c);
        *ret_seen = seen;
        return 0;
}

/* The first of all decisions is that we lead, and by which policy. */
static int begin(struct conduct *c, int64_t now, const struct scene *scene)
{
        struct record record;
        int r = acting_epoch(c->acting) < c->epoch ? acting_decide(c->acting, &c->ledger, now, scene, 1) : 0;

        if (r >= 0 && acting_configure(c->acting, now, &c->policy, &record))
                r = acting_commit(c->acting, &c->ledger, &record);
        return r;
}

/* A scene walks the graph for each incident: at once for a new one and while something is under way, else now and
 * then. */
static bool is_due(const struct conduct *c, int64_t now)
{
        uint64_t latest = scenes_latest(c->core);
        bool waits = latest > 0;
        struct record record;

        if (acting_epoch(c->acting) < c->epoch || latest > c->latest || c->waits ||
            acting_configure(c->acting, now, &c->policy, &record))
                return true;
        for (size_t k = 0; k < acting_count(c->acting); k++) {
                enum remedy_state state = acting_get(c->acting, k)->state;

                if (!remedy_is_over(state) && state != REMEDY_PROPOSED)
                        return true;
                waits = waits || state == REMEDY_PROPOSED;
        }
        return waits && now >= c->looked_at + LOOK_EVERY;
}

struct scene conduct_bare_scene(const struct conduct *c)
{
        return (struct scene){ .epoch = c->epoch, .leads_until = INT64_MAX, .log_works = !conduct_refusal(c) };
}

static void doubt(struct conduct *c, const struct scene *scene)
{
        c->sick = 0;
        c->hosts = scene->hosts_count;
        for (uint32_t i = 0; i < scene->situations_count; i++) {
                uint32_t sick;

                if (scene_doubts_itself(scene, acting_policy(c->acting), &scene->situations[i], &sick))
                        c->sick = MAX(c->sick, sick);
        }
}

uint32_t conduct_doubts(const struct conduct *c, uint32_t *ret_hosts)
{
        *ret_hosts = c->hosts;
        return c->sick;
}

/* Whether all hosts that were known before the start have told what is there now. */
static bool is_settled(struct conduct *c, int64_t now)
{
        if (!c->began)
                c->began = now;
        for (uint32_t i = 0; i < c->core->hosts_count && !c->settled && now < c->began + SETTLES_WITHIN; i++)
                if (!host_fresh(c->core, c->core->hosts[i]) || c->core->hosts[i]->resync)
                        return false;
        c->settled = true;
        return true;
}

/* What is to be decided and told by what is seen now. */
static int step(struct conduct *c, int64_t now, const struct scene *scene)
{
        int r = begin(c, now, scene);

        for (uint32_t i = 0; r >= 0 && i < c->core->hosts_count; i++)
                r = conduct_take_answers(c, c->core->hosts[i], now);
        if (r >= 0 && is_settled(c, now))
                r = acting_decide(c->acting, &c->ledger, now, scene, DECISIONS_MOST);
        if (r >= 0)
                conduct_dispatch(c, now, scene);
        return r;
}

void conduct_look_and_step(struct conduct *c, int64_t now)
{
        struct seen *seen;
        int r;

        c->latest = scenes_latest(c->core);
        c->looked_at = now;
        r = look(c, now, &seen);
        if (r < 0) {
                log_error("acting", "nothing is decided: %s", strerror(-r));
                return;
        }
        doubt(c, seen_scene(seen));
        (void)step(c, now, seen_scene(seen)); /* what the log does not take is said where it is appended */
        seen_free(&seen);
}

void conduct_tick(struct conduct *c, int64_t wall, int64_t monotonic)
{
        int64_t now = pace_now(&c->pace, c->acting, wall, monotonic);

        if (!c->followed && !audit_refusal(c->audit))
                follow(c);
        index_new(c);
        if (scenes_latest(c->core) == 0)
                c->sick = 0;
        if (!conduct_refusal(c) && is_due(c, now))
                conduct_look_and_step(c, now);
}

static int take_word(struct conduct *c, int64_t now, const struct scene *scene, const struct word *word, char *why)
{
        struct record record;
        int r = begin(c, now, scene); /* before the first tick */

        if (r < 0) {
                snprintf(why, PLAN_WHY_MAX, "%s", strerror(-r));
                return r;
        }
        r = acting_word(c->acting, now, scene, word, &record, why);
        if (r < 0)
                return r;
        r = acting_commit(c->acting, &c->ledger, &record);
        if (r == 0)
                return 0;
        snprintf(why, PLAN_WHY_MAX, "the audit log takes no entry: %s", strerror(-r));
        return -EROFS;
}

int conduct_say(struct conduct *c, int64_t now, const struct word *word, char ret_why[PLAN_WHY_MAX])
{
        struct seen *seen;
        int r;

        now = MAX(now, c->pace.now);
        if (conduct_refusal(c)) {
                snprintf(ret_why, PLAN_WHY_MAX, "nothing can be decided: %.200s", conduct_refusal(c));
                return -EROFS;
        }
        r = look(c, now, &seen);
        if (r < 0) {
                snprintf(ret_why, PLAN_WHY_MAX, "%s", strerror(-r));
                return r;
        }
        r = take_word(c, now, seen_scene(seen), word, ret_why);
        if (r == 0)
                (void)step(c, now, seen_scene(seen));
        seen_free(&seen);
        return r;
}

int conduct_outlook(const struct conduct *c, int64_t now, uint64_t incident, struct outlook *ret_outlook)
{
        const struct situation *s;
        struct seen *seen;
        int r;

        now = MAX(now, c->pace.now);
        r = look(c, now, &seen);
        if (r < 0)
                return r;
        s = scene_find(seen_scene(seen), incident);
        r = s ? acting_outlook(c->acting, now, seen_scene(seen), s, ret_outlook) : -ENOENT;
        seen_free(&seen);
        return r;
}
