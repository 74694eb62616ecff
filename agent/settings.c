#include "agent/settings.h"

#include "agent/text.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

/* Where services are told their version, the first one wins. */
static const char *const versions[] = { "OTEL_SERVICE_VERSION", "DD_VERSION",      "SERVICE_VERSION",
                                        "APP_VERSION",          "RELEASE_VERSION", "IMAGE_VERSION",
                                        "BUILD_VERSION",        "GIT_COMMIT",      "GIT_SHA",
                                        "COMMIT_SHA",           "SOURCE_VERSION",  "HEROKU_RELEASE_VERSION" };

/* Variables that differ with each start or each place, set by systemd, shells, containers, Kubernetes. */
static const char *const passing[] = {
        "INVOCATION_ID",
        "JOURNAL_STREAM",
        "SYSTEMD_EXEC_PID",
        "LISTEN_*",
        "MAINPID",
        "MANAGERPID",
        "NOTIFY_SOCKET",
        "WATCHDOG_*",
        "MONITOR_*",
        "TRIGGER_*",
        "EXIT_*",
        "SERVICE_RESULT",
        "CREDENTIALS_DIRECTORY",
        "RUNTIME_DIRECTORY",
        "MEMORY_PRESSURE_*",
        "FDSTORE",
        "SYSTEMD_*",
        "PIDFILE",
        "_",
        "PWD",
        "OLDPWD",
        "SHLVL",
        "TERM",
        "COLUMNS",
        "LINES",
        "WINDOWID",
        "DISPLAY",
        "SSH_*",
        "XDG_*",
        "DBUS_*",
        "SUDO_*",
        "TMUX*",
        "STY",
        "HOSTNAME",
        "POD_NAME",
        "POD_UID",
        "POD_IP",
        "POD_IPS",
        "HOST_IP",
        "NODE_NAME",
        "KUBERNETES_*",
        "*_SERVICE_HOST",
        "*_SERVICE_PORT",
        "*_SERVICE_PORT_*",
        "*_PORT_*_TCP*",
        "*_PORT_*_UDP*",
        "CONTAINER_ID",
        "container_uuid",
        "OTEL_RESOURCE_ATTRIBUTES",
        "TMPDIR",
        "INSTANCE_ID",
        "PM2_*",
        "pm_id",
        "unique_id",
};

static void add(struct settings *s, enum setting_kind kind, const char *name, size_t length, const char *value)
{
        struct {
                uint64_t name, value;
        } both = { hash_bytes(&s->key, name, length), hash_bytes(&s->key, value, strlen(value)) };
        struct setting *item = &s->items[s->count];
        char copy[SETTING_NAME_SIZE];

        /* Past the last place all become one, which still tells that something changed. */
        if (s->count == SETTINGS_MAX) {
                s->items[SETTINGS_MAX - 1].digest += hash_bytes(&s->key, &both, sizeof(both));
                return;
        }
        length = MIN(length, sizeof(copy) - 1);
        memcpy(copy, name, length);
        copy[length] = '\0';
        item->kind = kind;
        text_copy(item->name, sizeof(item->name), copy);
        item->digest = hash_bytes(&s->key, &both, sizeof(both));
        s->count++;
}

void settings_file(struct settings *s, const char *name, uint64_t digest)
{
        char value[17];

        for (int i = 0; i < 16; i++)
                value[i] = "0123456789abcdef"[digest >> (60 - 4 * i) & 15];
        value[16] = '\0';
        add(s, SETTING_FILE, name, strlen(name), value);
}

#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"

/* How much of a flag is certainly its name. */
static size_t flag_name(const char *flag)
{
        size_t n;

        if (flag[0] == '-' && flag[1] == '-')
                return 2 + strspn(flag + 2, NAME_CHARACTERS);
        /* Java's own: -Dkey=value, -XX:Name=value, -Xmx512m. */
        if (text_starts(flag, "-D") && strchr(flag, '='))
                return MIN(2 + strspn(flag + 2, NAME_CHARACTERS), (size_t)(strchr(flag, '=') - flag));
        if (text_starts(flag, "-XX:")) {
                n = 4 + strspn(flag + 4, "+-");
                return n + strspn(flag + n, NAME_CHARACTERS);
        }
        if (text_starts(flag, "-Xm") || text_starts(flag, "-Xs"))
                return MIN(strlen(flag), (size_t)4);
        return MIN(strlen(flag), (size_t)2);
}

