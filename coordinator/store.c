#include "coordinator/store.h"
#include "coordinator/core.h"
#include "proto/log.h"

#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct store {
        sqlite3 *db;
        sqlite3_stmt *put, *remove, *begin, *commit, *rollback;
        char path[PATH_MAX - 64];
        bool failing; /* and said so */
        uint64_t failures;
};

/* SQLite's dialect into ours. */
static int error_of(int code)
{
        switch (code & 0xff) {
        case SQLITE_OK:
        case SQLITE_DONE:
        case SQLITE_ROW:
                return 0;
        case SQLITE_FULL:
                return -ENOSPC;
        case SQLITE_NOMEM:
                return -ENOMEM;
        case SQLITE_READONLY:
                return -EROFS;
        case SQLITE_PERM:
        case SQLITE_CANTOPEN:
        case SQLITE_AUTH:
                return -EACCES;
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
                return -EBUSY;
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
        case SQLITE_FORMAT:
        case SQLITE_SCHEMA:
                return -EUCLEAN;
        default:
                return -EIO;
        }
}

static int run(sqlite3_stmt *statement)
{
        int code = sqlite3_step(statement);

        sqlite3_reset(statement);
        return error_of(code);
}

static void close_database(struct store *s)
{
        sqlite3_finalize(s->put);
        sqlite3_finalize(s->remove);
        sqlite3_finalize(s->begin);
        sqlite3_finalize(s->commit);
        sqlite3_finalize(s->rollback);
        s->put = s->remove = s->begin = s->commit = s->rollback = NULL;
        sqlite3_close(s->db);
        s->db = NULL;
}

/* True if every page can be read. */
static bool is_sound(sqlite3 *db)
{
        sqlite3_stmt *statement = NULL;
        bool sound = false;

        if (sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &statement, NULL) == SQLITE_OK &&
            sqlite3_step(statement) == SQLITE_ROW)
                sound = strcmp((const char *)sqlite3_column_text(statement, 0), "ok") == 0;
        sqlite3_finalize(statement);
        return sound;
}

static int open_database(struct store *s)
{
        static const char *const setup = "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA busy_timeout=200;"
                                         "PRAGMA wal_autocheckpoint=2000; PRAGMA journal_size_limit=67108864;"
                                         "CREATE TABLE IF NOT EXISTS record (kind INTEGER NOT NULL, key BLOB NOT NULL,"
                                         " value BLOB NOT NULL, PRIMARY KEY (kind, key)) WITHOUT ROWID";
        const struct {
                sqlite3_stmt **statement;
                const char *text;
        } statements[] = {
                { &s->put, "INSERT INTO record VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET value = excluded.value" },
                { &s->remove, "DELETE FROM record WHERE kind = ?1 AND key = ?2" },
                { &s->begin, "BEGIN IMMEDIATE" },
                { &s->commit, "COMMIT" },
                { &s->rollback, "ROLLBACK" },
        };
        int code = sqlite3_open_v2(s->path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);

        /* The log takes its mode from the database. */
        if (code == SQLITE_OK && chmod(s->path, 0600) < 0)
                code = SQLITE_PERM;
        if (code == SQLITE_OK)
                code = sqlite3_exec(s->db, setup, NULL, NULL, NULL);
        if (code == SQLITE_OK && !is_sound(s->db))
                code = SQLITE_CORRUPT;
        for (size_t i = 0; code == SQLITE_OK && i < ARRAY_SIZE(statements); i++)
                code = sqlite3_prepare_v3(s->db, statements[i].text, -1, SQLITE_PREPARE_PERSISTENT, statements[i].statement, NULL);
        if (code != SQLITE_OK)
                close_database(s);
        return error_of(code);
}

/* The damaged file keeps its name and a number; its log goes with it. */
static int move_aside(struct store *s)
{
        static const char *const suffixes[] = { "", "-wal", "-shm" };
        char from[PATH_MAX], to[PATH_MAX];
        struct stat st;
        unsigned n = 0;

        do
                snprintf(to, sizeof(to), "%s.damaged-%u", s->path, ++n);
        while (lstat(to, &st) == 0 && n < 10000);
        for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
                snprintf(from, sizeof(from), "%s%s", s->path, suffixes[i]);
                snprintf(to, sizeof(to), "%s.damaged-%u%s", s->path, n, suffixes[i]);
                if (rename(from, to) < 0 && errno != ENOENT)
                        return -errno;
        }
        log_error("store", "%s is damaged; it was moved to %s.damaged-%u and a new one begun. History before now is lost.", s->path,
                  s->path, n);
        return 0;
}

