#include "agent/daemon.h"

#include "agent/agent.h"
#include "agent/executor.h"
#include "agent/privileges.h"
#include "agent/probe.h"
#include "agent/scope.h"
#include "agent/uplink.h"
#include "proto/log.h"
#include "proto/notify.h"

#include <signal.h>
#include <string.h>

#define GRACE_NS (2 * NSEC_PER_SEC)
#define EXECUTOR_GRACE_NS (30 * NSEC_PER_SEC) /* to undo what must be undone */

static int load(const struct options *options, struct config *ret_config)
{
        struct yaml_config_error error = { "" };
        int r = config_load(options->config, ret_config, &error);

        if (r < 0) {
                log_error("config", "%s", error.text[0] ? error.text : strerror(-r));
                return r;
        }
        return config_override(ret_config, options);
}

static void on_stop(void *data, int signal_number)
{
        struct daemon *d = data;

        log_notice("agent", "stopping on %s", signal_number == SIGTERM ? "SIGTERM" : "SIGINT");
        loop_stop(d->loop, 0);
}

static void on_reload(void *data, int signal_number)
{
        struct daemon *d = data;
        struct config config;

        (void)signal_number;
        notify_send("RELOADING=1");
        if (load(&d->options, &config) == 0) {
                struct config before = d->config;

                config_log_fixed(&before, &config);
                d->config = config;
                if (d->executor)
                        executor_reload(d->executor);
                else if (config.allow)
                        log_notice("config", "no action was allowed at the start: `allow` counts from the next one on");
                if (agent_reconfigure(d->agent, &d->config) < 0)
                        log_error("config", "no memory to take over all of the configuration");
                config_free(&before);
                log_notice("config", "read again");
        } else {
                log_error("config", "the configuration stays as it was");
        }
        notify_send("READY=1");
}

static void on_watchdog(void *data, int64_t now)
{
        struct daemon *d = data;

        notify_send("WATCHDOG=1");
        if (loop_set_timer(d->watchdog, now + notify_watchdog_ns()) < 0)
                log_error("agent", "cannot set a timer");
}

static int say(const char *what, int r, const char *why)
{
        log_error("agent", "%s: %s", what, why ? why : strerror(-r));
        return r;
}

static int listen_to_signals(struct daemon *d)
{
        struct loop_source *signals[3];
        int r;

        r = loop_new(&d->loop);
        if (r == 0)
                r = loop_add_signal(d->loop, SIGTERM, on_stop, d, &signals[0]);
        if (r == 0)
                r = loop_add_signal(d->loop, SIGINT, on_stop, d, &signals[1]);
        if (r == 0)
                r = loop_add_signal(d->loop, SIGHUP, on_reload, d, &signals[2]);
        if (r == 0 && notify_watchdog_ns() > 0) {
                r = loop_add_timer(d->loop, on_watchdog, d, &d->watchdog);
                if (r == 0)
                        on_watchdog(d, clock_monotonic());
        }
        return r;
}

static int start(struct daemon *d)
{
        struct uplink_options link = { d->config.coordinator,     d->host.name,      d->config.tls.ca,
                                       d->config.tls.certificate, d->config.tls.key, privileges_link_user() };
        struct probe_options probe = { .pid_namespace = d->host.pid_namespace,
                                       .socks_max = (uint32_t)d->config.probe.connections,
                                       .edges_max = (uint32_t)d->config.probe.edges,
                                       .listeners_max = (uint32_t)d->config.probe.listeners,
                                       .processes_max = (uint32_t)d->config.probe.processes,
                                       .flows_max = (uint32_t)d->config.probe.flows,
                                       .pools_max = (uint32_t)d->config.probe.pools };
        const char *why = NULL;
        int r;

        link.audit_keys = d->config.audit_keys;
        link.audit_keys_count = d->config.audit_keys_count;
        r = checkpoint_load(d->config.state_dir, &link.checkpoint);
        /* What is there stays there, so that none can be kept in its place, and an order rests on one that was. */
        if (r < 0 && r != -ENOENT)
                log_error("agent",
                          "cannot read %s/audit-checkpoint, the checkpoint of the audit log that was seen last: %s; no orders are "
                          "taken",
                          d->config.state_dir, strerror(-r));
        if (!d->options.scope && scope_is_confined()) {
                log_notice("agent", "in a container: watching what runs in it, as with --scope cgroup=/");
                d->options.scope = "/";
        }
        if (d->options.scope) {
                r = scope_resolve(d->options.scope, &probe.scope_cgroup, &probe.scope_level, &why);
                if (r < 0)
                        return say("cannot limit the scope", r, why);
        }
        r = privileges_check(&why);
        if (r < 0)
                return say("cannot start", r, why);
        r = executor_fork(&d->options, &d->config, &d->executor, &why);
        if (r < 0)
                return say("cannot start the executor", r, why);
        r = uplink_fork(&link, d->host.session, &d->uplink, &why);
        if (r < 0)
                return say("cannot start the link", r, why);
        privileges_raise_memlock();
        r = privileges_keep_needed(&why);
        if (r < 0)
                return say("cannot start", r, why);
        r = probe_new(&probe, &d->probe, &why);
        if (r < 0)
                return say("cannot load the probes", r, why);
        r = listen_to_signals(d);
        if (r == 0)
                r = agent_new(&(struct agent_parts){ d->loop, d->probe, d->uplink, d->executor, &d->host, &d->config,
                                                     link.checkpoint.log_size },
                              &d->agent);
        if (r == 0)
                r = agent_start(d->agent);
        return r < 0 ? say("cannot start", r, NULL) : 0;
}

int daemon_run(struct daemon *d)
{
        int r = load(&d->options, &d->config);

        if (r == 0)
                r = host_read(d->config.host, &d->host);
        if (r == 0)
                r = start(d);
        if (r == 0) {
                log_notice("agent", "watching %s for %s", d->host.name, d->config.coordinator);
                notify_send("READY=1");
                r = loop_run(d->loop);
        }
        notify_send("STOPPING=1");
        agent_free(&d->agent);
        probe_free(&d->probe);
        uplink_free(&d->uplink, GRACE_NS);
        executor_free(&d->executor, EXECUTOR_GRACE_NS);
        loop_free(&d->loop);
        config_free(&d->config);
        return r;
}
