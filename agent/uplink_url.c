#include "agent/uplink_internal.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

static bool is_loopback(const char *host)
{
        struct in_addr v4;

        if (inet_pton(AF_INET, host, &v4) == 1)
                return ntohl(v4.s_addr) >> 24 == 127;
        return strcmp(host, "::1") == 0 || strcmp(host, "localhost") == 0;
}

static bool is_host(const char *host, size_t length, bool brackets)
{
        static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";

        return length > 0 && strspn(host, brackets ? "0123456789abcdefABCDEF:." : allowed) >= length;
}

int uplink_parse_url(const char *url, struct uplink_url *ret_url, const char **ret_why)
{
        struct uplink_url result = { .secure = strncmp(url, "tls+tcp://", 10) == 0 };
        const char *host, *end, *colon;
        unsigned long port;
        char *rest;

        *ret_why = "the coordinator's URL must be tls+tcp://HOST:PORT, or tcp://127.0.0.1:PORT on this machine";
        if (!result.secure && strncmp(url, "tcp://", 6) != 0)
                return -EINVAL;
        host = url + (result.secure ? 10 : 6);
        if (*host == '[') {
                end = strchr(++host, ']');
                if (!end || !is_host(host, (size_t)(end - host), true))
                        return -EINVAL;
                colon = end + 1;
        } else {
                end = colon = strchr(host, ':');
                if (!end || !is_host(host, (size_t)(end - host), false))
                        return -EINVAL;
        }
        if (*colon != ':' || colon[1] < '0' || colon[1] > '9' || (size_t)(end - host) >= sizeof(result.host))
                return -EINVAL;
        port = strtoul(colon + 1, &rest, 10);
        if (*rest || port == 0 || port > UINT16_MAX)
                return -EINVAL;
        memcpy(result.host, host, (size_t)(end - host));
        result.port = (uint16_t)port;
        result.loopback = is_loopback(result.host);
        if (!result.secure && !result.loopback) {
                *ret_why = "plain tcp:// is for a coordinator on this machine only; use tls+tcp:// with certificates from "
                           "`nightshift ca issue`";
                return -EINVAL;
        }
        *ret_url = result;
        return 0;
}

const char *uplink_url_expected(const char *url)
{
        struct uplink_url parsed;
        const char *why;

        return uplink_parse_url(url, &parsed, &why) < 0 ? "tls+tcp://HOST:PORT, or tcp://127.0.0.1:PORT for one on this machine"
                                                        : NULL;
}
