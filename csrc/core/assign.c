/* The assignment of tiles to targets with the least total squared distance, and its proof.

   Equal targets are merged, and equal tiles, so this is a transportation problem; an auction solves
   it with a smaller and smaller epsilon (Bertsekas 1979, 1988), each phase beginning at the prices
   of the one before, until prices prove that the assignment is good enough. Epsilon is a power of
   two: for uint8, costs are integers and every price is exact. */
#include "assign.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "parallel.h"

enum {
    THOUSAND = 1000, /* units of progress */
};
static const double LARGEST = 1e280; /* distance, so that no sum overflows */

/* --- progress --- */

static bool poll_callers(void *context, int64_t done, int64_t total)
{
    pp_auction *a = context;
    (void)done;
    (void)total;
    a->last_poll = pp_now();
    return a->callers->poll(a->callers->context, a->thousandths, THOUSAND);
}

enum pp_status pp_auction_run(pp_auction *a, const struct pp_job *job)
{
    const enum pp_status status = pp_parallel_for(job, &a->run);
    if (status != PP_OK || !a->run.poll || pp_now() < a->last_poll + a->run.slice)
        return status;
    return poll_callers(a, 0, 0) ? PP_OK : PP_INTERRUPTED;
}

/* --- memory --- */

static bool put_tiles(pp_auction *a, int64_t max_uses)
{
    const int64_t n = a->tiles.count, length = a->codes.usable ? 0 : a->tiles.length;
    const double *rows = a->tiles.rows;
    a->stride = (n + PP_TILE_ROUND) / PP_TILE_ROUND * PP_TILE_ROUND + PP_TILE_ROUND;
    a->columns = calloc((size_t)(a->stride * length) + 1, sizeof *a->columns);
    a->price = calloc((size_t)a->stride + 1, sizeof *a->price);
    a->lots = calloc((size_t)n + 1, sizeof *a->lots);
    if (!a->columns || !a->price || !a->lots)
        return false;
    for (int64_t j = n; j < a->stride; j++)
        a->price[j] = INFINITY;
    for (int64_t j = 0; j < n; j++) {
        for (int64_t f = 0; f < length; f++)
            a->columns[f * a->stride + j] = rows[j * length + f];
        /* More than one unit above the targets would make no difference. */
        const int64_t most = a->targets.members + 1, size = a->tiles.size[j];
        const int64_t capacity = max_uses < most / size + 1 ? max_uses * size : most;
        a->lots[j].capacity = (int32_t)(capacity < most ? capacity : most);
        a->lots[j].units = &a->lots[j].one;
        a->lots[j].room = 1;
        a->units += a->lots[j].capacity;
    }
    a->surplus = a->units - a->targets.members;
    return true;
}

static bool allocate(pp_auction *a)
{
    const size_t m = (size_t)a->targets.count + 1;
    a->width = a->tiles.count < PP_LIST_WIDTH ? (int32_t)a->tiles.count : PP_LIST_WIDTH;
    a->lists = calloc(m, sizeof *a->lists);
    a->listed = malloc(m * (size_t)a->width * sizeof *a->listed);
    a->listed_cost = malloc(m * (size_t)a->width * sizeof *a->listed_cost);
    a->unassigned = malloc(m * sizeof *a->unassigned);
    a->queue = malloc(m * sizeof *a->queue);
    a->waiting = malloc(m * sizeof *a->waiting);
    a->is_queued = malloc(m * sizeof *a->is_queued);
    a->is_worn = calloc(m, sizeof *a->is_worn);
    a->scratch = malloc((size_t)(a->targets.members + 1) * sizeof *a->scratch);
    a->asks = malloc((size_t)(a->targets.members + a->tiles.count) * sizeof *a->asks);
    return a->asks && a->lists && a->listed && a->listed_cost && a->unassigned && a->queue &&
           a->waiting && a->is_queued && a->is_worn && a->scratch;
}

static double squared_distance(const double *a, const double *b, int64_t length)
{
    double sum = 0;
    for (int64_t f = 0; f < length; f++)
        sum += (a[f] - b[f]) * (a[f] - b[f]);
    return sum;
}

/* A distance between a target and a tile, no less than a ninth of the greatest: all targets are
   within a third of that of the first tile, or one is farther away; and so on. */
