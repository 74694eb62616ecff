/* The numbers of a policy, as one table: keys of the configuration with their ranges and defaults. The same table writes
 * a policy into the audit log and reads it back. No range reaches to "unlimited". */
#include "coordinator/policy_keys.h"

#include <string.h>

#define SECONDS NSEC_PER_SEC
#define MINUTES (60 * SECONDS)
#define HOURS (60 * MINUTES)
#define DAYS (24 * HOURS)
#define MANY 10000 /* targets */

#define KEY(name_, type_, member, initial_, min_, max_, help_)                                                                     \
        {                                                                                                                          \
                .name = name_, .type = YAML_CONFIG_##type_, .offset = offsetof(struct policy, member), .initial = initial_,        \
                .min = min_, .max = max_, .reloadable = true, .help = help_                                                        \
        }
/* A sequential test, and which rung it leads to. */
#define TRIAL(rung, index, p0_, p1_, alpha_, beta_, from)                                                                          \
        KEY("authority." rung ".p0", RATIO, trials[index].p0, p0_, 10000, 999000,                                                  \
            "From " from ": an action that is right so seldom is not to climb."),                                                  \
                KEY("authority." rung ".p1", RATIO, trials[index].p1, p1_, 20000, 999900,                                          \
                    "One that is right so often is; more than p0."),                                                               \
                KEY("authority." rung ".alpha", RATIO, trials[index].alpha, alpha_, 1, 400000,                                     \
                    "How often the former climbs all the same, at most."),                                                         \
                KEY("authority." rung ".beta", RATIO, trials[index].beta, beta_, 1, 400000,                                        \
                    "How often the latter does not, at most.")

const struct yaml_config_key policy_keys[] = {
        KEY("limits.ramp.first", COUNT, ramp_first, "1", 1, 64, "Instances of a service in the first wave of a remedy."),
        KEY("limits.ramp.factor", COUNT, ramp_factor, "2", 1, 8, "The next wave, once one is verified, is so many times as large."),
        KEY("limits.ramp.most", COUNT, ramp_most, "4", 1, 64, "But no larger than this."),
        KEY("limits.share_percent", COUNT, share_percent, "25", 1, 100,
            "Of a service's instances, so many of a hundred are acted on at a time. One always may, if min_healthy others stay."),
        KEY("limits.min_healthy", COUNT, min_healthy, "1", 0, MANY, "Instances of a service that must be left alone meanwhile."),
        KEY("limits.barriers_age", DURATION, barriers_age, "7d", MINUTES, 3660 * DAYS,
            "A rollback across a deployment so old takes a person's word where no barriers are declared."),
        KEY("limits.attempts", COUNT, attempts_most, "3", 1, 100,
            "How often a target is acted on in a day without a person's word."),
        KEY("limits.cool_down", DURATION, cool_down, "15m", MINUTES, DAYS, "Between two actions on one target."),
        KEY("limits.hourly.reversible", COUNT, hourly[CLASS_REVERSIBLE], "20", 0, MANY,
            "Targets of reversible actions in an hour."),
        KEY("limits.hourly.compensable", COUNT, hourly[CLASS_COMPENSABLE], "4", 0, MANY, "Likewise, compensable actions."),
        KEY("limits.hourly.one_way", COUNT, hourly[CLASS_ONE_WAY], "2", 0, MANY,
            "Likewise, one-way actions, which always take a person's word."),
        KEY("limits.hourly.service", COUNT, service_hourly, "12", 0, MANY, "Targets of one service in an hour."),
        KEY("limits.hourly.host", COUNT, host_hourly, "4", 0, MANY, "Targets on one host in an hour."),
        KEY("limits.hourly.zone", COUNT, zone_hourly, "16", 0, MANY, "Targets in one zone, a label of hosts, in an hour."),
        KEY("limits.hourly.fleet", COUNT, fleet_hourly, "24", 0, MANY, "Targets in all, in an hour."),
        KEY("limits.daily.reversible", COUNT, daily[CLASS_REVERSIBLE], "60", 0, MANY, "Targets of reversible actions in a day."),
        KEY("limits.daily.compensable", COUNT, daily[CLASS_COMPENSABLE], "12", 0, MANY, "Likewise, compensable actions."),
        KEY("limits.daily.one_way", COUNT, daily[CLASS_ONE_WAY], "6", 0, MANY, "Likewise, one-way actions."),
        KEY("limits.at_once.class", COUNT, class_at_once, "6", 0, MANY,
            "Targets of one class of actions that are not verified yet."),
        KEY("limits.at_once.host", COUNT, host_at_once, "1", 0, MANY, "Likewise, on one host."),
        KEY("limits.at_once.zone", COUNT, zone_at_once, "6", 0, MANY, "Likewise, in one zone."),
        KEY("limits.at_once.fleet", COUNT, fleet_at_once, "8", 0, MANY, "Likewise, in all."),
        /* From shadow, a unit is tried as hard as from propose: whoever fell has to show it again. */
        TRIAL("propose", RUNG_SHADOW, "0.80", "0.95", "0.05", "0.10", "shadow to propose"),
        TRIAL("alone_small", RUNG_PROPOSE, "0.80", "0.95", "0.05", "0.10", "propose to alone_small"),
        TRIAL("alone", RUNG_ALONE_SMALL, "0.90", "0.99", "0.01", "0.05", "alone_small to alone"),
        KEY("authority.alpha_shrinks", RATIO, alpha_shrinks, "0.1", 1, 900000,
            "Each further attempt at a test has its alpha times this, so that retries buy no promotion."),
        KEY("authority.decays_after", DURATION, decays_after, "90d", DAYS, 3660 * DAYS,
            "Unused for so long, an authority falls a rung; and again."),
        KEY("authority.correlated_within", DURATION, correlated_within, "1h", MINUTES, 30 * DAYS,
            "Successes that one cause brings about within this time count once."),
        KEY("evidence.max_age", DURATION, evidence_max_age, "2m", 10 * SECONDS, DAYS,
            "Nothing is done on evidence older than this."),
        KEY("evidence.confidence", RATIO, confidence_min, "0.5", 10000, 1000000, "Of a cause, for remedies that need it."),
        KEY("evidence.cause_within", DURATION, cause_within, "10m", SECONDS, DAYS,
            "So long the cause of an incident is looked for before a remedy is proposed in place of one that needs it."),
        KEY("evidence.sick_share", RATIO, sick_share, "0.5", 10000, 900000,
            "Where more of the hosts look sick at once, the observer is suspect, and nothing is done."),
        KEY("evidence.sick_hosts", COUNT, sick_min, "3", 1, MANY, "And only where at least so many do."),
        KEY("deadlines.proposal", DURATION, proposal_lives, "24h", MINUTES, 30 * DAYS, "A proposal waits so long for a word."),
        KEY("deadlines.approval", DURATION, approval_lives, "10m", 10 * SECONDS, DAYS,
            "What was approved and finds no room for so long is withdrawn."),
        KEY("deadlines.order", DURATION, order_lives, "30s", SECONDS, HOURS,
            "An agent begins an order within this time, or not at all."),
        KEY("deadlines.answer", DURATION, answer_within, "5m", 10 * SECONDS, DAYS,
            "An agent that has not answered by then has failed, and what it was to do is undone."),
        KEY("deadlines.revert", DURATION, revert_within, "10m", 10 * SECONDS, DAYS,
            "What is not undone by then is stuck, and a person is paged."),
        KEY("deadlines.undo", DURATION, undo_within, "24h", MINUTES, 366 * DAYS, "For so long what was verified can be undone."),
        KEY("deadlines.lease_margin", DURATION, lease_margin, "2m", 10 * SECONDS, DAYS,
            "A lease ends so long after the deadlines of the answer and of the prediction."),
};
const size_t policy_keys_count = ARRAY_SIZE(policy_keys);

