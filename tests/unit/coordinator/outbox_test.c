/* Numbers of commands: one host's word for what it has taken is no concern of another's, and is believed within reason. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "coordinator/graph.h"
#include "coordinator/outbox.h"
#include "coordinator/raise.h"
#include "tests/unit/coordinator/world.h"

#define AHEAD (UINT64_MAX - 2)

static struct plan_target targets[2] = { { .host = "liar" }, { .host = "honest" } };
static struct plan plan = { .targets = targets, .count = 2 };
static struct outbox *outbox;

static void take(uint64_t remedy, int64_t now)
{
        struct order orders[2];

        for (uint32_t i = 0; i < 2; i++)
                orders[i] = (struct order){ .kind = ORDER_REVERT, .remedy = remedy, .target = i, .plan = &plan };
        assert_true(outbox_take(outbox, orders, 2, now));
}

/* The number that it is told, or 0. */
static uint64_t tell(const char *host, uint64_t session, uint64_t acknowledged, int64_t now)
{
        struct outgoing *outgoing[OUTBOX_OF_HOST];
        size_t n = outbox_tell(outbox, &(struct outbox_poll){ host, session, acknowledged, 0, now }, now, outgoing);

        assert_true(n <= 1);
        return n ? outgoing[0]->id : 0;
}

static int set_up(void **state)
{
        (void)state;
        return outbox_new(&outbox);
}

static int tear_down(void **state)
{
        (void)state;
        outbox_free(&outbox);
        return 0;
}

static void test_a_liar_wraps_nobody(void **state)
{
        uint64_t before = 0;
        int64_t now = T0;

        (void)state;
        for (uint64_t k = 1; k < 50; k++, now += SECONDS(1)) {
                uint64_t liar, honest;

                take(k, now);
                liar = tell("liar", 1, AHEAD, now);
                honest = tell("honest", 2, before, now);
                /* It only hurts itself, and not for ever. */
                assert_true(liar > (uint64_t)now && liar < (uint64_t)now + 2 * COMMAND_IDS_AHEAD);
                assert_int_equal(honest, now);
                assert_true(honest > before);
                before = honest;
        }
}

static void test_rises_without_a_clock(void **state)
{
        uint64_t first, second;

        (void)state;
        take(1, T0);
        first = tell("honest", 1, 0, T0);
        /* Lost, and no more due; what comes instead is above it, though no time went by. */
        take(2, T0);
        second = tell("honest", 1, 0, T0);
        assert_true(second > first);
        /* Nor when the clock was set back. */
        take(3, T0);
        assert_true(tell("honest", 1, 0, T0 - SECONDS(3600)) > second);
}

static void test_after_a_restart(void **state)
{
        (void)state;
        /* What a former coordinator gave it, by a clock that was ahead. */
        take(1, T0);
        assert_int_equal(tell("honest", 1, (uint64_t)T0 + SECONDS(7200), T0), (uint64_t)T0 + SECONDS(7200) + 1);
}

static void test_the_core_believes_as_little(void **state)
{
        struct core *core;
        struct agent a;
        struct wire_commands commands;
        struct host *h;
        struct service *service;

        (void)state;
        assert_int_equal(core_new(&(struct core_options){ .coordinator = 1 }, &core), 0);
        agent_start(&a, "liar", 1, T0 - SECONDS(60));
        agent_service(&a, "payments");
        assert_int_equal(agent_send(&a, core, T0), 0);
        h = host_find(core, "liar");
        assert_int_equal(core_poll(core, T0, "liar", 1, AHEAD, &commands), 0);
        assert_int_equal(h->command_acknowledged, T0 + COMMAND_IDS_AHEAD);
        /* The next life of it is honest, and told all. */
        agent_start(&a, "liar", 2, T0 + SECONDS(1));
        agent_service(&a, "payments");
        assert_int_equal(agent_send(&a, core, T0 + SECONDS(2)), 0);
        service = service_get(core, "payments", false);
        raise_ask(core, h, service, 2, SECONDS(60));
        service_put(core, &service);
        assert_int_equal(core_poll(core, T0 + SECONDS(2), "liar", 2, 0, &commands), 0);
        assert_int_equal(commands.count, 1);
        assert_int_equal(commands.commands[0].id, T0 + COMMAND_IDS_AHEAD + 1);
        core_free(&core);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
        const struct CMUnitTest tests[] = {
                TEST(test_a_liar_wraps_nobody),
                TEST(test_rises_without_a_clock),
                TEST(test_after_a_restart),
                TEST(test_the_core_believes_as_little),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
