/* Acting under simulation: the real core, two coordinators with one log, hosts with journals, and everything that
 * goes wrong between them; the invariants of acting_check.c hold after every step. Prints TAP; SEEDS worlds from
 * SEED on. Then what the sequential tests of authority let through. */
#include "tests/sim/acting_world.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEPS 2000
#define CALM_STEPS 300
#define FAST (getenv("FAST") && *getenv("FAST"))
#define REMEDIES_WANTED (FAST ? 300u : 100000u)

static struct aw world;

static bool run(uint64_t seed)
{
        struct aw *w = &world;

        aw_new(w, seed);
        for (int i = 0; i < STEPS && !w->broken; i++)
                aw_step(w);
        aw_calm(w);
        for (int i = 0; i < CALM_STEPS && !w->broken; i++)
                aw_step(w);
        if (!w->broken)
                aw_check_end(w);
        return !w->broken;
}

/* One unit from nothing, right with probability `p`, for `incidents` incidents of different causes: the highest rung
 * that it reached. Shadow is scored as if it had acted. */
static enum rung career(struct aw *w, const struct policy *policy, double p, int incidents)
{
        struct authority a = { 0 };
        struct unit_key key = { .signature = "s", .action = "a", .environment = "production" };
        enum rung best = RUNG_PROPOSE;

        for (int i = 0; i < incidents; i++) {
                int64_t at = (int64_t)(i + 1) * 7200 * NSEC_PER_SEC;
                bool right = (double)aw_below(w, 1u << 30) < p * (1u << 30);
                int r = right ? authority_succeed(&a, policy, &key, (uint64_t)i + 1, at) : authority_fail(&a, policy, &key, at);

                if (r < 0)
                        abort();
                best = MAX(best, authority_earned(policy, authority_find(&a, &key), at));
        }
        authority_free(&a);
        return best;
}

static double most(double alpha, int runs)
{
        return alpha * runs + 3 * sqrt(alpha * (1 - alpha) * runs);
}

static void rates(uint64_t seed, int runs)
{
        struct policy policy;
        struct aw *w = &world;
        int small = 0, alone = 0, nine = 0, good_small = 0, good = 0;
        double alpha_small, alpha;

        policy_defaults(&policy);
        memset(w, 0, sizeof(*w));
        w->random = seed;
        for (int i = 0; i < runs; i++) {
                enum rung bad = career(w, &policy, .80, 500), fair = career(w, &policy, .90, 500),
                          fine = career(w, &policy, .99, 500);

                small += bad >= RUNG_ALONE_SMALL;
                alone += bad >= RUNG_ALONE;
                nine += fair >= RUNG_ALONE;
                good_small += fine >= RUNG_ALONE_SMALL;
                good += fine >= RUNG_ALONE;
        }
        alpha_small = policy.trials[RUNG_PROPOSE].alpha;
        alpha = policy.trials[RUNG_ALONE_SMALL].alpha;
        printf("# right in 80 %% of 500 incidents: alone_small in %.3f %%, alone in %.3f %% of %d runs; right in 90 %%: alone in "
               "%.3f %%; "
               "in 99 %%: alone_small in %.2f %%, alone in %.2f %%\n",
               100.0 * small / runs, 100.0 * alone / runs, runs, 100.0 * nine / runs, 100.0 * good_small / runs,
               100.0 * good / runs);
        /* Of so many runs the share strays; three deviations are granted. */
        printf("%s 2 - what is right in 80 %% of cases reaches alone_small in at most %.0f %% of runs, alone in at most %.0f %%\n",
               small <= most(alpha_small, runs) && alone <= most(alpha, runs) ? "ok" : "not ok", 100 * alpha_small, 100 * alpha);
        printf("%s 3 - what is right in 90 %% of cases reaches alone in at most %.0f %% of runs\n",
               nine <= most(alpha, runs) ? "ok" : "not ok", 100 * alpha);
        printf("%s 4 - what is right in 99 %% of cases reaches alone in most runs\n", good >= runs * 9 / 10 ? "ok" : "not ok");
}

int main(void)
{
        const char *seeds = getenv("SEEDS"), *first = getenv("SEED"), *talk = getenv("VERBOSE");
        uint64_t from = first && *first ? strtoull(first, NULL, 10) : 1, worlds = seeds && *seeds ? strtoull(seeds, NULL, 10) : 0,
                 n = 0;
        uint64_t proposed = 0, intended = 0, applied = 0, verified = 0, reverted = 0, stuck = 0, refused = 0, crashes = 0,
                 takeovers = 0;
        bool well = true;

        puts("TAP version 13");
        for (; well && (worlds ? n < worlds : proposed < REMEDIES_WANTED); n++) {
                struct aw *w = &world;

                well = run(from + n);
                proposed += w->counts.proposed;
                intended += w->counts.intended;
                applied += w->counts.applied;
                verified += w->counts.verified;
                reverted += w->counts.reverted;
                stuck += w->counts.stuck;
                refused += w->counts.refused;
                crashes += w->counts.crashes;
                takeovers += w->counts.takeovers;
                if (talk && *talk)
                        printf("# seed %llu: %llu remedies, %zu records\n", (unsigned long long)w->seed,
                               (unsigned long long)w->counts.proposed, w->log_count);
                if (!well)
                        printf("# SEED=%llu SEEDS=1: %s: %s\n", (unsigned long long)w->seed, w->broken, w->detail);
                aw_free(w);
        }
        printf("# %llu worlds: %llu remedies proposed, %llu waves intended, %llu changes applied, %llu waves verified, %llu "
               "undoings, %llu "
               "stuck, %llu refused; %llu crashes of coordinators, %llu changes of leadership\n",
               (unsigned long long)n, (unsigned long long)proposed, (unsigned long long)intended, (unsigned long long)applied,
               (unsigned long long)verified, (unsigned long long)reverted, (unsigned long long)stuck, (unsigned long long)refused,
               (unsigned long long)crashes, (unsigned long long)takeovers);
        printf("%s 1 - nothing is done that should not be, and nothing stays half done\n", well ? "ok" : "not ok");
        /* Of broken code only that is asked. */
        if (getenv("WORLDS_ONLY")) {
                puts("1..1");
                return 0;
        }
        rates(from, FAST ? 300 : 2000);
        puts("1..4");
        return 0;
}
