#include "agent/identity.h"

#include "agent/cgroup_path.h"
#include "agent/executable_called.h"
#include "agent/text.h"
#include "agent/workload.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

static const char *base_name(const char *path)
{
        const char *slash = strrchr(path, '/');

        return slash && slash[1] ? slash + 1 : path;
}

/* The path without what the kernel appends once the file was replaced. */
static void executable(const struct identity_facts *facts, char *ret_path, size_t size)
{
        static const char deleted[] = " (deleted)";

        text_copy(ret_path, size, facts->exe_path);
        if (text_ends(ret_path, deleted))
                ret_path[strlen(ret_path) - strlen(deleted)] = '\0';
}

static void name_executable(const struct identity_facts *facts, const char *called, struct identity *identity)
{
        char name[96];

        if (called[0])
                text_copy(name, sizeof(name), base_name(called));
        else if (facts->exe_inode == 0)
                text_copy(name, sizeof(name), facts->comm[0] || facts->cgroup_path[0] ? "kernel" : "unknown");
        else
                text_copy(name, sizeof(name), facts->comm[0] ? facts->comm : "unknown");
        identity->kind = IDENTITY_EXECUTABLE;
        identity->instance[0] = '\0';
        if (facts->listen_port)
                snprintf(identity->service, sizeof(identity->service), "%s:%u", name, facts->listen_port);
        else
                text_copy(identity->service, sizeof(identity->service), name);
}

static void name_unit(const struct cgroup_workload *w, struct identity *identity)
{
        char service[CGROUP_NAME_SIZE], instance[2 * CGROUP_NAME_SIZE];

        identity->kind = IDENTITY_UNIT;
        cgroup_unit_service(w->unit, service, sizeof(service));
        text_copy(identity->service, sizeof(identity->service), service);
        snprintf(instance, sizeof(instance), "%s%s%s", w->machine, w->machine[0] ? "/" : "", w->unit);
        text_copy(identity->instance, sizeof(identity->instance), instance);
}

static void name_container(const struct cgroup_workload *w, struct identity *identity)
{
        identity->kind = IDENTITY_CONTAINER;
        if (workload_container_name(w, identity->service, identity->instance, sizeof(identity->service)) == 0)
                return;
        snprintf(identity->service, sizeof(identity->service), "%.12s", w->container);
        text_copy(identity->instance, sizeof(identity->instance), w->container);
}

static void name_pod(const struct cgroup_workload *w, const char *proc, uint32_t pid, struct identity *identity)
{
        identity->kind = IDENTITY_KUBERNETES;
        if (workload_pod_name(proc, pid, identity->service, identity->instance, sizeof(identity->service)) == 0)
                return;
        /* Its executable is the same in the next incarnation of the pod, its uid is not. */
        if (identity->executable[0])
                text_copy(identity->service, sizeof(identity->service), base_name(identity->executable));
        else
                snprintf(identity->service, sizeof(identity->service), "pod-%.8s", w->pod);
        text_copy(identity->instance, sizeof(identity->instance), w->pod);
}

/* The unit's name against "ledger@.service", which stands for every instance. */
static bool match_unit(const char *pattern, const char *unit)
{
        char template[CGROUP_NAME_SIZE + 16], stem[CGROUP_NAME_SIZE];

        if (!unit[0])
                return false;
        if (fnmatch(pattern, unit, 0) == 0)
                return true;
        cgroup_unit_service(unit, stem, sizeof(stem));
        snprintf(template, sizeof(template), "%s.service", stem);
        return strchr(unit, '@') && fnmatch(pattern, template, 0) == 0;
}

static bool match_executable(const char *pattern, const char *path)
{
        return fnmatch(pattern, strchr(pattern, '/') ? path : base_name(path), 0) == 0;
}

static bool match(const struct service_match *m, const struct cgroup_workload *w, const char *called,
                  const struct identity *identity)
{
        bool container = identity->kind == IDENTITY_CONTAINER, pod = identity->kind == IDENTITY_KUBERNETES;

        if (m->unit && !(cgroup_is_host_unit(w) && match_unit(m->unit, w->unit)))
                return false;
        if (m->executable && !match_executable(m->executable, identity->executable) && !match_executable(m->executable, called))
                return false;
        if (m->cgroup && fnmatch(m->cgroup, identity->cgroup, 0) != 0)
                return false;
        if (m->container &&
            !(container &&
              (fnmatch(m->container, identity->service, 0) == 0 || fnmatch(m->container, identity->instance, 0) == 0)) &&
            !(w->container[0] && text_starts(w->container, m->container)))
                return false;
        if (m->pod &&
            !(pod && (fnmatch(m->pod, identity->service, 0) == 0 || fnmatch(m->pod, base_name(identity->service), 0) == 0)))
                return false;
        return m->unit || m->executable || m->cgroup || m->container || m->pod;
}

