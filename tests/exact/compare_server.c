/* The servers' own counts, judged by what their processes know. */
#include "tests/exact/compare.h"

#include <string.h>

/* As the clients count; the other end knows them by other names. */
static const char *const mirrored[][2] = {
        { "sent", "received" }, { "received", "sent" }, { "reset_by_peer", "reset_by_self" }, { "reset_by_self", "reset_by_peer" }
};

static json_t *at(const json_t *edge, const char *object, const char *inner)
{
        json_t *o = object != NULL ? json_object_get(edge, object) : (json_t *)edge;

        return inner != NULL ? json_object_get(o, inner) : o;
}

void compare_server(const json_t *truth, const json_t *edges)
{
        long long ends = 0, holes = 0;
        unsigned before = differences;

        for (size_t i = 0; i < FIELDS_COUNT; i++) {
                const char *name = fields[i].truth;
                long long sum = 0;
                const json_t *edge;
                size_t k;

                /* A server knows nothing of attempts, and what it left unread is its own. */
                if (strcmp(name, "opened") != 0 && strcmp(name, "closed") != 0 && fields[i].inner == NULL &&
                    (fields[i].shortfall != BYTES || fields[i].object == NULL))
                        continue;
                json_array_foreach(edges, k, edge) if (named(text(edge, "server"), text(truth, "server")) &&
                                                       number(edge, "port") == number(truth, "port")) sum +=
                        number(at(edge, fields[i].object, fields[i].inner), fields[i].name);
                for (size_t m = 0; m < sizeof(mirrored) / sizeof(mirrored[0]); m++)
                        if (strcmp(fields[i].truth, mirrored[m][0]) == 0)
                                name = mirrored[m][1];
                if (sum < number(truth, name) && lost > 0 && fields[i].shortfall == KIND)
                        ends += number(truth, name) - sum;
                else if (sum < number(truth, name) && lost > 0 && fields[i].shortfall == BYTES)
                        holes = most(holes, connections_of(truth, name, number(truth, name) - sum));
                else if (sum != number(truth, name))
                        differ(truth, name, number(truth, name), sum);
        }
        explained += most(ends, holes);
        edges_equal += before == differences;
}
