/* A recording gives the same answers as the core that was recorded, byte for byte, at every moment at
 * which that was asked, whatever happened to network, agents and coordinator meanwhile; and again the
 * same when it is replayed once more. Prints TAP; SEEDS worlds from SEED on. */
#include "coordinator/bytes.h"
#include "coordinator/queries.h"
#include "coordinator/recorder.h"
#include "coordinator/replay.h"
#include "coordinator/signature.h"
#include "proto/yaml_config.h"
#include "tests/sim/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MOMENTS_MAX 16
/* By then every agent has been heard in full, and nothing waits for its other end. */
#define SETTLED_AFTER (150 * NSEC_PER_SEC)

static const struct {
        const char *verb, *window;
        bool counters; /* all that is in the answer lies in a snapshot */
} questions[] = {
        { "graph", NULL, false }, /* first: it ends the work of the tick, and the totals are of after it */
        { "status", NULL, false }, { "hosts", NULL, false },     { "services", NULL, false },    { "processes", NULL, false },
        { "pools", NULL, false },  { "incidents", NULL, false }, { "deployments", NULL, false }, { "edges", NULL, true },
        { "edges", "1m", true },   { "graph", NULL, false },
};

struct moment {
        int64_t at;
        struct text answers[ARRAY_SIZE(questions)];
};

struct night {
        struct world w;
        struct recording_writer *writer;
        char path[64];
        uint64_t after;
        unsigned crashes;
        int64_t last;
        int64_t begun_at;
        bool begun, from_nothing;
        struct moment moments[MOMENTS_MAX];
        int moments_count;
};

static void must(bool condition, const char *what)
{
        if (condition)
                return;
        fprintf(stderr, "replay: %s\n", what);
        abort();
}

static void ask(struct core *core, int64_t now, size_t which, struct text *out)
{
        struct wire_argument window = { "window", questions[which].window };
        struct wire_query query = { questions[which].verb, &window, questions[which].window ? 1 : 0 };
        const char *type;

        must(query_answer(core, NULL, NULL, now, -1, &query, out, &type) == QUERY_DONE, "a question is not answered");
}

static void keep(struct night *n, const uint8_t *data, size_t size)
{
        const uint8_t *end = data + size;
        struct recording_frame f;
        const char *why;

        while (data < end) {
                must(recording_frame_take(&data, end, &f, &why) == 0, "a frame is none");
                must(recording_put(n->writer, &f) == 0, "a frame cannot be kept");
                n->last = f.at;
        }
}

/* What the CLI does once a second. */
static void drain(struct night *n)
{
        const uint8_t *data;
        size_t size;

        must(recorder_read(n->w.recorder, 1, n->after, n->w.now, &data, &size) == 0, "nothing can be read");
        keep(n, data, size);
        n->after += size;
}

static void begin(struct night *n)
{
        struct recording_frame gap = { RECORDING_GAP, n->last, (const uint8_t *)"it was killed", 13 };
        struct writer out = { 0 };

        /* What was not read when it was killed is lost with it. */
        if (n->begun)
                must(recording_put(n->writer, &gap) == 0, "a gap cannot be kept");
        core_align(n->w.core, n->w.now);
        must(recorder_begin(n->w.recorder, 1, n->w.now) == 0, "a recording cannot begin");
        n->after = 0;
        must(recorder_snapshot(n->w.core, &out) == 0, "no snapshot");
        keep(n, out.data, out.size);
        writer_free(&out);
        n->crashes = n->w.crashes;
        n->begun = true;
        n->begun_at = n->w.now;
}

static void look(struct night *n)
{
        struct moment *m = &n->moments[n->moments_count++];

        m->at = n->w.now;
        for (size_t i = 0; i < ARRAY_SIZE(questions); i++)
                ask(n->w.core, n->w.now, i, &m->answers[i]);
}

static void live(struct night *n, uint64_t begin_at, uint64_t steps)
{
        struct world *w = &n->w;

        for (uint64_t i = 0; i < steps; i++) {
                traffic_step(w);
                world_step(w, true);
                if (w->core && (n->begun ? n->crashes != w->crashes : i >= begin_at))
                        begin(n);
                if (!n->begun || !w->core)
                        continue;
                if (i % 60 == 59 && n->moments_count < MOMENTS_MAX)
                        look(n);
                if (world_random(w, 3) == 0)
                        drain(n);
        }
        if (w->core)
                drain(n);
        must(recording_finish(n->writer) == 0, "the recording cannot be ended");
}

static struct replay *open_replay(const struct night *n)
{
        struct recording_reader *reader = NULL;
        struct recording_failure failure;
        struct replay *p = NULL;

        if (recording_open(n->path, &reader, &failure) < 0) {
                fprintf(stderr, "replay: at byte %llu: %s\n", (unsigned long long)failure.offset, failure.why);
                abort();
        }
        must(replay_new(&reader, NULL, n->w.signatures, &p) == 0, "no replay");
        return p;
}

static void run_to(struct replay *p, int64_t until)
{
        struct recording_failure failure;

        if (replay_run(p, until, &failure) == 0)
                return;
        fprintf(stderr, "replay: at byte %llu: %s\n", (unsigned long long)failure.offset, failure.why);
        abort();
}

