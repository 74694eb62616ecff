/* The pulses of ends as records, one a round: what a round held never changes, so each is written once and
 * removed when it is older than any cell. What was cumulative is not kept: the first round after a restart only
 * says from where to count.
 *
 *   version | when the round was | 1 where nothing is known of it, else 0 |
 *   for each end that has a cell: number − that of the entry before | bits of its fields | values that are not 0 */
#include "coordinator/load_internal.h"
#include "coordinator/pulse.h"
#include "coordinator/save_internal.h"

#define ROUNDS_MAX (4 * PULSE_CELLS) /* that a store has: those that are there, and some about to be removed */

static int put(struct saver *s, uint32_t number)
{
        struct core *core = s->core;
        uint32_t age = core->pulse_number - number;
        uint64_t last = 0;
        uint8_t key[8];

        write_varint(&s->w, RECORD_VERSION);
        write_signed(&s->w, core->pulse_at - (int64_t)age * PULSE_CELL);
        write_varint(&s->w, core->pulse_holes >> age & 1);
        for (uint32_t i = 0; i < core->ends_count; i++) {
                uint16_t all[PULSE_FIELDS];
                uint32_t fields = 0;

                if (!pulse_cell(core, core->ends[i], age, all))
                        continue;
                for (uint32_t k = 0; k < PULSE_FIELDS; k++)
                        fields |= all[k] ? 1u << k : 0;
                write_signed(&s->w, (int64_t)(core->ends[i]->id - last));
                last = core->ends[i]->id;
                write_varint(&s->w, fields);
                for (uint32_t k = 0; k < PULSE_FIELDS; k++)
                        if (all[k])
                                write_varint(&s->w, all[k]);
        }
        save_number_key(key, number);
        return save_put(s, RECORD_PULSE, key, sizeof(key));
}

static int put_from(struct saver *s, uint32_t number)
{
        int r = 0;

        for (; r == 0 && number <= s->core->pulse_number; number++)
                r = put(s, number);
        return r;
}

static uint32_t oldest(const struct core *core)
{
        return core->pulse_number < PULSE_CELLS ? 1 : core->pulse_number - PULSE_CELLS + 1;
}

int pulses_save(struct saver *s)
{
        struct core *core = s->core;
        struct number_list *removed = &core->removed_pulses;
        uint8_t key[8];
        int r = 0;

        for (; r == 0 && removed->handed_out < removed->count; removed->handed_out += r == 0) {
                save_number_key(key, removed->items[removed->handed_out]);
                r = save_remove(s, RECORD_PULSE, key, sizeof(key));
        }
        if (r == 0)
                r = put_from(s, MAX(core->pulse_saved + 1, oldest(core)));
        if (r < 0)
                return r;
        for (uint32_t number = core->pulse_saved + 1; number <= core->pulse_number; number++)
                if (number > PULSE_CELLS)
                        number_list_add(core, removed, number - PULSE_CELLS);
        core->pulse_saved = core->pulse_number;
        return 0;
}

int pulses_snapshot(struct saver *s)
{
        return put_from(s, oldest(s->core));
}

void pulses_save_again(struct core *core)
{
        core->removed_pulses.handed_out = 0;
        core->pulse_saved = MIN(core->pulse_saved, oldest(core) - 1);
}

static bool read_entry(struct reader *r, uint64_t *id, uint16_t ret_all[PULSE_FIELDS])
{
        uint64_t fields;

        *id += (uint64_t)read_signed(r);
        fields = read_varint(r);
        if (fields >= 1u << PULSE_FIELDS)
                r->failed = true;
        for (uint32_t k = 0; k < PULSE_FIELDS; k++) {
                uint64_t value = !r->failed && fields & 1u << k ? read_varint(r) : 0;

                if (value > UINT16_MAX)
                        r->failed = true;
                ret_all[k] = (uint16_t)value;
        }
        return !r->failed;
}

/* Looks at all of it, so that what does not parse is refused here. */
int pulse_load(struct core *core, uint64_t number, struct reader *r)
{
        struct reader check = *r;
        uint16_t all[PULSE_FIELDS];
        uint64_t id = 0;

        (void)read_signed(&check);
        if (read_varint(&check) > 1 || number == 0 || number > UINT32_MAX / 2)
                return -EBADMSG;
        while (!check.failed && check.data < check.end)
                (void)read_entry(&check, &id, all);
        return check.failed ? -EBADMSG : load_block_add(core, RECORD_PULSE, 0, number, r, ROUNDS_MAX);
}

static void restore(struct core *core, const struct load_block *b)
{
        struct reader r = { b->data, b->data + b->size, false };
        uint16_t all[PULSE_FIELDS];
        uint64_t id = 0;
        int64_t at = read_signed(&r);
        bool hole = read_varint(&r) != 0;

        pulse_restore_round(core, (uint32_t)b->number, hole);
        core->pulse_at = at;
        while (!hole && r.data < r.end && read_entry(&r, &id, all)) {
                struct end *e = load_find_end(core, id);

                if (e && !e->service->external)
                        pulse_restore(core, e, all);
        }
}

void pulses_loaded(struct core *core)
{
        uint64_t newest = 0;

        for (const struct load_block *b = load_blocks(core); b; b = b->next)
                newest = b->kind == RECORD_PULSE ? b->number : newest;
        for (const struct load_block *b = load_blocks(core); b; b = b->next)
                if (b->kind == RECORD_PULSE && b->number + PULSE_CELLS > newest)
                        restore(core, b);
                else if (b->kind == RECORD_PULSE)
                        number_list_add(core, &core->removed_pulses, b->number);
        pulse_restore_end(core);
        core->pulse_saved = core->pulse_number;
        /* What lies ahead of our clock cannot be told from what is long ago. */
        if (newest > 0 && (core->pulse_at <= 0 || core->pulse_at > core->now))
                core->pulse_at = 1;
}
