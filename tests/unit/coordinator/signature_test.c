#include "coordinator/signature.h"
#include "proto/yaml_config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Has everything once; what is refused is this with one thing changed. */
static const char good[] =
        "# a comment\n"
        "signature: sample\n"
        "version: 1\n"
        "title: A sample\n"
        "subject: pool\n"
        "settle: 5m\n"
        "evidence:\n"
        "  - any:\n"
        "      - {signal: held, shape: rising, by: 3, for: 15m, confidence: 0.99}\n"
        "      - {signal: held, shape: step-up, by: 50%, within: 1m, for: 1h}\n"
        "  - {signal: open, shape: above, value: 80%, of: limit, for: 5m, share: 90%}\n"
        "  - {signal: openings, shape: bursts, value: 300/m, count: 3, for: 10m}\n"
        "against:\n"
        "  - {signal: load, shape: rising, explains: held, says: \"the load, too\"}\n"
        "  - {signal: reused, shape: above, value: 2, for: 1h, says: used again}\n"
        "breach: {signal: held, limit: limit}\n"
        "causes: [deployment, load]\n"
        "remedies:\n"
        "  - {action: service.rollback, needs: deployment, predicts: {signal: held, shape: falling, by: 50%, within: 10m}}\n"
        "  - {action: service.restart, predicts: {shape: below, value: 120%, of: former-build, within: 2m}}\n"
        "observe: {tier: turnarounds, for: 10m}\n";

static int parse(const char *text, struct signature **ret, struct yaml_config_error *error)
{
        memset(error, 0, sizeof(*error));
        return signature_parse("/x/sample.yaml", text, strlen(text), ret, error);
}

