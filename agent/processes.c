#include "agent/processes.h"

#include "agent/build_id.h"
#include "agent/builds.h"
#include "agent/host.h"
#include "agent/memory_limit.h"
#include "agent/owners.h"
#include "agent/probe.h"
#include "agent/process_read.h"
#include "agent/server_limits.h"
#include "agent/service_lives.h"
#include "agent/text.h"
#include "agent/throttle.h"
#include "proto/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define READS_MAX 256      /* processes read an interval: some 15 us each */
#define IDLE_READS 16      /* of them such as did not run: what others can change is their limit, and memory swapped out */
#define PROCESSES_MAX 4096 /* past it processes are not listed */
#define LIMITS_READS 8     /* configurations of servers read an interval, each some 200 us */
#define COUNTED_FILES 4096
#define LIMIT_EVERY 16 /* a limit of files or memory hardly ever changes */

struct process {
        struct event_owner owner;
        uint64_t start_ns;        /* CLOCK_BOOTTIME */
        uint64_t ran_ns, read_ns; /* how long its threads have run: now, and when it was last read */
        uint32_t tgid;            /* the kernel's number */
        uint32_t pid;             /* that of /proc; 0 if it is not in there */
        uint32_t identity;
        uint32_t round; /* of the last walk that met it */
        uint32_t reads;
        bool main;
        bool worker;      /* child of a process of its service: its build is that one's */
        bool build_asked; /* `build` is all there is to know */
        bool limits_asked;
        struct build *build;
        struct executable *executable;
        struct server_limits *limits; /* NULL: none known */
        char *throttle;               /* file that tells of its cgroup, if it is the one to tell */
        uint64_t throttled_ns;
        struct process_stat stat;
        uint32_t files, files_limit;
        uint64_t memory_limit;
};

struct processes {
        struct probe *probe;
        struct owners *owners;
        const char *proc;
        struct executables *executables;
        struct builds *builds; /* may be NULL */
        struct service_lives lives;
        struct process *items; /* by tgid */
        size_t count, size, added;
        uint32_t round;
        size_t next, next_idle; /* to be read */
        uint64_t *cgroups;      /* in which some process ran, sorted */
        size_t cgroups_count, cgroups_size;
        struct summary_process *rows;
        size_t rows_size;
};

int processes_new(struct probe *probe, struct owners *owners, const char *proc, struct processes **ret_processes)
{
        struct processes *p = calloc(1, sizeof(*p));
        int r;

        if (!p)
                return -ENOMEM;
        p->probe = probe;
        p->owners = owners;
        p->proc = proc;
        r = executables_new(&p->executables);
        if (r < 0) {
                free(p);
                return r;
        }
        *ret_processes = p;
        return 0;
}

void processes_free(struct processes **processes)
{
        struct processes *p = *processes;

        if (!p)
                return;
        for (size_t i = 0; i < p->count; i++) {
                if (p->builds)
                        builds_put(p->builds, &p->items[i].build);
                free(p->items[i].throttle);
                free(p->items[i].limits);
        }
        executables_free(&p->executables);
        service_lives_free(&p->lives);
        free(p->items);
        free(p->rows);
        free(p->cgroups);
        free(p);
        *processes = NULL;
}

static int by_tgid(const void *a, const void *b)
{
        uint32_t x = ((const struct process *)a)->tgid, y = ((const struct process *)b)->tgid;

        return x < y ? -1 : x > y;
}

static struct process *find(const struct processes *p, uint32_t tgid)
{
        struct process key = { .tgid = tgid };

        return p->count ? bsearch(&key, p->items, p->count, sizeof(key), by_tgid) : NULL;
}

static const char *service_of(const struct processes *p, uint32_t identity)
{
        const struct summary_identity *s = owners_get(p->owners, identity);

        return s ? s->service : "";
}

static bool any_other(const struct processes *p, const struct process *but, const char *service)
{
        for (size_t i = 0; i < p->count; i++)
                if (&p->items[i] != but && strcmp(service_of(p, p->items[i].identity), service) == 0)
                        return true;
        return false;
}

void processes_exited(struct processes *p, const struct event_exit *event, int64_t now)
{
        struct service_exit how = { .code = event->code, .signal = event->signal, .oom = event->oom };
        struct process *process = find(p, event->tgid);
        uint32_t identity = owners_identity(p->owners, &event->owner, 0);
        const char *service = service_of(p, identity);
        bool ended;

        if (process && process->start_ns != event->start_ns)
                process = NULL;
        if (process && process->reads > 0)
                ended = process->main;
        else
                ended = event->owner.listen_port != 0 && !any_other(p, process, service);
        if (ended && service_lives_ended(&p->lives, service, &how, now) < 0)
                log_warning("agent", "no memory to remember a restart of %s", service);
        if (process)
                process->round = p->round - 1; /* goes with the next walk */
}

