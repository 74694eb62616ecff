/* PostgreSQL: max_connections less those that are reserved for superusers (and, since version 16, for a
 * role), as its manual has it in "Setting Parameters" and "Connections and Authentication": the command
 * line goes over postgresql.auto.conf, which goes over postgresql.conf; within files the last line counts.
 * All of them need a restart to change. The server works in its data directory. */
#include "agent/server_limits_kinds.h"
#include "agent/text.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum parameter { MAX_CONNECTIONS, SUPERUSER_RESERVED, RESERVED, PARAMETERS };

static const struct {
        const char *name;
        uint32_t initial;
} parameters[PARAMETERS] = {
        [MAX_CONNECTIONS] = { "max_connections", 100 },
        [SUPERUSER_RESERVED] = { "superuser_reserved_connections", 3 },
        [RESERVED] = { "reserved_connections", 0 },
};

struct postgres {
        struct server *server;
        uint32_t values[PARAMETERS];
        unsigned depth;
};

static void set(struct postgres *p, const char *name, size_t length, const char *value)
{
        for (size_t i = 0; i < PARAMETERS; i++)
                if (strlen(parameters[i].name) == length && strncasecmp(parameters[i].name, name, length) == 0)
                        p->server->unsure |= !server_number(value, &p->values[i]);
}

static bool read_file(struct postgres *p, const char *folder, const char *path);

static void read_one(void *data, const char *path)
{
        struct postgres *p = data;

        p->server->unsure |= !read_file(p, "/", path);
}

static void include(struct postgres *p, const char *file, const char *name, size_t length, const char *value)
{
        char folder[4096];

        text_copy(folder, sizeof(folder), file);
        server_folder_of(folder);
        if (length == 11 && strncasecmp(name, "include_dir", length) == 0)
                server_folder(p->server, folder, value, ".conf", read_one, p);
        else if (length == 17 && strncasecmp(name, "include_if_exists", length) == 0)
                (void)read_file(p, folder, value);
        else if (length == 7 && strncasecmp(name, "include", length) == 0)
                p->server->unsure |= !read_file(p, folder, value);
}

/* name [=] value, the value perhaps in quotes; false for a line that has none. */
static bool split(char *line, size_t *ret_length, char **ret_value)
{
        size_t length = strspn(line, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.");
        char *value = line + length + strspn(line + length, " \t");

        if (length == 0)
                return false;
        if (*value == '=')
                value += 1 + strspn(value + 1, " \t");
        if (*value == '\'') {
                value++;
                value[strcspn(value, "'")] = '\0';
        } else {
                value[strcspn(value, " \t#")] = '\0';
        }
        *ret_length = length;
        *ret_value = value;
        return true;
}

/* False if there is no such file. */
static bool read_file(struct postgres *p, const char *folder, const char *path)
{
        CLEANUP_FREE char *text = NULL;
        char whole[4096], *at, *line, *value;
        size_t length;

        if (p->depth == SERVER_DEPTH_MAX) {
                p->server->unsure = true;
                return true;
        }
        text = server_file(p->server, folder, path, whole, sizeof(whole));
        if (!text)
                return false;
        p->depth++;
        for (at = text; !p->server->unsure && server_line(&at, &line);) {
                if (!split(line, &length, &value))
                        continue;
                set(p, line, length, value);
                include(p, whole, line, length, value);
        }
        p->depth--;
        return true;
}

/* -c name=value, --name=value, -N number, -D folder; each may hang together with its value. */
static const char *letter_value(const struct server *s, const char *argument, char letter)
{
        if (argument[0] != '-' || argument[1] != letter)
                return NULL;
        return argument[2] ? argument + 2 : server_argument(s, argument);
}

static void read_arguments(struct postgres *p, bool last, const char **ret_file, const char **ret_folder)
{
        const struct server *s = p->server;

        for (const char *a = NULL; (a = server_argument(s, a));) {
                const char *value, *pair = letter_value(s, a, 'c');

                if (a[0] == '-' && a[1] == '-' && strchr(a, '='))
                        pair = a + 2;
                if (pair && strchr(pair, '=')) {
                        const char *equals = strchr(pair, '=');
                        char name[64];
                        size_t n = MIN((size_t)(equals - pair), sizeof(name) - 1);

                        for (size_t i = 0; i < n; i++)
                                name[i] = pair[i] == '-' ? '_' : pair[i];
                        name[n] = '\0';
                        if (last)
                                set(p, name, n, equals + 1);
                        else if (strcmp(name, "config_file") == 0)
                                *ret_file = equals + 1;
                }
                value = letter_value(s, a, 'N');
                if (value && last)
                        set(p, "max_connections", 15, value);
                value = letter_value(s, a, 'D');
                if (value)
                        *ret_folder = value;
                /* a value of its own is no option, whatever it begins with */
                if (a[0] == '-' && a[1] && !a[2] && strchr("BCcDdfhkNprStvW", a[1]) && !(a = server_argument(s, a)))
                        break;
        }
}

void server_limits_postgres(struct server *s, struct server_limits *limits)
{
        struct postgres p = { .server = s };
        const char *file = NULL, *folder = NULL;
        uint32_t reserved;

        for (size_t i = 0; i < PARAMETERS; i++)
                p.values[i] = parameters[i].initial;
        read_arguments(&p, false, &file, &folder);
        /* A relative -D was meant from where the server was started, and that is its data directory now. */
        if (!folder || folder[0] != '/')
                folder = s->folder;
        if (!read_file(&p, folder, file ? file : "postgresql.conf"))
                s->unsure = true;
        (void)read_file(&p, s->folder, "postgresql.auto.conf");
        read_arguments(&p, true, &file, &folder);
        reserved = p.values[SUPERUSER_RESERVED] + p.values[RESERVED];
        if (!s->unsure && p.values[MAX_CONNECTIONS] > reserved)
                server_add(limits, 0, p.values[MAX_CONNECTIONS] - reserved);
}
