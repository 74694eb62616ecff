#include "coordinator/dot_internal.h"

#include <stdlib.h>
#include <string.h>

#define HOST_CLUSTERS_MOST 24

static int by_place(const void *a, const void *b)
{
        const struct dot_place *p = a, *q = b;
        int r = strcmp(p->environment, q->environment);

        if (r == 0)
                r = strcmp(p->host, q->host);
        return r ? r : p->node < q->node ? -1 : p->node > q->node;
}

static bool several_environments(const struct view *view)
{
        const char *environment = NULL;

        for (size_t i = 0; i < view->services_count; i++) {
                const struct view_service *s = &view->services[i];

                if (s->external)
                        continue;
                if (environment && strcmp(environment, s->environment))
                        return true;
                environment = s->environment;
        }
        return false;
}

static int compare_strings(const void *a, const void *b)
{
        return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Too many hosts are too many boxes. */
static int few_hosts(const struct view *view, bool *ret_few)
{
        CLEANUP_FREE const char **names = malloc((view->services_count + 1) * sizeof(*names));
        size_t n = 0, different = 0;

        if (!names)
                return -ENOMEM;
        for (size_t i = 0; i < view->services_count; i++)
                if (!view->services[i].external && view->services[i].hosts.count > 0)
                        names[n++] = view->services[i].hosts.items[0];
        qsort(names, n, sizeof(*names), compare_strings);
        for (size_t i = 0; i < n; i++)
                different += i == 0 || strcmp(names[i], names[i - 1]) != 0;
        *ret_few = different <= HOST_CLUSTERS_MOST;
        return 0;
}

static int find_places(struct dot_places *p, const struct dot_model *model, const struct view *view)
{
        bool environments = several_environments(view), few;
        int r = few_hosts(view, &few);

        if (r < 0)
                return r;
        p->items = calloc(model->nodes_count + 1, sizeof(*p->items));
        if (!p->items)
                return -ENOMEM;
        for (size_t i = 0; i < model->nodes_count; i++) {
                const struct dot_node *n = &model->nodes[i];
                struct dot_place place = { "", "", (uint32_t)i };

                if (n->into != i)
                        continue;
                if (n->service && !n->external) {
                        if (environments)
                                place.environment = n->service->environment;
                        if (few && n->service->hosts.count == 1)
                                place.host = n->service->hosts.items[0];
                }
                p->items[p->count++] = place;
        }
        qsort(p->items, p->count, sizeof(*p->items), by_place);
        return 0;
}

/* Whether boxes call each other in circles: those of environments, then of hosts. */
static int find_circles(struct dot_places *p, const struct dot_model *m)
{
        CLEANUP_FREE uint32_t *groups = calloc(m->nodes_count + 1, sizeof(*groups));
        int r = 0;

        if (!groups)
                return -ENOMEM;
        for (int level = 0; level < 2 && r == 0; level++) {
                uint32_t count = 0;

                for (size_t i = 0; i < p->count; i++) {
                        const struct dot_place *a = &p->items[i], *before = i ? &p->items[i - 1] : NULL;
                        bool boxed = *a->environment || (level == 1 && *a->host);

                        if (!boxed || !before || strcmp(a->environment, before->environment) ||
                            (level == 1 && (!*a->host || strcmp(a->host, before->host))))
                                count++;
                        groups[a->node] = count - 1;
                }
                r = dot_circles(m, groups, count, &p->circles);
        }
        return r;
}

int dot_places_new(const struct dot_model *model, const struct view *view, struct dot_places *ret_places)
{
        struct dot_places p = { 0 };
        int r = find_places(&p, model, view);

        if (r == 0)
                r = find_circles(&p, model);
        if (r < 0)
                dot_places_free(&p);
        else
                *ret_places = p;
        return r;
}

void dot_places_free(struct dot_places *places)
{
        free(places->items);
        *places = (struct dot_places){ 0 };
}
