/* The labs: work of known size, updates that get lost, and what a machine can do at its best. */
#include <limits.h>
#include <stdatomic.h>

#include "common.h"
#include "dispatch.h"
#include "lab.h"
#include "parallel.h"
#include "pp.h"

typedef struct lab_job lab_job;

/* A loop of `steps` steps, `block` of them drawn at a time. */
struct lab_job {
    void (*loop)(const lab_job *job, int64_t first, int64_t steps);
    int64_t steps, block;
    int max_workers;
    atomic_int_fast64_t *result; /* what the loops count or add up in */
    const uint64_t *words;       /* to read */
};

static bool work(const void *shared, void *state, pp_slice *slice)
{
    const lab_job *job = shared;
    pp_worker *worker = state;
    do {
        const int64_t item = pp_slice_draw(slice);
        if (item < 0)
            return true;
        const int64_t first = item * job->block, left = job->steps - first;
        const int64_t steps = left < job->block ? left : job->block;
        job->loop(job, first, steps);
        worker->done += steps;
    } while (!pp_slice_over(slice));
    return false;
}

static enum pp_status run_loop(const lab_job *job, const pp_run *run)
{
    const int64_t items = (job->steps - 1) / job->block + 1;
    const pp_job parallel = {
        .shared = job,
        .items = items,
        .total = job->steps,
        .max_workers = items < job->max_workers ? (int)items : job->max_workers,
        .state_size = sizeof(pp_worker),
        .work = work,
    };
    return pp_parallel_for(&parallel, run);
}

void pp_take_steps(int64_t steps)
{
    int64_t taken = 0;
    for (int64_t i = 0; i < steps; i++)
        taken = pp_opaque(taken + 1);
}

static void busy_loop(const lab_job *job, int64_t first, int64_t steps)
{
    (void)job;
    (void)first;
    pp_take_steps(steps);
}

enum pp_status pp_busy(int64_t steps, const pp_run *run)
{
    return run_loop(
        &(lab_job){.loop = busy_loop, .steps = steps, .block = 1 << 20, .max_workers = 1}, run);
}

/* Each load and each store is atomic, so that nothing is undefined; but between the two another
   thread may store, and its update is lost. */
static void count_unsynchronised(const lab_job *job, int64_t first, int64_t steps)
{
    (void)first;
    for (int64_t i = 0; i < steps; i++) {
        const int64_t seen = atomic_load_explicit(job->result, memory_order_relaxed);
        atomic_store_explicit(job->result, pp_opaque(seen + 1), memory_order_relaxed);
    }
}

static void count_atomically(const lab_job *job, int64_t first, int64_t steps)
{
    (void)first;
    for (int64_t i = 0; i < steps; i++)
        atomic_fetch_add_explicit(job->result, 1, memory_order_relaxed);
}

static void count_by_reduction(const lab_job *job, int64_t first, int64_t steps)
{
    (void)first;
    int64_t own = 0;
    for (int64_t i = 0; i < steps; i++)
        own = pp_opaque(own + 1);
    atomic_fetch_add_explicit(job->result, own, memory_order_relaxed);
}

/* The unlucky case, arranged: the threads of a team all load before any of them stores, so that
   they all store 1. Of these updates only one is in the chain of updates, each built on the one
   before it, that leads to the final count; so at least team - 1 are lost, on one core too, where
   chance alone could take long. Returns how many updates these were. */
static int64_t collide(atomic_int_fast64_t *counter, int64_t n, int threads)
{
    atomic_int_fast64_t updates = 0;
    const int team = n < threads ? (int)n : threads;
#ifdef _OPENMP
    if (team > 1) {
#    pragma omp parallel num_threads(team)
        {
            const int64_t seen = atomic_load_explicit(counter, memory_order_relaxed);
#    pragma omp barrier
            atomic_store_explicit(counter, seen + 1, memory_order_relaxed);
            atomic_fetch_add_explicit(&updates, 1, memory_order_relaxed);
        }
    }
#else
    (void)counter;
    (void)team;
#endif
    return atomic_load(&updates);
}

enum pp_status pp_count_to(int64_t n, enum pp_counting how, int64_t *count, const pp_run *run)
{
    atomic_int_fast64_t counter = 0;
    lab_job job = {.steps = n, .block = 1 << 12, .max_workers = INT_MAX, .result = &counter};
    switch (how) {
    case PP_UNSYNCHRONISED:
        job.loop = count_unsynchronised;
        job.steps -= collide(&counter, n, run->num_threads);
        break;
    case PP_ATOMIC:
        job.loop = count_atomically;
        break;
    case PP_REDUCTION:
        job.loop = count_by_reduction;
        break;
    }
    const enum pp_status status = run_loop(&job, run);
    *count = atomic_load(&counter);
    return status;
}

/* Sixteen sums side by side: no addition waits for another, only for memory. That is as fast with
   the baseline's vectors as with wider ones. */
static void read_loop(const lab_job *job, int64_t first, int64_t steps)
{
    enum { SUMS = 16 };
    const uint64_t *words = job->words + first;
    uint64_t sums[SUMS] = {0};
    int64_t i = 0;
    for (; i + SUMS <= steps; i += SUMS)
        for (int k = 0; k < SUMS; k++)
            sums[k] += words[i + k];
    for (; i < steps; i++)
        sums[0] += words[i];
    for (int k = 1; k < SUMS; k++)
        sums[0] += sums[k];
    atomic_fetch_add_explicit(job->result, (int64_t)sums[0], memory_order_relaxed);
}

enum pp_status pp_read_words(const uint64_t *words, int64_t n, uint64_t *sum, double *seconds,
                             const pp_run *run)
{
    atomic_int_fast64_t result = 0;
    const lab_job job = {.loop = read_loop,
                         .steps = n,
                         .block = 1 << 17,
                         .max_workers = INT_MAX,
                         .result = &result,
                         .words = words};
    const double start = pp_now();
    const enum pp_status status = run_loop(&job, run);
    *seconds = pp_now() - start;
    *sum = (uint64_t)atomic_load(&result);
    return status;
}

#define TEMPLATE "lab_template.h"
#include "each_isa.h"

static void multiply_add_loop(const lab_job *job, int64_t first, int64_t steps)
{
    /* The chains come to rest at 2: no overflow, and no subnormals, which would be slow. */
    static const double values[3] = {0.5, 1, 1};
    double end;
    (void)first;
    const int64_t operations = pp_kernels->flops(steps, values, &end);
    atomic_fetch_add_explicit(job->result, operations, memory_order_relaxed);
}

enum pp_status pp_multiply_add(int64_t steps, int64_t *operations, double *seconds,
                               const pp_run *run)
{
    atomic_int_fast64_t result = 0;
    const lab_job job = {.loop = multiply_add_loop,
                         .steps = steps,
                         .block = 1 << 16,
                         .max_workers = INT_MAX,
                         .result = &result};
    const double start = pp_now();
    const enum pp_status status = run_loop(&job, run);
    *seconds = pp_now() - start;
    *operations = atomic_load(&result);
    return status;
}
