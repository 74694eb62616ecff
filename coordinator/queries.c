#include "coordinator/queries.h"
#include "coordinator/conduct.h"
#include "coordinator/core.h"
#include "coordinator/query_acting.h"
#include "coordinator/render_acting.h"
#include "coordinator/signatures_json.h"
#include "coordinator/view.h"
#include "proto/time_text.h"
#include "proto/units.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 100
#define ANNOUNCED_MAX 200

static const struct {
        const char *verb;
        uint32_t parts;
} verbs[] = {
        { "status", VIEW_STATUS },       { "hosts", VIEW_HOSTS },
        { "services", VIEW_SERVICES },   { "edges", VIEW_EDGES },
        { "processes", VIEW_PROCESSES }, { "graph", VIEW_GRAPH },
        { "pools", VIEW_POOLS },         { "incidents", VIEW_INCIDENTS },
        { "explain", VIEW_INCIDENTS },   { "deployments", VIEW_DEPLOYMENTS },
};

static enum query_status wrong(struct text *out, const struct wire_argument *a, const char *expected)
{
        text_printf(out, "%s: expected %s, found '%.100s'\n", a->name, expected, a->value);
        return QUERY_USAGE;
}

static enum query_status depth(struct text *out, const struct wire_argument *a, uint32_t *ret_depth)
{
        char *end;
        unsigned long v;

        errno = 0;
        v = strtoul(a->value, &end, 10);
        if (errno || end == a->value || *end || v < 1 || v > DEPTH_MAX || *a->value == '-')
                return wrong(out, a, "a whole number from 1 to 100");
        *ret_depth = (uint32_t)v;
        return QUERY_DONE;
}

static enum query_status argument(struct text *out, int64_t now, const struct wire_argument *a, struct view_query *q, bool *ret_dot)
{
        if (strcmp(a->name, "service") == 0) {
                q->service = a->value;
        } else if (strcmp(a->name, "host") == 0) {
                q->host = a->value;
        } else if (strcmp(a->name, "incident") == 0) {
                q->incident = a->value;
        } else if (strcmp(a->name, "depth") == 0) {
                return depth(out, a, &q->depth);
        } else if (strcmp(a->name, "at") == 0) {
                if (time_text_parse(a->value, now, &q->at) < 0)
                        return wrong(out, a, TIME_TEXT_EXPECTED);
                if (q->at > now)
                        return wrong(out, a, "a time that has passed");
        } else if (strcmp(a->name, "window") == 0) {
                if (duration_parse(a->value, &q->window) < 0 || q->window == 0)
                        return wrong(out, a, "a duration such as 30s, 5m or 24h");
        } else if (strcmp(a->name, "format") == 0) {
                if (strcmp(a->value, "json") && strcmp(a->value, "dot"))
                        return wrong(out, a, "json or dot");
                *ret_dot = strcmp(a->value, "dot") == 0;
        } else {
                text_printf(out, "unknown argument '%.100s'\n", a->name);
                return QUERY_USAGE;
        }
        return QUERY_DONE;
}

static enum query_status failed(struct text *out, int r, const struct view_query *q)
{
        if (r == -ENOENT && q->incident) {
                text_printf(out, "no incident '%.100s'\n", q->incident);
                return QUERY_NO_SUCH;
        }
        if (r == -ENOENT) {
                if (q->service && q->host)
                        text_printf(out, "no service '%s' on a host '%s'\n", q->service, q->host);
                else
                        text_printf(out, "no %s '%s'\n", q->service ? "service" : "host", q->service ? q->service : q->host);
                return QUERY_NO_SUCH;
        }
        if (r == -ERANGE) {
                text_puts(out, "history does not reach back to that time\n");
                return QUERY_NO_SUCH;
        }
        text_printf(out, "the coordinator cannot answer: %s\n", strerror(-r));
        return QUERY_FAILED;
}

bool query_is_brief(const char *verb)
{
        return strcmp(verb, "status") == 0 || strcmp(verb, "signatures") == 0 || strcmp(verb, "pages") == 0 ||
               query_is_of_acting(verb);
}

static enum query_status answer_signatures(struct text *out, int64_t now, const struct signature_set *set,
                                           const struct wire_query *query)
{
        for (size_t i = 0; i < query->arguments_count; i++) {
                const struct wire_argument *a = &query->arguments[i];

                if (strcmp(a->name, "format")) {
                        text_printf(out, "unknown argument '%.100s'\n", a->name);
                        return QUERY_USAGE;
                }
                if (strcmp(a->value, "json"))
                        return wrong(out, a, "json");
        }
        signatures_json(out, set, now);
        return QUERY_DONE;
}

