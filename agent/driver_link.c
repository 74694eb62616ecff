/* Rolls back by a symbolic link among releases, and a unit that is restarted: LINK -> RELEASES/NAME. The order names
 * the release to go back to by the digest of its path or of its name; what it is called is found in the folder.
 *
 * Two drivers: `release-link`, whose releases are folders from which the unit runs, and `drop-in`, whose releases are
 * files, each a drop-in of the unit that says how that release is run; there the link is UNIT.d/NAME.conf.
 *
 * Barriers: a file BARRIERS/NAME says that release NAME changed what cannot be changed back (a schema, a format of
 * messages, a flag that goes one way). Releases are ordered by the time at which they were last changed;
 * a rollback is refused if the release that runs, or any between it and the target, has such a mark, or if a mark
 * names a release that is not there, as then its place is not known. */
#include "agent/config_services.h"
#include "agent/digest.h"
#include "agent/driver.h"
#include "agent/unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_SIZE 1024

struct inverse {
        char former[PATH_SIZE]; /* the text of the link */
        char ours[PATH_SIZE];
};

static int read_link(const char *path, char text[PATH_SIZE])
{
        ssize_t n = readlink(path, text, PATH_SIZE - 1);

        if (n < 0)
                return -errno;
        if (n == PATH_SIZE - 1)
                return -ENAMETOOLONG;
        text[n] = '\0';
        return 0;
}

static const char *base(const char *path)
{
        const char *slash = strrchr(path, '/');

        return slash ? slash + 1 : path;
}

static bool is_drop_in(const struct service *service)
{
        return strcmp(service->rollback.driver, driver_drop_in.name) == 0;
}

static int64_t wall_of(const struct stat *st)
{
        return st->st_mtim.tv_sec * NSEC_PER_SEC + st->st_mtim.tv_nsec;
}

/* When the release was; -1: there is none of the name. */
static int64_t changed(const struct service *service, const char *name)
{
        char path[2 * PATH_SIZE];
        struct stat st;

        if (snprintf(path, sizeof(path), "%s/%s", service->rollback.releases, name) >= (int)sizeof(path) || lstat(path, &st) < 0 ||
            (st.st_mode & S_IFMT) != (is_drop_in(service) ? S_IFREG : S_IFDIR))
                return -1;
        return wall_of(&st);
}

static bool is_meant(const struct service *service, const char *name, uint64_t digest)
{
        char path[2 * PATH_SIZE];

        if (action_text_digest(name) == digest)
                return true;
        return snprintf(path, sizeof(path), "%s/%s", service->rollback.releases, name) < (int)sizeof(path) &&
               action_text_digest(path) == digest;
}

/* 0 with the only release of this digest; -ENOENT, -EEXIST if there are two. */
static int find_release(const struct service *service, uint64_t digest, char *ret_name, size_t size)
{
        DIR *folder = opendir(service->rollback.releases);
        struct dirent *item;
        int r = -ENOENT;

        if (!folder)
                return -errno;
        while ((item = readdir(folder))) {
                if (item->d_name[0] == '.' || changed(service, item->d_name) < 0 || !is_meant(service, item->d_name, digest))
                        continue;
                if (r == 0) {
                        r = -EEXIST;
                        break;
                }
                snprintf(ret_name, size, "%s", item->d_name);
                r = 0;
        }
        closedir(folder);
        return r;
}

/* NULL, or the mark that is in the way. */
static const char *barrier(const struct service *service, int64_t target, char *name, size_t size)
{
        DIR *folder = service->rollback.barriers ? opendir(service->rollback.barriers) : NULL;
        const char *found = NULL;
        struct dirent *item;

        if (!folder)
                return service->rollback.barriers ? "(the folder of barriers cannot be read)" : NULL;
        while (!found && (item = readdir(folder))) {
                int64_t at;

                if (item->d_name[0] == '.')
                        continue;
                at = changed(service, item->d_name);
                if (at >= 0 && at <= target)
                        continue; /* of the target itself, or before it */
                snprintf(name, size, "%s", item->d_name);
                found = name;
        }
        closedir(folder);
        return found;
}

static void state_of(const char *text, struct action_digest *ret_digest)
{
        digest_text(ret_digest, "link %s", text);
}

