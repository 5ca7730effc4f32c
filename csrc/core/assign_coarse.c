/* Where the prices begin: those of a small problem, made of every eighth target and tile.

   Far from the best prices an auction spends its time on price wars. Samples that lie as evenly as
   the whole have nearly its prices: by duality, the tile y is worth to the targets x of the sample,
   who come off at u(x) = min (cost + price) there,

       price(y) = max over x of u(x) - |x - y|^2

   and at least the lowest price where some tiles are left over. Any prices to begin with are right;
   good ones spare the phases of large epsilon. (Multigrid for optimal transport: Merigot 2011.) */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "assign.h"
#include "dispatch.h"
#include "parallel.h"

enum {
    STEP = 8,             /* targets for one in the sample */
    WORTH_SAMPLING = 400, /* targets */
    TILES = 32,           /* whose prices are found together */
    FEW_TARGETS = 32,     /* that those are compared with at a time, with so */
    MANY_FEATURES = 100,
};
static const double FIRST_EPSILON = 1.0 / 16; /* of the greatest distance, in the smallest sample */
static const double LEAST_DISTANCE = 1e-200;  /* else epsilon might vanish */
enum { PHASES = 3 }; /* of a sample; the next larger one begins with the second of these epsilons */

/* --- the sample --- */

static void copy_row(const pp_merged *all, int64_t group, double *to)
{
    const int64_t first = group * all->length;
    for (int64_t f = 0; f < all->length; f++)
        to[f] = all->bytes ? all->bytes[first + f] : all->rows[first + f];
}

/* Every STEP-th unit, as they lie; `ahead` of the first, so many are thought to be there. */
static bool sample(const pp_merged *all, const pp_lot *lots, int64_t ahead, pp_merged *some)
{
    const size_t row = (size_t)all->length * sizeof(double);
    const int64_t most = all->count + 1;
    *some = (pp_merged){.length = all->length};
    some->size = malloc((size_t)most * sizeof *some->size);
    some->rows = malloc((size_t)most * (row + sizeof(double)));
    some->from = malloc((size_t)most * sizeof *some->from);
    if (!some->size || !some->rows || !some->from)
        return false;
    for (int64_t g = 0, sum = ahead; g < all->count; g++) {
        const int64_t before = sum / STEP;
        sum += lots ? lots[g].capacity : all->size[g];
        const int64_t units = sum / STEP - before;
        if (units == 0)
            continue;
        copy_row(all, g, some->rows + some->count * all->length);
        some->from[some->count] = (int32_t)g;
        some->size[some->count++] = (int32_t)units;
        some->members += units;
    }
    return true;
}

/* --- from its prices to those of all tiles --- */

typedef struct spreading {
    const pp_auction *all;
    double *columns; /* of the sample's targets: [length][stride] */
    double *worth;   /* -u(x); infinite behind the last */
    int64_t count, stride;
    int64_t stretch; /* targets whose features stay in a cache */
    double highest;  /* -price of a tile that is left over */
    double *prices;  /* of all tiles */
    int32_t *owners; /* the x of each tile, or -1 */
} spreading;

typedef struct spreading_state {
    pp_worker worker;
    double cost[PP_STRETCH + PP_TILE_ROUND];
    int32_t hits[PP_STRETCH + PP_TILE_ROUND];
} spreading_state;

static void spread_to(const spreading *job, spreading_state *s, int64_t tile, int64_t first)
{
    const pp_merged *tiles = &job->all->tiles;
    const int64_t count = job->count - first < job->stretch ? job->count - first : job->stretch;
    double least = -job->prices[tile];
    const int hits = pp_kernels->near_tiles(tiles->rows + tile * tiles->length,
                                            job->columns + first, job->stride, tiles->length,
                                            job->worth + first, count, least, s->cost, s->hits);
    for (int h = 0; h < hits; h++) {
        const double value = s->cost[s->hits[h]] + job->worth[first + s->hits[h]];
        if (value < least) {
            least = value;
            job->owners[tile] = (int32_t)first + s->hits[h];
        }
    }
    job->prices[tile] = -least;
}

static bool spread_prices(const void *shared, void *state, pp_slice *slice)
{
    const spreading *job = shared;
    for (int64_t item; (item = pp_slice_draw(slice)) >= 0;) {
        const int64_t from = item * TILES, count = job->all->tiles.count;
        const int64_t stop = from + TILES < count ? from + TILES : count;
        for (int64_t tile = from; tile < stop; tile++) {
            job->owners[tile] = -1;
            job->prices[tile] = -job->highest;
        }
        for (int64_t first = 0; first < job->count; first += job->stretch)
            for (int64_t tile = from; tile < stop; tile++)
                spread_to(job, state, tile, first);
        if (pp_slice_over(slice))
            return false;
    }
    return true;
}

