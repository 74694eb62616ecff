#include "coordinator/statement.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TYPE "https://in-toto.io/Statement/v1"
#define PREDICATE_PREFIX "urn:nightshift:audit:"
#define PREDICATE_SUFFIX ":v1"
#define CANONICAL (JSON_COMPACT | JSON_SORT_KEYS)
#define TIME_SIZE 96

static const char *const kinds[AUDIT_KINDS] = {
        [AUDIT_EVIDENCE] = "evidence",
        [AUDIT_DIAGNOSIS] = "diagnosis",
        [AUDIT_DECISION] = "decision",
        [AUDIT_APPROVAL] = "approval",
        [AUDIT_INTENT] = "intent",
        [AUDIT_RESULT] = "result",
        [AUDIT_VERDICT] = "verdict",
        [AUDIT_REVERT] = "revert",
        [AUDIT_GRANT] = "grant",
        [AUDIT_PAUSE] = "pause",
        [AUDIT_CONFIGURATION] = "configuration",
};

const char *audit_kind_name(enum audit_kind kind)
{
        return kinds[kind];
}

bool audit_kind_parse(const char *name, enum audit_kind *ret_kind)
{
        for (unsigned i = 0; i < AUDIT_KINDS; i++)
                if (strcmp(kinds[i], name) == 0) {
                        *ret_kind = (enum audit_kind)i;
                        return true;
                }
        return false;
}

static int write_time(int64_t at, char ret_text[TIME_SIZE])
{
        time_t seconds = at / NSEC_PER_SEC;
        struct tm tm;

        if (at < 0 || !gmtime_r(&seconds, &tm) || tm.tm_year + 1900 > 9999)
                return -EINVAL;
        snprintf(ret_text, TIME_SIZE, "%04d-%02d-%02dT%02d:%02d:%02d.%09dZ", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
                 tm.tm_hour, tm.tm_min, tm.tm_sec, (int)(at % NSEC_PER_SEC));
        return 0;
}

static int read_time(const char *text, int64_t *ret_at)
{
        char again[TIME_SIZE];
        struct tm tm = { 0 };
        int nanoseconds = 0;
        int64_t at;

        if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d.%9dZ", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour, &tm.tm_min, &tm.tm_sec,
                   &nanoseconds) != 7)
                return -EBADMSG;
        tm.tm_year -= 1900;
        tm.tm_mon -= 1;
        /* Beyond 2262 there are no nanoseconds in 64 bits. */
        if (tm.tm_year < 70 || tm.tm_year > 361 || nanoseconds < 0)
                return -EBADMSG;
        at = timegm(&tm) * NSEC_PER_SEC + nanoseconds;
        /* In its only spelling. */
        if (write_time(at, again) < 0 || strcmp(again, text) != 0)
                return -EBADMSG;
        *ret_at = at;
        return 0;
}

static json_t *subject(const char *name, const uint8_t digest[DIGEST_SIZE])
{
        char text[DIGEST_TEXT_SIZE];

        return json_pack("{s:{s:s},s:s}", "digest", "sha256", digest_text(digest, text), "name", name);
}

static int digest_of_json(const json_t *value, uint8_t ret_digest[DIGEST_SIZE])
{
        CLEANUP_FREE char *text = json_dumps(value, CANONICAL);

        return text ? digest_of(text, strlen(text), ret_digest) : -ENOMEM;
}

int statement_make(const struct audit_record *record, const uint8_t evidence[DIGEST_SIZE], char **ret_text, size_t *ret_size)
{
        uint8_t digest[DIGEST_SIZE];
        char at[TIME_SIZE], type[64];
        json_t *root;
        char *text;
        int r;

        if (!json_is_object(record->predicate))
                return -EINVAL;
        r = write_time(record->at, at);
        if (r == 0)
                r = digest_of_json(record->predicate, digest);
        if (r < 0)
                return r;
        snprintf(type, sizeof(type), PREDICATE_PREFIX "%s" PREDICATE_SUFFIX, kinds[record->kind]);
        root = json_pack("{s:s,s:{s:s,s:O,s:s*,s:s*},s:s,s:[o,o*]}", "_type", TYPE, "predicate", "at", at, "data",
                         record->predicate, "incident", record->incident, "action", record->action, "predicateType", type,
                         "subject", subject("data", digest), evidence ? subject("evidence", evidence) : NULL);
        if (!root)
                return -EINVAL;
        text = json_dumps(root, CANONICAL);
        json_decref(root);
        if (!text)
                return -ENOMEM;
        *ret_text = text;
        *ret_size = strlen(text);
        return 0;
}

