#include "agent/config.h"

#include "agent/config_services.h"
#include "agent/options.h"
#include "agent/text.h"
#include "agent/uplink.h"
#include "proto/action.h"
#include "proto/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#define LABELS_MAX 64
#define LABEL_SIZE 128

static int read_tier(struct yaml_config_reader *reader, struct yaml_node_s *node, const char *path, void *data)
{
        const char *text = node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : "";
        struct config *config = data;

        if (strcmp(text, "connections") == 0)
                config->tier = 1;
        else if (strcmp(text, "turnarounds") == 0)
                config->tier = 2;
        else
                return yaml_config_fail(reader, node, path, "expected connections or turnarounds, found '%.80s'", text);
        return 0;
}

static int read_allow(struct yaml_config_reader *reader, struct yaml_node_s *node, const char *path, void *data)
{
        struct config *config = data;

        if (node->type != YAML_SEQUENCE_NODE)
                return yaml_config_fail(reader, node, path, "expected a list of actions such as service.rollback");
        for (yaml_node_item_t *i = node->data.sequence.items.start; i < node->data.sequence.items.top; i++) {
                yaml_node_t *item = yaml_document_get_node(yaml_config_document(reader), *i);
                const char *text = item->type == YAML_SCALAR_NODE ? (const char *)item->data.scalar.value : "";
                enum action_kind kind = action_kind_parse(text);

                if (!kind)
                        return yaml_config_fail(reader, item, path, "expected an action such as service.rollback, found '%.80s'",
                                                text);
                config->allow |= 1u << kind;
        }
        return 0;
}

static int read_audit_keys(struct yaml_config_reader *reader, struct yaml_node_s *node, const char *path, void *data)
{
        struct config *config = data;

        if (node->type != YAML_SEQUENCE_NODE)
                return yaml_config_fail(reader, node, path, "expected a list of keys as `nightshift audit key` shows them");
        for (yaml_node_item_t *i = node->data.sequence.items.start; i < node->data.sequence.items.top; i++) {
                yaml_node_t *item = yaml_document_get_node(yaml_config_document(reader), *i);
                const char *text = item->type == YAML_SCALAR_NODE ? (const char *)item->data.scalar.value : "";

                if (config->audit_keys_count == CONFIG_AUDIT_KEYS_MAX)
                        return yaml_config_fail(reader, item, path, "expected at most %d keys", CONFIG_AUDIT_KEYS_MAX);
                if (note_key_parse(text, strlen(text), &config->audit_keys[config->audit_keys_count]) < 0)
                        return yaml_config_fail(reader, item, path, "expected a key such as NAME+1a2b3c4d+BASE64, found '%.80s'",
                                                text);
                config->audit_keys_count++;
        }
        return 0;
}

static bool label_text(const yaml_node_t *node)
{
        const char *text = node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : NULL;
        char clean[LABEL_SIZE];

        if (!text || !*text || strlen(text) != node->data.scalar.length || strlen(text) >= sizeof(clean))
                return false;
        text_copy(clean, sizeof(clean), text);
        return strcmp(clean, text) == 0;
}

static int read_labels(struct yaml_config_reader *reader, struct yaml_node_s *node, const char *path, void *data)
{
        struct config *config = data;
        size_t count;

        if (node->type != YAML_MAPPING_NODE)
                return yaml_config_fail(reader, node, path, "expected a mapping of labels, such as {environment: production}");
        count = (size_t)(node->data.mapping.pairs.top - node->data.mapping.pairs.start);
        if (count > LABELS_MAX)
                return yaml_config_fail(reader, node, path, "expected at most %d labels", LABELS_MAX);
        config->labels = calloc(count ? count : 1, sizeof(*config->labels));
        if (!config->labels)
                return -ENOMEM;
        for (yaml_node_pair_t *p = node->data.mapping.pairs.start; p < node->data.mapping.pairs.top; p++) {
                yaml_node_t *key = yaml_document_get_node(yaml_config_document(reader), p->key);
                yaml_node_t *value = yaml_document_get_node(yaml_config_document(reader), p->value);
                struct summary_label *label = &config->labels[config->labels_count];

                if (!label_text(key) || !label_text(value))
                        return yaml_config_fail(reader, label_text(key) ? value : key, path,
                                                "expected a label and its value as texts of 1 to %d characters", LABEL_SIZE - 1);
                for (size_t i = 0; i < config->labels_count; i++)
                        if (strcmp(config->labels[i].key, (const char *)key->data.scalar.value) == 0)
                                return yaml_config_fail(reader, key, path, "'%s' is given twice", config->labels[i].key);
                config->labels_count++;
                label->key = strdup((const char *)key->data.scalar.value);
                label->value = strdup((const char *)value->data.scalar.value);
                if (!label->key || !label->value)
                        return -ENOMEM;
        }
        return 0;
}

