/* Reductions over some axes of an array: the work in parallel.

   Outputs are reduced in blocks. Where the kept dimension is the closer one in memory, a block is
   some columns, read row by row; else it is a single output. Where there are few blocks, each is
   cut into chunks, which threads reduce on their own. All this leaves the results as they are: they
   are those of the tree of sums in ordered_template.h, or do not depend on any order. */
#include "reduce.h"

#include <limits.h>
#include <stdlib.h>

#include "ordered.h"
#include "turned.h"
#include "view.h"

enum {
    SINGLE = 1 << 19
}; /* bytes that are not worth a team of threads: it takes some microseconds */

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

/* What lies behind the state: an accumulator, its partial result, and stages. */
static char *accumulator(state *s)
{
    return (char *)s + rounded(sizeof *s);
}

static char *own_partial(const pp_reduce_job *job, state *s)
{
    return accumulator(s) + rounded(job->operation->accumulator_size(job));
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

static void start_chunk(const pp_reduce_job *job, state *s)
{
    s->at = pp_reduce_block(job, s->block);
    s->k = s->chunk * job->chunk;
    s->end = job->n - s->k < job->chunk ? job->n : s->k + job->chunk;
    job->operation->start(job, accumulator(s), s->at.width);
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
        job->operation->close(job, accumulator(s), partial_of(job, s->block, s->chunk));
    } else {
        job->operation->close(job, accumulator(s), own_partial(job, s));
        job->operation->write(job, own_partial(job, s), &s->at);
    }
}

static bool time_is_up(state *s, int64_t elements, pp_slice *slice)
{
    s->seen += elements;
    if (s->seen < PP_TILE)
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
            job->operation->take(job, accumulator(s), &tile, s->k);
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

static int64_t bytes_of(const pp_reduce_job *job, size_t size)
{
    return job->n * job->columns * (job->blocks / job->across) * (int64_t)size;
}

static enum pp_status run_job(pp_reduce_job *job, const pp_run *run)
{
    const size_t size = pp_type_size(job->in[0].type);
    const bool small = bytes_of(job, size) < SINGLE;
    pp_run calm = *run;
    calm.poll = small ? NULL : run->poll;
    if (pp_sums_turned(job))
        return pp_sum_turned(job, small ? 1 : INT_MAX, &calm);
    pp_plan_work(job, small ? 1 : run->num_threads);
    if (job->chunks > 1) {
        job->partials = malloc((size_t)(job->blocks * job->chunks) *
                               rounded(job->operation->partial_size(job)));
        if (!job->partials)
            return PP_NO_MEMORY;
    }
    const bool at_once = pp_reduces_at_once(job);
    const pp_job parallel = {
        .shared = job,
        .items = (job->blocks + job->batch - 1) / job->batch * job->chunks,
        .total = job->n,
        .max_workers = small ? 1 : INT_MAX,
        .state_size = at_once ? sizeof(pp_worker) : state_size(job),
        .work = at_once ? pp_work_at_once : work,
    };
    const enum pp_status status = pp_parallel_for(&parallel, &calm);
    if (status == PP_OK && job->chunks > 1)
        merge_chunks(job);
    free(job->partials);
    return status;
}

enum pp_status pp_reduce(const pp_reduction_task *task, const pp_run *run)
{
    for (int d = 0; d < task->kept; d++)
        if (task->in[0].shape[d] == 0)
            return PP_OK;
    pp_reduce_job job;
    pp_plan_reduction(&job, task);
    atomic_int_fast64_t found = INT64_MAX;
    if (job.in_place && job.blocks == 1 && job.width == 1)
        job.found = &found;
    if (task->op != PP_NORM)
        return run_job(&job, run);
    return pp_norm_passes(&job, run, run_job);
}
