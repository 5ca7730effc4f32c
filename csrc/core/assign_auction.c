/* The auction: targets bid for tiles until every one has its own (Bertsekas 1979; for groups of
   equal targets and tiles, Bertsekas and Castanon 1989).

   A target without a tile bids for the one with the least cost + price, as much as makes it
   epsilon worse than the second best, and so gets it; who had it has to bid again. In the end each
   target is within epsilon of its best choice at the final prices, and the total within epsilon
   times the targets of the optimum.

   A group of equal targets bids for as many units as it needs at once, up to what the best choice
   but those would cost it: its members don't outbid each other.

   Units that no target needs must be among the cheapest. They belong to a reserve, a group that
   takes part at cost 0 everywhere: where a unit is left over at a higher price than some target
   paid, the reserve outbids that target, and it has to look again. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "assign.h"
#include "parallel.h"

enum {
    OFFERS = 1024, /* that a group looks at at once, at most; and where it wants one: */
    FEW = 32,
    BIDS = 64, /* between two looks at the clock */
};

/* Units of a tile at one price. */
typedef struct offer {
    double value, cost;
    int32_t tile, units;
} offer;

/* --- a tile --- */

static void sift_down(pp_unit *units, int32_t count, int32_t at)
{
    const pp_unit unit = units[at];
    for (int32_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && units[child + 1].price < units[child].price)
            child++;
        if (units[child].price >= unit.price)
            break;
        units[at] = units[child];
    }
    units[at] = unit;
}

static void sift_up(pp_unit *units, int32_t at, pp_unit unit)
{
    for (int32_t parent; at > 0 && units[parent = (at - 1) / 2].price > unit.price; at = parent)
        units[at] = units[parent];
    units[at] = unit;
}

static void put_price(pp_auction *a, int32_t tile)
{
    const pp_lot *lot = &a->lots[tile];
    const double price = lot->fresh ? lot->floor : lot->units[0].price;
    if (price > a->price[tile]) {
        a->price[tile] = price;
        pp_tree_note(a, tile);
    }
}

static void order_units(pp_auction *a, int32_t tile)
{
    pp_lot *lot = &a->lots[tile];
    for (int32_t u = lot->used / 2; u-- > 0;)
        sift_down(lot->units, lot->used, u);
    put_price(a, tile);
}

/* What the unit after the cheapest costs. */
static double second_price(const pp_lot *lot)
{
    if (lot->fresh > 1)
        return lot->floor;
    if (lot->fresh == 1)
        return lot->used ? lot->units[0].price : DBL_MAX;
    double price = DBL_MAX;
    for (int32_t u = 1; u < 3 && u < lot->used; u++)
        price = lot->units[u].price < price ? lot->units[u].price : price;
    return price;
}

static bool make_room(pp_lot *lot)
{
    if (lot->used < lot->room)
        return true;
    const int32_t room = 2 * lot->room < lot->capacity ? 2 * lot->room : lot->capacity;
    pp_unit *units =
        realloc(lot->units == &lot->one ? NULL : lot->units, (size_t)room * sizeof *units);
    if (!units)
        return false;
    if (lot->units == &lot->one)
        units[0] = lot->one;
    lot->units = units;
    lot->room = room;
    return true;
}

static bool is_listed(const pp_auction *a, int32_t group, int32_t tile)
{
    const int32_t *listed = a->listed + (int64_t)group * a->width;
    for (int32_t k = 0; k < a->lists[group].count; k++)
        if (listed[k] == tile)
            return true;
    return false;
}

/* Lists leave out tiles of which the group has all units: it may get this one again for so much. */
static void unlist(pp_auction *a, int32_t group, int32_t tile, double value)
{
    pp_list *list = &a->lists[group];
    if (a->targets.size[group] > 1 && value < list->rest && !is_listed(a, group, tile))
        list->rest = value;
    if (a->codes.lists && a->targets.size[group] > 1)
        a->codes.lists[group].rest = fmin(a->codes.lists[group].rest, value);
}

static void release(pp_auction *a, int32_t group, int32_t tile, double value)
{
    if (group == PP_RESERVE)
        return;
    unlist(a, group, tile, value);
    a->unassigned[group]++;
    if (!a->is_queued[group]) {
        a->is_queued[group] = true;
        a->queue[a->queued++] = group;
    }
}

