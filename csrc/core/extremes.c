/* Extremes of a row, and their places, in one search. */
#include <math.h>
#include <string.h>

#include "dispatch.h"
#include "reduce.h"
#include "view.h"

bool pp_finds_extremes(enum pp_reduction op)
{
    return op == PP_MIN || op == PP_MAX || op == PP_MINMAX || op == PP_ARGMIN || op == PP_ARGMAX;
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
    if (pp_is_floating(type) && get_float(type, to) == 0)
        put_zero(job, row, greatest, to);
}

void pp_search_row(const pp_reduce_job *job, const pp_tile *row, char *const to[2])
{
    const bool greatest = job->op == PP_MAX || job->op == PP_ARGMAX;
    if (job->op == PP_ARGMIN || job->op == PP_ARGMAX) {
        pp_searcher *const search = pp_kernels->searchers[job->in[0].type][greatest];
        pp_store_integer(search(row->x[0], job->n, NULL), pp_type_size(job->out[0].type), to[0]);
        return;
    }
    put_extreme(job, row->x[0], greatest, to[0]);
    if (job->op == PP_MINMAX)
        put_extreme(job, row->x[0], true, to[1]);
}
