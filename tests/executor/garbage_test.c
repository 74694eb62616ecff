/* What no agent would send: an executor that may do many things to one service is given random messages of all sizes, and
 * orders in which everything is random but the one or other field. It must go on, and begin nothing: the processes, the
 * connections and the server that it may touch are never named by what it is sent, and commands and units of the file
 * that would show that they were asked are not there. SEED (default 1) repeats a run; COUNT is how many messages. */
#include "agent/config.h"
#include "agent/executor.h"
#include "agent/options.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static uint64_t random_state;
static unsigned told[ACTION_STATES], looked_at[ACTION_KINDS], wrong; /* the latter: refused by the action itself */

static uint64_t draw(void)
{
        uint64_t x = random_state += UINT64_C(0x9e3779b97f4a7c15);

        x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
        return x ^ (x >> 31);
}

static void fill_random(void *to, size_t size)
{
        for (size_t i = 0; i < size; i++)
                ((uint8_t *)to)[i] = (uint8_t)draw();
}

static void make_order(struct executor_order *o)
{
        fill_random(o, sizeof(*o));
        o->order = (uint32_t)(draw() % 8);
        o->kind = (uint32_t)(draw() % 16);
        o->service = draw() % 8 ? action_text_digest("web") : draw();
        o->epoch = draw() % 3; /* a high one would end all that comes after it */
        if (draw() % 8)
                o->expires = clock_wall() + (int64_t)(draw() % (uint64_t)(60 * NSEC_PER_SEC));
        if (draw() % 8)
                o->lease = (int64_t)(draw() % (uint64_t)(60 * NSEC_PER_SEC));
        o->resource = (uint32_t)(draw() % 5);
        if (draw() % 2)
                o->value = draw() % (UINT64_C(1) << (draw() % 64));
        if (draw() % 2)
                o->server = action_text_digest("database");
        if (draw() % 2)
                o->rate = (uint32_t)(draw() % 1000);
        if (draw() % 2)
                o->instances = (uint32_t)(draw() % 1100);
        o->tier = (uint32_t)(draw() % 2 ? draw() : draw() % 2); /* 2 may be raised, which touches nothing */
        o->by_person = (uint32_t)(draw() % 2);
        o->key_low = draw() % 64;
        o->key_high = 7;
        o->targets_count = (uint32_t)(draw() % (draw() % 8 ? 4 : 64));
        o->cookies_count = (uint32_t)(draw() % (draw() % 8 ? 4 : 128));
        for (size_t i = 0; i < ACTION_TARGETS_MAX; i++)
                if (draw() % 2)
                        o->targets[i].pid = (uint32_t)(draw() % 4 ? getpid() : 1); /* with a start that is not its own */
        memset(o->former, 0, draw() % 2 ? sizeof(o->former) : 0);
}

static void listen_to(int fd, int wait_ms)
{
        struct pollfd wait = { .fd = fd, .events = POLLIN };
        struct executor_event e;

        while (poll(&wait, 1, wait_ms) == 1 && recv(fd, &e, sizeof(e), 0) == sizeof(e)) {
                if (e.kind == 0)
                        continue;
                told[e.state % ACTION_STATES]++;
                if (e.kind < ACTION_KINDS && e.detail[0])
                        looked_at[e.kind]++;
                if (e.state != ACTION_REFUSED || e.reason == ACTION_REASON_NONE || e.reason >= ACTION_REASONS) {
                        printf("# key %llu of %u: %s, %u\n", (unsigned long long)e.key_low, e.kind,
                               action_state_name((enum action_state)e.state), e.reason);
                        wrong++;
                }
        }
}

int main(void)
{
        unsigned long count = strtoul(getenv("COUNT") ?: "20000", NULL, 10);
        const char *folder = getenv("TMPDIR") ?: "/tmp";
        char file[4096], state[4096];
        struct yaml_config_error error = { "" };
        struct options options = { .config = file };
        struct executor_request request;
        struct config config;
        int pair[2], status, missed = 0;
        FILE *out;
        pid_t pid;

        random_state = strtoull(getenv("SEED") ?: "1", NULL, 10);
        snprintf(file, sizeof(file), "%s/garbage.yaml", folder);
        snprintf(state, sizeof(state), "%s/garbage.state", folder);
        out = fopen(file, "we");
        if (!out)
                return 1;
        fputs("services:\n  web:\n    match: {unit: web.service}\n    restart_safe: {}\n    freeze: {within: 60s}\n"
              "    limit: {within: 60s, cpu: 10, memory: 1MiB, io: 4096, device: /dev/null}\n    close: {idle: 1s}\n"
              "    shed: {within: 60s, rate: 0, servers: [{service: database, addresses: [127.0.0.1], port: 5432}]}\n"
              "    scale: {driver: commands, min: 0, max: 1000, state: [/nowhere/state], do: [/nowhere/do], undo: "
              "[/nowhere/undo]}\n"
              "    suspend: {driver: systemd, unit: web-that-is-nowhere.service}\n"
              "    rollback: {driver: drop-in, link: /nowhere/link, releases: /nowhere, unit: web.service}\n"
              "    observe: {within: 60s}\n"
              "allow: [process.freeze, cgroup.limit, connection.close, connect.shed, service.scale, service.suspend,"
              " service.rollback, observe.raise]\n"
              "limits: {actions_per_hour: 1000, attempts: 100, cooldown: 1s, concurrent: 100}\n",
              out);
        if (fclose(out) != 0 || config_load(file, &config, &error) < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) < 0)
                return 1;
        free(config.state_dir);
        config.state_dir = strdup(state);
        pid = fork();
        if (pid == 0) {
                close(pair[0]);
                executor_child(&options, &config, pair[1]);
        }
        close(pair[1]);
        for (unsigned long i = 0; i < count; i++) {
                size_t size = draw() % 4 ? sizeof(request) : 1 + draw() % sizeof(request);

                if (draw() % 4) {
                        request = (struct executor_request){ .kind = EXECUTOR_ORDER };
                        make_order(&request.order);
                } else {
                        fill_random(&request, sizeof(request));
                }
                if (send(pair[0], &request, size, MSG_NOSIGNAL) < 0)
                        break;
                listen_to(pair[0], i % 8 ? 0 : 1); /* one thing at a time is done to a service */
        }
        listen_to(pair[0], 3000);
        for (enum action_kind kind = ACTION_SERVICE_ROLLBACK; kind < ACTION_KINDS; kind++) {
                printf("# %s: %u\n", action_kind_name(kind), looked_at[kind]);
                if (config.allow & 1u << kind && !looked_at[kind])
                        missed++;
        }
        printf("1..5\n%s 1 - it goes on\n", waitpid(pid, &status, WNOHANG) == 0 ? "ok" : "not ok");
        close(pair[0]);
        printf("%s 2 - and ends when it is let go\n",
               waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0 ? "ok" : "not ok");
        printf("%s 3 - everything was refused, with a reason\n", wrong ? "not ok" : "ok");
        printf("# %u refusals\n%s 4 - and refused it was\n", told[ACTION_REFUSED],
               told[ACTION_REFUSED] > count / 20 ? "ok" : "not ok");
        printf("%s 5 - by each action at least once\n", missed ? "not ok" : "ok");
        return wrong || missed;
}