/* Where a key's number lies, and how large it is. */
static const void *value_of(const struct policy *policy, size_t key, size_t *ret_size)
{
        enum yaml_config_type type = policy_keys[key].type;

        *ret_size = type == YAML_CONFIG_COUNT ? sizeof(uint32_t) : type == YAML_CONFIG_RATIO ? sizeof(double) : sizeof(int64_t);
        return (const char *)policy + policy_keys[key].offset;
}

bool policy_same(const struct policy *a, const struct policy *b)
{
        for (size_t i = 0; i < policy_keys_count; i++) {
                size_t size;
                const void *value = value_of(a, i, &size);

                if (memcmp(value, value_of(b, i, &size), size) != 0)
                        return false;
        }
        return true;
}

void policy_visit(const struct policy *policy, void (*function)(void *data, const void *value, size_t size), void *data)
{
        for (size_t i = 0; i < policy_keys_count; i++) {
                size_t size;
                const void *value = value_of(policy, i, &size);

                function(data, value, size);
        }
}

const char *policy_expected(const struct policy *p, const char **ret_key)
{
        static const char *const p1[] = { "authority.propose.p1", "authority.alone_small.p1", "authority.alone.p1" };

        for (size_t i = 0; i < ARRAY_SIZE(p->trials); i++)
                if (p->trials[i].p1 <= p->trials[i].p0) {
                        *ret_key = p1[i];
                        return "expected more than p0 beside it";
                }
        *ret_key = "limits.ramp.most";
        return p->ramp_most < p->ramp_first ? "expected at least limits.ramp.first" : NULL;
}

json_t *policy_to_json(const struct policy *policy)
{
        json_t *o = json_object();

        for (size_t i = 0; o && i < policy_keys_count; i++) {
                size_t size;
                const void *v = value_of(policy, i, &size);
                json_t *number = policy_keys[i].type == YAML_CONFIG_RATIO   ? json_real(*(const double *)v)
                                 : policy_keys[i].type == YAML_CONFIG_COUNT ? json_integer(*(const uint32_t *)v)
                                                                            : json_integer(*(const int64_t *)v);

                if (json_object_set_new(o, policy_keys[i].name, number) < 0) {
                        json_decref(o);
                        o = NULL;
                }
        }
        return o;
}

static int take(struct policy *policy, const char *name, const json_t *number)
{
        const struct yaml_config_key *key = policy_keys;
        char *to;

        while (key < policy_keys + policy_keys_count && strcmp(key->name, name))
                key++;
        if (key == policy_keys + policy_keys_count)
                return -EBADMSG;
        to = (char *)policy + key->offset;
        if (key->type == YAML_CONFIG_RATIO) {
                if (!json_is_real(number))
                        return -EBADMSG;
                *(double *)to = json_real_value(number);
                return 0;
        }
        if (!json_is_integer(number) || json_integer_value(number) < 0)
                return -EBADMSG;
        if (key->type == YAML_CONFIG_DURATION)
                *(int64_t *)to = json_integer_value(number);
        else if (json_integer_value(number) > UINT32_MAX)
                return -EBADMSG;
        else
                *(uint32_t *)to = (uint32_t)json_integer_value(number);
        return 0;
}

int policy_from_json(const json_t *json, struct policy *ret_policy)
{
        struct policy policy;
        const char *name;
        json_t *number;
        int r = json_is_object(json) ? 0 : -EBADMSG;

        policy_defaults(&policy);
        json_object_foreach((json_t *)json, name, number) if (r == 0) r = take(&policy, name, number);
        if (r == 0)
                *ret_policy = policy;
        return r;
}
