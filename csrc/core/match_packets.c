/* Matching by packets: targets that lie side by side go through the tree, or past all tiles,
   together. */
#include <limits.h>
#include <math.h>

#include "common.h"
#include "dispatch.h"
#include "match.h"
#include "parallel.h"

#define TEMPLATE "match_template.h"
#include "each_isa.h"

enum {
    DRAWN = 4 * PP_PACKET, /* targets drawn together */
    STRETCH = 1 << 18,     /* features of tiles between two looks at the clock */
    TREE_STEPS = 1 << 10,  /* the same, in nodes */
};

typedef struct packet_state {
    pp_worker worker;
    int64_t next, stop; /* in the list of targets: those that are drawn */
    bool is_filled;
    int64_t tile; /* the next one */
    pp_kd_search search;
    pp_packet packet;
    double features[];
} packet_state;

static int lanes_used(const packet_state *s)
{
    return s->stop - s->next < PP_PACKET ? (int)(s->stop - s->next) : PP_PACKET;
}

/* The next targets; where there are less than a packet holds, the last one repeats. */
static void fill(const pp_match_job *job, packet_state *s)
{
    const int64_t length = job->tiles.length;
    const int used = lanes_used(s);
    s->packet.features = s->features;
    for (int lane = 0; lane < PP_PACKET; lane++) {
        const int32_t target = job->order[s->next + (lane < used ? lane : used - 1)];
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

static void put_results(const pp_match_job *job, packet_state *s)
{
    const int used = lanes_used(s);
    for (int lane = 0; lane < used; lane++)
        pp_put_match(job, job->order[s->next + lane], s->packet.distance[lane],
                     s->packet.number[lane]);
    s->worker.done += used;
    s->next += used;
    s->is_filled = false;
}

/* Some way ahead; true at the end. */
static bool advance(const pp_match_job *job, packet_state *s)
{
    if (job->by_tree) {
        pp_kernels->match->search_tree(&s->packet, &job->tree, &s->search, TREE_STEPS);
        return s->search.nodes == 0;
    }
    const int64_t stretch = 1 + STRETCH / (job->tiles.length + 1),
                  left = job->tiles.count - s->tile;
    const int64_t stop = s->tile + (left < stretch ? left : stretch);
    pp_kernels->match->scan_tiles(&s->packet, &job->tiles, s->tile, stop);
    s->tile = stop;
    return stop == job->tiles.count;
}

static void draw(const pp_match_job *job, packet_state *s, int64_t item)
{
    s->next = item * DRAWN;
    s->stop = job->listed - s->next < DRAWN ? job->listed : s->next + DRAWN;
}

static bool match_packets(const void *shared, void *state, pp_slice *slice)
{
    const pp_match_job *job = shared;
    packet_state *s = state;
    do {
        if (s->next == s->stop) {
            const int64_t item = pp_slice_draw(slice);
            if (item < 0)
                return true;
            draw(job, s, item);
        }
        if (!s->is_filled)
            fill(job, s);
        if (advance(job, s))
            put_results(job, s);
    } while (!pp_slice_over(slice));
    return false;
}

enum pp_status pp_match_packets(const pp_match_job *job, const pp_run *run)
{
    enum { STEPS_IN_A_TREE = 100 }; /* or more: tiles whose distances are computed */
    const int64_t length = job->tiles.length, items = (job->listed + DRAWN - 1) / DRAWN;
    const double tiles = job->by_tree ? STEPS_IN_A_TREE : (double)job->tiles.count;
    const pp_job parallel = {
        .shared = job,
        .items = items,
        .total = job->listed,
        .max_workers = pp_match_workers(items, (double)(job->listed * (length + 1)) * tiles),
        .state_size = sizeof(packet_state) + (size_t)(PP_PACKET * length) * sizeof(double),
        .work = match_packets,
    };
    return pp_parallel_for(&parallel, run);
}
