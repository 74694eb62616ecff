#include "coordinator/action_names.h"
#include "coordinator/signature_internal.h"

#include <stdio.h>
#include <string.h>

#define DAY (86400 * NSEC_PER_SEC)

static const char *const tiers[] = { [2] = "turnarounds", [3] = "payload-heads" };

const char *tier_name(uint32_t tier)
{
        return tier < ARRAY_SIZE(tiers) && tiers[tier] ? tiers[tier] : "connections";
}

static int take_evidence(struct yaml_config_reader *reader, yaml_node_t *node, const char *path, struct signature *s)
{
        yaml_node_t *nodes[ITEM_KEYS];
        struct signature_evidence *e = &s->evidence[s->evidence_count];
        int r;

        if (s->evidence_count == SIGNATURE_ITEMS_MAX)
                return yaml_config_fail(reader, node, path, "expected at most %d, alternatives counted one by one",
                                        SIGNATURE_ITEMS_MAX);
        r = signature_fields(reader, node, path, signature_item_keys, ITEM_KEYS, nodes);
        if (r == 0)
                r = signature_item(reader, node, nodes, path, s->subject, ITEM_EVIDENCE, &e->item);
        if (r < 0)
                return r;
        e->group = (uint32_t)s->groups_count;
        s->evidence_count++;
        return 0;
}

/* The list under `any`, or NULL if the item is one itself. */
static yaml_node_t *alternatives(struct yaml_config_reader *reader, const yaml_node_t *node)
{
        yaml_document_t *document = yaml_config_document(reader);
        const yaml_node_pair_t *p = node->data.mapping.pairs.start;
        const yaml_node_t *key;

        if (node->type != YAML_MAPPING_NODE || node->data.mapping.pairs.top - p != 1)
                return NULL;
        key = yaml_document_get_node(document, p->key);
        if (!key || key->type != YAML_SCALAR_NODE || strcmp((const char *)key->data.scalar.value, "any"))
                return NULL;
        return yaml_document_get_node(document, p->value);
}

int signature_read_evidence(struct yaml_config_reader *reader, yaml_node_t *node, const char *path, void *config)
{
        struct signature *s = config;
        char at[SIGNATURE_PATH_SIZE];
        size_t count, several;
        int r = signature_need_subject(reader, node, s);

        if (r == 0)
                r = signature_list(reader, node, path, SIGNATURE_ITEMS_MAX, &count);
        for (size_t i = 0; r == 0 && i < count; i++) {
                yaml_node_t *item = signature_list_item(reader, node, i), *any = alternatives(reader, item);

                snprintf(at, sizeof(at), "%s[%zu]", path, i + 1);
                if (!any) {
                        r = take_evidence(reader, item, at, s);
                } else {
                        snprintf(at, sizeof(at), "%s[%zu].any", path, i + 1);
                        r = signature_list(reader, any, at, SIGNATURE_ITEMS_MAX, &several);
                        for (size_t j = 0; r == 0 && j < several; j++) {
                                snprintf(at, sizeof(at), "%s[%zu].any[%zu]", path, i + 1, j + 1);
                                r = take_evidence(reader, signature_list_item(reader, any, j), at, s);
                        }
                }
                s->groups_count++;
        }
        return r;
}

static int take_against(struct yaml_config_reader *reader, yaml_node_t *node, const char *path, enum subject subject,
                        struct signature_against *ret_against)
{
        enum { EXPLAINS = ITEM_KEYS, SAYS, KEYS };
        const char *names[KEYS] = { [EXPLAINS] = "explains", [SAYS] = "says" };
        struct signature_against a = { .explains = SIGNAL_NONE };
        char at[SIGNATURE_PATH_SIZE + 16];
        yaml_node_t *nodes[KEYS] = { NULL };
        int r;

        memcpy(names, signature_item_keys, sizeof(signature_item_keys));
        r = signature_fields(reader, node, path, names, KEYS, nodes);
        if (r == 0)
                r = signature_item(reader, node, nodes, path, subject, nodes[EXPLAINS] ? ITEM_EXPLAINS : ITEM_AGAINST, &a.item);
        if (r == 0 && nodes[EXPLAINS]) {
                snprintf(at, sizeof(at), "%s.explains", path);
                r = signature_signal(reader, nodes[EXPLAINS], at, subject, &a.explains);
        }
        snprintf(at, sizeof(at), "%s.says", path);
        if (r == 0 && !nodes[SAYS])
                r = yaml_config_fail(reader, node, at, "missing; expected a sentence for whoever reads the explanation");
        if (r == 0)
                r = signature_sentence(reader, nodes[SAYS], at, a.says);
        if (r == 0)
                *ret_against = a;
        return r;
}

int signature_read_against(struct yaml_config_reader *reader, yaml_node_t *node, const char *path, void *config)
{
        struct signature *s = config;
        char at[SIGNATURE_PATH_SIZE];
        size_t count;
        int r = signature_need_subject(reader, node, s);

        if (r == 0)
                r = signature_list(reader, node, path, SIGNATURE_ITEMS_MAX, &count);
        for (size_t i = 0; r == 0 && i < count; i++) {
                snprintf(at, sizeof(at), "%s[%zu]", path, i + 1);
                r = take_against(reader, signature_list_item(reader, node, i), at, s->subject, &s->against[i]);
                s->against_count += r == 0;
        }
        return r;
}

