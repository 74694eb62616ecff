#include "coordinator/cli/ca.h"
#include "coordinator/ca.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define NAMES_MAX 64
#define USAGE 2

static const char usage[] = "usage: nightshift ca init  [--dir DIR] [--name NAME]...\n"
                            "       nightshift ca issue HOST [--dir DIR] [--out DIR] [--name NAME]... [--days N] [--coordinator]\n"
                            "\n"
                            "Makes what the two sides of tls+tcp:// show each other. Works on files, without the coordinator.\n"
                            "\n"
                            "  init     makes an authority (ca.crt, ca.key) and a certificate for the coordinator on this machine\n"
                            "           (coordinator.crt, coordinator.key), good for this machine's names and addresses\n"
                            "  issue    makes HOST.crt and HOST.key for an agent; the coordinator then believes that name of\n"
                            "           whoever holds them. Bring them to the host together with ca.crt; ca.key stays here\n"
                            "\n"
                            "  --dir DIR      where the authority is (default: " CA_DIRECTORY_DEFAULT ")\n"
                            "  --out DIR      where the files of HOST go (default: the same)\n"
                            "  --name NAME    one more host name or address in the certificate; may be repeated\n"
                            "  --days N       how long it is valid (default: 825)\n"
                            "  --coordinator  it is for a coordinator, not for an agent\n"
                            "\n"
                            "Keys are readable by root only (a coordinator's by the user nightshift, if there is one), and nothing "
                            "is ever overwritten.\n";

struct arguments {
        const char *directory, *out, *host;
        const char *names[NAMES_MAX];
        size_t names_count;
        long days;
        bool coordinator;
};

static int wrong(const char *what, const char *argument)
{
        fprintf(stderr, "nightshift ca: %s%s\nTry `nightshift ca --help`.\n", what, argument);
        return USAGE;
}

static int parse(int argc, char **argv, struct arguments *arguments)
{
        static const struct option options[] = {
                { "dir", required_argument, NULL, 'd' },   { "out", required_argument, NULL, 'o' },
                { "name", required_argument, NULL, 'n' },  { "days", required_argument, NULL, 'D' },
                { "coordinator", no_argument, NULL, 'c' }, { 0 },
        };
        char *end;
        int c;

        optind = 1;
        opterr = 0;
        while ((c = getopt_long(argc, argv, ":", options, NULL)) != -1) {
                switch (c) {
                case 'd':
                        arguments->directory = optarg;
                        break;
                case 'o':
                        arguments->out = optarg;
                        break;
                case 'n':
                        if (arguments->names_count == NAMES_MAX / 2)
                                return wrong("too many names", "");
                        arguments->names[arguments->names_count++] = optarg;
                        break;
                case 'D':
                        arguments->days = strtol(optarg, &end, 10);
                        if (*end || arguments->days < 1 || arguments->days > 36500)
                                return wrong("--days expects a number from 1 to 36500, not ", optarg);
                        break;
                case 'c':
                        arguments->coordinator = true;
                        break;
                case ':':
                        return wrong("a value is missing after ", argv[optind - 1]);
                default:
                        return wrong("unknown option ", argv[optind - 1]);
                }
        }
        arguments->host = argv[optind];
        if (argc - optind > 1)
                return wrong("unexpected argument ", argv[optind + 1]);
        return 0;
}

/* Adds this machine's names and addresses: by one of them agents will dial. */
static void add_own_names(const char **names, size_t *names_count, char (*texts)[INET6_ADDRSTRLEN], size_t texts_count)
{
        struct ifaddrs *list = NULL;
        size_t used = 0;

        names[(*names_count)++] = "localhost";
        if (getifaddrs(&list) < 0)
                return;
        for (struct ifaddrs *i = list; i && used < texts_count; i = i->ifa_next) {
                const void *address;

                if (!i->ifa_addr || (i->ifa_addr->sa_family != AF_INET && i->ifa_addr->sa_family != AF_INET6))
                        continue;
                if (i->ifa_addr->sa_family == AF_INET)
                        address = &((struct sockaddr_in *)i->ifa_addr)->sin_addr;
                else
                        address = &((struct sockaddr_in6 *)i->ifa_addr)->sin6_addr;
                if (i->ifa_addr->sa_family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL((const struct in6_addr *)address))
                        continue;
                inet_ntop(i->ifa_addr->sa_family, address, texts[used], sizeof(texts[used]));
                names[(*names_count)++] = texts[used++];
        }
        freeifaddrs(list);
}

static int fail(const char *why)
{
        fprintf(stderr, "nightshift ca: %s\n", why);
        return 1;
}

