#include "coordinator/daemon.h"
#include "coordinator/aside.h"
#include "coordinator/conduct.h"
#include "coordinator/daemon_internal.h"
#include "coordinator/http.h"
#include "coordinator/people.h"
#include "coordinator/recorder.h"
#include "coordinator/signature.h"
#include "coordinator/store.h"
#include "proto/arena.h"
#include "proto/notify.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define ARENA_MAX ((size_t)64 << 20)

static int fail(struct yaml_config_error *error, int r, const char *format, ...) PRINTF_LIKE(3, 4);
static int fail(struct yaml_config_error *error, int r, const char *format, ...)
{
        va_list args;

        va_start(args, format);
        vsnprintf(error->text, sizeof(error->text), format, args);
        va_end(args);
        return r;
}

/* `path` and what is above it. */
static int make_folders(const char *path, mode_t mode)
{
        CLEANUP_FREE char *copy = strdup(path);

        if (!copy)
                return -ENOMEM;
        for (char *p = copy + 1; *p; p++)
                if (*p == '/') {
                        *p = '\0';
                        if (mkdir(copy, 0755) < 0 && errno != EEXIST)
                                return -errno;
                        *p = '/';
                }
        return mkdir(copy, mode) < 0 && errno != EEXIST ? -errno : 0;
}

/* One coordinator a state folder: two would write over each other's history. */
static int lock_state(struct daemon *d, struct yaml_config_error *error)
{
        const char *dir = d->config->state_dir;
        char path[4096];
        int r = make_folders(dir, 0700);

        if (r < 0)
                return fail(error, r, "the state folder %s cannot be made: %s; choose another with --state-dir", dir, strerror(-r));
        snprintf(path, sizeof(path), "%s/lock", dir);
        d->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (d->lock < 0)
                return fail(error, -errno, "the state folder %s cannot be written: %s; choose another with --state-dir", dir,
                            strerror(errno));
        if (flock(d->lock, LOCK_EX | LOCK_NB) < 0)
                return fail(error, -errno,
                            "another coordinator runs with the state folder %s; stop it, or give this one its own with "
                            "--state-dir",
                            dir);
        return 0;
}

static int make_core(struct daemon *d, struct yaml_config_error *error)
{
        struct core_options options = {
                .memory_max = d->config->memory,
                .forget_after = d->config->forget_after,
                .host_stale_after = d->config->stale_after,
        };
        int r;

        if (getrandom(&options.coordinator, sizeof(options.coordinator), 0) != sizeof(options.coordinator) ||
            getrandom(&options.secret, sizeof(options.secret), 0) != sizeof(options.secret))
                return fail(error, -EIO, "the kernel gives no random numbers");
        r = core_new(&options, &d->core);
        if (r == 0)
                core_set_signatures(d->core, d->signatures);
        if (r == 0)
                r = arena_new(ARENA_MAX, &d->arena);
        if (r == 0)
                r = polls_new(&d->polls);
        if (r == 0)
                r = asides_new(d->loop, daemon_answer_made, d, &d->asides);
        if (r == 0)
                r = recorder_new(&d->recorder);
        if (r == 0)
                core_observe(d->core, daemon_on_input, d);
        return r < 0 ? fail(error, r, "the graph cannot be set up: %s", strerror(-r)) : 0;
}

static int open_store(struct daemon *d, struct yaml_config_error *error)
{
        const char *why = "";
        int r = store_open(d->config->state_dir, &d->store, &why);

        if (r < 0)
                return fail(error, r, "%s (%s): %s", why, d->config->state_dir, strerror(-r));
        r = store_load(d->store, d->core, clock_wall());
        if (r == 0 && daemon_audit_open(d) < 0)
                return fail(error, -ENOMEM, "out of memory");
        return r < 0 ? fail(error, r, "the history in %s cannot be read: %s", d->config->state_dir, strerror(-r)) : 0;
}

static int open_log(struct daemon *d, struct yaml_config_error *error)
{
        int r = conduct_new(d->core, d->audit, &d->conduct);

        if (r == 0) {
                conduct_on_orders(d->conduct, daemon_on_orders, d);
                conduct_set_policy(d->conduct, &d->config->policy);
                r = people_new(d->loop, d->config->state_dir, &d->config->people, &d->people);
        }
        return r < 0 ? fail(error, r, "acting cannot be set up: %s", strerror(-r)) : 0;
}

#define OTHER_DESCRIPTORS 192 /* files, HTTP, children that make answers */

/* As many connections as there can be descriptors: without any left nobody could be let in, and
 * nobody be turned away either, the control socket included. */
