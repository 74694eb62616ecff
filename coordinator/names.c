/* Strings and services, each held once and counted by reference. */
#include "coordinator/graph.h"

#include <stdlib.h>
#include <string.h>

void *core_alloc(struct core *core, size_t size)
{
        void *p = calloc(1, size);

        if (p)
                core->memory_used += size;
        return p;
}

void core_release(struct core *core, void *pointer, size_t size)
{
        if (!pointer)
                return;
        free(pointer);
        core->memory_used -= size;
}

int core_reserve(struct core *core, void **array, uint32_t count, uint32_t *capacity, size_t item)
{
        uint32_t wanted = MAX(16u, *capacity * 2);
        void *new;

        if (count < *capacity)
                return 0;
        new = realloc(*array, wanted * item);
        if (!new)
                return -ENOMEM;
        core->memory_used += (wanted - *capacity) * item;
        *array = new;
        *capacity = wanted;
        return 0;
}

struct text *text_get(struct core *core, const char *string)
{
        size_t length = strlen(string);
        uint64_t hash = hash_bytes(&core->hash_key, string, length);
        struct text *t;

        for (struct map_node *n = map_first(&core->texts, hash); n; n = map_next(n)) {
                t = container_of(n, struct text, node);
                if (t->length == length && memcmp(t->data, string, length) == 0)
                        return text_ref(t);
        }
        t = core_alloc(core, sizeof(*t) + length + 1);
        if (!t)
                return NULL;
        t->length = (uint32_t)length;
        t->references = 1;
        memcpy(t->data, string, length + 1);
        if (map_insert(&core->texts, &t->node, hash) < 0) {
                core_release(core, t, sizeof(*t) + length + 1);
                return NULL;
        }
        return t;
}

struct text *text_ref(struct text *text)
{
        text->references++;
        return text;
}

void text_put(struct core *core, struct text **text)
{
        struct text *t = TAKE_PTR(*text);

        if (!t || --t->references > 0)
                return;
        map_remove(&core->texts, &t->node);
        core_release(core, t, sizeof(*t) + t->length + 1);
}

static uint64_t service_hash(const struct core *core, const struct text *name, bool external)
{
        struct hash_key key = { core->hash_key.k0 ^ (external ? 1 : 2), core->hash_key.k1 };

        return hash_bytes(&key, name->data, name->length);
}

struct service *service_get(struct core *core, const char *name, bool external)
{
        struct text *text = text_get(core, name);
        struct service *s;
        uint64_t hash;

        if (!text)
                return NULL;
        hash = service_hash(core, text, external);
        for (struct map_node *n = map_first(&core->services, hash); n; n = map_next(n)) {
                s = container_of(n, struct service, node);
                if (s->text == text && s->external == external) {
                        text_put(core, &text);
                        return service_ref(s);
                }
        }
        s = core_alloc(core, sizeof(*s));
        if (!s || map_insert(&core->services, &s->node, hash) < 0) {
                core_release(core, s, sizeof(*s));
                text_put(core, &text);
                return NULL;
        }
        s->references = 1;
        s->text = text;
        s->name = text->data;
        s->external = external;
        core->services_named += !external;
        core->order_valid = false;
        return s;
}

struct service *service_ref(struct service *service)
{
        service->references++;
        return service;
}

void service_put(struct core *core, struct service **service)
{
        struct service *s = TAKE_PTR(*service);

        if (!s || --s->references > 0)
                return;
        map_remove(&core->services, &s->node);
        core->services_named -= !s->external;
        core->order_valid = false;
        text_put(core, &s->text);
        core_release(core, s, sizeof(*s));
}

static int by_name(const void *a, const void *b)
{
        const struct service *s = *(struct service *const *)a, *t = *(struct service *const *)b;
        int r = strcmp(s->name, t->name);

        return r ? r : (int)s->external - (int)t->external;
}

void services_order(struct core *core)
{
        struct service **order;
        uint32_t n = 0;

        if (core->order_valid)
                return;
        order = realloc(core->order, MAX(core->services.count, (size_t)1) * sizeof(*order));
        if (!order)
                return;
        core->order = order;
        for (size_t i = 0; core->services.table && i <= core->services.mask; i++)
                for (struct map_node *node = core->services.table[i]; node; node = node->next)
                        order[n++] = container_of(node, struct service, node);
        qsort(order, n, sizeof(*order), by_name);
        for (uint32_t i = 0; i < n; i++)
                order[i]->rank = i;
        core->order_count = n;
        core->order_valid = true;
}
