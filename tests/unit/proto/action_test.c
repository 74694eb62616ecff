#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto/arena.h"
#include "proto/nightshift.pb-c.h"
#include "proto/wire.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define AT INT64_C(1700000000000000000)

static struct action_target targets[] = { { 77, AT - 5, 0xabcdef }, { 78, AT - 4, 0 } };
static uint64_t cookies[] = { 1, UINT64_MAX };
static struct action_digest proof[] = { { { 1, 2 } }, { { 3 } } };

static struct action_dispatch sample(void)
{
        return (struct action_dispatch){
                .order = ACTION_ORDER_APPLY,
                .kind = ACTION_CONNECT_SHED,
                .key = { 5, 6 },
                .epoch = 3,
                .expires = AT,
                .lease = 60 * NSEC_PER_SEC,
                .by_person = true,
                .service = "payments",
                .targets = targets,
                .targets_count = ARRAY_SIZE(targets),
                .parameters = { 1, 2, 3, ACTION_RESOURCE_IO, 4, 5, 6, 2, cookies, ARRAY_SIZE(cookies) },
                .prediction = { "held", -1, 2.5, 30 * NSEC_PER_SEC },
                .plan = { { 9 } },
                .former = { { [31] = 8 } },
                .checkpoint = (const uint8_t *)"note",
                .checkpoint_size = 4,
                .consistency_from = 12,
                .consistency = proof,
                .consistency_count = ARRAY_SIZE(proof),
        };
}

static int turn_over(const struct action_dispatch *d, struct arena *arena, const struct action_dispatch **ret_d,
                     const char **ret_why)
{
        struct wire_command command = { .id = 1, .kind = WIRE_COMMAND_ACTION, .service = "", .dispatch = d };
        struct wire_reply reply = { .kind = WIRE_COMMANDS, .commands = { &command, 1 } }, back;
        uint8_t *buffer;
        size_t size;
        int r;

        assert_int_equal(wire_pack_reply(&reply, &buffer, &size), 0);
        r = wire_unpack_reply(buffer, size, arena, &back, ret_why);
        free(buffer);
        if (r == 0) {
                assert_int_equal(back.commands.count, 1);
                *ret_d = back.commands.commands[0].dispatch;
                assert_non_null(*ret_d);
        }
        return r;
}

static void an_order_comes_back_as_it_was(void **state)
{
        struct action_dispatch d = sample();
        const struct action_dispatch *b = NULL;
        const char *why = NULL;
        struct arena *arena;

        (void)state;
        assert_int_equal(arena_new(1u << 20, &arena), 0);
        assert_int_equal(turn_over(&d, arena, &b, &why), 0);
        assert_int_equal(b->order, d.order);
        assert_int_equal(b->kind, d.kind);
        assert_true(action_key_equal(b->key, d.key));
        assert_int_equal(b->epoch, d.epoch);
        assert_int_equal(b->expires, d.expires);
        assert_int_equal(b->lease, d.lease);
        assert_true(b->by_person);
        assert_false(b->verified);
        assert_string_equal(b->service, d.service);
        assert_int_equal(b->targets_count, 2);
        for (size_t i = 0; i < 2; i++) {
                assert_int_equal(b->targets[i].pid, targets[i].pid);
                assert_int_equal(b->targets[i].started, targets[i].started);
                assert_int_equal(b->targets[i].build, targets[i].build);
        }
        assert_int_equal(b->parameters.from, 1);
        assert_int_equal(b->parameters.to, 2);
        assert_int_equal(b->parameters.instances, 3);
        assert_int_equal(b->parameters.resource, ACTION_RESOURCE_IO);
        assert_int_equal(b->parameters.value, 4);
        assert_int_equal(b->parameters.server, 5);
        assert_int_equal(b->parameters.rate, 6);
        assert_int_equal(b->parameters.tier, 2);
        assert_int_equal(b->parameters.cookies_count, 2);
        assert_memory_equal(b->parameters.cookies, cookies, sizeof(cookies));
        assert_string_equal(b->prediction.signal, "held");
        assert_int_equal(b->prediction.direction, -1);
        assert_true(b->prediction.bound == 2.5);
        assert_int_equal(b->prediction.within, 30 * NSEC_PER_SEC);
        assert_true(action_digest_equal(&b->plan, &d.plan));
        assert_true(action_digest_equal(&b->former, &d.former));
        assert_int_equal(b->checkpoint_size, 4);
        assert_memory_equal(b->checkpoint, "note", 4);
        assert_int_equal(b->consistency_from, 12);
        assert_int_equal(b->consistency_count, 2);
        assert_memory_equal(b->consistency, proof, sizeof(proof));
        arena_free(&arena);
}