/* The first byte that differs, with some of what is around it. */
static int differs(const struct text *is, const struct text *was, const char *verb, bool talk)
{
        size_t i = 0, from;

        if (is->length == was->length && memcmp(is->data, was->data, is->length) == 0)
                return 0;
        while (i < is->length && i < was->length && is->data[i] == was->data[i])
                i++;
        from = i > 120 ? i - 120 : 0;
        if (talk)
                printf("# %s differs at byte %zu:\n# live   %.240s\n# replay %.240s\n", verb, i, was->data + from, is->data + from);
        return 1;
}

static int compare(struct replay *p, const struct moment *m, bool exact, bool alike, bool talk)
{
        int bad = 0;

        run_to(p, m->at);
        for (size_t i = 0; i < ARRAY_SIZE(questions); i++) {
                struct text answer = { 0 };

                ask(replay_core(p), m->at, i, &answer);
                if (exact || (alike && questions[i].counters))
                        bad |= differs(&answer, &m->answers[i], questions[i].verb, talk);
                text_free(&answer);
        }
        return bad;
}

/* In one piece, which must make no difference to asking on the way. */
static int compare_end(const struct night *n, bool talk)
{
        struct text ends[2] = { { 0 }, { 0 } };
        int bad;

        for (int i = 0; i < 2; i++) {
                struct replay *p = open_replay(n);
                struct replay_facts facts;

                run_to(p, INT64_MAX);
                replay_facts(p, &facts);
                must(!facts.cut && facts.skipped == 0 && facts.refused == 0, "it is not whole");
                ask(replay_core(p), facts.now, 0, &ends[i]);
                replay_free(&p);
        }
        bad = differs(&ends[0], &ends[1], "the end", talk);
        text_free(&ends[0]);
        text_free(&ends[1]);
        return bad;
}

static int run(uint64_t seed, struct night *n, const struct signature_set *signatures, bool talk)
{
        struct replay *p;
        uint64_t steps, begin_at;
        int bad = 0;

        memset(n, 0, sizeof(*n));
        world_build(&n->w, seed);
        n->w.signatures = signatures;
        /* A budget that is spent, and a rate of keys that nobody can configure, are no part of a recording. */
        n->w.options.memory_max = 0;
        n->w.options.keys_per_second = 0;
        n->w.trouble &= ~(unsigned)TROUBLE_MEMORY;
        must(recorder_new(&n->w.recorder) == 0, "no recorder");
        snprintf(n->path, sizeof(n->path), "/tmp/nightshift-replay-%d-%llu", (int)getpid(), (unsigned long long)seed);
        must(recording_create(n->path, &n->writer) == 0, "no file");
        n->from_nothing = world_random(&n->w, 3) != 0;
        begin_at = n->from_nothing ? 0 : 100 + world_random(&n->w, 100);
        steps = begin_at + 200 + world_random(&n->w, 400);
        live(n, begin_at, steps);
        p = open_replay(n);
        for (int i = 0; i < n->moments_count; i++) {
                const struct moment *m = &n->moments[i];
                bool settled = n->w.trouble == 0 && m->at - n->begun_at > SETTLED_AFTER;

                bad |= compare(p, m, n->from_nothing && n->w.crashes == 0, settled, talk);
        }
        replay_free(&p);
        bad |= compare_end(n, talk);
        for (int i = 0; i < n->moments_count; i++)
                for (size_t k = 0; k < ARRAY_SIZE(questions); k++)
                        text_free(&n->moments[i].answers[k]);
        recording_writer_free(&n->writer);
        unlink(n->path);
        recorder_free(&n->w.recorder);
        world_free(&n->w);
        return bad;
}

int main(void)
{
        const char *seeds = getenv("SEEDS"), *first = getenv("SEED"), *fast = getenv("FAST");
        uint64_t count = seeds && *seeds ? strtoull(seeds, NULL, 0) : fast && *fast ? 100 : 500;
        uint64_t from = first && *first ? strtoull(first, NULL, 0) : 1;
        static const char *const built_in = SIGNATURES_BUILT_IN;
        struct signature_set *signatures = NULL;
        struct yaml_config_error error;
        struct night *n = malloc(sizeof(*n));
        uint64_t failed = 0;

        if (!n)
                return 1;
        must(signatures_load(&built_in, 1, &signatures, &error) == 0, "no signatures");
        printf("TAP version 13\n1..1\n# SEED=%llu SEEDS=%llu\n", (unsigned long long)from, (unsigned long long)count);
        for (uint64_t i = from; i < from + count; i++) {
                if (run(i, n, signatures, false) == 0)
                        continue;
                if (failed++ < 5) {
                        printf("# seed %llu:\n", (unsigned long long)i);
                        (void)run(i, n, signatures, true);
                }
        }
        printf("%s 1 - a replay answers as the recorded core did, in %llu worlds\n", failed ? "not ok" : "ok",
               (unsigned long long)count);
        if (failed)
                printf("# %llu of them failed\n", (unsigned long long)failed);
        signatures_free(&signatures);
        free(n);
        return failed != 0;
}
