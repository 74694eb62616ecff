#include "coordinator/amount.h"
#include "proto/units.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_MAX 1e15

/* Digits with a point at most: strtod() alone takes signs, "inf" and hexadecimals. */
static int number_parse(const char *text, const char **ret_rest, double *ret_number)
{
        size_t digits = strspn(text, "0123456789."), points = 0;
        char copy[32];

        for (size_t i = 0; i < digits; i++)
                points += text[i] == '.';
        if (!isdigit((unsigned char)*text) || points > 1)
                return -EINVAL;
        if (digits >= sizeof(copy))
                return -ERANGE;
        memcpy(copy, text, digits);
        copy[digits] = '\0';
        *ret_number = strtod(copy, NULL);
        *ret_rest = text + digits;
        return *ret_number <= NUMBER_MAX ? 0 : -ERANGE;
}

/* What stands before and after the last slash, and how many seconds the latter is. */
static int split_rate(const char *text, char *buffer, size_t size, double *ret_seconds)
{
        static const struct {
                const char *name;
                double seconds;
        } units[] = { { "s", 1 }, { "m", 60 }, { "h", 3600 }, { "d", 86400 } };
        const char *slash = strrchr(text, '/');

        if (!slash || (size_t)(slash - text) >= size)
                return -EINVAL;
        memcpy(buffer, text, (size_t)(slash - text));
        buffer[slash - text] = '\0';
        for (size_t i = 0; i < ARRAY_SIZE(units); i++)
                if (strcmp(slash + 1, units[i].name) == 0) {
                        *ret_seconds = units[i].seconds;
                        return 0;
                }
        return -EINVAL;
}

static int bytes_amount(const char *text, double *ret_number)
{
        uint64_t bytes;
        int r;

        if (!*text || !isalpha((unsigned char)text[strlen(text) - 1]))
                return -EINVAL;
        r = bytes_parse(text, &bytes);
        if (r == 0)
                *ret_number = (double)bytes;
        return r;
}

static int plain_amount(const char *text, double *ret_number)
{
        const char *rest;
        int r = number_parse(text, &rest, ret_number);

        return r == 0 && *rest ? -EINVAL : r;
}

int span_parse(const char *text, int64_t *ret_ns)
{
        /* A plain number would be seconds, where minutes may be meant. */
        return *text && isalpha((unsigned char)text[strlen(text) - 1]) ? duration_parse(text, ret_ns) : -EINVAL;
}

int share_parse(const char *text, double max, double *ret_share)
{
        const char *rest;
        double v;
        int r = number_parse(text, &rest, &v);

        if (r < 0)
                return r;
        if (strcmp(rest, "%") == 0)
                v /= 100;
        else if (*rest)
                return -EINVAL;
        if (v > max)
                return -ERANGE;
        *ret_share = v;
        return 0;
}

int amount_parse(const char *text, enum signal_unit unit, struct amount *ret_amount)
{
        struct amount a = { 0 };
        char before[32];
        double seconds;
        int64_t ns;
        int r;

        if (*text && text[strlen(text) - 1] == '%') {
                r = share_parse(text, NUMBER_MAX, &a.number);
                a.relative = unit != UNIT_RATIO;
        } else {
                switch (unit) {
                case UNIT_COUNT:
                case UNIT_EVENTS:
                        r = plain_amount(text, &a.number);
                        break;
                case UNIT_RATE:
                case UNIT_BYTE_RATE:
                        r = split_rate(text, before, sizeof(before), &seconds);
                        if (r == 0)
                                r = unit == UNIT_RATE ? plain_amount(before, &a.number) : bytes_amount(before, &a.number);
                        if (r == 0)
                                a.number /= seconds;
                        break;
                case UNIT_TIME:
                        r = span_parse(text, &ns);
                        if (r == 0)
                                a.number = (double)ns / (double)NSEC_PER_SEC;
                        break;
                case UNIT_BYTES:
                        r = bytes_amount(text, &a.number);
                        break;
                default:
                        r = -EINVAL;
                }
        }
        if (r == 0)
                *ret_amount = a;
        return r;
}
