/* A coordinator without a graph that gives orders: `dispatcher URL STATE`, with an audit log in STATE that has an entry
 * for each. Standard input has an order a line, as in driver.c, but for processes, which are `pid=N` with the start that
 * the agent told of it, or `started=NS`; or "log STATE": from now on it has that log. Prints what the agents say:
 * "action KEY STATE REASON VERDICT SERVICE", "permit SERVICE KINDS", "process PID", "stopped N", "seen SIZE". */
#include "coordinator/audit.h"
#include "coordinator/endpoint.h"
#include "proto/arena.h"
#include "proto/log.h"
#include "proto/wire.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define PROCESSES_MAX 65536

struct dispatcher {
        struct loop *loop;
        struct endpoint *endpoint;
        struct arena *arena;
        uint64_t token, next_id; /* of the poll that is held; 0: none */
        struct {
                uint64_t id;
                char service[64];
                struct action_target targets[ACTION_TARGETS_MAX];
                struct action_dispatch dispatch;
        } order; /* not acknowledged yet; id 0: none */
        struct audit *audit;
        uint64_t seen; /* of the log, by the agent */
        struct action_digest proof[ACTION_CONSISTENCY_MAX];
        int64_t started[PROCESSES_MAX];
        bool processes_told;
};

static void reply(struct dispatcher *d, uint64_t token, const struct wire_reply *what)
{
        uint8_t *body;
        size_t size;

        if (wire_pack_reply(what, &body, &size) < 0)
                abort();
        endpoint_reply(d->endpoint, token, body, size);
        free(body);
}

static void open_log(struct dispatcher *d, const char *state)
{
        struct audit_options options = { .state_dir = state, .name = "dispatcher" };

        audit_free(&d->audit);
        if (audit_new(&options, &d->audit) < 0 || audit_refusal(d->audit))
                abort();
}

static void append(struct dispatcher *d)
{
        json_t *predicate = json_pack("{s:I}", "order", (json_int_t)d->order.id);
        uint64_t index;

        if (audit_append(d->audit, AUDIT_INTENT, clock_wall(), NULL, NULL, predicate, &index) < 0)
                abort();
        json_decref(predicate);
}

static void prove(struct dispatcher *d, struct action_dispatch *o)
{
        struct tlog_hash proof[TLOG_PROOF_MAX];
        size_t count = 0;

        if (d->seen && audit_consistency(d->audit, d->seen, proof, &count) < 0)
                count = 0;
        memcpy(d->proof, proof, count * sizeof(*proof));
        o->checkpoint = (const uint8_t *)audit_checkpoint(d->audit);
        o->checkpoint_size = strlen(audit_checkpoint(d->audit));
        o->consistency_from = d->seen;
        o->consistency = d->proof;
        o->consistency_count = count;
}

static void give(struct dispatcher *d)
{
        struct wire_command command = {
                .id = d->order.id, .kind = WIRE_COMMAND_ACTION, .service = "", .dispatch = &d->order.dispatch
        };
        struct wire_reply commands = { .kind = WIRE_COMMANDS, .commands = { &command, 1 } };

        if (!d->token || !d->order.id)
                return;
        prove(d, &d->order.dispatch);
        reply(d, d->token, &commands);
        d->token = 0;
}

static void say(struct dispatcher *d, const struct summary *s)
{
        for (size_t i = 0; i < s->actions_count; i++)
                printf("action %llu %s %s %s %s\n", (unsigned long long)s->actions[i].key.low,
                       action_state_name(s->actions[i].state), action_reason_name(s->actions[i].reason),
                       action_verdict_name(s->actions[i].verdict), s->actions[i].service);
        for (size_t i = 0; i < s->permits_count; i++)
                printf("permit %s %x %d\n", s->permits[i].service, s->permits[i].kinds, s->permits[i].restart_safe);
        for (size_t i = 0; i < s->processes_count; i++) {
                if (s->processes[i].pid >= PROCESSES_MAX)
                        continue;
                if (!d->started[s->processes[i].pid])
                        printf("process %u\n", s->processes[i].pid);
                d->started[s->processes[i].pid] = s->processes[i].started;
        }
        d->seen = s->checkpoint_size;
        printf("stopped %d\nseen %llu\n", s->actions_stopped, (unsigned long long)d->seen);
}

