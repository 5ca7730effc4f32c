/* The nearest tile to each target: by a tree for few features, or by comparing all.

   Targets are matched in packets, one a lane of the vectors, and in rounds that bound the memory:
   the rows of a round are read and, with a tree, sorted by the leaf that they fall into, so that
   the targets of a packet lie side by side and have the same way through the tree. */
#include "match.h"

#include <limits.h>
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"
#include "dispatch.h"
#include "parallel.h"

#define TEMPLATE "match_template.h"
#include "each_isa.h"

enum {
    ROUND = 1 << 17,       /* targets in a round */
    ROUND_SIZE = 1 << 20,  /* their features, if that is less */
    CHUNK = 1 << 12,       /* features of targets that are read at a time */
    STRETCH = 1 << 18,     /* features of tiles between two looks at the clock */
    FEW_PACKETS = 4,       /* drawn together */
    WORTH_A_THREAD = 1 << 17, /* features to compare */
};

typedef struct match_job {
    pp_rows targets;
    pp_tiles tiles;
    pp_kd_tree tree;
    bool by_tree, in_integers;
    int64_t *indices;
    void *distances;
    atomic_bool not_finite;
    /* of a round */
    int64_t begin, count;
    double *rows;
    int32_t *leaves, *starts;
    int32_t *order; /* of the targets, counted from `begin` */
} match_job;

typedef struct match_state {
    pp_worker worker;
    int64_t next, stop; /* targets of the round that are drawn */
    int64_t tile;       /* the next one */
    pp_kd_search search;
    pp_packet packet;
    bool is_filled;
    double features[];
} match_state;

/* --- a packet --- */

static int lanes_used(const match_state *s)
{
    return s->stop - s->next < PP_PACKET ? (int)(s->stop - s->next) : PP_PACKET;
}

static int64_t target_of(const match_job *job, int64_t i)
{
    return job->by_tree ? job->order[i] : i;
}

/* The next targets; where there are less than a packet holds, the last one repeats. */
static void fill(const match_job *job, match_state *s)
{
    const int64_t length = job->tiles.length;
    const int used = lanes_used(s);
    s->packet.features = s->features;
    for (int lane = 0; lane < PP_PACKET; lane++) {
        const int64_t target = target_of(job, s->next + (lane < used ? lane : used - 1));
        const double *row = job->rows + target * length;
        s->packet.distance[lane] = INFINITY;
        s->packet.number[lane] = INFINITY;
        for (int64_t f = 0; f < length; f++)
            s->features[f * PP_PACKET + lane] = row[f];
    }
    s->tile = 0;
    s->search.nodes = 1;
    s->search.node[0] = 1;
    s->is_filled = true;
}

static void put_results(const match_job *job, match_state *s)
{
    const int used = lanes_used(s);
    for (int lane = 0; lane < used; lane++) {
        const int64_t target = job->begin + target_of(job, s->next + lane);
        const double distance = s->packet.distance[lane];
        job->indices[target] = (int64_t)s->packet.number[lane];
        if (job->in_integers)
            ((int64_t *)job->distances)[target] = (int64_t)distance;
        else
            ((double *)job->distances)[target] = distance;
    }
    s->worker.done += used;
    s->next += used;
    s->is_filled = false;
}

/* Some way ahead; true at the end. */
static bool advance(const match_job *job, match_state *s)
{
    const int64_t stretch = 1 + STRETCH / (job->tiles.length + 1);
    if (job->by_tree) {
        pp_kernels->match->search_tree(&s->packet, &job->tree, &s->search, stretch / PP_PACKET);
        return s->search.nodes == 0;
    }
    const int64_t left = job->tiles.count - s->tile;
    const int64_t stop = s->tile + (left < stretch ? left : stretch);
    pp_kernels->match->scan_tiles(&s->packet, &job->tiles, s->tile, stop);
    s->tile = stop;
    return stop == job->tiles.count;
}

static bool match_packets(const void *shared, void *state, pp_slice *slice)
{
    const match_job *job = shared;
    match_state *s = state;
    do {
        if (s->next == s->stop) {
            const int64_t item = pp_slice_draw(slice), many = FEW_PACKETS * PP_PACKET;
            if (item < 0)
                return true;
            s->next = item * many;
            s->stop = job->count - s->next < many ? job->count : s->next + many;
        }
        do {
            if (!s->is_filled)
                fill(job, s);
            if (!advance(job, s))
                break;
            put_results(job, s);
        } while (s->next < s->stop);
    } while (!pp_slice_over(slice));
    return false;
}

/* --- a round --- */

static int64_t chunk_of(const match_job *job)
{
    return 1 + CHUNK / (job->tiles.length + 1);
}

static bool read_targets(const void *shared, void *state, pp_slice *slice)
{
    (void)state;
    match_job *job = (match_job *)shared;
    const int64_t chunk = chunk_of(job), length = job->tiles.length;
    for (int64_t item; (item = pp_slice_draw(slice)) >= 0;) {
        const int64_t first = item * chunk, left = job->count - first;
        const int64_t count = left < chunk ? left : chunk;
        double *rows = job->rows + first * length;
        if (!pp_rows_read(&job->targets, job->begin + first, count, rows))
            atomic_store(&job->not_finite, true);
        else if (job->by_tree)
            pp_kd_locate(&job->tree, rows, count, job->leaves + first);
        if (pp_slice_over(slice))
            return false;
    }
    return true;
}

