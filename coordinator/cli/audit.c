/* `nightshift audit`: list and show ask the coordinator, verify looks at the files alone. */
#include "coordinator/audit_verify.h"
#include "coordinator/cli/ask.h"
#include "coordinator/cli/client.h"
#include "coordinator/cli/rows.h"
#include "coordinator/cli/run.h"
#include "coordinator/cli/terminal.h"
#include "coordinator/cli/verbs.h"
#include "coordinator/render.h"
#include "coordinator/values.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FOLDER_DEFAULT "/var/lib/nightshift/coordinator/audit"
#define NOTE_FILE_MAX 65536

static bool wants_json(const struct invocation *invocation)
{
        return invocation->format && strcmp(invocation->format, "json") == 0;
}

/* Lines of the JSON that people read; what a terminal would obey is escaped. */
static int print_json(const char *title, const json_t *value)
{
        CLEANUP_FREE char *text = json_dumps(value, JSON_INDENT(2) | JSON_ENSURE_ASCII | JSON_ENCODE_ANY);

        return printf("\n%s\n%s\n", title, text ? text : "-") < 0 ? CLI_FAILED : CLI_DONE;
}

static int print_entry(json_t *root)
{
        static const char *const lines[] = { "kind", "incident", "action", "digest" };
        json_t *entry = json_object_get(root, "audit"), *evidence = json_object_get(entry, "evidence");
        char time[VALUE_SIZE];
        int r;

        if (!json_is_object(entry)) {
                cli_complain("the coordinator's answer to audit show cannot be shown");
                return CLI_FAILED;
        }
        printf("%-10s%lld\n", "index", (long long)json_integer_value(json_object_get(entry, "index")));
        printf("%-10s%s\n", "at", value_time(time, json_object_get(entry, "at"), clock_wall()));
        for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
                if (*value_string(entry, lines[i])) {
                        CLEANUP_FREE char *text = json_dumps(json_object_get(entry, lines[i]), JSON_ENSURE_ASCII | JSON_ENCODE_ANY);

                        /* Without the quotes around it. */
                        printf("%-10s%.*s\n", lines[i], text ? (int)strlen(text) - 2 : 0, text ? text + 1 : "");
                }
        r = print_json("Data", json_object_get(entry, "data"));
        if (r == CLI_DONE && json_is_object(evidence))
                r = print_json("Evidence", evidence);
        return r;
}

static int ask_coordinator(const struct invocation *invocation, const char *verb, struct ask *ask)
{
        struct client *client = NULL;
        struct wire_answer answer;
        struct terminal terminal;
        struct text out = { 0 };
        json_t *root = NULL;
        int r = ask_connect(invocation, &client);

        if (r == CLI_DONE && (wants_json(invocation) || strcmp(verb, "audit-rotate-key") == 0)) {
                r = ask_send(client, verb, ask, &answer);
                if (r == CLI_DONE)
                        r = cli_write((const char *)answer.body, answer.body_size);
        } else if (r == CLI_DONE) {
                r = ask_json(client, verb, ask, &root);
                if (r == CLI_DONE && strcmp(verb, "audit-show") == 0) {
                        r = print_entry(root);
                } else if (r == CLI_DONE) {
                        terminal_read(&terminal);
                        r = rows_draw(&out, "audit", root, clock_wall(), terminal.width, terminal.colour);
                        if (r == 0)
                                r = cli_write(out.data, out.length);
                        else
                                r = CLI_FAILED;
                }
        }
        json_decref(root);
        text_free(&out);
        client_free(&client);
        return r;
}

struct report {
        json_t *findings; /* NULL: they are printed as they come */
};

static void report_finding(void *data, const struct audit_finding *finding)
{
        struct report *report = data;

        if (report->findings)
                json_array_append_new(report->findings, json_pack("{s:s,s:s}", "file", finding->file, "what", finding->sentence));
        else
                printf("%s: %s\n", finding->file, finding->sentence);
}

