/* Reductions over some axes of an array: the plan, the walk, and the work in parallel.

   Outputs are reduced in blocks. Where the kept dimension is the closer one in memory, a block is
   some columns, read row by row; else it is a single output. Where there are few blocks, each is
   cut into chunks, which threads reduce on their own. All this leaves the results as they are: they
   are those of the tree of sums in ordered_template.h, or do not depend on any order. */
#include "reduce.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "dispatch.h"
#include "ordered.h"
#include "view.h"

enum {
    BATCH = 1 << 13,      /* elements that are worth an item of work */
    SINGLE = 1 << 16,     /* bytes that are not worth a team of threads */
    CHUNKS_A_THREAD = 64, /* at most, all blocks together */
    TILE = 1 << 15,       /* elements in a tile in place, and between two looks at the clock */
    LARGE_STAGE = 120000, /* elements in a stage that is filled down its rows: under 1 MiB */
    ROWS = 32,            /* of them, at most */
    LINE = 8,             /* elements in a line of the cache, about */
    AHEAD = 32,
    STRIP = 8,  /* columns of it that are filled at a time */
    SHORT = 16, /* outputs of fewer elements are better reduced as columns */
};

/* What a worker is at. */
typedef struct state {
    pp_worker worker;
    bool busy;
    int64_t chunk;       /* of all */
    int64_t block, last; /* of the item; the block after it */
    int64_t k, end;      /* element to come, and the one after the chunk */
    int64_t seen;        /* elements since the last look at the clock */
    pp_block at;
} state;

