/* Many short rows: each is reduced at once, without the accumulators and tiles that long ones need.
 */
#include "reduce.h"

bool pp_has_short_rows(const pp_reduce_job *job)
{
    const bool able = job->operation == &pp_ordered || pp_finds_extremes(job->op);
    return able && job->in_place && job->columns == 1 && job->chunks == 1 && job->n > 0 &&
           job->n <= PP_TILE;
}

/* Blocks, of which each is a row; along the last kept dimension they are evenly apart. */
static void reduce_rows(const pp_reduce_job *job, int64_t block, int64_t last)
{
    const int d = job->outer - 1;
    while (block < last) {
        const pp_block at = pp_reduce_block(job, block);
        const int64_t length = d < 0 ? 1 : job->in[0].shape[d];
        const int64_t in_line = length - block % length;
        const int64_t rows = last - block < in_line ? last - block : in_line;
        for (int64_t r = 0; r < rows; r++) {
            pp_tile row = {.row = (int64_t)job->element, .count = job->n, .width = 1};
            char *to[2] = {NULL, NULL};
            for (int i = 0; i < job->inputs; i++)
                row.x[i] = job->in[i].data + at.in[i] + (r ? r * job->in[i].strides[d] : 0);
            for (int o = 0; o < job->outputs; o++)
                to[o] = job->out[o].data + at.out[o] + (r ? r * job->out[o].strides[d] : 0);
            job->operation->reduce_row(job, &row, to);
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
        reduce_rows(job, first, left < job->batch ? job->blocks : first + job->batch);
        if (pp_slice_over(slice))
            return false;
    }
    return true;
}
