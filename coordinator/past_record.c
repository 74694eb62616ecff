/* Pasts as records: what each is of, written once, and for each cell what all of them measured in it.
 *
 *   RECORD_PAST          version | service | server, or none | port | since
 *   RECORD_PAST_CELLS    version | when it was written |
 *                        for each past that has the cell: id − id of the entry before | what was measured, with
 *                        HAS_LEVELS | load | both levels
 *
 * Entries are by rising id, loads and levels are floats as they lie in memory, of little endian. The newest cell of
 * each level grows, so it is written again. */
#include "coordinator/load_internal.h"
#include "coordinator/past_ring.h"
#include "coordinator/save_internal.h"

#include <math.h>
#include <stdlib.h>

#define HAS_LEVELS 0x100u
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "floats are written as they lie in memory");

static int put_past(struct saver *s, const struct past *p)
{
        uint8_t key[8];

        write_varint(&s->w, RECORD_VERSION);
        save_service(&s->w, p->service);
        save_service(&s->w, p->server);
        write_varint(&s->w, p->port);
        write_signed(&s->w, p->since);
        save_number_key(key, p->id);
        return save_put(s, RECORD_PAST, key, sizeof(key));
}

static void cells_key(uint8_t key[9], uint32_t level, uint64_t number)
{
        key[0] = (uint8_t)level;
        save_number_key(key + 1, number);
}

static int put_cells(struct saver *s, struct past *const *order, uint32_t level, int64_t number)
{
        struct core *core = s->core;
        uint64_t last = 0;
        uint8_t key[9];

        write_varint(&s->w, RECORD_VERSION);
        write_signed(&s->w, core->past_at);
        for (uint32_t i = 0; i < core->past_count; i++) {
                const struct past_ring *ring = past_ring_of(order[i], level);
                uint8_t measured = past_ring_measured(ring, number);
                float load, levels[2];
                bool has_levels;

                if (!measured)
                        continue;
                load = past_ring_load(ring, number);
                for (int k = 0; k < 2; k++)
                        levels[k] = past_ring_level(ring, number, k);
                has_levels = levels[0] != 0 || levels[1] != 0;
                write_varint(&s->w, order[i]->id - last);
                last = order[i]->id;
                write_varint(&s->w, measured | (has_levels ? HAS_LEVELS : 0));
                write_raw(&s->w, &load, sizeof(load));
                if (has_levels)
                        write_raw(&s->w, levels, sizeof(levels));
        }
        if (last == 0) { /* nobody has it */
                s->w.size = 0;
                return 0;
        }
        cells_key(key, level, (uint64_t)number);
        return save_put(s, RECORD_PAST_CELLS, key, sizeof(key));
}

static int by_id(const void *a, const void *b)
{
        const struct past *x = *(struct past *const *)a, *y = *(struct past *const *)b;

        return x->id < y->id ? -1 : x->id > y->id;
}

/* The caller frees it; NULL without memory. */
static struct past **pasts_by_id(const struct core *core)
{
        struct past **order = calloc(MAX(core->past_count, 1u), sizeof(struct past *));

        for (uint32_t i = 0; order && i < core->past_count; i++)
                order[i] = core->past_records[i];
        if (order)
                qsort(order, core->past_count, sizeof(struct past *), by_id);
        return order;
}

/* The newest cell that can have been measured by the last round. */
static int64_t newest_cell(const struct core *core, uint32_t level)
{
        return core->past_at / past_rings[level].length;
}

static int put_all_cells(struct saver *s, const int64_t from[PAST_RINGS])
{
        CLEANUP_FREE struct past **order = pasts_by_id(s->core);
        int r = order ? 0 : -ENOMEM;

        for (uint32_t level = 0; level < PAST_RINGS; level++) {
                int64_t newest = newest_cell(s->core, level);

                for (int64_t n = MAX(from[level], newest - (int64_t)past_rings[level].cells + 1); r == 0 && n <= newest; n++)
                        r = put_cells(s, order, level, n);
        }
        return r;
}

static int save_removed(struct saver *s, struct number_list *l, enum record_kind kind)
{
        int r = 0;

        for (; r == 0 && l->handed_out < l->count; l->handed_out += r == 0) {
                uint64_t number = l->items[l->handed_out];
                uint8_t key[9];

                if (kind == RECORD_PAST)
                        save_number_key(key, number);
                else
                        cells_key(key, number >> 63, number & INT64_MAX);
                r = save_remove(s, kind, key, kind == RECORD_PAST ? 8 : 9);
        }
        return r;
}

static void cells_left(struct core *core, uint32_t level, uint64_t number)
{
        number_list_add(core, &core->removed_past_cells, number | (uint64_t)level << 63);
}

int pasts_save(struct saver *s)
{
        struct core *core = s->core;
        int r = save_removed(s, &core->removed_pasts, RECORD_PAST);

        if (r == 0)
                r = save_removed(s, &core->removed_past_cells, RECORD_PAST_CELLS);
        for (uint32_t i = 0; r == 0 && i < core->past_count; i++) {
                if (core->past_records[i]->saved)
                        continue;
                r = put_past(s, core->past_records[i]);
                core->past_records[i]->saved = r == 0;
        }
        if (r < 0 || core->past_at == core->past_saved_at || core->past_count == 0)
                return r;
        r = put_all_cells(s, core->past_saved);
        if (r < 0)
                return r;
        for (uint32_t level = 0; level < PAST_RINGS; level++) {
                int64_t newest = newest_cell(core, level), cells = past_rings[level].cells;

                /* However long ago the last round was saved: what is written lies close together. */
                for (int64_t n = core->past_kept[level]; n <= MIN(core->past_last[level], newest - cells); n++)
                        cells_left(core, level, (uint64_t)n);
                core->past_kept[level] = MAX(core->past_kept[level], newest - cells + 1);
                core->past_saved[level] = core->past_last[level] = newest;
        }
        core->past_saved_at = core->past_at;
        return 0;
}

