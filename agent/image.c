#include "agent/image.h"

#include "agent/cgroup_path.h"
#include "agent/text.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STATE_MAX (4 << 20)

static json_t *load(const char *path)
{
        CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        struct stat st;

        if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > STATE_MAX)
                return NULL;
        return json_loadfd(fd, 0, NULL);
}

struct found {
        const char *image, *version;
};

static const char *label_version(const json_t *labels)
{
        static const char *const names[] = { "app.kubernetes.io/version", "org.opencontainers.image.version",
                                             "org.opencontainers.image.revision", "version" };
        const char *v = NULL;

        for (size_t i = 0; !v && i < ARRAY_SIZE(names); i++)
                v = json_string_value(json_object_get(labels, names[i]));
        return v;
}

static struct found docker(const json_t *root)
{
        const json_t *config = json_object_get(root, "Config");
        const char *digest = json_string_value(json_object_get(root, "Image"));

        /* A tag may be moved to another image; the digest cannot. */
        return (struct found){ digest ? digest : json_string_value(json_object_get(config, "Image")),
                               label_version(json_object_get(config, "Labels")) };
}

static struct found podman(const json_t *root, const char *id)
{
        const json_t *item;
        size_t i;

        json_array_foreach(root, i, item)
        {
                const char *this_id = json_string_value(json_object_get(item, "id"));

                if (this_id && strcmp(this_id, id) == 0)
                        return (struct found){ json_string_value(json_object_get(item, "image")), NULL };
        }
        return (struct found){ NULL, NULL };
}

static struct found oci(const json_t *root)
{
        static const char *const names[] = { "io.kubernetes.cri-o.ImageRef", "io.kubernetes.cri-o.ImageName",
                                             "io.kubernetes.cri.image-name", "nerdctl/image-ref" };
        const json_t *annotations = json_object_get(root, "annotations");
        struct found found = { NULL, label_version(annotations) };

        for (size_t i = 0; !found.image && i < ARRAY_SIZE(names); i++)
                found.image = json_string_value(json_object_get(annotations, names[i]));
        return found;
}

void image_read(const char *cgroup_path, char *ret_image, size_t image_size, char *ret_version, size_t version_size)
{
        static const char *const forms[] = { "/var/lib/docker/containers/%s/config.v2.json",
                                             "/var/lib/containers/storage/overlay-containers/containers.json",
                                             "/run/containerd/io.containerd.runtime.v2.task/k8s.io/%s/config.json",
                                             "/run/containerd/io.containerd.runtime.v2.task/default/%s/config.json",
                                             "/run/containers/storage/overlay-containers/%s/userdata/config.json" };
        struct cgroup_workload w;

        cgroup_parse(cgroup_path, &w);
        ret_image[0] = ret_version[0] = '\0';
        /* The id comes from the name of a cgroup, which a workload may have made: digits only. */
        if (!w.container[0] || !text_is_hex(w.container, strlen(w.container)))
                return;
        for (size_t i = 0; i < ARRAY_SIZE(forms) && !ret_image[0]; i++) {
                char path[512];
                struct found found;
                json_t *root;

                /* NOLINTNEXTLINE(clang-diagnostic-format-nonliteral) */
                snprintf(path, sizeof(path), forms[i], w.container);
                root = load(path);
                if (!root)
                        continue;
                found = i == 0 ? docker(root) : i == 1 ? podman(root, w.container) : oci(root);
                if (found.image)
                        text_copy(ret_image, image_size, found.image);
                if (found.version)
                        text_copy(ret_version, version_size, found.version);
                json_decref(root);
        }
}
