#include "proto/yaml_config.h"
#include "proto/units.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <yaml.h>

#define FILE_MAX (1 << 20)
#define KEY_MAX 256
#define MILLION 1e6

struct yaml_config_reader {
        const char *file;
        const struct yaml_config_key *keys;
        size_t count;
        void *config;
        bool *seen;
        yaml_document_t document;
        struct yaml_config_error *error;
};

static void *field(const struct yaml_config_key *key, void *config)
{
        return (char *)config + key->offset;
}

struct yaml_document_s *yaml_config_document(struct yaml_config_reader *reader)
{
        return &reader->document;
}

/* What a file says is part of the sentence, and that goes to terminals and logs: no control characters,
 * among them those that UTF-8 writes as c2 80 to c2 9f. */
static void one_line(char *text)
{
        for (unsigned char *p = (unsigned char *)text; *p; p++) {
                if (*p < 0x20 || *p == 0x7f)
                        *p = '?';
                else if (p[0] == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0)
                        p[0] = p[1] = '?';
        }
}

int yaml_config_fail(struct yaml_config_reader *reader, const struct yaml_node_s *node, const char *path, const char *format, ...)
{
        struct yaml_config_error *e = reader->error;
        va_list args;
        int n;

        n = snprintf(e->text, sizeof(e->text), "%s:%zu: %s%s", reader->file, node ? node->start_mark.line + 1 : 1, path,
                     *path ? ": " : "");
        if (n < 0 || (size_t)n >= sizeof(e->text))
                return -EBADMSG;
        va_start(args, format);
        vsnprintf(e->text + n, sizeof(e->text) - (size_t)n, format, args);
        va_end(args);
        one_line(e->text);
        return -EBADMSG;
}

static void strings_free(struct yaml_config_strings *s)
{
        for (size_t i = 0; i < s->count; i++)
                free(s->items[i]);
        free(s->items);
        *s = (struct yaml_config_strings){ 0 };
}

static int strings_add(struct yaml_config_strings *s, const char *text)
{
        char **items = realloc(s->items, (s->count + 1) * sizeof(*items));

        if (!items)
                return -ENOMEM;
        s->items = items;
        s->items[s->count] = strdup(text);
        if (!s->items[s->count])
                return -ENOMEM;
        s->count++;
        return 0;
}

static const char *expectation(const struct yaml_config_key *key)
{
        switch (key->type) {
        case YAML_CONFIG_BOOL:
                return "true or false";
        case YAML_CONFIG_INTEGER:
        case YAML_CONFIG_COUNT:
                return "a whole number";
        case YAML_CONFIG_RATIO:
                return "a ratio such as 0.25 or 25%";
        case YAML_CONFIG_BYTES:
                return "a size such as 512MiB";
        case YAML_CONFIG_DURATION:
                return "a duration such as 30s, 5m or 24h";
        case YAML_CONFIG_STRINGS:
                return "a list of texts";
        default:
                return "a text";
        }
}

static int bool_parse(const char *text, bool *ret_value)
{
        static const char *const words[] = { "false", "true", "no", "yes", "off", "on" };

        for (size_t i = 0; i < ARRAY_SIZE(words); i++)
                if (strcasecmp(text, words[i]) == 0) {
                        *ret_value = i % 2;
                        return 0;
                }
        return -EINVAL;
}

static int integer_parse(const char *text, int64_t *ret_value)
{
        char *end;
        long long v;

        errno = 0;
        v = strtoll(text, &end, 10);
        if (end == text || *end || errno)
                return -EINVAL;
        *ret_value = v;
        return 0;
}

/* In millionths, as ranges are, so that what is written as 5% is within one that begins at 0.05. */
static int ratio_parse(const char *text, double *ret_value)
{
        char *end;
        double v;

        if (*text != '.' && (*text < '0' || *text > '9'))
                return -EINVAL;
        v = strtod(text, &end);
        if (*end == '%') {
                v /= 100;
                end++;
        }
        if (*end || !isfinite(v) || strpbrk(text, "xX"))
                return -EINVAL;
        *ret_value = v;
        return 0;
}

