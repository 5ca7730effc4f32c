/* What the variants of the fsum kernel share. */
#ifndef PP_FSUM_H
#define PP_FSUM_H

#include <stdbool.h>
#include <stdint.h>

enum {
    PP_FSUM_BLOCK = 4096,  /* numbers that a kernel takes at a time, at most */
    PP_FSUM_VECTORS = 2,   /* as many chains of additions go on side by side */
    PP_FSUM_LANES = 16,    /* their number is a multiple of: the lanes of the longest vectors */
    PP_FSUM_HEADROOM = 13, /* a block of numbers up to 2**(top - 13) adds up to 2**top / 2 */
    PP_FSUM_LEVELS = 3,
    PP_FSUM_STEP = 40,      /* binary orders from one level to the next: see fsum_template.h */
    PP_FSUM_MIN_TOP = -942, /* the last level is normal then, and its unit is 2**-1074 */
    PP_FSUM_MAX_TOP = 1022, /* 2**(top + 1) is finite */
};

/* The exact sum of n numbers in a few integers, level j's in units of 2**(top - 52 - STEP * j).
   False, and nothing in `total`, where a number is above 2**(top - PP_FSUM_HEADROOM), or has
   bits below the last level's unit. */
typedef bool pp_fsum_kernel(const double *x, int n, int top, int64_t total[PP_FSUM_LEVELS]);
pp_fsum_kernel pp_fsum_baseline, pp_fsum_avx2, pp_fsum_avx512, pp_fsum_neon;

#endif
