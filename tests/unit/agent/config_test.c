/* The configuration: what is read, and that each error names file, line, key and expectation. */
#include "agent/config.h"
#include "agent/config_services.h"
#include "agent/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char path[64];

static int load(const char *text, struct config *ret_config, struct yaml_config_error *ret_error)
{
        FILE *file = fopen(path, "w");

        assert_non_null(file);
        fputs(text, file);
        fclose(file);
        return config_load(path, ret_config, ret_error);
}

static int set_up(void **state)
{
        int fd;

        (void)state;
        strcpy(path, "/tmp/config-test-XXXXXX");
        fd = mkstemp(path);
        assert_true(fd >= 0);
        close(fd);
        return 0;
}

static int tear_down(void **state)
{
        (void)state;
        return unlink(path);
}

/* The example of the documentation. */
static const char example[] =
        "labels: {environment: production, zone: a}\n"
        "services:\n"
        "  payments:\n"
        "    match: {unit: payments.service}\n"
        "    restart_safe: {drain: {argv: [/usr/local/bin/drain, payments], timeout: 30s}, ready: {port: 8080, within: 20s}}\n"
        "    rollback: {barriers: /srv/payments/barriers, driver: release-link, link: /srv/payments/current, releases: "
        "/srv/payments/releases, unit: payments.service}\n"
        "  ledger-consumer:\n"
        "    match: {unit: \"ledger-consumer@.service\"}\n"
        "    scale: {driver: systemd-template, unit: \"ledger-consumer@.service\", min: 1, max: 6}\n"
        "  shop: {match: {unit: shop.service}, pools: [{port: 5432, max: 40}, {max: 7, port: 6379}]}\n"
        "limits: {actions_per_hour: 4, concurrent: 1}\n"
        "allow: [service.rollback, service.scale, connect.shed]\n";

static void the_example(void **state)
{
        struct yaml_config_error error;
        static const struct summary_identity shop = { .kind = IDENTITY_EXPLICIT, .service = "shop" },
                                             guessed = { .kind = IDENTITY_UNIT, .service = "shop" },
                                             other = { .kind = IDENTITY_EXPLICIT, .service = "payments" };
        const struct service_match *m;
        struct config config;

        (void)state;
        assert_int_equal(load(example, &config, &error), 0);
        assert_string_equal(config.coordinator, "tcp://127.0.0.1:7337");
        assert_int_equal(config.interval, 10 * NSEC_PER_SEC);
        assert_int_equal(config.labels_count, 2);
        assert_string_equal(config.labels[1].value, "a");
        m = config_matches(&config);
        assert_string_equal(m->service, "payments");
        assert_string_equal(m->unit, "payments.service");
        assert_true(config.services->restart_safe.present);
        assert_string_equal(config.services->restart_safe.drain_argv.items[1], "payments");
        assert_int_equal(config.services->restart_safe.ready_within, 20 * NSEC_PER_SEC);
        assert_string_equal(config.services->rollback.link, "/srv/payments/current");
        m = m->next;
        assert_string_equal(m->service, "ledger-consumer");
        assert_int_equal(((const struct service *)(const void *)m)->scale.max, 6);
        m = m->next;
        assert_null(m->next);
        assert_int_equal(config_pools_max(config.services, &shop, 5432), 40);
        assert_int_equal(config_pools_max(config.services, &shop, 6379), 7);
        assert_int_equal(config_pools_max(config.services, &shop, 5433), 0);
        assert_int_equal(config_pools_max(config.services, &guessed, 5432), 0);
        assert_int_equal(config_pools_max(config.services, &other, 5432), 0);
        assert_int_equal(__builtin_popcount(config.allow), 3);
        config_free(&config);
}

static void an_empty_file(void **state)
{
        struct yaml_config_error error;
        struct config config;

        (void)state;
        assert_int_equal(load("", &config, &error), 0);
        config_free(&config);
        assert_int_equal(load("# nothing\n", &config, &error), 0);
        assert_null(config_matches(&config));
        config_free(&config);
}

