/* Batches that are late keep copies of what they carry. */
#include "tests/night/night_private.h"

#include <stdlib.h>
#include <string.h>

static void *copied(const void *items, size_t count, size_t size)
{
        void *copy;

        if (count == 0)
                return NULL;
        copy = reallocarray(NULL, count, size);
        if (!copy)
                abort();
        memcpy(copy, items, count * size);
        return copy;
}

bool parcel_keep(struct night *n, int host, const struct summary *s, double at)
{
        struct parcel *p;

        if (n->parcels_count == (int)ARRAY_SIZE(n->parcels))
                return false;
        p = &n->parcels[n->parcels_count++];
        *p = (struct parcel){ .at = at, .host = host, .summary = *s };
        p->summary.edges = copied(s->edges, s->edges_count, sizeof(*s->edges));
        p->summary.keys = copied(s->keys, s->keys_count, sizeof(*s->keys));
        p->summary.processes = copied(s->processes, s->processes_count, sizeof(*s->processes));
        p->summary.pools = copied(s->pools, s->pools_count, sizeof(*s->pools));
        p->summary.builds = copied(s->builds, s->builds_count, sizeof(*s->builds));
        return true;
}

bool parcel_due(struct night *n, double now, struct parcel *ret_parcel)
{
        int first = -1;

        for (int i = 0; i < n->parcels_count; i++)
                if (n->parcels[i].at <= now && (first < 0 || n->parcels[i].at < n->parcels[first].at))
                        first = i;
        if (first < 0)
                return false;
        *ret_parcel = n->parcels[first];
        n->parcels[first] = n->parcels[--n->parcels_count];
        return true;
}

void parcel_free(struct parcel *p)
{
        free(p->summary.edges);
        free(p->summary.keys);
        free(p->summary.processes);
        free(p->summary.pools);
        free(p->summary.builds);
        memset(p, 0, sizeof(*p));
}
