#include "agent/release_path.h"

#include "agent/text.h"

#include <ctype.h>
#include <string.h>

static bool one_of(const char *const *words, size_t count, const char *text, size_t length)
{
        for (size_t i = 0; i < count; i++)
                if (strlen(words[i]) == length && strncmp(words[i], text, length) == 0)
                        return true;
        return false;
}

/* 20261125, 2026-11-25-0930, 20261125T093000Z: at least eight digits, and little else. */
static bool time_stamp(const char *text, size_t length)
{
        size_t digits = 0, others = 0;

        for (size_t i = 0; i < length; i++) {
                if (isdigit((unsigned char)text[i]))
                        digits++;
                else if (strchr("-_.:TZ", text[i]))
                        others++;
                else
                        return false;
        }
        return digits >= 8 && others <= digits / 2 && isdigit((unsigned char)text[0]);
}

/* At least seven hexadecimal digits, letters and figures mixed: "deadbeef" may be a name. */
static bool commit(const char *text, size_t length)
{
        bool letter = false, digit = false;

        if (length < 7 || length > 64)
                return false;
        for (size_t i = 0; i < length; i++) {
                digit = digit || isdigit((unsigned char)text[i]);
                letter = letter || (text[i] >= 'a' && text[i] <= 'f');
                if (!isdigit((unsigned char)text[i]) && (text[i] < 'a' || text[i] > 'f'))
                        return false;
        }
        return letter && digit;
}

/* "1.2", "v1.2.3-rc1", "payments-1.2.3": a number with a dot in it that begins a word. */
static bool version(const char *text, size_t length)
{
        for (size_t i = 0; i < length; i++) {
                size_t n = i;

                if (i > 0 && text[i - 1] != '-' && text[i - 1] != '_' &&
                    !(text[i - 1] == 'v' && (i < 2 || strchr("-_", text[i - 2]))))
                        continue;
                while (n < length && isdigit((unsigned char)text[n]))
                        n++;
                if (n > i && n + 1 < length && text[n] == '.' && isdigit((unsigned char)text[n + 1]))
                        return true;
        }
        return false;
}

void release_path_find(const char *path, char *ret_release, size_t size)
{
        static const char *const parents[] = { "releases", "release", "versions", "deployments", "deploys", "revisions", "builds" };
        static const char *const links[] = { "current", "latest", "live", "active", "default" };
        static const char *const nowhere[] = { "tmp", "run", "proc", "dev", "sys" };
        bool parent = false, first = true, snap = false;

        ret_release[0] = '\0';
        if (path[0] != '/')
                return;
        for (const char *p = path; *p;) {
                const char *begin = p + strspn(p, "/");
                size_t length = strcspn(begin, "/");

                if (length == 0)
                        return;
                p = begin + length;
                if (first && one_of(nowhere, ARRAY_SIZE(nowhere), begin, length))
                        return;
                if ((parent && !one_of(links, ARRAY_SIZE(links), begin, length)) || time_stamp(begin, length) ||
                    commit(begin, length) || version(begin, length) || (snap && text_is_digits(begin, length))) {
                        char copy[4096];

                        if ((size_t)(p - path) >= sizeof(copy))
                                return;
                        memcpy(copy, path, (size_t)(p - path));
                        copy[p - path] = '\0';
                        text_copy(ret_release, size, copy);
                        return;
                }
                snap = (first && length == 4 && strncmp(begin, "snap", 4) == 0) || (snap && !first);
                parent = one_of(parents, ARRAY_SIZE(parents), begin, length);
                first = false;
        }
}

void release_path_program(const char *path, char *ret_name, size_t size)
{
        static const char *const extensions[] = {
                ".jar", ".war", ".js", ".mjs", ".cjs", ".ts", ".py", ".rb", ".pl", ".php", ".dll"
        };
        const char *base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path, *extension = "";
        char name[256];
        size_t length, cut;

        text_copy(name, sizeof(name), base);
        length = strlen(name);
        for (size_t i = 0; i < ARRAY_SIZE(extensions); i++)
                if (text_ends(name, extensions[i]) && length > strlen(extensions[i])) {
                        extension = extensions[i];
                        length -= strlen(extension);
                        break;
                }
        for (cut = 1; cut < length; cut++) {
                if ((name[cut] == '-' || name[cut] == '_') &&
                    (isdigit((unsigned char)name[cut + 1]) || (name[cut + 1] == 'v' && isdigit((unsigned char)name[cut + 2]))))
                        break;
                if (isdigit((unsigned char)name[cut]) && strspn(name + cut, "0123456789.") >= length - cut)
                        break;
        }
        memmove(name + cut, extension, strlen(extension) + 1);
        text_copy(ret_name, size, name);
}
