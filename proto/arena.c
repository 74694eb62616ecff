#include "proto/arena.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define ARENA_CHUNK_MIN (16u << 10)
#define ARENA_ALIGN 16u
#define HUGE_PAGE ((uintptr_t)2 << 20)

struct chunk {
        struct chunk *next;
        size_t size, used;
        size_t clean; /* from here on never handed out, and zero */
        _Alignas(ARENA_ALIGN) uint8_t data[];
};

struct arena {
        struct chunk *chunks; /* the one that is being filled comes first */
        size_t cap;
        size_t reserved; /* by all chunks */
        size_t used;
        bool refused;
};

int arena_new(size_t cap, struct arena **ret_arena)
{
        struct arena *arena = calloc(1, sizeof(*arena));

        if (!arena)
                return -ENOMEM;
        arena->cap = cap;
        *ret_arena = arena;
        return 0;
}

void arena_free(struct arena **arena)
{
        if (!*arena)
                return;
        for (struct chunk *c = (*arena)->chunks, *next; c; c = next) {
                next = c->next;
                free(c);
        }
        free(*arena);
        *arena = NULL;
}

/* A view of a large graph is tens of megabytes that live for a moment: fewer faults, if the system
 * allows it. Nothing is lost if it does not. */
static void use_huge_pages(void *start, size_t size)
{
        uintptr_t from = ((uintptr_t)start + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1), to = ((uintptr_t)start + size) & ~(HUGE_PAGE - 1);

        if (size >= 8 * HUGE_PAGE && to > from)
                (void)madvise((char *)start + (from - (uintptr_t)start), to - from, MADV_HUGEPAGE);
}

/* Chunks double, so that their number stays logarithmic, but never reach over the cap. */
static struct chunk *chunk_add(struct arena *arena, size_t size)
{
        size_t room, want = MAX((size_t)ARENA_CHUNK_MIN, arena->reserved);
        struct chunk *c = arena->chunks;

        /* A chunk kept from before may be too small and yet take the room. */
        if (c && c->used == 0 && !c->next) {
                free(c);
                arena->chunks = NULL;
                arena->reserved = 0;
        }
        room = arena->cap - arena->reserved;
        want = MIN(MAX(want, size), room);
        if (want < size)
                return NULL;
        c = calloc(1, sizeof(*c) + want);
        if (!c)
                return NULL;
        use_huge_pages(c, sizeof(*c) + want);
        c->next = arena->chunks;
        c->size = want;
        arena->chunks = c;
        arena->reserved += want;
        return c;
}

/* `zeroed`: what was handed out before is wiped; what is fresh from the system is zero already. */
static void *take(struct arena *arena, size_t size, bool zeroed)
{
        struct chunk *c = arena->chunks;
        size_t wanted = size;
        uint8_t *p;

        if (size > arena->cap)
                goto refuse;
        size = (MAX(size, (size_t)1) + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
        if (!c || c->size - c->used < size)
                c = chunk_add(arena, size);
        if (!c)
                goto refuse;
        p = c->data + c->used;
        if (zeroed && c->used < c->clean)
                memset(p, 0, MIN(wanted, c->clean - c->used));
        c->used += size;
        c->clean = MAX(c->clean, c->used);
        arena->used += size;
        return p;
refuse:
        arena->refused = true;
        return NULL;
}

void *arena_alloc_raw(struct arena *arena, size_t size)
{
        return take(arena, size, false);
}

void *arena_alloc(struct arena *arena, size_t size)
{
        return take(arena, size, true);
}

char *arena_strdup(struct arena *arena, const char *text, size_t length)
{
        char *p = length < SIZE_MAX ? arena_alloc_raw(arena, length + 1) : NULL;

        if (!p)
                return NULL;
        memcpy(p, text, length);
        p[length] = 0;
        return p;
}

/* Keeps the largest chunk that `keep` allows. */
void arena_reset(struct arena *arena, size_t keep)
{
        struct chunk *kept = NULL;

        for (struct chunk *c = arena->chunks, *next; c; c = next) {
                struct chunk *drop = c;

                next = c->next;
                if (c->size <= keep && (!kept || c->size > kept->size)) {
                        drop = kept;
                        kept = c;
                }
                free(drop);
        }
        if (kept) {
                kept->next = NULL;
                kept->used = 0;
        }
        arena->chunks = kept;
        arena->reserved = kept ? kept->size : 0;
        arena->used = 0;
        arena->refused = false;
}

size_t arena_used(const struct arena *arena)
{
        return arena->used;
}

bool arena_refused(const struct arena *arena)
{
        return arena->refused;
}
