/* Views made by hand for the tests of what is rendered: a shop of eight services, forty services on
 * twelve hosts, and any number with a seed. The fixture owns what it makes. */
#pragma once

#include "coordinator/view.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIXTURE_NOW (INT64_C(1777600800) * NSEC_PER_SEC + 250 * NSEC_PER_MSEC) /* 2026-05-01T02:00:00.250Z */

struct fixture {
        struct view view;
        char *strings[400000];
        size_t strings_count;
};

static char *fixture_text(struct fixture *f, const char *format, ...) PRINTF_LIKE(2, 3);
static char *fixture_text(struct fixture *f, const char *format, ...)
{
        char buffer[8192];
        va_list args;

        va_start(args, format);
        vsnprintf(buffer, sizeof(buffer), format, args);
        va_end(args);
        return f->strings[f->strings_count++] = strdup(buffer);
}

static inline struct fixture *fixture_new(size_t services, size_t edges)
{
        struct fixture *f = calloc(1, sizeof(*f));

        f->view.as_of = FIXTURE_NOW;
        f->view.complete = true;
        f->view.uptime_ns = 3661 * NSEC_PER_SEC;
        f->view.services = calloc(services + 1, sizeof(*f->view.services));
        f->view.edges = calloc(edges + 1, sizeof(*f->view.edges));
        f->view.hosts = calloc(16, sizeof(*f->view.hosts));
        f->view.processes = calloc(16, sizeof(*f->view.processes));
        return f;
}

static inline void fixture_free(struct fixture *f)
{
        for (size_t i = 0; i < f->view.services_count; i++) {
                free(f->view.services[i].hosts.items);
                free(f->view.services[i].listening);
        }
        for (size_t i = 0; i < f->strings_count; i++)
                free(f->strings[i]);
        free(f->view.services);
        free(f->view.edges);
        free(f->view.hosts);
        free(f->view.processes);
        free(f);
}

/* `hosts` is a list separated by blanks. */
static inline struct view_service *fixture_service(struct fixture *f, const char *name, const char *hosts, uint16_t port,
                                                   const char *environment)
{
        struct view_service *s = &f->view.services[f->view.services_count++];
        const char *h = hosts;

        *s = (struct view_service){ .name = name,
                                    .environment = environment,
                                    .version = "",
                                    .instances = 1,
                                    .tier = 1,
                                    .health = VIEW_HEALTH_OK,
                                    .hosts.items = calloc(16, sizeof(char *)) };
        while (*h) {
                size_t n = strcspn(h, " ");

                s->hosts.items[s->hosts.count++] = fixture_text(f, "%.*s", (int)n, h);
                h += n + (h[n] == ' ');
        }
        if (port) {
                s->listening = calloc(1, sizeof(*s->listening));
                s->listening[0] =
                        (struct view_port){ .address = "0.0.0.0", .port = port, .transport = TRANSPORT_TCP, .backlog_max = 511 };
                s->listening_count = 1;
        }
        return s;
}

static inline struct view_service *fixture_external(struct fixture *f, const char *address)
{
        struct view_service *s = fixture_service(f, address, "", 0, "");

        s->external = true;
        s->health = VIEW_HEALTH_UNKNOWN;
        return s;
}

static inline struct view_edge *fixture_edge(struct fixture *f, const char *client, const char *server, uint16_t port,
                                             const char *protocol, uint64_t open, uint64_t bytes)
{
        struct view_edge *e = &f->view.edges[f->view.edges_count++];

        *e = (struct view_edge){ .client = client,
                                 .server = server,
                                 .port = port,
                                 .transport = TRANSPORT_TCP,
                                 .protocol = protocol,
                                 .seen_from = VIEW_SEEN_BOTH,
                                 .window_ns = 600 * NSEC_PER_SEC,
                                 .open = open,
                                 .complete = true,
                                 .first_seen = FIXTURE_NOW - 600 * NSEC_PER_SEC,
                                 .last_seen = FIXTURE_NOW - NSEC_PER_SEC };
        e->counters.attempted = e->counters.opened = open + bytes / 5000;
        e->counters.closed = bytes / 5000;
        e->counters.sent = bytes / 8;
        e->counters.received = bytes - bytes / 8;
        for (uint64_t i = 0; i < 20; i++) {
                histogram_record(&e->rtt, 80 + 13 * i);
                histogram_record(&e->turnaround, 900 + 250 * i);
        }
        return e;
}

static int fixture_by_name(const void *a, const void *b)
{
        const struct view_service *p = a, *q = b;

        return p->external != q->external ? p->external - q->external : strcmp(p->name, q->name);
}

