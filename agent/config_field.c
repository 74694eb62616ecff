#include "agent/config_field.h"

#include "agent/text.h"
#include "proto/units.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#define PATH_SIZE 256

static void *member(const struct config_field *field, void *to)
{
        return (char *)to + field->offset;
}

static const char *scalar_text(const yaml_node_t *node)
{
        const char *text = node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : NULL;

        return text && *text && strlen(text) == node->data.scalar.length ? text : NULL;
}

static int expected(struct yaml_config_reader *reader, const struct config_field *field, const yaml_node_t *node, const char *path)
{
        const char *text = scalar_text(node), *what = "a text";
        char bounds[96];

        if (field->type == FIELD_PATH)
                what = "an absolute path";
        else if (field->type == FIELD_UNIT)
                what = "the name of a unit such as payments.service";
        else if (field->type == FIELD_TEMPLATE)
                what = "the name of a template unit such as ledger@.service";
        else if (field->type == FIELD_WORD)
                what = field->words;
        else if (field->type == FIELD_ARGV)
                what = "a list of texts, the first of them an absolute path";
        else if (field->type == FIELD_ADDRESSES)
                what = "a list of IP addresses";
        else if (field->type == FIELD_INTEGER)
                snprintf(bounds, sizeof(bounds), "a whole number from %lld to %lld", (long long)field->min, (long long)field->max);
        else if (field->type == FIELD_DURATION)
                snprintf(bounds, sizeof(bounds), "a duration from %llds to %llds, such as 30s",
                         (long long)(field->min / NSEC_PER_SEC), (long long)(field->max / NSEC_PER_SEC));
        else if (field->type == FIELD_BYTES)
                snprintf(bounds, sizeof(bounds), "a size from %lld to %lld bytes, such as 64MiB", (long long)field->min,
                         (long long)field->max);
        if (field->type == FIELD_INTEGER || field->type == FIELD_DURATION || field->type == FIELD_BYTES)
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

static bool template_name(const char *text)
{
        return unit_name(text) && text_ends(text, "@.service") && text[0] != '@' && strchr(text, '@') == strrchr(text, '@');
}

static bool is_address(const char *text)
{
        uint8_t bytes[16];

        return inet_pton(AF_INET, text, bytes) == 1 || inet_pton(AF_INET6, text, bytes) == 1;
}

static int read_texts(struct yaml_config_reader *reader, const struct config_field *field, yaml_node_t *node, const char *path,
                      struct yaml_config_strings *ret_strings)
{
        size_t count =
                node->type == YAML_SEQUENCE_NODE ? (size_t)(node->data.sequence.items.top - node->data.sequence.items.start) : 0;

        if (count == 0 || (field->max && count > (size_t)field->max))
                return expected(reader, field, node, path);
        ret_strings->items = calloc(count, sizeof(char *));
        if (!ret_strings->items)
                return -ENOMEM;
        for (size_t i = 0; i < count; i++) {
                yaml_node_t *item = yaml_document_get_node(yaml_config_document(reader), node->data.sequence.items.start[i]);
                const char *text = scalar_text(item);

                if (!text || (field->type == FIELD_ARGV && i == 0 && text[0] != '/') ||
                    (field->type == FIELD_ADDRESSES && !is_address(text)))
                        return expected(reader, field, item, path);
                ret_strings->items[i] = strdup(text);
                if (!ret_strings->items[i])
                        return -ENOMEM;
                ret_strings->count++;
        }
        return 0;
}

static bool is_number(const struct config_field *field)
{
        return field->type == FIELD_INTEGER || field->type == FIELD_DURATION || field->type == FIELD_BYTES;
}

static bool parse_number(const struct config_field *field, const char *text, int64_t *ret)
{
        uint64_t bytes;
        char *end;

        if (field->type == FIELD_DURATION && duration_parse(text, ret) < 0)
                return false;
        if (field->type == FIELD_BYTES) {
                if (bytes_parse(text, &bytes) < 0 || bytes > INT64_MAX)
                        return false;
                *ret = (int64_t)bytes;
        }
        if (field->type == FIELD_INTEGER) {
                errno = 0;
                *ret = strtoll(text, &end, 10);
                if (*end || errno)
                        return false;
        }
        return *ret >= field->min && *ret <= field->max;
}

static bool is_fit(const struct config_field *field, const char *text)
{
        switch (field->type) {
        case FIELD_PATH:
                return text[0] == '/';
        case FIELD_UNIT:
                return unit_name(text);
        case FIELD_TEMPLATE:
                return template_name(text);
        case FIELD_WORD:
                return one_of(field->words, text);
        default:
                return true;
        }
}

static int read_scalar(struct yaml_config_reader *reader, const struct config_field *field, yaml_node_t *node, const char *path,
                       void *to)
{
        const char *text = scalar_text(node);
        int64_t number;

        if (!text || !is_fit(field, text) || (is_number(field) && !parse_number(field, text, &number)))
                return expected(reader, field, node, path);
        if (is_number(field)) {
                *(int64_t *)member(field, to) = number;
                return 0;
        }
        *(char **)member(field, to) = strdup(text);
        return *(char **)member(field, to) ? 0 : -ENOMEM;
}

static int unknown(struct yaml_config_reader *reader, const yaml_node_t *node, const char *path, const struct config_field *fields,
                   size_t count, const char *name)
{
        char list[256] = "";
        size_t used = 0;

        for (size_t i = 0; i < count && used < sizeof(list); i++)
                used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s", i ? ", " : "", fields[i].name);
        return yaml_config_fail(reader, node, path, "unknown key '%.64s'; expected one of: %s", name, list);
}

static int read_value(struct yaml_config_reader *reader, const struct config_field *field, yaml_node_t *node, const char *path,
                      void *to)
{
        int r;

        switch (field->type) {
        case FIELD_SECTION:
                r = config_field_read(reader, field->fields, field->count, node, path, to);
                if (r == 0 && field->offset)
                        *(bool *)member(field, to) = true;
                return r;
        case FIELD_LIST:
                return field->list->read(reader, node, path, member(field, to));
        case FIELD_ARGV:
        case FIELD_ADDRESSES:
                return read_texts(reader, field, node, path, member(field, to));
        default:
                return read_scalar(reader, field, node, path, to);
        }
}

/* What the section as a whole lacks: keys that are always needed, and those that its driver needs. */
static int require(struct yaml_config_reader *reader, const struct config_field *fields, size_t count, uint32_t seen,
                   const yaml_node_t *node, const char *path, void *to)
{
        const char *driver = NULL;

        for (size_t i = 0; i < count; i++) {
                if (fields[i].required && !(seen & 1u << i))
                        return yaml_config_fail(reader, node, path, "expected the key '%s', which is missing", fields[i].name);
                if (fields[i].type == FIELD_WORD && strcmp(fields[i].name, "driver") == 0)
                        driver = *(char **)member(&fields[i], to);
        }
        for (size_t i = 0; i < count && driver; i++)
                if (fields[i].drivers && one_of(fields[i].drivers, driver) && !(seen & 1u << i))
                        return yaml_config_fail(reader, node, path, "expected the key '%s', which the driver %s needs",
                                                fields[i].name, driver);
        return 0;
}

/* As deep as the tables are: an alias to a parent cannot lead further. */
int config_field_read(struct yaml_config_reader *reader, const struct config_field *fields, size_t count, yaml_node_t *node,
                      const char *path, void *to)
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
                r = read_value(reader, &fields[i], value, below, to);
                if (r < 0)
                        return r;
        }
        return require(reader, fields, count, seen, node, path, to);
}

