#include "agent/cgroup_path.h"

#include "agent/text.h"

#include <stdio.h>
#include <string.h>

#define ID_LENGTH 64

static void copy(char *to, size_t size, const char *from, size_t length)
{
        length = MIN(length, size - 1);
        memcpy(to, from, length);
        to[length] = '\0';
}

/* 36 characters with dashes (or the systemd driver's underscores), or 32 digits. */
static bool pod_uid(const char *text, size_t length, char ret_uid[40])
{
        char uid[40];

        if (length != 36 && length != 32)
                return false;
        copy(uid, sizeof(uid), text, length);
        for (size_t i = 0; i < length; i++) {
                bool dash = length == 36 && (i == 8 || i == 13 || i == 18 || i == 23);

                if (dash && uid[i] == '_')
                        uid[i] = '-';
                if (dash ? uid[i] != '-' : !text_is_hex(uid + i, 1))
                        return false;
        }
        memcpy(ret_uid, uid, sizeof(uid));
        return true;
}

/* kubepods-burstable-podUID.slice, also below a prefix such as kubelet-; podUID below kubepods. */
static bool pod(const char *part, bool below_kubepods, char ret_uid[40])
{
        const char *start;

        if (text_ends(part, ".slice")) {
                start = strstr(part, "kubepods-");
                start = start ? strstr(start, "-pod") : NULL;
                while (start && strstr(start + 1, "-pod"))
                        start = strstr(start + 1, "-pod");
                return start && pod_uid(start + 4, strlen(start + 4) - strlen(".slice"), ret_uid);
        }
        return below_kubepods && text_starts(part, "pod") && pod_uid(part + 3, strlen(part + 3), ret_uid);
}

/* ID, RUNTIME-ID or RUNTIME-ID.scope, also 32 digits and a number as Fargate has it. Monitors of
 * containers (conmon) have the id too but are not the container. */
static bool container(const char *part, const char *parent, struct cgroup_workload *w)
{
        size_t length = strlen(part) - (text_ends(part, ".scope") ? strlen(".scope") : 0);
        const char *id;

        if (length > 33 && part[32] == '-' && text_is_hex(part, 32) && text_is_digits(part + 33, length - 33)) {
                copy(w->container, sizeof(w->container), part, length);
                copy(w->runtime, sizeof(w->runtime), parent, 0);
                return true;
        }
        if (length < ID_LENGTH)
                return false;
        id = part + length - ID_LENGTH;
        if (!text_is_hex(id, ID_LENGTH) || (id != part && id[-1] != '-'))
                return false;
        if (strstr(part, "conmon"))
                return false;
        copy(w->container, sizeof(w->container), id, ID_LENGTH);
        if (id != part)
                copy(w->runtime, sizeof(w->runtime), part, (size_t)(id - part) - 1);
        else
                copy(w->runtime, sizeof(w->runtime), parent, strcmp(parent, "docker") == 0 ? 6 : 0);
        if (strcmp(w->runtime, "libpod-payload") == 0)
                strcpy(w->runtime, "libpod");
        return true;
}

static bool machine(const char *part, const char *parent, char *ret_name, size_t size)
{
        const char *start = NULL;
        size_t length = strlen(part);

        if (text_starts(part, "machine-") && text_ends(part, ".scope"))
                start = part + 8, length -= 8 + 6;
        else if (text_starts(part, "systemd-nspawn@") && text_ends(part, ".service"))
                start = part + 15, length -= 15 + 8;
        else if (text_starts(part, "lxc.payload."))
                start = part + 12, length -= 12;
        else if (strcmp(parent, "lxc") == 0 || strcmp(parent, "lxc.payload") == 0)
                start = part;
        if (!start || length == 0)
                return false;
        copy(ret_name, size, start, length);
        text_unescape(ret_name);
        /* libvirt: qemu-3-NAME */
        if (text_starts(ret_name, "qemu-")) {
                size_t digits = strspn(ret_name + 5, "0123456789");

                if (digits && ret_name[5 + digits] == '-' && ret_name[6 + digits])
                        memmove(ret_name, ret_name + 6 + digits, strlen(ret_name + 6 + digits) + 1);
        }
        return true;
}

/* run-u123.service and run-r0123abc.service are systemd-run's. */
static bool transient(const char *part)
{
        size_t length = strlen(part);

        return text_starts(part, "run-") && (part[4] == 'u' || part[4] == 'r' || part[4] == 'p') && length > 13 &&
               strspn(part + 5, "0123456789abcdef-i") == length - 13;
}

struct state {
        struct cgroup_workload w;
        bool kubepods; /* below a component of this name */
        bool sealed;   /* inside an application container or a pod */
        bool scope;    /* the innermost unit is a scope, or has a random name */
        bool inside;   /* of a unit or a machine: what is named below is not this host's own */
};

static bool is_unit(const char *part)
{
        return (text_ends(part, ".service") && strlen(part) > strlen(".service")) || text_ends(part, ".scope");
}

/* The outermost unit, before anything can be named by somebody else. */
static void step_host_unit(struct state *s, const char *part, const char *parent)
{
        char name[CGROUP_NAME_SIZE];

        if (s->inside || s->sealed)
                return;
        if (is_unit(part))
                copy(s->w.host_unit, sizeof(s->w.host_unit), part, strlen(part));
        s->inside = is_unit(part) || machine(part, parent, name, sizeof(name));
}

