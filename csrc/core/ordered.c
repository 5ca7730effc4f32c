/* Sums in floating point, in one order: what does not depend on the instruction set, and the
   variants. */
#include "ordered.h"

#include <math.h>
#include <string.h>

#include "dispatch.h"
#include "view.h"

/* What the tree computes; what becomes of that in the end is of no concern to it. */
static enum pp_reduction tree_op(const pp_reduce_job *job)
{
    switch (job->op) {
    case PP_VAR:
    case PP_STD:
        return PP_VAR;
    case PP_NORM:
    case PP_DOT:
        return job->op;
    default:
        return PP_SUM;
    }
}

static size_t node_size(const pp_reduce_job *job)
{
    const int parts = tree_op(job) == PP_VAR ? 2 : 1;
    return sizeof(double) * (size_t)(parts * PP_SUM_LANES * job->width);
}

static int levels(const pp_reduce_job *job)
{
    const int64_t elements = job->chunk < job->n ? job->chunk : job->n;
    return elements > PP_GROUP ? pp_highest_bit((uint64_t)((elements - 1) / PP_GROUP)) + 2 : 1;
}

static size_t accumulator_size(const pp_reduce_job *job)
{
    return sizeof(pp_tree) + node_size(job) * (size_t)(levels(job) + 1);
}

/* A node, and the number of elements in each of its lanes. */
static size_t partial_size(const pp_reduce_job *job)
{
    return node_size(job) + PP_SUM_LANES * sizeof(double);
}

static void start(const pp_reduce_job *job, void *accumulator, int width)
{
    pp_tree *tree = accumulator;
    tree->leaves = 0;
    tree->ragged = false;
    tree->width = width;
    tree->spare = (double *)(void *)(tree + 1);
    tree->nodes = tree->spare + node_size(job) / sizeof(double);
}

static void take(const pp_reduce_job *job, void *accumulator, const pp_tile *tile, int64_t k)
{
    (void)k;
    pp_kernels->tree->take(job, accumulator, tile);
}

static void close(const pp_reduce_job *job, void *accumulator, void *partial)
{
    pp_kernels->tree->close(job, accumulator, partial);
}

static void merge(const pp_reduce_job *job, void *partial, const void *later, int width)
{
    pp_kernels->tree->merge(job, partial, later, width);
}

/* Squares of what was scaled are in the middle of float64's range between these. */
static const double small_square = 0x1p-960, large_square = 0x1p1000;
static const double shrinking = 0x1p-600, growing = 0x1p600;

/* The square root of a sum of squares; -1 or infinity for one that another pass must find. */
static double root(const pp_reduce_job *job, double squares)
{
    if (job->in[0].type != PP_FLOAT64 || job->narrow || isnan(squares))
        return sqrt(squares);
    if (squares > large_square) {
        atomic_fetch_or(job->extreme, PP_TOO_LARGE);
        return HUGE_VAL;
    }
    if (squares < small_square) {
        atomic_fetch_or(job->extreme, PP_TOO_SMALL);
        return -1;
    }
    return sqrt(squares);
}

static double value(const pp_reduce_job *job, double sum)
{
    const double n = (double)job->n;
    const double freedom = n > job->ddof ? n - job->ddof : 0;
    switch (job->op) {
    case PP_MEAN:
        return sum / n;
    case PP_VAR:
        return sum / freedom;
    case PP_STD:
        return sqrt(sum / freedom);
    case PP_NORM:
        return root(job, sum);
    default:
        return sum;
    }
}

/* In a further pass of a norm: the marks that it finds the values for. */
static bool wanted(const pp_reduce_job *job, const char *out)
{
    double mark;
    memcpy(&mark, out, sizeof mark);
    return job->scale < 1 ? mark == HUGE_VAL : mark == -1;
}

static void put(const pp_reduce_job *job, double result, char *out)
{
    result = isnan(result) ? (double)NAN : result + 0.0; /* one NaN, and one zero */
    if (job->out[0].type == PP_FLOAT32) {
        const float narrow = (float)result;
        memcpy(out, &narrow, sizeof narrow);
    } else {
        memcpy(out, &result, sizeof result);
    }
}

static void put_result(const pp_reduce_job *job, double sum, char *out)
{
    if (job->scale == 1)
        put(job, value(job, sum), out);
    else if (wanted(job, out))
        put(job, sqrt(sum) / job->scale, out);
}

static void write(const pp_reduce_job *job, void *partial, const pp_block *at)
{
    double results[PP_COLUMNS];
    pp_kernels->tree->results(job, partial, at->width, results);
    const int64_t step = job->columns > 1 ? job->out[0].strides[job->outer] : 0;
    char *out = job->out[0].data + at->out[0];
    for (int j = 0; j < at->width; j++, out += step)
        put_result(job, results[j], out);
}

static void reduce_row(const pp_reduce_job *job, const pp_tile *row, char *const to[2])
{
    put_result(job, pp_kernels->tree->row(job, row), to[0]);
}

enum pp_status pp_norm_passes(pp_reduce_job *job, const pp_run *run,
                              enum pp_status (*run_job)(pp_reduce_job *job, const pp_run *run))
{
    atomic_uint extreme = 0;
    job->extreme = &extreme;
    enum pp_status status = run_job(job, run);
    for (unsigned bit = PP_TOO_LARGE; bit <= PP_TOO_SMALL && status == PP_OK; bit <<= 1) {
        if (atomic_load(&extreme) & bit) {
            job->scale = bit == PP_TOO_LARGE ? shrinking : growing;
            status = run_job(job, run);
        }
    }
    return status;
}

const pp_operation pp_ordered = {
    .accumulator_size = accumulator_size,
    .partial_size = partial_size,
    .start = start,
    .take = take,
    .close = close,
    .merge = merge,
    .write = write,
    .reduce_row = reduce_row,
};

#define TEMPLATE "ordered_template.h"
#include "each_isa.h"
