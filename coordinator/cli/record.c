/* `record`: takes what the coordinator's core is given and writes it to a file, until Ctrl-C, --for or a
 * full disk. If the coordinator goes away or we were too slow, the recording goes on from a new
 * beginning, with a gap that says why. */
#include "coordinator/cli/ask.h"
#include "coordinator/cli/client.h"
#include "coordinator/cli/run.h"
#include "coordinator/cli/screen.h"
#include "coordinator/cli/verbs.h"
#include "coordinator/recording.h"
#include "coordinator/values.h"
#include "proto/units.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define ASK_EVERY NSEC_PER_SEC
#define BEGUN_WITHIN (60 * NSEC_PER_SEC)
#define ANSWER_WITHIN (3 * NSEC_PER_SEC) /* nng does not tell when the other side went away meanwhile */
#define WRITE_EVERY (10 * NSEC_PER_SEC)  /* what a crash of ours can cost */

struct take {
        const struct invocation *invocation;
        const char *path;
        struct client *client;
        struct recording_writer *writer;
        char id[24];
        uint64_t after;              /* bytes of the present part that are here */
        bool begun;                  /* there is a part that goes on */
        bool silent;                 /* nobody answers, and that was said */
        char gap[RECORDING_GAP_MAX]; /* why it does not, once something was recorded; or "" */
        int64_t from, last;
        uint64_t summaries, gaps;
        int64_t until; /* monotonic, or INT64_MAX */
};

static int cannot_write(const struct take *t, int r)
{
        if (r == -ERANGE)
                cli_complain("%s: the coordinator came back with its clock set back; the recording ends before that", t->path);
        else
                cli_complain("%s: %s; the recording ends there", t->path, strerror(-r));
        return CLI_FAILED;
}

static int keep_frame(struct take *t, const struct recording_frame *f)
{
        int r;

        if (*t->gap && f->kind == RECORDING_START) {
                r = recording_put(t->writer, &(struct recording_frame){ .kind = RECORDING_GAP,
                                                                        .at = t->last,
                                                                        .data = (const uint8_t *)t->gap,
                                                                        .size = strlen(t->gap) });
                if (r < 0)
                        return r;
                t->gaps++;
                t->gap[0] = '\0';
        }
        r = recording_put(t->writer, f);
        if (r < 0)
                return r;
        if (t->from == 0)
                t->from = f->at;
        t->last = f->at;
        t->summaries += f->kind == RECORDING_SUMMARY;
        return 0;
}

static int keep(struct take *t, const struct wire_answer *answer)
{
        const uint8_t *data = answer->body, *end = data + answer->body_size;
        struct recording_frame f;
        const char *why;
        int r;

        while (data < end) {
                if (recording_frame_take(&data, end, &f, &why) < 0) {
                        cli_complain("the coordinator's answer is no part of a recording: %s", why);
                        return CLI_FAILED;
                }
                r = keep_frame(t, &f);
                if (r < 0)
                        return cannot_write(t, r);
        }
        return CLI_DONE;
}

static int say(struct take *t, const char *what, struct wire_answer *ret_answer, const char **ret_why)
{
        char after[24];
        struct wire_argument arguments[] = { { "what", what }, { "id", t->id }, { "after", after } };
        struct wire_query query = { .verb = "record", .arguments = arguments, .arguments_count = ARRAY_SIZE(arguments) };

        snprintf(after, sizeof(after), "%" PRIu64, t->after);
        return client_query(t->client, &query, strcmp(what, "begin") ? ANSWER_WITHIN : BEGUN_WITHIN, ret_answer, ret_why);
}

/* Nobody answers. Before anything was recorded that is the end; after, whoever answers next knows
 * whether the present part goes on. */
static int no_answer(struct take *t, const char *why)
{
        client_free(&t->client);
        if (t->last == 0 || !t->silent)
                cli_complain("%s%s", why, t->last == 0 ? "" : "; the recording goes on once it is back");
        t->silent = true;
        return t->last == 0 ? CLI_FAILED : CLI_DONE;
}

/* Nothing more comes of the present part, and another begins. */
static void end_part(struct take *t, const char *why, size_t length)
{
        cli_complain("%.*s; the recording goes on, with a gap", (int)length, why);
        snprintf(t->gap, sizeof(t->gap), "%.*s", (int)MIN(length, sizeof(t->gap) - 1), why);
        t->begun = false;
        t->id[0] = '\0';
}

