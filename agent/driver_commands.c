/* Does an action by the operator's own commands. `state` is the only thing that is compared, so that it has to print
 * the same text for the same state; what a half-done `do` left, `undo` has to be able to undo.
 *
 * service.scale is about a number: there `state` prints how many instances there are, and `do` and `undo` get how many
 * there are to be as their last argument. */
#include "agent/command.h"
#include "agent/config_services.h"
#include "agent/digest.h"
#include "agent/driver.h"
#include "agent/instances.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STATE_MAX (256u << 10)

struct inverse {
        uint32_t former; /* service.scale: how many there were */
};

static bool counts(const struct action_call *call)
{
        return call->order->kind == ACTION_SERVICE_SCALE;
}

static bool parse_count(const char *text, uint32_t *ret_count)
{
        unsigned count;
        int end = 0;

        if (sscanf(text, "%u %n", &count, &end) != 1 || text[end] || text[0] == '-' || text[0] == '+')
                return false;
        *ret_count = count;
        return true;
}

/* 0, or -errno with the sentence set. ret_count may be NULL. */
static int read_state(struct action_call *call, struct action_digest *ret_digest, uint32_t *ret_count)
{
        const struct service_commands *commands = driver_commands_of(call);
        CLEANUP_FREE char *text = malloc(STATE_MAX);
        uint32_t count;
        int r = text ? command_run(&commands->state, driver_timeout(commands), text, STATE_MAX) : -ENOMEM;

        if (r < 0)
                action_say(call, "the command `state`: %s", strerror(-r));
        else if (r > 0)
                action_say(call, "the command `state` ended with %d", r);
        if (r != 0)
                return r < 0 ? r : -EIO;
        if (counts(call)) {
                if (!parse_count(text, &count)) {
                        action_say(call, "the command `state` prints no number of instances");
                        return -EBADMSG;
                }
                if (ret_count)
                        *ret_count = count;
        }
        digest_data(text, strlen(text), ret_digest);
        return 0;
}

/* `number` < 0: none is given. */
static int run(struct action_call *call, const char *name, const struct yaml_config_strings *argv, int64_t number)
{
        struct yaml_config_strings longer = { calloc(argv->count + 1, sizeof(char *)), argv->count };
        char text[24];
        int r;

        if (!longer.items)
                return -ENOMEM;
        memcpy(longer.items, argv->items, argv->count * sizeof(char *));
        if (number >= 0) {
                snprintf(text, sizeof(text), "%lld", (long long)number);
                longer.items[longer.count++] = text;
        }
        r = command_run(&longer, driver_timeout(driver_commands_of(call)), NULL, 0);
        free(longer.items);
        if (r < 0)
                action_say(call, "the command `%s`: %s", name, strerror(-r));
        else if (r > 0)
                action_say(call, "the command `%s` ended with %d", name, r);
        return r;
}

static bool find(struct action_call *call, struct inverse *ret)
{
        *ret = (struct inverse){ 0 };
        if (read_state(call, &call->result.former, &ret->former) < 0) {
                call->result.outcome = REMEDY_UNCHANGED;
                call->result.reason = ACTION_REASON_FAILED;
                return false;
        }
        if (counts(call) && instances_check(call, ret->former) < 0)
                return false;
        call->result.outcome = REMEDY_DONE;
        call->result.touched = 1;
        return true;
}

static void check(struct action_call *call)
{
        struct inverse found;

        (void)!find(call, &found);
}

/* The command is in the file; all that is kept is how many there were. */
static void inverse(struct action_call *call)
{
        if (find(call, (struct inverse *)(void *)call->inverse))
                call->inverse_size = sizeof(struct inverse);
}

static void apply(struct action_call *call)
{
        uint32_t count = 0;
        int r = run(call, "do", &driver_commands_of(call)->change, counts(call) ? (int64_t)call->order->instances : -1);

        call->result.outcome = REMEDY_FAILED;
        call->result.reason = r == -ETIMEDOUT ? ACTION_REASON_TIMED_OUT : ACTION_REASON_FAILED;
        if (r != 0 || read_state(call, &call->result.present, &count) < 0)
                return;
        if (action_digest_equal(&call->result.present, &call->former)) {
                action_unchanged(call, ACTION_REASON_FAILED, "the command `do` changed nothing");
                return;
        }
        if (counts(call) && count != call->order->instances) {
                action_say(call, "the command `do` made it %u instances", count);
                return;
        }
        call->result.outcome = REMEDY_DONE;
        call->result.reason = ACTION_REASON_NONE;
}

static void verify(struct action_call *call)
{
        const struct service_commands *commands = driver_commands_of(call);
        struct action_digest now;
        int r;

        call->result.outcome = REMEDY_DONE;
        call->result.verdict = ACTION_VERDICT_UNKNOWN;
        if (read_state(call, &now, NULL) < 0)
                return;
        if (!action_digest_equal(&now, &call->ours)) {
                call->result.verdict = ACTION_VERDICT_FALSIFIED;
                action_say(call, "the state is not the one that was made");
                return;
        }
        if (!commands->verify.count)
                return;
        r = run(call, "verify", &commands->verify, -1);
        if (r == 0 || r == 1)
                call->result.verdict = r == 0 ? ACTION_VERDICT_VERIFIED : ACTION_VERDICT_FALSIFIED;
}

static void revert(struct action_call *call)
{
        const struct inverse *from = (const struct inverse *)(const void *)call->inverse;
        struct action_digest now;
        int r;

        if (counts(call) && call->inverse_size != sizeof(*from)) {
                action_failed(call, ACTION_REASON_FAILED, "the journal does not say what was before");
                return;
        }
        r = read_state(call, &now, NULL);
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
                r = run(call, "undo", &driver_commands_of(call)->undo, counts(call) ? (int64_t)from->former : -1);
                if (r != 0 || read_state(call, &now, NULL) < 0)
                        return;
        }
        call->result.outcome = REMEDY_DONE;
        call->result.reason = ACTION_REASON_NONE;
        call->result.present = now;
}

const struct action_driver driver_commands = { "commands", check, inverse, apply, verify, revert };
