/* The C API of the kernels: single items, array views, status codes, how to run, one prototype per
   kernel. C11, or C++. */
#ifndef PP_H
#define PP_H

#include <stdbool.h>
#include <stdint.h>

#include "exact_sum.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One item at a time. These are the functions that pyparallel.capi hands to other languages: they
   need no Python, no thread and no memory of their own, cannot fail, may be called by any number of
   threads at once, and give the bits that the kernels give. They expect the usual floating-point
   environment: rounding to nearest, subnormal numbers kept. */

/* The escape count of z -> z*z + c, which pp_escape_time computes for arrays; -1 where max_iter is
   below 1. */
typedef int64_t pp_escape_count_function(double zr, double zi, double cr, double ci,
                                         int64_t max_iter);
/* The sum of n values, in the order that pp_reduce keeps; 0 where n is below 1. */
typedef double pp_sum_function(const double *values, int64_t n);
/* The place of the nearest of n tiles to the target, by the squared Euclidean distance of d
   features, summed in their order; the lowest on ties. tiles[i * d + k] is feature k of tile i. -1
   where no tile has a distance: n is below 1, or there is a NaN in each. */
typedef int64_t pp_match_one_function(const double *target, const double *tiles, int64_t n,
                                      int64_t d);
typedef int64_t pp_match_one_uint8_function(const uint8_t *target, const uint8_t *tiles, int64_t n,
                                            int64_t d);
/* The four random words of Philox4x32-10 for this counter and key. */
typedef void pp_philox4x32_function(const uint32_t counter[4], const uint32_t key[2],
                                    uint32_t words[4]);

pp_escape_count_function pp_escape_count;
pp_sum_function pp_sum;
pp_match_one_function pp_match_one;
pp_match_one_uint8_function pp_match_one_uint8;
pp_philox4x32_function pp_philox4x32;

enum pp_status {
    PP_OK = 0,
    PP_NO_MEMORY,
    PP_INTERRUPTED, /* poll() asked to stop */
};

enum pp_type {
    PP_BOOL,
    PP_INT8,
    PP_UINT8,
    PP_INT16,
    PP_UINT16,
    PP_INT32,
    PP_UINT32,
    PP_INT64,
    PP_UINT64,
    PP_FLOAT32,
    PP_FLOAT64,
    PP_COMPLEX64,
    PP_COMPLEX128,
};

#define PP_MAX_DIMS 64 /* NumPy 2's NPY_MAXDIMS */

/* An n-dimensional array that somebody else owns: any strides (in bytes), any alignment. */
typedef struct pp_view {
    char *data;
    enum pp_type type;
    bool swapped; /* bytes in the order that is not this machine's */
    int ndim;
    int64_t shape[PP_MAX_DIMS];
    int64_t strides[PP_MAX_DIMS];
} pp_view;

/* How to run a kernel. With `poll`, work stops about every `slice` seconds to call it, in the
   calling thread and outside any parallel region; its answer `false` ends the job. */
typedef struct pp_run {
    int num_threads;
    int min_threads; /* below num_threads, the team loses a thread per slice (for tests) */
    double slice;
    bool (*poll)(void *context, int64_t done, int64_t total);
    void *context;
} pp_run;

/* The points of the complex plane that a fractal starts from, one per pixel in C order. */
typedef struct pp_points {
    enum { PP_POINTS_SAME, PP_POINTS_GRID, PP_POINTS_ARRAY } kind;
    double re, im;      /* SAME: the point; GRID: the point of pixel (0, 0) */
    double scale;       /* GRID: distance between neighbours */
    int64_t row0, col0; /* GRID: the first row and column, counted from pixel (0, 0) */
    int64_t cols;       /* GRID: pixels in a row */
    pp_view array;      /* ARRAY: any supported type, of the shape of the counts */
} pp_points;

/* Escape counts of z -> z*z + c, from z and c into `counts` (int32 or int64), each equal to

       for k in range(max_iter):
           zr, zi = zr*zr - zi*zi + cr, zr*zi + zi*zr + ci
           if zr*zr + zi*zi > 4: break                                                        */
enum pp_status pp_escape_time(const pp_points *z, const pp_points *c, const pp_view *counts,
                              int32_t max_iter, const pp_run *run);

