#include "coordinator/values.h"
#include "proto/time_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const char *none(char buffer[VALUE_SIZE])
{
        return strcpy(buffer, "-");
}

/* Three significant digits and a unit of each thousand. */
static const char *scaled(char buffer[VALUE_SIZE], double v, const char *const *units, size_t count, double first)
{
        size_t i = 0;

        while (i + 1 < count && v >= (i == 0 ? first : 999.5)) {
                v /= 1000;
                i++;
        }
        snprintf(buffer, VALUE_SIZE, i == 0 || v >= 99.95 ? "%.0f%s" : v >= 9.995 ? "%.1f%s" : "%.2f%s", v, units[i]);
        return buffer;
}

const char *value_count(char buffer[VALUE_SIZE], json_t *v)
{
        static const char *const units[] = { "", "k", "M", "G", "T" };

        return json_is_number(v) ? scaled(buffer, json_number_value(v), units, ARRAY_SIZE(units), 99999.5) : none(buffer);
}

const char *value_bytes(char buffer[VALUE_SIZE], double bytes)
{
        static const char *const units[] = { " B", " kB", " MB", " GB", " TB", " PB" };

        return scaled(buffer, bytes, units, ARRAY_SIZE(units), 999.5);
}

const char *value_size(char buffer[VALUE_SIZE], json_t *v)
{
        return json_is_number(v) ? value_bytes(buffer, json_number_value(v)) : none(buffer);
}

const char *value_micros(char buffer[VALUE_SIZE], json_t *v)
{
        static const char *const units[] = { " µs", " ms", " s" };

        return json_is_number(v) ? scaled(buffer, json_number_value(v), units, ARRAY_SIZE(units), 999.5) : none(buffer);
}

const char *value_percent(char buffer[VALUE_SIZE], json_t *v)
{
        if (!json_is_number(v))
                return none(buffer);
        snprintf(buffer, VALUE_SIZE, "%.1f %%", 100 * json_number_value(v));
        return buffer;
}

const char *value_rate(char buffer[VALUE_SIZE], double v)
{
        static const char *const units[] = { "", "k", "M", "G" };

        if (v > 0 && v < 9.95) {
                snprintf(buffer, VALUE_SIZE, v < 0.05 ? "<0.1" : "%.1f", v);
                return buffer;
        }
        return scaled(buffer, v, units, ARRAY_SIZE(units), 9999.5);
}

const char *value_duration(char buffer[VALUE_SIZE], double seconds)
{
        int64_t s = (int64_t)(seconds + 0.5);

        if (s < 60)
                snprintf(buffer, VALUE_SIZE, "%" PRId64 " s", s);
        else if (s < 3600)
                snprintf(buffer, VALUE_SIZE, "%" PRId64 " min", s / 60);
        else if (s < 86400)
                snprintf(buffer, VALUE_SIZE, "%" PRId64 " h %" PRId64 " min", s / 3600, s / 60 % 60);
        else
                snprintf(buffer, VALUE_SIZE, "%" PRId64 " d %" PRId64 " h", s / 86400, s / 3600 % 24);
        return buffer;
}

const char *value_time(char buffer[VALUE_SIZE], json_t *v, int64_t now)
{
        time_t then_s, now_s = now / NSEC_PER_SEC;
        struct tm then, today;
        int64_t ns;

        if (!json_is_string(v) || time_text_parse(json_string_value(v), now, &ns) < 0)
                return none(buffer);
        then_s = ns / NSEC_PER_SEC;
        localtime_r(&then_s, &then);
        localtime_r(&now_s, &today);
        if (then.tm_year == today.tm_year && then.tm_yday == today.tm_yday)
                strftime(buffer, VALUE_SIZE, "%H:%M:%S", &then);
        else
                strftime(buffer, VALUE_SIZE, then.tm_year == today.tm_year ? "%b %d %H:%M" : "%Y-%m-%d %H:%M", &then);
        return buffer;
}

const char *value_time_utc(char buffer[VALUE_SIZE], json_t *v)
{
        int64_t ns;
        struct tm then;
        time_t seconds;

        if (!json_is_string(v) || time_text_parse(json_string_value(v), 0, &ns) < 0)
                return none(buffer);
        seconds = ns / NSEC_PER_SEC;
        gmtime_r(&seconds, &then);
        strftime(buffer, VALUE_SIZE, "%Y-%m-%d %H:%M:%S UTC", &then);
        return buffer;
}

json_t *value_at(json_t *object, const char *key, const char *inner)
{
        json_t *v = json_object_get(object, key);

        return inner ? json_object_get(v, inner) : v;
}

const char *value_string(json_t *object, const char *key)
{
        const char *s = json_string_value(json_object_get(object, key));

        return s ? s : "";
}
