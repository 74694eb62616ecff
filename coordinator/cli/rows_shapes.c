#include "coordinator/cli/rows_shapes.h"
#include "coordinator/render.h"
#include "coordinator/values.h"

#include <stdio.h>
#include <string.h>

/* "a, b +3": the first ones of an array of texts. */
static void names(struct table *t, json_t *array, size_t most)
{
        struct text text = { 0 };
        size_t count = json_array_size(array);

        for (size_t i = 0; i < count && i < most; i++)
                text_printf(&text, "%s%s", i ? ", " : "", json_string_value(json_array_get(array, i)));
        if (count > most)
                text_printf(&text, " +%zu", count - most);
        table_cell(t, TABLE_PLAIN, text.data ? text.data : "-");
        text_free(&text);
}

static double number(json_t *v)
{
        return json_number_value(v);
}

static enum table_tone alarming(json_t *v)
{
        return number(v) > 0 ? TABLE_BAD : TABLE_PLAIN;
}

static const struct table_column hosts_columns[] = {
        { "HOST", TABLE_LEFT, 16, 0 },
        { "ENVIRONMENT", TABLE_LEFT, 11, 4 },
        { "LABELS", TABLE_LEFT, 10, 7 },
        { "KERNEL", TABLE_LEFT, 10, 6 },
        { "AGENT", TABLE_LEFT, 0, 5 },
        { "MEMORY", TABLE_RIGHT, 0, 3 },
        { "CPU", TABLE_RIGHT, 0, 3 },
        { "SEEN", TABLE_RIGHT, 0, 1 },
        { "LOST", TABLE_RIGHT, 0, 1 },
        { "HOOKS", TABLE_LEFT, 14, 2 },
        { 0 },
};

static void hooks(struct table *t, json_t *array)
{
        struct text text = { 0 };
        enum table_tone tone = TABLE_PLAIN;
        size_t attached = 0, count = json_array_size(array);

        for (size_t i = 0; i < count; i++)
                attached += strcmp(value_string(json_array_get(array, i), "state"), "attached") == 0;
        text_printf(&text, "%zu/%zu", attached, count);
        for (size_t i = 0; i < count; i++) {
                json_t *hook = json_array_get(array, i);
                const char *state = value_string(hook, "state");

                if (strcmp(state, "attached") == 0)
                        continue;
                text_printf(&text, ", %s %s", value_string(hook, "name"), state);
                if (*value_string(hook, "detail"))
                        text_printf(&text, " (%s)", value_string(hook, "detail"));
                tone = TABLE_WARN;
        }
        table_cell(t, tone, text.data ? text.data : "");
        text_free(&text);
}

static void hosts_row(struct table *t, json_t *row, int64_t now)
{
        double age = number(json_object_get(row, "summary_age_s"));
        bool complete = json_is_true(json_object_get(row, "complete"));
        struct text labels = { 0 };
        char b[VALUE_SIZE];
        const char *key;
        json_t *value;

        (void)now;
        table_cell(t, TABLE_BOLD, value_string(row, "name"));
        table_cell(t, TABLE_PLAIN, value_string(row, "environment"));
        json_object_foreach(json_object_get(row, "labels"), key, value)
                text_printf(&labels, "%s%s=%s", labels.length ? "," : "", key, json_string_value(value));
        table_cell(t, TABLE_PLAIN, labels.data ? labels.data : "");
        text_free(&labels);
        table_cell(t, TABLE_PLAIN, value_string(row, "kernel"));
        table_cell(t, TABLE_PLAIN, value_string(row, "agent_version"));
        table_cell(t, TABLE_PLAIN, value_size(b, value_at(row, "agent", "rss_bytes")));
        table_cell(t, TABLE_PLAIN, value_percent(b, value_at(row, "agent", "cpu_ratio")));
        table_cellf(t, complete ? TABLE_PLAIN : TABLE_WARN, "%s ago", value_duration(b, age));
        table_cell(t, alarming(json_object_get(row, "lost_events")), value_count(b, json_object_get(row, "lost_events")));
        hooks(t, json_object_get(row, "hooks"));
}

