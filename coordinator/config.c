#include "coordinator/config.h"

#include "coordinator/endpoint.h"
#include "coordinator/http_address.h"
#include "coordinator/policy_keys.h"
#include "coordinator/webhook_url.h"
#include "proto/log.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KEY(name_, type_, member, initial_, min_, max_, reloadable_, help_)                                                        \
        CHECKED(name_, type_, member, initial_, min_, max_, reloadable_, help_, NULL)
#define CHECKED(name_, type_, member, initial_, min_, max_, reloadable_, help_, expected_)                                         \
        {                                                                                                                          \
                .name = name_, .type = YAML_CONFIG_##type_, .offset = offsetof(struct config, member), .initial = initial_,        \
                .min = min_, .max = max_, .reloadable = reloadable_, .help = help_, .expected = expected_                          \
        }
#define SECONDS NSEC_PER_SEC
#define MINUTES (60 * NSEC_PER_SEC)
#define HOURS (3600 * NSEC_PER_SEC)
#define MIB (INT64_C(1) << 20)

static const char *log_level_expected(const char *text)
{
        enum log_level level;

        return log_level_parse(text, &level) < 0 ? "error, warning, notice, info or debug" : NULL;
}

#define WEBHOOK(name_, member)                                                                                                     \
        CHECKED(name_ ".url", STRING, member.url, NULL, 0, 0, true,                                                                \
                "Where they are posted to as JSON: https://..., or http:// on a loopback address. By default nowhere.",            \
                webhook_url_expected),                                                                                             \
                KEY(name_ ".url_file", STRING, member.url_file, NULL, 0, 0, true,                                                  \
                    "A file with the URL, where that is a secret itself, on a local disk."),                                       \
                KEY(name_ ".authorization_file", STRING, member.authorization_file, NULL, 0, 0, true,                              \
                    "A file whose first line is sent as the header Authorization, such as Bearer and a token; on a\n"              \
                    "local disk."),                                                                                                \
                KEY(name_ ".ca", STRING, member.ca, NULL, 0, 0, true,                                                              \
                    "Certificate authorities for its TLS (PEM); by default those of the system."),                                 \
                KEY(name_ ".template", STRING, member.template, NULL, 0, 0, true,                                                  \
                    "A file with the JSON that is posted instead, see TEMPLATES; on a local disk."),                               \
                KEY(name_ ".timeout", DURATION, member.timeout, "10s", SECONDS, 300 * SECONDS, true,                               \
                    "A post that takes longer has failed, and is tried again.")