/* The unit that the group gets for less than any other; -1 for a fresh one. */
static int32_t cheapest_unit(const pp_lot *lot, int32_t group)
{
    if (lot->fresh)
        return -1;
    if (lot->units[0].owner != group)
        return 0;
    int32_t cheapest = 0;
    for (int32_t u = 1; u < lot->used; u++)
        if (lot->units[u].owner != group && (lot->units[cheapest].owner == group ||
                                             lot->units[u].price < lot->units[cheapest].price))
            cheapest = u;
    return cheapest;
}

static void claim(pp_auction *a, int32_t group, int32_t tile, double cost, double price)
{
    pp_lot *lot = &a->lots[tile];
    const pp_unit unit = {price, cost, group};
    const int32_t u = cheapest_unit(lot, group);
    if (u < 0) {
        if (!make_room(lot)) {
            a->no_memory = true;
            return;
        }
        lot->fresh--;
        sift_up(lot->units, lot->used++, unit);
        put_price(a, tile);
    } else {
        const pp_unit old = lot->units[u];
        if (!(price > old.price)) { /* epsilon vanishes beside the price */
            a->is_stuck = true;
            return;
        }
        lot->units[u] = unit;
        sift_down(lot->units, lot->used, u);
        put_price(a, tile);
        release(a, old.owner, tile, old.cost + a->price[tile]);
    }
    a->unassigned[group]--;
}

/* --- a bid --- */

static void wait_for_list(pp_auction *a, int32_t group)
{
    a->is_queued[group] = true;
    a->waiting[a->waits++] = group;
}

static void bid_for_one(pp_auction *a, int32_t group)
{
    const int64_t at = (int64_t)group * a->width;
    const pp_list *list = &a->lists[group];
    double best = DBL_MAX, second = DBL_MAX, cost = 0;
    int32_t tile = -1;
    for (int32_t k = 0; k < list->count; k++) {
        const double value = a->listed_cost[at + k] + a->price[a->listed[at + k]];
        if (value < best || (value == best && a->listed[at + k] < tile)) {
            second = best;
            best = value;
            cost = a->listed_cost[at + k];
            tile = a->listed[at + k];
        } else if (value < second) {
            second = value;
        }
    }
    if (tile < 0 || best > list->rest) {
        wait_for_list(a, group);
        return;
    }
    const double next = cost + second_price(&a->lots[tile]);
    second = next < second ? next : second;
    second = list->rest < second ? list->rest : second;
    second = second < DBL_MAX ? second : best; /* there is nothing else */
    claim(a, group, tile, cost, a->price[tile] + (second - best) + a->epsilon);
}

static int compare_offers(const void *a, const void *b)
{
    const offer *x = a, *y = b;
    if (x->value != y->value)
        return x->value < y->value ? -1 : 1;
    return x->tile < y->tile ? -1 : x->tile > y->tile;
}

/* Keep the best half, in order. */
static void drop_worse(offer *offers, int *count, double *rest)
{
    qsort(offers, (size_t)*count, sizeof *offers, compare_offers);
    *count /= 2;
    *rest = fmin(*rest, offers[*count].value);
}

static void put_offer(offer *offers, int *count, int room, double *rest, offer next)
{
    if (*count == room)
        drop_worse(offers, count, rest);
    if (next.value <= *rest)
        offers[(*count)++] = next;
}

/* Of the units that a group may bid for, as many of the best as it needs, and some more; those left
   out cost it `rest` or more. */
static int find_offers(const pp_auction *a, int32_t group, offer *offers, double *rest)
{
    const int64_t at = (int64_t)group * a->width;
    const int32_t wanted = a->unassigned[group];
    const int room = wanted < OFFERS / 4 ? FEW + 2 * wanted : OFFERS;
    int count = 0;
    for (int32_t k = 0; k < a->lists[group].count; k++) {
        const int32_t tile = a->listed[at + k];
        const double cost = a->listed_cost[at + k];
        const pp_lot *lot = &a->lots[tile];
        if (lot->fresh)
            put_offer(offers, &count, room, rest,
                      (offer){cost + lot->floor, cost, tile, lot->fresh});
        for (int32_t u = 0; u < lot->used; u++)
            if (lot->units[u].owner != group)
                put_offer(offers, &count, room, rest,
                          (offer){cost + lot->units[u].price, cost, tile, 1});
    }
    qsort(offers, (size_t)count, sizeof *offers, compare_offers);
    return count;
}

