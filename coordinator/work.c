/* Long work in portions. See graph.h. */
#include "coordinator/graph.h"

#include <assert.h>

void work_add(struct core *core, work_function function)
{
        struct work *w = &core->work;

        assert(w->count < WORK_STEPS_MAX);
        w->steps[w->count++] = function;
}

bool work_step(struct core *core)
{
        struct work *w = &core->work;

        if (w->next < w->count && !w->steps[w->next](core, &w->cursor)) {
                w->next++;
                w->cursor = 0;
        }
        if (w->next < w->count)
                return true;
        w->next = w->count = 0;
        return false;
}

void work_finish(struct core *core)
{
        while (work_step(core))
                ;
}

bool work_portion(const struct core *core, uint32_t count, uint32_t *cursor, uint32_t *ret_from)
{
        *ret_from = MIN(*cursor, count);
        *cursor = MIN(*ret_from + core->options.portion, count);
        return *cursor < count;
}
