/* The nearest tile to each target. */
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

enum { STRETCH = 1 << 18 }; /* features of tiles between two looks at the clock */

typedef struct match_job {
    pp_rows targets;
    pp_tiles tiles;
    bool in_integers;
    int64_t *indices;
    void *distances;
    atomic_bool *not_finite;
} match_job;

typedef struct match_state {
    pp_worker worker;
    int64_t first, count; /* the targets in the packet; none: it is to be filled */
    int64_t next;         /* tile */
    pp_packet packet;
    double memory[]; /* the features of the packet, and the rows that they come from */
} match_state;

/* The targets of this item; where there are less than a packet holds, the last one repeats. */
static void fill(const match_job *job, match_state *s, int64_t item)
{
    const int64_t length = job->tiles.length, left = job->targets.count - item * PP_PACKET;
    double *rows = s->memory + PP_PACKET * length;
    s->packet.features = s->memory;
    s->first = item * PP_PACKET;
    s->count = left < PP_PACKET ? left : PP_PACKET;
    s->next = 0;
    if (!pp_rows_read(&job->targets, s->first, s->count, rows))
        atomic_store(job->not_finite, true);
    for (int lane = 0; lane < PP_PACKET; lane++) {
        const double *row = rows + (lane < s->count ? lane : s->count - 1) * length;
        s->packet.distance[lane] = INFINITY;
        s->packet.number[lane] = INFINITY;
        for (int64_t f = 0; f < length; f++)
            s->packet.features[f * PP_PACKET + lane] = row[f];
    }
}

static void put_results(const match_job *job, match_state *s)
{
    for (int64_t lane = 0; lane < s->count; lane++) {
        const double distance = s->packet.distance[lane];
        job->indices[s->first + lane] = (int64_t)s->packet.number[lane];
        if (job->in_integers)
            ((int64_t *)job->distances)[s->first + lane] = (int64_t)distance;
        else
            ((double *)job->distances)[s->first + lane] = distance;
    }
    s->worker.done += s->count;
    s->count = 0;
}

static bool match_packets(const void *shared, void *state, pp_slice *slice)
{
    const match_job *job = shared;
    match_state *s = state;
    const int64_t tiles = job->tiles.count, step = 1 + STRETCH / (job->tiles.length + 1);
    do {
        if (s->count == 0) {
            const int64_t item = pp_slice_draw(slice);
            if (item < 0)
                return true;
            fill(job, s, item);
        }
        const int64_t stop = tiles - s->next < step ? tiles : s->next + step;
        pp_kernels->scan_tiles(&s->packet, &job->tiles, s->next, stop);
        s->next = stop;
        if (stop == tiles)
            put_results(job, s);
    } while (!pp_slice_over(slice));
    return false;
}

static enum pp_status run_job(const match_job *job, const pp_run *run)
{
    const int64_t items = (job->targets.count + PP_PACKET - 1) / PP_PACKET;
    const size_t features = (size_t)job->tiles.length * 2 * PP_PACKET;
    const pp_job parallel = {
        .shared = job,
        .items = items,
        .total = job->targets.count,
        .max_workers = items < INT_MAX ? (int)items : INT_MAX,
        .state_size = sizeof(match_state) + features * sizeof(double),
        .work = match_packets,
    };
    return pp_parallel_for(&parallel, run);
}

enum pp_status pp_match(const pp_view *targets, const pp_view *tiles, int64_t *indices,
                        void *distances, const pp_run *run, enum pp_match_fault *fault)
{
    const pp_rows rows = pp_rows_of(tiles);
    atomic_bool not_finite = false;
    match_job job = {
        .targets = pp_rows_of(targets),
        .in_integers = targets->type == PP_UINT8 && tiles->type == PP_UINT8,
        .indices = indices,
        .distances = distances,
        .not_finite = &not_finite,
    };
    double *features = malloc(sizeof(double) * (size_t)(rows.count * (rows.length + 1)));
    *fault = PP_MATCH_FINE;
    if (!features)
        return PP_NO_MEMORY;
    double *numbers = features + rows.count * rows.length;
    for (int64_t i = 0; i < rows.count; i++)
        numbers[i] = (double)i;
    job.tiles = (pp_tiles){features, numbers, rows.count, rows.length};
    enum pp_status status = PP_OK;
    if (pp_rows_read(&rows, 0, rows.count, features))
        status = run_job(&job, run);
    else
        *fault = PP_TILES_NOT_FINITE;
    if (not_finite)
        *fault = PP_TARGETS_NOT_FINITE;
    free(features);
    return status;
}
