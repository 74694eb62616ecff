/* Deployments as the core finds them in summaries: each row of the table in deployment.h. */
#include "tests/unit/coordinator/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define HOSTS 4
#define KEY 77

struct place {
        struct agent agent;
        struct summary_build builds[16];
        struct summary_setting settings[64];
};

static struct core *core;
static struct place places[HOSTS];
static int64_t now;

static struct summary_build *run(struct place *p, const char *service, const char *build, int64_t started)
{
        struct summary_build *b = &p->builds[p->agent.s.builds_count++];

        *b = (struct summary_build){ .identity = agent_service(&p->agent, service),
                                     .processes = 1,
                                     .program = "payd",
                                     .build = build,
                                     .release = "",
                                     .image = "",
                                     .version = "",
                                     .first_started = started,
                                     .last_started = started,
                                     .settings = (uint32_t)p->agent.s.settings_count };
        return b;
}

static void set(struct place *p, struct summary_build *b, enum setting_kind kind, const char *name, uint64_t digest)
{
        p->settings[p->agent.s.settings_count++] = (struct summary_setting){ kind, name, digest };
        b->settings_count++;
}

/* From now on the host runs nothing, until it is told what. */
static void stop(struct place *p)
{
        p->agent.s.builds_count = p->agent.s.settings_count = 0;
}

static void say(struct place *p)
{
        assert_int_equal(agent_send(&p->agent, core, now), 0);
}

static void begin(struct place *p, const char *name, int64_t at)
{
        agent_start(&p->agent, name, 1000 + (uint64_t)(p - places), at);
        p->agent.s.builds = p->builds;
        p->agent.s.settings = p->settings;
        p->agent.s.settings_key = KEY;
}

static int set_up(void **state)
{
        static const char *const names[HOSTS] = { "a", "b", "c", "d" };

        (void)state;
        assert_int_equal(core_new(NULL, &core), 0);
        memset(places, 0, sizeof(places));
        now = T0;
        for (int i = 0; i < HOSTS; i++)
                begin(&places[i], names[i], T0 - SECONDS(3600));
        return 0;
}

static int tear_down(void **state)
{
        (void)state;
        core_free(&core);
        return 0;
}

static struct view *list(void)
{
        struct view_query q = { .parts = VIEW_DEPLOYMENTS };
        struct view *v;

        assert_int_equal(core_view(core, now, &q, &v), 0);
        return v;
}

static size_t count(void)
{
        struct view *v = list();
        size_t n = v->deployments_count;

        view_free(&v);
        return n;
}

/* All hosts run build 1 since long ago. */
static void settled(int hosts)
{
        for (int i = 0; i < hosts; i++) {
                run(&places[i], "pay", "1", T0 - SECONDS(7200));
                say(&places[i]);
        }
        now += SECONDS(600);
}

static void replace(struct place *p, const char *build)
{
        stop(p);
        run(p, "pay", build, now - SECONDS(5));
        say(p);
}

static void a_first_sight_is_none(void **state)
{
        (void)state;
        settled(2);
        assert_int_equal(count(), 0);
        /* A host whose agent comes later, with another build that ran before. */
        begin(&places[2], "c", now);
        run(&places[2], "pay", "2", now - SECONDS(7200));
        say(&places[2]);
        assert_int_equal(count(), 0);
}

static void a_restart_is_none(void **state)
{
        (void)state;
        settled(2);
        replace(&places[0], "1");
        stop(&places[1]);
        say(&places[1]);
        now += SECONDS(60);
        replace(&places[1], "1");
        assert_int_equal(count(), 0);
}

static void one_host(void **state)
{
        struct view *v;

        (void)state;
        settled(1);
        replace(&places[0], "2");
        v = list();
        assert_int_equal(v->deployments_count, 1);
        assert_string_equal(v->deployments[0].service, "pay");
        assert_string_equal(v->deployments[0].from, "1");
        assert_string_equal(v->deployments[0].to, "2");
        assert_int_equal(v->deployments[0].at, now - SECONDS(5));
        assert_int_equal(v->deployments[0].ended_at, now - SECONDS(5));
        assert_int_equal(v->deployments[0].end, DEPLOYMENT_DONE);
        assert_true(v->deployments[0].observed);
        view_free(&v);
}

