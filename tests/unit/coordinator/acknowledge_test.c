/* `acknowledge a1`, which is what the page of a stuck action says to do: with an audit log, and while it takes nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "coordinator/acknowledge.h"
#include "coordinator/acting_internal.h"
#include "coordinator/conduct_internal.h"
#include "coordinator/core.h"
#include "coordinator/people.h"
#include "coordinator/signature.h"
#include "proto/loop.h"
#include "proto/yaml_config.h"
#include "tests/unit/coordinator/audit_rig.h"

static char off[] = "off";
static const struct people_config config = { .tickets_directory = off, .pages_repeat = 600 * NSEC_PER_SEC, .notices_most = 16 };
static int64_t now = RIG_AT;
static bool disk_is_full;
static struct audit_io io;
static struct loop *loop;
static struct core *core;
static struct signature_set *signatures;
static struct audit *audit;
static struct conduct *conduct;
static struct people *people;
static struct text said;
static bool paged;

static int write_while_there_is_room(void *data, int fd, const void *bytes, size_t size, off_t at)
{
        return disk_is_full ? -ENOSPC : audit_io_real.write(data, fd, bytes, size, at);
}

/* An action is stuck; how it came to that is in conduct_test.c. */
static void get_stuck(void)
{
        struct plan_target target = { .host = "pay1" };
        struct record record = { .kind = RECORD_PROPOSED, .at = now, .remedy = 1, .rung = RUNG_PROPOSE };

        record.plan = (struct plan){ .incident = 7, .action = action_get("service.restart"), .targets = &target, .count = 1 };
        strcpy(record.plan.service, "payments");
        assert_int_equal(acting_apply(conduct->acting, &record), 0);
        acting_remedy(conduct->acting, 1)->state = REMEDY_STUCK;
}

static int set_up(void **state)
{
        struct yaml_config_error error;

        if (rig_set_up(state) < 0)
                return -1;
        disk_is_full = false;
        io = audit_io_real;
        io.write = write_while_there_is_room;
        audit = rig_open(&io);
        assert_int_equal(core_new(&(struct core_options){ .coordinator = 1 }, &core), 0);
        assert_int_equal(signatures_configured(NULL, &signatures, &error), 0);
        assert_int_equal(conduct_new(core, audit, &conduct), 0);
        assert_int_equal(loop_new(&loop), 0);
        assert_int_equal(people_new(loop, rig_folder, &config, &people), 0);
        get_stuck();
        return 0;
}

static int tear_down(void **state)
{
        text_free(&said);
        people_free(&people);
        loop_free(&loop);
        conduct_free(&conduct);
        signatures_free(&signatures);
        core_free(&core);
        audit_free(&audit);
        return rig_tear_down(state);
}

static enum query_status say(const char *id)
{
        struct wire_argument argument = { .name = "action", .value = id };
        struct wire_query query = { .verb = "acknowledge", .arguments = &argument, .arguments_count = 1 };
        enum query_status status;

        said.length = 0;
        status = acknowledge(people, conduct, signatures, now, &query, "ann", &said, &paged);
        text_append(&said, "", 1);
        return status;
}

static void page(void)
{
        people_tick(people, core, signatures, conduct, now, now);
}

/* Whom `pages` says to have acknowledged the page of a1. */
static bool ann_has(void)
{
        struct text listed = { 0 };
        const char *type;
        bool found;

        assert_int_equal(people_answer_pages(people, now, &listed, &type), QUERY_DONE);
        text_append(&listed, "", 1);
        assert_non_null(strstr(listed.data, "\"id\":\"a1\""));
        found = strstr(listed.data, "\"acknowledged_by\":\"ann\"");
        text_free(&listed);
        return found;
}

static void test_page_and_action(void **state)
{
        (void)state;
        page();
        assert_false(ann_has());
        assert_int_equal(say("a1"), QUERY_DONE);
        assert_true(paged);
        assert_string_equal(said.data, "a1 acknowledged: it is not paged again\n");
        assert_true(ann_has());
        assert_int_equal(acting_get(conduct->acting, 0)->state, REMEDY_CLOSED);
}

static void test_action_before_its_page(void **state)
{
        (void)state;
        assert_int_equal(say("a1"), QUERY_DONE);
        assert_false(paged);
        assert_string_equal(said.data, "a1 acknowledged\n");
        assert_int_equal(acting_get(conduct->acting, 0)->state, REMEDY_CLOSED);
}

static void test_while_the_log_takes_nothing(void **state)
{
        static const char both[] = "a1 acknowledged: it is not paged again\nthe action itself is not acknowledged: ";

        (void)state;
        conduct_tick(conduct, now, now);
        page();
        disk_is_full = true;
        /* The first time it is found out, then it is known. */
        for (int i = 0; i < 2; i++) {
                assert_int_equal(say("a1"), QUERY_FAILED);
                assert_true(paged);
                assert_memory_equal(said.data, both, strlen(both));
                assert_non_null(strstr(said.data, "audit log"));
                assert_true(ann_has());
                assert_int_equal(acting_get(conduct->acting, 0)->state, REMEDY_STUCK);
                assert_non_null(conduct_refusal(conduct));
        }
        disk_is_full = false;
        assert_int_equal(audit_recover(audit), 0);
        assert_int_equal(say("a1"), QUERY_DONE);
        assert_int_equal(acting_get(conduct->acting, 0)->state, REMEDY_CLOSED);
}

static void test_what_there_is_not(void **state)
{
        (void)state;
        page();
        assert_int_equal(say("a2"), QUERY_NO_SUCH);
        assert_false(paged);
        assert_string_equal(said.data, "no action 'a2'\n");
        assert_int_equal(say("i8"), QUERY_NO_SUCH);
        assert_false(paged);
        assert_int_equal(say("a1x"), QUERY_USAGE);
        assert_false(paged);
        assert_int_equal(say(""), QUERY_USAGE);
        assert_false(paged);
        assert_false(ann_has());
        /* All pages of an incident, and no action. */
        assert_int_equal(say("i7"), QUERY_DONE);
        assert_true(paged);
        assert_true(ann_has());
        assert_int_equal(acting_get(conduct->acting, 0)->state, REMEDY_STUCK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(test_page_and_action),
                TEST(test_action_before_its_page),
                TEST(test_while_the_log_takes_nothing),
                TEST(test_what_there_is_not),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
