/* Loops that sum a range step by step: the lesson's specimens of what a compiler keeps. */
#include <limits.h>

#include "common.h"
#include "parallel.h"
#include "pp.h"

typedef int64_t range_loop(int64_t sum, int64_t start, int64_t stop);

typedef struct range_job {
    range_loop *loop;
    int64_t *numbers; /* each becomes its sum */
    int64_t count;
} range_job;

/* A sum that may take more than one slice. */
typedef struct range_state {
    pp_worker worker;
    bool busy;
    int64_t place; /* of the number */
    int64_t next;  /* of its range */
    int64_t sum;
} range_state;

static int64_t sum_loop(int64_t sum, int64_t start, int64_t stop)
{
    for (int64_t i = start; i < stop; i++)
        sum = pp_opaque(sum + i);
    return sum;
}

static int64_t conditional_sum_loop(int64_t sum, int64_t start, int64_t stop)
{
    for (int64_t i = start; i < stop; i++) {
        if (i % 3 == 0)
            sum += i;
        sum = pp_opaque(sum);
    }
    return sum;
}

static bool work(const void *shared, void *state, pp_slice *slice)
{
    enum { STEPS = 1 << 20 }; /* a millisecond's work, or less */
    const range_job *job = shared;
    range_state *s = state;
    do {
        if (!s->busy) {
            s->place = pp_slice_draw(slice);
            if (s->place < 0)
                return true;
            s->next = s->sum = 0;
            s->busy = true;
        }
        const int64_t n = job->numbers[s->place];
        const int64_t stop = n - s->next < STEPS ? n : s->next + STEPS;
        s->sum = job->loop(s->sum, s->next, stop);
        s->next = stop;
        if (stop == n) {
            job->numbers[s->place] = s->sum;
            s->busy = false;
            s->worker.done++;
        }
    } while (!pp_slice_over(slice));
    return false;
}

/* A team costs some microseconds to wake: as long as a few thousand steps. */
static bool worth_threads(const range_job *job)
{
    int64_t steps = 20000;
    for (int64_t i = 0; i < job->count && steps > 0; i++)
        steps -= job->numbers[i] > 0 ? job->numbers[i] : 0;
    return steps <= 0;
}

static enum pp_status run_loops(range_loop *loop, int64_t *numbers, int64_t count,
                                const pp_run *run)
{
    const range_job job = {.loop = loop, .numbers = numbers, .count = count};
    const pp_job parallel = {
        .shared = &job,
        .items = count,
        .total = count,
        .max_workers = !worth_threads(&job) ? 1
                       : count < INT_MAX    ? (int)count
                                            : INT_MAX,
        .state_size = sizeof(range_state),
        .work = work,
    };
    return pp_parallel_for(&parallel, run);
}

enum pp_status pp_sum_range(int64_t *numbers, int64_t count, const pp_run *run)
{
    return run_loops(sum_loop, numbers, count, run);
}

enum pp_status pp_conditional_sum_range(int64_t *numbers, int64_t count, const pp_run *run)
{
    return run_loops(conditional_sum_loop, numbers, count, run);
}
