/* Answers made aside: a large one takes a good part of a second, in which nobody else would be heard.
 * It is made by a child that is forked for it and so has the whole graph as it was at that moment;
 * the coordinator goes on, and sends what the child has made once it is there.
 *
 * Owns the children. There are never more than a few, none lives longer than ASIDE_SECONDS, and all
 * die with the coordinator. A child touches neither sockets nor the store. */
#pragma once

#include "proto/base.h"
#include "proto/loop.h"

#define ASIDE_MAX 4
#define ASIDE_SECONDS 60

struct asides;

/* Runs in the child: makes the packed answer, which it leaves in memory. */
typedef int (*aside_make_function)(void *data, uint8_t **ret_answer, size_t *ret_size);
/* Runs in the coordinator: `answer` is NULL if the child came to nothing, else a mapping that is the
 * callee's from now on, to be ended by munmap(). */
typedef void (*aside_done_function)(void *data, uint64_t token, uint8_t *answer, size_t size);

MUST_CHECK int asides_new(struct loop *loop, aside_done_function done, void *data, struct asides **ret_asides);
void asides_free(struct asides **asides);

/* -EBUSY if there are enough already, -errno if none can be made: the caller then makes the answer
 * itself. `data` is used by the child alone. */
MUST_CHECK int aside_start(struct asides *asides, uint64_t token, aside_make_function make, void *data);
