/* What coordinator and agents say about actions: an order that names everything by numbers, digests and one
 * service, and what became of it. The wire module carries both (an order in a command of the long poll, a result
 * in a summary); nothing here touches a host.
 *
 * An order is idempotent by its key: the same key names the same remedy on this host for ever, a repeated APPLY is
 * answered with what is known and changes nothing. `epoch` is the coordinator's fencing number: an agent refuses
 * one below the highest that it has seen. Leases are durations, counted by the agent from the moment at which it
 * applied or took the order, so that they do not depend on anybody's wall clock; `expires` is wall clock, the
 * moment after which the order must not be begun. Nothing in an order is ever used as a path, a command or the
 * name of a unit: the agent finds the service in its own file and takes those from there. */
#pragma once

#include "proto/base.h"

/* In the order of names in action.c; numbers travel, so none may change. */
enum action_kind {
        ACTION_SERVICE_ROLLBACK = 1,
        ACTION_SERVICE_SCALE,
        ACTION_SERVICE_SUSPEND,
        ACTION_PROCESS_FREEZE,
        ACTION_CGROUP_LIMIT,
        ACTION_CONNECT_SHED,
        ACTION_CONNECTION_CLOSE, /* one-way */
        ACTION_SERVICE_RESTART,  /* one-way */
        ACTION_KAFKA_QUARANTINE,
        ACTION_GPU_RELEASE,
        ACTION_OBSERVE_RAISE,
        ACTION_KINDS, /* one past the last */
};

enum action_order {
        ACTION_ORDER_CHECK = 1, /* a dry run: the same code up to the change; answered by CHECKED or REFUSED */
        ACTION_ORDER_APPLY,
        ACTION_ORDER_KEEP,   /* the lease begins anew with `lease`; `verified`: what a lapse means may change to hold */
        ACTION_ORDER_REVERT, /* undo now */
        ACTION_ORDER_CLOSE,  /* the lease ends and the change stays; refused where the lapse means revert */
        ACTION_ORDERS,
};

/* What the agent knows of one key. The ones from REVERTED on are final, but for HELD and CLOSED, which a later
 * REVERT may still undo, and STUCK, which a person has to look at. */
enum action_state {
        ACTION_CHECKED = 1, /* possible; `former` and `touched` say what would be touched. Nothing is kept. */
        ACTION_REFUSED,     /* nothing was changed; `reason` */
        ACTION_INTENDED,    /* intent and inverse are on disk; the change may or may not have begun */
        ACTION_APPLIED,     /* changed, and read back; `verdict` is of the agent's own look through another channel */
        ACTION_HELD,        /* the lease lapsed, and that means hold and report */
        ACTION_CLOSED,      /* kept by order */
        ACTION_REVERTING,
        ACTION_REVERTED, /* the former state is back, compared; or nothing had been changed yet */
        ACTION_YIELDED,  /* somebody else changed the target after us: it was left as it is */
        ACTION_STUCK,    /* the revert failed: this needs a person */
        ACTION_STATES,
};

/* Why an action was refused, reverted, yielded or is stuck. */
enum action_reason {
        ACTION_REASON_NONE = 0,
        ACTION_REASON_NOT_ALLOWED,  /* the host's file does not allow this action, or not on this service */
        ACTION_REASON_STOPPED,      /* the host's stop file is there */
        ACTION_REASON_EPOCH,        /* a coordinator with a higher epoch was heard */
        ACTION_REASON_EXPIRED,      /* or its expiry is too far ahead to be believed */
        ACTION_REASON_PARAMETERS,   /* out of the limits of the host's file, or not of this action */
        ACTION_REASON_NO_TARGETS,   /* the target set is empty */
        ACTION_REASON_MORE_TARGETS, /* more would be touched than was named */
        ACTION_REASON_MISMATCH,     /* a target is not the incarnation that was named */
        ACTION_REASON_CHANGED,      /* the present state is not the one that the plan saw */
        ACTION_REASON_BARRIER,      /* a rollback would cross a declared barrier */
        ACTION_REASON_NO_RELEASE,   /* the release to go back to is missing */
        ACTION_REASON_ONE_WAY,      /* state would be lost, and no person said yes */
        ACTION_REASON_BUSY,         /* as many as may run at a time, or one on this service already */
        ACTION_REASON_RATE,         /* as many as may run in an hour */
        ACTION_REASON_COOLING,      /* too soon after the last one on this service */
        ACTION_REASON_LATCHED,      /* too many attempts on this service: a person must look */
        ACTION_REASON_JOURNAL,      /* the journal cannot be written, or has what cannot be read */
        ACTION_REASON_UNSUPPORTED,  /* this kernel or this host cannot do it */
        ACTION_REASON_UNKNOWN_KEY,  /* nothing is known of this key, or the order does not fit its state */
        ACTION_REASON_FAILED,       /* a step failed; `detail` says which */
        ACTION_REASON_TIMED_OUT,    /* a step took longer than it may */
        ACTION_REASON_LEASE,        /* the lease lapsed */
        ACTION_REASON_ORDERED,      /* by order of the coordinator */
        ACTION_REASON_UNVERIFIED,   /* the host's own verification said that it does not work */
        ACTION_REASON_RESTARTED,    /* the agent ended while it was under way */
        ACTION_REASON_GONE,         /* the target is gone, and the change with it */
        ACTION_REASON_CHECKPOINT,   /* the log is not a continuation of the one that was last seen */
        ACTION_REASONS,
};

