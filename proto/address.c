#include "proto/address.h"

#include <arpa/inet.h>
#include <string.h>

static const uint8_t mapped_prefix[12] = { [10] = 0xff, [11] = 0xff };

bool address_is_zero(const struct address *a)
{
        static const uint8_t zero[16];

        return memcmp(a->bytes, zero, 16) == 0 || (address_is_v4(a) && memcmp(a->bytes + 12, zero, 4) == 0);
}

bool address_is_v4(const struct address *a)
{
        return memcmp(a->bytes, mapped_prefix, sizeof(mapped_prefix)) == 0;
}

bool address_is_loopback(const struct address *a)
{
        static const uint8_t one[16] = { [15] = 1 };

        return address_is_v4(a) ? a->bytes[12] == 127 : memcmp(a->bytes, one, 16) == 0;
}

int address_compare(const struct address *a, const struct address *b)
{
        return memcmp(a->bytes, b->bytes, 16);
}

const char *address_format(const struct address *a, char buffer[ADDRESS_TEXT_SIZE])
{
        if (address_is_v4(a))
                return inet_ntop(AF_INET, a->bytes + 12, buffer, ADDRESS_TEXT_SIZE);
        return inet_ntop(AF_INET6, a->bytes, buffer, ADDRESS_TEXT_SIZE);
}

int address_parse(const char *text, struct address *ret_address)
{
        struct address a;

        memcpy(a.bytes, mapped_prefix, sizeof(mapped_prefix));
        if (inet_pton(AF_INET, text, a.bytes + 12) != 1 && inet_pton(AF_INET6, text, a.bytes) != 1)
                return -EINVAL;
        *ret_address = a;
        return 0;
}
