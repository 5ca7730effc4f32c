/* Reductions: how one is cut into work, and what an operation supplies. */
#ifndef PP_REDUCE_H
#define PP_REDUCE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common.h"
#include "parallel.h"
#include "pp.h"

enum {
    PP_GROUP = 64,          /* elements in a leaf of the tree of sums */
    PP_SUM_LANES = 8,       /* element k of a group belongs to lane k mod 8 */
    PP_COLUMNS = 256,       /* outputs that are reduced side by side, at most */
    PP_MANY_COLUMNS = 2048, /* where nothing but their values is kept */
    PP_PLACES = 512,        /* bytes of accumulators in the widest row that is folded */
    PP_NEAR = 64,           /* and where some of them are folded at a time */
    PP_FAR = 4096,          /* bytes ahead of the element in use that are fetched */
    PP_TILE = 1 << 15,      /* elements in a tile in place, and between two looks at the clock */
    PP_STAGE = 4096,        /* elements staged at a time, where they cannot be read in place */
};

/* Some elements of `width` outputs that lie side by side: element k of output j is at
   x + k * row + j * (its size). */
typedef struct pp_tile {
    const char *x[2]; /* two only for PP_DOT */
    int64_t row;
    int64_t count; /* elements of each output */
    int width;
} pp_tile;

/* Outputs that are reduced together, side by side. */
typedef struct pp_block {
    int64_t in[2], out[2]; /* byte offsets of its first output, and of that output's element 0 */
    int width;
} pp_block;

typedef struct pp_reduce_job pp_reduce_job;

/* An operation reduces chunks: it starts an accumulator, lets it take tiles in order, and closes it
   to a partial result. Partial results of a block merge pairwise, and are written at the end. */
typedef struct pp_operation {
    size_t (*accumulator_size)(const pp_reduce_job *job);
    size_t (*partial_size)(const pp_reduce_job *job);
    void (*start)(const pp_reduce_job *job, void *accumulator, int width);
    void (*take)(const pp_reduce_job *job, void *accumulator, const pp_tile *tile, int64_t k);
    void (*close)(const pp_reduce_job *job, void *accumulator, void *partial);
    void (*merge)(const pp_reduce_job *job, void *partial, const void *later, int width);
    void (*write)(const pp_reduce_job *job, void *partial, const pp_block *at);
    /* Or all of that at once, for all elements of some outputs: at_once.c. */
    void (*reduce)(const pp_reduce_job *job, const pp_tile *all, char *const to[2]);
} pp_operation;

extern const pp_operation pp_ordered;   /* sums in floating point: ordered.c */
extern const pp_operation pp_any_order; /* whatever no order can change: any_order.c */

struct pp_reduce_job {
    const pp_operation *operation;
    enum pp_reduction op;
    int inputs, outputs;
    bool narrow;
    double ddof;
    double scale;         /* PP_NORM: of the elements, a power of two */
    atomic_uint *extreme; /* PP_NORM: enum pp_extreme, what needs another pass */
    /* PP_ARGMIN, PP_ARGMAX of one output in place: of elements that none can improve on, the first
       known. Those behind it need not be looked at. */
    atomic_int_fast64_t *found;

    int outer;         /* kept dimensions but for the columns; they come first in `in` */
    int64_t columns;   /* outputs side by side, 1 if they are reduced one by one */
    int64_t column[2]; /* bytes from one to the next */
    int64_t n;         /* elements of each output */
    int width;         /* columns in a block, but for the last */
    int64_t across;    /* blocks across the columns */
    int64_t blocks;    /* in all */
    int64_t chunk;     /* elements in a chunk: PP_GROUP times a power of two */
    int64_t chunks;    /* in a block */
    int64_t batch;     /* blocks in an item of work; 1 where there are chunks */
    int64_t rows;      /* elements of each output in a tile, at most */
    int turned;        /* the reduced dimension that memory runs along, if not the last; else -1 */
    int64_t inner;     /* elements for each step along it */
    bool in_place;     /* tiles are parts of the array, not copies */
    size_t element;    /* bytes of an element in a tile */
    char *partials;    /* one for each chunk of each block, where there are chunks */
    pp_view in[2], out[2];
};

/* What to reduce, and in which blocks and tiles. */
void pp_plan_reduction(pp_reduce_job *job, const pp_reduction_task *task);
/* How many chunks, and how many blocks in an item of work. */
void pp_plan_work(pp_reduce_job *job, int threads);

