/* Stands in for the agent before a real executor: `driver CONFIG STATE_DIR` reads orders from standard input, a line
 * each, and prints what the executor says of them, a line each. Words of an order after the first two are NAME=VALUE:
 *
 *     apply process.freeze key=1 service=web lease=5 pid=77 pid=78 epoch=1 person=1 verified=1 from=A to=B former=HEX
 *     wait key=1 state=applied      (until that was said, or 20 s)
 *     wait key=1 verdict=1          (until it said any verdict of its own)
 *     ready                         (until it has read its journal, or 20 s)
 *     sleep=MS, reload, die (this process ends at once); at the end of the orders the executor is let go
 *
 * What identifies a process is read when the order is given; start=NS and exe=INODE replace it.
 *
 * Exit status: 0, 1 if a wait was in vain, 3 if the executor died. */
#include "agent/config.h"
#include "agent/executor.h"
#include "agent/options.h"
#include "agent/text.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct loop *loop;
static struct executor *executor;
static struct executor_event last[64]; /* by key */
static bool ready, died;

static void stop(void *data, int64_t now)
{
        (void)data;
        (void)now;
        loop_stop(loop, 0);
}

static void on_event(void *data, const struct executor_event *e)
{
        (void)data;
        if (e->kind == 0) {
                ready = true;
                printf("ready epoch=%llu stopped=%u\n", (unsigned long long)e->host_epoch, e->stopped);
        } else {
                printf("key=%llu %s reason=%s verdict=%s touched=%u same=%d former=", (unsigned long long)e->key_low,
                       action_state_name((enum action_state)e->state), action_reason_name((enum action_reason)e->reason),
                       action_verdict_name((enum action_verdict)e->verdict), e->touched,
                       memcmp(e->former, e->present, sizeof(e->former)) == 0);
                for (size_t i = 0; i < sizeof(e->former); i++)
                        printf("%02x", e->former[i]);
                printf(" detail=%s\n", e->detail);
                last[e->key_low % 64] = *e;
        }
        fflush(stdout);
        loop_stop(loop, 0);
}

static void on_death(void *data)
{
        (void)data;
        died = true;
        loop_stop(loop, 0);
}

static void run_for(int64_t ns)
{
        struct loop_source *timer;

        if (loop_add_timer(loop, stop, NULL, &timer) < 0 || loop_set_timer(timer, clock_monotonic() + ns) < 0 || loop_run(loop) < 0)
                exit(2);
        loop_remove(&timer);
}

