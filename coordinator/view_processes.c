/* Processes of a view. */
#include "coordinator/view_internal.h"

#include <stdlib.h>
#include <string.h>

static int by_process(const void *x, const void *y)
{
        const struct view_process *a = x, *b = y;
        int r = strcmp(a->service, b->service);

        if (r == 0)
                r = strcmp(a->host, b->host);
        if (r == 0)
                r = a->process.pid < b->process.pid ? -1 : a->process.pid > b->process.pid;
        return r;
}

void view_add_processes(struct view_builder *b)
{
        struct core *core = b->core;
        struct view_process *rows;
        size_t n = 0;

        for (uint32_t i = 0; i < core->hosts_count; i++)
                n += core->hosts[i]->processes_count;
        rows = view_take(b, n * sizeof(*rows));
        if (!rows)
                return;
        n = 0;
        for (uint32_t i = 0; i < core->hosts_count; i++) {
                const struct host *h = core->hosts[i];
                const char *name = view_copy_text(b, h->name);

                for (uint32_t k = 0; view_host_selected(b, h) && k < h->processes_count; k++) {
                        const struct host_process *p = &h->processes[k];
                        struct view_process *v = &rows[n];

                        v->service = p->identity ? view_service_name(b, p->identity->service) : "unknown";
                        if (b->query->service && strcmp(b->query->service, v->service) != 0)
                                continue;
                        v->host = name;
                        v->process = p->row;
                        v->process.executable = view_copy_text(b, p->executable);
                        v->process.build = view_copy_text(b, p->build);
                        v->cpu_ratio = p->cpu.ratio;
                        v->throttled_ratio = p->throttled.ratio;
                        n++;
                }
        }
        qsort(rows, n, sizeof(*rows), by_process);
        b->view->processes = rows;
        b->view->processes_count = n;
}
