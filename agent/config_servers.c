#include "agent/config_servers.h"

#include "agent/config_field.h"
#include "proto/action.h"

#include <stdio.h>
#include <stdlib.h>
#include <yaml.h>

#define AT(member) offsetof(struct config_server, member)

static const struct config_field fields[] = {
        { "service", FIELD_TEXT, AT(service), .required = true, .help = "The service, as the coordinator calls it." },
        { "addresses", FIELD_ADDRESSES, AT(addresses), .required = true, .max = CONFIG_SERVER_ADDRESSES_MAX,
          .help = "The addresses by which it is reached from here, at most 16." },
        { "port", FIELD_INTEGER, AT(port), .required = true, .min = 1, .max = 65535, .help = "And the port." },
};

static int read_servers(struct yaml_config_reader *reader, struct yaml_node_s *node, const char *path, void *to)
{
        struct config_servers *servers = to;
        yaml_node_item_t *first = node->type == YAML_SEQUENCE_NODE ? node->data.sequence.items.start : NULL;
        size_t count = first ? (size_t)(node->data.sequence.items.top - first) : 0;

        if (count == 0 || count > CONFIG_SERVERS_MAX)
                return yaml_config_fail(reader, node, path, "expected a list of 1 to %d servers", CONFIG_SERVERS_MAX);
        servers->items = calloc(count, sizeof(*servers->items));
        if (!servers->items)
                return -ENOMEM;
        for (size_t i = 0; i < count; i++) {
                yaml_node_t *item = yaml_document_get_node(yaml_config_document(reader), first[i]);
                int r;

                servers->count++; /* what was read of it is freed, too */
                r = config_field_read(reader, fields, ARRAY_SIZE(fields), item, path, &servers->items[i]);
                if (r < 0)
                        return r;
        }
        return 0;
}

static void free_servers(void *to)
{
        struct config_servers *servers = to;

        for (size_t i = 0; i < servers->count; i++)
                config_field_free(fields, ARRAY_SIZE(fields), &servers->items[i]);
        free(servers->items);
        *servers = (struct config_servers){ 0 };
}

static void manual(const char *path)
{
        char below[256];

        snprintf(below, sizeof(below), "%s[]", path);
        config_field_manual(fields, ARRAY_SIZE(fields), below);
}

const struct config_list config_servers_list = { read_servers, free_servers, manual };

const struct config_server *config_servers_find(const struct config_servers *servers, uint64_t digest)
{
        const struct config_server *found = NULL;

        for (size_t i = 0; i < servers->count; i++) {
                if (action_text_digest(servers->items[i].service) != digest)
                        continue;
                if (found)
                        return NULL;
                found = &servers->items[i];
        }
        return found;
}
