/* Runs graphs through the core and says how its ranking of root causes compares with the truth, a line each:
 *   roots FIRST COUNT [MOST [LEAST]]     seeds FIRST, FIRST + 2 ...; those of more than MOST services, or of fewer than
 *                                        LEAST, are left out
 * In the environment INCIDENTS=1 prints the incidents, WHY=1 why each root is one, and VERDICTS=SIGNATURE what the signature
 * makes of edges and services where something is wrong. */
#include "coordinator/roots.h"
#include "coordinator/core.h"
#include "coordinator/incident.h"
#include "coordinator/measured.h"
#include "tests/detect/blamed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *const kinds[] = { "deployment", "dependency", "host", "network", "load" };
static const enum cause causes[] = { CAUSE_DEPLOYMENT, CAUSE_DEPENDENCY, CAUSE_HOST, CAUSE_NETWORK, CAUSE_LOAD };

static bool is_host(const struct host *h, const char *name)
{
        return h && strcmp(h->name->data, name) == 0;
}

static bool is_right(const struct root *r, const struct night_graph_cause *c)
{
        if (r->kind != causes[c->kind])
                return false;
        if (c->kind == NIGHT_CAUSE_HOST)
                return is_host(r->host, c->host);
        if (c->kind == NIGHT_CAUSE_NETWORK)
                return (is_host(r->host, c->host) && is_host(r->other, c->other)) ||
                       (is_host(r->host, c->other) && is_host(r->other, c->host));
        return r->service && strcmp(r->service->name, c->service) == 0;
}

static void name(const struct root *r)
{
        printf(" %s:%s%s%s(%.2f,%u)", cause_name(r->kind), r->service ? r->service->name : r->host->name->data, r->other ? "-" : "",
               r->other ? r->other->name->data : "", r->confidence, r->reach);
}

/* What a signature makes of each subject where something is wrong. */
static void verdicts(const struct core *core, const struct signature_set *set, const struct night_graph_truth *t)
{
        const struct signature *s = signatures_find(set, getenv("VERDICTS"));

        for (uint32_t k = 0; s && measured_get(core, k); k++) {
                const struct measured *m = measured_get(core, k);
                struct judgement j;
                bool of = false;

                for (size_t c = 0; c < t->causes_count; c++)
                        of = of || (m->server && strcmp(m->server->name, t->causes[c].service) == 0) ||
                             is_host(m->host, t->causes[c].host) || is_host(m->far, t->causes[c].host);
                if (m->kind != s->subject || !of)
                        continue;
                judge(s, m, m->seen, &j);
                printf("\n      %s@%s -> %s@%s %s:", m->service->name, m->host->name->data, m->server ? m->server->name : "",
                       m->far ? m->far->name->data : "",
                       j.fires  ? "fires"
                       : j.thin ? "thin"
                                : "no");
                for (size_t i = 0; i < s->evidence_count; i++)
                        printf(" %s %d %.3g>%.3g", signal_name(s->evidence[i].item.signal), j.evidence[i].verdict,
                               j.evidence[i].last, j.evidence[i].reference);
                for (size_t i = 0; i < s->against_count; i++)
                        if (j.against[i].verdict == VERDICT_YES)
                                printf(" but %s", s->against[i].says);
        }
}

