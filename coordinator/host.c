/* Hosts: what an agent says of its machine, and from when to when it can be believed. */
#include "coordinator/graph.h"
#include "coordinator/host_actions.h"
#include "coordinator/raise.h"

#include <stdlib.h>
#include <string.h>

static uint64_t name_hash(const struct core *core, const char *name)
{
        return hash_bytes(&core->hash_key, name, strlen(name));
}

struct host *host_find(const struct core *core, const char *name)
{
        for (struct map_node *n = map_first(&core->hosts_by_name, name_hash(core, name)); n; n = map_next(n)) {
                struct host *h = container_of(n, struct host, node);
                if (strcmp(h->name->data, name) == 0)
                        return h;
        }
        return NULL;
}

int host_get(struct core *core, const char *name, struct host **ret_host)
{
        struct host *h = host_find(core, name);

        if (h) {
                *ret_host = h;
                return 0;
        }
        if (core_reserve(core, (void **)&core->hosts, core->hosts_count, &core->hosts_capacity, sizeof(*core->hosts)) < 0)
                return -ENOMEM;
        h = core_alloc(core, sizeof(*h));
        if (!h)
                return -ENOMEM;
        h->name = text_get(core, name);
        if (!h->name || map_insert(&core->hosts_by_name, &h->node, name_hash(core, name)) < 0) {
                text_put(core, &h->name);
                core_release(core, h, sizeof(*h));
                return -ENOMEM;
        }
        h->threshold_told = UINT32_MAX;
        h->number = core->hosts_count;
        core->hosts[core->hosts_count++] = h;
        *ret_host = h;
        return 0;
}

void identity_put(struct identity *identity)
{
        if (identity)
                identity->references--;
}

static void drop_texts(struct core *core, struct text ***texts, uint32_t count)
{
        for (uint32_t i = 0; i < count; i++)
                text_put(core, &(*texts)[i]);
        core_release(core, *texts, count * sizeof(**texts));
        *texts = NULL;
}

static void drop_process(struct core *core, struct host_process *p)
{
        text_put(core, &p->executable);
        text_put(core, &p->build);
        identity_put(p->identity);
}

static void drop_processes(struct core *core, struct host *h)
{
        for (uint32_t i = 0; i < h->processes_count; i++)
                drop_process(core, &h->processes[i]);
        core_release(core, h->processes, h->processes_count * sizeof(*h->processes));
        core_release(core, h->processes_by_pid, h->processes_count * sizeof(*h->processes_by_pid));
        h->processes = NULL;
        h->processes_by_pid = NULL;
        h->processes_count = 0;
}

static void identity_free(struct core *core, struct host *h, struct identity *i)
{
        map_remove(&h->identities, &i->node);
        service_put(core, &i->service);
        text_put(core, &i->instance);
        text_put(core, &i->executable);
        text_put(core, &i->version);
        core_release(core, i, sizeof(*i));
}

/* Those that nothing refers to any more. */
void host_forget_identities(struct core *core, struct host *h)
{
        for (size_t i = 0; h->identities.table && i <= h->identities.mask; i++) {
                for (struct map_node *n = h->identities.table[i], *next; n; n = next) {
                        struct identity *identity = container_of(n, struct identity, node);
                        next = n->next;
                        if (identity->references == 0)
                                identity_free(core, h, identity);
                }
        }
}

void host_end_session(struct core *core, struct host *h)
{
        for (size_t i = 0; h->rows.table && i <= h->rows.mask; i++) {
                for (struct map_node *n = h->rows.table[i], *next; n; n = next) {
                        struct row *row = container_of(n, struct row, node);
                        next = n->next;
                        /* The next session adopts what is still open. */
                        row->end->total.adopted -= MIN(row->end->total.adopted, row->current.adopted);
                        row->end->dirty = true;
                        row_free(core, h, row);
                }
        }
        listeners_drop(core, h);
        drop_processes(core, h);
        host_drop_pools(core, h);
        host_drop_actions(core, h);
        host_forget_identities(core, h);
        memmove(h->old_sessions + 1, h->old_sessions, sizeof(h->old_sessions) - sizeof(h->old_sessions[0]));
        h->old_sessions[0] = h->session;
        memset(h->sequence_seen, 0, sizeof(h->sequence_seen));
        h->full_first = h->full_parts = 0;
        h->builds_sequence = 0;
        h->builds_known = false;
        h->sequence_max = h->full_sequence = h->newest_sequence = h->listeners_sequence = h->processes_sequence = 0;
        h->lost_before += h->lost;
        h->lost = h->lost_keys = 0;
        h->agent_cpu = (struct cpu_use){ 0 };
        h->final = false;
}

