/* haproxy: maxconn of the process (section `global`, or -n) and of the proxies that listen (`frontend`,
 * `listen`, a `bind` line, or `defaults` before them); for each port the least of them. Without any the
 * limit follows from that of open files and is not told. Conditions, variables and ports that are not
 * spelt out make all of it unsure. */
#include "agent/server_limits_kinds.h"
#include "agent/text.h"

#include <stdlib.h>
#include <string.h>

#define PORTS_MAX SERVER_LIMITS_MAX

enum section { SECTION_OTHER, SECTION_GLOBAL, SECTION_DEFAULTS, SECTION_PROXY };

struct haproxy {
        struct server *server;
        enum section section;
        uint32_t global, defaults, proxy;
        size_t first; /* of the ports of this proxy */
        size_t count;
        struct {
                uint32_t port, bind, proxy;
        } ports[PORTS_MAX];
};

static void end_proxy(struct haproxy *h)
{
        for (; h->first < h->count; h->first++)
                h->ports[h->first].proxy = h->proxy;
}

static char *word(char **at)
{
        char *w = *at + strspn(*at, " \t");

        *at = w + strcspn(w, " \t");
        if (**at)
                *(*at)++ = '\0';
        return w;
}

static void bind_line(struct haproxy *h, char *rest)
{
        char *addresses = word(&rest), *next, *w;
        size_t first = h->count;
        uint32_t max = 0;

        for (char *a = addresses; a && *a; a = next) {
                char *colon;

                next = strchr(a, ',');
                if (next)
                        *next++ = '\0';
                colon = strrchr(a, ':');
                /* a path or a descriptor has no port */
                if (*a == '/' || strncmp(a, "unix@", 5) == 0 || strncmp(a, "fd@", 3) == 0 || strncmp(a, "abns@", 5) == 0)
                        continue;
                if (!colon || h->count == PORTS_MAX || !server_number(colon + 1, &h->ports[h->count].port)) {
                        h->server->unsure = true;
                        return;
                }
                h->count++;
        }
        while (*(w = word(&rest)))
                if (strcmp(w, "maxconn") == 0 && !server_number(word(&rest), &max))
                        h->server->unsure = true;
        for (; first < h->count; first++)
                h->ports[first].bind = max;
}

static void take_line(struct haproxy *h, char *line)
{
        static const char *const others[] = { "backend",     "userlist", "peers",    "resolvers", "mailers",     "program",
                                              "http-errors", "cache",    "fcgi-app", "ring",      "log-forward", "crt-store" };
        char *rest = line, *first = word(&rest);
        uint32_t *max = h->section == SECTION_GLOBAL     ? &h->global
                        : h->section == SECTION_DEFAULTS ? &h->defaults
                        : h->section == SECTION_PROXY    ? &h->proxy
                                                         : NULL;

        if (strcmp(first, "global") == 0 || strcmp(first, "defaults") == 0) {
                end_proxy(h);
                h->section = first[0] == 'g' ? SECTION_GLOBAL : SECTION_DEFAULTS;
                if (first[0] == 'd')
                        h->defaults = 0;
        } else if (strcmp(first, "frontend") == 0 || strcmp(first, "listen") == 0) {
                end_proxy(h);
                h->section = SECTION_PROXY;
                h->proxy = h->defaults;
                /* which of several sections of defaults is meant */
                (void)word(&rest);
                h->server->unsure |= strcmp(word(&rest), "from") == 0;
        } else if (max && strcmp(first, "maxconn") == 0) {
                h->server->unsure |= !server_number(word(&rest), max);
        } else if (h->section == SECTION_PROXY && strcmp(first, "bind") == 0) {
                bind_line(h, rest);
        }
        for (size_t i = 0; i < ARRAY_SIZE(others); i++)
                if (strcmp(first, others[i]) == 0) {
                        end_proxy(h);
                        h->section = SECTION_OTHER;
                }
        h->server->unsure |= first[0] == '.';
}

static bool read_file(struct haproxy *h, const char *path)
{
        char whole[4096], *at, *line;
        CLEANUP_FREE char *text = server_file(h->server, h->server->folder, path, whole, sizeof(whole));

        if (!text)
                return false;
        h->section = SECTION_OTHER;
        for (at = text; !h->server->unsure && server_line(&at, &line);) {
                line[strcspn(line, "#")] = '\0';
                if (*line)
                        take_line(h, line);
        }
        end_proxy(h);
        return true;
}

static uint32_t least(uint32_t a, uint32_t b)
{
        return a == 0 ? b : b == 0 ? a : MIN(a, b);
}

void server_limits_haproxy(struct server *s, struct server_limits *limits)
{
        struct haproxy h = { .server = s };
        const char *value, *given = NULL;
        bool any = false;

        for (const char *a = NULL; (a = server_argument(s, a));) {
                if (strcmp(a, "-sf") == 0 || strcmp(a, "-st") == 0)
                        continue; /* the numbers behind it are no options */
                if (strcmp(a, "-f") == 0 && (value = server_argument(s, a))) {
                        s->unsure |= !read_file(&h, value);
                        any = true;
                }
                if (strcmp(a, "-n") == 0 && (value = server_argument(s, a)))
                        given = value;
        }
        s->unsure |= !any;
        if (given)
                s->unsure |= !server_number(given, &h.global);
        for (size_t i = 0; i < h.count; i++)
                server_add(limits, (uint16_t)h.ports[i].port, least(h.global, least(h.ports[i].proxy, h.ports[i].bind)));
}