static const struct yaml_config_key own_keys[] = {
        CHECKED("listen", STRINGS, listen, NULL, 0, 0, false,
                "Where agents connect: URLs such as tls+tcp://0.0.0.0:7337, or tcp://127.0.0.1:7337 on loopback only.\n"
                "By default the former when the files of tls are given, else the latter.",
                endpoint_url_expected),
        KEY("control", STRING, control, "/run/nightshift/control.sock", 0, 0, false,
            "Path of the control socket, on which nightshift(1) asks; file permissions guard it."),
        CHECKED("http", STRING, http, "127.0.0.1:7338", 0, 0, false,
                "ADDRESS:PORT of the read-only HTTP interface, or off. It asks for no password: leave it on loopback, or put a\n"
                "proxy in front that does.",
                http_address_expected),
        KEY("state_dir", STRING, state_dir, "/var/lib/nightshift/coordinator", 0, 0, false,
            "Folder of the durable state. One coordinator uses it at a time."),
        KEY("tls.ca", STRING, ca, NULL, 0, 0, false,
            "Certificate authority that the agents' certificates are checked against (PEM)."),
        KEY("tls.certificate", STRING, certificate, NULL, 0, 0, false, "Certificate of this coordinator (PEM)."),
        KEY("tls.key", STRING, key, NULL, 0, 0, false, "Private key of the certificate (PEM)."),
        KEY("memory", BYTES, memory, "1GiB", 16 * MIB, 1024 * 1024 * MIB, false,
            "Budget of the graph and its history; what does not fit is dropped, oldest first, and counted."),
        KEY("retention.forget_after", DURATION, forget_after, "24h", 60 * SECONDS, 366 * 24 * HOURS, false,
            "An edge unseen for so long leaves the live graph; history keeps it."),
        KEY("retention.stale_after", DURATION, stale_after, "60s", SECONDS, 24 * HOURS, false,
            "A host silent for so long makes answers incomplete."),
        KEY("store.save_every", DURATION, save_every, "10s", SECONDS, HOURS, true, "How often what changed is written to disk."),
        CHECKED("log_level", STRING, log_level, "info", 0, 0, true, "error, warning, notice, info or debug.", log_level_expected),
        KEY("signatures", STRINGS, signatures, NULL, 0, 0, true,
            "Folders of signatures, see nightshift-signature(5); a file takes the place of one of the same name in a folder\n"
            "before. By default built-in, which is the library inside the program, and /etc/nightshift/signatures if it exists."),
        KEY("tickets.directory", STRING, people.tickets_directory, NULL, 0, 0, true,
            "Folder of the tickets, two files an incident, or off. By default tickets in state_dir. It has to be on a local disk:\n"
            "the coordinator waits for each file to be written."),
        KEY("tickets.most", COUNT, people.tickets_most, "10000", 1, 1000000, true,
            "So many incidents keep their ticket there, the latest ones."),
        WEBHOOK("tickets.webhook", people.tickets_webhook),
        WEBHOOK("pages.webhook", people.pages_webhook),
        KEY("pages.command", STRINGS, people.pages_command, NULL, 0, 0, true,
            "A program and its arguments, run for each page without a shell. The page is its standard input, as JSON."),
        KEY("pages.timeout", DURATION, people.pages_timeout, "30s", SECONDS, 300 * SECONDS, true,
            "A command that takes longer is killed, and run again later."),
        KEY("pages.after", DURATION, people.pages_after, "1m", 0, HOURS, true,
            "What needs a person is paged once it has lasted so long; what is stuck, at once."),
        KEY("pages.repeat", DURATION, people.pages_repeat, "10m", 10 * SECONDS, 24 * HOURS, true,
            "A page that nobody acknowledges comes again after this time."),
        KEY("pages.breach_within", DURATION, people.pages_breach_within, "1h", MINUTES, 7 * 24 * HOURS, true,
            "A person is needed where a limit may be reached within this time and nothing is under way."),
        KEY("notices.keep", DURATION, people.notices_keep, "1d", MINUTES, 30 * 24 * HOURS, true,
            "For so long it is tried to deliver a notice, a post or a command."),
        KEY("notices.most", COUNT, people.notices_most, "1000", 16, 100000, true,
            "So many wait at most; then those of tickets go first, the oldest of them."),
        KEY("notices.bytes", BYTES, people.notices_bytes, "64MiB", MIB, 1024 * MIB, true,
            "And so large they are together at most."),
        /* Last, as the policy's keys begin with those of limits. */
        KEY("limits.connections", INTEGER, connections, "16384", 1, 1000000, false, "Connections at a time, of all agents."),
        KEY("limits.connections_per_peer", INTEGER, connections_per_peer, "16", 1, 1000000, false,
            "Connections at a time under one name of a certificate. An agent has one; each gets its turn."),
        KEY("limits.requests_per_connection", INTEGER, requests_per_connection, "64", 1, 4096, false,
            "Requests in flight on one connection."),
        KEY("limits.request_size", BYTES, request_size, "4MiB", 65536, 4 * MIB, false, "Largest request that is read."),
};

int config_keys(const struct yaml_config_key **ret_keys, size_t *ret_count)
{
        static struct yaml_config_key *keys; /* made once */
        size_t count = ARRAY_SIZE(own_keys) + policy_keys_count;

        if (!keys) {
                keys = calloc(count, sizeof(*keys));
                if (!keys)
                        return -ENOMEM;
                memcpy(keys, own_keys, sizeof(own_keys));
                memcpy(keys + ARRAY_SIZE(own_keys), policy_keys, policy_keys_count * sizeof(*keys));
                for (size_t i = ARRAY_SIZE(own_keys); i < count; i++)
                        keys[i].offset += offsetof(struct config, policy);
        }
        *ret_keys = keys;
        *ret_count = count;
        return 0;
}