static double large_distance(const pp_auction *a)
{
    const int64_t length = a->targets.length;
    double greatest = 0;
    for (int64_t i = 0; i < a->targets.count; i++)
        greatest =
            fmax(greatest, squared_distance(a->targets.rows + i * length, a->tiles.rows, length));
    for (int64_t j = 0; j < a->tiles.count && a->targets.count > 0; j++)
        greatest =
            fmax(greatest, squared_distance(a->tiles.rows + j * length, a->targets.rows, length));
    return greatest;
}

enum pp_status pp_auction_prepare(pp_auction *a, int64_t max_uses)
{
    a->large = large_distance(a);
    enum pp_status status = pp_tree_build(a);
    if (status == PP_OK)
        status = pp_codes_build(a);
    if (status == PP_OK && !(put_tiles(a, max_uses) && allocate(a)))
        status = PP_NO_MEMORY;
    return status;
}

void pp_auction_free(pp_auction *a)
{
    for (int64_t j = 0; a->lots && j < a->tiles.count; j++)
        if (a->lots[j].units != &a->lots[j].one)
            free(a->lots[j].units);
    pp_tree_free(a);
    pp_codes_free(a);
    pp_merged_free(&a->targets);
    pp_merged_free(&a->tiles);
    free(a->columns);
    free(a->price);
    free(a->lots);
    free(a->lists);
    free(a->listed);
    free(a->listed_cost);
    free(a->unassigned);
    free(a->queue);
    free(a->waiting);
    free(a->is_queued);
    free(a->is_worn);
    free(a->asks);
    free(a->scratch);
}

/* --- phases --- */

double pp_power_of_two(double x)
{
    int exponent;
    frexp(x, &exponent);
    return ldexp(1, exponent);
}

/* Groups whose lists say nothing about their best tile any more. */
static enum pp_status renew_worn_lists(pp_auction *a)
{
    a->waits = a->queued = 0;
    for (int32_t group = 0; group < a->targets.count; group++) {
        const int64_t at = (int64_t)group * a->width;
        double least = DBL_MAX;
        for (int32_t k = 0; k < a->lists[group].count; k++)
            least = fmin(least, a->listed_cost[at + k] + a->price[a->listed[at + k]]);
        if (least > a->lists[group].rest)
            a->waiting[a->waits++] = group;
    }
    return a->waits > 0 ? pp_renew_lists(a) : PP_OK;
}

static enum pp_status run_phases(pp_auction *a, double gap, double *prices, pp_assignment *result,
                                 enum pp_assign_fault *fault)
{
    const double large = a->large;
    if (!(large < LARGEST)) {
        *fault = PP_ASSIGN_GAP;
        return PP_OK;
    }
    const double least_cost = a->is_exact ? 0 : 1e-12 * (double)a->targets.members * large;
    enum pp_status status = pp_start_prices(a);
    if (status != PP_OK)
        return status;
    for (;; a->epsilon /= PP_SHRINK) {
        status = pp_auction_phase(a);
        if (status == PP_OK && !a->is_stuck)
            status = renew_worn_lists(a);
        if (status != PP_OK)
            return status;
        if (a->is_stuck || a->epsilon < fmax(large * 0x1p-100, DBL_MIN)) {
            *fault = PP_ASSIGN_GAP;
            return PP_OK;
        }
        double error;
        result->cost = pp_assigned_cost(a);
        if (result->cost == 0) { /* nothing is cheaper: without prices, the bound is 0 too */
            memset(prices, 0, (size_t)a->tiles.count * sizeof *prices);
            result->bound = 0;
            return PP_OK;
        }
        status = pp_prove(a, prices, &result->bound, &error);
        a->thousandths += (THOUSAND - a->thousandths) / 10;
        if (status != PP_OK)
            return status;
        if (result->cost - result->bound <= gap * fmax(result->cost, least_cost))
            return PP_OK;
        if ((double)a->targets.members * a->epsilon < error) { /* a smaller one won't help */
            *fault = PP_ASSIGN_GAP;
            return PP_OK;
        }
    }
}

/* --- the answer in the caller's numbers --- */

/* The rows of each group, in order: row first[g] … first[g + 1] - 1 of `members`. */
typedef struct roster {
    int32_t *first, *members;
} roster;

