/* The shapes that a signal can have over time, and the parameters of each: one table that checks
 * signature files and writes nightshift-signature(5). What a shape means exactly is its `help` there;
 * whoever evaluates it keeps to that. */
#pragma once

#include "proto/base.h"

enum shape {
        SHAPE_RISING,
        SHAPE_FALLING,
        SHAPE_ABOVE,
        SHAPE_BELOW,
        SHAPE_STEP_UP,
        SHAPE_STEP_DOWN,
        SHAPE_STEADY,
        SHAPE_BURSTS,
        SHAPE_ACCUMULATING,
        SHAPES,
};

enum parameter {
        PARAMETER_BY,         /* an amount, or a percentage of the value at the beginning */
        PARAMETER_VALUE,      /* a value of the signal; with `of` a percentage */
        PARAMETER_OF,         /* another signal, usual, former-build */
        PARAMETER_FOR,        /* the window */
        PARAMETER_WITHIN,     /* how long a step may take; of a prediction: its deadline */
        PARAMETER_CONFIDENCE, /* of a trend */
        PARAMETER_SHARE,      /* of the window in which it is so */
        PARAMETER_COUNT,      /* of bursts, of steps */
        PARAMETERS,
};
#define PARAMETER_BIT(p) (1u << (p))

/* False if there is none of this name. */
MUST_CHECK bool shape_find(const char *name, enum shape *ret_shape);
const char *shape_name(enum shape shape);
MUST_CHECK bool parameter_find(const char *name, enum parameter *ret_parameter);
const char *parameter_name(enum parameter parameter);
/* Bits of the parameters that must and that may be given. */
uint32_t shape_required(enum shape shape);
uint32_t shape_allowed(enum shape shape);
/* Whether a signal can have it whose events are counted over the window: it has one value then. */
bool shape_counts(enum shape shape);
/* Names with commas between them; returns `buffer`. */
const char *shapes_list(char *buffer, size_t size);
const char *parameters_list(uint32_t bits, char *buffer, size_t size);
/* Writes all of it to standard output, as the body of a manual page (mdoc). */
void shapes_manual(void);