static int fixture_by_ends(const void *a, const void *b)
{
        const struct view_edge *p = a, *q = b;
        int r = strcmp(p->client, q->client);

        if (r == 0)
                r = strcmp(p->server, q->server);
        return r ? r : p->port - q->port;
}

static inline void fixture_finish(struct fixture *f)
{
        struct view *v = &f->view;

        qsort(v->services, v->services_count, sizeof(*v->services), fixture_by_name);
        qsort(v->edges, v->edges_count, sizeof(*v->edges), fixture_by_ends);
        for (size_t i = 0; i < v->edges_count; i++)
                for (size_t k = 0; v->services_count < 1000 && k < v->services_count; k++) {
                        struct view_edge *e = &v->edges[i];

                        if (!v->services[k].external)
                                continue;
                        e->client_external |= strcmp(v->services[k].name, e->client) == 0;
                        e->server_external |= strcmp(v->services[k].name, e->server) == 0;
                        e->external = e->client_external || e->server_external;
                        if (e->external)
                                e->seen_from = e->client_external ? VIEW_SEEN_SERVER : VIEW_SEEN_CLIENT;
                }
        for (size_t i = 0; i < v->services_count; i++)
                v->services_total += !v->services[i].external;
        v->edges_total = (uint32_t)v->edges_count;
        v->hosts_total = (uint32_t)v->hosts_count;
}

static inline struct fixture *fixture_shop(void)
{
        struct fixture *f = fixture_new(400, 400);

        fixture_service(f, "haproxy", "edge1", 443, "")->listening[0].port = 443;
        fixture_service(f, "nginx", "web1 web2", 8080, "")->instances = 2;
        fixture_service(f, "shop", "web1 web2", 9000, "")->instances = 4;
        fixture_service(f, "payments", "web2", 9100, "")->version = "2.14.1";
        fixture_service(f, "pgbouncer", "db1", 6432, "");
        fixture_service(f, "postgresql", "db1", 5432, "")->version = "15.8";
        fixture_service(f, "redis", "db1", 6379, "");
        fixture_service(f, "worker", "web2", 0, "")->instances = 3;
        for (int i = 0; i < 37; i++) {
                char *client = fixture_text(f, "203.0.113.%d", i + 10);

                fixture_external(f, client);
                fixture_edge(f, client, "haproxy", 443, "https", i % 3, 40000 + (uint64_t)i * 3000);
        }
        fixture_external(f, "198.51.100.7");
        fixture_edge(f, "haproxy", "nginx", 8080, "http", 24, 88000000);
        fixture_edge(f, "nginx", "shop", 9000, "http", 31, 81000000);
        fixture_edge(f, "shop", "payments", 9100, "http", 6, 2100000);
        fixture_edge(f, "shop", "pgbouncer", 6432, "postgresql", 20, 31000000);
        fixture_edge(f, "shop", "redis", 6379, "redis", 8, 12000000);
        fixture_edge(f, "payments", "pgbouncer", 6432, "postgresql", 5, 900000);
        fixture_edge(f, "payments", "198.51.100.7", 443, "https", 2, 420000);
        fixture_edge(f, "pgbouncer", "postgresql", 5432, "postgresql", 12, 31900000);
        fixture_edge(f, "worker", "redis", 6379, "redis", 3, 5100000);
        fixture_edge(f, "worker", "pgbouncer", 6432, "postgresql", 3, 7000000);
        fixture_finish(f);
        return f;
}

/* Its worker is in trouble towards pgbouncer and by itself, its redis by itself. */
static inline struct fixture *fixture_shop_in_trouble(void)
{
        static struct view_mark worker[] = { { "i7", "connection-pool-leak", "pgbouncer", 6432 }, { "i9", "memory-leak", "", 0 } };
        static struct view_mark redis[] = { { "i8", "file-descriptor-leak", "", 0 } };
        struct fixture *f = fixture_shop();

        for (size_t i = 0; i < f->view.services_count; i++) {
                struct view_service *s = &f->view.services[i];

                if (strcmp(s->name, "worker") == 0) {
                        s->marks = worker;
                        s->marks_count = ARRAY_SIZE(worker);
                } else if (strcmp(s->name, "redis") == 0) {
                        s->marks = redis;
                        s->marks_count = ARRAY_SIZE(redis);
                }
        }
        return f;
}

