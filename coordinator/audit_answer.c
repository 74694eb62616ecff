#include "coordinator/audit_answer.h"
#include "coordinator/digest.h"
#include "coordinator/render.h"
#include "proto/base64.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LAST_DEFAULT 1000
#define LAST_MAX 10000
#define LOOK_BACK_MAX 100000 /* entries that are read for one question */
#define CONTENT_MAX 262144   /* evidence that is shown; more is in the file */

struct selection {
        const char *incident, *action;
        bool has_kind;
        enum audit_kind kind;
        uint64_t from, last;
        bool has_from;
};

static enum query_status wrong(struct text *out, const struct wire_argument *a, const char *expected)
{
        text_printf(out, "%s: expected %s, found '%.100s'\n", a->name, expected, a->value);
        return QUERY_USAGE;
}

static bool number(const char *text, uint64_t *ret_number)
{
        char *end;

        errno = 0;
        *ret_number = strtoull(text, &end, 10);
        return *text >= '0' && *text <= '9' && !*end && errno == 0;
}

static enum query_status select_by(const struct wire_query *query, struct text *out, struct selection *s)
{
        for (size_t i = 0; i < query->arguments_count; i++) {
                const struct wire_argument *a = &query->arguments[i];

                if (strcmp(a->name, "incident") == 0) {
                        s->incident = a->value;
                } else if (strcmp(a->name, "action") == 0) {
                        s->action = a->value;
                } else if (strcmp(a->name, "kind") == 0) {
                        s->has_kind = audit_kind_parse(a->value, &s->kind);
                        if (!s->has_kind)
                                return wrong(out, a, "a kind of entry, such as evidence, diagnosis, decision or configuration");
                } else if (strcmp(a->name, "from") == 0) {
                        s->has_from = number(a->value, &s->from);
                        if (!s->has_from)
                                return wrong(out, a, "the index of an entry");
                } else if (strcmp(a->name, "last") == 0) {
                        if (!number(a->value, &s->last) || s->last < 1 || s->last > LAST_MAX)
                                return wrong(out, a, "a whole number from 1 to 10000");
                } else {
                        text_printf(out, "unknown argument '%.100s'\n", a->name);
                        return QUERY_USAGE;
                }
        }
        return QUERY_DONE;
}

static const char *time_of(int64_t at, struct text *buffer)
{
        buffer->length = 0;
        text_time(buffer, at);
        return buffer->data ? buffer->data : "";
}

static const char *hex_of(const struct tlog_hash *hash, char buffer[DIGEST_TEXT_SIZE])
{
        return digest_text(hash->bytes, buffer);
}

static json_t *row(const struct audit_entry *e)
{
        char digest[DIGEST_TEXT_SIZE];
        struct text at = { 0 };
        json_t *row = json_pack("{s:I,s:s,s:s,s:s?,s:s?,s:s}", "index", (json_int_t)e->index, "at", time_of(e->at, &at), "kind",
                                audit_kind_name(e->kind), "incident", e->incident, "action", e->action, "digest",
                                hex_of(&e->leaf, digest));

        text_free(&at);
        return row;
}

struct listing {
        const struct selection *selection;
        json_t *rows;
};

static int list_entry(void *data, const struct audit_entry *e)
{
        struct listing *l = data;
        const struct selection *s = l->selection;

        if ((s->incident && (!e->incident || strcmp(s->incident, e->incident) != 0)) ||
            (s->action && (!e->action || strcmp(s->action, e->action) != 0)) || (s->has_kind && s->kind != e->kind))
                return 0;
        if (json_array_append_new(l->rows, row(e)) < 0)
                return -ENOMEM;
        if (json_array_size(l->rows) <= s->last)
                return 0;
        /* From where was asked, the first ones; else the last. */
        return json_array_remove(l->rows, s->has_from ? s->last : 0) < 0 ? -ENOMEM : 0;
}

