/* Outputs of few elements, many of them: a row each, or some columns, are reduced at once, without
   the accumulators and partial results that long ones need. */
#include "reduce.h"

bool pp_reduces_at_once(const pp_reduce_job *job)
{
    if (!job->in_place || job->chunks > 1 || job->n == 0 || job->n > job->rows)
        return false;
    const bool ordered = job->operation == &pp_ordered;
    if (job->columns == 1)
        return ordered || pp_finds_extremes(job->op);
    return ordered ? job->n <= PP_GROUP : job->op != PP_ARGMIN && job->op != PP_ARGMAX;
}

/* Blocks that are `apart` bytes apart, and their outputs likewise. */
typedef struct blocks {
    pp_block first;
    int64_t count, apart_in[2], apart_out[2];
} blocks;

/* As many blocks as lie in a line: where each is a row, along the last kept dimension. */
static blocks blocks_in_line(const pp_reduce_job *job, int64_t block, int64_t last)
{
    blocks line = {.first = pp_reduce_block(job, block), .count = 1};
    const int d = job->outer - 1;
    if (job->columns > 1 || d < 0)
        return line;
    const int64_t length = job->in[0].shape[d], left = length - block % length;
    line.count = last - block < left ? last - block : left;
    for (int i = 0; i < job->inputs; i++)
        line.apart_in[i] = job->in[i].strides[d];
    for (int o = 0; o < job->outputs; o++)
        line.apart_out[o] = job->out[o].strides[d];
    return line;
}

/* The columns after these: the hardware does not foresee where the next piece of a row begins. */
static void prefetch_next(const pp_reduce_job *job, const pp_tile *columns)
{
    const int64_t bytes = columns->width * (int64_t)job->element;
    for (int64_t k = 0; k < columns->count; k++)
        for (int64_t p = 0; p < bytes; p += 64)
            PP_PREFETCH(columns->x[0] + k * columns->row + bytes + p);
}

static void reduce_line(const pp_reduce_job *job, const blocks *line)
{
    const pp_block *first = &line->first;
    const int64_t row = pp_last_stride(job, 0);
    for (int64_t b = 0; b < line->count; b++) {
        pp_tile all = {.row = row, .count = job->n, .width = first->width};
        char *to[2] = {NULL, NULL};
        for (int i = 0; i < job->inputs; i++)
            all.x[i] = job->in[i].data + first->in[i] + b * line->apart_in[i];
        for (int o = 0; o < job->outputs; o++)
            to[o] = job->out[o].data + first->out[o] + b * line->apart_out[o];
        if (job->columns > 1 && job->operation == &pp_ordered)
            prefetch_next(job, &all);
        job->operation->reduce(job, &all, to);
    }
}

bool pp_work_at_once(const void *shared, void *state, pp_slice *slice)
{
    (void)state;
    const pp_reduce_job *job = shared;
    for (int64_t item; (item = pp_slice_draw(slice)) >= 0;) {
        const int64_t first = item * job->batch, left = job->blocks - first;
        const int64_t last = left < job->batch ? job->blocks : first + job->batch;
        for (int64_t block = first; block < last;) {
            const blocks line = blocks_in_line(job, block, last);
            reduce_line(job, &line);
            block += line.count;
        }
        if (pp_slice_over(slice))
            return false;
    }
    return true;
}
