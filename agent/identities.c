#include "agent/identities.h"

#include <stdlib.h>
#include <string.h>

static uint64_t mix(uint64_t h, const char *text)
{
        for (const unsigned char *p = (const unsigned char *)text;; p++) {
                h = (h ^ *p) * UINT64_C(0x100000001b3); /* FNV-1a */
                if (!*p)
                        return h;
        }
}

static uint64_t names_hash(enum identity_kind kind, const char *service, const char *instance, const char *executable)
{
        uint64_t h = UINT64_C(0xcbf29ce484222325) + kind;

        h = mix(mix(mix(h, service), instance), executable);
        return h ^ h >> 32;
}

static int index_resize(struct identities *identities, size_t size)
{
        uint32_t *index = calloc(size, sizeof(*index));

        if (!index)
                return -ENOMEM;
        for (size_t n = 0; n < identities->count; n++) {
                const struct summary_identity *s = &identities->items[n];
                size_t i = names_hash(s->kind, s->service, s->instance, s->executable) & (size - 1);

                while (index[i])
                        i = (i + 1) & (size - 1);
                index[i] = (uint32_t)n + 1;
        }
        free(identities->index);
        identities->index = index;
        identities->index_size = size;
        return 0;
}

/* The strings of an identity lie in one allocation that begins at `service`. */
static int identity_add(struct identities *identities, const struct identity *identity, uint32_t *ret_id)
{
        size_t n[5] = { strlen(identity->service) + 1, strlen(identity->instance) + 1, strlen(identity->executable) + 1,
                        strlen(identity->cgroup) + 1, strlen(identity->version) + 1 };
        struct summary_identity *s;
        char *text;
        int r;

        if (identities->count == identities->size) {
                size_t size = identities->size ? identities->size * 2 : 64;
                struct summary_identity *grown = reallocarray(identities->items, size, sizeof(*grown));

                if (!grown)
                        return -ENOMEM;
                identities->items = grown;
                identities->size = size;
        }
        if (identities->index_size < 2 * (identities->count + 1)) {
                r = index_resize(identities, identities->index_size ? identities->index_size * 2 : 128);
                if (r < 0)
                        return r;
        }
        text = malloc(n[0] + n[1] + n[2] + n[3] + n[4]);
        if (!text)
                return -ENOMEM;
        s = &identities->items[identities->count];
        *s = (struct summary_identity){ .id = ++identities->last_id, .kind = identity->kind };
        s->service = memcpy(text, identity->service, n[0]);
        s->instance = memcpy(text += n[0], identity->instance, n[1]);
        s->executable = memcpy(text += n[1], identity->executable, n[2]);
        s->cgroup = memcpy(text += n[2], identity->cgroup, n[3]);
        s->version = memcpy(text + n[3], identity->version, n[4]);
        identities->count++;
        *ret_id = s->id;
        return 0;
}

int identities_intern(struct identities *identities, const struct identity *identity, uint32_t *ret_id)
{
        size_t i = 0;
        int r;

        if (identities->index_size) {
                i = names_hash(identity->kind, identity->service, identity->instance, identity->executable) &
                    (identities->index_size - 1);
                for (; identities->index[i]; i = (i + 1) & (identities->index_size - 1)) {
                        const struct summary_identity *s = &identities->items[identities->index[i] - 1];

                        if (s->kind == identity->kind && strcmp(s->service, identity->service) == 0 &&
                            strcmp(s->instance, identity->instance) == 0 && strcmp(s->executable, identity->executable) == 0) {
                                *ret_id = s->id;
                                return 0;
                        }
                }
        }
        r = identity_add(identities, identity, ret_id);
        if (r < 0)
                return r;
        i = names_hash(identity->kind, identity->service, identity->instance, identity->executable) & (identities->index_size - 1);
        while (identities->index[i])
                i = (i + 1) & (identities->index_size - 1);
        identities->index[i] = (uint32_t)identities->count;
        return 0;
}

void identities_free(struct identities *identities)
{
        for (size_t i = 0; i < identities->count; i++)
                free((void *)identities->items[i].service);
        free(identities->items);
        free(identities->index);
        free(identities->marks);
        *identities = (struct identities){ 0 };
}

static int by_id(const void *key, const void *item)
{
        uint32_t id = *(const uint32_t *)key, other = ((const struct summary_identity *)item)->id;

        return id < other ? -1 : id > other;
}

const struct summary_identity *identities_get(const struct identities *identities, uint32_t id)
{
        return bsearch(&id, identities->items, identities->count, sizeof(*identities->items), by_id);
}

int identities_mark_begin(struct identities *identities)
{
        free(identities->marks);
        identities->marks = calloc(identities->count, 1);
        return identities->marks ? 0 : -ENOMEM;
}

void identities_mark(struct identities *identities, uint32_t id)
{
        const struct summary_identity *s = identities_get(identities, id);

        if (s)
                identities->marks[s - identities->items] = 1;
}

bool identities_marked(const struct identities *identities, uint32_t id)
{
        const struct summary_identity *s = identities_get(identities, id);

        return s && identities->marks[s - identities->items];
}

void identities_collect(struct identities *identities)
{
        size_t kept = 0;

        for (size_t i = 0; i < identities->count; i++) {
                if (identities->marks[i])
                        identities->items[kept++] = identities->items[i];
                else
                        free((void *)identities->items[i].service);
        }
        memset(identities->items + kept, 0, (identities->count - kept) * sizeof(*identities->items));
        identities->count = kept;
        free(identities->marks);
        identities->marks = NULL;
        /* The same size always has room; only memory can fail, and then nothing is found by name. */
        if (index_resize(identities, identities->index_size) < 0)
                memset(identities->index, 0, identities->index_size * sizeof(*identities->index));
}
