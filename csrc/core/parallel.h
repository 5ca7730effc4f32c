/* The one driver: runs a job's items on a team of threads, in time slices. */
#ifndef PP_PARALLEL_H
#define PP_PARALLEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pp.h"

typedef struct pp_slice pp_slice;

/* Every worker state begins with this. */
typedef struct pp_worker {
    int64_t done; /* units of progress so far; the kernel counts, the driver adds up */
} pp_worker;

typedef struct pp_job {
    const void *shared; /* what all workers read */
    int64_t items;      /* drawn one by one, in order */
    int64_t total;      /* units of progress, for poll() */
    int max_workers;    /* more would have nothing to do */
    size_t state_size;  /* of one worker state; zeroed at the start, 64-byte aligned */

    /* Draw items and work on them until none is left and the state is empty (true), or until the
       slice is over (false). Gets somewhere in every call, and asks at least every 5 ms. */
    bool (*work)(const void *shared, void *state, pp_slice *slice);
} pp_job;

enum pp_status pp_parallel_for(const pp_job *job, const pp_run *run);

/* The next item, or -1 when there are no more. */
int64_t pp_slice_draw(pp_slice *slice);
bool pp_slice_over(const pp_slice *slice);

/* Seconds on a clock that never goes back. */
double pp_now(void);

#endif