/* Take the best units that are needed, at the value of the best that is not. */
static void bid_for_many(pp_auction *a, int32_t group)
{
    offer offers[OFFERS];
    double rest = a->lists[group].rest;
    const int count = find_offers(a, group, offers, &rest);
    int taken = 0;
    int32_t wanted = a->unassigned[group];
    while (taken < count && offers[taken].value <= rest && wanted >= offers[taken].units)
        wanted -= offers[taken++].units;
    int32_t part = 0;
    if (taken < count && offers[taken].value <= rest) /* the last needed are some of these */
        part = wanted;
    if (taken + part == 0) {
        wait_for_list(a, group);
        return;
    }
    double level = taken < count && offers[taken].value < rest ? offers[taken].value : rest;
    if (level == DBL_MAX)
        level = offers[taken - 1].value; /* there is nothing else */
    level += a->epsilon;
    for (int k = 0; k < taken; k++)
        for (int32_t u = 0; u < offers[k].units && !a->no_memory && !a->is_stuck; u++)
            claim(a, group, offers[k].tile, offers[k].cost, level - offers[k].cost);
    for (int32_t u = 0; u < part && !a->no_memory && !a->is_stuck; u++)
        claim(a, group, offers[taken].tile, offers[taken].cost, level - offers[taken].cost);
    if (a->unassigned[group] > 0)
        wait_for_list(a, group);
}

static bool bid(const void *shared, void *state, pp_slice *slice)
{
    (void)state;
    pp_auction *a = *(pp_auction *const *)shared;
    for (int bids = 0; a->queued > 0 && !a->no_memory && !a->is_stuck; bids++) {
        const int32_t group = a->queue[--a->queued];
        a->is_queued[group] = false;
        if (a->targets.size[group] == 1)
            bid_for_one(a, group);
        else
            bid_for_many(a, group);
        if (bids % BIDS == BIDS - 1 && pp_slice_over(slice))
            return false;
    }
    return true;
}

/* --- the reserve --- */

/* The lowest price at which more than so many units are asked for at that or less (Hoare's
   selection); there are more. */
static double ask_after(pp_ask *asks, int64_t count, int64_t wanted)
{
    int64_t low = 0, high = count;
    while (high - low > 1) {
        const double pivot = asks[low + (high - low) / 2].price;
        int64_t below = low, above = high, less = 0, equal = 0;
        for (int64_t at = low; at < above;) {
            const pp_ask ask = asks[at];
            if (ask.price > pivot) {
                asks[at] = asks[--above];
                asks[above] = ask;
                continue;
            }
            if (ask.price < pivot) {
                asks[at] = asks[below];
                asks[below++] = ask;
                less += ask.units;
            } else {
                equal += ask.units;
            }
            at++;
        }
        if (less > wanted) {
            high = below;
        } else if (less + equal > wanted) {
            return pivot;
        } else {
            wanted -= less + equal;
            low = above;
        }
    }
    return asks[low].price;
}

/* The least that a target pays. */
static double lowest_paid(const pp_auction *a)
{
    double lowest = DBL_MAX;
    for (int32_t tile = 0; tile < a->tiles.count; tile++)
        for (int32_t u = 0; u < a->lots[tile].used; u++)
            if (a->lots[tile].units[u].owner != PP_RESERVE)
                lowest = fmin(lowest, a->lots[tile].units[u].price);
    return lowest;
}

/* Units that targets have, and those left over at more than `price`; how many the latter are. */
static int64_t ask_prices(pp_auction *a, double price, int64_t *count)
{
    int64_t left = 0;
    *count = 0;
    for (int32_t tile = 0; tile < a->tiles.count; tile++) {
        const pp_lot *lot = &a->lots[tile];
        if (lot->fresh && lot->floor > price) {
            left += lot->fresh;
            a->asks[(*count)++] = (pp_ask){lot->floor, lot->fresh};
        }
        for (int32_t u = 0; u < lot->used; u++)
            if (lot->units[u].owner != PP_RESERVE)
                a->asks[(*count)++] = (pp_ask){lot->units[u].price, 1};
    }
    return left;
}

