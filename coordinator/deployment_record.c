/* Deployments and tracks as records of the store, and back. A track holds all that a later summary is
 * judged by, so that a restart of the coordinator is no news of anybody's build. */
#include "coordinator/bytes.h"
#include "coordinator/deployment_internal.h"

#include <stdlib.h>
#include <string.h>

static void write_text(struct writer *w, const struct text *text)
{
        write_string(w, text ? text->data : "");
}

static void write_print(struct writer *w, const struct build_print *p)
{
        write_text(w, p->build);
        write_text(w, p->release);
        write_text(w, p->image);
        write_text(w, p->version);
        write_varint(w, p->code);
}

void deployment_write(struct writer *w, const struct deployment *d)
{
        write_varint(w, d->kind);
        write_varint(w, d->end);
        write_text(w, d->service);
        write_text(w, d->from);
        write_text(w, d->to);
        write_signed(w, d->at);
        write_signed(w, d->ended_at);
        write_signed(w, d->announced_at);
        write_varint(w, d->observed);
        write_varint(w, d->tracks);
        write_varint(w, d->hosts_count);
        for (uint32_t i = 0; i < d->hosts_count; i++) {
                write_text(w, d->hosts[i].name);
                write_signed(w, d->hosts[i].at);
        }
        write_varint(w, d->changes_count);
        for (uint32_t i = 0; i < d->changes_count; i++)
                write_text(w, d->changes[i]);
}

static void write_place(struct writer *w, const struct track_place *p)
{
        write_text(w, p->host);
        write_text(w, p->instance);
        write_varint(w, p->key);
        write_varint(w, p->print);
        write_signed(w, p->started);
        write_varint(w, p->unknown);
        write_varint(w, p->settings_count);
        for (uint32_t i = 0; i < p->settings_count; i++) {
                write_text(w, p->settings[i].name);
                write_varint(w, p->settings[i].digest);
                write_varint(w, p->settings[i].kind);
                write_varint(w, p->settings[i].turns);
        }
}

void track_write(struct writer *w, const struct track *t)
{
        write_text(w, t->service);
        write_text(w, t->program);
        write_signed(w, t->created_at);
        write_varint(w, t->deployment);
        write_varint(w, t->open);
        write_print(w, &t->from);
        write_print(w, &t->to);
        write_signed(w, t->turned_at[0]);
        write_signed(w, t->turned_at[1]);
        write_varint(w, t->builds_count);
        for (uint32_t i = 0; i < t->builds_count; i++) {
                const struct track_build *b = &t->builds[i];

                write_print(w, &b->print);
                write_varint(w, b->state);
                write_signed(w, b->last_seen);
                write_varint(w, b->uses_count);
                for (uint32_t k = 0; k < b->uses_count; k++) {
                        write_text(w, b->uses[k].host);
                        write_varint(w, b->uses[k].processes);
                        write_varint(w, b->uses[k].most);
                        write_signed(w, b->uses[k].grown_at);
                        write_signed(w, b->uses[k].first_started);
                        write_signed(w, b->uses[k].last_started);
                }
        }
        write_varint(w, t->places_count);
        for (uint32_t i = 0; i < t->places_count; i++)
                write_place(w, &t->places[i]);
}

struct reading {
        struct core *core;
        struct reader *r;
        char *buffer;
        size_t size;
        bool short_of_memory;
};

static struct text *read_text(struct reading *in)
{
        const char *string = read_string(in->r, in->buffer, in->size);
        struct text *t = in->r->failed ? NULL : text_get(in->core, string);

        in->short_of_memory = in->short_of_memory || (!t && !in->r->failed);
        return t;
}

static bool broken(const struct reading *in)
{
        return in->r->failed || in->short_of_memory;
}

static int result(const struct reading *in)
{
        return in->short_of_memory ? -ENOMEM : in->r->failed ? -EBADMSG : 0;
}

static void read_print(struct reading *in, struct build_print *p)
{
        p->build = read_text(in);
        p->release = read_text(in);
        p->image = read_text(in);
        p->version = read_text(in);
        p->code = read_varint(in->r);
}