void host_free(struct core *core, struct host *h)
{
        host_end_session(core, h);
        core_release(core, h->tracks, h->tracks_capacity * sizeof(struct track *));
        lease_drop(core, h);
        core_release(core, h->addresses, h->addresses_count * sizeof(*h->addresses));
        drop_texts(core, &h->labels, 2 * h->labels_count);
        drop_texts(core, &h->hooks, 3 * h->hooks_count);
        text_put(core, &h->id);
        text_put(core, &h->boot_id);
        text_put(core, &h->kernel);
        text_put(core, &h->agent_version);
        raises_drop(core, h);
        map_remove(&core->hosts_by_name, &h->node);
        text_put(core, &h->name);
        map_free(&h->identities);
        map_free(&h->rows);
        core_release(core, h, sizeof(*h));
}

bool host_fresh(const struct core *core, const struct host *h)
{
        return h->session != 0 && !h->final && core->now - h->heard <= core->options.host_stale_after;
}

void host_add_gap(struct host *h, int64_t from, int64_t to)
{
        uint32_t closest = 0;

        if (to < from)
                to = from;
        for (uint32_t i = 0; i < h->gaps_count; i++) {
                struct gap *g = &h->gaps[i];
                if (from <= g->to && to >= g->from) {
                        g->from = MIN(g->from, from);
                        g->to = MAX(g->to, to);
                        return;
                }
        }
        if (h->gaps_count < HOST_GAPS_MAX) {
                h->gaps[h->gaps_count++] = (struct gap){ from, to };
                return;
        }
        /* No room: the two oldest become one, which says "incomplete" of too much, never of too little. */
        for (uint32_t i = 1; i < h->gaps_count; i++)
                if (h->gaps[i].to < h->gaps[closest].to)
                        closest = i;
        {
                struct gap oldest = h->gaps[closest];
                uint32_t second = closest == 0 ? 1 : 0;

                h->gaps[closest] = (struct gap){ from, to };
                for (uint32_t i = 0; i < h->gaps_count; i++)
                        if (i != closest && h->gaps[i].from < h->gaps[second].from)
                                second = i;
                h->gaps[second].from = MIN(h->gaps[second].from, oldest.from);
                h->gaps[second].to = MAX(h->gaps[second].to, oldest.to);
        }
}

#define CLOCK_AHEAD (2 * NSEC_PER_SEC)
#define CLOCK_BEHIND (60 * NSEC_PER_SEC) /* a summary on its way for long looks like a clock that is behind */

int64_t host_skew(const struct host *h)
{
        if (h->clock_offset == INT64_MAX || (h->clock_offset >= -CLOCK_AHEAD && h->clock_offset <= CLOCK_BEHIND))
                return 0;
        return h->clock_offset;
}

/* By how much a moment of ours may be wrong once it is told by the host's clock. */
static int64_t from_by_its_clock(const struct host *h, int64_t from)
{
        int64_t skew = host_skew(h);

        return skew ? from - skew - CLOCK_AHEAD : from;
}

bool host_gap_since(const struct host *h, int64_t from)
{
        from = from_by_its_clock(h, from);
        for (uint32_t i = 0; i < h->gaps_count; i++)
                if (h->gaps[i].to >= from)
                        return true;
        return false;
}

bool host_complete(const struct core *core, const struct host *h, int64_t from, int64_t to)
{
        if (!host_fresh(core, h) && to > h->heard)
                return false;
        from = from_by_its_clock(h, from);
        to -= host_skew(h);
        for (uint32_t i = 0; i < h->gaps_count; i++)
                if (h->gaps[i].from <= to && h->gaps[i].to >= from)
                        return false;
        return true;
}