static size_t rounded(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

static char *accumulator(const pp_reduce_job *job, state *s)
{
    (void)job;
    return (char *)s + rounded(sizeof *s);
}

static char *own_partial(const pp_reduce_job *job, state *s)
{
    return accumulator(job, s) + rounded(job->operation->accumulator_size(job));
}

static char *stage_of(const pp_reduce_job *job, state *s)
{
    return own_partial(job, s) + rounded(job->operation->partial_size(job));
}

static size_t stage_size(const pp_reduce_job *job)
{
    return job->in_place ? 0 : rounded((size_t)(job->rows * job->width) * job->element);
}

static size_t state_size(const pp_reduce_job *job)
{
    return rounded(sizeof(state)) + rounded(job->operation->accumulator_size(job)) +
           rounded(job->operation->partial_size(job)) + (size_t)job->inputs * stage_size(job);
}

/* Where element k of an output lies, and how many of the next follow at even distances. */
static int64_t element_offset(const pp_reduce_job *job, int i, int64_t k, int64_t *follow)
{
    const pp_view *in = &job->in[i];
    int64_t offset = 0;
    *follow = 1;
    for (int d = in->ndim - 1; d > job->outer; d--) {
        const int64_t at = k % in->shape[d];
        if (d == in->ndim - 1)
            *follow = in->shape[d] - at;
        offset += at * in->strides[d];
        k /= in->shape[d];
    }
    if (in->ndim == job->outer)
        return 0;
    if (in->ndim == job->outer + 1)
        *follow = in->shape[job->outer] - k;
    return offset + k * in->strides[job->outer];
}

static int64_t last_stride(const pp_reduce_job *job, int i)
{
    const pp_view *in = &job->in[i];
    return in->ndim > job->outer ? in->strides[in->ndim - 1] : 0;
}

static void load(const pp_reduce_job *job, int i, const pp_patch *patch, char *to)
{
    const pp_view *in = &job->in[i];
    if (job->operation == &pp_ordered) {
        pp_kernels->tree->load(in, job->narrow, patch, (double *)(void *)to);
        return;
    }
    for (int64_t r = 0; r < patch->rows; r++)
        pp_copy_elements(patch->from + r * patch->row_stride, patch->stride, patch->n, job->element,
                         in->swapped, to + (size_t)(r * patch->apart) * job->element);
}

/* The longest run of elements k, k + 1, … of the block, up to `count`, as one patch. */
static int64_t stage_run(const pp_reduce_job *job, const pp_block *block, int i, int64_t k,
                         int64_t count, char *stage)
{
    const int64_t step = last_stride(job, i), width = block->width;
    int64_t run;
    const char *from = job->in[i].data + block->in[i] + element_offset(job, i, k, &run);
    run = run < count ? run : count;
    pp_patch patch = {from, job->column[i], width, step, run, width};
    if (width == 1 || step == job->column[i] * width) /* one row after the other */
        patch = (pp_patch){from, width == 1 ? step : job->column[i], run * width, 0, 1, 0};
    load(job, i, &patch, stage);
    return run;
}

/* The columns that come so many after this patch: the hardware does not foresee them. */
static void prefetch_columns(const pp_patch *patch, int64_t after)
{
    for (int64_t c = 0; c < patch->n; c++)
        for (int64_t r = 0; r < patch->rows; r += LINE)
            PP_PREFETCH(patch->from + (c + after) * patch->stride + r * patch->row_stride);
}

/* Whole rows of `inner` elements, where memory runs down the rows: a few columns at a time, so that
   what comes with an element into the cache is used before it leaves it. Returns the elements. */
static int64_t stage_turned(const pp_reduce_job *job, const pp_block *block, int64_t k,
                            int64_t count, char *stage)
{
    const pp_view *in = &job->in[0];
    const int64_t length = in->shape[job->turned];
    const int64_t left = length - k / job->inner % length;
    const int64_t rows = count / job->inner < left ? count / job->inner : left;
    for (int64_t j = 0; j < job->inner;) {
        int64_t run;
        const char *from = in->data + block->in[0] + element_offset(job, 0, k + j, &run);
        run = run < job->inner - j ? run : job->inner - j;
        run = run < STRIP ? run : STRIP;
        const pp_patch patch = {from, last_stride(job, 0), run, in->strides[job->turned],
                                rows, job->inner};
        prefetch_columns(&patch, AHEAD);
        load(job, 0, &patch, stage + (size_t)j * job->element);
        j += run;
    }
    return rows * job->inner;
}

/* Copy elements k, k + 1, … of the block's outputs next to each other, row by row. */
static void stage_tile(const pp_reduce_job *job, const pp_block *block, int i, int64_t k,
                       int64_t count, char *stage)
{
    const size_t row = job->element * (size_t)block->width;
    for (int64_t done = 0; done < count;) {
        char *to = stage + (size_t)done * row;
        const int64_t at = k + done, left = count - done;
        if (job->turned >= 0 && at % job->inner == 0 && left >= job->inner)
            done += stage_turned(job, block, at, left, to);
        else
            done += stage_run(job, block, i, at, left, to);
    }
}

bool pp_reduce_is_dense(const pp_reduce_job *job, int width)
{
    return !job->in_place || last_stride(job, 0) == width * (int64_t)job->element;
}

pp_tile pp_reduce_tile(const pp_reduce_job *job, const pp_block *block, int64_t k, int64_t count,
                       char *const stage[2])
{
    pp_tile tile = {.count = count, .width = block->width};
    for (int i = 0; i < job->inputs; i++) {
        if (job->in_place) {
            tile.row = last_stride(job, i);
            tile.x[i] = job->in[i].data + block->in[i] + k * tile.row;
        } else {
            tile.row = (int64_t)job->element * block->width;
            tile.x[i] = stage[i];
            stage_tile(job, block, i, k, count, stage[i]);
        }
    }
    return tile;
}

pp_block pp_reduce_block(const pp_reduce_job *job, int64_t block)
{
    const int64_t first = block % job->across * job->width;
    const int64_t left = job->columns - first;
    pp_block at = {.width = left < job->width ? (int)left : job->width};
    int64_t outer = block / job->across;
    for (int d = job->outer - 1; d >= 0; d--) {
        const int64_t index = outer % job->in[0].shape[d];
        outer /= job->in[0].shape[d];
        for (int i = 0; i < job->inputs; i++)
            at.in[i] += index * job->in[i].strides[d];
        for (int o = 0; o < job->outputs; o++)
            at.out[o] += index * job->out[o].strides[d];
    }
    for (int i = 0; i < job->inputs; i++)
        at.in[i] += first * job->column[i];
    for (int o = 0; o < job->outputs && job->columns > 1; o++)
        at.out[o] += first * job->out[o].strides[job->outer];
    return at;
}

static void start_chunk(const pp_reduce_job *job, state *s)
{
    s->at = pp_reduce_block(job, s->block);
    s->k = s->chunk * job->chunk;
    s->end = job->n - s->k < job->chunk ? job->n : s->k + job->chunk;
    job->operation->start(job, accumulator(job, s), s->at.width);
}

static bool start_item(const pp_reduce_job *job, state *s, pp_slice *slice)
{
    const int64_t item = pp_slice_draw(slice);
    if (item < 0)
        return false;
    s->chunk = item % job->chunks;
    s->block = item / job->chunks * job->batch;
    s->last = s->block + job->batch < job->blocks ? s->block + job->batch : job->blocks;
    start_chunk(job, s);
    return true;
}

static char *partial_of(const pp_reduce_job *job, int64_t block, int64_t chunk)
{
    return job->partials +
           (size_t)(block * job->chunks + chunk) * rounded(job->operation->partial_size(job));
}

static void end_chunk(const pp_reduce_job *job, state *s)
{
    if (job->chunks > 1) {
        job->operation->close(job, accumulator(job, s), partial_of(job, s->block, s->chunk));
    } else {
        job->operation->close(job, accumulator(job, s), own_partial(job, s));
        job->operation->write(job, own_partial(job, s), &s->at);
    }
}

static bool time_is_up(state *s, int64_t elements, pp_slice *slice)
{
    s->seen += elements;
    if (s->seen < TILE)
        return false;
    s->seen = 0;
    return pp_slice_over(slice);
}

static bool work(const void *shared, void *memory, pp_slice *slice)
{
    const pp_reduce_job *job = shared;
    state *s = memory;
    char *const stage[2] = {stage_of(job, s), stage_of(job, s) + stage_size(job)};
    for (;;) {
        if (!s->busy && !start_item(job, s, slice))
            return true;
        s->busy = true;
        while (s->k < s->end) {
            const int64_t count = s->end - s->k < job->rows ? s->end - s->k : job->rows;
            const pp_tile tile = pp_reduce_tile(job, &s->at, s->k, count, stage);
            job->operation->take(job, accumulator(job, s), &tile, s->k);
            s->k += count;
            if (time_is_up(s, count * s->at.width, slice))
                return false;
        }
        end_chunk(job, s);
        s->busy = ++s->block < s->last;
        if (s->busy)
            start_chunk(job, s);
    }
}

/* The tree of chunks: each step joins neighbours twice as far apart. */
static void merge_chunks(const pp_reduce_job *job)
{
    for (int64_t block = 0; block < job->blocks; block++) {
        const pp_block at = pp_reduce_block(job, block);
        for (int64_t apart = 1; apart < job->chunks; apart *= 2)
            for (int64_t c = 0; c + apart < job->chunks; c += 2 * apart)
                job->operation->merge(job, partial_of(job, block, c),
                                      partial_of(job, block, c + apart), at.width);
        job->operation->write(job, partial_of(job, block, 0), &at);
    }
}

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
    return job->n < SHORT || llabs(in->strides[kept - 1]) < llabs(step);
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
        const bool same = job->operation != &pp_ordered || (in->type == PP_FLOAT64 && !job->narrow);
        const int64_t step = last_stride(job, i);
        const bool near = job->columns > 1 ? job->column[i] == (int64_t)size
                                           : step == (int64_t)size || job->n == 1;
        if (in->swapped || !same || !near || in->ndim > job->outer + 1)
            return false;
    }
    return true;
}

