/* The two tables of addresses, which rows refer to by number: those of IPv4 take 4 bytes. */
#include "proto/wire_table.h"

#include <string.h>

static bool is_v4(const struct address *a)
{
        static const uint8_t prefix[12] = { [10] = 0xff, [11] = 0xff };

        return memcmp(a->bytes, prefix, sizeof(prefix)) == 0;
}

struct wire_column {
        struct wire_column *next;
        uint32_t *numbers;
        size_t rows;
};

void wire_renumber_later(struct wire_packer *p, uint32_t *column, size_t rows)
{
        struct wire_column *new = arena_alloc_raw(p->arena, sizeof(*new));

        if (!new) {
                p->r = -ENOMEM;
                return;
        }
        *new = (struct wire_column){ .next = p->address_columns, .numbers = column, .rows = rows };
        p->address_columns = new;
}

/* Writes the two tables of addresses and gives each its final number. */
void wire_pack_addresses(struct wire_packer *p)
{
        Nightshift__Summary *m = p->m;
        uint32_t v4 = 0, v6 = 0;

        for (uint32_t i = 0; i < p->addresses_count; i++)
                v4 += is_v4(&p->addresses[i]);
        m->addresses_v4.data = arena_alloc_raw(p->arena, 4 * (size_t)v4);
        m->addresses_v6.data = arena_alloc_raw(p->arena, 16 * (size_t)(p->addresses_count - v4));
        p->address_number = arena_alloc_raw(p->arena, p->addresses_count * sizeof(*p->address_number));
        if (!m->addresses_v4.data || !m->addresses_v6.data || !p->address_number) {
                p->r = -ENOMEM;
                return;
        }
        m->addresses_v4.len = 4 * (size_t)v4;
        m->addresses_v6.len = 16 * (size_t)(p->addresses_count - v4);
        v4 = 0;
        for (uint32_t i = 0; i < p->addresses_count; i++) {
                if (is_v4(&p->addresses[i])) {
                        memcpy(m->addresses_v4.data + 4 * v4, p->addresses[i].bytes + 12, 4);
                        p->address_number[i] = ++v4;
                } else {
                        memcpy(m->addresses_v6.data + 16 * v6, p->addresses[i].bytes, 16);
                        p->address_number[i] = (uint32_t)(m->addresses_v4.len / 4) + ++v6;
                }
        }
        for (const struct wire_column *c = p->address_columns; c; c = c->next)
                for (size_t i = 0; i < c->rows; i++)
                        if (c->numbers[i] > 0)
                                c->numbers[i] = p->address_number[c->numbers[i] - 1];
}

void wire_get_address(const struct wire_unpacker *u, uint32_t number, struct address *ret_address)
{
        if (number == 0)
                return;
        if (number <= u->v4_count) {
                ret_address->bytes[10] = ret_address->bytes[11] = 0xff;
                memcpy(ret_address->bytes + 12, u->m->addresses_v4.data + 4 * (size_t)(number - 1), 4);
        } else {
                memcpy(ret_address->bytes, u->m->addresses_v6.data + 16 * (number - 1 - u->v4_count), 16);
        }
}
