#include "coordinator/pulse.h"
#include "coordinator/incident.h"
#include "coordinator/minifloat.h"

#include <math.h>
#include <string.h>

static size_t width(uint32_t fields)
{
        return (size_t)__builtin_popcount(fields);
}

static size_t bytes(uint32_t fields, uint32_t capacity)
{
        return sizeof(struct pulse) + width(fields) * capacity * sizeof(uint16_t);
}

/* One that there is room for. */
static uint16_t *cell(struct pulse *p, uint32_t number)
{
        return p->values + number % p->capacity * width(p->fields);
}

void pulse_free(struct core *core, struct end *e)
{
        if (!e->pulse)
                return;
        core_release(core, e->pulse, bytes(e->pulse->fields, e->pulse->capacity));
        e->pulse = NULL;
        core->pulses--;
}

static void unpack(uint32_t fields, const uint16_t *values, uint16_t ret_all[PULSE_FIELDS])
{
        for (int i = 0; i < PULSE_FIELDS; i++)
                ret_all[i] = fields & 1u << i ? *values++ : 0;
}

static void pack(uint32_t fields, const uint16_t all[PULSE_FIELDS], uint16_t *values)
{
        for (int i = 0; i < PULSE_FIELDS; i++)
                if (fields & 1u << i)
                        *values++ = all[i];
}

/* Gives the cells up to `newest` other room; those that find none are all zero. */
static bool resize(struct core *core, struct end *e, uint32_t fields, uint32_t capacity, uint32_t newest)
{
        struct pulse *old = e->pulse, *new = core_alloc(core, bytes(fields, capacity));
        uint16_t all[PULSE_FIELDS];

        if (!new)
                return false;
        memcpy(new, old, sizeof(*new));
        new->fields = (uint16_t)fields;
        new->capacity = (uint8_t)capacity;
        for (uint32_t age = 0; age < old->capacity && age < capacity; age++) {
                unpack(old->fields, cell(old, newest - age), all);
                pack(fields, all, cell(new, newest - age));
        }
        core_release(core, old, bytes(old->fields, old->capacity));
        e->pulse = new;
        return true;
}

/* How many of the cells up to `newest`, at most an hour's but one, go back to the oldest that is not all zero;
 * and the fields that any of them has. */
static uint32_t in_use(struct pulse *p, uint32_t newest, uint32_t *ret_fields)
{
        uint32_t count = 0;

        *ret_fields = 0;
        for (uint32_t age = 0; age < p->capacity && age < PULSE_CELLS - 1; age++) {
                const uint16_t *values = cell(p, newest - age);

                for (uint32_t i = 0, bits = p->fields; bits; i++, bits &= bits - 1)
                        if (values[i]) {
                                *ret_fields |= bits & -bits;
                                count = age + 1;
                        }
        }
        return count;
}

static void push(struct core *core, struct end *e, const uint16_t all[PULSE_FIELDS])
{
        struct pulse *p = e->pulse;
        uint32_t now = core->pulse_number, fields, count = in_use(p, now - 1, &fields), capacity = 0;
        bool tidy = now % PULSE_CELLS == 0; /* once an hour what is not needed any more is given back */

        for (uint32_t i = 0; i < PULSE_FIELDS; i++)
                fields |= all[i] ? 1u << i : 0;
        while (fields && capacity < count + 1)
                capacity = MAX(2 * capacity, 2u);
        if (fields && !tidy) {
                fields |= p->fields;
                capacity = MAX(capacity, p->capacity);
        }
        if ((fields != p->fields || capacity != p->capacity) && !resize(core, e, fields, capacity, now - 1)) {
                pulse_free(core, e); /* it begins anew once there is memory */
                return;
        }
        if (capacity > 0)
                pack(fields, all, cell(e->pulse, now));
}

static const uint16_t nothing[PULSE_FIELDS];