static void expect_refused(struct action_dispatch d, const char *expected)
{
        const struct action_dispatch *b;
        const char *why = NULL;
        struct arena *arena;

        assert_int_equal(arena_new(1u << 20, &arena), 0);
        assert_int_equal(turn_over(&d, arena, &b, &why), -EBADMSG);
        assert_non_null(why);
        assert_non_null(strstr(why, expected));
        arena_free(&arena);
}

static void what_is_out_of_range_is_refused_by_name(void **state)
{
        static struct action_target bad[] = { { 1, AT, 0 }, { 0, AT, 0 } };

        (void)state;
#define REFUSED(field, value, expected)                                                                                            \
        do {                                                                                                                       \
                struct action_dispatch d_ = sample();                                                                              \
                d_.field = value;                                                                                                  \
                expect_refused(d_, expected);                                                                                      \
        } while (0)
        REFUSED(order, ACTION_ORDERS, "dispatch.order");
        REFUSED(kind, ACTION_KINDS, "dispatch.kind");
        REFUSED(kind, (enum action_kind)0, "dispatch.kind");
        REFUSED(key, ((struct action_key){ 0, 0 }), "dispatch.key");
        REFUSED(epoch, 0, "dispatch.epoch");
        REFUSED(expires, 0, "dispatch.expires");
        REFUSED(lease, -1, "dispatch.lease");
        REFUSED(lease, ACTION_LEASE_MAX + 1, "dispatch.lease");
        REFUSED(service, "", "dispatch.service");
        REFUSED(prediction.direction, 2, "dispatch.direction");
        REFUSED(prediction.bound, NAN, "dispatch.bound");
        REFUSED(prediction.within, -1, "dispatch.within");
        REFUSED(parameters.resource, ACTION_RESOURCES, "dispatch.resource");
        REFUSED(targets, bad, "dispatch.target_pid");
#undef REFUSED
}

static void too_much_is_not_packed(void **state)
{
        struct action_dispatch d = sample();
        struct wire_command command = { .id = 1, .kind = WIRE_COMMAND_ACTION, .service = "", .dispatch = &d };
        struct wire_reply reply = { .kind = WIRE_COMMANDS, .commands = { &command, 1 } };
        uint8_t *buffer;
        size_t size;

        (void)state;
        d.targets_count = ACTION_TARGETS_MAX + 1;
        assert_int_equal(wire_pack_reply(&reply, &buffer, &size), -E2BIG);
        command.dispatch = NULL;
        assert_int_equal(wire_pack_reply(&reply, &buffer, &size), -EINVAL);
}

