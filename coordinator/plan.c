#include "coordinator/plan.h"
#include "coordinator/action_names.h"
#include "proto/action.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void plan_free(struct plan *plan)
{
        free(plan->targets);
        plan->targets = NULL;
        plan->count = 0;
}

int plan_copy(const struct plan *plan, struct plan *ret_plan)
{
        struct plan_target *targets = calloc(MAX(plan->count, 1u), sizeof(*targets));

        if (!targets)
                return -ENOMEM;
        if (plan->count)
                memcpy(targets, plan->targets, plan->count * sizeof(*targets));
        *ret_plan = *plan;
        ret_plan->targets = targets;
        return 0;
}

static int no(char *why, const char *format, ...) PRINTF_LIKE(2, 3);
static int no(char *why, const char *format, ...)
{
        va_list args;

        va_start(args, format);
        vsnprintf(why, PLAN_WHY_MAX, format, args);
        va_end(args);
        return -ENOENT;
}

static bool reaches(const struct action *action, const struct instance *i)
{
        return action->reach == REACH_CONDEMNED ? i->condemned : i->sick;
}

static bool permits(const struct action *action, const struct instance *i)
{
        return i->permits >> action_kind_parse(action->name) & 1;
}

static uint32_t on_host(const struct situation *s, const char *host)
{
        uint32_t n = 0;

        for (uint32_t i = 0; i < s->instances_count; i++)
                n += strcmp(s->instances[i].host, host) == 0;
        return n;
}

static bool is_counted(const struct situation *s, const char *host)
{
        for (uint32_t i = 0; i < s->instances_count; i++)
                if (!s->instances[i].alone && strcmp(s->instances[i].host, host) == 0)
                        return false;
        return true;
}

static bool has_host(const struct plan *plan, const char *host)
{
        for (uint32_t i = 0; i < plan->count; i++)
                if (strcmp(plan->targets[i].host, host) == 0)
                        return true;
        return false;
}

/* What nobody labelled is production, and so is a service that runs in several environments. */
static void name_environment(const struct situation *s, const struct action *action, char *environment, size_t size)
{
        const char *common = NULL;

        for (uint32_t i = 0; i < s->instances_count; i++) {
                if (!reaches(action, &s->instances[i]))
                        continue;
                if (!common)
                        common = s->instances[i].environment;
                if (!s->instances[i].environment[0] || strcmp(common, s->instances[i].environment))
                        common = "production";
        }
        snprintf(environment, size, "%s", common && *common ? common : "production");
}

/* What decides: another signature, thresholds or code is another unit. */
int plan_version(const struct policy *p, const uint8_t signature[DIGEST_SIZE], const struct action *action,
                 uint8_t ret_version[DIGEST_SIZE])
{
        char text[64 + 400], hex[DIGEST_TEXT_SIZE];

        snprintf(text, sizeof(text), "%s %s %u %lld %.6g %u %u", digest_text(signature, hex), action->name, action->version,
                 (long long)p->evidence_max_age, p->confidence_min, p->ramp_most, p->share_percent);
        return digest_of(text, strlen(text), ret_version);
}

static bool by_process(const struct action *action)
{
        return strncmp(action->name, "process.", 8) == 0 || strncmp(action->name, "connection.", 11) == 0;
}

/* Sick ones first: what is done there shows whether it helps. What a host's file does not let be done is not asked for. */
static int choose(const struct policy *p, const struct situation *s, uint32_t remedy, const struct action *action,
                  struct plan *plan, char *why)
{
        bool scales = action_kind_parse(action->name) == ACTION_SERVICE_SCALE;
        const struct instance *forbidden = NULL, *uncounted = NULL;

