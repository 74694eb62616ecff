/* Limits of servers from process trees that this test makes up. */
#include "agent/server_limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char top[64];

static void file(const char *path, const char *data, size_t size)
{
        char whole[512];
        int fd;

        snprintf(whole, sizeof(whole), "%s%s", top, path);
        for (char *p = whole + strlen(top) + 1; (p = strchr(p, '/')); p++) {
                *p = '\0';
                mkdir(whole, 0755);
                *p = '/';
        }
        unlink(whole);
        fd = open(whole, O_CREAT | O_WRONLY | O_TRUNC, 0644);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, data, size), size);
        close(fd);
}

static void text(const char *path, const char *data)
{
        char whole[256];

        snprintf(whole, sizeof(whole), "/root%s", path);
        file(whole, data, strlen(data));
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
        (void)st;
        (void)flag;
        (void)ftw;
        return remove(path);
}

static int tear_down(void **state)
{
        (void)state;
        nftw(top, remove_one, 16, FTW_DEPTH | FTW_PHYS);
        return 0;
}

static int set_up(void **state)
{
        char target[128], place[128];

        (void)state;
        strcpy(top, "/tmp/server-limits-test-XXXXXX");
        assert_non_null(mkdtemp(top));
        text("/var/lib/data/PG_VERSION", "15\n");
        file("/proc/7/mountinfo", "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n", 35);
        snprintf(target, sizeof(target), "%s/root", top);
        snprintf(place, sizeof(place), "%s/proc/7/root", top);
        assert_int_equal(symlink(target, place), 0);
        snprintf(target, sizeof(target), "%s/root/var/lib/data", top);
        snprintf(place, sizeof(place), "%s/proc/7/cwd", top);
        assert_int_equal(symlink(target, place), 0);
        return 0;
}

static uint32_t read_at(const char *executable, const char *arguments, size_t size, uint16_t port, int64_t started)
{
        struct server_limits limits;
        struct server_limits_facts facts = { .pid = 7, .started = started, .executable = executable };
        char proc[128];

        snprintf(proc, sizeof(proc), "%s/proc", top);
        facts.proc = proc;
        file("/proc/7/cmdline", arguments, size);
        assert_true(server_limits_known(executable));
        server_limits_read(&facts, &limits);
        return server_limits_find(&limits, port);
}
#define LIMIT(executable, arguments, port)                                                                                         \
        read_at(executable, arguments, sizeof(arguments) - 1, port, clock_wall() + 60 * NSEC_PER_SEC)

#define POSTGRES "/usr/lib/postgresql/15/bin/postgres"
#define DEBIAN "/usr/lib/postgresql/15/bin/postgres\0-D\0/var/lib/data\0-c\0config_file=/etc/postgresql/15/main/postgresql.conf\0"

static void postgres_as_debian_starts_it(void **state)
{
        (void)state;
        assert_int_equal(LIMIT(POSTGRES, DEBIAN, 5432), 0); /* no file */
        text("/etc/postgresql/15/main/postgresql.conf",
             "data_directory = '/var/lib/data'  # use data in another directory\n"
             "max_connections = 120\t\t\t# (change requires restart)\n#superuser_reserved_connections = 9\n"
             "include_dir = 'conf.d'\n#include = 'nothing'\n");
        assert_int_equal(LIMIT(POSTGRES, DEBIAN, 5432), 0); /* no folder */
        text("/etc/postgresql/15/main/conf.d/readme.txt", "max_connections = 1\n");
        assert_int_equal(LIMIT(POSTGRES, DEBIAN, 5432), 117);
        text("/etc/postgresql/15/main/conf.d/20.conf", "MAX_CONNECTIONS 300");
        text("/etc/postgresql/15/main/conf.d/10.conf", "max_connections '200'\ninclude_if_exists 'none'\ninclude '../more.conf'\n");
        text("/etc/postgresql/15/main/more.conf", "superuser_reserved_connections=5\nreserved_connections = 10\n");
        assert_int_equal(LIMIT(POSTGRES, DEBIAN, 5432), 285);
        text("/var/lib/data/postgresql.auto.conf", "# by ALTER SYSTEM\nmax_connections = '400'\n");
        assert_int_equal(LIMIT(POSTGRES, DEBIAN, 5432), 385);
        assert_int_equal(LIMIT(POSTGRES, DEBIAN "-c\0max_connections=50\0", 5432), 35);
        assert_int_equal(LIMIT(POSTGRES, DEBIAN "-N60\0", 5432), 45);
        assert_int_equal(LIMIT(POSTGRES, DEBIAN "--max-connections=70\0", 5432), 55);
}

static void postgres_as_a_container_starts_it(void **state)
{
        (void)state;
        text("/var/lib/data/postgresql.conf", "max_connections = 80\n");
        assert_int_equal(LIMIT("/usr/local/bin/postgres", "postgres\0", 5432), 77);
        assert_int_equal(LIMIT("/usr/local/bin/postgres",
                               "postgres\0-c\0shared_buffers=1GB\0-N\0"
                               "90\0",
                               5432),
                         87);
        /* Its children write what they do over their arguments. */
        assert_int_equal(LIMIT("/usr/local/bin/postgres", "postgres: checkpointer \0\0\0", 5432), 0);
}

