#include "proto/time_text.h"
#include "proto/units.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

/* "2 hours ago" in the words of duration_parse(): "2h". */
static int ago(const char *text, size_t length, int64_t now, int64_t *ret_ns)
{
        static const struct {
                const char *word, *unit;
        } words[] = {
                { "second", "s" }, { "sec", "s" }, { "minute", "m" }, { "min", "m" },
                { "hour", "h" },   { "day", "d" }, { "week", "w" },
        };
        char plain[64] = "";
        size_t n = 0, i = 0;
        int64_t before;

        while (i < length && n + 2 < sizeof(plain)) {
                size_t w = 0, l = 0;

                if (text[i] == ' ') {
                        i++;
                        continue;
                }
                while (i + l < length && isalpha((unsigned char)text[i + l]))
                        l++;
                for (w = 0; w < ARRAY_SIZE(words); w++) {
                        size_t full = strlen(words[w].word);

                        if (strncmp(text + i, words[w].word, full) == 0 && (l == full || (l == full + 1 && text[i + full] == 's')))
                                break;
                }
                if (w < ARRAY_SIZE(words)) {
                        plain[n++] = *words[w].unit;
                        i += l;
                } else {
                        plain[n++] = text[i++];
                }
        }
        plain[n] = '\0';
        /* "2 ago" would be two seconds by luck. */
        if (i < length || n == 0 || isdigit((unsigned char)plain[n - 1]) || duration_parse(plain, &before) < 0 || before > now)
                return -EINVAL;
        *ret_ns = now - before;
        return 0;
}

/* Reads exactly `digits` digits. */
static int digits(const char **text, unsigned count, int min, int max, int *ret_value)
{
        int v = 0;

        for (unsigned i = 0; i < count; i++) {
                if (!isdigit((unsigned char)(*text)[i]))
                        return -EINVAL;
                v = 10 * v + ((*text)[i] - '0');
        }
        if (v < min || v > max)
                return -EINVAL;
        *text += count;
        *ret_value = v;
        return 0;
}

static int clock_part(const char **text, struct tm *tm, int64_t *ret_fraction)
{
        int64_t unit = NSEC_PER_SEC / 10;

        if (digits(text, 2, 0, 23, &tm->tm_hour) < 0 || *(*text)++ != ':' || digits(text, 2, 0, 59, &tm->tm_min) < 0)
                return -EINVAL;
        if (**text != ':')
                return 0;
        (*text)++;
        if (digits(text, 2, 0, 60, &tm->tm_sec) < 0)
                return -EINVAL;
        if (**text != '.')
                return 0;
        (*text)++;
        if (!isdigit((unsigned char)**text))
                return -EINVAL;
        for (; isdigit((unsigned char)**text); (*text)++, unit /= 10)
                *ret_fraction += (**text - '0') * unit;
        return 0;
}

static int date_part(const char **text, struct tm *tm)
{
        static const int days[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

        if (digits(text, 4, 1970, 2200, &tm->tm_year) < 0 || *(*text)++ != '-' || digits(text, 2, 1, 12, &tm->tm_mon) < 0 ||
            *(*text)++ != '-' || digits(text, 2, 1, days[tm->tm_mon - 1], &tm->tm_mday) < 0)
                return -EINVAL;
        tm->tm_year -= 1900;
        tm->tm_mon--;
        return 0;
}

static int zone_part(const char **text, int64_t *ret_offset)
{
        int hours, minutes, sign = **text == '-' ? -1 : 1;

        if (**text == 'Z' || **text == 'z') {
                (*text)++;
                *ret_offset = 0;
                return 0;
        }
        if (**text != '+' && **text != '-')
                return -EINVAL;
        (*text)++;
        if (digits(text, 2, 0, 23, &hours) < 0 || *(*text)++ != ':' || digits(text, 2, 0, 59, &minutes) < 0)
                return -EINVAL;
        *ret_offset = sign * (hours * 3600 + minutes * 60) * NSEC_PER_SEC;
        return 0;
}

static int absolute(const char *text, int64_t *ret_ns)
{
        struct tm tm = { .tm_isdst = -1 };
        int64_t fraction = 0, offset;

        if (date_part(&text, &tm) < 0)
                return -EINVAL;
        if (*text == 'T' || *text == 't' || *text == ' ') {
                text++;
                if (clock_part(&text, &tm, &fraction) < 0)
                        return -EINVAL;
                if (*text) {
                        if (zone_part(&text, &offset) < 0 || *text)
                                return -EINVAL;
                        *ret_ns = timegm(&tm) * NSEC_PER_SEC + fraction - offset;
                        return 0;
                }
        }
        if (*text)
                return -EINVAL;
        *ret_ns = mktime(&tm) * NSEC_PER_SEC + fraction;
        return 0;
}

/* A time of the clock, on the day `back` days before today; -1: when the clock last showed it. */
static int on_day(const char *text, int back, int64_t now, int64_t *ret_ns)
{
        time_t seconds = now / NSEC_PER_SEC;
        int64_t fraction = 0;
        struct tm tm;

        localtime_r(&seconds, &tm);
        tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
        tm.tm_isdst = -1;
        tm.tm_mday -= MAX(back, 0);
        while (*text == ' ')
                text++;
        if (*text && (clock_part(&text, &tm, &fraction) < 0 || *text))
                return -EINVAL;
        *ret_ns = mktime(&tm) * NSEC_PER_SEC + fraction;
        if (back < 0 && *ret_ns > now) {
                tm.tm_mday--;
                tm.tm_isdst = -1;
                *ret_ns = mktime(&tm) * NSEC_PER_SEC + fraction;
        }
        return 0;
}

int time_text_parse(const char *text, int64_t now, int64_t *ret_ns)
{
        size_t length = strlen(text);

        if (strcmp(text, "now") == 0) {
                *ret_ns = now;
                return 0;
        }
        if (length > 4 && strcmp(text + length - 4, " ago") == 0)
                return ago(text, length - 4, now, ret_ns);
        if (strncmp(text, "today", 5) == 0 && (text[5] == ' ' || !text[5]))
                return on_day(text + 5, 0, now, ret_ns);
        if (strncmp(text, "yesterday", 9) == 0 && (text[9] == ' ' || !text[9]))
                return on_day(text + 9, 1, now, ret_ns);
        if (length >= 5 && text[2] == ':')
                return on_day(text, -1, now, ret_ns);
        return absolute(text, ret_ns);
}
