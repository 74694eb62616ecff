/* A summary into columns. */
#include "proto/wire_table.h"

int64_t wire_difference(uint64_t a, uint64_t b)
{
        return (int64_t)(a - b);
}

int wire_pack_summary(const struct summary *s, struct arena *arena, Nightshift__Summary **ret_message)
{
        struct wire_packer p = { .s = s, .arena = arena };
        int r;

        if (s->addresses_count > WIRE_ADDRESSES_MAX || s->hooks_count > WIRE_HOOKS_MAX || s->labels_count > WIRE_LABELS_MAX)
                return -E2BIG;
#define X(name, max)                                                                                                               \
        if (s->name##_count > (max))                                                                                               \
                return -E2BIG;
        WIRE_TABLES(X)
#undef X
        p.m = NEW_MESSAGE(&p, summary, Summary);
        if (!p.m)
                return -ENOMEM;
        r = wire_intern_begin(&p);
        if (r < 0)
                return r;
        wire_pack_header(&p);
        wire_pack_host(&p);
#define X(name, max) wire_pack_##name(&p);
        WIRE_TABLES(X)
#undef X
        if (p.r < 0)
                return p.r;
        wire_pack_addresses(&p);
        p.m->strings.data = (uint8_t *)p.text;
        p.m->strings.len = p.text_size;
        p.m->netns = p.netns;
        p.m->n_netns = p.netns_count;
        if (p.r < 0)
                return p.r;
        *ret_message = p.m;
        return 0;
}
