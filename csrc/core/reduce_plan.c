/* How a reduction is cut into work: outputs into blocks, long blocks into chunks, chunks into
 * tiles. */
#include <stdlib.h>
#include <string.h>

#include "reduce.h"
#include "view.h"

enum {
    BATCH = 1 << 13,      /* elements that are worth an item of work */
    BLOCKS_A_THREAD = 4,  /* are enough to keep all threads busy */
    CHUNKS_A_THREAD = 64, /* of PP_COLUMNS at most, all blocks together */
    LARGE_STAGE = 120000, /* elements in a stage that is filled down its rows: under 1 MiB */
    ROWS = 128,           /* of them, at most */
    SHORT = 16,           /* outputs of fewer elements are better reduced as columns */
};

static void swap_dimensions(pp_view *view, int d)
{
    const int64_t shape = view->shape[d], stride = view->strides[d];
    view->shape[d] = view->shape[d - 1];
    view->strides[d] = view->strides[d - 1];
    view->shape[d - 1] = shape;
    view->strides[d - 1] = stride;
}

/* The order in which outputs are computed is free: those that lie close together come together. */
static void sort_kept(pp_reduce_job *job, int kept)
{
    const pp_view *in = &job->in[0];
    for (int n = 1; n < kept; n++) {
        for (int d = n; d > 0 && llabs(in->strides[d]) > llabs(in->strides[d - 1]); d--) {
            swap_dimensions(&job->in[0], d);
            for (int o = 0; o < job->outputs; o++)
                swap_dimensions(&job->out[o], d);
        }
    }
}

static bool joins(const pp_view *view, int d)
{
    return view->strides[d - 1] == view->strides[d] * view->shape[d];
}

static void remove_dimension(pp_view *view, int d)
{
    for (int e = d; e + 1 < view->ndim; e++) {
        view->shape[e] = view->shape[e + 1];
        view->strides[e] = view->strides[e + 1];
    }
    view->ndim--;
}

/* Leave out kept dimensions of one element, and join those that lie alike; returns how many stay.
 */
static int join_kept(pp_reduce_job *job, int kept)
{
    for (int d = kept - 1; d >= 0; d--) {
        bool all = d > 0 && joins(&job->in[0], d);
        for (int o = 0; o < job->outputs; o++)
            all = all && joins(&job->out[o], d);
        if (!all && job->in[0].shape[d] != 1)
            continue;
        for (int v = 0; v < 1 + job->outputs; v++) {
            pp_view *view = v == 0 ? &job->in[0] : &job->out[v - 1];
            if (view->shape[d] != 1) {
                view->shape[d - 1] *= view->shape[d];
                view->strides[d - 1] = view->strides[d];
            }
            remove_dimension(view, d);
        }
        kept--;
    }
    return kept;
}

/* Shall the last kept dimension be reduced as columns? */
static bool by_columns(const pp_reduce_job *job, int kept)
{
    const pp_view *in = &job->in[0];
    if (kept == 0 || job->inputs > 1)
        return false;
    const int64_t step = in->ndim > kept ? in->strides[in->ndim - 1] : 0;
    const bool searched = pp_finds_extremes(job->op) && step == (int64_t)job->element;
    return (job->n < SHORT && !searched) || llabs(in->strides[kept - 1]) < llabs(step);
}

static void choose_columns(pp_reduce_job *job, int kept)
{
    job->outer = kept;
    job->columns = 1;
    for (int i = 0; i < job->inputs; i++)
        job->column[i] = (int64_t)job->element;
    if (!by_columns(job, kept))
        return;
    job->outer = kept - 1;
    job->columns = job->in[0].shape[job->outer];
    job->column[0] = job->in[0].strides[job->outer];
    remove_dimension(&job->in[0], job->outer);
}

/* Can the kernels read the elements where they are? */
static bool readable_in_place(const pp_reduce_job *job, size_t size)
{
    for (int i = 0; i < job->inputs; i++) {
        const pp_view *in = &job->in[i];
        const bool known = in->type == PP_FLOAT32 || (in->type == PP_FLOAT64 && !job->narrow);
        const bool same = job->operation != &pp_ordered || (known && in->type == job->in[0].type);
        const int64_t step = pp_last_stride(job, i);
        const bool near = job->columns > 1 ? job->column[i] == (int64_t)size
                                           : step == (int64_t)size || job->n == 1;
        if (in->swapped || !same || !near || in->ndim > job->outer + 1)
            return false;
    }
    return true;
}

/* Can the elements be taken in any order? For places of extremes they are counted. */
static bool is_free_of_order(const pp_reduce_job *job)
{
    return job->operation == &pp_any_order && job->op != PP_ARGMIN && job->op != PP_ARGMAX;
}

static int64_t whole_groups(int64_t elements)
{
    return elements > PP_GROUP ? elements / PP_GROUP * PP_GROUP : PP_GROUP;
}