static bool kind_of(const char *type, enum audit_kind *ret_kind)
{
        size_t length = type ? strlen(type) : 0, around = strlen(PREDICATE_PREFIX PREDICATE_SUFFIX);
        char name[32];

        if (length <= around || length - around >= sizeof(name) || strncmp(type, PREDICATE_PREFIX, strlen(PREDICATE_PREFIX)) != 0 ||
            strcmp(type + length - strlen(PREDICATE_SUFFIX), PREDICATE_SUFFIX) != 0)
                return false;
        snprintf(name, sizeof(name), "%.*s", (int)(length - around), type + strlen(PREDICATE_PREFIX));
        return audit_kind_parse(name, ret_kind);
}

/* The digest of a subject that has this name and a digest, and nothing else. */
static const char *digest_in(json_t *subject, const char *name)
{
        json_t *digest = json_object_get(subject, "digest");
        const char *text = json_string_value(json_object_get(digest, "sha256")),
                   *n = json_string_value(json_object_get(subject, "name"));

        if (!text || !n || json_object_size(subject) != 2 || json_object_size(digest) != 1 || strcmp(n, name) != 0 ||
            strlen(text) != 2 * DIGEST_SIZE || strspn(text, "0123456789abcdef") != 2 * DIGEST_SIZE)
                return NULL;
        return text;
}

/* What may be left out, but if it is there is a string. */
static bool optional(json_t *object, const char *key, const char **ret_text)
{
        json_t *value = json_object_get(object, key);

        *ret_text = json_string_value(value);
        return !value || *ret_text;
}

static int parse(struct statement *s)
{
        json_t *predicate = json_object_get(s->root, "predicate"), *subjects = json_object_get(s->root, "subject");
        const char *type = json_string_value(json_object_get(s->root, "_type"));
        const char *at = json_string_value(json_object_get(predicate, "at")), *digest;
        uint8_t actual[DIGEST_SIZE];
        char text[DIGEST_TEXT_SIZE];
        int r;

        s->data = json_object_get(predicate, "data");
        if (json_object_size(s->root) != 4 || !type || strcmp(type, TYPE) != 0 || !at || !json_is_object(s->data) ||
            !kind_of(json_string_value(json_object_get(s->root, "predicateType")), &s->kind) ||
            !optional(predicate, "incident", &s->incident) || !optional(predicate, "action", &s->action) ||
            json_object_size(predicate) != 2 + (size_t) !!s->incident + (size_t) !!s->action)
                return -EBADMSG;
        digest = digest_in(json_array_get(subjects, 0), "data");
        if (!digest || json_array_size(subjects) > 2)
                return -EBADMSG;
        s->evidence = json_array_size(subjects) == 2 ? digest_in(json_array_get(subjects, 1), "evidence") : NULL;
        if (json_array_size(subjects) == 2 && !s->evidence)
                return -EBADMSG;
        r = digest_of_json(s->data, actual);
        if (r < 0)
                return r;
        if (strcmp(digest_text(actual, text), digest) != 0)
                return -EBADMSG;
        return read_time(at, &s->at);
}

int statement_parse(const char *text, size_t size, struct statement *ret_statement)
{
        struct statement s = { .root = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL) };
        CLEANUP_FREE char *again = NULL;
        int r = -EBADMSG;

        if (json_is_object(s.root)) {
                again = json_dumps(s.root, CANONICAL);
                if (again && strlen(again) == size && memcmp(again, text, size) == 0)
                        r = parse(&s);
        }
        if (r < 0) {
                json_decref(s.root);
                return r;
        }
        *ret_statement = s;
        return 0;
}

void statement_free(struct statement *statement)
{
        json_decref(statement->root);
        *statement = (struct statement){ 0 };
}
