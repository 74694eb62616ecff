/* Addresses as 16 bytes, IPv4 as ::ffff:a.b.c.d. */
#pragma once

#include "proto/summary.h"

#define ADDRESS_TEXT_SIZE 46

bool address_is_zero(const struct address *a);
bool address_is_v4(const struct address *a);
bool address_is_loopback(const struct address *a);
int address_compare(const struct address *a, const struct address *b);
/* Writes at most ADDRESS_TEXT_SIZE bytes and returns `buffer`; mapped addresses as IPv4. */
const char *address_format(const struct address *a, char buffer[ADDRESS_TEXT_SIZE]);
/* -EINVAL if it is neither IPv4 nor IPv6. */
MUST_CHECK int address_parse(const char *text, struct address *ret_address);
