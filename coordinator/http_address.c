#include "coordinator/http_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int http_address_parse(const char *text, struct sockaddr_storage *ret_address, bool *ret_loopback)
{
        struct sockaddr_in v4 = { .sin_family = AF_INET };
        struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
        const char *colon = strrchr(text, ':');
        char host[64], *end;
        size_t length;
        unsigned long port;

        if (!colon || colon == text)
                return -EINVAL;
        errno = 0;
        port = strtoul(colon + 1, &end, 10);
        if (errno || *end || end == colon + 1 || port == 0 || port > 65535)
                return -EINVAL;
        length = (size_t)(colon - text);
        if (text[0] == '[' && text[length - 1] == ']') {
                text++;
                length -= 2;
        }
        if (length >= sizeof(host))
                return -EINVAL;
        memcpy(host, text, length);
        host[length] = '\0';
        *ret_address = (struct sockaddr_storage){ 0 };
        if (inet_pton(AF_INET, strcmp(host, "localhost") ? host : "127.0.0.1", &v4.sin_addr) == 1) {
                v4.sin_port = htons((uint16_t)port);
                memcpy(ret_address, &v4, sizeof(v4));
                *ret_loopback = ntohl(v4.sin_addr.s_addr) >> 24 == 127;
                return 0;
        }
        if (inet_pton(AF_INET6, host, &v6.sin6_addr) == 1) {
                v6.sin6_port = htons((uint16_t)port);
                memcpy(ret_address, &v6, sizeof(v6));
                *ret_loopback = IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr);
                return 0;
        }
        return -EINVAL;
}

const char *http_address_expected(const char *text)
{
        struct sockaddr_storage address;
        bool loopback;

        return strcmp(text, "off") == 0 || http_address_parse(text, &address, &loopback) == 0
                       ? NULL
                       : "ADDRESS:PORT such as 127.0.0.1:7338 or [::1]:7338, or off";
}

int http_address_listen(const struct sockaddr_storage *address, int *ret_fd)
{
        int fd = socket(address->ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), one = 1;
        socklen_t size = address->ss_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);

        if (fd < 0)
                return -errno;
        if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
            bind(fd, (const struct sockaddr *)address, size) < 0 || listen(fd, 64) < 0) {
                int r = -errno;

                close(fd);
                return r;
        }
        *ret_fd = fd;
        return 0;
}