static const struct table_column services_columns[] = {
        { "SERVICE", TABLE_LEFT, 20, 0 },  { "HOSTS", TABLE_LEFT, 8, 2 },        { "INSTANCES", TABLE_RIGHT, 0, 4 },
        { "LISTENING", TABLE_LEFT, 9, 1 }, { "ENVIRONMENT", TABLE_LEFT, 11, 5 }, { "VERSION", TABLE_LEFT, 8, 6 },
        { "HEALTH", TABLE_LEFT, 0, 3 },    { "TIER", TABLE_LEFT, 0, 7 },         { 0 },
};

static enum table_tone health_tone(const char *health)
{
        return strcmp(health, "ok") == 0     ? TABLE_GOOD
               : strcmp(health, "warn") == 0 ? TABLE_WARN
               : strcmp(health, "bad") == 0  ? TABLE_BAD
                                             : TABLE_FAINT;
}

static void services_row(struct table *t, json_t *row, int64_t now)
{
        const char *health = value_string(row, "health");
        json_t *listening = json_object_get(row, "listening");
        struct text ports = { 0 };
        char b[VALUE_SIZE];

        (void)now;
        table_cell(t, TABLE_BOLD, value_string(row, "name"));
        names(t, json_object_get(row, "hosts"), 2);
        table_cell(t, TABLE_PLAIN, value_count(b, json_object_get(row, "instances")));
        for (size_t i = 0; i < json_array_size(listening); i++) {
                json_t *port = json_array_get(listening, i);
                bool v6 = strchr(value_string(port, "address"), ':');

                text_printf(&ports, "%s%s%s%s:%lld%s", i ? " " : "", v6 ? "[" : "", value_string(port, "address"), v6 ? "]" : "",
                            (long long)json_integer_value(json_object_get(port, "port")),
                            strcmp(value_string(port, "transport"), "udp") ? "" : "/udp");
        }
        table_cell(t, TABLE_PLAIN, ports.data ? ports.data : "-");
        text_free(&ports);
        table_cell(t, TABLE_PLAIN, value_string(row, "environment"));
        table_cell(t, TABLE_PLAIN, value_string(row, "version"));
        table_cell(t, health_tone(health), health);
        table_cell(t, TABLE_FAINT, value_string(row, "tier"));
}

static const struct table_column edges_columns[] = {
        { "CLIENT", TABLE_LEFT, 20, 0 },   { "SERVER", TABLE_LEFT, 20, 0 },   { "PORT", TABLE_RIGHT, 0, 0 },
        { "PROTOCOL", TABLE_LEFT, 0, 4 },  { "OPEN", TABLE_RIGHT, 0, 1 },     { "OPENED", TABLE_RIGHT, 0, 2 },
        { "FAILED", TABLE_RIGHT, 0, 2 },   { "WHY", TABLE_LEFT, 7, 3 },       { "SENT", TABLE_RIGHT, 0, 3 },
        { "RECEIVED", TABLE_RIGHT, 0, 3 }, { "RTT", TABLE_RIGHT, 0, 7 },      { "TURNAROUND", TABLE_RIGHT, 0, 6 },
        { "SEEN FROM", TABLE_LEFT, 0, 5 }, { "LAST SEEN", TABLE_LEFT, 0, 8 }, { 0 },
};

/* How attempts to connect failed, the most frequent first. */
static void why(struct table *t, json_t *connections)
{
        static const char *const ways[][2] = { { "refused", "refused" },
                                               { "timed_out", "timed out" },
                                               { "unreachable", "unreachable" },
                                               { "aborted", "given up" },
                                               { "no_port", "no local port" } };
        bool told[ARRAY_SIZE(ways)] = { false };
        struct text text = { 0 };

        for (;;) {
                size_t most = ARRAY_SIZE(ways);

                for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
                        double count = number(json_object_get(connections, ways[i][0]));

                        if (!told[i] && count > 0 &&
                            (most == ARRAY_SIZE(ways) || count > number(json_object_get(connections, ways[most][0]))))
                                most = i;
                }
                if (most == ARRAY_SIZE(ways))
                        break;
                told[most] = true;
                text_printf(&text, "%s%s", text.length ? ", " : "", ways[most][1]);
        }
        table_cell(t, TABLE_PLAIN, text.data ? text.data : "");
        text_free(&text);
}

