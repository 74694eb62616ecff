/* Notices that wait: at least once, one at a time, bounded; by hand and by chance. SEED is the first of SEEDS worlds. */
#include "coordinator/notices_files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define SECONDS(n) ((n)*NSEC_PER_SEC)
#define T0 SECONDS(INT64_C(1777600800))

static struct notices *box;

static int set_up(void **state)
{
        (void)state;
        return notices_new(&box);
}

static int tear_down(void **state)
{
        (void)state;
        notices_free(&box);
        return 0;
}

static uint64_t put(enum destination to, const char *subject, size_t size)
{
        char body[4096];
        struct notice n = { .to = to, .made_at = T0, .body = body, .size = size, .key = "k" };
        const struct notice *added;

        memset(body, 'x', sizeof(body));
        snprintf(n.subject, sizeof(n.subject), "%s", subject);
        assert_int_equal(notices_add(box, &n, &added), 0);
        assert_int_equal(added->size, size);
        return added->id;
}

static void test_one_at_a_time(void **state)
{
        uint64_t a, b;

        (void)state;
        a = put(TO_TICKETS, "i1", 10);
        b = put(TO_TICKETS, "i2", 10);
        assert_int_equal(notices_next(box, TO_TICKETS, 0)->id, a);
        assert_null(notices_next(box, TO_PAGES, 0));
        notices_begin(box, a);
        assert_null(notices_next(box, TO_TICKETS, 0));
        notices_end(box, a, DELIVERY_DONE, 0, 0, 0);
        assert_int_equal(notices_next(box, TO_TICKETS, 0)->id, b);
}

static void test_backs_off(void **state)
{
        static const int64_t pauses[] = { 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300 };
        int64_t now = SECONDS(5);
        uint64_t a = put(TO_PAGES, "a1", 1);

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(pauses); i++) {
                double chance = i % 2 ? 0.999999 : 0;
                int64_t pause = i % 2 ? SECONDS(pauses[i]) / 2 : SECONDS(pauses[i]);

                notices_begin(box, a);
                notices_end(box, a, DELIVERY_FAILED, 0, chance, now);
                assert_null(notices_next(box, TO_PAGES, now + pause - 1));
                now += pause + SECONDS(1) / 1000;
                assert_non_null(notices_next(box, TO_PAGES, now));
        }
        assert_int_equal(notices_failures(box, TO_PAGES), ARRAY_SIZE(pauses));
        /* It may ask for longer, up to an hour. */
        notices_begin(box, a);
        notices_end(box, a, DELIVERY_FAILED, SECONDS(86400), 0, now);
        assert_null(notices_next(box, TO_PAGES, now + SECONDS(3599)));
        assert_non_null(notices_next(box, TO_PAGES, now + SECONDS(3600)));
        notices_begin(box, a);
        notices_end(box, a, DELIVERY_DONE, 0, 0, now);
        assert_int_equal(notices_failures(box, TO_PAGES), 0);
        assert_int_equal(notices_count(box), 0);
}

/* One that is always refused for now does not hold up the others. */
static void test_others_get_past(void **state)
{
        uint64_t bad = put(TO_TICKETS, "i1", 1), good;

        (void)state;
        notices_begin(box, bad);
        good = put(TO_TICKETS, "i2", 1);
        notices_end(box, bad, DELIVERY_FAILED, 0, 0, 0);
        assert_int_equal(notices_next(box, TO_TICKETS, SECONDS(2))->id, good);
}

static void test_the_later_stands(void **state)
{
        uint64_t first = put(TO_TICKETS, "i1", 1), second, id;

        (void)state;
        second = put(TO_TICKETS, "i1", 2);
        assert_int_equal(notices_count(box), 1);
        assert_int_equal(notices_next(box, TO_TICKETS, 0)->id, second);
        assert_true(notices_removed(box, &id));
        assert_int_equal(id, first);
        assert_false(notices_removed(box, &id));
        /* Not what is on its way; if that fails, the later one is tried instead. */
        notices_begin(box, second);
        id = put(TO_TICKETS, "i1", 3);
        assert_null(notices_next(box, TO_TICKETS, SECONDS(2)));
        assert_int_equal(notices_count(box), 1);
        notices_end(box, second, DELIVERY_FAILED, 0, 0, 0);
        assert_int_equal(notices_count(box), 1);
        assert_int_equal(notices_next(box, TO_TICKETS, SECONDS(2))->id, id);
        assert_true(notices_cancel(box, TO_TICKETS, "i1"));
        assert_false(notices_cancel(box, TO_TICKETS, "i1"));
}

