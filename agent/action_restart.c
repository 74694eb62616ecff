/* service.restart: restarts a unit. One-way, whatever the file says of restarts: what the process had in memory, the
 * evidence among it, is gone. So it needs a person's word, and names the one process that it ends. */
#include "agent/config_services.h"
#include "agent/digest.h"
#include "agent/driver.h"
#include "agent/process_read.h"
#include "agent/unit.h"

#include <string.h>

#define LEASE_NS (3600 * NSEC_PER_SEC)

static const char *forbids(const struct service *service)
{
        return service->restart.present ? NULL : "its restart is not set";
}

static bool always(const struct service *service)
{
        (void)service;
        return true;
}

static int64_t lease_max(const struct service *service)
{
        (void)service;
        return LEASE_NS;
}

static int64_t patience(const struct service *service)
{
        return 4 * driver_timeout(NULL) + service->restart_safe.drain_timeout + service->restart_safe.ready_within;
}

/* The main process of the unit, which must be the one that the order names. */
static void check(struct action_call *call)
{
        const struct executor_target *target = &call->order->targets[0];
        struct process_stat ps;
        uint32_t pid;

        if (call->order->targets_count != 1) {
                action_unchanged(call, call->order->targets_count ? ACTION_REASON_MORE_TARGETS : ACTION_REASON_NO_TARGETS,
                                 "a restart ends one main process, which the order has to name");
        } else if (unit_main_pid(call, call->service->restart.unit, &pid) < 0) {
                call->result.outcome = REMEDY_UNCHANGED;
                call->result.reason = ACTION_REASON_UNSUPPORTED;
        } else if (pid != target->pid || process_read_stat("/proc", pid, target->start_ns, &ps) < 0) {
                action_unchanged(call, ACTION_REASON_MISMATCH, "the unit's main process is another one than that of the plan");
        } else {
                call->result.outcome = REMEDY_DONE;
                call->result.touched = 1;
                digest_text(&call->result.former, "main process %u since %llu", pid, (unsigned long long)target->start_ns);
        }
}

static void apply(struct action_call *call)
{
        uint32_t pid;

        call->result.outcome = REMEDY_FAILED;
        call->result.reason = ACTION_REASON_FAILED;
        /* What drained halfway has changed something. */
        if (unit_drain(call) < 0 || unit_restart(call, call->service->restart.unit) < 0 ||
            unit_await_ready(call, call->service->restart.unit) < 0 || unit_main_pid(call, call->service->restart.unit, &pid) < 0)
                return;
        call->result.outcome = REMEDY_DONE;
        call->result.reason = ACTION_REASON_NONE;
        digest_text(&call->result.present, "main process %u", pid);
}

/* By the process that was to end. */
static void verify(struct action_call *call)
{
        const struct executor_target *target = &call->order->targets[0];
        struct process_stat ps;
        uint32_t pid;

        call->result.outcome = REMEDY_DONE;
        call->result.verdict = ACTION_VERDICT_UNKNOWN;
        if (!call->service || unit_main_pid(call, call->service->restart.unit, &pid) < 0)
                return;
        call->result.verdict = process_read_stat("/proc", target->pid, target->start_ns, &ps) < 0 ? ACTION_VERDICT_VERIFIED
                                                                                                  : ACTION_VERDICT_FALSIFIED;
}

static void revert(struct action_call *call)
{
        action_failed(call, ACTION_REASON_ONE_WAY, "a restart cannot be undone");
}

const struct action action_restart = {
        .kind = ACTION_SERVICE_RESTART,
        .gone_with_boot = false,
        .forbids = forbids,
        .one_way = always,
        .lease_max = lease_max,
        .patience = patience,
        .check = check,
        .apply = apply,
        .verify = verify,
        .revert = revert,
};
