#include "coordinator/acknowledge.h"
#include "coordinator/aside.h"
#include "coordinator/conduct.h"
#include "coordinator/daemon_internal.h"
#include "coordinator/people.h"
#include "coordinator/query_acting.h"
#include "proto/arena.h"

#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOLD (20 * NSEC_PER_SEC)
#define ARENA_KEEP (1u << 20)
#define TEXT_KEEP (1u << 20)
/* The loop is late by so much: agents are asked to wait a multiple of it. */
#define LAG_MIN (200 * NSEC_PER_MSEC)
#define PAUSE_MAX_MS 10000
/* Held polls are looked through at most so often. */
#define WAKE_AFTER (20 * NSEC_PER_MSEC)
#define CORE_COMMANDS_MAX 16

void daemon_reply(struct daemon *d, uint64_t token, const struct wire_reply *what)
{
        CLEANUP_FREE uint8_t *buffer = NULL;
        size_t size;
        int r = wire_pack_reply(what, &buffer, &size);

        if (r < 0) {
                log_error("daemon", "an answer cannot be packed: %s", strerror(-r));
                return;
        }
        /* A peer that is gone has told the agent so itself. */
        r = endpoint_reply(d->endpoint, token, buffer, size);
        if (r < 0 && r != -ENOENT)
                log_warning("daemon", "an answer cannot be sent: %s", strerror(-r));
}

static void refuse(struct daemon *d, const struct endpoint_peer *peer, uint64_t token, const char *reason)
{
        struct wire_reply refusal = { .kind = WIRE_REFUSAL, .refusal.reason = reason };
        uint64_t suppressed;

        d->refused++;
        if (log_gate_open(&d->refusals, clock_monotonic(), &suppressed)) {
                char more[64] = "";

                if (suppressed)
                        snprintf(more, sizeof(more), " (and %" PRIu64 " refusals before)", suppressed);
                log_warning("daemon", "refused %s%s%s: %s%s", peer->name ? peer->name : "", peer->name ? " at " : "", peer->address,
                            reason, more);
        }
        daemon_reply(d, token, &refusal);
}

/* The name a peer may speak for: that of its certificate; on loopback, where there is none, its own
 * word. */
static bool may_speak(struct daemon *d, const struct endpoint_peer *peer, uint64_t token, const char *claimed)
{
        char reason[512];

        if (!*claimed) {
                refuse(d, peer, token, "it gives no host name");
                return false;
        }
        if (peer->name ? strcmp(peer->name, claimed) == 0 : peer->loopback)
                return true;
        if (peer->name)
                snprintf(reason, sizeof(reason),
                         "its certificate is that of '%.120s', but it calls itself '%.120s': configure `host: %.120s` there, or "
                         "give it a "
                         "certificate of its own",
                         peer->name, claimed, peer->name);
        else
                snprintf(reason, sizeof(reason), "it has no certificate and is not on loopback");
        refuse(d, peer, token, reason);
        return false;
}

static void wake_polls(struct daemon *d)
{
        if (d->wake_set || polls_count(d->polls) == 0)
                return;
        d->wake_set = loop_set_timer(d->wake, clock_monotonic() + WAKE_AFTER) == 0;
}

static uint32_t pause_ms(const struct daemon *d)
{
        if (d->lag < LAG_MIN)
                return 0;
        return (uint32_t)MIN(4 * d->lag / NSEC_PER_MSEC, PAUSE_MAX_MS);
}

void daemon_on_orders(void *data)
{
        struct daemon *d = data;

        /* In the past: the loop comes to it next. */
        if (polls_count(d->polls) > 0)
                d->wake_set = loop_set_timer(d->wake, 1) == 0;
}

static void take_summary(struct daemon *d, const struct endpoint_peer *peer, uint64_t token, const struct summary *summary,
                         const uint8_t *body, size_t size)
{
        struct wire_reply answer = { .kind = WIRE_ACK };
        int r;

        if (!may_speak(d, peer, token, summary->host))
                return;
        r = core_summary(d->core, clock_wall(), summary->host, summary, &answer.ack);
        daemon_note_summary(d, body, size); /* refused ones too: room was made for them */
        if (r < 0) {
                refuse(d, peer, token,
                       r == -ENOMEM ? "the coordinator's memory budget is spent" : "the coordinator cannot take its summary in");
                return;
        }
        d->summaries++;
        /* Before it is acknowledged: what an agent has done is in the log by then, or it is asked again. */
        conduct_heard(d->conduct, summary->host, clock_wall());
        answer.ack.pause_ms = MAX(answer.ack.pause_ms, pause_ms(d));
        daemon_reply(d, token, &answer);
        wake_polls(d);
}

