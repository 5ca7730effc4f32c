/* Candidate lists: the tiles worth a bid of a group, so that few bids look at all tiles.

   A list holds the tiles with the least cost + price. What it leaves out came to `rest` or more,
   and because prices only rise, always will: bids are right as long as something in the list is
   better than that. New lists are made many at a time, by all threads. */
#include <float.h>
#include <limits.h>
#include <string.h>

#include "assign.h"
#include "common.h"
#include "dispatch.h"
#include "parallel.h"

#define TEMPLATE "assign_template.h"
#include "each_isa.h"

enum {
    WORTH_A_THREAD = 1 << 19, /* features to compare */
};

typedef struct candidate {
    double value, cost;
    int32_t tile;
} candidate;

typedef struct list_state {
    pp_worker worker;
    int count;
    double cutoff;
    candidate candidates[2 * PP_LIST_WIDTH];
    double cost[PP_STRETCH + PP_TILE_ROUND];
    int32_t hits[PP_STRETCH + PP_TILE_ROUND];
} list_state;

static bool precedes(const candidate *a, const candidate *b)
{
    return a->value < b->value || (a->value == b->value && a->tile < b->tile);
}

static void swap(candidate *a, candidate *b)
{
    const candidate c = *a;
    *a = *b;
    *b = c;
}

/* Quickselect (Hoare 1961): the `wanted` least of n first. */
static void select_least(candidate *a, int n, int wanted)
{
    int low = 0, high = n - 1;
    while (low < high) {
        const candidate pivot = a[low + (high - low) / 2];
        int i = low, j = high;
        while (i <= j) {
            while (precedes(&a[i], &pivot))
                i++;
            while (precedes(&pivot, &a[j]))
                j--;
            if (i <= j)
                swap(&a[i++], &a[j--]);
        }
        if (wanted <= j)
            high = j;
        else if (wanted >= i)
            low = i;
        else
            return;
    }
}

static void drop_worst(list_state *s, int width)
{
    if (s->count <= width)
        return;
    select_least(s->candidates, s->count, width);
    s->count = width;
    s->cutoff = 0;
    for (int k = 0; k < width; k++)
        s->cutoff = s->candidates[k].value > s->cutoff ? s->candidates[k].value : s->cutoff;
}

/* Does the group have all units of this tile already? */
static bool has_all(const pp_auction *a, int32_t group, int32_t tile)
{
    const pp_lot *lot = &a->lots[tile];
    if (!a->is_open || a->targets.size[group] == 1 || lot->fresh || !lot->used)
        return false;
    for (int32_t u = 0; u < lot->used; u++)
        if (lot->units[u].owner != group)
            return false;
    return true;
}

/* As many tiles as the list holds are at most as bad as the worst in it. */
static double first_cutoff(const pp_auction *a, int32_t group)
{
    const pp_list *list = &a->lists[group];
    if (list->count < a->width || a->targets.size[group] > 1)
        return DBL_MAX;
    const int64_t at = (int64_t)group * a->width;
    double cutoff = 0;
    for (int32_t k = 0; k < list->count; k++) {
        const double value = a->listed_cost[at + k] + a->price[a->listed[at + k]];
        cutoff = value > cutoff ? value : cutoff;
    }
    return cutoff;
}

static void consider(const pp_auction *a, int32_t group, list_state *s, int32_t tile, double cost)
{
    const int64_t length = a->targets.length;
    if (a->sketches)
        cost = pp_kernels->row_distance(a->targets.rows + group * length,
                                        a->tiles.rows + tile * length, length);
    const double value = cost + a->price[tile];
    if (value <= s->cutoff && !has_all(a, group, tile))
        s->candidates[s->count++] = (candidate){value, cost, tile};
    if (s->count >= 2 * a->width)
        drop_worst(s, a->width);
}

/* Tiles first … stop - 1, at most PP_STRETCH. */
static void look_at(const pp_auction *a, int32_t group, list_state *s, int64_t first, int64_t stop)
{
    const int64_t length = a->sketches ? PP_SKETCH : a->targets.length;
    const double *target = (a->sketches ? a->sketches : a->targets.rows) + group * length;
    const int hits =
        pp_kernels->near_tiles(target, a->columns + first, a->stride, length, a->price + first,
                               stop - first, s->cutoff + a->margin, s->cost, s->hits);
    for (int h = 0; h < hits; h++)
        consider(a, group, s, (int32_t)first + s->hits[h], s->cost[s->hits[h]]);
}

static void find_candidates(const pp_auction *a, int32_t group, list_state *s)
{
    s->count = 0;
    s->cutoff = first_cutoff(a, group);
    const int64_t count = a->tiles.count;
    if (a->tree.changed) {
        pp_tree_walk walk;
        pp_tree_begin(a, &walk);
        const double *target = a->targets.rows + group * a->targets.length;
        for (int64_t first, stop; pp_tree_next(a, target, s->cutoff, &walk, &first, &stop);)
            look_at(a, group, s, first, stop);
    } else {
        for (int64_t first = 0; first < count; first += PP_STRETCH)
            look_at(a, group, s, first, first + PP_STRETCH < count ? first + PP_STRETCH : count);
    }
    drop_worst(s, a->width);
}

static void put_list(pp_auction *a, int32_t group, const list_state *s)
{
    const int64_t at = (int64_t)group * a->width;
    pp_list *list = &a->lists[group];
    list->count = s->count;
    list->rest = s->count < a->width ? DBL_MAX : s->cutoff;
    for (int k = 0; k < s->count; k++) {
        a->listed[at + k] = s->candidates[k].tile;
        a->listed_cost[at + k] = s->candidates[k].cost;
    }
}

static bool make_lists(const void *shared, void *state, pp_slice *slice)
{
    pp_auction *a = *(pp_auction *const *)shared;
    for (int64_t item; (item = pp_slice_draw(slice)) >= 0;) {
        const int32_t group = a->waiting[item];
        find_candidates(a, group, state);
        put_list(a, group, state);
        if (pp_slice_over(slice))
            return false;
    }
    return true;
}

enum pp_status pp_renew_lists(pp_auction *a)
{
    if (a->tree.changed)
        pp_tree_update(a);
    const double features = (double)a->waits * (double)a->stride * (double)(a->targets.length + 1);
    const double workers = 1 + features / WORTH_A_THREAD;
    const pp_job job = {
        .shared = &a,
        .items = a->waits,
        .max_workers = workers < a->waits ? (int)workers : a->waits,
        .state_size = sizeof(list_state),
        .work = make_lists,
    };
    const enum pp_status status = pp_auction_run(a, &job);
    for (int32_t w = a->waits; status == PP_OK && w-- > 0;)
        a->queue[a->queued++] = a->waiting[w];
    a->waits = 0;
    return status;
}