/* The reserve takes up to so many units that cost less than `level`, or just as much if that is
   asked for, and pays epsilon more than that. How many it could not get. */
static int64_t reserve_units(pp_auction *a, double level, bool or_equal, int64_t wanted)
{
    for (int32_t tile = 0; tile < a->tiles.count && wanted > 0; tile++) {
        pp_lot *lot = &a->lots[tile];
        const int64_t before = wanted;
        for (int32_t u = 0; u < lot->used && wanted > 0; u++) {
            const pp_unit old = lot->units[u];
            if (old.owner == PP_RESERVE || old.price > level || (old.price == level && !or_equal))
                continue;
            lot->units[u] = (pp_unit){level + a->epsilon, 0, PP_RESERVE};
            release(a, old.owner, tile, old.cost + old.price);
            wanted--;
        }
        if (wanted < before)
            order_units(a, tile);
    }
    return wanted;
}

/* The reserve's bids, when no target has any to make. */
static void bid_for_reserve(pp_auction *a)
{
    if (a->surplus == 0)
        return;
    int64_t count;
    const int64_t wanted = ask_prices(a, lowest_paid(a) + a->epsilon, &count);
    if (wanted == 0)
        return;
    const double level = ask_after(a->asks, count, wanted); /* of the best that it will not have */
    if (reserve_units(a, level, false, wanted) == wanted)
        reserve_units(a, level, true, wanted);
}

/* --- a phase --- */

static void begin_phase(pp_auction *a)
{
    for (int32_t tile = 0; tile < a->tiles.count; tile++) {
        pp_lot *lot = &a->lots[tile];
        lot->floor = a->price[tile];
        lot->fresh = lot->capacity;
        lot->used = 0;
    }
    a->queued = a->waits = 0;
    for (int32_t group = a->targets.count; group-- > 0;) {
        a->unassigned[group] = a->targets.size[group];
        a->is_queued[group] = true;
        a->queue[a->queued++] = group;
    }
}

/* A group that bid more than once paid less at first. What it has is worth to it what it paid last,
   and nobody else wants it at that price either. */
static void level_prices(pp_auction *a, double *level)
{
    for (int32_t group = 0; group < a->targets.count; group++)
        level[group] = 0;
    for (int32_t tile = 0; tile < a->tiles.count; tile++)
        for (int32_t u = 0; u < a->lots[tile].used; u++) {
            const pp_unit *unit = &a->lots[tile].units[u];
            const double value = unit->price + unit->cost;
            if (unit->owner != PP_RESERVE && value > level[unit->owner])
                level[unit->owner] = value;
        }
    for (int32_t tile = 0; tile < a->tiles.count; tile++) {
        pp_lot *lot = &a->lots[tile];
        for (int32_t u = 0; u < lot->used; u++) {
            pp_unit *unit = &lot->units[u];
            if (unit->owner == PP_RESERVE || a->targets.size[unit->owner] == 1)
                continue;
            unit->price = level[unit->owner] - unit->cost;
            unlist(a, unit->owner, tile, level[unit->owner]);
        }
        order_units(a, tile);
    }
}

/* Prices rise towards those who bid. */
static void lean(pp_auction *a)
{
    int32_t *owners = (int32_t *)(void *)a->asks;
    for (int32_t tile = 0; tile < a->tiles.count; tile++)
        owners[tile] = a->lots[tile].used ? a->lots[tile].units[0].owner : PP_RESERVE;
    pp_tree_lean(a, a->targets.rows, owners);
}

enum pp_status pp_auction_phase(pp_auction *a)
{
    const pp_job bidding = {
        .shared = &a, .items = 1, .max_workers = 1, .state_size = sizeof(pp_worker), .work = bid};
    begin_phase(a);
    a->is_open = true;
    while (a->queued > 0 && !a->is_stuck) {
        enum pp_status status = pp_auction_run(a, &bidding);
        if (status == PP_OK && !a->no_memory && a->waits > 0)
            status = pp_renew_lists(a);
        else if (status == PP_OK && !a->no_memory)
            bid_for_reserve(a);
        if (status != PP_OK || a->no_memory)
            return status != PP_OK ? status : PP_NO_MEMORY;
    }
    level_prices(a, a->scratch);
    lean(a);
    a->is_open = false;
    return PP_OK;
}
