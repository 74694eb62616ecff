#include "coordinator/signature_internal.h"
#include "coordinator/utf8.h"

#include <stdio.h>
#include <string.h>

static const char *const causes[] = {
        [CAUSE_DEPLOYMENT] = "deployment",
        [CAUSE_CONFIGURATION] = "configuration",
        [CAUSE_LOAD] = "load",
        [CAUSE_DEPENDENCY] = "dependency",
        [CAUSE_HOST] = "host",
        [CAUSE_NETWORK] = "network",
};

const char *cause_name(enum cause cause)
{
        return cause < CAUSES ? causes[cause] : "any";
}

static int unknown_key(struct yaml_config_reader *reader, const yaml_node_t *key, const char *path, const char *const *names,
                       size_t count)
{
        char list[256] = "";
        size_t used = 0;

        for (size_t i = 0; i < count && used < sizeof(list); i++)
                used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s", i ? ", " : "", names[i]);
        /* {says: one thing, another} is two keys. */
        return yaml_config_fail(reader, key, path, "unknown key '%.64s'; expected one of: %s%s",
                                (const char *)key->data.scalar.value, list,
                                strchr((const char *)key->data.scalar.value, ' ') ? "; a text with a comma needs quotes" : "");
}

int signature_fields(struct yaml_config_reader *reader, yaml_node_t *node, const char *path, const char *const *names, size_t count,
                     yaml_node_t **ret_nodes)
{
        yaml_document_t *document = yaml_config_document(reader);

        memset(ret_nodes, 0, count * sizeof(*ret_nodes));
        if (node->type != YAML_MAPPING_NODE)
                return yaml_config_fail(reader, node, path, "expected a mapping of keys to values");
        for (yaml_node_pair_t *p = node->data.mapping.pairs.start; p < node->data.mapping.pairs.top; p++) {
                yaml_node_t *key = yaml_document_get_node(document, p->key), *value = yaml_document_get_node(document, p->value);
                size_t i = 0;

                if (!key || !value || key->type != YAML_SCALAR_NODE)
                        return yaml_config_fail(reader, key ? key : node, path, "expected a key");
                while (i < count && strcmp(names[i], (const char *)key->data.scalar.value))
                        i++;
                if (i == count)
                        return unknown_key(reader, key, path, names, count);
                if (ret_nodes[i])
                        return yaml_config_fail(reader, key, path, "%s: given twice", names[i]);
                ret_nodes[i] = value;
        }
        return 0;
}

int signature_list(struct yaml_config_reader *reader, const yaml_node_t *node, const char *path, size_t max, size_t *ret_count)
{
        size_t count =
                node->type == YAML_SEQUENCE_NODE ? (size_t)(node->data.sequence.items.top - node->data.sequence.items.start) : 0;

        if (count == 0 || count > max)
                return yaml_config_fail(reader, node, path, "expected a list of 1 to %zu", max);
        *ret_count = count;
        return 0;
}

yaml_node_t *signature_list_item(struct yaml_config_reader *reader, const yaml_node_t *node, size_t index)
{
        return yaml_document_get_node(yaml_config_document(reader), node->data.sequence.items.start[index]);
}

int signature_text(struct yaml_config_reader *reader, const yaml_node_t *node, const char *path, const char *expected,
                   const char **ret_text)
{
        const char *text = node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : "";

        if (!*text || strlen(text) != node->data.scalar.length) {
                yaml_config_fail(reader, node, path, "expected %s, found %s", expected,
                                 node->type == YAML_SCALAR_NODE    ? "nothing"
                                 : node->type == YAML_MAPPING_NODE ? "a mapping"
                                                                   : "a list");
                return -EBADMSG;
        }
        *ret_text = text;
        return 0;
}

int signature_sentence(struct yaml_config_reader *reader, const yaml_node_t *node, const char *path, char *ret_text)
{
        const char *text;
        int r = signature_text(reader, node, path, "a sentence", &text);

        if (r < 0)
                return r;
        if (strlen(text) > SIGNATURE_TEXT_MAX)
                return yaml_config_fail(reader, node, path, "expected a sentence of at most %d bytes, found %zu",
                                        SIGNATURE_TEXT_MAX, strlen(text));
        for (const char *p = text; *p; p += MAX(utf8_length(p), (size_t)1))
                if (utf8_is_control(p))
                        return yaml_config_fail(reader, node, path, "expected one line without control characters");
        memcpy(ret_text, text, strlen(text) + 1);
        return 0;
}

int signature_span(struct yaml_config_reader *reader, const yaml_node_t *node, const char *path, int64_t max, int64_t *ret_ns)
{
        const char *text;
        int64_t ns = 0;
        int r = signature_text(reader, node, path, "a duration such as 30s, 15m or 2h", &text);

        if (r < 0)
                return r;
        r = span_parse(text, &ns);
        if (r < 0 || ns < NSEC_PER_SEC || ns > max)
                return yaml_config_fail(reader, node, path,
                                        "expected a duration such as 30s, 15m or 2h, from 1s to %s, found '%.40s'",
                                        max == SIGNATURE_WINDOW_MAX ? "14d" : "1d", text);
        *ret_ns = ns;
        return 0;
}

int signature_signal(struct yaml_config_reader *reader, const yaml_node_t *node, const char *path, enum subject subject,
                     enum signal *ret_signal)
{
        char list[320];
        const char *text;
        int r = signature_text(reader, node, path, "a signal", &text);

        if (r < 0)
                return r;
        if (!signal_find(subject, text, ret_signal))
                return yaml_config_fail(reader, node, path, "expected a signal of a subject '%s', found '%.40s'; it has: %s",
                                        subject_name(subject), text, signals_list(subject, list, sizeof(list)));
        return 0;
}

int signature_cause(struct yaml_config_reader *reader, const yaml_node_t *node, const char *path, enum cause *ret_cause)
{
        static const char expected[] = "one of deployment, configuration, load, dependency, host, network";
        const char *text;
        int r = signature_text(reader, node, path, expected, &text);

        if (r < 0)
                return r;
        for (unsigned i = 0; i < CAUSES; i++)
                if (strcmp(causes[i], text) == 0) {
                        *ret_cause = i;
                        return 0;
                }
        return yaml_config_fail(reader, node, path, "expected %s, found '%.40s'", expected, text);
}
