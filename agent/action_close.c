/* connection.close: ends leaked connections of one process, each named by its cookie. One-way: the process and the far
 * end see them break. So it needs a person's word, and takes only what is plainly leaked: what the peer closed long ago
 * and, where the file allows it, what is open and silent both ways with nothing awaited on it. A connection that another
 * process has, too, is not closed. */
#include "agent/config_services.h"
#include "agent/diag.h"
#include "agent/digest.h"
#include "agent/target.h"

#include <ctype.h>
#include <dirent.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LEASE_NS (3600 * NSEC_PER_SEC)
#define STEPS_NS (60 * NSEC_PER_SEC)
#define CLOSED_LONG_AGO_NS (60 * NSEC_PER_SEC) /* a peer may close its half and wait for an answer */

/* What verify() looks for. */
struct inverse {
        uint32_t count;
        uint32_t inodes[ACTION_COOKIES_MAX];
};

static const char *forbids(const struct service *service)
{
        return service->close.present ? NULL : "its close is not set";
}

static bool always(const struct service *service)
{
        (void)service;
        return true;
}

static int64_t lease_max(const struct service *service)
{
        (void)service;
        return LEASE_NS;
}

static int64_t patience(const struct service *service)
{
        (void)service;
        return STEPS_NS;
}

/* NULL, or why it may not be closed. */
static const char *is_in_use(const struct service *service, const struct diag_connection *c)
{
        int64_t sent = c->silent_sent_ms * NSEC_PER_MSEC, received = c->silent_received_ms * NSEC_PER_MSEC;
        int64_t silent = service->close.idle ? service->close.idle : CLOSED_LONG_AGO_NS;

        if (MIN(sent, received) < silent)
                return "was used too lately";
        if (c->unacknowledged)
                return "has not been taken by the far end";
        if (c->state == TCP_CLOSE_WAIT)
                return NULL;
        if (!service->close.idle)
                return "is open, and the file allows only what the peer closed";
        if (c->unread)
                return "has something unread";
        /* To the millisecond: who sent last, or at once after it received, may wait for an answer. */
        return received < sent ? NULL : "may wait for an answer";
}

static bool is_ours(const struct diag_connection *connections, size_t count, const char *link)
{
        unsigned inode;

        if (sscanf(link, "socket:[%u]", &inode) != 1)
                return false;
        for (size_t i = 0; i < count; i++)
                if (connections[i].inode == inode)
                        return true;
        return false;
}

/* How many of the connections, each once, a process has among its files. */
static size_t count_files(uint32_t pid, const struct diag_connection *connections, size_t count)
{
        struct diag_connection left[ACTION_COOKIES_MAX];
        char path[64], link[64];
        struct dirent *item;
        size_t found = 0;
        DIR *files;

        snprintf(path, sizeof(path), "/proc/%u/fd", pid);
        files = opendir(path);
        memcpy(left, connections, count * sizeof(*left));
        while (files && (item = readdir(files))) {
                ssize_t n = readlinkat(dirfd(files), item->d_name, link, sizeof(link) - 1);

                if (n <= 0)
                        continue;
                link[n] = '\0';
                for (size_t i = 0; i < count; i++)
                        if (left[i].inode && is_ours(&left[i], 1, link)) {
                                left[i].inode = 0;
                                found++;
                        }
        }
        if (files)
                closedir(files);
        return found;
}

/* The pid of another process that has one of them, or 0. */
static uint32_t find_sharer(uint32_t pid, const struct diag_connection *connections, size_t count)
{
        DIR *proc = opendir("/proc");
        uint32_t sharer = 0;
        struct dirent *item;

        while (proc && !sharer && (item = readdir(proc))) {
                uint32_t other = (uint32_t)strtoul(item->d_name, NULL, 10);

                if (isdigit((unsigned char)item->d_name[0]) && other != pid && count_files(other, connections, count) > 0)
                        sharer = other;
        }
        if (proc)
                closedir(proc);
        return sharer;
}

static bool same_network(uint32_t pid)
{
        char path[64];
        struct stat own, its;

        snprintf(path, sizeof(path), "/proc/%u/ns/net", pid);
        return stat("/proc/self/ns/net", &own) == 0 && stat(path, &its) == 0 && own.st_ino == its.st_ino;
}

/* Sets the sentence and returns false if one of the connections is not as the plan has it. */
static bool are_leaked(struct action_call *call, const struct diag_connection *connections)
{
        const struct executor_order *order = call->order;

        for (uint32_t i = 0; i < order->cookies_count; i++) {
                const struct diag_connection *c = &connections[i];
                const char *why = c->inode ? is_in_use(call->service, c) : "is not there";

                for (uint32_t k = 0; k < i; k++)
                        if (order->cookies[k] == order->cookies[i])
                                why = "is named twice";
                if (why) {
                        action_unchanged(call, c->inode ? ACTION_REASON_CHANGED : ACTION_REASON_MISMATCH,
                                         "connection %" PRIu64 " %s", order->cookies[i], why);
                        return false;
                }
        }
        return true;
}

