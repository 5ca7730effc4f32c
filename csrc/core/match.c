/* The nearest tile to each target: by a tree for few features, by codes for many, or by comparing
   all where there are few tiles.

   Targets go in rounds, which bound the memory: the rows of a round are read and, with a tree,
   sorted by the leaf that they fall into, so that those of a packet have the same way through the
   tree. */
#include "match.h"

#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "match_dense.h"
#include "parallel.h"

enum {
    ROUND = 1 << 17,          /* targets in a round */
    ROUND_SIZE = 1 << 21,     /* their features, if that is less */
    CHUNK = 1 << 12,          /* features that are read at a time */
    WORTH_A_THREAD = 1 << 17, /* features to compare */
    FEW_TILES = 128,          /* for a tree */
    FEW_TARGETS = 64,
    FEW_FEATURES =
        6, /* with more, a tree is for many tiles only; with still more, it never helps */
    SOME_FEATURES = 8,
    MANY_TILES = 1 << 16,
};

/* A call with all that its rounds share. */
typedef struct match_call {
    pp_match_job job;
    pp_rows targets;
    pp_dense dense;
    bool by_codes;
    atomic_bool not_finite;
    int32_t *leaves, *starts; /* of the targets of a round; in the order by leaves */
    const pp_run *run;        /* the caller's */
    double last_poll;
} match_call;

int pp_match_workers(int64_t items, double operations)
{
    const double most = 1 + operations / WORTH_A_THREAD;
    const double workers = most < (double)items ? most : (double)items;
    return workers < INT_MAX ? (int)workers : INT_MAX;
}

/* --- progress: a round counts its own targets --- */

typedef struct progress {
    match_call *call;
    int64_t before; /* targets of the call that are done */
} progress;

static bool poll_in_round(void *context, int64_t done, int64_t total)
{
    (void)total;
    const progress *p = context;
    p->call->last_poll = pp_now();
    return p->call->run->poll(p->call->run->context, p->before + done, p->call->targets.count);
}

/* Rounds may be shorter than a slice, which alone would never poll. */
static enum pp_status poll_after_round(match_call *call)
{
    progress p = {call, call->job.begin + call->job.count};
    const bool is_last = p.before == call->targets.count;
    if (is_last || !call->run->poll || pp_now() < call->last_poll + call->run->slice)
        return PP_OK;
    return poll_in_round(&p, 0, 0) ? PP_OK : PP_INTERRUPTED;
}

static pp_run run_after(const match_call *call, progress *p)
{
    pp_run run = *call->run;
    run.poll = run.poll ? poll_in_round : NULL;
    run.context = p;
    return run;
}

/* --- reading --- */

typedef struct reading {
    const pp_rows *from;
    int64_t begin, count;
    double *rows;
    uint8_t *bytes;         /* to read to these instead, or NULL */
    const pp_kd_tree *tree; /* to find the leaves, or NULL */
    int32_t *leaves;
    atomic_bool *not_finite;
} reading;

static int64_t chunk_of(const reading *job)
{
    return 1 + CHUNK / (job->from->length + 1);
}

static void read_chunk(const reading *job, int64_t first, int64_t count)
{
    const int64_t at = first * job->from->length;
    if (job->bytes)
        pp_rows_read_bytes(job->from, job->begin + first, count, job->bytes + at);
    else if (!pp_rows_read(job->from, job->begin + first, count, job->rows + at))
        atomic_store(job->not_finite, true);
    else if (job->tree)
        pp_kd_locate(job->tree, job->rows + at, count, job->leaves + first);
}

static bool read_chunks(const void *shared, void *state, pp_slice *slice)
{
    (void)state;
    const reading *job = shared;
    const int64_t chunk = chunk_of(job);
    for (int64_t item; (item = pp_slice_draw(slice)) >= 0;) {
        const int64_t first = item * chunk, left = job->count - first;
        read_chunk(job, first, left < chunk ? left : chunk);
        if (pp_slice_over(slice))
            return false;
    }
    return true;
}

