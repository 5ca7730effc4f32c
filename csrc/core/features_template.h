/* The kernel of features, for one instruction set: plain loops, whose vectors the compiler makes.
   See simd.h for the parameters. */
#include "simd.h"

/* Two bytes as one number: which of them is the low one depends on the CPU. */
#define bytes_at ISA(bytes_at)
PP_INLINE TARGET uint16_t bytes_at(const uint8_t *place)
{
    uint16_t both;
    memcpy(&both, place, sizeof both);
    return both;
}

/* Two columns are summed at once: the sum of the numbers, modulo 2^16, is the sum of the low bytes
   plus 2^8 times that of the high ones, which is also summed by itself. That saves widening every
   byte. */
#define add_some ISA(add_some)
PP_INLINE TARGET void add_some(uint16_t *restrict sums, const uint8_t *restrict rows,
                               int64_t stride, int count, int64_t n)
{
    const int low = PP_LOW_BYTE;
    for (int64_t i = 0; i < n / 2; i++) {
        uint16_t both = 0, high = 0;
        for (int row = 0; row < count; row++) {
            const uint16_t pair = bytes_at(rows + row * stride + 2 * i);
            both = (uint16_t)(both + pair);
            high = (uint16_t)(high + (pair >> 8));
        }
        sums[2 * i + low] = (uint16_t)(sums[2 * i + low] + both - (high << 8));
        sums[2 * i + 1 - low] = (uint16_t)(sums[2 * i + 1 - low] + high);
    }
    if (n % 2)
        for (int row = 0; row < count; row++)
            sums[n - 1] = (uint16_t)(sums[n - 1] + rows[row * stride + n - 1]);
}

/* Many rows at once, so that the sums are seldom read and written; of each number of them there is
   a loop of its own. */
TARGET void ISA(pp_add_rows)(uint16_t *restrict sums, const uint8_t *restrict rows, int64_t stride,
                             int64_t count, int64_t n)
{
    int64_t row = 0;
    for (; row + 8 <= count; row += 8)
        add_some(sums, rows + row * stride, stride, 8, n);
    if (count - row >= 4) {
        add_some(sums, rows + row * stride, stride, 4, n);
        row += 4;
    }
    if (count - row >= 2) {
        add_some(sums, rows + row * stride, stride, 2, n);
        row += 2;
    }
    if (row < count)
        add_some(sums, rows + row * stride, stride, 1, n);
}

#undef bytes_at
#undef add_some