int store_open(const char *directory, struct store **ret_store, const char **ret_why)
{
        struct store *s = calloc(1, sizeof(*s));
        int r = -ENOMEM;

        if (!s) {
                *ret_why = "out of memory";
                return r;
        }
        if ((size_t)snprintf(s->path, sizeof(s->path), "%s/graph.db", directory) >= sizeof(s->path)) {
                *ret_why = "the path of the state folder is too long";
                r = -ENAMETOOLONG;
                goto fail;
        }
        r = open_database(s);
        if (r == -EUCLEAN) {
                r = move_aside(s);
                if (r == 0)
                        r = open_database(s);
        }
        if (r < 0) {
                *ret_why = r == -ENOSPC   ? "no space is left for the database under the state folder"
                           : r == -EACCES ? "the database under the state folder cannot be opened"
                           : r == -EROFS  ? "the state folder is read-only"
                           : r == -EBUSY  ? "the database is in use: does another coordinator run on this state folder?"
                                          : "the database under the state folder does not work";
                goto fail;
        }
        *ret_store = s;
        return 0;
fail:
        free(s);
        return r;
}

void store_close(struct store **store)
{
        if (!*store)
                return;
        close_database(*store);
        free(*store);
        *store = NULL;
}

int store_load(struct store *s, struct core *core, int64_t now)
{
        sqlite3_stmt *statement = NULL;
        uint64_t records = 0, skipped = 0;
        int code = sqlite3_prepare_v2(s->db, "SELECT kind, key, value FROM record ORDER BY kind, key", -1, &statement, NULL);

        while (code == SQLITE_OK || code == SQLITE_ROW) {
                int r;

                code = sqlite3_step(statement);
                if (code != SQLITE_ROW)
                        break;
                r = core_load(core, (uint32_t)sqlite3_column_int(statement, 0), sqlite3_column_blob(statement, 1),
                              (size_t)sqlite3_column_bytes(statement, 1), sqlite3_column_blob(statement, 2),
                              (size_t)sqlite3_column_bytes(statement, 2));
                if (r == -ENOMEM) {
                        sqlite3_finalize(statement);
                        return r;
                }
                records++;
                skipped += r < 0;
        }
        sqlite3_finalize(statement);
        if (skipped > 0)
                log_warning("store", "%llu of %llu records in %s could not be read and were skipped", (unsigned long long)skipped,
                            (unsigned long long)records, s->path);
        if (code != SQLITE_DONE)
                log_error("store", "reading %s ended early: %s", s->path, sqlite3_errmsg(s->db));
        core_loaded(core, now);
        return 0;
}

static int put_record(void *data, uint32_t kind, const void *key, size_t key_size, const void *value, size_t value_size)
{
        struct store *s = data;
        sqlite3_stmt *statement = value_size > 0 ? s->put : s->remove;
        int code = sqlite3_bind_int(statement, 1, (int)kind);

        if (code == SQLITE_OK)
                code = sqlite3_bind_blob(statement, 2, key, (int)key_size, SQLITE_STATIC);
        if (code == SQLITE_OK && value_size > 0)
                code = sqlite3_bind_blob(statement, 3, value, (int)value_size, SQLITE_STATIC);
        return code == SQLITE_OK ? run(statement) : error_of(code);
}

static int failed(struct store *s, struct core *core, int r)
{
        if (!sqlite3_get_autocommit(s->db))
                (void)run(s->rollback);
        core_save_again(core);
        s->failures++;
        if (!s->failing)
                log_error("store",
                          "cannot write %s: %s. The coordinator goes on without; what changes is kept in memory and written later",
                          s->path, strerror(-r));
        s->failing = true;
        return r;
}

int store_save(struct store *s, struct core *core, int64_t now)
{
        int r = run(s->begin), more;

        if (r < 0)
                return failed(s, core, r);
        more = r = core_save(core, now, put_record, s);
        if (r >= 0)
                r = run(s->commit);
        if (r < 0)
                return failed(s, core, r);
        if (s->failing)
                log_notice("store", "%s can be written again, after %llu failures", s->path, (unsigned long long)s->failures);
        s->failing = false;
        s->failures = 0;
        return more;
}

int store_flush(struct store *s, struct core *core, int64_t now)
{
        int r;

        core_save_at_once(core);
        do
                r = store_save(s, core, now);
        while (r > 0);
        return r;
}

int store_limit_pages(struct store *s, uint32_t pages)
{
        char text[64];

        snprintf(text, sizeof(text), "PRAGMA max_page_count=%u", pages);
        return error_of(sqlite3_exec(s->db, text, NULL, NULL, NULL));
}
