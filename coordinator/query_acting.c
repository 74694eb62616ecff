#include "coordinator/query_acting.h"
#include "coordinator/conduct.h"
#include "coordinator/json.h"
#include "coordinator/render_acting.h"
#include "coordinator/view.h"

#include <stdlib.h>
#include <string.h>

bool query_is_of_acting(const char *verb)
{
        return strcmp(verb, "actions") == 0 || strcmp(verb, "authority") == 0;
}

enum query_status query_of_acting(const struct conduct *conduct, int64_t now, const struct wire_query *query, struct text *out)
{
        for (size_t i = 0; i < query->arguments_count; i++)
                if (strcmp(query->arguments[i].name, "format") || strcmp(query->arguments[i].value, "json")) {
                        text_printf(out, "unknown argument '%.100s'\n", query->arguments[i].name);
                        return QUERY_USAGE;
                }
        if (!conduct) {
                text_puts(out, "nothing is decided here\n");
                return QUERY_FAILED;
        }
        json_open(out, NULL, '{');
        json_time(out, "as_of", now);
        json_bool(out, "complete", !conduct_refusal(conduct));
        if (conduct_refusal(conduct))
                json_string(out, "refusal", conduct_refusal(conduct));
        if (strcmp(query->verb, "actions") == 0)
                render_actions(out, conduct_acting(conduct), now);
        else
                render_authority(out, conduct_acting(conduct), now);
        json_close(out, '}');
        text_puts(out, "\n");
        return QUERY_DONE;
}

void query_add_acting(const struct conduct *conduct, struct view *view)
{
        const struct acting *a = conduct_acting(conduct);

        for (size_t k = 0; k < acting_count(a); k++) {
                const struct remedy *m = acting_get(a, k);

                if (!remedy_is_in_flight(m->state) && m->state != REMEDY_VERIFIED)
                        continue;
                for (size_t i = 0; i < view->incidents_count; i++) {
                        struct view_incident *v = &view->incidents[i];

                        if (v->state == INCIDENT_OPEN && strtoull(v->id + 1, NULL, 10) == m->plan.incident)
                                v->state = m->state == REMEDY_STUCK ? INCIDENT_HANDED_OVER : INCIDENT_MITIGATING;
                }
        }
}
