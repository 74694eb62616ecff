/* One file: what is at its top, and what only shows when all of it is read. */
#include "coordinator/signature_internal.h"
#include "coordinator/utf8.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DAY (86400 * NSEC_PER_SEC)

/* The signature comes first: custom readers get its address. */
struct draft {
        struct signature s;
        int64_t version;
        bool subject_known;
};

static int subject_of(struct yaml_config_reader *reader, const yaml_node_t *node, struct signature *s)
{
        struct draft *d = (struct draft *)s;
        char list[128], expected[160];
        const char *text;
        int r;

        snprintf(expected, sizeof(expected), "one of %s", subjects_list(list, sizeof(list)));
        r = signature_text(reader, node, "subject", expected, &text);
        if (r < 0)
                return r;
        if (!subject_find(text, &s->subject))
                return yaml_config_fail(reader, node, "subject", "expected %s, found '%.40s'", expected, text);
        d->subject_known = true;
        return 0;
}

int signature_need_subject(struct yaml_config_reader *reader, const yaml_node_t *node, struct signature *s)
{
        yaml_document_t *document = yaml_config_document(reader);
        const yaml_node_t *root = yaml_document_get_root_node(document);

        if (((struct draft *)s)->subject_known)
                return 0;
        for (yaml_node_pair_t *p = root->data.mapping.pairs.start; p < root->data.mapping.pairs.top; p++) {
                const yaml_node_t *key = yaml_document_get_node(document, p->key),
                                  *value = yaml_document_get_node(document, p->value);

                if (key && value && key->type == YAML_SCALAR_NODE && strcmp((const char *)key->data.scalar.value, "subject") == 0)
                        return subject_of(reader, value, s);
        }
        return yaml_config_fail(reader, node, "subject", "missing; expected before what speaks of its signals");
}

static int read_subject(struct yaml_config_reader *reader, yaml_node_t *node, const char *path, void *config)
{
        (void)path;
        return subject_of(reader, node, config);
}

static int read_name_to(struct yaml_config_reader *reader, const yaml_node_t *node, const char *path, char *to)
{
        static const char expected[] = "a name of at most 64 lower-case letters, digits and hyphens such as connection-pool-leak";
        const char *text;
        int r = signature_text(reader, node, path, expected, &text);

        if (r < 0)
                return r;
        if (strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(text) || *text < 'a' || *text > 'z' ||
            strlen(text) > SIGNATURE_NAME_MAX)
                return yaml_config_fail(reader, node, path, "expected %s, found '%.80s'", expected, text);
        memcpy(to, text, strlen(text) + 1);
        return 0;
}

static int read_name(struct yaml_config_reader *reader, yaml_node_t *node, const char *path, void *config)
{
        return read_name_to(reader, node, path, ((struct signature *)config)->name);
}

static int read_symptom_of(struct yaml_config_reader *reader, yaml_node_t *node, const char *path, void *config)
{
        struct signature *s = config;
        size_t count;
        int r = signature_list(reader, node, path, SIGNATURE_SYMPTOM_MAX, &count);

        for (size_t i = 0; r == 0 && i < count; i++)
                r = read_name_to(reader, signature_list_item(reader, node, i), path, s->symptom_of[i]);
        if (r == 0)
                s->symptom_of_count = count;
        return r;
}

static int read_title(struct yaml_config_reader *reader, yaml_node_t *node, const char *path, void *config)
{
        return signature_sentence(reader, node, path, ((struct signature *)config)->title);
}

static int read_settle(struct yaml_config_reader *reader, yaml_node_t *node, const char *path, void *config)
{
        return signature_span(reader, node, path, DAY, &((struct signature *)config)->settle);
}

