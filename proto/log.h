/* Logging to standard error, one line an event: `<N>` priority under systemd, else a local time,
 * then the subsystem and the text. A function either logs or returns an error; the layer that can
 * do nothing more about a failure logs it, once. Text from a peer or a workload is escaped here:
 * control characters never reach the terminal. */
#pragma once

#include "proto/base.h"

enum log_level { LOG_LEVEL_ERROR = 3, LOG_LEVEL_WARNING = 4, LOG_LEVEL_NOTICE = 5, LOG_LEVEL_INFO = 6, LOG_LEVEL_DEBUG = 7 };

/* Lines above this level are dropped; the default is INFO. */
void log_set_level(enum log_level level);

/* "error", "warning", "notice", "info" or "debug"; -EINVAL. */
MUST_CHECK int log_level_parse(const char *name, enum log_level *ret_level);

void log_write(enum log_level level, const char *subsystem, const char *format, ...) PRINTF_LIKE(3, 4);

#define log_error(subsystem, ...) log_write(LOG_LEVEL_ERROR, subsystem, __VA_ARGS__)
#define log_warning(subsystem, ...) log_write(LOG_LEVEL_WARNING, subsystem, __VA_ARGS__)
#define log_notice(subsystem, ...) log_write(LOG_LEVEL_NOTICE, subsystem, __VA_ARGS__)
#define log_info(subsystem, ...) log_write(LOG_LEVEL_INFO, subsystem, __VA_ARGS__)
#define log_debug(subsystem, ...) log_write(LOG_LEVEL_DEBUG, subsystem, __VA_ARGS__)

/* A gate for lines that a peer can provoke: at most `burst` lines every `interval_ns`; what was
 * held back is counted and reported with the first line after. */
struct log_gate {
        int64_t interval_ns;
        unsigned burst;
        int64_t window_start;
        unsigned used;
        uint64_t suppressed;
};

/* True if a line may be written now; *ret_suppressed is then the number of lines held back before
 * it. `now` is monotonic. */
bool log_gate_open(struct log_gate *gate, int64_t now, uint64_t *ret_suppressed);
