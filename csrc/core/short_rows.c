/* Extremes, and their places, in many short rows: each is searched at once, without the
   accumulators and tiles that long ones need. */
#include <math.h>
#include <string.h>

#include "dispatch.h"
#include "reduce.h"
#include "view.h"

bool pp_finds_extremes(enum pp_reduction op)
{
    return op == PP_MIN || op == PP_MAX || op == PP_MINMAX || op == PP_ARGMIN || op == PP_ARGMAX;
}

bool pp_has_short_rows(const pp_reduce_job *job)
{
    return pp_finds_extremes(job->op) && job->in_place && job->columns == 1 && job->chunks == 1 &&
           job->n <= PP_TILE;
}

static double get_float(enum pp_type type, const char *from)
{
    double wide;
    float narrow;
    if (type == PP_FLOAT64) {
        memcpy(&wide, from, sizeof wide);
        return wide;
    }
    memcpy(&narrow, from, sizeof narrow);
    return narrow;
}

/* Put the zero that is the extreme of a row with zeros, for -0 comes before +0: the other one is
   there already, perhaps. */
static void put_zero(const pp_reduce_job *job, const char *row, bool greatest, char *to)
{
    for (int64_t k = 0; k < job->n; k++, row += job->element) {
        const double v = get_float(job->in[0].type, row);
        if (v == 0 && !signbit(v) == greatest) {
            memcpy(to, row, job->element);
            return;
        }
    }
}

static void put_extreme(const pp_reduce_job *job, const char *row, bool greatest, char *to)
{
    const enum pp_type type = job->in[0].type;
    pp_kernels->searchers[type][greatest](row, job->n, to);
    if ((type == PP_FLOAT32 || type == PP_FLOAT64) && get_float(type, to) == 0)
        put_zero(job, row, greatest, to);
}

static void search_row(const pp_reduce_job *job, const char *row, char *const to[2])
{
    const bool greatest = job->op == PP_MAX || job->op == PP_ARGMAX;
    if (job->op == PP_ARGMIN || job->op == PP_ARGMAX) {
        const int64_t place = pp_kernels->searchers[job->in[0].type][greatest](row, job->n, NULL);
        pp_store_integer(place, pp_type_size(job->out[0].type), to[0]);
        return;
    }
    put_extreme(job, row, greatest, to[0]);
    if (job->op == PP_MINMAX)
        put_extreme(job, row, true, to[1]);
}

/* Blocks, of which each is a row; along the last kept dimension they are evenly apart. */
static void search_rows(const pp_reduce_job *job, int64_t block, int64_t last)
{
    const int d = job->outer - 1;
    while (block < last) {
        const pp_block at = pp_reduce_block(job, block);
        const int64_t length = d < 0 ? 1 : job->in[0].shape[d];
        const int64_t in_line = length - block % length;
        const int64_t rows = last - block < in_line ? last - block : in_line;
        for (int64_t r = 0; r < rows; r++) {
            char *to[2];
            for (int o = 0; o < job->outputs; o++)
                to[o] = job->out[o].data + at.out[o] + (r ? r * job->out[o].strides[d] : 0);
            search_row(job, job->in[0].data + at.in[0] + (r ? r * job->in[0].strides[d] : 0), to);
        }
        block += rows;
    }
}

bool pp_work_on_short_rows(const void *shared, void *state, pp_slice *slice)
{
    (void)state;
    const pp_reduce_job *job = shared;
    for (int64_t item; (item = pp_slice_draw(slice)) >= 0;) {
        const int64_t first = item * job->batch, left = job->blocks - first;
        search_rows(job, first, left < job->batch ? job->blocks : first + job->batch);
        if (pp_slice_over(slice))
            return false;
    }
    return true;
}
