/* Root causes: from the symptoms of the last minutes along the graph to what began them, ranked. Part of the
 * core; looks at ends as they are, keeps nothing.
 *
 * A *copy* is one service on one host. It is slow where its answers take half as long again as they did an hour
 * ago, or more, by more than chance; it fails where its clients are refused or get no answer. A copy that waits for
 * one that is itself slow or fails, or over a way that loses packets, is explained by it. What is left are roots:
 *   network     two hosts between which packets are lost
 *   load        a service to which more comes from outside
 *   host        most of the services on it are slow, and what runs of them elsewhere is not
 *   deployment  a service that was deployed as its symptom began
 *   dependency  a service that can do less than before, and was not deployed */
#pragma once

#include "coordinator/graph.h"
#include "coordinator/signature.h"

#define ROOTS_MAX 16
#define ROOT_SERVICES_MAX 16

struct measured;

struct root {
        enum cause kind;
        struct service *service; /* NULL: none; of a network one that calls over it */
        struct host *host, *other;
        struct service *client; /* the first of those that wait for it; NULL: none does */
        uint16_t port;
        double value; /* how many times slower; the share of segments that is lost */
        const struct deployment *deployment;
        double confidence;
        uint32_t reach;                 /* services that show something and wait for this one */
        const struct measured *symptom; /* what a signature found there or on the way up; NULL: nothing, so it is no incident */
        int64_t onset;                  /* to some minutes */
        struct service *services[ROOT_SERVICES_MAX]; /* of a host: those that show it there and nowhere else, as far as they fit */
        uint32_t services_count;
        char why[240];
};

/* The likeliest first; returns how many. Without memory none. */
size_t roots_find(struct core *core, struct root *ret_roots, size_t most);
