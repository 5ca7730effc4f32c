/* The certificate of an assignment: prices, and the bound that they prove.

   By linear programming duality, any prices p >= 0 prove that no assignment costs less than

       sum over targets of min over tiles of (cost + p)  -  sum over units of p.

   Where costs are integers there are integer prices that prove as much: round all numbers down
   after adding some r, 0 <= r < 1, to them. Over all r, the mean of floor(x + r) is x, so for some
   r the bound of the rounded prices is at least the one before, and the next integer in fact. */
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "assign.h"

/* Adding more than `at` before rounding down lifts the bound by `by`. */
typedef struct step {
    double at;
    int64_t by;
} step;

double pp_assigned_cost(const pp_auction *a)
{
    double cost = 0;
    for (int32_t tile = 0; tile < a->tiles.count; tile++)
        for (int32_t u = 0; u < a->lots[tile].used; u++)
            if (a->lots[tile].units[u].owner != PP_RESERVE)
                cost += a->lots[tile].units[u].cost;
    return cost;
}

/* A price that no unit which is left over exceeds: it becomes the new 0. */
double pp_lowest_price(const pp_auction *a)
{
    double highest_left = 0, lowest = DBL_MAX;
    for (int32_t tile = 0; tile < a->tiles.count; tile++) {
        const pp_lot *lot = &a->lots[tile];
        bool is_left = lot->fresh > 0;
        for (int32_t u = 0; u < lot->used && !is_left; u++)
            is_left = lot->units[u].owner == PP_RESERVE;
        if (is_left && a->price[tile] > highest_left)
            highest_left = a->price[tile];
        lowest = a->price[tile] < lowest ? a->price[tile] : lowest;
    }
    return a->surplus ? highest_left : lowest;
}

/* The least cost + price for a group, with these prices; those not listed have `rest` or more. */
double pp_least_value(const pp_auction *a, int32_t group, const double *prices, double lowest)
{
    const int64_t at = (int64_t)group * a->width;
    const double rest = a->lists[group].rest;
    /* What rounding may have added to that, to `rest`, and to the costs it was compared with. */
    const double error =
        a->is_exact || rest == DBL_MAX
            ? 0
            : (rest + fabs(lowest)) * (double)(a->targets.length + 16) * DBL_EPSILON;
    double least = rest - lowest - error;
    for (int32_t k = 0; k < a->lists[group].count; k++) {
        const double value = a->listed_cost[at + k] + prices[a->listed[at + k]];
        least = value < least ? value : least;
    }
    return least;
}

static int compare_steps(const void *a, const void *b)
{
    const double x = ((const step *)a)->at, y = ((const step *)b)->at;
    return x < y ? -1 : x > y;
}

/* What to add before rounding down, for the best bound. */
static double best_offset(step *steps, int64_t count)
{
    qsort(steps, (size_t)count, sizeof *steps, compare_steps);
    double offset = 0;
    int64_t gain = 0, best = 0;
    for (int64_t i = 0; i < count; i++) {
        gain += steps[i].by;
        const bool last = i + 1 == count || steps[i + 1].at > steps[i].at;
        if (last && gain > best) {
            best = gain;
            offset = steps[i].at;
        }
    }
    return offset;
}

static step step_of(double x, int64_t weight)
{
    return (step){ceil(x) - x, x == floor(x) ? 0 : weight};
}

static enum pp_status round_prices(const pp_auction *a, double *values, double *prices)
{
    const int64_t m = a->targets.count, n = a->tiles.count;
    step *steps = malloc((size_t)(m + n) * sizeof *steps);
    if (!steps)
        return PP_NO_MEMORY;
    for (int64_t i = 0; i < m; i++)
        steps[i] = step_of(values[i], a->targets.size[i]);
    for (int64_t j = 0; j < n; j++)
        steps[m + j] = step_of(prices[j], -a->lots[j].capacity);
    const double offset = best_offset(steps, m + n);
    for (int64_t i = 0; i < m; i++)
        values[i] = floor(values[i] + offset);
    for (int64_t j = 0; j < n; j++)
        prices[j] = floor(prices[j] + offset);
    free(steps);
    return PP_OK;
}

/* What the values of the groups add up to, and so many times the prices; not rounded but once. */
static double total(const pp_auction *a, const double *values, const double *prices, double times)
{
    pp_exact_sum sum = {0};
    double x;
    for (int32_t group = 0; group < a->targets.count; group++) {
        x = a->targets.size[group] * values[group];
        pp_exact_add(&sum, &x, 1);
    }
    for (int32_t tile = 0; tile < a->tiles.count; tile++) {
        x = times * a->lots[tile].capacity * prices[tile];
        pp_exact_add(&sum, &x, 1);
    }
    pp_exact_value(&sum, &x);
    return x;
}

enum pp_status pp_prove(pp_auction *a, double *prices, double *bound, double *error)
{
    const double lowest = pp_lowest_price(a);
    double *values = a->scratch;
    for (int32_t tile = 0; tile < a->tiles.count; tile++)
        prices[tile] = a->price[tile] > lowest ? a->price[tile] - lowest : 0;
    for (int32_t group = 0; group < a->targets.count; group++)
        values[group] = pp_least_value(a, group, prices, lowest);
    if (a->is_exact && round_prices(a, values, prices) != PP_OK)
        return PP_NO_MEMORY;
    /* Every cost is a sum of `length` rounded squares, and each term of the bound a rounded
     * product. */
    *error = a->is_exact
                 ? 0
                 : total(a, values, prices, 1) * (double)(a->targets.length + 16) * DBL_EPSILON;
    *bound = total(a, values, prices, -1) - *error;
    return PP_OK;
}
