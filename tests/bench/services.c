#include "tests/bench/services.h"

#include "tests/bench/process.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define NGINX_PORT 18080
#define REDIS_PORT 16379
#define SERVER_PROCESSOR 0
#define LOAD_PROCESSOR 1
#define PRIORITY (-15) /* before whatever else the machine does */

static int dial(uint16_t port, int *ret_fd)
{
        struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        struct timeval limit = { .tv_sec = 10 };
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (fd < 0)
                return -errno;
        if (connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0) {
                int r = -errno;

                close(fd);
                return r;
        }
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
        *ret_fd = fd;
        return 0;
}

static int start(struct service *s, const char *const *server, uint16_t port, const char *const *load, const char *folder,
                 const char **ret_why)
{
        static char log[256];
        int r;

        snprintf(log, sizeof(log), "%s/%s.log", folder, s->name);
        *ret_why = "the server does not start";
        r = process_start(server, SERVER_PROCESSOR, PRIORITY, log, &s->server);
        if (r < 0)
                return r;
        r = process_wait_port(port, s->server);
        if (r < 0)
                return r;
        *ret_why = "its load does not start";
        r = process_start(load, LOAD_PROCESSOR, PRIORITY, log, &s->load);
        if (r < 0)
                return r;
        sleep_ns(500 * NSEC_PER_MSEC);
        if (!process_alive(s->load))
                return -ENOENT;
        return dial(port, &s->counter);
}

int service_nginx(const char *folder, struct service *ret_service, const char **ret_why)
{
        static char configuration[256], content[256];
        const char *const server[] = { "nginx", "-p", folder, "-c", configuration, NULL };
        const char *const load[] = { "wrk", "-t1", "-c50", "-d100000", "http://127.0.0.1:18080/index.html", NULL };
        FILE *f;

        *ret_service = (struct service){ .name = "nginx", .counter = -1 };
        snprintf(content, sizeof(content), "%s/index.html", folder);
        snprintf(configuration, sizeof(configuration), "%s/nginx.conf", folder);
        f = fopen(content, "w");
        if (!f || fprintf(f, "%0512d\n", 0) < 0 || fclose(f) != 0)
                return -errno;
        f = fopen(configuration, "w");
        if (!f)
                return -errno;
        fprintf(f,
                "daemon off; master_process off; worker_processes 1; pid %s/nginx.pid; error_log %s/nginx-error.log;\n"
                "events { worker_connections 1024; }\n"
                "http { access_log off; keepalive_requests 1000000000; keepalive_timeout 3600; open_file_cache max=10;\n"
                "  server { listen 127.0.0.1:%d; root %s; location = /count { stub_status; } } }\n",
                folder, folder, NGINX_PORT, folder);
        if (fclose(f) != 0)
                return -errno;
        return start(ret_service, server, NGINX_PORT, load, folder, ret_why);
}

int service_redis(const char *folder, struct service *ret_service, const char **ret_why)
{
        const char *const server[] = { "redis-server", "--port", "16379", "--bind", "127.0.0.1",   "--save", "",
                                       "--appendonly", "no",     "--dir", folder,   "--daemonize", "no",     NULL };
        const char *const load[] = { "redis-benchmark", "-p", "16379", "-c", "50", "-n", "2000000000", "-t", "set", "-q", NULL };

        *ret_service = (struct service){ .name = "redis", .counter = -1 };
        return start(ret_service, server, REDIS_PORT, load, folder, ret_why);
}

void service_end(struct service *s)
{
        process_end(&s->load);
        process_end(&s->server);
        if (s->counter >= 0)
                close(s->counter);
        s->counter = -1;
}

/* True once the whole answer is there: HTTP says Content-Length, redis begins with $LENGTH. */
static bool is_complete(const char *answer, size_t length)
{
        const char *says = strstr(answer, "Content-Length: "), *body = strstr(answer, "\r\n\r\n");

        if (answer[0] != '$')
                return says && body && length >= (size_t)(body + 4 - answer) + strtoul(says + 16, NULL, 10);
        body = strstr(answer, "\r\n");
        return body && length >= (size_t)(body + 2 - answer) + strtoul(answer + 1, NULL, 10) + 2;
}

/* What the service answers to `request`, as text. */
static int ask(int fd, const char *request, char *answer, size_t size)
{
        size_t length = 0;

        if (write(fd, request, strlen(request)) != (ssize_t)strlen(request))
                return -EIO;
        do {
                ssize_t n = read(fd, answer + length, size - 1 - length);

                if (n <= 0)
                        return -EIO;
                length += (size_t)n;
                answer[length] = '\0';
        } while (!is_complete(answer, length));
        return 0;
}

static int count(const struct service *s, uint64_t *ret_count, int64_t *ret_at)
{
        static char answer[16384];
        bool http = strcmp(s->name, "nginx") == 0;
        const char *key = http ? "handled requests\n" : "total_commands_processed:", *at;
        unsigned long long number;
        int r = ask(s->counter, http ? "GET /count HTTP/1.1\r\nHost: x\r\n\r\n" : "INFO stats\r\n", answer, sizeof(answer));

        *ret_at = clock_monotonic();
        if (r < 0)
                return r;
        at = strstr(answer, key);
        if (!at || sscanf(at + strlen(key), http ? "%*u %*u %llu" : "%llu", &number) != 1)
                return -EBADMSG;
        *ret_count = number;
        return 0;
}

int service_measure(void *service, int64_t duration, double *ret_costs)
{
        struct service *s = service;
        uint64_t before, after;
        int64_t from, to, cpu;
        int r;

        if (!process_alive(s->load) || !process_alive(s->server))
                return -EPIPE;
        r = count(s, &before, &from);
        if (r < 0)
                return r;
        cpu = process_cpu(s->server) + process_cpu(s->load);
        sleep_ns(duration);
        r = count(s, &after, &to);
        if (r < 0)
                return r;
        cpu = process_cpu(s->server) + process_cpu(s->load) - cpu;
        if (after <= before + 1)
                return -EIO;
        ret_costs[0] = (double)(to - from) / (double)(after - before);
        ret_costs[1] = (double)cpu / (double)(after - before);
        return 0;
}