int pasts_snapshot(struct saver *s)
{
        static const int64_t all[PAST_RINGS];
        int r = 0;

        for (uint32_t i = 0; r == 0 && i < s->core->past_count; i++)
                r = put_past(s, s->core->past_records[i]);
        return r == 0 && s->core->past_count > 0 ? put_all_cells(s, all) : r;
}

void pasts_save_again(struct core *core)
{
        for (uint32_t i = 0; i < core->past_count; i++)
                core->past_records[i]->saved = false;
        core->removed_pasts.handed_out = core->removed_past_cells.handed_out = 0;
        core->past_saved_at = 0;
        for (uint32_t level = 0; level < PAST_RINGS; level++)
                core->past_saved[level] = 0;
}

int past_load_record(struct core *core, uint64_t id, struct reader *r)
{
        struct service *service = load_service(core, r), *server = load_service(core, r);
        uint64_t port = read_varint(r), next = core->next_past;
        int64_t since = read_signed(r);
        uint32_t known = core->past_count;
        struct past *p = NULL;
        bool twice = false;

        for (uint32_t i = 0; i < core->past_count; i++)
                twice = twice || core->past_records[i]->id == id;
        if (!r->failed && service && !twice && port <= UINT16_MAX && id > 0 && since >= 0 && since <= INT64_MAX / 2)
                p = past_get(core, service, server, (uint16_t)port);
        service_put(core, &service);
        service_put(core, &server);
        if (!p || core->past_count == known) /* there is no room, or it is of the same as another */
                return -EBADMSG;
        p->id = id;
        p->since = since;
        p->saved = true;
        core->next_past = MAX(next, id);
        return 0;
}

struct entry {
        uint64_t id;
        uint32_t measured;
        float load, levels[2];
};

static bool is_amount(float value)
{
        return isfinite(value) && value >= 0;
}

static bool read_entry(struct reader *r, struct entry *e)
{
        uint64_t step = read_varint(r), measured = read_varint(r);

        e->id += step;
        e->measured = (uint32_t)measured;
        e->levels[0] = e->levels[1] = 0;
        read_raw(r, &e->load, sizeof(e->load));
        if (measured & HAS_LEVELS)
                read_raw(r, e->levels, sizeof(e->levels));
        if (step == 0 || measured == 0 || measured == HAS_LEVELS || measured > (HAS_LEVELS | UINT8_MAX) || !is_amount(e->load) ||
            !is_amount(e->levels[0]) || !is_amount(e->levels[1]))
                r->failed = true;
        return !r->failed;
}

/* Looks at all of it, so that what does not parse is refused here. */
int past_load_cells(struct core *core, uint32_t level, uint64_t number, struct reader *r)
{
        struct reader check = *r;
        struct entry e = { 0 };

        (void)read_signed(&check);
        if (level >= PAST_RINGS || number > INT64_MAX / (uint64_t)past_rings[level].length)
                return -EBADMSG;
        while (!check.failed && check.data < check.end)
                (void)read_entry(&check, &e);
        /* Beside those that are there, some may wait to be removed. */
        return check.failed ? -EBADMSG : load_block_add(core, RECORD_PAST_CELLS, level, number, r, 2 * (PAST_MINUTES + PAST_CELLS));
}

static void restore(struct core *core, const struct load_block *b, struct past *const *order)
{
        struct reader r = { b->data, b->data + b->size, false };
        int64_t at = read_signed(&r);
        struct entry e = { 0 };
        uint32_t i = 0;

        while (r.data < r.end && read_entry(&r, &e)) {
                while (i < core->past_count && order[i]->id < e.id)
                        i++;
                if (i == core->past_count)
                        break;
                if (order[i]->id != e.id)
                        continue;
                past_ring_restore(core, past_ring_of(order[i], b->level), past_rings[b->level].cells, (int64_t)b->number,
                                  (uint8_t)e.measured, e.load, e.measured & HAS_LEVELS ? e.levels : NULL);
                order[i]->noted = MAX(order[i]->noted, MIN(at, core->now));
        }
}

static int by_noted(const void *a, const void *b)
{
        const struct past *x = *(struct past *const *)a, *y = *(struct past *const *)b;

        return x->noted != y->noted ? (x->noted < y->noted ? -1 : 1) : by_id(a, b);
}

/* What is too old, and what lies ahead of our clock, goes. */
void pasts_loaded(struct core *core)
{
        CLEANUP_FREE struct past **order = pasts_by_id(core);

        for (const struct load_block *b = order ? load_blocks(core) : NULL; b; b = b->next) {
                int64_t newest, number = (int64_t)b->number;

                if (b->kind != RECORD_PAST_CELLS)
                        continue;
                newest = core->now / past_rings[b->level].length;
                if (number > newest || number <= newest - (int64_t)past_rings[b->level].cells) {
                        cells_left(core, b->level, b->number);
                        continue;
                }
                restore(core, b, order);
                if (core->past_kept[b->level] == 0)
                        core->past_kept[b->level] = number;
                core->past_saved[b->level] = core->past_last[b->level] = number;
        }
        if (!order)
                return;
        qsort(order, core->past_count, sizeof(struct past *), by_noted);
        for (uint32_t i = 0; i < core->past_count; i++)
                past_touch(core, order[i], order[i]->noted);
}
