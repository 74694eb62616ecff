#include "coordinator/http.h"
#include "coordinator/aside.h"
#include "coordinator/daemon_internal.h"
#include "coordinator/http_address.h"
#include "coordinator/svg.h"

#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

#define CONNECTIONS_MAX 64
#define CONNECTION_MEMORY 16384
#define TIME_OUT_S 20
#define ARGUMENTS_MAX 8
#define PICTURES_MAX 2
#define PICTURE_BYTES_MAX (1u << 20) /* of DOT: beyond that a layout takes minutes */

struct http {
        struct daemon *daemon;
        struct MHD_Daemon *server;
        struct loop_source *source, *soon;
        struct exchange *pictures; /* being drawn */
        unsigned pictures_count;
        struct asides *asides;
        struct exchange *waiting;   /* for one of these */
        struct exchange *unsettled; /* waiting for the graph */
        bool loopback;
};

/* One request; libmicrohttpd calls the handler several times for it. */
struct exchange {
        struct http *http;
        struct MHD_Connection *connection;
        struct svg *svg;
        struct exchange *next, *next_waiting;
        struct MHD_Response *ready; /* drawn meanwhile */
        unsigned status;
        uint8_t *made; /* an answer that was made aside, its head and text: a mapping */
        size_t made_size;
        bool svg_wanted;
};

/* Before the text of an answer that a child has made. */
struct made_head {
        uint32_t status;
        char type[60];
};

static enum MHD_Result respond_from(struct MHD_Connection *c, unsigned status, const char *type, const char *body, size_t size,
                                    enum MHD_ResponseMemoryMode mode)
{
        struct MHD_Response *response = MHD_create_response_from_buffer(size, (void *)(uintptr_t)body, mode);
        enum MHD_Result r;

        if (!response)
                return MHD_NO;
        MHD_add_response_header(response, "Content-Type", type);
        MHD_add_response_header(response, "Cache-Control", "no-store");
        MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
        if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
                MHD_add_response_header(response, "Allow", "GET, HEAD");
        r = MHD_queue_response(c, status, response);
        MHD_destroy_response(response);
        return r;
}

static enum MHD_Result respond(struct MHD_Connection *c, unsigned status, const char *type, const char *body, size_t size)
{
        return respond_from(c, status, type, body, size, MHD_RESPMEM_MUST_COPY);
}

static enum MHD_Result sentence(struct MHD_Connection *c, unsigned status, const char *text)
{
        return respond(c, status, "text/plain; charset=utf-8", text, strlen(text));
}

struct arguments {
        struct wire_argument items[ARGUMENTS_MAX];
        size_t count;
        bool too_many;
};

static enum MHD_Result argument(void *data, enum MHD_ValueKind kind, const char *name, const char *value)
{
        struct arguments *a = data;

        (void)kind;
        if (a->count == ARGUMENTS_MAX) {
                a->too_many = true;
                return MHD_NO;
        }
        a->items[a->count++] = (struct wire_argument){ name, value ? value : "" };
        return MHD_YES;
}

static void picture_drop(struct exchange *x)
{
        for (struct exchange **p = &x->http->pictures; *p; p = &(*p)->next)
                if (*p == x) {
                        *p = x->next;
                        x->http->pictures_count--;
                        break;
                }
        svg_free(&x->svg);
}

static void resume(struct exchange *x)
{
        MHD_resume_connection(x->connection);
        if (loop_set_timer(x->http->soon, 1) < 0)
                log_error("http", "a timer cannot be set");
}

static void on_picture(void *data, int r, int *fd, size_t size)
{
        struct exchange *x = data;

        if (r == 0) {
                x->ready = MHD_create_response_from_fd(size, *fd);
                if (x->ready) {
                        *fd = -1;
                        MHD_add_response_header(x->ready, "Content-Type", "image/svg+xml");
                        MHD_add_response_header(x->ready, "Cache-Control", "no-store");
                }
        }
        x->status = r == -ENOENT      ? MHD_HTTP_NOT_IMPLEMENTED
                    : r == -ETIMEDOUT ? MHD_HTTP_SERVICE_UNAVAILABLE
                                      : MHD_HTTP_INTERNAL_SERVER_ERROR;
        picture_drop(x);
        resume(x);
}

