/* The kernel of features, for one instruction set: plain loops, whose vectors the compiler makes.
   See simd.h for the parameters. */
#include "simd.h"

TARGET void ISA(pp_add_rows)(uint16_t *restrict sums, const uint8_t *restrict rows, int64_t stride,
                             int64_t count, int64_t n)
{
    int64_t row = 0;
    /* Four at a time: the sums are read and written once for all. */
    for (; row + 4 <= count; row += 4) {
        const uint8_t *a = rows + row * stride, *b = a + stride, *c = b + stride, *d = c + stride;
        for (int64_t i = 0; i < n; i++)
            sums[i] = (uint16_t)(sums[i] + a[i] + b[i] + c[i] + d[i]);
    }
    for (; row < count; row++)
        for (int64_t i = 0; i < n; i++)
            sums[i] = (uint16_t)(sums[i] + rows[row * stride + i]);
}
