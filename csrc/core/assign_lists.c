/* Candidate lists: the tiles worth a bid of a group, so that few bids look at all tiles.

   A list holds the tiles with the least cost + price. What it leaves out came to `rest` or more,
   and because prices only rise, always will: bids are right as long as something in the list is
   better than that. New lists are made many at a time, by all threads. */
#include <float.h>
#include <limits.h>
#include <math.h>
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

typedef struct list_state {
    pp_worker worker;
    int count;
    double cutoff;
    pp_candidate candidates[2 * PP_LIST_WIDTH];
    double cost[PP_STRETCH + PP_TILE_ROUND];
    int32_t hits[PP_STRETCH + PP_TILE_ROUND];
} list_state;

static bool precedes(const pp_candidate *a, const pp_candidate *b)
{
    return a->value < b->value || (a->value == b->value && a->tile < b->tile);
}

static void swap(pp_candidate *a, pp_candidate *b)
{
    const pp_candidate c = *a;
    *a = *b;
    *b = c;
}

/* Quickselect (Hoare 1961): the `wanted` least of n first. */
static void partition(pp_candidate *a, int n, int wanted)
{
    int low = 0, high = n - 1;
    while (low < high) {
        const pp_candidate pivot = a[low + (high - low) / 2];
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

double pp_select_least(pp_candidate *a, int n, int wanted)
{
    double greatest = -DBL_MAX;
    partition(a, n, wanted);
    for (int k = 0; k < wanted; k++)
        greatest = a[k].value > greatest ? a[k].value : greatest;
    return greatest;
}

static void drop_worst(list_state *s, int width)
{
    if (s->count <= width)
        return;
    s->cutoff = pp_select_least(s->candidates, s->count, width);
    s->count = width;
}

double pp_offer_price(const pp_auction *a, int32_t group, int32_t tile)
{
    const pp_lot *lot = &a->lots[tile];
    if (!a->is_open || a->targets.size[group] == 1)
        return a->price[tile];
    double price = lot->fresh ? lot->floor : INFINITY;
    for (int32_t u = 0; u < lot->used; u++)
        if (lot->units[u].owner != group && lot->units[u].price < price)
            price = lot->units[u].price;
    return price;
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

static double true_cost(const pp_auction *a, int32_t group, int32_t tile)
{
    const int64_t length = a->targets.length;
    if (a->targets.bytes)
        return pp_kernels->byte_distance(a->targets.bytes + group * length,
                                         a->tiles.bytes + tile * length, length);
    return pp_kernels->row_distance(a->targets.rows + group * length, a->tiles.rows + tile * length,
                                    length);
}

static double tighten_bound(const pp_auction *a, int32_t group, int32_t tile)
{
    const double cost = true_cost(a, group, tile);
    if (!a->is_exact)
        pp_put_bound(a, group, tile, cost);
    return cost;
}

static void consider(const pp_auction *a, int32_t group, list_state *s, int32_t tile, double cost)
{
    const double value = cost + pp_offer_price(a, group, tile);
    if (value <= s->cutoff)
        s->candidates[s->count++] = (pp_candidate){value, cost, tile};
    if (s->count >= 2 * a->width)
        drop_worst(s, a->width);
}

/* Tiles first … stop - 1, at most PP_STRETCH. */
static void look_at(const pp_auction *a, int32_t group, list_state *s, int64_t first, int64_t stop)
{
    const int64_t length = a->targets.length;
    const double *target = a->targets.rows + group * length;
    const int hits =
        pp_kernels->near_tiles(target, a->columns + first, a->stride, length, a->price + first,
                               stop - first, s->cutoff, s->cost, s->hits);
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

/* The least bounds + prices; or costs + prices, where their bounds are low enough. */
static void look_at_bounds(const pp_auction *a, int32_t group, list_state *s, bool at_costs)
{
    s->count = 0;
    s->cutoff = first_cutoff(a, group);
    for (int64_t first = 0; first < a->tiles.count; first += PP_STRETCH) {
        const int64_t left = a->tiles.count - first;
        const int hits = pp_near_bounds_of(a, group, first, left < PP_STRETCH ? left : PP_STRETCH,
                                           s->cutoff, s->hits);
        for (int h = 0; h < hits; h++) {
            const int32_t tile = (int32_t)first + s->hits[h];
            const double least = pp_bound_of(a, group, tile);
            consider(a, group, s, tile, at_costs ? tighten_bound(a, group, tile) : least);
        }
    }
    drop_worst(s, a->width);
}

/* First, few costs are computed; the list will do if one of them is sure to be the least. */
static void look_behind_bounds(const pp_auction *a, int32_t group, list_state *s)
{
    double least = DBL_MAX;
    look_at_bounds(a, group, s, false);
    for (int k = 0; k < s->count; k++) {
        pp_candidate *candidate = &s->candidates[k];
        candidate->cost = tighten_bound(a, group, candidate->tile);
        least = fmin(least, candidate->cost + pp_offer_price(a, group, candidate->tile));
    }
    if (least > s->cutoff && s->cutoff < DBL_MAX)
        look_at_bounds(a, group, s, true);
}

/* The best of its long list; false: no tile in that is sure to be better than all others. */
static bool choose_candidates(const pp_auction *a, int32_t group, list_state *s)
{
    const int32_t *tiles;
    const int64_t count = pp_long_list(a, group, &tiles);
    const double rest = a->codes.lists[group].rest;
    s->count = 0;
    s->cutoff = fmin(first_cutoff(a, group), rest);
    for (int64_t k = 0; k < count; k++) {
        double cost = pp_long_list_cost(a, group, k);
        if (cost + a->price[tiles[k]] > s->cutoff)
            continue;
        if (!a->is_exact) {
            cost = true_cost(a, group, tiles[k]);
            pp_long_list_put(a, group, k, cost);
        }
        consider(a, group, s, tiles[k], cost);
    }
    drop_worst(s, a->width);
    return s->count > 0 || rest == DBL_MAX;
}

/* Where the codes can't tell which tiles are the best. */
static void compare_all(const pp_auction *a, int32_t group, list_state *s)
{
    s->count = 0;
    s->cutoff = first_cutoff(a, group);
    for (int32_t tile = 0; tile < a->tiles.count; tile++)
        consider(a, group, s, tile, true_cost(a, group, tile));
    drop_worst(s, a->width);
}

static void put_list(pp_auction *a, int32_t group, const list_state *s)
{
    const int64_t at = (int64_t)group * a->width;
    pp_list *list = &a->lists[group];
    list->count = s->count;
    list->rest = s->count < a->width && !a->codes.lists ? DBL_MAX : s->cutoff;
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
        if (!a->codes.usable) {
            find_candidates(a, group, state);
        } else if (a->codes.bounds) {
            look_behind_bounds(a, group, state);
        } else if (!choose_candidates(a, group, state)) {
            a->is_worn[group] = !a->is_worn[group];
            if (a->is_worn[group])
                continue;
            compare_all(a, group, state);
        }
        a->is_worn[group] = false;
        put_list(a, group, state);
        if (pp_slice_over(slice))
            return false;
    }
    return true;
}

static enum pp_status make_all_lists(pp_auction *a)
{
    const double length = (double)(a->codes.usable ? 1 : a->targets.length + 1);
    const double features = (double)a->waits * (double)a->stride * length;
    const double workers = 1 + features / WORTH_A_THREAD;
    const pp_job job = {
        .shared = &a,
        .items = a->waits,
        .max_workers = workers < a->waits ? (int)workers : a->waits,
        .state_size = sizeof(list_state),
        .work = make_lists,
    };
    return pp_auction_run(a, &job);
}

/* Groups whose long lists are worn, too, get new ones. */
static enum pp_status remake_worn_lists(pp_auction *a)
{
    const int32_t all = a->waits;
    int32_t worn = 0;
    for (int32_t w = 0; w < all; w++)
        if (a->is_worn[a->waiting[w]]) {
            const int32_t group = a->waiting[w];
            a->waiting[w] = a->waiting[worn];
            a->waiting[worn++] = group;
        }
    a->waits = worn;
    enum pp_status status = worn > 0 ? pp_renew_long_lists(a) : PP_OK;
    if (status == PP_OK && worn > 0)
        status = make_all_lists(a);
    a->waits = all;
    return status;
}

enum pp_status pp_renew_lists(pp_auction *a)
{
    if (a->tree.changed)
        pp_tree_update(a);
    enum pp_status status = make_all_lists(a);
    if (status == PP_OK && a->codes.lists)
        status = remake_worn_lists(a);
    for (int32_t w = a->waits; status == PP_OK && w-- > 0;)
        a->queue[a->queued++] = a->waiting[w];
    a->waits = 0;
    return status;
}