static void test_good(void **state)
{
        struct yaml_config_error error;
        struct signature *s = NULL;
        char digest[DIGEST_TEXT_SIZE];

        (void)state;
        if (parse(good, &s, &error) < 0)
                fail_msg("%s", error.text);
        assert_string_equal(s->name, "sample");
        assert_string_equal(s->title, "A sample");
        assert_int_equal(s->subject, SUBJECT_POOL);
        assert_int_equal(s->settle, 300 * NSEC_PER_SEC);
        assert_int_equal(s->evidence_count, 4);
        assert_int_equal(s->groups_count, 3);
        assert_int_equal(s->evidence[1].group, 0);
        assert_int_equal(s->evidence[3].group, 2);
        assert_int_equal(s->evidence[0].item.signal, SIGNAL_HELD);
        assert_int_equal(s->evidence[0].item.shape, SHAPE_RISING);
        assert_true(s->evidence[0].item.by.number == 3 && !s->evidence[0].item.by.relative);
        assert_int_equal(s->evidence[0].item.window, 900 * NSEC_PER_SEC);
        assert_true(s->evidence[0].item.confidence == 0.99);
        assert_int_equal(s->evidence[0].item.line, 9);
        assert_true(s->evidence[1].item.by.number == 0.5 && s->evidence[1].item.by.relative);
        assert_true(s->evidence[1].item.confidence == 0.95);
        assert_int_equal(s->evidence[1].item.within, 60 * NSEC_PER_SEC);
        assert_int_equal(s->evidence[2].item.of, REFERENCE_SIGNAL);
        assert_int_equal(s->evidence[2].item.of_signal, SIGNAL_LIMIT);
        assert_true(s->evidence[2].item.value.relative && s->evidence[2].item.share == 0.9);
        assert_true(s->evidence[3].item.value.number == 5);
        assert_int_equal(s->evidence[3].item.count, 3);
        assert_int_equal(s->against_count, 2);
        assert_int_equal(s->against[0].explains, SIGNAL_HELD);
        assert_int_equal(s->against[0].item.given, 0);
        assert_int_equal(s->against[0].item.window, 0);
        assert_string_equal(s->against[0].says, "the load, too");
        assert_int_equal(s->against[1].explains, SIGNAL_NONE);
        assert_int_equal(s->breach, SIGNAL_HELD);
        assert_int_equal(s->breach_limit, SIGNAL_LIMIT);
        assert_int_equal(s->causes_count, 2);
        assert_int_equal(s->causes[1], CAUSE_LOAD);
        assert_int_equal(s->remedies_count, 2);
        assert_string_equal(s->remedies[0].action, "service.rollback");
        assert_int_equal(s->remedies[0].needs, CAUSE_DEPLOYMENT);
        assert_int_equal(s->remedies[0].predicts.within, 600 * NSEC_PER_SEC);
        assert_int_equal(s->remedies[1].needs, CAUSE_ANY);
        assert_int_equal(s->remedies[1].predicts.signal, SIGNAL_NONE);
        assert_int_equal(s->remedies[1].predicts.of, REFERENCE_FORMER_BUILD);
        assert_int_equal(s->tier, 2);
        assert_int_equal(s->tier_for, 600 * NSEC_PER_SEC);
        assert_string_equal(s->file, "/x/sample.yaml");
        signature_free(&s);
        assert_null(s);

        /* FIPS 180-4's example. */
        uint8_t bytes[DIGEST_SIZE];
        assert_int_equal(digest_of("abc", 3, bytes), 0);
        assert_string_equal(digest_text(bytes, digest), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

/* `good` with the first `from` in it replaced. */
static char *changed(const char *from, const char *to)
{
        const char *at = strstr(good, from);
        char *text = malloc(sizeof(good) + strlen(to));

        assert_non_null(text);
        if (!at)
                fail_msg("'%s' is not in the sample", from);
        sprintf(text, "%.*s%s%s", (int)(at - good), good, to, at + strlen(from));
        return text;
}

#define LONG_50 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define LONG_201 LONG_50 LONG_50 LONG_50 LONG_50 "x"

static const struct {
        const char *from, *to, *says;
} refused[] = {
        /* the top */
        { "title:", "titel:", ":4: unknown key 'titel'; expected one of: signature, version, title" },
        { "title: A sample\n", "", ":1: title: missing" },
        { "signature: sample\n", "", ":1: signature: missing" },
        { "version: 1\n", "", ":1: version: missing" },
        { "version: 1", "version: 2", ":3: version: expected a whole number from 1 to 1, found '2'" },
        { "version: 1\n", "version: 1\nversion: 1\n", ":4: version: given twice" },
        { "signature: sample", "signature: other", ":1: signature: expected the name of the file, sample.yaml, found 'other'" },
        { "signature: sample", "signature: Sample", ":2: signature: expected a name of at most 64 lower-case letters" },
        { "signature: sample", "signature: " LONG_50 LONG_50, ":2: signature: expected a name" },
        { "title: A sample", "title: [A]", ":4: title: expected a sentence, found a list" },
        { "title: A sample", "title: " LONG_201, ":4: title: expected a sentence of at most 200 bytes, found 201" },
        { "title: A sample", "title: \"A\\e[2J\"", ":4: title: expected one line without control characters" },
        { "title: A sample", "title: \"A\\0\"", ":4: title: expected a sentence, found nothing" },
        { "subject: pool\n", "", "subject: missing" },
        { "subject: pool", "subject: puddle",
          ":5: subject: expected one of pool, edge, service, process, listener, host, found 'puddle'" },
        { "subject: pool", "subject: host", "expected a signal of a subject 'host', found 'held'; it has: no_port" },
        { "settle: 5m", "settle: 5", ":6: settle: expected a duration such as 30s, 15m or 2h, from 1s to 1d, found '5'" },
        { "settle: 5m", "settle: 2d", ":6: settle: expected a duration" },
        /* evidence */
        { "- any:", "- all:", ":8: evidence[1]: unknown key 'all'" },
        { "held, shape: rising", "hold, shape: rising",
          ":9: evidence[1].any[1].signal: expected a signal of a subject 'pool', found 'hold'" },
        { "signal: held, shape: rising,", "shape: rising,", ":9: evidence[1].any[1].signal: missing" },
        { "shape: rising, by", "by", ":9: evidence[1].any[1].shape: missing; expected one of: rising, falling" },
        { "shape: rising", "shape: rise", ":9: evidence[1].any[1].shape: expected one of rising, falling, above, below, step-up" },
        { "by: 3, for", "value: 3, for", ":9: evidence[1].any[1].by: missing; 'rising' here needs: by, for" },
        { "by: 3, for", "by: 3, value: 3, for",
          ":9: evidence[1].any[1].value: not for 'rising' here, which takes: by, for, confidence" },
        { "by: 3", "by: 3s", ":9: evidence[1].any[1].by: expected a count such as 4, or a percentage, more than 0, found '3s'" },
        { "by: 3", "by: 0", ":9: evidence[1].any[1].by: expected a count" },
        { "by: 3", "by: -3", ":9: evidence[1].any[1].by: expected a count" },
        { "by: 3", "by: .nan", ":9: evidence[1].any[1].by: expected a count" },
        { "by: 3", "by: [3]", ":9: evidence[1].any[1].by: expected a count such as 4, found a list" },
        { "for: 15m", "for: 15",
          ":9: evidence[1].any[1].for: expected a duration such as 30s, 15m or 2h, from 1s to 14d, found '15'" },
        { "for: 15m", "for: 15d", ":9: evidence[1].any[1].for: expected a duration" },
        { "for: 15m", "for: 5ms", ":9: evidence[1].any[1].for: expected a duration" },
        { "confidence: 0.99", "confidence: 1",
          ":9: evidence[1].any[1].confidence: expected a share from 50% to 99.99%, found '1'" },
        { "confidence: 0.99", "confidance: 0.99",
          ":9: evidence[1].any[1]: unknown key 'confidance'; expected one of: signal, shape, by" },
        { "within: 1m", "within: 2d", ":10: evidence[1].any[2].within: expected a duration" },
        { "value: 80%, of: limit", "value: 80%", ":11: evidence[2].value: expected a count such as 4; a percentage needs `of`" },
        { "value: 80%, of: limit", "value: 80, of: limit",
          ":11: evidence[2].value: expected a percentage such as 80%, because of `of`" },
        { "of: limit", "of: openings",
          ":11: evidence[2].of: expected usual, former-build, or another signal of the subject in the same unit" },
        { "of: limit", "of: open", ":11: evidence[2].of: expected usual" },
        { "share: 90%", "share: 110%", ":11: evidence[2].share: expected a share from 1% to 100%, found '110%'" },
        { "share: 90%", "share: 90%, share: 80%", ":11: evidence[2]: share: given twice" },
        { "value: 300/m", "value: 300", ":12: evidence[3].value: expected a rate such as 5/s, 300/m or 20/h, found '300'" },
        { "value: 300/m", "value: 300/w", ":12: evidence[3].value: expected a rate" },
        { "count: 3", "count: 0", ":12: evidence[3].count: expected a whole number from 1 to 1000, found '0'" },
        { "  - {signal: openings,", "  - [signal: openings,", "expected YAML" },
        { "{signal: openings, shape: bursts, value: 300/m, count: 3, for: 10m}", "openings",
          ":12: evidence[3]: expected a mapping" },
        /* against */
        { "explains: held,", "explains: open_files,",
          ":14: against[1].explains: expected a signal of a subject 'pool', found 'open_files'" },
        { "explains: held,", "explains: busy,", ":14: against[1].explains: expected a signal that is evidence here, found 'busy'" },
        { "explains: held,", "", ":14: against[1].by: missing" },
        { "says: \"the load, too\"", "says: the load, too", ":14: against[1]: unknown key 'too'" },
        { ", says: used again", "", ":15: against[2].says: missing; expected a sentence" },
        { "says: used again", "says: " LONG_201, ":15: against[2].says: expected a sentence of at most 200 bytes" },
        { "{signal: load, shape: rising,", "{signal: load, shape: rising, by: 5/s,",
          ":14: against[1].by: expected a percentage such as 50%, more than 0, found '5/s'" },
        { "reused, shape: above, value: 2", "reused, shape: rising, by: 2",
          ":15: against[2].shape: expected above or below of events such as 'reused', found 'rising'" },
        { "value: 2, for: 1h", "value: 2, share: 50%, for: 1h",
          ":15: against[2].share: not for 'above' here, which takes: value, of, for" },
        /* breach */
        { "limit: limit}", "limit: openings}",
          ":16: breach.limit: expected another signal of the subject in the same unit, or a count such as 4" },
        { "limit: limit}", "limit: 5%}", ":16: breach.limit: expected another signal" },
        { "breach: {signal: held,", "breach: {signal: reused,",
          ":16: breach.signal: expected a signal that has a value at each time" },
        { "breach: {signal: held, limit: limit}", "breach: {signal: held}", ":16: breach: limit: missing" },
        { "breach: {signal: held, limit: limit}", "breach: held", ":16: breach: expected a mapping" },
        /* causes */
        { "causes: [deployment, load]\n", "", ":1: causes: missing" },
        { "causes: [deployment, load]", "causes: []", ":17: causes: expected a list of 1 to 6" },
        { "causes: [deployment, load]", "causes: [deployment, gremlins]",
          ":17: causes: expected one of deployment, configuration, load" },
        { "causes: [deployment, load]", "causes: [load, load]", ":17: causes: 'load' is named twice" },
        /* remedies */
        { "service.rollback", "service.pray", ":19: remedies[1].action: expected one of service.rollback, service.scale" },
        { "action: service.rollback, ", "", ":19: remedies[1]: action: missing" },
        { "needs: deployment", "needs: luck", ":19: remedies[1].needs: expected one of deployment" },
        { "needs: deployment", "needs: network", ":19: remedies[1].needs: expected one of the causes named here, found 'network'" },
        { ", predicts: {signal: held, shape: falling, by: 50%, within: 10m}", "", ":19: remedies[1]: predicts: missing" },
        { "by: 50%, within: 10m", "by: 50%", ":19: remedies[1].predicts.within: missing; 'falling' here needs: by, within" },
        { "by: 50%, within: 10m", "by: 50%, within: 10m, for: 1m",
          ":19: remedies[1].predicts.for: not for 'falling' here, which takes: by, within" },
        { "shape: falling, by: 50%", "shape: steady, by: 50%",
          ":19: remedies[1].predicts.shape: expected of a prediction one of rising, falling, above, below" },
        { "value: 120%, of: former-build", "value: 120%, of: limit",
          ":20: remedies[2].predicts.of: expected usual or former-build where no signal" },
        { "shape: below, value: 120%, of: former-build", "shape: falling, by: 5%",
          ":20: remedies[2].predicts: expected above or below, of usual" },
        { "shape: below, value: 120%, of: former-build", "shape: below, value: 5",
          ":20: remedies[2].predicts: expected above or below, of usual" },
        /* observe */
        { "tier: turnarounds", "tier: everything", ":21: observe.tier: expected turnarounds or payload-heads, found 'everything'" },
        { "tier: turnarounds, for: 10m", "tier: turnarounds", ":21: observe: for: missing" },
        { "for: 10m}\n", "for: 10m}\nevidence: []\n", "evidence: given twice" },
        /* not what a person would write */
        { "A sample", "A \xff sample", ":4: expected UTF-8, found the byte 0xff" },
        { "A sample", "A \xed\xa0\x80 sample", ":4: expected UTF-8" },
        { "subject: pool\n", "subject: &a [*a]\n",
          ":5: subject: expected one of pool, edge, service, process, listener, host, found a list" },
        { "- {signal: openings, shape: bursts, value: 300/m, count: 3, for: 10m}", "- &a {any: [*a]}",
          ":12: evidence[3].any[1]: unknown key 'any'" },
};

static void test_refused(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
                char *text = changed(refused[i].from, refused[i].to);
                struct yaml_config_error error;
                struct signature *s = NULL;

                assert_int_equal(parse(text, &s, &error), -EBADMSG);
                assert_null(s);
                if (strncmp(error.text, "/x/sample.yaml:", 15) || !strstr(error.text, refused[i].says) || strchr(error.text, '\n'))
                        fail_msg("'%s' instead of '%s' says '%s', not '%s'", refused[i].to, refused[i].from, error.text,
                                 refused[i].says);
                free(text);
        }
}

static void test_bounds(void **state)
{
        static const char item[] = "  - {signal: open, shape: above, value: 4, for: 5m}\n";
        char *text = calloc(1, 2 * SIGNATURE_FILE_MAX), *at;
        struct yaml_config_error error;
        struct signature *s = NULL;

        (void)state;
        /* one more than may be */
        at = text + sprintf(text, "signature: sample\nversion: 1\ntitle: x\nsubject: pool\ncauses: [load]\nevidence:\n");
        for (int i = 0; i < SIGNATURE_ITEMS_MAX; i++)
                at += sprintf(at, "%s", item);
        assert_int_equal(parse(text, &s, &error), 0);
        assert_int_equal(s->evidence_count, SIGNATURE_ITEMS_MAX);
        signature_free(&s);
        sprintf(at, "%s", item);
        assert_int_equal(parse(text, &s, &error), -EBADMSG);
        assert_non_null(strstr(error.text, "evidence: expected a list of 1 to 24"));
        sprintf(at - strlen(item), "  - any:\n  %s  %s", item, item);
        assert_int_equal(parse(text, &s, &error), -EBADMSG);
        assert_non_null(strstr(error.text, "evidence[24].any[2]: expected at most 24"));

        memset(text, '#', SIGNATURE_FILE_MAX + 1);
        text[SIGNATURE_FILE_MAX + 1] = '\0';
        assert_int_equal(parse(text, &s, &error), -EBADMSG);
        assert_string_equal(error.text, "/x/sample.yaml:1: expected a file of at most 64 KiB, found 65537 bytes");
        /* deep, and without an end */
        memset(text, '[', 20000);
        text[20000] = '\0';
        assert_int_equal(parse(text, &s, &error), -EBADMSG);
        assert_int_equal(parse("", &s, &error), -EBADMSG);
        assert_string_equal(error.text, "/x/sample.yaml:1: signature: missing; each signature has it");
        assert_int_equal(signature_parse("/x/sample.yaml", "a\0b", 3, &s, &error), -EBADMSG);
        assert_non_null(strstr(error.text, "found the byte 0x00"));
        assert_int_equal(signature_parse("/x/sample.yaml",
                                         "\xff\xfe"
                                         "a",
                                         3, &s, &error),
                         -EBADMSG);
        assert_non_null(strstr(error.text, "expected UTF-8"));
        free(text);
}

static void test_amounts(void **state)
{
        static const struct {
                const char *text;
                enum signal_unit unit;
                double number;
                bool relative;
        } amounts[] = {
                { "4", UNIT_COUNT, 4 },
                { "2.5", UNIT_EVENTS, 2.5 },
                { "50%", UNIT_COUNT, 0.5, true },
                { "5%", UNIT_RATIO, 0.05 },
                { "120/m", UNIT_RATE, 2 },
                { "36/h", UNIT_RATE, 0.01 },
                { "200ms", UNIT_TIME, 0.2 },
                { "1m", UNIT_TIME, 60 },
                { "1KiB", UNIT_BYTES, 1024 },
                { "0B", UNIT_BYTES, 0 },
                { "1MiB/s", UNIT_BYTE_RATE, 1 << 20 },
                { "50%", UNIT_LOAD, 0.5, true },
        };
        static const struct {
                const char *text;
                enum signal_unit unit;
        } none[] = {
                { "", UNIT_COUNT },
                { "-1", UNIT_COUNT },
                { "0x10", UNIT_COUNT },
                { "1e3", UNIT_COUNT },
                { "inf", UNIT_COUNT },
                { "4s", UNIT_COUNT },
                { "5", UNIT_RATE },
                { "5/", UNIT_RATE },
                { "/s", UNIT_RATE },
                { "1.2.3", UNIT_COUNT },
                { "0.05", UNIT_RATIO },
                { "200", UNIT_TIME },
                { "5MiB", UNIT_TIME },
                { "512", UNIT_BYTES },
                { "200ms", UNIT_BYTES },
                { "10/s", UNIT_BYTE_RATE },
                { "5", UNIT_LOAD },
                { "%", UNIT_RATIO },
                { "1 %", UNIT_RATIO },
                { "99999999999999999999", UNIT_COUNT },
                { "111111111111111111111111111111111111111", UNIT_COUNT },
        };
        struct amount a;

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(amounts); i++) {
                assert_int_equal(amount_parse(amounts[i].text, amounts[i].unit, &a), 0);
                assert_true(a.number == amounts[i].number && a.relative == amounts[i].relative);
        }
        for (size_t i = 0; i < ARRAY_SIZE(none); i++)
                if (amount_parse(none[i].text, none[i].unit, &a) == 0)
                        fail_msg("'%s' is taken for %s", none[i].text, unit_expectation(none[i].unit));
}