static void more(struct reading *in, void **array, uint32_t count, uint32_t *capacity, size_t item)
{
        if (core_reserve(in->core, array, count, capacity, item) < 0)
                in->short_of_memory = true;
}

int deployment_load(struct core *core, uint64_t id, struct reader *r, char *buffer, size_t size)
{
        struct reading in = { core, r, buffer, size, false };
        struct deployment *d;
        uint64_t kind = read_varint(r), end = read_varint(r), n;

        if (kind > DEPLOYMENT_ENVIRONMENT || end > DEPLOYMENT_SUPERSEDED || deployment_find(core, id))
                return -EBADMSG;
        d = core_alloc(core, sizeof(*d));
        if (!d)
                return -ENOMEM;
        d->id = id;
        d->kind = (enum deployment_kind)kind;
        d->end = (enum deployment_end)end;
        d->service = read_text(&in);
        d->from = read_text(&in);
        d->to = read_text(&in);
        d->at = read_signed(r);
        d->ended_at = read_signed(r);
        d->announced_at = read_signed(r);
        d->observed = read_varint(r) != 0;
        d->tracks = (uint32_t)read_varint(r);
        d->saved = true;
        n = read_varint(r);
        for (uint64_t i = 0; i < n && !broken(&in); i++) {
                more(&in, (void **)&d->hosts, d->hosts_count, &d->hosts_capacity, sizeof(*d->hosts));
                if (broken(&in))
                        break;
                d->hosts[d->hosts_count].name = read_text(&in);
                d->hosts[d->hosts_count++].at = read_signed(r);
        }
        n = read_varint(r);
        for (uint64_t i = 0; i < n && i < DEPLOYMENT_CHANGES_MAX && !broken(&in); i++) {
                more(&in, (void **)&d->changes, d->changes_count, &d->changes_capacity, sizeof(*d->changes));
                if (broken(&in))
                        break;
                d->changes[d->changes_count++] = read_text(&in);
        }
        if (!broken(&in) && deployment_insert(core, d) == 0)
                return 0;
        deployment_drop(core, d);
        return broken(&in) ? result(&in) : -ENOMEM;
}

static void read_build(struct reading *in, struct track_build *b)
{
        uint64_t state, n;

        read_print(in, &b->print);
        state = read_varint(in->r);
        in->r->failed = in->r->failed || state > BUILD_RETIRED;
        b->state = (enum build_state)MIN(state, (uint64_t)BUILD_RETIRED);
        b->last_seen = read_signed(in->r);
        n = read_varint(in->r);
        for (uint64_t i = 0; i < n && !broken(in); i++) {
                more(in, (void **)&b->uses, b->uses_count, &b->uses_capacity, sizeof(*b->uses));
                if (broken(in))
                        return;
                b->uses[b->uses_count] = (struct build_use){ .host = read_text(in) };
                b->uses[b->uses_count].processes = (uint32_t)read_varint(in->r);
                b->uses[b->uses_count].most = (uint32_t)read_varint(in->r);
                b->uses[b->uses_count].grown_at = read_signed(in->r);
                b->uses[b->uses_count].first_started = read_signed(in->r);
                b->uses[b->uses_count++].last_started = read_signed(in->r);
        }
}

static void read_place(struct reading *in, struct track_place *p)
{
        uint64_t n;

        p->host = read_text(in);
        p->instance = read_text(in);
        p->key = read_varint(in->r);
        p->print = read_varint(in->r);
        p->started = read_signed(in->r);
        p->unknown = (uint32_t)read_varint(in->r);
        n = read_varint(in->r);
        /* Each takes some bytes of the record, so no number makes this large. */
        if (n > (uint64_t)(in->r->end - in->r->data))
                in->r->failed = true;
        if (n == 0 || broken(in))
                return;
        p->settings = core_alloc(in->core, n * sizeof(*p->settings));
        if (!p->settings) {
                in->short_of_memory = true;
                return;
        }
        p->settings_count = (uint32_t)n;
        in->core->deployments.settings_count += p->settings_count;
        for (uint64_t i = 0; i < n; i++) {
                p->settings[i].name = read_text(in);
                p->settings[i].digest = read_varint(in->r);
                p->settings[i].kind = (uint8_t)read_varint(in->r);
                p->settings[i].turns = (uint8_t)read_varint(in->r);
        }
}

