/* pgbouncer: max_client_conn of its section [pgbouncer]; `%include FILE` stands where it stands. */
#include "agent/server_limits_kinds.h"
#include "agent/text.h"

#include <string.h>
#include <strings.h>

#define INITIAL 100

struct pgbouncer {
        struct server *server;
        uint32_t max;
        unsigned depth;
        bool ours; /* in the section */
};

static bool read_file(struct pgbouncer *p, const char *path)
{
        CLEANUP_FREE char *text = NULL;
        char whole[4096], *at, *line;

        if (p->depth == SERVER_DEPTH_MAX)
                return false;
        text = server_file(p->server, p->server->folder, path, whole, sizeof(whole));
        if (!text)
                return false;
        p->depth++;
        for (at = text; !p->server->unsure && server_line(&at, &line);) {
                size_t length = strcspn(line, "= \t");

                if (line[0] == '[') {
                        p->ours = strncmp(line, "[pgbouncer]", 11) == 0;
                } else if (strncmp(line, "%include", 8) == 0) {
                        p->server->unsure |= !read_file(p, line + 8 + strspn(line + 8, " \t"));
                } else if (p->ours && length == 15 && strncmp(line, "max_client_conn", 15) == 0) {
                        line += length + strspn(line + length, "= \t");
                        p->server->unsure |= !server_number(line, &p->max);
                }
        }
        p->depth--;
        return true;
}

void server_limits_pgbouncer(struct server *s, struct server_limits *limits)
{
        struct pgbouncer p = { .server = s, .max = INITIAL };
        const char *file = NULL;

        for (const char *a = NULL; (a = server_argument(s, a));) {
                if (strcmp(a, "-u") == 0 || strcmp(a, "--user") == 0)
                        a = server_argument(s, a);
                else if (a[0] != '-')
                        file = a;
                if (!a)
                        break;
        }
        if (!file || !read_file(&p, file))
                s->unsure = true;
        server_add(limits, 0, p.max);
}
