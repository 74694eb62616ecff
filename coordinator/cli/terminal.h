/* The terminal that an answer is read on. */
#pragma once

#include "proto/base.h"

struct terminal {
        size_t width, height; /* 0: unlimited */
        bool colour, live;    /* live: it can be drawn on */
};
void terminal_read(struct terminal *ret_terminal);
