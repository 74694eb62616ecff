/* The read-only HTTP interface, by libmicrohttpd on our own loop: /healthz, /metrics (Prometheus),
 * /v1/VERB (the JSON of the CLI, arguments in the query string), /graph.dot and /graph.svg.
 *
 * Only GET and HEAD; connections, their memory and their time are bounded; on a loopback address
 * only requests for a loopback name are answered, so that no web page can read the graph through
 * somebody's browser. */
#pragma once

#include "proto/base.h"

struct daemon;
struct http;
struct yaml_config_error;

/* Listens on the configuration's address. -EINVAL, -EADDRINUSE, ... with a sentence. */
MUST_CHECK int http_new(struct daemon *daemon, struct yaml_config_error *ret_error, struct http **ret_http);
void http_free(struct http **http);
/* About once a second: time-outs. */
void http_tick(struct http *http);
/* The graph is put together: goes on with the requests that waited for it. */
void http_go_on(struct http *http);
