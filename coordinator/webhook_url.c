#include "coordinator/webhook_url.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"
#define HOST_MAX 256

static bool is_loopback(const char *host, size_t length)
{
        char plain[HOST_MAX];
        struct in6_addr v6;
        struct in_addr v4;

        snprintf(plain, sizeof(plain), "%.*s", (int)length, host);
        if (strcasecmp(plain, "localhost") == 0)
                return true;
        if (inet_pton(AF_INET, plain, &v4) == 1)
                return ntohl(v4.s_addr) >> 24 == 127;
        if (plain[0] != '[')
                return false;
        plain[length - 1] = '\0';
        return inet_pton(AF_INET6, plain + 1, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

/* The host up to its port or path; 0: it is none. Only what can be read in one way. */
static size_t host_length(const char *s)
{
        size_t n;

        if (*s == '[') {
                n = strspn(s + 1, DIGITS "abcdefABCDEF:.") + 1;
                return n > 1 && s[n] == ']' ? n + 1 : 0;
        }
        return strspn(s, LETTERS DIGITS "-._");
}

const char *webhook_url_expected(const char *url)
{
        static const char expected[] = "https://HOST/..., or http:// on a loopback address";
        bool tls = strncmp(url, "https://", 8) == 0;
        const char *host = url + (tls ? 8 : 7), *rest;
        size_t length;

        if (!tls && strncmp(url, "http://", 7) != 0)
                return expected;
        length = host_length(host);
        rest = host + length;
        if (length == 0 || length >= HOST_MAX || (!tls && !is_loopback(host, length)))
                return expected;
        if (*rest == ':')
                rest += 1 + strspn(rest + 1, DIGITS);
        if (*rest && *rest != '/' && *rest != '?')
                return expected;
        for (; *rest; rest++)
                if (*rest <= ' ' || *rest > '~')
                        return expected;
        return NULL;
}
