/* The driver, and the only OpenMP outside the labs.

   A job owns its worker states; threads only borrow them. In each time slice, every thread of the
   team claims a state and works on it until the items are drawn and the state is empty, or until
   the slice is over; a thread that comes to the end of a state claims the next. A later team may
   be smaller, because the runtime decides how many threads it gives: the claims then begin one
   state further in each slice, so that no state is left behind. Between slices no thread is inside
   a parallel region, and poll() may do what it likes: raise, fork, or call another kernel. */
#define _POSIX_C_SOURCE 200112L /* clock_gettime */

#include "parallel.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"

#ifdef PP_X86
#    include <xmmintrin.h>
#else
#    include <fenv.h>
#endif
#ifdef _OPENMP
#    include <omp.h>
#endif
#ifdef _WIN32
#    include <windows.h>
#else
#    include <time.h>
#endif

enum { CACHE_LINE = 64 };

struct pp_slice {
    const pp_job *job;
    char *states; /* `workers` of them, `stride` bytes apart */
    size_t stride;
    bool *empty; /* per state: nothing left in it, and no items to draw */
    int workers;
    int first; /* the state that is claimed first in this slice */
    double deadline;
    atomic_int claimed;
    atomic_int_fast64_t next; /* item */
};

double pp_now(void)
{
#ifdef _WIN32
    LARGE_INTEGER ticks, frequency;
    QueryPerformanceCounter(&ticks);
    QueryPerformanceFrequency(&frequency);
    return (double)ticks.QuadPart / (double)frequency.QuadPart;
#else
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
#endif
}

int64_t pp_slice_draw(pp_slice *slice)
{
    const int64_t items = slice->job->items;
    /* Look before adding: a job that draws for weeks must not wrap the counter. */
    if (atomic_load_explicit(&slice->next, memory_order_relaxed) >= items)
        return -1;
    const int64_t item = atomic_fetch_add_explicit(&slice->next, 1, memory_order_relaxed);
    return item < items ? item : -1;
}

bool pp_slice_over(const pp_slice *slice)
{
    return slice->deadline > 0 && pp_now() >= slice->deadline;
}

static void work_on_states(pp_slice *slice)
{
    do {
        const int claim = atomic_fetch_add(&slice->claimed, 1);
        if (claim >= slice->workers)
            return;
        const int i = (slice->first + claim) % slice->workers;
        if (!slice->empty[i])
            slice->empty[i] =
                slice->job->work(slice->job->shared, slice->states + i * slice->stride, slice);
    } while (!pp_slice_over(slice));
}

/* The results promise the same bits everywhere, so the floating-point environment is the default
   one: a library built with -ffast-math may have made this thread flush subnormals to zero, and
   others not. On x86 a look at one register nearly always does, where changing it takes long. */
static void work_in_default_environment(pp_slice *slice)
{
#ifdef PP_X86
    const unsigned controls = 0xffc0, usual = 0x1f80, callers = _mm_getcsr();
    if ((callers & controls) == usual) {
        work_on_states(slice);
        return;
    }
    _mm_setcsr(usual);
    work_on_states(slice);
    _mm_setcsr(callers);
#else
    fenv_t callers;
    fegetenv(&callers);
    fesetenv(FE_DFL_ENV);
    work_on_states(slice);
    fesetenv(&callers);
#endif
}

static void run_team(pp_slice *slice, int threads)
{
    atomic_store(&slice->claimed, 0);
#ifdef _OPENMP
    if (threads > 1) {
#    pragma omp parallel num_threads(threads)
        work_in_default_environment(slice);
        return;
    }
#endif
    (void)threads;
    work_in_default_environment(slice);
}

static bool all_empty(const pp_slice *slice)
{
    for (int i = 0; i < slice->workers; i++)
        if (!slice->empty[i])
            return false;
    return true;
}

static int64_t units_done(const pp_slice *slice)
{
    int64_t done = 0;
    for (int i = 0; i < slice->workers; i++)
        done += ((const pp_worker *)(const void *)(slice->states + i * slice->stride))->done;
    return done;
}

static enum pp_status run_slices(pp_slice *slice, const pp_run *run)
{
    int threads = slice->workers;
    for (;;) {
        slice->deadline = run->poll ? pp_now() + run->slice : 0;
        run_team(slice, threads);
        if (all_empty(slice))
            return PP_OK;
        if (run->poll && !run->poll(run->context, units_done(slice), slice->job->total))
            return PP_INTERRUPTED;
        slice->first = (slice->first + 1) % slice->workers;
        if (threads > run->min_threads && run->min_threads > 0)
            threads--;
    }
}

enum pp_status pp_parallel_for(const pp_job *job, const pp_run *run)
{
    int workers = run->num_threads < job->max_workers ? run->num_threads : job->max_workers;
    workers = workers < 1 ? 1 : workers;

    pp_slice slice = {.job = job, .workers = workers};
    slice.stride = (job->state_size + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
    const size_t bytes = slice.stride * (size_t)workers;
    char *memory = malloc(bytes + CACHE_LINE);
    slice.empty = calloc((size_t)workers, sizeof *slice.empty);
    enum pp_status status = PP_NO_MEMORY;
    if (memory && slice.empty) {
        slice.states = memory + (CACHE_LINE - (uintptr_t)memory % CACHE_LINE);
        memset(slice.states, 0, bytes);
        status = run_slices(&slice, run);
    }
    free(slice.empty);
    free(memory);
    return status;
}

bool pp_has_openmp(void)
{
#ifdef _OPENMP
    return true;
#else
    return false;
#endif
}

int pp_openmp_max_threads(void)
{
#ifdef _OPENMP
    return omp_get_max_threads();
#else
    return 1;
#endif
}

void pp_before_fork(void)
{
    /* libgomp keeps the pool of a thread that has run a region, and a forked child inherits the
       pool without its threads: its next region waits for them for ever (GCC bug 60035). LLVM's
       and Intel's runtimes handle a fork themselves. */
#if defined(_OPENMP) && defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 9
    omp_pause_resource_all(omp_pause_soft);
#endif
}
