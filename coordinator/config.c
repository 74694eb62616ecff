#include "coordinator/config.h"

#include "coordinator/endpoint.h"
#include "coordinator/http_address.h"
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
#define HOURS (3600 * NSEC_PER_SEC)
#define MIB (INT64_C(1) << 20)

static const char *log_level_expected(const char *text)
{
        enum log_level level;

        return log_level_parse(text, &level) < 0 ? "error, warning, notice, info or debug" : NULL;
}

const struct yaml_config_key config_keys[] = {
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
        KEY("limits.connections", INTEGER, connections, "16384", 1, 1000000, false, "Connections at a time, of all agents."),
        KEY("limits.connections_per_peer", INTEGER, connections_per_peer, "16", 1, 1000000, false,
            "Connections at a time under one name of a certificate. An agent has one; each gets its turn."),
        KEY("limits.requests_per_connection", INTEGER, requests_per_connection, "64", 1, 4096, false,
            "Requests in flight on one connection."),
        KEY("limits.request_size", BYTES, request_size, "4MiB", 65536, 4 * MIB, false, "Largest request that is read."),
        KEY("signatures", STRINGS, signatures, NULL, 0, 0, true,
            "Folders of signatures, see nightshift-signature(5); a file takes the place of one of the same name in a folder\n"
            "before. By default built-in, which is the library inside the program, and /etc/nightshift/signatures if it exists."),
        CHECKED("log_level", STRING, log_level, "info", 0, 0, true, "error, warning, notice, info or debug.", log_level_expected),
};
const size_t config_keys_count = ARRAY_SIZE(config_keys);

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
                        yaml_config_manual(config_keys, config_keys_count);
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

static int check(const struct config *c, const char *file, struct yaml_config_error *ret_error)
{
        if (!c->ca != !c->certificate || !c->ca != !c->key) {
                snprintf(ret_error->text, sizeof(ret_error->text), "%s: tls: expected all of ca, certificate and key, or none",
                         file);
                return -EBADMSG;
        }
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
        struct config c = { 0 };
        int r;

        snprintf(ret_error->text, sizeof(ret_error->text), "out of memory");
        r = yaml_config_defaults(config_keys, config_keys_count, &c);
        if (r == 0) {
                r = yaml_config_load(file, config_keys, config_keys_count, &c, ret_error);
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
        yaml_config_free(config_keys, config_keys_count, config);
}
