#include "coordinator/past_ring.h"

#include <string.h>

/* One block: the widest first. */
static size_t bytes(uint32_t capacity, bool has_levels)
{
        return capacity * ((has_levels ? sizeof(float[2]) : 0) + sizeof(float) + sizeof(uint8_t));
}

static void *block(const struct past_ring *r)
{
        return r->has_levels ? (void *)r->level : r->load;
}

static void place(struct past_ring *r, void *memory)
{
        r->level = r->has_levels ? memory : NULL;
        r->load = r->has_levels ? (float *)(void *)(r->level + r->capacity) : memory;
        r->measured = (uint8_t *)(r->load + r->capacity);
}

void past_ring_free(struct core *core, struct past_ring *r)
{
        if (r->capacity > 0)
                core_release(core, block(r), bytes(r->capacity, r->has_levels));
        *r = (struct past_ring){ 0 };
}

static bool resize(struct core *core, struct past_ring *r, uint32_t capacity, bool has_levels)
{
        struct past_ring new = { .newest = r->newest, .capacity = capacity, .has_levels = has_levels };
        void *memory = core_alloc(core, bytes(capacity, has_levels));

        if (!memory)
                return false;
        place(&new, memory);
        for (int64_t n = r->newest; n > r->newest - r->capacity && n > r->newest - capacity && n >= 0; n--) {
                new.measured[n % capacity] = r->measured[n % r->capacity];
                new.load[n % capacity] = r->load[n % r->capacity];
                if (r->has_levels)
                        memcpy(new.level[n % capacity], r->level[n % r->capacity], sizeof(*new.level));
        }
        past_ring_free(core, r);
        *r = new;
        return true;
}

/* The oldest that something was measured in; `newest` if none. */
static int64_t oldest(const struct past_ring *r)
{
        int64_t found = r->newest;

        for (int64_t n = r->newest; n > r->newest - r->capacity; n--)
                if (past_ring_measured(r, n))
                        found = n;
        return found;
}

/* Moves on to the cell; false if there is no memory for it. */
static bool reach(struct core *core, struct past_ring *r, uint32_t limit, int64_t number)
{
        uint32_t capacity = MAX(r->capacity, 4u);
        int64_t needed;

        if (r->capacity > 0 && number <= r->newest)
                return number == r->newest;
        needed = r->capacity > 0 ? number - oldest(r) + 1 : 1;
        while (capacity < limit && capacity < needed)
                capacity *= 2;
        capacity = MAX(MIN(capacity, limit), 1u);
        if (capacity != r->capacity && !resize(core, r, capacity, r->has_levels)) {
                past_ring_free(core, r);
                return false;
        }
        for (int64_t n = MAX(r->newest + 1, number - (int64_t)capacity + 1); n <= number; n++) {
                r->measured[n % capacity] = 0;
                r->load[n % capacity] = 0;
                if (r->has_levels)
                        memset(r->level[n % capacity], 0, sizeof(*r->level));
        }
        r->newest = number;
        return true;
}

void past_ring_add_load(struct core *core, struct past_ring *r, uint32_t limit, int64_t number, float load)
{
        if (!reach(core, r, limit, number))
                return;
        r->load[number % r->capacity] += load;
        r->measured[number % r->capacity] |= PAST_HAS_LOAD;
}

void past_ring_add_levels(struct core *core, struct past_ring *r, uint32_t limit, int64_t number, const float levels[2])
{
        uint8_t *measured;
        uint32_t times;

        if (!reach(core, r, limit, number))
                return;
        if (!r->has_levels && (levels[0] != 0 || levels[1] != 0) && !resize(core, r, r->capacity, true))
                return;
        measured = &r->measured[number % r->capacity];
        times = *measured & ~PAST_HAS_LOAD;
        if (times == PAST_HAS_LOAD - 1) /* more rounds than a cell has minutes: their mean is known by now */
                return;
        *measured = (uint8_t)(*measured + 1);
        for (int k = 0; r->has_levels && k < 2; k++)
                r->level[number % r->capacity][k] += (levels[k] - r->level[number % r->capacity][k]) / (float)(times + 1);
}

void past_ring_restore(struct core *core, struct past_ring *r, uint32_t limit, int64_t number, uint8_t measured, float load,
                       const float *levels)
{
        if (!reach(core, r, limit, number) || (levels && !r->has_levels && !resize(core, r, r->capacity, true)))
                return;
        r->measured[number % r->capacity] = measured;
        r->load[number % r->capacity] = load;
        if (levels)
                memcpy(r->level[number % r->capacity], levels, sizeof(*r->level));
}

uint8_t past_ring_measured(const struct past_ring *r, int64_t number)
{
        return r->capacity > 0 && number <= r->newest && number > r->newest - (int64_t)r->capacity && number >= 0
                       ? r->measured[number % r->capacity]
                       : 0;
}

float past_ring_load(const struct past_ring *r, int64_t number)
{
        return r->load[number % r->capacity];
}

float past_ring_level(const struct past_ring *r, int64_t number, int which)
{
        return r->has_levels ? r->level[number % r->capacity][which] : 0;
}