static const struct {
        const char *text;
        int line;
        const char *key, *expected;
} bad[] = {
        { "intervall: 3s\n", 1, "intervall", "expected one of: coordinator" },
        { "labels: {a: b}\ninterval: soon\n", 2, "interval", "expected a duration" },
        { "interval: 10ms\n", 1, "interval", "from 1s to 1h" },
        { "tls:\n  ca: /a\n  sertificate: /b\n", 3, "tls.sertificate", "expected one of: ca, certificate, key" },
        { "tier: deep\n", 1, "tier", "expected connections or turnarounds" },
        { "labels: [a]\n", 1, "labels", "expected a mapping of labels" },
        { "labels:\n  a: 1\n  a: 2\n", 3, "labels", "given twice" },
        { "labels:\n  a: {b: c}\n", 2, "labels", "expected a label and its value as texts" },
        { "allow: [service.rollback, service.destroy]\n", 1, "allow",
          "expected an action such as service.rollback, found 'service.destroy'" },
        { "allow: service.rollback\n", 1, "allow", "expected a list of actions" },
        { "limits: {actions_per_hour: many}\n", 1, "limits.actions_per_hour", "expected a whole number" },
        { "services:\n  a:\n    mach: {unit: x}\n", 3, "services.a", "unknown key 'mach'; expected one of: match, restart_safe" },
        { "services:\n  a:\n    match: {unit: x, name: y}\n", 3, "services.a.match", "expected one of: unit, executable, cgroup" },
        { "services:\n  a:\n    rollback: {}\n", 3, "services.a.rollback", "expected the key 'driver'" },
        { "services:\n  a:\n    scale: {driver: systemd-template, unit: u@.service, max: 3}\n", 3, "services.a",
          "expected the key 'match'" },
        { "services:\n  a:\n    match: {}\n", 3, "services.a", "expected at least one key under match" },
        { "services:\n  a:\n    match: {unit: u}\n    scale: {driver: systemd-template, unit: u@.service, min: 4, max: 3}\n", 3,
          "services.a", "expected scale.min to be at most scale.max" },
        { "services:\n  a:\n    match: {unit: u}\n    scale: {driver: magic, unit: u@.service, max: 3}\n", 4,
          "services.a.scale.driver", "expected systemd-template|commands, found 'magic'" },
        { "services:\n  a:\n    match:\n      unit: u\n      cgroup: relative\n", 5, "services.a.match.cgroup",
          "expected an absolute path" },
        { "services:\n  a:\n    match: {unit: u}\n    restart_safe:\n      ready:\n        port: 70000\n", 6,
          "services.a.restart_safe.ready.port", "expected a whole number from 1 to 65535, found '70000'" },
        { "services:\n  a:\n    match: {unit: u}\n    restart_safe:\n      drain:\n        argv: /bin/drain\n", 6,
          "services.a.restart_safe.drain.argv", "expected a list of texts" },
        { "services:\n  a: {match: {unit: u}}\n  b: {match: {unit: v}}\n  a: {match: {unit: w}}\n", 4, "services",
          "'a' is given twice" },
        { "services:\n  a:\n    match: {unit: u, unit: v}\n", 3, "services.a.match.unit", "given twice" },
        { "services: {a: &x {match: *x}}\n", 1, "services.a.match", "unknown key 'match'" },
        { "services:\n  a:\n    match: {unit: u}\n    pools: {port: 5432, max: 40}\n", 4, "services.a.pools",
          "expected a list of pools, such as [{port: 5432, max: 20}]" },
        { "services:\n  a:\n    match: {unit: u}\n    pools: []\n", 4, "services.a.pools", "expected a list of pools" },
        { "services:\n  a:\n    match: {unit: u}\n    pools: [5432]\n", 4, "services.a.pools", "expected a pool, such as" },
        { "services:\n  a:\n    match: {unit: u}\n    pools:\n      - {port: 1, max: 2}\n      - {port: 70000, max: 2}\n", 6,
          "services.a.pools.port", "expected a whole number from 1 to 65535, found '70000'" },
        { "services:\n  a:\n    match: {unit: u}\n    pools: [{port: 1, max: 0}]\n", 4, "services.a.pools.max",
          "expected a whole number from 1 to 1000000, found '0'" },
        { "services:\n  a:\n    match: {unit: u}\n    pools: [{port: 1, max: [2]}]\n", 4, "services.a.pools.max", "found a list" },
        { "services:\n  a:\n    match: {unit: u}\n    pools: [{port: 1}]\n", 4, "services.a.pools", "expected the key 'max'" },
        { "services:\n  a:\n    match: {unit: u}\n    pools: [{port: 1, max: 2, to: x}]\n", 4, "services.a.pools",
          "unknown key 'to'; expected one of: port, max" },
        { "services:\n  a:\n    match: {unit: u}\n    pools: [{port: 1, max: 2, port: 1}]\n", 4, "services.a.pools.port",
          "given twice" },
        { "services:\n  a:\n    match: {unit: u}\n    pools: [{port: 1, max: 2}, {port: 1, max: 3}]\n", 4, "services.a.pools",
          "port 1 is given twice" },
        { "services:\n  a:\n    match: {unit: u}\n    rollback: {driver: drop-in, link: /l, unit: u.service}\n", 4,
          "services.a.rollback", "expected the key 'releases', which the driver drop-in needs" },
        { "services:\n  a:\n    match: {unit: u}\n    scale: {driver: commands, state: [/s], do: [/d], max: 3}\n", 4,
          "services.a.scale", "expected the key 'undo', which the driver commands needs" },
        { "services:\n  a:\n    match: {unit: u}\n    scale: {driver: systemd-template, unit: u@1.service, max: 3}\n", 4,
          "services.a.scale.unit", "expected the name of a template unit such as ledger@.service, found 'u@1.service'" },
        { "services:\n  a:\n    match: {unit: u}\n    suspend: {driver: systemd, unit: u@.service}\n", 3, "services.a",
          "expected suspend.max, which a template needs" },
        { "services:\n  a:\n    match: {unit: u}\n    limit: {within: 1m, memory: 1k}\n", 4, "services.a.limit.memory",
          "expected a size from 1048576 to" },
        { "services:\n  a:\n    match: {unit: u}\n    limit: {within: 1m, io: 1M}\n", 3, "services.a",
          "expected limit.device, which limit.io needs" },
        { "services:\n  a:\n    match: {unit: u}\n    shed: {within: 1m, rate: 1, servers: [{service: d, addresses: [db], port: "
          "1}]}\n",
          4, "services.a.shed.servers.addresses", "expected a list of IP addresses, found 'db'" },
        { "services:\n  a:\n    match: {unit: u}\n    shed: {within: 1m, rate: 1, servers: [{service: d, port: 1}]}\n", 4,
          "services.a.shed.servers", "expected the key 'addresses', which is missing" },
        { "services:\n  a:\n    match: {unit: u}\n    shed: {within: 1m, rate: 1, servers: []}\n", 4, "services.a.shed.servers",
          "expected a list of 1 to 64 servers" },
        { "a: [\n", 2, "", "expected YAML" },
        { "interval: 3s\ninterval: 4s\n", 2, "interval", "given twice" },
};

