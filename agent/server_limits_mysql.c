/* MySQL and MariaDB: max_connections, as "Using Option Files" of their manuals has it: the option files in
 * their order, of which the last line counts, and the command line over all. What SET PERSIST wrote goes
 * over the files; its file is not read, so that where it names the limit nothing is told. */
#include "agent/server_limits_kinds.h"
#include "agent/text.h"

#include <string.h>
#include <strings.h>

#define INITIAL 151

struct mysql {
        struct server *server;
        uint32_t max;
        unsigned depth;
};

/* A group of one version only counts for that version, which is not known here. */
enum group { GROUP_OTHER, GROUP_OURS, GROUP_PERHAPS };

static enum group group_of(const char *name)
{
        static const char *const ours[] = { "mysqld", "server", "mariadb", "mariadbd", "galera" };

        for (size_t i = 0; i < ARRAY_SIZE(ours); i++) {
                size_t n = strlen(ours[i]);

                if (strncmp(name, ours[i], n) == 0 && name[n] == '\0')
                        return GROUP_OURS;
                if (strncmp(name, ours[i], n) == 0 && name[n] == '-')
                        return GROUP_PERHAPS;
        }
        return GROUP_OTHER;
}

static bool read_file(struct mysql *m, const char *path);

static void read_one(void *data, const char *path)
{
        struct mysql *m = data;

        m->server->unsure |= !read_file(m, path);
}

static void directive(struct mysql *m, char *line)
{
        char *value = line + strcspn(line, " \t");

        value += strspn(value, " \t");
        if (strncmp(line, "!includedir", 11) == 0)
                server_folder(m->server, "/", value, ".cnf", read_one, m);
        else if (strncmp(line, "!include", 8) == 0)
                read_one(m, value);
}

static void option(struct mysql *m, enum group group, char *line)
{
        static const char wanted[] = "max_connections";
        char *value = line + strcspn(line, "= \t");
        size_t length = (size_t)(value - line);

        if (strncmp(line, "loose", 5) == 0 && length > 6) {
                line += 6;
                length -= 6;
        }
        if (length != sizeof(wanted) - 1)
                return;
        for (size_t i = 0; i < length; i++)
                if (line[i] != wanted[i] && !(line[i] == '-' && wanted[i] == '_'))
                        return;
        value += strspn(value, "= \t");
        value[strcspn(value, " \t#")] = '\0';
        if (group == GROUP_PERHAPS || !server_number(value, &m->max))
                m->server->unsure = true;
}

static bool read_file(struct mysql *m, const char *path)
{
        CLEANUP_FREE char *text = NULL;
        enum group group = GROUP_OTHER;
        char whole[4096], *at, *line;

        if (m->depth == SERVER_DEPTH_MAX) {
                m->server->unsure = true;
                return true;
        }
        text = server_file(m->server, m->server->folder, path, whole, sizeof(whole));
        if (!text)
                return false;
        m->depth++;
        for (at = text; !m->server->unsure && server_line(&at, &line);) {
                if (line[0] == '[') {
                        line[strcspn(line, "]")] = '\0';
                        group = group_of(line + 1);
                } else if (line[0] == '!') {
                        directive(m, line);
                } else if (group != GROUP_OTHER && line[0] != '#' && line[0] != ';') {
                        option(m, group, line);
                }
        }
        m->depth--;
        return true;
}

static bool persisted(struct server *s)
{
        char whole[4096];
        CLEANUP_FREE char *text = server_file(s, s->folder, "mysqld-auto.cnf", whole, sizeof(whole));

        return text && strstr(text, "max_connections");
}

void server_limits_mysql(struct server *s, struct server_limits *limits)
{
        struct mysql m = { .server = s, .max = INITIAL };
        const char *only = NULL, *extra = NULL, *given = NULL, *value;
        bool none = false, any = false;

        for (const char *a = NULL; (a = server_argument(s, a));) {
                none |= strcmp(a, "--no-defaults") == 0;
                if ((value = server_option(s, a, "defaults_file")))
                        only = value;
                if ((value = server_option(s, a, "defaults_extra_file")))
                        extra = value;
                if ((value = server_option(s, a, "max_connections")))
                        given = value;
        }
        if (only) {
                s->unsure |= !read_file(&m, only);
        } else if (!none) {
                any |= read_file(&m, "/etc/my.cnf");
                any |= read_file(&m, "/etc/mysql/my.cnf");
                /* another place was built in, which nobody tells */
                s->unsure |= !any;
                if (extra)
                        s->unsure |= !read_file(&m, extra);
        }
        if (given)
                s->unsure |= !server_number(given, &m.max);
        if (!none && persisted(s))
                s->unsure = true;
        /* X Protocol and administration have limits of their own. */
        server_add(limits, 33060, 0);
        server_add(limits, 33062, 0);
        server_add(limits, 0, m.max);
}