/* What the command line said, kept for SIGHUP. */
static struct {
        const char *file;
        const char *state_dir, *control, *http;
        const char *listen[64];
        size_t listen_count;
} given;

static const char usage[] =
        "Usage: nightshift-coordinator [--config FILE] [--state-dir DIR] [--listen URL]... [--control PATH] [--http ADDRESS:PORT]\n"
        "\n"
        "Builds the live dependency graph from what the agents of all hosts see, and answers nightshift(1).\n"
        "\n"
        "  --config FILE        configuration (" CONFIG_FILE_DEFAULT ")\n"
        "  --state-dir DIR      durable state (/var/lib/nightshift/coordinator)\n"
        "  --listen URL         where agents connect, tls+tcp://ADDRESS:PORT or tcp://127.0.0.1:PORT; may be repeated\n"
        "  --control PATH       control socket (/run/nightshift/control.sock)\n"
        "  --http ADDRESS:PORT  read-only HTTP (127.0.0.1:7338), or off\n"
        "  --help, --version\n"
        "\n"
        "SIGTERM saves and stops, SIGHUP reads configuration and certificates again.\n";

static int wrong(struct yaml_config_error *error, const char *sentence, const char *what)
{
        snprintf(error->text, sizeof(error->text), sentence, what);
        return -EINVAL;
}

static int options(int argc, char **argv, struct yaml_config_error *ret_error)
{
        static const struct option table[] = {
                { "config", required_argument, NULL, 'c' },
                { "state-dir", required_argument, NULL, 's' },
                { "listen", required_argument, NULL, 'l' },
                { "control", required_argument, NULL, 'p' },
                { "http", required_argument, NULL, 'w' },
                { "help", no_argument, NULL, 'h' },
                { "version", no_argument, NULL, 'v' },
                { "manual-keys", no_argument, NULL, 'm' },
                { 0 },
        };
        const struct yaml_config_key *keys;
        size_t count;
        int c;

        opterr = 0;
        while ((c = getopt_long(argc, argv, ":", table, NULL)) >= 0) {
                if (optarg && !*optarg)
                        return wrong(ret_error, "%s needs a value", argv[optind - 1]);
                switch (c) {
                case 'c':
                        given.file = optarg;
                        break;
                case 's':
                        given.state_dir = optarg;
                        break;
                case 'p':
                        given.control = optarg;
                        break;
                case 'w':
                        given.http = optarg;
                        break;
                case 'l':
                        if (given.listen_count == ARRAY_SIZE(given.listen))
                                return wrong(ret_error, "more than 64 times %s", "--listen");
                        given.listen[given.listen_count++] = optarg;
                        break;
                case 'h':
                        fputs(usage, stdout);
                        return 1;
                case 'v':
                        puts("nightshift-coordinator " NIGHTSHIFT_VERSION);
                        return 1;
                case 'm':
                        if (config_keys(&keys, &count) == 0)
                                yaml_config_manual(keys, count);
                        return 1;
                case ':':
                        return wrong(ret_error, "%s needs a value", argv[optind - 1]);
                default:
                        return wrong(ret_error, "unknown option %s; see --help", argv[optind - 1]);
                }
        }
        return optind < argc ? wrong(ret_error, "unexpected argument '%.200s'; see --help", argv[optind]) : 0;
}

static int replace(char **value, const char *with)
{
        char *copy;

        if (!with)
                return 0;
        copy = strdup(with);
        if (!copy)
                return -ENOMEM;
        free(*value);
        *value = copy;
        return 0;
}

static int set_listen(struct config *c, const char *const *urls, size_t count)
{
        for (size_t i = 0; i < c->listen.count; i++)
                free(c->listen.items[i]);
        free(c->listen.items);
        c->listen = (struct yaml_config_strings){ .items = calloc(count, sizeof(char *)) };
        if (!c->listen.items)
                return -ENOMEM;
        for (size_t i = 0; i < count; i++) {
                c->listen.items[i] = strdup(urls[i]);
                if (!c->listen.items[i])
                        return -ENOMEM;
                c->listen.count++;
        }
        return 0;
}

