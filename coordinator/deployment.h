/* Deployments: when the build of a service changed, where, and from what to what; and when its settings
 * did (configuration files, flags, environment), which is a cause of its own kind. Part of the core:
 * does no I/O and takes its time from summaries and from the core.
 *
 * A *track* is one program of one service. It holds the builds that were seen, and which hosts run
 * each. A build is in one of three states:
 *   new      seen, and what to make of it not yet decided.
 *   settled  the service runs it, and that is no news: it was there when the track was first seen, or
 *            a deployment brought it.
 *   retired  a deployment replaced it, or took it back.
 *
 *   no settled build yet                          -> all become settled: a first sight is no deployment
 *   new, and was running before we came           -> settled: likewise
 *   new or retired, started since                 -> a deployment opens, from the settled one to it
 *   retired, started before its deployment ended  -> a host that was late: the deployment opens again
 *   open, and no host runs another any more       -> it ends; the others retire
 *   open, and no host runs it any more            -> it was taken back; it retires
 *   open for a day                                -> both run side by side: it ends, both are settled
 *   the third turn between the same two in an hour-> likewise, and it is no deployment
 * Restarts of a settled build change nothing. Several hosts, and several programs of one service that
 * change at about the same time, are one deployment. What counts is when processes started, not when
 * that was heard of, so that late, lost and repeated summaries lead to the same result. A host that
 * has not been heard of for long does not keep a deployment open.
 *
 * A change of settings is one of a process that replaced another of the same build in the same place.
 * A name that changes with every start is no setting and is passed over after the second time. */
#pragma once

#include "coordinator/map.h"

#define DEPLOYMENTS_MAX 4096
#define DEPLOYMENTS_AGE (90 * 24 * 3600 * NSEC_PER_SEC)
#define DEPLOYMENT_CHANGES_MAX 32 /* names that are kept of what changed */
#define TRACK_BUILDS_MAX 8
#define TRACKS_MAX 65536u
#define TRACKS_PER_SERVICE 64u        /* a workload can make up programs */
#define TRACK_SETTINGS_MAX (1u << 21) /* settings that are remembered of all hosts */

struct core;
struct host;
struct reader;
struct summary;
struct summary_build;
struct text;
struct writer;

enum deployment_kind { DEPLOYMENT_BUILD = 0, DEPLOYMENT_FILES, DEPLOYMENT_FLAGS, DEPLOYMENT_ENVIRONMENT };
enum deployment_end { DEPLOYMENT_OPEN = 0, DEPLOYMENT_DONE, DEPLOYMENT_TAKEN_BACK, DEPLOYMENT_SIDE_BY_SIDE, DEPLOYMENT_SUPERSEDED };

struct deployment_host {
        struct text *name;
        int64_t at; /* when its last process of the former build was replaced, as far as known */
};

struct deployment {
        uint64_t id;
        enum deployment_kind kind;
        enum deployment_end end;
        struct text *service;
        struct text *from, *to; /* what people call the builds: version, release, image, build id */
        int64_t at, ended_at;   /* ended_at 0: open, or announced and not seen yet */
        int64_t announced_at;   /* 0: it was not */
        bool observed;
        uint32_t tracks; /* that still change */
        struct deployment_host *hosts;
        uint32_t hosts_count, hosts_capacity;
        struct text **changes; /* names of settings */
        uint32_t changes_count, changes_capacity;
        bool dirty, saved;
};

struct build_print {
        struct text *build, *release, *image, *version;
        uint64_t code;
};

struct build_use {
        struct text *host;
        uint32_t processes; /* 0: it did once */
        uint32_t most;      /* at a time, since the build was last deployed */
        int64_t grown_at;   /* start of the process that made them so many: a restart makes them no more */
        int64_t first_started, last_started;
        uint64_t pass; /* of the table that named it last */
};

enum build_state { BUILD_NEW = 0, BUILD_SETTLED, BUILD_RETIRED };

struct track_build {
        struct build_print print;
        enum build_state state;
        int64_t last_seen;
        struct build_use *uses;
        uint32_t uses_count, uses_capacity;
};

struct track_setting {
        struct text *name;
        uint64_t digest;
        uint8_t kind;
        uint8_t turns; /* starts in a row that changed it */
};

/* What the newest process of one instance on one host was started with. */
struct track_place {
        struct text *host, *instance;
        uint64_t key, print; /* name of the key of the digests; digest of the build */
        int64_t started;
        uint32_t unknown;
        struct track_setting *settings;
        uint32_t settings_count;
};

struct track {
        struct map_node node;
        uint64_t id;
        struct text *service, *program;
        int64_t created_at;
        struct track_build *builds;
        uint32_t builds_count, builds_capacity;
        struct track_place *places;
        uint32_t places_count, places_capacity;
        uint64_t deployment; /* the open one, or the last one; 0: none */
        bool open;
        struct build_print from, to; /* of that one */
        int64_t turned_at[2];        /* when the last two turns between the same two builds began */
        uint64_t pass;
        bool dirty, saved;
};

struct track_numbers {
        uint64_t *items;
        uint32_t count, capacity, handed_out;
};

struct deployments {
        struct deployment **items; /* by rising `at` as far as known when they were added, by id */
        uint32_t count, capacity;
        struct map tracks;
        uint32_t tracks_count, settings_count;
        uint64_t next_id, next_track, pass;
        uint64_t left_out; /* tracks that found no room */
        struct track_numbers removed, removed_tracks;
        uint32_t save_bucket;
};

/* Takes the builds of a summary, if they are news. */
MUST_CHECK int deployments_take(struct core *core, struct host *host, const struct summary *summary);
/* Once in a while: what only time decides. */
void deployments_expire(struct core *core);
void deployments_free(struct core *core);
/* Somebody says that a service was deployed; it is one with what was or will be seen about that time.
 * *ret_id is its id. -ENOENT: no such service, or not on that host. */
MUST_CHECK int deployments_announce(struct core *core, const char *service, const char *version, const char *host,
                                    uint64_t *ret_id);
/* NULL if it is not known any more. */
struct deployment *deployment_find(const struct core *core, uint64_t id);
/* Whether anything of it runs there. */
bool deployment_has_reached(const struct deployment *deployment, const struct text *host);
/* What people call the build that most processes of a program run, if they are more than *most, which then
 * becomes their number; else NULL. */
const char *track_version(const struct track *t, uint32_t *most);

/* Records for the store. */
void deployment_write(struct writer *w, const struct deployment *d);
MUST_CHECK int deployment_load(struct core *core, uint64_t id, struct reader *r, char *buffer, size_t size);
void track_write(struct writer *w, const struct track *t);
MUST_CHECK int track_load(struct core *core, uint64_t id, struct reader *r, char *buffer, size_t size);
/* All records are there. */
void deployments_loaded(struct core *core);
