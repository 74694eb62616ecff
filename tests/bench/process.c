#include "tests/bench/process.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

void sleep_ns(int64_t duration)
{
        struct timespec ts = { duration / NSEC_PER_SEC, duration % NSEC_PER_SEC };

        while (nanosleep(&ts, &ts) < 0 && errno == EINTR)
                ;
}

/* Where the scheduler shares time out by session first, a process's nice value means nothing outside
 * its session: the session has one of its own. */
static void session_nice(int nice)
{
        FILE *f = fopen("/proc/self/autogroup", "w");

        if (f) {
                fprintf(f, "%d\n", nice);
                fclose(f);
        }
}

/* Not to leave the user's session preferred. */
static void on_signal(int number)
{
        session_nice(0);
        _exit(128 + number);
}

void process_prefer(int processor, int nice)
{
        cpu_set_t set;

        signal(SIGINT, nice < 0 ? on_signal : SIG_DFL);
        signal(SIGTERM, nice < 0 ? on_signal : SIG_DFL);
        session_nice(nice);
        CPU_ZERO(&set);
        for (int i = 0; i < CPU_SETSIZE && i < sysconf(_SC_NPROCESSORS_ONLN); i++)
                if (processor < 0 || i == processor)
                        CPU_SET((unsigned)i, &set);
        if (sched_setaffinity(0, sizeof(set), &set) < 0 || setpriority(PRIO_PROCESS, 0, nice) < 0)
                perror("bench: pinning");
}

int process_start(const char *const *arguments, int processor, int nice, const char *log, pid_t *ret_pid)
{
        pid_t parent = getpid(), pid = fork();

        if (pid < 0)
                return -errno;
        if (pid == 0) {
                int fd = open(log ? log : "/dev/null", O_WRONLY | O_CREAT | O_APPEND, 0600), null = open("/dev/null", O_RDONLY);

                prctl(PR_SET_PDEATHSIG, SIGKILL);
                if (getppid() != parent)
                        _exit(126);
                if (nice || processor >= 0) {
                        setsid();
                        process_prefer(processor, nice);
                        signal(SIGINT, SIG_DFL);
                        signal(SIGTERM, SIG_DFL);
                }
                if (fd < 0 || null < 0 || dup2(null, 0) < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0)
                        _exit(126);
                close(fd);
                close(null);
                execvp(arguments[0], (char *const *)arguments);
                _exit(127);
        }
        *ret_pid = pid;
        return 0;
}

bool process_alive(pid_t pid)
{
        siginfo_t info = { 0 };

        return pid > 0 && waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == 0;
}

void process_end(pid_t *pid)
{
        if (*pid <= 0)
                return;
        kill(*pid, SIGTERM);
        for (int i = 0; i < 500 && process_alive(*pid); i++)
                sleep_ns(10 * NSEC_PER_MSEC);
        kill(*pid, SIGKILL);
        waitpid(*pid, NULL, 0);
        *pid = 0;
}

/* Calls `function` for the process and each descendant. */
static void each(pid_t pid, void (*function)(pid_t pid, void *data), void *data)
{
        char path[64];
        DIR *tasks;
        struct dirent *entry;

        function(pid, data);
        snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
        tasks = opendir(path);
        while (tasks && (entry = readdir(tasks))) {
                FILE *children;
                int child;

                snprintf(path, sizeof(path), "/proc/%d/task/%.16s/children", (int)pid, entry->d_name);
                children = entry->d_name[0] == '.' ? NULL : fopen(path, "r");
                while (children && fscanf(children, "%d", &child) == 1)
                        each(child, function, data);
                if (children)
                        fclose(children);
        }
        if (tasks)
                closedir(tasks);
}

static void add_cpu(pid_t pid, void *data)
{
        int64_t *sum = data;
        char path[64];
        DIR *tasks;
        struct dirent *entry;

        snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
        tasks = opendir(path);
        while (tasks && (entry = readdir(tasks))) {
                FILE *f;
                long long ns;

                snprintf(path, sizeof(path), "/proc/%d/task/%.16s/schedstat", (int)pid, entry->d_name);
                f = entry->d_name[0] == '.' ? NULL : fopen(path, "r");
                if (f && fscanf(f, "%lld", &ns) == 1)
                        *sum += ns;
                if (f)
                        fclose(f);
        }
        if (tasks)
                closedir(tasks);
}

int64_t process_cpu(pid_t pid)
{
        int64_t sum = 0;

        each(pid, add_cpu, &sum);
        return sum;
}

static void add_resident(pid_t pid, void *data)
{
        uint64_t *sum = data;
        unsigned long long pages;
        char path[64];
        FILE *f;

        snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
        f = fopen(path, "r");
        if (f && fscanf(f, "%*s %llu", &pages) == 1)
                *sum += pages * (uint64_t)sysconf(_SC_PAGESIZE);
        if (f)
                fclose(f);
}

uint64_t process_resident(pid_t pid)
{
        uint64_t sum = 0;

        each(pid, add_resident, &sum);
        return sum;
}

struct maps {
        unsigned ids[256];
        size_t count;
        uint64_t bytes;
};

static void add_map(struct maps *maps, unsigned id, uint64_t bytes)
{
        for (size_t i = 0; i < maps->count; i++)
                if (maps->ids[i] == id)
                        return;
        if (maps->count == ARRAY_SIZE(maps->ids))
                return;
        maps->ids[maps->count++] = id;
        maps->bytes += bytes;
}

static void add_maps(pid_t pid, void *data)
{
        struct maps *maps = data;
        char path[64], line[128];
        DIR *files;
        struct dirent *entry;

        snprintf(path, sizeof(path), "/proc/%d/fdinfo", (int)pid);
        files = opendir(path);
        while (files && (entry = readdir(files))) {
                unsigned long long bytes = 0;
                unsigned id = 0;
                bool is_map = false;
                FILE *f;

                snprintf(path, sizeof(path), "/proc/%d/fdinfo/%.16s", (int)pid, entry->d_name);
                f = entry->d_name[0] == '.' ? NULL : fopen(path, "r");
                while (f && fgets(line, sizeof(line), f)) {
                        sscanf(line, "memlock: %llu", &bytes);
                        is_map |= sscanf(line, "map_id: %u", &id) == 1;
                }
                if (is_map)
                        add_map(maps, id, bytes);
                if (f)
                        fclose(f);
        }
        if (files)
                closedir(files);
}

uint64_t process_map_bytes(pid_t pid)
{
        struct maps maps = { 0 };

        each(pid, add_maps, &maps);
        return maps.bytes;
}

int process_wait_port(uint16_t port, pid_t pid)
{
        struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

        for (int i = 0; i < 500 && process_alive(pid); i++) {
                int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
                int r = connect(fd, (struct sockaddr *)&a, sizeof(a));

                close(fd);
                if (r == 0)
                        return 0;
                sleep_ns(20 * NSEC_PER_MSEC);
        }
        return -ETIMEDOUT;
}
