#include "coordinator/acting_internal.h"
#include "coordinator/policy_keys.h"

#include <stdlib.h>
#include <string.h>

int acting_new(const struct policy *policy, struct acting **ret_acting)
{
        struct acting *a = calloc(1, sizeof(*a));

        if (!a)
                return -ENOMEM;
        if (policy)
                a->policy = *policy;
        else
                policy_defaults(&a->policy);
        *ret_acting = a;
        return 0;
}

void remedy_free(struct remedy **ret_remedy)
{
        struct remedy *m = *ret_remedy;

        if (!m)
                return;
        plan_free(&m->plan);
        free(m->targets);
        free(m->changed);
        free(m);
        *ret_remedy = NULL;
}

void acting_free(struct acting **ret_acting)
{
        struct acting *a = *ret_acting;

        if (!a)
                return;
        for (uint32_t i = 0; i < a->remedies_count; i++)
                remedy_free(&a->remedies[i]);
        free(a->remedies);
        free(a->spendings);
        authority_free(&a->authority);
        free(a);
        *ret_acting = NULL;
}

const struct policy *acting_policy(const struct acting *a)
{
        return &a->policy;
}

bool acting_configure(const struct acting *a, int64_t now, const struct policy *policy, struct record *ret_record)
{
        if (a->configured && policy_same(&a->policy, policy))
                return false;
        *ret_record = (struct record){ .kind = RECORD_POLICY,
                                       .at = acting_time(a, now),
                                       .epoch = a->epoch,
                                       .mover = MOVER_PLANNER,
                                       .by = "configuration",
                                       .policy = *policy };
        return true;
}

static int compare_id(const void *id, const void *remedy)
{
        uint64_t a = *(const uint64_t *)id, b = (*(struct remedy *const *)remedy)->id;

        return a < b ? -1 : a > b;
}

struct remedy *acting_remedy(const struct acting *a, uint64_t id)
{
        struct remedy **found =
                a->remedies_count ? bsearch(&id, a->remedies, a->remedies_count, sizeof(*a->remedies), compare_id) : NULL;

        return found ? *found : NULL;
}

const struct remedy *acting_find(const struct acting *a, uint64_t id)
{
        return acting_remedy(a, id);
}

size_t acting_count(const struct acting *a)
{
        return a->remedies_count;
}

const struct remedy *acting_get(const struct acting *a, size_t index)
{
        return a->remedies[index];
}

const struct pause *acting_pause(const struct acting *a)
{
        return a->pause.set ? &a->pause : NULL;
}

const struct authority *acting_authority(const struct acting *a)
{
        return &a->authority;
}

size_t acting_windows(const struct acting *a, const struct window **ret_windows)
{
        *ret_windows = a->windows;
        return a->windows_count;
}

uint64_t acting_epoch(const struct acting *a)
{
        return a->epoch;
}

bool target_is_out(enum target_state state)
{
        return state == TARGET_ORDERED || state == TARGET_APPLIED || state == TARGET_FAILED || state == TARGET_REVERTING ||
               state == TARGET_STUCK;
}

const struct remedy *acting_frozen(const struct acting *a, enum action_class class)
{
        for (uint32_t i = 0; i < a->remedies_count; i++)
                if (a->remedies[i]->state == REMEDY_STUCK && a->remedies[i]->plan.class == class)
                        return a->remedies[i];
        return NULL;
}

static bool any(const struct remedy *m, enum target_state a, enum target_state b)
{
        for (uint32_t i = 0; i < m->plan.count; i++)
                if (m->targets[i] == a || m->targets[i] == b)
                        return true;
        return false;
}

bool acting_undoable(const struct acting *a, const struct remedy *m, int64_t now)
{
        if (m->plan.class == CLASS_ONE_WAY)
                return false;
        if (m->state == REMEDY_CLOSED)
                return any(m, TARGET_VERIFIED, TARGET_HELD) && now < m->state_at + a->policy.undo_within;
        return remedy_may(m->state, REMEDY_REVERTING, MOVER_PERSON);
}

void acting_told(struct acting *a, uint64_t id)
{
        struct remedy *m = acting_remedy(a, id);

        if (m)
                m->told = true;
}