static enum MHD_Result picture(struct exchange *x, const char *dot, size_t size)
{
        struct http *http = x->http;
        int r;

        if (size > PICTURE_BYTES_MAX)
                return sentence(x->connection, MHD_HTTP_CONTENT_TOO_LARGE,
                                "the graph is too large to draw: choose a part with ?service=NAME&depth=N\n");
        if (http->pictures_count >= PICTURES_MAX)
                return sentence(x->connection, MHD_HTTP_SERVICE_UNAVAILABLE, "other pictures are being drawn: try again\n");
        r = svg_start(http->daemon->loop, dot, size, on_picture, x, &x->svg);
        if (r == -ENOENT)
                return sentence(x->connection, MHD_HTTP_NOT_IMPLEMENTED,
                                "install Graphviz, which draws the picture: apt install graphviz\n");
        if (r < 0)
                return sentence(x->connection, MHD_HTTP_INTERNAL_SERVER_ERROR, "the picture cannot be drawn\n");
        x->next = http->pictures;
        http->pictures = x;
        http->pictures_count++;
        MHD_suspend_connection(x->connection);
        return MHD_YES;
}

static enum MHD_Result answer(struct exchange *x, enum query_status status, const char *type, const char *text, size_t size)
{
        if (status == QUERY_DONE && x->svg_wanted)
                return picture(x, text, size);
        return respond_from(x->connection,
                            status == QUERY_DONE      ? MHD_HTTP_OK
                            : status == QUERY_USAGE   ? MHD_HTTP_BAD_REQUEST
                            : status == QUERY_NO_SUCH ? MHD_HTTP_NOT_FOUND
                                                      : MHD_HTTP_INTERNAL_SERVER_ERROR,
                            type, text, size, x->made ? MHD_RESPMEM_PERSISTENT : MHD_RESPMEM_MUST_COPY);
}

struct question {
        struct daemon *daemon;
        const struct wire_query *query;
};

static int make_aside(void *data, uint8_t **ret_answer, size_t *ret_size)
{
        struct question *q = data;
        struct made_head head = { 0 };
        struct text out = { 0 };
        const char *type;
        uint8_t *made;

        head.status = query_answer(q->daemon->core, q->daemon->signatures, q->daemon->conduct, clock_wall(), q->daemon->started,
                                   q->query, &out, &type);
        snprintf(head.type, sizeof(head.type), "%s", type);
        made = out.failed ? NULL : malloc(sizeof(head) + out.length);
        if (!made)
                return -ENOMEM;
        memcpy(made, &head, sizeof(head));
        memcpy(made + sizeof(head), out.data, out.length);
        *ret_answer = made;
        *ret_size = sizeof(head) + out.length;
        return 0;
}

static void on_made(void *data, uint64_t token, uint8_t *made, size_t size)
{
        struct exchange *x = (struct exchange *)(uintptr_t)token;

        (void)data;
        for (struct exchange **p = &x->http->waiting; *p; p = &(*p)->next_waiting)
                if (*p == x) {
                        *p = x->next_waiting;
                        break;
                }
        x->made = made;
        x->made_size = size;
        if (size < sizeof(struct made_head))
                x->status = MHD_HTTP_SERVICE_UNAVAILABLE;
        resume(x);
}

/* A suspended connection does not end, so that the token stays good. */
static bool take_aside(struct exchange *x, const struct wire_query *query)
{
        struct question question = { x->http->daemon, query };

        if (!daemon_settle(x->http->daemon)) {
                x->next_waiting = x->http->unsettled;
                x->http->unsettled = x;
                MHD_suspend_connection(x->connection);
                return true;
        }
        if (aside_start(x->http->asides, (uint64_t)(uintptr_t)x, make_aside, &question) < 0)
                return false;
        x->next_waiting = x->http->waiting;
        x->http->waiting = x;
        MHD_suspend_connection(x->connection);
        return true;
}

