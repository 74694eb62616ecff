/* A person's word: a record, or why it cannot be. Who may say it is for the control socket to know. */
#include "coordinator/acting_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static int no(char *why, int r, const char *format, ...) PRINTF_LIKE(3, 4);
static int no(char *why, int r, const char *format, ...)
{
        va_list args;

        va_start(args, format);
        vsnprintf(why, PLAN_WHY_MAX, format, args);
        va_end(args);
        return r;
}

static int approve(const struct acting *a, int64_t now, const struct scene *scene, const struct word *w, const struct remedy *m,
                   struct record *r, char *why)
{
        const struct situation *s = scene_find(scene, m->plan.incident);
        char hex[DIGEST_TEXT_SIZE], reason[PLAN_WHY_MAX];

        if (w->digest && (w->digest_size > DIGEST_SIZE || memcmp(w->digest, m->plan.digest, w->digest_size)))
                return no(why, -EPERM, "the plan of a%llu is another: its digest begins with %.12s", (unsigned long long)m->id,
                          digest_text(m->plan.digest, hex));
        if (m->rung == RUNG_SHADOW)
                return no(why, -EPERM, "a%llu is in shadow: it is recorded, and never done", (unsigned long long)m->id);
        if (a->pause.set)
                return no(why, -EPERM, "paused by %s: %.150s", a->pause.by, a->pause.why);
        if (!s)
                return no(why, -EPERM, "the incident is over");
        if (gate_window(a, now, &m->plan, false, reason))
                return no(why, -EPERM, "%s", reason);
        r->kind = RECORD_APPROVED;
        r->rung = m->rung;
        memcpy(r->digest, m->plan.digest, DIGEST_SIZE);
        return 0;
}

static int about_remedy(const struct acting *a, int64_t now, const struct scene *scene, const struct word *w, struct record *r,
                        char *why)
{
        static const enum remedy_state to[] = { [WORD_APPROVE] = REMEDY_APPROVED,
                                                [WORD_REJECT] = REMEDY_REJECTED,
                                                [WORD_UNDO] = REMEDY_REVERTING,
                                                [WORD_ACKNOWLEDGE] = REMEDY_CLOSED };
        static const char *const verbs[] = { "approved", "rejected", "undone", "acknowledged" };
        const struct remedy *m = acting_remedy(a, w->remedy);

        if (!m)
                return no(why, -ENOENT, "no action 'a%llu'", (unsigned long long)w->remedy);
        if (!remedy_may(m->state, to[w->kind], MOVER_PERSON) || (w->kind == WORD_ACKNOWLEDGE && m->state != REMEDY_STUCK))
                return no(why, -EPERM, "a%llu is %s: it cannot be %s", (unsigned long long)m->id, remedy_state_name(m->state),
                          verbs[w->kind]);
        r->remedy = m->id;
        if (w->kind == WORD_APPROVE)
                return approve(a, now, scene, w, m, r, why);
        if (w->kind == WORD_UNDO && !acting_undoable(a, m, now))
                return no(why, -EPERM, "a%llu cannot be undone: %s", (unsigned long long)m->id,
                          m->plan.class == CLASS_ONE_WAY ? "it is one-way" : "nothing of it is left, or it is too long ago");
        r->kind = w->kind == WORD_REJECT ? RECORD_REJECTED : w->kind == WORD_UNDO ? RECORD_REVERTING : RECORD_ACKNOWLEDGED;
        return 0;
}

static bool has_window(const struct acting *a, const struct window *w)
{
        for (uint32_t i = 0; i < a->windows_count; i++)
                if (a->windows[i].kind == w->kind && a->windows[i].scope == w->scope && strcmp(a->windows[i].name, w->name) == 0)
                        return true;
        return false;
}

int acting_word(const struct acting *a, int64_t now, const struct scene *scene, const struct word *w, struct record *ret_record,
                char ret_why[PLAN_WHY_MAX])
{
        struct record record = { 0 };
        int r = 0;

        now = acting_time(a, now);
        record.at = now;
        record.epoch = a->epoch;
        record.mover = MOVER_PERSON;
        snprintf(record.by, sizeof(record.by), "%s", w->by);
        snprintf(record.why, sizeof(record.why), "%s", w->why);
        if (!scene_leads(a, scene, now))
                return no(ret_why, -EROFS,
                          scene->log_works ? "this coordinator does not lead"
                                           : "the audit log takes no entries: nothing can be decided");
        switch (w->kind) {
        case WORD_PAUSE:
                record.kind = RECORD_PAUSED;
                break;
        case WORD_RESUME:
                if (!a->pause.set)
                        return no(ret_why, -EPERM, "it is not paused");
                record.kind = RECORD_RESUMED;
                break;
        case WORD_MANDATE:
                if (!*w->why)
                        return no(ret_why, -EPERM, "a reason is needed");
                if (w->until <= now)
                        return no(ret_why, -EPERM, "an end that is still to come is needed");
                if (!acting_has_unit(a, &w->unit))
                        return no(ret_why, -EPERM, "there are %d units of trust already", AUTHORITY_UNITS_MAX);
                record.kind = RECORD_MANDATE;
                record.unit = w->unit;
                record.cap = w->cap;
                record.rung = w->rung;
                record.until = w->until;
                break;
        case WORD_WINDOW:
                if (!has_window(a, &w->window) && a->windows_count == WINDOWS_MAX)
                        return no(ret_why, -EPERM, "there are %d such times already", WINDOWS_MAX);
                record.kind = RECORD_WINDOW;
                record.window = w->window;
                break;
        case WORD_END_WINDOW:
                if (!has_window(a, &w->window))
                        return no(ret_why, -ENOENT, "there is none such");
                record.kind = RECORD_WINDOW_ENDED;
                record.window = w->window;
                break;
        default:
                r = about_remedy(a, now, scene, w, &record, ret_why);
        }
        if (r == 0)
                *ret_record = record;
        return r;
}
