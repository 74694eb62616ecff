/* A fleet for the simulation of acting: hosts with executors that keep a journal, two coordinators that share a
 * log and a lease, people, and everything that goes wrong between them. The coordinators run the real core, the hosts the
 * real core of the executor (acting_agent.h), and what they say to each other goes over the real wire; the rest is the
 * simplest thing that keeps to safety.md. All of it follows from a seed.
 *
 * What really happened is kept beside what anybody believes: `truth` is what the invariants are checked against. */
#pragma once

#include "coordinator/acting.h"
#include "coordinator/acting_commit.h"
#include "coordinator/dispatch.h"
#include "coordinator/host_actions.h"
#include "tests/sim/acting_agent.h"

#define AW_HOSTS 16
#define AW_SERVICES 8
#define AW_COORDINATORS 2
#define AW_MESSAGES 512
#define AW_STEP (10 * NSEC_PER_SEC)
#define AW_LOG "nightshift/simulated"

struct aw_instance {
        bool there;
        uint32_t pid, version; /* version: what runs; a rollback takes it back by one */
        int64_t started;
        bool marked; /* by what is no rollback */
};

/* What was really changed on a host, whoever knows of it. */
struct aw_change {
        uint64_t remedy;
        uint32_t target, service;
        bool changed; /* the host differs from before */
        bool stuck;   /* and its agent says so */
        bool broken;  /* it cannot be undone */
        bool known;   /* ... or can: that is drawn once */
};

struct aw;
struct aw_place {
        struct aw *world;
        uint32_t host;
};

struct aw_host {
        struct aw_instance instances[AW_SERVICES];
        struct aw_agent *agent;
        struct aw_place place;            /* for the agent's questions */
        uint64_t heard;                   /* the highest epoch that it wrote down */
        uint64_t undone[AW_COORDINATORS]; /* the last order to undo that it took from each */
        struct aw_change changes[64];
        uint32_t changes_count;
        bool up;
        bool cut[AW_COORDINATORS]; /* no message gets through */
        int64_t back_at, fresh_at;
        int64_t applies[256]; /* times, for its own limits */
        uint32_t applies_count;
};

struct aw_message {
        int64_t at; /* arrives */
        bool order;
        uint32_t host, coordinator;
        uint64_t number; /* of an order: rises with each that is sent */
        /* An order, as it came over the wire; what it points to is beside it. */
        struct action_dispatch dispatch;
        struct action_target target_process;
        char service_name[8];
        bool one_way, temporary;
        /* The same in short, for the invariants. */
        uint64_t remedy, epoch;
        uint32_t target, service, pid;
        int64_t started;
        struct host_action row; /* an answer */
};

struct aw_coordinator {
        struct acting *acting; /* NULL: it is down */
        uint64_t epoch;
        int64_t leads_until; /* by its own clock */
        int64_t offset;      /* of its clock */
        struct pace pace;
        int64_t cut_until;    /* the store is out of its reach */
        int64_t frozen_until; /* it stands still between looking at the clock and writing */
        size_t read;          /* records of the log that it has applied */
        int64_t back_at;
        bool killed; /* in the middle of something */
};

struct aw_incident {
        uint64_t id; /* 0: none */
        bool real;   /* the deployment is to blame, so a rollback helps */
        int64_t since, seen_at;
        bool complete;
        int64_t quiet_at;
};

struct aw {
        uint64_t seed, random;
        int64_t now; /* of the world; nobody's clock */
        struct policy policy;
        bool storm; /* the network and the coordinators are at their worst */
        bool json;  /* the log holds what was written as JSON and read back */
        struct aw_host hosts[AW_HOSTS];
        uint32_t hosts_count, services_count;
        struct aw_incident incidents[AW_SERVICES];
        uint64_t next_incident;
        uint32_t next_pid;
        struct aw_coordinator coordinators[AW_COORDINATORS];
        struct {
                uint64_t epoch;
                uint32_t holder;
                int64_t until;
        } lease; /* in the store that both share */
        struct record *log;
        size_t log_count, log_capacity;
        int64_t full_until;  /* the log's disk is */
        bool calm;           /* nothing goes wrong any more */
        struct arena *arena; /* of what is on the wire */
        struct aw_message messages[AW_MESSAGES];
        uint32_t messages_count;
        uint64_t orders_sent;
        struct {
                uint64_t proposed, intended, applied, verified, reverted, stuck, refused, crashes, takeovers;
        } counts;
        const char *broken; /* the first invariant that did not hold; NULL */
        char detail[256];
        uint32_t deciding;         /* the coordinator that is about to append */
        const struct scene *scene; /* by which it decides */
};

void aw_new(struct aw *w, uint64_t seed);
void aw_free(struct aw *w);
void aw_step(struct aw *w);
/* From now on nothing goes wrong, and everybody is there. */
void aw_calm(struct aw *w);

uint64_t aw_below(struct aw *w, uint64_t n);
/* Each service has a process more on some hosts. */
static inline uint32_t aw_has_worker(uint32_t host)
{
        return host % 3 == 2;
}
bool aw_chance(struct aw *w, uint32_t per_thousand);
void aw_break(struct aw *w, const char *invariant, const char *format, ...) PRINTF_LIKE(3, 4);

/* acting_hosts.c */
void aw_hosts_step(struct aw *w);
void aw_host_new(struct aw *w, uint32_t host);
void aw_host_order(struct aw *w, struct aw_message *m);
void aw_send(struct aw *w, const struct aw_message *m);
/* acting_check.c: the invariants. */
void aw_check_append(struct aw *w, const struct record *r);
void aw_check_order(struct aw *w, const struct order *o, const struct scene *scene);
void aw_check_apply(struct aw *w, uint32_t host, const struct aw_message *m);
void aw_check_step(struct aw *w);
void aw_check_end(struct aw *w);
