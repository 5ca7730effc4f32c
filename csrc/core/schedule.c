/* The schedule lab: turns of given cost, handed out by static, dynamic or guided schedule, with a
   record of who took which turn when.

   OpenMP's own loops cannot be left before they end. These can: what a worker has in hand is its
   state, so that the driver's time slices, and with them Ctrl-C, work as in every kernel. */
#include <stdatomic.h>

#include "common.h"
#include "lab.h"
#include "parallel.h"
#include "pp.h"

typedef struct schedule_job {
    const pp_schedule_task *task;
    int team;
    atomic_int *arrived;        /* workers that have begun */
    atomic_int_fast64_t *first; /* of the turns not handed out yet; static does without */
} schedule_job;

typedef struct schedule_worker {
    pp_worker base;
    int number;         /* 1, 2, ... in the order of arrival; 0 before it */
    int64_t chunks;     /* taken so far */
    int64_t first, end; /* of the chunk in hand */
    int64_t turn;       /* the next in it */
    bool begun;         /* is that turn begun? */
    int64_t left;       /* then, its steps to come */
} schedule_worker;

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* One chunk for each worker, of sizes that differ by one at most. */
static bool take_share(const schedule_job *job, schedule_worker *worker)
{
    const int64_t me = worker->number - 1;
    const int64_t size = job->task->turns / job->team, larger = job->task->turns % job->team;
    if (worker->chunks++ > 0)
        return false;
    worker->first = me * size + least(me, larger);
    worker->end = worker->first + size + (me < larger);
    return worker->first < worker->end;
}

/* Chunks of equal size, dealt out in rotation. */
static bool take_dealt(const schedule_job *job, schedule_worker *worker)
{
    const int64_t turns = job->task->turns, chunk = job->task->chunk;
    const int64_t mine = worker->number - 1 + worker->chunks++ * job->team;
    if (turns == 0 || mine > (turns - 1) / chunk)
        return false;
    worker->first = mine * chunk;
    worker->end = worker->first + least(chunk, turns - worker->first);
    return true;
}

/* The next chunk for whoever asks; guided, a share of what is left while that is more. */
static bool take_next(const schedule_job *job, schedule_worker *worker)
{
    const bool guided = job->task->kind == PP_GUIDED;
    int_fast64_t first = atomic_load(job->first);
    int64_t size;
    do {
        const int64_t left = job->task->turns - first;
        if (left == 0)
            return false;
        const int64_t share = guided ? left / (2 * (int64_t)job->team) : 0;
        size = least(left, share > job->task->chunk ? share : job->task->chunk);
    } while (!atomic_compare_exchange_weak(job->first, &first, first + size));
    worker->first = first;
    worker->end = first + size;
    return true;
}

static bool take_chunk(const schedule_job *job, schedule_worker *worker)
{
    const pp_schedule_task *task = job->task;
    const bool taken = task->kind != PP_STATIC ? take_next(job, worker)
                       : task->chunk           ? take_dealt(job, worker)
                                               : take_share(job, worker);
    worker->turn = worker->first;
    return taken;
}

/* A block's work on the turn in hand. */
static void go_on(const schedule_job *job, schedule_worker *worker)
{
    enum { BLOCK = 1 << 20 }; /* about a millisecond */
    const pp_schedule_task *task = job->task;
    const int64_t turn = worker->turn;
    if (!worker->begun) {
        worker->begun = true;
        worker->left = task->costs[turn];
        task->first[turn] = worker->first;
        task->worker[turn] = worker->number - 1;
        task->start[turn] = task->clock();
    }
    const int64_t steps = least(worker->left, BLOCK);
    pp_take_steps(steps);
    worker->left -= steps;
    if (worker->left == 0) {
        task->end[turn] = task->clock();
        worker->begun = false;
        worker->turn++;
        worker->base.done++;
    }
}

static bool work(const void *shared, void *state, pp_slice *slice)
{
    const schedule_job *job = shared;
    schedule_worker *worker = state;
    if (worker->number == 0)
        worker->number = 1 + atomic_fetch_add(job->arrived, 1);
    do {
        if (worker->turn == worker->end && !take_chunk(job, worker))
            return true;
        go_on(job, worker);
    } while (!pp_slice_over(slice));
    return false;
}

enum pp_status pp_schedule(const pp_schedule_task *task, const pp_run *run)
{
    atomic_int arrived = 0;
    atomic_int_fast64_t first = 0;
    /* Without OpenMP there is one thread: a second worker would only begin when it is done. */
    int team = pp_has_openmp() ? (int)least(run->num_threads, task->turns) : 1;
    team = team > 1 ? team : 1;
    const schedule_job job = {.task = task, .team = team, .arrived = &arrived, .first = &first};
    const pp_job parallel = {
        .shared = &job,
        .items = task->turns,
        .total = task->turns,
        .max_workers = team,
        .state_size = sizeof(schedule_worker),
        .work = work,
    };
    return pp_parallel_for(&parallel, run);
}
