/* A count in two bytes, for cells of which there are many: six bits of exponent and ten of mantissa, no sign.
 * Whole numbers up to 2048 are exact, larger ones within 1/2048, and the largest is some 2^73, so nothing that a
 * host can count saturates. */
#pragma once

#include <stdint.h>

/* The nearest that there is. What is below zero, and NaN, become 0; what is beyond the largest becomes that. */
uint16_t minifloat_of(double value);
double minifloat_value(uint16_t minifloat);
