#include "tests/bpf/rig.h"

#include "agent/scope.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEADLINE (5 * NSEC_PER_SEC)

static char cgroup_root[256];

bool rig_fast(void)
{
        const char *fast = getenv("FAST");

        return fast && *fast;
}

void rig_run(const char *format, ...)
{
        char command[512];
        va_list arguments;

        va_start(arguments, format);
        vsnprintf(command, sizeof(command), format, arguments);
        va_end(arguments);
        if (system(command) != 0)
                fail_msg("this failed: %s", command);
}

void rig_write(const char *path, const char *value)
{
        int fd = open(path, O_WRONLY | O_CLOEXEC);

        if (fd < 0 || write(fd, value, strlen(value)) < 0)
                fail_msg("cannot write %s to %s: %s", value, path, strerror(errno));
        close(fd);
}

static void enter_namespace(struct rig *rig)
{
        struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };
        struct stat st;
        int fd;

        if (unshare(CLONE_NEWNET) < 0 || stat("/proc/self/ns/net", &st) < 0)
                fail_msg("no network namespace (root is needed): %s", strerror(errno));
        rig->netns = (uint32_t)st.st_ino;
        fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) < 0)
                fail_msg("cannot bring lo up: %s", strerror(errno));
        close(fd);
}

void rig_enter(const char *path)
{
        char procs[400];

        snprintf(procs, sizeof(procs), "%s/cgroup.procs", path);
        rig_write(procs, "0");
}

static void enter_cgroup(struct rig *rig)
{
        FILE *mounts = fopen("/proc/self/mounts", "re");
        char line[1024];
        const char *why = "";

        while (mounts && fgets(line, sizeof(line), mounts)) {
                char where[256], type[64];

                if (sscanf(line, "%*s %255s %63s", where, type) == 2 && !strcmp(type, "cgroup2"))
                        strcpy(cgroup_root, where);
        }
        if (mounts)
                fclose(mounts);
        snprintf(rig->cgroup_path, sizeof(rig->cgroup_path), "%s/nightshift-bpf-%d", cgroup_root, (int)getpid());
        if (!cgroup_root[0] || mkdir(rig->cgroup_path, 0755) < 0)
                fail_msg("cannot make the cgroup %s: %s", rig->cgroup_path, strerror(errno));
        rig_enter(rig->cgroup_path);
        if (scope_resolve(rig->cgroup_path, &rig->cgroup, &rig->level, &why) < 0)
                fail_msg("%s", why);
}

int rig_setup_bare(void **state)
{
        struct rig *rig = calloc(1, sizeof(*rig));

        assert_non_null(rig);
        enter_namespace(rig);
        enter_cgroup(rig);
        *state = rig;
        return 0;
}

int rig_setup(void **state)
{
        rig_setup_bare(state);
        rig_probe(*state, NULL);
        return 0;
}

int rig_teardown(void **state)
{
        int64_t end = clock_monotonic() + DEADLINE;
        struct rig *rig = *state;

        probe_free(&rig->probe);
        rig_enter(cgroup_root);
        while (rmdir(rig->cgroup_path) < 0 && errno == EBUSY && clock_monotonic() < end) /* a child that is just ending */
                usleep(1000);
        free(rig);
        return 0;
}

static void event_take(void *data, const struct event_header *header)
{
        struct rig *rig = data;

        if (header->type == EVENT_KEY && rig->n_keys < RIG_KEYS_MAX)
                rig->keys[rig->n_keys++] = *(const struct event_key *)(const void *)header;
        if (header->type == EVENT_EXIT && rig->n_exits < RIG_EXITS_MAX)
                rig->exits[rig->n_exits++] = *(const struct event_exit *)(const void *)header;
        if (header->type == EVENT_EDGE) {
                rig->last_edge = *(const struct event_edge_new *)(const void *)header;
                rig->n_edges++;
        }
}

