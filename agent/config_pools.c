#include "agent/config_pools.h"

#include "agent/config_field.h"
#include "agent/config_services.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#define PATH_SIZE 256

enum key { KEY_PORT, KEY_MAX, KEYS };

static const struct {
        const char *name;
        int64_t most;
        const char *help;
} keys[KEYS] = {
        [KEY_PORT] = { "port", 65535, "The port of the servers." },
        [KEY_MAX] = { "max", 1000000, "At most so many connections has the pool of one process." },
};

static int read_number(struct yaml_config_reader *reader, const yaml_node_t *node, const char *path, int64_t most, int64_t *ret)
{
        const char *text = node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : NULL;
        int64_t number;
        char *end;

        if (!text || !*text || strlen(text) != node->data.scalar.length)
                return yaml_config_fail(reader, node, path, "expected a whole number from 1 to %lld, found %s", (long long)most,
                                        node->type == YAML_SCALAR_NODE    ? "nothing"
                                        : node->type == YAML_MAPPING_NODE ? "a mapping"
                                                                          : "a list");
        errno = 0;
        number = strtoll(text, &end, 10);
        if (*end || errno || number < 1 || number > most)
                return yaml_config_fail(reader, node, path, "expected a whole number from 1 to %lld, found '%.80s'",
                                        (long long)most, text);
        *ret = number;
        return 0;
}

static int read_pool(struct yaml_config_reader *reader, yaml_node_t *node, const char *path, struct config_pool *ret_pool)
{
        int64_t values[KEYS] = { 0 };

        if (node->type != YAML_MAPPING_NODE)
                return yaml_config_fail(reader, node, path, "expected a pool, such as {port: 5432, max: 20}");
        for (yaml_node_pair_t *p = node->data.mapping.pairs.start; p < node->data.mapping.pairs.top; p++) {
                yaml_node_t *key = yaml_document_get_node(yaml_config_document(reader), p->key);
                yaml_node_t *value = yaml_document_get_node(yaml_config_document(reader), p->value);
                const char *name = key->type == YAML_SCALAR_NODE ? (const char *)key->data.scalar.value : "";
                char below[PATH_SIZE];
                size_t i = 0;
                int r;

                while (i < KEYS && strcmp(keys[i].name, name) != 0)
                        i++;
                if (i == KEYS)
                        return yaml_config_fail(reader, key, path, "unknown key '%.64s'; expected one of: port, max", name);
                snprintf(below, sizeof(below), "%s.%s", path, name);
                if (values[i])
                        return yaml_config_fail(reader, key, below, "given twice");
                r = read_number(reader, value, below, keys[i].most, &values[i]);
                if (r < 0)
                        return r;
        }
        for (size_t i = 0; i < KEYS; i++)
                if (!values[i])
                        return yaml_config_fail(reader, node, path, "expected the key '%s', which is missing", keys[i].name);
        *ret_pool = (struct config_pool){ (uint16_t)values[KEY_PORT], (uint32_t)values[KEY_MAX] };
        return 0;
}

static int read_pools(struct yaml_config_reader *reader, struct yaml_node_s *node, const char *path, void *to)
{
        struct config_pools *ret_pools = to;
        yaml_node_item_t *first = node->type == YAML_SEQUENCE_NODE ? node->data.sequence.items.start : NULL;
        size_t count = first ? (size_t)(node->data.sequence.items.top - first) : 0;

        if (count == 0)
                return yaml_config_fail(reader, node, path, "expected a list of pools, such as [{port: 5432, max: 20}]");
        if (count > CONFIG_POOLS_MAX)
                return yaml_config_fail(reader, node, path, "expected at most %d pools", CONFIG_POOLS_MAX);
        ret_pools->items = calloc(count, sizeof(*ret_pools->items));
        if (!ret_pools->items)
                return -ENOMEM;
        for (size_t i = 0; i < count; i++) {
                yaml_node_t *item = yaml_document_get_node(yaml_config_document(reader), first[i]);
                int r = read_pool(reader, item, path, &ret_pools->items[i]);

                if (r < 0)
                        return r;
                for (size_t k = 0; k < i; k++)
                        if (ret_pools->items[k].port == ret_pools->items[i].port)
                                return yaml_config_fail(reader, item, path, "port %u is given twice", ret_pools->items[i].port);
                ret_pools->count++;
        }
        return 0;
}

static void free_pools(void *to)
{
        struct config_pools *pools = to;

        free(pools->items);
        *pools = (struct config_pools){ 0 };
}

static void manual(const char *path)
{
        for (size_t i = 0; i < KEYS; i++)
                printf(".It Cm %s[].%s\n%s\n", path, keys[i].name, keys[i].help);
}

const struct config_list config_pools_list = { read_pools, free_pools, manual };

uint32_t config_pools_max(const struct service *services, const struct summary_identity *identity, uint16_t port)
{
        if (!identity || identity->kind != IDENTITY_EXPLICIT)
                return 0;
        for (const struct service *s = services; s; s = (const struct service *)(const void *)s->match.next) {
                if (s->pools.count == 0 || strcmp(s->name, identity->service) != 0)
                        continue;
                for (size_t i = 0; i < s->pools.count; i++)
                        if (s->pools.items[i].port == port)
                                return s->pools.items[i].max;
                return 0;
        }
        return 0;
}