static bool make(struct core *core, struct end *e, uint32_t first)
{
        if (core->pulses == PULSES_MAX)
                return false;
        e->pulse = core_alloc(core, bytes(0, 0));
        if (!e->pulse)
                return false;
        e->pulse->first = first;
        core->pulses++;
        return true;
}

static uint32_t times(const struct buckets *b, double *ret_log_time)
{
        uint32_t answers = 0;
        double log_time = 0;

        for (uint32_t i = 0; b && i < b->count; i++) {
                uint32_t k = b->first + i;
                double low = k < 2 ? 1 : ldexp(k % 2 ? 1.5 : 1, (int)(k / 2)), high = ldexp(k % 2 ? 2 : 1.5, (int)(k / 2));

                answers += b->value[i];
                log_time += b->value[i] * log((low + high) / 2);
        }
        *ret_log_time = log_time;
        return answers;
}

/* What went back gained nothing. */
static double gained(uint32_t now, uint32_t *before)
{
        int32_t more = (int32_t)(now - *before);

        *before = now;
        return more > 0 ? more : 0;
}

static double gained_bytes(uint64_t now, uint64_t *before)
{
        uint64_t more = now - MIN(now, *before);

        *before = now;
        return (double)more;
}

/* Brings what is cumulative up to now; returns what was gained. */
static void advance(struct pulse *p, const struct end *e, uint16_t ret_all[PULSE_FIELDS])
{
        const struct summary_counters *c = &e->total;
        double log_time, before = p->log_time, answers = gained(times(e->turnaround, &log_time), &p->answers);

        p->log_time = log_time;
        ret_all[PULSE_ANSWERS] = minifloat_of(answers);
        ret_all[PULSE_LOG_TIME] =
                answers > 0 ? (uint16_t)lrint(fmin(fmax(log_time - before, 0) / answers / PULSE_LOG_UNIT, UINT16_MAX)) : 0;
        ret_all[PULSE_SENT] = minifloat_of(gained_bytes(c->sent, &p->sent));
        ret_all[PULSE_RECEIVED] = minifloat_of(gained_bytes(c->received, &p->received));
        ret_all[PULSE_ATTEMPTED] = minifloat_of(gained((uint32_t)c->attempted, &p->attempted));
        ret_all[PULSE_REFUSED] = minifloat_of(gained((uint32_t)c->refused, &p->refused));
        ret_all[PULSE_UNANSWERED] = minifloat_of(gained((uint32_t)(c->timed_out + c->unreachable + c->aborted), &p->unanswered));
        ret_all[PULSE_RETRANSMITS] = minifloat_of(gained((uint32_t)c->retransmits, &p->retransmits));
        ret_all[PULSE_RESETS] = minifloat_of(gained((uint32_t)(c->reset_by_peer + c->reset_by_self), &p->resets));
}

static void measure(struct core *core, struct end *e)
{
        const struct summary_counters *c = &e->total;
        uint16_t all[PULSE_FIELDS];

        if (!e->pulse) {
                if (c->sent + c->received + c->attempted == 0 || e->service->external || !make(core, e, core->pulse_number + 1))
                        return;
                advance(e->pulse, e, all);
                return;
        }
        advance(e->pulse, e, all);
        push(core, e, core->pulse_anew ? nothing : all);
}

static bool measure_all(struct core *core, uint32_t *cursor)
{
        uint32_t from;
        bool more = work_portion(core, core->ends_count, cursor, &from);

        for (uint32_t i = from; i < *cursor; i++)
                measure(core, core->ends[i]);
        if (!more)
                core->pulse_anew = false;
        return more;
}

void pulse_add(struct core *core)
{
        if (core->pulse_at + PULSE_CELL > core->now)
                return;
        core->pulse_at = core->now;
        core->pulse_number++;
        core->pulse_holes = core->pulse_holes << 1 | core->pulse_anew;
        work_add(core, measure_all);
        work_add(core, incidents_follow_roots);
}

