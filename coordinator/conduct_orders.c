/* Orders on their way to agents, and what agents answer. */
#include "coordinator/audit.h"
#include "coordinator/conduct_internal.h"
#include "coordinator/graph.h"
#include "coordinator/host_actions.h"
#include "proto/log.h"
#include "proto/note.h"

#include <stdio.h>
#include <string.h>

_Static_assert(CONDUCT_ORDERS_MAX == OUTBOX_OF_HOST, "one answer of the outbox is one of ours");

/* The name of the log, which is a part of every order's key: the first line of its checkpoint. "": there is none. */
static void name_log(const struct conduct *c, char name[NOTE_NAME_MAX + 1])
{
        const char *checkpoint = audit_checkpoint(c->audit);

        snprintf(name, NOTE_NAME_MAX + 1, "%.*s", (int)strcspn(checkpoint, "\n"), checkpoint);
}

static int report(struct conduct *c, int64_t now, const struct report *report)
{
        struct scene scene = conduct_bare_scene(c);
        struct record record;
        int r = acting_report(c->acting, now, &scene, report, &record);

        return r == 0 ? acting_commit(c->acting, &c->ledger, &record) : r;
}

/* What one row of an agent's means. 1: it was news. */
static int take_answer(struct conduct *c, const char *log, const struct host *h, const struct host_action *row, int64_t now)
{
        char why[PLAN_WHY_MAX];
        struct report answer;
        int r = dispatch_report(c->acting, log, h->name->data, row, &answer, why);

        if (r <= 0)
                return r;
        r = report(c, now, &answer);
        return r == 0 ? 1 : r == -EALREADY || r == -ENOENT ? 0 : r;
}

/* What agents have said is kept by the core, so that nothing is lost while the log takes no entries. */
int conduct_take_answers(struct conduct *c, const struct host *h, int64_t now)
{
        char log[NOTE_NAME_MAX + 1];
        int news = 0;

        name_log(c, log);
        for (uint32_t i = 0; h->actions && i < h->actions->rows_count; i++) {
                int r = take_answer(c, log, h, &h->actions->rows[i], now);

                /* Nothing of it was written: what others say counts all the same. */
                if (r == -EBADMSG || r == -ENOSPC) {
                        log_error("acting", "an answer of %s cannot be taken: %s", h->name->data, strerror(-r));
                        continue;
                }
                if (r < 0)
                        return r;
                news += r;
        }
        return news;
}

/* What cannot be said in an order is refused here. True if there was any. */
static bool refuse_what_cannot_be_told(struct conduct *c, const struct order *orders, size_t count, int64_t now)
{
        bool any = false;

        for (size_t i = 0; i < count; i++) {
                struct report answer = { .remedy = orders[i].remedy, .target = orders[i].target, .outcome = OUTCOME_REFUSED };
                char host[NAME_MAX_HOST + 1];
                struct dispatch d;

                if (orders[i].kind != ORDER_APPLY || dispatch_make(&orders[i], "", now, &d, &answer.why) != -ENOTSUP)
                        continue;
                memcpy(host, orders[i].plan->targets[orders[i].target].host, sizeof(host));
                answer.host = host;
                if (report(c, now, &answer) == 0)
                        any = true;
                return any; /* plans may have moved */
        }
        return any;
}

void conduct_dispatch(struct conduct *c, int64_t now, const struct scene *scene)
{
        struct order orders[OUTBOX_MAX];
        size_t count;

        do {
                count = acting_orders(c->acting, now, scene, NULL, orders, OUTBOX_MAX);
        } while (refuse_what_cannot_be_told(c, orders, count, now));
        c->waits = count > 0;
        if (outbox_take(c->outbox, orders, count, now) && c->news)
                c->news(c->news_data);
}

void conduct_on_orders(struct conduct *c, void (*news)(void *data), void *data)
{
        c->news = news;
        c->news_data = data;
}

