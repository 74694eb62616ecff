#include "coordinator/pulse.h"
#include "coordinator/incident.h"

#include <math.h>

void pulse_free(struct core *core, struct end *e)
{
        if (!e->pulse)
                return;
        core_release(core, e->pulse, sizeof(*e->pulse));
        e->pulse = NULL;
        core->pulses--;
}

static void add_times(const struct buckets *b, double *answers, double *log_time)
{
        for (uint32_t i = 0; b && i < b->count; i++) {
                uint32_t k = b->first + i;
                double low = k < 2 ? 1 : ldexp(k % 2 ? 1.5 : 1, (int)(k / 2)), high = ldexp(k % 2 ? 2 : 1.5, (int)(k / 2));

                *answers += b->value[i];
                *log_time += b->value[i] * log((low + high) / 2);
        }
}

static float gained(double now, double before)
{
        return (float)fmax(now - before, 0);
}

static void measure(struct core *core, struct end *e)
{
        const struct summary_counters *c = &e->total;
        struct pulse *p = e->pulse;
        struct pulse_cell *cell;
        double answers = 0, log_time = 0;

        if (!p) {
                if (core->pulses == PULSES_MAX || c->sent + c->received + c->attempted == 0 || e->service->external)
                        return;
                p = e->pulse = core_alloc(core, sizeof(*p));
                if (!p)
                        return;
                core->pulses++;
                p->first = core->pulse_number;
        }
        add_times(e->turnaround, &answers, &log_time);
        cell = &p->cells[core->pulse_number % PULSE_CELLS];
        *cell = (struct pulse_cell){ 0 };
        if (p->known)
                *cell = (struct pulse_cell){
                        .answers = gained(answers, p->answers),
                        .log_time = gained(log_time, p->log_time),
                        .sent = gained((double)c->sent, (double)p->last.sent),
                        .received = gained((double)c->received, (double)p->last.received),
                        .attempted = gained((double)c->attempted, (double)p->last.attempted),
                        .refused = gained((double)c->refused, (double)p->last.refused),
                        .unanswered = gained((double)(c->timed_out + c->unreachable + c->aborted),
                                             (double)(p->last.timed_out + p->last.unreachable + p->last.aborted)),
                        .retransmits = gained((double)c->retransmits, (double)p->last.retransmits),
                        .resets = gained((double)(c->reset_by_peer + c->reset_by_self),
                                         (double)(p->last.reset_by_peer + p->last.reset_by_self)),
                };
        else
                p->first = core->pulse_number + 1;
        p->answers = answers;
        p->log_time = log_time;
        p->last = *c;
        p->known = true;
}

static bool measure_all(struct core *core, uint32_t *cursor)
{
        uint32_t from;
        bool more = work_portion(core, core->ends_count, cursor, &from);

        for (uint32_t i = from; i < *cursor; i++)
                measure(core, core->ends[i]);
        return more;
}

void pulse_add(struct core *core)
{
        if (core->pulse_at + PULSE_CELL > core->now)
                return;
        core->pulse_at = core->now;
        core->pulse_number++;
        work_add(core, measure_all);
        work_add(core, incidents_follow_roots);
}

void pulse_sum(const struct core *core, const struct end *e, uint32_t from, uint32_t to, struct flow *into)
{
        const struct pulse *p = e->pulse;

        for (uint32_t age = from; p && age < to && age < PULSE_CELLS && core->pulse_number >= p->first + age; age++) {
                const struct pulse_cell *c = &p->cells[(core->pulse_number - age) % PULSE_CELLS];

                into->answers += c->answers;
                into->log_time += c->log_time;
                into->sent += c->sent;
                into->received += c->received;
                into->attempted += c->attempted;
                into->refused += c->refused;
                into->unanswered += c->unanswered;
                into->retransmits += c->retransmits;
                into->resets += c->resets;
                into->refusing += c->refused >= 2 && c->refused >= c->attempted / 50;
                into->cells++;
        }
}