static void test_library(void **state)
{
        static const char *const names[] = {
                "accept-queue-overflow", "bad-deployment",  "close-wait-leak",      "connection-pool-leak", "crash-loop",
                "dependency-refusing",   "dependency-slow", "file-descriptor-leak", "memory-leak",          "packet-loss",
                "port-exhaustion",       "retry-storm",     "service-slow",
        };
        const char *const folder = SIGNATURES_BUILT_IN;
        struct yaml_config_error error = { "" };
        struct signature_set *set = NULL;

        (void)state;
        if (signatures_load(&folder, 1, &set, &error) < 0)
                fail_msg("%s", error.text);
        assert_int_equal(signatures_count(set), ARRAY_SIZE(names));
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                const struct signature *s = signatures_get(set, i);

                assert_string_equal(s->name, names[i]);
                assert_ptr_equal(signatures_find(set, names[i]), s);
                assert_int_equal(strncmp(s->file, "built-in/", 9), 0);
        }
        assert_null(signatures_find(set, "connection-pool"));
        assert_null(signatures_find(set, "zzz"));
        signatures_free(&set);
        assert_null(set);
}

static char folder[64];

static const char *put(const char *name, const char *text, size_t size)
{
        static char path[256];
        FILE *f;

        snprintf(path, sizeof(path), "%s/%s", folder, name);
        f = fopen(path, "w");
        assert_non_null(f);
        assert_int_equal(fwrite(text, 1, size, f), size);
        fclose(f);
        return path;
}

