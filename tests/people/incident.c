/* incident DIR MINUTES: makes the state of a coordinator that has found a pool leak of `payments`, whose limit may be
 * reached in so many minutes. As detection leaves it: finding one takes half an hour. */
#include "coordinator/incident.h"
#include "coordinator/deployment_internal.h"
#include "coordinator/signature.h"
#include "coordinator/store.h"
#include "proto/yaml_config.h"
#include "tests/unit/coordinator/world.h"

#include <sys/stat.h>

static void check(int r, const char *what)
{
        if (r >= 0)
                return;
        fprintf(stderr, "incident: %s: %s\n", what, strerror(-r));
        exit(1);
}

static void leak(struct core *core, const struct signature_set *signatures, int64_t now, int64_t minutes)
{
        struct service *service = service_get(core, "payments", false), *server = service_get(core, "db", false);
        struct deployment *d = deployment_new(core, service->text, DEPLOYMENT_BUILD, now - SECONDS(1800));
        struct incident *i = incident_open(core, signatures_find(signatures, "connection-pool-leak"), SUBJECT_POOL, service, server,
                                           5432, now - SECONDS(900));
        const struct host *host = host_find(core, "pay1");

        d->from = text_get(core, "2.0");
        d->to = text_get(core, "2.1");
        incident_add_subject(i, host, now - SECONDS(900), now, 12);
        i->subjects[0].pid = host->processes[0].row.pid;
        i->subjects[0].started = host->processes[0].row.started;
        i->subjects[0].build = text_ref(host->processes[0].build);
        i->fired_at = now;
        i->has_breach = true;
        i->limit = 20;
        i->breach = (struct forecast){ .earliest = now + SECONDS(60 * minutes),
                                       .likely = now + SECONDS(120 * minutes),
                                       .latest = now + SECONDS(180 * minutes),
                                       .rate_low = 1,
                                       .rate = 2,
                                       .rate_high = 3 };
        i->causes = core_alloc(core, CAUSES_KEPT * sizeof(*i->causes));
        i->causes[0] = (struct incident_cause){ .kind = CAUSE_DEPLOYMENT,
                                                .deployment = d->id,
                                                .ref = text_get(core, "d-1"),
                                                .why = text_get(core, "it began <b>after</b> [2.1](http://evil.example)"),
                                                .confidence = .9 };
        i->causes_count = 1;
        service_put(core, &service);
        service_put(core, &server);
}

int main(int argc, char **argv)
{
        static struct agent a;
        struct signature_set *signatures;
        struct yaml_config_error error = { "" };
        struct summary_process process = { .pid = 100, .executable = "/srv/payments", .build = "b" };
        struct store *store = NULL;
        struct core *core = NULL;
        int64_t now = clock_wall();
        const char *why = "";

        if (argc != 3)
                return 2;
        (void)mkdir(argv[1], 0700);
        check(store_open(argv[1], &store, &why), why);
        check(core_new(&(struct core_options){ .coordinator = 1 }, &core), "core");
        check(signatures_configured(NULL, &signatures, &error), error.text);
        core_set_signatures(core, signatures);
        agent_start(&a, "pay1", 1, now - SECONDS(3600));
        process.identity = agent_service(&a, "payments");
        process.started = now - SECONDS(1800);
        a.s.processes = &process;
        a.s.processes_count = 1;
        check(agent_send(&a, core, now), "summary");
        core_tick(core, now);
        leak(core, signatures, now, atoi(argv[2]));
        check(store_flush(store, core, now), "store");
        store_close(&store);
        core_free(&core);
        signatures_free(&signatures);
        return 0;
}