static void edges_row(struct table *t, json_t *row, int64_t now)
{
        json_t *connections = json_object_get(row, "connections"), *failed = json_object_get(connections, "failed");
        bool udp = strcmp(value_string(row, "transport"), "udp") == 0;
        char b[VALUE_SIZE];

        table_cell(t, TABLE_BOLD, value_string(row, "client"));
        table_cell(t, TABLE_BOLD, value_string(row, "server"));
        table_cellf(t, TABLE_PLAIN, "%lld", (long long)json_integer_value(json_object_get(row, "port")));
        table_cellf(t, TABLE_PLAIN, "%s%s", value_string(row, "protocol"), udp ? "/udp" : "");
        table_cell(t, TABLE_PLAIN, value_count(b, json_object_get(connections, "open")));
        table_cell(t, TABLE_PLAIN, value_count(b, json_object_get(connections, "opened")));
        table_cell(t, alarming(failed), value_count(b, failed));
        why(t, connections);
        table_cell(t, TABLE_PLAIN, value_size(b, value_at(row, "bytes", "sent")));
        table_cell(t, TABLE_PLAIN, value_size(b, value_at(row, "bytes", "received")));
        table_cell(t, TABLE_PLAIN, value_micros(b, value_at(row, "rtt_us", "p50")));
        table_cell(t, TABLE_PLAIN, value_micros(b, value_at(row, "turnaround_us", "p50")));
        table_cell(t, TABLE_FAINT, value_string(row, "seen_from"));
        table_cell(t, TABLE_FAINT, value_time(b, json_object_get(row, "last_seen"), now));
}

static const struct table_column processes_columns[] = {
        { "SERVICE", TABLE_LEFT, 18, 0 },  { "HOST", TABLE_LEFT, 8, 1 },        { "PID", TABLE_RIGHT, 0, 0 },
        { "STARTED", TABLE_LEFT, 0, 4 },   { "CPU", TABLE_RIGHT, 0, 1 },        { "MEMORY", TABLE_RIGHT, 0, 1 },
        { "THREADS", TABLE_RIGHT, 0, 5 },  { "FILES", TABLE_RIGHT, 0, 3 },      { "RESTARTS/H", TABLE_RIGHT, 0, 4 },
        { "LAST EXIT", TABLE_LEFT, 0, 6 }, { "EXECUTABLE", TABLE_LEFT, 10, 2 }, { 0 },
};

static void processes_row(struct table *t, json_t *row, int64_t now)
{
        json_t *files = json_object_get(row, "open_files"), *end = json_object_get(row, "last_exit");
        char b[VALUE_SIZE], c[VALUE_SIZE];

        table_cell(t, TABLE_BOLD, value_string(row, "service"));
        table_cell(t, TABLE_PLAIN, value_string(row, "host"));
        table_cellf(t, TABLE_PLAIN, "%lld", (long long)json_integer_value(json_object_get(row, "pid")));
        table_cell(t, TABLE_PLAIN, value_time(b, json_object_get(row, "started"), now));
        table_cell(t, TABLE_PLAIN, value_percent(b, json_object_get(row, "cpu_ratio")));
        table_cell(t, TABLE_PLAIN, value_size(b, json_object_get(row, "rss_bytes")));
        table_cell(t, TABLE_PLAIN, value_count(b, json_object_get(row, "threads")));
        if (json_is_number(files))
                table_cellf(t, TABLE_PLAIN, "%s/%s", value_count(b, files),
                            value_count(c, json_object_get(row, "open_files_limit")));
        else
                table_cell(t, TABLE_PLAIN, "-");
        table_cell(t, alarming(json_object_get(row, "restarts_1h")), value_count(b, json_object_get(row, "restarts_1h")));
        if (!json_is_object(end))
                table_cell(t, TABLE_FAINT, "-");
        else if (json_is_true(json_object_get(end, "oom")))
                table_cell(t, TABLE_BAD, "out of memory");
        else if (json_integer_value(json_object_get(end, "signal")))
                table_cellf(t, TABLE_BAD, "signal %lld", (long long)json_integer_value(json_object_get(end, "signal")));
        else
                table_cellf(t, alarming(json_object_get(end, "code")), "%lld",
                            (long long)json_integer_value(json_object_get(end, "code")));
        table_cell(t, TABLE_FAINT, value_string(row, "executable"));
}

