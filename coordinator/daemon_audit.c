/* What the daemon writes into the audit log by itself, and its answers about it. One fsync on the loop's
 * own thread: it takes a fraction of what one answer may take, the store waits for the same disk, and who
 * acts has to wait for it anyway. One that takes long is logged. */
#include "coordinator/aside.h"
#include "coordinator/audit.h"
#include "coordinator/audit_answer.h"
#include "coordinator/audit_incidents.h"
#include "coordinator/daemon_internal.h"
#include "coordinator/signature.h"
#include "proto/note.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RETRY_AFTER (10 * NSEC_PER_SEC)
#define SLOW (100 * NSEC_PER_MSEC)
/* Configuration files have a bound of their own, below this. */
#define FILE_MAX_SIZE ((size_t)16 << 20)

/* Says it once when the log begins to be refused, and once when it is not any more. */
static void note_refusal(struct daemon *d)
{
        const char *why = audit_refusal(d->audit);

        if (why && !d->audit_failing)
                log_error("audit", "%s; until that is mended nothing is acted on", why);
        else if (!why && d->audit_failing)
                log_notice("audit", "the audit log is written again");
        d->audit_failing = why;
}

int daemon_audit_open(struct daemon *d)
{
        char host[128] = "";
        struct audit_options options = { .state_dir = d->config->state_dir, .name = host };
        int r;

        gethostname(host, sizeof(host) - 1);
        for (char *c = host; *c; c++)
                if (*c <= ' ' || *c > '~' || *c == '+' || *c == '"' || *c == '\\')
                        *c = '-';
        if (!*host)
                strcpy(host, "coordinator");
        r = audit_new(&options, &d->audit);
        if (r == 0)
                note_refusal(d);
        return r;
}

static int append(struct daemon *d, enum audit_kind kind, json_t *predicate)
{
        int64_t start = clock_monotonic(), took;
        uint64_t index;
        int r = predicate ? audit_append(d->audit, kind, clock_wall(), NULL, NULL, predicate, &index) : -ENOMEM;

        took = clock_monotonic() - start;
        if (took > SLOW)
                log_warning("audit", "an entry took %lld ms to become durable", (long long)(took / NSEC_PER_MSEC));
        json_decref(predicate);
        note_refusal(d);
        return r;
}

/* NULL if there is none. */
static const char *digest_of_file(const char *path, char buffer[DIGEST_TEXT_SIZE])
{
        uint8_t digest[DIGEST_SIZE];
        const char *text = NULL;
        FILE *file = fopen(path, "re");
        char *data = file ? malloc(FILE_MAX_SIZE) : NULL;
        size_t size = data ? fread(data, 1, FILE_MAX_SIZE, file) : 0;

        if (data && !ferror(file) && digest_of(data, size, digest) == 0)
                text = digest_text(digest, buffer);
        free(data);
        if (file)
                fclose(file);
        return text;
}

void daemon_audit_configuration(struct daemon *d, const char *event, const char *why)
{
        char file[DIGEST_TEXT_SIZE], signatures[DIGEST_TEXT_SIZE];

        (void)append(d, AUDIT_CONFIGURATION,
                     json_pack("{s:s,s:s,s:s,s:s?,s:s,s:I,s:s,s:s*}", "event", event, "version", NIGHTSHIFT_VERSION, "file",
                               config_file(), "file_digest", digest_of_file(config_file(), file), "signatures_digest",
                               digest_text(signatures_digest(d->signatures), signatures), "signatures",
                               (json_int_t)signatures_count(d->signatures), "key", audit_public_key(d->audit), "failed", why));
}

void daemon_audit_announced(struct daemon *d, const struct wire_query *query, const char *id)
{
        json_t *data = json_pack("{s:s,s:s#}", "event", "deployment_announced", "deployment", id, (int)strcspn(id, "\n"));

        for (size_t i = 0; data && i < query->arguments_count; i++)
                if (json_object_set_new(data, query->arguments[i].name, json_string(query->arguments[i].value)) < 0) {
                        json_decref(data);
                        data = NULL;
                }
        if (append(d, AUDIT_EVIDENCE, data) < 0 && !audit_refusal(d->audit))
                log_error("audit", "an announced deployment cannot be written into the audit log");
}

