/* The small vocabulary that every program of Nightshift shares: ownership, results and units.
 *
 * Functions return 0 or -errno and keep that value in `r`. Results come last, are named ret_*, and
 * are untouched when a function fails. x_free(struct x **) copes with NULL and clears the pointer.
 * Times are nanoseconds in int64_t: wall clock since the epoch unless the name says `monotonic`. */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define CLEANUP(function) __attribute__((cleanup(function)))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

#define NSEC_PER_USEC INT64_C(1000)
#define NSEC_PER_MSEC INT64_C(1000000)
#define NSEC_PER_SEC INT64_C(1000000000)

/* Hands the pointer over and leaves NULL behind, so that a cleanup does not free it. */
#define TAKE_PTR(p)                                                                                                                \
        ({                                                                                                                         \
                __typeof__(p) *take_p_ = &(p);                                                                                     \
                __typeof__(p) take_v_ = *take_p_;                                                                                  \
                *take_p_ = NULL;                                                                                                   \
                take_v_;                                                                                                           \
        })

/* The same for a file descriptor; none is -1. */
#define TAKE_FD(fd)                                                                                                                \
        ({                                                                                                                         \
                int *take_f_ = &(fd);                                                                                              \
                int take_v_ = *take_f_;                                                                                            \
                *take_f_ = -1;                                                                                                     \
                take_v_;                                                                                                           \
        })

/* Closes *fd if it is one and sets it to -1; errno is kept. */
void fd_close(int *fd);
/* free() for CLEANUP: the argument is the address of the pointer. */
void free_ptr(void *address_of_pointer);

#define CLEANUP_FD CLEANUP(fd_close)
#define CLEANUP_FREE CLEANUP(free_ptr)

/* Nanoseconds of CLOCK_REALTIME and CLOCK_MONOTONIC. Only daemons and the CLI call these; the
 * coordinator's core takes time as an argument. */
int64_t clock_wall(void);
int64_t clock_monotonic(void);