static int read_services(struct yaml_config_reader *reader, struct yaml_node_s *node, const char *path, void *data)
{
        struct config *config = data;

        return config_services_read(reader, node, path, &config->services);
}

#define AT(member) .offset = offsetof(struct config, member)

static const struct yaml_config_key keys[] = {
        { "coordinator", YAML_CONFIG_STRING, AT(coordinator), .initial = "tcp://127.0.0.1:7337", .expected = uplink_url_expected,
          .help = "The coordinator: tls+tcp://HOST:PORT, or tcp://127.0.0.1:PORT on this machine." },
        { "host", YAML_CONFIG_STRING, AT(host),
          .help = "What this host is called; by default its own name. The coordinator believes only the name in the certificate." },
        { "state_dir", YAML_CONFIG_STRING, AT(state_dir), .initial = "/var/lib/nightshift/agent", .help = "Folder of the state." },
        { "interval", YAML_CONFIG_DURATION, AT(interval), .initial = "10s", .min = NSEC_PER_SEC, .max = 3600 * NSEC_PER_SEC,
          .reloadable = true, .help = "How often counters are reported. What is new is reported at once." },
        { "tls.ca", YAML_CONFIG_STRING, AT(tls.ca), .help = "Certificate of the authority (PEM)." },
        { "tls.certificate", YAML_CONFIG_STRING, AT(tls.certificate), .help = "Certificate of this host (PEM)." },
        { "tls.key", YAML_CONFIG_STRING, AT(tls.key), .help = "Private key of the certificate (PEM)." },
        { "labels", YAML_CONFIG_CUSTOM, .reloadable = true, .custom = read_labels,
          .help = "Labels of this host, such as {environment: production, zone: a}; environment groups hosts in the graph." },
        { "tier", YAML_CONFIG_CUSTOM, .reloadable = true, .custom = read_tier,
          .help = "connections: what connections tell, and request-to-reply times for one second in twenty. turnarounds: those "
                  "times without a break, and the bytes of UDP, which are not counted otherwise. The default is connections." },
        { "services", YAML_CONFIG_CUSTOM, .reloadable = true, .custom = read_services,
          .help = "Services by name: what belongs to each, and what may be done to it. The first that matches wins." },
        { "limits.actions_per_hour", YAML_CONFIG_INTEGER, AT(limits.actions_per_hour), .initial = "4", .max = 1000,
          .reloadable = true, .help = "At most so many actions an hour are carried out here." },
        { "limits.concurrent", YAML_CONFIG_INTEGER, AT(limits.concurrent), .initial = "1", .max = 100, .reloadable = true,
          .help = "At most so many actions at a time." },
        { "limits.attempts", YAML_CONFIG_INTEGER, AT(limits.attempts), .initial = "3", .min = 1, .max = 100, .reloadable = true,
          .help = "After so many actions on a service in a day a person must look: the next one is refused." },
        { "limits.cooldown", YAML_CONFIG_DURATION, AT(limits.cooldown), .initial = "10m", .min = NSEC_PER_SEC,
          .max = 24 * 3600 * NSEC_PER_SEC, .reloadable = true, .help = "At least so long between two actions on a service." },
        { "stop_file", YAML_CONFIG_STRING, AT(stop_file), .initial = "/etc/nightshift/stop", .reloadable = true,
          .help = "While this file is there no action begins here, whoever asks; what was done is undone as it would be anyway. It "
                  "works without the network." },
        { "probe.connections", YAML_CONFIG_INTEGER, AT(probe.connections), .initial = "131072", .min = 16, .max = 4 << 20,
          .help = "How many connections are followed at once. One more is not counted, and the answer says so." },
        { "probe.edges", YAML_CONFIG_INTEGER, AT(probe.edges), .initial = "16384", .min = 16, .max = 4 << 20,
          .help = "How many edges are counted at once." },
        { "probe.listeners", YAML_CONFIG_INTEGER, AT(probe.listeners), .initial = "4096", .min = 16, .max = 4 << 20,
          .help = "How many listeners are known at once." },
        { "probe.processes", YAML_CONFIG_INTEGER, AT(probe.processes), .initial = "8192", .min = 16, .max = 4 << 20,
          .help = "How many processes are known at once." },
        { "probe.flows", YAML_CONFIG_INTEGER, AT(probe.flows), .initial = "16384", .min = 16, .max = 4 << 20,
          .help = "How many UDP flows are followed at once." },
        { "probe.pools", YAML_CONFIG_INTEGER, AT(probe.pools), .initial = "8192", .min = 16, .max = 4 << 20,
          .help = "How many pools, each of one process to one server, are followed at once." },
        { "allow", YAML_CONFIG_CUSTOM, .reloadable = true, .custom = read_allow,
          .help = "The actions that may be carried out here, such as [service.rollback]; none by default." },
        { "audit_keys", YAML_CONFIG_CUSTOM, .custom = read_audit_keys,
          .help = "Public keys of the coordinator's audit log, of which one must have signed what comes with an order. Without any "
                  "the log is taken for whose TLS says it is, and has to continue what this host saw of it all the same." },
};

