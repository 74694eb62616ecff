#include "agent/target.h"

#include "agent/cgroup_path.h"
#include "agent/config_services.h"
#include "agent/process_read.h"
#include "agent/text.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CGROUP2_MAGIC 0x63677270
#define DEPTH_MAX 8
#define PROC "/proc"

void target_cgroup_close(struct target_cgroup *cgroup)
{
        fd_close(&cgroup->fd);
}

/* The mount point of the default hierarchy. */
static int mount_point(char *ret_path, size_t size)
{
        static const char *const places[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };
        struct statfs fs;

        for (size_t i = 0; i < ARRAY_SIZE(places); i++)
                if (statfs(places[i], &fs) == 0 && fs.f_type == CGROUP2_MAGIC) {
                        snprintf(ret_path, size, "%s", places[i]);
                        return 0;
                }
        return -ENOENT;
}

int target_cgroup_open(const char *path, uint64_t id, struct target_cgroup *ret_cgroup)
{
        struct target_cgroup cgroup = { .fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW), .id = id };
        struct statfs fs;
        struct stat st;

        if (cgroup.fd < 0)
                return errno == ENOENT || errno == ENOTDIR ? -ENOENT : -errno;
        if (fstat(cgroup.fd, &st) < 0 || fstatfs(cgroup.fd, &fs) < 0 || fs.f_type != CGROUP2_MAGIC || st.st_ino != id) {
                target_cgroup_close(&cgroup);
                return -ENOENT;
        }
        snprintf(cgroup.path, sizeof(cgroup.path), "%s", path);
        *ret_cgroup = cgroup;
        return 0;
}

