#include "agent/fingerprint.h"

#include "agent/image.h"
#include "agent/inside.h"
#include "agent/release_path.h"
#include "agent/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Of code, not of settings: hosts compare these with each other, so the key is no secret. */
static const struct hash_key code_key = { UINT64_C(0x6e69676874736869), UINT64_C(0x66742d636f64652e) };

#define CLASS_PATH_FILES 4

struct reading {
        const struct fingerprint_facts *facts;
        struct fingerprint *out;
        struct inside inside;
        char *arguments; /* with one more NUL */
        size_t size;
        char folder[4096];
        uint64_t used;
};

static const char *next_argument(const struct reading *r, const char *argument)
{
        const char *next = argument + strlen(argument) + 1;

        return next < r->arguments + r->size ? next : NULL;
}

static bool is_interpreter(const char *program)
{
        static const char *const names[] = { "node",   "nodejs", "python", "pypy", "ruby", "java", "php", "php-fpm", "perl",
                                             "dotnet", "deno",   "bun",    "bash", "sh",   "dash", "lua", "beam.smp" };

        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                if (strcmp(names[i], program) == 0)
                        return true;
        return false;
}

/* Options of interpreters whose value is the next argument. */
static bool takes_value(const char *option)
{
        static const char *const names[] = { "-r", "--require", "--import", "--loader", "-cp", "-classpath",    "--class-path",
                                             "-p", "-W",        "-X",       "-I",       "-C",  "--module-path", "--add-modules" };

        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                if (strcmp(names[i], option) == 0)
                        return true;
        return false;
}

/* The argument that names what an interpreter runs; NULL if none does. *ret_module: it is no file. */
static const char *find_script(const struct reading *r, const char *program, bool *ret_module)
{
        const char *p = r->arguments;

        *ret_module = false;
        while ((p = next_argument(r, p))) {
                if (strcmp(p, "-jar") == 0)
                        return next_argument(r, p);
                if (strcmp(p, "-m") == 0 && strcmp(program, "python") == 0) {
                        *ret_module = true;
                        return next_argument(r, p);
                }
                if (strcmp(p, "-c") == 0 || strcmp(p, "-e") == 0 || strcmp(p, "--eval") == 0)
                        return NULL;
                if (p[0] != '-') {
                        *ret_module = strcmp(program, "java") == 0; /* a class */
                        return p;
                }
                if (takes_value(p) && !(p = next_argument(r, p)))
                        return NULL;
        }
        return NULL;
}

/* The path with links followed is that of the release only if no link was turned since the start: then
 * the process runs what the link led to before. */
static bool turned_since(const struct reading *r, const char *path)
{
        char part[4096];
        struct stat st;

        /* Seen from this process's root only where that is ours; else the doubt stays. */
        for (const char *p = path; r->facts->started && (p = strchr(p + 1, '/'));) {
                char whole[4200];

                if ((size_t)(p - path) >= sizeof(part))
                        return true;
                memcpy(part, path, (size_t)(p - path));
                part[p - path] = '\0';
                snprintf(whole, sizeof(whole), "%s/%u/root%s", r->facts->proc, r->facts->pid, part);
                if (lstat(whole, &st) == 0 && S_ISLNK(st.st_mode) && st.st_ctim.tv_sec * NSEC_PER_SEC > r->facts->started)
                        return true;
        }
        return false;
}

static void release_from(struct reading *r, const char *path)
{
        if (!r->out->release[0])
                release_path_find(path, r->out->release, sizeof(r->out->release));
}

static void add_code(struct reading *r, const char *folder, const char *path, char *ret_path, size_t size)
{
        CLEANUP_FD int fd = -1;
        struct inside_file file;
        uint64_t digest;

        ret_path[0] = '\0';
        if (inside_file(&r->inside, folder, path, ret_path, size, &file, &fd) < 0)
                return;
        if (inside_digest(fd, file.size, FINGERPRINT_READ / 4, &code_key, &digest, &r->used) == 0)
                r->out->code = r->out->code * 31 + (digest ? digest : 1);
}