/* The link now, and what it is to be; false: the result says why not. */
static bool find(struct action_call *call, struct inverse *ret)
{
        const struct service *service = call->service;
        char name[256], mark[256], real[PATH_SIZE];
        const char *in_the_way;
        int64_t now, target;
        int r = read_link(service->rollback.link, ret->former);

        if (r < 0) {
                action_unchanged(call, ACTION_REASON_UNSUPPORTED, "the link to the current release: %s", strerror(-r));
                return false;
        }
        snprintf(real, sizeof(real), "%s", base(ret->former));
        now = changed(service, real);
        if (now < 0 || (call->order->from && !is_meant(service, real, call->order->from))) {
                action_unchanged(call, now < 0 ? ACTION_REASON_UNSUPPORTED : ACTION_REASON_CHANGED,
                                 now < 0 ? "the link does not lead to one of the releases"
                                         : "another release runs than that of the plan");
                return false;
        }
        r = find_release(service, call->order->to, name, sizeof(name));
        if (r < 0 || strcmp(name, real) == 0) {
                action_unchanged(call, ACTION_REASON_NO_RELEASE, "the release to go back to is %s",
                                 r == -EEXIST ? "not the only one of its digest"
                                 : r < 0      ? "not there"
                                              : "the one that runs");
                return false;
        }
        target = changed(service, name);
        if (target < 0 || target >= now) {
                action_unchanged(call, ACTION_REASON_NO_RELEASE, "the release to go back to is not older than the one that runs");
                return false;
        }
        in_the_way = barrier(service, target, mark, sizeof(mark));
        if (in_the_way) {
                action_unchanged(call, ACTION_REASON_BARRIER, "the barrier of release %s is in the way", in_the_way);
                return false;
        }
        /* As the link was written: absolute, or beside it. */
        if (snprintf(ret->ours, sizeof(ret->ours), "%.*s%s", (int)(base(ret->former) - ret->former), ret->former, name) >=
            (int)sizeof(ret->ours)) {
                action_unchanged(call, ACTION_REASON_UNSUPPORTED, "the name of the release is too long");
                return false;
        }
        return true;
}

static void check(struct action_call *call)
{
        const struct service *service = call->service;
        struct inverse found;
        uint32_t pid;

        if (!find(call, &found) || driver_check_targets(call, service->rollback.unit) < 0)
                return;
        if (unit_main_pid(call, service->rollback.unit, &pid) < 0 ||
            (is_drop_in(service) && unit_has_drop_in(call, service->rollback.unit, service->rollback.link) < 0)) {
                call->result.outcome = REMEDY_UNCHANGED;
                call->result.reason = ACTION_REASON_UNSUPPORTED;
                return;
        }
        call->result.outcome = REMEDY_DONE;
        call->result.touched = 1;
        state_of(found.former, &call->result.former);
}

static void inverse(struct action_call *call)
{
        struct inverse *to = (struct inverse *)(void *)call->inverse;

        memset(to, 0, sizeof(*to));
        if (find(call, to))
                call->inverse_size = sizeof(*to);
}

/* The link is replaced as a whole, and its folder synced. */
static int point(const struct service *service, const char *text)
{
        CLEANUP_FD int folder = -1;
        char path[PATH_SIZE], *slash;
        char fresh[64];

        if (snprintf(path, sizeof(path), "%s", service->rollback.link) >= (int)sizeof(path))
                return -ENAMETOOLONG;
        slash = strrchr(path, '/');
        *slash = '\0';
        folder = open(*path ? path : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (folder < 0)
                return -errno;
        snprintf(fresh, sizeof(fresh), ".nightshift-link");
        unlinkat(folder, fresh, 0);
        if (symlinkat(text, folder, fresh) < 0 || renameat(folder, fresh, folder, slash + 1) < 0)
                return -errno;
        return fsync(folder) < 0 ? -errno : 0;
}

static int restart(struct action_call *call)
{
        int r = is_drop_in(call->service) ? unit_reload_all(call) : 0;

        return r < 0 ? r : unit_restart(call, call->service->rollback.unit);
}

static void apply(struct action_call *call)
{
        const struct inverse *kept = (const struct inverse *)(const void *)call->inverse;
        int r = unit_drain(call);

        /* What drained halfway has changed something. */
        if (r < 0) {
                call->result.outcome = REMEDY_FAILED;
                call->result.reason = ACTION_REASON_FAILED;
                return;
        }
        r = point(call->service, kept->ours);
        if (r < 0)
                action_failed(call, ACTION_REASON_FAILED, "cannot change the link: %s", strerror(-r));
        else if (restart(call) < 0 || unit_await_ready(call, call->service->rollback.unit) < 0)
                call->result.outcome = REMEDY_FAILED;
        else
                call->result.outcome = REMEDY_DONE;
        if (call->result.outcome == REMEDY_FAILED)
                call->result.reason = ACTION_REASON_FAILED;
        state_of(kept->ours, &call->result.present);
}

/* By what the process runs, or where: 1 if that lies in the release. One that does neither tells nothing. */
static int runs_in(uint32_t pid, const struct service *service, const char *link)
{
        static const char *const ways[] = { "exe", "cwd" };
        char release[2 * PATH_SIZE], path[64], text[PATH_SIZE];
        CLEANUP_FREE char *resolved = NULL;

        snprintf(release, sizeof(release), "%s/%s", service->rollback.releases, base(link));
        resolved = realpath(release, NULL);
        if (!resolved)
                return -errno;
        for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
                size_t length = strlen(resolved);

                snprintf(path, sizeof(path), "/proc/%u/%s", pid, ways[i]);
                if (read_link(path, text) == 0 && strncmp(text, resolved, length) == 0 && (text[length] == '/' || !text[length]))
                        return 1;
        }
        return 0;
}

