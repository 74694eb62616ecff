/* Durations and sizes as people write them, in configuration files and on command lines. */
#pragma once

#include "proto/base.h"

/* "500ms", "30s", "5m", "2h", "7d", "1h30m"; a plain number is seconds, fractions are allowed.
 * -EINVAL if it is none, -ERANGE if it does not fit. Never negative. */
MUST_CHECK int duration_parse(const char *text, int64_t *ret_ns);

/* "512MiB", "64 KiB", "1.5G", "4096": k, M, G and T count in 1024, with `B` in 1000, with `iB` in
 * 1024 again; a plain number is bytes. -EINVAL, -ERANGE. */
MUST_CHECK int bytes_parse(const char *text, uint64_t *ret_bytes);
