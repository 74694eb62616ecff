/* What really was. */
#include "tests/night/night_private.h"

#include <math.h>
#include <string.h>

#define HORIZON (10 * DAY)

int64_t night_time(double seconds)
{
        return NIGHT_T0 + (int64_t)(seconds * 1e6) * NSEC_PER_USEC;
}

static void add_deployment(struct night *n, const struct plan_event *v, int *builds)
{
        const struct plan_service *s = &n->plan.services[v->service];
        struct night_truth *t = &n->truth;
        int from = builds[v->service]++;

        if (t->deployments_count == NIGHT_DEPLOYMENTS)
                return;
        if (v->service == 0 && s->fault != NIGHT_HEALTHY && from + 1 == s->fault_build)
                t->cause = (int)t->deployments_count;
        t->deployments[t->deployments_count++] =
                (struct night_deployment){ .service = s->name,
                                           .from = n->builds[v->service][from],
                                           .to = n->builds[v->service][from + 1],
                                           .start = night_time(v->at + v->down),
                                           .end = night_time(v->at + v->apart * (s->instances - 1) + v->down) };
}

void truth_begin(struct night *n)
{
        const struct plan_service *s = &n->plan.services[0];
        struct night_truth *t = &n->truth;
        int builds[PLAN_SERVICES] = { 0 };

        *t = (struct night_truth){ .seed = n->plan.seed,
                                   .fault = s->fault,
                                   .story = n->plan.story,
                                   .service = s->name,
                                   .server = s->server,
                                   .cause = -1,
                                   .from = night_time(n->plan.from),
                                   .until = night_time(n->plan.until) };
        for (int i = 0; i < n->plan.events_count; i++)
                if (n->plan.events[i].what == PLAN_DEPLOY)
                        add_deployment(n, &n->plan.events[i], builds);
        switch (s->fault) {
        case NIGHT_HEALTHY:
                break;
        case NIGHT_POOL_LEAK:
                t->limit = s->kind.max ? NIGHT_LIMIT_POOL : n->plan.server_max ? NIGHT_LIMIT_SERVER : NIGHT_LIMIT_FILES;
                break;
        case NIGHT_CLOSE_WAIT_LEAK:
        case NIGHT_FILE_LEAK:
                t->limit = NIGHT_LIMIT_FILES;
                break;
        case NIGHT_MEMORY_LEAK:
                t->limit = NIGHT_LIMIT_MEMORY;
                break;
        }
        t->limit_value = t->limit == NIGHT_LIMIT_POOL     ? s->kind.max
                         : t->limit == NIGHT_LIMIT_SERVER ? n->plan.server_max
                         : t->limit == NIGHT_LIMIT_FILES  ? s->files_max
                         : t->limit == NIGHT_LIMIT_MEMORY ? s->memory_max
                                                          : 0;
}

void truth_onset(struct night *n, double at)
{
        if (n->truth.onset == 0)
                n->truth.onset = night_time(at);
}

void truth_leak(struct night *n, double at)
{
        if (n->truth.first_leak == 0)
                n->truth.first_leak = night_time(at);
}

void truth_breach(struct night *n, const struct instance *i, double at)
{
        int64_t when = night_time(at);

        if (i->service != 0)
                return;
        if (n->truth.breaches[i->number] == 0)
                n->truth.breaches[i->number] = when;
        if (n->truth.breach == 0 || when < n->truth.breach)
                n->truth.breach = when;
}

/* The same night once more, which nobody watches, until all instances had their breach or the horizon. */
static bool run_on(const struct plan *plan, struct night_truth *ret_truth)
{
        const struct night_truth *t;
        double now, end = plan->until + (plan->services[0].fault != NIGHT_HEALTHY ? HORIZON : 0);
        struct night *again;

        if (night_from_plan(plan, &again) < 0)
                return false;
        again->silent = true;
        t = &again->truth;
        for (;;) {
                bool all = true;

                for (int i = 0; i < plan->services[0].instances; i++)
                        all = all && t->breaches[i] != 0;
                now = again->round;
                if (now >= end || (now >= plan->until && (all || (t->breach != 0 && night_time(now - 6 * HOUR) > t->breach))))
                        break;
                night_next(again, NULL, NULL, NULL);
        }
        *ret_truth = *t;
        ret_truth->horizon = night_time(now);
        night_free(&again);
        return true;
}

/* Without what disturbs the leak once it runs. The deployment that brings it stays. */
static bool leave_alone(struct plan *plan, int64_t onset)
{
        int kept = 0;

        for (int i = 0; i < plan->events_count; i++)
                if (plan->events[i].service != 0 || night_time(plan->events[i].at) < onset)
                        plan->events[kept++] = plan->events[i];
        if (kept == plan->events_count)
                return false;
        plan->events_count = kept;
        return true;
}

const struct night_truth *night_truth(struct night *n)
{
        struct night_truth t, alone;
        struct plan plan = n->plan;

        if (!n->truth_done && run_on(&n->plan, &t)) {
                t.breach_left_alone = t.breach;
                if (t.onset != 0 && leave_alone(&plan, t.onset) && run_on(&plan, &alone))
                        t.breach_left_alone = alone.breach;
                /* The names are those of this night. */
                t.service = n->plan.services[0].name;
                memcpy(t.deployments, n->truth.deployments, sizeof(t.deployments));
                n->truth = t;
                n->truth_done = true;
        }
        return &n->truth;
}
