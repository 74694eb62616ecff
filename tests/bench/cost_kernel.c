/* Time spent in our programs, by the kernel's own statistics, net of what a call of an empty program
 * reads in the same run. */
#include "tests/bench/connect.h"
#include "tests/bench/cost.h"
#include "tests/bench/figure.h"
#include "tests/bench/process.h"
#include "tests/bench/toggle.h"

#include "tests/bench/empty.skel.h"

#include <bpf/bpf.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PARTS 40

struct readings {
        struct kernel_time ours, empty;
};

static struct kernel_time program_time(const struct bpf_program *program)
{
        struct bpf_prog_info info = { 0 };
        uint32_t size = sizeof(info);

        if (bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size) < 0)
                return (struct kernel_time){ 0 };
        return (struct kernel_time){ info.run_time_ns, info.run_cnt };
}

static struct readings readings_take(const struct toggle *toggle, const struct empty_bpf *empty, bool messages)
{
        struct readings now = { .ours = toggle_kernel_time(toggle) };

        if (messages) {
                struct kernel_time in = program_time(empty->progs.empty_receive), out = program_time(empty->progs.empty_send);

                now.empty = (struct kernel_time){ in.ns + out.ns, in.runs + out.runs };
        } else {
                now.empty = program_time(empty->progs.empty_state);
        }
        return now;
}

/* Nanoseconds that our programs took beyond what as many empty ones would have. */
static double net(const struct readings *before, const struct readings *after, double *ret_empty, double *ret_runs)
{
        double empty_runs = (double)(after->empty.runs - before->empty.runs);

        *ret_empty = empty_runs > 0 ? (double)(after->empty.ns - before->empty.ns) / empty_runs : 0;
        *ret_runs = (double)(after->ours.runs - before->ours.runs);
        return (double)(after->ours.ns - before->ours.ns) - *ret_runs * *ret_empty;
}

static int parts(struct toggle *toggle, const struct empty_bpf *empty, struct connects *connects, bool raised,
                 struct samples *ret_net, struct samples *ret_empty)
{
        uint32_t messages = raised ? 2000 : 0;
        uint64_t count = raised ? 10 : 4000;

        for (int i = 0; i < PARTS; i++) {
                struct readings before = readings_take(toggle, empty, raised), after;
                double empty_ns, runs, ns;
                int r = connects_make(connects, count, messages);

                if (r < 0)
                        return r;
                after = readings_take(toggle, empty, raised);
                ns = net(&before, &after, &empty_ns, &runs);
                if (runs == 0)
                        return -ENODATA;
                /* A connection is two sockets. A message runs one program where it is sent and one where it is
                 * received; what its connection cost beside is left in, and is small among 2,000. */
                samples_add(ret_net, raised ? ns / ((double)count * messages * 2) : ns / ((double)count * 2));
                samples_add(ret_empty, empty_ns);
        }
        return 0;
}

static void measure(struct toggle *toggle, const struct empty_bpf *empty, struct connects *connects, bool raised)
{
        static struct samples nets, empties;
        struct figure f = { .bound = raised ? 50 : 0.8 };
        const char *name = raised ? "in-kernel, a message at one end, turnarounds raised, net of an empty program"
                                  : "in-kernel, a socket's lifetime, net of an empty program";
        int r = toggle_set(toggle, raised ? TOGGLE_RAISED : TOGGLE_ON);

        nets.count = empties.count = 0;
        if (r == 0)
                r = parts(toggle, empty, connects, raised, &nets, &empties);
        if (r < 0) {
                figure_missing(name, strerror(-r));
                return;
        }
        snprintf(f.name, sizeof(f.name), "%s", name);
        snprintf(f.unit, sizeof(f.unit), raised ? "ns" : "us");
        f.measured = samples_estimate(&nets);
        if (!raised) {
                f.measured.low /= NSEC_PER_USEC;
                f.measured.median /= NSEC_PER_USEC;
                f.measured.high /= NSEC_PER_USEC;
        }
        snprintf(f.note, sizeof(f.note), "an empty one reads %.0f ns", samples_estimate(&empties).median);
        figure_add(&f);
}

void cost_kernel(const struct cost_options *options)
{
        struct connects *connects = NULL;
        struct empty_bpf *empty = NULL;
        struct toggle *toggle = NULL;
        const char *why = NULL;
        int statistics = -1, r = toggle_probe(&toggle, &why);

        (void)options;
        if (r == 0)
                r = connects_new(19001, &connects);
        if (r == 0)
                r = kernel_time_enable(&statistics);
        if (r == 0) {
                empty = empty_bpf__open_and_load();
                if (!empty || empty_bpf__attach(empty) < 0)
                        r = -ENOTSUP;
        }
        if (r < 0) {
                figure_missing("in-kernel time", why ? why : strerror(-r));
        } else {
                measure(toggle, empty, connects, false);
                measure(toggle, empty, connects, true);
        }
        empty_bpf__destroy(empty);
        if (statistics >= 0)
                close(statistics);
        connects_free(&connects);
        toggle_free(&toggle);
}