static void request(void *data, const struct endpoint_peer *peer, uint64_t token, const uint8_t *body, size_t size)
{
        struct dispatcher *d = data;
        struct wire_request in;
        const char *why = "";

        (void)peer;
        arena_reset(d->arena, 1 << 20);
        if (wire_unpack_request(body, size, d->arena, &in, &why) < 0) {
                struct wire_reply out = { .kind = WIRE_REFUSAL, .refusal = { why } };

                printf("bad %s\n", why);
                reply(d, token, &out);
        } else if (in.kind == WIRE_POLL) {
                if (d->order.id && in.poll.acknowledged >= d->order.id)
                        d->order.id = 0;
                d->token = token;
                give(d);
        } else if (in.kind == WIRE_SUMMARY) {
                struct wire_reply out = { .kind = WIRE_ACK, .ack = { in.summary->session, in.summary->sequence, 1, false, 0 } };

                say(d, in.summary);
                reply(d, token, &out);
        }
        fflush(stdout);
}

static void take(struct dispatcher *d, char *line)
{
        static const char *const orders[] = { "", "check", "apply", "keep", "revert", "close" };
        struct action_dispatch *o = &d->order.dispatch;
        char *save = NULL, *word = strtok_r(line, " \n", &save);

        if (word && strcmp(word, "log") == 0) {
                open_log(d, strtok_r(NULL, " \n", &save));
                return;
        }
        *o = (struct action_dispatch){ .key = { 7, 0 },
                                       .epoch = 1,
                                       .expires = clock_wall() + 60 * NSEC_PER_SEC,
                                       .service = d->order.service,
                                       .targets = d->order.targets };
        for (unsigned i = 1; word && i < ARRAY_SIZE(orders); i++)
                if (strcmp(word, orders[i]) == 0)
                        o->order = (enum action_order)i;
        word = strtok_r(NULL, " \n", &save);
        o->kind = word ? action_kind_parse(word) : 0;
        while ((word = strtok_r(NULL, " \n", &save))) {
                unsigned long long value = strtoull(strcspn(word, "=") + word + 1, NULL, 10);

                if (strncmp(word, "key=", 4) == 0)
                        o->key.low = value;
                else if (strncmp(word, "lease=", 6) == 0)
                        o->lease = (int64_t)value * NSEC_PER_SEC;
                else if (strncmp(word, "tier=", 5) == 0)
                        o->parameters.tier = (uint32_t)value;
                else if (strncmp(word, "service=", 8) == 0)
                        snprintf(d->order.service, sizeof(d->order.service), "%s", word + 8);
                else if (strncmp(word, "pid=", 4) == 0)
                        d->order.targets[o->targets_count++] =
                                (struct action_target){ .pid = (uint32_t)value, .started = d->started[value % PROCESSES_MAX] };
                else if (strncmp(word, "started=", 8) == 0)
                        d->order.targets[o->targets_count - 1].started = (int64_t)value;
        }
        d->order.id = ++d->next_id;
        append(d);
        give(d);
}

static void on_line(void *data, uint32_t events)
{
        static char line[4096];
        static size_t used;
        struct dispatcher *d = data;

        (void)events;
        if (read(STDIN_FILENO, &line[used], 1) != 1) {
                loop_stop(d->loop, 0);
                return;
        }
        if (line[used] != '\n' && used + 2 < sizeof(line)) {
                used++;
                return;
        }
        line[used] = '\0';
        used = 0;
        take(d, line);
}

int main(int argc, char **argv)
{
        static const struct endpoint_functions functions = { .request = request };
        static struct dispatcher d;
        struct endpoint_options options = { 0 };
        struct loop_source *input;
        const char *why = "";

        if (argc != 3 || loop_new(&d.loop) < 0 || arena_new(64 << 20, &d.arena) < 0 ||
            endpoint_new(d.loop, &options, &functions, &d, &d.endpoint, &why) < 0 ||
            endpoint_listen(d.endpoint, argv[1], &why) < 0 || loop_add_fd(d.loop, STDIN_FILENO, EPOLLIN, on_line, &d, &input) < 0) {
                log_error("dispatcher", "%s", why);
                return 1;
        }
        open_log(&d, argv[2]);
        printf("ready %u\n", endpoint_port(d.endpoint));
        fflush(stdout);
        return loop_run(d.loop) < 0;
}