static void rolling_is_one(void **state)
{
        struct view *v;
        int64_t first = 0;

        (void)state;
        settled(3);
        for (int i = 0; i < 3; i++) {
                now += SECONDS(900);
                for (int k = 0; k < 3; k++)
                        say(&places[k]);
                first = first ? first : now - SECONDS(5);
                replace(&places[i], "2");
                v = list();
                assert_int_equal(v->deployments_count, 1);
                assert_int_equal(v->deployments[0].end, i == 2 ? DEPLOYMENT_DONE : DEPLOYMENT_OPEN);
                view_free(&v);
        }
        v = list();
        assert_int_equal(v->deployments[0].at, first);
        assert_int_equal(v->deployments[0].ended_at, now - SECONDS(5));
        assert_int_equal(v->deployments[0].hosts.count, 3);
        view_free(&v);
        /* Later restarts of the new build are none of it. */
        now += SECONDS(60);
        replace(&places[1], "2");
        v = list();
        assert_int_equal(v->deployments_count, 1);
        assert_int_equal(v->deployments[0].ended_at, now - SECONDS(65));
        view_free(&v);
}

static void a_canary_taken_back(void **state)
{
        struct view *v;

        (void)state;
        settled(3);
        replace(&places[0], "2");
        now += SECONDS(120);
        replace(&places[0], "1");
        v = list();
        assert_int_equal(v->deployments_count, 1);
        assert_int_equal(v->deployments[0].end, DEPLOYMENT_TAKEN_BACK);
        assert_int_equal(v->deployments[0].ended_at, now - SECONDS(5));
        view_free(&v);
}

static void side_by_side_is_none(void **state)
{
        (void)state;
        run(&places[0], "pay", "1", T0 - SECONDS(7200));
        run(&places[0], "pay", "2", T0 - SECONDS(7200));
        say(&places[0]);
        for (int i = 0; i < 10; i++) {
                now += SECONDS(600);
                replace(&places[0], i & 1 ? "1" : "2");
        }
        assert_int_equal(count(), 0);
}

static void turn_about_is_told_twice_at_most(void **state)
{
        (void)state;
        settled(1);
        for (int i = 0; i < 10; i++) {
                now += SECONDS(60);
                replace(&places[0], i & 1 ? "1" : "2");
        }
        assert_int_equal(count(), 2);
}

static void a_rollback_is_another(void **state)
{
        struct view *v;

        (void)state;
        settled(1);
        replace(&places[0], "2");
        now += SECONDS(1200);
        replace(&places[0], "1");
        v = list();
        assert_int_equal(v->deployments_count, 2);
        assert_string_equal(v->deployments[1].from, "2");
        assert_string_equal(v->deployments[1].to, "1");
        view_free(&v);
}

static void a_late_host_belongs_to_it(void **state)
{
        struct view *v;
        int64_t first;

        (void)state;
        settled(2);
        first = now - SECONDS(5);
        replace(&places[0], "2");
        /* b is silent for so long that the deployment counts as done without it ... */
        for (int i = 0; i < 40; i++) {
                now += SECONDS(60);
                say(&places[0]);
                core_tick(core, now);
        }
        v = list();
        assert_int_equal(v->deployments[0].end, DEPLOYMENT_DONE);
        view_free(&v);
        /* ... and then runs the former build still, and is brought up to date. */
        say(&places[1]);
        v = list();
        assert_int_equal(v->deployments_count, 1);
        assert_int_equal(v->deployments[0].end, DEPLOYMENT_OPEN);
        view_free(&v);
        now += SECONDS(60);
        replace(&places[1], "2");
        v = list();
        assert_int_equal(v->deployments_count, 1);
        assert_int_equal(v->deployments[0].end, DEPLOYMENT_DONE);
        assert_int_equal(v->deployments[0].at, first);
        assert_int_equal(v->deployments[0].ended_at, now - SECONDS(5));
        view_free(&v);
}

static void settings_are_told_apart(void **state)
{
        struct summary_build *b;
        struct view *v;

        (void)state;
        for (int i = 0; i < 2; i++) {
                b = run(&places[i], "pay", "1", T0 - SECONDS(7200));
                set(&places[i], b, SETTING_FLAG, "--pool", 1 + (uint64_t)i);
                set(&places[i], b, SETTING_ENVIRONMENT, "PASSWORD", 5 + (uint64_t)i);
                set(&places[i], b, SETTING_ENVIRONMENT, "TOKEN", 1);
                say(&places[i]);
        }
        for (int i = 0; i < 2; i++) {
                now += SECONDS(100);
                stop(&places[i]);
                b = run(&places[i], "pay", "1", now - SECONDS(5));
                set(&places[i], b, SETTING_FLAG, "--pool", 9 + (uint64_t)i);
                set(&places[i], b, SETTING_ENVIRONMENT, "PASSWORD", 5 + (uint64_t)i);
                set(&places[i], b, SETTING_ENVIRONMENT, "TOKEN", 1);
                say(&places[i]);
        }
        v = list();
        assert_int_equal(v->deployments_count, 1);
        assert_int_equal(v->deployments[0].kind, DEPLOYMENT_FLAGS);
        assert_int_equal(v->deployments[0].changes.count, 1);
        assert_string_equal(v->deployments[0].changes.items[0], "--pool");
        assert_int_equal(v->deployments[0].hosts.count, 2);
        assert_int_equal(v->deployments[0].ended_at - v->deployments[0].at, SECONDS(100));
        view_free(&v);
        /* Under another key nothing can be compared. */
        now += SECONDS(3600);
        stop(&places[0]);
        b = run(&places[0], "pay", "1", now - SECONDS(5));
        set(&places[0], b, SETTING_FLAG, "--pool", 1234);
        places[0].agent.s.settings_key = KEY + 1;
        say(&places[0]);
        assert_int_equal(count(), 1);
}

