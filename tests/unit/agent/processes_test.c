/* The processes behind services: real ones of this test, met through a probe of our own. */
#include "agent/build_id.h"
#include "agent/owners.h"
#include "agent/processes.h"
#include "agent/service_lives.h"
#include "agent/text.h"
#include "tests/unit/agent/fake_probe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define SECOND NSEC_PER_SEC

static struct probe *probe;
static struct owners *owners;
static struct processes *processes;

static int set_up(void **state)
{
        (void)state;
        probe = calloc(1, sizeof(*probe));
        assert_non_null(probe);
        assert_int_equal(owners_new(NULL, "/proc", &owners), 0);
        assert_int_equal(processes_new(probe, owners, "/proc", &processes), 0);
        return 0;
}

static int tear_down(void **state)
{
        (void)state;
        processes_free(&processes);
        owners_free(&owners);
        free(probe);
        return 0;
}

/* When a process started, as the kernel would say, to the tick. */
static uint64_t start_of(pid_t pid)
{
        char path[64], text[1024];
        unsigned long long start;

        snprintf(path, sizeof(path), "/proc/%d/stat", pid);
        assert_true(text_read_file(path, text, sizeof(text)) > 0);
        assert_int_equal(sscanf(strrchr(text, ')') + 1,
                                " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu", &start),
                         1);
        return start * (NSEC_PER_SEC / (uint64_t)sysconf(_SC_CLK_TCK)) + 12345;
}

static void name(uint64_t cgroup, uint16_t port)
{
        struct event_owner_named event = { .owner = { .cgroup = cgroup, .listen_port = port } };
        bool changed;

        snprintf(event.cgroup_path, sizeof(event.cgroup_path), "/system.slice/s%u.service", (unsigned)cgroup);
        assert_int_equal(owners_learn(owners, &event, &changed), 0);
}

static struct event_process *add(pid_t pid, uint64_t cgroup, uint16_t port)
{
        struct event_process *p = &probe->processes[probe->processes_count++];

        *p = (struct event_process){ .owner = { .cgroup = cgroup, .listen_port = port },
                                     .start_ns = start_of(pid),
                                     .tgid = (uint32_t)pid,
                                     .pid = (uint32_t)pid };
        name(cgroup, port);
        return p;
}

static const struct summary_process *rows(size_t *ret_count, uint64_t *ret_hash)
{
        const struct summary_process *list;

        assert_int_equal(processes_refresh(processes, 100 * SECOND), 0);
        assert_int_equal(processes_rows(processes, 100 * SECOND, &list, ret_count, ret_hash), 0);
        return list;
}

/* A process is known again by its number and its start: that must not depend on when it was looked at. */
static void start_stays(void **state)
{
        const struct summary_process *list;
        uint64_t hash;
        size_t count;
        int64_t start;

        (void)state;
        add(getpid(), 1, 0);
        list = rows(&count, &hash);
        assert_int_equal(count, 1);
        start = list[0].started;
        for (int i = 0; i < 100; i++)
                assert_int_equal(rows(&count, &hash)->started, start);
        assert_true(llabs(clock_wall() - start) < 3600 * SECOND);
}

static void what_proc_says(void **state)
{
        const struct summary_process *list;
        char build[BUILD_ID_SIZE] = "", exe[256];
        uint64_t hash;
        size_t count;
        int fd = open("/proc/self/exe", O_RDONLY);

        (void)state;
        assert_int_equal(build_id_read(fd, build), 0);
        close(fd);
        assert_int_equal(text_read_link("/proc/self/exe", exe, sizeof(exe)), 0);
        add(getpid(), 1, 0);
        list = rows(&count, &hash);
        assert_int_equal(count, 1);
        assert_int_equal(list[0].pid, getpid());
        assert_string_equal(list[0].executable, exe);
        assert_string_equal(list[0].build, build);
        assert_true(strlen(build) >= 16);
        assert_true(list[0].rss_bytes > 100000 && list[0].threads >= 1);
        assert_true(list[0].open_files >= 3 && list[0].open_files_limit >= list[0].open_files);
        assert_true(list[0].started > clock_wall() - 600 * SECOND && list[0].started <= clock_wall() + SECOND);
        assert_false(list[0].has_exit);
        assert_string_equal(owners_get(owners, list[0].identity)->service, "s1");
}

