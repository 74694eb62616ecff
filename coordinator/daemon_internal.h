/* What the files of the daemon share. */
#pragma once

#include "coordinator/config.h"
#include "coordinator/core.h"
#include "coordinator/endpoint.h"
#include "coordinator/polls.h"
#include "coordinator/queries.h"
#include "proto/log.h"

struct arena;
struct asides;
struct conduct;
struct audit;
struct audit_incidents;
struct http;
struct people;
struct signature_set;
struct recorder;
struct store;
struct waiting;

/* Answers about a graph of more ends and edges than this are made aside; up to it they take some ms. */
#define DAEMON_ASIDE_ROWS 10000

struct daemon {
        struct config *config;
        struct loop *loop;
        struct endpoint *endpoint;
        struct core *core;
        struct store *store;
        struct arena *arena;
        struct polls *polls;
        struct asides *asides;
        struct recorder *recorder;
        struct conduct *conduct;
        struct people *people;
        struct audit *audit;
        struct audit_incidents *audit_incidents; /* NULL until the log could be read */
        bool audit_failing;                      /* and said so */
        int64_t audit_retry;                     /* monotonic */
        struct http *http;
        struct signature_set *signatures; /* in force; never NULL once it runs */
        struct loop_source *tick, *wake, *work, *signals[3];
        struct waiting *waiting, **waiting_tail; /* requests that came while the core was at work, oldest first */
        size_t waiting_bytes;
        bool working;     /* the core is, and may not be asked for the graph */
        bool ticking;     /* the work is a tick's */
        bool tick_waits;  /* the next one came while the core was at work */
        struct text text; /* of the answer in the making; its memory is kept */

        int lock;
        int64_t started;  /* monotonic */
        int64_t tick_due; /* monotonic: how late it fires is our load */
        int64_t lag;
        int64_t save_due, watchdog_due;
        int64_t watchdog_every;
        bool wake_set;
        struct log_gate refusals;
        uint64_t summaries, duplicates, refused, queries;
};

/* daemon_requests.c: what comes from the endpoint. */
extern const struct endpoint_functions daemon_endpoint_functions;
/* For conduct_on_orders(): somebody's poll has to be answered. */
void daemon_on_orders(void *daemon);
/* Answers the polls that have commands or have waited long enough. */
void daemon_answer_polls(struct daemon *daemon, int64_t now_monotonic);

/* False if the request cannot be answered before the core's work is done: then it is to be handed in
 * again. `gone`: nobody waits for the answer any more. */
bool daemon_take_request(struct daemon *daemon, const struct endpoint_peer *peer, uint64_t token, const uint8_t *body, size_t size,
                         bool gone);

/* Sends it, and says so in the log if that cannot be. */
void daemon_reply(struct daemon *daemon, uint64_t token, const struct wire_reply *what);

/* daemon_record.c: a question of `nightshift record`; false if it has to wait for the core's work. */
bool daemon_record(struct daemon *daemon, uint64_t token, const struct wire_query *query);
/* What the core was given, for those who record it: a summary once it was taken, as it came; the rest
 * by core_observe(). */
void daemon_note_summary(struct daemon *daemon, const uint8_t *body, size_t size);
void daemon_on_input(void *daemon, const struct core_input *input);

/* daemon_audit.c. -ENOMEM; a log that cannot be opened is refused and tried again. */
MUST_CHECK int daemon_audit_open(struct daemon *daemon);
void daemon_audit_free(struct daemon *daemon);
/* Writes what incidents have come to, and brings the files up to date. */
void daemon_audit_tick(struct daemon *daemon, int64_t now_monotonic);
/* `event`: started, reloaded; `why`: it failed, or NULL. */
void daemon_audit_configuration(struct daemon *daemon, const char *event, const char *why);
/* A deployment was announced; `id` as it was answered. */
void daemon_audit_announced(struct daemon *daemon, const struct wire_query *query, const char *id);
/* Somebody has seen a page. */
void daemon_audit_acknowledged(struct daemon *daemon, const char *id, const char *by, const char *why);
/* A question whose verb begins with "audit-"; needs nothing of the core. */
void daemon_audit_answer(struct daemon *daemon, uint64_t token, const struct wire_query *query);

/* daemon_work.c: what takes the core long, in between what comes in. */
void daemon_begin_tick(struct daemon *daemon);
/* Puts the graph together, if that is due; false if it is not done yet. */
bool daemon_settle(struct daemon *daemon);
/* What comes from the endpoint; for daemon_endpoint_functions. */
void daemon_request(void *daemon, const struct endpoint_peer *peer, uint64_t token, const uint8_t *body, size_t size);
void daemon_gone(void *daemon, uint64_t connection);
/* Timer of the work. */
void daemon_on_work(void *daemon, int64_t now_monotonic);
void daemon_work_free(struct daemon *daemon);
/* daemon.c: what follows when a tick's work is done. */
void daemon_tick_done(struct daemon *daemon);

/* For asides_new(): an answer that was made aside goes to whoever asked. */
void daemon_answer_made(void *daemon, uint64_t token, uint8_t *answer, size_t size);

/* daemon_signatures.c: reads them and puts them in force; on failure those before stay. */
MUST_CHECK int daemon_load_signatures(struct daemon *daemon, const struct yaml_config_strings *configured,
                                      struct yaml_config_error *ret_error);

/* daemon_metrics.c: Prometheus' text format, bounded. */
int daemon_metrics(struct daemon *daemon, struct text *out);
