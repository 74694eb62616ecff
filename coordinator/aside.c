#include "coordinator/aside.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct aside {
        struct asides *all;
        uint64_t token;
        pid_t pid; /* 0: free */
        int child; /* pidfd */
        int memory;
        struct loop_source *source;
};

struct asides {
        struct loop *loop;
        aside_done_function done;
        void *data;
        struct aside items[ASIDE_MAX];
};

static void aside_end(struct aside *a)
{
        loop_remove(&a->source);
        if (a->pid > 0) {
                kill(a->pid, SIGKILL);
                waitpid(a->pid, NULL, 0);
        }
        a->pid = 0;
        fd_close(&a->child);
        fd_close(&a->memory);
}

int asides_new(struct loop *loop, aside_done_function done, void *data, struct asides **ret_asides)
{
        struct asides *all = calloc(1, sizeof(*all));

        if (!all)
                return -ENOMEM;
        all->loop = loop;
        all->done = done;
        all->data = data;
        for (size_t i = 0; i < ASIDE_MAX; i++)
                all->items[i] = (struct aside){ .all = all, .child = -1, .memory = -1 };
        *ret_asides = all;
        return 0;
}

void asides_free(struct asides **asides)
{
        struct asides *all = *asides;

        *asides = NULL;
        if (!all)
                return;
        for (size_t i = 0; i < ASIDE_MAX; i++)
                aside_end(&all->items[i]);
        free(all);
}

static _Noreturn void run(int memory, pid_t parent, aside_make_function make, void *data)
{
        uint8_t *answer;
        size_t size;
        sigset_t none;

        /* What the loop blocks for itself must end a child. */
        sigemptyset(&none);
        for (int i = 1; i < NSIG; i++)
                signal(i, SIG_DFL);
        sigprocmask(SIG_SETMASK, &none, NULL);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
                _exit(1);
        alarm(ASIDE_SECONDS);
        if (make(data, &answer, &size) < 0)
                _exit(1);
        while (size > 0) {
                ssize_t n = write(memory, answer, size);

                if (n <= 0)
                        _exit(1);
                answer += n;
                size -= (size_t)n;
        }
        _exit(0);
}

static void on_end(void *data, uint32_t events)
{
        struct aside *a = data;
        struct asides *all = a->all;
        uint64_t token = a->token;
        struct stat st = { 0 };
        void *answer = NULL;
        size_t size = 0;
        int status = 1;

        (void)events;
        if (waitpid(a->pid, &status, 0) == a->pid && status == 0 && fstat(a->memory, &st) == 0 && st.st_size > 0) {
                size = (size_t)st.st_size;
                answer = mmap(NULL, size, PROT_READ, MAP_SHARED, a->memory, 0);
                if (answer == MAP_FAILED)
                        answer = NULL;
        }
        a->pid = 0;
        aside_end(a);
        all->done(all->data, token, answer, answer ? size : 0);
}

int aside_start(struct asides *all, uint64_t token, aside_make_function make, void *data)
{
        pid_t parent = getpid();
        struct aside *a = NULL;
        int r;

        for (size_t i = 0; i < ASIDE_MAX && !a; i++)
                if (all->items[i].pid == 0)
                        a = &all->items[i];
        if (!a)
                return -EBUSY;
        a->memory = memfd_create("nightshift-answer", MFD_CLOEXEC);
        if (a->memory < 0)
                return -errno;
        a->token = token;
        a->pid = fork();
        if (a->pid < 0) {
                r = -errno;
                a->pid = 0;
                aside_end(a);
                return r;
        }
        if (a->pid == 0)
                run(a->memory, parent, make, data);
        a->child = (int)syscall(SYS_pidfd_open, a->pid, 0);
        r = a->child < 0 ? -errno : loop_add_fd(all->loop, a->child, EPOLLIN, on_end, a, &a->source);
        if (r < 0)
                aside_end(a);
        return r;
}