static void another_of_the_same_number(void **state)
{
        uint64_t hash;
        size_t count;

        (void)state;
        add(getpid(), 1, 0)->start_ns += 5 * SECOND;
        add(getpid(), 2, 0)->pid = 0; /* not in our /proc */
        probe->processes[1].tgid = 4000000;
        rows(&count, &hash);
        assert_int_equal(count, 0);
}

static pid_t child(void)
{
        pid_t pid = fork();

        if (pid == 0)
                for (;;)
                        pause();
        assert_true(pid > 0);
        return pid;
}

static void exited(struct event_process *p, uint16_t code, uint8_t signal_number)
{
        struct event_exit event = {
                .owner = p->owner, .start_ns = p->start_ns, .tgid = p->tgid, .code = code, .signal = signal_number
        };

        processes_exited(processes, &event, 100 * SECOND);
        memset(p, 0, sizeof(*p));
        *p = probe->processes[--probe->processes_count];
}

/* A worker is the child of a process of the same service: its end is none of the service's. */
static void only_main_processes_count(void **state)
{
        const struct summary_process *list;
        pid_t worker = child();
        uint64_t hash;
        size_t count;

        (void)state;
        add(getpid(), 1, 80);
        add(worker, 1, 80);
        list = rows(&count, &hash);
        assert_int_equal(count, 2);
        exited(&probe->processes[1], 1, 0);
        list = rows(&count, &hash);
        assert_int_equal(count, 1);
        assert_int_equal(list[0].restarts_1h, 0);
        assert_false(list[0].has_exit);
        kill(worker, SIGKILL);
        waitpid(worker, NULL, 0);
}

/* One that lives too short to be read, twice; it listens, and nothing else of its service is there. */
static void a_crash_loop(void **state)
{
        const struct summary_process *list;
        struct event_process *p;
        uint64_t hash, before;
        size_t count;

        (void)state;
        name(3, 80);
        for (int i = 0; i < 2; i++) {
                p = &probe->processes[probe->processes_count++];
                *p = (struct event_process){
                        .owner = { .cgroup = 3, .listen_port = 80 }, .start_ns = 1000, .tgid = 4000001, .pid = 4000001
                };
                exited(p, 0, 11);
        }
        rows(&count, &before);
        add(getpid(), 3, 80);
        list = rows(&count, &hash);
        assert_int_not_equal(hash, before);
        assert_int_equal(list[0].restarts_1h, 2);
        assert_true(list[0].has_exit);
        assert_int_equal(list[0].exit_signal, 11);
        /* Clients that come and go are no restarts. */
        p = &probe->processes[probe->processes_count++];
        *p = (struct event_process){ .owner = { .cgroup = 3 }, .start_ns = 1000, .tgid = 4000002, .pid = 4000002 };
        name(3, 0);
        exited(p, 7, 0);
        list = rows(&count, &hash);
        assert_int_equal(list[0].restarts_1h, 2);
        assert_int_equal(list[0].exit_signal, 11);
}

/* The same process runs something else from then on. */
static void exec_is_read_again(void **state)
{
        const struct summary_process *list;
        int ready[2], go[2];
        char byte = 0, last[256];
        uint64_t hash;
        size_t count;
        pid_t pid;

        (void)state;
        assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
        assert_int_equal(pipe(go), 0);
        pid = fork();
        if (pid == 0) {
                if (read(go[0], &byte, 1) == 1) {
                        dup2(go[0], 0);
                        execl("/bin/cat", "cat", NULL); /* closes `ready` */
                }
                _exit(1);
        }
        close(ready[1]);
        add(pid, 1, 0);
        list = rows(&count, &hash);
        assert_int_equal(count, 1);
        strcpy(last, list[0].executable);
        assert_non_null(strstr(last, "processes_test"));
        assert_int_equal(write(go[1], "x", 1), 1);
        assert_int_equal(read(ready[0], &byte, 1), 0);
        probe->processes[0].owner.exe_inode = 77;
        name(1, 0);
        list = rows(&count, &hash);
        assert_non_null(strstr(list[0].executable, "/cat"));
        assert_true(list[0].build[0]);
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        close(ready[0]);
        close(go[0]);
        close(go[1]);
}