static const struct table_column pools_columns[] = {
        { "CLIENT", TABLE_LEFT, 18, 0 }, { "SERVER", TABLE_LEFT, 18, 0 },
        { "PORT", TABLE_RIGHT, 0, 2 },   { "HOST", TABLE_LEFT, 8, 1 },
        { "PID", TABLE_RIGHT, 0, 1 },    { "OPEN", TABLE_RIGHT, 0, 0 },
        { "BUSY", TABLE_RIGHT, 0, 0 },   { "IDLE", TABLE_RIGHT, 0, 0 },
        { "HELD", TABLE_RIGHT, 0, 0 },   { "CLOSE-WAIT", TABLE_RIGHT, 0, 3 },
        { "LIMIT", TABLE_RIGHT, 0, 4 },  { "SOURCE", TABLE_LEFT, 0, 7 },
        { "STARTED", TABLE_LEFT, 0, 6 }, { "HELD/h", TABLE_RIGHT, 0, 5 },
        { "BREACH", TABLE_LEFT, 0, 2 },  { 0 },
};

static void pools_row(struct table *t, json_t *row, int64_t now)
{
        json_t *growth = json_object_get(row, "held_per_hour"), *breach = json_object_get(row, "breach_at");
        char b[VALUE_SIZE];

        table_cell(t, TABLE_BOLD, value_string(row, "client"));
        table_cell(t, TABLE_BOLD, value_string(row, "server"));
        table_cellf(t, TABLE_PLAIN, "%lld", (long long)json_integer_value(json_object_get(row, "port")));
        table_cell(t, TABLE_PLAIN, value_string(row, "host"));
        table_cellf(t, TABLE_PLAIN, "%lld", (long long)json_integer_value(json_object_get(row, "pid")));
        table_cell(t, TABLE_PLAIN, value_count(b, json_object_get(row, "open")));
        table_cell(t, TABLE_PLAIN, value_count(b, json_object_get(row, "busy")));
        table_cell(t, TABLE_PLAIN, value_count(b, json_object_get(row, "idle")));
        table_cell(t, TABLE_PLAIN, value_count(b, json_object_get(row, "held")));
        table_cell(t, TABLE_PLAIN, value_count(b, json_object_get(row, "close_wait")));
        table_cell(t, TABLE_PLAIN, value_count(b, value_at(row, "limit", "value")));
        table_cell(t, TABLE_FAINT, json_string_value(value_at(row, "limit", "source")) ?: "-");
        table_cell(t, TABLE_FAINT, value_time(b, json_object_get(row, "started"), now));
        table_cell(t, TABLE_BAD, json_is_object(growth) ? value_rate(b, number(json_object_get(growth, "mid"))) : "");
        table_cell(t, TABLE_BAD, json_is_object(breach) ? value_time(b, json_object_get(breach, "likely"), now) : "");
}

static const struct table_column signatures_columns[] = {
        { "SIGNATURE", TABLE_LEFT, 20, 0 },
        { "SUBJECT", TABLE_LEFT, 0, 2 },
        { "TITLE", TABLE_LEFT, 20, 1 },
        { "REMEDIES", TABLE_LEFT, 12, 4 },
        { "DIGEST", TABLE_LEFT, 0, 5 },
        { "FILE", TABLE_LEFT, 12, 3 },
        { 0 },
};

