#include "coordinator/dot.h"

#include <stdlib.h>
#include <string.h>

enum { UNSEEN = 0, ON_PATH, DONE };

/* A depth-first search over groups with a stack of our own: a graph may be a chain of thousands. */
struct search {
        const struct dot_model *m;
        const uint32_t *groups;
        uint32_t *first, *links; /* links of group g: links[first[g]] to links[first[g + 1]] */
        uint32_t *next, *stack;
        uint8_t *state;
        bool circles;
};

static bool counts(const struct search *s, const struct dot_link *l)
{
        return !l->hidden && s->groups[l->client] != s->groups[l->server];
}

static void sort_links(struct search *s, uint32_t groups_count)
{
        const struct dot_model *m = s->m;

        for (size_t i = 0; i < m->links_count; i++)
                if (counts(s, &m->links[i]))
                        s->first[s->groups[m->links[i].client] + 1]++;
        for (uint32_t g = 0; g < groups_count; g++)
                s->first[g + 1] += s->first[g];
        memcpy(s->next, s->first, groups_count * sizeof(*s->next));
        for (size_t i = 0; i < m->links_count; i++)
                if (counts(s, &m->links[i]))
                        s->links[s->next[s->groups[m->links[i].client]]++] = (uint32_t)i;
        memcpy(s->next, s->first, groups_count * sizeof(*s->next));
}

static void visit(struct search *s, uint32_t root)
{
        uint32_t depth = 0;

        s->stack[depth++] = root;
        s->state[root] = ON_PATH;
        while (depth > 0) {
                uint32_t g = s->stack[depth - 1], to;

                if (s->next[g] == s->first[g + 1]) {
                        s->state[g] = DONE;
                        depth--;
                        continue;
                }
                to = s->groups[s->m->links[s->links[s->next[g]++]].server];
                if (s->state[to] == ON_PATH) {
                        s->circles = true;
                } else if (s->state[to] == UNSEEN) {
                        s->state[to] = ON_PATH;
                        s->stack[depth++] = to;
                }
        }
}

int dot_circles(const struct dot_model *m, const uint32_t *groups, uint32_t groups_count, bool *ret_circles)
{
        struct search s = { .m = m, .groups = groups };
        int r = -ENOMEM;

        s.first = calloc(groups_count + 2, sizeof(*s.first));
        s.next = calloc(groups_count + 1, sizeof(*s.next));
        s.stack = calloc(groups_count + 1, sizeof(*s.stack));
        s.state = calloc(groups_count + 1, sizeof(*s.state));
        s.links = calloc(m->links_count + 1, sizeof(*s.links));
        if (s.first && s.next && s.stack && s.state && s.links) {
                sort_links(&s, groups_count);
                for (uint32_t g = 0; g < groups_count; g++)
                        if (s.state[g] == UNSEEN)
                                visit(&s, g);
                *ret_circles |= s.circles;
                r = 0;
        }
        free(s.first);
        free(s.next);
        free(s.stack);
        free(s.state);
        free(s.links);
        return r;
}