#define SLEEPERS 40

/* What a /proc of our own says of the sleepers. */
static void sleepers_say(const char *proc, unsigned pages)
{
        char path[96];
        FILE *f;

        for (unsigned i = 0; i < SLEEPERS; i++) {
                snprintf(path, sizeof(path), "%s/%u", proc, 1000 + i);
                assert_true(mkdir(path, 0700) == 0 || errno == EEXIST);
                snprintf(path, sizeof(path), "%s/%u/stat", proc, 1000 + i);
                f = fopen(path, "w");
                assert_non_null(f);
                fprintf(f, "%u (sleeper) S 1 1 1 0 -1 0 0 0 0 0 7 5 0 0 20 0 1 0 100 4096 %u 0\n", 1000 + i, pages);
                fclose(f);
        }
}

/* How many rows say so many pages; *ret_one: whether that of the one does. */
static size_t saying(struct processes *p, unsigned pages, uint32_t one, bool *ret_one)
{
        const struct summary_process *list;
        size_t count, found = 0;
        uint64_t hash;

        assert_int_equal(processes_refresh(p, 100 * SECOND), 0);
        assert_int_equal(processes_rows(p, 100 * SECOND, &list, &count, &hash), 0);
        assert_int_equal(count, SLEEPERS);
        *ret_one = false;
        for (size_t i = 0; i < count; i++) {
                bool says = list[i].rss_bytes == (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);

                found += says;
                *ret_one |= says && list[i].pid == one;
        }
        return found;
}

/* One that ran is read at once, and of those that did not a few in turn; all, where nothing tells who ran. */
static void idle_are_not_read(void **state)
{
        char proc[] = "/tmp/processes-test-XXXXXX", command[64];
        struct processes *p;
        size_t read = 0;
        bool one;

        (void)state;
        assert_non_null(mkdtemp(proc));
        assert_int_equal(processes_new(probe, owners, proc, &p), 0);
        sleepers_say(proc, 10);
        probe->tells_ran = true;
        name(1, 0);
        for (uint32_t i = 0; i < SLEEPERS; i++) {
                probe->processes[i] =
                        (struct event_process){ .owner = { .cgroup = 1 }, .start_ns = SECOND, .tgid = 1000 + i, .pid = 1000 + i };
                probe->ran[i] = 1000 + i;
        }
        probe->processes_count = SLEEPERS;
        assert_int_equal(saying(p, 10, 0, &one), SLEEPERS);
        for (uint32_t i = 0; i < SLEEPERS; i++) {
                sleepers_say(proc, 20 + i);
                probe->ran[i]++;
                read = saying(p, 20 + i, 1000 + i, &one);
                assert_true(one);
                assert_in_range(read, 1, SLEEPERS / 2);
        }
        sleepers_say(proc, 200);
        for (unsigned i = 0; i < 4 && read < SLEEPERS; i++)
                read = saying(p, 200, 0, &one);
        assert_int_equal(read, SLEEPERS);
        probe->tells_ran = false;
        sleepers_say(proc, 300);
        assert_int_equal(saying(p, 300, 0, &one), SLEEPERS);
        processes_free(&p);
        snprintf(command, sizeof(command), "rm -r %s", proc);
        assert_int_equal(system(command), 0);
}