void config_field_free(const struct config_field *fields, size_t count, void *to)
{
        for (size_t i = 0; i < count; i++) {
                struct yaml_config_strings *strings = member(&fields[i], to);

                if (fields[i].type == FIELD_SECTION) {
                        config_field_free(fields[i].fields, fields[i].count, to);
                } else if (fields[i].type == FIELD_LIST) {
                        fields[i].list->free(member(&fields[i], to));
                } else if (fields[i].type == FIELD_ARGV || fields[i].type == FIELD_ADDRESSES) {
                        for (size_t n = 0; n < strings->count; n++)
                                free(strings->items[n]);
                        free(strings->items);
                } else if (!is_number(&fields[i])) {
                        free_ptr(member(&fields[i], to));
                }
        }
}

void config_field_manual(const struct config_field *fields, size_t count, const char *path)
{
        for (size_t i = 0; i < count; i++) {
                char below[PATH_SIZE];

                snprintf(below, sizeof(below), "%s.%s", path, fields[i].name);
                printf(".It Cm %s\n%s\n", below, fields[i].help);
                if (fields[i].words)
                        printf("Expected:\n.Ql %s .\n", fields[i].words);
                if (fields[i].type == FIELD_SECTION)
                        config_field_manual(fields[i].fields, fields[i].count, below);
                else if (fields[i].type == FIELD_LIST)
                        fields[i].list->manual(below);
        }
}
