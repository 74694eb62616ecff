#include "coordinator/notices_files.h"
#include "proto/log.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAME_SIZE 32
#define FILES_MAX 100000 /* as many as may be configured */

static const char *name_of(uint64_t id, char name[NAME_SIZE])
{
        snprintf(name, NAME_SIZE, "%020" PRIu64 ".json", id);
        return name;
}

int notices_files_put(const struct audit_files *files, const struct notice *n)
{
        json_t *o = json_pack("{s:s,s:s,s:s,s:I,s:s%}", "to", destination_name(n->to), "subject", n->subject, "key", n->key,
                              "made_at", (json_int_t)n->made_at, "body", n->body, n->size);
        CLEANUP_FREE char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
        char name[NAME_SIZE];

        json_decref(o);
        return text ? audit_file_put(files, name_of(n->id, name), 0600, text, strlen(text), true) : -ENOMEM;
}

void notices_files_remove(const struct audit_files *files, uint64_t id)
{
        char name[NAME_SIZE];

        /* One that stays is delivered once more after a restart, under the same key. */
        (void)!audit_file_remove(files, name_of(id, name), false);
}

static int parse(const uint8_t *data, size_t size, struct notice *n, json_t **ret_root)
{
        json_t *root = json_loadb((const char *)data, size, 0, NULL);
        const char *to, *subject, *key;
        json_int_t made_at;
        int r = root ? json_unpack(root, "{s:s,s:s,s:s,s:I,s:s%}", "to", &to, "subject", &subject, "key", &key, "made_at", &made_at,
                                   "body", (const char **)&n->body, &n->size)
                     : -1;

        if (r < 0 || !destination_find(to, &n->to) || strlen(subject) >= sizeof(n->subject) || strlen(key) >= sizeof(n->key)) {
                json_decref(root);
                return -EBADMSG;
        }
        strcpy(n->subject, subject);
        strcpy(n->key, key);
        n->made_at = made_at;
        *ret_root = root;
        return 0;
}

static int take(const struct audit_files *files, struct notices *notices, const char *name, uint64_t id)
{
        CLEANUP_FREE uint8_t *data = NULL;
        struct notice n = { .id = id };
        const struct notice *added;
        json_t *root = NULL;
        size_t size;
        int r = audit_file_read(files, name, 8 * NOTICE_BODY_MAX, &data, &size);

        if (r == 0)
                r = parse(data, size, &n, &root);
        if (r == 0)
                r = notices_add(notices, &n, &added);
        json_decref(root);
        if (r < 0 && r != -ENOMEM) {
                log_warning("notices", "%s/%s is no notice, and was removed: %s", NOTICES_FOLDER, name, strerror(-r));
                (void)!audit_file_remove(files, name, false);
                r = 0;
        }
        return r;
}

static int is_notice(const struct dirent *entry)
{
        size_t digits = strspn(entry->d_name, "0123456789");

        return digits == 20 && strcmp(entry->d_name + digits, ".json") == 0;
}

int notices_files_open(const char *state_dir, const struct audit_io *io, struct notices *notices, struct audit_files *ret_files)
{
        CLEANUP_FD int state = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), folder = -1;
        struct audit_files files = { .io = io ? io : &audit_io_real };
        struct dirent **entries = NULL;
        int r, n;

        if (state < 0)
                return -errno;
        r = files.io->mkdir(files.io->data, state, NOTICES_FOLDER, 0700);
        if (r < 0 && r != -EEXIST)
                return r;
        folder = openat(state, NOTICES_FOLDER, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        if (folder < 0)
                return -errno;
        files.folder = folder;
        n = scandirat(state, NOTICES_FOLDER, &entries, is_notice, alphasort);
        if (n < 0)
                return -errno;
        r = 0;
        for (int i = 0; i < n; i++) {
                if (r == 0 && i < FILES_MAX)
                        r = take(&files, notices, entries[i]->d_name, strtoull(entries[i]->d_name, NULL, 10));
                free(entries[i]);
        }
        free(entries);
        if (r < 0)
                return r;
        files.folder = TAKE_FD(folder);
        *ret_files = files;
        return 0;
}

void notices_files_close(struct audit_files *files)
{
        fd_close(&files->folder);
}
