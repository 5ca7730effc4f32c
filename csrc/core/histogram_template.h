/* The kernel of histograms, for one instruction set: see simd.h for the parameters.

   The bin of x is k where edge[k] <= x < edge[k + 1]. The edges are rounded numbers, and so is

       place(x) = (x - low) * scale

   so the integer part of place(x) may be off by one. But place() does not decrease where x
   increases, because no rounding does. Let `near` be the greatest |place(edge[k]) - k| of all
   edges, and less than 1/2. Then

       place(x) > k + near >= place(edge[k])   only where   x > edge[k]
       place(x) < k - near <= place(edge[k])   only where   x < edge[k]

   so where no integer is within `near` of place(x), its integer part is the bin. That is nearly
   everywhere; elsewhere x has to be compared with the one edge it is near. Nothing here is an
   estimate: `near` is measured, at the edges themselves.

   Where even place(edge[k]) >= k and place(x) < k for the number x that precedes edge[k], for all
   k, the integer part is right everywhere: numbers that lie on the edges, as integers often do,
   cost no more than others then. */
#include "simd.h"

#define decide ISA(decide)

/* The bins of those of the numbers (bits) that are near an edge. */
TARGET PP_INLINE void decide(const pp_grid *grid, const double *x, uint64_t bits, int32_t *bin)
{
    for (; bits; bits &= bits - 1) {
        const int l = pp_lowest_bit(bits);
        const int64_t edge = (int64_t)((x[l] - grid->low) * grid->scale + 0.5);
        const int64_t k = edge - (x[l] < pp_edge(&grid->bins, edge));
        bin[l] = (int32_t)(k < grid->bins.count ? k : grid->bins.count - 1);
    }
}

TARGET void ISA(pp_find_bins)(const pp_grid *grid, const double *x, int64_t n, int32_t *bin)
{
    const double count = (double)grid->bins.count;
    const vd low = v_set1(grid->low), high = v_set1(grid->high), scale = v_set1(grid->scale);
    const vd near2 = v_set1(grid->near2), none = v_set1(count);
    const vd last = v_set1(count - count * 0x1p-53); /* the last bin is closed */
    const vd rounder = v_set1(0x1.8p52);             /* plus and minus this rounds to an integer */
    for (int64_t i = 0; i < n; i += VL) {
        PP_PREFETCH(x + i + PP_AHEAD);
        const vd number = v_load(x + i);
        const vm inside = v_and(v_le(low, number), v_le(number, high));
        const vd place = v_min(v_mul(v_sub(number, low), scale), last);
        const vd off = v_sub(place, v_sub(v_add(place, rounder), rounder));
        v_store_int32(bin + i, v_pick(inside, place, none));
        const uint64_t unsure = v_bits(v_and(inside, v_le(v_mul(off, off), near2)));
        if (PP_UNLIKELY(unsure))
            decide(grid, x + i, unsure, bin + i);
    }
}