/* Blocks of so many columns. */
static void plan_blocks(pp_reduce_job *job, int64_t width)
{
    job->width = job->columns < width ? (int)job->columns : (int)width;
    job->across = (job->columns + job->width - 1) / job->width;
    job->blocks = job->across;
    for (int d = 0; d < job->outer; d++)
        job->blocks *= job->in[0].shape[d];
    const int most = job->width < PP_COLUMNS ? job->width : PP_COLUMNS;
    job->rows = whole_groups((job->in_place ? PP_TILE : PP_STAGE) / most);
    if (job->rows > job->n)
        job->rows = job->n;
}

/* Wide blocks of few elements are made narrower, so that all threads have some. */
static void share_columns(pp_reduce_job *job, int threads)
{
    const int64_t wanted = BLOCKS_A_THREAD * (int64_t)threads;
    while (threads > 1 && job->blocks < wanted && job->n <= job->rows && job->width > PP_COLUMNS)
        plan_blocks(job, job->width / 2);
}

/* Does memory run along another reduced dimension than the last? (For one array, one output at a
   time.) Then a stage gets as many steps along it as fit. */
static void plan_turning(pp_reduce_job *job)
{
    const pp_view *in = &job->in[0];
    if (job->in_place || job->columns > 1 || job->inputs > 1 || job->n == 0)
        return;
    int nearest = in->ndim - 1;
    for (int d = job->outer; d < in->ndim; d++)
        nearest = llabs(in->strides[d]) < llabs(in->strides[nearest]) ? d : nearest;
    int64_t inner = 1;
    for (int d = nearest + 1; d < in->ndim; d++)
        inner *= in->shape[d];
    if (nearest >= in->ndim - 1)
        return;
    job->turned = nearest;
    job->inner = inner;
    int64_t rows = LARGE_STAGE / inner < ROWS ? LARGE_STAGE / inner : ROWS;
    const int64_t even = pp_rows_of_groups(inner);
    rows -= rows > even ? rows % even : 0; /* so that whole rows are whole groups */
    if (rows < 2)
        return;
    job->rows = whole_groups(rows * inner) < job->n ? whole_groups(rows * inner) : job->n;
}

void pp_plan_work(pp_reduce_job *job, int threads)
{
    share_columns(job, threads);
    const int64_t each = job->n * job->width;
    job->batch = each < BATCH ? BATCH / (each + 1) + 1 : 1;
    job->chunk = job->n > 0 ? job->n : 1;
    job->chunks = 1;
    if (threads == 1 || job->blocks >= BLOCKS_A_THREAD * (int64_t)threads || each < 2 * BATCH)
        return;
    job->chunk = PP_GROUP;
    const int64_t wide = (job->width + PP_COLUMNS - 1) / PP_COLUMNS;
    while (job->chunk * job->width < BATCH ||
           job->n / job->chunk * job->blocks * wide >= CHUNKS_A_THREAD * (int64_t)threads)
        job->chunk *= 2;
    job->chunks = (job->n + job->chunk - 1) / job->chunk;
}

static bool in_floating_point(const pp_reduction_task *task)
{
    switch (task->op) {
    case PP_SUM:
        return pp_is_floating(task->out[0].type);
    case PP_MEAN:
    case PP_VAR:
    case PP_STD:
    case PP_NORM:
    case PP_DOT:
        return true;
    default:
        return false;
    }
}

/* A view is large, and mostly empty. */
static void copy_view(pp_view *to, const pp_view *from)
{
    to->data = from->data;
    to->type = from->type;
    to->swapped = from->swapped;
    to->ndim = from->ndim;
    for (int d = 0; d < from->ndim; d++) {
        to->shape[d] = from->shape[d];
        to->strides[d] = from->strides[d];
    }
}

void pp_plan_reduction(pp_reduce_job *job, const pp_reduction_task *task)
{
    memset(job, 0, offsetof(pp_reduce_job, in));
    job->op = task->op;
    job->narrow = task->narrow;
    job->ddof = task->ddof;
    job->scale = 1;
    job->turned = -1;
    job->operation = in_floating_point(task) ? &pp_ordered : &pp_any_order;
    job->inputs = task->op == PP_DOT ? 2 : 1;
    job->outputs = task->op == PP_MINMAX ? 2 : 1;
    job->n = 1;
    for (int d = task->kept; d < task->in[0].ndim; d++)
        job->n *= task->in[0].shape[d];
    for (int i = 0; i < job->inputs; i++) {
        copy_view(&job->in[i], &task->in[i]);
        if (task->kept == 0 && is_free_of_order(job))
            pp_view_in_memory_order(&job->in[i]);
        else
            pp_view_coalesce_from(&job->in[i], task->kept);
    }
    for (int o = 0; o < job->outputs; o++)
        copy_view(&job->out[o], &task->out[o]);
    const size_t size = pp_type_size(task->in[0].type);
    job->element = job->operation == &pp_ordered ? sizeof(double) : size;
    sort_kept(job, task->kept);
    choose_columns(job, join_kept(job, task->kept));
    job->in_place = readable_in_place(job, size);
    if (job->in_place)
        job->element = size;
    plan_blocks(job, job->in_place && is_free_of_order(job) ? PP_MANY_COLUMNS : PP_COLUMNS);
    if (job->op != PP_ARGMIN && job->op != PP_ARGMAX)
        plan_turning(job);
}
