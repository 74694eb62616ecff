#include "agent/privileges.h"

#include <fcntl.h>
#include <linux/netlink.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

/* What nng with TLS, glibc's resolver and threads use; found by running them under strace(1) and
 * from what glibc may choose instead. */
static const char *const allowed[] = {
        /* memory, threads, time */
        "brk",
        "mmap",
        "munmap",
        "mprotect",
        "mremap",
        "madvise",
        "set_robust_list",
        "rseq",
        "futex",
        "futex_waitv",
        "sched_yield",
        "sched_getaffinity",
        "get_robust_list",
        "membarrier",
        "arch_prctl",
        "set_tid_address",
        "clock_gettime",
        "clock_nanosleep",
        "nanosleep",
        "gettimeofday",
        "clock_getres",
        "time",
        "restart_syscall",
        "getrandom",
        /* itself */
        "exit",
        "exit_group",
        "getpid",
        "gettid",
        "getppid",
        "getuid",
        "geteuid",
        "getgid",
        "getegid",
        "uname",
        "sysinfo",
        "prlimit64",
        "getrlimit",
        "getrusage",
        "rt_sigaction",
        "rt_sigprocmask",
        "rt_sigreturn",
        "rt_sigpending",
        "rt_sigtimedwait",
        "sigaltstack",
        "tgkill",
        "signalfd4",
        "signalfd",
        /* descriptors */
        "read",
        "readv",
        "pread64",
        "write",
        "writev",
        "close",
        "close_range",
        "lseek",
        "fcntl",
        "dup",
        "dup2",
        "dup3",
        "pipe",
        "pipe2",
        "eventfd2",
        "eventfd",
        "timerfd_create",
        "timerfd_settime",
        "timerfd_gettime",
        "epoll_create1",
        "epoll_create",
        "epoll_ctl",
        "epoll_wait",
        "epoll_pwait",
        "epoll_pwait2",
        "poll",
        "ppoll",
        "select",
        "pselect6",
        "ioctl",
        "fstat",
        "newfstatat",
        "stat",
        "lstat",
        "statx",
        "access",
        "faccessat",
        "faccessat2",
        "readlink",
        "readlinkat",
        "getcwd",
        /* sockets */
        "socketpair",
        "connect",
        "bind",
        "getsockname",
        "getpeername",
        "getsockopt",
        "setsockopt",
        "shutdown",
        "sendto",
        "sendmsg",
        "sendmmsg",
        "recvfrom",
        "recvmsg",
        "recvmmsg",
        "accept",
        "accept4",
        "listen",
};

/* In a user namespace of its own a process has every capability, and with it the parts of the kernel
 * that are broken most often. */
#define NAMESPACES                                                                                                                 \
        (CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP | CLONE_NEWTIME)

static int allow_threads(scmp_filter_ctx filter)
{
        int r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1, SCMP_A0(SCMP_CMP_MASKED_EQ, NAMESPACES, 0));

        /* Its flags lie in memory, where no filter sees them: glibc then takes clone(). */
        return r < 0 ? r : seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
}

/* The resolver asks the kernel for addresses by netlink, its route family alone. */
static int allow_sockets(scmp_filter_ctx filter)
{
        static const int families[] = { AF_UNIX, AF_INET, AF_INET6 };
        int r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 2, SCMP_A0(SCMP_CMP_EQ, AF_NETLINK),
                                 SCMP_A2(SCMP_CMP_EQ, NETLINK_ROUTE));

        for (size_t i = 0; i < ARRAY_SIZE(families) && r == 0; i++)
                r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1, SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)families[i]));
        return r;
}

int privileges_restrict_calls(const char **ret_why)
{
        scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
        int r = 0;

        if (!filter)
                return -ENOMEM;
        /* A name that this architecture does not have is not an error. */
        for (size_t i = 0; i < ARRAY_SIZE(allowed) && r == 0; i++) {
                int call = seccomp_syscall_resolve_name(allowed[i]);

                if (call >= 0)
                        r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0);
        }
        if (r == 0)
                r = allow_threads(filter);
        if (r == 0)
                r = allow_sockets(filter);
        /* The resolver reads files; nothing is opened for writing. */
        if (r == 0)
                r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(openat), 1,
                                     SCMP_A2(SCMP_CMP_MASKED_EQ, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY));
        if (r == 0)
                r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(open), 1,
                                     SCMP_A1(SCMP_CMP_MASKED_EQ, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY));
        if (r == 0)
                r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1, SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME));
        if (r == 0)
                r = seccomp_load(filter);
        seccomp_release(filter);
        if (r < 0) {
                *ret_why = "the kernel does not take a system call filter";
                return r == -ECANCELED || r == -EINVAL ? -ENOTSUP : r;
        }
        return 0;
}
