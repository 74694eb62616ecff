/* The address of the HTTP interface: read, and listened on. */
#pragma once

#include "proto/base.h"

struct sockaddr_storage;

/* "127.0.0.1:7338", "localhost:7338" or "[::1]:7338". -EINVAL. */
/* NULL for one of these, or "off", else what was expected in its place. */
const char *http_address_expected(const char *text);
MUST_CHECK int http_address_parse(const char *text, struct sockaddr_storage *ret_address, bool *ret_loopback);
MUST_CHECK int http_address_listen(const struct sockaddr_storage *address, int *ret_fd);
