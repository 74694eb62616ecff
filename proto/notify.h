/* Tells the service manager how we are, by sd_notify's protocol; nothing happens where there is none. */
#pragma once

#include "proto/base.h"

/* Lines such as "READY=1\nSTATUS=..."; a failure is of no consequence to us. */
void notify_send(const char *lines);
/* Half of what WATCHDOG_USEC asks of this process, or 0 for no watchdog. */
int64_t notify_watchdog_ns(void);
