/* Costs of many tiles for one target, and those worth a look; see simd.h for the parameters.

   A cost is the sum of (target - tile)^2 in the order of the features, each operation rounded to
   float64: the same in every variant, and exact for uint8. */
#include "simd.h"

#define compare_tiles ISA(compare_tiles)

TARGET PP_INLINE int compare_tiles(const double *target, const double *columns, int64_t stride,
                                   int64_t length, const double *price, int64_t count,
                                   double cutoff, double *cost, int32_t *hits)
{
    const vd limit = v_set1(cutoff);
    int found = 0;
    for (int64_t i = 0; i < count; i += VL) {
        vd sum = v_set1(0);
        for (int64_t f = 0; f < length; f++) {
            const vd difference = v_sub(v_set1(target[f]), v_load(columns + f * stride + i));
            sum = v_add(sum, v_mul(difference, difference));
        }
        v_store(cost + i, sum);
        uint64_t bits = v_bits(v_le(v_add(sum, v_load(price + i)), limit));
        if (count - i < VL)
            bits &= (UINT64_C(1) << (count - i)) - 1;
        for (; PP_UNLIKELY(bits); bits &= bits - 1)
            hits[found++] = (int32_t)i + pp_lowest_bit(bits);
    }
    return found;
}

/* With the number of features a constant, the target stays in registers. */
TARGET int ISA(pp_near_tiles)(const double *target, const double *columns, int64_t stride,
                              int64_t length, const double *price, int64_t count, double cutoff,
                              double *cost, int32_t *hits)
{
    if (length == 3)
        return compare_tiles(target, columns, stride, 3, price, count, cutoff, cost, hits);
    return compare_tiles(target, columns, stride, length, price, count, cutoff, cost, hits);
}