/* Starts that follow each other within a second: nothing of the first is left for the next. */
static void settings_after_quick_restarts(void **state)
{
        struct summary_build *b;
        struct view *v;

        (void)state;
        for (int i = 0; i < 4; i++) {
                stop(&places[0]);
                b = run(&places[0], "pay", i < 2 ? "1" : "2", now);
                set(&places[0], b, SETTING_ENVIRONMENT, "LEVEL", i < 3 ? 1 : 2);
                now += SECONDS(1);
                say(&places[0]);
        }
        v = list();
        assert_int_equal(v->deployments_count, 2);
        assert_int_equal(v->deployments[0].kind, DEPLOYMENT_BUILD);
        assert_int_equal(v->deployments[0].changes.count, 0);
        assert_int_equal(v->deployments[1].kind, DEPLOYMENT_ENVIRONMENT);
        view_free(&v);
}

/* A number of the start, or a token made each time. */
static void what_always_changes_is_no_setting(void **state)
{
        struct summary_build *b;

        (void)state;
        for (uint64_t i = 0; i < 12; i++) {
                now += SECONDS(3600);
                stop(&places[0]);
                b = run(&places[0], "pay", "1", now - SECONDS(5));
                set(&places[0], b, SETTING_ENVIRONMENT, "RUN", i);
                say(&places[0]);
        }
        assert_int_equal(count(), 2);
}

static void settings_that_come_with_a_build(void **state)
{
        struct summary_build *b;
        struct view *v;

        (void)state;
        b = run(&places[0], "pay", "1", T0 - SECONDS(7200));
        set(&places[0], b, SETTING_ENVIRONMENT, "LEVEL", 1);
        say(&places[0]);
        now += SECONDS(600);
        stop(&places[0]);
        b = run(&places[0], "pay", "2", now - SECONDS(5));
        set(&places[0], b, SETTING_ENVIRONMENT, "LEVEL", 2);
        say(&places[0]);
        v = list();
        assert_int_equal(v->deployments_count, 1);
        assert_int_equal(v->deployments[0].kind, DEPLOYMENT_BUILD);
        assert_int_equal(v->deployments[0].changes.count, 1);
        view_free(&v);
}

static void announced_before_and_after(void **state)
{
        struct view *v;
        uint64_t id, other;

        (void)state;
        settled(1);
        assert_int_equal(core_announce(core, now, "nothing", "v2", NULL, &id), -ENOENT);
        assert_int_equal(core_announce(core, now, "pay", "v2", "b", &id), -ENOENT);
        assert_int_equal(core_announce(core, now, "pay", "v2", NULL, &id), 0);
        now += SECONDS(60);
        replace(&places[0], "2");
        assert_int_equal(core_announce(core, now, "pay", "v2", "a", &other), 0);
        assert_int_equal(id, other);
        v = list();
        assert_int_equal(v->deployments_count, 1);
        assert_string_equal(v->deployments[0].to, "v2");
        assert_true(v->deployments[0].observed);
        assert_int_equal(v->deployments[0].announced_at, now - SECONDS(60));
        assert_int_equal(v->deployments[0].at, now - SECONDS(5));
        view_free(&v);
        now += SECONDS(7200);
        replace(&places[0], "3");
        now += SECONDS(60);
        assert_int_equal(core_announce(core, now, "pay", "v3", NULL, &id), 0);
        v = list();
        assert_int_equal(v->deployments_count, 2);
        assert_string_equal(v->deployments[1].to, "v3");
        assert_int_equal(v->deployments[1].announced_at, now);
        view_free(&v);
        /* And one that nobody sees. */
        now += SECONDS(7200);
        assert_int_equal(core_announce(core, now, "pay", "v4", NULL, &id), 0);
        for (int i = 0; i < 40; i++)
                core_tick(core, now += SECONDS(60));
        v = list();
        assert_int_equal(v->deployments_count, 3);
        assert_false(v->deployments[2].observed);
        assert_int_equal(v->deployments[2].end, DEPLOYMENT_DONE);
        view_free(&v);
}