int target_cgroup_read(const struct target_cgroup *cgroup, const char *name, char *buffer, size_t size)
{
        CLEANUP_FD int fd = openat(cgroup->fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        ssize_t n;

        if (fd < 0)
                return -errno;
        n = read(fd, buffer, size - 1);
        if (n < 0)
                return -errno;
        buffer[n] = '\0';
        return 0;
}

int target_cgroup_write(const struct target_cgroup *cgroup, const char *name, const char *text)
{
        CLEANUP_FD int fd = openat(cgroup->fd, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
        size_t size = strlen(text);

        if (fd < 0)
                return -errno;
        return write(fd, text, size) == (ssize_t)size ? 0 : -errno;
}

/* The path in the default hierarchy, and the one by which the workload is named, which on a host with both may be
 * an older one. */
static int read_cgroups(uint32_t pid, char *ret_default, char *ret_named, size_t size)
{
        char path[64], text[4096], copy[4096], *line, *save = NULL;
        const char *older;

        snprintf(path, sizeof(path), PROC "/%u/cgroup", pid);
        if (text_read_file(path, text, sizeof(text)) <= 0)
                return -ESRCH;
        memcpy(copy, text, sizeof(copy));
        *ret_default = *ret_named = '\0';
        for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
                if (text_starts(line, "0::"))
                        snprintf(ret_default, size, "%s", line + 3);
        if (strlen(ret_default) <= 1 && (older = cgroup_older_path(copy)))
                snprintf(ret_named, size, "%s", older);
        else
                snprintf(ret_named, size, "%s", ret_default);
        return *ret_default ? 0 : -ENOENT;
}

static bool is_of_service(const struct action_call *call, const struct executor_target *target, const char *cgroup)
{
        char path[64], exe[IDENTITY_PATH_SIZE] = "", comm[64] = "";
        struct identity identity;
        struct identity_facts facts = { .cgroup_path = cgroup, .exe_path = exe, .comm = comm, .pid = target->pid };

        snprintf(path, sizeof(path), PROC "/%u/exe", target->pid);
        if (text_read_link(path, exe, sizeof(exe)) < 0)
                return false;
        snprintf(path, sizeof(path), PROC "/%u/comm", target->pid);
        if (text_read_file(path, comm, sizeof(comm)) > 0)
                comm[strcspn(comm, "\n")] = '\0';
        facts.exe_inode = target->exe_inode ? target->exe_inode : 1;
        identity_recognise(&call->services->match, PROC, &facts, &identity);
        return identity.kind == IDENTITY_EXPLICIT && strcmp(identity.service, call->service->name) == 0;
}

static bool is_alive(int pidfd)
{
        struct pollfd wait = { .fd = pidfd, .events = POLLIN };

        return poll(&wait, 1, 0) == 0;
}

static int check_process(struct action_call *call, const struct executor_target *target, char *ret_cgroup, size_t size)
{
        CLEANUP_FD int pidfd = (int)syscall(SYS_pidfd_open, target->pid, 0);
        struct process_stat ps;
        char path[64], named[512];
        struct stat st;

        if (pidfd < 0) {
                action_unchanged(call, ACTION_REASON_MISMATCH, "process %u is gone", target->pid);
                return -EINVAL;
        }
        snprintf(path, sizeof(path), PROC "/%u/exe", target->pid);
        if (process_read_stat(PROC, target->pid, target->start_ns, &ps) < 0) {
                action_unchanged(call, ACTION_REASON_MISMATCH, "process %u is another one than that of the plan", target->pid);
        } else if (target->exe_inode &&
                   (stat(path, &st) < 0 || st.st_ino != target->exe_inode || st.st_dev != target->exe_device)) {
                action_unchanged(call, ACTION_REASON_MISMATCH, "process %u runs another executable than that of the plan",
                                 target->pid);
        } else if (read_cgroups(target->pid, ret_cgroup, named, size) < 0) {
                action_unchanged(call, ACTION_REASON_UNSUPPORTED, "process %u is in no cgroup of the default hierarchy",
                                 target->pid);
        } else if (!is_of_service(call, target, named)) {
                action_unchanged(call, ACTION_REASON_MISMATCH, "process %u is not of the service", target->pid);
        } else if (!is_alive(pidfd)) {
                action_unchanged(call, ACTION_REASON_MISMATCH, "process %u has just ended", target->pid);
        } else {
                return 0;
        }
        return -EINVAL;
}

int target_check(struct action_call *call, const struct executor_target *target)
{
        char cgroup[512];

        return check_process(call, target, cgroup, sizeof(cgroup));
}

int target_find(struct action_call *call, struct target_cgroup *ret_cgroup)
{
        char root[64], first[512] = "", own[512], named[512], path[600];
        struct target_cgroup cgroup = { .fd = -1 };
        struct stat st;

        if (call->order->targets_count == 0) {
                action_unchanged(call, ACTION_REASON_NO_TARGETS, "the order names no process");
                return -EINVAL;
        }
        for (uint32_t i = 0; i < call->order->targets_count; i++) {
                char its[512];
                int r = check_process(call, &call->order->targets[i], its, sizeof(its));

                if (r < 0)
                        return r;
                if (i == 0) {
                        memcpy(first, its, sizeof(first));
                } else if (strcmp(first, its) != 0) {
                        action_unchanged(call, ACTION_REASON_MISMATCH, "the processes are not in one cgroup");
                        return -EINVAL;
                }
        }
        if (strlen(first) <= 1 || strstr(first, "/..") || mount_point(root, sizeof(root)) < 0) {
                action_unchanged(call, ACTION_REASON_UNSUPPORTED, "the processes are in no cgroup of their own");
                return -EINVAL;
        }
        /* Nothing that we are part of, or we could never undo it. */
        if (read_cgroups((uint32_t)getpid(), own, named, sizeof(own)) < 0 ||
            (text_starts(own, first) && (own[strlen(first)] == '\0' || own[strlen(first)] == '/'))) {
                action_unchanged(call, ACTION_REASON_UNSUPPORTED, "the agent is in the same cgroup");
                return -EINVAL;
        }
        snprintf(path, sizeof(path), "%s%s", root, first);
        if (stat(path, &st) < 0 || target_cgroup_open(path, st.st_ino, &cgroup) < 0) {
                action_unchanged(call, ACTION_REASON_MISMATCH, "the cgroup is gone");
                return -EINVAL;
        }
        *ret_cgroup = cgroup;
        return 0;
}

static bool is_named(const struct executor_order *order, uint32_t pid)
{
        for (uint32_t i = 0; i < order->targets_count; i++)
                if (order->targets[i].pid == pid)
                        return true;
        return false;
}

/* -E2BIG with the pid of one that the order does not name. */
static int count_processes(const struct executor_order *order, int folder, int depth, uint32_t *count, uint32_t *ret_stranger)
{
        int procs = openat(folder, "cgroup.procs", O_RDONLY | O_CLOEXEC), r = 0, again;
        FILE *file = procs < 0 ? NULL : fdopen(procs, "re");
        struct dirent *item;
        unsigned pid;
        DIR *dir;

        if (!file) {
                fd_close(&procs);
                return -ENOENT;
        }
        while (r == 0 && fscanf(file, "%u", &pid) == 1) {
                ++*count;
                if (!is_named(order, pid)) {
                        *ret_stranger = pid;
                        r = -E2BIG;
                }
        }
        fclose(file);
        again = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        dir = again < 0 ? NULL : fdopendir(again);
        if (!dir) {
                fd_close(&again);
                return r < 0 ? r : -ENOENT;
        }
        while (r == 0 && (item = readdir(dir))) {
                CLEANUP_FD int below = -1;

                if (item->d_type != DT_DIR || item->d_name[0] == '.')
                        continue;
                below = openat(folder, item->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
                r = below < 0 || depth == DEPTH_MAX ? -ENOENT : count_processes(order, below, depth + 1, count, ret_stranger);
        }
        closedir(dir);
        return r;
}

int target_is_alone(struct action_call *call, const struct target_cgroup *cgroup, uint32_t *ret_count)
{
        uint32_t count = 0, stranger = 0;
        int r = count_processes(call->order, cgroup->fd, 0, &count, &stranger);

        if (r == -E2BIG) {
                action_unchanged(call, ACTION_REASON_MORE_TARGETS, "process %u is in the same cgroup and not in the plan",
                                 stranger);
                return -EINVAL;
        }
        if (r < 0 || count < call->order->targets_count) {
                action_unchanged(call, ACTION_REASON_MISMATCH, "the processes of the cgroup cannot be told");
                return -EINVAL;
        }
        *ret_count = count;
        return 0;
}

int target_cgroup_find(struct action_call *call, struct target_cgroup *ret_cgroup)
{
        struct target_cgroup cgroup = { .fd = -1 };
        int r = target_find(call, &cgroup);

        if (r < 0)
                return r;
        r = target_is_alone(call, &cgroup, &call->result.touched);
        if (r < 0)
                target_cgroup_close(&cgroup);
        else
                *ret_cgroup = cgroup;
        return r;
}

uint64_t target_cpu_ns(const struct executor_order *order)
{
        uint64_t sum = 0;

        for (uint32_t i = 0; i < order->targets_count; i++) {
                struct process_stat ps;

                if (process_read_stat(PROC, order->targets[i].pid, order->targets[i].start_ns, &ps) == 0)
                        sum += ps.cpu_ns;
        }
        return sum;
}
