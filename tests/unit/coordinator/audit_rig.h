/* An audit log in a folder of its own, and entries for it. */
#pragma once

#include "coordinator/audit.h"
#include "coordinator/audit_files.h"
#include "proto/note.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define RIG_AT (INT64_C(1777600800) * NSEC_PER_SEC)

static char rig_folder[64];

/* Signatures take a tool that watches every instruction fifty times as long: there `some` must do. */
static inline unsigned rig_count(unsigned all, unsigned some)
{
        return getenv("FAST") ? some : all;
}

static void rig_run(const char *format, const char *a, const char *b)
{
        char command[2048];

        snprintf(command, sizeof(command), format, a, b);
        if (system(command) != 0)
                fail_msg("%s", command);
}

static int rig_set_up(void **state)
{
        (void)state;
        /* In memory where that can be: thousands of logs are made. */
        snprintf(rig_folder, sizeof(rig_folder), "%s/nightshift-audit.XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
        return mkdtemp(rig_folder) ? 0 : -1;
}

static int rig_tear_down(void **state)
{
        (void)state;
        rig_run("rm -rf %s%s", rig_folder, "");
        return 0;
}

static inline struct audit *rig_open(const struct audit_io *io)
{
        struct audit_options options = { .state_dir = rig_folder, .name = "rig", .io = io };
        struct audit *audit = NULL;

        assert_int_equal(audit_new(&options, &audit), 0);
        return audit;
}

static inline struct audit *rig_open_well(void)
{
        struct audit *audit = rig_open(NULL);

        if (audit_refusal(audit))
                fail_msg("%s", audit_refusal(audit));
        return audit;
}

/* Entry `n`: every seventh has evidence. */
static inline int rig_append(struct audit *audit, unsigned n, uint64_t *ret_index)
{
        char evidence[64], incident[24];
        struct audit_record record = { .kind = n % AUDIT_KINDS, .at = RIG_AT + n, .incident = incident };
        json_t *predicate = json_pack("{s:i,s:s}", "n", (int)n, "why", "because \xc3\xa4\n");
        int r;

        snprintf(incident, sizeof(incident), "i%u", n / 3);
        snprintf(evidence, sizeof(evidence), "what was seen the %u. time", n);
        record.predicate = predicate;
        if (n % 7 == 0) {
                record.evidence = evidence;
                record.evidence_size = strlen(evidence);
        }
        r = audit_append_all(audit, &record, 1, ret_index);
        json_decref(predicate);
        return r;
}

struct rig_seen {
        unsigned next;
};

static inline int rig_see(void *data, const struct audit_entry *entry)
{
        struct rig_seen *seen = data;
        char incident[24];

        snprintf(incident, sizeof(incident), "i%u", seen->next / 3);
        assert_int_equal(entry->index, seen->next);
        assert_int_equal(entry->at, RIG_AT + seen->next);
        assert_int_equal(entry->kind, seen->next % AUDIT_KINDS);
        assert_string_equal(entry->incident, incident);
        assert_null(entry->action);
        assert_int_equal(json_integer_value(json_object_get(entry->predicate, "n")), seen->next);
        assert_int_equal(entry->evidence != NULL, seen->next % 7 == 0);
        seen->next++;
        return 0;
}

/* All of it is there as it was appended. */
static inline void rig_check(struct audit *audit, unsigned count)
{
        struct rig_seen seen = { 0 };

        assert_int_equal(audit_size(audit), count);
        assert_int_equal(audit_visit(audit, 0, UINT64_MAX, rig_see, &seen), 0);
        assert_int_equal(seen.next, count);
}
