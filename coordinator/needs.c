#include "coordinator/needs.h"
#include "coordinator/action_names.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

struct list {
        struct need *needs;
        size_t count;
};

static struct need *add(struct list *l, bool urgent, const char *text, ...) PRINTF_LIKE(3, 4);
static struct need *add(struct list *l, bool urgent, const char *text, ...)
{
        struct need *n = l->needs + l->count;
        va_list args;

        if (l->count == PAGES_MAX)
                return NULL;
        l->count++;
        *n = (struct need){ .urgent = urgent };
        va_start(args, text);
        vsnprintf(n->text, sizeof(n->text), text, args);
        va_end(args);
        return n;
}

static void stuck(struct list *l, const struct remedy *m)
{
        struct need *n = add(l, true, "%s of %.100s is stuck on the way back: %.150s. Nothing %s is done until it is acknowledged.",
                             m->plan.action->name, m->plan.service, m->why, class_name(m->plan.class));

        if (!n)
                return;
        snprintf(n->id, sizeof(n->id), "a%" PRIu64, m->id);
        snprintf(n->incident, sizeof(n->incident), "i%" PRIu64, m->plan.incident);
}

/* Somebody or something is at it: what will come of it is not known yet. */
static bool is_under_way(const struct remedy *m)
{
        return m->state == REMEDY_APPROVED || m->state == REMEDY_VERIFIED ||
               (remedy_is_in_flight(m->state) && m->state != REMEDY_STUCK);
}

/* A limit is near, and nothing is done about it. */
static void breach(struct list *l, const struct acting *acting, const struct ticket_fact *f, int64_t now)
{
        int64_t minutes = MAX(f->breach_at - now, 0) / (60 * NSEC_PER_SEC);
        const struct remedy *waits = NULL;
        struct need *n;

        for (size_t i = 0; i < acting_count(acting); i++) {
                const struct remedy *m = acting_get(acting, i);

                if (m->plan.incident != f->incident)
                        continue;
                if (is_under_way(m))
                        return;
                if (m->state == REMEDY_PROPOSED && m->rung != RUNG_SHADOW)
                        waits = m;
        }
        if (waits)
                n = add(l, false,
                        "%.100s: %s may reach its limit in %lld min. a%" PRIu64 ", %s, waits for approve or reject: %.120s",
                        f->service, f->signature, (long long)minutes, waits->id, waits->plan.action->name, waits->why);
        else
                n = add(l, false, "%.100s: %s may reach its limit in %lld min, and nothing is under way.", f->service, f->signature,
                        (long long)minutes);
        if (!n)
                return;
        snprintf(n->id, sizeof(n->id), "i%" PRIu64, f->incident);
        snprintf(n->incident, sizeof(n->incident), "i%" PRIu64, f->incident);
}

size_t needs_find(const struct needs_scene *s, int64_t now, struct need *ret_needs)
{
        struct list l = { .needs = ret_needs };
        struct need *n;

        if (s->refusal) {
                n = add(&l, false, "The audit log takes no entries, so nothing is done: %.250s", s->refusal);
                if (n)
                        snprintf(n->id, sizeof(n->id), "audit-log");
        }
        if (s->sick) {
                n = add(&l, false, "%u of %u hosts look sick at once. It may be what looks at them, so nothing is done about it.",
                        s->sick, s->hosts);
                if (n)
                        snprintf(n->id, sizeof(n->id), "hosts");
        }
        for (size_t i = 0; i < acting_count(s->acting); i++)
                if (acting_get(s->acting, i)->state == REMEDY_STUCK)
                        stuck(&l, acting_get(s->acting, i));
        for (size_t i = 0; i < s->incidents_count; i++) {
                const struct ticket_fact *f = &s->incidents[i];

                if (f->open && f->breach_at && f->breach_at <= now + s->breach_within)
                        breach(&l, s->acting, f, now);
        }
        return l.count;
}
