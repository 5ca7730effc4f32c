/* The tiles of a reduction: parts of the array where they can be read in place, else copies. */
#include <string.h>

#include "dispatch.h"
#include "reduce.h"
#include "view.h"

enum {
    LINE = 8,   /* elements in a line of the cache, about */
    STRIP = 8,  /* columns of an array that lies along its rows that are copied at a time */
    AHEAD = 32, /* and how many columns ahead they are fetched */
};

static void copy_swapped(const char *from, int64_t stride, int64_t n, size_t size, char *to)
{
    for (int64_t i = 0; i < n; i++, from += stride, to += size)
        for (size_t b = 0; b < size; b++)
            to[b] = from[size - 1 - b];
}

#define COPY(T)                                                                                    \
    for (int64_t i = 0; i < n; i++)                                                                \
        memcpy(to + i * (int64_t)sizeof(T), from + i * stride, sizeof(T));

void pp_copy_elements(const char *from, int64_t stride, int64_t n, size_t size, bool swapped,
                      char *to)
{
    if (!swapped && stride == (int64_t)size) {
        memcpy(to, from, (size_t)n * size);
        return;
    }
    if (swapped)
        copy_swapped(from, stride, n, size, to);
    else if (size == 1)
        COPY(uint8_t)
    else if (size == 2)
        COPY(uint16_t)
    else if (size == 4)
        COPY(uint32_t)
    else
        COPY(uint64_t)
}
#undef COPY

int64_t pp_last_stride(const pp_reduce_job *job, int i)
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
    const int64_t step = pp_last_stride(job, i), width = block->width;
    int64_t run;
    const char *from = job->in[i].data + block->in[i] +
                       pp_view_offset(&job->in[i], job->outer, job->in[i].ndim, k, &run);
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
        const char *from =
            in->data + block->in[0] + pp_view_offset(in, job->outer, in->ndim, k + j, &run);
        run = run < job->inner - j ? run : job->inner - j;
        run = run < STRIP ? run : STRIP;
        const pp_patch patch = {
            from, pp_last_stride(job, 0), run, in->strides[job->turned], rows, job->inner};
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
    return !job->in_place || pp_last_stride(job, 0) == width * (int64_t)job->element;
}

pp_tile pp_reduce_tile(const pp_reduce_job *job, const pp_block *block, int64_t k, int64_t count,
                       char *const stage[2])
{
    pp_tile tile = {.count = count, .width = block->width};
    for (int i = 0; i < job->inputs; i++) {
        if (job->in_place) {
            tile.row = pp_last_stride(job, i);
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
