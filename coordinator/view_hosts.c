/* Hosts of a view. */
#include "coordinator/view_internal.h"

#include <stdlib.h>
#include <string.h>

bool view_host_complete(const struct view_builder *b, const struct host *h, int64_t from)
{
        return host_complete(b->core, h, from, b->view->as_of);
}

static int by_host_name(const void *a, const void *b)
{
        return strcmp(((const struct view_host *)a)->name, ((const struct view_host *)b)->name);
}

void view_add_hosts(struct view_builder *b)
{
        struct core *core = b->core;
        struct view_host *rows = view_take(b, core->hosts_count * sizeof(*rows));
        size_t n = 0;

        if (!rows)
                return;
        for (uint32_t i = 0; i < core->hosts_count; i++) {
                const struct host *h = core->hosts[i];
                struct view_host *v = &rows[n];

                if (!view_host_selected(b, h))
                        continue;
                n++;
                v->name = view_copy_text(b, h->name);
                v->id = view_copy_text(b, h->id);
                v->kernel = view_copy_text(b, h->kernel);
                v->agent_version = view_copy_text(b, h->agent_version);
                v->environment = view_copy_string(b, view_label(h, "environment"));
                v->summary_age_s = (double)(b->view->as_of - h->heard) / (double)NSEC_PER_SEC;
                v->complete = view_host_complete(b, h, b->query->window ? b->view->as_of - b->query->window : 0);
                v->lost_events = h->lost_before + h->lost;
                v->agent_rss_bytes = h->agent_rss_bytes;
                v->agent_map_bytes = h->agent_map_bytes;
                v->agent_cpu_ratio = h->agent_cpu.ratio;
                v->labels = view_take(b, h->labels_count * sizeof(*v->labels));
                v->hooks = view_take(b, h->hooks_count * sizeof(*v->hooks));
                if (!v->labels || !v->hooks)
                        return;
                for (uint32_t k = 0; k < h->labels_count; k++)
                        v->labels[v->labels_count++] = (struct summary_label){ view_copy_text(b, h->labels[2 * k]),
                                                                               view_copy_text(b, h->labels[2 * k + 1]) };
                for (uint32_t k = 0; k < h->hooks_count; k++)
                        v->hooks[v->hooks_count++] =
                                (struct summary_hook){ view_copy_text(b, h->hooks[3 * k]), view_copy_text(b, h->hooks[3 * k + 1]),
                                                       view_copy_text(b, h->hooks[3 * k + 2]) };
        }
        qsort(rows, n, sizeof(*rows), by_host_name);
        b->view->hosts = rows;
        b->view->hosts_count = n;
}
