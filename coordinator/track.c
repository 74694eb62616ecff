/* Tracks: which builds of a program run where. */
#include "coordinator/deployment_internal.h"

#include <stdlib.h>
#include <string.h>

static uint64_t track_hash(const struct core *core, const char *service, const char *program)
{
        uint64_t both[2] = { hash_bytes(&core->hash_key, service, strlen(service)),
                             hash_bytes(&core->hash_key, program, strlen(program)) };

        return hash_bytes(&core->hash_key, both, sizeof(both));
}

struct track *track_get(struct core *core, struct service *of, const char *program)
{
        const char *service = of->name;
        struct deployments *d = &core->deployments;
        uint64_t hash = track_hash(core, service, program);
        struct track *t;

        for (struct map_node *n = map_first(&d->tracks, hash); n; n = map_next(n)) {
                t = container_of(n, struct track, node);
                if (strcmp(t->service->data, service) == 0 && strcmp(t->program->data, program) == 0)
                        return t;
        }
        if (d->tracks_count >= TRACKS_MAX || of->programs >= TRACKS_PER_SERVICE) {
                d->left_out++;
                return NULL;
        }
        t = core_alloc(core, sizeof(*t));
        if (!t)
                return NULL;
        t->service = text_get(core, service);
        t->program = text_get(core, program);
        if (!t->service || !t->program || map_insert(&d->tracks, &t->node, hash) < 0) {
                text_put(core, &t->service);
                text_put(core, &t->program);
                core_release(core, t, sizeof(*t));
                return NULL;
        }
        t->id = ++d->next_track;
        t->created_at = core->now;
        t->dirty = true;
        d->tracks_count++;
        of->programs++;
        return t;
}

static void drop_build(struct core *core, struct track_build *b)
{
        for (uint32_t i = 0; i < b->uses_count; i++) {
                struct host *h = b->uses[i].host ? host_find(core, b->uses[i].host->data) : NULL;

                if (h)
                        h->builds_count -= MIN(h->builds_count, 1u);
                text_put(core, &b->uses[i].host);
        }
        core_release(core, b->uses, b->uses_capacity * sizeof(*b->uses));
        print_put(core, &b->print);
}

void track_free(struct core *core, struct track *t)
{
        for (uint32_t i = 0; i < t->builds_count; i++)
                drop_build(core, &t->builds[i]);
        core_release(core, t->builds, t->builds_capacity * sizeof(*t->builds));
        for (uint32_t i = 0; i < t->places_count; i++)
                place_free(core, &t->places[i]);
        core_release(core, t->places, t->places_capacity * sizeof(*t->places));
        print_put(core, &t->from);
        print_put(core, &t->to);
        map_remove(&core->deployments.tracks, &t->node);
        core->deployments.tracks_count--;
        text_put(core, &t->service);
        text_put(core, &t->program);
        core_release(core, t, sizeof(*t));
}

int track_print(struct core *core, const struct summary_build *row, struct build_print *ret_print)
{
        struct build_print p = { .build = text_get(core, row->build),
                                 .release = text_get(core, row->release),
                                 .image = text_get(core, row->image),
                                 .version = text_get(core, row->version),
                                 .code = row->code };

        if (!p.build || !p.release || !p.image || !p.version) {
                print_put(core, &p);
                return -ENOMEM;
        }
        *ret_print = p;
        return 0;
}

struct build_print print_ref(const struct build_print *p)
{
        text_ref(p->build);
        text_ref(p->release);
        text_ref(p->image);
        text_ref(p->version);
        return *p;
}

void print_put(struct core *core, struct build_print *p)
{
        text_put(core, &p->build);
        text_put(core, &p->release);
        text_put(core, &p->image);
        text_put(core, &p->version);
        p->code = 0;
}

bool print_same(const struct build_print *a, const struct build_print *b)
{
        return a->build == b->build && a->release == b->release && a->image == b->image && a->version == b->version &&
               a->code == b->code;
}

uint64_t print_digest(const struct build_print *p)
{
        static const struct hash_key key = { 3, 4 };
        uint64_t parts[5] = { hash_bytes(&key, p->build->data, p->build->length),
                              hash_bytes(&key, p->release->data, p->release->length),
                              hash_bytes(&key, p->image->data, p->image->length),
                              hash_bytes(&key, p->version->data, p->version->length), p->code };

        return hash_bytes(&key, parts, sizeof(parts));
}

struct text *print_label(struct core *core, const struct build_print *p, const struct build_print *other)
{
        const char *slash = strrchr(p->release->data, '/');
        char text[40];

