#include "agent/probe_shed.h"

#include "bpf/shed.skel.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/statfs.h>
#include <unistd.h>

#define FOLDER "/sys/fs/bpf"
#define PATH_SIZE 96u
#define LISTED_MAX 64u

enum { LINK_CONNECT4, LINK_CONNECT6, MAP_LIMIT, MAP_COUNTS, PINS };
static const char *const pins[PINS] = { "connect4", "connect6", "limit", "counts" };

static void path_of(struct action_key key, unsigned pin, char path[PATH_SIZE])
{
        snprintf(path, PATH_SIZE, FOLDER "/nightshift-shed-%016llx%016llx-%s", (unsigned long long)key.high,
                 (unsigned long long)key.low, pins[pin]);
}

static int say_nothing(enum libbpf_print_level level, const char *format, va_list arguments)
{
        (void)level, (void)format, (void)arguments;
        return 0;
}

static int load(struct shed_bpf **ret_object, const char **ret_why)
{
        struct shed_bpf *object;
        int r;

        libbpf_set_print(say_nothing);
        object = shed_bpf__open();
        r = object ? shed_bpf__load(object) : -errno;
        if (r < 0) {
                *ret_why = r == -EPERM
                                   ? "the executor may not load programs: CAP_BPF and CAP_NET_ADMIN are kept by those that start "
                                     "with connect.shed in their file"
                                   : "the kernel does not take the programs on connect()";
                shed_bpf__destroy(object);
                return r;
        }
        *ret_object = object;
        return 0;
}

static bool has_folder(const char **ret_why)
{
        struct statfs fs;

        if (statfs(FOLDER, &fs) == 0 && fs.f_type == BPF_FS_MAGIC)
                return true;
        *ret_why = "no file system of BPF is mounted at " FOLDER;
        return false;
}

int probe_shed_check(const char **ret_why)
{
        struct shed_bpf *object;
        int r = has_folder(ret_why) ? load(&object, ret_why) : -ENOTSUP;

        if (r == 0)
                shed_bpf__destroy(object);
        return r;
}

/* Attached first, so that a pin always stands for a program in effect. */
static int attach(struct action_key key, unsigned pin, struct bpf_program *program, int cgroup)
{
        struct bpf_link *link = bpf_program__attach_cgroup(program, cgroup);
        char path[PATH_SIZE];
        int r;

        if (!link)
                return -errno;
        path_of(key, pin, path);
        r = bpf_link__pin(link, path);
        bpf_link__destroy(link); /* ours of it; the pin keeps it */
        return r;
}

int probe_shed_attach(struct action_key key, int cgroup, const struct event_shed *limit, const char **ret_why)
{
        struct shed_bpf *object;
        char path[PATH_SIZE];
        uint32_t zero = 0;
        int r = load(&object, ret_why);

        if (r < 0)
                return r;
        *ret_why = "the programs cannot be attached to the cgroup";
        r = bpf_map__update_elem(object->maps.shed_limit, &zero, sizeof(zero), limit, sizeof(*limit), BPF_ANY);
        for (unsigned pin = MAP_LIMIT; r == 0 && pin <= MAP_COUNTS; pin++) {
                path_of(key, pin, path);
                r = bpf_map__pin(pin == MAP_LIMIT ? object->maps.shed_limit : object->maps.shed_counts, path);
        }
        if (r == 0)
                r = attach(key, LINK_CONNECT4, object->progs.shed_connect4, cgroup);
        if (r == 0)
                r = attach(key, LINK_CONNECT6, object->progs.shed_connect6, cgroup);
        shed_bpf__destroy(object);
        return r;
}

int probe_shed_detach(struct action_key key)
{
        char path[PATH_SIZE];

        for (unsigned pin = 0; pin < PINS; pin++) {
                path_of(key, pin, path);
                if (unlink(path) < 0 && errno != ENOENT)
                        return -errno;
        }
        return 0;
}

unsigned probe_shed_pinned(struct action_key key)
{
        unsigned count = 0;
        char path[PATH_SIZE];

        for (unsigned pin = LINK_CONNECT4; pin <= LINK_CONNECT6; pin++) {
                path_of(key, pin, path);
                count += access(path, F_OK) == 0;
        }
        return count;
}

static int program_of(struct action_key key, unsigned pin, uint32_t *ret_id)
{
        struct bpf_link_info info = { 0 };
        uint32_t size = sizeof(info);
        char path[PATH_SIZE];
        CLEANUP_FD int fd = -1;

        path_of(key, pin, path);
        fd = bpf_obj_get(path);
        if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size) < 0)
                return -errno;
        *ret_id = info.prog_id;
        return 0;
}

int probe_shed_listed(struct action_key key, int cgroup, unsigned *ret_count)
{
        static const enum bpf_attach_type hooks[] = { BPF_CGROUP_INET4_CONNECT, BPF_CGROUP_INET6_CONNECT };
        unsigned found = 0;

        for (unsigned pin = LINK_CONNECT4; pin <= LINK_CONNECT6; pin++) {
                uint32_t ids[LISTED_MAX], count = LISTED_MAX, flags, own = 0;
                int r = program_of(key, pin, &own);

                if (r == -ENOENT)
                        continue;
                if (r < 0 || bpf_prog_query(cgroup, hooks[pin], 0, &flags, ids, &count) < 0)
                        return r < 0 ? r : -errno;
                for (uint32_t i = 0; i < MIN(count, LISTED_MAX); i++)
                        found += ids[i] == own;
        }
        *ret_count = found;
        return 0;
}

static int open_map(struct action_key key, unsigned pin)
{
        char path[PATH_SIZE];
        int fd;

        path_of(key, pin, path);
        fd = bpf_obj_get(path);
        return fd < 0 ? -errno : fd;
}

int probe_shed_counts(struct action_key key, struct event_shed_counts *ret_counts)
{
        CLEANUP_FD int fd = open_map(key, MAP_COUNTS);
        uint32_t zero = 0;

        if (fd < 0)
                return fd;
        return bpf_map_lookup_elem(fd, &zero, ret_counts) < 0 ? -errno : 0;
}

int probe_shed_extend(struct action_key key, uint64_t deadline)
{
        CLEANUP_FD int fd = open_map(key, MAP_LIMIT);
        struct event_shed limit;
        uint32_t zero = 0;

        if (fd < 0)
                return fd;
        if (bpf_map_lookup_elem(fd, &zero, &limit) < 0)
                return -errno;
        limit.deadline = deadline;
        return bpf_map_update_elem(fd, &zero, &limit, BPF_EXIST) < 0 ? -errno : 0;
}