/* Bytes from an element of an output to the next along the last dimension. */
int64_t pp_last_stride(const pp_reduce_job *job, int i);
pp_block pp_reduce_block(const pp_reduce_job *job, int64_t block);
/* Elements k, k + 1, … of the block's outputs; `stage` holds them where they are not in place. */
pp_tile pp_reduce_tile(const pp_reduce_job *job, const pp_block *block, int64_t k, int64_t count,
                       char *const stage[2]);

/* Is each output reduced at once? And the work that does so: at_once.c. */
bool pp_reduces_at_once(const pp_reduce_job *job);
bool pp_work_at_once(const void *shared, void *state, pp_slice *slice);

/* Extremes of a row and their places: extremes.c. */
bool pp_finds_extremes(enum pp_reduction op);
void pp_search_row(const pp_reduce_job *job, const pp_tile *row, char *const to[2]);

/* Eight terms in the order of the tree of sums. */
PP_INLINE double pp_sum_of_8(double x0, double x1, double x2, double x3, double x4, double x5,
                             double x6, double x7)
{
    return ((x0 + x1) + (x2 + x3)) + ((x4 + x5) + (x6 + x7));
}

/* What a norm sums. */
PP_INLINE double pp_scaled_square(double x, double scale)
{
    return x * scale * (x * scale);
}

/* So many rows of `inner` elements are whole groups. */
PP_INLINE int pp_rows_of_groups(int64_t inner)
{
    return PP_GROUP >> pp_lowest_bit((uint64_t)(inner | PP_GROUP));
}

/* Bytes from one output to the next, where they are reduced side by side. */
PP_INLINE int64_t pp_output_step(const pp_reduce_job *job, int which)
{
    return job->columns > 1 ? job->out[which].strides[job->outer] : 0;
}

/* Copy n elements, `stride` bytes apart, turning foreign byte order round. */
void pp_copy_elements(const char *from, int64_t stride, int64_t n, size_t size, bool swapped,
                      char *to);

/* Do rows of `width` elements follow each other without a gap? */
bool pp_reduce_is_dense(const pp_reduce_job *job, int width);

/* Rows of n elements somewhere in an array, all distances in bytes, and `apart` elements apart
   where they are copied to. */
typedef struct pp_patch {
    const char *from;
    int64_t stride, n;
    int64_t row_stride, rows;
    int64_t apart;
} pp_patch;

/* What depends on the instruction set: see the templates. */
typedef struct pp_tree pp_tree;

typedef struct pp_tree_kernels {
    void (*take)(const pp_reduce_job *job, pp_tree *tree, const pp_tile *tile);
    void (*close)(const pp_reduce_job *job, pp_tree *tree, double *partial);
    void (*merge)(const pp_reduce_job *job, double *partial, const double *later, int width);
    void (*results)(const pp_reduce_job *job, double *partial, int width, double *results);
    void (*at_once)(const pp_reduce_job *job, const pp_tile *all, double *results);
    void (*put)(const double *results, int width, bool single, char *out);
    void (*load)(const pp_view *view, bool narrow, const pp_patch *patch, double *to);
} pp_tree_kernels;

enum pp_fold { PP_FOLD_SUM, PP_FOLD_COUNT, PP_FOLD_MIN, PP_FOLD_MAX };

/* Fold rows of `width` elements, `row` bytes apart, into as many accumulators. */
typedef void pp_folder(void *accumulators, const char *x, int64_t row, int64_t rows, int width);

/* The place of the first of the least, or of the greatest, of n elements that lie in a row; or, to
   `extreme` if that is given, its value: of -0 and +0 either. */
typedef int64_t pp_searcher(const char *x, int64_t n, void *extreme);

extern const pp_tree_kernels pp_tree_baseline, pp_tree_avx2, pp_tree_avx512, pp_tree_neon;
extern pp_folder *const pp_folders_baseline[PP_COMPLEX64][4];
extern pp_folder *const pp_folders_avx2[PP_COMPLEX64][4];
extern pp_folder *const pp_folders_avx512[PP_COMPLEX64][4];
extern pp_folder *const pp_folders_neon[PP_COMPLEX64][4];
extern pp_searcher *const pp_searchers_baseline[PP_COMPLEX64][2];
extern pp_searcher *const pp_searchers_avx2[PP_COMPLEX64][2];
extern pp_searcher *const pp_searchers_avx512[PP_COMPLEX64][2];
extern pp_searcher *const pp_searchers_neon[PP_COMPLEX64][2];

#endif