/* Somebody acknowledged while the page was on its way: if that fails nobody is woken again, nor by a restart. */
static void test_cancelled_under_way(void **state)
{
        static const enum delivery all[] = { DELIVERY_FAILED, DELIVERY_DONE, DELIVERY_REFUSED };
        uint64_t page, other, id;

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
                page = put(TO_PAGES, "a1", 1);
                notices_begin(box, page);
                other = put(TO_PAGES, "a2", 1);
                assert_false(notices_cancel(box, TO_PAGES, "a1"));
                assert_false(notices_cancel(box, TO_PAGES, "a1"));
                assert_true(notices_removed(box, &id));
                assert_int_equal(id, page);
                assert_int_equal(notices_count(box), 1);
                notices_end(box, page, all[i], 0, 0, 0);
                assert_false(notices_removed(box, &id));
                assert_int_equal(notices_next(box, TO_PAGES, SECONDS(3600))->id, other);
                assert_true(notices_cancel(box, TO_PAGES, "a2"));
                assert_null(notices_next(box, TO_PAGES, SECONDS(3600)));
                assert_true(notices_removed(box, &id));
                assert_int_equal(id, other);
        }
}

static void test_bounded(void **state)
{
        struct notices_limits limits = { .most = 16, .bytes = 1000, .keep = SECONDS(60) };
        char subject[24];

        (void)state;
        notices_limit(box, &limits);
        put(TO_PAGES, "a1", 10);
        for (int i = 0; i < 40; i++) {
                snprintf(subject, sizeof(subject), "i%d", i);
                put(TO_TICKETS, subject, 10);
                assert_true(notices_count(box) <= 16);
        }
        /* The page is the oldest, and stays. */
        assert_non_null(notices_next(box, TO_PAGES, 0));
        assert_int_equal(notices_dropped(box), 25);
        put(TO_TICKETS, "large", 980);
        assert_int_equal(notices_count(box), 3); /* 10, 10 and 980 bytes */
        assert_int_equal(notices_expire(box, T0 + SECONDS(60)), 0);
        assert_int_equal(notices_expire(box, T0 + SECONDS(61)), 3);
        assert_int_equal(notices_count(box), 0);
}

static uint64_t draw(uint64_t *seed, uint64_t below)
{
        *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        return (*seed >> 33) % below;
}

#define SUBJECTS 6

/* Destinations fail, hang and come back, and subjects are cancelled in between; the latest notice of each arrives, and none
 * that was cancelled is begun again. */
static void world(uint64_t seed)
{
        uint64_t latest[DESTINATIONS][SUBJECTS] = { 0 }, arrived[DESTINATIONS][SUBJECTS] = { 0 }, first = seed;
        uint64_t silenced[DESTINATIONS][SUBJECTS] = { 0 };
        uint64_t live[512], lives = 0, begun[DESTINATIONS] = { 0 }, id;
        int64_t now = 1, failed_at[DESTINATIONS] = { 0 };
        struct {
                uint64_t id;
                int subject;
        } all[4096];
        size_t count = 0;

        assert_int_equal(notices_new(&box), 0);
        for (int step = 0; step < 600; step++) {
                enum destination to = (enum destination)draw(&seed, DESTINATIONS);
                int subject = (int)draw(&seed, SUBJECTS);
                bool quiet = step >= 500; /* all destinations work, and nothing new comes */
                char name[8];

                now += (int64_t)draw(&seed, SECONDS(3));
                snprintf(name, sizeof(name), "i%d", subject);
                if (!quiet && draw(&seed, 3) == 0) {
                        all[count].id = latest[to][subject] = live[lives++] = put(to, name, 1 + draw(&seed, 50));
                        all[count++].subject = subject;
                } else if (!quiet && draw(&seed, 20) == 0) {
                        (void)notices_cancel(box, to, name);
                        silenced[to][subject] = latest[to][subject];
                }
                for (to = 0; to < DESTINATIONS; to++) {
                        const struct notice *n = notices_next(box, to, quiet ? now + SECONDS(3600) : now);

                        if (begun[to]) {
                                enum delivery d = quiet || draw(&seed, 2) ? DELIVERY_DONE : DELIVERY_FAILED;

                                if (n)
                                        fail_msg("seed %llu: two at once", (unsigned long long)first);
                                if (!quiet && draw(&seed, 3) == 0)
                                        continue; /* hangs */
                                for (size_t i = 0; i < count && d == DELIVERY_DONE; i++)
                                        if (all[i].id == begun[to])
                                                arrived[to][all[i].subject] = begun[to];
                                notices_end(box, begun[to], d, 0, (double)draw(&seed, 1000) / 1000, now);
                                failed_at[to] = d == DELIVERY_FAILED ? now : 0;
                                begun[to] = 0;
                        } else if (n) {
                                if (!quiet && failed_at[to] && now - failed_at[to] < NSEC_PER_SEC / 2)
                                        fail_msg("seed %llu: tried again at once", (unsigned long long)first);
                                for (size_t i = 0; i < count; i++)
                                        if (all[i].id == n->id && n->id <= silenced[to][all[i].subject])
                                                fail_msg("seed %llu: tried though it was cancelled", (unsigned long long)first);
                                begun[to] = n->id;
                                notices_begin(box, n->id);
                        }
                }
                while (notices_removed(box, &id)) {
                        uint64_t k = 0;

                        while (k < lives && live[k] != id)
                                k++;
                        if (k == lives)
                                fail_msg("seed %llu: %llu is removed twice", (unsigned long long)first, (unsigned long long)id);
                        live[k] = live[--lives];
                }
                if (lives != notices_count(box))
                        fail_msg("seed %llu: %llu on the disk, %zu in memory", (unsigned long long)first, (unsigned long long)lives,
                                 notices_count(box));
        }
        for (int to = 0; to < DESTINATIONS; to++)
                for (int i = 0; i < SUBJECTS; i++)
                        if (latest[to][i] != arrived[to][i] && latest[to][i] > silenced[to][i])
                                fail_msg("seed %llu: the last of i%d did not arrive", (unsigned long long)first, i);
        notices_free(&box);
}

