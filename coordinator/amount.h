/* Amounts of signals as people write them in signature files: "5%", "200ms", "512MiB", "300/m". */
#pragma once

#include "coordinator/signal.h"

struct amount {
        double number; /* in the base unit; 0.5 for 50% */
        bool relative; /* a share of something else */
};

/* `text` as an amount in `unit`; percentages are relative, but those of a UNIT_RATIO. Never negative,
 * always finite. -EINVAL: it is none (a unit is missing or another's); -ERANGE: too large. */
MUST_CHECK int amount_parse(const char *text, enum signal_unit unit, struct amount *ret_amount);
/* A share such as "95%" or "0.95", at most `max`. -EINVAL, -ERANGE. */
MUST_CHECK int share_parse(const char *text, double max, double *ret_share);
/* A duration that names its unit, in nanoseconds. -EINVAL, -ERANGE. */
MUST_CHECK int span_parse(const char *text, int64_t *ret_ns);
