/* `replay`: a recording through a core of its own, and what a verb would have answered then. */
#include "coordinator/replay.h"
#include "coordinator/cli/ask.h"
#include "coordinator/cli/rows.h"
#include "coordinator/cli/run.h"
#include "coordinator/cli/terminal.h"
#include "coordinator/cli/tree.h"
#include "coordinator/cli/verbs.h"
#include "coordinator/config.h"
#include "coordinator/core.h"
#include "coordinator/explain_words.h"
#include "coordinator/queries.h"
#include "coordinator/signature.h"
#include "coordinator/values.h"
#include "proto/time_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static int malformed(const char *path, const struct recording_failure *failure)
{
        cli_complain("%s: at byte %" PRIu64 ": %s", path, failure->offset, failure->why);
        return CLI_FAILED;
}

/* Today's: signatures, and with --config memory and times in the place of the recorded ones. */
static int read_config(const char *path, struct core_options *options, struct signature_set **ret_signatures)
{
        char *argv[] = { (char *)"nightshift", (char *)"--config", (char *)path, NULL };
        struct yaml_config_error error;
        struct config config = { 0 };
        int r = path ? config_read(3, argv, &config, &error) : 0;

        if (r == 0)
                r = signatures_configured(&config.signatures, ret_signatures, &error);
        if (r == 0) {
                options->memory_max = config.memory;
                options->forget_after = config.forget_after;
                options->host_stale_after = config.stale_after;
        } else {
                cli_complain("%s", error.text);
        }
        if (path)
                config_free(&config);
        return r == 0 ? CLI_DONE : CLI_FAILED;
}

static const char *moment(struct text *text, int64_t at)
{
        text_puts(text, "");
        text->length = 0;
        text_time(text, at);
        return text->failed ? "?" : text->data;
}

/* The last time before the end at which the clock showed it: 02:41 is that of the recorded night. */
static int read_at(const char *value, const struct recording_facts *facts, int64_t *ret_until)
{
        struct text from = { 0 }, to = { 0 };
        int r = CLI_DONE;

        if (time_text_parse(value, facts->to, ret_until) < 0) {
                cli_complain("--at: expected %s, found '%s'", TIME_TEXT_EXPECTED, value);
                r = CLI_USAGE;
        } else if (*ret_until < facts->from || *ret_until > facts->to) {
                cli_complain("--at: expected a time from %s to %s, which was recorded, found '%s'", moment(&from, facts->from),
                             moment(&to, facts->to), value);
                r = CLI_NO_SUCH;
        }
        text_free(&from);
        text_free(&to);
        return r;
}

static void tell(const char *path, const struct replay_facts *f, int64_t took)
{
        struct text from = { 0 }, to = { 0 };
        char span[VALUE_SIZE];

        fprintf(stderr, "Replayed %s from %s to %s: %s, %" PRIu64 " summaries, in %.1f s.\n", path, moment(&from, f->from),
                moment(&to, f->now), value_duration(span, (double)(f->now - f->from) / (double)NSEC_PER_SEC), f->summaries,
                (double)took / (double)NSEC_PER_SEC);
        text_free(&from);
        text_free(&to);
}

/* What a reader of the answer has to know of the recording, whoever that is. */
static void warn(const char *path, const struct replay_facts *f, bool whole)
{
        struct text from = { 0 }, to = { 0 };

        if (f->gaps > 0)
                cli_complain("%s: %" PRIu64 " gap%s; the last from %s to %s: %s", path, f->gaps, f->gaps == 1 ? "" : "s",
                             moment(&from, f->gap_from), moment(&to, f->gap_to), f->gap_why);
        if (whole && f->cut && f->cut_at < f->size)
                cli_complain("%s: it is cut at byte %" PRIu64 " of %" PRIu64 " and was read up to there", path, f->cut_at, f->size);
        else if (whole && f->cut)
                cli_complain("%s: it was not ended by whoever recorded, and was read up to its last block", path);
        if (f->skipped > 0)
                cli_complain("%s: %" PRIu64 " records of its beginning are of another version (%s) and were left out", path,
                             f->skipped, f->version);
        if (f->refused > 0)
                cli_complain("%s: %" PRIu64 " summaries did not fit the memory budget", path, f->refused);
        text_free(&from);
        text_free(&to);
}