static bool in_range(const struct yaml_config_key *key, int64_t value)
{
        return (key->min == 0 && key->max == 0) || (value >= key->min && value <= key->max);
}

/* -EINVAL: not of the type; -ERANGE. */
static int set_scalar(const struct yaml_config_key *key, const char *text, void *config)
{
        uint64_t bytes;
        int64_t number;
        double ratio;
        char *copy;
        int r;

        switch (key->type) {
        case YAML_CONFIG_STRING:
                if (!*text)
                        return -EINVAL;
                copy = strdup(text);
                if (!copy)
                        return -ENOMEM;
                free(*(char **)field(key, config));
                *(char **)field(key, config) = copy;
                return 0;
        case YAML_CONFIG_STRINGS:
                return *text ? strings_add(field(key, config), text) : -EINVAL;
        case YAML_CONFIG_BOOL:
                return bool_parse(text, field(key, config));
        case YAML_CONFIG_BYTES:
                r = bytes_parse(text, &bytes);
                if (r == 0 && !in_range(key, (int64_t)bytes))
                        r = -ERANGE;
                if (r == 0)
                        *(uint64_t *)field(key, config) = bytes;
                return r;
        case YAML_CONFIG_RATIO:
                r = ratio_parse(text, &ratio);
                if (r == 0 && !(ratio >= (double)key->min / MILLION && ratio <= (double)key->max / MILLION))
                        r = -ERANGE;
                if (r == 0)
                        *(double *)field(key, config) = ratio;
                return r;
        case YAML_CONFIG_COUNT:
                r = integer_parse(text, &number);
                if (r == 0 && !(number >= key->min && number <= key->max))
                        r = -ERANGE;
                if (r == 0)
                        *(uint32_t *)field(key, config) = (uint32_t)number;
                return r;
        case YAML_CONFIG_INTEGER:
        case YAML_CONFIG_DURATION:
                r = key->type == YAML_CONFIG_INTEGER ? integer_parse(text, &number) : duration_parse(text, &number);
                if (r == 0 && !in_range(key, number))
                        r = -ERANGE;
                if (r == 0)
                        *(int64_t *)field(key, config) = number;
                return r;
        default:
                return -EINVAL;
        }
}

static void bound_text(const struct yaml_config_key *key, int64_t value, char *buffer, size_t size)
{
        static const struct {
                int64_t ns;
                const char *name;
        } units[] = { { 86400 * NSEC_PER_SEC, "d" }, { 3600 * NSEC_PER_SEC, "h" }, { 60 * NSEC_PER_SEC, "m" },
                      { NSEC_PER_SEC, "s" },         { NSEC_PER_MSEC, "ms" },      { 1, "ns" } };
        static const char *const sizes[] = { "", "KiB", "MiB", "GiB", "TiB" };
        size_t i = 0;

        if (key->type == YAML_CONFIG_DURATION) {
                while (value % units[i].ns || (value == 0 && i < 3))
                        i++;
                snprintf(buffer, size, "%" PRId64 "%s", value / units[i].ns, units[i].name);
        } else if (key->type == YAML_CONFIG_BYTES) {
                while (value && value % 1024 == 0 && i + 1 < ARRAY_SIZE(sizes)) {
                        value /= 1024;
                        i++;
                }
                snprintf(buffer, size, "%" PRId64 "%s", value, sizes[i]);
        } else if (key->type == YAML_CONFIG_RATIO) {
                snprintf(buffer, size, "%.6g", (double)value / MILLION);
        } else {
                snprintf(buffer, size, "%" PRId64, value);
        }
}

