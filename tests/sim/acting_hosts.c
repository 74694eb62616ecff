/* Hosts: what an agent finds and changes there, what it is told and what it says. */
#include "proto/arena.h"
#include "proto/wire.h"
#include "tests/sim/acting_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOST_HOURLY 4

static struct aw_change *find(struct aw_host *h, struct action_key key)
{
        uint64_t remedy;
        uint32_t target;

        dispatch_meant(key, &remedy, &target);
        for (uint32_t i = 0; i < h->changes_count; i++)
                if (h->changes[i].remedy == remedy && h->changes[i].target == target)
                        return &h->changes[i];
        return NULL;
}

static uint64_t value(void *data, uint32_t service)
{
        const struct aw_place *p = data;
        const struct aw_instance *x = &p->world->hosts[p->host].instances[service];

        return (uint64_t)x->version << 1 | x->marked;
}

static bool is_there(void *data, uint32_t service, const struct action_target *target)
{
        const struct aw_place *p = data;
        const struct aw_instance *x = &p->world->hosts[p->host].instances[service];

        return x->there && x->pid == target->pid && x->started == target->started;
}

/* What is over makes room: each remedy is changed once, so that nothing is forgotten that could come again. */
static struct aw_change *new_change(struct aw_host *h)
{
        for (uint32_t i = 0; h->changes_count == ARRAY_SIZE(h->changes) && i < h->changes_count; i++)
                if (!h->changes[i].changed && !h->changes[i].stuck) {
                        memmove(&h->changes[i], &h->changes[i + 1], (--h->changes_count - i) * sizeof(*h->changes));
                        break;
                }
        if (h->changes_count == ARRAY_SIZE(h->changes))
                abort();
        return &h->changes[h->changes_count++];
}

static void change(void *data, const struct action_dispatch *o, uint32_t service)
{
        const struct aw_place *p = data;
        struct aw *w = p->world;
        struct aw_host *h = &w->hosts[p->host];
        struct aw_instance *x = &h->instances[service];
        struct aw_message m = { .epoch = o->epoch, .service = service, .pid = x->pid, .started = x->started };
        struct aw_change *c = new_change(h);

        dispatch_meant(o->key, &m.remedy, &m.target);
        *c = (struct aw_change){ .remedy = m.remedy, .target = m.target, .service = service, .changed = true };
        aw_check_apply(w, p->host, &m);
        w->counts.applied++;
        if (h->applies_count == ARRAY_SIZE(h->applies))
                memmove(h->applies, h->applies + 1, --h->applies_count * sizeof(*h->applies));
        h->applies[h->applies_count++] = w->now;
        if (o->kind == ACTION_SERVICE_ROLLBACK)
                x->version--;
        else if (o->kind == ACTION_PROCESS_FREEZE)
                x->marked = true;
        if (o->kind == ACTION_PROCESS_FREEZE)
                return;
        x->pid = ++w->next_pid;
        x->started = w->now;
}

static bool restore(void *data, struct action_key key, uint32_t service, uint64_t former)
{
        const struct aw_place *p = data;
        struct aw *w = p->world;
        struct aw_host *h = &w->hosts[p->host];
        struct aw_instance *x = &h->instances[service];
        struct aw_change *c = find(h, key);

        if (!c)
                return true; /* nothing had been done yet */
        if (!c->known) {
                c->known = true;
                c->broken = !w->calm && aw_chance(w, 8);
        }
        if (c->broken)
                return false;
        if (x->version != former >> 1) {
                x->pid = ++w->next_pid;
                x->started = w->now;
        }
        x->version = (uint32_t)(former >> 1);
        x->marked = former & 1;
        c->changed = false;
        return true;
}

static bool dies(void *data)
{
        const struct aw_place *p = data;
        struct aw *w = p->world;
        struct aw_host *h = &w->hosts[p->host];

        if (w->calm || !aw_chance(w, 5))
                return false;
        h->up = false;
        h->back_at = w->now + (int64_t)(1 + aw_below(w, 40)) * AW_STEP;
        return true;
}

