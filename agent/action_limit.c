/* cgroup.limit: lets the processes of a service use less processor time, memory or io for a while, by the controllers
 * of their cgroup. Only ever less than they may now, and not below what the file says. Refused unless the cgroup has
 * exactly the processes that the plan names. */
#include "agent/config_services.h"
#include "agent/digest.h"
#include "agent/limit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>

#define LOOK_NS (500 * NSEC_PER_MSEC)
#define SLACK_NS (200 * NSEC_PER_MSEC) /* what two periods may be served ahead */
#define STEPS_NS (60 * NSEC_PER_SEC)   /* less memory is not had at once */

struct inverse {
        uint64_t cgroup;
        char path[512];
        struct limit former, ours;
};

static const char *forbids(const struct service *service)
{
        return service->limit.present ? NULL : "its limit is not set";
}

static bool never(const struct service *service)
{
        (void)service;
        return false;
}

static int64_t lease_max(const struct service *service)
{
        return service->limit.within;
}

static int64_t patience(const struct service *service)
{
        (void)service;
        return STEPS_NS;
}

/* The lowest limit that the file allows; 0: none. */
static int64_t lowest(const struct service *service, uint32_t resource)
{
        switch (resource) {
        case ACTION_RESOURCE_CPU:
                return service->limit.cpu;
        case ACTION_RESOURCE_MEMORY:
                return service->limit.memory;
        case ACTION_RESOURCE_IO:
                return service->limit.io;
        default:
                return 0;
        }
}

static bool find_device(struct action_call *call, char *ret_device, size_t size)
{
        struct stat st;

        *ret_device = '\0';
        if (call->order->resource != ACTION_RESOURCE_IO)
                return true;
        if (stat(call->service->limit.device, &st) < 0 || !S_ISBLK(st.st_mode)) {
                action_unchanged(call, ACTION_REASON_UNSUPPORTED, "limit.device is no block device");
                return false;
        }
        snprintf(ret_device, size, "%u:%u", major(st.st_rdev), minor(st.st_rdev));
        return true;
}

static void state_of(const struct inverse *what, const struct limit *limit, struct action_digest *ret_digest)
{
        digest_text(ret_digest, "cgroup %" PRIu64 " %s %s %s", what->cgroup, limit_controller(limit->resource), limit->device,
                    limit->text);
}

/* The cgroup, its limit and what that is to become; else the result says why not. */
static bool find(struct action_call *call, struct target_cgroup *ret_cgroup, struct inverse *ret)
{
        int64_t low = lowest(call->service, call->order->resource);
        enum action_resource resource = (enum action_resource)call->order->resource;
        char device[sizeof(ret->former.device)];
        int r;

        ret_cgroup->fd = -1;
        memset(ret, 0, sizeof(*ret));
        if (low == 0 || call->order->value < (uint64_t)low || call->order->value > INT64_MAX) {
                action_unchanged(call, ACTION_REASON_PARAMETERS,
                                 low ? "the file allows no limit below %lld" : "the file allows no limit of that", (long long)low);
                return false;
        }
        if (!find_device(call, device, sizeof(device)) || target_cgroup_find(call, ret_cgroup) < 0)
                return false;
        r = limit_read(ret_cgroup, resource, device, &ret->former);
        ret->cgroup = ret_cgroup->id;
        snprintf(ret->path, sizeof(ret->path), "%s", ret_cgroup->path);
        if (r < 0) {
                action_unchanged(call, ACTION_REASON_UNSUPPORTED, "the cgroup has no controller %s%s%s", limit_controller(resource),
                                 r == -ENOTSUP ? "" : ": ", r == -ENOTSUP ? "" : strerror(-r));
        } else if (limit_value(&ret->former) <= call->order->value) {
                action_unchanged(call, ACTION_REASON_CHANGED, "it may not use more than that already");
        } else {
                limit_set(&ret->former, call->order->value, &ret->ours);
                call->result.outcome = REMEDY_DONE;
                state_of(ret, &ret->former, &call->result.former);
                action_say(call, "%s of %u processes: %.60s, to become %.60s", limit_controller(resource), call->result.touched,
                           ret->former.text, ret->ours.text);
                return true;
        }
        target_cgroup_close(ret_cgroup);
        return false;
}

static void check(struct action_call *call)
{
        struct target_cgroup cgroup;
        struct inverse found;

        if (find(call, &cgroup, &found))
                target_cgroup_close(&cgroup);
}

static void inverse(struct action_call *call)
{
        struct target_cgroup cgroup;

        if (!find(call, &cgroup, (struct inverse *)(void *)call->inverse))
                return;
        call->inverse_size = sizeof(struct inverse);
        target_cgroup_close(&cgroup);
}

static const struct inverse *kept(const struct action_call *call)
{
        return call->inverse_size == sizeof(struct inverse) ? (const struct inverse *)(const void *)call->inverse : NULL;
}

static int look(const struct inverse *from, struct target_cgroup *ret_cgroup, struct limit *ret_limit)
{
        int r = target_cgroup_open(from->path, from->cgroup, ret_cgroup);

        return r < 0 ? r : limit_read(ret_cgroup, from->former.resource, from->former.device, ret_limit);
}

