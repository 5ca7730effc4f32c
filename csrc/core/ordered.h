/* Sums in floating point: the tree that fixes their order, and the passes of a norm. */
#ifndef PP_ORDERED_H
#define PP_ORDERED_H

#include "reduce.h"

/* Leaves that wait for their other half, as the ones in a binary counter do: a node of the tree of
   level l, which spans 2^l leaves, waits while bit l of `leaves` is set. A node holds, for each of
   its parts, 8 lanes of `width` columns; the part of a sum is the sum, those of a variance are the
   mean and the sum of squared deviations. */
struct pp_tree {
    int64_t leaves;
    int width;
    bool ragged;               /* the last leaf was not whole, and so neither is the lowest node: */
    double last[PP_SUM_LANES]; /* the elements of its lanes */
    double *spare;             /* one node */
    double *nodes;             /* a node for each level */
};

/* What is summed. */
typedef struct pp_terms {
    enum pp_reduction op; /* PP_SUM: elements, PP_NORM: squares, PP_DOT: products, or PP_VAR */
    bool single;          /* elements are float32, else float64 */
    double scale;         /* PP_NORM: of the elements */
} pp_terms;

/* In the place of terms that are missing: as many as any row of a leaf has. */
extern const char pp_zeros[PP_SUM_LANES * PP_COLUMNS * sizeof(double)];

/* PP_NORM: bits of pp_reduce_job.extreme. */
enum pp_extreme { PP_TOO_LARGE = 1, PP_TOO_SMALL = 2 };

/* Run the job as often as it takes until no square has over- or underflowed in a way that shows. */
enum pp_status pp_norm_passes(pp_reduce_job *job, const pp_run *run,
                              enum pp_status (*run_job)(pp_reduce_job *job, const pp_run *run));

#endif