struct records {
        struct {
                uint32_t kind;
                uint8_t key[64], *value;
                size_t key_size, size;
        } items[256];
        size_t count;
};

static int put(void *data, uint32_t kind, const void *key, size_t key_size, const void *value, size_t size)
{
        struct records *r = data;
        size_t i = 0;

        while (i < r->count &&
               !(r->items[i].kind == kind && r->items[i].key_size == key_size && memcmp(r->items[i].key, key, key_size) == 0))
                i++;
        if (i == r->count)
                r->count++;
        assert_true(i < ARRAY_SIZE(r->items) && key_size <= sizeof(r->items[i].key));
        free(r->items[i].value);
        memcpy(r->items[i].key, key, key_size);
        r->items[i].kind = kind;
        r->items[i].key_size = key_size;
        r->items[i].size = size;
        r->items[i].value = malloc(size + 1);
        if (size)
                memcpy(r->items[i].value, value, size);
        return 0;
}

/* The same core, by way of the store, backwards. */
static void restart(void)
{
        struct records *r = calloc(1, sizeof(*r));

        core_save_again(core);
        while (core_save(core, now, put, r) > 0)
                ;
        core_free(&core);
        assert_int_equal(core_new(NULL, &core), 0);
        for (size_t i = r->count; i > 0; i--) {
                if (r->items[i - 1].size)
                        assert_int_equal(core_load(core, r->items[i - 1].kind, r->items[i - 1].key, r->items[i - 1].key_size,
                                                   r->items[i - 1].value, r->items[i - 1].size),
                                         0);
                free(r->items[i - 1].value);
        }
        core_loaded(core, now);
        free(r);
}

static void a_restart_of_the_coordinator_is_no_news(void **state)
{
        struct view *v;

        (void)state;
        settled(3);
        restart();
        replace(&places[0], "2");
        restart();
        v = list();
        assert_int_equal(v->deployments_count, 1);
        assert_int_equal(v->deployments[0].end, DEPLOYMENT_OPEN);
        view_free(&v);
        now += SECONDS(60);
        replace(&places[1], "2");
        restart();
        say(&places[0]);
        now += SECONDS(60);
        replace(&places[2], "2");
        restart();
        v = list();
        assert_int_equal(v->deployments_count, 1);
        assert_int_equal(v->deployments[0].end, DEPLOYMENT_DONE);
        assert_int_equal(v->deployments[0].hosts.count, 3);
        assert_string_equal(v->deployments[0].from, "1");
        assert_int_equal(v->deployments[0].ended_at, now - SECONDS(5));
        view_free(&v);
        for (int i = 0; i < 3; i++)
                say(&places[i]);
        assert_int_equal(count(), 1);
}

/* What a host ran is known again, so that it is missed when it is gone. */
static void gone_during_a_restart_of_the_coordinator(void **state)
{
        struct view *v;

        (void)state;
        settled(2);
        replace(&places[0], "2");
        restart();
        stop(&places[1]);
        run(&places[1], "other", "1", T0 - SECONDS(7200));
        say(&places[1]);
        v = list();
        assert_int_equal(v->deployments_count, 1);
        assert_int_equal(v->deployments[0].end, DEPLOYMENT_DONE);
        view_free(&v);
}

static void a_restart_of_an_agent_is_no_news(void **state)
{
        (void)state;
        settled(2);
        begin(&places[0], "a", now);
        places[0].agent.s.session = 4711;
        run(&places[0], "pay", "1", T0 - SECONDS(7200) + 3); /* its clock was set a little */
        places[0].agent.s.builds_pending = 1;
        say(&places[0]);
        assert_int_equal(count(), 0);
        /* A process that stayed, whose file was replaced before the agent came again and read it. */
        replace(&places[1], "1");
        now += SECONDS(60);
        begin(&places[1], "b", now);
        places[1].agent.s.session = 4712;
        run(&places[1], "pay", "2", now - SECONDS(65) + 1000);
        say(&places[1]);
        assert_int_equal(count(), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        const struct CMUnitTest tests[] = {
                TEST(a_first_sight_is_none),
                TEST(a_restart_is_none),
                TEST(one_host),
                TEST(rolling_is_one),
                TEST(a_canary_taken_back),
                TEST(side_by_side_is_none),
                TEST(turn_about_is_told_twice_at_most),
                TEST(a_rollback_is_another),
                TEST(a_late_host_belongs_to_it),
                TEST(settings_are_told_apart),
                TEST(settings_after_quick_restarts),
                TEST(what_always_changes_is_no_setting),
                TEST(settings_that_come_with_a_build),
                TEST(announced_before_and_after),
                TEST(a_restart_of_the_coordinator_is_no_news),
                TEST(gone_during_a_restart_of_the_coordinator),
                TEST(a_restart_of_an_agent_is_no_news),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
