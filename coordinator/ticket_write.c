#include "coordinator/ticket_write.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MODE 0640
#define TICKET_MAX (4u << 20)

int ticket_folder_open(const char *state_dir, const char *directory, const struct audit_io *io, struct audit_files *ret_files)
{
        struct audit_files files = { .io = io ? io : &audit_io_real };
        char path[4096];
        int r;

        if (directory)
                snprintf(path, sizeof(path), "%s", directory);
        else
                snprintf(path, sizeof(path), "%s/tickets", state_dir);
        r = files.io->mkdir(files.io->data, AT_FDCWD, path, 0750);
        if (r < 0 && r != -EEXIST)
                return r;
        files.folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (files.folder < 0)
                return -errno;
        *ret_files = files;
        return 0;
}

uint64_t ticket_revision_there(const struct audit_files *files, const char *name)
{
        CLEANUP_FREE uint8_t *data = NULL;
        char path[AUDIT_PATH_MAX];
        uint64_t revision = 0;
        const char *text;
        json_t *root;
        size_t size;

        snprintf(path, sizeof(path), "%s.json", name);
        if (audit_file_read(files, path, TICKET_MAX, &data, &size) < 0)
                return 0;
        root = json_loadb((const char *)data, size, 0, NULL);
        text = json_string_value(json_object_get(root, "revision"));
        if (text)
                revision = strtoull(text, NULL, 16);
        json_decref(root);
        return revision;
}

int ticket_write(const struct audit_files *files, const char *name, json_t *ticket, const char *markdown, size_t size)
{
        CLEANUP_FREE char *text = json_dumps(ticket, JSON_INDENT(1) | JSON_PRESERVE_ORDER);
        char path[AUDIT_PATH_MAX];
        int r;

        if (!text)
                return -ENOMEM;
        snprintf(path, sizeof(path), "%s.md", name);
        r = audit_file_put(files, path, MODE, markdown, size, true);
        if (r < 0)
                return r;
        snprintf(path, sizeof(path), "%s.json", name);
        return audit_file_put(files, path, MODE, text, strlen(text), true);
}

/* 20260501T020000Z-i12.json and .md: nothing else of the folder is ours. */
static int is_ticket(const struct dirent *entry)
{
        const char *s = entry->d_name;

        if (strspn(s, "0123456789") != 8 || s[8] != 'T' || strspn(s + 9, "0123456789") != 6 || strncmp(s + 15, "Z-i", 3))
                return 0;
        s += 18 + strspn(s + 18, "0123456789");
        return strcmp(s, ".json") == 0 || strcmp(s, ".md") == 0;
}

void ticket_prune(const struct audit_files *files, uint32_t most)
{
        struct dirent **entries = NULL;
        int n = scandirat(files->folder, ".", &entries, is_ticket, alphasort);

        for (int i = 0; i < n; i++) {
                if ((uint64_t)i + 2 * (uint64_t)most < (uint64_t)n)
                        (void)!audit_file_remove(files, entries[i]->d_name, false);
                free(entries[i]);
        }
        free(entries);
}