int config_load(const char *path, struct config *ret_config, struct yaml_config_error *ret_error)
{
        struct config config = { .tier = 1 };
        int r = yaml_config_defaults(keys, ARRAY_SIZE(keys), &config);

        if (r == 0) {
                r = yaml_config_load(path ? path : CONFIG_DEFAULT_FILE, keys, ARRAY_SIZE(keys), &config, ret_error);
                if (r == -ENOENT && !path)
                        r = 0;
                if (r == 0 && (!config.tls.ca != !config.tls.certificate || !config.tls.ca != !config.tls.key)) {
                        snprintf(ret_error->text, sizeof(ret_error->text),
                                 "%s: tls: expected all of ca, certificate and key, or none", path ? path : CONFIG_DEFAULT_FILE);
                        r = -EBADMSG;
                }
        }
        if (r < 0) {
                config_free(&config);
                return r;
        }
        *ret_config = config;
        return 0;
}

static int replace(char **text, const char *by)
{
        char *copy = by ? strdup(by) : NULL;

        if (!by)
                return 0;
        if (!copy)
                return -ENOMEM;
        free(*text);
        *text = copy;
        return 0;
}

int config_override(struct config *config, const struct options *options)
{
        int r = replace(&config->coordinator, options->coordinator);

        if (r == 0)
                r = replace(&config->host, options->host);
        if (r == 0)
                r = replace(&config->state_dir, options->state_dir);
        if (r == 0 && options->interval)
                config->interval = options->interval;
        if (r < 0)
                config_free(config);
        return r;
}

static bool differs(const char *a, const char *b)
{
        return a && b ? strcmp(a, b) != 0 : a != b;
}

void config_log_fixed(const struct config *before, const struct config *after)
{
        if (differs(before->coordinator, after->coordinator) || differs(before->host, after->host) ||
            differs(before->state_dir, after->state_dir) || differs(before->tls.ca, after->tls.ca) ||
            differs(before->tls.certificate, after->tls.certificate) || differs(before->tls.key, after->tls.key))
                log_notice("config", "coordinator, host, state_dir and tls count from the next start on");
}

void config_free(struct config *config)
{
        yaml_config_free(keys, ARRAY_SIZE(keys), config);
        for (size_t i = 0; i < config->labels_count; i++) {
                free((char *)config->labels[i].key);
                free((char *)config->labels[i].value);
        }
        free(config->labels);
        config_services_free(&config->services);
        memset(config, 0, sizeof(*config));
}

const struct service_match *config_matches(const struct config *config)
{
        return config->services ? &config->services->match : NULL;
}

void config_manual(void)
{
        yaml_config_manual(keys, ARRAY_SIZE(keys));
        config_services_manual();
}