/* The targets of the sample, side by side, and what they come off at. */
static bool put_columns(const pp_auction *some, spreading *job)
{
    const pp_merged *targets = &some->targets;
    const double lowest = pp_lowest_price(some);
    job->count = targets->count;
    job->stretch = targets->length > MANY_FEATURES ? FEW_TARGETS : PP_STRETCH;
    job->stride = job->count + 2 * PP_TILE_ROUND;
    job->columns = calloc((size_t)(job->stride * targets->length) + 1, sizeof *job->columns);
    job->worth = malloc((size_t)job->stride * sizeof *job->worth);
    job->owners = malloc((size_t)job->all->tiles.count * sizeof *job->owners);
    if (!job->columns || !job->worth || !job->owners)
        return false;
    for (int64_t i = 0; i < job->stride; i++)
        job->worth[i] =
            i < job->count ? -pp_least_value(some, (int32_t)i, some->price, 0) : INFINITY;
    for (int64_t i = 0; i < job->count; i++)
        for (int64_t f = 0; f < targets->length; f++)
            job->columns[f * job->stride + i] = targets->rows[i * targets->length + f];
    job->highest = some->surplus ? -lowest : DBL_MAX;
    return true;
}

static void lower_prices(pp_auction *all)
{
    double least = DBL_MAX;
    for (int64_t tile = 0; tile < all->tiles.count; tile++)
        least = fmin(least, all->price[tile]);
    for (int64_t tile = 0; tile < all->tiles.count; tile++)
        all->price[tile] -= least;
}

/* To what a group of the sample pays at most, where it can see that it pays so much. */
static void raise_prices(pp_auction *all, int32_t group, double value)
{
    for (int32_t tile = 0; tile < all->tiles.count; tile++)
        if (value - pp_bound_of(all, group, tile) > all->price[tile])
            all->price[tile] = fmax(all->price[tile], value - pp_tighten_bound(all, group, tile));
}

/* Where there are bounds of all costs, few of these have to be computed. */
static void spread_behind_bounds(const pp_auction *some, pp_auction *all)
{
    const double lowest = some->surplus ? pp_lowest_price(some) : -DBL_MAX;
    for (int64_t tile = 0; tile < all->tiles.count; tile++)
        all->price[tile] = lowest;
    for (int32_t x = 0; x < some->targets.count; x++)
        raise_prices(all, some->targets.from[x], pp_least_value(some, x, some->price, 0));
    lower_prices(all);
}

static enum pp_status spread(pp_auction *some, pp_auction *all)
{
    spreading job = {.all = all, .prices = all->price};
    enum pp_status status = PP_NO_MEMORY;
    if (put_columns(some, &job)) {
        const int64_t items = (all->tiles.count + TILES - 1) / TILES;
        const pp_job parallel = {.shared = &job,
                                 .items = items,
                                 .max_workers = items < INT32_MAX ? (int)items : INT32_MAX,
                                 .state_size = sizeof(spreading_state),
                                 .work = spread_prices};
        status = pp_auction_run(all, &parallel);
    }
    if (status == PP_OK) {
        lower_prices(all);
        pp_tree_lean(all, some->targets.rows, job.owners);
    }
    free(job.columns);
    free(job.worth);
    free(job.owners);
    return status;
}

/* --- all of it --- */

enum pp_status pp_start_prices(pp_auction *a)
{
    a->epsilon = pp_power_of_two(a->large * FIRST_EPSILON + DBL_MIN);
    if (a->targets.members < WORTH_SAMPLING || a->large < LEAST_DISTANCE)
        return PP_OK;
    pp_auction some = {
        .run = a->run, .is_exact = a->is_exact, .callers = a->callers, .last_poll = a->last_poll};
    enum pp_status status = PP_NO_MEMORY;
    if (sample(&a->targets, NULL, STEP / 2, &some.targets) &&
        sample(&a->tiles, a->lots, STEP - 1, &some.tiles))
        status = pp_auction_prepare(&some, 1);
    some.large = a->large; /* a sample may be far more even */
    if (status == PP_OK)
        status = pp_start_prices(&some);
    const double first = some.epsilon;
    /* With many features a sample says less about the prices. */
    const double shrink = a->codes.usable ? 2 : PP_SHRINK;
    for (int phase = 0; phase < PHASES && status == PP_OK && !some.is_stuck; phase++) {
        status = pp_auction_phase(&some);
        some.epsilon /= PP_SHRINK;
    }
    a->epsilon = first / shrink;
    a->last_poll = some.last_poll;
    if (status == PP_OK && !some.is_stuck && a->codes.bounds)
        spread_behind_bounds(&some, a);
    else if (status == PP_OK && !some.is_stuck)
        status = spread(&some, a);
    pp_auction_free(&some);
    return status;
}