/* The list of what the script stands on: in its folder or the one above. */
static void add_lock_file(struct reading *r, const char *script)
{
        static const char *const names[] = { "package-lock.json", "yarn.lock",    "pnpm-lock.yaml", "poetry.lock",
                                             "requirements.txt",  "Gemfile.lock", "composer.lock",  "uv.lock" };
        char folder[4096], path[4096];

        text_copy(folder, sizeof(folder), script);
        for (int up = 0; up < 2; up++) {
                char *slash = strrchr(folder, '/');

                if (!slash || slash == folder)
                        return;
                *slash = '\0';
                for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                        add_code(r, folder, names[i], path, sizeof(path));
                        if (path[0])
                                return;
                }
        }
}

/* What a class is taken from: the first archives of the class path. */
static void add_class_path(struct reading *r)
{
        const char *p = r->arguments;
        char path[4096], resolved[4096];

        while ((p = next_argument(r, p)))
                if (strcmp(p, "-cp") == 0 || strcmp(p, "-classpath") == 0 || strcmp(p, "--class-path") == 0) {
                        p = next_argument(r, p);
                        break;
                }
        for (int i = 0; p && *p && i < CLASS_PATH_FILES; i++) {
                size_t n = strcspn(p, ":");

                if (n > 0 && n < sizeof(path)) {
                        memcpy(path, p, n);
                        path[n] = '\0';
                        add_code(r, r->folder, path, resolved, sizeof(resolved));
                        release_from(r, resolved);
                }
                p += n + (p[n] == ':');
        }
}

static const char *read_script(struct reading *r)
{
        const char *script;
        char path[4096];
        bool module;

        if (!is_interpreter(r->out->program) || settings_retitled(r->arguments, r->size))
                return NULL;
        script = find_script(r, r->out->program, &module);
        if (!script)
                return NULL;
        if (module) {
                char name[64];

                if (strcmp(r->out->program, "java") == 0)
                        add_class_path(r);

                text_copy(name, sizeof(name), script);
                if (strlen(r->out->program) + strlen(name) + 2 <= sizeof(r->out->program))
                        strcat(strcat(r->out->program, " "), name);
                return script;
        }
        add_code(r, r->folder, script, path, sizeof(path));
        if (!path[0] && strcmp(r->out->program, "node") == 0) {
                char with[4096];

                snprintf(with, sizeof(with), "%.4000s.js", script);
                add_code(r, r->folder, with, path, sizeof(path));
        }
        if (!path[0])
                return NULL;
        {
                char name[64];

                release_path_program(path, name, sizeof(name));
                if (strlen(r->out->program) + strlen(name) + 2 <= sizeof(r->out->program))
                        strcat(strcat(r->out->program, " "), name);
        }
        add_lock_file(r, path);
        if (strcmp(path, script) == 0 || script[0] != '/' || !turned_since(r, script))
                release_from(r, path);
        else
                r->out->code = 0; /* that of the new one, which it does not run */
        return script;
}

static bool looks_configured(const char *path)
{
        static const char *const endings[] = { ".conf", ".cfg",        ".cnf", ".yaml", ".yml",    ".json", ".toml",
                                               ".ini",  ".properties", ".xml", ".env",  ".config", ".hcl" };

        for (size_t i = 0; i < ARRAY_SIZE(endings); i++)
                if (text_ends(path, endings[i]))
                        return true;
        return text_starts(path, "/etc/");
}

static bool add_configuration(struct reading *r, const char *path)
{
        struct settings *s = &r->out->settings;
        char name[SETTING_NAME_SIZE];
        CLEANUP_FD int fd = -1;
        struct inside_file file;
        uint64_t digest;

        if (strlen(path) >= sizeof(name) || inside_file(&r->inside, r->folder, path, NULL, 0, &file, &fd) < 0)
                return false;
        text_copy(name, sizeof(name), path);
        for (uint32_t i = 0; i < s->count; i++)
                if (s->items[i].kind == SETTING_FILE && strcmp(s->items[i].name, name) == 0)
                        return false;
        if (inside_digest(fd, file.size, 1u << 20, &s->key, &digest, &r->used) < 0)
                return false;
        settings_file(s, name, digest);
        return true;
}

