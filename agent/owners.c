#include "agent/owners.h"

#include "agent/identities.h"
#include "agent/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct owner_entry {
        struct event_owner owner;
        uint32_t identity; /* 0: the place is free */
        uint32_t pid;      /* that it was learnt from */
};

struct owners {
        const struct service_match *matches;
        const char *proc;

        struct owner_entry *entries; /* open addressing */
        size_t entries_size, entries_used;

        struct identities identities;
        uint32_t unknown;
};

static uint64_t mix(uint64_t h, const void *data, size_t size)
{
        const unsigned char *p = data;

        for (size_t i = 0; i < size; i++)
                h = (h ^ p[i]) * UINT64_C(0x100000001b3); /* FNV-1a */
        return h;
}

static uint64_t owner_hash(const struct event_owner *owner)
{
        uint64_t h = mix(UINT64_C(0xcbf29ce484222325), owner, sizeof(*owner));

        return h ^ h >> 32;
}

static struct owner_entry *place(struct owner_entry *entries, size_t size, const struct event_owner *owner)
{
        size_t i = owner_hash(owner) & (size - 1);

        while (entries[i].identity && memcmp(&entries[i].owner, owner, sizeof(*owner)) != 0)
                i = (i + 1) & (size - 1);
        return &entries[i];
}

static int entries_resize(struct owners *owners, size_t size)
{
        struct owner_entry *entries = calloc(size, sizeof(*entries));

        if (!entries)
                return -ENOMEM;
        for (size_t i = 0; i < owners->entries_size; i++)
                if (owners->entries[i].identity)
                        *place(entries, size, &owners->entries[i].owner) = owners->entries[i];
        free(owners->entries);
        owners->entries = entries;
        owners->entries_size = size;
        return 0;
}

int owners_new(const struct service_match *matches, const char *proc, struct owners **ret_owners)
{
        struct identity unknown = { .kind = IDENTITY_EXECUTABLE, .service = "unknown" };
        struct owners *owners = calloc(1, sizeof(*owners));
        int r;

        if (!owners)
                return -ENOMEM;
        owners->matches = matches;
        owners->proc = proc;
        r = entries_resize(owners, 256);
        if (r == 0)
                r = identities_intern(&owners->identities, &unknown, &owners->unknown);
        if (r < 0) {
                owners_free(&owners);
                return r;
        }
        *ret_owners = owners;
        return 0;
}

void owners_free(struct owners **owners)
{
        if (!*owners)
                return;
        identities_free(&(*owners)->identities);
        free((*owners)->entries);
        free(*owners);
        *owners = NULL;
}

static int assign(struct owners *owners, const struct event_owner *owner, uint32_t pid, uint32_t identity)
{
        struct owner_entry *entry = place(owners->entries, owners->entries_size, owner);
        int r;

        if (!entry->identity) {
                if (owners->entries_used >= OWNERS_MAX)
                        return -ENOSPC;
                if (2 * (owners->entries_used + 1) > owners->entries_size) {
                        r = entries_resize(owners, owners->entries_size * 2);
                        if (r < 0)
                                return r;
                        entry = place(owners->entries, owners->entries_size, owner);
                }
                owners->entries_used++;
        }
        *entry = (struct owner_entry){ .owner = *owner, .identity = identity, .pid = pid };
        return 0;
}

int owners_learn(struct owners *owners, const struct event_owner_named *event, bool *ret_changed)
{
        char comm[EVENT_COMM_SIZE + 1] = { 0 }, cgroup[EVENT_PATH_SIZE + 1] = { 0 }, exe[EVENT_PATH_SIZE + 1] = { 0 };
        struct identity_facts facts = { .cgroup_path = cgroup,
                                        .exe_path = exe,
                                        .comm = comm,
                                        .exe_inode = event->owner.exe_inode,
                                        .listen_port = event->owner.listen_port,
                                        .pid = event->pid };
        uint32_t before = place(owners->entries, owners->entries_size, &event->owner)->identity, id;
        struct identity identity;
        int r;

        memcpy(comm, event->comm, EVENT_COMM_SIZE);
        memcpy(cgroup, event->cgroup_path, EVENT_PATH_SIZE);
        memcpy(exe, event->exe_path, EVENT_PATH_SIZE);
        identity_recognise(owners->matches, owners->proc, &facts, &identity);
        r = identities_intern(&owners->identities, &identity, &id);
        if (r == 0)
                r = assign(owners, &event->owner, event->pid, id);
        if (r == 0)
                *ret_changed = before && before != id;
        return r;
}

