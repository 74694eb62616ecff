#include "coordinator/deployment.h"
#include "coordinator/json.h"
#include "coordinator/render_internal.h"

#include <inttypes.h>
#include <stdio.h>

static const char *kind_name(enum deployment_kind kind)
{
        static const char *const names[] = { [DEPLOYMENT_BUILD] = "deployment",
                                             [DEPLOYMENT_FILES] = "configuration",
                                             [DEPLOYMENT_FLAGS] = "flags",
                                             [DEPLOYMENT_ENVIRONMENT] = "environment" };

        return names[kind];
}

static const char *state_name(enum deployment_end end)
{
        static const char *const names[] = { [DEPLOYMENT_OPEN] = "under_way",
                                             [DEPLOYMENT_DONE] = "done",
                                             [DEPLOYMENT_TAKEN_BACK] = "taken_back",
                                             [DEPLOYMENT_SIDE_BY_SIDE] = "side_by_side",
                                             [DEPLOYMENT_SUPERSEDED] = "superseded" };

        return names[end];
}

static void strings(struct text *out, const char *key, const struct view_strings *s)
{
        json_open(out, key, '[');
        for (size_t i = 0; i < s->count; i++)
                json_string(out, NULL, s->items[i]);
        json_close(out, ']');
}

void render_deployments(struct text *out, const struct view *view)
{
        json_open(out, "deployments", '[');
        for (size_t i = 0; i < view->deployments_count; i++) {
                const struct view_deployment *d = &view->deployments[i];
                char id[32];

                snprintf(id, sizeof(id), "d-%" PRIu64, d->id);
                json_open_line(out, '{');
                json_string(out, "id", id);
                json_string(out, "service", d->service);
                json_string(out, "kind", kind_name(d->kind));
                strings(out, "hosts", &d->hosts);
                json_string(out, "from", d->from);
                json_string(out, "to", d->to);
                json_time(out, "at", d->at);
                json_time(out, "ended_at", d->ended_at);
                json_string(out, "state", state_name(d->end));
                json_string(out, "how", d->announced_at ? "announced" : "observed");
                json_bool(out, "observed", d->observed);
                json_time(out, "announced_at", d->announced_at);
                strings(out, "changes", &d->changes);
                json_close(out, '}');
        }
        text_puts(out, view->deployments_count ? "\n]" : "]");
}
