/* What summaries and operators say about deployments. */
#include "coordinator/deployment_internal.h"

#include <stdlib.h>
#include <string.h>

#define TRACK_FORGOTTEN_AFTER (30 * 24 * 3600 * NSEC_PER_SEC)

/* The tracks that a host's last complete table named, so that the next one can tell what is gone. */
static void remember(struct core *core, struct host *h, struct track *t)
{
        for (uint32_t i = 0; i < h->tracks_count; i++)
                if (h->tracks[i] == t)
                        return;
        if (core_reserve(core, (void **)&h->tracks, h->tracks_count, &h->tracks_capacity, sizeof(struct track *)) == 0)
                h->tracks[h->tracks_count++] = t;
}

/* An agent that starts anew reads old processes again, whose files may have been replaced meanwhile: a
 * process that was known before runs what it ran before. */
static struct track_build *known_before(struct track *t, const struct host *h, const struct summary_build *row, uint64_t pass)
{
        for (uint32_t i = 0; i < t->builds_count; i++)
                for (uint32_t k = 0; k < t->builds[i].uses_count; k++) {
                        const struct build_use *use = &t->builds[i].uses[k];

                        if (use->host == h->name && use->processes > 0 && use->pass != pass &&
                            llabs(use->first_started - row->first_started) < SAME_START &&
                            llabs(use->last_started - row->last_started) < SAME_START)
                                return &t->builds[i];
                }
        return NULL;
}

static int take_row(struct core *core, struct host *h, const struct summary_build *row, uint64_t pass)
{
        const struct identity *identity = host_identity(core, h, row->identity);
        struct build_print print;
        struct track_build *b;
        struct track *t;
        int r;

        if (!identity)
                return 0;
        t = track_get(core, identity->service, row->program);
        if (!t)
                return 0;
        r = track_print(core, row, &print);
        if (r < 0)
                return r;
        b = h->builds_known ? NULL : known_before(t, h, row, pass);
        r = b ? 0 : track_build_get(core, t, &print, &b);
        if (r == 0) {
                track_use(core, t, b, h, row, pass);
                remember(core, h, t);
                t->pass = pass;
        }
        print_put(core, &print);
        return r == -ENOSPC ? 0 : r;
}

/* After the builds were judged: settings that came with a build belong to its deployment. */
static int take_row_settings(struct core *core, struct host *h, const struct summary *s, const struct summary_build *row, bool anew)
{
        const struct identity *identity = host_identity(core, h, row->identity);
        struct build_print print;
        struct track *t;
        int r;

        t = identity ? track_get(core, identity->service, row->program) : NULL;
        if (!t)
                return 0;
        r = track_print(core, row, &print);
        if (r < 0)
                return r;
        r = settings_take(core, t, h, identity->instance, s, row, &print, anew);
        print_put(core, &print);
        return r;
}

int deployments_take(struct core *core, struct host *h, const struct summary *s)
{
        uint64_t pass = ++core->deployments.pass;
        bool anew = !h->builds_known;
        uint32_t kept = 0;
        int r = 0;

        if (s->sequence < h->builds_sequence || (s->builds_count == 0 && (!s->full || s->part > 0)))
                return 0;
        h->builds_sequence = s->sequence;
        for (size_t i = 0; i < s->builds_count && r == 0; i++)
                r = take_row(core, h, &s->builds[i], pass);
        if (r < 0)
                return r;
        /* What is not named is gone, unless the agent has not looked at everything yet. */
        for (uint32_t i = 0; i < h->tracks_count; i++) {
                struct track *t = h->tracks[i];

                if (s->builds_pending == 0)
                        track_unuse(core, t, h, pass);
                track_judge(core, t);
                if (t->pass == pass || s->builds_pending > 0)
                        h->tracks[kept++] = t;
        }
        h->tracks_count = kept;
        h->builds_known = h->builds_known || s->builds_pending == 0;
        for (size_t i = 0; i < s->builds_count && r == 0; i++)
                r = take_row_settings(core, h, s, &s->builds[i], anew);
        return r;
}

static bool is_used(const struct track *t)
{
        for (uint32_t i = 0; i < t->builds_count; i++)
                if (track_build_runs(&t->builds[i]))
                        return true;
        return false;
}

static bool is_forgotten(const struct core *core, const struct track *t)
{
        for (uint32_t i = 0; i < t->builds_count; i++)
                if (t->builds[i].last_seen + TRACK_FORGOTTEN_AFTER > core->now)
                        return false;
        return !is_used(t) && t->created_at + TRACK_FORGOTTEN_AFTER <= core->now;
}

