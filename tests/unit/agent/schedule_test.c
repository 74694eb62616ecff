/* When pushes, sweeps and the duty cycle come. */
#include "agent/schedule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define SECOND NSEC_PER_SEC

/* Something new comes all the time: pushes are made as soon as they may be. */
static void pushes_are_limited(void **state)
{
        struct schedule_push push = { 0 };
        int64_t start = 1000 * SECOND, now = start, first;
        int second = 0, total = 0;

        (void)state;
        first = schedule_push_at(&push, now);
        assert_true(first - now <= 100 * NSEC_PER_MSEC);
        while (now < start + 60 * SECOND) {
                int64_t at = schedule_push_at(&push, now);

                assert_true(at > now);
                now = at;
                schedule_pushed(&push, now);
                total++;
                second += now < start + SECOND;
        }
        assert_true(second <= 5);
        assert_true(total >= 60 && total <= 75);

        /* After a rest the first comes at once again, and a wish is met within two seconds always. */
        now += 60 * SECOND;
        assert_true(schedule_push_at(&push, now) - now <= 100 * NSEC_PER_MSEC);
        for (int i = 0; i < 1000; i++) {
                int64_t at = schedule_push_at(&push, now);

                assert_true(at - now < 2 * SECOND);
                schedule_pushed(&push, at);
                now = at;
        }
}

static void sweeps_cost_little(void **state)
{
        static const int64_t costs[] = { 100000, 5 * NSEC_PER_MSEC, 60 * NSEC_PER_MSEC, 900 * NSEC_PER_MSEC };

        (void)state;
        for (size_t c = 0; c < ARRAY_SIZE(costs); c++) {
                struct schedule_sweep sweep = { 0 };
                int64_t spent = 0, start = 7 * SECOND;

                assert_true(schedule_sweep_due(&sweep, 10 * SECOND, start));
                for (int64_t now = start; now < start + 7200 * SECOND; now += 10 * SECOND)
                        if (schedule_sweep_due(&sweep, 10 * SECOND, now)) {
                                schedule_swept(&sweep, now, costs[c]);
                                spent += costs[c];
                        }
                assert_true(spent <= (int64_t)(7200.0 * (double)SECOND * 0.004));
                assert_true(spent >= costs[c] * 12);
        }
}

static void duty_cycle(void **state)
{
        struct schedule_tier tier = { .phase = 3 * SECOND };
        int64_t on = 0, now = 0, again;

        (void)state;
        while (now < 2000 * SECOND) {
                bool is = schedule_tier_on(&tier, now, now, &again);

                assert_true(again > now);
                on += is ? again - now : 0;
                now = again;
        }
        assert_true(on >= 99 * SECOND && on <= 101 * SECOND);
}

static void raises_end(void **state)
{
        struct schedule_tier tier = { .phase = 0 };
        int64_t wall = 1000 * SECOND, now = 5 * SECOND, again;
        char name[32];

        (void)state;
        assert_false(schedule_tier_on(&tier, now, wall, &again));
        assert_true(schedule_tier_on(&tier, 20 * SECOND, wall, &again));
        assert_false(schedule_tier_raised(&tier, wall)); /* by its cycle */
        assert_int_equal(schedule_tier_raise(&tier, "a", 2, wall + 3 * SECOND, wall), 0);
        assert_true(schedule_tier_on(&tier, now, wall, &again));
        assert_true(schedule_tier_raised(&tier, wall));
        assert_false(schedule_tier_raised(&tier, wall + 3 * SECOND));
        assert_true(again <= now + 3 * SECOND);
        assert_true(schedule_tier_on(&tier, now + 2 * SECOND, wall + 2 * SECOND, &again));
        assert_false(schedule_tier_on(&tier, now + 3 * SECOND, wall + 3 * SECOND, &again));
        assert_int_equal(schedule_tier_raise(&tier, "a", 2, wall - 1, wall), -EINVAL);
        for (int i = 0; i < SCHEDULE_RAISES_MAX; i++) {
                snprintf(name, sizeof(name), "s%d", i);
                assert_int_equal(schedule_tier_raise(&tier, name, 2, wall + SECOND, wall), 0);
        }
        assert_int_equal(schedule_tier_raise(&tier, "more", 2, wall + SECOND, wall), -ENOSPC);
        assert_int_equal(schedule_tier_raise(&tier, "s3", 1, 0, wall), 0); /* taken back */
        assert_int_equal(schedule_tier_raise(&tier, "more", 2, wall + SECOND, wall), 0);
        assert_int_equal(schedule_tier_until(wall + SECOND, wall), wall + SECOND);
        assert_int_equal(schedule_tier_until(INT64_MAX, wall), wall + 1800 * SECOND);
        tier.always = true;
        assert_true(schedule_tier_on(&tier, now, wall + 100 * SECOND, &again));
        assert_true(schedule_tier_raised(&tier, wall + 100 * SECOND));
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(pushes_are_limited), cmocka_unit_test(sweeps_cost_little),
                                            cmocka_unit_test(duty_cycle), cmocka_unit_test(raises_end) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