static int grow(struct processes *p)
{
        size_t size = p->size ? p->size * 2 : 64;
        struct process *items = reallocarray(p->items, size, sizeof(*items));

        if (!items)
                return -ENOMEM;
        p->items = items;
        p->size = size;
        return 0;
}

/* What was read once of what it runs. */
static void forget(struct processes *p, struct process *process)
{
        executables_put(p->executables, &process->executable);
        if (p->builds)
                builds_put(p->builds, &process->build);
        process->build_asked = process->limits_asked = false;
        free(process->limits);
        process->limits = NULL;
        free(process->throttle);
        process->throttle = NULL;
        process->throttled_ns = 0;
}

/* New ones are appended behind the sorted ones. */
static int take(void *data, const struct event_process *event)
{
        struct processes *p = data;
        struct process *process = find(p, event->tgid);

        if (process && process->start_ns == event->start_ns) {
                if (process->owner.exe_inode != event->owner.exe_inode || process->owner.exe_device != event->owner.exe_device) {
                        forget(p, process); /* exec */
                        process->reads = 0;
                }
                process->owner = event->owner;
                process->identity = owners_identity(p->owners, &event->owner, event->pid);
                process->round = p->round;
                return 0;
        }
        if (p->count + p->added == PROCESSES_MAX)
                return 0;
        if (p->count + p->added == p->size && grow(p) < 0)
                return -ENOMEM;
        p->items[p->count + p->added++] = (struct process){ .owner = event->owner,
                                                            .start_ns = event->start_ns,
                                                            .tgid = event->tgid,
                                                            .pid = event->pid,
                                                            .identity = owners_identity(p->owners, &event->owner, event->pid),
                                                            .round = p->round };
        return 0;
}

/* Drops those that the walk did not meet, and sorts. */
static void settle(struct processes *p)
{
        size_t all = p->count + p->added, kept = 0;

        for (size_t i = 0; i < all; i++) {
                if (p->items[i].round == p->round)
                        p->items[kept++] = p->items[i];
                else
                        forget(p, &p->items[i]);
        }
        p->count = kept;
        p->added = 0;
        if (p->count)
                qsort(p->items, p->count, sizeof(*p->items), by_tgid);
}

/* The first look tells what stays: whose child it is, and what it runs. */
static void read_first(struct processes *p, struct process *process)
{
        const char *service = service_of(p, process->identity);

        process->main = process->stat.parent <= 1 || !process_same_cgroup(p->proc, process->pid, process->stat.parent);
        process->worker = false;
        for (size_t i = 0; i < p->count && !process->worker; i++)
                process->worker = p->items[i].pid == process->stat.parent && p->items[i].pid != 0 &&
                                  strcmp(service_of(p, p->items[i].identity), service) == 0;
        process->main = process->main && !process->worker;
        if (executables_get(p->executables, p->proc, process->pid, &process->executable) < 0)
                process->executable = NULL;
}

/* The first process of a cgroup tells for all; should it end, the next one does. */
static void read_throttle(struct processes *p, struct process *process)
{
        char name[64], text[4096], path[512];

        if (process->reads % LIMIT_EVERY == 0 && !process->throttle) {
                for (size_t i = 0; i < p->count; i++)
                        if (p->items[i].throttle && p->items[i].owner.cgroup == process->owner.cgroup)
                                return;
                snprintf(name, sizeof(name), "%s/%u/cgroup", p->proc, process->pid);
                if (text_read_file(name, text, sizeof(text)) > 0 &&
                    throttle_path("/sys/fs/cgroup", text, path, sizeof(path)) == 0 &&
                    throttle_read(path, &process->throttled_ns) == 0)
                        process->throttle = strdup(path);
        } else if (process->throttle) {
                (void)!throttle_read(process->throttle, &process->throttled_ns);
        }
}

static uint64_t read_memory_limit(const struct processes *p, const struct process *process)
{
        char name[64], text[4096];

        snprintf(name, sizeof(name), "%s/%u/cgroup", p->proc, process->pid);
        if (text_read_file(name, text, sizeof(text)) <= 0)
                return memory_limit_host();
        return memory_limit_read("/sys/fs/cgroup", text, memory_limit_host());
}

