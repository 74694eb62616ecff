#include "coordinator/map.h"

#include <stdlib.h>

#define MAP_MIN 16u

void map_free(struct map *map)
{
        free(map->table);
        *map = (struct map){ 0 };
}

static void place(struct map *map, struct map_node *node)
{
        struct map_node **slot = &map->table[node->hash & map->mask];

        node->next = *slot;
        *slot = node;
}

static int grow(struct map *map)
{
        size_t size = map->table ? 2 * (map->mask + 1) : MAP_MIN;
        struct map_node **old = map->table, **table = calloc(size, sizeof(struct map_node *));
        size_t old_size = old ? map->mask + 1 : 0;

        if (!table)
                return old ? 0 : -ENOMEM;
        map->table = table;
        map->mask = size - 1;
        for (size_t i = 0; i < old_size; i++) {
                for (struct map_node *n = old[i], *next; n; n = next) {
                        next = n->next;
                        place(map, n);
                }
        }
        free(old);
        return 0;
}

int map_insert(struct map *map, struct map_node *node, uint64_t hash)
{
        if (!map->table || map->count > map->mask) {
                int r = grow(map);
                if (r < 0)
                        return r;
        }
        node->hash = hash;
        place(map, node);
        map->count++;
        return 0;
}

void map_remove(struct map *map, struct map_node *node)
{
        if (!map->table)
                return;
        for (struct map_node **slot = &map->table[node->hash & map->mask]; *slot; slot = &(*slot)->next) {
                if (*slot != node)
                        continue;
                *slot = node->next;
                map->count--;
                return;
        }
}

struct map_node *map_first(const struct map *map, uint64_t hash)
{
        struct map_node *n = map->table ? map->table[hash & map->mask] : NULL;

        while (n && n->hash != hash)
                n = n->next;
        return n;
}

struct map_node *map_next(const struct map_node *node)
{
        struct map_node *n = node->next;

        while (n && n->hash != node->hash)
                n = n->next;
        return n;
}

size_t map_bytes(const struct map *map)
{
        return map->table ? (map->mask + 1) * sizeof(*map->table) : 0;
}
