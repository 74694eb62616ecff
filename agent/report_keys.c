/* The keys that wait to be said. */
#include "agent/report_build.h"

#include <stdlib.h>
#include <string.h>

void report_key_lost(struct report *report)
{
        report->keys_lost++;
}

void report_key(struct report *report, struct row *row, uint64_t key, enum summary_role role)
{
        row->last_key = key;
        row->last_key_role = (uint8_t)role;
        row->has_key = true;
        if (report->keys_count == report->keys_size) {
                size_t size = report->keys_size ? report->keys_size * 2 : 256;
                struct summary_key *keys = size <= REPORT_KEYS_KEPT ? reallocarray(report->keys, size, sizeof(*keys)) : NULL;

                if (!keys) {
                        report->keys_lost++;
                        return;
                }
                report->keys = keys;
                report->keys_size = size;
        }
        report->keys[report->keys_count++] = (struct summary_key){ .key = key, .edge = row->id, .role = role };
}

bool report_has_many_keys(const struct report *report)
{
        return report->keys_count >= REPORT_KEYS_MANY;
}

void report_keys_sent(struct report *report, size_t count)
{
        if (count == 0)
                return;
        report->keys_count -= count;
        memmove(report->keys, report->keys + count, report->keys_count * sizeof(*report->keys));
        /* What a burst took goes back. */
        if (report->keys_size > 4096 && report->keys_count < report->keys_size / 8) {
                size_t size = report->keys_size / 2;
                struct summary_key *keys = reallocarray(report->keys, size, sizeof(*keys));

                if (keys) {
                        report->keys = keys;
                        report->keys_size = size;
                }
        }
}