static void add_cell(const uint16_t all[PULSE_FIELDS], struct flow *into)
{
        double answers = minifloat_value(all[PULSE_ANSWERS]), refused = minifloat_value(all[PULSE_REFUSED]);

        into->answers += answers;
        into->log_time += answers * all[PULSE_LOG_TIME] * PULSE_LOG_UNIT;
        into->sent += minifloat_value(all[PULSE_SENT]);
        into->received += minifloat_value(all[PULSE_RECEIVED]);
        into->attempted += minifloat_value(all[PULSE_ATTEMPTED]);
        into->refused += refused;
        into->unanswered += minifloat_value(all[PULSE_UNANSWERED]);
        into->retransmits += minifloat_value(all[PULSE_RETRANSMITS]);
        into->resets += minifloat_value(all[PULSE_RESETS]);
        into->refusing += refused >= 2 && refused >= minifloat_value(all[PULSE_ATTEMPTED]) / 50;
}

bool pulse_cell(const struct core *core, const struct end *e, uint32_t age, uint16_t ret_all[PULSE_FIELDS])
{
        struct pulse *p = e->pulse;

        if (!p || age >= PULSE_CELLS || (int32_t)(core->pulse_number - age - p->first) < 0 || core->pulse_holes & 1u << age)
                return false;
        if (age < p->capacity)
                unpack(p->fields, cell(p, core->pulse_number - age), ret_all);
        else
                memcpy(ret_all, nothing, sizeof(nothing));
        return true;
}

void pulse_sum(const struct core *core, const struct end *e, uint32_t from, uint32_t to, struct flow *into)
{
        uint16_t all[PULSE_FIELDS];

        for (uint32_t age = from; age < MIN(to, (uint32_t)PULSE_CELLS); age++) {
                if (!pulse_cell(core, e, age, all))
                        continue;
                into->cells++;
                add_cell(all, into);
        }
}

/* A round that nothing is known of. */
static void skip_round(struct core *core)
{
        core->pulse_number++;
        core->pulse_holes = core->pulse_holes << 1 | 1;
        for (uint32_t i = 0; i < core->ends_count; i++)
                if (core->ends[i]->pulse)
                        push(core, core->ends[i], nothing);
}

void pulse_restore_end(struct core *core)
{
        for (uint32_t i = 0; i < core->ends_count; i++)
                if (core->ends[i]->pulse && !core->ends[i]->pulse->restored)
                        pulse_free(core, core->ends[i]);
}

void pulse_restore_round(struct core *core, uint32_t number, bool hole)
{
        bool goes_on = number == core->pulse_number + 1;

        pulse_restore_end(core); /* the round before */
        for (uint32_t i = 0; i < core->ends_count; i++) {
                if (!goes_on)
                        pulse_free(core, core->ends[i]);
                else if (core->ends[i]->pulse)
                        core->ends[i]->pulse->restored = hole;
        }
        core->pulse_number = number - 1;
        if (hole) {
                skip_round(core);
                return;
        }
        core->pulse_number++;
        core->pulse_holes <<= 1;
}

void pulse_restore(struct core *core, struct end *e, const uint16_t all[PULSE_FIELDS])
{
        if (e->pulse ? e->pulse->restored : !make(core, e, core->pulse_number))
                return;
        e->pulse->restored = true;
        push(core, e, all);
}

void pulse_begin_rounds(struct core *core)
{
        int64_t missed = core->pulse_at == 0 ? 0 : (core->now - core->pulse_at) / PULSE_CELL;

        for (uint32_t i = 0; missed >= PULSE_CELLS && i < core->ends_count; i++)
                pulse_free(core, core->ends[i]);
        for (int64_t i = 0; i < MIN(missed, (int64_t)PULSE_CELLS); i++)
                skip_round(core);
        core->pulse_anew = core->pulse_number > 0;
        core->pulse_at = core->now;
}