/* How many of `samples` points (1 to 2^62) of the unit square lie inside the quarter circle,
   x*x + y*y < 1. Sample i takes words 2 * (i % 2) and the next of the block with the counter (low
   half of i / 2, high half, 0, 0); a word w is the coordinate (w >> 1) / 2^31. */
enum pp_status pp_pi_hits(int64_t samples, const uint32_t key[2], int64_t *hits, const pp_run *run);

/* Replace each number n by the sum of 0 <= i < n, or of those of them that 3 divides: by a loop,
   without any short cut, one thread a number. The sums must fit into int64. */
enum pp_status pp_sum_range(int64_t *numbers, int64_t count, const pp_run *run);
enum pp_status pp_conditional_sum_range(int64_t *numbers, int64_t count, const pp_run *run);

/* The exact sum of all elements of a real type, with their number. */
enum pp_status pp_exact_sum_of(const pp_view *a, const pp_run *run, pp_exact_sum *sum);

/* Exact sums rounded once, over all dimensions but the first `kept`, into `out` (float64, of the
   kept shape). `fault` is the gravest that one of them has. */
enum pp_status pp_fsum(const pp_view *a, int kept, const pp_view *out, const pp_run *run,
                       enum pp_exact_fault *fault);

enum pp_reduction {
    PP_SUM, /* of integers modulo 2^64 */
    PP_MEAN,
    PP_VAR,
    PP_STD,
    PP_NORM, /* the square root of the sum of squares */
    PP_DOT,  /* the sum of products of two arrays */
    PP_COUNT_NONZERO,
    PP_MIN,
    PP_MAX,
    PP_MINMAX,
    PP_ARGMIN,
    PP_ARGMAX,
};

/* Which reduction of what. The results depend on the elements in C index order over the reduced
   dimensions, and on their number: not on strides, threads or the instruction set. */
typedef struct pp_reduction_task {
    enum pp_reduction op;
    pp_view in[2];  /* the kept dimensions, then the reduced ones; in[1] only for PP_DOT */
    int kept;       /* how many are kept */
    pp_view out[2]; /* of the kept dimensions; out[1] only for PP_MINMAX, its maximum */
    bool narrow;    /* elements are rounded to float32 first */
    double ddof;    /* PP_VAR and PP_STD divide by n - ddof */
} pp_reduction_task;

/* The reduced dimensions must not be empty where there is no result for that: PP_MIN and the like.
   The type of out[0] says how a sum is formed: as an integer, or in floating point. */
enum pp_status pp_reduce(const pp_reduction_task *task, const pp_run *run);

/* The labs: what a lesson shows. */

/* So many steps of a loop, on the calling thread. */
enum pp_status pp_busy(int64_t steps, const pp_run *run);

/* Count to n in one counter that all threads share. Unsynchronised, updates get lost. */
enum pp_counting { PP_UNSYNCHRONISED, PP_ATOMIC, PP_REDUCTION };
enum pp_status pp_count_to(int64_t n, enum pp_counting how, int64_t *count, const pp_run *run);

/* Turns of a loop, shared out by the rules that OpenMP has for it. Static: one share for each
   worker, or, with a chunk, chunks dealt out in rotation. Dynamic: a chunk for whoever is free.
   Guided: the same, but the turns left divided by twice the workers while that is more. */
enum pp_schedule_kind { PP_STATIC, PP_DYNAMIC, PP_GUIDED };
typedef struct pp_schedule_task {
    enum pp_schedule_kind kind;
    int64_t chunk; /* turns; 0 only for PP_STATIC */
    int64_t turns;
    const int64_t *costs; /* of each turn, in steps of pp_busy */
    double (*clock)(void);
    double *start, *end; /* of each turn, on that clock */
    int64_t *first;      /* of each turn, the first turn of its chunk */
    int64_t *worker;     /* of each turn, counted from 0 in the order in which they begin */
} pp_schedule_task;
enum pp_status pp_schedule(const pp_schedule_task *task, const pp_run *run);

/* Read so many words once; their sum (modulo 2^64) and the seconds that it took. */
enum pp_status pp_read_words(const uint64_t *words, int64_t n, uint64_t *sum, double *seconds,
                             const pp_run *run);
/* So many steps of multiply-add chains; the operations of that and the seconds that it took. */
enum pp_status pp_multiply_add(int64_t steps, int64_t *operations, double *seconds,
                               const pp_run *run);