static void signatures_row(struct table *t, json_t *row, int64_t now)
{
        json_t *remedies = json_object_get(row, "remedies");
        struct text text = { 0 };

        (void)now;
        table_cell(t, TABLE_BOLD, value_string(row, "name"));
        table_cell(t, TABLE_PLAIN, value_string(row, "subject"));
        table_cell(t, TABLE_PLAIN, value_string(row, "title"));
        for (size_t i = 0; i < json_array_size(remedies); i++)
                text_printf(&text, "%s%s", i ? ", " : "", value_string(json_array_get(remedies, i), "action"));
        table_cell(t, TABLE_PLAIN, text.data ? text.data : "-");
        text_free(&text);
        table_cellf(t, TABLE_FAINT, "%.8s", value_string(row, "digest"));
        table_cell(t, TABLE_FAINT, value_string(row, "file"));
}

static const struct table_column incidents_columns[] = {
        { "INCIDENT", TABLE_LEFT, 0, 0 },   { "STATE", TABLE_LEFT, 0, 1 },
        { "SIGNATURE", TABLE_LEFT, 20, 0 }, { "SERVICE", TABLE_LEFT, 16, 0 },
        { "TOWARDS", TABLE_LEFT, 12, 3 },   { "SINCE", TABLE_LEFT, 0, 1 },
        { "SEEN", TABLE_LEFT, 0, 4 },       { "BREACH", TABLE_LEFT, 0, 0 },
        { "CAUSE", TABLE_LEFT, 14, 2 },     { 0 },
};

static void incidents_row(struct table *t, json_t *row, int64_t now)
{
        const char *state = value_string(row, "state");
        bool open = strcmp(state, "open") == 0 || strcmp(state, "mitigating") == 0;
        json_t *cause = json_object_get(row, "cause"), *breach = json_object_get(row, "breach_at");
        char b[VALUE_SIZE], c[VALUE_SIZE];

        table_cell(t, TABLE_BOLD, value_string(row, "id"));
        table_cell(t, open ? TABLE_BAD : TABLE_FAINT, state);
        table_cell(t, TABLE_BOLD, value_string(row, "signature"));
        table_cell(t, TABLE_PLAIN, value_string(row, "service"));
        table_cell(t, TABLE_PLAIN, value_string(row, "server"));
        table_cell(t, TABLE_PLAIN, value_time(b, json_object_get(row, "onset_at"), now));
        table_cell(t, TABLE_PLAIN, value_time(b, json_object_get(row, "opened_at"), now));
        if (json_is_object(breach))
                table_cellf(t, TABLE_PLAIN, "%s..%s", value_time(b, json_object_get(breach, "earliest"), now),
                            value_time(c, json_object_get(breach, "latest"), now));
        else
                table_cell(t, TABLE_FAINT, "-");
        if (json_is_object(cause))
                table_cellf(t, TABLE_PLAIN, "%s %s", value_string(cause, "kind"), value_string(cause, "ref"));
        else
                table_cell(t, TABLE_FAINT, "-");
}

static const struct table_column deployments_columns[] = {
        { "ID", TABLE_LEFT, 0, 2 },       { "AT", TABLE_LEFT, 0, 0 },       { "ENDED", TABLE_LEFT, 0, 3 },
        { "SERVICE", TABLE_LEFT, 18, 0 }, { "KIND", TABLE_LEFT, 0, 1 },     { "FROM", TABLE_LEFT, 12, 1 },
        { "TO", TABLE_LEFT, 12, 0 },      { "HOSTS", TABLE_LEFT, 8, 4 },    { "STATE", TABLE_LEFT, 0, 5 },
        { "HOW", TABLE_LEFT, 0, 6 },      { "CHANGES", TABLE_LEFT, 10, 7 }, { 0 },
};

