#include "agent/config_services.h"

#include "agent/text.h"
#include "proto/units.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#define SERVICES_MAX 4096
#define PATH_SIZE 256

enum field_type {
        FIELD_SECTION,
        FIELD_TEXT,
        FIELD_PATH,
        FIELD_UNIT,
        FIELD_WORD,
        FIELD_ARGV,
        FIELD_INTEGER,
        FIELD_DURATION,
        FIELD_POOLS
};

/* A key below a service. `words` are the values that a FIELD_WORD may have, separated by '|'. */
struct field {
        const char *name;
        enum field_type type;
        size_t offset;
        bool required;
        int64_t min, max;
        const char *words;
        const struct field *fields;
        size_t count;
        const char *help;
};

#define AT(member) offsetof(struct service, member)
#define SECTION(table) .fields = table, .count = ARRAY_SIZE(table)

static const struct field match_fields[] = {
        { "unit", FIELD_TEXT, AT(match.unit), .help = "A systemd unit; name@.service stands for every instance of the template." },
        { "executable", FIELD_TEXT, AT(match.executable),
          .help = "The path of an executable, or its name: the file's own or, for a server, the one it was started by." },
        { "cgroup", FIELD_PATH, AT(match.cgroup), .help = "The path of a cgroup from the root of its hierarchy." },
        { "container", FIELD_TEXT, AT(match.container), .help = "The name of a container, or the beginning of its id." },
        { "pod", FIELD_TEXT, AT(match.pod), .help = "A workload of Kubernetes, with or without its namespace." },
};
static const struct field drain_fields[] = {
        { "argv", FIELD_ARGV, AT(restart_safe.drain_argv), .required = true, .help = "The command that drains the service." },
        { "timeout", FIELD_DURATION, AT(restart_safe.drain_timeout), .min = NSEC_PER_SEC, .max = 3600 * NSEC_PER_SEC,
          .help = "How long it may take." },
};
static const struct field ready_fields[] = {
        { "port", FIELD_INTEGER, AT(restart_safe.ready_port), .required = true, .min = 1, .max = 65535,
          .help = "The port on which the service listens once it is ready." },
        { "within", FIELD_DURATION, AT(restart_safe.ready_within), .min = NSEC_PER_SEC, .max = 3600 * NSEC_PER_SEC,
          .help = "How long that may take." },
};
static const struct field restart_fields[] = {
        { "drain", FIELD_SECTION, SECTION(drain_fields), .help = "What to do before a restart." },
        { "ready", FIELD_SECTION, SECTION(ready_fields), .help = "How to tell that a restart is over." },
};
static const struct field rollback_fields[] = {
        { "driver", FIELD_WORD, AT(rollback.driver), .required = true, .words = "release-link|commands",
          .help = "How it is rolled back: by a symbolic link among releases and a restart, or by commands." },
        { "link", FIELD_PATH, AT(rollback.link), .help = "release-link: the symbolic link that names the current release." },
        { "releases", FIELD_PATH, AT(rollback.releases), .help = "release-link: the folder of releases." },
        { "unit", FIELD_UNIT, AT(rollback.unit), .help = "release-link: the unit to restart." },
        { "state", FIELD_ARGV, AT(rollback.state_argv),
          .help = "commands: prints what runs now, the same text for the same state; it must change nothing." },
        { "do", FIELD_ARGV, AT(rollback.do_argv), .help = "commands: rolls back." },
        { "undo", FIELD_ARGV, AT(rollback.undo_argv),
          .help = "commands: brings back what was before; also after a half-done rollback, "
                  "and where nothing was done." },
        { "verify", FIELD_ARGV, AT(rollback.verify_argv),
          .help = "commands: succeeds if what was rolled back to works, ends with 1 if not, and with anything else if it cannot "
                  "tell." },
        { "timeout", FIELD_DURATION, AT(rollback.timeout), .min = NSEC_PER_SEC, .max = 3600 * NSEC_PER_SEC,
          .help = "How long a command or a restart may take; 60 s by default." },
        { "barriers", FIELD_PATH, AT(rollback.barriers),
          .help = "release-link: a folder of marks, each called like a release that changed what cannot be changed back: no "
                  "rollback "
                  "goes from it, or past it, to an older one." },
};
static const struct field scale_fields[] = {
        { "driver", FIELD_WORD, AT(scale.driver), .required = true, .words = "systemd-template", .help = "How it is scaled." },
        { "unit", FIELD_TEXT, AT(scale.unit), .required = true, .help = "The template unit." },
        { "min", FIELD_INTEGER, AT(scale.min), .min = 0, .max = 1000, .help = "At least so many instances." },
        { "max", FIELD_INTEGER, AT(scale.max), .required = true, .min = 1, .max = 1000, .help = "At most so many instances." },
};
static const struct field freeze_fields[] = {
        { "within", FIELD_DURATION, AT(freeze.within), .required = true, .min = NSEC_PER_SEC, .max = 3600 * NSEC_PER_SEC,
          .help = "It is thawed after so long at the latest." },
};
static const struct field restart_now_fields[] = {
        { "unit", FIELD_UNIT, AT(restart.unit), .required = true, .help = "The unit to restart." },
};
static const struct field service_fields[] = {
        { "match", FIELD_SECTION, .required = true, SECTION(match_fields),
          .help = "What belongs to the service: every key that is given must fit; patterns with * and ? are allowed." },
        { "restart_safe", FIELD_SECTION, AT(restart_safe.present), SECTION(restart_fields), .help = "It may be restarted, so." },
        { "rollback", FIELD_SECTION, AT(rollback.present), SECTION(rollback_fields), .help = "It may be rolled back, so." },
        { "freeze", FIELD_SECTION, AT(freeze.present), SECTION(freeze_fields),
          .help = "Its processes may be frozen for a while, so." },
        { "restart", FIELD_SECTION, AT(restart.present), SECTION(restart_now_fields),
          .help = "It may be restarted on a person's word, so; with restart_safe it is drained before, and awaited." },
        { "scale", FIELD_SECTION, AT(scale.present), SECTION(scale_fields), .help = "It may be scaled, so." },
        { "pools", FIELD_POOLS, AT(pools),
          .help = "What pools of connections in its own code hold at most, such as [{port: 5432, max: 20}]." },
};

