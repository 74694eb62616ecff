/* What a track's builds amount to: the table of deployment.h, row by row. */
#include "coordinator/deployment_internal.h"

#include <string.h>

static struct deployment *current(const struct core *core, const struct track *t)
{
        return t->deployment ? deployment_find(core, t->deployment) : NULL;
}

static struct track_build *find(struct track *t, const struct build_print *print)
{
        for (uint32_t i = 0; i < t->builds_count; i++)
                if (print->build && print_same(&t->builds[i].print, print))
                        return &t->builds[i];
        return NULL;
}

static uint32_t processes(const struct track_build *b)
{
        uint32_t n = 0;

        for (uint32_t i = 0; i < b->uses_count; i++)
                n += b->uses[i].processes;
        return n;
}

/* The settled build that most processes run, or that ran last. */
static struct track_build *former(struct track *t, const struct track_build *but)
{
        struct track_build *best = NULL;

        for (uint32_t i = 0; i < t->builds_count; i++) {
                struct track_build *b = &t->builds[i];

                if (b == but || b->state != BUILD_SETTLED)
                        continue;
                if (!best || processes(b) > processes(best) || (processes(b) == processes(best) && b->last_seen > best->last_seen))
                        best = b;
        }
        return best;
}

/* When a host that we knew began to run it; INT64_MAX if it did so before we could see it. */
static int64_t seen_starting(const struct core *core, const struct track *t, const struct track_build *b)
{
        int64_t first = INT64_MAX;

        for (uint32_t i = 0; i < b->uses_count; i++) {
                const struct build_use *use = &b->uses[i];
                const struct host *h = host_find(core, use->host->data);

                if (h && use->processes && use->first_started > t->created_at &&
                    use->first_started > h->known_since - BEFORE_THE_AGENT)
                        first = MIN(first, use->first_started);
        }
        return first;
}

static void settle(struct track *t, struct track_build *b, enum build_state state)
{
        if (b->state == state)
                return;
        b->state = state;
        t->dirty = true;
}

static int64_t end_of(const struct deployment *d)
{
        int64_t end = d->at;

        for (uint32_t i = 0; i < d->hosts_count; i++)
                end = MAX(end, d->hosts[i].at);
        return end;
}

static void close_track(struct track *t, struct deployment *d, enum deployment_end end, int64_t at)
{
        t->open = false;
        t->dirty = true;
        if (!d)
                return;
        d->dirty = true;
        d->tracks -= d->tracks > 0;
        if (d->tracks > 0)
                return;
        d->end = end;
        d->ended_at = MAX(at, d->at);
}

static bool close_by(const struct deployment *d, int64_t at)
{
        if (d->kind != DEPLOYMENT_BUILD)
                return false;
        if (!d->observed)
                return at >= d->announced_at - ANNOUNCED_WITHIN && at <= d->announced_at + ANNOUNCED_WITHIN;
        return at >= d->at - TOGETHER && (d->ended_at == 0 || at <= d->ended_at + TOGETHER);
}

/* A third turn between the same two builds: they are run side by side, one after the other. */
static bool turns_too_often(const struct track *t, const struct track_build *from, const struct track_build *to, int64_t at)
{
        return t->from.build && print_same(&t->from, &to->print) && print_same(&t->to, &from->print) && t->turned_at[1] != 0 &&
               at - t->turned_at[1] < TURNS_WITHIN;
}

static void open_track(struct core *core, struct track *t, struct track_build *to, int64_t at)
{
        struct track_build *from = former(t, to);
        struct deployment *d = deployment_latest(core, t->service, close_by, at);
        bool turn;

        if (!from)
                return settle(t, to, BUILD_SETTLED);
        if (turns_too_often(t, from, to, at))
                return settle(t, to, BUILD_SETTLED);
        /* The same program changing again is another deployment, however soon. */
        if (d && d->id == t->deployment)
                d = NULL;
        if (!d)
                d = deployment_new(core, t->service, DEPLOYMENT_BUILD, at);
        if (!d)
                return;
        if (!d->observed) {
                d->at = at;
                d->observed = true;
        }
        if (!d->from || d->from->length == 0) {
                text_put(core, &d->from);
                d->from = print_label(core, &from->print, &to->print);
        }
        if (!d->to)
                d->to = print_label(core, &to->print, &from->print);
        d->at = MIN(d->at, at);
        d->ended_at = 0;
        d->end = DEPLOYMENT_OPEN;
        d->tracks++;
        d->dirty = true;
        turn = t->from.build && print_same(&t->from, &to->print) && print_same(&t->to, &from->print);
        t->turned_at[1] = turn ? t->turned_at[0] : 0;
        t->turned_at[0] = at;
        print_put(core, &t->from);
        print_put(core, &t->to);
        for (uint32_t i = 0; i < to->uses_count; i++) {
                to->uses[i].most = to->uses[i].processes;
                to->uses[i].grown_at = to->uses[i].last_started;
        }
        t->from = print_ref(&from->print);
        t->to = print_ref(&to->print);
        t->deployment = d->id;
        t->open = t->dirty = true;
}

/* Which hosts it reached, and since when nothing else runs there. */
static void follow(struct core *core, struct track *t, struct deployment *d, const struct track_build *to)
{
        for (uint32_t i = 0; i < to->uses_count; i++) {
                const struct build_use *use = &to->uses[i];
                bool mixed = false;

                if (use->processes == 0)
                        continue;
                if (use->first_started > t->created_at && d->ended_at == 0)
                        d->at = MIN(d->at, use->first_started);
                for (uint32_t k = 0; k < t->builds_count; k++)
                        mixed = mixed || (&t->builds[k] != to && t->builds[k].state == BUILD_SETTLED &&
                                          track_build_runs_on(&t->builds[k], use->host));
                deployment_reached(core, d, use->host, mixed ? 0 : use->grown_at);
        }
}

