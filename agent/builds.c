#include "agent/builds.h"

#include "agent/settings_key.h"

#include <stdlib.h>
#include <string.h>

struct build {
        struct build *next;
        uint64_t hash; /* of all that is below */
        uint32_t users;
        uint64_t code;
        uint32_t unknown, settings_count;
        const char *program, *build, *release, *image, *version; /* in `text` */
        struct summary_setting *settings;
        char *text;
};

struct row {
        const struct build *build;
        uint32_t identity, processes;
        uint64_t first_ns, last_ns;
};

struct builds {
        const char *proc;
        struct hash_key key;
        struct build *first;
        size_t count, settings_count;
        uint32_t reads_left;
        int64_t bytes_left;
        struct fingerprint fingerprint; /* large: not on the stack */

        struct row *rows;
        size_t rows_count, rows_size;
        uint32_t pending;
        struct summary_build *out;
        struct summary_setting *settings;
        size_t out_size, out_count, settings_size, settings_out;
};

int builds_new(const char *proc, const struct hash_key *key, struct builds **ret_builds)
{
        struct builds *b = calloc(1, sizeof(*b));

        if (!b)
                return -ENOMEM;
        b->proc = proc;
        b->key = *key;
        *ret_builds = b;
        return 0;
}

static void release(struct builds *b, struct build *build)
{
        b->count--;
        b->settings_count -= build->settings_count;
        free(build->settings);
        free(build->text);
        free(build);
}

void builds_free(struct builds **builds)
{
        struct builds *b = *builds;

        if (!b)
                return;
        while (b->first) {
                struct build *build = b->first;

                b->first = build->next;
                release(b, build);
        }
        free(b->rows);
        free(b->out);
        free(b->settings);
        free(b);
        *builds = NULL;
}

void builds_interval(struct builds *b)
{
        b->reads_left = BUILDS_READS;
        b->bytes_left = BUILDS_READ_BYTES;
}

static uint64_t content(const struct fingerprint *f)
{
        static const struct hash_key plain = { 1, 2 };
        uint64_t parts[8] = { hash_bytes(&plain, f->program, strlen(f->program)),
                              hash_bytes(&plain, f->build, strlen(f->build)),
                              hash_bytes(&plain, f->release, strlen(f->release)),
                              hash_bytes(&plain, f->image, strlen(f->image)),
                              hash_bytes(&plain, f->version, strlen(f->version)),
                              f->code,
                              f->settings.unknown };

        for (uint32_t i = 0; i < f->settings.count; i++) {
                const struct setting *s = &f->settings.items[i];
                uint64_t next[4] = { parts[7], (uint64_t)s->kind, hash_bytes(&plain, s->name, strlen(s->name)), s->digest };

                parts[7] = hash_bytes(&plain, next, sizeof(next));
        }
        return hash_bytes(&plain, parts, sizeof(parts));
}

static char *append(char **at, const char *text)
{
        size_t n = strlen(text) + 1;
        char *place = *at;

        memcpy(place, text, n);
        *at += n;
        return place;
}

static struct build *make(const struct fingerprint *f)
{
        struct build *build = calloc(1, sizeof(*build));
        size_t size = strlen(f->program) + strlen(f->build) + strlen(f->release) + strlen(f->image) + strlen(f->version) + 5;
        char *at;

        for (uint32_t i = 0; i < f->settings.count; i++)
                size += strlen(f->settings.items[i].name) + 1;
        at = build ? malloc(size) : NULL;
        if (build) {
                build->text = at;
                build->settings = calloc(MAX(f->settings.count, 1u), sizeof(*build->settings));
        }
        if (!at || !build->settings) {
                if (build)
                        free(build->settings);
                free(at);
                free(build);
                return NULL;
        }
        build->program = append(&at, f->program);
        build->build = append(&at, f->build);
        build->release = append(&at, f->release);
        build->image = append(&at, f->image);
        build->version = append(&at, f->version);
        build->code = f->code;
        build->unknown = f->settings.unknown;
        build->settings_count = f->settings.count;
        for (uint32_t i = 0; i < f->settings.count; i++)
                build->settings[i] = (struct summary_setting){ f->settings.items[i].kind, append(&at, f->settings.items[i].name),
                                                               f->settings.items[i].digest };
        return build;
}

int builds_read(struct builds *b, const struct fingerprint_facts *facts, struct build **ret_build)
{
        struct fingerprint_facts with = *facts;
        struct build *build;
        uint64_t hash, read = 0;
        int r;

        if (b->reads_left == 0 || b->bytes_left <= 0)
                return -EAGAIN;
        b->reads_left--;
        with.proc = b->proc;
        with.key = &b->key;
        r = fingerprint_read(&with, &b->fingerprint, &read);
        if (r < 0)
                return r;
        b->bytes_left -= (int64_t)read;
        if (b->count >= BUILDS_MAX || b->settings_count + b->fingerprint.settings.count > BUILDS_SETTINGS_MAX) {
                b->fingerprint.settings.count = 0;
                b->fingerprint.settings.unknown = 1u << SETTING_FILE | 1u << SETTING_FLAG | 1u << SETTING_ENVIRONMENT;
        }
        hash = content(&b->fingerprint);
        for (build = b->first; build && build->hash != hash; build = build->next)
                ;
        if (!build) {
                if (b->count >= 2 * BUILDS_MAX)
                        return -ENOSPC;
                build = make(&b->fingerprint);
                if (!build)
                        return -ENOMEM;
                build->hash = hash;
                build->next = b->first;
                b->first = build;
                b->count++;
                b->settings_count += build->settings_count;
        }
        build->users++;
        *ret_build = build;
        return 0;
}