int track_load(struct core *core, uint64_t id, struct reader *r, char *buffer, size_t size)
{
        struct reading in = { core, r, buffer, size, false };
        struct text *service_name = read_text(&in), *program = read_text(&in);
        struct service *service = service_name ? service_get(core, service_name->data, false) : NULL;
        uint32_t before = core->deployments.tracks_count;
        struct track *t = service && program ? track_get(core, service, program->data) : NULL;
        uint64_t n;

        service_put(core, &service);
        text_put(core, &service_name);
        text_put(core, &program);
        if (!t || core->deployments.tracks_count == before)
                return broken(&in) ? result(&in) : t ? -EBADMSG : -ENOMEM; /* twice; or no room */
        t->id = id;
        t->saved = true;
        t->dirty = false;
        t->created_at = read_signed(r);
        t->deployment = read_varint(r);
        t->open = read_varint(r) != 0;
        read_print(&in, &t->from);
        read_print(&in, &t->to);
        t->turned_at[0] = read_signed(r);
        t->turned_at[1] = read_signed(r);
        n = read_varint(r);
        for (uint64_t i = 0; i < n && i < TRACK_BUILDS_MAX && !broken(&in); i++) {
                more(&in, (void **)&t->builds, t->builds_count, &t->builds_capacity, sizeof(*t->builds));
                if (broken(&in))
                        break;
                t->builds[t->builds_count] = (struct track_build){ 0 };
                read_build(&in, &t->builds[t->builds_count++]);
        }
        n = read_varint(r);
        for (uint64_t i = 0; i < n && !broken(&in); i++) {
                more(&in, (void **)&t->places, t->places_count, &t->places_capacity, sizeof(*t->places));
                if (broken(&in))
                        break;
                t->places[t->places_count] = (struct track_place){ 0 };
                read_place(&in, &t->places[t->places_count++]);
        }
        /* A print is whole or not there. */
        if (!broken(&in) &&
            t->from.build->length + t->from.release->length + t->from.image->length + t->from.version->length == 0 &&
            t->from.code == 0 && t->deployment == 0) {
                print_put(core, &t->from);
                print_put(core, &t->to);
        }
        if (!broken(&in)) {
                core->deployments.next_track = MAX(core->deployments.next_track, id);
                return 0;
        }
        track_free(core, t);
        return result(&in);
}

/* What a track remembers of hosts counts as theirs again. */
static void restore(struct core *core, struct track *t)
{
        for (uint32_t k = 0; k < t->builds_count; k++)
                for (uint32_t u = 0; u < t->builds[k].uses_count; u++) {
                        struct host *h = host_find(core, t->builds[k].uses[u].host->data);
                        bool there = false;

                        if (!h)
                                continue;
                        h->builds_count++;
                        for (uint32_t x = 0; x < h->tracks_count; x++)
                                there = there || h->tracks[x] == t;
                        if (!there && core_reserve(core, (void **)&h->tracks, h->tracks_count, &h->tracks_capacity,
                                                   sizeof(struct track *)) == 0)
                                h->tracks[h->tracks_count++] = t;
                }
        for (uint32_t i = 0; i < t->places_count; i++) {
                struct host *h = host_find(core, t->places[i].host->data);

                if (h)
                        h->settings_count += t->places[i].settings_count;
        }
}

void deployments_loaded(struct core *core)
{
        struct deployments *all = &core->deployments;

        for (size_t i = 0; all->tracks.table && i <= all->tracks.mask; i++)
                for (struct map_node *n = all->tracks.table[i]; n; n = n->next)
                        restore(core, container_of(n, struct track, node));
}