bool host_take_sequence(struct host *h, uint64_t sequence)
{
        uint64_t *word = &h->sequence_seen[sequence % HOST_WINDOW / 64], bit = UINT64_C(1) << (sequence % 64);

        if (sequence > h->sequence_max) {
                if (sequence - h->sequence_max >= HOST_WINDOW)
                        memset(h->sequence_seen, 0, sizeof(h->sequence_seen));
                else
                        for (uint64_t s = h->sequence_max + 1; s < sequence; s++)
                                h->sequence_seen[s % HOST_WINDOW / 64] &= ~(UINT64_C(1) << (s % 64));
                h->sequence_max = sequence;
                *word |= bit;
                return true;
        }
        if (h->sequence_max - sequence >= HOST_WINDOW || (*word & bit))
                return false;
        *word |= bit;
        return true;
}

static int set_text(struct core *core, struct text **text, const char *value)
{
        struct text *new;

        if (*text && strcmp((*text)->data, value) == 0)
                return 0;
        new = text_get(core, value);
        if (!new)
                return -ENOMEM;
        text_put(core, text);
        *text = new;
        return 0;
}

static int set_texts(struct core *core, struct text ***texts, uint32_t *count, uint32_t per_item, const char *const *values,
                     uint32_t values_count)
{
        struct text **new;
        bool same = *count * per_item == values_count;

        for (uint32_t i = 0; same && i < values_count; i++)
                same = (*texts)[i] && strcmp((*texts)[i]->data, values[i]) == 0;
        if (same)
                return 0;
        new = core_alloc(core, values_count * sizeof(*new));
        if (!new)
                return -ENOMEM;
        for (uint32_t i = 0; i < values_count; i++) {
                new[i] = text_get(core, values[i]);
                if (!new[i]) {
                        for (uint32_t j = 0; j < i; j++)
                                text_put(core, &new[j]);
                        core_release(core, new, values_count * sizeof(*new));
                        return -ENOMEM;
                }
        }
        drop_texts(core, texts, *count * per_item);
        *texts = new;
        *count = values_count / per_item;
        return 0;
}

/* Parts of a full summary and summaries for a new edge follow at once upon another: a share over less
 * than half a second would be noise, so the former reading then stays the one to compare with. */
static void cpu_use_take(struct cpu_use *use, uint64_t ns, int64_t at)
{
        if (use->at > 0 && ns >= use->ns) {
                if (at - use->at < NSEC_PER_SEC / 2)
                        return;
                use->ratio = (double)(ns - use->ns) / (double)(at - use->at);
        }
        use->ns = ns;
        use->at = at;
}

static int by_pid(const void *a, const void *b, void *processes)
{
        const struct host_process *p = processes;
        uint32_t x = p[*(const uint32_t *)a].row.pid, y = p[*(const uint32_t *)b].row.pid;

        return x < y ? -1 : x > y;
}

static void index_processes(struct core *core, struct host *h)
{
        h->processes_by_pid = core_alloc(core, h->processes_count * sizeof(*h->processes_by_pid));
        if (!h->processes_by_pid || h->processes_count == 0)
                return;
        for (uint32_t i = 0; i < h->processes_count; i++)
                h->processes_by_pid[i] = i;
        qsort_r(h->processes_by_pid, h->processes_count, sizeof(*h->processes_by_pid), by_pid, h->processes);
}

const struct host_process *host_process_find(const struct host *h, uint32_t pid, int64_t started)
{
        uint32_t low = 0, high = h->processes_by_pid ? h->processes_count : 0;

        while (low < high) {
                uint32_t middle = low + (high - low) / 2;

                if (h->processes[h->processes_by_pid[middle]].row.pid < pid)
                        low = middle + 1;
                else
                        high = middle;
        }
        for (; h->processes_by_pid && low < h->processes_count; low++) {
                const struct host_process *p = &h->processes[h->processes_by_pid[low]];

                if (p->row.pid != pid)
                        break;
                if (llabs(p->row.started - started) < NSEC_PER_SEC)
                        return p;
        }
        return NULL;
}