static int print_verified(const struct invocation *invocation, const struct audit_verified *v, json_t *findings)
{
        CLEANUP_FREE char *text = NULL;
        json_t *root;
        struct text at = { 0 };

        if (!wants_json(invocation)) {
                printf("%s: %llu entries, %llu pieces of evidence in %llu files", v->findings ? "NOT VERIFIED" : "verified",
                       (unsigned long long)v->entries, (unsigned long long)v->evidence, (unsigned long long)v->files);
                if (v->findings)
                        printf("; %llu wrong", (unsigned long long)v->findings);
                printf("\nkey   %s%s\nroot  %s\n", v->key, invocation_value(invocation, "key") ? "" : " (the one that lies there)",
                       v->root);
                if (v->unfinished)
                        printf("%llu bytes at the end of the journal are of an entry that was never completed\n",
                               (unsigned long long)v->unfinished);
                return v->findings ? CLI_NOT_VERIFIED : CLI_DONE;
        }
        text_time(&at, clock_wall());
        root = json_pack("{s:s,s:b,s:{s:b,s:I,s:I,s:I,s:I,s:s,s:s,s:O}}", "as_of", at.data ? at.data : "", "complete", 1, "audit",
                         "verified", v->findings == 0, "entries", (json_int_t)v->entries, "evidence", (json_int_t)v->evidence,
                         "files", (json_int_t)v->files, "unfinished_bytes", (json_int_t)v->unfinished, "key", v->key, "root",
                         v->root, "findings", findings);
        text = root ? json_dumps(root, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;
        text_free(&at);
        json_decref(root);
        puts(text ? text : "{}");
        return !text ? CLI_FAILED : v->findings ? CLI_NOT_VERIFIED : CLI_DONE;
}

/* A note that was kept elsewhere. */
static int read_checkpoint(const char *path, char **ret_note, size_t *ret_size)
{
        FILE *file = fopen(path, "re");
        char *note = file ? malloc(NOTE_FILE_MAX) : NULL;

        *ret_size = note ? fread(note, 1, NOTE_FILE_MAX, file) : 0;
        if (file)
                fclose(file);
        if (!note) {
                cli_complain("%s: %s", path, strerror(errno));
                return CLI_FAILED;
        }
        *ret_note = note;
        return CLI_DONE;
}

static int verify(const struct invocation *invocation)
{
        const char *folder = invocation->positional_count > 1 ? invocation->positional[1] : FOLDER_DEFAULT;
        const char *checkpoint = invocation_value(invocation, "checkpoint");
        struct audit_verify_options options = { .key = invocation_value(invocation, "key") };
        struct report report = { .findings = wants_json(invocation) ? json_array() : NULL };
        struct audit_verified verified;
        CLEANUP_FREE char *note = NULL;
        int r = checkpoint ? read_checkpoint(checkpoint, &note, &options.checkpoint_size) : CLI_DONE;

        if (r == CLI_DONE) {
                options.checkpoint = note;
                r = audit_verify(folder, &options, report_finding, &report, &verified);
                if (r == 0) {
                        r = print_verified(invocation, &verified, report.findings);
                } else if (r == -EINVAL) {
                        cli_complain("--key: expected a key such as the first line of audit/key/0, found '%s'", options.key);
                        r = CLI_USAGE;
                } else {
                        cli_complain(r == -ENOENT ? "there is no audit log in %s" : "%s cannot be read", folder);
                        r = r == -ENOENT ? CLI_NO_SUCH : CLI_FAILED;
                }
        }
        json_decref(report.findings);
        return r;
}

/* Options that mean something to another one of list, show and verify. */
static int refuse_options(const struct invocation *invocation, const char *what, bool of_list, bool of_verify)
{
        for (size_t i = 0; i < invocation->options_count; i++) {
                const char *name = invocation->options[i]->name;
                bool is_verify = strcmp(name, "key") == 0 || strcmp(name, "checkpoint") == 0;

                if (is_verify ? of_verify : of_list)
                        continue;
                cli_complain("audit %s: it has no option --%s; see `nightshift audit --help`", what, name);
                return CLI_USAGE;
        }
        return CLI_DONE;
}

int run_audit(const struct invocation *invocation)
{
        const char *what = invocation->positional[0];
        int count = invocation->positional_count, r;
        struct ask ask;

        r = refuse_options(invocation, what, strcmp(what, "list") == 0, strcmp(what, "verify") == 0);
        if (r != CLI_DONE)
                return r;
        if (strcmp(what, "verify") == 0)
                return verify(invocation);
        r = ask_prepare(invocation, &ask);
        if (r != CLI_DONE)
                return r;
        if (strcmp(what, "list") == 0 && count == 1)
                return ask_coordinator(invocation, "audit-list", &ask);
        if (strcmp(what, "rotate-key") == 0 && count == 1)
                return ask_coordinator(invocation, "audit-rotate-key", &ask);
        if (strcmp(what, "show") == 0 && count == 2) {
                ask_add(&ask, "index", invocation->positional[1]);
                return ask_coordinator(invocation, "audit-show", &ask);
        }
        cli_complain("audit: expected list, show INDEX, verify [DIR] or rotate-key; see `nightshift audit --help`");
        return CLI_USAGE;
}
