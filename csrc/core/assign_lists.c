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
    WORTH_A_LOOK = 1 << 20,   /* at the clock */
};

/* What a group looks at. */
enum look { NOTHING, TILES, BOUNDS, COSTS, CHOSEN, ALL_COSTS };

typedef struct list_state {
    pp_worker worker;
    enum look look; /* NOTHING: a group has to be drawn */
    int32_t group;
    int64_t next; /* tile */
    int64_t work; /* features, since the last look at the clock */
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

double pp_tighten_bound(const pp_auction *a, int32_t group, int32_t tile)
{
    const double cost = true_cost(a, group, tile);
    if (!a->is_exact)
        pp_put_bound(a, group, tile, cost);
    return cost;
}

static void consider(const pp_auction *a, list_state *s, int32_t tile, double cost)
{
    const double value = cost + pp_offer_price(a, s->group, tile);
    if (value <= s->cutoff)
        s->candidates[s->count++] = (pp_candidate){value, cost, tile};
    if (s->count >= 2 * a->width)
        drop_worst(s, a->width);
}

/* --- looking at tiles first … stop - 1, at most PP_STRETCH --- */

static void look_at_tiles(const pp_auction *a, list_state *s, int64_t first, int64_t stop)
{
    const int64_t length = a->targets.length;
    const double *target = a->targets.rows + s->group * length;
    const int hits =
        pp_kernels->near_tiles(target, a->columns + first, a->stride, length, a->price + first,
                               stop - first, s->cutoff, s->cost, s->hits);
    for (int h = 0; h < hits; h++)
        consider(a, s, (int32_t)first + s->hits[h], s->cost[s->hits[h]]);
    s->work += (stop - first) * length;
}

/* The bounds themselves, or the costs where these are low enough. */
static void look_at_bounds(const pp_auction *a, list_state *s, int64_t first, int64_t stop)
{
    const int hits = pp_near_bounds_of(a, s->group, first, stop - first, s->cutoff, s->hits);
    const bool at_costs = s->look == COSTS;
    for (int h = 0; h < hits; h++) {
        const int32_t tile = (int32_t)first + s->hits[h];
        consider(a, s, tile,
                 at_costs ? pp_tighten_bound(a, s->group, tile) : pp_bound_of(a, s->group, tile));
    }
    s->work += stop - first + (at_costs ? hits * a->targets.length : 0);
}

static void look_at_costs(const pp_auction *a, list_state *s, int64_t first, int64_t stop)
{
    for (int64_t tile = first; tile < stop; tile++)
        consider(a, s, (int32_t)tile, true_cost(a, s->group, (int32_t)tile));
    s->work += (stop - first) * a->targets.length;
}

static void look_at_tree(const pp_auction *a, list_state *s)
{
    const double *target = a->targets.rows + s->group * a->targets.length;
    pp_tree_walk walk;
    pp_tree_begin(a, &walk);
    for (int64_t first, stop; pp_tree_next(a, target, s->cutoff, &walk, &first, &stop);)
        look_at_tiles(a, s, first, stop);
}

/* --- a list --- */

static void begin_look(const pp_auction *a, list_state *s, enum look look)
{
    s->look = look;
    s->count = 0;
    s->next = 0;
    s->cutoff = first_cutoff(a, s->group);
}

/* At all tiles; false: the slice is over before. */
static bool look_on(const pp_auction *a, list_state *s, const pp_slice *slice)
{
    const int64_t count = s->look == CHOSEN ? 0 : a->tiles.count;
    while (s->next < count) {
        const int64_t first = s->next;
        s->next = first + PP_STRETCH < count ? first + PP_STRETCH : count;
        if (s->look == TILES)
            look_at_tiles(a, s, first, s->next);
        else if (s->look == ALL_COSTS)
            look_at_costs(a, s, first, s->next);
        else
            look_at_bounds(a, s, first, s->next);
        if (s->work > WORTH_A_LOOK) {
            s->work = 0;
            if (pp_slice_over(slice))
                return false;
        }
    }
    drop_worst(s, a->width);
    return true;
}

/* The costs of those with the least bounds; false: none of them is sure to be the least. */
static bool compute_costs(const pp_auction *a, list_state *s)
{
    double least = DBL_MAX;
    for (int k = 0; k < s->count; k++) {
        pp_candidate *candidate = &s->candidates[k];
        candidate->cost = pp_tighten_bound(a, s->group, candidate->tile);
        least = fmin(least, candidate->cost + pp_offer_price(a, s->group, candidate->tile));
    }
    return least <= s->cutoff || s->cutoff == DBL_MAX;
}

/* The best of its long list; false: no tile in that is sure to be better than all others. */
static bool choose_candidates(const pp_auction *a, list_state *s)
{
    const int32_t *tiles;
    const int64_t count = pp_long_list(a, s->group, &tiles);
    const double rest = a->codes.lists[s->group].rest;
    begin_look(a, s, CHOSEN);
    s->cutoff = fmin(s->cutoff, rest);
    for (int64_t k = 0; k < count; k++) {
        double cost = pp_long_list_cost(a, s->group, k);
        if (cost + a->price[tiles[k]] > s->cutoff)
            continue;
        if (!a->is_exact) {
            cost = true_cost(a, s->group, tiles[k]);
            pp_long_list_put(a, s->group, k, cost);
        }
        consider(a, s, tiles[k], cost);
    }
    return s->count > 0 || rest == DBL_MAX;
}

/* False: the group needs a long list first. */
static bool begin_list(pp_auction *a, list_state *s, int32_t group)
{
    s->group = group;
    if (a->codes.bounds) {
        begin_look(a, s, BOUNDS);
    } else if (!a->codes.usable) {
        begin_look(a, s, TILES);
        if (a->tree.changed) {
            look_at_tree(a, s);
            s->look = CHOSEN;
        }
    } else if (!choose_candidates(a, s)) {
        a->is_worn[group] = !a->is_worn[group];
        begin_look(a, s, a->is_worn[group] ? NOTHING : ALL_COSTS);
        return !a->is_worn[group];
    }
    return true;
}

static void put_list(pp_auction *a, list_state *s)
{
    const int64_t at = (int64_t)s->group * a->width;
    pp_list *list = &a->lists[s->group];
    a->is_worn[s->group] = false;
    list->count = s->count;
    list->rest = s->count < a->width && !a->codes.lists ? DBL_MAX : s->cutoff;
    for (int k = 0; k < s->count; k++) {
        a->listed[at + k] = s->candidates[k].tile;
        a->listed_cost[at + k] = s->candidates[k].cost;
    }
    s->look = NOTHING;
}

static bool make_lists(const void *shared, void *state, pp_slice *slice)
{
    pp_auction *a = *(pp_auction *const *)shared;
    list_state *s = state;
    do {
        if (s->look == NOTHING) {
            const int64_t item = pp_slice_draw(slice);
            if (item < 0)
                return true;
            if (!begin_list(a, s, a->waiting[item]))
                continue;
        }
        if (!look_on(a, s, slice))
            return false;
        if (s->look == BOUNDS && !compute_costs(a, s))
            begin_look(a, s, COSTS);
        else
            put_list(a, s);
    } while (!pp_slice_over(slice));
    return false;
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