static int scalar(struct yaml_config_reader *reader, const struct yaml_config_key *key, yaml_node_t *node)
{
        const char *text = (const char *)node->data.scalar.value;
        const char *expected = expectation(key);
        char min[32], max[32];
        int r = -EINVAL;

        /* `key:` without a value, and a zero byte inside of one. */
        if (strlen(text) == node->data.scalar.length &&
            !(node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && (!*text || !strcmp(text, "~") || !strcmp(text, "null"))))
                r = set_scalar(key, text, reader->config);
        if (r == 0 && key->expected && key->expected(text)) {
                expected = key->expected(text);
                r = -EINVAL;
        }
        if (r == -EINVAL)
                return yaml_config_fail(reader, node, key->name, "expected %s, found '%.80s'", expected, text);
        if (r == -ERANGE) {
                bound_text(key, key->min, min, sizeof(min));
                bound_text(key, key->max, max, sizeof(max));
                return yaml_config_fail(reader, node, key->name, "expected %s from %s to %s, found '%.80s'", expectation(key), min,
                                        max, text);
        }
        return r;
}

static int value(struct yaml_config_reader *reader, const struct yaml_config_key *key, yaml_node_t *node)
{
        if (key->type == YAML_CONFIG_CUSTOM)
                return key->custom(reader, node, key->name, reader->config);
        if (key->type == YAML_CONFIG_STRINGS)
                strings_free(field(key, reader->config));
        if (node->type == YAML_SCALAR_NODE)
                return scalar(reader, key, node);
        if (node->type != YAML_SEQUENCE_NODE || key->type != YAML_CONFIG_STRINGS)
                return yaml_config_fail(reader, node, key->name, "expected %s, found a %s", expectation(key),
                                        node->type == YAML_MAPPING_NODE ? "mapping" : "list");
        for (yaml_node_item_t *i = node->data.sequence.items.start; i < node->data.sequence.items.top; i++) {
                yaml_node_t *item = yaml_document_get_node(&reader->document, *i);
                int r;

                if (!item || item->type != YAML_SCALAR_NODE)
                        return yaml_config_fail(reader, item ? item : node, key->name, "expected a text in the list");
                r = scalar(reader, key, item);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* The keys that may stand at this level, for the error about one that may not. */
static int unknown(struct yaml_config_reader *reader, const yaml_node_t *node, const char *prefix, const char *name)
{
        size_t length = strlen(prefix), used = 0;
        char list[320] = "", last[64] = "";

        for (size_t i = 0; i < reader->count && used < sizeof(list) - 1; i++) {
                const char *rest = reader->keys[i].name + length;
                char part[64];

                if (strncmp(reader->keys[i].name, prefix, length))
                        continue;
                snprintf(part, sizeof(part), "%.*s", (int)strcspn(rest, "."), rest);
                if (strcmp(part, last) == 0)
                        continue;
                memcpy(last, part, sizeof(last));
                used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s", used ? ", " : "", part);
        }
        return yaml_config_fail(reader, node, "", "unknown key '%s%.64s'; expected one of: %s", prefix, name, list);
}

static int mapping(struct yaml_config_reader *reader, yaml_node_t *node, const char *prefix)
{
        if (node->type != YAML_MAPPING_NODE)
                return yaml_config_fail(reader, node, "", "expected a mapping of keys to values%s%s", *prefix ? " under " : "",
                                        prefix);

        for (yaml_node_pair_t *p = node->data.mapping.pairs.start; p < node->data.mapping.pairs.top; p++) {
                yaml_node_t *k = yaml_document_get_node(&reader->document, p->key);
                yaml_node_t *v = yaml_document_get_node(&reader->document, p->value);
                char name[KEY_MAX], section[KEY_MAX + 2];
                bool is_section = false;
                size_t i;
                int r;

                if (!k || !v || k->type != YAML_SCALAR_NODE)
                        return yaml_config_fail(reader, k ? k : node, "", "expected a key");
                if ((size_t)snprintf(name, sizeof(name), "%s%s", prefix, (const char *)k->data.scalar.value) >= sizeof(name) ||
                    strchr((const char *)k->data.scalar.value, '.'))
                        return unknown(reader, k, prefix, (const char *)k->data.scalar.value);
                for (i = 0; i < reader->count && strcmp(reader->keys[i].name, name); i++)
                        ;
                if (i < reader->count) {
                        if (reader->seen[i])
                                return yaml_config_fail(reader, k, name, "given twice");
                        reader->seen[i] = true;
                        r = value(reader, &reader->keys[i], v);
                        if (r < 0)
                                return r;
                        continue;
                }
                snprintf(section, sizeof(section), "%s.", name);
                for (i = 0; i < reader->count && !is_section; i++)
                        is_section = strncmp(reader->keys[i].name, section, strlen(section)) == 0;
                if (!is_section)
                        return unknown(reader, k, prefix, (const char *)k->data.scalar.value);
                /* As deep as the table: an alias to a parent ends there. */
                r = mapping(reader, v, section);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* From `stream`, or where there is none from `text`. */
static int read_document(struct yaml_config_reader *reader, FILE *stream, const char *text, size_t size)
{
        yaml_parser_t parser;
        int r = 0;

        if (!yaml_parser_initialize(&parser))
                return -ENOMEM;
        if (stream)
                yaml_parser_set_input_file(&parser, stream);
        else
                yaml_parser_set_input_string(&parser, (const unsigned char *)text, size);
        if (!yaml_parser_load(&parser, &reader->document)) {
                size_t line = parser.problem_mark.line + 1;

                r = parser.error == YAML_MEMORY_ERROR ? -ENOMEM : -EBADMSG;
                snprintf(reader->error->text, sizeof(reader->error->text), "%s:%zu: expected YAML, found: %s%s%s", reader->file,
                         line, parser.problem ? parser.problem : "it cannot be read", parser.context ? " " : "",
                         parser.context ? parser.context : "");
        }
        yaml_parser_delete(&parser);
        return r;
}

static int read_keys(const char *name, FILE *stream, const char *text, size_t size, const struct yaml_config_key *keys,
                     size_t count, void *config, struct yaml_config_error *ret_error)
{
        CLEANUP_FREE bool *seen = calloc(count + 1, sizeof(*seen));
        struct yaml_config_reader reader = {
                .file = name, .keys = keys, .count = count, .config = config, .seen = seen, .error = ret_error
        };
        yaml_node_t *root;
        int r;

        snprintf(ret_error->text, sizeof(ret_error->text), "%s: out of memory", name);
        if (!seen)
                return -ENOMEM;
        r = read_document(&reader, stream, text, size);
        if (r < 0)
                return r;
        root = yaml_document_get_root_node(&reader.document);
        if (root && !(root->type == YAML_SCALAR_NODE && root->data.scalar.length == 0))
                r = mapping(&reader, root, "");
        yaml_document_delete(&reader.document);
        return r;
}

int yaml_config_load(const char *path, const struct yaml_config_key *keys, size_t count, void *config,
                     struct yaml_config_error *ret_error)
{
        struct stat st;
        FILE *stream = fopen(path, "re");
        int r;

        if (!stream || fstat(fileno(stream), &st) < 0) {
                r = -errno;
                snprintf(ret_error->text, sizeof(ret_error->text), "%s: cannot be opened: %s", path, strerror(-r));
                if (stream)
                        fclose(stream);
                return r;
        }
        if (!S_ISREG(st.st_mode) || st.st_size > FILE_MAX) {
                snprintf(ret_error->text, sizeof(ret_error->text), "%s: expected a regular file of at most 1 MiB", path);
                fclose(stream);
                return -EBADMSG;
        }
        r = read_keys(path, stream, NULL, 0, keys, count, config, ret_error);
        fclose(stream);
        return r;
}

int yaml_config_parse(const char *name, const char *text, size_t size, const struct yaml_config_key *keys, size_t count,
                      void *config, struct yaml_config_error *ret_error)
{
        return read_keys(name, NULL, text, size, keys, count, config, ret_error);
}

int yaml_config_defaults(const struct yaml_config_key *keys, size_t count, void *config)
{
        for (size_t i = 0; i < count; i++)
                if (keys[i].initial && keys[i].type != YAML_CONFIG_CUSTOM) {
                        int r = set_scalar(&keys[i], keys[i].initial, config);

                        if (r < 0)
                                return r;
                }
        return 0;
}

void yaml_config_free(const struct yaml_config_key *keys, size_t count, void *config)
{
        for (size_t i = 0; i < count; i++) {
                if (keys[i].type == YAML_CONFIG_STRING)
                        free_ptr(field(&keys[i], config));
                else if (keys[i].type == YAML_CONFIG_STRINGS)
                        strings_free(field(&keys[i], config));
        }
}

/* The value of a key of a mapping, and the line of the key. */
static yaml_node_t *member(yaml_document_t *document, const yaml_node_t *mapping, const char *name, size_t length, size_t *ret_line)
{
        if (!mapping || mapping->type != YAML_MAPPING_NODE)
                return NULL;
        for (yaml_node_pair_t *p = mapping->data.mapping.pairs.start; p < mapping->data.mapping.pairs.top; p++) {
                yaml_node_t *k = yaml_document_get_node(document, p->key);

                if (!k || k->type != YAML_SCALAR_NODE || k->data.scalar.length != length ||
                    memcmp(k->data.scalar.value, name, length) != 0)
                        continue;
                *ret_line = k->start_mark.line + 1;
                return yaml_document_get_node(document, p->value);
        }
        return NULL;
}

size_t yaml_config_line(const char *path, const char *key)
{
        struct yaml_config_error error;
        struct yaml_config_reader reader = { .file = path, .error = &error };
        FILE *stream = fopen(path, "re");
        yaml_node_t *node;
        size_t line = 0;

        if (!stream)
                return 0;
        if (read_document(&reader, stream, NULL, 0) < 0) {
                fclose(stream);
                return 0;
        }
        node = yaml_document_get_root_node(&reader.document);
        for (const char *dot; node && *key; key = *dot ? dot + 1 : dot) {
                dot = key + strcspn(key, ".");
                node = member(&reader.document, node, key, (size_t)(dot - key), &line);
        }
        yaml_document_delete(&reader.document);
        fclose(stream);
        return node ? line : 0;
}

/* A sentence a line, as manual pages have it. */
static void sentences(const char *text)
{
        for (; *text; text++) {
                if (text[0] == ' ' && text[-1] == '.')
                        putchar('\n');
                else
                        putchar(*text);
        }
        putchar('\n');
}

void yaml_config_manual(const struct yaml_config_key *keys, size_t count)
{
        puts(".Bl -tag -width Ds");
        for (size_t i = 0; i < count; i++) {
                const struct yaml_config_key *key = &keys[i];
                char min[32], max[32];

                printf(".It Cm %s\n", key->name);
                sentences(key->help);
                if (key->type != YAML_CONFIG_CUSTOM && key->type != YAML_CONFIG_STRING)
                        printf("A value is %s", expectation(key));
                if (key->min || key->max) {
                        bound_text(key, key->min, min, sizeof(min));
                        bound_text(key, key->max, max, sizeof(max));
                        printf(" from %s to %s", min, max);
                }
                if (key->type != YAML_CONFIG_CUSTOM && key->type != YAML_CONFIG_STRING)
                        puts(".");
                if (key->initial)
                        printf("Default:\n.Ql %s .\n", key->initial);
                if (key->reloadable)
                        puts("Taken over on\n.Dv SIGHUP .");
        }
        puts(".El");
}
