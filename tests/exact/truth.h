/* The truth about every connection that the generator makes, as the applications know it: what
 * connect(), write() and read() returned, never what a kernel counter says.
 *
 * The table is a file that all processes of a run map and add to atomically, so that a process that
 * is killed loses nothing. An edge is (name of the client's executable, name of the server's or "",
 * port). A row with the client "*" holds what the server's processes know about one port. */
#pragma once

#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>

#define TRUTH_EDGES_MAX 1024

/* silent: attempts that failed before anything could leave the host (a synchronous ENETUNREACH);
 * nobody may count them. most_*: of one connection, the largest. */
/* clang-format off */
#define TRUTH_COUNTERS(X) \
        X(attempted) X(opened) X(closed) X(refused) X(timed_out) \
        X(unreachable) X(aborted) X(no_port) X(reset_by_peer) X(reset_by_self) \
        X(timed_out_open) X(sent) X(received) X(unread) X(silent) \
        X(most_sent) X(most_received)
/* clang-format on */

struct truth_edge {
        char client[32], server[32];
        uint16_t port;
#define X(name) _Atomic uint64_t name;
        TRUTH_COUNTERS(X)
#undef X
};

struct truth {
        _Atomic uint32_t count;
        struct truth_edge edges[TRUTH_EDGES_MAX];
};

/* Opens the table at the path in EXACT_TRUTH, making it if it is not there; exits on failure. */
void truth_open(void);
/* Finds or makes an edge; exits when there is no room. */
struct truth_edge *truth_edge(const char *client, const char *server, uint16_t port);
/* Raises `most` to `n`. */
void truth_most(_Atomic uint64_t *most, uint64_t n);
/* The name of this program's executable. */
const char *truth_self(void);
/* One JSON object a line, one line an edge. */
void truth_print(FILE *out);

/* Says what went wrong and ends the process: a generator that does not know the truth is of no use. */
_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));
