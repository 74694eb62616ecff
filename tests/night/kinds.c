/* Client libraries, by what they document:
 *
 * pg-pool (node-postgres): idle clients are a stack (`_idle.pop()`), `max` 10, `idleTimeoutMillis` 10000 by
 *   a timer of each client, no lifetime unless `maxLifetimeSeconds`; a request waits for ever by default
 *   (node-postgres.com/apis/pool).
 * HikariCP: `maximumPoolSize` 10, `minimumIdle` the same by default, `idleTimeout` 10 min down to the minimum,
 *   `maxLifetime` 30 min less up to 2.5 %, the house keeper each 30 s, `connectionTimeout` 30 s; a thread
 *   prefers what it had last (github.com/brettwooldridge/HikariCP).
 * database/sql (Go): no maximum, at most 2 idle (what comes back beyond is closed), the most recently used
 *   first, no idle time and no lifetime (go.dev/doc/database/manage-connections).
 * psycopg_pool: `min_size` 4, `max_lifetime` 1 h less up to 5 %, `max_idle` 10 min, first in first out,
 *   `timeout` 30 s (psycopg.org/psycopg3/docs/api/pool.html).
 * SQLAlchemy QueuePool: 5 kept and 10 more that are closed when they come back, first in first out,
 *   `pool_timeout` 30 s (docs.sqlalchemy.org/core/pooling.html).
 * pgbouncer: last in first out unless server_round_robin, `default_pool_size` 20, `server_idle_timeout`
 *   10 min, `server_lifetime` 1 h, and those that end by it are at least lifetime / size apart
 *   (pgbouncer.org/config.html; change log of 1.1.2).
 * nginx upstream keepalive: at most 32 idle of each worker, the most recently used first, 60 s
 *   (nginx.org/en/docs/http/ngx_http_upstream_module.html). HAProxy: `http-reuse safe`, `pool-purge-delay` 5 s.
 * thread-bound: Django with CONN_MAX_AGE, or a ThreadLocal: each worker thread has its own.
 * http2: gRPC and others: one connection, replaced after `max_connection_age`. */
#include "tests/night/pool.h"

#include <string.h>

static const struct pool_kind kinds[] = {
        { .name = "pg-pool", .order = ORDER_LIFO, .max = 10, .idle = 10, .patience = 60 },
        { .name = "pg-pool-keeps", .order = ORDER_LIFO, .max = 40, .patience = 60 }, /* idleTimeoutMillis: 0 */
        { .name = "hikari",
          .order = ORDER_ANY,
          .max = 10,
          .min = 10,
          .idle = 600,
          .lifetime = 1800,
          .jitter = 0.025,
          .chores = 30,
          .warm = true,
          .patience = 30 },
        { .name = "hikari-grows",
          .order = ORDER_ANY,
          .max = 40,
          .min = 5,
          .idle = 600,
          .lifetime = 1800,
          .jitter = 0.025,
          .chores = 30,
          .warm = true,
          .patience = 30 },
        { .name = "database/sql", .order = ORDER_LIFO, .idle_max = 2, .patience = 30 },
        { .name = "database/sql-tuned", .order = ORDER_LIFO, .max = 50, .idle_max = 25, .lifetime = 300, .patience = 30 },
        { .name = "psycopg_pool",
          .order = ORDER_FIFO,
          .max = 20,
          .min = 4,
          .idle = 600,
          .lifetime = 3600,
          .jitter = 0.05,
          .chores = 30,
          .warm = true,
          .patience = 30 },
        { .name = "sqlalchemy", .order = ORDER_FIFO, .max = 15, .idle_max = 5, .patience = 30 },
        { .name = "pgbouncer",
          .order = ORDER_LIFO,
          .max = 20,
          .idle = 600,
          .lifetime = 3600,
          .chores = 1,
          .apart = 180,
          .patience = 120 },
        { .name = "lifo-minimum",
          .order = ORDER_LIFO,
          .max = 40,
          .min = 12,
          .idle = 300,
          .chores = 10,
          .warm = true,
          .patience = 30 },
        { .name = "prewarmed", .order = ORDER_LIFO, .max = 30, .min = 30, .warm = true, .patience = 30 },
        { .name = "thread-bound", .order = ORDER_BOUND, .max = 16, .patience = 30 },
        { .name = "nginx", .order = ORDER_LIFO, .idle_max = 32, .idle = 60, .patience = 60 },
        { .name = "haproxy", .order = ORDER_LIFO, .idle = 5, .patience = 60 },
        { .name = "http2", .order = ORDER_STREAMS, .min = 1, .lifetime = 3600, .jitter = 0.1, .patience = 60 },
};

const struct pool_kind *pool_kind_at(size_t index)
{
        return index < ARRAY_SIZE(kinds) ? &kinds[index] : NULL;
}

const struct pool_kind *pool_kind_get(const char *name)
{
        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
                if (strcmp(kinds[i].name, name) == 0)
                        return &kinds[i];
        return NULL;
}