static enum pp_status read_rows(const reading *job, const pp_run *run)
{
    enum { AS_LONG = 8 }; /* as it takes to read a feature */
    const int64_t chunk = chunk_of(job), items = (job->count + chunk - 1) / chunk;
    const double features = (double)job->count * (double)job->from->length;
    const pp_job parallel = {
        .shared = job,
        .items = items,
        .max_workers = pp_match_workers(items, AS_LONG * features),
        .state_size = sizeof(pp_worker),
        .work = read_chunks,
    };
    return pp_parallel_for(&parallel, run);
}

/* --- a round --- */

/* The order of the targets by leaf: a counting sort. */
static void sort_targets(match_call *call)
{
    const pp_match_job *job = &call->job;
    const int32_t leaves = (int32_t)1 << job->tree.levels, count = (int32_t)job->count;
    memset(call->starts, 0, (size_t)leaves * sizeof *call->starts);
    for (int32_t i = 0; i < count; i++)
        call->starts[call->leaves[i]]++;
    for (int32_t leaf = 0, start = 0, own; leaf < leaves; leaf++, start += own) {
        own = call->starts[leaf];
        call->starts[leaf] = start;
    }
    for (int32_t i = 0; i < count; i++)
        job->order[call->starts[call->leaves[i]]++] = i;
}

/* By codes; those of the targets that they did not help stay listed. */
static enum pp_status match_by_codes(match_call *call, const pp_run *run)
{
    pp_match_job *job = &call->job;
    enum pp_status status = PP_OK;
    if (!call->dense.tiles)
        status = pp_dense_build(&call->dense, job, &call->by_codes, run);
    job->queue = call->leaves;
    if (status == PP_OK && call->by_codes) {
        pp_sort_by_sum(job->bytes, job->rows, job->count, job->tiles.length, job->queue);
        status = pp_match_dense(&call->dense, job, run);
    }
    if (job->listed > job->count / 2) /* nor will they help others */
        call->by_codes = false;
    return status;
}

static enum pp_status run_round(match_call *call)
{
    pp_match_job *job = &call->job;
    progress p = {call, job->begin};
    const pp_run run = run_after(call, &p);
    const reading targets = {
        .from = &call->targets,
        .begin = job->begin,
        .count = job->count,
        .rows = job->rows,
        .bytes = job->bytes,
        .tree = job->by_tree ? &job->tree : NULL,
        .leaves = call->leaves,
        .not_finite = &call->not_finite,
    };
    enum pp_status status = read_rows(&targets, &run);
    if (status != PP_OK || call->not_finite)
        return status;
    job->listed = job->count;
    if (job->by_tree)
        sort_targets(call);
    else
        for (int32_t i = 0; i < job->count; i++)
            job->order[i] = i;
    if (call->by_codes)
        status = match_by_codes(call, &run);
    p.before += job->count - job->listed;
    return status == PP_OK && job->listed ? pp_match_packets(job, &run) : status;
}

static enum pp_status run_rounds(match_call *call)
{
    pp_match_job *job = &call->job;
    const int64_t m = call->targets.count, length = job->tiles.length;
    int64_t most = 1 + ROUND_SIZE / (length + 1);
    most = most < ROUND ? most : ROUND;
    most = most < m ? most : m;
    const size_t leaves = (size_t)1 << job->tree.levels;
    if (job->tiles.bytes)
        job->bytes = malloc((size_t)(most * length));
    else
        job->rows = malloc(sizeof *job->rows * (size_t)(most * length) + 1);
    call->leaves = malloc(sizeof *call->leaves * (2 * (size_t)most + leaves));
    enum pp_status status = (job->rows || job->bytes) && call->leaves ? PP_OK : PP_NO_MEMORY;
    if (status == PP_OK) {
        job->order = call->leaves + most;
        call->starts = job->order + most;
    }
    for (; status == PP_OK && job->begin < m && !call->not_finite; job->begin += job->count) {
        job->count = m - job->begin < most ? m - job->begin : most;
        status = run_round(call);
        if (status == PP_OK && !call->not_finite)
            status = poll_after_round(call);
    }
    free(job->rows);
    free(job->bytes);
    free(call->leaves);
    return status;
}