static int command_line(struct config *c)
{
        static const char *const tls = "tls+tcp://0.0.0.0:7337", *const plain = "tcp://127.0.0.1:7337";
        int r = replace(&c->state_dir, given.state_dir);

        if (r == 0)
                r = replace(&c->control, given.control);
        if (r == 0)
                r = replace(&c->http, given.http);
        if (r == 0 && given.listen_count)
                r = set_listen(c, given.listen, given.listen_count);
        if (r == 0 && !c->listen.count)
                r = set_listen(c, c->certificate ? &tls : &plain, 1);
        return r;
}

/* What is wrong with keys together, at the line of one of them. */
static int at_odds(struct yaml_config_error *error, const char *file, const char *key, const char *expected)
{
        size_t line = yaml_config_line(file, key);
        char number[24] = "";

        /* Without one it is the defaults of the others that it is at odds with. */
        if (line)
                snprintf(number, sizeof(number), ":%zu", line);
        snprintf(error->text, sizeof(error->text), "%s%s: %s: %s", file, number, key, expected);
        return -EBADMSG;
}

static int check_webhook(const struct webhook_config *w, const char *file, const char *key, struct yaml_config_error *ret_error)
{
        return w->url && w->url_file ? at_odds(ret_error, file, key, "expected url or url_file, not both") : 0;
}

static int check(const struct config *c, const char *file, struct yaml_config_error *ret_error)
{
        const char *key, *expected = policy_expected(&c->policy, &key);

        if (!c->ca != !c->certificate || !c->ca != !c->key)
                return at_odds(ret_error, file, "tls", "expected all of ca, certificate and key, or none");
        if (expected)
                return at_odds(ret_error, file, key, expected);
        if (check_webhook(&c->people.tickets_webhook, file, "tickets.webhook.url_file", ret_error) < 0 ||
            check_webhook(&c->people.pages_webhook, file, "pages.webhook.url_file", ret_error) < 0)
                return -EBADMSG;
        if (c->people.pages_command.count && c->people.pages_command.items[0][0] != '/')
                return at_odds(ret_error, file, "pages.command", "expected the whole path of a program first");
        for (size_t i = 0; i < c->listen.count; i++) {
                const char *url = c->listen.items[i];

                if (strncmp(url, "tls+tcp://", 10) == 0 && !c->ca) {
                        snprintf(ret_error->text, sizeof(ret_error->text),
                                 "%.100s needs a certificate: make one with `nightshift ca`, and name the files under tls in %s",
                                 url, file);
                        return -EINVAL;
                }
        }
        return 0;
}

const char *config_file(void)
{
        return given.file ? given.file : CONFIG_FILE_DEFAULT;
}

int config_reload(struct config *ret_config, struct yaml_config_error *ret_error)
{
        const char *file = config_file();
        const struct yaml_config_key *keys;
        struct config c = { 0 };
        size_t count;
        int r;

        snprintf(ret_error->text, sizeof(ret_error->text), "out of memory");
        r = config_keys(&keys, &count);
        if (r < 0)
                return r;
        r = yaml_config_defaults(keys, count, &c);
        if (r == 0) {
                r = yaml_config_load(file, keys, count, &c, ret_error);
                if (r == -ENOENT && !given.file)
                        r = 0;
        }
        if (r == 0)
                r = command_line(&c);
        if (r == 0)
                r = check(&c, file, ret_error);
        if (r < 0)
                config_free(&c);
        else
                *ret_config = c;
        return r;
}

int config_read(int argc, char **argv, struct config *ret_config, struct yaml_config_error *ret_error)
{
        int r = options(argc, argv, ret_error);

        return r ? r : config_reload(ret_config, ret_error);
}

void config_free(struct config *config)
{
        const struct yaml_config_key *keys;
        size_t count;

        if (config_keys(&keys, &count) == 0)
                yaml_config_free(keys, count, config);
}