        plan->targets = calloc(PLAN_TARGETS_MAX, sizeof(*plan->targets));
        if (!plan->targets)
                return -ENOMEM;
        for (int pass = 0; pass < 2; pass++)
                for (uint32_t i = 0; i < s->instances_count; i++) {
                        const struct instance *x = &s->instances[i];
                        struct plan_target *t;

                        if (!reaches(action, x) || x->sick != (pass == 0) || (!by_process(action) && has_host(plan, x->host)))
                                continue;
                        if (!permits(action, x)) {
                                forbidden = x;
                                continue;
                        }
                        /* An order says how many there are to be. */
                        if (scales && !is_counted(s, x->host)) {
                                uncounted = x;
                                continue;
                        }
                        if (plan->count == PLAN_TARGETS_MAX)
                                return no(why, "more than %d targets", PLAN_TARGETS_MAX);
                        t = &plan->targets[plan->count++];
                        *t = (struct plan_target){
                                .pid = x->pid, .started = x->started, .instances = on_host(s, x->host), .bound = x->bounds[remedy]
                        };
                        memcpy(t->host, x->host, sizeof(t->host));
                        memcpy(t->boot_id, x->boot_id, sizeof(t->boot_id));
                        memcpy(t->build, x->build, sizeof(t->build));
                        memcpy(t->zone, x->zone, sizeof(t->zone));
                        if (action->restarts && !x->restart_safe)
                                plan->class = CLASS_ONE_WAY;
                        if (action->reach == REACH_CONDEMNED && !x->barriers && s->deployed_at + p->barriers_age < s->seen_at)
                                plan->barriers_unknown = true;
                }
        if (plan->count == 0 && uncounted)
                return no(why, "several processes of one unit run on %s: how many instances there are is not known",
                          uncounted->host);
        if (plan->count == 0 && forbidden)
                return no(why, "the file of %s does not let %s be done to it", forbidden->host, action->name);
        return plan->count ? 0 : no(why, "there is nobody to do it to");
}

const char *plan_cannot(const struct action *action, const char *service)
{
        if (strlen(service) >= ACTION_SERVICE_SIZE)
                return "the name of the service is too long to be that of one in a host's file";
        switch (action_kind_parse(action->name)) {
        case ACTION_SERVICE_ROLLBACK:
        case ACTION_SERVICE_SCALE:
        case ACTION_SERVICE_SUSPEND:
        case ACTION_SERVICE_RESTART:
        case ACTION_PROCESS_FREEZE:
        case ACTION_OBSERVE_RAISE:
                return NULL;
        default:
                return "the plan does not say how far it is to go: this coordinator cannot order it yet";
        }
}

static int may(const struct policy *p, const struct situation *s, const struct situation_remedy *r, const struct action *action,
               char *why)
{
        if (!action)
                return no(why, "%s: there is no such action", r->action);
        if (plan_cannot(action, s->service))
                return no(why, "%s", plan_cannot(action, s->service));
        if (r->wants_cause)
                return no(why, "another cause would be needed for it");
        if (action->reach == REACH_CONDEMNED) {
                if (!s->from_build[0] || !s->to_build[0])
                        return no(why, "which build was before is not known");
                if (s->two_causes)
                        return no(why, "two deployments came at once: which one it was cannot be told");
                if (s->confidence < p->confidence_min)
                        return no(why, "the cause is too uncertain (%.0f %%)", 100 * s->confidence);
        }
        if (s->instances_left_out)
                return no(why, "the service has more than %d instances", SITUATION_INSTANCES_MAX);
        return 0;
}

int plan_make(const struct policy *p, const struct situation *s, uint32_t remedy, uint32_t most, struct plan *ret_plan,
              char ret_why[PLAN_WHY_MAX])
{
        const struct situation_remedy *r = &s->remedies[remedy];
        const struct action *action = action_get(r->action);
        struct plan plan = { .incident = s->incident, .action = action };
        int e = may(p, s, r, action, ret_why);

        if (e < 0)
                return e;
        plan.class = action->class;
        e = choose(p, s, remedy, action, &plan, ret_why);
        if (e < 0)
                goto failed;
        if (most && plan.count > most) {
                plan.count = most;
                plan.most = most;
        }
        snprintf(plan.signature, sizeof(plan.signature), "%s", s->signature);
        memcpy(plan.service, s->service, sizeof(plan.service));
        memcpy(plan.cause, s->cause, sizeof(plan.cause));
        memcpy(plan.cause_ref, s->cause_ref, sizeof(plan.cause_ref));
        plan.cause_key = s->cause_key;
        if (action->reach == REACH_CONDEMNED) {
                memcpy(plan.from_build, s->from_build, sizeof(plan.from_build));
                memcpy(plan.to_build, s->to_build, sizeof(plan.to_build));
        }
        plan.predicts = r->predicts;
        plan.instances = s->instances_count;
        plan.service_key = s->service_key;
        memcpy(plan.cone, s->cone, sizeof(plan.cone));
        plan.cone_count = s->cone_count;
        plan.cone_whole = s->cone_whole;
        snprintf(plan.unit.signature, sizeof(plan.unit.signature), "%s", s->signature);
        snprintf(plan.unit.action, sizeof(plan.unit.action), "%s", action->name);
        name_environment(s, action, plan.unit.environment, sizeof(plan.unit.environment));
        e = plan_version(p, s->signature_digest, action, plan.unit.version);
        if (e == 0)
                e = plan_seal(&plan);
        if (e < 0)
                goto failed;
        *ret_plan = plan;
        return 0;
failed:
        plan_free(&plan);
        return e;
}

