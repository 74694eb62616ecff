/* What the files of deployments share. */
#pragma once

#include "coordinator/deployment.h"
#include "coordinator/graph.h"

#define TOGETHER (600 * NSEC_PER_SEC)   /* programs of one service that change so close are one deployment */
#define HOST_LOST (1800 * NSEC_PER_SEC) /* a host unheard for so long keeps nothing open */
#define TAKEN_BACK_AFTER (600 * NSEC_PER_SEC)
#define SIDE_BY_SIDE_AFTER (24 * 3600 * NSEC_PER_SEC)
#define TURNS_WITHIN (3600 * NSEC_PER_SEC)
#define BEFORE_THE_AGENT (300 * NSEC_PER_SEC) /* what a new host starts before its agent is news all the same */
/* Starts are told by a clock that is adjusted: the same one differs a little from time to time. */
#define SAME_START (2 * NSEC_PER_SEC)
#define ANNOUNCED_WITHIN (1800 * NSEC_PER_SEC) /* what is announced may follow so late */
#define ANNOUNCED_AFTER (300 * NSEC_PER_SEC)   /* and be over for so long */

/* deployment_list.c */
struct deployment *deployment_new(struct core *core, struct text *service, enum deployment_kind kind, int64_t at);
void deployment_drop(struct core *core, struct deployment *d);
MUST_CHECK int deployment_insert(struct core *core, struct deployment *d);
/* Notes that it reached a host at `at`. */
void deployment_reached(struct core *core, struct deployment *d, struct text *host, int64_t at);
void deployment_changed(struct core *core, struct deployment *d, struct text *name);
/* The latest of a service for which `fits` holds. */
struct deployment *deployment_latest(const struct core *core, const struct text *service,
                                     bool (*fits)(const struct deployment *d, int64_t at), int64_t at);
void deployments_bound(struct core *core);

/* track.c */
/* NULL: it has no room, which is counted, or memory is short. */
struct track *track_get(struct core *core, struct service *service, const char *program);
void track_free(struct core *core, struct track *t);
MUST_CHECK int track_print(struct core *core, const struct summary_build *row, struct build_print *ret_print);
struct build_print print_ref(const struct build_print *print);
void print_put(struct core *core, struct build_print *print);
bool print_same(const struct build_print *a, const struct build_print *b);
uint64_t print_digest(const struct build_print *print);
/* What sets `print` apart from `other` (NULL: nothing to compare with). New reference; NULL without memory. */
struct text *print_label(struct core *core, const struct build_print *print, const struct build_print *other);
/* -ENOSPC: the track has as many builds as it may, all of them in use. */
MUST_CHECK int track_build_get(struct core *core, struct track *t, struct build_print *print, struct track_build **ret_build);
void track_use(struct core *core, struct track *t, struct track_build *b, struct host *h, const struct summary_build *row,
               uint64_t pass);
/* Removes what a host no longer runs. */
void track_unuse(struct core *core, struct track *t, const struct host *h, uint64_t pass);
/* Runs somewhere, heard or not; on this host. */
bool track_build_runs(const struct track_build *b);
bool track_build_runs_on(const struct track_build *b, const struct text *host);
/* Runs on a host that is heard. */
bool track_build_lives(const struct core *core, const struct track_build *b);
int64_t track_build_started(const struct track_build *b);

/* track_judge.c: applies the table of deployment.h. */
void track_judge(struct core *core, struct track *t);

/* deployment_settings.c: one row against what the same place had before. `anew`: the agent has just
 * started. */
MUST_CHECK int settings_take(struct core *core, struct track *t, struct host *h, struct text *instance, const struct summary *s,
                             const struct summary_build *row, const struct build_print *print, bool anew);
void place_free(struct core *core, struct track_place *p);
