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

/* From sums to what is asked for, in place. */
static void finish(const pp_reduce_job *job, double *results, int width)
{
    const double n = (double)job->n;
    const double divisor = job->op == PP_MEAN ? n : n > job->ddof ? n - job->ddof : 0;
    if (job->op == PP_MEAN || job->op == PP_VAR || job->op == PP_STD)
        for (int j = 0; j < width; j++)
            results[j] /= divisor;
    if (job->op == PP_STD)
        for (int j = 0; j < width; j++)
            results[j] = sqrt(results[j]);
    if (job->op == PP_NORM)
        for (int j = 0; j < width; j++)
            results[j] = root(job, results[j]);
}

/* In a further pass of a norm: the marks that it finds the values for. */
static bool wanted(const pp_reduce_job *job, const char *out)
{
    double mark;
    memcpy(&mark, out, sizeof mark);
    return job->scale < 1 ? mark == HUGE_VAL : mark == -1;
}

static void put_results(const pp_reduce_job *job, double *results, int width, char *out)
{
    const int64_t step = pp_output_step(job, 0);
    const bool single = job->out[0].type == PP_FLOAT32;
    if (job->scale == 1)
        finish(job, results, width);
    if (job->scale == 1 && step == pp_type_size(job->out[0].type)) {
        pp_kernels->tree->put(results, width, single, out);
        return;
    }
    for (int j = 0; j < width; j++, out += step) {
        if (job->scale != 1)
            results[j] = sqrt(results[j]) / job->scale;
        if (job->scale == 1 || wanted(job, out))
            pp_kernels->tree->put(results + j, 1, single, out);
    }
}

static void write(const pp_reduce_job *job, void *partial, const pp_block *at)
{
    double results[PP_COLUMNS];
    pp_kernels->tree->results(job, partial, at->width, results);
    put_results(job, results, at->width, job->out[0].data + at->out[0]);
}

static void reduce(const pp_reduce_job *job, const pp_tile *all, char *const to[2])
{
    double results[PP_COLUMNS];
    pp_kernels->tree->at_once(job, all, results);
    put_results(job, results, all->width, to[0]);
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

const char pp_zeros[PP_SUM_LANES * PP_COLUMNS * sizeof(double)];

const pp_operation pp_ordered = {
    .accumulator_size = accumulator_size,
    .partial_size = partial_size,
    .start = start,
    .take = take,
    .close = close,
    .merge = merge,
    .write = write,
    .reduce = reduce,
};

#define TEMPLATE "ordered_template.h"
#include "each_isa.h"
