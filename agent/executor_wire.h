/* What the agent and its executor say to each other over a SOCK_SEQPACKET pair: messages of one size each way,
 * numbers and digests only. No path, command or name of a unit is in them; the executor finds the service by the
 * digest of its name in the file that it read itself. It checks each field, as the agent's other child parses what
 * comes from the network. The order is also part of an entry of the journal, so its layout may only grow behind a
 * new version there. */
#pragma once

#include "proto/action.h"

struct executor_target {
        uint64_t start_ns; /* CLOCK_BOOTTIME */
        uint64_t exe_inode, exe_device;
        uint32_t pid; /* as /proc has it */
        uint32_t padding;
};

struct executor_order {
        uint64_t key_high, key_low;
        uint64_t epoch;
        int64_t expires, lease;
        uint64_t service;
        uint64_t from, to, value, server;
        uint32_t order, kind;
        uint32_t by_person, verified;
        uint32_t instances, resource, rate, tier;
        uint32_t targets_count, cookies_count;
        uint8_t former[32], plan[32];
        struct executor_target targets[ACTION_TARGETS_MAX];
        uint64_t cookies[ACTION_COOKIES_MAX];
};

enum executor_request_kind { EXECUTOR_ORDER = 1, EXECUTOR_RELOAD };

struct executor_request {
        uint32_t kind, padding;
        struct executor_order order;
};

/* What became of an order; `kind` 0 carries only what is of the whole host. */
struct executor_event {
        uint64_t key_high, key_low;
        uint64_t epoch; /* of the order */
        uint64_t service;
        int64_t at;        /* wall clock */
        int64_t lease_end; /* CLOCK_BOOTTIME; 0: none */
        uint64_t host_epoch;
        uint32_t kind, state, reason, verdict, touched;
        uint32_t stopped;
        uint8_t former[32], present[32];
        char detail[ACTION_DETAIL_SIZE]; /* made of the host's own file and the system's errors; escaped where shown */
};
