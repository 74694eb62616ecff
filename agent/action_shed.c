/* connect.shed: keeps the processes of a service from opening more than some new connections a second to one server,
 * which the host's own file names with its addresses and port. What is open stays, and so does all else; who is refused
 * gets EPERM. The kernel looks at the deadline itself. Refused unless the cgroup has exactly the processes that the plan
 * names. */
#include "agent/config_services.h"
#include "agent/digest.h"
#include "agent/probe_shed.h"
#include "agent/target.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define STEPS_NS (20 * NSEC_PER_SEC)
#define AHEAD 10 /* of a second's connections the tenth part may come at once */

struct inverse {
        uint64_t cgroup;
        char path[512];
};

static const char *forbids(const struct service *service)
{
        return service->shed.present ? NULL : "its shed is not set";
}

static bool never(const struct service *service)
{
        (void)service;
        return false;
}

static int64_t lease_max(const struct service *service)
{
        return service->shed.within;
}

static int64_t patience(const struct service *service)
{
        (void)service;
        return STEPS_NS;
}

static struct action_key key_of(const struct action_call *call)
{
        return (struct action_key){ call->order->key_high, call->order->key_low };
}

static void state_of(uint64_t cgroup, unsigned programs, struct action_digest *ret_digest)
{
        digest_text(ret_digest, "cgroup %llu, %u programs", (unsigned long long)cgroup, programs);
}

static void read_address(const char *text, uint8_t ret_bytes[16])
{
        struct in_addr v4;

        if (inet_pton(AF_INET, text, &v4) == 1) {
                memset(ret_bytes, 0, 10);
                memset(ret_bytes + 10, 0xff, 2);
                memcpy(ret_bytes + 12, &v4, 4);
        } else {
                (void)inet_pton(AF_INET6, text, ret_bytes); /* the file's reader saw that it is one */
        }
}

static struct event_shed limit_of(const struct config_server *server, uint32_t rate, int64_t lease_end)
{
        struct event_shed limit = { .deadline = (uint64_t)lease_end,
                                    .interval_ns = rate ? (uint64_t)NSEC_PER_SEC / rate : 0,
                                    .port = (uint32_t)server->port,
                                    .addresses_count = (uint32_t)server->addresses.count };

        limit.ahead_ns = rate > AHEAD ? (rate / AHEAD - 1) * limit.interval_ns : 0;
        for (size_t i = 0; i < server->addresses.count; i++)
                read_address(server->addresses.items[i], limit.addresses[i]);
        return limit;
}

/* The cgroup and the server, if all is as the plan has it; else the result says why not. */
static const struct config_server *find(struct action_call *call, struct target_cgroup *ret_cgroup)
{
        const struct config_server *server = config_servers_find(&call->service->shed.servers, call->order->server);
        const char *why;
        int r;

        ret_cgroup->fd = -1;
        if (!server || call->order->rate < (uint64_t)call->service->shed.rate) {
                action_unchanged(call, ACTION_REASON_PARAMETERS,
                                 server ? "the file allows no rate below %lld" : "the server is not in the file",
                                 (long long)call->service->shed.rate);
                return NULL;
        }
        r = probe_shed_check(&why);
        if (r < 0) {
                action_unchanged(call, ACTION_REASON_UNSUPPORTED, "%s", why);
                return NULL;
        }
        if (target_cgroup_find(call, ret_cgroup) < 0)
                return NULL;
        if (probe_shed_pinned(key_of(call)) > 0) {
                action_unchanged(call, ACTION_REASON_CHANGED, "there is a limit of that key already");
                target_cgroup_close(ret_cgroup);
                return NULL;
        }
        call->result.outcome = REMEDY_DONE;
        state_of(ret_cgroup->id, 0, &call->result.former);
        action_say(call, "new connections of %u processes to %.64s, port %lld: %u a second", call->result.touched, server->service,
                   (long long)server->port, call->order->rate);
        return server;
}

static void check(struct action_call *call)
{
        struct target_cgroup cgroup;

        if (find(call, &cgroup))
                target_cgroup_close(&cgroup);
}