void builds_put(struct builds *b, struct build **build)
{
        struct build *one = *build;

        *build = NULL;
        if (!one || --one->users > 0)
                return;
        for (struct build **at = &b->first; *at; at = &(*at)->next)
                if (*at == one) {
                        *at = one->next;
                        release(b, one);
                        return;
                }
}

void builds_begin(struct builds *b)
{
        b->rows_count = b->out_count = b->settings_out = 0;
        b->pending = 0;
}

int builds_add(struct builds *b, uint32_t identity, const struct build *build, uint64_t start_ns)
{
        if (!build) {
                b->pending++;
                return 0;
        }
        if (b->rows_count == b->rows_size) {
                size_t size = b->rows_size ? b->rows_size * 2 : 64;
                struct row *rows = reallocarray(b->rows, size, sizeof(*rows));

                if (!rows)
                        return -ENOMEM;
                b->rows = rows;
                b->rows_size = size;
        }
        b->rows[b->rows_count++] =
                (struct row){ .build = build, .identity = identity, .processes = 1, .first_ns = start_ns, .last_ns = start_ns };
        return 0;
}

static int by_build(const void *a, const void *b)
{
        const struct row *x = a, *y = b;

        if (x->identity != y->identity)
                return x->identity < y->identity ? -1 : 1;
        return (x->build->hash > y->build->hash) - (x->build->hash < y->build->hash);
}

static void merge(struct builds *b)
{
        size_t kept = 0;

        if (b->rows_count)
                qsort(b->rows, b->rows_count, sizeof(*b->rows), by_build);
        for (size_t i = 0; i < b->rows_count; i++) {
                struct row *last = kept ? &b->rows[kept - 1] : NULL;

                if (last && last->build == b->rows[i].build && last->identity == b->rows[i].identity) {
                        last->processes++;
                        last->first_ns = MIN(last->first_ns, b->rows[i].first_ns);
                        last->last_ns = MAX(last->last_ns, b->rows[i].last_ns);
                } else {
                        b->rows[kept++] = b->rows[i];
                }
        }
        b->rows_count = kept;
}

static int reserve(struct builds *b, size_t settings)
{
        if (b->out_size < b->rows_count) {
                struct summary_build *out = reallocarray(b->out, b->rows_count, sizeof(*out));

                if (!out)
                        return -ENOMEM;
                b->out = out;
                b->out_size = b->rows_count;
        }
        if (b->settings_size < settings) {
                struct summary_setting *out = reallocarray(b->settings, settings, sizeof(*out));

                if (!out)
                        return -ENOMEM;
                b->settings = out;
                b->settings_size = settings;
        }
        return 0;
}

int builds_end(struct builds *b, int64_t offset, uint64_t *ret_hash)
{
        uint64_t h = UINT64_C(0xcbf29ce484222325) + (b->pending > 0);
        size_t settings = 0;
        int r;

        merge(b);
        /* Many identities may share a build, so the sum is bounded once more here. */
        for (size_t i = 0; i < b->rows_count; i++)
                settings += b->rows[i].build->settings_count;
        r = reserve(b, MIN(settings, (size_t)BUILDS_SETTINGS_MAX));
        if (r < 0)
                return r;
        for (size_t i = 0; i < b->rows_count; i++) {
                const struct row *row = &b->rows[i];
                const struct build *build = row->build;
                bool fits = b->settings_out + build->settings_count <= BUILDS_SETTINGS_MAX;
                uint64_t parts[5] = { h, row->identity, build->hash, row->processes, row->first_ns ^ row->last_ns << 1 };

                h = hash_bytes(&b->key, parts, sizeof(parts));
                b->out[b->out_count++] = (struct summary_build){
                        .identity = row->identity,
                        .processes = row->processes,
                        .program = build->program,
                        .build = build->build,
                        .release = build->release,
                        .image = build->image,
                        .version = build->version,
                        .code = build->code,
                        .first_started = (int64_t)row->first_ns + offset,
                        .last_started = (int64_t)row->last_ns + offset,
                        .unknown = fits ? build->unknown : 1u << SETTING_FILE | 1u << SETTING_FLAG | 1u << SETTING_ENVIRONMENT,
                        .settings = (uint32_t)b->settings_out,
                        .settings_count = fits ? build->settings_count : 0
                };
                if (fits && build->settings_count) {
                        memcpy(b->settings + b->settings_out, build->settings, build->settings_count * sizeof(*build->settings));
                        b->settings_out += build->settings_count;
                }
        }
        *ret_hash = h;
        return 0;
}

void builds_rows(const struct builds *b, struct summary *summary)
{
        summary->builds = b->out;
        summary->builds_count = b->out_count;
        summary->builds_pending = b->pending;
        summary->settings = b->settings;
        summary->settings_count = b->settings_out;
        summary->settings_key = settings_key_name(&b->key);
}