void deployments_expire(struct core *core)
{
        struct deployments *all = &core->deployments;

        for (size_t i = 0; all->tracks.table && i <= all->tracks.mask; i++)
                for (struct map_node *n = all->tracks.table[i], *next; n; n = next) {
                        struct track *t = container_of(n, struct track, node);

                        next = n->next;
                        if (t->open)
                                track_judge(core, t);
                        if (!is_forgotten(core, t))
                                continue;
                        if (t->saved && core_reserve(core, (void **)&all->removed_tracks.items, all->removed_tracks.count,
                                                     &all->removed_tracks.capacity, sizeof(*all->removed_tracks.items)) == 0)
                                all->removed_tracks.items[all->removed_tracks.count++] = t->id;
                        track_free(core, t);
                }
        for (uint32_t i = 0; i < all->count; i++) {
                struct deployment *d = all->items[i];

                /* Said, and nothing came of it that anybody saw. */
                if (!d->observed && d->end == DEPLOYMENT_OPEN && d->announced_at + ANNOUNCED_WITHIN < core->now) {
                        d->end = DEPLOYMENT_DONE;
                        d->ended_at = d->at;
                        d->dirty = true;
                }
        }
        deployments_bound(core);
}

void deployments_free(struct core *core)
{
        struct deployments *all = &core->deployments;

        for (uint32_t i = 0; i < all->count; i++)
                deployment_drop(core, all->items[i]);
        for (size_t i = 0; all->tracks.table && i <= all->tracks.mask; i++)
                while (all->tracks.table[i])
                        track_free(core, container_of(all->tracks.table[i], struct track, node));
        free(all->items);
        free(all->removed.items);
        free(all->removed_tracks.items);
        map_free(&all->tracks);
}

static uint32_t processes_of(const struct track_build *b)
{
        uint32_t n = 0;

        for (uint32_t i = 0; i < b->uses_count; i++)
                n += b->uses[i].processes;
        return n;
}

const char *track_version(const struct track *t, uint32_t *most)
{
        const struct track_build *best = NULL;
        const struct build_print *p;

        for (uint32_t i = 0; i < t->builds_count; i++)
                if (processes_of(&t->builds[i]) > *most) {
                        *most = processes_of(&t->builds[i]);
                        best = &t->builds[i];
                }
        if (!best)
                return NULL;
        p = &best->print;
        if (p->version->length)
                return p->version->data;
        if (p->release->length && strrchr(p->release->data, '/'))
                return strrchr(p->release->data, '/') + 1;
        return p->image->data;
}

static const char *version_of(const struct core *core, const char *service)
{
        const char *version = NULL;
        uint32_t most = 0;

        for (size_t i = 0; core->deployments.tracks.table && i <= core->deployments.tracks.mask; i++)
                for (struct map_node *n = core->deployments.tracks.table[i]; n; n = n->next) {
                        const struct track *t = container_of(n, struct track, node);
                        const char *v = strcmp(t->service->data, service) == 0 ? track_version(t, &most) : NULL;

                        version = v ? v : version;
                }
        return version ? version : "";
}

static bool announced_fits(const struct deployment *d, int64_t at)
{
        return d->kind == DEPLOYMENT_BUILD && at >= d->at - ANNOUNCED_WITHIN &&
               (d->observed ? d->ended_at == 0 || at <= d->ended_at + ANNOUNCED_AFTER : at <= d->at + ANNOUNCED_WITHIN);
}

static bool service_is_on(const struct host *h, const char *service)
{
        for (size_t i = 0; h->identities.table && i <= h->identities.mask; i++)
                for (const struct map_node *n = h->identities.table[i]; n; n = n->next)
                        if (strcmp(container_of(n, const struct identity, node)->service->name, service) == 0)
                                return true;
        for (uint32_t i = 0; i < h->tracks_count; i++)
                if (strcmp(h->tracks[i]->service->data, service) == 0)
                        return true;
        return false;
}

static int set(struct core *core, struct text **text, const char *value)
{
        struct text *new = text_get(core, value);

        if (!new)
                return -ENOMEM;
        text_put(core, text);
        *text = new;
        return 0;
}

int deployments_announce(struct core *core, const char *service, const char *version, const char *host, uint64_t *ret_id)
{
        struct host *h = host ? host_find(core, host) : NULL;
        struct text *name;
        struct deployment *d;
        bool found = false;

        for (uint32_t i = 0; i < core->hosts_count && !found; i++)
                found = (!host || core->hosts[i] == h) && service_is_on(core->hosts[i], service);
        if (!found)
                return -ENOENT;
        name = text_get(core, service);
        if (!name)
                return -ENOMEM;
        d = deployment_latest(core, name, announced_fits, core->now);
        if (d && d->announced_at && d->to && strcmp(d->to->data, version) != 0)
                d = NULL;
        if (!d) {
                d = deployment_new(core, name, DEPLOYMENT_BUILD, core->now);
                if (d && set(core, &d->from, version_of(core, service)) < 0)
                        d = NULL;
        }
        text_put(core, &name);
        if (!d || set(core, &d->to, version) < 0)
                return -ENOMEM;
        if (h)
                deployment_reached(core, d, h->name, core->now);
        if (!d->announced_at)
                d->announced_at = core->now;
        d->dirty = true;
        core->changed = true;
        *ret_id = d->id;
        return 0;
}