/* The order of the targets by leaf: a counting sort. */
static void sort_targets(match_job *job)
{
    const int32_t leaves = (int32_t)1 << job->tree.levels, count = (int32_t)job->count;
    memset(job->starts, 0, (size_t)leaves * sizeof *job->starts);
    for (int32_t i = 0; i < count; i++)
        job->starts[job->leaves[i]]++;
    for (int32_t leaf = 0, start = 0, own; leaf < leaves; leaf++, start += own) {
        own = job->starts[leaf];
        job->starts[leaf] = start;
    }
    for (int32_t i = 0; i < count; i++)
        job->order[job->starts[job->leaves[i]]++] = i;
}

static int workers_for(int64_t items, double features)
{
    const double most = 1 + features / WORTH_A_THREAD;
    const double workers = most < (double)items ? most : (double)items;
    return workers < INT_MAX ? (int)workers : INT_MAX;
}

static enum pp_status run_round(match_job *job, const pp_run *run)
{
    const int64_t length = job->tiles.length, chunk = chunk_of(job), many = FEW_PACKETS * PP_PACKET;
    pp_job reading = {
        .shared = job,
        .items = (job->count + chunk - 1) / chunk,
        .total = job->targets.count,
        .state_size = sizeof(pp_worker),
        .work = read_targets,
    };
    reading.max_workers = workers_for(reading.items, 8.0 * (double)(job->count * length));
    enum pp_status status = pp_parallel_for(&reading, run);
    if (status != PP_OK || job->not_finite)
        return status;
    if (job->by_tree)
        sort_targets(job);
    pp_job matching = {
        .shared = job,
        .items = (job->count + many - 1) / many,
        .total = job->targets.count,
        .state_size = sizeof(match_state) + (size_t)(PP_PACKET * length) * sizeof(double),
        .work = match_packets,
    };
    const double near = job->by_tree ? 100 : (double)job->tiles.count;
    matching.max_workers = workers_for(matching.items, (double)(job->count * length) * near);
    return pp_parallel_for(&matching, run);
}

static enum pp_status run_rounds(match_job *job, const pp_run *run)
{
    const int64_t m = job->targets.count, length = job->tiles.length;
    int64_t most = 1 + ROUND_SIZE / (length + 1);
    most = most < ROUND ? most : ROUND;
    most = most < m ? most : m;
    const size_t leaves = (size_t)1 << job->tree.levels;
    job->rows = malloc(sizeof *job->rows * (size_t)(most * length) + 1);
    job->leaves = malloc(sizeof *job->leaves * (2 * (size_t)most + leaves));
    job->order = job->leaves + most;
    job->starts = job->order + most;
    enum pp_status status = job->rows && job->leaves ? PP_OK : PP_NO_MEMORY;
    for (; status == PP_OK && job->begin < m && !job->not_finite; job->begin += job->count) {
        job->count = m - job->begin < most ? m - job->begin : most;
        status = run_round(job, run);
    }
    free(job->rows);
    free(job->leaves);
    return status;
}

/* --- all --- */

static enum pp_status read_tiles(match_job *job, const pp_rows *rows, enum pp_match_fault *fault)
{
    const size_t count = (size_t)rows->count, length = (size_t)rows->length;
    job->tiles = (pp_tiles){.count = rows->count, .length = rows->length};
    if (length && count > SIZE_MAX / sizeof(double) / length)
        return PP_NO_MEMORY;
    job->tiles.features = malloc(count * length * sizeof(double) + 1);
    job->tiles.numbers = malloc(count * sizeof(double));
    if (!job->tiles.features || !job->tiles.numbers)
        return PP_NO_MEMORY;
    for (int64_t i = 0; i < rows->count; i++)
        job->tiles.numbers[i] = (double)i;
    if (!pp_rows_read(rows, 0, rows->count, job->tiles.features))
        *fault = PP_TILES_NOT_FINITE;
    return PP_OK;
}

/* A tree has to be built, which takes as long as some hundred targets. */
static bool tree_pays(const match_job *job)
{
    const pp_tiles *tiles = &job->tiles;
    return tiles->length >= 1 && tiles->length <= PP_KD_DIMENSIONS && tiles->count <= INT32_MAX &&
           tiles->count >= 256 && job->targets.count >= 64;
}

enum pp_status pp_match(const pp_view *targets, const pp_view *tiles, int64_t *indices,
                        void *distances, const pp_run *run, enum pp_match_fault *fault)
{
    const pp_rows rows = pp_rows_of(tiles);
    match_job job = {
        .targets = pp_rows_of(targets),
        .in_integers = targets->type == PP_UINT8 && tiles->type == PP_UINT8,
        .indices = indices,
        .distances = distances,
    };
    *fault = PP_MATCH_FINE;
    enum pp_status status = read_tiles(&job, &rows, fault);
    job.by_tree = tree_pays(&job);
    if (status == PP_OK && *fault == PP_MATCH_FINE && job.by_tree)
        status = pp_kd_build(&job.tiles, &job.tree, run);
    if (status == PP_OK && *fault == PP_MATCH_FINE)
        status = run_rounds(&job, run);
    if (job.not_finite)
        *fault = PP_TARGETS_NOT_FINITE;
    pp_kd_free(&job.tree);
    free(job.tiles.features);
    free(job.tiles.numbers);
    return status;
}