static void what_a_server_takes(void **state)
{
        char folder[] = "/tmp/processes-test-XXXXXX", program[64], file[64], command[160];
        int go[2], told[2];
        uint64_t hash;
        size_t count;
        pid_t pid;
        FILE *f;

        (void)state;
        assert_non_null(mkdtemp(folder));
        snprintf(program, sizeof(program), "%s/pgbouncer", folder);
        snprintf(file, sizeof(file), "%s/pgbouncer.ini", folder);
        snprintf(command, sizeof(command), "cp /bin/cat %s", program);
        assert_int_equal(system(command), 0);
        f = fopen(file, "w");
        assert_non_null(f);
        fputs("[pgbouncer]\nmax_client_conn = 321\n", f);
        fclose(f);
        assert_int_equal(pipe(go), 0);
        assert_int_equal(pipe2(told, O_CLOEXEC), 0);
        pid = fork();
        if (pid == 0) {
                dup2(go[0], 0);
                close(go[1]);
                execl(program, "pgbouncer", "-", file, NULL); /* waits for its input */
                _exit(1);
        }
        close(told[1]);
        assert_int_equal(read(told[0], command, 1), 0);
        close(told[0]);
        add(pid, 1, 0);
        (void)rows(&count, &hash);
        assert_int_equal(count, 1);
        assert_int_equal(processes_connections_max(processes, probe->processes[0].tgid, 6432), 321);
        assert_int_equal(processes_connections_max(processes, probe->processes[0].tgid + 1, 6432), 0);
        /* What is changed afterwards is not in force. */
        f = fopen(file, "w");
        assert_non_null(f);
        fputs("[pgbouncer]\nmax_client_conn = 5\n", f);
        fclose(f);
        (void)rows(&count, &hash);
        assert_int_equal(processes_connections_max(processes, probe->processes[0].tgid, 6432), 321);
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        close(go[0]);
        close(go[1]);
        unlink(program);
        unlink(file);
        rmdir(folder);
}

static void lives_are_bounded(void **state)
{
        struct service_lives lives = { 0 };
        const struct service_exit *last, how = { .code = 3 };
        char service[32];

        (void)state;
        for (int i = 0; i < SERVICE_LIVES_MAX + 10; i++) {
                snprintf(service, sizeof(service), "s%d", i);
                assert_int_equal(service_lives_ended(&lives, service, &how, i * SECOND), 0);
        }
        assert_int_equal(lives.count, SERVICE_LIVES_MAX);
        assert_int_equal(service_lives_restarts(&lives, "s0", 0, &last), 0);
        assert_null(last);
        assert_int_equal(service_lives_restarts(&lives, "s500", 600 * SECOND, &last), 1);
        assert_int_equal(last->code, 3);
        assert_int_equal(service_lives_restarts(&lives, "s500", (500 + 3600) * SECOND, &last), 0); /* an hour ago */
        for (int i = 0; i < 1000; i++)
                assert_int_equal(service_lives_ended(&lives, "s500", &how, 600 * SECOND), 0);
        assert_int_equal(service_lives_restarts(&lives, "s500", 600 * SECOND, &last), SERVICE_LIVES_ENDS);
        service_lives_free(&lives);
}

static void files_that_are_no_executables(void **state)
{
        static const char *const contents[] = { "", "\177ELF", "\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\2\0\76\0\1\0\0\0", "#!/bin/sh\n" };
        char path[] = "/tmp/processes-test-XXXXXX", build[BUILD_ID_SIZE] = "untouched";
        int fd = mkstemp(path);

        (void)state;
        assert_true(fd >= 0);
        for (size_t i = 0; i < ARRAY_SIZE(contents); i++) {
                assert_int_equal(ftruncate(fd, 0), 0);
                assert_true(pwrite(fd, contents[i], i == 2 ? 24 : strlen(contents[i]), 0) >= 0);
                assert_true(build_id_read(fd, build) < 0);
                assert_string_equal(build, "untouched");
        }
        close(fd);
        unlink(path);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        const struct CMUnitTest tests[] = { TEST(what_proc_says),
                                            TEST(start_stays),
                                            TEST(another_of_the_same_number),
                                            TEST(only_main_processes_count),
                                            TEST(a_crash_loop),
                                            TEST(exec_is_read_again),
                                            TEST(idle_are_not_read),
                                            TEST(lives_are_bounded),
                                            TEST(what_a_server_takes),
                                            TEST(files_that_are_no_executables) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
