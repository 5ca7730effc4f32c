/* What the variants of the histogram kernels share. */
#ifndef PP_HISTOGRAM_H
#define PP_HISTOGRAM_H

#include <stdbool.h>
#include <stdint.h>

#include "common.h"
#include "pp.h"

/* A number x from `low` to `high` lies (x - low) * scale bins above the lowest edge; where this is
   nearer to an integer than `near`, the edges decide: see histogram_template.h. */
typedef struct pp_grid {
    pp_bins bins;
    double low, high; /* the outer edges */
    double scale;     /* bins in a unit */
    double near2;     /* the square of `near`; -1 where the edges have nothing to decide */
    bool search;      /* rounding makes a nonsense of that: search for the bin */
} pp_grid;

/* Between two pieces of work nobody reads memory, so the CPU would find itself waiting for the
   next: it is asked for so many numbers before. */
enum { PP_AHEAD = 512 };

PP_INLINE double pp_edge(const pp_bins *bins, int64_t k)
{
    return bins->narrow ? (double)((const float *)bins->edges)[k]
                        : ((const double *)bins->edges)[k];
}

pp_grid pp_grid_of(const pp_bins *bins);

/* The bins of n numbers; `bins.count` for those that are in none. Both arrays are accessed up to a
   multiple of PP_ROUND. */
typedef void pp_find_bins_kernel(const pp_grid *grid, const double *x, int64_t n, int32_t *bin);
pp_find_bins_kernel pp_find_bins_baseline, pp_find_bins_avx2, pp_find_bins_avx512,
    pp_find_bins_neon;

#endif
