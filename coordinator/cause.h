/* Causes: what brought an incident about, as far as what is known can tell. Part of the core.
 *
 * A deployment, or a change of settings, is a cause when
 *   - it reached the service before the symptom began, at once or hours of sleep before, and was the last to do so,
 *   - the processes that show the symptom were started by it or since, and none that was there before shows it,
 *   - the former build, under like load at this hour of an earlier day, did not show it,
 *   - and load alone does not explain it.
 * Where one of these is not so it is ruled out, and the reason is kept. Where the former build was not seen under
 * like conditions nothing can be said, and no deployment is named. */
#pragma once

#include "coordinator/graph.h"
#include "coordinator/signature.h"

struct incident;

#define CAUSES_KEPT 12

struct incident_cause {
        enum cause kind;
        bool ruled_out;
        uint64_t deployment; /* 0: it is none */
        struct text *ref, *why;
        double confidence;
};

/* How the time since the onset compares with the same hours under the former build. */
struct conditions {
        bool known;         /* there are such hours, measured, before `before` */
        int64_t back;       /* how long before: a day, or two; 0: what was just before `before` */
        bool brief;         /* the former build was seen for minutes only */
        double load, usual; /* bytes a second, now and then */
        double growth;      /* of load within an hour of the onset, over what it was at that hour then */
        double rise, risen; /* of what the symptom counts, now and then; NaN: not measured */
        double carried;     /* how much of it there was just before `before` that was not half a day before */
};

void conditions_find(const struct core *core, const struct incident *incident, int64_t before, struct conditions *ret_conditions);

struct root;

/* The same for an incident that was found along the graph: `roots` are all that were found with it, the `own`th its
 * own. */
void causes_of_root(struct core *core, struct incident *incident, const struct root *roots, size_t count, size_t own);
/* Judges anew. */
void causes_find(struct core *core, struct incident *incident);
/* Whether a deployment, or a change of settings, that reached the host would be named for what began at `onset`. */
bool causes_blame(struct core *core, struct service *service, int64_t onset, const struct text *host);
void causes_drop(struct core *core, struct incident *incident);