int main(int argc, char **argv)
{
        int graphs = 0, first = 0, all = 0, some = 0, clean = 0, named = 0, faults = 0, in_three = 0;
        int of[5] = { 0 }, missed[5] = { 0 };

        const char *built_in[] = { SIGNATURES_BUILT_IN };
        struct yaml_config_error *error = calloc(1, 4096);
        struct signature_set *set = NULL;
        int raised = 0, false_raised = 0, wrong = 0;

        if (argc < 3 || !error || signatures_load(built_in, 1, &set, error) < 0)
                return 2;
        for (uint64_t n = 0; n < strtoull(argv[2], NULL, 10); n++) {
                uint64_t seed = strtoull(argv[1], NULL, 10) + 2 * n;
                const struct night_graph_truth *t;
                struct night_graph *graph = NULL;
                const struct summary *s;
                struct core *core = NULL;
                struct root roots[ROOTS_MAX];
                struct wire_ack ack;
                const char *host;
                int64_t now, tick = 0;
                size_t count, there = 0;
                bool top = false;
                clock_t began = clock();

                if (night_graph(seed, NULL, &graph) < 0 || core_new(&(struct core_options){ .coordinator = 1 }, &core) < 0)
                        return 2;
                t = night_graph_truth(graph);
                core_set_signatures(core, set);
                if ((argc > 3 && t->services > strtoull(argv[3], NULL, 10)) ||
                    (argc > 4 && t->services < strtoull(argv[4], NULL, 10))) {
                        core_free(&core);
                        night_graph_free(&graph);
                        continue;
                }
                while (night_graph_next(graph, &now, &host, &s)) {
                        for (; tick && tick + 10 * NSEC_PER_SEC <= now; tick += 10 * NSEC_PER_SEC)
                                core_tick(core, tick + 10 * NSEC_PER_SEC);
                        if (!tick)
                                tick = now;
                        if (core_summary(core, now, host, s, &ack) < 0)
                                return 3;
                }
                count = roots_find(core, roots, ROOTS_MAX);
                graphs++;
                for (size_t c = 0; c < t->causes_count; c++) {
                        size_t at = 0;

                        while (at < count && !is_right(&roots[at], &t->causes[c]))
                                at++;
                        top = top || (at == 0 && count > 0);
                        there += at < 3 && at < count;
                        of[t->causes[c].kind]++;
                        missed[t->causes[c].kind] += at >= MIN(count, (size_t)3);
                }
                faults += (int)t->causes_count;
                in_three += (int)there;
                if (t->causes_count) {
                        first += top;
                        all += there == t->causes_count;
                        some += there > 0;
                } else {
                        clean++;
                        named += count > 0;
                }
                printf("%-5llu %3zu services %s", (unsigned long long)seed, t->services,
                       t->causes_count == 0              ? (count ? "NAMED" : "clean")
                       : top && there == t->causes_count ? "ok   "
                       : top                             ? "FEWER"
                       : there                           ? "LATER"
                                                         : "MISS ");
                for (size_t c = 0; c < t->causes_count; c++)
                        printf(" %s:%s%s%s", kinds[t->causes[c].kind],
                               t->causes[c].service[0] ? t->causes[c].service : t->causes[c].host, t->causes[c].other[0] ? "-" : "",
                               t->causes[c].other);
                printf(" |");
                for (size_t k = 0; k < count && k < 6; k++)
                        name(&roots[k]);
                for (size_t k = 0; k < count && getenv("WHY"); k++)
                        printf("\n      %s %.2f %s", cause_name(roots[k].kind), roots[k].confidence, roots[k].why);
                for (uint32_t k = 0; incident_get(core, k); k++) {
                        const struct incident *i = incident_get(core, k);

                        raised++;
                        false_raised += t->causes_count == 0;
                        wrong += t->causes_count > 0 && !blamed_rightly(core, i, t);
                        if (getenv("INCIDENTS"))
                                printf("\n      %si%llu %s %s -> %s onset %+.1f min opened %+.1f min: %s %s %.2f %s",
                                       blamed_rightly(core, i, t) ? "" : "WRONG ", (unsigned long long)i->id, i->signature->data,
                                       i->service->name, i->server ? i->server->name : "",
                                       t->causes_count ? (double)(i->onset_at - t->causes[0].at) / 60e9 : 0,
                                       t->causes_count ? (double)(i->opened_at - t->causes[0].at) / 60e9 : 0,
                                       i->causes_count ? cause_name(i->causes[0].kind) : "",
                                       i->causes_count ? i->causes[0].ref->data : "", i->causes_count ? i->causes[0].confidence : 0,
                                       i->causes_count ? i->causes[0].why->data : "");
                }
                if (getenv("VERDICTS"))
                        verdicts(core, set, t);
                printf(" (%.1f s)\n", (double)(clock() - began) / CLOCKS_PER_SEC);
                fflush(stdout);
                core_free(&core);
                night_graph_free(&graph);
        }
        printf("%d graphs, %d with faults: a true cause first in %d, one in the first three in %d, all in the first three in %d; "
               "%d of %d causes in the first three; without: named in %d of %d\n",
               graphs, graphs - clean, first, some, all, in_three, faults, named, clean);
        printf("  incidents: %d for %d faults, %d of them blame what is none; %d without any\n", raised, faults, wrong,
               false_raised);
        signatures_free(&set);
        free(error);
        for (size_t k = 0; k < ARRAY_SIZE(kinds); k++)
                printf("  %s: missed %d of %d\n", kinds[k], missed[k], of[k]);
        return 0;
}