/* Bins side by side: their edges, one more than the bins, are float64, or float32 if `narrow`. */
typedef struct pp_bins {
    int64_t count; /* below 2^31 - 1 */
    bool narrow;
    void *edges;
} pp_bins;

/* The least and the greatest element, of one at least; both NaN if one of them is. */
enum pp_status pp_find_extent(const pp_view *a, double *low, double *high, const pp_run *run);
/* Edges of bins of equal width from low to high, to the bit those of NumPy, which computes them in
   float32 or float64; low == high is taken for low - 0.5 and high + 0.5. */
void pp_put_edges(const pp_bins *bins, double low, double high, bool in_float32);
/* Are all edges finite, and each greater than the one before? */
bool pp_edges_increase(const pp_bins *bins);
/* Add to counts[k] how many elements have edges[k] <= x < edges[k + 1]; the last bin is closed.
   The edges are about evenly spaced (or it takes longer), and increase. */
enum pp_status pp_histogram(const pp_view *a, const pp_bins *bins, int64_t *counts,
                            const pp_run *run);

/* The mosaic. */

enum pp_match_fault { PP_MATCH_FINE, PP_TARGETS_NOT_FINITE, PP_TILES_NOT_FINITE };

/* For each target the tile at the least squared Euclidean distance, of several the first, and that
   distance: int64 where both are PP_UINT8; else float64, the sum of (target - tile)^2 in the order
   of the features. Both are matrices of PP_UINT8, PP_FLOAT32 or PP_FLOAT64, a row for each, with
   rows of one length, and at least one tile. With a fault the results mean nothing. */
enum pp_status pp_match(const pp_view *targets, const pp_view *tiles, int64_t *indices,
                        void *distances, const pp_run *run, enum pp_match_fault *fault);
/* Pictures are uint8 of shape (n, height, width, 3), in sRGB. */

enum pp_space {
    PP_RGB,   /* the mean of the bytes */
    PP_OKLAB, /* the colour of the mean light: 255 L, 128 + 255 a, 128 + 255 b */
    PP_GREY,  /* one channel, of the mean bytes */
};

/* The mean colours of rows * cols cells, cut as numpy.array_split cuts and none of them empty, into
   `out` (uint8): a row for each picture, with row, column and channel in this order. */
enum pp_status pp_features(const pp_view *images, int64_t rows, int64_t cols, enum pp_space space,
                           const pp_view *out, const pp_run *run);

/* Are all of these integers at least 0 and below n? If not, one of those that are not; of uint64
   beyond int64, the bits. */
bool pp_indices_within(const pp_view *indices, int64_t n, int64_t *wrong);
/* The tiles with these indices (of two dimensions, all within), side by side in `out`. */
enum pp_status pp_assemble(const pp_view *tiles, const pp_view *indices, const pp_view *out,
                           const pp_run *run);

/* Which tile each target gets, so that no tile is used more than `max_uses` times and the sum of
   squared Euclidean distances is least: up to `gap` times it, and what that proves. */
typedef struct pp_assignment {
    int64_t *indices; /* of the targets */
    double *prices;   /* of the tiles, at least 0 */
    double cost, bound;
} pp_assignment;

enum pp_assign_fault { PP_ASSIGN_FINE, PP_ASSIGN_TARGETS, PP_ASSIGN_TILES, PP_ASSIGN_GAP };

/* Matrices as for pp_match, with at most max_uses times as many targets as tiles. Both PP_UINT8:
   cost, bound and prices are integers, and with gap = 0 the bound is the cost. Else gap is 1e-9 at
   least. Faults: numbers that are not finite; a gap too small for float64. */
enum pp_status pp_assign(const pp_view *targets, const pp_view *tiles, int64_t max_uses, double gap,
                         const pp_run *run, pp_assignment *assignment, enum pp_assign_fault *fault);

/* Choose the variant of every kernel: by name, or the best for this CPU (NULL).
   False: there is no such variant here, and nothing has changed. */
bool pp_dispatch(const char *name);
const char *pp_isa(void);
/* The i-th variant this CPU can run, baseline first; NULL past the last. */
const char *pp_isa_available(int i);

/* Is this a build with OpenMP? The most threads its runtime would use here now. */
bool pp_has_openmp(void);
int pp_openmp_max_threads(void);
/* Call before fork(): a libgomp team of this thread would hang the child. */
void pp_before_fork(void);

#ifdef __cplusplus
}
#endif

#endif
