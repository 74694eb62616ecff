#include "tests/bench/product.h"

#include "tests/bench/process.h"

#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MEMORY "/sys/fs/cgroup/memory"

static char control[256];

int product_coordinator(struct product *p, const char *state, const char **ret_why)
{
        static char program[256], folder[256], log[256];
        const char *const arguments[] = { program,    "--state-dir",          folder, "--control", control,
                                          "--listen", "tcp://127.0.0.1:7337", NULL };
        uint64_t hosts;
        int64_t took;
        int r;

        snprintf(program, sizeof(program), "%s/nightshift-coordinator", p->build);
        snprintf(folder, sizeof(folder), "%s/%s", p->folder, state);
        snprintf(log, sizeof(log), "%s/%s.log", p->folder, state);
        snprintf(control, sizeof(control), "%s/control.sock", p->folder);
        (void)mkdir(folder, 0700);
        (void)unlink(control);
        *ret_why = "the coordinator does not start";
        r = process_start(arguments, -1, 0, log, &p->coordinator);
        if (r < 0)
                return r;
        for (int i = 0; i < 100; i++) {
                if (!process_alive(p->coordinator))
                        return -ESRCH;
                r = product_status(p, "hosts", &hosts, &took);
                if (r == 0)
                        return 0;
                sleep_ns(100 * NSEC_PER_MSEC);
        }
        *ret_why = "the coordinator does not answer";
        return r;
}

/* The agent is started by a shell that first moves itself to the group, so that all is charged there. */
int product_agent(struct product *p, const char **ret_why)
{
        static char line[1024], log[256];
        const char *const arguments[] = { "sh", "-c", line, NULL };
        uint64_t hosts;
        int64_t took;
        int r;

        snprintf(p->memory_group, sizeof(p->memory_group), MEMORY "/nightshift-bench-%d", (int)getpid());
        if (mkdir(p->memory_group, 0755) < 0 && errno != EEXIST)
                p->memory_group[0] = '\0';
        snprintf(log, sizeof(log), "%s/agent.log", p->folder);
        snprintf(line, sizeof(line),
                 "%s%s%s mkdir -p %s/agent; exec %s/nightshift-agent --state-dir %s/agent --coordinator tcp://127.0.0.1:7337",
                 *p->memory_group ? "echo $$ >" : "", p->memory_group, *p->memory_group ? "/cgroup.procs;" : "", p->folder,
                 p->build, p->folder);
        *ret_why = "the agent does not start";
        r = process_start(arguments, -1, 0, log, &p->agent);
        if (r < 0)
                return r;
        for (int i = 0; i < 300; i++) {
                if (!process_alive(p->agent))
                        return -ESRCH;
                if (product_status(p, "hosts", &hosts, &took) == 0 && hosts >= 1)
                        return 0;
                sleep_ns(100 * NSEC_PER_MSEC);
        }
        *ret_why = "the agent does not report";
        return -ETIMEDOUT;
}

void product_end(struct product *p)
{
        process_end(&p->agent);
        process_end(&p->coordinator);
        if (p->memory_group[0])
                (void)rmdir(p->memory_group);
        p->memory_group[0] = '\0';
}

int product_ask(const struct product *p, const char *const *arguments, char **ret_output, size_t *ret_size, int64_t *ret_took)
{
        char program[256], *output = NULL;
        const char *argv[24] = { program, "--control", control };
        int64_t start = clock_monotonic();
        size_t size = 0, used = 0;
        int pipes[2], status, r = 0;
        pid_t pid;

        snprintf(program, sizeof(program), "%s/nightshift", p->build);
        for (int i = 0; i < 16 && arguments[i]; i++)
                argv[3 + i] = arguments[i];
        if (pipe(pipes) < 0)
                return -errno;
        pid = fork();
        if (pid == 0) {
                if (dup2(pipes[1], 1) < 0 || !freopen("/dev/null", "w", stderr))
                        _exit(126);
                close(pipes[0]);
                close(pipes[1]);
                execv(program, (char *const *)argv);
                _exit(127);
        }
        close(pipes[1]);
        for (;;) {
                ssize_t n;

                if (size - used < 1 << 16) {
                        char *larger = realloc(output, size * 2 + (1 << 20));

                        if (!larger) {
                                r = -ENOMEM;
                                break;
                        }
                        output = larger;
                        size = size * 2 + (1 << 20);
                }
                n = read(pipes[0], output + used, size - used - 1);
                if (n <= 0)
                        break;
                used += (size_t)n;
        }
        close(pipes[0]);
        if (waitpid(pid, &status, 0) < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
                r = -EREMOTEIO;
        *ret_took = clock_monotonic() - start;
        if (r < 0) {
                free(output);
                return r;
        }
        output[used] = '\0';
        *ret_output = output;
        *ret_size = used;
        return 0;
}

static int ask_json(const struct product *p, const char *verb, json_t **ret_json, int64_t *ret_took)
{
        const char *const arguments[] = { "--format", "json", verb, NULL };
        char *output;
        size_t size;
        json_t *json;
        int r = product_ask(p, arguments, &output, &size, ret_took);

        if (r < 0)
                return r;
        json = json_loadb(output, size, 0, NULL);
        free(output);
        if (!json)
                return -EBADMSG;
        *ret_json = json;
        return 0;
}

int product_status(const struct product *p, const char *key, uint64_t *ret_value, int64_t *ret_took)
{
        json_t *json, *status;
        int r = ask_json(p, "status", &json, ret_took);

        if (r < 0)
                return r;
        status = json_object_get(json, "status");
        *ret_value = (uint64_t)json_integer_value(json_object_get(json_is_object(status) ? status : json, key));
        json_decref(json);
        return 0;
}

int product_open(const struct product *p, uint16_t port, uint16_t last, uint64_t *ret_open)
{
        json_t *json, *edge;
        size_t i;
        int64_t took;
        uint64_t sum = 0;
        int r = ask_json(p, "edges", &json, &took);

        if (r < 0)
                return r;
        json_array_foreach(json_object_get(json, "edges"), i, edge)
        {
                json_int_t at = json_integer_value(json_object_get(edge, "port"));

                if (at >= port && at <= last)
                        sum += (uint64_t)json_integer_value(json_object_get(json_object_get(edge, "connections"), "open"));
        }
        json_decref(json);
        *ret_open = sum;
        return 0;
}

int product_kernel_memory(const struct product *p, uint64_t *ret_bytes)
{
        char path[192];
        unsigned long long bytes;
        FILE *f;
        int r = -ENOTSUP;

        snprintf(path, sizeof(path), "%s/memory.kmem.usage_in_bytes", p->memory_group);
        f = p->memory_group[0] ? fopen(path, "r") : NULL;
        if (f && fscanf(f, "%llu", &bytes) == 1) {
                *ret_bytes = bytes;
                r = 0;
        }
        if (f)
                fclose(f);
        return r;
}