bool settings_retitled(const char *text, size_t size)
{
        size_t first = strlen(text);

        if (size == 0)
                return true;
        /* A title is one string, with blanks or NULs for the rest; so is a lone argument without any. */
        for (size_t i = first; i < size; i++)
                if (text[i])
                        return false;
        return strpbrk(text, " :\t") != NULL || size > first + 1 || text[size - 1];
}

void settings_arguments(struct settings *s, const char *text, size_t size, const char *script)
{
        uint32_t position = 0;

        if (settings_retitled(text, size)) {
                s->unknown |= 1u << SETTING_FLAG;
                return;
        }
        for (const char *p = text + strlen(text) + 1; p < text + size; p += strlen(p) + 1) {
                const char *next = p + strlen(p) + 1;
                size_t n;

                if (p[0] != '-' || !p[1]) {
                        char name[] = "argument 000";

                        /* Where the program itself stands is told by the release and its digest. */
                        if (p == script)
                                continue;
                        position = MIN(position + 1, 999u);
                        for (uint32_t i = 0, v = position; i < 3; i++, v /= 10)
                                name[11 - i] = (char)('0' + v % 10);
                        add(s, SETTING_FLAG, name, sizeof(name) - 1, p);
                        continue;
                }
                n = flag_name(p);
                if (p[n] || next >= text + size || next[0] == '-' || next == script) {
                        add(s, SETTING_FLAG, p, n, p + n);
                } else {
                        add(s, SETTING_FLAG, p, n, next);
                        p = next;
                }
        }
}

static bool is_passing(const char *name)
{
        for (size_t i = 0; i < ARRAY_SIZE(passing); i++)
                if (fnmatch(passing[i], name, 0) == 0)
                        return true;
        return false;
}

/* service.version among "key=value,key=value", with %-escapes left as they are. */
static void attribute_version(struct settings *s, const char *attributes)
{
        const char *at = attributes;

        while (at && !text_starts(at, "service.version=")) {
                at = strchr(at, ',');
                at = at ? at + 1 : NULL;
        }
        if (at) {
                char value[sizeof(s->version)];
                size_t n = MIN(strcspn(at + 16, ","), sizeof(value) - 1);

                memcpy(value, at + 16, n);
                value[n] = '\0';
                text_copy(s->version, sizeof(s->version), value);
        }
}

void settings_environment(struct settings *s, const char *text, size_t size)
{
        size_t best = ARRAY_SIZE(versions);
        bool attributes = false;

        if (size > 0 && (!strchr(text, '=') || strcspn(text, "=") == 0 || strspn(text, NAME_CHARACTERS) != strcspn(text, "="))) {
                s->unknown |= 1u << SETTING_ENVIRONMENT;
                return;
        }
        for (const char *p = text; p < text + size; p += strlen(p) + 1) {
                char name[SETTING_NAME_SIZE];
                size_t n = strspn(p, NAME_CHARACTERS), i = 0;

                if (n == 0 || p[n] != '=' || n >= sizeof(name))
                        continue;
                memcpy(name, p, n);
                name[n] = '\0';
                if (strcmp(name, "OTEL_RESOURCE_ATTRIBUTES") == 0 && strstr(p + n, "service.version=")) {
                        attribute_version(s, p + n + 1);
                        attributes = s->version[0] != '\0';
                }
                while (i < ARRAY_SIZE(versions) && strcmp(versions[i], name) != 0)
                        i++;
                if (i < best && p[n + 1] && !attributes) {
                        text_copy(s->version, sizeof(s->version), p + n + 1);
                        best = i;
                }
                if (i == ARRAY_SIZE(versions) && !is_passing(name))
                        add(s, SETTING_ENVIRONMENT, p, n, p + n + 1);
        }
}

static int by_name(const void *a, const void *b)
{
        const struct setting *x = a, *y = b;
        int r = (int)x->kind - (int)y->kind;

        if (r == 0)
                r = strcmp(x->name, y->name);
        return r ? r : (x->digest > y->digest) - (x->digest < y->digest);
}

void settings_sort(struct settings *s)
{
        uint32_t kept = 0;

        qsort(s->items, s->count, sizeof(*s->items), by_name);
        for (uint32_t i = 0; i < s->count; i++) {
                if (kept > 0 && s->items[kept - 1].kind == s->items[i].kind &&
                    strcmp(s->items[kept - 1].name, s->items[i].name) == 0)
                        s->items[kept - 1].digest = s->items[kept - 1].digest * 31 + s->items[i].digest;
                else
                        s->items[kept++] = s->items[i];
        }
        s->count = kept;
}
