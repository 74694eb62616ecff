#include "coordinator/json.h"
#include "coordinator/render.h"
#include "coordinator/utf8.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* A hundred thousand edges are some five million values: what is written often goes straight into
 * reserved room, and asks for that once a value. */

static char *put(char *p, const char *s, size_t length)
{
        memcpy(p, s, length);
        return p + length;
}

static char *put_uint(char *p, uint64_t value)
{
        char digits[20];
        size_t i = sizeof(digits);

        do {
                digits[--i] = (char)('0' + value % 10);
                value /= 10;
        } while (value);
        return put(p, digits + i, sizeof(digits) - i);
}

/* 1: as it is. UTF-8 above 0x7f is looked at more closely. */
static const bool plain[256] = {
        [' '] = 1,
        ['!'] = 1,
        ['#' ... '['] = 1,
        [']' ... '~'] = 1,
};

/* At most six bytes a byte. */
static char *put_escaped(char *p, const char *s)
{
        *p++ = '"';
        for (;;) {
                size_t n;

                while (plain[(unsigned char)*s])
                        *p++ = *s++;
                if (!*s)
                        break;
                n = utf8_length(s);
                if (*s == '"' || *s == '\\') {
                        *p++ = '\\';
                        *p++ = *s;
                } else if (n == 0) {
                        p = put(p, "\\ufffd", 6);
                } else if (utf8_is_control(s)) {
                        static const char hex[] = "0123456789abcdef";
                        unsigned char c = (unsigned char)s[n - 1];

                        p = put(p, "\\u00", 4);
                        *p++ = hex[c >> 4];
                        *p++ = hex[c & 15];
                } else {
                        p = put(p, s, n);
                }
                s += MAX(n, (size_t)1);
        }
        *p++ = '"';
        return p;
}

/* Comma and key; returns where the value goes, with room for `more`, or NULL. */
static char *begin(struct text *out, const char *key, size_t more)
{
        char last = out->length ? out->data[out->length - 1] : '[';
        char *p = text_reserve(out, more + (key ? 6 * strlen(key) + 3 : 0) + 1);

        if (!p)
                return NULL;
        /* No value ends like this: strings end with a quote. */
        if (last != '{' && last != '[')
                *p++ = ',';
        if (key) {
                p = put_escaped(p, key);
                *p++ = ':';
        }
        return p;
}

static void end(struct text *out, char *p)
{
        out->length = (size_t)(p - out->data);
        *p = '\0';
}

static void word(struct text *out, const char *key, const char *value)
{
        size_t length = strlen(value);
        char *p = begin(out, key, length);

        if (p)
                end(out, put(p, value, length));
}

void json_open(struct text *out, const char *key, char bracket)
{
        char *p = begin(out, key, 1);

        if (p)
                end(out, put(p, &bracket, 1));
}

void json_open_line(struct text *out, char bracket)
{
        char last = out->length ? out->data[out->length - 1] : '[';

        text_puts(out, last == '[' ? "\n" : ",\n");
        text_append(out, &bracket, 1);
}

void json_close(struct text *out, char bracket)
{
        text_append(out, &bracket, 1);
}

void json_string(struct text *out, const char *key, const char *value)
{
        char *p = begin(out, key, 6 * strlen(value) + 2);

        if (p)
                end(out, put_escaped(p, value));
}

void json_uint(struct text *out, const char *key, uint64_t value)
{
        char *p = begin(out, key, 20);

        if (p)
                end(out, put_uint(p, value));
}

void json_int(struct text *out, const char *key, int64_t value)
{
        char *p = begin(out, key, 21);

        if (!p)
                return;
        if (value < 0)
                *p++ = '-';
        end(out, put_uint(p, value < 0 ? 0 - (uint64_t)value : (uint64_t)value));
}

static void decimal(struct text *out, const char *key, double value, unsigned decimals)
{
        static const uint64_t powers[] = { 1, 10, 100, 1000, 10000, 100000, 1000000 };
        uint64_t scaled, fraction;
        char *p;

        if (!isfinite(value)) {
                word(out, key, "null");
                return;
        }
        p = begin(out, key, 40);
        if (!p)
                return;
        if (fabs(value) >= 1e12) {
                end(out, p + snprintf(p, 40, "%.17g", value));
                return;
        }
        scaled = (uint64_t)(fabs(value) * (double)powers[decimals] + 0.5);
        if (value < 0 && scaled > 0)
                *p++ = '-';
        p = put_uint(p, scaled / powers[decimals]);
        fraction = scaled % powers[decimals];
        if (fraction) {
                *p++ = '.';
                for (unsigned i = decimals; i > 0; i--, fraction /= 10)
                        p[i - 1] = (char)('0' + fraction % 10);
                p += decimals;
                while (p[-1] == '0')
                        p--;
        }
        end(out, p);
}

void json_number(struct text *out, const char *key, double value)
{
        decimal(out, key, value, 3);
}

void json_ratio(struct text *out, const char *key, double value)
{
        decimal(out, key, value, 6);
}

void json_bool(struct text *out, const char *key, bool value)
{
        word(out, key, value ? "true" : "false");
}

void json_null(struct text *out, const char *key)
{
        word(out, key, "null");
}

void json_time(struct text *out, const char *key, int64_t ns)
{
        char *p;

        if (ns <= 0) {
                json_null(out, key);
                return;
        }
        p = begin(out, key, 1);
        if (!p)
                return;
        end(out, put(p, "\"", 1));
        text_time(out, ns);
        text_append(out, "\"", 1);
}
