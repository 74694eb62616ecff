/* Hands out what changed of deployments and tracks. */
#include "coordinator/deployment_internal.h"
#include "coordinator/records.h"
#include "coordinator/save_internal.h"

#include <string.h>

static int save_removed(struct saver *s, struct track_numbers *l, enum record_kind kind)
{
        uint8_t key[8];
        int r = 0;

        for (; r == 0 && l->handed_out < l->count; l->handed_out += r == 0) {
                save_number_key(key, l->items[l->handed_out]);
                r = save_remove(s, kind, key, sizeof(key));
        }
        return r;
}

static void forget_removed(struct track_numbers *l)
{
        l->count -= l->handed_out;
        if (l->count > 0)
                memmove(l->items, l->items + l->handed_out, l->count * sizeof(*l->items));
        l->handed_out = 0;
}

void deployments_forget_removed(struct core *core)
{
        forget_removed(&core->deployments.removed);
        forget_removed(&core->deployments.removed_tracks);
}

static int put_deployment(struct saver *s, const struct deployment *d)
{
        uint8_t key[8];

        save_number_key(key, d->id);
        write_varint(&s->w, RECORD_VERSION);
        deployment_write(&s->w, d);
        return save_put(s, RECORD_DEPLOYMENT, key, sizeof(key));
}

static int put_track(struct saver *s, const struct track *t)
{
        uint8_t key[8];

        save_number_key(key, t->id);
        write_varint(&s->w, RECORD_VERSION);
        track_write(&s->w, t);
        return save_put(s, RECORD_TRACK, key, sizeof(key));
}

int deployments_snapshot(struct saver *s)
{
        const struct deployments *all = &s->core->deployments;
        int r = 0;

        for (uint32_t i = 0; r == 0 && i < all->count; i++)
                r = put_deployment(s, all->items[i]);
        for (size_t i = 0; r == 0 && all->tracks.table && i <= all->tracks.mask; i++)
                for (struct map_node *n = all->tracks.table[i]; r == 0 && n; n = n->next)
                        r = put_track(s, container_of(n, struct track, node));
        return r;
}

/* Deployments come before the tracks that refer to them. */
int deployments_save(struct saver *s)
{
        struct deployments *all = &s->core->deployments;
        int r = save_removed(s, &all->removed, RECORD_DEPLOYMENT);

        if (r == 0)
                r = save_removed(s, &all->removed_tracks, RECORD_TRACK);
        for (uint32_t i = 0; r == 0 && i < all->count; i++) {
                struct deployment *d = all->items[i];

                if (!d->dirty)
                        continue;
                r = put_deployment(s, d);
                if (r == 0) {
                        d->dirty = false;
                        d->saved = true;
                }
        }
        for (size_t i = 0; r == 0 && all->tracks.table && i <= all->tracks.mask; i++)
                for (struct map_node *n = all->tracks.table[i]; r == 0 && n; n = n->next) {
                        struct track *t = container_of(n, struct track, node);

                        if (!t->dirty)
                                continue;
                        if (s->count >= SAVE_RECORDS_A_CALL)
                                return 1;
                        r = put_track(s, t);
                        if (r == 0) {
                                t->dirty = false;
                                t->saved = true;
                        }
                }
        return r;
}

void deployments_save_again(struct core *core)
{
        struct deployments *all = &core->deployments;

        for (uint32_t i = 0; i < all->count; i++)
                all->items[i]->dirty = true;
        for (size_t i = 0; all->tracks.table && i <= all->tracks.mask; i++)
                for (struct map_node *n = all->tracks.table[i]; n; n = n->next)
                        container_of(n, struct track, node)->dirty = true;
        all->removed.handed_out = all->removed_tracks.handed_out = 0;
}