static void removed(const char *name)
{
        char path[256];

        snprintf(path, sizeof(path), "%s/%s", folder, name);
        assert_int_equal(remove(path), 0);
}

static int load(struct signature_set **ret_set, struct yaml_config_error *error)
{
        const char *const folders[] = { SIGNATURES_BUILT_IN, folder };

        return signatures_load(folders, 2, ret_set, error);
}

static void test_folder(void **state)
{
        struct signature_set *library = NULL, *set = NULL;
        const char *const built_in = SIGNATURES_BUILT_IN;
        struct yaml_config_error error;
        char *text, name[64], path[256];

        (void)state;
        strcpy(folder, "/tmp/signatures-XXXXXX");
        assert_non_null(mkdtemp(folder));
        assert_int_equal(signatures_load(&built_in, 1, &library, &error), 0);

        assert_int_equal(load(&set, &error), -EBADMSG);
        assert_non_null(strstr(error.text, "found no *.yaml"));
        put("README", "x", 1);
        put(".hidden.yaml", "x", 1);
        put("sample.yaml", good, sizeof(good) - 1);
        assert_int_equal(load(&set, &error), 0);
        assert_int_equal(signatures_count(set), signatures_count(library) + 1);
        assert_non_null(signatures_find(set, "sample"));
        assert_memory_not_equal(signatures_digest(set), signatures_digest(library), DIGEST_SIZE);
        signatures_free(&set);

        /* the later folder's takes the place of the earlier's */
        text = changed("signature: sample", "signature: crash-loop");
        put("crash-loop.yaml", text, strlen(text));
        free(text);
        assert_int_equal(load(&set, &error), 0);
        assert_int_equal(signatures_count(set), signatures_count(library) + 1);
        assert_string_equal(signatures_find(set, "crash-loop")->title, "A sample");
        signatures_free(&set);

        /* one that is wrong, and the whole is refused */
        put("wrong.yaml", "x: 1\n", 5);
        assert_int_equal(load(&set, &error), -EBADMSG);
        assert_null(set);
        assert_non_null(strstr(error.text, "/wrong.yaml:1: unknown key 'x'"));
        removed("wrong.yaml");
        put("other.yml", good, sizeof(good) - 1);
        assert_int_equal(load(&set, &error), -EBADMSG);
        assert_non_null(strstr(error.text, "/other.yml: expected a name that ends in .yaml"));
        removed("other.yml");
        snprintf(path, sizeof(path), "%s/pipe.yaml", folder);
        assert_int_equal(mkfifo(path, 0600), 0);
        assert_int_equal(load(&set, &error), -EBADMSG);
        assert_non_null(strstr(error.text, "/pipe.yaml:1: expected a regular file"));
        removed("pipe.yaml");
        snprintf(path, sizeof(path), "%s/gone.yaml", folder);
        assert_int_equal(symlink("not-there", path), 0);
        assert_int_equal(load(&set, &error), -ENOENT);
        assert_non_null(strstr(error.text, "/gone.yaml: cannot be opened"));
        removed("gone.yaml");
        text = malloc(SIGNATURE_FILE_MAX + 1);
        memset(text, '#', SIGNATURE_FILE_MAX + 1);
        put("large.yaml", text, SIGNATURE_FILE_MAX + 1);
        free(text);
        assert_int_equal(load(&set, &error), -EBADMSG);
        assert_non_null(strstr(error.text, "/large.yaml:1: expected a file of at most 64 KiB"));
        removed("large.yaml");

        /* too many */
        for (int round = 0; round < 2; round++) {
                for (int i = 0; i < SIGNATURES_MAX - 2; i++) {
                        snprintf(name, sizeof(name), "signature: s%d", i);
                        text = changed("signature: sample", name);
                        snprintf(name, sizeof(name), "s%d.yaml", i);
                        if (round == 0)
                                put(name, text, strlen(text));
                        else
                                removed(name);
                        free(text);
                }
                if (round)
                        break;
                assert_int_equal(load(&set, &error), -EBADMSG);
                assert_non_null(strstr(error.text, "expected at most 256 signatures in all"));
                text = changed("signature: sample", "signature: more");
                put("more.yaml", text, strlen(text));
                free(text);
                assert_int_equal(load(&set, &error), -EBADMSG);
                assert_non_null(strstr(error.text, "expected at most 256 signatures"));
                removed("more.yaml");
        }
        assert_null(set);
        signatures_free(&library);
        removed("README");
        removed(".hidden.yaml");
        removed("sample.yaml");
        removed("crash-loop.yaml");
        assert_int_equal(rmdir(folder), 0);
        assert_int_equal(load(&set, &error), -ENOENT);
}