void conduct_heard(struct conduct *c, const char *host, int64_t wall)
{
        const struct host *h = host_find(c->core, host);
        int64_t now = MAX(wall, c->pace.now);

        if (!h || !h->actions || conduct_refusal(c) || acting_epoch(c->acting) < c->epoch)
                return;
        if (conduct_take_answers(c, h, now) > 0)
                conduct_look_and_step(c, now);
}

bool conduct_has_orders(const struct conduct *c, const char *host, uint64_t session, uint64_t acknowledged, int64_t wall)
{
        return c->waits && outbox_has(c->outbox, host, session, acknowledged, MAX(wall, c->pace.now));
}

/* The proof that ours continues the log that the host has seen. False: there is none to be had now. */
static bool prove(struct conduct *c, const struct host *h, struct action_dispatch *m)
{
        struct tlog_hash proof[TLOG_PROOF_MAX];
        size_t count = 0;
        int r = 0;

        m->checkpoint = (const uint8_t *)audit_checkpoint(c->audit);
        m->checkpoint_size = strlen(audit_checkpoint(c->audit));
        m->consistency_from = h->actions ? h->actions->checkpoint_size : 0;
        if (m->consistency_from)
                r = audit_consistency(c->audit, m->consistency_from, proof, &count);
        /* It has seen more than we have: it will refuse, and say why. */
        if (r == -ERANGE)
                count = 0;
        else if (r < 0 || count > ACTION_CONSISTENCY_MAX)
                return false;
        for (size_t i = 0; i < count; i++)
                memcpy(c->proof[i].bytes, proof[i].bytes, sizeof(c->proof[i].bytes));
        m->consistency = c->proof;
        m->consistency_count = count;
        return true;
}

/* The order as it is now, with what is left of its times. */
static bool make(struct conduct *c, const struct host *h, const struct outgoing *o, int64_t wall, int64_t now, struct dispatch *d)
{
        const struct remedy *m = acting_find(c->acting, o->order.remedy);
        struct order order = o->order;
        char log[NOTE_NAME_MAX + 1];
        const char *why;

        if (!m)
                return false;
        name_log(c, log);
        order.plan = &m->plan;
        order.expires_in -= now - o->at;
        order.lease -= now - o->at;
        if (order.kind == ORDER_APPLY && (order.expires_in <= 0 || order.lease <= 0))
                return false;
        return *log && dispatch_make(&order, log, wall - host_skew(h), d, &why) == 0;
}

size_t conduct_orders(struct conduct *c, const char *host, uint64_t session, uint64_t acknowledged, int64_t wall,
                      struct wire_command *commands)
{
        struct outgoing *outgoing[OUTBOX_OF_HOST];
        const struct host *h = host_find(c->core, host);
        int64_t now = MAX(wall, c->pace.now);
        struct action_dispatch base = { 0 };
        size_t n, count = 0;

        if (!h || h->session != session || conduct_refusal(c) || !conduct_has_orders(c, host, session, acknowledged, wall))
                return 0;
        /* It was given a longer log than it has said that it has seen: what proves that ours continues that one is known
         * when it says so. */
        if (outbox_log_size(c->outbox, host, session, acknowledged, now) > (h->actions ? h->actions->checkpoint_size : 0))
                return 0;
        if (!prove(c, h, &base))
                return 0;
        n = outbox_tell(c->outbox, &(struct outbox_poll){ host, session, acknowledged, h->command_id, wall }, now, outgoing);
        for (size_t i = 0; i < n; i++) {
                struct dispatch *d = &c->dispatches[count];

                if (!make(c, h, outgoing[i], wall, now, d))
                        continue;
                d->message.checkpoint = base.checkpoint;
                d->message.checkpoint_size = base.checkpoint_size;
                d->message.consistency_from = base.consistency_from;
                d->message.consistency = base.consistency;
                d->message.consistency_count = base.consistency_count;
                outgoing[i]->log_size = audit_size(c->audit);
                acting_told(c->acting, outgoing[i]->order.remedy);
                commands[count++] = (struct wire_command){
                        .id = outgoing[i]->id, .kind = WIRE_COMMAND_ACTION, .service = "", .dispatch = &d->message
                };
        }
        return count;
}