static void step(struct state *s, const char *part, const char *parent)
{
        struct cgroup_workload *w = &s->w;
        char machine_name[CGROUP_NAME_SIZE];

        step_host_unit(s, part, parent);
        if (strstr(part, "kubepods"))
                s->kubepods = true;
        if (pod(part, s->kubepods, w->pod)) {
                w->container[0] = w->runtime[0] = w->unit[0] = w->machine[0] = '\0';
                s->sealed = true;
        } else if (container(part, parent, w)) {
                w->unit[0] = w->machine[0] = '\0';
                s->sealed = true;
        } else if (s->sealed) {
                return;
        } else if (machine(part, parent, machine_name, sizeof(machine_name))) {
                strcpy(w->machine, machine_name);
                w->unit[0] = '\0';
                s->scope = false;
        } else if (strcmp(part, "supervisor") == 0 && text_starts(parent, "systemd-nspawn@")) {
                copy(w->unit, sizeof(w->unit), parent, strlen(parent));
                w->machine[0] = '\0';
        } else if (text_ends(part, ".service") && strlen(part) > strlen(".service")) {
                copy(w->unit, sizeof(w->unit), part, strlen(part));
                s->scope = transient(part);
        } else if (text_ends(part, ".scope")) {
                s->scope = true;
        }
}

/* slice:runtime:id, as runc names a group when it is told a systemd path by a cgroupfs driver. */
static void step_colons(struct state *s, char *part, const char *parent)
{
        char *save = NULL, *runtime = NULL, joined[2 * CGROUP_NAME_SIZE];
        char *first = strtok_r(part, ":", &save);

        if (first)
                step(s, first, parent);
        runtime = strtok_r(NULL, ":", &save);
        if (runtime && save && *save) {
                snprintf(joined, sizeof(joined), "%s-%s", runtime, save);
                step(s, joined, first);
        }
}

void cgroup_parse(const char *path, struct cgroup_workload *ret_workload)
{
        struct state s = { 0 };
        char buffers[2][256], *part = buffers[0], *parent = buffers[1];

        *parent = '\0';
        while (*path) {
                size_t length = strcspn(path, "/");
                char *swap;

                if (length > 0) {
                        copy(part, sizeof(buffers[0]), path, length);
                        if (strchr(part, ':') && text_ends(part, ".slice") == false && strstr(part, ".slice:"))
                                step_colons(&s, part, parent);
                        else
                                step(&s, part, parent);
                        swap = parent, parent = part, part = swap;
                }
                path += length;
                path += *path == '/';
        }
        if (s.w.pod[0])
                s.w.kind = CGROUP_POD;
        else if (s.sealed)
                s.w.kind = CGROUP_CONTAINER;
        else if (s.scope)
                s.w.unit[0] = '\0';
        else if (s.w.unit[0])
                s.w.kind = CGROUP_UNIT;
        else if (s.w.machine[0])
                s.w.kind = CGROUP_MACHINE;
        *ret_workload = s.w;
}

bool cgroup_is_host_unit(const struct cgroup_workload *workload)
{
        return workload->unit[0] && strcmp(workload->unit, workload->host_unit) == 0;
}

bool cgroup_unit_is(const char *unit, const char *name)
{
        const char *at = strchr(name, '@');

        if (at && strcmp(at, "@.service") == 0)
                return strncmp(unit, name, (size_t)(at - name) + 1) == 0 && text_ends(unit, ".service");
        return strcmp(unit, name) == 0;
}

void cgroup_unit_service(const char *unit, char *ret_service, size_t size)
{
        const char *at = strchr(unit, '@');
        size_t length = strlen(unit) - (text_ends(unit, ".service") ? strlen(".service") : 0);

        if (at && at != unit)
                length = (size_t)(at - unit) + 1;
        copy(ret_service, size, unit, length);
}

bool cgroup_is_runtime(const struct cgroup_workload *workload)
{
        static const char *const runtimes[] = { "docker.service",
                                                "containerd.service",
                                                "crio.service",
                                                "podman.service",
                                                "k3s.service",
                                                "k3s-agent.service",
                                                "kubelet.service",
                                                "rke2-server.service",
                                                "lxc.service",
                                                "snap.lxd.daemon.service",
                                                "snap.docker.dockerd.service" };

        for (size_t i = 0; i < ARRAY_SIZE(runtimes); i++)
                if (workload->kind == CGROUP_UNIT && strcmp(workload->unit, runtimes[i]) == 0)
                        return true;
        return false;
}

const char *cgroup_older_path(char *proc_text)
{
        const char *best = NULL;
        bool best_is_systemd = false;
        char *save = NULL;

        for (char *line = strtok_r(proc_text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
                char *controllers = strchr(line, ':'), *path;
                struct cgroup_workload w;

                path = controllers ? strchr(controllers + 1, ':') : NULL;
                if (!path)
                        continue;
                *controllers++ = *path++ = '\0';
                if (!*controllers) /* the default hierarchy */
                        continue;
                cgroup_parse(path, &w);
                if (w.kind == CGROUP_NOTHING)
                        continue;
                if (!best || (strcmp(controllers, "name=systemd") == 0 && !best_is_systemd)) {
                        best = path;
                        best_is_systemd = strcmp(controllers, "name=systemd") == 0;
                }
        }
        return best;
}
