#include "coordinator/raise.h"

#define REST 6                     /* times as long as it was raised */
#define ABOUT (20 * NSEC_PER_SEC)  /* between two clocks, and from a word to the deed */
#define LATEST (60 * NSEC_PER_SEC) /* an agent that has not heard of it by then, need not */

static bool is_over(const struct core *core, const struct host_raise *r)
{
        return !r->service || r->until + REST * (r->until - r->asked_at) <= core->now;
}

void raise_ask(struct core *core, struct host *h, struct service *service, uint32_t tier, int64_t length)
{
        struct host_raise *free_one = NULL;

        if (tier <= 1 || length <= 0 || h->session == 0)
                return;
        for (size_t i = 0; i < ARRAY_SIZE(h->raises); i++) {
                struct host_raise *r = &h->raises[i];

                if (!is_over(core, r) && r->service == service)
                        return;
                if (is_over(core, r))
                        free_one = r;
        }
        if (!free_one)
                return;
        service_put(core, &free_one->service);
        h->command_id = MAX(h->command_id + 1, (uint64_t)core->now);
        *free_one = (struct host_raise){ .service = service_ref(service),
                                         .tier = tier,
                                         .id = h->command_id,
                                         .asked_at = core->now,
                                         .until = core->now + MIN(length, WIRE_RAISE_LONGEST) };
}

static bool is_pending(const struct core *core, const struct host *h, const struct host_raise *r)
{
        return r->service && r->id > h->command_acknowledged && MIN(r->until, r->asked_at + LATEST) > core->now;
}

bool raise_pending(const struct core *core, const struct host *h)
{
        for (size_t i = 0; i < ARRAY_SIZE(h->raises); i++)
                if (is_pending(core, h, &h->raises[i]))
                        return true;
        return false;
}

size_t raise_commands(const struct core *core, const struct host *h, struct wire_command *commands, size_t count)
{
        for (size_t i = 0; i < ARRAY_SIZE(h->raises); i++) {
                const struct host_raise *r = &h->raises[i];
                size_t at = count;

                if (!is_pending(core, h, r))
                        continue;
                for (; at > 0 && commands[at - 1].id > r->id; at--)
                        commands[at] = commands[at - 1];
                commands[at] = (struct wire_command){ .id = r->id,
                                                      .kind = WIRE_COMMAND_TIER,
                                                      .service = r->service->name,
                                                      .tier = r->tier,
                                                      .until = r->until - host_skew(h) };
                count++;
        }
        return count;
}

void raise_acknowledged(struct core *core, struct host *h)
{
        for (size_t i = 0; i < ARRAY_SIZE(h->raises); i++) {
                struct host_raise *r = &h->raises[i];

                if (r->service && r->began_at == 0 && r->id <= h->command_acknowledged && r->until > core->now)
                        r->began_at = core->now;
        }
}

/* While one is raised the whole host's are seen. */
bool raise_is_even(const struct host *h, int64_t from, int64_t to, bool *ret_raised)
{
        *ret_raised = false;
        for (size_t i = 0; i < ARRAY_SIZE(h->raises); i++) {
                const struct host_raise *r = &h->raises[i];

                if (r->service && r->began_at && r->began_at <= from && r->until >= to)
                        *ret_raised = true;
        }
        for (size_t i = 0; i < ARRAY_SIZE(h->raises) && !*ret_raised; i++) {
                const struct host_raise *r = &h->raises[i];

                if (r->service && r->asked_at < to && (r->began_at ? r->until + ABOUT : r->asked_at + LATEST) > from)
                        return false;
        }
        return true;
}

const struct service *raise_at(const struct core *core, const struct host *h, size_t index, uint32_t *ret_tier)
{
        const struct host_raise *r = &h->raises[index];

        *ret_tier = r->tier;
        return r->began_at && r->until > core->now ? r->service : NULL;
}

/* An agent that began anew looks no closer any more. */
void raises_end(struct core *core, struct host *h)
{
        for (size_t i = 0; i < ARRAY_SIZE(h->raises); i++)
                h->raises[i].until = MIN(h->raises[i].until, core->now);
}

void raises_drop(struct core *core, struct host *h)
{
        for (size_t i = 0; i < ARRAY_SIZE(h->raises); i++)
                service_put(core, &h->raises[i].service);
}