void aw_host_new(struct aw *w, uint32_t host)
{
        struct aw_host *h = &w->hosts[host];
        struct aw_agent_host functions = { &h->place, value, is_there, change, restore, dies };
        struct aw_agent_limits limits = { HOST_HOURLY, w->policy.host_at_once, NSEC_PER_SEC };

        h->place = (struct aw_place){ w, host };
        h->agent = aw_agent_new(&functions, &limits);
        if (!h->agent)
                abort();
}

void aw_host_order(struct aw *w, struct aw_message *m)
{
        struct aw_host *h = &w->hosts[m->host];

        if (!h->up)
                return;
        /* An agent takes what one coordinator tells it by rising numbers. Here all may overtake, but for an order to undo,
         * which tells what is there: what it undoes does not come after it. */
        if (m->dispatch.order == ACTION_ORDER_APPLY && m->number < h->undone[m->coordinator])
                return;
        if (m->dispatch.order == ACTION_ORDER_REVERT)
                h->undone[m->coordinator] = MAX(h->undone[m->coordinator], m->number);
        m->dispatch.service = m->service_name;
        m->dispatch.targets = &m->target_process;
        (void)aw_agent_order(h->agent, &m->dispatch, m->one_way, m->temporary, w->now);
        h->heard = MAX(h->heard, aw_agent_heard(h->agent));
}

static struct host_action row_of(const struct summary_action *a)
{
        struct host_action row = { .key = a->key,
                                   .epoch = a->epoch,
                                   .kind = a->kind,
                                   .state = a->state,
                                   .reason = a->reason,
                                   .verdict = a->verdict,
                                   .at = a->at,
                                   .lease_left = a->lease_left };

        snprintf(row.detail, sizeof(row.detail), "%s", a->detail);
        return row;
}

/* What is new of it, and now and then all that it knows, as a summary. */
static void tell(struct aw *w, uint32_t host)
{
        struct aw_host *h = &w->hosts[host];
        struct summary s = { .session = 1,
                             .sequence = 1,
                             .session_started = 1,
                             .at = w->now,
                             .interval = AW_STEP,
                             .host = "h",
                             .host_id = "h",
                             .boot_id = "b",
                             .kernel = "",
                             .agent_version = "",
                             .parts = 1 };
        struct wire_request request = { .kind = WIRE_SUMMARY, .summary = &s };
        const char *why = "";
        uint8_t *bytes;
        size_t size;

        s.actions_count = aw_agent_rows(h->agent, w->calm || aw_chance(w, 100), &s.actions);
        if (s.actions_count == 0)
                return;
        if (wire_pack_request(&request, &bytes, &size) < 0)
                abort();
        arena_reset(w->arena, 1 << 20);
        if (wire_unpack_request(bytes, size, w->arena, &request, &why) < 0) {
                aw_break(w, "wire", "what an agent says does not parse: %s", why);
                free(bytes);
                return;
        }
        for (size_t i = 0; i < request.summary->actions_count; i++) {
                const struct summary_action *a = &request.summary->actions[i];
                struct aw_change *c = find(h, a->key);

                if (c && a->state == ACTION_STUCK)
                        c->stuck = true;
                for (uint32_t k = 0; k < AW_COORDINATORS; k++)
                        aw_send(w, &(struct aw_message){ .host = host, .coordinator = k, .row = row_of(a) });
        }
        free(bytes);
}

void aw_hosts_step(struct aw *w)
{
        for (uint32_t k = 0; k < w->hosts_count; k++) {
                struct aw_host *h = &w->hosts[k];

                if (!h->up && w->now >= h->back_at) {
                        h->up = true;
                        /* Reconciled before anything else. */
                        (void)aw_agent_start(h->agent, w->now);
                }
                if (!h->up || !aw_agent_tick(h->agent, w->now))
                        continue;
                if (aw_chance(w, 400) || w->calm)
                        tell(w, k);
                h->fresh_at = w->now;
                for (uint32_t i = 0; i < AW_COORDINATORS; i++) {
                        if (h->cut[i] ? w->calm || aw_chance(w, 60) : !w->calm && aw_chance(w, 10))
                                h->cut[i] = !h->cut[i];
                }
        }
}
