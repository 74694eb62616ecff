#include "agent/executor_child.h"

#include "proto/log.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* The same code for a dry run, for what is remembered, and again in the moment of acting. */
static void perform(const struct action *action, struct action_call *call, enum remedy_step step)
{
        struct remedy_result *result = &call->result;

        switch (step) {
        case REMEDY_STEP_PREPARE:
                action->check(call);
                if (result->outcome == REMEDY_DONE && call->order->order == ACTION_ORDER_APPLY && action->inverse) {
                        struct remedy_result checked = *result;

                        action->inverse(call);
                        if (result->outcome == REMEDY_DONE)
                                *result = checked;
                }
                break;
        case REMEDY_STEP_APPLY:
                action->check(call);
                if (result->outcome != REMEDY_DONE)
                        break;
                if (!action_digest_equal(&result->former, &call->former)) {
                        action_unchanged(call, ACTION_REASON_CHANGED, "it changed since it was looked at");
                        break;
                }
                action->apply(call);
                break;
        case REMEDY_STEP_VERIFY:
                action->verify(call);
                break;
        case REMEDY_STEP_EXTEND:
                action->extend(call);
                break;
        case REMEDY_STEP_REVERT:
                action->revert(call);
                break;
        case REMEDY_STEP_NONE:
                break;
        }
}

static _Noreturn void work(const struct action *action, struct action_call *call, enum remedy_step step, pid_t parent)
{
        setsid();
        prctl(PR_SET_NAME, "nightshift-step", 0, 0, 0);
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        if (getppid() != parent)
                _exit(1);
        close_range(3, ~0u, 0);
        perform(action, call, step);
        _exit(0);
}

/* What a step that ended by itself, or was ended, means. */
static struct remedy_result outcome_of(const struct executor_worker *worker, int status)
{
        struct remedy_result result = worker->call->result;
        bool whole = !worker->late && WIFEXITED(status) && WEXITSTATUS(status) == 0 && result.outcome >= REMEDY_DONE &&
                     result.outcome <= REMEDY_GONE && result.reason < ACTION_REASONS && result.verdict < ACTION_VERDICTS;

        if (whole)
                return result;
        return (struct remedy_result){ .outcome = worker->step == REMEDY_STEP_PREPARE ? REMEDY_UNCHANGED : REMEDY_FAILED,
                                       .reason = worker->late ? ACTION_REASON_TIMED_OUT : ACTION_REASON_FAILED };
}

static void ended(void *data, uint32_t events)
{
        struct executor_worker *worker = data;
        struct executor_child *child = worker->child;
        uint32_t index = (uint32_t)(worker - child->workers);
        struct remedy_result result;
        struct action_call *call = worker->call;
        int status = -1;

        (void)events;
        while (waitpid(worker->pid, &status, 0) < 0 && errno == EINTR)
                ;
        /* A late one's commands are of its group or of groups that died with it. */
        kill(-worker->pid, SIGKILL);
        result = outcome_of(worker, status);
        loop_remove(&worker->source);
        fd_close(&worker->pidfd);
        worker->pid = 0;
        worker->call = NULL;
        call->detail[sizeof(call->detail) - 1] = '\0';
        if (call->detail[0] || worker->step == REMEDY_STEP_PREPARE)
                memcpy(child->entries[index].detail, call->detail, sizeof(call->detail));
        if (worker->late)
                strcpy(child->entries[index].detail, "the step took longer than it may");
        if (worker->step == REMEDY_STEP_PREPARE && result.outcome == REMEDY_DONE && call->inverse_size <= ACTION_INVERSE_MAX) {
                free(child->entries[index].inverse);
                child->entries[index].inverse = malloc(MAX(call->inverse_size, 1u));
                child->entries[index].inverse_size = call->inverse_size;
                if (child->entries[index].inverse)
                        memcpy(child->entries[index].inverse, call->inverse, call->inverse_size);
                else
                        result = (struct remedy_result){ .outcome = REMEDY_UNCHANGED, .reason = ACTION_REASON_FAILED };
        }
        munmap(call, sizeof(*call));
        executor_step_ended(child, index, &result);
}

static void fill(struct executor_child *child, uint32_t index, struct action_call *call)
{
        const struct remedy *r = &child->core.remedies[index];

        call->services = child->config.services;
        call->service = action_service(child->config.services, r->request.service);
        call->order = &child->entries[index].order; /* the fork's copy */
        call->lease_end = r->lease_end;
        call->former = r->former;
        call->ours = r->ours;
        call->inverse_size = child->entries[index].inverse ? child->entries[index].inverse_size : 0;
        if (call->inverse_size)
                memcpy(call->inverse, child->entries[index].inverse, call->inverse_size);
}

int executor_step(struct executor_child *child, uint32_t index, enum remedy_step step)
{
        struct executor_worker *worker = &child->workers[index];
        const struct action *action = action_find(child->core.remedies[index].request.kind);
        struct action_call *call;
        pid_t parent = getpid();
        int r;

        if (!action)
                return -ENOENT;
        call = mmap(NULL, sizeof(*call), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (call == MAP_FAILED)
                return -ENOMEM;
        fill(child, index, call);
        *worker = (struct executor_worker){ .pidfd = -1, .call = call, .step = step, .child = child };
        worker->deadline = clock_monotonic() + (call->service ? action->patience(call->service) : 60 * NSEC_PER_SEC);
        worker->pid = fork();
        if (worker->pid == 0)
                work(action, call, step, parent);
        r = worker->pid < 0 ? -errno : 0;
        if (r == 0) {
                worker->pidfd = (int)syscall(SYS_pidfd_open, worker->pid, 0);
                r = worker->pidfd < 0 ? -errno : loop_add_fd(child->loop, worker->pidfd, EPOLLIN, ended, worker, &worker->source);
        }
        if (r == 0)
                return 0;
        if (worker->pid > 0) {
                kill(worker->pid, SIGKILL);
                (void)waitpid(worker->pid, NULL, 0);
        }
        fd_close(&worker->pidfd);
        worker->pid = 0;
        worker->call = NULL;
        munmap(call, sizeof(*call));
        return r;
}

int64_t executor_step_watch(struct executor_child *child, int64_t now)
{
        int64_t next = INT64_MAX;

        for (size_t i = 0; i < REMEDY_MAX; i++) {
                struct executor_worker *worker = &child->workers[i];

                if (worker->pid == 0 || worker->late)
                        continue;
                if (now < worker->deadline) {
                        next = MIN(next, worker->deadline);
                        continue;
                }
                worker->late = true; /* its end comes through the pidfd */
                kill(-worker->pid, SIGKILL);
                kill(worker->pid, SIGKILL);
        }
        return next;
}