/* --- all --- */

/* A tree, or codes, have to be made first, which takes as long as some hundred targets. */
static void choose_method(match_call *call)
{
    const pp_tiles *tiles = &call->job.tiles;
    const bool pays = tiles->length >= 1 && tiles->count <= INT32_MAX &&
                      tiles->count >= FEW_TILES && call->targets.count >= FEW_TARGETS;
    const int most = tiles->count < MANY_TILES ? FEW_FEATURES : SOME_FEATURES;
    call->job.by_tree = pays && tiles->length <= most;
    call->by_codes = pays && !call->job.by_tree && tiles->length <= PP_DENSE_FEATURES;
}

/* Bytes stay bytes where they are the codes: then no distance is ever computed from features. */
static bool allocate_tiles(pp_tiles *tiles, bool as_bytes)
{
    const size_t count = (size_t)tiles->count, length = (size_t)tiles->length;
    if (length && count > SIZE_MAX / 2 / sizeof(double) / length)
        return false;
    if (as_bytes)
        tiles->bytes = malloc(count * length);
    else
        tiles->features = malloc(count * length * sizeof(double) + 1);
    tiles->numbers = malloc(count * sizeof(double));
    return (tiles->bytes || tiles->features) && tiles->numbers;
}

static enum pp_status read_tiles(match_call *call, const pp_rows *rows, const pp_run *run,
                                 enum pp_match_fault *fault)
{
    pp_tiles *tiles = &call->job.tiles;
    atomic_bool not_finite = false;
    if (!allocate_tiles(tiles, call->by_codes && call->job.in_integers))
        return PP_NO_MEMORY;
    for (int64_t i = 0; i < rows->count; i++)
        tiles->numbers[i] = (double)i;
    const reading all = {
        .from = rows,
        .count = rows->count,
        .rows = tiles->features,
        .bytes = tiles->bytes,
        .not_finite = &not_finite,
    };
    const enum pp_status status = read_rows(&all, run);
    if (not_finite)
        *fault = PP_TILES_NOT_FINITE;
    return status;
}

static enum pp_status match_all(match_call *call, const pp_rows *tiles, enum pp_match_fault *fault)
{
    pp_match_job *job = &call->job;
    progress p = {call, 0};
    const pp_run run = run_after(call, &p);
    job->tiles = (pp_tiles){.count = tiles->count, .length = tiles->length};
    choose_method(call);
    enum pp_status status = read_tiles(call, tiles, &run, fault);
    if (status != PP_OK || *fault != PP_MATCH_FINE)
        return status;
    if (job->by_tree)
        status = pp_kd_build(&job->tiles, &job->tree, &run);
    if (status == PP_OK)
        status = run_rounds(call);
    if (call->not_finite)
        *fault = PP_TARGETS_NOT_FINITE;
    return status;
}

enum pp_status pp_match(const pp_view *targets, const pp_view *tiles, int64_t *indices,
                        void *distances, const pp_run *run, enum pp_match_fault *fault)
{
    const pp_rows rows = pp_rows_of(tiles);
    match_call call = {.targets = pp_rows_of(targets), .run = run, .last_poll = pp_now()};
    call.job.in_integers = targets->type == PP_UINT8 && tiles->type == PP_UINT8;
    call.job.indices = indices;
    call.job.distances = distances;
    *fault = PP_MATCH_FINE;
    const enum pp_status status = match_all(&call, &rows, fault);
    pp_kd_free(&call.job.tree);
    pp_dense_free(&call.dense);
    free(call.job.tiles.features);
    free(call.job.tiles.bytes);
    free(call.job.tiles.numbers);
    return status;
}
