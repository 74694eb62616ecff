#include "coordinator/dot_internal.h"
#include "coordinator/render.h"

#include <string.h>

#define FONT "Helvetica,Arial,DejaVu Sans,sans-serif"
#define ALONE_IN_A_ROW 5
#define TOOLTIPS_MOST 5000 /* beyond that nobody points at an edge */

struct picture {
        struct text *out;
        const struct dot_model *model;
        struct dot_places places;
};

static void write_node(struct picture *p, const struct dot_place *place, const char *indent)
{
        const struct dot_node *n = &p->model->nodes[place->node];

        text_puts(p->out, indent);
        dot_identifier(p->out, n->name);
        if (n->external)
                dot_write_external(p->out, p->model, place->node);
        else
                dot_write_service(p->out, n, *place->host);
}

/* Services without a connection would fill one endless column: they are laid out in rows. */
static void write_alone(struct picture *p, size_t from, size_t to, const char *indent)
{
        uint32_t previous = UINT32_MAX;
        size_t k = 0;

        for (size_t i = from; i < to; i++) {
                uint32_t node = p->places.items[i].node;

                if (p->model->nodes[node].links || p->model->nodes[node].external)
                        continue;
                if (k++ % ALONE_IN_A_ROW != 0) {
                        text_puts(p->out, indent);
                        dot_identifier(p->out, p->model->nodes[previous].name);
                        text_puts(p->out, " -> ");
                        dot_identifier(p->out, p->model->nodes[node].name);
                        text_puts(p->out, " [style=invis];\n");
                }
                previous = node;
        }
}

static void open_cluster(struct text *out, size_t number, const char *label, bool outer)
{
        text_puts(out, outer ? "  " : "    ");
        text_puts(out, "subgraph cluster_");
        text_uint(out, number);
        text_puts(out, outer ? " {\n    color=\"#cbd5e1\" fillcolor=\"#f8fafc\" margin=16 fontsize=15 label=<<b>"
                             : " {\n      color=\"#d5deea\" fillcolor=\"#eef3fa\" margin=12 fontsize=12 label=<<b>");
        dot_html(out, label, 48);
        text_puts(out, "</b>>;\n");
}

static void write_nodes(struct picture *p)
{
        const char *environment = "", *host = "";
        size_t clusters = 0, start = 0;

        for (size_t i = 0; i < p->places.count; i++) {
                const struct dot_place *place = &p->places.items[i];
                bool new_environment = strcmp(place->environment, environment) != 0;

                if (new_environment || strcmp(place->host, host)) {
                        write_alone(p, start, i, "    ");
                        start = i;
                        if (*host)
                                text_puts(p->out, "    }\n");
                        if (new_environment && *environment)
                                text_puts(p->out, "  }\n");
                        if (new_environment && *place->environment)
                                open_cluster(p->out, clusters++, place->environment, true);
                        if (*place->host)
                                open_cluster(p->out, clusters++, place->host, false);
                        environment = place->environment;
                        host = place->host;
                }
                write_node(p, place, *host ? "      " : *environment ? "    " : "  ");
        }
        write_alone(p, start, p->places.count, "    ");
        if (*host)
                text_puts(p->out, "    }\n");
        if (*environment)
                text_puts(p->out, "  }\n");
}

static void write_legend(struct picture *p, const struct view *view)
{
        text_puts(p->out, "  label=<<font point-size=\"9\" color=\"" DOT_QUIET
                          "\">Edges: protocol or port · open connections; the wider, the "
                          "more traffic.</font>");
        if (!view->complete)
                text_puts(p->out,
                          "<br align=\"left\"/><font point-size=\"10\" color=\"#d97706\">Incomplete: an agent lost events or is "
                          "silent.</font>");
        text_puts(p->out, "<br align=\"left\"/>>;\n");
}

int render_dot(struct text *out, const struct view *view)
{
        struct dot_model model;
        struct picture p = { .out = out, .model = &model };
        double busiest = 0;
        bool tooltips;
        int r = dot_model_new(view, &model);

        if (r < 0)
                return r;
        r = dot_places_new(&model, view, &p.places);
        if (r < 0)
                goto end;
        for (size_t i = 0; i < model.links_count; i++)
                if (!model.links[i].hidden)
                        busiest = MAX(busiest, model.links[i].rate);
        tooltips = model.links_count <= TOOLTIPS_MOST;
        text_puts(out, "digraph nightshift {\n"
                       "  graph [rankdir=LR bgcolor=\"" DOT_GROUND "\" pad=0.4 nodesep=0.3 ranksep=1.1 fontname=\"" FONT
                       "\" fontcolor=\"" DOT_QUIET "\" labeljust=l style=\"rounded,filled\"];\n"
                       "  node [shape=box style=\"rounded,filled\" fontname=\"" FONT "\" fontsize=12 fontcolor=\"" DOT_INK
                       "\" margin=\"0.12,0.07\" height=0.4];\n"
                       "  edge [fontname=\"" FONT "\" fontsize=9 fontcolor=\"" DOT_QUIET "\" color=\"#5b7aa8\" arrowsize=0.7];\n");
        /* Graphviz 2.43 fails on some circles between boxes ("trouble in init_rank") unless it ranks
         * the nodes of all boxes together, which is otherwise the less compact picture. */
        if (p.places.circles)
                text_puts(out, "  newrank=true;\n");
        write_legend(&p, view);
        write_nodes(&p);
        for (size_t i = 0; i < model.links_count; i++)
                if (!model.links[i].hidden)
                        dot_write_link(out, &model, &model.links[i], busiest, tooltips);
        text_puts(out, "}\n");
        r = out->failed;
end:
        dot_places_free(&p.places);
        dot_model_free(&model);
        return r;
}
