#include "proto/units.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* strtod() alone would take "inf", "0x1p3" and signs. */
static int number(const char **text, double *ret_value)
{
        char *end;
        double v;

        if (!isdigit((unsigned char)**text) || (**text == '0' && tolower((unsigned char)(*text)[1]) == 'x'))
                return -EINVAL;
        v = strtod(*text, &end);
        *text = end;
        *ret_value = v;
        return 0;
}

int duration_parse(const char *text, int64_t *ret_ns)
{
        static const struct {
                const char *name;
                int64_t ns;
        } units[] = {
                { "ms", NSEC_PER_MSEC },       { "us", NSEC_PER_USEC },        { "ns", 1 },
                { "s", NSEC_PER_SEC },         { "m", 60 * NSEC_PER_SEC },     { "h", 3600 * NSEC_PER_SEC },
                { "d", 86400 * NSEC_PER_SEC }, { "w", 604800 * NSEC_PER_SEC },
        };
        double total = 0;

        do {
                size_t i = 0;
                double v;

                if (number(&text, &v) < 0)
                        return -EINVAL;
                while (*text == ' ')
                        text++;
                if (*text == '\0') {
                        if (total > 0)
                                return -EINVAL; /* "1h30" */
                        total = v * (double)NSEC_PER_SEC;
                        break;
                }
                while (i < ARRAY_SIZE(units) && strncmp(text, units[i].name, strlen(units[i].name)))
                        i++;
                if (i == ARRAY_SIZE(units))
                        return -EINVAL;
                text += strlen(units[i].name);
                total += v * (double)units[i].ns;
                while (*text == ' ')
                        text++;
        } while (*text);

        if (!(total <= 9e18))
                return -ERANGE;
        *ret_ns = (int64_t)(total + 0.5);
        return 0;
}

int bytes_parse(const char *text, uint64_t *ret_bytes)
{
        static const char letters[] = "kmgt";
        double v, base = 1024;
        unsigned power = 0;
        const char *letter;

        if (number(&text, &v) < 0)
                return -EINVAL;
        while (*text == ' ')
                text++;
        letter = *text ? strchr(letters, tolower((unsigned char)*text)) : NULL;
        if (letter) {
                power = (unsigned)(letter - letters) + 1;
                text++;
                if (strcasecmp(text, "b") == 0)
                        base = 1000;
                else if (*text && strcmp(text, "iB"))
                        return -EINVAL;
        } else if (*text && strcmp(text, "B")) {
                return -EINVAL;
        }
        while (power-- > 0)
                v *= base;
        if (!(v <= 9e18))
                return -ERANGE;
        *ret_bytes = (uint64_t)(v + 0.5);
        return 0;
}
