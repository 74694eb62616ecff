/* Arguments, files and lines of a server. */
#include "agent/server_limits_kinds.h"
#include "agent/text.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

/* A server reads its files some time after it was started, and clocks are set. */
#define JUST_STARTED (2 * NSEC_PER_SEC)

const char *server_argument(const struct server *s, const char *argument)
{
        const char *next = argument ? argument + strlen(argument) + 1 : s->arguments;

        if (!argument) /* the program's own name comes first */
                next = s->arguments + strlen(s->arguments) + 1;
        return next < s->arguments + s->size ? next : NULL;
}

const char *server_option(const struct server *s, const char *argument, const char *name)
{
        const char *p = argument + 2;

        if (argument[0] != '-' || argument[1] != '-')
                return NULL;
        for (; *name && (*p == *name || (*p == '-' && *name == '_')); p++)
                name++;
        if (*name)
                return NULL;
        if (*p == '=')
                return p + 1;
        return *p ? NULL : server_argument(s, argument);
}

void server_folder_of(char *path)
{
        char *slash = strrchr(path, '/');

        if (slash)
                slash[slash == path] = '\0';
}

char *server_file(struct server *s, const char *folder, const char *path, char *ret_path, size_t path_size)
{
        CLEANUP_FD int fd = -1;
        CLEANUP_FREE char *text = NULL;
        struct inside_file file;
        ssize_t n;
        int r;

        if (++s->files > SERVER_FILES_MAX) {
                s->unsure = true;
                return NULL;
        }
        r = inside_file(&s->inside, folder, path, ret_path, path_size, &file, &fd);
        if (r < 0) {
                s->unsure |= r != -ENOENT;
                return NULL;
        }
        if (file.changed - JUST_STARTED > s->facts->started || file.size > SERVER_LIMITS_READ - s->used) {
                s->unsure = true;
                return NULL;
        }
        text = malloc(file.size + 2);
        n = text ? text_read_fd(fd, text, file.size + 2) : -ENOMEM;
        if (n < 0 || (uint64_t)n != file.size || memchr(text, '\0', (size_t)n)) {
                s->unsure = true;
                return NULL;
        }
        s->used += (size_t)n;
        return TAKE_PTR(text);
}

static int by_name(const void *a, const void *b)
{
        return strcmp(*(char *const *)a, *(char *const *)b);
}

void server_folder(struct server *s, const char *folder, const char *path, const char *ending,
                   void (*function)(void *data, const char *path), void *data)
{
        char *names[SERVER_FOLDER_MAX], whole[4096];
        struct dirent *entry;
        size_t count = 0, entries = 0;
        DIR *stream;
        int fd, r;

        if (++s->files > SERVER_FILES_MAX) {
                s->unsure = true;
                return;
        }
        r = inside_folder(&s->inside, folder, path, whole, sizeof(whole), &fd);
        stream = r < 0 ? NULL : fdopendir(fd);
        if (!stream) {
                if (r == 0)
                        fd_close(&fd);
                s->unsure = true;
                return;
        }
        while (!s->unsure && (entry = readdir(stream))) {
                s->unsure |= ++entries > SERVER_ENTRIES_MAX;
                if (entry->d_name[0] == '.' || !text_ends(entry->d_name, ending))
                        continue;
                names[count] = count < SERVER_FOLDER_MAX ? strdup(entry->d_name) : NULL;
                s->unsure |= !names[count];
                count += names[count] != NULL;
        }
        closedir(stream);
        if (count)
                qsort(names, count, sizeof(*names), by_name);
        for (size_t i = 0; i < count; i++) {
                size_t length = strlen(whole);

                if (length + strlen(names[i]) + 2 > sizeof(whole))
                        s->unsure = true;
                if (!s->unsure) {
                        whole[length] = '/';
                        strcpy(whole + length + 1, names[i]);
                        function(data, whole);
                        whole[length] = '\0';
                }
                free(names[i]);
        }
}

bool server_line(char **at, char **ret_line)
{
        char *line = *at, *end;

        if (!*line)
                return false;
        end = line + strcspn(line, "\n");
        *at = end + (*end == '\n');
        while (end > line && strchr(" \t\r\f", end[-1]))
                end--;
        *end = '\0';
        *ret_line = line + strspn(line, " \t\f");
        return true;
}

bool server_number(const char *text, uint32_t *ret_number)
{
        size_t n = strlen(text);

        if (n == 0 || n > 9 || !text_is_digits(text, n))
                return false;
        *ret_number = (uint32_t)strtoul(text, NULL, 10);
        return true;
}
