/* Changes of settings: what one place was started with, against what it was started with before. */
#include "coordinator/deployment_internal.h"

#include <string.h>

#define TURNS 2 /* starts in a row that change a name: then it is no setting */

void place_free(struct core *core, struct track_place *p)
{
        struct host *h = p->host ? host_find(core, p->host->data) : NULL; /* NULL in a record that was cut short */

        if (h)
                h->settings_count -= MIN(h->settings_count, p->settings_count);
        for (uint32_t i = 0; i < p->settings_count; i++)
                text_put(core, &p->settings[i].name);
        core_release(core, p->settings, p->settings_count * sizeof(*p->settings));
        core->deployments.settings_count -= p->settings_count;
        text_put(core, &p->host);
        text_put(core, &p->instance);
}

/* The place itself, or one on the same host that is there no more and whose successor this may be:
 * containers get a new name each time. */
static struct track_place *find_place(struct track *t, const struct text *host, const struct text *instance)
{
        struct track_place *only = NULL;
        uint32_t others = 0;

        for (uint32_t i = 0; i < t->places_count; i++) {
                struct track_place *p = &t->places[i];

                if (p->host != host)
                        continue;
                if (p->instance == instance)
                        return p;
                only = p;
                others++;
        }
        return others == 1 ? only : NULL;
}

static int compare(const struct track_setting *a, const struct track_setting *b)
{
        return a->kind != b->kind ? (int)a->kind - (int)b->kind : strcmp(a->name->data, b->name->data);
}

struct change {
        struct text *name;
        enum setting_kind kind;
};

/* Both are in the order of (kind, name). */
static uint32_t find_changes(const struct track_place *p, uint32_t unknown, struct track_setting *now, uint32_t count,
                             struct change *ret, uint32_t most)
{
        uint32_t i = 0, k = 0, n = 0;

        unknown |= p->unknown;
        while (i < p->settings_count || k < count) {
                const struct track_setting *old = i < p->settings_count ? &p->settings[i] : NULL;
                struct track_setting *new = k < count ? &now[k] : NULL;
                int r = !old ? 1 : !new ? -1 : compare(old, new);
                bool changed = true;

                if (r == 0 && old && new) {
                        changed = old->digest != new->digest;
                        new->turns = changed ? (uint8_t)MIN(old->turns + 1, 255) : old->turns > TURNS ? old->turns : 0;
                        changed = changed && new->turns <= TURNS;
                }
                {
                        const struct track_setting *which = r < 0 ? old : new;

                        if (which && changed && n < most && !(unknown & 1u << which->kind))
                                ret[n++] = (struct change){ which->name, (enum setting_kind)which->kind };
                }
                i += r <= 0;
                k += r >= 0;
        }
        return n;
}

static bool names_one_of(const struct deployment *d, const struct change *changes, uint32_t count)
{
        for (uint32_t i = 0; i < d->changes_count; i++)
                for (uint32_t k = 0; k < count; k++)
                        if (d->changes[i] == changes[k].name)
                                return true;
        return false;
}

/* The same change on another host, at about the same time. */
static struct deployment *same_change(const struct core *core, const struct text *service, const struct change *changes,
                                      uint32_t count, int64_t at)
{
        for (uint32_t i = core->deployments.count; i > 0; i--) {
                struct deployment *d = core->deployments.items[i - 1];

                if (d->service == service && d->kind != DEPLOYMENT_BUILD && at >= d->at - TOGETHER &&
                    at <= d->ended_at + TOGETHER && names_one_of(d, changes, count))
                        return d;
        }
        return NULL;
}

static enum deployment_kind kind_of(const struct change *changes, uint32_t count)
{
        enum setting_kind first = SETTING_ENVIRONMENT;

        for (uint32_t i = 0; i < count; i++)
                first = MIN(first, changes[i].kind);
        return first == SETTING_FILE ? DEPLOYMENT_FILES : first == SETTING_FLAG ? DEPLOYMENT_FLAGS : DEPLOYMENT_ENVIRONMENT;
}

