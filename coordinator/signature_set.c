#include "coordinator/signature.h"
#include "coordinator/signature_library.h"
#include "proto/yaml_config.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct signature_set {
        struct signature *items[SIGNATURES_MAX]; /* by rising name */
        size_t count;
        uint8_t digest[DIGEST_SIZE];
};

static int fail(struct yaml_config_error *error, int r, const char *format, ...) PRINTF_LIKE(3, 4);
static int fail(struct yaml_config_error *error, int r, const char *format, ...)
{
        va_list args;

        va_start(args, format);
        vsnprintf(error->text, sizeof(error->text), format, args);
        va_end(args);
        return r;
}

/* The index of `name`, or where it would stand. */
static size_t place(const struct signature_set *set, const char *name, bool *ret_found)
{
        size_t low = 0, high = set->count;

        while (low < high) {
                size_t middle = (low + high) / 2;
                int order = strcmp(set->items[middle]->name, name);

                if (order == 0) {
                        *ret_found = true;
                        return middle;
                }
                if (order < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        *ret_found = false;
        return low;
}

/* Takes `s` over, also where it fails. */
static int add(struct signature_set *set, struct signature *s, struct yaml_config_error *error)
{
        bool found;
        size_t at = place(set, s->name, &found);

        if (found) {
                signature_free(&set->items[at]);
        } else if (set->count == SIGNATURES_MAX) {
                fail(error, -EBADMSG, "%s: expected at most %d signatures in all", s->file, SIGNATURES_MAX);
                signature_free(&s);
                return -EBADMSG;
        } else {
                memmove(&set->items[at + 1], &set->items[at], (set->count - at) * sizeof(*set->items));
                set->count++;
        }
        set->items[at] = s;
        return 0;
}

static int add_built_in(struct signature_set *set, struct yaml_config_error *error)
{
        int r = 0;

        for (size_t i = 0; i < signature_library_count && r == 0; i++) {
                const struct signature_library_file *f = &signature_library[i];
                struct signature *s = NULL;
                char name[128];

                snprintf(name, sizeof(name), SIGNATURES_BUILT_IN "/%s", f->file);
                r = signature_parse(name, f->text, f->size, &s, error);
                if (r == 0 && s)
                        r = add(set, s, error);
        }
        return r;
}

/* 1 for a signature, 0 for what is left alone. */
static int is_signature(const char *folder, const char *name, struct yaml_config_error *error)
{
        const char *end = strrchr(name, '.');

        if (*name == '.' || !end)
                return 0;
        if (strcmp(end, ".yml") == 0)
                return fail(error, -EBADMSG, "%s/%s: expected a name that ends in .yaml", folder, name);
        return strcmp(end, ".yaml") == 0;
}

static int add_folder(struct signature_set *set, const char *folder, struct yaml_config_error *error)
{
        DIR *stream = opendir(folder);
        struct dirent *entry;
        size_t count = 0;
        int r = 0;

        if (!stream) {
                r = -errno;
                return fail(error, r, "%s: cannot be opened: %s", folder, strerror(-r));
        }
        while (r >= 0 && (errno = 0, entry = readdir(stream))) {
                struct signature *s = NULL;
                char path[4096];

                r = is_signature(folder, entry->d_name, error);
                if (r <= 0)
                        continue;
                if (++count > SIGNATURES_MAX)
                        r = fail(error, -EBADMSG, "%s: expected at most %d signatures", folder, SIGNATURES_MAX);
                else if ((size_t)snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name) >= sizeof(path))
                        r = fail(error, -ENAMETOOLONG, "%s: the path of a file in it is too long", folder);
                else
                        r = signature_load(path, &s, error);
                if (r == 0 && s)
                        r = add(set, s, error);
        }
        if (r >= 0 && errno) {
                r = -errno;
                fail(error, r, "%s: cannot be read: %s", folder, strerror(-r));
        }
        closedir(stream);
        if (r >= 0 && count == 0)
                r = fail(error, -EBADMSG, "%s: expected signatures, found no *.yaml", folder);
        return MIN(r, 0);
}

static int set_digest(struct signature_set *set, struct yaml_config_error *error)
{
        uint8_t all[SIGNATURES_MAX * DIGEST_SIZE];

        for (size_t i = 0; i < set->count; i++)
                memcpy(all + i * DIGEST_SIZE, set->items[i]->digest, DIGEST_SIZE);
        return digest_of(all, set->count * DIGEST_SIZE, set->digest) < 0 ? fail(error, -ENOMEM, "out of memory") : 0;
}

int signatures_load(const char *const *folders, size_t count, struct signature_set **ret_set, struct yaml_config_error *ret_error)
{
        struct signature_set *set = calloc(1, sizeof(*set));
        int r = 0;

        if (!set)
                return fail(ret_error, -ENOMEM, "out of memory");
        for (size_t i = 0; i < count && r == 0; i++)
                r = strcmp(folders[i], SIGNATURES_BUILT_IN) ? add_folder(set, folders[i], ret_error) : add_built_in(set, ret_error);
        if (r == 0)
                r = set_digest(set, ret_error);
        if (r < 0)
                signatures_free(&set);
        else
                *ret_set = set;
        return r;
}

void signatures_free(struct signature_set **set)
{
        struct signature_set *s = TAKE_PTR(*set);

        for (size_t i = 0; s && i < s->count; i++)
                signature_free(&s->items[i]);
        free(s);
}

size_t signatures_count(const struct signature_set *set)
{
        return set->count;
}

const struct signature *signatures_get(const struct signature_set *set, size_t index)
{
        return set->items[index];
}

const struct signature *signatures_find(const struct signature_set *set, const char *name)
{
        bool found;
        size_t at = place(set, name, &found);

        return found ? set->items[at] : NULL;
}

const uint8_t *signatures_digest(const struct signature_set *set)
{
        return set->digest;
}