enum query_status query_announce(struct core *core, int64_t now, const struct wire_query *query, struct text *out)
{
        const char *service = NULL, *version = NULL, *host = NULL;
        uint64_t id;
        int r;

        for (size_t i = 0; i < query->arguments_count; i++) {
                const struct wire_argument *a = &query->arguments[i];

                if (!*a->value || strlen(a->value) > ANNOUNCED_MAX)
                        return wrong(out, a, "1 to 200 bytes");
                if (strcmp(a->name, "service") == 0) {
                        service = a->value;
                } else if (strcmp(a->name, "version") == 0) {
                        version = a->value;
                } else if (strcmp(a->name, "host") == 0) {
                        host = a->value;
                } else {
                        text_printf(out, "unknown argument '%.100s'\n", a->name);
                        return QUERY_USAGE;
                }
        }
        if (!service || !version) {
                text_puts(out, "expected a service and a version\n");
                return QUERY_USAGE;
        }
        r = core_announce(core, now, service, version, host, &id);
        if (r < 0)
                return failed(out, r, &(struct view_query){ .service = service, .host = host });
        text_printf(out, "d-%" PRIu64 "\n", id);
        return QUERY_DONE;
}

/* What acting adds to the explanation of an incident. */
struct addition {
        const struct conduct *conduct;
        int64_t now;
};

static void add_outlook(void *data, struct text *out, const char *id)
{
        const struct addition *a = data;
        uint64_t incident = strtoull(id + 1, NULL, 10);
        struct outlook outlook;
        bool there = conduct_outlook(a->conduct, a->now, incident, &outlook) == 0;

        render_outlook(out, conduct_acting(a->conduct), incident, there ? &outlook : NULL, a->now);
        if (there)
                outlook_free(&outlook);
        render_log(out, conduct_log(a->conduct), incident);
}

static void add_pause(void *data, struct text *out, const char *id)
{
        const struct addition *a = data;

        (void)id;
        render_pause(out, acting_pause(conduct_acting(a->conduct)));
}

enum query_status query_answer(struct core *core, const struct signature_set *signatures, const struct conduct *conduct,
                               int64_t now, int64_t started_monotonic, const struct wire_query *query, struct text *out,
                               const char **ret_type)
{
        struct addition addition = { conduct, now };
        struct render_more more = { strcmp(query->verb, "explain") ? add_pause : add_outlook, &addition };
        struct view_query q = { 0 };
        struct view *view = NULL;
        bool dot = false;
        size_t which = 0;
        int r;

        *ret_type = "text/plain; charset=utf-8";
        if (strcmp(query->verb, "signatures") == 0) {
                enum query_status s = answer_signatures(out, now, signatures, query);

                *ret_type = s == QUERY_DONE ? "application/json" : *ret_type;
                return s;
        }
        if (query_is_of_acting(query->verb)) {
                enum query_status s = query_of_acting(conduct, now, query, out);

                *ret_type = s == QUERY_DONE ? "application/json" : *ret_type;
                return s;
        }
        while (which < ARRAY_SIZE(verbs) && strcmp(query->verb, verbs[which].verb))
                which++;
        if (which == ARRAY_SIZE(verbs)) {
                text_printf(out, "unknown verb '%.100s'\n", query->verb);
                return QUERY_USAGE;
        }
        q.parts = verbs[which].parts;
        for (size_t i = 0; i < query->arguments_count; i++) {
                enum query_status s = argument(out, now, &query->arguments[i], &q, &dot);

                if (s != QUERY_DONE)
                        return s;
        }
        if (q.depth && !q.service) {
                text_puts(out, "depth: expected together with a service\n");
                return QUERY_USAGE;
        }
        if (strcmp(query->verb, "explain") == 0 && !q.incident) {
                text_puts(out, "incident: expected the id of an incident, as `incidents` shows it\n");
                return QUERY_USAGE;
        }
        if (dot && q.parts != VIEW_GRAPH) {
                text_printf(out, "format: only a graph can be DOT, not '%s'\n", query->verb);
                return QUERY_USAGE;
        }
        r = core_view(core, now, &q, &view);
        if (r < 0)
                return failed(out, r, &q);
        if (!view->uptime_ns && started_monotonic >= 0)
                view->uptime_ns = clock_monotonic() - started_monotonic;
        if (conduct)
                query_add_acting(conduct, view);
        r = dot ? render_dot(out, view) : render_json(out, query->verb, view, conduct ? &more : NULL);
        view_free(&view);
        if (r < 0) {
                out->length = 0;
                out->failed = 0;
                return failed(out, r, &q);
        }
        *ret_type = dot ? "text/vnd.graphviz; charset=utf-8" : "application/json";
        return QUERY_DONE;
}