/* NULL: what was there is not there any more. */
static const struct instance *find(const struct plan_target *t, const struct situation *s)
{
        for (uint32_t i = 0; i < s->instances_count; i++) {
                const struct instance *x = &s->instances[i];

                if (x->pid == t->pid && x->started == t->started && strcmp(x->host, t->host) == 0 &&
                    strcmp(x->boot_id, t->boot_id) == 0 && strcmp(x->build, t->build) == 0)
                        return x;
        }
        return NULL;
}

bool plan_target_gone(const struct plan *plan, uint32_t target, const struct situation *s, char ret_why[PLAN_WHY_MAX])
{
        const struct plan_target *t = &plan->targets[target];
        const struct instance *x = find(t, s);

        if (x && reaches(plan->action, x))
                return false;
        no(ret_why, x ? "what runs on %s is no target any more" : "what ran on %s was replaced since", t->host);
        return true;
}

bool plan_target_stands(const struct plan *plan, uint32_t target, const struct situation *s, char ret_why[PLAN_WHY_MAX])
{
        const struct instance *x = find(&plan->targets[target], s);

        if (plan_target_gone(plan, target, s, ret_why))
                return false;
        if (x->fresh)
                return true;
        no(ret_why, "%s was not heard of in full of late", plan->targets[target].host);
        return false;
}

uint32_t plan_weight(const struct plan *plan, uint32_t target)
{
        bool all = plan->action->unavailable && !by_process(plan->action);

        return all ? MAX(plan->targets[target].instances, 1u) : 1;
}

uint32_t plan_wave(const struct policy *p, const struct plan *plan, uint32_t from)
{
        uint32_t size = p->ramp_first, done = 0, share = MAX(1u, plan->instances * p->share_percent / 100);
        uint32_t wave = 0, weight = 0;

        for (; done + size <= from; size = MIN(size * p->ramp_factor, p->ramp_most))
                done += size;
        for (size = MIN(size, plan->count - from); wave < size; wave++) {
                weight += plan_weight(plan, from + wave);
                if (wave > 0 && weight > share)
                        break;
        }
        return wave;
}

struct seal {
        char *text;
        size_t size, used;
};

static void put_bytes(struct seal *s, const char *data, size_t size)
{
        /* What does not fit is noticed at the end. */
        if (size < s->size - s->used)
                memcpy(s->text + s->used, data, size);
        s->used = MIN(s->used + size, s->size - 1);
}

static void put(struct seal *s, const char *key, const char *value)
{
        size_t length = strlen(value), n = 0;
        char digits[24];

        do {
                digits[sizeof(digits) - ++n] = (char)('0' + length % 10);
        } while ((length /= 10) > 0);
        put_bytes(s, key, strlen(key));
        put_bytes(s, " ", 1);
        put_bytes(s, digits + sizeof(digits) - n, n);
        put_bytes(s, ":", 1);
        put_bytes(s, value, strlen(value));
        put_bytes(s, "\n", 1);
}

/* Over a text with every length in it, so that no two plans have the same. */
int plan_seal(struct plan *plan)
{
        size_t size = 4096 + plan->count * 1024u;
        CLEANUP_FREE char *text = malloc(size);
        struct seal s = { text, size, 0 };
        char number[96], hex[DIGEST_TEXT_SIZE];

        if (!text)
                return -ENOMEM;
        put(&s, "plan", "1");
        snprintf(number, sizeof(number), "%llu", (unsigned long long)plan->incident);
        put(&s, "incident", number);
        put(&s, "signature", plan->signature);
        put(&s, "service", plan->service);
        put(&s, "action", plan->action->name);
        put(&s, "class", class_name(plan->class));
        put(&s, "environment", plan->unit.environment);
        put(&s, "version", digest_text(plan->unit.version, hex));
        put(&s, "cause", plan->cause);
        put(&s, "of", plan->cause_ref);
        put(&s, "from", plan->from_build);
        put(&s, "to", plan->to_build);
        put(&s, "predicts", plan->predicts.says);
        for (uint32_t i = 0; i < plan->count; i++) {
                const struct plan_target *t = &plan->targets[i];

                put(&s, "host", t->host);
                put(&s, "boot", t->boot_id);
                put(&s, "zone", t->zone);
                put(&s, "build", t->build);
                snprintf(number, sizeof(number), "%u %lld", t->pid, (long long)t->started);
                put(&s, "process", number);
        }
        if (s.used + 1 >= size)
                return -EMSGSIZE;
        return digest_of(text, s.used, plan->digest);
}