static void apply(struct action_call *call)
{
        const struct inverse *from = kept(call);
        struct target_cgroup cgroup;
        struct inverse found;
        struct limit now;
        uint32_t count;
        int r;

        if (!find(call, &cgroup, &found))
                return;
        if (!from || strcmp(found.ours.text, from->ours.text) != 0) {
                action_unchanged(call, ACTION_REASON_CHANGED, "it changed since it was looked at");
                target_cgroup_close(&cgroup);
                return;
        }
        r = limit_write(&cgroup, &from->ours);
        if (r < 0)
                action_unchanged(call, ACTION_REASON_FAILED, "cannot set %s: %s", limit_controller(from->ours.resource),
                                 strerror(-r));
        else if (limit_read(&cgroup, from->ours.resource, from->ours.device, &now) < 0 || strcmp(now.text, from->ours.text) != 0)
                action_failed(call, ACTION_REASON_FAILED, "the kernel made something else of it");
        else if (target_is_alone(call, &cgroup, &count) < 0)
                call->result.outcome = REMEDY_FAILED; /* one was born meanwhile: more would be touched than was named */
        else
                state_of(from, &now, &call->result.present);
        target_cgroup_close(&cgroup);
}

static void nap(int64_t ns)
{
        struct timespec ts = { .tv_nsec = ns };

        nanosleep(&ts, NULL);
}

/* Bytes that went to and from the device, by the controller's own count. */
static uint64_t io_bytes(const struct target_cgroup *cgroup, const char *device)
{
        char text[4096];
        uint64_t read = 0, written = 0;
        size_t length = strlen(device);

        if (target_cgroup_read(cgroup, "io.stat", text, sizeof(text)) < 0)
                return 0;
        for (char *line = text; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
                if (strncmp(line, device, length) == 0 && line[length] == ' ')
                        sscanf(line + length, " rbytes=%" SCNu64 " wbytes=%" SCNu64, &read, &written);
        return read + written;
}

static uint64_t used(const struct action_call *call, const struct target_cgroup *cgroup, const struct limit *limit)
{
        char text[64] = "";

        switch (limit->resource) {
        case ACTION_RESOURCE_CPU:
                return target_cpu_ns(call->order);
        case ACTION_RESOURCE_IO:
                return io_bytes(cgroup, limit->device);
        default:
                return target_cgroup_read(cgroup, "memory.current", text, sizeof(text)) == 0 ? strtoull(text, NULL, 10) : 0;
        }
}

/* By what the processes use, over a while: of processor time as /proc has it, of the others as the cgroup counts it. */
static void verify(struct action_call *call)
{
        const struct inverse *from = kept(call);
        struct target_cgroup cgroup = { .fd = -1 };
        uint64_t before, after, most;
        struct limit now;
        int64_t began;

        call->result.outcome = REMEDY_DONE;
        call->result.verdict = ACTION_VERDICT_UNKNOWN;
        if (!from || look(from, &cgroup, &now) < 0) {
                target_cgroup_close(&cgroup);
                return;
        }
        began = clock_monotonic();
        before = used(call, &cgroup, &now);
        nap(LOOK_NS);
        after = used(call, &cgroup, &now);
        most = limit_value(&now);
        if (now.resource == ACTION_RESOURCE_CPU)
                most = most * (uint64_t)(clock_monotonic() - began + SLACK_NS) / 1000;
        else if (now.resource == ACTION_RESOURCE_IO)
                most = 2 * (uint64_t)((double)most * (double)(clock_monotonic() - began + SLACK_NS) / 1e9); /* each way */
        else
                before = 0;
        if (strcmp(now.text, from->ours.text) != 0 || (after - before > most && now.resource != ACTION_RESOURCE_MEMORY)) {
                call->result.verdict = ACTION_VERDICT_FALSIFIED;
                action_say(call, "it uses %" PRIu64 " where %" PRIu64 " are allowed", after - before, most);
        } else if (after - before > most) {
                action_say(call, "it still uses %" PRIu64 " bytes: the kernel takes its time", after);
        } else {
                call->result.verdict = ACTION_VERDICT_VERIFIED;
        }
        target_cgroup_close(&cgroup);
}

static void revert(struct action_call *call)
{
        const struct inverse *from = kept(call);
        struct target_cgroup cgroup = { .fd = -1 };
        struct limit now;
        int r = from ? look(from, &cgroup, &now) : -EBADMSG;

        if (r == -ENOENT) {
                call->result.outcome = REMEDY_GONE;
                return;
        }
        if (r == 0 && strcmp(now.text, from->ours.text) != 0 && strcmp(now.text, from->former.text) != 0) {
                call->result.outcome = REMEDY_OTHERS;
                state_of(from, &now, &call->result.present);
                target_cgroup_close(&cgroup);
                return;
        }
        if (r == 0)
                r = limit_write(&cgroup, &from->former);
        if (r == 0)
                r = limit_read(&cgroup, from->former.resource, from->former.device, &now);
        if (r < 0) {
                action_failed(call, ACTION_REASON_FAILED, "cannot lift the limit: %s", strerror(-r));
        } else {
                call->result.outcome = REMEDY_DONE;
                state_of(from, &now, &call->result.present);
        }
        target_cgroup_close(&cgroup);
}

const struct action action_limit = {
        .kind = ACTION_CGROUP_LIMIT,
        .temporary = true,
        .gone_with_boot = true,
        .forbids = forbids,
        .one_way = never,
        .lease_max = lease_max,
        .patience = patience,
        .check = check,
        .inverse = inverse,
        .apply = apply,
        .verify = verify,
        .revert = revert,
};