static uint32_t connections_possible(uint64_t wanted)
{
        struct rlimit limit;

        if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
                return (uint32_t)wanted;
        if (limit.rlim_cur < wanted + OTHER_DESCRIPTORS) {
                limit.rlim_cur = MIN(limit.rlim_max, (rlim_t)wanted + OTHER_DESCRIPTORS);
                if (setrlimit(RLIMIT_NOFILE, &limit) < 0 && getrlimit(RLIMIT_NOFILE, &limit) < 0)
                        return (uint32_t)wanted;
        }
        if (limit.rlim_cur >= wanted + OTHER_DESCRIPTORS)
                return (uint32_t)wanted;
        wanted = limit.rlim_cur > 2 * OTHER_DESCRIPTORS ? limit.rlim_cur - OTHER_DESCRIPTORS : limit.rlim_cur / 2;
        log_notice("daemon", "at most %" PRIu64 " connections: the limit of open files (LimitNOFILE=, ulimit -n) is %" PRIu64,
                   wanted, (uint64_t)limit.rlim_cur);
        return (uint32_t)wanted;
}

static int make_endpoint(struct daemon *d, struct yaml_config_error *error)
{
        const struct config *c = d->config;
        struct endpoint_options options = {
                .connections_max = connections_possible(c->connections),
                .connections_per_peer = (uint32_t)c->connections_per_peer,
                .requests_per_connection = (uint32_t)c->requests_per_connection,
                .request_bytes_max = c->request_size,
                .ca_file = c->ca,
                .certificate_file = c->certificate,
                .key_file = c->key,
        };
        const char *why = "";
        char url[4200], *slash;
        int r = endpoint_new(d->loop, &options, &daemon_endpoint_functions, d, &d->endpoint, &why);

        if (r < 0)
                return fail(error, r, "%s", why);
        for (size_t i = 0; i < c->listen.count; i++) {
                r = endpoint_listen(d->endpoint, c->listen.items[i], &why);
                if (r < 0)
                        return fail(error, r, "cannot listen on %s: %s", c->listen.items[i], why);
        }
        snprintf(url, sizeof(url), "%s", c->control);
        slash = strrchr(url, '/');
        if (slash && slash != url) {
                *slash = '\0';
                r = make_folders(url, 0750);
                if (r < 0)
                        return fail(error, r, "the folder %s of the control socket cannot be made: %s", url, strerror(-r));
        }
        snprintf(url, sizeof(url), "ipc://%s", c->control);
        r = endpoint_listen(d->endpoint, url, &why);
        return r < 0 ? fail(error, r, "cannot open the control socket %s: %s", c->control, why) : 0;
}

/* What is left over when the portion of one save is full follows with the next tick. */
static void save(struct daemon *d, int64_t now)
{
        int more = store_save(d->store, d->core, clock_wall());

        d->save_due = now + (more > 0 ? NSEC_PER_SEC : d->config->save_every);
}

static void on_tick(void *data, int64_t now)
{
        struct daemon *d = data;

        /* Smoothed, so that one slow question does not silence every agent. */
        d->lag = (3 * d->lag + MAX(now - d->tick_due, 0)) / 4;
        daemon_begin_tick(d);
}

void daemon_tick_done(struct daemon *d)
{
        int64_t now = clock_monotonic();

        if (d->http)
                http_tick(d->http);
        recorder_expire(d->recorder, now);
        daemon_audit_tick(d, now);
        conduct_tick(d->conduct, clock_wall(), now);
        people_tick(d->people, d->core, d->signatures, d->conduct, clock_wall(), now);
        if (now >= d->save_due)
                save(d, now);
        if (d->watchdog_every && now >= d->watchdog_due) {
                notify_send("WATCHDOG=1");
                d->watchdog_due = now + d->watchdog_every;
        }
        d->tick_due = MAX(d->tick_due + NSEC_PER_SEC, now);
        if (loop_set_timer(d->tick, d->tick_due) < 0)
                loop_stop(d->loop, -EIO);
}

static void on_wake(void *data, int64_t now)
{
        daemon_answer_polls(data, now);
}

static void set_log_level(const char *name)
{
        enum log_level level;

        if (log_level_parse(name, &level) == 0)
                log_set_level(level);
}

