/* Nights: what honest agents would say of services through days and nights, with or without a fault, and
 * beside it the truth. Made from a seed, without I/O and without a clock; the same seed gives the same
 * summaries to the byte. The models know nothing of how anybody judges what they make.
 *
 * A night is a main service with a pool of connections to a server, several instances on hosts of their
 * own behind a proxy, bystanders that are deployed in between, and an agent on each host with the failings
 * that agents and networks have. Its traffic is rhythm.h's, its pools are pool.h's, its libraries those of
 * kinds.c. What a summary says follows proto/summary.h; numbers are cumulative from the session's start.
 *
 * Seeds: even ones are for development. The odd half is kept for one final run: without NIGHT_FINAL=1 in the
 * environment they are refused with -EPERM.
 *
 *      CLEANUP(night_free) struct night *night = NULL;
 *      r = night_variant(seed, NULL, &night);
 *      while (night_next(night, &now, &host, &summary))
 *              r = core_summary(core, now, host, summary, &ack);
 *      truth = night_truth(night);
 *
 * A summary and its strings live until the next call. */
#pragma once

#include "proto/summary.h"

#define NIGHT_INSTANCES 8
#define NIGHT_DEPLOYMENTS 16
int64_t night_time(double seconds);                   /* of the night, as wall clock */
#define NIGHT_T0 (INT64_C(1717372800) * NSEC_PER_SEC) /* Monday 3 June 2024, 00:00:00 UTC: the night's zero */

struct night;

enum night_fault {
        NIGHT_HEALTHY,
        NIGHT_POOL_LEAK,
        NIGHT_CLOSE_WAIT_LEAK,
        NIGHT_FILE_LEAK,
        NIGHT_MEMORY_LEAK,
};

/* What first fails for want of something. */
enum night_limit { NIGHT_LIMIT_NONE, NIGHT_LIMIT_POOL, NIGHT_LIMIT_SERVER, NIGHT_LIMIT_FILES, NIGHT_LIMIT_MEMORY };

struct night_deployment {
        const char *service, *from, *to; /* builds as in summary_process */
        int64_t start, end;              /* first and last instance that runs `to` */
};

struct night_truth {
        uint64_t seed;
        enum night_fault fault;
        const char *story; /* a few words */
        const char *service, *server;
        int64_t onset;                     /* when the traffic of the leaking path begins where that path is; 0 if never */
        int64_t first_leak;                /* 0 if none in the time that was run */
        int64_t breach;                    /* when first an instance could not have one more; 0 if never within the horizon */
        int64_t breaches[NIGHT_INSTANCES]; /* of each instance; 0 likewise */
        /* When it would have been, had nobody restarted or deployed the service after the onset: what a forecast made
         * before could know. The same as `breach` where nobody did. */
        int64_t breach_left_alone;
        int64_t horizon; /* how far it was run on */
        enum night_limit limit;
        uint64_t limit_value; /* of one process, or of the server */
        int cause;            /* index of the deployment that brought it, or -1: none did */
        struct night_deployment deployments[NIGHT_DEPLOYMENTS];
        size_t deployments_count; /* in order of their starts */
        int64_t from, until;      /* of the summaries */
        uint32_t restarts, crashes;
};

/* Zero means the default. */
struct night_options {
        int64_t interval; /* of the agents; 10 s */
        bool perfect;     /* agents and network without failings */
};

/* The mission's first incident: deployed 17:40, the path sleeps until 02:41, exhausted at about 05:00; three
 * deployments of three services. `seed` moves noise and chance only. */
MUST_CHECK int night_payment(uint64_t seed, const struct night_options *options, struct night **ret_night);
/* Its kin: onset, rate, noise, rhythm, restarts, libraries, limits; in about a third the leak is in no deployment. */
MUST_CHECK int night_variant(uint64_t seed, const struct night_options *options, struct night **ret_night);
/* Leaks of other kinds, or that start at once and take days: files, CLOSE_WAIT, memory, connections. */
MUST_CHECK int night_leak(uint64_t seed, const struct night_options *options, struct night **ret_night);
/* A healthy day. Its model is seed / 2 modulo night_healthy_kinds(), so that successive seeds of either half
 * meet all of them. */
MUST_CHECK int night_healthy(uint64_t seed, const struct night_options *options, struct night **ret_night);
size_t night_healthy_kinds(void);
const char *night_healthy_kind(size_t index);
void night_free(struct night **night);

bool night_next(struct night *night, int64_t *ret_now, const char **ret_host, const struct summary **ret_summary);
/* May be asked at any time: the same night is run on silently, up to ten days past its end. */
const struct night_truth *night_truth(struct night *night);

/* 0, or -EPERM for the half that is kept. */
MUST_CHECK int night_seed_check(uint64_t seed);