static void errors_name_all(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                struct yaml_config_error error = { "" };
                struct config config;
                char where[128];

                assert_int_equal(load(bad[i].text, &config, &error), -EBADMSG);
                print_message("# %s\n", error.text);
                snprintf(where, sizeof(where), "%s:%d: ", path, bad[i].line);
                assert_int_equal(strncmp(error.text, where, strlen(where)), 0);
                assert_non_null(strstr(error.text, bad[i].key));
                assert_non_null(strstr(error.text, bad[i].expected));
        }
}

static void missing_file(void **state)
{
        struct yaml_config_error error = { "" };
        struct config config;

        (void)state;
        assert_int_equal(config_load("/nonexistent/agent.yaml", &config, &error), -ENOENT);
        assert_non_null(strstr(error.text, "/nonexistent/agent.yaml"));
}

static void command_line_wins(void **state)
{
        char *argv[] = { "x", "--coordinator", "tcp://127.0.0.1:1", "--interval=3", "--host", "h", "--scope", "cgroup=/a", NULL };
        struct yaml_config_error error;
        struct options options;
        struct config config;
        const char *why;

        (void)state;
        assert_int_equal(options_parse(8, argv, &options, &why), 0);
        assert_string_equal(options.scope, "/a");
        assert_int_equal(load("interval: 60s\nhost: file\nstate_dir: /s\n", &config, &error), 0);
        assert_int_equal(config_override(&config, &options), 0);
        assert_int_equal(config.interval, 3 * NSEC_PER_SEC);
        assert_string_equal(config.host, "h");
        assert_string_equal(config.state_dir, "/s");
        config_free(&config);
}

static void wrong_usage(void **state)
{
        static char *const lines[][3] = { { "x", "--nonsense", NULL }, { "x", "--interval", "0" }, { "x", "--interval", NULL },
                                          { "x", "extra", NULL },      { "x", "--scope", "/a" },   { "x", "--host", "" } };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
                char *argv[4] = { lines[i][0], lines[i][1], lines[i][2], NULL };
                struct options options;
                const char *why = NULL;

                assert_int_equal(options_parse(lines[i][2] ? 3 : 2, argv, &options, &why), -EINVAL);
                assert_non_null(why);
                print_message("# %s\n", why);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(the_example),       cmocka_unit_test(an_empty_file),
                                            cmocka_unit_test(errors_name_all),   cmocka_unit_test(missing_file),
                                            cmocka_unit_test(command_line_wins), cmocka_unit_test(wrong_usage) };

        return cmocka_run_group_tests(tests, set_up, tear_down);
}