static void tell(struct core *core, const struct track *t, struct host *h, const struct summary_build *row, bool same_build,
                 const struct build_print *print, const struct change *changes, uint32_t count)
{
        struct deployment *d;

        /* Settings that come with a build are part of its deployment. */
        if (!same_build) {
                d = deployment_find(core, t->deployment);
                if (d && (t->open || row->last_started <= d->ended_at + TOGETHER))
                        for (uint32_t i = 0; i < count; i++)
                                deployment_changed(core, d, changes[i].name);
                return;
        }
        d = same_change(core, t->service, changes, count, row->last_started);
        if (!d) {
                d = deployment_new(core, t->service, kind_of(changes, count), row->last_started);
                if (!d)
                        return;
                d->observed = true;
                d->end = DEPLOYMENT_DONE;
                d->from = print_label(core, print, NULL);
                d->to = print_label(core, print, NULL);
        }
        d->at = MIN(d->at, row->last_started);
        d->ended_at = MAX(d->ended_at, row->last_started);
        d->dirty = true;
        deployment_reached(core, d, h->name, row->last_started);
        for (uint32_t i = 0; i < count; i++)
                deployment_changed(core, d, changes[i].name);
}

static int take_settings(struct core *core, const struct summary *s, const struct summary_build *row, struct track_setting **ret)
{
        struct track_setting *new = core_alloc(core, row->settings_count * sizeof(*new));

        if (!new)
                return -ENOMEM;
        for (uint32_t i = 0; i < row->settings_count; i++) {
                const struct summary_setting *from = &s->settings[row->settings + i];

                new[i] = (struct track_setting){ .name = text_get(core, from->name),
                                                 .digest = from->digest,
                                                 .kind = (uint8_t)from->kind };
                if (!new[i].name) {
                        while (i-- > 0)
                                text_put(core, &new[i].name);
                        core_release(core, new, row->settings_count * sizeof(*new));
                        return -ENOMEM;
                }
        }
        *ret = new;
        return 0;
}

static bool same_settings(const struct track_place *p, const struct summary *s, const struct summary_build *row)
{
        bool same = p->key == s->settings_key && p->settings_count == row->settings_count;

        for (uint32_t i = 0; same && i < p->settings_count; i++)
                same = p->settings[i].digest == s->settings[row->settings + i].digest;
        return same;
}

static struct track_place *new_place(struct core *core, struct track *t)
{
        if (core_reserve(core, (void **)&t->places, t->places_count, &t->places_capacity, sizeof(*t->places)) < 0)
                return NULL;
        t->places[t->places_count] = (struct track_place){ 0 };
        return &t->places[t->places_count++];
}

int settings_take(struct core *core, struct track *t, struct host *h, struct text *instance, const struct summary *s,
                  const struct summary_build *row, const struct build_print *print, bool anew)
{
        struct track_place *p = find_place(t, h->name, instance);
        struct change changes[DEPLOYMENT_CHANGES_MAX];
        struct track_setting *new = NULL;
        uint64_t digest = print_digest(print);
        uint32_t count = 0;
        int r;

        /* The same process told again, or an older one. A little later by an agent that started anew is the
         * same one, whose files may have been replaced; by one that did not only if nothing differs. */
        if (p && row->last_started <= p->started)
                return 0;
        if (p && row->last_started <= p->started + SAME_START && (anew || (p->print == digest && same_settings(p, s, row))))
                return 0;
        if (core->deployments.settings_count + row->settings_count > TRACK_SETTINGS_MAX)
                return 0;
        r = row->settings_count ? take_settings(core, s, row, &new) : 0;
        if (r < 0)
                return r;
        if (p && p->key == s->settings_key)
                count = find_changes(p, row->unknown, new, row->settings_count, changes, ARRAY_SIZE(changes));
        if (count > 0)
                tell(core, t, h, row, p->print == digest, print, changes, count);
        if (!p)
                p = new_place(core, t);
        else
                place_free(core, p);
        if (!p) {
                for (uint32_t i = 0; i < row->settings_count; i++)
                        text_put(core, &new[i].name);
                core_release(core, new, row->settings_count * sizeof(*new));
                return -ENOMEM;
        }
        *p = (struct track_place){ .host = text_ref(h->name),
                                   .instance = text_ref(instance),
                                   .key = s->settings_key,
                                   .print = digest,
                                   .started = row->last_started,
                                   .unknown = row->unknown,
                                   .settings = new,
                                   .settings_count = row->settings_count };
        core->deployments.settings_count += row->settings_count;
        h->settings_count += row->settings_count;
        t->dirty = true;
        return 0;
}