        if (p->version->length && (!other || p->version != other->version))
                return text_ref(p->version);
        if (p->release->length && (!other || p->release != other->release))
                return text_get(core, slash && slash[1] ? slash + 1 : p->release->data);
        if (p->image->length && (!other || p->image != other->image))
                return text_ref(p->image);
        if (p->build->length && (!other || p->build != other->build)) {
                size_t n = MIN((size_t)p->build->length, (size_t)12);

                memcpy(text, p->build->data, n);
                text[n] = '\0';
                return text_get(core, text);
        }
        if (p->code && (!other || p->code != other->code)) {
                for (int i = 0; i < 12; i++)
                        text[i] = "0123456789abcdef"[p->code >> (60 - 4 * i) & 15];
                text[12] = '\0';
                return text_get(core, text);
        }
        return other ? print_label(core, p, NULL) : text_get(core, "");
}

int track_build_get(struct core *core, struct track *t, struct build_print *print, struct track_build **ret_build)
{
        struct track_build *oldest = NULL;

        for (uint32_t i = 0; i < t->builds_count; i++)
                if (print_same(&t->builds[i].print, print)) {
                        *ret_build = &t->builds[i];
                        return 0;
                }
        t->dirty = true;
        if (t->builds_count < TRACK_BUILDS_MAX) {
                if (core_reserve(core, (void **)&t->builds, t->builds_count, &t->builds_capacity, sizeof(*t->builds)) < 0)
                        return -ENOMEM;
                oldest = &t->builds[t->builds_count++];
        } else {
                for (uint32_t i = 0; i < t->builds_count; i++) {
                        struct track_build *b = &t->builds[i];

                        if (!track_build_runs(b) && b->state != BUILD_SETTLED && (!oldest || b->last_seen < oldest->last_seen))
                                oldest = b;
                }
                if (!oldest)
                        return -ENOSPC;
                drop_build(core, oldest);
        }
        *oldest = (struct track_build){ .print = print_ref(print) };
        *ret_build = oldest;
        return 0;
}

void track_use(struct core *core, struct track *t, struct track_build *b, struct host *h, const struct summary_build *row,
               uint64_t pass)
{
        struct build_use *use = NULL;

        for (uint32_t i = 0; i < b->uses_count && !use; i++)
                if (b->uses[i].host == h->name)
                        use = &b->uses[i];
        if (!use) {
                if (core_reserve(core, (void **)&b->uses, b->uses_count, &b->uses_capacity, sizeof(*b->uses)) < 0)
                        return;
                use = &b->uses[b->uses_count++];
                *use = (struct build_use){ .host = text_ref(h->name) };
                h->builds_count++;
        }
        t->dirty = t->dirty || use->last_started < row->last_started - SAME_START || use->processes == 0;
        if (use->pass != pass) { /* the table's first row of it */
                use->processes = 0;
                use->first_started = INT64_MAX;
                use->last_started = 0;
        }
        use->pass = pass;
        use->processes += row->processes;
        use->first_started = MIN(use->first_started, row->first_started);
        use->last_started = MAX(use->last_started, row->last_started);
        if (use->processes > use->most) {
                use->most = use->processes;
                use->grown_at = use->last_started;
        }
        b->last_seen = core->now;
}

/* What it ran is remembered with no processes, as the measure of what is new. */
void track_unuse(struct core *core, struct track *t, const struct host *h, uint64_t pass)
{
        for (uint32_t i = 0; i < t->builds_count; i++) {
                struct track_build *b = &t->builds[i];

                for (uint32_t k = 0; k < b->uses_count; k++) {
                        if (b->uses[k].host != h->name || b->uses[k].pass == pass || b->uses[k].processes == 0)
                                continue;
                        b->uses[k].processes = 0;
                        b->last_seen = core->now;
                        t->dirty = true;
                }
        }
}

bool track_build_runs(const struct track_build *b)
{
        for (uint32_t i = 0; i < b->uses_count; i++)
                if (b->uses[i].processes > 0)
                        return true;
        return false;
}

bool track_build_runs_on(const struct track_build *b, const struct text *host)
{
        for (uint32_t i = 0; i < b->uses_count; i++)
                if (b->uses[i].host == host)
                        return b->uses[i].processes > 0;
        return false;
}

bool track_build_lives(const struct core *core, const struct track_build *b)
{
        for (uint32_t i = 0; i < b->uses_count; i++) {
                const struct host *h = b->uses[i].processes ? host_find(core, b->uses[i].host->data) : NULL;

                if (h && core->now - h->heard <= HOST_LOST)
                        return true;
        }
        return false;
}

int64_t track_build_started(const struct track_build *b)
{
        int64_t first = INT64_MAX;

        for (uint32_t i = 0; i < b->uses_count; i++)
                if (b->uses[i].processes > 0)
                        first = MIN(first, b->uses[i].first_started);
        return first;
}