static enum MHD_Result question(struct exchange *x, const char *verb, bool dot, bool svg)
{
        struct daemon *d = x->http->daemon;
        struct arguments a = { .count = 0 };
        struct wire_query query = { .verb = verb, .arguments = a.items };
        struct text out = { 0 };
        enum query_status status;
        enum MHD_Result r;
        const char *type;

        x->svg_wanted = svg;
        if (dot)
                a.items[a.count++] = (struct wire_argument){ "format", "dot" };
        MHD_get_connection_values(x->connection, MHD_GET_ARGUMENT_KIND, argument, &a);
        if (a.too_many)
                return sentence(x->connection, MHD_HTTP_BAD_REQUEST, "too many arguments\n");
        query.arguments_count = a.count;
        if (!query_is_brief(verb) && core_rows(d->core) > DAEMON_ASIDE_ROWS && take_aside(x, &query))
                return MHD_YES;
        status = query_answer(d->core, d->signatures, d->conduct, clock_wall(), d->started, &query, &out, &type);
        r = answer(x, status, type, out.data, out.length);
        text_free(&out);
        return r;
}

static enum MHD_Result route(struct exchange *x, const char *url)
{
        if (strcmp(url, "/healthz") == 0)
                return sentence(x->connection, MHD_HTTP_OK, "ok\n");
        if (strcmp(url, "/metrics") == 0) {
                struct text out = { 0 };
                int r = daemon_metrics(x->http->daemon, &out);
                enum MHD_Result result = r < 0 ? sentence(x->connection, MHD_HTTP_INTERNAL_SERVER_ERROR, "out of memory\n")
                                               : respond(x->connection, MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8",
                                                         out.data, out.length);

                text_free(&out);
                return result;
        }
        if (strcmp(url, "/graph.svg") == 0)
                return question(x, "graph", true, true);
        if (strcmp(url, "/graph.dot") == 0)
                return question(x, "graph", true, false);
        if (strncmp(url, "/v1/", 4) == 0)
                return question(x, url + 4, false, false);
        return sentence(x->connection, MHD_HTTP_NOT_FOUND, "not here: /healthz, /metrics, /graph.svg, /graph.dot, /v1/VERB\n");
}

/* A name that a browser would have to resolve first may lead anywhere: DNS rebinding. */
static bool host_allowed(const struct http *http, struct MHD_Connection *c)
{
        static const char *const names[] = { "localhost", "127.0.0.1", "[::1]" };
        const char *host = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Host");

        if (!http->loopback || !host)
                return true;
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                size_t n = strlen(names[i]);

                if (strncasecmp(host, names[i], n) == 0 && (host[n] == '\0' || host[n] == ':'))
                        return true;
        }
        return false;
}

static enum MHD_Result on_request(void *data, struct MHD_Connection *c, const char *url, const char *method, const char *version,
                                  const char *upload, size_t *upload_size, void **state)
{
        struct http *http = data;
        struct exchange *x = *state;

        (void)version;
        (void)upload;
        if (!x) {
                x = calloc(1, sizeof(*x));
                if (!x)
                        return MHD_NO;
                x->http = http;
                x->connection = c;
                *state = x;
                return MHD_YES;
        }
        if (strcmp(method, "GET") && strcmp(method, "HEAD")) {
                if (*upload_size) {
                        *upload_size = 0;
                        return MHD_YES;
                }
                return sentence(c, MHD_HTTP_METHOD_NOT_ALLOWED, "this interface is read-only\n");
        }
        if (x->ready)
                return MHD_queue_response(c, MHD_HTTP_OK, x->ready);
        if (x->made && !x->status) {
                struct made_head head;

                memcpy(&head, x->made, sizeof(head));
                return answer(x, head.status, head.type, (const char *)x->made + sizeof(head), x->made_size - sizeof(head));
        }
        if (x->status)
                return sentence(c, x->status,
                                x->status == MHD_HTTP_NOT_IMPLEMENTED
                                        ? "install Graphviz, which draws the picture: apt install graphviz\n"
                                : x->status == MHD_HTTP_SERVICE_UNAVAILABLE
                                        ? "the answer takes too long: choose a part with ?service=NAME&depth=N\n"
                                        : "Graphviz cannot draw the picture\n");
        if (!host_allowed(http, c))
                return sentence(c, MHD_HTTP_FORBIDDEN, "only loopback names are answered here\n");
        return route(x, url);
}