static void inverse(struct action_call *call)
{
        struct inverse *to = (struct inverse *)(void *)call->inverse;
        struct target_cgroup cgroup;

        if (!find(call, &cgroup))
                return;
        *to = (struct inverse){ .cgroup = cgroup.id };
        snprintf(to->path, sizeof(to->path), "%s", cgroup.path);
        call->inverse_size = sizeof(*to);
        target_cgroup_close(&cgroup);
}

static void apply(struct action_call *call)
{
        struct target_cgroup cgroup;
        const struct config_server *server = find(call, &cgroup);
        struct event_shed limit;
        const char *why;
        uint32_t count;
        int r;

        if (!server)
                return;
        limit = limit_of(server, call->order->rate, call->lease_end);
        r = probe_shed_attach(key_of(call), cgroup.fd, &limit, &why);
        if (r < 0)
                action_failed(call, ACTION_REASON_FAILED, "%s: %s", why, strerror(-r));
        else if (target_is_alone(call, &cgroup, &count) < 0)
                call->result.outcome = REMEDY_FAILED; /* one was born meanwhile: more would be touched than was named */
        else
                state_of(cgroup.id, probe_shed_pinned(key_of(call)), &call->result.present);
        target_cgroup_close(&cgroup);
}

static int open_kept(const struct action_call *call, struct target_cgroup *ret_cgroup)
{
        const struct inverse *from = (const struct inverse *)(const void *)call->inverse;

        ret_cgroup->fd = -1;
        return call->inverse_size == sizeof(*from) ? target_cgroup_open(from->path, from->cgroup, ret_cgroup) : -EBADMSG;
}

/* By what the cgroup lists as attached. */
static void verify(struct action_call *call)
{
        struct target_cgroup cgroup;
        unsigned count;

        call->result.outcome = REMEDY_DONE;
        call->result.verdict = ACTION_VERDICT_UNKNOWN;
        if (open_kept(call, &cgroup) == 0 && probe_shed_listed(key_of(call), cgroup.fd, &count) == 0)
                call->result.verdict = count == 2 ? ACTION_VERDICT_VERIFIED : ACTION_VERDICT_FALSIFIED;
        target_cgroup_close(&cgroup);
}

static void extend(struct action_call *call)
{
        int r = probe_shed_extend(key_of(call), (uint64_t)call->lease_end);

        if (r < 0)
                action_failed(call, ACTION_REASON_FAILED, "the kernel was not told the new deadline: %s", strerror(-r));
        else
                call->result.outcome = REMEDY_DONE;
}

static void revert(struct action_call *call)
{
        struct event_shed_counts counts = { 0 };
        struct target_cgroup cgroup;
        int r = open_kept(call, &cgroup);
        int counted = probe_shed_counts(key_of(call), &counts);
        int detached = r == -EBADMSG ? r : probe_shed_detach(key_of(call));

        if (detached < 0) {
                action_failed(call, ACTION_REASON_FAILED, "cannot take the limit away: %s", strerror(-detached));
        } else if (r == -ENOENT) {
                call->result.outcome = REMEDY_GONE;
        } else if (r < 0) {
                action_failed(call, ACTION_REASON_FAILED, "cannot look at the cgroup: %s", strerror(-r));
        } else {
                call->result.outcome = REMEDY_DONE;
                state_of(cgroup.id, probe_shed_pinned(key_of(call)), &call->result.present);
                if (counted == 0)
                        action_say(call, "%llu connections passed, %llu were refused", (unsigned long long)counts.passed,
                                   (unsigned long long)counts.refused);
        }
        target_cgroup_close(&cgroup);
}

const struct action action_shed = {
        .kind = ACTION_CONNECT_SHED,
        .temporary = true,
        .gone_with_boot = true,
        .capabilities = ACTION_NEEDS_BPF | ACTION_NEEDS_NETWORK,
        .forbids = forbids,
        .one_way = never,
        .lease_max = lease_max,
        .patience = patience,
        .check = check,
        .inverse = inverse,
        .apply = apply,
        .verify = verify,
        .extend = extend,
        .revert = revert,
};
