/* Rolls back by the operator's own commands. `state` is the only thing that is compared, so that it has to print the
 * same text for the same state; what a half-done `do` left, `undo` has to be able to undo. */
#include "agent/command.h"
#include "agent/config_services.h"
#include "agent/digest.h"
#include "agent/rollback.h"
#include "agent/unit.h"

#include <stdlib.h>
#include <string.h>

#define STATE_MAX (256u << 10)

/* 0, or -errno with the sentence set. */
static int read_state(struct action_call *call, struct action_digest *ret_digest)
{
        CLEANUP_FREE char *text = malloc(STATE_MAX);
        int r = text ? command_run(&call->service->rollback.state_argv, unit_timeout(call->service), text, STATE_MAX) : -ENOMEM;

        if (r == 0) {
                digest_data(text, strlen(text), ret_digest);
                return 0;
        }
        if (r < 0)
                action_say(call, "the command `state`: %s", strerror(-r));
        else
                action_say(call, "the command `state` ended with %d", r);
        return r < 0 ? r : -EIO;
}

static int run(struct action_call *call, const char *name, const struct yaml_config_strings *argv)
{
        int r = command_run(argv, unit_timeout(call->service), NULL, 0);

        if (r < 0)
                action_say(call, "the command `%s`: %s", name, strerror(-r));
        else if (r > 0)
                action_say(call, "the command `%s` ended with %d", name, r);
        return r;
}

static void check(struct action_call *call)
{
        if (read_state(call, &call->result.former) < 0) {
                call->result.outcome = REMEDY_UNCHANGED;
                call->result.reason = ACTION_REASON_FAILED;
                return;
        }
        call->result.outcome = REMEDY_DONE;
        call->result.touched = 1;
}

/* The command is in the file; all that is kept is that there was something to undo. */
static void inverse(struct action_call *call)
{
        call->inverse_size = 0;
}

static void apply(struct action_call *call)
{
        int r = run(call, "do", &call->service->rollback.do_argv);

        call->result.outcome = REMEDY_FAILED;
        call->result.reason = r == -ETIMEDOUT ? ACTION_REASON_TIMED_OUT : ACTION_REASON_FAILED;
        if (r != 0 || read_state(call, &call->result.present) < 0)
                return;
        if (action_digest_equal(&call->result.present, &call->former)) {
                action_unchanged(call, ACTION_REASON_FAILED, "the command `do` changed nothing");
                return;
        }
        call->result.outcome = REMEDY_DONE;
        call->result.reason = ACTION_REASON_NONE;
}

static void verify(struct action_call *call)
{
        struct action_digest now;
        int r;

        call->result.outcome = REMEDY_DONE;
        call->result.verdict = ACTION_VERDICT_UNKNOWN;
        if (read_state(call, &now) < 0)
                return;
        if (!action_digest_equal(&now, &call->ours)) {
                call->result.verdict = ACTION_VERDICT_FALSIFIED;
                action_say(call, "the state is not the one that was rolled back to");
                return;
        }
        if (!call->service->rollback.verify_argv.count)
                return;
        r = run(call, "verify", &call->service->rollback.verify_argv);
        if (r == 0 || r == 1)
                call->result.verdict = r == 0 ? ACTION_VERDICT_VERIFIED : ACTION_VERDICT_FALSIFIED;
}

static void revert(struct action_call *call)
{
        struct action_digest now;
        int r = read_state(call, &now);

        call->result.outcome = REMEDY_FAILED;
        call->result.reason = ACTION_REASON_FAILED;
        /* Whose half-done state it is cannot be told; a whole one that is neither is somebody else's. */
        if (r == 0 && !action_digest_is_none(&call->ours) && !action_digest_equal(&now, &call->ours) &&
            !action_digest_equal(&now, &call->former)) {
                call->result.outcome = REMEDY_OTHERS;
                call->result.present = now;
                return;
        }
        if (r < 0 || !action_digest_equal(&now, &call->former)) {
                r = run(call, "undo", &call->service->rollback.undo_argv);
                if (r != 0 || read_state(call, &now) < 0)
                        return;
        }
        call->result.outcome = REMEDY_DONE;
        call->result.reason = ACTION_REASON_NONE;
        call->result.present = now;
}

const struct rollback_driver rollback_commands = { "commands", check, inverse, apply, verify, revert };
