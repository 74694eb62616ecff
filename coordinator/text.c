#include "coordinator/render.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void text_free(struct text *text)
{
        free(text->data);
        *text = (struct text){ 0 };
}

static bool reserve(struct text *text, size_t more)
{
        size_t capacity = MAX(text->capacity, (size_t)4096);
        char *data;

        if (text->failed)
                return false;
        if (text->capacity - text->length > more)
                return true;
        while (capacity - text->length <= more) {
                if (capacity > SIZE_MAX / 2) {
                        text->failed = -ENOMEM;
                        return false;
                }
                capacity *= 2;
        }
        data = realloc(text->data, capacity);
        if (!data) {
                text->failed = -ENOMEM;
                return false;
        }
        text->data = data;
        text->capacity = capacity;
        return true;
}

char *text_reserve(struct text *text, size_t more)
{
        return reserve(text, more) ? text->data + text->length : NULL;
}

void text_append(struct text *text, const char *data, size_t length)
{
        if (!reserve(text, length))
                return;
        memcpy(text->data + text->length, data, length);
        text->length += length;
        text->data[text->length] = '\0';
}

void text_puts(struct text *text, const char *string)
{
        text_append(text, string, strlen(string));
}

void text_printf(struct text *text, const char *format, ...)
{
        va_list args, again;
        int n;

        va_start(args, format);
        va_copy(again, args);
        n = vsnprintf(NULL, 0, format, args);
        if (n >= 0 && reserve(text, (size_t)n)) {
                vsnprintf(text->data + text->length, (size_t)n + 1, format, again);
                text->length += (size_t)n;
        }
        va_end(again);
        va_end(args);
}

void text_uint(struct text *text, uint64_t value)
{
        char digits[20];
        size_t i = sizeof(digits);

        do {
                digits[--i] = (char)('0' + value % 10);
                value /= 10;
        } while (value);
        text_append(text, digits + i, sizeof(digits) - i);
}

static size_t put2(char *p, unsigned v)
{
        p[0] = (char)('0' + v / 10);
        p[1] = (char)('0' + v % 10);
        return 2;
}

/* Days to year, month and day: Howard Hinnant's civil_from_days. gmtime_r() takes a lock and is the
 * larger part of writing a hundred thousand edges. */
void text_time(struct text *text, int64_t ns)
{
        int64_t seconds = ns / NSEC_PER_SEC, milliseconds = ns % NSEC_PER_SEC / NSEC_PER_MSEC;
        int64_t days, era, year;
        unsigned rest, doe, yoe, doy, mp, day, month;
        char out[24];
        size_t n = 0;

        /* Four digits for the year are all that RFC 3339 has. */
        if (ns < 0)
                seconds = milliseconds = 0;
        days = seconds / 86400;
        rest = (unsigned)(seconds % 86400);
        days += 719468;
        era = days / 146097;
        doe = (unsigned)(days - era * 146097);
        yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
        doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
        mp = (5 * doy + 2) / 153;
        day = doy - (153 * mp + 2) / 5 + 1;
        month = mp < 10 ? mp + 3 : mp - 9;
        year = (int64_t)yoe + era * 400 + (month <= 2);

        n += put2(out + n, (unsigned)(year / 100));
        n += put2(out + n, (unsigned)(year % 100));
        out[n++] = '-';
        n += put2(out + n, month);
        out[n++] = '-';
        n += put2(out + n, day);
        out[n++] = 'T';
        n += put2(out + n, rest / 3600);
        out[n++] = ':';
        n += put2(out + n, rest / 60 % 60);
        out[n++] = ':';
        n += put2(out + n, rest % 60);
        out[n++] = '.';
        out[n++] = (char)('0' + milliseconds / 100);
        n += put2(out + n, (unsigned)(milliseconds % 100));
        out[n++] = 'Z';
        text_append(text, out, n);
}