void daemon_audit_acknowledged(struct daemon *d, const char *id, const char *by, const char *why)
{
        (void)append(d, AUDIT_APPROVAL,
                     json_pack("{s:s,s:s,s:s,s:s}", "event", "page_acknowledged", "page", id, "by", by, "why", why));
}

void daemon_audit_tick(struct daemon *d, int64_t now)
{
        int r;

        if (audit_refusal(d->audit)) {
                if (now < d->audit_retry)
                        return;
                d->audit_retry = now + RETRY_AFTER;
                if (audit_recover(d->audit) < 0)
                        return;
                note_refusal(d);
                daemon_audit_configuration(d, "recovered", NULL);
        }
        if (!d->audit_incidents) {
                r = audit_incidents_new(d->audit, &d->audit_incidents);
                if (r < 0) {
                        if (d->audit_retry <= now)
                                log_error("audit", "the audit log cannot be read: %s; see `nightshift audit verify`", strerror(-r));
                        d->audit_retry = now + RETRY_AFTER;
                        return;
                }
        }
        r = audit_incidents_step(d->audit_incidents, d->audit, d->core, clock_wall());
        if (r == 0)
                r = audit_publish(d->audit);
        (void)r; /* a refusal says why */
        note_refusal(d);
}

void daemon_audit_free(struct daemon *d)
{
        if (d->audit && audit_publish(d->audit) < 0)
                note_refusal(d);
        audit_incidents_free(&d->audit_incidents);
        audit_free(&d->audit);
}

struct question {
        struct daemon *daemon;
        const struct wire_query *query;
};

static void rotate(struct daemon *d, struct wire_answer *answer)
{
        char before[NOTE_KEY_TEXT_MAX], now[NOTE_KEY_TEXT_MAX];
        int r;

        strcpy(before, audit_public_key(d->audit));
        r = audit_rotate_key(d->audit, now);
        note_refusal(d);
        if (r == 0)
                r = append(d, AUDIT_CONFIGURATION, json_pack("{s:s,s:s,s:s}", "event", "key_rotated", "from", before, "to", now));
        if (r == 0)
                text_printf(&d->text, "%s\n", now);
        else
                text_printf(&d->text, "the key cannot be changed: %s\n",
                            audit_refusal(d->audit) ? audit_refusal(d->audit) : strerror(-r));
        answer->status = r == 0 ? QUERY_DONE : QUERY_FAILED;
}

static void make_answer(struct daemon *d, const struct wire_query *query, struct wire_answer *answer)
{
        d->text.length = 0;
        d->text.failed = 0;
        answer->content_type = "text/plain; charset=utf-8";
        if (strcmp(query->verb, "audit-list") == 0) {
                answer->status = audit_answer_list(d->audit, clock_wall(), query, &d->text, &answer->content_type);
        } else if (strcmp(query->verb, "audit-show") == 0) {
                answer->status = audit_answer_show(d->audit, clock_wall(), query, &d->text, &answer->content_type);
        } else if (strcmp(query->verb, "audit-rotate-key") == 0) {
                rotate(d, answer);
        } else {
                text_printf(&d->text, "unknown verb '%.100s'\n", query->verb);
                answer->status = QUERY_USAGE;
        }
        answer->body = (const uint8_t *)(d->text.data ? d->text.data : "");
        answer->body_size = d->text.length;
}

static int make_aside(void *data, uint8_t **ret_answer, size_t *ret_size)
{
        struct question *q = data;
        struct wire_reply answer = { .kind = WIRE_ANSWER };

        make_answer(q->daemon, q->query, &answer.answer);
        return wire_pack_reply(&answer, ret_answer, ret_size);
}

void daemon_audit_answer(struct daemon *d, uint64_t token, const struct wire_query *query)
{
        struct question question = { .daemon = d, .query = query };
        struct wire_reply answer = { .kind = WIRE_ANSWER };

        d->queries++;
        /* A list reads up to 100,000 entries. */
        if (strcmp(query->verb, "audit-list") == 0 && aside_start(d->asides, token, make_aside, &question) == 0)
                return;
        make_answer(d, query, &answer.answer);
        daemon_reply(d, token, &answer);
}