static inline struct fixture *fixture_forty(void)
{
        static const char *const domains[] = { "orders", "billing", "search", "catalog", "users", "mail", "stock", "media" };
        struct fixture *f = fixture_new(2000, 2000);

        fixture_service(f, "ingress", "edge1 edge2", 443, "production")->instances = 2;
        fixture_service(f, "gateway", "edge1 edge2", 8000, "production")->instances = 2;
        fixture_service(f, "kafka", "kafka1 kafka2 kafka3", 9092, "production")->instances = 3;
        fixture_service(f, "vault", "core1", 8200, "production");
        fixture_service(f, "prometheus", "core1", 9090, "production");
        fixture_service(f, "resolver", "core1", 53, "production");
        for (int i = 0; i < 8; i++) {
                char *api = fixture_text(f, "%s-api", domains[i]), *worker = fixture_text(f, "%s-worker", domains[i]);
                char *db = fixture_text(f, "%s-db", domains[i]), *cache = fixture_text(f, "%s-cache", domains[i]);
                char *app_host = fixture_text(f, "app%d", i % 4 + 1), *db_host = fixture_text(f, "db%d", i % 4 + 1);

                fixture_service(f, api, app_host, (uint16_t)(8100 + i), "production")->instances = (uint32_t)(1 + i % 3);
                fixture_service(f, worker, app_host, 0, "production");
                fixture_service(f, db, db_host, 5432, "production");
                fixture_edge(f, "gateway", api, (uint16_t)(8100 + i), "http", (uint64_t)(4 + 7 * i), 1000000u << i);
                fixture_edge(f, api, db, 5432, "postgresql", (uint64_t)(10 + i), 400000u << i);
                fixture_edge(f, worker, "kafka", 9092, "kafka", 3, 700000u << (7 - i));
                if (i % 2 == 0) {
                        fixture_service(f, cache, app_host, 6379, "production");
                        fixture_edge(f, api, cache, 6379, "redis", 8, 300000u << i);
                } else {
                        fixture_edge(f, api, "kafka", 9092, "kafka", 2, 90000u << i);
                }
                if (i % 3 == 0)
                        fixture_edge(f, worker, db, 5432, "postgresql", 4, 100000u << i);
                fixture_edge(f, "prometheus", api, (uint16_t)(8100 + i), "http", 1, 90000);
                if (i == 2) {
                        f->view.services[f->view.services_count - 2].health = VIEW_HEALTH_BAD;
                        f->view.edges[f->view.edges_count - 3].failed = 900;
                }
                if (i == 5)
                        f->view.services[f->view.services_count - 3].health = VIEW_HEALTH_WARN;
        }
        fixture_edge(f, "ingress", "gateway", 8000, "http", 120, 900000000);
        fixture_edge(f, "gateway", "users-api", 8104, "http", 9, 9000000);
        fixture_edge(f, "orders-api", "stock-api", 8106, "http", 7, 4000000);
        fixture_edge(f, "orders-api", "billing-api", 8101, "http", 5, 2000000);
        fixture_edge(f, "billing-api", "vault", 8200, "https", 1, 30000);
        fixture_edge(f, "users-api", "vault", 8200, "https", 1, 20000);
        fixture_edge(f, "search-api", "catalog-api", 8103, "http", 9, 6000000);
        fixture_edge(f, "mail-worker", "resolver", 53, "dns", 0, 40000)->transport = TRANSPORT_UDP;
        for (int i = 0; i < 180; i++) {
                char *client = fixture_text(f, "203.0.%d.%d", i / 60 + 110, i % 60 + 10);

                fixture_external(f, client);
                fixture_edge(f, client, "ingress", 443, "https", i % 2, 90000);
        }
        for (int i = 0; i < 9; i++) {
                char *server = fixture_text(f, "198.51.100.%d", i + 20);

                fixture_external(f, server);
                fixture_edge(f, "mail-worker", server, 25, "smtp", 1, 30000);
        }
        fixture_external(f, "2001:db8::17");
        fixture_edge(f, "billing-api", "2001:db8::17", 443, "https", 3, 250000);
        fixture_external(f, "192.0.2.80");
        fixture_edge(f, "media-api", "192.0.2.80", 443, "https", 12, 40000000);
        fixture_finish(f);
        return f;
}

static inline struct fixture *fixture_large(size_t services, size_t edges)
{
        struct fixture *f = fixture_new(services, edges);
        uint64_t state = 42;

        for (size_t i = 0; i < services; i++)
                fixture_service(f, fixture_text(f, "service-%05zu", i), "", 8080, "")->hosts.count = 0;
        for (size_t i = 0; i < edges; i++) {
                state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
                fixture_edge(f, f->view.services[i % services].name, f->view.services[(state >> 33) % services].name,
                             (uint16_t)(8000 + i % 20), "http", i % 50, i * 1000);
        }
        fixture_finish(f);
        return f;
}
