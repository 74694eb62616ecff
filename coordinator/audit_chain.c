#include "coordinator/audit_chain.h"
#include "coordinator/json.h"
#include "coordinator/render.h"
#include "coordinator/render_incidents.h"

int audit_chain(struct core *core, int64_t now, const char *incident, char **ret_json)
{
        struct view_query query = { .parts = VIEW_INCIDENTS, .incident = incident };
        struct view *view = NULL;
        struct text text = { 0 };
        int r = core_view(core, now, &query, &view);

        if (r < 0)
                return r;
        json_open(&text, NULL, '{');
        render_incident_chain(&text, &view->incidents[0], NULL);
        json_close(&text, '}');
        view_free(&view);
        if (text.failed) {
                text_free(&text);
                return -ENOMEM;
        }
        *ret_json = text.data;
        return 0;
}
