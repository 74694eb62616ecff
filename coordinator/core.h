/* The coordinator's core: a deterministic state machine. Inputs (a summary, a tick, a poll) come in
 * one order and carry their time; outputs (acknowledgements, commands, rows to store) are data.
 * It does no I/O, reads no clock and draws no randomness: the same inputs give the same graph, byte
 * for byte.
 *
 * It owns hosts, services, edges and history, within the memory budget of its configuration; what
 * had to be dropped is counted and makes answers incomplete. `now` is wall clock and never goes
 * back: an earlier value is taken as the latest known one. */
#pragma once

#include "proto/summary.h"
#include "proto/wire.h"

struct core;
struct signature_set;

/* Zero means the default. */
struct core_options {
        uint64_t memory_max;      /* 1 GiB */
        int64_t forget_after;     /* an edge unseen for so long leaves the live graph: 24 h */
        int64_t host_stale_after; /* 60 s: a host's window is incomplete from then on */
        uint64_t coordinator;     /* identity of this start, for acknowledgements */
        uint32_t keys_per_second; /* 20,000: when keys come faster, agents are told to report a share of them */
        uint64_t secret;          /* no agent learns it: what they choose cannot be made to collide in our tables */
        uint32_t portion;         /* ends or edges that core_work() takes at a time: 1024, a millisecond or two */
};

MUST_CHECK int core_new(const struct core_options *options, struct core **ret_core);
void core_free(struct core **core);

/* Takes a summary from `host` (the authenticated name). Duplicates and late ones are recognised by
 * (session, sequence) and are acknowledged again without effect. -ENOMEM when the budget is spent:
 * then nothing was taken in. */
MUST_CHECK int core_summary(struct core *core, int64_t now, const char *host, const struct summary *summary,
                            struct wire_ack *ret_ack);

/* Moves time on: ages hosts, leases and history. Call it about once a second. */
void core_tick(struct core *core, int64_t now);

/* The same in portions, for who must not be away for long: core_work() does the next portion, some
 * milliseconds of it at most, of what core_begin_...() has begun; false if that was the last. Any
 * input in between does first what is left, as does a view of the graph; a view of the hosts and
 * the totals alone does not, and shows them as they were before. */
void core_begin_tick(struct core *core, int64_t now);
bool core_work(struct core *core);

/* The signatures by which subjects are judged from now on; they stay the caller's, until others are given.
 * NULL judges nothing. */
void core_set_signatures(struct core *core, const struct signature_set *signatures);

/* Somebody says that a service was deployed; `host` may be NULL. *ret_id names the deployment. -ENOENT: no
 * such service, or not on that host. */
MUST_CHECK int core_announce(struct core *core, int64_t now, const char *service, const char *version, const char *host,
                             uint64_t *ret_id);

/* Up to which command an agent is believed to have taken them: what it was given, or what a former coordinator gave it,
 * by its clock, as ids begin with the time; a day is for clocks that were set back. Who says more would leave no ids for
 * what is still to come. */
#define COMMAND_IDS_AHEAD (24 * 3600 * NSEC_PER_SEC)
static inline uint64_t command_believed(uint64_t acknowledged, uint64_t issued, int64_t now)
{
        return MIN(acknowledged, MAX(issued, (uint64_t)(now + COMMAND_IDS_AHEAD)));
}

/* Commands for `host` with ids above `acknowledged`; the strings live until the next call. Nothing
 * to say is a count of 0: the caller then holds the poll. */
MUST_CHECK int core_poll(struct core *core, int64_t now, const char *host, uint64_t session, uint64_t acknowledged,
                         struct wire_commands *ret_commands);
/* True if a poll of `host` that is held may be answered now. */
bool core_has_commands(const struct core *core, const char *host);

/* Puts the graph together from what has come in, if that is due; each view of it does so too. */
void core_begin_settle(struct core *core, int64_t now);

/* An input that comes by itself or with a question, and not as a summary: whoever records what the core
 * was given is told of each that may change it, before it takes effect. `at` is the core's own time. */
enum core_input_kind { CORE_INPUT_TICK, CORE_INPUT_SETTLE, CORE_INPUT_ALIGN, CORE_INPUT_POLL, CORE_INPUT_ANNOUNCE };
struct core_input {
        enum core_input_kind kind;
        int64_t at;
        const char *host; /* of a poll, with what follows; of a deployment that is announced, or NULL */
        uint64_t session, acknowledged;
        const char *service, *version; /* of a deployment */
};
typedef void (*core_input_function)(void *data, const struct core_input *input);
void core_observe(struct core *core, core_input_function function, void *data);

/* The latest time it was told of; that of its latest input. */
int64_t core_time(const struct core *core);
/* As given to core_new(), with the defaults filled in. */
const struct core_options *core_options_of(const struct core *core);
/* Puts it in step with a core that is loaded from its snapshot at this moment: history is cut here, the
 * rounds of housekeeping begin here, and every agent is asked for a full summary with the next
 * acknowledgement it gets. */
void core_align(struct core *core, int64_t now);

/* How many rows (ends and edges) a whole view has to walk: what an answer will cost. */
size_t core_rows(const struct core *core);

/* What must become durable, handed out as opaque records keyed by (kind, key) so that the store
 * needs to know no format. Calls `put` for each record that changed since the last time (size 0:
 * delete it); core_load takes them back in any order into a fresh core, before any other input, and
 * core_loaded ends that. A record that does not parse is -EBADMSG and is skipped by the caller with a
 * log line. */
typedef int (*core_put_function)(void *data, uint32_t kind, const void *key, size_t key_size, const void *value, size_t value_size);
/* One call hands out a bounded number of records, so that it takes milliseconds. Returns 1 if there
 * is more to save at once, 0 if not, or what `put` returned if that was negative: the record at hand
 * is then handed out again. */
MUST_CHECK int core_save(struct core *core, int64_t now, core_put_function put, void *data);
/* All of it in one go, and without any effect on what core_save() will hand out: what a fresh core
 * needs to go on from here, as after a restart. Stops at the first negative result of `put`. */
MUST_CHECK int core_snapshot(struct core *core, core_put_function put, void *data);
/* The next call begins a round, however recent the last one was: before a stop. */
void core_save_at_once(struct core *core);
/* What was handed out did not become durable: all of it will be handed out again. */
void core_save_again(struct core *core);
MUST_CHECK int core_load(struct core *core, uint32_t kind, const void *key, size_t key_size, const void *value, size_t value_size);
void core_loaded(struct core *core, int64_t now);