/* An agent takes commands by rising id, and none below one that it has taken. */
static int by_id(const void *a, const void *b)
{
        uint64_t x = ((const struct wire_command *)a)->id, y = ((const struct wire_command *)b)->id;

        return x < y ? -1 : x > y;
}

static bool answer_poll(struct daemon *d, const struct poll_held *poll, bool over)
{
        struct wire_command commands[CORE_COMMANDS_MAX + CONDUCT_ORDERS_MAX];
        struct wire_reply answer = { .kind = WIRE_COMMANDS };
        int64_t now = clock_wall();
        size_t count = 0;

        if (core_poll(d->core, now, poll->host, poll->session, poll->acknowledged, &answer.commands) < 0)
                answer.commands = (struct wire_commands){ 0 };
        for (; count < MIN(answer.commands.count, (size_t)CORE_COMMANDS_MAX); count++)
                commands[count] = answer.commands.commands[count];
        count += conduct_orders(d->conduct, poll->host, poll->session, poll->acknowledged, now, commands + count);
        if (count == 0 && !over)
                return false;
        qsort(commands, count, sizeof(*commands), by_id);
        answer.commands = (struct wire_commands){ commands, count };
        daemon_reply(d, poll->token, &answer);
        return true;
}

/* A poll that nobody waits for any more is not held. */
static void take_poll(struct daemon *d, const struct endpoint_peer *peer, uint64_t token, const struct wire_poll *poll, bool gone)
{
        struct poll_held held = {
                .connection = peer->connection,
                .token = token,
                .session = poll->session,
                .acknowledged = poll->acknowledged,
                .host = poll->host,
        };

        if (gone || !may_speak(d, peer, token, poll->host) || answer_poll(d, &held, false))
                return;
        held.until = clock_monotonic() + HOLD;
        if (polls_hold(d->polls, &held) < 0)
                answer_poll(d, &held, true);
        else if (polls_count(d->polls) == 1 && !d->wake_set)
                d->wake_set = loop_set_timer(d->wake, held.until) == 0;
}

/* Who asks on the control socket, for the log. */
static void name_user(uint32_t uid, char *name, size_t size)
{
        struct passwd entry, *found = NULL;
        char buffer[4096];

        if (getpwuid_r(uid, &entry, buffer, sizeof(buffer), &found) == 0 && found)
                snprintf(name, size, "%s", found->pw_name);
        else
                snprintf(name, size, "uid %u", uid);
}

static enum query_status announce(struct daemon *d, const struct wire_query *query)
{
        enum query_status status = query_announce(d->core, clock_wall(), query, &d->text);

        if (status == QUERY_DONE)
                daemon_audit_announced(d, query, d->text.data);
        return status;
}

static enum query_status pages(struct daemon *d, const struct wire_query *query, const char **ret_type)
{
        if (query->arguments_count == 0)
                return people_answer_pages(d->people, clock_wall(), &d->text, ret_type);
        text_printf(&d->text, "unknown argument '%.100s'\n", query->arguments[0].name);
        return QUERY_USAGE;
}

/* Of a page it works where the log takes no entries; where it does, it is written there. */
static enum query_status take_acknowledgement(struct daemon *d, const struct wire_query *query, const char *by)
{
        bool paged;
        enum query_status status = acknowledge(d->people, d->conduct, d->signatures, clock_wall(), query, by, &d->text, &paged);

        if (paged)
                daemon_audit_acknowledged(d, query_argument(query, "action"), by, query_argument(query, "why"));
        return status;
}

static void make_answer(struct daemon *d, const struct wire_query *query, uint32_t uid, struct wire_answer *ret_answer)
{
        d->text.length = 0;
        d->text.failed = 0;
        ret_answer->content_type = "text/plain; charset=utf-8";
        if (strcmp(query->verb, "pages") == 0) {
                ret_answer->status = pages(d, query, &ret_answer->content_type);
        } else if (query_is_word(query->verb)) {
                char by[64];

                name_user(uid, by, sizeof(by));
                if (strcmp(query->verb, "acknowledge") == 0)
                        ret_answer->status = take_acknowledgement(d, query, by);
                else
                        ret_answer->status = query_word(d->conduct, d->signatures, clock_wall(), query, by, &d->text);
        } else if (strcmp(query->verb, "deployed") == 0) {
                ret_answer->status = announce(d, query);
        } else {
                ret_answer->status = query_answer(d->core, d->signatures, d->conduct, clock_wall(), d->started, query, &d->text,
                                                  &ret_answer->content_type);
        }
        ret_answer->body = (const uint8_t *)(d->text.data ? d->text.data : "");
        ret_answer->body_size = d->text.length;
}

struct question {
        struct daemon *daemon;
        const struct wire_query *query;
        uint32_t uid;
};