static void read_one(struct processes *p, struct process *process)
{
        if (process->pid == 0 || process_read_stat(p->proc, process->pid, process->start_ns, &process->stat) < 0)
                return;
        if (process->reads == 0)
                read_first(p, process);
        process->files = process_read_files(p->proc, process->pid, COUNTED_FILES);
        if (process->reads % LIMIT_EVERY == 0) {
                process->files_limit = process_read_files_limit(p->proc, process->pid);
                process->memory_limit = read_memory_limit(p, process);
        }
        read_throttle(p, process);
        process->read_ns = process->ran_ns;
        process->reads++;
}

static void read_build(struct processes *p, struct process *process)
{
        const struct summary_identity *identity = owners_get(p->owners, process->identity);
        struct fingerprint_facts facts = { .pid = process->pid,
                                           .started = (int64_t)process->start_ns + host_boot_offset(),
                                           .executable = process->executable,
                                           .cgroup = identity ? identity->cgroup : "" };

        process->build_asked = builds_read(p->builds, &facts, &process->build) != -EAGAIN;
}

/* Those that a worker was forked from have been met by now. */
static void read_builds(struct processes *p)
{
        builds_interval(p->builds);
        for (size_t i = 0; i < p->count; i++)
                if (p->items[i].reads > 0 && !p->items[i].worker && !p->items[i].build_asked)
                        read_build(p, &p->items[i]);
}

static void read_limits(struct processes *p)
{
        uint32_t left = LIMITS_READS;

        for (size_t i = 0; i < p->count && left > 0; i++) {
                struct process *process = &p->items[i];
                struct server_limits_facts facts = { .proc = p->proc,
                                                     .pid = process->pid,
                                                     .started = (int64_t)process->start_ns + host_boot_offset() };
                struct server_limits limits;

                if (process->reads == 0 || process->worker || process->limits_asked)
                        continue;
                process->limits_asked = true;
                if (!process->executable || !server_limits_known(process->executable->path))
                        continue;
                left--;
                facts.executable = process->executable->path;
                server_limits_read(&facts, &limits);
                process->limits = limits.count ? malloc(sizeof(limits)) : NULL;
                if (process->limits)
                        *process->limits = limits;
        }
}

uint32_t processes_connections_max(const struct processes *p, uint32_t tgid, uint16_t port)
{
        const struct process *process = find(p, tgid);

        /* A worker has the configuration of the process that it was forked from. */
        for (size_t i = 0; process && process->worker && i < p->count; i++)
                if (p->items[i].pid == process->stat.parent && !p->items[i].worker)
                        process = &p->items[i];
        return process ? server_limits_find(process->limits, port) : 0;
}

static void add_ran(void *data, uint32_t tgid, uint64_t ns)
{
        struct process *process = find(data, tgid);

        if (process)
                process->ran_ns += ns;
}

static int by_number(const void *a, const void *b)
{
        uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

        return x < y ? -1 : x > y;
}

/* Whether a process has to be read: it ran, or tells of its cgroup, in which another ran. */
static bool is_due(const struct processes *p, const struct process *process)
{
        return process->ran_ns != process->read_ns ||
               (process->throttle && p->cgroups_count &&
                bsearch(&process->owner.cgroup, p->cgroups, p->cgroups_count, sizeof(*p->cgroups), by_number));
}

/* Asks the probe which processes ran. False if nothing tells: then all are due. */
static bool ask_ran(struct processes *p)
{
        uint64_t *cgroups;

        if (p->cgroups_size < p->count) {
                cgroups = reallocarray(p->cgroups, p->size, sizeof(*cgroups));
                if (!cgroups)
                        return false;
                p->cgroups = cgroups;
                p->cgroups_size = p->size;
        }
        for (size_t i = 0; i < p->count; i++)
                p->items[i].ran_ns = 0;
        if (probe_ran(p->probe, add_ran, p) < 0)
                return false;
        p->cgroups_count = 0;
        for (size_t i = 0; i < p->count; i++)
                if (p->items[i].ran_ns != p->items[i].read_ns)
                        p->cgroups[p->cgroups_count++] = p->items[i].owner.cgroup;
        if (p->cgroups_count)
                qsort(p->cgroups, p->cgroups_count, sizeof(*p->cgroups), by_number);
        return true;
}

static void read_due(struct processes *p, size_t budget, bool told)
{
        size_t idle = MIN(MIN(budget, (size_t)IDLE_READS), p->count);

        for (size_t i = 0; i < p->count && budget > 0; i++) {
                p->next = p->next + 1 < p->count ? p->next + 1 : 0;
                if (told && !is_due(p, &p->items[p->next]))
                        continue;
                read_one(p, &p->items[p->next]);
                budget--;
        }
        for (; told && idle > 0; idle--) {
                p->next_idle = p->next_idle + 1 < p->count ? p->next_idle + 1 : 0;
                read_one(p, &p->items[p->next_idle]);
        }
}

