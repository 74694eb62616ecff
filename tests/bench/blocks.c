#include "tests/bench/blocks.h"

#include "tests/bench/process.h"

#include <stdio.h>
#include <unistd.h>

#define DUTY 0.05

enum kind { OFF, SAME, ON, RAISED, KINDS };

static const enum toggle_state states[KINDS] = { TOGGLE_OFF, TOGGLE_OFF, TOGGLE_ON, TOGGLE_RAISED };

static int block(const struct blocks *blocks, struct toggle *toggle, enum kind kind, double costs[CLOCKS])
{
        int r = toggle_set(toggle, states[kind]);

        if (r < 0)
                return r;
        sleep_ns(SETTLE_NS);
        return blocks->measure(blocks->data, BLOCK_NS, costs);
}

static void add_round(struct blocks_result *result, const double sum[KINDS], bool raised)
{
        double on = sum[ON] / sum[OFF] - 1;

        samples_add(&result->off, sum[OFF] / 2);
        samples_add(&result->same, sum[SAME] / sum[OFF] - 1);
        samples_add(&result->same_by, (sum[SAME] - sum[OFF]) / 2);
        samples_add(&result->on, on);
        samples_add(&result->on_by, (sum[ON] - sum[OFF]) / 2);
        if (raised) {
                samples_add(&result->raised, sum[RAISED] / sum[OFF] - 1);
                samples_add(&result->usual, (1 - DUTY) * on + DUTY * (sum[RAISED] / sum[OFF] - 1));
        }
}

static int round_run(const struct blocks *blocks, struct toggle *toggle, struct blocks_result results[CLOCKS])
{
        static const enum kind order[] = { OFF, SAME, ON, RAISED, RAISED, ON, SAME, OFF };
        double sums[CLOCKS][KINDS] = { 0 };

        for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
                double costs[CLOCKS];
                int r;

                if (order[i] == RAISED && !blocks->raised)
                        continue;
                r = block(blocks, toggle, order[i], costs);
                if (r < 0)
                        return r;
                for (int c = 0; c < CLOCKS; c++)
                        sums[c][order[i]] += costs[c];
        }
        for (int c = 0; c < CLOCKS; c++)
                add_round(&results[c], sums[c], blocks->raised);
        return 0;
}

int blocks_run(const struct blocks *blocks, struct toggle *toggle, struct blocks_result results[CLOCKS])
{
        for (int c = 0; c < CLOCKS; c++)
                results[c] = (struct blocks_result){ 0 };
        for (uint32_t i = 0; i < blocks->rounds; i++) {
                int r = round_run(blocks, toggle, results);

                if (r < 0)
                        return r;
                if (isatty(STDERR_FILENO))
                        fprintf(stderr, "\r%s: round %u of %u ", blocks->name, i + 1, blocks->rounds);
        }
        if (isatty(STDERR_FILENO))
                fprintf(stderr, "\r%*s\r", 60, "");
        return toggle_set(toggle, TOGGLE_OFF);
}
