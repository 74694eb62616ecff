/* Incidents: what a signature has found, from the moment it fires until its signs are gone. Part of the
 * core: no I/O, and time is an argument.
 *
 * What fires for a subject of the graph (an edge, a service, a listener, a host) is a symptom first: roots.h is asked for
 * where it comes from, and all that comes from there is one incident.
 *
 * Several subjects of one service (instances, processes) that show the same are one incident. State:
 *   open      a signature fires, or fired within the last half hour.   -> resolved
 *   resolved  none of its subjects has shown it since.                  -> open within two days: it is the same; later as another
 * What one signature finds of a service may be a symptom of what another does (its `symptom-of`): then it belongs to that
 * one's incident, whichever was first. mitigating and handed over are for whoever acts.
 *
 * The evidence is kept as it was found last, in the units of its signals, so that it can be explained
 * after the series that it came from have gone. */
#pragma once

#include "coordinator/cause.h"
#include "coordinator/forecast.h"
#include "coordinator/judge.h"
#include "coordinator/view.h"

#define INCIDENTS_MAX 512        /* the oldest resolved ones go first */
#define INCIDENT_SUBJECTS_MAX 32 /* that are named; more are counted */

struct incident_subject {
        struct text *host, *build;
        uint32_t pid;
        int64_t started, onset;
        int64_t fired; /* when the signature last fired for it, by the agent's clock */
        double value;  /* of the strongest signal */
        double limit;  /* NaN: not known */
};

struct incident_evidence {
        bool against;
        enum signal signal;
        struct finding finding; /* its `item` is NULL */
        struct signature_item item;
        struct text *says; /* of what is against */
        struct text *host;
        uint32_t pid;
};

struct incident {
        uint64_t id;
        enum incident_state state;
        struct text *signature, *title;
        struct service *service, *server; /* server: NULL where there is none */
        uint16_t port;
        enum subject kind;
        int64_t onset_at, opened_at, fired_at, resolved_at;
        bool has_breach;
        struct forecast breach; /* of the subject that comes first */
        double limit;
        struct incident_subject *subjects;
        uint32_t subjects_count, subjects_left_out;
        struct incident_evidence *evidence;
        uint32_t evidence_count;
        struct incident_cause *causes; /* the likeliest first; those that are ruled out come last */
        uint32_t causes_count;
        int64_t caused_at; /* when they were judged */
        bool rooted;       /* found along the graph, by its root, which stays its first cause */
        const struct host *root_host, *root_other;
        bool saved;       /* the store has it, */
        int64_t saved_as; /* as it was then */
};

/* A step: judges every subject by every signature, each about once a minute. */
bool incidents_detect(struct core *core, uint32_t *cursor);
void incidents_free(struct core *core);

/* A step after each cell of pulse.h: opens an incident for each root that was found twice in a row and has a
 * symptom, keeps those that are found still, and opens one for each symptom that no root explains. */
bool incidents_follow_roots(struct core *core, uint32_t *cursor);
/* Of the store. Without the list of its incidents: */
void incident_drop(struct core *core, struct incident *incident);
struct reader;
MUST_CHECK int incident_load(struct core *core, uint64_t id, struct reader *r, char *buffer, size_t size);
/* For those that open one: NULL without room. */
struct incident *incident_open(struct core *core, const struct signature *signature, enum subject kind, struct service *service,
                               struct service *server, uint16_t port, int64_t onset);
/* For what fired for a subject of the graph: opens an incident, or goes on with it. */
void incident_raise(struct core *core, struct measured *measured);
/* The evidence as it is now, in place of what there was. */
void incident_take_evidence(struct core *core, struct incident *incident, const struct measured *measured);
/* Adds what shows it there, or brings it up to date. */
void incident_add_subject(struct incident *incident, const struct host *host, int64_t onset, int64_t fired, double value);

/* By index below core->incidents_count, oldest first. */
const struct incident *incident_get(const struct core *core, uint32_t index);
bool incident_is_open(const struct incident *incident);
