#include "coordinator/cause.h"
#include "coordinator/incident.h"
#include "coordinator/past.h"
#include "coordinator/roots.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define DAY (24 * 3600 * NSEC_PER_SEC)
#define HOUR (3600 * NSEC_PER_SEC)
#define MINUTE (60 * NSEC_PER_SEC)
#define BRIEFEST (2 * MINUTE) /* of the former build, to say anything of it */
#define AT_ONCE_BRIEF (10 * MINUTE)
#define SHORTEST (30 * 60 * NSEC_PER_SEC) /* a stretch of load that can be compared */
#define BEFORE_ONSET (2 * HOUR)
#define SAME_START (2 * NSEC_PER_SEC)
#define RECENT (7 * DAY) /* a deployment that is longer ago slept too long */
#define AT_ONCE (HOUR)   /* from a deployment to what began with it, as far as an onset can be told */
#define MORE_LOAD 1.4    /* load that has grown so many times more than at that hour before is another load; */
#define HIGHER 1.3       /* so is one that is so many times that of the day before, */
#define GREW 1.1         /* and has grown a little as it began */
#define ROOT_CERTAIN 0.9 /* a root that needs no rivals */
#define ONSET_IS_ROUGH (240 * NSEC_PER_SEC)
#define MORE_LOAD_BRIEF 2.0 /* minutes vary more */
#define CHOKED 0.5          /* of what it should carry by the hours before */
#define CELLS_LEAST 2
#define CARRIED 3     /* so many lost are no chance */
#define LESS_LOAD 0.5 /* the usual load was so much of what it is now: the former build was hardly tried */

void causes_drop(struct core *core, struct incident *i)
{
        for (uint32_t k = 0; k < i->causes_count; k++) {
                text_put(core, &i->causes[k].ref);
                text_put(core, &i->causes[k].why);
        }
        core_release(core, i->causes, CAUSES_KEPT * sizeof(*i->causes));
        i->causes = NULL;
        i->causes_count = 0;
}

static void __attribute__((format(printf, 7, 8)))
add(struct core *core, struct incident *i, enum cause kind, const struct deployment *d, const char *ref, double confidence,
    const char *format, ...)
{
        struct incident_cause *c;
        char id[32], why[400];
        va_list arguments;

        if (!i->causes)
                i->causes = core_alloc(core, CAUSES_KEPT * sizeof(*i->causes));
        if (!i->causes || i->causes_count == CAUSES_KEPT)
                return;
        if (d)
                snprintf(id, sizeof(id), "d-%llu", (unsigned long long)d->id);
        va_start(arguments, format);
        vsnprintf(why, sizeof(why), format, arguments);
        va_end(arguments);
        c = &i->causes[i->causes_count];
        *c = (struct incident_cause){ .kind = kind,
                                      .ruled_out = confidence <= 0,
                                      .deployment = d ? d->id : 0,
                                      .ref = text_get(core, d ? id : ref),
                                      .why = text_get(core, why),
                                      .confidence = confidence };
        if (c->ref && c->why) {
                i->causes_count++;
                return;
        }
        text_put(core, &c->ref);
        text_put(core, &c->why);
}

static enum past_level level_of(const struct incident *i)
{
        for (uint32_t k = 0; k < i->evidence_count; k++)
                switch (i->evidence[k].signal) {
                case SIGNAL_LOST:
                case SIGNAL_FORGOTTEN:
                case SIGNAL_HELD:
                        return PAST_LOST;
                case SIGNAL_CLOSE_WAIT:
                        return PAST_CLOSE_WAIT;
                case SIGNAL_OPEN_FILES:
                        return PAST_OPEN_FILES;
                case SIGNAL_RSS:
                        return PAST_RSS;
                default:
                        break;
                }
        return PAST_NONE;
}

/* Until when load says what was asked for: what chokes on its trouble carries less, and looks as if less were asked. */
static int64_t choked_at(const struct past *p, int64_t onset, int64_t to, int64_t back)
{
        double before = past_load(p, onset - BEFORE_ONSET, onset) / past_load(p, onset - back - BEFORE_ONSET, onset - back);

        for (int64_t at = onset + CELLS_LEAST * PAST_CELL; at + PAST_CELL <= to; at += PAST_CELL)
                if (past_load(p, at, at + PAST_CELL) < CHOKED * before * past_load(p, at - back, at - back + PAST_CELL))
                        return at;
        return to;
}