static int read_causes(struct yaml_config_reader *reader, yaml_node_t *node, const char *path, void *config)
{
        struct signature *s = config;
        size_t count;
        int r = signature_list(reader, node, path, CAUSES, &count);

        if (r < 0)
                return r;
        for (size_t i = 0; i < count; i++) {
                const yaml_node_t *item = signature_list_item(reader, node, i);

                r = signature_cause(reader, item, path, &s->causes[i]);
                if (r < 0)
                        return r;
                for (size_t j = 0; j < i; j++)
                        if (s->causes[j] == s->causes[i])
                                return yaml_config_fail(reader, item, path, "'%s' is named twice", cause_name(s->causes[i]));
        }
        s->causes_count = count;
        return 0;
}

static const struct yaml_config_key keys[] = {
        { .name = "signature", .type = YAML_CONFIG_CUSTOM, .custom = read_name },
        { .name = "version", .type = YAML_CONFIG_INTEGER, .offset = offsetof(struct draft, version), .min = 1, .max = 1 },
        { .name = "title", .type = YAML_CONFIG_CUSTOM, .custom = read_title },
        { .name = "subject", .type = YAML_CONFIG_CUSTOM, .custom = read_subject },
        { .name = "settle", .type = YAML_CONFIG_CUSTOM, .custom = read_settle },
        { .name = "symptom-of", .type = YAML_CONFIG_CUSTOM, .custom = read_symptom_of },
        { .name = "evidence", .type = YAML_CONFIG_CUSTOM, .custom = signature_read_evidence },
        { .name = "against", .type = YAML_CONFIG_CUSTOM, .custom = signature_read_against },
        { .name = "breach", .type = YAML_CONFIG_CUSTOM, .custom = signature_read_breach },
        { .name = "causes", .type = YAML_CONFIG_CUSTOM, .custom = read_causes },
        { .name = "remedies", .type = YAML_CONFIG_CUSTOM, .custom = signature_read_remedies },
        { .name = "observe", .type = YAML_CONFIG_CUSTOM, .custom = signature_read_observe },
};

static int fail(struct yaml_config_error *error, const char *file, size_t line, const char *format, ...) PRINTF_LIKE(4, 5);
static int fail(struct yaml_config_error *error, const char *file, size_t line, const char *format, ...)
{
        va_list args;
        int n = snprintf(error->text, sizeof(error->text), "%s:%zu: ", file, line);

        if (n < 0 || (size_t)n >= sizeof(error->text))
                return -EBADMSG;
        va_start(args, format);
        vsnprintf(error->text + n, sizeof(error->text) - (size_t)n, format, args);
        va_end(args);
        return -EBADMSG;
}

/* libyaml would take UTF-16 too, and says of what is wrong neither where nor what. */
static int check_text(const char *file, const char *text, size_t size, struct yaml_config_error *error)
{
        size_t line = 1;

        if (size > SIGNATURE_FILE_MAX)
                return fail(error, file, 1, "expected a file of at most %d KiB, found %zu bytes", SIGNATURE_FILE_MAX / 1024, size);
        for (size_t at = 0; at < size;) {
                size_t n = text[at] ? utf8_length(text + at) : 0;

                if (n == 0 || n > size - at)
                        return fail(error, file, line, "expected UTF-8, found the byte 0x%02x", (unsigned char)text[at]);
                line += text[at] == '\n';
                at += n;
        }
        return 0;
}

static const char *file_name(const char *path)
{
        const char *slash = strrchr(path, '/');

        return slash ? slash + 1 : path;
}

static bool is_evidence(const struct signature *s, enum signal signal)
{
        for (size_t i = 0; i < s->evidence_count; i++)
                if (s->evidence[i].item.signal == signal)
                        return true;
        return false;
}

static bool is_cause(const struct signature *s, enum cause cause)
{
        for (size_t i = 0; i < s->causes_count; i++)
                if (s->causes[i] == cause)
                        return true;
        return false;
}

