/* Graphs of services with faults, and the symptoms that spread from them: what agents would say of an hour in which
 * none to three things go wrong among 10 to 500 services, and which they were.
 *
 * The services form layers, from gateways to stores; each calls some of deeper layers, with time-outs and retries,
 * over kept connections. Time goes in steps of the agents' interval, as a fluid: requests flow down (with the retries
 * that failures cause), times come up (own time, what is waited for, queues where more comes than can be served). So a
 * fault below slows what is above it, makes it retry, time out and open connections anew, fills its workers and its
 * backlog; what is beside it is well. Application errors that travel in a reply are not seen by agents and are not
 * modelled. Retry amplification and queues by workers held waiting are those of "Metastable Failures in Distributed
 * Systems" (Bronson and others, HotOS 2021) and "The Tail at Scale" (Dean and Barroso, 2013); TCP's retransmission
 * time-out of 200 ms is Linux's minimum.
 *
 * Healthy deployments and restarts happen elsewhere, before and after. Seeds are split as in night.h; one in five
 * graphs is without a fault. */
#pragma once

#include "tests/night/night.h"

#define NIGHT_CAUSES 3
#define NIGHT_SYMPTOMS 500

struct night_graph;

enum night_cause {
        NIGHT_CAUSE_DEPLOYMENT, /* of `service`: slower, hungrier, or crashing */
        NIGHT_CAUSE_DEPENDENCY, /* `service` can do less than before, and nothing was deployed there */
        NIGHT_CAUSE_HOST,       /* all on `host` is slow */
        NIGHT_CAUSE_NETWORK,    /* packets between `host` and `other` are lost */
        NIGHT_CAUSE_LOAD,       /* more comes to `service` from outside */
};

struct night_graph_cause {
        enum night_cause kind;
        const char *service, *host, *other; /* "" where there is none */
        const char *from, *to;              /* builds */
        int64_t at;
        const char *words;
};

struct night_graph_truth {
        uint64_t seed;
        size_t services, hosts, edges;
        struct night_graph_cause causes[NIGHT_CAUSES];
        size_t causes_count;
        struct night_deployment deployments[NIGHT_DEPLOYMENTS]; /* all of them, the innocent too */
        size_t deployments_count;
        /* Services whose replies became at least twice as slow, or a tenth of whose calls fail. Complete at the end. */
        const char *symptoms[NIGHT_SYMPTOMS];
        size_t symptoms_count;
        int64_t from, until;
};

/* options->interval is 30 s unless told. */
MUST_CHECK int night_graph(uint64_t seed, const struct night_options *options, struct night_graph **ret_graph);
bool night_graph_next(struct night_graph *graph, int64_t *ret_now, const char **ret_host, const struct summary **ret_summary);
const struct night_graph_truth *night_graph_truth(const struct night_graph *graph);
void night_graph_free(struct night_graph **graph);
