#include "coordinator/notices.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BACKOFF_FIRST NSEC_PER_SEC
#define BACKOFF_MOST (300 * NSEC_PER_SEC)
#define AFTER_MOST (3600 * NSEC_PER_SEC)

struct notices {
        struct notices_limits limits;
        struct notice **notices; /* by rising id */
        size_t count, capacity;
        uint64_t bytes, last, dropped;
        uint64_t *removed;
        size_t removed_count, removed_capacity;
        struct {
                uint32_t failures;
                int64_t due_at;
                bool busy;
        } destinations[DESTINATIONS];
};

static const char *const names[DESTINATIONS] = { "tickets", "pages", "command" };

const char *destination_name(enum destination destination)
{
        return names[destination];
}

bool destination_find(const char *name, enum destination *ret_destination)
{
        for (int i = 0; i < DESTINATIONS; i++)
                if (strcmp(names[i], name) == 0) {
                        *ret_destination = (enum destination)i;
                        return true;
                }
        return false;
}

int notices_new(struct notices **ret_notices)
{
        struct notices *o = calloc(1, sizeof(*o));

        if (!o)
                return -ENOMEM;
        o->limits = (struct notices_limits){ .most = 1000, .bytes = 64 << 20, .keep = 86400 * NSEC_PER_SEC };
        *ret_notices = o;
        return 0;
}

static void notice_free(struct notice *n)
{
        free(n->body);
        free(n);
}

void notices_free(struct notices **notices)
{
        struct notices *o = *notices;

        *notices = NULL;
        if (!o)
                return;
        for (size_t i = 0; i < o->count; i++)
                notice_free(o->notices[i]);
        free(o->notices);
        free(o->removed);
        free(o);
}

/* Room for each that is there, so that removing cannot fail. */
static int reserve(struct notices *o)
{
        if (o->count == o->capacity) {
                size_t capacity = MAX(2 * o->capacity, (size_t)16);
                struct notice **notices = reallocarray(o->notices, capacity, sizeof(*notices));

                if (!notices)
                        return -ENOMEM;
                o->notices = notices;
                o->capacity = capacity;
        }
        if (o->removed_count + o->count >= o->removed_capacity) {
                size_t capacity = 2 * (o->removed_count + o->count) + 16;
                uint64_t *removed = reallocarray(o->removed, capacity, sizeof(*removed));

                if (!removed)
                        return -ENOMEM;
                o->removed = removed;
                o->removed_capacity = capacity;
        }
        return 0;
}

static void drop(struct notices *o, size_t i)
{
        struct notice *n = o->notices[i];

        if (!n->cancelled)
                o->removed[o->removed_count++] = n->id;
        o->bytes -= n->size;
        memmove(o->notices + i, o->notices + i + 1, (o->count - i - 1) * sizeof(*o->notices));
        o->count--;
        notice_free(n);
}

static size_t find(const struct notices *o, uint64_t id)
{
        size_t i = 0;

        while (i < o->count && o->notices[i]->id != id)
                i++;
        return i;
}

/* Tickets go before pages, and the oldest first; never what is under way or `but`. */
static bool make_room(struct notices *o, const struct notice *but)
{
        for (int pages = 0; pages < 2; pages++)
                for (size_t i = 0; i < o->count; i++)
                        if (o->notices[i] != but && !o->notices[i]->under_way && (pages || o->notices[i]->to == TO_TICKETS)) {
                                drop(o, i);
                                o->dropped++;
                                return true;
                        }
        return false;
}

static void keep_limits(struct notices *o, const struct notice *but)
{
        while ((o->count > o->limits.most || o->bytes > o->limits.bytes) && make_room(o, but))
                ;
}

void notices_limit(struct notices *o, const struct notices_limits *limits)
{
        o->limits = *limits;
        keep_limits(o, NULL);
}

