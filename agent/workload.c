#include "agent/workload.h"

#include "agent/cgroup_path.h"
#include "agent/identity.h"
#include "agent/process_root.h"
#include "agent/text.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#define STATE_MAX (4u << 20) /* of a runtime's file */
#define ENVIRON_MAX 16384

static ssize_t read_inside(const char *proc, uint32_t pid, const char *path, char *buffer, size_t size)
{
        CLEANUP_FD int fd = process_root_open(proc, pid, path, O_RDONLY);

        return fd < 0 ? fd : text_read_fd(fd, buffer, size);
}

static json_t *load(const char *path)
{
        struct stat st;

        if (stat(path, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > (off_t)STATE_MAX)
                return NULL;
        return json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
}

/* Compose marks its containers with the project and the service they are of. */
static bool compose(const json_t *labels, char *ret_service, size_t size)
{
        const char *project = json_string_value(json_object_get(labels, "com.docker.compose.project"));
        const char *service = json_string_value(json_object_get(labels, "com.docker.compose.service"));
        char joined[2 * IDENTITY_NAME_SIZE];

        if (!service || !*service)
                return false;
        snprintf(joined, sizeof(joined), "%s%s%s", project ? project : "", project && *project ? "/" : "", service);
        text_copy(ret_service, size, joined);
        return true;
}

static int docker(const char *id, char *ret_service, char *ret_instance, size_t size)
{
        char path[256];
        const char *name;
        json_t *root;
        int r = -ENOENT;

        snprintf(path, sizeof(path), "/var/lib/docker/containers/%s/config.v2.json", id);
        root = load(path);
        name = json_string_value(json_object_get(root, "Name"));
        if (name && name[name[0] == '/']) {
                text_copy(ret_instance, size, name + (name[0] == '/'));
                if (!compose(json_object_get(json_object_get(root, "Config"), "Labels"), ret_service, size))
                        text_copy(ret_service, size, ret_instance);
                r = 0;
        }
        json_decref(root);
        return r;
}

static int podman(const char *id, char *ret_service, char *ret_instance, size_t size)
{
        json_t *root = load("/var/lib/containers/storage/overlay-containers/containers.json");
        const json_t *item;
        size_t i;
        int r = -ENOENT;

        json_array_foreach(root, i, item)
        {
                const char *this_id = json_string_value(json_object_get(item, "id"));
                const char *name = json_string_value(json_array_get(json_object_get(item, "names"), 0));

                if (this_id && name && *name && strcmp(this_id, id) == 0) {
                        text_copy(ret_service, size, name);
                        text_copy(ret_instance, size, name);
                        r = 0;
                        break;
                }
        }
        json_decref(root);
        return r;
}

int workload_container_name(const struct cgroup_workload *workload, char *ret_service, char *ret_instance, size_t size)
{
        int r = -ENOENT;

        if (strcmp(workload->runtime, "libpod") == 0)
                return podman(workload->container, ret_service, ret_instance, size);
        if (strcmp(workload->runtime, "docker") == 0 || !workload->runtime[0])
                r = docker(workload->container, ret_service, ret_instance, size);
        return r;
}

/* A name as RFC 1123 has it, with dots: what a pod or namespace may be called. */
static bool dns_name(const char *text)
{
        size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-.");

        return n > 0 && n < IDENTITY_NAME_SIZE / 2 && text[n] == '\0';
}

int workload_pod_name(const char *proc, uint32_t pid, char *ret_service, char *ret_instance, size_t size)
{
        char environment[ENVIRON_MAX];
        char path[64], space[IDENTITY_NAME_SIZE], workload[IDENTITY_NAME_SIZE], joined[2 * IDENTITY_NAME_SIZE];
        const char *host = NULL;
        struct utsname names;
        ssize_t n;

        if (pid == 0)
                return -ENOENT;
        snprintf(path, sizeof(path), "%s/%u/environ", proc, pid);
        n = text_read_file(path, environment, ENVIRON_MAX);
        if (n < 0)
                return (int)n;
        for (char *p = environment; p < environment + n; p += strlen(p) + 1)
                if (text_starts(p, "HOSTNAME="))
                        host = p + strlen("HOSTNAME=");
        /* A pod on the host's network is called like the host: that names no workload. */
        if (!host || !dns_name(host) || uname(&names) < 0 || strcmp(host, names.nodename) == 0)
                return -ENOENT;
        identity_pod_workload(host, workload, sizeof(workload));
        n = read_inside(proc, pid, "/var/run/secrets/kubernetes.io/serviceaccount/namespace", space, sizeof(space));
        if (n > 0)
                space[strcspn(space, "\n")] = '\0';
        if (n > 0 && dns_name(space))
                snprintf(joined, sizeof(joined), "%s/%s", space, workload);
        else
                snprintf(joined, sizeof(joined), "%s", workload);
        text_copy(ret_service, size, joined);
        text_copy(ret_instance, size, host);
        return 0;
}