/* Files that the arguments name, and those that have the program's own name in /etc. */
static void read_configuration(struct reading *r, const char *script)
{
        size_t files = 0;
        char path[256];

        for (const char *p = r->arguments; files < FINGERPRINT_FILES && (p = next_argument(r, p));) {
                const char *value = p;

                if (p == script)
                        continue;
                if (p[0] == '-')
                        value = strchr(p, '=') ? strchr(p, '=') + 1 : p + strlen(p);
                /* postgres -c config_file=/etc/... */
                if (value[0] != '/' && strchr(value, '=') && strchr(value, '=')[1] == '/')
                        value = strchr(value, '=') + 1;
                if (looks_configured(value))
                        files += add_configuration(r, value);
        }
        for (int i = 0; i < 3 && files < FINGERPRINT_FILES && r->out->program[0] && !strpbrk(r->out->program, "/ "); i++) {
                static const char *const forms[] = { "/etc/%s/%s.conf", "/etc/%s/%s.cfg", "/etc/%s/%s.yaml" };

                snprintf(path, sizeof(path), i == 0 ? forms[0] : i == 1 ? forms[1] : forms[2], r->out->program, r->out->program);
                files += add_configuration(r, path);
        }
        if (script && files < FINGERPRINT_FILES)
                add_configuration(r, ".env");
}

static char *read_proc(const struct reading *r, const char *name, size_t *ret_size)
{
        char path[64], *text = malloc(SETTINGS_TEXT + 1);
        ssize_t n;

        snprintf(path, sizeof(path), "%s/%u/%s", r->facts->proc, r->facts->pid, name);
        n = text ? text_read_file(path, text, SETTINGS_TEXT) : -ENOMEM;
        if (n < 0) {
                free(text);
                return NULL;
        }
        text[n] = '\0';
        *ret_size = (size_t)n;
        return text;
}

int fingerprint_read(const struct fingerprint_facts *facts, struct fingerprint *ret_fingerprint, uint64_t *ret_read)
{
        struct reading r = { .facts = facts, .out = ret_fingerprint };
        const struct executable *e = facts->executable;
        CLEANUP_FREE char *environment = NULL, *arguments = NULL;
        const char *script = NULL;
        char path[64];
        size_t size;

        arguments = read_proc(&r, "cmdline", &r.size);
        if (!arguments)
                return -ESRCH;
        r.arguments = arguments;
        memset(ret_fingerprint, 0, sizeof(*ret_fingerprint));
        ret_fingerprint->settings.key = *facts->key;
        snprintf(path, sizeof(path), "%s/%u/cwd", facts->proc, facts->pid);
        if (text_read_link(path, r.folder, sizeof(r.folder)) < 0)
                strcpy(r.folder, "/");
        if (text_ends(r.folder, " (deleted)"))
                r.folder[strlen(r.folder) - strlen(" (deleted)")] = '\0';
        inside_open(facts->proc, facts->pid, &r.inside);
        inside_path(&r.inside, r.folder);
        if (e) {
                release_path_program(e->path, ret_fingerprint->program, sizeof(ret_fingerprint->program) / 2);
                text_copy(ret_fingerprint->build, sizeof(ret_fingerprint->build), e->build);
        }
        if (r.size > 0)
                script = read_script(&r);
        if (e && !script) {
                char executable[4096];

                text_copy(executable, sizeof(executable), e->path);
                inside_path(&r.inside, executable);
                if (!is_interpreter(ret_fingerprint->program))
                        release_from(&r, executable);
        }
        release_from(&r, r.folder);
        if (r.size > 0 && !settings_retitled(r.arguments, r.size))
                read_configuration(&r, script);
        else
                ret_fingerprint->settings.unknown |= 1u << SETTING_FILE;
        inside_close(&r.inside);
        settings_arguments(&ret_fingerprint->settings, r.arguments, r.size, script);
        environment = read_proc(&r, "environ", &size);
        if (environment)
                settings_environment(&ret_fingerprint->settings, environment, size);
        else
                ret_fingerprint->settings.unknown |= 1u << SETTING_ENVIRONMENT;
        settings_sort(&ret_fingerprint->settings);
        image_read(facts->cgroup, ret_fingerprint->image, sizeof(ret_fingerprint->image), ret_fingerprint->version,
                   sizeof(ret_fingerprint->version));
        if (ret_fingerprint->settings.version[0])
                text_copy(ret_fingerprint->version, sizeof(ret_fingerprint->version), ret_fingerprint->settings.version);
        *ret_read = r.used;
        return 0;
}
