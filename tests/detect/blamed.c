#include "tests/detect/blamed.h"

#include <string.h>

static const enum cause kinds[] = { [NIGHT_CAUSE_DEPLOYMENT] = CAUSE_DEPLOYMENT,
                                    [NIGHT_CAUSE_DEPENDENCY] = CAUSE_DEPENDENCY,
                                    [NIGHT_CAUSE_HOST] = CAUSE_HOST,
                                    [NIGHT_CAUSE_NETWORK] = CAUSE_NETWORK,
                                    [NIGHT_CAUSE_LOAD] = CAUSE_LOAD };

bool blamed_rightly(const struct core *core, const struct incident *i, const struct night_graph_truth *t)
{
        const struct incident_cause *c = i->causes_count && !i->causes[0].ruled_out ? i->causes : NULL;
        const struct deployment *d = c && c->deployment ? deployment_find(core, c->deployment) : NULL;

        for (size_t k = 0; c && k < t->causes_count; k++) {
                const struct night_graph_cause *x = &t->causes[k];

                if (c->kind != kinds[x->kind])
                        continue;
                if (x->kind == NIGHT_CAUSE_NETWORK ? strstr(c->ref->data, x->host) && strstr(c->ref->data, x->other)
                    : d                            ? strcmp(d->service->data, x->service) == 0
                                                   : strcmp(c->ref->data, x->kind == NIGHT_CAUSE_HOST ? x->host : x->service) == 0)
                        return true;
        }
        return false;
}