static void on_completed(void *data, struct MHD_Connection *c, void **state, enum MHD_RequestTerminationCode code)
{
        struct exchange *x = *state;

        (void)data;
        (void)c;
        (void)code;
        *state = NULL;
        if (!x)
                return;
        if (x->svg)
                picture_drop(x);
        if (x->ready)
                MHD_destroy_response(x->ready);
        if (x->made)
                munmap(x->made, x->made_size);
        free(x);
}

static void on_readable(void *data, uint32_t events)
{
        struct http *http = data;

        (void)events;
        MHD_run(http->server);
}

static void on_soon(void *data, int64_t now)
{
        struct http *http = data;

        (void)now;
        MHD_run(http->server);
}

void http_tick(struct http *http)
{
        MHD_run(http->server);
}

void http_go_on(struct http *http)
{
        for (struct exchange *x = TAKE_PTR(http->unsettled), *next; x; x = next) {
                next = x->next_waiting;
                resume(x); /* which asks again */
        }
}

int http_new(struct daemon *daemon, struct yaml_config_error *ret_error, struct http **ret_http)
{
        const char *text = daemon->config->http;
        struct sockaddr_storage address;
        struct http *http = calloc(1, sizeof(*http));
        CLEANUP_FD int fd = -1;
        int r;

        if (!http)
                return -ENOMEM;
        http->daemon = daemon;
        r = http_address_parse(text, &address, &http->loopback);
        if (r < 0) {
                snprintf(ret_error->text, sizeof(ret_error->text),
                         "http: expected ADDRESS:PORT such as 127.0.0.1:7338 or [::1]:7338, or off, found '%.100s'", text);
                goto fail;
        }
        r = http_address_listen(&address, &fd);
        if (r < 0) {
                snprintf(ret_error->text, sizeof(ret_error->text),
                         "cannot listen for HTTP on %s: %s; choose another with --http ADDRESS:PORT, or --http off", text,
                         strerror(-r));
                goto fail;
        }
        http->server =
                MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_request, http,
                                 MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
                                 MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY, MHD_OPTION_CONNECTION_TIMEOUT,
                                 (unsigned)TIME_OUT_S, MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL, MHD_OPTION_END);
        if (http->server) {
                const union MHD_DaemonInfo *info = MHD_get_daemon_info(http->server, MHD_DAEMON_INFO_EPOLL_FD);

                fd = -1; /* it is the server's now */
                r = info ? loop_add_fd(daemon->loop, info->epoll_fd, EPOLLIN, on_readable, http, &http->source) : -EIO;
                if (r == 0)
                        r = loop_add_timer(daemon->loop, on_soon, http, &http->soon);
                if (r == 0)
                        r = asides_new(daemon->loop, on_made, http, &http->asides);
        } else {
                r = -EIO;
        }
        if (r < 0) {
                snprintf(ret_error->text, sizeof(ret_error->text), "the HTTP interface cannot be set up: %s", strerror(-r));
                goto fail;
        }
        *ret_http = http;
        return 0;
fail:
        http_free(&http);
        return r;
}

void http_free(struct http **http)
{
        struct http *h = *http;

        *http = NULL;
        if (!h)
                return;
        loop_remove(&h->source);
        while (h->pictures) {
                struct exchange *x = h->pictures;

                x->status = MHD_HTTP_INTERNAL_SERVER_ERROR;
                picture_drop(x);
                MHD_resume_connection(x->connection);
        }
        asides_free(&h->asides);
        for (; h->waiting; h->waiting = h->waiting->next_waiting)
                MHD_resume_connection(h->waiting->connection);
        for (; h->unsettled; h->unsettled = h->unsettled->next_waiting)
                MHD_resume_connection(h->unsettled->connection);
        if (h->server)
                MHD_stop_daemon(h->server);
        loop_remove(&h->soon);
        free(h);
}
