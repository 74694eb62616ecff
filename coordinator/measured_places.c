/* What hosts tell of their listeners, of the processes of each service, and of themselves. */
#include "coordinator/measured_internal.h"

#include <math.h>
#include <signal.h>
#include <string.h>

#define SAME_START (2 * NSEC_PER_SEC)

static void add_listener(struct core *core, struct host *h, const struct host_listener *l)
{
        uint64_t name[4] = { l->row.netns, (uint64_t)l->row.transport << 16 | l->row.port, 0, 0 };
        struct measured *m;

        if (!l->identity || l->row.backlog_max == 0)
                return;
        memcpy(name + 2, &l->row.address, sizeof(l->row.address));
        m = measured_obtain(core, h, SUBJECT_LISTENER, hash_bytes(&core->hash_key, name, sizeof(name)), 0, 0, l->identity->service);
        if (!m || core->now <= m->seen)
                return;
        m->port = l->row.port;
        if (m->begin == 0)
                m->last.opened = l->row.drops;
        measured_note(core, m, core->now);
        measured_add(core, m, SIGNAL_BACKLOG_MAX, core->now, l->row.backlog_max);
        measured_add(core, m, SIGNAL_BACKLOG, core->now, l->row.backlog);
        measured_add(core, m, SIGNAL_DROPS, core->now, (double)(l->row.drops - MIN(m->last.opened, l->row.drops)));
        m->last.opened = l->row.drops;
}

static bool has_failed(const struct summary_process *p)
{
        return p->has_exit && (p->exit_oom || p->exit_code != 0 || (p->exit_signal != 0 && p->exit_signal != SIGTERM));
}

static int64_t deployed_at(const struct core *core, const struct service *service)
{
        for (uint32_t k = core->deployments.count; k-- > 0;) {
                const struct deployment *d = core->deployments.items[k];

                if (d->service == service->text && d->observed && d->kind == DEPLOYMENT_BUILD)
                        return d->at;
        }
        return 0;
}

/* All processes of one service, whose first row is the `first`th. */
static void add_processes(struct core *core, struct host *h, uint32_t first)
{
        struct service *service = h->processes[first].identity->service;
        double cpu = 0, throttled = 0, rss = 0, threads = 0, files = 0, limit = NAN;
        const struct summary_process *youngest = NULL;
        uint32_t restarts = 0, begun;
        struct measured *m = measured_obtain(core, h, SUBJECT_SERVICE, (uintptr_t)service, 0, 0, service);

        if (m && !m->flow)
                m->flow = measured_flow_new(core);
        if (!m || !m->flow || m->flow->processes_at == core->now)
                return;
        for (uint32_t i = first; i < h->processes_count; i++) {
                const struct host_process *p = &h->processes[i];

                if (!p->identity || p->identity->service != service)
                        continue;
                cpu += p->cpu.ratio;
                throttled += isnan(p->throttled.ratio) ? 0 : p->throttled.ratio;
                rss += (double)p->row.rss_bytes;
                threads += p->row.threads;
                files += p->row.open_files;
                limit = p->row.open_files_limit ? fmin(isnan(limit) ? INFINITY : limit, p->row.open_files_limit) : limit;
                restarts = MAX(restarts, p->row.restarts_1h);
                if (!youngest || p->row.started > youngest->started)
                        youngest = &p->row;
        }
        if (m->begin == 0)
                measured_note(core, m, core->now);
        m->heard = core->now;
        measured_add(core, m, SIGNAL_CPU, core->now, cpu);
        measured_add(core, m, SIGNAL_THROTTLED, core->now, throttled);
        measured_add(core, m, SIGNAL_RSS, core->now, rss);
        measured_add(core, m, SIGNAL_THREADS, core->now, threads);
        measured_add(core, m, SIGNAL_OPEN_FILES, core->now, files);
        measured_add(core, m, SIGNAL_OPEN_FILES_LIMIT, core->now, limit);
        /* Of the last hour there may be no more than before though one is new: another has left that hour. */
        begun = restarts > m->flow->restarts ? restarts - m->flow->restarts : 0;
        if (youngest->has_exit && youngest->started > m->flow->started + SAME_START)
                begun = MAX(begun, 1u);
        if (m->flow->processes_at == 0)
                begun = 0;
        measured_add(core, m, SIGNAL_RESTARTS, core->now, begun);
        measured_add(core, m, SIGNAL_EXITS_FAILED, core->now, has_failed(youngest) ? begun : 0);
        measured_add(core, m, SIGNAL_OOM_KILLS, core->now, youngest->exit_oom ? begun : 0);
        m->flow->restarts = restarts;
        m->flow->started = MAX(m->flow->started, youngest->started);
        m->flow->processes_at = core->now;
        m->deployed_at = deployed_at(core, service);
        m->seen = core->now;
}

/* The far end that takes most of the host's ports, and whose service it is that dials it. */
void measured_collect_ports(struct core *core, struct end *e)
{
        struct measured *m = measured_obtain(core, e->host, SUBJECT_HOST, 0, 0, 0, e->service);
        double used = (double)end_open(e);

        if (m && !m->flow)
                m->flow = measured_flow_new(core);
        if (!m || !m->flow)
                return;
        if (m->flow->round != core->flows_at) {
                m->flow->round = core->flows_at;
                m->flow->host_at = m->host->at;
                m->flow->now = (struct summary_counters){ 0 };
                m->flow->open = -1;
        }
        m->flow->now.no_port += e->total.no_port;
        if (used <= m->flow->open)
                return;
        m->flow->open = used;
        if (m->service != e->service) {
                service_put(core, &m->service);
                m->service = service_ref(e->service);
        }
}

static void add_resources(struct core *core, struct measured *m)
{
        const struct summary_resources *r = &m->host->resources;

        measured_add(core, m, SIGNAL_OOM_KILLS, core->now, (double)(r->oom_kills - MIN(m->flow->oom_kills, r->oom_kills)));
        if (r->ports > 0)
                measured_add(core, m, SIGNAL_PORTS_LIMIT, core->now, r->ports);
        if (r->memory_bytes > 0)
                measured_add(core, m, SIGNAL_MEMORY, core->now,
                             1 - (double)MIN(r->memory_available_bytes, r->memory_bytes) / (double)r->memory_bytes);
}

void measured_close_host(struct core *core, struct measured *m)
{
        struct measured_flow *f = m->flow;
        uint64_t none = f->now.no_port - MIN(f->before.no_port, f->now.no_port);

        if (f->known) {
                measured_note(core, m, core->now);
                measured_add(core, m, SIGNAL_NO_PORT, core->now, (double)none);
                measured_add(core, m, SIGNAL_PORTS_USED, core->now, f->open);
                add_resources(core, m);
        }
        f->before = f->now;
        f->oom_kills = m->host->resources.oom_kills;
        f->known = true;
}

bool measured_collect_places(struct core *core, uint32_t *cursor)
{
        struct host *h = *cursor < core->hosts_count ? core->hosts[*cursor] : NULL;

        if (h && h->session != 0 && h->heard + core->options.host_stale_after >= core->now) {
                for (uint32_t i = 0; i < h->listeners_count; i++)
                        add_listener(core, h, &h->listeners[i]);
                for (uint32_t i = 0; i < h->processes_count; i++)
                        if (h->processes[i].identity)
                                add_processes(core, h, i);
        }
        return ++*cursor < core->hosts_count;
}