static void read_target(struct executor_target *target, uint32_t pid)
{
        char path[64], text[1024], *rest;
        unsigned long long start = 0;
        struct stat st = { 0 };

        snprintf(path, sizeof(path), "/proc/%u/stat", pid);
        if (text_read_file(path, text, sizeof(text)) > 0 && (rest = strrchr(text, ')')))
                sscanf(rest + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*u %*d %llu", &start);
        snprintf(path, sizeof(path), "/proc/%u/exe", pid);
        (void)!stat(path, &st);
        *target = (struct executor_target){ .pid = pid,
                                            .start_ns = start * (uint64_t)(NSEC_PER_SEC / sysconf(_SC_CLK_TCK)),
                                            .exe_inode = st.st_ino,
                                            .exe_device = st.st_dev };
}

static void read_hex(const char *text, uint8_t *to)
{
        for (size_t i = 0; i < 32; i++)
                sscanf(text + 2 * i, "%2hhx", &to[i]);
}

static void set(struct executor_order *o, const char *name, const char *value)
{
        if (strcmp(name, "key") == 0)
                o->key_low = strtoull(value, NULL, 10);
        else if (strcmp(name, "service") == 0)
                o->service = action_text_digest(value);
        else if (strcmp(name, "lease") == 0)
                o->lease = (int64_t)(strtod(value, NULL) * 1e9);
        else if (strcmp(name, "epoch") == 0)
                o->epoch = strtoull(value, NULL, 10);
        else if (strcmp(name, "person") == 0)
                o->by_person = 1;
        else if (strcmp(name, "verified") == 0)
                o->verified = 1;
        else if (strcmp(name, "expires") == 0)
                o->expires = clock_wall() + (int64_t)(strtod(value, NULL) * 1e9);
        else if (strcmp(name, "from") == 0)
                o->from = action_text_digest(value);
        else if (strcmp(name, "to") == 0)
                o->to = action_text_digest(value);
        else if (strcmp(name, "former") == 0)
                read_hex(value, o->former);
        else if (strcmp(name, "pid") == 0 && !*value)
                return; /* none, in so many words */
        else if (strcmp(name, "pid") == 0 && o->targets_count < ACTION_TARGETS_MAX)
                read_target(&o->targets[o->targets_count++], (uint32_t)strtoul(value, NULL, 10));
        else if (strcmp(name, "start") == 0 && o->targets_count)
                o->targets[o->targets_count - 1].start_ns = strtoull(value, NULL, 10);
        else if (strcmp(name, "exe") == 0 && o->targets_count)
                o->targets[o->targets_count - 1].exe_inode = strtoull(value, NULL, 10);
        else if (strcmp(name, "instances") == 0)
                o->instances = (uint32_t)strtoul(value, NULL, 10);
        else if (strcmp(name, "resource") == 0)
                o->resource = strcmp(value, "cpu") == 0      ? ACTION_RESOURCE_CPU
                              : strcmp(value, "memory") == 0 ? ACTION_RESOURCE_MEMORY
                              : strcmp(value, "io") == 0     ? ACTION_RESOURCE_IO
                                                             : ACTION_RESOURCE_NONE;
        else if (strcmp(name, "value") == 0)
                o->value = strtoull(value, NULL, 10);
        else if (strcmp(name, "server") == 0)
                o->server = action_text_digest(value);
        else if (strcmp(name, "rate") == 0)
                o->rate = (uint32_t)strtoul(value, NULL, 10);
        else if (strcmp(name, "tier") == 0)
                o->tier = (uint32_t)strtoul(value, NULL, 10);
        else if (strcmp(name, "cookie") == 0 && o->cookies_count < ACTION_COOKIES_MAX)
                o->cookies[o->cookies_count++] = strtoull(value, NULL, 10);
        else
                exit(2);
}

/* `state` "": until there is a verdict. */
static bool wait_for(struct executor_order *o, const char *state)
{
        int64_t end = clock_monotonic() + 20 * NSEC_PER_SEC;

        while (!died && clock_monotonic() < end) {
                const struct executor_event *e = &last[o->key_low % 64];

                if (e->key_low == o->key_low && (*state ? strcmp(action_state_name((enum action_state)e->state) ?: "", state) == 0
                                                        : e->verdict != ACTION_VERDICT_NONE))
                        return true;
                run_for(end - clock_monotonic());
        }
        return false;
}

/* An executor that is ready has read what a former life left, and settles it also when it is let go. */
static bool await_ready(void)
{
        int64_t end = clock_monotonic() + 20 * NSEC_PER_SEC;

        while (!died && !ready && clock_monotonic() < end)
                run_for(end - clock_monotonic());
        return !died && ready;
}

static int take(char *line)
{
        static const char *const orders[] = { "", "check", "apply", "keep", "revert", "close" };
        struct executor_order o = { .key_high = 7, .epoch = 1, .expires = clock_wall() + 60 * NSEC_PER_SEC };
        char *save = NULL, *verb = strtok_r(line, " \n", &save), *word, state[32] = "";

        if (!verb)
                return 0;
        for (unsigned i = 1; i < ARRAY_SIZE(orders); i++)
                if (strcmp(verb, orders[i]) == 0)
                        o.order = i;
        if (o.order && (word = strtok_r(NULL, " \n", &save)))
                o.kind = action_kind_parse(word);
        while ((word = strtok_r(NULL, " \n", &save))) {
                char *value = strchr(word, '=');

                if (!value)
                        exit(2);
                *value++ = '\0';
                if (strcmp(word, "verdict") == 0)
                        continue;
                if (strcmp(word, "state") == 0)
                        snprintf(state, sizeof(state), "%s", value);
                else
                        set(&o, word, value);
        }
        if (o.order)
                return executor_send(executor, &o) < 0 ? 2 : 0;
        if (strcmp(verb, "wait") == 0)
                return wait_for(&o, state) ? 0 : died ? 3 : 1;
        if (strcmp(verb, "ready") == 0)
                return await_ready() ? 0 : died ? 3 : 1;
        if (strncmp(verb, "sleep=", 6) == 0) {
                int64_t end = clock_monotonic() + strtoll(verb + 6, NULL, 10) * NSEC_PER_MSEC;

                while (!died && clock_monotonic() < end)
                        run_for(end - clock_monotonic());
                return died ? 3 : 0;
        }
        if (strcmp(verb, "reload") == 0) {
                executor_reload(executor);
                return 0;
        }
        if (strcmp(verb, "die") == 0)
                _exit(0);
        return 2;
}

int main(int argc, char **argv)
{
        struct options options = { .config = argc > 1 ? argv[1] : NULL };
        struct yaml_config_error error = { "" };
        struct config config;
        const char *why = "";
        char line[4096];
        int r = 0;

        if (argc != 3 || config_load(argv[1], &config, &error) < 0) {
                fprintf(stderr, "driver: %s\n", error.text);
                return 2;
        }
        free(config.state_dir);
        config.state_dir = strdup(argv[2]);
        if (executor_fork(&options, &config, &executor, &why) < 0)
                return 2;
        if (!executor) {
                printf("none\n");
                return 0;
        }
        printf("pid=%d\n", executor_pid(executor));
        fflush(stdout);
        if (loop_new(&loop) < 0 || executor_attach(executor, loop, on_event, on_death, NULL) < 0)
                return 2;
        while (r == 0 && !died && fgets(line, sizeof(line), stdin))
                r = take(line);
        executor_free(&executor, 20 * NSEC_PER_SEC);
        return died ? 3 : r;
}
