#include "coordinator/polls.h"

#include <stdlib.h>
#include <string.h>

#define BUCKETS 4096
#define OF_CONNECTION_MAX 64 /* a request that is sent again under its old id leaves the former poll here */

struct poll {
        struct poll_held held;
        struct poll *next, *previous;  /* in order of their end */
        struct poll *sibling, **reach; /* of the same bucket of connections */
        bool dropped;                  /* during a visit */
        char host[];
};

struct polls {
        struct poll *first, *last;
        struct poll *buckets[BUCKETS];
        size_t count;
        bool visiting;
};

int polls_new(struct polls **ret_polls)
{
        struct polls *polls = calloc(1, sizeof(*polls));

        if (!polls)
                return -ENOMEM;
        *ret_polls = polls;
        return 0;
}

static void forget(struct polls *polls, struct poll *p)
{
        if (p->previous)
                p->previous->next = p->next;
        else
                polls->first = p->next;
        if (p->next)
                p->next->previous = p->previous;
        else
                polls->last = p->previous;
        *p->reach = p->sibling;
        if (p->sibling)
                p->sibling->reach = p->reach;
        polls->count--;
        free(p);
}

void polls_free(struct polls **polls)
{
        if (!*polls)
                return;
        while ((*polls)->first)
                forget(*polls, (*polls)->first);
        free(*polls);
        *polls = NULL;
}

static size_t of_connection(const struct polls *polls, uint64_t connection)
{
        size_t count = 0;

        for (const struct poll *p = polls->buckets[connection % BUCKETS]; p; p = p->sibling)
                count += p->held.connection == connection;
        return count;
}

int polls_hold(struct polls *polls, const struct poll_held *poll)
{
        size_t size = strlen(poll->host) + 1;
        struct poll *p, **bucket = &polls->buckets[poll->connection % BUCKETS];

        if (of_connection(polls, poll->connection) >= OF_CONNECTION_MAX)
                return -EBUSY;
        p = malloc(sizeof(*p) + size);
        if (!p)
                return -ENOMEM;
        *p = (struct poll){ .held = *poll, .previous = polls->last, .sibling = *bucket, .reach = bucket };
        memcpy(p->host, poll->host, size);
        p->held.host = p->host;
        if (p->previous)
                p->previous->next = p;
        else
                polls->first = p;
        polls->last = p;
        if (p->sibling)
                p->sibling->reach = &p->sibling;
        *bucket = p;
        polls->count++;
        return 0;
}

void polls_drop(struct polls *polls, uint64_t connection)
{
        struct poll *p = polls->buckets[connection % BUCKETS], *next;

        for (; p; p = next) {
                next = p->sibling;
                if (p->held.connection != connection)
                        continue;
                /* Answering one may end its connection: the visitor holds on to the next one. */
                if (polls->visiting)
                        p->dropped = true;
                else
                        forget(polls, p);
        }
}

void polls_visit(struct polls *polls, bool (*answer)(void *data, const struct poll_held *poll), void *data)
{
        struct poll *p = polls->first, *next;

        polls->visiting = true;
        for (; p; p = next) {
                bool over = p->dropped || answer(data, &p->held);

                next = p->next;
                if (over || p->dropped)
                        forget(polls, p);
        }
        polls->visiting = false;
}

int64_t polls_next(const struct polls *polls)
{
        return polls->first ? polls->first->held.until : -1;
}

size_t polls_count(const struct polls *polls)
{
        return polls->count;
}