static void reload(struct daemon *d)
{
        struct yaml_config_error error = { "" };
        struct people_config former;
        struct config fresh;
        const char *why = "";
        int r;

        notify_send("RELOADING=1");
        r = config_reload(&fresh, &error);
        if (r < 0) {
                log_error("daemon", "configuration unchanged: %s", error.text);
                daemon_audit_configuration(d, "reloaded", error.text);
        } else {
                log_notice("daemon", "configuration read again; keys that cannot change now are taken over at the next start");
                d->config->save_every = fresh.save_every;
                free(d->config->log_level);
                d->config->log_level = TAKE_PTR(fresh.log_level);
                set_log_level(d->config->log_level);
                d->config->policy = fresh.policy;
                conduct_set_policy(d->conduct, &fresh.policy);
                former = d->config->people;
                d->config->people = fresh.people;
                fresh.people = former; /* freed with the rest */
                people_configured(d->people);
                r = daemon_load_signatures(d, &fresh.signatures, &error);
                if (r < 0)
                        log_error("daemon", "signatures unchanged: %s", error.text);
                daemon_audit_configuration(d, "reloaded", r < 0 ? error.text : NULL);
                config_free(&fresh);
        }
        if (d->config->ca) {
                r = endpoint_reload(d->endpoint, &why);
                if (r < 0)
                        log_error("daemon", "certificates unchanged: %s", why);
                else
                        log_notice("daemon", "certificates read again");
        }
        notify_send("READY=1");
}

static void on_signal(void *data, int signal_number)
{
        struct daemon *d = data;

        if (signal_number == SIGHUP) {
                reload(d);
                return;
        }
        log_notice("daemon", "stopping on SIG%s", sigabbrev_np(signal_number));
        loop_stop(d->loop, 0);
}

static int make_loop(struct daemon *d, struct yaml_config_error *error)
{
        static const int numbers[] = { SIGTERM, SIGINT, SIGHUP };
        int r = loop_new(&d->loop);

        for (size_t i = 0; i < ARRAY_SIZE(numbers) && r == 0; i++)
                r = loop_add_signal(d->loop, numbers[i], on_signal, d, &d->signals[i]);
        if (r == 0)
                r = loop_add_timer(d->loop, on_tick, d, &d->tick);
        if (r == 0)
                r = loop_add_timer(d->loop, on_wake, d, &d->wake);
        if (r == 0)
                r = loop_add_timer(d->loop, daemon_on_work, d, &d->work);
        return r < 0 ? fail(error, r, "the event loop cannot be set up: %s", strerror(-r)) : 0;
}

int daemon_new(struct config *config, struct daemon **ret_daemon, struct yaml_config_error *ret_error)
{
        struct daemon *d = calloc(1, sizeof(*d));
        int r;

        if (!d)
                return fail(ret_error, -ENOMEM, "out of memory");
        d->config = config;
        d->lock = -1;
        d->waiting_tail = &d->waiting;
        d->started = clock_monotonic();
        d->refusals = (struct log_gate){ .interval_ns = NSEC_PER_SEC, .burst = 5 };
        set_log_level(config->log_level);
        r = make_loop(d, ret_error);
        if (r == 0)
                r = daemon_load_signatures(d, &config->signatures, ret_error);
        if (r == 0)
                r = lock_state(d, ret_error);
        if (r == 0)
                r = make_core(d, ret_error);
        if (r == 0)
                r = open_store(d, ret_error);
        if (r == 0)
                r = open_log(d, ret_error);
        if (r == 0)
                r = make_endpoint(d, ret_error);
        if (r == 0 && strcmp(config->http, "off"))
                r = http_new(d, ret_error, &d->http);
        if (r < 0) {
                daemon_free(&d);
                return r;
        }
        daemon_audit_configuration(d, "started", NULL);
        *ret_daemon = d;
        return 0;
}

int daemon_run(struct daemon *d)
{
        int r;

        d->watchdog_every = notify_watchdog_ns();
        d->tick_due = clock_monotonic();
        d->save_due = d->tick_due + d->config->save_every;
        r = loop_set_timer(d->tick, d->tick_due);
        if (r < 0)
                return r;
        for (size_t i = 0; i < d->config->listen.count; i++)
                log_notice("daemon", "agents connect to %s", d->config->listen.items[i]);
        log_notice("daemon", "version %s, control socket %s, HTTP %s", NIGHTSHIFT_VERSION, d->config->control, d->config->http);
        notify_send("READY=1");
        r = loop_run(d->loop);
        notify_send("STOPPING=1");
        (void)store_flush(d->store, d->core, clock_wall());
        return r;
}

void daemon_free(struct daemon **daemon)
{
        struct daemon *d = *daemon;

        *daemon = NULL;
        if (!d)
                return;
        http_free(&d->http);
        endpoint_free(&d->endpoint);
        daemon_work_free(d);
        asides_free(&d->asides);
        people_free(&d->people);
        conduct_free(&d->conduct);
        daemon_audit_free(d);
        polls_free(&d->polls);
        arena_free(&d->arena);
        core_free(&d->core);
        signatures_free(&d->signatures);
        recorder_free(&d->recorder);
        store_close(&d->store);
        loop_free(&d->loop);
        text_free(&d->text);
        fd_close(&d->lock);
        free(d);
}