static size_t sentence(const struct wire_answer *answer)
{
        size_t size = MIN(answer->body_size, (size_t)RECORDING_GAP_MAX - 1);

        while (size > 0 && answer->body[size - 1] == '\n')
                size--;
        return size;
}

/* One question; what the answer brings is kept. */
static int turn(struct take *t)
{
        struct wire_answer answer;
        const char *why = "";
        uint64_t random;
        int r;

        if (!t->client) {
                r = client_new(t->invocation->control, &t->client, &why);
                if (r < 0)
                        return no_answer(t, why);
        }
        /* Asked again, it is the same recording that begins. */
        if (!t->begun && !*t->id) {
                if (getrandom(&random, sizeof(random), 0) != sizeof(random)) {
                        cli_complain("the kernel gives no random numbers");
                        return CLI_FAILED;
                }
                snprintf(t->id, sizeof(t->id), "%" PRIu64, random | 1);
                t->after = 0;
        }
        r = say(t, t->begun ? "next" : "begin", &answer, &why);
        if (r < 0)
                return no_answer(t, why);
        t->silent = false;
        if (answer.status != CLI_DONE && (!t->begun || answer.status != CLI_NO_SUCH)) {
                cli_complain("%.*s", (int)sentence(&answer), (const char *)answer.body);
                return CLI_FAILED;
        }
        if (answer.status != CLI_DONE) {
                end_part(t, (const char *)answer.body, sentence(&answer));
                return CLI_DONE;
        }
        if (keep(t, &answer) != CLI_DONE)
                return CLI_FAILED;
        if (t->begun)
                t->after += answer.body_size;
        t->begun = true;
        return CLI_DONE;
}

static int follow(struct take *t)
{
        int64_t next = clock_monotonic(), write_at = next + WRITE_EVERY;
        enum screen_event event = SCREEN_NOTHING;
        char key;
        int r;

        while (event != SCREEN_END) {
                int64_t now = clock_monotonic();

                if (now >= next || now >= t->until) {
                        r = turn(t);
                        if (r == CLI_DONE && now >= write_at) {
                                r = recording_flush(t->writer);
                                if (r < 0)
                                        return cannot_write(t, r);
                                write_at = now + WRITE_EVERY;
                        }
                        if (r != CLI_DONE || now >= t->until)
                                return r;
                        next = now + ASK_EVERY;
                }
                event = screen_wait(MIN(next, t->until), &key);
        }
        /* What came in since the last question belongs to it. */
        return t->begun ? turn(t) : CLI_DONE;
}

static int finish(struct take *t, int r)
{
        struct wire_answer answer;
        char span[VALUE_SIZE], size[VALUE_SIZE];
        const char *why;
        int written = recording_finish(t->writer);

        if (t->begun)
                (void)say(t, "end", &answer, &why);
        if (r == CLI_DONE && written < 0)
                r = cannot_write(t, written);
        if (t->from == 0) {
                unlink(t->path);
                return r;
        }
        printf("%s: %s, %" PRIu64 " summaries, %s", t->path,
               value_duration(span, (double)(t->last - t->from) / (double)NSEC_PER_SEC), t->summaries,
               value_bytes(size, (double)recording_written(t->writer)));
        if (t->gaps > 0)
                printf(", %" PRIu64 " gap%s", t->gaps, t->gaps == 1 ? "" : "s");
        printf("\n");
        return r;
}

int run_record(const struct invocation *invocation)
{
        struct take t = { .invocation = invocation, .path = invocation->positional[0], .until = INT64_MAX };
        const char *limit = invocation_value(invocation, "for");
        int64_t duration;
        int r;

        if (limit && (duration_parse(limit, &duration) < 0 || duration == 0)) {
                cli_complain("--for: expected a duration such as 10m, 8h or 1d, found '%s'", limit);
                return CLI_USAGE;
        }
        if (limit)
                t.until = clock_monotonic() + duration;
        /* Before nng makes its threads; see run_watch(). */
        if (screen_signals() < 0) {
                cli_complain("signals cannot be taken: %s", strerror(errno));
                return CLI_FAILED;
        }
        r = recording_create(t.path, &t.writer);
        if (r < 0) {
                cli_complain("%s: %s", t.path, r == -EEXIST ? "it exists already; a recording overwrites nothing" : strerror(-r));
                return CLI_FAILED;
        }
        if (!limit && isatty(STDERR_FILENO))
                fprintf(stderr, "Recording to %s; Ctrl-C ends it.\n", t.path);
        r = finish(&t, follow(&t));
        recording_writer_free(&t.writer);
        client_free(&t.client);
        return r;
}
