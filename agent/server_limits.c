#include "agent/server_limits.h"

#include "agent/server_limits_kinds.h"
#include "agent/settings.h"
#include "agent/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARGUMENTS_MAX 65536u

typedef void (*kind_function)(struct server *server, struct server_limits *limits);

static kind_function kind_of(const char *executable)
{
        static const struct {
                const char *name;
                kind_function function;
        } kinds[] = { { "postgres", server_limits_postgres },
                      { "mysqld", server_limits_mysql },
                      { "mariadbd", server_limits_mysql },
                      { "pgbouncer", server_limits_pgbouncer },
                      { "haproxy", server_limits_haproxy } };
        const char *slash = strrchr(executable, '/'), *name = slash ? slash + 1 : executable;

        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
                if (strcmp(kinds[i].name, name) == 0)
                        return kinds[i].function;
        return NULL;
}

bool server_limits_known(const char *executable)
{
        return kind_of(executable) != NULL;
}

static bool read_arguments(struct server *s)
{
        char path[64];
        ssize_t n;

        s->arguments = malloc(ARGUMENTS_MAX + 1);
        if (!s->arguments)
                return false;
        snprintf(path, sizeof(path), "%s/%u/cmdline", s->facts->proc, s->facts->pid);
        n = text_read_file(path, s->arguments, ARGUMENTS_MAX);
        if (n <= 0 || n >= (ssize_t)ARGUMENTS_MAX - 1)
                return false;
        s->arguments[n] = '\0';
        s->size = (size_t)n;
        return !settings_retitled(s->arguments, s->size);
}

void server_limits_read(const struct server_limits_facts *facts, struct server_limits *ret_limits)
{
        struct server s = { .facts = facts };
        struct server_limits limits = { .count = 0 };
        kind_function function = kind_of(facts->executable);
        char path[64];

        if (!function || !read_arguments(&s)) {
                free(s.arguments);
                *ret_limits = limits;
                return;
        }
        inside_open(facts->proc, facts->pid, &s.inside);
        snprintf(path, sizeof(path), "%s/%u/cwd", facts->proc, facts->pid);
        if (text_read_link(path, s.folder, sizeof(s.folder)) >= 0) {
                inside_path(&s.inside, s.folder);
                function(&s, &limits);
        }
        inside_close(&s.inside);
        free(s.arguments);
        if (s.unsure)
                limits.count = 0;
        *ret_limits = limits;
}

uint32_t server_limits_find(const struct server_limits *limits, uint16_t port)
{
        for (uint32_t i = 0; limits && i < limits->count; i++)
                if (limits->items[i].port == port || limits->items[i].port == 0)
                        return limits->items[i].max;
        return 0;
}

void server_add(struct server_limits *limits, uint16_t port, uint32_t max)
{
        if (limits->count == SERVER_LIMITS_MAX)
                return;
        limits->items[limits->count].port = port;
        limits->items[limits->count++].max = max;
}
