#include "proto/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static enum log_level maximum = LOG_LEVEL_INFO;

void log_set_level(enum log_level level)
{
        maximum = level;
}

int log_level_parse(const char *name, enum log_level *ret_level)
{
        static const char *const names[] = { "error", "warning", "notice", "info", "debug" };

        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                if (strcmp(name, names[i]) == 0) {
                        *ret_level = LOG_LEVEL_ERROR + (enum log_level)i;
                        return 0;
                }
        return -EINVAL;
}

static size_t prefix(char *buffer, size_t size, enum log_level level)
{
        static const char *const names[] = {
                [LOG_LEVEL_ERROR] = "error: ", [LOG_LEVEL_WARNING] = "warning: ", [LOG_LEVEL_NOTICE] = "",
                [LOG_LEVEL_INFO] = "",         [LOG_LEVEL_DEBUG] = "debug: ",
        };
        struct timespec ts;
        struct tm tm;
        size_t n;

        if (getenv("JOURNAL_STREAM"))
                return (size_t)snprintf(buffer, size, "<%d>", (int)level);

        clock_gettime(CLOCK_REALTIME, &ts);
        localtime_r(&ts.tv_sec, &tm);
        n = strftime(buffer, size, "%H:%M:%S", &tm);
        return n + (size_t)snprintf(buffer + n, size - n, ".%03ld %s", ts.tv_nsec / 1000000, names[level]);
}

void log_write(enum log_level level, const char *subsystem, const char *format, ...)
{
        char line[1024];
        size_t start, n;
        va_list args;
        int m;

        if (level > maximum)
                return;

        n = prefix(line, sizeof(line), level);
        n += (size_t)snprintf(line + n, sizeof(line) - n, "%s: ", subsystem);
        start = n;

        va_start(args, format);
        m = vsnprintf(line + n, sizeof(line) - n - 1, format, args);
        va_end(args);
        if (m > 0)
                n = MIN(n + (size_t)m, sizeof(line) - 2);

        for (size_t i = start; i < n; i++)
                if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
                        line[i] = '?';
        line[n++] = '\n';

        /* One write, so that lines of two processes do not mix. There is nowhere to report to
         * when standard error itself fails. */
        if (write(STDERR_FILENO, line, n) < 0)
                return;
}

bool log_gate_open(struct log_gate *gate, int64_t now, uint64_t *ret_suppressed)
{
        if (now - gate->window_start >= gate->interval_ns) {
                gate->window_start = now;
                gate->used = 0;
        }
        if (gate->used >= gate->burst) {
                gate->suppressed++;
                return false;
        }
        gate->used++;
        *ret_suppressed = gate->suppressed;
        gate->suppressed = 0;
        return true;
}