/* "" once the process is gone. */
static void read_comm(const char *proc, uint32_t pid, char *ret_comm, size_t size)
{
        char path[64];

        ret_comm[0] = '\0';
        snprintf(path, sizeof(path), "%s/%u/comm", proc, pid);
        if (pid && text_read_file(path, ret_comm, size) > 0)
                ret_comm[strcspn(ret_comm, "\n")] = '\0';
}

/* The event with the owner's names was lost: ask /proc, while the process is there. */
static int look_up(struct owners *owners, const struct event_owner *owner, uint32_t pid, uint32_t *ret_id)
{
        char path[64], comm[64] = "", cgroup[4096] = "", exe[EVENT_PATH_SIZE] = "", *line;
        struct identity_facts facts = { .cgroup_path = "",
                                        .exe_path = exe,
                                        .comm = comm,
                                        .exe_inode = owner->exe_inode,
                                        .listen_port = owner->listen_port,
                                        .pid = pid };
        struct identity identity;
        int r;

        snprintf(path, sizeof(path), "%s/%u/exe", owners->proc, pid);
        r = text_read_link(path, exe, sizeof(exe));
        if (r < 0)
                return r;
        read_comm(owners->proc, pid, comm, sizeof(comm));
        snprintf(path, sizeof(path), "%s/%u/cgroup", owners->proc, pid);
        if (text_read_file(path, cgroup, sizeof(cgroup)) > 0) {
                line = text_starts(cgroup, "0::") ? cgroup : strstr(cgroup, "\n0::");
                if (line) {
                        line += *line == '\n' ? 4 : 3;
                        line[strcspn(line, "\n")] = '\0';
                        facts.cgroup_path = line;
                }
        }
        identity_recognise(owners->matches, owners->proc, &facts, &identity);
        return identities_intern(&owners->identities, &identity, ret_id);
}

uint32_t owners_unknown(const struct owners *owners)
{
        return owners->unknown;
}

uint32_t owners_identity(struct owners *owners, const struct event_owner *owner, uint32_t pid)
{
        const struct owner_entry *entry = place(owners->entries, owners->entries_size, owner);
        uint32_t id;

        if (entry->identity && !(entry->identity == owners->unknown && pid))
                return entry->identity;
        if (!pid || look_up(owners, owner, pid, &id) < 0)
                id = owners->unknown;
        /* Not remembered when there is no room: it is looked up again the next time. */
        if (assign(owners, owner, pid, id) < 0)
                return id;
        return id;
}

const struct summary_identity *owners_get(const struct owners *owners, uint32_t id)
{
        return identities_get(&owners->identities, id);
}

int owners_reconfigure(struct owners *owners, const struct service_match *matches)
{
        int r = 0;

        owners->matches = matches;
        for (size_t i = 0; i < owners->entries_size; i++) {
                struct owner_entry *entry = &owners->entries[i];
                const struct summary_identity *s = entry->identity ? owners_get(owners, entry->identity) : NULL;
                struct identity_facts facts = { 0 };
                struct identity identity;
                char comm[64];

                if (!s || s->id == owners->unknown)
                        continue;
                read_comm(owners->proc, entry->pid, comm, sizeof(comm));
                facts.comm = comm;
                facts.cgroup_path = s->cgroup;
                facts.exe_path = s->executable;
                facts.exe_inode = entry->owner.exe_inode;
                facts.listen_port = entry->owner.listen_port;
                facts.pid = entry->pid;
                identity_recognise(matches, owners->proc, &facts, &identity);
                r = identities_intern(&owners->identities, &identity, &entry->identity);
                if (r < 0)
                        return r;
        }
        return 0;
}

bool owners_crowded(const struct owners *owners)
{
        return owners->entries_used >= OWNERS_MAX * 3 / 4;
}

int owners_mark_begin(struct owners *owners)
{
        int r = identities_mark_begin(&owners->identities);

        if (r == 0)
                identities_mark(&owners->identities, owners->unknown);
        return r;
}

void owners_mark(void *owners, uint32_t id)
{
        identities_mark(&((struct owners *)owners)->identities, id);
}

void owners_collect(struct owners *owners)
{
        struct owner_entry *entries = calloc(owners->entries_size, sizeof(*entries));

        if (!entries)
                return;
        owners->entries_used = 0;
        for (size_t i = 0; i < owners->entries_size; i++)
                if (owners->entries[i].identity && identities_marked(&owners->identities, owners->entries[i].identity)) {
                        *place(entries, owners->entries_size, &owners->entries[i].owner) = owners->entries[i];
                        owners->entries_used++;
                }
        free(owners->entries);
        owners->entries = entries;
        identities_collect(&owners->identities);
}