/* The connections of the order, if all of them may be closed; else the result says why not. */
static bool find(struct action_call *call, struct diag_connection *ret_connections)
{
        const struct executor_order *order = call->order;
        uint32_t pid = order->targets[0].pid, sharer;
        int r;

        if (order->targets_count != 1 || order->cookies_count == 0) {
                action_unchanged(call, order->targets_count > 1 ? ACTION_REASON_MORE_TARGETS : ACTION_REASON_NO_TARGETS,
                                 "one process and its connections have to be named");
                return false;
        }
        if (target_check(call, &order->targets[0]) < 0)
                return false;
        if (!same_network(pid)) {
                action_unchanged(call, ACTION_REASON_UNSUPPORTED, "the process is in another network namespace");
                return false;
        }
        r = diag_can_destroy();
        if (r == 0)
                r = diag_find(order->cookies, order->cookies_count, ret_connections);
        if (r < 0) {
                action_unchanged(call, ACTION_REASON_UNSUPPORTED,
                                 r == -EOPNOTSUPP ? "the kernel cannot close connections (INET_DIAG_DESTROY)"
                                                  : "the kernel does not tell the connections: %s",
                                 strerror(-r));
                return false;
        }
        if (!are_leaked(call, ret_connections))
                return false;
        if (count_files(pid, ret_connections, order->cookies_count) != order->cookies_count) {
                action_unchanged(call, ACTION_REASON_MISMATCH, "not all of the connections are of process %u", pid);
                return false;
        }
        sharer = find_sharer(pid, ret_connections, order->cookies_count);
        if (sharer) {
                action_unchanged(call, ACTION_REASON_MORE_TARGETS, "process %u has one of the connections, too", sharer);
                return false;
        }
        call->result.outcome = REMEDY_DONE;
        call->result.touched = order->cookies_count;
        return true;
}

static void state_of(const struct executor_order *order, const struct diag_connection *connections,
                     struct action_digest *ret_digest)
{
        uint64_t words[2 * ACTION_COOKIES_MAX] = { 0 };

        for (uint32_t i = 0; i < order->cookies_count; i++) {
                words[2 * i] = order->cookies[i];
                words[2 * i + 1] = connections[i].inode;
        }
        digest_data(words, sizeof(words), ret_digest);
}

static void check(struct action_call *call)
{
        struct diag_connection connections[ACTION_COOKIES_MAX] = { 0 };

        if (find(call, connections))
                state_of(call->order, connections, &call->result.former);
}

static void inverse(struct action_call *call)
{
        struct inverse *to = (struct inverse *)(void *)call->inverse;
        struct diag_connection connections[ACTION_COOKIES_MAX] = { 0 };

        if (!find(call, connections))
                return;
        *to = (struct inverse){ .count = call->order->cookies_count };
        for (uint32_t i = 0; i < to->count; i++)
                to->inodes[i] = connections[i].inode;
        call->inverse_size = sizeof(*to);
}

static void apply(struct action_call *call)
{
        struct diag_connection connections[ACTION_COOKIES_MAX] = { 0 };
        uint32_t closed = 0;

        if (!find(call, connections))
                return;
        for (uint32_t i = 0; i < call->order->cookies_count; i++) {
                int r = diag_destroy(&connections[i]);

                if (r < 0 && r != -ENOENT) {
                        if (closed)
                                action_failed(call, ACTION_REASON_FAILED, "%u were closed, then: %s", closed, strerror(-r));
                        else
                                action_unchanged(call, ACTION_REASON_FAILED, "cannot close: %s", strerror(-r));
                        return;
                }
                closed += r == 0;
        }
        call->result.outcome = REMEDY_DONE;
        digest_text(&call->result.present, "%u connections closed", closed);
        action_say(call, "%u connections of process %u closed", closed, call->order->targets[0].pid);
}

/* How many of the inodes are among the connections that the process's network shows in /proc. */
static int count_open(uint32_t pid, const struct inverse *from, uint32_t *ret_count)
{
        static const char *const tables[] = { "tcp", "tcp6" };

        *ret_count = 0;
        for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
                char path[64], line[512];
                FILE *file;

                snprintf(path, sizeof(path), "/proc/%u/net/%s", pid, tables[i]);
                file = fopen(path, "re");
                if (!file && i == 0)
                        return -errno;
                while (file && fgets(line, sizeof(line), file)) {
                        unsigned inode;

                        if (sscanf(line, " %*d: %*s %*s %*x %*s %*s %*s %*u %*u %u", &inode) != 1)
                                continue;
                        for (uint32_t k = 0; k < from->count; k++)
                                *ret_count += from->inodes[k] == inode;
                }
                if (file)
                        fclose(file);
        }
        return 0;
}

static void verify(struct action_call *call)
{
        const struct inverse *from = (const struct inverse *)(const void *)call->inverse;
        uint32_t open;

        call->result.outcome = REMEDY_DONE;
        call->result.verdict = ACTION_VERDICT_UNKNOWN;
        if (call->inverse_size == sizeof(*from) && count_open(call->order->targets[0].pid, from, &open) == 0)
                call->result.verdict = open ? ACTION_VERDICT_FALSIFIED : ACTION_VERDICT_VERIFIED;
}

static void revert(struct action_call *call)
{
        action_failed(call, ACTION_REASON_ONE_WAY, "a closed connection stays closed");
}

const struct action action_close = {
        .kind = ACTION_CONNECTION_CLOSE,
        .capabilities = ACTION_NEEDS_NETWORK,
        .forbids = forbids,
        .one_way = always,
        .lease_max = lease_max,
        .patience = patience,
        .check = check,
        .inverse = inverse,
        .apply = apply,
        .verify = verify,
        .revert = revert,
};
