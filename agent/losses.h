/* Says in the log what could not be counted, by cause; the figures themselves travel in the summaries. */
#pragma once

#include "bpf/event.h"
#include "proto/base.h"

struct losses {
        uint64_t said[EVENT_LOSS_MAX];
};

/* Call it once an interval: a line for each cause that grew. */
void losses_log(struct losses *losses, const uint64_t now[EVENT_LOSS_MAX]);
