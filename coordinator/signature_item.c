#include "coordinator/signature_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BIT PARAMETER_BIT
#define DAY (86400 * NSEC_PER_SEC)

const char *const signature_item_keys[] = {
        "signal", "shape", "by", "value", "of", "for", "within", "confidence", "share", "count"
};

struct item_reader {
        struct yaml_config_reader *reader;
        yaml_node_t *const *nodes;
        const char *path;
        enum subject subject;
        enum item_use use;
        char at[SIGNATURE_PATH_SIZE + 16]; /* the path of what is read */
};

/* The node of a parameter, or NULL; its path becomes that of errors. */
static const yaml_node_t *parameter(struct item_reader *in, enum parameter p)
{
        snprintf(in->at, sizeof(in->at), "%s.%s", in->path, parameter_name(p));
        return in->nodes[ITEM_PARAMETERS + p];
}

static int read_signal(struct item_reader *in, const yaml_node_t *node, struct signature_item *item)
{
        const yaml_node_t *at = in->nodes[ITEM_SIGNAL];

        snprintf(in->at, sizeof(in->at), "%s.signal", in->path);
        if (at)
                return signature_signal(in->reader, at, in->at, in->subject, &item->signal);
        item->signal = SIGNAL_NONE;
        return in->use == ITEM_PREDICTED ? 0 : yaml_config_fail(in->reader, node, in->at, "missing; expected the name of a signal");
}

static int read_shape(struct item_reader *in, const yaml_node_t *node, struct signature_item *item)
{
        char list[128];
        const char *text;
        int r;

        snprintf(in->at, sizeof(in->at), "%s.shape", in->path);
        shapes_list(list, sizeof(list));
        if (!in->nodes[ITEM_SHAPE])
                return yaml_config_fail(in->reader, node, in->at, "missing; expected one of: %s", list);
        node = in->nodes[ITEM_SHAPE];
        r = signature_text(in->reader, node, in->at, "the name of a shape", &text);
        if (r < 0)
                return r;
        if (!shape_find(text, &item->shape))
                return yaml_config_fail(in->reader, node, in->at, "expected one of %s, found '%.40s'", list, text);
        if (in->use == ITEM_PREDICTED && item->shape != SHAPE_RISING && item->shape != SHAPE_FALLING &&
            item->shape != SHAPE_ABOVE && item->shape != SHAPE_BELOW)
                return yaml_config_fail(in->reader, node, in->at,
                                        "expected of a prediction one of rising, falling, above, below, found '%.40s'", text);
        if (item->signal != SIGNAL_NONE && signal_unit(item->signal) == UNIT_EVENTS && !shape_counts(item->shape))
                return yaml_config_fail(in->reader, node, in->at, "expected above or below of events such as '%s', found '%.40s'",
                                        signal_name(item->signal), text);
        return 0;
}

/* Which parameters there are, and whether they are those of the shape in this use of it. */
static int check_parameters(struct item_reader *in, const yaml_node_t *node, struct signature_item *item)
{
        uint32_t required = shape_required(item->shape), allowed = shape_allowed(item->shape);
        const yaml_node_t *at;
        char list[96];

        if (in->use == ITEM_PREDICTED) {
                allowed = (allowed & (BIT(PARAMETER_BY) | BIT(PARAMETER_VALUE) | BIT(PARAMETER_OF))) | BIT(PARAMETER_WITHIN);
                required = (required & allowed) | BIT(PARAMETER_WITHIN);
        } else if (in->use == ITEM_EXPLAINS) {
                required &= ~BIT(PARAMETER_FOR);
                if (item->shape != SHAPE_STEADY)
                        required &= ~BIT(PARAMETER_BY);
        }
        if (item->signal != SIGNAL_NONE && signal_unit(item->signal) == UNIT_EVENTS)
                allowed &= ~BIT(PARAMETER_SHARE);
        for (unsigned p = 0; p < PARAMETERS; p++) {
                at = parameter(in, p);
                if (at && !(allowed & BIT(p)))
                        return yaml_config_fail(in->reader, at, in->at, "not for '%s' here, which takes: %s",
                                                shape_name(item->shape), parameters_list(allowed, list, sizeof(list)));
                if (!at && required & BIT(p))
                        return yaml_config_fail(in->reader, node, in->at, "missing; '%s' here needs: %s", shape_name(item->shape),
                                                parameters_list(required, list, sizeof(list)));
                item->given |= at ? BIT(p) : 0;
        }
        return 0;
}

static int read_reference(struct item_reader *in, const yaml_node_t *node, struct signature_item *item)
{
        static const char expected[] = "usual, former-build, or another signal of the subject in the same unit";
        const char *text;
        int r = signature_text(in->reader, node, in->at, expected, &text);

        if (r < 0)
                return r;
        item->of = strcmp(text, "usual") == 0          ? REFERENCE_USUAL
                   : strcmp(text, "former-build") == 0 ? REFERENCE_FORMER_BUILD
                                                       : REFERENCE_SIGNAL;
        if (item->of != REFERENCE_SIGNAL)
                return 0;
        if (item->signal == SIGNAL_NONE)
                return yaml_config_fail(in->reader, node, in->at,
                                        "expected usual or former-build where no signal is named, found '%.40s'", text);
        if (!signal_find(in->subject, text, &item->of_signal) || item->of_signal == item->signal ||
            signal_unit(item->of_signal) != signal_unit(item->signal))
                return yaml_config_fail(in->reader, node, in->at, "expected %s, found '%.40s'", expected, text);
        return 0;
}