enum action_verdict {
        ACTION_VERDICT_NONE = 0,
        ACTION_VERDICT_VERIFIED,
        ACTION_VERDICT_FALSIFIED,
        ACTION_VERDICT_UNKNOWN,
        ACTION_VERDICTS
};

enum action_resource {
        ACTION_RESOURCE_NONE = 0,
        ACTION_RESOURCE_CPU,
        ACTION_RESOURCE_MEMORY,
        ACTION_RESOURCE_IO,
        ACTION_RESOURCES
};

#define ACTION_TARGETS_MAX 32u
#define ACTION_COOKIES_MAX 64u
#define ACTION_SERVICE_SIZE 128
#define ACTION_DETAIL_SIZE 192
#define ACTION_CHECKPOINT_MAX 2048u
#define ACTION_CONSISTENCY_MAX 64u
#define ACTION_LEASE_MAX (24 * 3600 * NSEC_PER_SEC)

struct action_key {
        uint64_t high, low; /* random, both 0: none */
};

struct action_digest {
        uint8_t bytes[32]; /* SHA-256; all zero: none */
};

/* A process incarnation as the agent reported it in its summaries: `started` to the nanosecond, `build` the
 * action_text_digest() of its fingerprint, 0 where the plan does not rest on it. */
struct action_target {
        uint32_t pid;
        int64_t started;
        uint64_t build;
};

/* What is not of the action's kind is zero. Texts of releases travel as action_text_digest() only. */
struct action_parameters {
        uint64_t from, to;             /* service.rollback: releases as reported in builds; `to` 0: the operator's command knows */
        uint32_t instances;            /* service.scale: how many there are to be */
        enum action_resource resource; /* cgroup.limit */
        uint64_t value;                /* cgroup.limit: thousandths of a core, bytes, bytes per second */
        uint64_t server;               /* connect.shed: action_text_digest() of the service whose connections are limited */
        uint32_t rate;                 /* connect.shed: new connections per second */
        uint32_t tier;                 /* observe.raise: 2 turnarounds, 3 payload heads */
        uint64_t *cookies;             /* connection.close */
        size_t cookies_count;
};

/* What the plan says will come true; the agent keeps it, the coordinator judges. */
struct action_prediction {
        const char *signal; /* "" if none */
        int32_t direction;  /* -1 falls below the bound, 1 rises above it */
        double bound;
        int64_t within; /* nanoseconds after APPLIED */
};

struct action_dispatch {
        enum action_order order;
        enum action_kind kind;
        struct action_key key;
        uint64_t epoch;  /* from 1 */
        int64_t expires; /* wall clock */
        int64_t lease;   /* nanoseconds; APPLY and KEEP */
        bool by_person;  /* a person said yes to this plan: needed for what is one-way */
        bool verified;   /* KEEP: the prediction came true */
        const char *service;
        struct action_target *targets;
        size_t targets_count;
        struct action_parameters parameters;
        struct action_prediction prediction;
        struct action_digest plan;   /* of the plan as approved */
        struct action_digest former; /* the `former` of the CHECKED that the plan rests on; none: any */
        /* The log's checkpoint (a signed note) in which the intent is, and the proof that it continues the one
         * that this agent saw last, whose size it said in its summaries. */
        const uint8_t *checkpoint;
        size_t checkpoint_size;
        uint64_t consistency_from;
        struct action_digest *consistency;
        size_t consistency_count;
};

/* "service.rollback", "applied", "not-allowed", "verified"; NULL if there is no such number. */
const char *action_kind_name(enum action_kind kind);
const char *action_state_name(enum action_state state);
const char *action_reason_name(enum action_reason reason);
const char *action_verdict_name(enum action_verdict verdict);
/* 0 if there is no such name. */
enum action_kind action_kind_parse(const char *name);

/* How a name (of a release, a build or a service) travels: 64 bits, the same on every host; "" is 0. Two names with
 * one digest are told apart by nothing, so who looks one up must find exactly one. */
uint64_t action_text_digest(const char *text);
bool action_key_equal(struct action_key a, struct action_key b);
bool action_digest_is_none(const struct action_digest *digest);
bool action_digest_equal(const struct action_digest *a, const struct action_digest *b);