int processes_refresh(struct processes *p, int64_t now)
{
        size_t budget = READS_MAX;
        bool told;
        int r;

        (void)now;
        p->round++;
        p->added = 0;
        r = probe_processes(p->probe, take, p);
        if (r < 0) {
                p->added = 0;
                return r;
        }
        settle(p);
        told = ask_ran(p);
        for (size_t i = 0; i < p->count && budget > 0; i++)
                if (p->items[i].reads == 0) {
                        read_one(p, &p->items[i]);
                        budget--;
                }
        read_due(p, budget, told);
        if (p->builds)
                read_builds(p);
        read_limits(p);
        return 0;
}

void processes_set_builds(struct processes *p, struct builds *builds)
{
        p->builds = builds;
}

struct builds *processes_builds(const struct processes *p)
{
        return p->builds;
}

int processes_list_builds(struct processes *p, uint64_t *ret_hash)
{
        int r = 0;

        builds_begin(p->builds);
        for (size_t i = 0; i < p->count && r == 0; i++) {
                const struct process *process = &p->items[i];

                if (process->pid == 0 || process->worker || (process->build_asked && !process->build))
                        continue;
                r = builds_add(p->builds, process->identity, process->build, process->start_ns);
        }
        return r < 0 ? r : builds_end(p->builds, host_boot_offset(), ret_hash);
}

int processes_incarnation(const struct processes *p, uint32_t pid, int64_t started, uint64_t build, uint64_t *ret_start_ns)
{
        for (size_t i = 0; i < p->count; i++) {
                const struct process *process = &p->items[i];

                if (process->pid != pid || (int64_t)process->start_ns + host_boot_offset() != started)
                        continue;
                if (build && (!process->executable || action_text_digest(process->executable->build) != build))
                        return -ESRCH;
                *ret_start_ns = process->start_ns;
                return 0;
        }
        return -ESRCH;
}

static void fill(const struct processes *p, const struct process *process, int64_t now, int64_t offset, struct summary_process *row)
{
        const struct service_exit *last;

        memset(row, 0, sizeof(*row)); /* padding too: the rows are hashed */
        row->identity = process->identity;
        row->pid = process->pid;
        row->started = (int64_t)process->start_ns + offset;
        row->executable = process->executable ? process->executable->path : "";
        row->build = process->executable ? process->executable->build : "";
        row->cpu_ns = process->stat.cpu_ns;
        row->throttled_ns = process->throttled_ns;
        row->rss_bytes = process->stat.rss_bytes;
        row->memory_limit_bytes = process->memory_limit;
        row->threads = process->stat.threads;
        row->open_files = process->files;
        row->open_files_limit = process->files_limit;
        row->restarts_1h = service_lives_restarts(&p->lives, service_of(p, process->identity), now, &last);
        if (last) {
                row->has_exit = true;
                row->exit_code = last->code;
                row->exit_signal = last->signal;
                row->exit_oom = last->oom;
        }
}

int processes_rows(struct processes *p, int64_t now, const struct summary_process **ret_rows, size_t *ret_count, uint64_t *ret_hash)
{
        int64_t offset = host_boot_offset();
        uint64_t h = UINT64_C(0xcbf29ce484222325);
        size_t count = 0;

        if (p->rows_size < p->count) {
                struct summary_process *rows = reallocarray(p->rows, p->size, sizeof(*rows));

                if (!rows)
                        return -ENOMEM;
                p->rows = rows;
                p->rows_size = p->size;
        }
        for (size_t i = 0; i < p->count; i++) {
                /* One that could never be read was gone before we came: its end was told elsewhere. */
                if (p->items[i].reads == 0)
                        continue;
                /* The clock of the host may be moved: that is no news of the process. */
                fill(p, &p->items[i], now, 0, &p->rows[count]);
                for (size_t n = 0; n < sizeof(p->rows[count]); n++)
                        h = (h ^ ((const unsigned char *)&p->rows[count])[n]) * UINT64_C(0x100000001b3);
                p->rows[count++].started += offset;
        }
        *ret_rows = p->rows;
        *ret_count = count;
        *ret_hash = h;
        return 0;
}

void processes_mark(const struct processes *p, void (*mark)(void *data, uint32_t identity), void *data)
{
        for (size_t i = 0; i < p->count; i++)
                mark(data, p->items[i].identity);
}