static int64_t whole_groups(int64_t elements)
{
    return elements > PP_GROUP ? elements / PP_GROUP * PP_GROUP : PP_GROUP;
}

static void plan_blocks(pp_reduce_job *job)
{
    job->width = job->columns < PP_COLUMNS ? (int)job->columns : PP_COLUMNS;
    job->across = (job->columns + job->width - 1) / job->width;
    job->blocks = job->across;
    for (int d = 0; d < job->outer; d++)
        job->blocks *= job->in[0].shape[d];
    job->rows = whole_groups((job->in_place ? TILE : PP_STAGE) / job->width);
    if (job->rows > job->n)
        job->rows = job->n;
}

/* Does memory run along another reduced dimension than the last, and do a line's worth of steps
   along it fit into a stage? (For one array, one output at a time.) */
static void plan_turning(pp_reduce_job *job)
{
    const pp_view *in = &job->in[0];
    if (job->in_place || job->columns > 1 || job->inputs > 1)
        return;
    int nearest = in->ndim - 1;
    for (int d = job->outer; d < in->ndim; d++)
        nearest = llabs(in->strides[d]) < llabs(in->strides[nearest]) ? d : nearest;
    int64_t inner = 1;
    for (int d = nearest + 1; d < in->ndim; d++)
        inner *= in->shape[d];
    int64_t rows = LARGE_STAGE / inner < ROWS ? LARGE_STAGE / inner : ROWS;
    if (nearest >= in->ndim - 1 || rows < 2)
        return;
    const int64_t even = PP_GROUP >> pp_lowest_bit((uint64_t)(inner | PP_GROUP));
    rows -= rows > even ? rows % even : 0; /* so that whole rows are whole groups */
    job->turned = nearest;
    job->inner = inner;
    job->rows = whole_groups(rows * inner) < job->n ? whole_groups(rows * inner) : job->n;
}