static void test_worlds(void **state)
{
        uint64_t first = getenv("SEED") ? strtoull(getenv("SEED"), NULL, 10) : 1;
        uint64_t seeds = getenv("SEEDS") ? strtoull(getenv("SEEDS"), NULL, 10) : getenv("FAST") ? 20 : 500;

        (void)state;
        for (uint64_t i = 0; i < seeds; i++)
                world(first + i);
}

static int fails(void *data, int fd, const void *bytes, size_t size, off_t at)
{
        (void)data, (void)fd, (void)bytes, (void)size, (void)at;
        return -ENOSPC;
}

static void reopen(const char *folder, struct audit_files *files)
{
        notices_files_close(files);
        notices_free(&box);
        assert_int_equal(notices_new(&box), 0);
        assert_int_equal(notices_files_open(folder, NULL, box, files), 0);
}

/* What waits is there after a restart, under its key; what is no notice goes; a full disk loses nothing that was there. */
static void test_on_the_disk(void **state)
{
        char folder[] = "/tmp/nightshift-notices.XXXXXX", path[128];
        struct audit_io full = audit_io_real;
        struct audit_files files = { .folder = -1 };
        struct notice n = { .to = TO_PAGES, .subject = "a1", .key = "0123", .made_at = T0, .body = (char *)"{\"x\":\"\u00e4\"}" };
        const struct notice *added, *found;
        FILE *file;

        (void)state;
        assert_non_null(mkdtemp(folder));
        n.size = strlen(n.body);
        assert_int_equal(notices_files_open(folder, NULL, box, &files), 0);
        assert_int_equal(notices_add(box, &n, &added), 0);
        assert_int_equal(notices_files_put(&files, added), 0);
        snprintf(path, sizeof(path), "%s/notices/00000000000000000007.json", folder);
        file = fopen(path, "w");
        assert_non_null(file);
        fputs("{\"to\":\"nowhere\"", file);
        fclose(file);
        reopen(folder, &files);
        assert_int_not_equal(access(path, F_OK), 0);
        assert_int_equal(notices_count(box), 1);
        found = notices_next(box, TO_PAGES, 0);
        assert_non_null(found);
        assert_string_equal(found->key, "0123");
        assert_string_equal(found->subject, "a1");
        assert_string_equal(found->body, n.body);
        assert_true(found->made_at == T0);
        /* The next one gets another number, and does not fit. */
        snprintf(n.subject, sizeof(n.subject), "a2");
        assert_int_equal(notices_add(box, &n, &added), 0);
        assert_true(added->id > found->id);
        full.write = fails;
        files.io = &full;
        assert_int_equal(notices_files_put(&files, added), -ENOSPC);
        reopen(folder, &files);
        assert_int_equal(notices_count(box), 1);
        notices_files_remove(&files, notices_next(box, TO_PAGES, 0)->id);
        reopen(folder, &files);
        assert_int_equal(notices_count(box), 0);
        notices_files_close(&files);
        snprintf(path, sizeof(path), "rm -r %s", folder);
        assert_int_equal(system(path), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_one_at_a_time, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_backs_off, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_others_get_past, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_the_later_stands, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_cancelled_under_way, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_bounded, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_on_the_disk, set_up, tear_down),
                cmocka_unit_test(test_worlds),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