bool deployment_has_reached(const struct deployment *d, const struct text *host)
{
        for (uint32_t i = 0; i < d->hosts_count; i++)
                if (d->hosts[i].name == host)
                        return true;
        return false;
}

/* The last ones may still be on their way up when nothing of the former build is left. */
static void follow_up(struct core *core, struct track *t)
{
        struct deployment *d = current(core, t);
        struct track_build *to = find(t, &t->to);

        if (!d || !to || d->end != DEPLOYMENT_DONE)
                return;
        for (uint32_t i = 0; i < to->uses_count; i++) {
                const struct build_use *use = &to->uses[i];

                /* Of a host that was late to tell, also one that came up in between. */
                if (use->processes == 0 || use->grown_at > d->ended_at + TOGETHER || use->grown_at < d->at ||
                    (use->grown_at <= d->ended_at && deployment_has_reached(d, use->host)))
                        continue;
                deployment_reached(core, d, use->host, use->grown_at);
                d->ended_at = end_of(d);
                d->dirty = true;
        }
}

/* A host it had reached runs a former build again, begun since. */
static bool went_back(const struct track *t, const struct deployment *d, const struct track_build *to, int64_t *ret_at)
{
        for (uint32_t i = 0; i < t->builds_count; i++) {
                const struct track_build *b = &t->builds[i];

                for (uint32_t k = 0; b != to && b->state == BUILD_SETTLED && k < b->uses_count; k++)
                        for (uint32_t n = 0; n < d->hosts_count; n++)
                                if (d->hosts[n].name == b->uses[k].host && b->uses[k].processes &&
                                    b->uses[k].last_started > d->at) {
                                        *ret_at = b->uses[k].last_started;
                                        return true;
                                }
        }
        return false;
}

static void retire_others(struct track *t, const struct track_build *but)
{
        for (uint32_t i = 0; i < t->builds_count; i++)
                if (&t->builds[i] != but && t->builds[i].state == BUILD_SETTLED)
                        settle(t, &t->builds[i], BUILD_RETIRED);
}

static void judge_open(struct core *core, struct track *t)
{
        struct deployment *d = current(core, t);
        struct track_build *to = find(t, &t->to);
        bool others = false, lives;
        int64_t back_at = core->now;

        if (!d || !to)
                return close_track(t, d, DEPLOYMENT_SUPERSEDED, core->now);
        follow(core, t, d, to);
        for (uint32_t i = 0; i < t->builds_count; i++)
                others = others ||
                         (&t->builds[i] != to && t->builds[i].state == BUILD_SETTLED && track_build_lives(core, &t->builds[i]));
        lives = track_build_lives(core, to);
        if (lives && !others) {
                settle(t, to, BUILD_SETTLED);
                retire_others(t, to);
                close_track(t, d, DEPLOYMENT_DONE, end_of(d));
        } else if (!track_build_runs(to) && others &&
                   (went_back(t, d, to, &back_at) || core->now - to->last_seen >= TAKEN_BACK_AFTER)) {
                settle(t, to, BUILD_RETIRED);
                close_track(t, d, DEPLOYMENT_TAKEN_BACK, back_at);
        } else if (core->now - d->at >= SIDE_BY_SIDE_AFTER) {
                settle(t, to, BUILD_SETTLED);
                close_track(t, d, DEPLOYMENT_SIDE_BY_SIDE, end_of(d));
        }
}

/* A retired build is met on a host that had it before its deployment ended: that one is not over. */
static bool reopen(struct core *core, struct track *t, struct track_build *b)
{
        struct deployment *d = current(core, t);
        struct track_build *to = find(t, &t->to);

        if (t->open || !d || !to || to == b || d->end != DEPLOYMENT_DONE || b->state != BUILD_RETIRED || !track_build_runs(b))
                return false;
        for (uint32_t i = 0; i < b->uses_count; i++)
                if (b->uses[i].processes && b->uses[i].first_started > d->ended_at)
                        return false;
        settle(t, b, BUILD_SETTLED);
        settle(t, to, BUILD_NEW);
        t->open = t->dirty = true;
        d->end = DEPLOYMENT_OPEN;
        d->ended_at = 0;
        d->tracks++;
        d->dirty = true;
        return true;
}

void track_judge(struct core *core, struct track *t)
{
        bool any = former(t, NULL) != NULL;

        for (uint32_t i = 0; i < t->builds_count; i++) {
                struct track_build *b = &t->builds[i];
                int64_t at;

                if (b->state == BUILD_SETTLED || !track_build_lives(core, b) || (t->open && print_same(&b->print, &t->to)))
                        continue;
                if (!any) {
                        settle(t, b, BUILD_SETTLED);
                        continue;
                }
                if (reopen(core, t, b))
                        continue;
                at = seen_starting(core, t, b);
                if (at == INT64_MAX) {
                        settle(t, b, BUILD_SETTLED);
                        continue;
                }
                if (t->open) {
                        struct track_build *to = find(t, &t->to);

                        /* The newer one counts; the one before it is what it replaces. */
                        if (to && track_build_started(to) < at)
                                settle(t, to, BUILD_SETTLED);
                        close_track(t, current(core, t), DEPLOYMENT_SUPERSEDED, at);
                }
                open_track(core, t, b, at);
        }
        if (t->open)
                judge_open(core, t);
        else
                follow_up(core, t);
}