static enum query_status finish(struct text *out, int64_t now, json_t *what, const char **ret_type)
{
        struct text at = { 0 };
        json_t *root = what ? json_pack("{s:s,s:b,s:o}", "as_of", time_of(now, &at), "complete", 1, "audit", what) : NULL;
        /* In ASCII: what a terminal obeys is escaped. */
        CLEANUP_FREE char *text = root ? json_dumps(root, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;

        text_free(&at);
        json_decref(root);
        if (!text) {
                text_puts(out, "the coordinator cannot answer: memory is short\n");
                return QUERY_FAILED;
        }
        text_puts(out, text);
        text_puts(out, "\n");
        *ret_type = "application/json";
        return QUERY_DONE;
}

static enum query_status unreadable(struct text *out, struct audit *audit, int r)
{
        if (r == -EROFS)
                text_printf(out, "there is no audit log: %s\n", audit_refusal(audit));
        else
                text_printf(out, "the audit log cannot be read: %s; see `nightshift audit verify`\n",
                            r == -EBADMSG ? "an entry is damaged" : strerror(-r));
        return QUERY_FAILED;
}

enum query_status audit_answer_list(struct audit *audit, int64_t now, const struct wire_query *query, struct text *out,
                                    const char **ret_type)
{
        struct selection s = { .last = LAST_DEFAULT };
        enum query_status status = select_by(query, out, &s);
        struct listing l = { .selection = &s };
        uint64_t size = audit_size(audit), back;
        int r;

        if (status != QUERY_DONE)
                return status;
        back = s.incident || s.action || s.has_kind ? LOOK_BACK_MAX : s.last;
        if (!s.has_from)
                s.from = size > back ? size - back : 0;
        l.rows = json_array();
        r = l.rows ? audit_visit(audit, s.from, s.from + MIN(back, size), list_entry, &l) : -ENOMEM;
        if (r < 0) {
                json_decref(l.rows);
                return unreadable(out, audit, r);
        }
        return finish(out, now, l.rows, ret_type);
}

/* JSON where it is, else text, else base64. */
static json_t *content_of(const uint8_t *data, size_t size)
{
        CLEANUP_FREE char *text = NULL;
        json_t *content = json_loadb((const char *)data, size, JSON_DECODE_ANY, NULL);

        if (content)
                return content;
        content = json_stringn((const char *)data, size);
        if (content)
                return content;
        text = malloc(BASE64_LENGTH(size) + 1);
        if (!text)
                return NULL;
        base64_encode(data, size, text);
        return json_string(text);
}

static json_t *evidence_of(struct audit *audit, const char *digest)
{
        CLEANUP_FREE uint8_t *data = NULL;
        size_t size = 0;
        int r = audit_evidence(audit, digest, &data, &size);

        if (r < 0)
                return json_pack("{s:s,s:s}", "digest", digest, "missing",
                                 r == -ENOENT    ? "it is not there"
                                 : r == -EBADMSG ? "it is damaged"
                                                 : strerror(-r));
        if (size > CONTENT_MAX)
                return json_pack("{s:s,s:I}", "digest", digest, "size", (json_int_t)size);
        return json_pack("{s:s,s:I,s:o}", "digest", digest, "size", (json_int_t)size, "content", content_of(data, size));
}

/* With what is in `envelope` and the checkpoint, anybody can check that the entry is in the log. */
static json_t *inclusion_of(struct audit *audit, uint64_t index)
{
        struct tlog_hash proof[TLOG_PROOF_MAX];
        json_t *hashes = json_array();
        size_t count = 0;

        if (audit_inclusion(audit, index, proof, &count) < 0) {
                json_decref(hashes);
                return json_null();
        }
        for (size_t i = 0; i < count; i++) {
                char text[BASE64_LENGTH(TLOG_HASH_SIZE) + 1];

                base64_encode(proof[i].bytes, TLOG_HASH_SIZE, text);
                json_array_append_new(hashes, json_string(text));
        }
        return json_pack("{s:s,s:o}", "checkpoint", audit_checkpoint(audit), "proof", hashes);
}

struct showing {
        struct audit *audit;
        json_t *what;
};

static int show_entry(void *data, const struct audit_entry *e)
{
        struct showing *s = data;

        s->what = row(e);
        if (!s->what || json_object_set(s->what, "data", (json_t *)e->predicate) < 0 ||
            json_object_set_new(s->what, "evidence", e->evidence ? evidence_of(s->audit, e->evidence) : json_null()) < 0 ||
            json_object_set_new(s->what, "envelope", json_loadb((const char *)e->bytes, e->size, 0, NULL)) < 0 ||
            json_object_set_new(s->what, "inclusion", inclusion_of(s->audit, e->index)) < 0)
                return -ENOMEM;
        return 0;
}

enum query_status audit_answer_show(struct audit *audit, int64_t now, const struct wire_query *query, struct text *out,
                                    const char **ret_type)
{
        struct showing s = { .audit = audit };
        uint64_t index = 0;
        bool given = false;
        int r;

        for (size_t i = 0; i < query->arguments_count; i++) {
                const struct wire_argument *a = &query->arguments[i];

                if (strcmp(a->name, "index")) {
                        text_printf(out, "unknown argument '%.100s'\n", a->name);
                        return QUERY_USAGE;
                }
                given = number(a->value, &index);
                if (!given)
                        return wrong(out, a, "the index of an entry, as `audit list` shows it");
        }
        if (!given) {
                text_puts(out, "expected the index of an entry, as `audit list` shows it\n");
                return QUERY_USAGE;
        }
        if (index >= audit_size(audit) && !audit_refusal(audit)) {
                text_printf(out, "no entry %llu: the audit log has %llu\n", (unsigned long long)index,
                            (unsigned long long)audit_size(audit));
                return QUERY_NO_SUCH;
        }
        r = audit_visit(audit, index, index + 1, show_entry, &s);
        if (r < 0 || !s.what) {
                json_decref(s.what);
                return unreadable(out, audit, r < 0 ? r : -EIO);
        }
        return finish(out, now, s.what, ret_type);
}