/* Where the default hierarchy says nothing or only names a container runtime, the older ones may say
 * more. Fills `buffer` with the path that counts. */
static void workload_of(const char *proc, const struct identity_facts *facts, struct cgroup_workload *ret_workload, char *path,
                        size_t size)
{
        char name[64], text[4096];
        const char *older;

        text_copy(path, size, facts->cgroup_path);
        cgroup_parse(facts->cgroup_path, ret_workload);
        if ((ret_workload->kind != CGROUP_NOTHING && !cgroup_is_runtime(ret_workload)) || facts->pid == 0)
                return;
        snprintf(name, sizeof(name), "%s/%u/cgroup", proc, facts->pid);
        if (text_read_file(name, text, sizeof(text)) <= 0)
                return;
        older = cgroup_older_path(text);
        if (!older)
                return;
        cgroup_parse(older, ret_workload);
        text_copy(path, size, older);
}

void identity_recognise(const struct service_match *matches, const char *proc, const struct identity_facts *facts,
                        struct identity *ret_identity)
{
        struct identity identity = { 0 };
        char called[IDENTITY_PATH_SIZE];
        struct cgroup_workload w;

        executable(facts, identity.executable, sizeof(identity.executable));
        text_copy(called, sizeof(called), identity.executable);
        /* Clients of one file are one owner, whichever of its names each was started by. */
        if (facts->listen_port)
                executable_called(proc, facts->pid, identity.executable, facts->comm, called, sizeof(called));
        workload_of(proc, facts, &w, identity.cgroup, sizeof(identity.cgroup));
        switch (w.kind) {
        case CGROUP_POD:
                name_pod(&w, proc, facts->pid, &identity);
                break;
        case CGROUP_CONTAINER:
                name_container(&w, &identity);
                break;
        case CGROUP_MACHINE:
                identity.kind = IDENTITY_CONTAINER;
                text_copy(identity.service, sizeof(identity.service), w.machine);
                text_copy(identity.instance, sizeof(identity.instance), w.machine);
                break;
        case CGROUP_UNIT:
                name_unit(&w, &identity);
                break;
        case CGROUP_NOTHING:
                name_executable(facts, called, &identity);
                break;
        }
        for (const struct service_match *m = matches; m; m = m->next)
                if (match(m, &w, called, &identity)) {
                        if (!identity.instance[0])
                                text_copy(identity.instance, sizeof(identity.instance), identity.service);
                        identity.kind = IDENTITY_EXPLICIT;
                        text_copy(identity.service, sizeof(identity.service), m->service);
                        break;
                }
        *ret_identity = identity;
}

/* The alphabet of the hashes that Kubernetes appends to names. */
static bool hash_part(const char *text, size_t length, size_t low, size_t high)
{
        return length >= low && length <= high && strspn(text, "bcdfghjklmnpqrstvwxz2456789") >= length;
}

void identity_pod_workload(const char *pod_name, char *ret_name, size_t size)
{
        char name[IDENTITY_NAME_SIZE];
        char *last, *before;

        text_copy(name, sizeof(name), pod_name);
        last = strrchr(name, '-');
        if (last && last != name) {
                size_t length = strlen(last + 1);

                if (text_is_digits(last + 1, length) && length <= 5) { /* a stateful set's ordinal */
                        *last = '\0';
                } else if (hash_part(last + 1, length, 5, 5)) {
                        *last = '\0';
                        before = strrchr(name, '-');
                        /* A deployment's replica set, or a job made by a schedule. */
                        if (before && before != name &&
                            (hash_part(before + 1, strlen(before + 1), 6, 10) ||
                             (strlen(before + 1) == 8 && text_is_digits(before + 1, 8))))
                                *before = '\0';
                }
        }
        text_copy(ret_name, size, name);
}