static int read_value(struct item_reader *in, const yaml_node_t *node, struct signature_item *item)
{
        const char *expected = item->of ? "a percentage such as 80%, because of `of`" : unit_expectation(signal_unit(item->signal)),
                   *text;
        int r = signature_text(in->reader, node, in->at, expected, &text);

        if (r < 0)
                return r;
        if (item->of) {
                item->value.relative = true;
                r = strchr(text, '%') ? share_parse(text, 1e6, &item->value.number) : -EINVAL;
        } else {
                r = amount_parse(text, signal_unit(item->signal), &item->value);
                if (r == 0 && item->value.relative)
                        return yaml_config_fail(in->reader, node, in->at,
                                                "expected %s; a percentage needs `of`, which says of what, found '%.40s'", expected,
                                                text);
        }
        return r == 0 ? 0 : yaml_config_fail(in->reader, node, in->at, "expected %s, found '%.40s'", expected, text);
}

static int read_by(struct item_reader *in, const yaml_node_t *node, struct signature_item *item)
{
        enum signal_unit unit = signal_unit(item->signal);
        const char * or = unit == UNIT_LOAD || unit == UNIT_RATIO ? "" : ", or a percentage", *text;
        int r = signature_text(in->reader, node, in->at, unit_expectation(unit), &text);

        if (r < 0)
                return r;
        r = amount_parse(text, unit, &item->by);
        if (r == 0 && item->by.number > 0)
                return 0;
        return yaml_config_fail(in->reader, node, in->at, "expected %s%s, more than 0, found '%.40s'", unit_expectation(unit), or,
                                text);
}

static int read_share(struct item_reader *in, const yaml_node_t *node, double min, double max, const char *expected,
                      double *ret_share)
{
        const char *text;
        double v = 0;
        int r = signature_text(in->reader, node, in->at, expected, &text);

        if (r < 0)
                return r;
        r = share_parse(text, max, &v);
        if (r < 0 || v < min)
                return yaml_config_fail(in->reader, node, in->at, "expected %s, found '%.40s'", expected, text);
        *ret_share = v;
        return 0;
}

static int read_count(struct item_reader *in, const yaml_node_t *node, uint32_t *ret_count)
{
        static const char expected[] = "a whole number from 1 to 1000";
        const char *text;
        int r = signature_text(in->reader, node, in->at, expected, &text);
        unsigned long v;

        if (r < 0)
                return r;
        v = strspn(text, "0123456789") == strlen(text) && strlen(text) <= 4 ? strtoul(text, NULL, 10) : 0;
        if (v < 1 || v > 1000)
                return yaml_config_fail(in->reader, node, in->at, "expected %s, found '%.40s'", expected, text);
        *ret_count = (uint32_t)v;
        return 0;
}

int signature_item(struct yaml_config_reader *reader, yaml_node_t *node, yaml_node_t *const *nodes, const char *path,
                   enum subject subject, enum item_use use, struct signature_item *ret_item)
{
        struct signature_item item = {
                .confidence = 0.95, .share = 1, .of_signal = SIGNAL_NONE, .line = (uint32_t)node->start_mark.line + 1
        };
        struct item_reader in = { .reader = reader, .nodes = nodes, .path = path, .subject = subject, .use = use };
        const yaml_node_t *at;
        int r = read_signal(&in, node, &item);

        if (r == 0)
                r = read_shape(&in, node, &item);
        if (r == 0)
                r = check_parameters(&in, node, &item);
        if (r == 0 && (at = parameter(&in, PARAMETER_OF)))
                r = read_reference(&in, at, &item);
        if (r == 0 && item.signal == SIGNAL_NONE && !item.of)
                r = yaml_config_fail(reader, node, path,
                                     "expected above or below, of usual or of former-build, where no signal is named");
        if (r == 0 && (at = parameter(&in, PARAMETER_VALUE)))
                r = read_value(&in, at, &item);
        if (r == 0 && (at = parameter(&in, PARAMETER_BY)))
                r = read_by(&in, at, &item);
        if (r == 0 && (at = parameter(&in, PARAMETER_FOR)))
                r = signature_span(reader, at, in.at, SIGNATURE_WINDOW_MAX, &item.window);
        if (r == 0 && (item.shape == SHAPE_STEP_UP || item.shape == SHAPE_STEP_DOWN))
                item.within = 60 * NSEC_PER_SEC;
        if (r == 0 && item.shape == SHAPE_ACCUMULATING) {
                item.within = 180 * NSEC_PER_SEC;
                item.count = 2;
        }
        if (r == 0 && (at = parameter(&in, PARAMETER_WITHIN)))
                r = signature_span(reader, at, in.at, DAY, &item.within);
        if (r == 0 && (at = parameter(&in, PARAMETER_CONFIDENCE)))
                r = read_share(&in, at, 0.5, 0.9999, "a share from 50% to 99.99%", &item.confidence);
        if (r == 0 && (at = parameter(&in, PARAMETER_SHARE)))
                r = read_share(&in, at, 0.01, 1, "a share from 1% to 100%", &item.share);
        if (r == 0 && (at = parameter(&in, PARAMETER_COUNT)))
                r = read_count(&in, at, &item.count);
        if (r == 0)
                *ret_item = item;
        return r;
}
