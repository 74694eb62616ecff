#include "proto/action.h"

#include "proto/hash.h"

#include <string.h>

static const char *const kinds[ACTION_KINDS] = {
        [ACTION_SERVICE_ROLLBACK] = "service.rollback", [ACTION_SERVICE_SCALE] = "service.scale",
        [ACTION_SERVICE_SUSPEND] = "service.suspend",   [ACTION_PROCESS_FREEZE] = "process.freeze",
        [ACTION_CGROUP_LIMIT] = "cgroup.limit",         [ACTION_CONNECT_SHED] = "connect.shed",
        [ACTION_CONNECTION_CLOSE] = "connection.close", [ACTION_SERVICE_RESTART] = "service.restart",
        [ACTION_KAFKA_QUARANTINE] = "kafka.quarantine", [ACTION_GPU_RELEASE] = "gpu.release",
        [ACTION_OBSERVE_RAISE] = "observe.raise",
};

static const char *const states[ACTION_STATES] = {
        [ACTION_CHECKED] = "checked",     [ACTION_REFUSED] = "refused",   [ACTION_INTENDED] = "intended",
        [ACTION_APPLIED] = "applied",     [ACTION_HELD] = "held",         [ACTION_CLOSED] = "closed",
        [ACTION_REVERTING] = "reverting", [ACTION_REVERTED] = "reverted", [ACTION_YIELDED] = "yielded",
        [ACTION_STUCK] = "stuck",
};

static const char *const reasons[ACTION_REASONS] = {
        [ACTION_REASON_NONE] = "none",
        [ACTION_REASON_NOT_ALLOWED] = "not-allowed",
        [ACTION_REASON_STOPPED] = "stopped",
        [ACTION_REASON_EPOCH] = "epoch",
        [ACTION_REASON_EXPIRED] = "expired",
        [ACTION_REASON_PARAMETERS] = "parameters",
        [ACTION_REASON_NO_TARGETS] = "no-targets",
        [ACTION_REASON_MORE_TARGETS] = "more-targets",
        [ACTION_REASON_MISMATCH] = "mismatch",
        [ACTION_REASON_CHANGED] = "changed",
        [ACTION_REASON_BARRIER] = "barrier",
        [ACTION_REASON_NO_RELEASE] = "no-release",
        [ACTION_REASON_ONE_WAY] = "one-way",
        [ACTION_REASON_BUSY] = "busy",
        [ACTION_REASON_RATE] = "rate",
        [ACTION_REASON_COOLING] = "cooling",
        [ACTION_REASON_LATCHED] = "latched",
        [ACTION_REASON_JOURNAL] = "journal",
        [ACTION_REASON_UNSUPPORTED] = "unsupported",
        [ACTION_REASON_UNKNOWN_KEY] = "unknown-key",
        [ACTION_REASON_FAILED] = "failed",
        [ACTION_REASON_TIMED_OUT] = "timed-out",
        [ACTION_REASON_LEASE] = "lease",
        [ACTION_REASON_ORDERED] = "ordered",
        [ACTION_REASON_UNVERIFIED] = "unverified",
        [ACTION_REASON_RESTARTED] = "restarted",
        [ACTION_REASON_GONE] = "gone",
        [ACTION_REASON_CHECKPOINT] = "checkpoint",
};

static const char *const verdicts[ACTION_VERDICTS] = {
        [ACTION_VERDICT_NONE] = "none",
        [ACTION_VERDICT_VERIFIED] = "verified",
        [ACTION_VERDICT_FALSIFIED] = "falsified",
        [ACTION_VERDICT_UNKNOWN] = "unknown",
};

const char *action_kind_name(enum action_kind kind)
{
        return (unsigned)kind < ACTION_KINDS ? kinds[kind] : NULL;
}

const char *action_state_name(enum action_state state)
{
        return (unsigned)state < ACTION_STATES ? states[state] : NULL;
}

const char *action_reason_name(enum action_reason reason)
{
        return (unsigned)reason < ACTION_REASONS ? reasons[reason] : NULL;
}

const char *action_verdict_name(enum action_verdict verdict)
{
        return (unsigned)verdict < ACTION_VERDICTS ? verdicts[verdict] : NULL;
}

enum action_kind action_kind_parse(const char *name)
{
        for (unsigned i = 1; i < ACTION_KINDS; i++)
                if (strcmp(kinds[i], name) == 0)
                        return (enum action_kind)i;
        return (enum action_kind)0;
}

uint64_t action_text_digest(const char *text)
{
        /* No secret: both sides must come to the same number. */
        static const struct hash_key key = { UINT64_C(0x6e69676874736869), UINT64_C(0x616374696f6e2e31) };
        uint64_t digest = *text ? hash_bytes(&key, text, strlen(text)) : 0;

        return *text && digest == 0 ? 1 : digest;
}

bool action_key_equal(struct action_key a, struct action_key b)
{
        return a.high == b.high && a.low == b.low;
}

bool action_digest_is_none(const struct action_digest *digest)
{
        static const struct action_digest none;

        return memcmp(digest, &none, sizeof(none)) == 0;
}

bool action_digest_equal(const struct action_digest *a, const struct action_digest *b)
{
        return memcmp(a, b, sizeof(*a)) == 0;
}