static void *member(const struct field *field, struct service *service)
{
        return (char *)service + field->offset;
}

static const char *scalar_text(const yaml_node_t *node)
{
        const char *text = node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : NULL;

        return text && *text && strlen(text) == node->data.scalar.length ? text : NULL;
}

static int expected(struct yaml_config_reader *reader, const struct field *field, const yaml_node_t *node, const char *path)
{
        const char *text = scalar_text(node), *what = "a text";
        char bounds[96];

        if (field->type == FIELD_PATH)
                what = "an absolute path";
        else if (field->type == FIELD_UNIT)
                what = "the name of a unit such as payments.service";
        else if (field->type == FIELD_WORD)
                what = field->words;
        else if (field->type == FIELD_ARGV)
                what = "a list of texts, the first of them an absolute path";
        else if (field->type == FIELD_INTEGER)
                snprintf(bounds, sizeof(bounds), "a whole number from %lld to %lld", (long long)field->min, (long long)field->max);
        else if (field->type == FIELD_DURATION)
                snprintf(bounds, sizeof(bounds), "a duration from %llds to %llds, such as 30s",
                         (long long)(field->min / NSEC_PER_SEC), (long long)(field->max / NSEC_PER_SEC));
        if (field->type == FIELD_INTEGER || field->type == FIELD_DURATION)
                what = bounds;
        if (text)
                return yaml_config_fail(reader, node, path, "expected %s, found '%.80s'", what, text);
        return yaml_config_fail(reader, node, path, "expected %s, found %s", what,
                                node->type == YAML_SCALAR_NODE    ? "nothing"
                                : node->type == YAML_MAPPING_NODE ? "a mapping"
                                                                  : "a list");
}

static bool one_of(const char *words, const char *text)
{
        size_t length = strlen(text);

        for (const char *p = words; *p; p += strcspn(p, "|"), p += *p == '|')
                if (strcspn(p, "|") == length && strncmp(p, text, length) == 0)
                        return true;
        return false;
}

