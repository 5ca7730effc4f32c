/* Costs of many tiles for one target, and those worth a look; see simd.h for the parameters.

   A cost is the sum of (target - tile)^2 in the order of the features, each operation rounded to
   float64: the same in every variant, and exact for uint8. */
#include "simd.h"

#define note_hits     ISA(note_hits)
#define compare_tiles ISA(compare_tiles)

/* Note the tiles of a vector, from `first` on, whose bits are set and that are there; how many have
   been found by then. */
TARGET PP_INLINE int note_hits(uint64_t bits, int64_t first, int64_t count, int32_t *hits,
                               int found)
{
    if (count - first < VL)
        bits &= (UINT64_C(1) << (count - first)) - 1;
    for (; PP_UNLIKELY(bits); bits &= bits - 1)
        hits[found++] = (int32_t)first + pp_lowest_bit(bits);
    return found;
}

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
        found =
            note_hits(v_bits(v_le(v_add(sum, v_load(price + i)), limit)), i, count, hits, found);
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

/* Which tiles have bound + price <= cutoff; how many those are. */
TARGET int ISA(pp_near_bounds)(const uint16_t *bounds, double scale, const double *price,
                               int64_t count, double cutoff, int32_t *hits)
{
    const vd limit = v_set1(cutoff), least = v_set1(0x1p-31), times = v_set1(scale);
    int found = 0;
    for (int64_t i = 0; i < count; i += VL) {
        const vd bound = v_mul(v_sub(v_load_short(bounds + i), least), times);
        found =
            note_hits(v_bits(v_le(v_add(bound, v_load(price + i)), limit)), i, count, hits, found);
    }
    return found;
}

/* The squared distance of two rows of bytes. */
TARGET int32_t ISA(pp_byte_distance)(const uint8_t *a, const uint8_t *b, int64_t length)
{
    int32_t sum = 0;
    for (int64_t f = 0; f < length; f++) {
        const int16_t difference = (int16_t)(a[f] - b[f]);
        sum += difference * difference;
    }
    return sum;
}

/* What no cost + price below each of PP_WIDE nodes is lower than, and which may reach the cutoff:
   see assign_tree.c. */
TARGET uint64_t ISA(pp_near_nodes)(const double *wide, const double *target, int64_t length,
                                   double cutoff, double *least)
{
    const vd limit = v_set1(cutoff);
    uint64_t bits = 0;
    for (int i = 0; i < PP_WIDE; i += VL) {
        vd sum = v_load(wide + 3 * length * PP_WIDE + i);
        for (int64_t f = 0; f < length; f++) {
            const vd x = v_set1(target[f]);
            const vd low = v_load(wide + f * PP_WIDE + i);
            const vd high = v_load(wide + (length + f) * PP_WIDE + i);
            const vd half = v_load(wide + (2 * length + f) * PP_WIDE + i);
            const vd moved = v_sub(x, half), from = v_sub(x, low);
            const vd outside = v_max(v_max(v_sub(low, moved), v_sub(moved, high)), v_set1(0));
            sum = v_add(sum, v_add(v_mul(outside, outside), v_mul(half, v_add(from, from))));
        }
        v_store(least + i, sum);
        bits |= v_bits(v_le(sum, limit)) << i;
    }
    return bits;
}

/* Feature f in lane f % 8, whatever the width of a vector. */
TARGET double ISA(pp_row_distance)(const double *a, const double *b, int64_t length)
{
    enum { LANES = 8 };
    double lanes[LANES];
    vd sums[LANES / VL];
    for (int k = 0; k < LANES / VL; k++)
        sums[k] = v_set1(0);
    int64_t f = 0;
    for (; f + LANES <= length; f += LANES)
        for (int k = 0; k < LANES / VL; k++) {
            const vd difference = v_sub(v_load(a + f + k * VL), v_load(b + f + k * VL));
            sums[k] = v_add(sums[k], v_mul(difference, difference));
        }
    for (int k = 0; k < LANES / VL; k++)
        v_store(lanes + k * VL, sums[k]);
    for (; f < length; f++)
        lanes[f % LANES] += (a[f] - b[f]) * (a[f] - b[f]);
    return ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) +
           ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]));
}