static void results_and_permits_come_back(void **state)
{
        struct summary_action a = { .key = { 1, 2 },
                                    .epoch = 4,
                                    .kind = ACTION_PROCESS_FREEZE,
                                    .state = ACTION_APPLIED,
                                    .reason = ACTION_REASON_NONE,
                                    .verdict = ACTION_VERDICT_VERIFIED,
                                    .at = AT - 9,
                                    .lease_left = 5,
                                    .touched = 3,
                                    .former = { { 1 } },
                                    .present = { { [31] = 2 } },
                                    .service = "payments",
                                    .detail = "frozen" };
        struct summary_permit p[] = { { "payments", 1u << ACTION_PROCESS_FREEZE, true, 1, 6, true },
                                      { "other", 0, false, 0, 0, false } };
        struct summary s = { .session = 1,
                             .sequence = 1,
                             .session_started = AT - 1,
                             .at = AT,
                             .interval = NSEC_PER_SEC,
                             .host = "h",
                             .host_id = "",
                             .boot_id = "",
                             .kernel = "",
                             .agent_version = "",
                             .parts = 1,
                             .actions = &a,
                             .actions_count = 1,
                             .permits_told = true,
                             .permits = p,
                             .permits_count = ARRAY_SIZE(p),
                             .action_epoch = 7,
                             .actions_stopped = true,
                             .checkpoint_size = 99 };
        struct wire_request request = { .kind = WIRE_SUMMARY, .summary = &s }, back;
        const char *why = NULL;
        struct arena *arena;
        uint8_t *buffer;
        size_t size;

        (void)state;
        assert_int_equal(arena_new(1u << 20, &arena), 0);
        assert_int_equal(wire_pack_request(&request, &buffer, &size), 0);
        assert_int_equal(wire_unpack_request(buffer, size, arena, &back, &why), 0);
        assert_int_equal(back.summary->actions_count, 1);
        assert_true(action_key_equal(back.summary->actions[0].key, a.key));
        assert_int_equal(back.summary->actions[0].epoch, 4);
        assert_int_equal(back.summary->actions[0].kind, a.kind);
        assert_int_equal(back.summary->actions[0].state, a.state);
        assert_int_equal(back.summary->actions[0].verdict, a.verdict);
        assert_int_equal(back.summary->actions[0].at, a.at);
        assert_int_equal(back.summary->actions[0].lease_left, 5);
        assert_int_equal(back.summary->actions[0].touched, 3);
        assert_true(action_digest_equal(&back.summary->actions[0].former, &a.former));
        assert_true(action_digest_equal(&back.summary->actions[0].present, &a.present));
        assert_string_equal(back.summary->actions[0].service, "payments");
        assert_string_equal(back.summary->actions[0].detail, "frozen");
        assert_true(back.summary->permits_told);
        assert_int_equal(back.summary->permits_count, 2);
        assert_string_equal(back.summary->permits[0].service, "payments");
        assert_int_equal(back.summary->permits[0].kinds, p[0].kinds);
        assert_true(back.summary->permits[0].restart_safe);
        assert_int_equal(back.summary->permits[0].instances_max, 6);
        assert_true(back.summary->permits[0].barriers);
        assert_false(back.summary->permits[1].barriers);
        assert_int_equal(back.summary->action_epoch, 7);
        assert_true(back.summary->actions_stopped);
        assert_int_equal(back.summary->checkpoint_size, 99);
        free(buffer);
        a.state = ACTION_STATES;
        assert_int_equal(wire_pack_request(&request, &buffer, &size), 0);
        assert_int_equal(wire_unpack_request(buffer, size, arena, &back, &why), -EBADMSG);
        assert_string_equal(why, "actions.state: unknown");
        free(buffer);
        arena_free(&arena);
}

static void every_number_has_its_own_name(void **state)
{
        (void)state;
        for (unsigned i = 1; i < ACTION_KINDS; i++) {
                assert_non_null(action_kind_name((enum action_kind)i));
                assert_int_equal(action_kind_parse(action_kind_name((enum action_kind)i)), i);
        }
        for (unsigned i = 1; i < ACTION_STATES; i++)
                assert_non_null(action_state_name((enum action_state)i));
        for (unsigned i = 0; i < ACTION_REASONS; i++)
                assert_non_null(action_reason_name((enum action_reason)i));
        for (unsigned i = 0; i < ACTION_VERDICTS; i++)
                assert_non_null(action_verdict_name((enum action_verdict)i));
        assert_null(action_kind_name(ACTION_KINDS));
        assert_int_equal(action_kind_parse("reboot"), 0);
        assert_int_equal(action_text_digest(""), 0);
        assert_true(action_text_digest("a") != action_text_digest("b"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(an_order_comes_back_as_it_was), cmocka_unit_test(what_is_out_of_range_is_refused_by_name),
                cmocka_unit_test(too_much_is_not_packed),        cmocka_unit_test(results_and_permits_come_back),
                cmocka_unit_test(every_number_has_its_own_name),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