/* As systemd names units, so that none can be taken for an option or a pattern. */
static bool unit_name(const char *text)
{
        size_t length = strlen(text);

        return length > strlen(".service") && length < 256 && text_ends(text, ".service") && text[0] != '-' && text[0] != '.' &&
               strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:_.@-\\") == length;
}

static int read_argv(struct yaml_config_reader *reader, const struct field *field, yaml_node_t *node, const char *path,
                     struct yaml_config_strings *ret_strings)
{
        size_t count =
                node->type == YAML_SEQUENCE_NODE ? (size_t)(node->data.sequence.items.top - node->data.sequence.items.start) : 0;

        if (count == 0)
                return expected(reader, field, node, path);
        ret_strings->items = calloc(count, sizeof(char *));
        if (!ret_strings->items)
                return -ENOMEM;
        for (size_t i = 0; i < count; i++) {
                yaml_node_t *item = yaml_document_get_node(yaml_config_document(reader), node->data.sequence.items.start[i]);

                if (!scalar_text(item) || (i == 0 && scalar_text(item)[0] != '/'))
                        return expected(reader, field, item, path);
                ret_strings->items[i] = strdup(scalar_text(item));
                if (!ret_strings->items[i])
                        return -ENOMEM;
                ret_strings->count++;
        }
        return 0;
}

static int read_scalar(struct yaml_config_reader *reader, const struct field *field, yaml_node_t *node, const char *path,
                       struct service *service)
{
        const char *text = scalar_text(node);
        int64_t number = 0;
        char *end;

        if (!text || (field->type == FIELD_PATH && text[0] != '/') || (field->type == FIELD_UNIT && !unit_name(text)) ||
            (field->type == FIELD_WORD && !one_of(field->words, text)))
                return expected(reader, field, node, path);
        if (field->type == FIELD_INTEGER || field->type == FIELD_DURATION) {
                errno = 0;
                if (field->type == FIELD_INTEGER) {
                        number = strtoll(text, &end, 10);
                        if (*end || errno)
                                return expected(reader, field, node, path);
                } else if (duration_parse(text, &number) < 0) {
                        return expected(reader, field, node, path);
                }
                if (number < field->min || number > field->max)
                        return expected(reader, field, node, path);
                *(int64_t *)member(field, service) = number;
                return 0;
        }
        *(char **)member(field, service) = strdup(text);
        return *(char **)member(field, service) ? 0 : -ENOMEM;
}

static int unknown(struct yaml_config_reader *reader, const yaml_node_t *node, const char *path, const struct field *fields,
                   size_t count, const char *name)
{
        char list[256] = "";
        size_t used = 0;

        for (size_t i = 0; i < count && used < sizeof(list); i++)
                used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s", i ? ", " : "", fields[i].name);
        return yaml_config_fail(reader, node, path, "unknown key '%.64s'; expected one of: %s", name, list);
}

/* As deep as the tables are: an alias to a parent cannot lead further. */
static int read_section(struct yaml_config_reader *reader, const struct field *fields, size_t count, yaml_node_t *node,
                        const char *path, struct service *service)
{
        uint32_t seen = 0;

        if (node->type != YAML_MAPPING_NODE)
                return yaml_config_fail(reader, node, path, "expected a mapping of keys to values");
        for (yaml_node_pair_t *p = node->data.mapping.pairs.start; p < node->data.mapping.pairs.top; p++) {
                yaml_node_t *key = yaml_document_get_node(yaml_config_document(reader), p->key);
                yaml_node_t *value = yaml_document_get_node(yaml_config_document(reader), p->value);
                const char *name = scalar_text(key);
                char below[PATH_SIZE];
                size_t i = 0;
                int r;

                while (name && i < count && strcmp(fields[i].name, name) != 0)
                        i++;
                if (!name || i == count)
                        return unknown(reader, key, path, fields, count, name ? name : "");
                snprintf(below, sizeof(below), "%s.%s", path, name);
                if (seen & 1u << i)
                        return yaml_config_fail(reader, key, below, "given twice");
                seen |= 1u << i;
                if (fields[i].type == FIELD_SECTION) {
                        r = read_section(reader, fields[i].fields, fields[i].count, value, below, service);
                        if (r == 0 && fields[i].offset)
                                *(bool *)member(&fields[i], service) = true;
                } else if (fields[i].type == FIELD_POOLS) {
                        r = config_pools_read(reader, value, below, member(&fields[i], service));
                } else if (fields[i].type == FIELD_ARGV) {
                        r = read_argv(reader, &fields[i], value, below, member(&fields[i], service));
                } else {
                        r = read_scalar(reader, &fields[i], value, below, service);
                }
                if (r < 0)
                        return r;
        }
        for (size_t i = 0; i < count; i++)
                if (fields[i].required && !(seen & 1u << i))
                        return yaml_config_fail(reader, node, path, "expected the key '%s', which is missing", fields[i].name);
        return 0;
}

