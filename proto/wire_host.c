/* What is complete in every summary: labels, hooks and addresses of the host. */
#include "proto/wire_table.h"

void wire_pack_host(struct wire_packer *p)
{
        const struct summary *s = p->s;
        Nightshift__Summary *m = p->m;

        PACK_FIRST(p, m, label_key, s->labels_count, wire_intern_text(p, s->labels[i].key));
        PACK(p, m, label_value, s->labels_count, wire_intern_text(p, s->labels[i].value));
        PACK_FIRST(p, m, hook_name, s->hooks_count, wire_intern_text(p, s->hooks[i].name));
        PACK(p, m, hook_state, s->hooks_count, wire_intern_text(p, s->hooks[i].state));
        PACK(p, m, hook_detail, s->hooks_count, wire_intern_text(p, s->hooks[i].detail));
        PACK_FIRST(p, m, address, s->addresses_count, wire_intern_address(p, &s->addresses[i].address));
        wire_renumber_later(p, m->address, m->n_address);
        PACK(p, m, address_netns, s->addresses_count, wire_intern_netns(p, s->addresses[i].netns));
}

int wire_unpack_host(struct wire_unpacker *u)
{
        const Nightshift__Summary *m = u->m;
        struct summary *s = u->s;
        size_t labels = m->n_label_key, hooks = m->n_hook_name, addresses = m->n_address;

        if (labels > WIRE_LABELS_MAX)
                FAIL(u, "label_key: too many rows");
        if (hooks > WIRE_HOOKS_MAX)
                FAIL(u, "hook_name: too many rows");
        if (addresses > WIRE_ADDRESSES_MAX)
                FAIL(u, "address: too many rows");
        s->labels = NEW_ROWS(u, labels * sizeof(*s->labels));
        s->hooks = NEW_ROWS(u, hooks * sizeof(*s->hooks));
        s->addresses = NEW_ROWS(u, addresses * sizeof(*s->addresses));
        s->labels_count = labels;
        s->hooks_count = hooks;
        s->addresses_count = addresses;
        UNPACK_TEXT(u, "labels", m, label_key, labels, s->labels[i].key);
        UNPACK_TEXT(u, "labels", m, label_value, labels, s->labels[i].value);
        UNPACK_TEXT(u, "hooks", m, hook_name, hooks, s->hooks[i].name);
        UNPACK_TEXT(u, "hooks", m, hook_state, hooks, s->hooks[i].state);
        UNPACK_TEXT(u, "hooks", m, hook_detail, hooks, s->hooks[i].detail);
        UNPACK_ADDRESS(u, "addresses", m, address, addresses, s->addresses[i].address);
        UNPACK_NETNS(u, "addresses", m, address_netns, addresses, s->addresses[i].netns);
        return 0;
}