/* The daemon runs as this user under systemd, and reads its key without root's rights. */
static void give_to_daemon(const char *directory, const char *file)
{
        const struct passwd *user = geteuid() == 0 ? getpwnam("nightshift") : NULL;
        char path[512];

        if (!user || snprintf(path, sizeof(path), "%s/%s.key", directory, file) >= (int)sizeof(path))
                return;
        if (chown(path, user->pw_uid, (gid_t)-1) < 0)
                fprintf(stderr, "nightshift ca: %s: cannot give it to the user nightshift: %s\n", path, strerror(errno));
}

/* An authority without the coordinator's certificate would be in the way of the next try. */
static void take_back(const char *directory)
{
        static const char *const files[] = { "ca.key", "ca.crt" };
        char path[512];

        for (size_t i = 0; i < ARRAY_SIZE(files); i++)
                if (snprintf(path, sizeof(path), "%s/%s", directory, files[i]) < (int)sizeof(path))
                        unlink(path);
}

static int run_init(const struct arguments *arguments)
{
        char host[65] = "localhost", texts[16][INET6_ADDRSTRLEN], why[512];
        const char *names[NAMES_MAX] = { host };
        struct ca_request request = { .names = names, .coordinator = true };

        if (arguments->host)
                return wrong("init takes no argument: ", arguments->host);
        gethostname(host, sizeof(host) - 1);
        memcpy(names + 1, arguments->names, arguments->names_count * sizeof(names[0]));
        request.names_count = arguments->names_count + 1;
        add_own_names(names, &request.names_count, texts, ARRAY_SIZE(texts));
        if (ca_create(arguments->directory, why, sizeof(why)) < 0)
                return fail(why);
        if (ca_issue(arguments->directory, arguments->directory, "coordinator", &request, why, sizeof(why)) < 0) {
                take_back(arguments->directory);
                return fail(why);
        }
        give_to_daemon(arguments->directory, "coordinator");
        printf("Made an authority and the coordinator's certificate in %s.\n\n"
               "Coordinator, in /etc/nightshift/coordinator.yaml:\n"
               "  tls: {ca: %s/ca.crt, certificate: %s/coordinator.crt, key: %s/coordinator.key}\n"
               "Next, for each host: nightshift ca issue HOST\n"
               "Keep ca.key on this machine: whoever has it can let hosts in.\n",
               arguments->directory, arguments->directory, arguments->directory, arguments->directory);
        return 0;
}

static int run_issue(const struct arguments *arguments)
{
        const char *names[NAMES_MAX] = { arguments->host };
        struct ca_request request = { .names = names, .coordinator = arguments->coordinator };
        const char *out = arguments->out ? arguments->out : arguments->directory;
        char why[512], here[256] = "";

        if (!arguments->host)
                return wrong("issue needs the name of a host", "");
        memcpy(names + 1, arguments->names, arguments->names_count * sizeof(names[0]));
        request.names_count = arguments->names_count + 1;
        if (arguments->days)
                request.not_after = time(NULL) + arguments->days * 86400;
        if (ca_issue(arguments->directory, out, arguments->host, &request, why, sizeof(why)) < 0)
                return fail(why);
        if (arguments->coordinator)
                give_to_daemon(out, arguments->host);
        printf("Made %s/%s.crt and %s/%s.key.\n", out, arguments->host, out, arguments->host);
        if (!arguments->coordinator) {
                if (gethostname(here, sizeof(here) - 1) < 0 || !*here)
                        snprintf(here, sizeof(here), "COORDINATOR");
                printf("Bring them and ca.crt to %s, into " CA_DIRECTORY_DEFAULT ", and write in its /etc/nightshift/agent.yaml:\n"
                       "  coordinator: tls+tcp://%s:7337\n"
                       "  host: %s\n"
                       "  tls: {ca: " CA_DIRECTORY_DEFAULT "/ca.crt, certificate: " CA_DIRECTORY_DEFAULT
                       "/%s.crt, key: " CA_DIRECTORY_DEFAULT "/%s.key}\n",
                       arguments->host, here, arguments->host, arguments->host, arguments->host);
        }
        return 0;
}

int cli_ca(int argc, char **argv)
{
        struct arguments arguments = { .directory = CA_DIRECTORY_DEFAULT };
        int r;

        for (int i = 1; i < argc; i++)
                if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
                        fputs(usage, stdout);
                        return 0;
                }
        if (argc < 2 || argv[1][0] == '-')
                return wrong("expected init or issue", "");
        r = parse(argc - 1, argv + 1, &arguments);
        if (r != 0)
                return r;
        if (strcmp(argv[1], "init") == 0)
                return run_init(&arguments);
        if (strcmp(argv[1], "issue") == 0)
                return run_issue(&arguments);
        return wrong("expected init or issue, not ", argv[1]);
}
