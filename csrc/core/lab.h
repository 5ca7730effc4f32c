/* What the labs share, and the variants of their kernel. */
#ifndef PP_LAB_H
#define PP_LAB_H

#include <stdint.h>

/* So many steps of a loop that no compiler can skip. */
void pp_take_steps(int64_t steps);

/* A multiply-add may take four cycles, of which a core starts two in each: with fewer chains than
   eight it would wait, and 16 registers hold no more than these beside the two constants. */
enum { PP_CHAINS = 12 };

/* So many steps of each chain, x = x * values[0] + values[1] from values[2] on; leaves an end of
   the chains in *end, so that none is left out, and returns the operations that this took. */
typedef int64_t pp_flops_kernel(int64_t steps, const double values[3], double *end);
pp_flops_kernel pp_flops_baseline, pp_flops_avx2, pp_flops_avx512, pp_flops_neon;

#endif