static int make_aside(void *data, uint8_t **ret_answer, size_t *ret_size)
{
        struct question *q = data;
        struct wire_reply answer = { .kind = WIRE_ANSWER };

        make_answer(q->daemon, q->query, q->uid, &answer.answer);
        return wire_pack_reply(&answer, ret_answer, ret_size);
}

void daemon_answer_made(void *daemon, uint64_t token, uint8_t *answer, size_t size)
{
        static const char sorry[] = "the coordinator could not make the answer: it took too long, or memory is short\n";
        struct wire_reply failure = { .kind = WIRE_ANSWER,
                                      .answer = { .status = QUERY_FAILED,
                                                  .content_type = "text/plain; charset=utf-8",
                                                  .body = (const uint8_t *)sorry,
                                                  .body_size = sizeof(sorry) - 1 } };
        struct daemon *d = daemon;
        int r;

        if (!answer) {
                log_warning("daemon", "a child that was to make an answer came to nothing");
                daemon_reply(d, token, &failure);
                return;
        }
        r = endpoint_reply_mapped(d->endpoint, token, answer, size);
        if (r < 0 && r != -ENOENT)
                log_warning("daemon", "an answer cannot be sent: %s", strerror(-r));
}

/* False if it has to wait for the core's work. The graph is put together here, also where a child then
 * makes the answer: that touches most of it, and a child would have to copy what it touches. */
static bool take_query(struct daemon *d, uint64_t token, const struct wire_query *query, uint32_t uid)
{
        bool brief = query_is_brief(query->verb), changes = strcmp(query->verb, "deployed") == 0 || query_is_word(query->verb);
        bool large = !brief && !changes && core_rows(d->core) > DAEMON_ASIDE_ROWS;
        struct question question = { d, query, uid };
        struct wire_reply answer = { .kind = WIRE_ANSWER };

        if (strcmp(query->verb, "record") == 0)
                return daemon_record(d, token, query);
        if (strncmp(query->verb, "audit-", strlen("audit-")) == 0) {
                daemon_audit_answer(d, token, query);
                return true;
        }
        if (!brief && (d->working || (large && !daemon_settle(d))))
                return false;
        d->queries++;
        if (large && aside_start(d->asides, token, make_aside, &question) == 0)
                return true;
        make_answer(d, query, uid, &answer.answer);
        daemon_reply(d, token, &answer);
        if (d->text.capacity > TEXT_KEEP)
                text_free(&d->text);
        return true;
}

bool daemon_take_request(struct daemon *d, const struct endpoint_peer *peer, uint64_t token, const uint8_t *body, size_t size,
                         bool gone)
{
        struct wire_request request;
        const char *why = "";
        char reason[256];
        int r = wire_unpack_request(body, size, d->arena, &request, &why);
        bool taken = true;

        if (r < 0) {
                snprintf(reason, sizeof(reason), "its request does not parse: %s", r == -ENOBUFS ? "it is too large" : why);
                refuse(d, peer, token, reason);
        } else if (peer->local != (request.kind == WIRE_QUERY)) {
                refuse(d, peer, token,
                       peer->local ? "the control socket takes questions only"
                                   : "questions are answered on the control socket only");
        } else if (request.kind == WIRE_SUMMARY) {
                take_summary(d, peer, token, request.summary, body, size);
        } else if (request.kind == WIRE_POLL) {
                take_poll(d, peer, token, &request.poll, gone);
        } else {
                taken = gone || take_query(d, token, &request.query, peer->uid);
        }
        arena_reset(d->arena, ARENA_KEEP);
        return taken;
}

const struct endpoint_functions daemon_endpoint_functions = { .request = daemon_request, .gone = daemon_gone };

struct visit {
        struct daemon *daemon;
        int64_t now;
};

static bool visit(void *data, const struct poll_held *poll)
{
        struct visit *v = data;
        bool over = poll->until <= v->now;

        bool waits = core_has_commands(v->daemon->core, poll->host) ||
                     conduct_has_orders(v->daemon->conduct, poll->host, poll->session, poll->acknowledged, clock_wall());

        return (over || waits) && answer_poll(v->daemon, poll, over);
}

void daemon_answer_polls(struct daemon *d, int64_t now_monotonic)
{
        struct visit v = { d, now_monotonic };
        int64_t next;

        if (d->working) {
                d->wake_set = loop_set_timer(d->wake, now_monotonic + WAKE_AFTER) == 0;
                return;
        }
        polls_visit(d->polls, visit, &v);
        next = polls_next(d->polls);
        d->wake_set = false;
        if (next >= 0 && loop_set_timer(d->wake, next) < 0)
                log_error("daemon", "the timer of the long polls cannot be set: %s", strerror(errno));
}