/* By the age of the process: 1 if the drop-in was what it is already when the process began. */
static int runs_after(uint32_t pid, const struct service *service, const char *link)
{
        char text[PATH_SIZE];
        struct stat st;
        int64_t began = 0;
        int r = read_link(service->rollback.link, text);

        if (r == 0)
                r = unit_process_began(pid, &began);
        if (r < 0 || lstat(service->rollback.link, &st) < 0)
                return r < 0 ? r : -errno;
        return strcmp(text, link) == 0 && began >= wall_of(&st);
}

/* The main process of the unit runs the release: 1, 0, -errno. */
static int runs_from(struct action_call *call, const char *link)
{
        uint32_t pid;
        int r = unit_main_pid(call, call->service->rollback.unit, &pid);

        if (r < 0)
                return r;
        return is_drop_in(call->service) ? runs_after(pid, call->service, link) : runs_in(pid, call->service, link);
}

static void verify(struct action_call *call)
{
        const struct inverse *kept = (const struct inverse *)(const void *)call->inverse;
        char text[PATH_SIZE];

        call->result.outcome = REMEDY_DONE;
        call->result.verdict = ACTION_VERDICT_UNKNOWN;
        if (read_link(call->service->rollback.link, text) < 0 || strcmp(text, kept->ours) != 0) {
                call->result.verdict = ACTION_VERDICT_FALSIFIED;
                action_say(call, "the link leads elsewhere");
        } else if (runs_from(call, kept->ours) == 1) {
                call->result.verdict = ACTION_VERDICT_VERIFIED;
        } else if (runs_from(call, kept->former) == 1 || (is_drop_in(call->service) && runs_from(call, kept->ours) == 0)) {
                call->result.verdict = ACTION_VERDICT_FALSIFIED;
                action_say(call, "the unit still runs the release from before");
        } else {
                action_say(call, "whether the unit runs from the release cannot be told");
        }
}

/* What does not drain is restarted all the same: that may be why it is undone. */
static int go_back(struct action_call *call)
{
        int r = unit_drain(call);

        if (r < 0)
                call->detail[0] = '\0';
        return restart(call);
}

/* The release from before runs, and nothing that was drained is left so, as far as the file lets tell. */
static bool is_back(struct action_call *call, const char *former)
{
        const struct service *service = call->service;

        if (runs_from(call, former) != 1)
                return false;
        return !service->restart_safe.drain_argv.count ||
               (service->restart_safe.ready_port && unit_await_ready(call, service->rollback.unit) == 0);
}

static void revert(struct action_call *call)
{
        const struct inverse *kept = (const struct inverse *)(const void *)call->inverse;
        char text[PATH_SIZE];
        int r = call->inverse_size == sizeof(*kept) ? read_link(call->service->rollback.link, text) : -EBADMSG;

        if (r < 0) {
                action_failed(call, ACTION_REASON_FAILED, "the link to the current release: %s", strerror(-r));
                return;
        }
        if (strcmp(text, kept->ours) != 0 && strcmp(text, kept->former) != 0) {
                call->result.outcome = REMEDY_OTHERS;
                state_of(text, &call->result.present);
                return;
        }
        if (strcmp(text, kept->ours) == 0) {
                r = point(call->service, kept->former);
                if (r < 0) {
                        action_failed(call, ACTION_REASON_FAILED, "cannot change the link: %s", strerror(-r));
                        return;
                }
        }
        /* Also if the link is as before: an attempt that ended halfway may have changed it and not restarted. */
        if (!is_back(call, kept->former) && (go_back(call) < 0 || unit_await_ready(call, call->service->rollback.unit) < 0)) {
                call->result.outcome = REMEDY_FAILED;
                call->result.reason = ACTION_REASON_FAILED;
                return;
        }
        r = read_link(call->service->rollback.link, text);
        if (r < 0) {
                action_failed(call, ACTION_REASON_FAILED, "the link to the current release: %s", strerror(-r));
                return;
        }
        call->result.outcome = REMEDY_DONE;
        state_of(text, &call->result.present);
}

const struct action_driver driver_drop_in = { "drop-in", check, inverse, apply, verify, revert };
const struct action_driver driver_link = { "release-link", check, inverse, apply, verify, revert };