static int check_whole(const struct draft *d, const char *file, struct yaml_config_error *error)
{
        const struct signature *s = &d->s;
        const struct {
                const char *key;
                bool given;
        } required[] = {
                { "signature", *s->name },
                { "version", d->version },
                { "title", *s->title },
                { "subject", d->subject_known },
                { "evidence", s->evidence_count > 0 },
                { "causes", s->causes_count > 0 },
        };
        const char *name = file_name(file);

        for (size_t i = 0; i < ARRAY_SIZE(required); i++)
                if (!required[i].given)
                        return fail(error, file, 1, "%s: missing; each signature has it", required[i].key);
        if (strncmp(name, s->name, strlen(s->name)) || strcmp(name + strlen(s->name), ".yaml"))
                return fail(error, file, 1, "signature: expected the name of the file, %s, found '%s'", name, s->name);
        for (size_t i = 0; i < s->against_count; i++)
                if (s->against[i].explains != SIGNAL_NONE && !is_evidence(s, s->against[i].explains))
                        return fail(error, file, s->against[i].item.line,
                                    "against[%zu].explains: expected a signal that is evidence here, found '%s'", i + 1,
                                    signal_name(s->against[i].explains));
        for (size_t i = 0; i < s->remedies_count; i++)
                if (s->remedies[i].needs != CAUSE_ANY && !is_cause(s, s->remedies[i].needs))
                        return fail(error, file, s->remedies[i].predicts.line,
                                    "remedies[%zu].needs: expected one of the causes named here, found '%s'", i + 1,
                                    cause_name(s->remedies[i].needs));
        return 0;
}

int signature_parse(const char *file, const char *text, size_t size, struct signature **ret_signature,
                    struct yaml_config_error *ret_error)
{
        CLEANUP_FREE struct draft *d = calloc(1, sizeof(*d));
        CLEANUP_FREE char *copy = strdup(file);
        struct signature *s;
        int r;

        snprintf(ret_error->text, sizeof(ret_error->text), "%s: out of memory", file);
        if (!d || !copy)
                return -ENOMEM;
        d->s.breach = d->s.breach_limit = SIGNAL_NONE;
        r = check_text(file, text, size, ret_error);
        if (r == 0)
                r = yaml_config_parse(file, text, size, keys, ARRAY_SIZE(keys), d, ret_error);
        if (r == 0)
                r = check_whole(d, file, ret_error);
        if (r == 0)
                r = digest_of(text, size, d->s.digest);
        if (r < 0)
                return r;
        s = malloc(sizeof(*s));
        if (!s)
                return -ENOMEM;
        *s = d->s;
        s->file = TAKE_PTR(copy);
        *ret_signature = s;
        return 0;
}

int signature_load(const char *path, struct signature **ret_signature, struct yaml_config_error *ret_error)
{
        CLEANUP_FREE char *text = malloc(SIGNATURE_FILE_MAX + 2);
        CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        size_t size = 0;
        struct stat st;
        ssize_t n;

        snprintf(ret_error->text, sizeof(ret_error->text), "%s: out of memory", path);
        if (!text)
                return -ENOMEM;
        if (fd < 0 || fstat(fd, &st) < 0) {
                int r = -errno;

                snprintf(ret_error->text, sizeof(ret_error->text), "%s: cannot be opened: %s", path, strerror(-r));
                return r;
        }
        if (!S_ISREG(st.st_mode))
                return fail(ret_error, path, 1, "expected a regular file");
        /* One byte more than is taken: then it is too large. */
        while (size <= SIGNATURE_FILE_MAX && (n = read(fd, text + size, SIGNATURE_FILE_MAX + 1 - size)) != 0) {
                if (n < 0) {
                        int r = -errno;

                        snprintf(ret_error->text, sizeof(ret_error->text), "%s: cannot be read: %s", path, strerror(-r));
                        return r;
                }
                size += (size_t)n;
        }
        text[size] = '\0';
        return signature_parse(path, text, size, ret_signature, ret_error);
}

void signature_free(struct signature **signature)
{
        struct signature *s = TAKE_PTR(*signature);

        if (s)
                free(s->file);
        free(s);
}