static bool rollback_is_whole(const struct service *service, const char **ret_missing)
{
        bool commands = strcmp(service->rollback.driver, "commands") == 0;

        *ret_missing = NULL;
        if (commands && !service->rollback.state_argv.count)
                *ret_missing = "state";
        else if (commands && !service->rollback.do_argv.count)
                *ret_missing = "do";
        else if (commands && !service->rollback.undo_argv.count)
                *ret_missing = "undo";
        else if (!commands && !service->rollback.unit)
                *ret_missing = "unit";
        else if (!commands && !service->rollback.link)
                *ret_missing = "link";
        else if (!commands && !service->rollback.releases)
                *ret_missing = "releases";
        return *ret_missing == NULL;
}

static int read_service(struct yaml_config_reader *reader, yaml_node_t *key, yaml_node_t *value, const char *path,
                        struct service *service)
{
        const char *name = scalar_text(key);
        char below[PATH_SIZE], clean[IDENTITY_NAME_SIZE];
        const char *missing;
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
        r = read_section(reader, service_fields, ARRAY_SIZE(service_fields), value, below, service);
        if (r < 0)
                return r;
        if (!service->match.unit && !service->match.executable && !service->match.cgroup && !service->match.container &&
            !service->match.pod)
                return yaml_config_fail(reader, value, below, "expected at least one key under match");
        if (service->rollback.present && !rollback_is_whole(service, &missing))
                return yaml_config_fail(reader, value, below, "expected the key 'rollback.%s', which the driver %s needs", missing,
                                        service->rollback.driver);
        if (service->scale.present && service->scale.min > service->scale.max)
                return yaml_config_fail(reader, value, below, "expected scale.min to be at most scale.max");
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

static void free_fields(const struct field *fields, size_t count, struct service *service)
{
        for (size_t i = 0; i < count; i++) {
                struct yaml_config_strings *strings = member(&fields[i], service);

                if (fields[i].type == FIELD_SECTION) {
                        free_fields(fields[i].fields, fields[i].count, service);
                } else if (fields[i].type == FIELD_POOLS) {
                        config_pools_free(member(&fields[i], service));
                } else if (fields[i].type == FIELD_ARGV) {
                        for (size_t n = 0; n < strings->count; n++)
                                free(strings->items[n]);
                        free(strings->items);
                } else if (fields[i].type != FIELD_INTEGER && fields[i].type != FIELD_DURATION) {
                        free_ptr(member(&fields[i], service));
                }
        }
}

void config_services_free(struct service **head)
{
        while (*head) {
                struct service *service = *head;

                *head = (struct service *)(void *)service->match.next;
                free_fields(service_fields, ARRAY_SIZE(service_fields), service);
                free(service->name);
                free(service);
        }
}

static void manual(const struct field *fields, size_t count, const char *path)
{
        for (size_t i = 0; i < count; i++) {
                char below[PATH_SIZE];

                snprintf(below, sizeof(below), "%s.%s", path, fields[i].name);
                printf(".It Cm %s\n%s\n", below, fields[i].help);
                if (fields[i].words)
                        printf("Expected:\n.Ql %s .\n", fields[i].words);
                if (fields[i].type == FIELD_SECTION)
                        manual(fields[i].fields, fields[i].count, below);
                else if (fields[i].type == FIELD_POOLS)
                        config_pools_manual(below);
        }
}

void config_services_manual(void)
{
        puts(".Bl -tag -width Ds");
        manual(service_fields, ARRAY_SIZE(service_fields), "services.NAME");
        puts(".El");
}