/* The same hours of an earlier day, as far as they lie before `before`. */
static bool compare_days(const struct core *core, const struct past *p, int64_t onset, int64_t to, int64_t before,
                         struct conditions *c, int64_t *ret_until)
{
        for (c->back = DAY; c->back <= 2 * DAY; c->back += DAY) {
                int64_t until = MIN(to - c->back, before), told, hour = MIN(until, onset - c->back + HOUR) + c->back;

                if (until - (onset - c->back) < SHORTEST)
                        continue;
                told = choked_at(p, onset, until + c->back, c->back) - c->back;
                hour = MIN(hour, told + c->back);
                c->usual = past_load(p, onset - c->back, told);
                c->load = past_load(p, onset, MIN(told + c->back, core->now));
                if (isnan(c->usual) || isnan(c->load))
                        continue;
                c->growth = past_load(p, onset, MIN(hour, core->now)) / past_load(p, onset - BEFORE_ONSET, onset) /
                            (past_load(p, onset - c->back, hour - c->back) /
                             past_load(p, onset - c->back - BEFORE_ONSET, onset - c->back));
                *ret_until = until;
                return true;
        }
        return false;
}

/* What begins at once is compared with what was just before. */
static bool compare_just_before(const struct core *core, const struct past *p, int64_t onset, int64_t to, int64_t before,
                                struct conditions *c, int64_t *ret_until)
{
        int64_t length = MAX(to - onset, HOUR);

        c->back = 0;
        if (onset - before > AT_ONCE)
                return false;
        c->usual = past_load(p, before - length, before);
        c->load = past_load(p, onset, MIN(to, core->now));
        c->growth = c->load / c->usual;
        *ret_until = before;
        return !isnan(c->growth);
}

/* Where all of it is a matter of minutes: as long under the former build as it has lasted, or as that was seen. */
static bool compare_minutes(const struct past *p, enum past_level level, int64_t onset, int64_t to, int64_t before,
                            struct conditions *c)
{
        int64_t length = MIN(to - onset, before - (p->since + MINUTE));

        c->back = 0;
        if (onset - before > AT_ONCE_BRIEF || length < BRIEFEST)
                return false;
        c->usual = past_load_by_minute(p, before - length, before);
        c->load = past_load_by_minute(p, onset, onset + length);
        c->growth = c->load / c->usual;
        c->brief = true;
        if (level != PAST_NONE) {
                c->rise = past_level_by_minute(p, level, to - MINUTE) - past_level_by_minute(p, level, onset);
                c->risen = past_level_by_minute(p, level, before - MINUTE) - past_level_by_minute(p, level, before - length);
        }
        return !isnan(c->growth);
}

void conditions_find(const struct core *core, const struct incident *i, int64_t before, struct conditions *ret)
{
        const struct past *p = past_find(core, i->service, i->server, i->server ? i->port : 0);
        int64_t onset = i->onset_at, to = MAX(MIN(i->fired_at, MAX(i->opened_at, onset + HOUR)), onset + SHORTEST), until, from;
        enum past_level level = level_of(i);

        *ret = (struct conditions){ .load = NAN, .usual = NAN, .growth = NAN, .rise = NAN, .risen = NAN, .carried = NAN };
        if (!p)
                return;
        ret->known = compare_days(core, p, onset, to, before, ret, &until) ||
                     compare_just_before(core, p, onset, to, before, ret, &until);
        if (!ret->known) {
                ret->known = compare_minutes(p, level, onset, MIN(i->fired_at, core->now - MINUTE), before, ret);
                return;
        }
        if (level == PAST_NONE)
                return;
        from = ret->back ? onset - ret->back : until - MAX(to - onset, HOUR);
        ret->rise = past_level_at(p, level, MAX(to, i->fired_at)) - past_level_at(p, level, onset);
        ret->risen = past_level_at(p, level, until) - past_level_at(p, level, from);
        if (level == PAST_LOST || level == PAST_CLOSE_WAIT)
                ret->carried = past_level_most(p, level, before - HOUR, before - 1) - past_level_at(p, level, before - DAY / 2);
}

static bool is_build(const struct deployment *d)
{
        return d->kind == DEPLOYMENT_BUILD;
}

static enum cause kind_of(const struct deployment *d)
{
        return is_build(d) ? CAUSE_DEPLOYMENT : CAUSE_CONFIGURATION;
}

/* "02:41": the hour in the coordinator's day is the reader's business, so times are told in UTC. */
static const char *clock_text(char *buffer, int64_t at)
{
        int64_t minute = at / (60 * NSEC_PER_SEC) % 1440;

        snprintf(buffer, 8, "%02d:%02d", (int)(minute / 60), (int)(minute % 60));
        return buffer;
}

static const char *length_text(char *buffer, size_t size, int64_t ns)
{
        double minutes = (double)ns / 60e9;

        if (minutes < 90)
                snprintf(buffer, size, "%.0f min", fmax(minutes, 0));
        else if (minutes < 48 * 60)
                snprintf(buffer, size, "%.1f h", minutes / 60);
        else
                snprintf(buffer, size, "%.1f days", minutes / 1440);
        return buffer;
}

