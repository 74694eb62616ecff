#include "agent/config_services.h"

#include "agent/config_field.h"
#include "agent/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#define SERVICES_MAX 4096
#define PATH_SIZE 256

static const char *scalar_text(const yaml_node_t *node)
{
        const char *text = node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : NULL;

        return text && *text && strlen(text) == node->data.scalar.length ? text : NULL;
}

static int read_service(struct yaml_config_reader *reader, yaml_node_t *key, yaml_node_t *value, const char *path,
                        struct service *service)
{
        const char *name = scalar_text(key);
        char below[PATH_SIZE], clean[IDENTITY_NAME_SIZE];
        int r;

        if (!name || strlen(name) >= IDENTITY_NAME_SIZE)
                return yaml_config_fail(reader, key, path, "expected the name of a service, of 1 to %d characters",
                                        IDENTITY_NAME_SIZE - 1);
        text_copy(clean, sizeof(clean), name);
        if (strcmp(clean, name) != 0)
                return yaml_config_fail(reader, key, path, "expected a name without control characters");
        service->name = strdup(name);
        if (!service->name)
                return -ENOMEM;
        service->match.service = service->name;
        snprintf(below, sizeof(below), "%s.%s", path, name);
        r = config_field_read(reader, config_service_keys, config_service_keys_count, value, below, service);
        if (r < 0)
                return r;
        if (!service->match.unit && !service->match.executable && !service->match.cgroup && !service->match.container &&
            !service->match.pod)
                return yaml_config_fail(reader, value, below, "expected at least one key under match");
        if (service->scale.present && service->scale.min > service->scale.max)
                return yaml_config_fail(reader, value, below, "expected scale.min to be at most scale.max");
        if (service->suspend.unit && text_ends(service->suspend.unit, "@.service") && !service->suspend.max)
                return yaml_config_fail(reader, value, below, "expected suspend.max, which a template needs");
        if (service->limit.io && !service->limit.device)
                return yaml_config_fail(reader, value, below, "expected limit.device, which limit.io needs");
        return 0;
}

int config_services_read(struct yaml_config_reader *reader, struct yaml_node_s *node, const char *path, struct service **head)
{
        struct service **tail = head;
        size_t count = 0;

        if (node->type != YAML_MAPPING_NODE)
                return yaml_config_fail(reader, node, path, "expected a mapping of names to services");
        for (yaml_node_pair_t *p = node->data.mapping.pairs.start; p < node->data.mapping.pairs.top; p++) {
                yaml_node_t *key = yaml_document_get_node(yaml_config_document(reader), p->key);
                yaml_node_t *value = yaml_document_get_node(yaml_config_document(reader), p->value);
                struct service *service = calloc(1, sizeof(*service));
                int r;

                if (!service)
                        return -ENOMEM;
                *tail = service;
                tail = (struct service **)(void *)&service->match.next;
                r = read_service(reader, key, value, path, service);
                if (r < 0)
                        return r;
                if (++count > SERVICES_MAX)
                        return yaml_config_fail(reader, key, path, "expected at most %d services", SERVICES_MAX);
                for (const struct service *s = *head; s != service; s = (const struct service *)(const void *)s->match.next)
                        if (strcmp(s->name, service->name) == 0)
                                return yaml_config_fail(reader, key, path, "'%.64s' is given twice", s->name);
        }
        return 0;
}

void config_services_free(struct service **head)
{
        while (*head) {
                struct service *service = *head;

                *head = (struct service *)(void *)service->match.next;
                config_field_free(config_service_keys, config_service_keys_count, service);
                free(service->name);
                free(service);
        }
}

void config_services_manual(void)
{
        puts(".Bl -tag -width Ds");
        config_field_manual(config_service_keys, config_service_keys_count, "services.NAME");
        puts(".El");
}
