/* Appends entries to an audit log: audit FOLDER COUNT. Prints the nanoseconds of each append, a line each, and
 * how often it asked the disk to keep something while it appended. */
#include "coordinator/audit.h"
#include "coordinator/audit_files.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t syncs;

static int counting_sync(void *data, int fd)
{
        syncs++;
        return audit_io_real.sync(data, fd);
}

/* Of the size of an intent: a plan for a few hosts with its limits. */
static json_t *predicate_of(unsigned n)
{
        return json_pack("{s:s,s:i,s:[s,s,s],s:{s:s,s:s,s:f,s:s},s:{s:i,s:i,s:i},s:s}", "plan",
                         "5f0c8f6f2b3d4a1e9c7b6a5d4e3f2a1b0c9d8e7f6a5b4c3d2e1f0a9b8c7d6e5f", "attempt", (int)n, "targets",
                         "payments-1 pid 1234 started 1777600800", "payments-2 pid 2345 started 1777600801",
                         "payments-3 pid 3456 started 1777600802", "prediction", "signal", "held", "direction", "falls", "bound",
                         2.5, "deadline", "2026-05-01T02:10:00Z", "limits", "in_flight", 0, "share_percent", 25, "attempts", 1,
                         "expires", "2026-05-01T02:05:00Z");
}

int main(int argc, char **argv)
{
        struct audit_io io = audit_io_real;
        struct audit_options options = { .state_dir = argv[1], .name = "bench", .io = &io };
        unsigned count = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
        struct audit *audit;
        uint64_t index, of_appends = 0;

        if (argc != 3)
                return 2;
        io.sync = counting_sync;
        if (audit_new(&options, &audit) < 0 || audit_refusal(audit))
                return 1;
        for (unsigned n = 0; n < count; n++) {
                json_t *predicate = predicate_of(n);
                uint64_t before = syncs;
                int64_t start = clock_monotonic();

                if (audit_append(audit, AUDIT_INTENT, clock_wall(), "i17", "a42", predicate, &index) < 0)
                        return 1;
                printf("%" PRId64 "\n", clock_monotonic() - start);
                of_appends += syncs - before;
                json_decref(predicate);
                if (n % 64 == 63 && audit_publish(audit) < 0)
                        return 1;
        }
        printf("syncs %" PRIu64 "\n", of_appends);
        if (audit_publish(audit) < 0)
                return 1;
        audit_free(&audit);
        return 0;
}