static void deployments_row(struct table *t, json_t *row, int64_t now)
{
        const char *state = value_string(row, "state");
        char b[VALUE_SIZE];

        table_cell(t, TABLE_FAINT, value_string(row, "id"));
        table_cell(t, TABLE_PLAIN, value_time(b, json_object_get(row, "at"), now));
        table_cell(t, TABLE_PLAIN, value_time(b, json_object_get(row, "ended_at"), now));
        table_cell(t, TABLE_BOLD, value_string(row, "service"));
        table_cell(t, TABLE_PLAIN, value_string(row, "kind"));
        table_cell(t, TABLE_PLAIN, value_string(row, "from"));
        table_cell(t, TABLE_BOLD, value_string(row, "to"));
        names(t, json_object_get(row, "hosts"), 2);
        table_cell(t, strcmp(state, "done") == 0 ? TABLE_PLAIN : TABLE_WARN, state);
        table_cell(t, TABLE_FAINT, value_string(row, "how"));
        names(t, json_object_get(row, "changes"), 3);
}

static const struct table_column audit_columns[] = {
        { "INDEX", TABLE_RIGHT, 0, 0 },
        { "AT", TABLE_LEFT, 0, 0 },
        { "KIND", TABLE_LEFT, 0, 0 },
        { "INCIDENT", TABLE_LEFT, 0, 1 },
        { "ACTION", TABLE_LEFT, 0, 2 },
        { "DIGEST", TABLE_LEFT, 12, 3 },
        { 0 },
};

static void audit_row(struct table *t, json_t *row, int64_t now)
{
        char b[VALUE_SIZE];

        table_cellf(t, TABLE_FAINT, "%lld", (long long)json_integer_value(json_object_get(row, "index")));
        table_cell(t, TABLE_PLAIN, value_time(b, json_object_get(row, "at"), now));
        table_cell(t, TABLE_BOLD, value_string(row, "kind"));
        table_cell(t, TABLE_PLAIN, value_string(row, "incident"));
        table_cell(t, TABLE_PLAIN, value_string(row, "action"));
        table_cell(t, TABLE_FAINT, value_string(row, "digest"));
}

static const struct table_column pages_columns[] = {
        { "ID", TABLE_LEFT, 0, 0 },
        { "SINCE", TABLE_LEFT, 0, 1 },
        { "PAGED", TABLE_RIGHT, 0, 2 },
        { "SEEN BY", TABLE_LEFT, 8, 1 },
        { "NEXT", TABLE_LEFT, 0, 3 },
        { "WHAT", TABLE_LEFT, 30, 0 },
        { 0 },
};

static void pages_row(struct table *t, json_t *row, int64_t now)
{
        bool seen = json_is_string(json_object_get(row, "acknowledged_by"));
        char b[VALUE_SIZE];

        table_cell(t, TABLE_BOLD, value_string(row, "id"));
        table_cell(t, TABLE_PLAIN, value_time(b, json_object_get(row, "since"), now));
        table_cell(t, TABLE_PLAIN, value_count(b, json_object_get(row, "times")));
        table_cell(t, seen ? TABLE_GOOD : TABLE_BAD, seen ? value_string(row, "acknowledged_by") : "nobody");
        table_cell(t, TABLE_FAINT, value_time(b, json_object_get(row, "next_at"), now));
        table_cell(t, TABLE_PLAIN, value_string(row, "text"));
}

const struct rows_shape rows_shapes[] = {
        { "actions", "Nothing is proposed, and nothing was done.", rows_actions_columns, rows_actions_row },
        { "authority", "No authority was earned, granted or needed yet.", rows_authority_columns, rows_authority_row },
        { "audit", "The audit log has no such entry.", audit_columns, audit_row },
        { "deployments", "No deployment has been seen yet.", deployments_columns, deployments_row },
        { "hosts", "No agent has reported yet.", hosts_columns, hosts_row },
        { "services", "No service has been seen yet.", services_columns, services_row },
        { "edges", "No connection has been seen yet.", edges_columns, edges_row },
        { "processes", "No process has been seen yet.", processes_columns, processes_row },
        { "pools", "No open connection has been seen yet.", pools_columns, pools_row },
        { "incidents", "No incident.", incidents_columns, incidents_row },
        { "pages", "Nobody is needed.", pages_columns, pages_row },
        { "signatures", "No signature is loaded.", signatures_columns, signatures_row },
};
const size_t rows_shapes_count = ARRAY_SIZE(rows_shapes);
