/* Exact sums of arrays: what the variants of the kernels share, and the ways to go about a call. */
#ifndef PP_FSUM_H
#define PP_FSUM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "common.h"
#include "pp.h"

enum {
    PP_FSUM_BLOCK = 4096,  /* numbers that a kernel takes at a time, at most */
    PP_FSUM_VECTORS = 2,   /* as many chains of additions go on side by side */
    PP_FSUM_LANES = 16,    /* their number is a multiple of: the lanes of the longest vectors */
    PP_FSUM_COLUMNS = 512, /* sums side by side, at most; also a multiple of the lanes */
    PP_FSUM_HEADROOM = 13, /* a block of numbers up to 2**(top - 13) adds up to 2**top / 2 */
    PP_FSUM_LEVELS = 3,
    PP_FSUM_STEP = 40,      /* binary orders from one level to the next: see fsum_template.h */
    PP_FSUM_MIN_TOP = -942, /* the last level is normal then, and its unit is 2**-1074 */
    PP_FSUM_MAX_TOP = 1022, /* 2**(top + 1) is finite */
    PP_FSUM_NO_TOP = 9999,
};

typedef struct pp_fsum_kernels {
    /* The exact sum of n numbers in a few integers, level j's in units of 2**pp_fsum_unit(top, j).
       False, and nothing in `total`, where a number is above 2**(top - PP_FSUM_HEADROOM), or has
       bits below the last level's unit. */
    bool (*block)(const double *x, int n, int top, int64_t total[PP_FSUM_LEVELS]);

    /* The same for columns: row r of x begins at offsets[r]. A column's sum begins at
       pp_fsum_start(top, j), and is as many units away from it at the end. */
    bool (*columns)(const char *x, const int64_t *offsets, int rows, int columns, int top,
                    double sum[PP_FSUM_LEVELS][PP_FSUM_COLUMNS]);
} pp_fsum_kernels;

extern const pp_fsum_kernels pp_fsum_baseline, pp_fsum_avx2, pp_fsum_avx512, pp_fsum_neon;

/* 2**exponent, for normal numbers. */
PP_INLINE double pp_fsum_power(int exponent)
{
    const uint64_t bits = (uint64_t)(exponent + 1023) << 52;
    double power;
    memcpy(&power, &bits, sizeof power);
    return power;
}

/* Where the sum of this level begins, and the exponent of its last place. */
PP_INLINE double pp_fsum_start(int top, int level)
{
    return 1.5 * pp_fsum_power(top - PP_FSUM_STEP * level);
}

PP_INLINE int pp_fsum_unit(int top, int level)
{
    return top - PP_FSUM_STEP * level - 52;
}

/* How many units of the last place lie between two numbers that have the same exponent? */
PP_INLINE int64_t pp_fsum_units_between(double from, double to)
{
    int64_t a, b;
    memcpy(&a, &from, sizeof a);
    memcpy(&b, &to, sizeof b);
    return b - a;
}

/* The largest exponent of n numbers, as it stands in their bits. */
int pp_fsum_exponent(const double *x, int n);
/* The lowest `top` for numbers of this exponent, or PP_FSUM_NO_TOP. */
int pp_fsum_top(int exponent);
/* One that these few numbers, and probably all that come with them, go through with. */
int pp_fsum_guess_top(const double *x, int n);

/* Sums over the dimensions of `reduced`, which are in memory order, for each element of `kept`. */
typedef struct pp_fsum_outputs {
    const pp_view *kept, *reduced, *out; /* coalesced */
    int64_t count, n;                    /* so many sums, of so many numbers each */
    atomic_uint *faults;                 /* a bit for each enum pp_exact_fault that was met */
} pp_fsum_outputs;

void pp_fsum_put(const pp_exact_sum *sum, char *to, atomic_uint *faults);
/* At most as many workers as there are items. */
int pp_fsum_workers(int64_t items);

/* fsum_columns.c: sums side by side, where those next to each other are next in memory. */
bool pp_fsum_suits_columns(const pp_fsum_outputs *outputs);
enum pp_status pp_fsum_by_columns(const pp_fsum_outputs *outputs, const pp_run *run);

#endif