/* When the first of the processes that show it was started; they are those of a deployment if it was before. */
static int64_t first_started(const struct incident *i)
{
        int64_t first = INT64_MAX;

        for (uint32_t k = 0; k < i->subjects_count; k++)
                if (i->subjects[k].pid != 0)
                        first = MIN(first, i->subjects[k].started);
        return first;
}

static bool names(const struct deployment *d, const struct service *s)
{
        return s && d->service == s->text;
}

/* The last that reached the service before the symptom began. */
static const struct deployment *suspect(const struct core *core, const struct incident *i)
{
        const struct deployment *best = NULL;

        for (uint32_t k = 0; k < core->deployments.count; k++) {
                const struct deployment *d = core->deployments.items[k];

                if (names(d, i->service) && d->observed && d->at <= i->onset_at && d->at + RECENT > i->onset_at &&
                    (!best || d->at >= best->at))
                        best = d;
        }
        return best;
}

/* An earlier incident of the same kind that a deployment did not begin or end. */
static const struct incident *shown_before(const struct core *core, const struct incident *i, int64_t before)
{
        for (uint32_t k = 0; k < core->incidents_count; k++) {
                const struct incident *x = core->incidents[k];

                if (x != i && x->service == i->service && x->server == i->server && x->port == i->port &&
                    x->signature == i->signature && x->onset_at < before)
                        return x;
        }
        return NULL;
}

static bool is_other_load(const struct conditions *c)
{
        if (c->brief)
                return c->growth > MORE_LOAD_BRIEF;
        return c->growth > MORE_LOAD || (c->growth > GREW && c->load > HIGHER * c->usual);
}

static void judge_suspect(struct core *core, struct incident *i, const struct deployment *d, const struct conditions *c)
{
        const struct incident *former = shown_before(core, i, d->at);
        const char *what = is_build(d) ? "deployment" : "change of settings", *was = is_build(d) ? "build" : "settings";
        int64_t slept = i->onset_at - MAX(d->at, d->ended_at);
        char at[8], onset[8], sleep[24], like[8];

        clock_text(at, d->at);
        clock_text(onset, i->onset_at);
        clock_text(like, i->onset_at - c->back);
        length_text(sleep, sizeof(sleep), i->onset_at - d->at);
        if (first_started(i) < d->at - SAME_START) {
                add(core, i, kind_of(d), d, NULL, 0, "processes show it that the %s of %s did not touch", what, at);
        } else if (former) {
                add(core, i, kind_of(d), d, NULL, 0, "the former %s showed the same from %s on (incident i%llu)", was,
                    clock_text(like, former->onset_at), (unsigned long long)former->id);
        } else if (!c->known) {
                add(core, i, kind_of(d), d, NULL, 0,
                    "it began %s after the %s of %s, but the former %s was not seen at this hour of an earlier day", sleep, what,
                    at, was);
        } else if (c->risen >= c->rise / 2 && c->rise > 0) {
                add(core, i, kind_of(d), d, NULL, 0, "the former %s showed the same %s before: it rose by %.3g as now by %.3g", was,
                    c->back == DAY ? "the day"
                    : c->back      ? "two days"
                                   : "just",
                    c->risen, c->rise);
        } else if (c->carried >= CARRIED && c->carried > c->rise / 4) {
                add(core, i, kind_of(d), d, NULL, 0, "the former %s showed the same when it was replaced: %.3g were lost by then",
                    was, c->carried);
        } else if (is_other_load(c) && (slept > HOUR / 4 || c->brief)) {
                add(core, i, kind_of(d), d, NULL, 0,
                    "from %s on the load grew %.1f times more than at this hour before, so the %s of %s need not be the cause",
                    onset, c->growth, what, at);
        } else {
                double confidence = 0.9;

                if (c->usual < LESS_LOAD * c->load)
                        confidence = 0.6;
                if (i->subjects_count > 1)
                        confidence += 0.05;
                if (c->brief)
                        confidence -= 0.25;
                if (slept <= 0)
                        length_text(sleep, sizeof(sleep), 0);
                add(core, i, kind_of(d), d, NULL, confidence,
                    "it began at about %s, %s after the %s of %s; only processes that it started show it; the former %s, with %.2g "
                    "times "
                    "the load %s%s, did not",
                    onset, sleep, what, at, was, c->usual / c->load,
                    c->back == DAY ? "a day before from "
                    : c->back      ? "two days before from "
                                   : "until then",
                    c->back ? like : "");
        }
}

static void judge_load(struct core *core, struct incident *i, const struct conditions *c)
{
        const char *when = c->back == DAY ? "of the same hours a day before"
                           : c->back      ? "of the same hours two days before"
                                          : "just before";

        if (!c->known)
                return;
        if (is_other_load(c) && c->load > c->usual)
                add(core, i, CAUSE_LOAD, NULL, i->service->name, 0.4, "the load is %.2g times that %s, and grew as it began",
                    c->load / c->usual, when);
        else
                add(core, i, CAUSE_LOAD, NULL, i->service->name, 0, "the load is %.2g times that %s", c->load / c->usual, when);
}

