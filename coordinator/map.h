/* A hash map of nodes that are embedded in their owners; it allocates nothing but its table. Keys
 * stay with the owner: a look-up walks the nodes of one hash and the caller compares. Hashes come
 * from SipHash with the core's key, so that peers cannot choose collisions. */
#pragma once

#include "proto/base.h"
#include "proto/hash.h"

struct map_node {
        struct map_node *next;
        uint64_t hash;
};

struct map {
        struct map_node **table;
        size_t count, mask; /* the table has mask + 1 places, or none yet */
};

void map_free(struct map *map); /* the table only */
/* -ENOMEM if the very first table cannot be made; later a table that cannot grow is kept. */
MUST_CHECK int map_insert(struct map *map, struct map_node *node, uint64_t hash);
/* A node that is not in it is left alone. */
void map_remove(struct map *map, struct map_node *node);
/* The first node of `hash`, and the next one of the same hash. */
struct map_node *map_first(const struct map *map, uint64_t hash);
struct map_node *map_next(const struct map_node *node);
size_t map_bytes(const struct map *map);

#define container_of(pointer, type, member) ((type *)(void *)((char *)(pointer)-offsetof(type, member)))
