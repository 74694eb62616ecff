/* Throughput of real services, and a bare connection, with and without the probes. */
#include "tests/bench/blocks.h"
#include "tests/bench/connect.h"
#include "tests/bench/cost.h"
#include "tests/bench/process.h"
#include "tests/bench/services.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const tcplife[] = { "tcplife", NULL };
static const char *const tcpconnect[] = { "tcpconnect", NULL };

static struct estimate scaled(const struct samples *samples, double factor)
{
        struct estimate e = samples_estimate(samples);

        e.low *= factor;
        e.median *= factor;
        e.high *= factor;
        return e;
}

static void add(const char *name, const char *unit, double bound, struct estimate measured, struct estimate same, const char *note,
                uint32_t rounds)
{
        struct figure f = { .bound = bound, .measured = measured, .same = same };

        snprintf(f.name, sizeof(f.name), "%s", name);
        snprintf(f.unit, sizeof(f.unit), "%s", unit);
        snprintf(f.note, sizeof(f.note), "%s%s%u pairs", note, *note ? "; " : "", 2 * rounds);
        figure_add(&f);
}

static const char *const clocks[CLOCKS] = { "time", "processor time" };

static void service_probes(const struct blocks *blocks, struct toggle *toggle, const char *what)
{
        static struct blocks_result results[CLOCKS];
        char name[96], note[64];
        int r = blocks_run(blocks, toggle, results);

        if (r < 0) {
                figure_missing(what, strerror(-r));
                return;
        }
        for (int c = 0; c < CLOCKS; c++) {
                const struct blocks_result *result = &results[c];
                struct estimate same = scaled(&result->same, 100);

                snprintf(name, sizeof(name), "%s: %s a request, default tiers", what, clocks[c]);
                snprintf(note, sizeof(note), "of %.1f us", samples_estimate(&result->off).median / NSEC_PER_USEC);
                add(name, "%", 1, scaled(blocks->raised ? &result->usual : &result->on, 100), same, note, blocks->rounds);
                if (!blocks->raised)
                        continue;
                snprintf(name, sizeof(name), "  %s, connections tier alone", clocks[c]);
                add(name, "%", 0, scaled(&result->on, 100), same, "", blocks->rounds);
                snprintf(name, sizeof(name), "  %s, turnarounds raised", clocks[c]);
                add(name, "%", 0, scaled(&result->raised, 100), same, "", blocks->rounds);
        }
}

static void service_peer(const struct blocks *blocks, const char *const *arguments)
{
        static struct blocks_result results[CLOCKS];
        struct toggle *toggle = NULL;
        const char *why = NULL;
        char name[96];
        int r = toggle_peer(arguments, &toggle, &why);

        if (r == 0)
                r = blocks_run(blocks, toggle, results);
        for (int c = 0; c < CLOCKS; c++) {
                snprintf(name, sizeof(name), "  %s, %s instead", clocks[c], arguments[0]);
                if (r < 0)
                        figure_missing(name, why ? why : strerror(-r));
                else
                        add(name, "%", 0, scaled(&results[c].on, 100), scaled(&results[c].same, 100), "", blocks->rounds);
        }
        toggle_free(&toggle);
}

static void service(const struct cost_options *options, struct toggle *toggle, const char *what,
                    int (*start)(const char *folder, struct service *ret_service, const char **ret_why))
{
        struct service s;
        struct blocks blocks = { .name = what, .measure = service_measure, .data = &s, .raised = true, .rounds = options->rounds };
        const char *why = NULL;
        int r = start(options->folder, &s, &why);

        if (r < 0) {
                figure_missing(what, why ? why : strerror(-r));
        } else {
                /* Where the kernel has no hook for turnarounds the default is the other tier alone. */
                blocks.raised = toggle_set(toggle, TOGGLE_RAISED) == 0;
                service_probes(&blocks, toggle, what);
                blocks.raised = false;
                blocks.rounds = MAX(options->rounds / 2, 1u);
                service_peer(&blocks, tcplife);
                service_peer(&blocks, tcpconnect);
        }
        service_end(&s);
}

void cost_services(const struct cost_options *options)
{
        struct toggle *toggle = NULL;
        const char *why = NULL;
        int r = toggle_probe(&toggle, &why);

        if (r < 0) {
                figure_missing("cost to services", why);
                return;
        }
        process_prefer(-1, -15);
        service(options, toggle, "nginx keep-alive under wrk", service_nginx);
        service(options, toggle, "redis-benchmark, no pipelining", service_redis);
        process_prefer(-1, 0);
        toggle_free(&toggle);
}

static void connections(const struct blocks *blocks, struct toggle *toggle, const char *what, double bound)
{
        static struct blocks_result results[CLOCKS];
        char name[96], note[64];
        int r = blocks_run(blocks, toggle, results);

        if (r < 0) {
                figure_missing(what, strerror(-r));
                return;
        }
        for (int c = 0; c < CLOCKS; c++) {
                snprintf(name, sizeof(name), "%s, %s", what, clocks[c]);
                snprintf(note, sizeof(note), "of %.1f us, or %.1f %%", samples_estimate(&results[c].off).median / NSEC_PER_USEC,
                         100 * samples_estimate(&results[c].on).median);
                add(name, "us", bound, scaled(&results[c].on_by, 1.0 / NSEC_PER_USEC),
                    scaled(&results[c].same_by, 1.0 / NSEC_PER_USEC), note, blocks->rounds);
        }
}

static void connections_peer(const struct blocks *blocks, const char *const *arguments)
{
        struct toggle *toggle = NULL;
        const char *why = NULL;
        char name[96];

        snprintf(name, sizeof(name), "  %s instead", arguments[0]);
        if (toggle_peer(arguments, &toggle, &why) == 0)
                connections(blocks, toggle, name, 0);
        else
                figure_missing(name, why);
        toggle_free(&toggle);
}

void cost_connections(const struct cost_options *options)
{
        struct connects *connects = NULL;
        struct blocks blocks = { .name = "connect, accept, close", .measure = connects_measure, .rounds = options->rounds };
        struct toggle *toggle = NULL;
        const char *why = NULL;
        int r = toggle_probe(&toggle, &why);

        if (r == 0)
                r = connects_new(19000, &connects);
        if (r < 0) {
                figure_missing("cost to a connection", why ? why : strerror(-r));
                toggle_free(&toggle);
                return;
        }
        blocks.data = connects;
        process_prefer(1, -15);
        connections(&blocks, toggle, "loopback connect, accept, close, both ends", 2);
        toggle_free(&toggle);
        blocks.rounds = MAX(options->rounds / 2, 1u);
        connections_peer(&blocks, tcplife);
        connections_peer(&blocks, tcpconnect);
        process_prefer(-1, 0);
        connects_free(&connects);
}