static void what_is_not_certain_is_not_told(void **state)
{
        char path[128];

        (void)state;
        text("/var/lib/data/postgresql.conf", "max_connections = 80\n");
        assert_int_equal(read_at("/usr/local/bin/postgres", "postgres\0", 9, 5432, clock_wall() - 60 * NSEC_PER_SEC), 0);
        text("/var/lib/data/postgresql.conf", "max_connections = 80\nmax_connections = 1e2\n");
        assert_int_equal(LIMIT("/usr/local/bin/postgres", "postgres\0", 5432), 0);
        text("/var/lib/data/postgresql.conf", "max_connections = 80\ninclude 'none.conf'\n");
        assert_int_equal(LIMIT("/usr/local/bin/postgres", "postgres\0", 5432), 0);
        text("/var/lib/data/postgresql.conf", "max_connections = 80\ninclude 'postgresql.conf'\n");
        assert_int_equal(LIMIT("/usr/local/bin/postgres", "postgres\0", 5432), 0);
        text("/var/lib/data/postgresql.conf", "max_connections = 2\n"); /* all of them reserved */
        assert_int_equal(LIMIT("/usr/local/bin/postgres", "postgres\0", 5432), 0);
        /* A link leads nowhere but below the process's root. */
        text("/secret", "max_connections = 80\n");
        snprintf(path, sizeof(path), "%s/root/var/lib/data/postgresql.conf", top);
        unlink(path);
        assert_int_equal(symlink("../../../../../../../../secret", path), 0);
        assert_int_equal(LIMIT("/usr/local/bin/postgres", "postgres\0", 5432), 77);
        unlink(path);
        assert_int_equal(symlink("/dev/zero", path), 0);
        assert_int_equal(LIMIT("/usr/local/bin/postgres", "postgres\0", 5432), 0);
        /* Nobody is waited for. */
        unlink(path);
        assert_int_equal(mkfifo(path, 0600), 0);
        assert_int_equal(LIMIT("/usr/local/bin/postgres", "postgres\0", 5432), 0);
        unlink(path);
        text("/var/lib/data/postgresql.conf", "max_connections = 80\n");
        snprintf(path, sizeof(path), "%s/root/var/lib/data/postgresql.auto.conf", top);
        assert_int_equal(mkfifo(path, 0600), 0);
        assert_int_equal(LIMIT("/usr/local/bin/postgres", "postgres\0", 5432), 0);
        assert_int_equal(server_limits_find(NULL, 5432), 0);
        assert_false(server_limits_known("/usr/bin/postgres-exporter"));
}

static void a_large_file_is_not_read(void **state)
{
        char *large = malloc(SERVER_LIMITS_READ + 100);

        (void)state;
        memset(large, '\n', SERVER_LIMITS_READ + 100);
        memcpy(large, "max_connections = 80", 20);
        file("/root/var/lib/data/postgresql.conf", large, SERVER_LIMITS_READ - 10);
        assert_int_equal(LIMIT("/usr/local/bin/postgres", "postgres\0", 5432), 77);
        file("/root/var/lib/data/postgresql.conf", large, SERVER_LIMITS_READ + 100);
        assert_int_equal(LIMIT("/usr/local/bin/postgres", "postgres\0", 5432), 0);
        free(large);
}

/* Files that lead to each other are an end, however small they are. */
static void includes_are_bounded(void **state)
{
        int64_t before = clock_monotonic();
        char path[64];

        (void)state;
        text("/var/lib/data/postgresql.conf", "max_connections = 80\ninclude_dir 'd'\n");
        for (int i = 0; i < 30; i++) {
                snprintf(path, sizeof(path), "/var/lib/data/d/%d.conf", i);
                text(path, "include_dir '.'\n");
        }
        assert_int_equal(LIMIT("/usr/local/bin/postgres", "postgres\0", 5432), 0);
        assert_true(clock_monotonic() - before < NSEC_PER_SEC);
}

