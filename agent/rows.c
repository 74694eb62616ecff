#include "agent/rows.h"

#include "agent/probe.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct rows {
        const struct probe *probe;
        struct row *items; /* mapped, so that what is not used takes no memory */
        uint32_t size, end, count;
        uint64_t last_id;
};

int rows_new(const struct probe *probe, struct rows **ret_rows)
{
        struct rows *rows = calloc(1, sizeof(*rows));

        if (!rows)
                return -ENOMEM;
        rows->probe = probe;
        rows->size = probe_edges_max(probe);
        rows->items = mmap(NULL, rows->size * sizeof(struct row), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (rows->items == MAP_FAILED) {
                int r = -errno;

                free(rows);
                return r;
        }
        *ret_rows = rows;
        return 0;
}

void rows_free(struct rows **rows)
{
        if (!*rows)
                return;
        munmap((*rows)->items, (*rows)->size * sizeof(struct row));
        free(*rows);
        *rows = NULL;
}

int rows_add(struct rows *rows, const struct event_edge *edge, uint32_t index, uint64_t generation, uint32_t identity, int64_t now,
             struct row **ret_row)
{
        struct row *row;

        if (index >= rows->size)
                return -ERANGE;
        row = &rows->items[index];
        if (row->state == ROW_FREE)
                rows->count++;
        *row = (struct row){ .edge = *edge,
                             .id = ++rows->last_id,
                             .generation = generation,
                             .first_ns = now,
                             .moved_ns = now,
                             .identity = identity,
                             .state = ROW_ACTIVE };
        rows->end = MAX(rows->end, index + 1);
        *ret_row = row;
        return 0;
}

struct row *rows_get(struct rows *rows, uint32_t index, uint64_t generation)
{
        struct row *row = index < rows->end ? &rows->items[index] : NULL;

        if (!row || row->state == ROW_FREE || (generation && row->generation != generation))
                return NULL;
        return row;
}

void rows_remove(struct rows *rows, uint32_t index)
{
        if (!rows_get(rows, index, 0))
                return;
        rows->items[index].state = ROW_FREE;
        rows->count--;
        while (rows->end > 0 && rows->items[rows->end - 1].state == ROW_FREE)
                rows->end--;
}

uint32_t rows_end(const struct rows *rows)
{
        return rows->end;
}

uint32_t rows_count(const struct rows *rows)
{
        return rows->count;
}

/* Each counter is read once, those that must not exceed another one before it: the kernel raises
 * attempted first, then opened, then closed, and we read the other way round. */
static void read_counts(const struct event_counts *from, struct event_counts *to)
{
#define READ(field) to->field = __atomic_load_n(&from->field, __ATOMIC_ACQUIRE)
        READ(generation);
        READ(reset_by_peer);
        READ(reset_by_self);
        READ(timed_out_open);
        READ(unread);
        READ(closed);
        READ(opened);
        READ(adopted);
        READ(refused);
        READ(timed_out);
        READ(unreachable);
        READ(aborted);
        READ(no_port);
        READ(unseen);
        READ(attempted);
        READ(sent);
        READ(received);
        READ(retransmits);
        READ(datagrams_sent);
        READ(datagrams_received);
        READ(last_ns);
#undef READ
        memcpy(to->rtt, from->rtt, sizeof(to->rtt));
        memcpy(to->turnaround, from->turnaround, sizeof(to->turnaround));
}

void rows_read(const struct rows *rows, uint32_t index, struct event_counts *ret_counts, uint64_t *ret_hash)
{
        uint64_t h = UINT64_C(0x9e3779b97f4a7c15), words[offsetof(struct event_counts, known) / sizeof(uint64_t)];

        read_counts(probe_counts(rows->probe, index), ret_counts);
        memcpy(words, ret_counts, sizeof(words));
        /* Multiply and rotate, word by word: as a checksum of our own numbers it need not withstand
         * anybody. */
        for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
                h = (h ^ words[i]) * UINT64_C(0xff51afd7ed558ccd);
                h = h << 29 | h >> 35;
        }
        *ret_hash = h ? h : 1;
}
