#include "coordinator/minifloat.h"

#include <math.h>

#define MANTISSA 10
#define IMPLIED (1 << MANTISSA)
#define LARGEST 0x1.ffcp72 /* 2047 · 2^62 */

/* An exponent of 0 means the mantissa as it is; e > 0 means (1024 + mantissa) · 2^(e − 1). */
uint16_t minifloat_of(double value)
{
        int exponent;
        double whole;

        if (!(value > 0))
                return 0;
        if (value >= LARGEST)
                return UINT16_MAX;
        (void)frexp(value, &exponent);
        exponent = exponent > MANTISSA ? exponent - MANTISSA : 0;
        whole = nearbyint(exponent > 1 ? ldexp(value, 1 - exponent) : value);
        /* Rounded up it may be the next power of two: then the carry is what the exponent rises by. */
        return (uint16_t)((exponent > 1 ? (exponent - 1) << MANTISSA : 0) + (int)whole);
}

double minifloat_value(uint16_t minifloat)
{
        int exponent = minifloat >> MANTISSA, mantissa = minifloat & (IMPLIED - 1);

        return exponent == 0 ? mantissa : ldexp(IMPLIED + mantissa, exponent - 1);
}