static bool call_roster(const pp_merged *merged, roster *r)
{
    r->first = malloc(((size_t)merged->count + 1) * sizeof *r->first);
    r->members = malloc(((size_t)merged->members + 1) * sizeof *r->members);
    if (!r->first || !r->members)
        return false;
    r->first[0] = 0;
    for (int32_t g = 0; g < merged->count; g++)
        r->first[g + 1] = r->first[g] + merged->size[g];
    int32_t *next = malloc(((size_t)merged->count + 1) * sizeof *next);
    if (!next)
        return false;
    memcpy(next, r->first, (size_t)merged->count * sizeof *next);
    for (int32_t i = 0; i < merged->members; i++)
        r->members[next[merged->of[i]]++] = i;
    free(next);
    return true;
}

static int compare_numbers(const void *a, const void *b)
{
    const int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return x < y ? -1 : x > y;
}

/* Tile by tile, units go to the groups that own them in the order of these, the first targets of a
   group first. */
static void put_indices(pp_auction *a, int64_t max_uses, const roster *targets, const roster *tiles,
                        int64_t *indices)
{
    int32_t *next = a->waiting, *owners = (int32_t *)(void *)a->scratch;
    memcpy(next, targets->first, (size_t)a->targets.count * sizeof *next);
    for (int32_t tile = 0; tile < a->tiles.count; tile++) {
        const pp_lot *lot = &a->lots[tile];
        int64_t count = 0;
        for (int32_t u = 0; u < lot->used; u++)
            if (lot->units[u].owner != PP_RESERVE)
                owners[count++] = lot->units[u].owner;
        qsort(owners, (size_t)count, sizeof *owners, compare_numbers);
        for (int64_t u = 0; u < count; u++)
            indices[targets->members[next[owners[u]]++]] =
                tiles->members[tiles->first[tile] + u / max_uses];
    }
}

static enum pp_status put_answer(pp_auction *a, int64_t max_uses, const double *prices,
                                 pp_assignment *result)
{
    roster targets = {0}, tiles = {0};
    const bool ok = call_roster(&a->targets, &targets) && call_roster(&a->tiles, &tiles);
    if (ok) {
        put_indices(a, max_uses, &targets, &tiles, result->indices);
        for (int64_t j = 0; j < a->tiles.members; j++)
            result->prices[j] = prices[a->tiles.of[j]];
    }
    free(targets.first);
    free(targets.members);
    free(tiles.first);
    free(tiles.members);
    return ok ? PP_OK : PP_NO_MEMORY;
}

static enum pp_status read_rows(pp_auction *a, const pp_view *targets, const pp_view *tiles,
                                enum pp_assign_fault *fault)
{
    const pp_rows rows[2] = {pp_rows_of(targets), pp_rows_of(tiles)};
    bool finite[2] = {true, true};
    enum pp_status status = pp_merge_rows(a, &rows[0], &a->targets, &finite[0]);
    if (status == PP_OK)
        status = pp_merge_rows(a, &rows[1], &a->tiles, &finite[1]);
    *fault = !finite[0] ? PP_ASSIGN_TARGETS : !finite[1] ? PP_ASSIGN_TILES : PP_ASSIGN_FINE;
    return status;
}

enum pp_status pp_assign(const pp_view *targets, const pp_view *tiles, int64_t max_uses, double gap,
                         const pp_run *run, pp_assignment *assignment, enum pp_assign_fault *fault)
{
    pp_auction a = {.run = *run, .callers = run, .last_poll = pp_now()};
    a.is_exact = targets->type == PP_UINT8 && tiles->type == PP_UINT8;
    if (run->poll) {
        a.run.poll = poll_callers;
        a.run.context = &a;
    }
    double *prices = NULL;
    assignment->cost = assignment->bound = 0;
    enum pp_status status = read_rows(&a, targets, tiles, fault);
    if (status == PP_OK && *fault == PP_ASSIGN_FINE) {
        status = pp_auction_prepare(&a, max_uses);
        prices = malloc((size_t)(a.tiles.count + 1) * sizeof *prices);
        if (!prices)
            status = PP_NO_MEMORY;
    }
    if (status == PP_OK && *fault == PP_ASSIGN_FINE)
        status = run_phases(&a, gap, prices, assignment, fault);
    if (status == PP_OK && *fault == PP_ASSIGN_FINE)
        status = put_answer(&a, max_uses, prices, assignment);
    free(prices);
    pp_auction_free(&a);
    return status;
}