static void plan_work(pp_reduce_job *job, int threads)
{
    const int64_t each = job->n * job->width;
    job->batch = each < BATCH ? BATCH / (each + 1) + 1 : 1;
    job->chunk = job->n > 0 ? job->n : 1;
    job->chunks = 1;
    if (threads == 1 || job->blocks >= 4 * (int64_t)threads || each < 2 * BATCH)
        return;
    job->chunk = PP_GROUP;
    while (job->chunk * job->width < BATCH ||
           job->n / job->chunk * job->blocks >= CHUNKS_A_THREAD * (int64_t)threads)
        job->chunk *= 2;
    job->chunks = (job->n + job->chunk - 1) / job->chunk;
}

static int64_t bytes_of(const pp_reduce_job *job, size_t size)
{
    return job->n * job->columns * (job->blocks / job->across) * (int64_t)size;
}

static enum pp_status run_job(pp_reduce_job *job, const pp_run *run)
{
    const size_t size = pp_type_size(job->in[0].type);
    const bool small = bytes_of(job, size) < SINGLE;
    plan_work(job, small ? 1 : run->num_threads);
    if (job->chunks > 1) {
        job->partials = malloc((size_t)(job->blocks * job->chunks) *
                               rounded(job->operation->partial_size(job)));
        if (!job->partials)
            return PP_NO_MEMORY;
    }
    const pp_job parallel = {
        .shared = job,
        .items = (job->blocks + job->batch - 1) / job->batch * job->chunks,
        .total = job->n,
        .max_workers = small ? 1 : INT_MAX,
        .state_size = state_size(job),
        .work = work,
    };
    pp_run calm = *run;
    calm.poll = small ? NULL : run->poll;
    const enum pp_status status = pp_parallel_for(&parallel, &calm);
    if (status == PP_OK && job->chunks > 1)
        merge_chunks(job);
    free(job->partials);
    return status;
}

static bool in_floating_point(const pp_reduction_task *task)
{
    switch (task->op) {
    case PP_SUM:
        return task->out[0].type == PP_FLOAT32 || task->out[0].type == PP_FLOAT64;
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

/* Can the elements be taken in any order? For places of extremes they are counted. */
static bool is_free_of_order(const pp_reduce_job *job)
{
    return job->operation == &pp_any_order && job->op != PP_ARGMIN && job->op != PP_ARGMAX;
}

static void plan(pp_reduce_job *job, const pp_reduction_task *task)
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
    plan_blocks(job);
    if (job->op != PP_ARGMIN && job->op != PP_ARGMAX)
        plan_turning(job);
}

enum pp_status pp_reduce(const pp_reduction_task *task, const pp_run *run)
{
    for (int d = 0; d < task->kept; d++)
        if (task->in[0].shape[d] == 0)
            return PP_OK;
    pp_reduce_job job;
    plan(&job, task);
    if (task->op != PP_NORM)
        return run_job(&job, run);
    return pp_norm_passes(&job, run, run_job);
}

void pp_copy_elements(const char *from, int64_t stride, int64_t n, size_t size, bool swapped,
                      char *to)
{
    if (!swapped && stride == (int64_t)size) {
        memcpy(to, from, (size_t)n * size);
        return;
    }
    for (int64_t i = 0; i < n; i++, from += stride, to += size) {
        if (!swapped)
            memcpy(to, from, size);
        else
            for (size_t b = 0; b < size; b++)
                to[b] = from[size - 1 - b];
    }
}