static int take_processes(struct core *core, struct host *h, const struct summary *s)
{
        struct host_process *new;

        if (s->sequence < h->processes_sequence || (s->processes_count == 0 && (!s->full || s->part > 0)))
                return 0;
        new = core_alloc(core, s->processes_count * sizeof(*new));
        if (!new && s->processes_count > 0)
                return -ENOMEM;
        for (size_t i = 0; i < s->processes_count; i++) {
                const struct summary_process *p = &s->processes[i];

                new[i].row = *p;
                new[i].executable = text_get(core, p->executable);
                new[i].build = text_get(core, p->build);
                new[i].identity = host_identity(core, h, p->identity);
                if (new[i].identity)
                        new[i].identity->references++;
                if (!new[i].executable || !new[i].build) {
                        for (size_t j = 0; j <= i; j++)
                                drop_process(core, &new[j]);
                        core_release(core, new, s->processes_count * sizeof(*new));
                        return -ENOMEM;
                }
                /* Agents keep the order, so the former row is nearly always at the same place. */
                for (uint32_t k = 0; k < h->processes_count; k++) {
                        const struct host_process *old = &h->processes[(i + k) % h->processes_count];
                        if (old->row.pid == p->pid && old->row.started == p->started) {
                                new[i].cpu = old->cpu;
                                new[i].throttled = old->throttled;
                                break;
                        }
                        if (k >= 64)
                                break;
                }
                cpu_use_take(&new[i].cpu, p->cpu_ns, s->at);
                cpu_use_take(&new[i].throttled, p->throttled_ns, s->at);
        }
        drop_processes(core, h);
        h->processes = new;
        h->processes_count = (uint32_t)s->processes_count;
        h->processes_sequence = s->sequence;
        index_processes(core, h);
        return 0;
}

int host_describe(struct core *core, struct host *h, const struct summary *s)
{
        const char *labels[2 * 256], *hooks[3 * 256];
        size_t labels_count = MIN(s->labels_count, (size_t)256), hooks_count = MIN(s->hooks_count, (size_t)256);

        if (s->sequence < h->newest_sequence)
                return 0;
        for (size_t i = 0; i < labels_count; i++) {
                labels[2 * i] = s->labels[i].key;
                labels[2 * i + 1] = s->labels[i].value;
        }
        for (size_t i = 0; i < hooks_count; i++) {
                hooks[3 * i] = s->hooks[i].name;
                hooks[3 * i + 1] = s->hooks[i].state;
                hooks[3 * i + 2] = s->hooks[i].detail;
        }
        if (set_text(core, &h->id, s->host_id) < 0 || set_text(core, &h->boot_id, s->boot_id) < 0 ||
            set_text(core, &h->kernel, s->kernel) < 0 || set_text(core, &h->agent_version, s->agent_version) < 0 ||
            set_texts(core, &h->labels, &h->labels_count, 2, labels, (uint32_t)(2 * labels_count)) < 0 ||
            set_texts(core, &h->hooks, &h->hooks_count, 3, hooks, (uint32_t)(3 * hooks_count)) < 0 ||
            lease_take(core, h, s->addresses, s->addresses_count) < 0 || listeners_take(core, h, s) < 0 ||
            take_processes(core, h, s) < 0)
                return -ENOMEM;
        cpu_use_take(&h->agent_cpu, s->agent_cpu_ns, s->at);
        h->agent_rss_bytes = s->agent_rss_bytes;
        h->agent_map_bytes = s->agent_map_bytes;
        h->resources = s->resources;
        h->interval = s->interval;
        h->final = s->final;
        h->newest_sequence = s->sequence;
        return 0;
}

struct identity *host_identity(const struct core *core, const struct host *h, uint32_t id)
{
        for (struct map_node *n = map_first(&h->identities, hash_bytes(&core->hash_key, &id, sizeof(id))); n; n = map_next(n)) {
                struct identity *i = container_of(n, struct identity, node);
                if (i->id == id)
                        return i;
        }
        return NULL;
}

int host_identities(struct core *core, struct host *h, const struct summary *s)
{
        for (size_t k = 0; k < s->identities_count; k++) {
                const struct summary_identity *d = &s->identities[k];
                struct identity *i = host_identity(core, h, d->id);

                if (i)
                        continue;
                i = core_alloc(core, sizeof(*i));
                if (!i)
                        return -ENOMEM;
                i->id = d->id;
                i->kind = d->kind;
                i->service = service_get(core, d->service, false);
                i->instance = text_get(core, d->instance);
                i->executable = text_get(core, d->executable);
                i->version = text_get(core, d->version);
                if (!i->service || !i->instance || !i->executable || !i->version ||
                    map_insert(&h->identities, &i->node, hash_bytes(&core->hash_key, &d->id, sizeof(d->id))) < 0) {
                        service_put(core, &i->service);
                        text_put(core, &i->instance);
                        text_put(core, &i->executable);
                        text_put(core, &i->version);
                        core_release(core, i, sizeof(*i));
                        return -ENOMEM;
                }
        }
        return 0;
}
