/* The driver: every item once, whatever the threads and slices; polls outside the work. */
#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "../../csrc/core/parallel.h"
#include "check.h"
#include "tests.h"

enum { ITEMS = 700, KEEPS = 5 };

typedef struct toy_job {
    atomic_int *drawn; /* how often each item was drawn */
    atomic_int working;
    int steps; /* an item takes so many steps, each in a slice of its own if that is over */
} toy_job;

/* A worker holds up to KEEPS items that need more steps, as the fractals hold pixels in lanes. */
typedef struct toy_state {
    pp_worker worker;
    int held, steps_left[KEEPS];
    char rest[100]; /* zero at the start, or the state is not fresh */
    bool begun;
} toy_state;

static void begin(toy_state *s)
{
    CHECK((uintptr_t)s % 64 == 0, "state at %p", (void *)s);
    CHECK(s->worker.done == 0 && s->held == 0, "%d items held at the start", s->held);
    for (size_t i = 0; i < sizeof s->rest; i++)
        CHECK(s->rest[i] == 0, "byte %zu", i);
    s->begun = true;
}

static bool toy_work(const void *shared, void *state, pp_slice *slice)
{
    toy_job *job = *(toy_job *const *)shared;
    toy_state *s = state;
    if (!s->begun)
        begin(s);
    atomic_fetch_add(&job->working, 1);
    bool drained = false;
    do {
        while (!drained && s->held < KEEPS) {
            const int64_t item = pp_slice_draw(slice);
            drained = item < 0;
            if (!drained) {
                atomic_fetch_add(&job->drawn[item], 1);
                s->steps_left[s->held++] = job->steps;
            }
        }
        for (int i = s->held - 1; i >= 0; i--)
            if (--s->steps_left[i] == 0) {
                s->steps_left[i] = s->steps_left[--s->held];
                s->worker.done++;
            }
    } while (!(drained && s->held == 0) && !pp_slice_over(slice));
    atomic_fetch_sub(&job->working, 1);
    return drained && s->held == 0;
}

typedef struct polls {
    toy_job *job;
    int64_t done;
    int count, stop_after;
} polls;

static bool poll(void *context, int64_t done, int64_t total)
{
    polls *p = context;
    CHECK(atomic_load(&p->job->working) == 0, "%d workers at work", p->job->working);
    CHECK(total == ITEMS && p->done <= done && done <= total, "%lld of %lld done", (long long)done,
          (long long)total);
    p->done = done;
    return ++p->count != p->stop_after;
}

static enum pp_status run_toy(int threads, int min_threads, double slice, int stop_after, int steps,
                              polls *found)
{
    atomic_int drawn[ITEMS];
    for (int i = 0; i < ITEMS; i++)
        atomic_init(&drawn[i], 0);
    toy_job toy = {.drawn = drawn, .steps = steps};
    toy_job *shared = &toy;
    *found = (polls){.job = &toy, .stop_after = stop_after};
    const pp_job job = {.shared = &shared,
                        .items = ITEMS,
                        .total = ITEMS,
                        .max_workers = INT_MAX,
                        .state_size = sizeof(toy_state),
                        .work = toy_work};
    const pp_run run = {.num_threads = threads,
                        .min_threads = min_threads,
                        .slice = slice,
                        .poll = slice < 0 ? NULL : poll,
                        .context = found};
    const enum pp_status status = pp_parallel_for(&job, &run);
    for (int i = 0; i < ITEMS; i++)
        CHECK(drawn[i] == 1 || (status == PP_INTERRUPTED && drawn[i] == 0),
              "item %d was drawn %d times", i, (int)drawn[i]);
    return status;
}

static void test_every_item_is_worked_on_once(void)
{
    polls found;
    for (int threads = 1; threads <= 17; threads++)
        for (int min_threads = 0; min_threads <= 2; min_threads++)
            for (int steps = 1; steps <= 40; steps += 13) {
                CHECK(run_toy(threads, min_threads, 0, 0, steps, &found) == PP_OK, "%d", threads);
                CHECK(found.count > 0 || steps == 1, "%d threads, no poll", threads);
                CHECK(run_toy(threads, min_threads, 10, 0, steps, &found) == PP_OK, "%d", threads);
                CHECK(found.count == 0, "%d polls within the first slice", found.count);
            }
}

static void test_without_poll_there_are_no_slices(void)
{
    polls found;
    CHECK(run_toy(3, 0, -1, 0, 1000, &found) == PP_OK, "status of %d", 0);
    CHECK(found.count == 0, "%d polls", found.count);
}

static void test_poll_can_stop_the_job(void)
{
    polls found;
    for (int threads = 1; threads <= 5; threads++) {
        CHECK(run_toy(threads, 0, 0, 1, 1000, &found) == PP_INTERRUPTED, "%d threads", threads);
        CHECK(found.count == 1, "%d polls", found.count);
        CHECK(run_toy(threads, 1, 0, 9, 1000, &found) == PP_INTERRUPTED, "%d threads", threads);
        CHECK(found.count == 9, "%d polls", found.count);
    }
}

static void test_a_job_without_items_ends(void)
{
    toy_job toy = {0};
    toy_job *shared = &toy;
    const pp_job job = {
        .shared = &shared, .max_workers = 8, .state_size = sizeof(toy_state), .work = toy_work};
    const pp_run run = {.num_threads = 4};
    CHECK(pp_parallel_for(&job, &run) == PP_OK, "status of %d", 0);
}

static void test_states_too_large_are_no_memory(void)
{
    const pp_job job = {.items = 1, .max_workers = 1, .state_size = SIZE_MAX / 4, .work = toy_work};
    const pp_run run = {.num_threads = 1};
    CHECK(pp_parallel_for(&job, &run) == PP_NO_MEMORY, "status of %d", 0);
}

void test_driver(void)
{
    test_every_item_is_worked_on_once();
    test_without_poll_there_are_no_slices();
    test_poll_can_stop_the_job();
    test_a_job_without_items_ends();
    test_states_too_large_are_no_memory();
}