static int show(const struct invocation *invocation, const char *verb, const struct text *answer, int64_t now)
{
        bool table = !invocation->format || strcmp(invocation->format, "table") == 0;
        struct terminal terminal;
        struct text out = { 0 };
        json_error_t error;
        json_t *root;
        int r;

        if (!table)
                return cli_write(answer->data, answer->length);
        root = json_loadb(answer->data, answer->length, 0, &error);
        terminal_read(&terminal);
        r = !root                          ? -EBADMSG
            : strcmp(verb, "graph") == 0   ? tree_draw(&out, root, terminal.width, terminal.colour)
            : strcmp(verb, "explain") == 0 ? explain_words(&out, root, now, terminal.colour ? WORDS_COLOUR : WORDS_PLAIN)
                                           : rows_draw(&out, verb, root, now, terminal.width, terminal.colour);
        if (r == 0) {
                r = cli_write(out.data, out.length);
        } else {
                cli_complain("the answer to %s cannot be shown", verb);
                r = CLI_FAILED;
        }
        text_free(&out);
        json_decref(root);
        return r;
}

static int answer(const struct invocation *invocation, struct core *core, const struct signature_set *signatures, int64_t now)
{
        const char *verb = invocation_value(invocation, "verb"), *type;
        struct wire_argument arguments[ARRAY_SIZE(invocation->options) + 1];
        struct wire_query query = { .verb = verb ? verb : "status", .arguments = arguments };
        struct text text = { 0 };
        int r;

        for (size_t i = 0; i < invocation->options_count; i++) {
                const char *name = invocation->options[i]->name;

                if (strcmp(name, "verb") && strcmp(name, "at") && strcmp(name, "config"))
                        arguments[query.arguments_count++] = (struct wire_argument){ name, invocation->values[i] };
        }
        if (invocation->format && strcmp(invocation->format, "dot") == 0)
                arguments[query.arguments_count++] = (struct wire_argument){ "format", "dot" };
        r = (int)query_answer(core, signatures, NULL, now, -1, &query, &text, &type);
        if (text.failed) {
                cli_complain("out of memory");
                r = CLI_FAILED;
        } else if (r != QUERY_DONE) {
                cli_complain("%.*s", (int)strcspn(text.data, "\n"), text.data);
        } else {
                r = show(invocation, query.verb, &text, now);
        }
        text_free(&text);
        return r;
}

static int replay(const struct invocation *invocation, struct recording_reader **reader, const struct core_options *options,
                  const struct signature_set *signatures, int64_t until)
{
        const char *path = invocation->positional[0];
        struct recording_failure failure;
        int64_t begun = clock_monotonic();
        struct replay *p = NULL;
        struct replay_facts facts;
        int r = replay_new(reader, options, signatures, &p);

        if (r < 0) {
                cli_complain("%s", strerror(-r));
                return CLI_FAILED;
        }
        r = replay_run(p, until, &failure);
        replay_facts(p, &facts);
        if (r < 0) {
                r = malformed(path, &failure);
        } else if (!replay_core(p)) {
                cli_complain("%s: nothing was recorded in it%s", path,
                             facts.cut ? ", or it is cut before its first block ends" : "");
                r = CLI_FAILED;
        } else {
                if (!invocation->format || strcmp(invocation->format, "table") == 0)
                        tell(path, &facts, clock_monotonic() - begun);
                warn(path, &facts, until == INT64_MAX);
                r = answer(invocation, replay_core(p), signatures, until == INT64_MAX ? facts.now : until);
        }
        replay_free(&p);
        return r;
}

int run_replay(const struct invocation *invocation)
{
        const char *at = invocation_value(invocation, "at"), *config = invocation_value(invocation, "config");
        const char *path = invocation->positional[0];
        struct recording_reader *reader = NULL;
        struct signature_set *signatures = NULL;
        struct core_options options = { 0 };
        struct recording_failure failure;
        int64_t until = INT64_MAX;
        int r = recording_open(path, &reader, &failure);

        if (r == -EBADMSG)
                return malformed(path, &failure);
        if (r < 0) {
                cli_complain("%s: %s", path, failure.why);
                return CLI_FAILED;
        }
        if (at)
                r = read_at(at, recording_facts(reader), &until);
        if (r == CLI_DONE)
                r = read_config(config, &options, &signatures);
        if (r == CLI_DONE)
                r = replay(invocation, &reader, &options, signatures, until);
        signatures_free(&signatures);
        recording_reader_free(&reader);
        return r;
}