/* All others of about that time, of this service or another. */
static void judge_rivals(struct core *core, struct incident *i, const struct deployment *but)
{
        for (uint32_t k = core->deployments.count; k-- > 0;) {
                const struct deployment *d = core->deployments.items[k];
                char at[8];

                if (d == but || d->at + DAY < i->onset_at || d->at > i->opened_at || !d->observed)
                        continue;
                clock_text(at, d->at);
                if (names(d, i->service) && d->at > i->onset_at)
                        add(core, i, kind_of(d), d, NULL, 0, "it began before the %s of %s",
                            is_build(d) ? "deployment" : "change of settings", at);
                else if (names(d, i->service))
                        add(core, i, kind_of(d), d, NULL, 0,
                            "what came with it at %s was replaced before it began, and had not shown it", at);
                else if (names(d, i->server))
                        add(core, i, kind_of(d), d, NULL, 0,
                            "the deployment of %s at %s changed the server, and %s is what does not give back", d->service->data,
                            at, i->service->name);
                else
                        add(core, i, kind_of(d), d, NULL, 0, "the deployment of %s at %s changed nothing that %s runs",
                            d->service->data, at, i->service->name);
        }
}

static void rank(struct incident *i)
{
        for (uint32_t k = 1; k < i->causes_count; k++)
                for (uint32_t n = k; n > 0 && i->causes[n].confidence > i->causes[n - 1].confidence; n--) {
                        struct incident_cause c = i->causes[n];

                        i->causes[n] = i->causes[n - 1];
                        i->causes[n - 1] = c;
                }
}

void causes_find(struct core *core, struct incident *i)
{
        const struct deployment *d = suspect(core, i);
        struct conditions c;

        conditions_find(core, i, d ? d->at : i->onset_at, &c);
        /* What was known when it was fresh may be forgotten by now. */
        if (!c.known && i->causes_count && !i->causes[0].ruled_out)
                return;
        causes_drop(core, i);
        if (d)
                judge_suspect(core, i, d, &c);
        judge_load(core, i, &c);
        judge_rivals(core, i, d);
        rank(i);
}

bool causes_blame(struct core *core, struct service *service, int64_t onset, const struct text *host)
{
        struct incident i = { .service = service, .onset_at = onset, .opened_at = core->now, .fired_at = core->now, .limit = NAN };
        const struct deployment *d = suspect(core, &i);
        struct conditions c;
        bool blames;

        if (!d || !deployment_has_reached(d, host))
                return false;
        conditions_find(core, &i, d->at, &c);
        judge_suspect(core, &i, d, &c);
        blames = i.causes_count > 0 && !i.causes[0].ruled_out;
        causes_drop(core, &i);
        return blames;
}

static const char *name_of(const struct root *r, char *buffer, size_t size)
{
        if (r->service && r->kind != CAUSE_NETWORK && r->kind != CAUSE_HOST)
                return r->service->name;
        if (!r->other)
                return r->host->name->data;
        snprintf(buffer, size, "%s - %s", r->host->name->data, r->other->name->data);
        return buffer;
}

void causes_of_root(struct core *core, struct incident *i, const struct root *roots, size_t count, size_t own)
{
        const struct root *r = &roots[own];
        char name[300], at[8];

        causes_drop(core, i);
        add(core, i, r->kind, r->deployment, name_of(r, name, sizeof(name)), r->confidence, "%s%s%s", r->why,
            r->deployment ? ", since the deployment of " : "", r->deployment ? clock_text(at, r->deployment->at) : "");
        for (size_t k = 0; k < count; k++)
                if (k != own && r->confidence < ROOT_CERTAIN)
                        add(core, i, roots[k].kind, roots[k].deployment, name_of(&roots[k], name, sizeof(name)),
                            roots[k].confidence * r->confidence / 2,
                            "%s; it is an incident of its own, and may be the cause of this too", roots[k].why);
        for (uint32_t k = core->deployments.count; k-- > 0;) {
                const struct deployment *d = core->deployments.items[k];

                if (d == r->deployment || d->at + HOUR < i->onset_at || d->at > i->opened_at || !d->observed)
                        continue;
                if (d->at > i->onset_at + ONSET_IS_ROUGH)
                        add(core, i, kind_of(d), d, NULL, 0, "it began before the deployment of %s at %s", d->service->data,
                            clock_text(at, d->at));
                else
                        add(core, i, kind_of(d), d, NULL, 0, "%s, deployed at %s, shows nothing that does not come from others",
                            d->service->data, clock_text(at, d->at));
        }
        rank(i);
}
