/* How many connections a server takes, as it was configured when it started: PostgreSQL, MySQL and MariaDB,
 * pgbouncer, haproxy. Read from the command line and the configuration files of the process, within its own
 * root and never waiting for anybody (inside.h); nobody is connected to and nothing is executed. Read once
 * for each incarnation: some hundred microseconds, at most SERVER_LIMITS_READ bytes.
 *
 * What is not certain is not told: a file that was changed after the process started, is missing, too
 * large, or says things that this does not understand (variables, conditions), makes the limit unknown. A
 * limit that is changed while the server runs (SET GLOBAL, RELOAD) is not noticed until it restarts. */
#pragma once

#include "proto/base.h"

#define SERVER_LIMITS_READ (1u << 20)
#define SERVER_LIMITS_MAX 16 /* ports of one process that have a limit of their own */

struct server_limits {
        struct {
                uint16_t port; /* 0: any */
                uint32_t max;
        } items[SERVER_LIMITS_MAX]; /* the first that fits counts */
        uint32_t count;
};

struct server_limits_facts {
        const char *proc;
        uint32_t pid;
        int64_t started; /* wall clock */
        const char *executable;
};

/* Whether there can be anything to read, without reading. */
bool server_limits_known(const char *executable);
/* No limits where there is nothing certain. */
void server_limits_read(const struct server_limits_facts *facts, struct server_limits *ret_limits);
/* 0: not known. `limits` may be NULL. */
uint32_t server_limits_find(const struct server_limits *limits, uint16_t port);