void rig_probe(struct rig *rig, const struct probe_options *options)
{
        struct probe_options o = options ? *options : (struct probe_options){};
        const char *why = "";
        int r;

        probe_free(&rig->probe);
        rig->n_keys = rig->n_exits = rig->n_edges = 0;
        if (!o.scope_cgroup) {
                o.scope_cgroup = rig->cgroup;
                o.scope_level = rig->level;
        }
        r = probe_new(&o, &rig->probe, &why);
        if (r < 0)
                fail_msg("probe_new: %s (%s)", why, strerror(-r));
        assert_int_equal(probe_start(rig->probe, event_take, rig), 0);
}

void rig_drain(struct rig *rig)
{
        assert_int_equal(probe_drain(rig->probe), 0);
}

void rig_sweep(struct rig *rig)
{
        uint64_t files, sockets;

        assert_int_equal(probe_sweep(rig->probe, &files, &sockets), 0);
        rig_drain(rig);
}

struct sum {
        struct rig *rig;
        int transport, role;
        uint16_t port;
        struct event_counts counts;
        size_t edges;
};

static bool edge_is(const struct rig *rig, const struct event_edge *edge, int transport, int role, uint16_t port)
{
        uint16_t service = edge->role == EVENT_ROLE_CLIENT ? edge->remote_port : edge->local_port;

        return edge->netns == rig->netns && edge->transport == transport && edge->role == role && (!port || service == port);
}

static int edge_add(void *data, const struct event_edge *edge, uint32_t index)
{
        struct sum *sum = data;
        const uint64_t *from = (const void *)probe_counts(sum->rig->probe, index);
        uint64_t *to = (void *)&sum->counts;

        if (!edge_is(sum->rig, edge, sum->transport, sum->role, sum->port))
                return 0;
        sum->edges++;
        for (size_t i = 0; i < offsetof(struct event_counts, last_ns) / sizeof(*to); i++)
                to[i] += __atomic_load_n(&from[i], __ATOMIC_RELAXED);
        for (size_t i = 0; i < EVENT_HISTOGRAM_BUCKETS; i++) {
                sum->counts.rtt[i] += ((const struct event_counts *)from)->rtt[i];
                sum->counts.turnaround[i] += ((const struct event_counts *)from)->turnaround[i];
        }
        return 0;
}

struct event_counts rig_counts(struct rig *rig, int transport, int role, uint16_t port, size_t *ret_edges)
{
        struct sum sum = { .rig = rig, .transport = transport, .role = role, .port = port };

        assert_int_equal(probe_edges(rig->probe, edge_add, &sum), 0);
        if (ret_edges)
                *ret_edges = sum.edges;
        return sum.counts;
}

static const char *const names[] = {
        "attempted",          "adopted", "opened",   "closed", "refused",       "timed_out",
        "unreachable",        "aborted", "no_port",  "unseen", "reset_by_peer", "reset_by_self",
        "timed_out_open",     "sent",    "received", "unread", "retransmits",   "datagrams_sent",
        "datagrams_received",
};
_Static_assert(sizeof(names) / sizeof(names[0]) == offsetof(struct event_counts, last_ns) / 8, "names");

static bool same(const struct event_counts *want, const struct event_counts *got)
{
        const uint64_t *a = (const void *)want, *b = (const void *)got;

        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                if (a[i] != b[i] && i != offsetof(struct event_counts, retransmits) / 8) /* the kernel's own affair */
                        return false;
        return true;
}

void rig_expect(struct rig *rig, int transport, int role, uint16_t port, const struct event_counts *want, const char *file,
                int line)
{
        int64_t end = clock_monotonic() + DEADLINE;
        struct event_counts got;
        const uint64_t *a, *b;

        do {
                rig_drain(rig);
                got = rig_counts(rig, transport, role, port, NULL);
                if (same(want, &got))
                        return;
                usleep(2000);
        } while (clock_monotonic() < end);
        a = (const void *)want;
        b = (const void *)&got;
        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                if (a[i] != b[i])
                        print_error("%s:%d: role %d port %u: %s is %llu, not %llu\n", file, line, role, port, names[i],
                                    (unsigned long long)b[i], (unsigned long long)a[i]);
        fail_msg("the counters are wrong");
}

struct indices {
        struct rig *rig;
        uint16_t port;
        uint8_t *roles; /* by index of edge; 0xff is another's */
};