/* Whatever is changed in it, it is taken or refused in a sentence. */
static void test_garbage(void **state)
{
        static const char pieces[] = "{}[],:-#&*!|>'\"%@ \n\t~0159msh\xff\xc3";
        const char *seed_text = getenv("SEED");
        unsigned seed = seed_text ? (unsigned)atoi(seed_text) : 11;
        char text[sizeof(good)];

        (void)state;
        print_message("# SEED=%u\n", seed);
        for (int round = 0; round < 5000; round++) {
                struct yaml_config_error error;
                struct signature *s = NULL;
                int r;

                memcpy(text, good, sizeof(good));
                for (int i = rand_r(&seed) % 4; i >= 0; i--)
                        text[(size_t)rand_r(&seed) % (sizeof(good) - 1)] = pieces[(size_t)rand_r(&seed) % (sizeof(pieces) - 1)];
                r = parse(text, &s, &error);
                assert_true(r == 0 || (r == -EBADMSG && strncmp(error.text, "/x/sample.yaml:", 15) == 0));
                signature_free(&s);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_good),    cmocka_unit_test(test_refused), cmocka_unit_test(test_bounds),
                cmocka_unit_test(test_amounts), cmocka_unit_test(test_library), cmocka_unit_test(test_folder),
                cmocka_unit_test(test_garbage),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
