/* process.freeze: the cgroup freezer holds all processes of a cgroup. They lose nothing but time; connections stay
 * open. Refused unless the cgroup has exactly the processes that the plan names. */
#include "agent/action.h"
#include "agent/config_services.h"
#include "agent/digest.h"
#include "agent/target.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define FREEZE_NS (5 * NSEC_PER_SEC) /* a process in an uninterruptible call takes its time */
#define LOOK_NS (200 * NSEC_PER_MSEC)

struct inverse {
        uint64_t cgroup;
        char path[512];
};

static const char *forbids(const struct service *service)
{
        return service->freeze.present ? NULL : "its freeze is not set";
}

static bool never(const struct service *service)
{
        (void)service;
        return false;
}

static int64_t lease_max(const struct service *service)
{
        return service->freeze.within;
}

static int64_t patience(const struct service *service)
{
        (void)service;
        return 3 * FREEZE_NS;
}

static void state_of(uint64_t cgroup, const char *value, struct action_digest *ret_digest)
{
        digest_text(ret_digest, "cgroup %llu freeze %c", (unsigned long long)cgroup, value[0]);
}

static void nap(int64_t ns)
{
        struct timespec ts = { .tv_nsec = ns };

        nanosleep(&ts, NULL);
}

static bool await_events(const struct target_cgroup *cgroup, const char *expected)
{
        int64_t end = clock_monotonic() + FREEZE_NS;
        char text[256];

        do {
                if (target_cgroup_read(cgroup, "cgroup.events", text, sizeof(text)) == 0 && strstr(text, expected))
                        return true;
                nap(2 * NSEC_PER_MSEC);
        } while (clock_monotonic() < end);
        return false;
}

/* The cgroup, if all is as the plan has it; else the result says why not. */
static bool find(struct action_call *call, struct target_cgroup *ret_cgroup)
{
        char value[16] = "";

        ret_cgroup->fd = -1;
        if (target_cgroup_find(call, ret_cgroup) < 0)
                return false;
        if (target_cgroup_read(ret_cgroup, "cgroup.freeze", value, sizeof(value)) < 0) {
                action_unchanged(call, ACTION_REASON_UNSUPPORTED, "the cgroup cannot be frozen");
        } else if (value[0] != '0') {
                action_unchanged(call, ACTION_REASON_CHANGED, "somebody else froze it already");
        } else {
                call->result.outcome = REMEDY_DONE;
                state_of(ret_cgroup->id, value, &call->result.former);
                return true;
        }
        target_cgroup_close(ret_cgroup);
        return false;
}

static void check(struct action_call *call)
{
        struct target_cgroup cgroup;

        if (find(call, &cgroup))
                target_cgroup_close(&cgroup);
}

static void inverse(struct action_call *call)
{
        struct inverse *to = (struct inverse *)(void *)call->inverse;
        struct target_cgroup cgroup;

        if (!find(call, &cgroup))
                return;
        *to = (struct inverse){ .cgroup = cgroup.id };
        snprintf(to->path, sizeof(to->path), "%s", cgroup.path);
        call->inverse_size = sizeof(*to);
        target_cgroup_close(&cgroup);
}

static void apply(struct action_call *call)
{
        struct target_cgroup cgroup;
        uint32_t count;
        int r;

        if (!find(call, &cgroup))
                return;
        r = target_cgroup_write(&cgroup, "cgroup.freeze", "1");
        if (r < 0)
                action_unchanged(call, ACTION_REASON_FAILED, "cannot freeze: %s", strerror(-r));
        else if (!await_events(&cgroup, "frozen 1"))
                action_failed(call, ACTION_REASON_TIMED_OUT, "not all processes stopped within %lld s",
                              (long long)(FREEZE_NS / NSEC_PER_SEC));
        else if (target_is_alone(call, &cgroup, &count) < 0)
                call->result.outcome = REMEDY_FAILED; /* one was born meanwhile: more would be touched than was named */
        else
                state_of(cgroup.id, "1", &call->result.present);
        target_cgroup_close(&cgroup);
}

/* By the processor time of the processes, which the freezer's own files do not tell. */
static void verify(struct action_call *call)
{
        uint64_t before = target_cpu_ns(call->order);

        nap(LOOK_NS);
        call->result.outcome = REMEDY_DONE;
        if (target_cpu_ns(call->order) != before) {
                call->result.verdict = ACTION_VERDICT_FALSIFIED;
                action_say(call, "the processes still run");
        } else {
                call->result.verdict = ACTION_VERDICT_VERIFIED;
        }
}

static void revert(struct action_call *call)
{
        const struct inverse *from = (const struct inverse *)(const void *)call->inverse;
        struct target_cgroup cgroup = { .fd = -1 };
        char value[16] = "";
        int r = call->inverse_size == sizeof(*from) ? target_cgroup_open(from->path, from->cgroup, &cgroup) : -EBADMSG;

        if (r == -ENOENT) {
                call->result.outcome = REMEDY_GONE;
                return;
        }
        if (r == 0)
                r = target_cgroup_read(&cgroup, "cgroup.freeze", value, sizeof(value));
        if (r == 0 && value[0] != '0')
                r = target_cgroup_write(&cgroup, "cgroup.freeze", "0");
        if (r == 0 && !await_events(&cgroup, "frozen 0"))
                r = -ETIMEDOUT;
        if (r == 0)
                r = target_cgroup_read(&cgroup, "cgroup.freeze", value, sizeof(value));
        if (r < 0) {
                action_failed(call, r == -ETIMEDOUT ? ACTION_REASON_TIMED_OUT : ACTION_REASON_FAILED, "cannot thaw: %s",
                              strerror(-r));
        } else {
                call->result.outcome = REMEDY_DONE;
                state_of(cgroup.id, value, &call->result.present);
        }
        target_cgroup_close(&cgroup);
}

const struct action action_freeze = {
        .kind = ACTION_PROCESS_FREEZE,
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
