/* What the link's child can still do: next to nothing. Needs root, as the agent does; is skipped
 * otherwise. */
#include "agent/privileges.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* Runs `function` in a child; its result, or -1 if it died. */
static int in_child(int (*function)(void))
{
        int status;
        pid_t pid = fork();

        if (pid == 0)
                _exit(function());
        assert_true(pid > 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

#define EXPECT(condition)                                                                                                          \
        do {                                                                                                                       \
                if (!(condition)) {                                                                                                \
                        fprintf(stderr, "# line %d: %s (%s)\n", __LINE__, #condition, strerror(errno));                            \
                        return 1;                                                                                                  \
                }                                                                                                                  \
        } while (0)

static uint64_t capabilities(const char *set)
{
        char line[256];
        unsigned long long value = 1;
        FILE *file = fopen("/proc/self/status", "re");

        while (file && fgets(line, sizeof(line), file))
                if (strncmp(line, set, strlen(set)) == 0)
                        sscanf(line + strlen(set), ": %llx", &value);
        if (file)
                fclose(file);
        return value;
}

static void *nothing(void *data)
{
        return data;
}

static int dropped(void)
{
        static const char *const sets[] = { "CapEff", "CapPrm", "CapInh", "CapAmb", "CapBnd" };
        char *const argv[] = { "true", NULL };
        const char *why = NULL;
        pthread_t thread;
        int fd;

        EXPECT(privileges_drop_all("nobody", &why) == 0);
        for (size_t i = 0; i < ARRAY_SIZE(sets); i++)
                EXPECT(capabilities(sets[i]) == 0);
        EXPECT(getuid() == 65534 && geteuid() == 65534 && getgroups(0, NULL) == 0);
        EXPECT(setuid(0) < 0);
        EXPECT(open("/etc/shadow", O_RDONLY) < 0);
        EXPECT(privileges_restrict_calls(&why) == 0);
        EXPECT(execv("/bin/true", argv) < 0 && errno == EPERM);
        /* A namespace of its own would give it every capability there. */
        EXPECT(syscall(SYS_clone, CLONE_NEWUSER | CLONE_NEWNET | SIGCHLD, 0, 0, 0, 0) < 0 && errno == EPERM);
        EXPECT(syscall(SYS_clone3, NULL, 0) < 0 && errno == ENOSYS);
        EXPECT(socket(AF_PACKET, SOCK_DGRAM, 0) < 0 && errno == EPERM);
        EXPECT(socket(AF_NETLINK, SOCK_RAW, 12) < 0 && errno == EPERM); /* netfilter */
        fd = socket(AF_NETLINK, SOCK_RAW, 0);
        EXPECT(fd >= 0);
        close(fd);
        EXPECT(ptrace(PTRACE_TRACEME, 0, 0, 0) < 0 && errno == EPERM);
        EXPECT(mount("none", "/tmp", "tmpfs", 0, NULL) < 0 && errno == EPERM);
        EXPECT(open("/tmp/privileges-test-file", O_WRONLY | O_CREAT, 0600) < 0 && errno == EPERM);
        EXPECT(unlink("/tmp/privileges-test-none") < 0 && errno == EPERM);
        EXPECT(open("/etc/passwd", O_RDONLY) >= 0);
        fd = socket(AF_INET, SOCK_STREAM, 0);
        EXPECT(fd >= 0 && close(fd) == 0);
        EXPECT(pthread_create(&thread, NULL, nothing, NULL) == 0 && pthread_join(thread, NULL) == 0);
        return 0;
}

static int without_user(void)
{
        const char *why = NULL;

        EXPECT(privileges_drop_all(NULL, &why) == 0);
        EXPECT(capabilities("CapEff") == 0 && capabilities("CapPrm") == 0);
        EXPECT(open("/proc/1/environ", O_RDONLY) < 0);
        return 0;
}

static int unknown_user(void)
{
        const char *why = NULL;

        EXPECT(privileges_drop_all("no-such-user", &why) == -ESRCH);
        EXPECT(why);
        return 0;
}

static int needed_only(void)
{
        const char *why = NULL;

        EXPECT(privileges_keep_needed(&why) == 0);
        EXPECT(capabilities("CapEff") && !(capabilities("CapEff") & 1 << 1)); /* CAP_DAC_OVERRIDE */
        EXPECT(capabilities("NoNewPrivs") == 1);
        EXPECT(privileges_check(&why) == 0);
        EXPECT(privileges_drop_all("nobody", &why) == 0); /* the link can be started again */
        EXPECT(privileges_check(&why) == -EPERM);
        EXPECT(strstr(why, "CAP_BPF is missing: it is needed to load the probes"));
        return 0;
}

static void all(void **state)
{
        (void)state;
        if (geteuid() != 0)
                skip();
        assert_int_equal(in_child(dropped), 0);
        assert_int_equal(in_child(without_user), 0);
        assert_int_equal(in_child(unknown_user), 0);
        assert_int_equal(in_child(needed_only), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(all) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
