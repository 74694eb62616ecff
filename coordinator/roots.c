#include "coordinator/roots_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BEGAN_WITH (600 * NSEC_PER_SEC) /* an onset is told so roughly */

struct root *walk_add(struct walk *w, enum cause kind, double confidence)
{
        struct root *r;

        if (w->roots_count == ARRAY_SIZE(w->roots))
                return NULL;
        r = &w->roots[w->roots_count++];
        *r = (struct root){ .kind = kind, .confidence = confidence };
        return r;
}

/* What was deployed when it had begun is not the cause. */
static void began_before(struct root *r)
{
        if (r->kind != CAUSE_DEPLOYMENT || r->deployment->at <= r->onset + BEGAN_WITH)
                return;
        r->kind = CAUSE_DEPENDENCY;
        r->deployment = NULL;
        r->confidence *= 0.9;
}

static int by_rank(const void *x, const void *y)
{
        const struct root *a = x, *b = y;
        double p = a->confidence + 0.01 * log(1 + a->reach), q = b->confidence + 0.01 * log(1 + b->reach);

        if (p != q)
                return p > q ? -1 : 1;
        if (a->service && b->service)
                return strcmp(a->service->name, b->service->name);
        return a->service ? 1 : b->service ? -1 : a->host->number < b->host->number ? -1 : a->host->number > b->host->number;
}

size_t roots_find(struct core *core, struct root *ret_roots, size_t most)
{
        struct walk w = { .core = core };
        size_t count;

        services_order(core);
        if (core->pulses == 0)
                return 0;
        if (walk_gather(core, &w)) {
                walk_judge(&w);
                roots_find_networks(&w);
                walk_explain(core, &w);
                roots_find_loads(&w);
                roots_find_hosts(core, &w);
                roots_find_services(core, &w);
                for (size_t i = 0; i < w.roots_count; i++) {
                        root_find_reach(&w, &w.roots[i]);
                        began_before(&w.roots[i]);
                }
                qsort(w.roots, w.roots_count, sizeof(*w.roots), by_rank);
        }
        count = MIN(w.roots_count, most);
        memcpy(ret_roots, w.roots, count * sizeof(*ret_roots));
        core_release(core, w.copies, w.capacity * sizeof(*w.copies));
        core_release(core, w.calls, w.capacity * sizeof(*w.calls));
        return count;
}