int notices_add(struct notices *o, const struct notice *notice, const struct notice **ret_notice)
{
        struct notice *n;

        if (notice->size > NOTICE_BODY_MAX)
                return -E2BIG;
        if (reserve(o) < 0)
                return -ENOMEM;
        n = malloc(sizeof(*n));
        if (!n)
                return -ENOMEM;
        *n = *notice;
        n->body = malloc(n->size + 1);
        if (!n->body) {
                free(n);
                return -ENOMEM;
        }
        memcpy(n->body, notice->body, n->size);
        n->body[n->size] = '\0';
        n->id = n->id > o->last ? n->id : o->last + 1;
        n->under_way = n->cancelled = false;
        (void)notices_cancel(o, n->to, n->subject);
        o->last = n->id;
        o->notices[o->count++] = n;
        o->bytes += n->size;
        keep_limits(o, n);
        *ret_notice = n;
        return 0;
}

const struct notice *notices_next(struct notices *o, enum destination to, int64_t monotonic)
{
        const struct notice *next = NULL;

        if (o->destinations[to].busy || monotonic < o->destinations[to].due_at)
                return NULL;
        for (size_t i = 0; i < o->count; i++)
                if (o->notices[i]->to == to && (!next || o->notices[i]->attempts < next->attempts))
                        next = o->notices[i];
        return next;
}

void notices_begin(struct notices *o, uint64_t id)
{
        size_t i = find(o, id);

        if (i == o->count)
                return;
        o->notices[i]->under_way = true;
        o->notices[i]->attempts++;
        o->destinations[o->notices[i]->to].busy = true;
}

static int64_t backoff(uint32_t failures, double chance)
{
        int64_t most = failures > 9 ? BACKOFF_MOST : MIN(BACKOFF_FIRST << (failures - 1), BACKOFF_MOST);

        return most - (int64_t)(chance * (double)most / 2);
}

void notices_end(struct notices *o, uint64_t id, enum delivery delivery, int64_t after, double chance, int64_t monotonic)
{
        size_t i = find(o, id);
        enum destination to;

        if (i == o->count || !o->notices[i]->under_way)
                return;
        to = o->notices[i]->to;
        o->notices[i]->under_way = false;
        o->destinations[to].busy = false;
        if (delivery == DELIVERY_FAILED) {
                o->destinations[to].failures++;
                o->destinations[to].due_at = monotonic + MAX(backoff(o->destinations[to].failures, chance), MIN(after, AFTER_MOST));
                if (o->notices[i]->cancelled)
                        drop(o, i);
                return;
        }
        o->destinations[to].failures = 0;
        o->destinations[to].due_at = 0;
        drop(o, i);
}

bool notices_cancel(struct notices *o, enum destination to, const char *subject)
{
        bool any = false;

        for (size_t i = o->count; i-- > 0;) {
                struct notice *n = o->notices[i];

                if (n->to != to || n->cancelled || strcmp(n->subject, subject) != 0)
                        continue;
                if (n->under_way) {
                        /* Off the disk at once: a restart would try it again. */
                        n->cancelled = true;
                        o->removed[o->removed_count++] = n->id;
                } else {
                        drop(o, i);
                        any = true;
                }
        }
        return any;
}

uint32_t notices_expire(struct notices *o, int64_t wall)
{
        uint32_t n = 0;

        for (size_t i = o->count; i-- > 0;)
                if (!o->notices[i]->under_way && o->notices[i]->made_at + o->limits.keep < wall) {
                        drop(o, i);
                        n++;
                }
        return n;
}

bool notices_removed(struct notices *o, uint64_t *ret_id)
{
        if (o->removed_count == 0)
                return false;
        *ret_id = o->removed[--o->removed_count];
        return true;
}

size_t notices_count(const struct notices *o)
{
        size_t n = 0;

        for (size_t i = 0; i < o->count; i++)
                n += !o->notices[i]->cancelled;
        return n;
}

uint64_t notices_dropped(const struct notices *o)
{
        return o->dropped;
}

uint32_t notices_failures(const struct notices *o, enum destination to)
{
        return o->destinations[to].failures;
}