int signature_read_breach(struct yaml_config_reader *reader, yaml_node_t *node, const char *path, void *config)
{
        enum { SIGNAL, LIMIT, KEYS };
        static const char *const names[] = { "signal", "limit" };
        struct signature *s = config;
        yaml_node_t *nodes[KEYS] = { NULL };
        enum signal_unit unit;
        struct amount limit;
        const char *text;
        int r = signature_need_subject(reader, node, s);

        if (r == 0)
                r = signature_fields(reader, node, path, names, KEYS, nodes);
        for (unsigned i = 0; i < KEYS && r == 0; i++)
                if (!nodes[i])
                        r = yaml_config_fail(reader, node, path, "%s: missing; expected {signal: ..., limit: ...}", names[i]);
        if (r == 0)
                r = signature_signal(reader, nodes[SIGNAL], "breach.signal", s->subject, &s->breach);
        if (r < 0)
                return r;
        unit = signal_unit(s->breach);
        if (unit == UNIT_EVENTS || unit == UNIT_LOAD)
                return yaml_config_fail(reader, nodes[SIGNAL], "breach.signal",
                                        "expected a signal that has a value at each time, found '%s'", signal_name(s->breach));
        r = signature_text(reader, nodes[LIMIT], "breach.limit", "a signal or a value", &text);
        if (r < 0)
                return r;
        if (signal_find(s->subject, text, &s->breach_limit) && s->breach_limit != s->breach && signal_unit(s->breach_limit) == unit)
                return 0;
        s->breach_limit = SIGNAL_NONE;
        if (amount_parse(text, unit, &limit) < 0 || limit.relative)
                return yaml_config_fail(reader, nodes[LIMIT], "breach.limit",
                                        "expected another signal of the subject in the same unit, or %s, found '%.40s'",
                                        unit_expectation(unit), text);
        s->breach_at = limit.number;
        return 0;
}

static int take_remedy(struct yaml_config_reader *reader, yaml_node_t *node, const char *path, enum subject subject,
                       struct signature_remedy *ret_remedy)
{
        enum { ACTION, NEEDS, PREDICTS, KEYS };
        static const char *const names[] = { "action", "needs", "predicts" };
        yaml_node_t *nodes[KEYS] = { NULL }, *items[ITEM_KEYS];
        struct signature_remedy m = { .needs = CAUSE_ANY };
        char at[SIGNATURE_PATH_SIZE + 16], list[256];
        const char *text = "";
        int r = signature_fields(reader, node, path, names, KEYS, nodes);

        if (r == 0 && (!nodes[ACTION] || !nodes[PREDICTS]))
                r = yaml_config_fail(reader, node, path, "%s: missing; expected of each remedy its action and what it predicts",
                                     nodes[ACTION] ? "predicts" : "action");
        snprintf(at, sizeof(at), "%s.action", path);
        if (r == 0)
                r = signature_text(reader, nodes[ACTION], at, "the name of an action", &text);
        if (r < 0)
                return r;
        m.action = action_find(text);
        if (!m.action)
                return yaml_config_fail(reader, nodes[ACTION], at, "expected one of %s, found '%.40s'",
                                        actions_list(list, sizeof(list)), text);
        snprintf(at, sizeof(at), "%s.needs", path);
        if (nodes[NEEDS])
                r = signature_cause(reader, nodes[NEEDS], at, &m.needs);
        snprintf(at, sizeof(at), "%s.predicts", path);
        if (r == 0)
                r = signature_fields(reader, nodes[PREDICTS], at, signature_item_keys, ITEM_KEYS, items);
        if (r == 0)
                r = signature_item(reader, nodes[PREDICTS], items, at, subject, ITEM_PREDICTED, &m.predicts);
        if (r == 0)
                *ret_remedy = m;
        return r;
}

int signature_read_remedies(struct yaml_config_reader *reader, yaml_node_t *node, const char *path, void *config)
{
        struct signature *s = config;
        char at[SIGNATURE_PATH_SIZE];
        size_t count;
        int r = signature_need_subject(reader, node, s);

        if (r == 0)
                r = signature_list(reader, node, path, SIGNATURE_REMEDIES_MAX, &count);
        for (size_t i = 0; r == 0 && i < count; i++) {
                snprintf(at, sizeof(at), "%s[%zu]", path, i + 1);
                r = take_remedy(reader, signature_list_item(reader, node, i), at, s->subject, &s->remedies[i]);
                s->remedies_count += r == 0;
        }
        return r;
}

int signature_read_observe(struct yaml_config_reader *reader, yaml_node_t *node, const char *path, void *config)
{
        enum { TIER, FOR, KEYS };
        static const char *const names[] = { "tier", "for" };
        static const char expected[] = "turnarounds or payload-heads";
        struct signature *s = config;
        yaml_node_t *nodes[KEYS] = { NULL };
        const char *text = "";
        int r = signature_fields(reader, node, path, names, KEYS, nodes);

        for (unsigned i = 0; i < KEYS && r == 0; i++)
                if (!nodes[i])
                        r = yaml_config_fail(reader, node, path, "%s: missing; expected {tier: ..., for: ...}", names[i]);
        if (r == 0)
                r = signature_text(reader, nodes[TIER], "observe.tier", expected, &text);
        if (r < 0)
                return r;
        for (uint32_t i = 2; i < ARRAY_SIZE(tiers); i++)
                if (strcmp(tiers[i], text) == 0)
                        s->tier = i;
        if (!s->tier)
                return yaml_config_fail(reader, nodes[TIER], "observe.tier", "expected %s, found '%.40s'", expected, text);
        return signature_span(reader, nodes[FOR], "observe.for", DAY, &s->tier_for);
}
