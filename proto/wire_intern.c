/* Text, addresses, network namespaces and identities are interned: a row refers to them by number. */
#include "proto/wire_table.h"

#include "proto/hash.h"

#include <string.h>

/* Numbers of things already met, by content; open addressing, and a thing whose place is taken after
 * a few steps is simply sent twice, so that no content can make this slow. */
#define INTERN_STEPS 8u

static const struct hash_key intern_key = { UINT64_C(0x6e69676874736869), UINT64_C(0x6674207769726521) };

static int intern_init(struct wire_packer *p, struct wire_intern *in, size_t things)
{
        uint32_t size = 16;

        while (size < 2 * things)
                size *= 2;
        in->slots = arena_alloc(p->arena, size * sizeof(*in->slots));
        in->mask = size - 1;
        return in->slots ? 0 : -ENOMEM;
}

static void *grown(struct wire_packer *p, void *old, size_t used, size_t capacity)
{
        void *new = arena_alloc_raw(p->arena, capacity);

        if (!new) {
                p->r = -ENOMEM;
                return NULL;
        }
        if (used > 0)
                memcpy(new, old, used);
        return new;
}

uint32_t wire_intern_text(struct wire_packer *p, const char *text)
{
        size_t length = wire_text_length(text, WIRE_TEXT_MAX);
        uint32_t slot, i;

        if (length == 0 || p->r < 0)
                return 0;
        if (p->text_size + length + 1 > p->text_capacity) {
                size_t capacity = MAX((size_t)4096, 2 * (p->text_size + length + 1));
                char *new = grown(p, p->text, p->text_size, capacity);

                if (!new)
                        return 0;
                p->text = new;
                p->text_capacity = capacity;
        }
        /* Cleaned in place at the end of the table, where it stays if it is new. */
        wire_text_clean(p->text + p->text_size, text, length);
        slot = (uint32_t)hash_bytes(&intern_key, p->text + p->text_size, length) & p->text_index.mask;
        for (i = 0; i < INTERN_STEPS; i++, slot = (slot + 1) & p->text_index.mask) {
                uint32_t number = p->text_index.slots[slot];

                if (number == 0 || number > p->text_count) /* there is none of the second kind */
                        break;
                if (strcmp(p->text + p->text_offset[number - 1], p->text + p->text_size) == 0)
                        return number;
        }
        if (p->text_count == p->text_capacity_count) {
                uint32_t capacity = MAX(64u, 2 * p->text_capacity_count);
                size_t *new = grown(p, p->text_offset, p->text_count * sizeof(*new), capacity * sizeof(*new));

                if (!new)
                        return 0;
                p->text_offset = new;
                p->text_capacity_count = capacity;
        }
        p->text_offset[p->text_count++] = p->text_size;
        p->text_size += length + 1;
        if (i < INTERN_STEPS)
                p->text_index.slots[slot] = p->text_count;
        return p->text_count;
}

static bool all_zero(const struct address *a)
{
        static const struct address zero;

        return memcmp(a, &zero, sizeof(zero)) == 0;
}

uint32_t wire_intern_address(struct wire_packer *p, const struct address *a)
{
        uint32_t slot, i;

        if (all_zero(a) || p->r < 0)
                return 0;
        slot = (uint32_t)hash_bytes(&intern_key, a, sizeof(*a)) & p->address_index.mask;
        for (i = 0; i < INTERN_STEPS; i++, slot = (slot + 1) & p->address_index.mask) {
                uint32_t number = p->address_index.slots[slot];

                if (number == 0)
                        break;
                if (memcmp(&p->addresses[number - 1], a, sizeof(*a)) == 0)
                        return number;
        }
        if (p->addresses_count == p->addresses_capacity) {
                uint32_t capacity = MAX(64u, 2 * p->addresses_capacity);
                struct address *new = grown(p, p->addresses, p->addresses_count * sizeof(*new), capacity * sizeof(*new));

                if (!new)
                        return 0;
                p->addresses = new;
                p->addresses_capacity = capacity;
        }
        p->addresses[p->addresses_count++] = *a;
        if (i < INTERN_STEPS)
                p->address_index.slots[slot] = p->addresses_count;
        return p->addresses_count;
}

uint32_t wire_intern_netns(struct wire_packer *p, uint32_t netns)
{
        uint32_t slot, i;

        if (netns == 0 || p->r < 0)
                return 0;
        slot = (uint32_t)hash_bytes(&intern_key, &netns, sizeof(netns)) & p->netns_index.mask;
        for (i = 0; i < INTERN_STEPS; i++, slot = (slot + 1) & p->netns_index.mask) {
                uint32_t number = p->netns_index.slots[slot];

                if (number == 0)
                        break;
                if (p->netns[number - 1] == netns)
                        return number;
        }
        if (p->netns_count == p->netns_capacity) {
                uint32_t capacity = MAX(64u, 2 * p->netns_capacity);
                uint32_t *new = grown(p, p->netns, p->netns_count * sizeof(*new), capacity * sizeof(*new));

                if (!new)
                        return 0;
                p->netns = new;
                p->netns_capacity = capacity;
        }
        p->netns[p->netns_count++] = netns;
        if (i < INTERN_STEPS)
                p->netns_index.slots[slot] = p->netns_count;
        return p->netns_count;
}

static uint32_t identity_slot(const struct wire_packer *p, uint32_t id)
{
        return (uint32_t)hash_bytes(&intern_key, &id, sizeof(id)) & p->identity_index.mask;
}

uint32_t wire_intern_identity(struct wire_packer *p, uint32_t id)
{
        uint32_t slot = identity_slot(p, id);

        if (id == 0)
                return 0;
        for (; p->identity_index.slots[slot]; slot = (slot + 1) & p->identity_index.mask)
                if (p->s->identities[p->identity_index.slots[slot] - 1].id == id)
                        return p->identity_index.slots[slot];
        p->r = -EINVAL;
        return 0;
}

/* Every identity has its slot, however many steps it takes: ids are the agent's own numbers. */
static int index_identities(struct wire_packer *p)
{
        const struct summary *s = p->s;

        for (size_t i = 0; i < s->identities_count; i++) {
                uint32_t slot = identity_slot(p, s->identities[i].id);

                for (; p->identity_index.slots[slot]; slot = (slot + 1) & p->identity_index.mask)
                        if (s->identities[p->identity_index.slots[slot] - 1].id == s->identities[i].id)
                                return -EINVAL;
                p->identity_index.slots[slot] = (uint32_t)i + 1;
        }
        return 0;
}

int wire_intern_begin(struct wire_packer *p)
{
        const struct summary *s = p->s;

        if (intern_init(p, &p->text_index, 5 * s->identities_count + 2 * s->processes_count + 256) < 0 ||
            intern_init(p, &p->address_index, s->edges_count + s->addresses_count + s->listeners_count) < 0 ||
            intern_init(p, &p->netns_index, s->addresses_count + 64) < 0 ||
            intern_init(p, &p->identity_index, s->identities_count) < 0)
                return -ENOMEM;
        return index_identities(p);
}
