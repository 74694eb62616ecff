/* Rows of `actions` and `authority`. */
#include "coordinator/cli/rows_shapes.h"
#include "coordinator/render.h"
#include "coordinator/values.h"

#include <string.h>

const struct table_column rows_actions_columns[] = {
        { "ID", TABLE_LEFT, 0, 0 },
        { "STATE", TABLE_LEFT, 0, 0 },
        { "ACTION", TABLE_LEFT, 16, 0 },
        { "SERVICE", TABLE_LEFT, 16, 0 },
        { "HOSTS", TABLE_LEFT, 10, 1 },
        { "CLASS", TABLE_LEFT, 0, 3 },
        { "INCIDENT", TABLE_LEFT, 0, 2 },
        { "RUNG", TABLE_LEFT, 0, 4 },
        { "BY", TABLE_LEFT, 8, 5 },
        { "VERDICT", TABLE_LEFT, 0, 6 },
        { "EXPIRES", TABLE_LEFT, 0, 7 },
        { "WHY", TABLE_LEFT, 20, 8 },
        { 0 },
};

static enum table_tone tone_of(const char *state)
{
        if (strcmp(state, "stuck") == 0 || strcmp(state, "falsified") == 0)
                return TABLE_BAD;
        if (strcmp(state, "proposed") == 0 || strcmp(state, "reverting") == 0 || strcmp(state, "unknown") == 0)
                return TABLE_WARN;
        if (strcmp(state, "rejected") == 0 || strcmp(state, "withdrawn") == 0 || strcmp(state, "refused") == 0 ||
            strcmp(state, "closed") == 0 || strcmp(state, "reverted") == 0)
                return TABLE_FAINT;
        return TABLE_GOOD;
}

static const char *or_dash(const char *text)
{
        return *text ? text : "-";
}

void rows_actions_row(struct table *t, json_t *row, int64_t now)
{
        const char *state = value_string(row, "state"), *class = value_string(row, "class");
        json_t *targets = json_object_get(row, "targets"), *target;
        struct text hosts = { 0 };
        char b[VALUE_SIZE];
        size_t i;

        json_array_foreach(targets, i, target) if (i < 2) text_printf(&hosts, "%s%s", i ? ", " : "", value_string(target, "host"));
        if (json_array_size(targets) > 2)
                text_printf(&hosts, " +%zu", json_array_size(targets) - 2);
        table_cell(t, TABLE_BOLD, value_string(row, "id"));
        table_cell(t, tone_of(state), state);
        table_cell(t, TABLE_BOLD, value_string(row, "action"));
        table_cell(t, TABLE_PLAIN, value_string(row, "service"));
        table_cell(t, TABLE_PLAIN, hosts.data ? hosts.data : "-");
        table_cell(t, strcmp(class, "one_way") == 0 ? TABLE_WARN : TABLE_PLAIN, class);
        table_cell(t, TABLE_PLAIN, value_string(row, "incident"));
        table_cell(t, TABLE_PLAIN, value_string(row, "rung"));
        table_cell(t, TABLE_PLAIN, or_dash(value_string(row, "decided_by")));
        table_cell(t, TABLE_PLAIN, or_dash(value_string(row, "verdict")));
        table_cell(t, TABLE_PLAIN, value_time(b, json_object_get(row, "expires_at"), now));
        table_cell(t, TABLE_FAINT, value_string(row, "why"));
        text_free(&hosts);
}

const struct table_column rows_authority_columns[] = {
        { "SIGNATURE", TABLE_LEFT, 16, 0 },
        { "ACTION", TABLE_LEFT, 14, 0 },
        { "ENVIRONMENT", TABLE_LEFT, 10, 0 },
        { "VERSION", TABLE_LEFT, 0, 7 },
        { "RUNG", TABLE_LEFT, 0, 0 },
        { "SCORE", TABLE_RIGHT, 0, 3 },
        { "GOOD", TABLE_RIGHT, 0, 1 },
        { "BAD", TABLE_RIGHT, 0, 1 },
        { "TO NEXT", TABLE_RIGHT, 0, 2 },
        { "NEXT IN", TABLE_RIGHT, 0, 5 },
        { "GRANTED BY", TABLE_LEFT, 8, 4 },
        { "CAPPED BY", TABLE_LEFT, 8, 6 },
        { 0 },
};

static void mandate(struct table *t, json_t *row, const char *by, const char *until, int64_t now)
{
        char b[VALUE_SIZE];

        if (*value_string(row, by))
                table_cellf(t, TABLE_WARN, "%s until %s", value_string(row, by), value_time(b, json_object_get(row, until), now));
        else
                table_cell(t, TABLE_FAINT, "-");
}

void rows_authority_row(struct table *t, json_t *row, int64_t now)
{
        json_t *next = json_object_get(row, "next_in_s");
        char b[VALUE_SIZE];

        table_cell(t, TABLE_BOLD, value_string(row, "signature"));
        table_cell(t, TABLE_BOLD, value_string(row, "action"));
        table_cell(t, TABLE_PLAIN, value_string(row, "environment"));
        table_cellf(t, TABLE_FAINT, "%.12s", value_string(row, "version"));
        table_cell(t, TABLE_GOOD, value_string(row, "rung"));
        table_cellf(t, TABLE_PLAIN, "%.2f", json_number_value(json_object_get(row, "score")));
        table_cell(t, TABLE_PLAIN, value_count(b, json_object_get(row, "successes")));
        table_cell(t, TABLE_PLAIN, value_count(b, json_object_get(row, "failures")));
        table_cell(t, TABLE_PLAIN, value_count(b, json_object_get(row, "to_next")));
        table_cell(t, TABLE_PLAIN, json_is_number(next) ? value_duration(b, json_number_value(next)) : "-");
        mandate(t, row, "granted_by", "expires_at", now);
        mandate(t, row, "capped_by", "cap_expires_at", now);
}