static int index_note(void *data, const struct event_edge *edge, uint32_t index)
{
        struct indices *indices = data;
        struct rig *rig = indices->rig;

        if (edge_is(rig, edge, EVENT_TRANSPORT_TCP, edge->role, indices->port))
                indices->roles[index] = edge->role;
        return 0;
}

static int number_compare(const void *a, const void *b)
{
        uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

        return x < y ? -1 : x > y;
}

void rig_expect_keys(struct rig *rig, uint16_t port, size_t n)
{
        struct indices indices = { .rig = rig, .port = port };
        CLEANUP_FREE uint64_t *clients = calloc(RIG_KEYS_MAX, sizeof(uint64_t));
        CLEANUP_FREE uint64_t *servers = calloc(RIG_KEYS_MAX, sizeof(uint64_t));
        CLEANUP_FREE uint8_t *roles = malloc(probe_edges_max(rig->probe));
        size_t n_clients = 0, n_servers = 0;

        assert_true(clients && servers && roles);
        memset(roles, 0xff, probe_edges_max(rig->probe));
        indices.roles = roles;
        assert_int_equal(probe_edges(rig->probe, index_note, &indices), 0);
        rig_drain(rig);
        for (size_t i = 0; i < rig->n_keys; i++) {
                const struct event_key *key = &rig->keys[i];

                if (roles[key->index] == 0xff)
                        continue;
                assert_int_equal(roles[key->index], key->role);
                if (key->role == EVENT_ROLE_CLIENT)
                        clients[n_clients++] = key->key;
                else
                        servers[n_servers++] = key->key;
        }
        assert_int_equal(n_clients, n);
        assert_int_equal(n_servers, n);
        qsort(clients, n, sizeof(*clients), number_compare);
        qsort(servers, n, sizeof(*servers), number_compare);
        assert_memory_equal(clients, servers, n * sizeof(*clients));
}

uint64_t rig_loss(struct rig *rig, enum event_loss which)
{
        uint64_t losses[EVENT_LOSS_MAX];

        probe_losses(rig->probe, losses);
        return losses[which];
}

void rig_wait(pid_t pid)
{
        int status;

        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
}

struct edges {
        struct rig *rig;
        int transport, role;
        uint16_t port;
        struct event_edge last;
        uint32_t index;
        size_t n;
};

static int edge_note(void *data, const struct event_edge *edge, uint32_t index)
{
        struct edges *e = data;

        if (!edge_is(e->rig, edge, e->transport, e->role, e->port))
                return 0;
        e->last = *edge;
        e->index = index;
        e->n++;
        return 0;
}

size_t rig_edge(struct rig *rig, int transport, int role, uint16_t port, struct event_edge *ret_edge, uint32_t *ret_index)
{
        struct edges e = { .rig = rig, .transport = transport, .role = role, .port = port };

        assert_int_equal(probe_edges(rig->probe, edge_note, &e), 0);
        if (e.n) {
                *ret_edge = e.last;
                *ret_index = e.index;
        }
        return e.n;
}

void rig_expect_no_loss(struct rig *rig)
{
        uint64_t losses[EVENT_LOSS_MAX];

        probe_losses(rig->probe, losses);
        for (size_t i = 0; i < EVENT_LOSS_MAX; i++)
                if (losses[i])
                        fail_msg("loss %zu is %llu", i, (unsigned long long)losses[i]);
}

struct listeners {
        struct rig *rig;
        int transport;
        uint16_t port;
        struct event_listener last;
        size_t n;
};

static int listener_note(void *data, const struct event_listener *listener)
{
        struct listeners *l = data;

        if (listener->netns != l->rig->netns || listener->port != l->port || listener->transport != l->transport)
                return 0;
        l->last = *listener;
        l->n++;
        return 0;
}

size_t rig_listener(struct rig *rig, int transport, uint16_t port, struct event_listener *ret_listener)
{
        struct listeners l = { .rig = rig, .transport = transport, .port = port };

        assert_int_equal(probe_listeners(rig->probe, listener_note, &l), 0);
        if (l.n)
                *ret_listener = l.last;
        return l.n;
}