static void mysql(void **state)
{
        (void)state;
        assert_int_equal(LIMIT("/usr/sbin/mariadbd", "/usr/sbin/mariadbd\0", 3306), 0); /* its files are elsewhere */
        text("/etc/mysql/my.cnf", "[client-server]\nmax_connections = 1\n!includedir /etc/mysql/conf.d/\n");
        text("/etc/mysql/conf.d/a.cnf", "[mysqld]\n# max_connections = 2\nport=3306\n");
        assert_int_equal(LIMIT("/usr/sbin/mariadbd", "/usr/sbin/mariadbd\0", 3306), 151);
        text("/etc/mysql/conf.d/b.cnf", "[mariadbd]\nmax-connections = 300 # many\n");
        assert_int_equal(LIMIT("/usr/sbin/mariadbd", "/usr/sbin/mariadbd\0", 3306), 300);
        assert_int_equal(LIMIT("/usr/sbin/mysqld", "/usr/sbin/mysqld\0", 33060), 0);
        assert_int_equal(LIMIT("/usr/sbin/mysqld", "/usr/sbin/mysqld\0--max_connections=44\0", 3306), 44);
        assert_int_equal(LIMIT("/usr/sbin/mysqld", "/usr/sbin/mysqld\0--no-defaults\0", 3306), 151);
        text("/srv/my.cnf", "[server]\nloose-max_connections=77\n");
        assert_int_equal(LIMIT("/usr/sbin/mysqld", "/usr/sbin/mysqld\0--defaults-file=/srv/my.cnf\0", 3306), 77);
        text("/srv/my.cnf", "[mariadb-10.11]\nmax_connections=77\n");
        assert_int_equal(LIMIT("/usr/sbin/mysqld", "/usr/sbin/mysqld\0--defaults-file=/srv/my.cnf\0", 3306), 0);
        text("/var/lib/data/mysqld-auto.cnf", "{\"Version\": 2, \"mysql_dynamic_variables\": {\"max_connections\": {}}}");
        assert_int_equal(LIMIT("/usr/sbin/mysqld", "/usr/sbin/mysqld\0", 3306), 0);
}

static void pgbouncer(void **state)
{
        (void)state;
        text("/etc/pgbouncer/pgbouncer.ini", "[databases]\nmax_client_conn = 5\n[pgbouncer]\nlisten_port = 6432\n");
        assert_int_equal(LIMIT("/usr/sbin/pgbouncer", "/usr/sbin/pgbouncer\0/etc/pgbouncer/pgbouncer.ini\0", 6432), 100);
        text("/etc/pgbouncer/pgbouncer.ini", "[pgbouncer]\n;max_client_conn = 7\nmax_client_conn = 500\n%include more.ini\n");
        assert_int_equal(LIMIT("/usr/sbin/pgbouncer", "/usr/sbin/pgbouncer\0/etc/pgbouncer/pgbouncer.ini\0", 6432), 0);
        text("/var/lib/data/more.ini", "max_client_conn = 600\n");
        assert_int_equal(LIMIT("/usr/sbin/pgbouncer", "pgbouncer\0-u\0pg\0-d\0/etc/pgbouncer/pgbouncer.ini\0", 6432), 600);
}

#define HAPROXY                                                                                                                    \
        "/usr/sbin/haproxy\0-sf\0"                                                                                                 \
        "123\0-Ws\0-f\0/etc/haproxy/haproxy.cfg\0-p\0/run/haproxy.pid\0"
static void haproxy(void **state)
{
        (void)state;
        text("/etc/haproxy/haproxy.cfg",
             "global\n    maxconn 1000\ndefaults\n    mode http\n    maxconn 800\n"
             "frontend web\n    bind *:80,:::8080 # both\n    bind 10.0.0.1:443 maxconn 50 ssl crt /a\n    bind /run/web.sock\n"
             "listen db\n    maxconn 90\n    bind :5432\n    server a 10.0.0.2:5432 maxconn 3\n"
             "defaults\n    mode tcp\nlisten last\n    bind :6000\nbackend b\n    maxconn 4\n");
        assert_int_equal(LIMIT("/usr/sbin/haproxy", HAPROXY, 80), 800);
        assert_int_equal(LIMIT("/usr/sbin/haproxy", HAPROXY, 8080), 800);
        assert_int_equal(LIMIT("/usr/sbin/haproxy", HAPROXY, 443), 50);
        assert_int_equal(LIMIT("/usr/sbin/haproxy", HAPROXY, 5432), 90);
        assert_int_equal(LIMIT("/usr/sbin/haproxy", HAPROXY, 6000), 1000);
        assert_int_equal(LIMIT("/usr/sbin/haproxy", HAPROXY, 7000), 0);
        assert_int_equal(LIMIT("/usr/sbin/haproxy",
                               HAPROXY "-n\0"
                                       "60\0",
                               6000),
                         60);
        text("/etc/haproxy/haproxy.cfg",
             "global\n    maxconn 1000\nlisten web\n    bind :80\n.if feature(OPENSSL)\n    maxconn 5\n.endif\n");
        assert_int_equal(LIMIT("/usr/sbin/haproxy", HAPROXY, 80), 0);
        text("/etc/haproxy/haproxy.cfg", "global\n    maxconn 1000\nlisten web\n    bind :80\n    bind :\"$PORT\"\n");
        assert_int_equal(LIMIT("/usr/sbin/haproxy", HAPROXY, 80), 0);
        text("/etc/haproxy/haproxy.cfg", "listen web\n    bind :80\n");
        assert_int_equal(LIMIT("/usr/sbin/haproxy", HAPROXY, 80), 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(postgres_as_debian_starts_it),
                TEST(postgres_as_a_container_starts_it),
                TEST(what_is_not_certain_is_not_told),
                TEST(a_large_file_is_not_read),
                TEST(includes_are_bounded),
                TEST(mysql),
                TEST(pgbouncer),
                TEST(haproxy),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
