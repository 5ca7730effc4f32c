/* Bounds of all costs, where there are many features and memory for so many numbers: no group
   looks at the features of all tiles twice.

   They come from the codes of the long lists (see assign_codes.c), rounded down to 16 bits: with

       x = cost / scale + 2^-31,   2^-31 <= x < 2

   the lowest 5 bits of its exponent and the first 11 of its mantissa, so that a bound is too low by
   2^-11 of the cost, and a little. Of uint8 it is the true cost that is rounded, and that comes
   from their bytes; others, once computed, replace the bounds. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "assign.h"
#include "dispatch.h"
#include "parallel.h"

enum { BLOCK = 128 }; /* tiles, that are compared with so many targets at a time */

static const double LEAST = 0x1p-31;
static const uint64_t LEAST_BITS = (uint64_t)(1023 - 31) << 52;
enum { DROPPED = 41 }; /* bits of the mantissa */

int64_t pp_bounds_budget = INT64_C(1) << 27;

/* Targets on their way past the tiles. */
typedef struct rows_state {
    pp_worker worker;
    int64_t first, count; /* none: others have to be drawn */
    int64_t block;        /* of tiles: the next */
    int64_t square[PP_DENSE_TARGETS];
    double residual[PP_DENSE_TARGETS];
    int32_t halves[PP_DENSE_TARGETS * BLOCK];
    int32_t codes[]; /* of the targets; then of one, as bytes */
} rows_state;

static uint16_t *row_of(const pp_auction *a, int64_t group)
{
    return a->codes.bounds + group * a->codes.stride;
}

static uint16_t round_down(double cost, double scale)
{
    const double most = 2 - 0x1p-52;
    const double x = fmin((cost / scale + LEAST) * (1 - 0x1p-50), most);
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return x > LEAST ? (uint16_t)((bits - LEAST_BITS) >> DROPPED) : 0;
}

double pp_bound_of(const pp_auction *a, int32_t group, int32_t tile)
{
    const uint64_t bits = LEAST_BITS + ((uint64_t)row_of(a, group)[tile] << DROPPED);
    double x;
    memcpy(&x, &bits, sizeof x);
    return (x - LEAST) * a->codes.scale;
}

void pp_put_bound(const pp_auction *a, int32_t group, int32_t tile, double cost)
{
    row_of(a, group)[tile] = round_down(cost, a->codes.scale);
}

static void begin(const pp_auction *a, rows_state *s, int64_t item)
{
    const int64_t groups = a->codes.dense.codes.groups, left = a->targets.count;
    uint8_t *bytes = (uint8_t *)(s->codes + PP_DENSE_TARGETS * groups);
    s->first = item * PP_DENSE_TARGETS;
    s->count = left - s->first < PP_DENSE_TARGETS ? left - s->first : PP_DENSE_TARGETS;
    s->block = 0;
    for (int64_t t = 0; t < s->count; t++)
        s->square[t] = pp_target_codes(a, (int32_t)(s->first + t), s->codes + t * groups, bytes,
                                       &s->residual[t]);
}

static void pass_block(const pp_auction *a, rows_state *s)
{
    const pp_dense *dense = &a->codes.dense;
    const int64_t vectors = BLOCK / pp_kernels->dense->lanes, first = s->block * BLOCK;
    const int64_t stop = first + BLOCK < a->tiles.count ? first + BLOCK : a->tiles.count;
    const int64_t steps = (s->count + PP_DENSE_STEP - 1) / PP_DENSE_STEP * PP_DENSE_STEP;
    pp_kernels->dense->halves(&dense->codes, s->block * vectors, (s->block + 1) * vectors, s->codes,
                              steps, s->halves, BLOCK);
    for (int64_t t = 0; t < s->count; t++)
        for (int64_t j = first; j < stop; j++) {
            const int64_t half = s->halves[t * BLOCK + j - first];
            const int64_t square = s->square[t] + 2 * half + (dense->codes.norms[j] & 1);
            const double least = pp_least_cost(dense, s->residual[t], (double)square);
            pp_put_bound(a, (int32_t)(s->first + t), dense->order[j], least);
        }
    s->block++;
}

static bool put_rows(const void *shared, void *state, pp_slice *slice)
{
    const pp_auction *a = *(pp_auction *const *)shared;
    rows_state *s = state;
    do {
        if (s->count == 0) {
            const int64_t item = pp_slice_draw(slice);
            if (item < 0)
                return true;
            begin(a, s, item);
        }
        pass_block(a, s);
        if (s->block * BLOCK >= a->tiles.count)
            s->count = 0;
    } while (!pp_slice_over(slice));
    return false;
}

/* Bytes are all that is needed from now on. */
static bool pack(pp_merged *merged)
{
    const int64_t features = merged->count * merged->length;
    merged->bytes = malloc((size_t)features + 1);
    if (!merged->bytes)
        return false;
    for (int64_t f = 0; f < features; f++)
        merged->bytes[f] = (uint8_t)merged->rows[f];
    free(merged->rows);
    merged->rows = NULL;
    return true;
}

bool pp_bounds_fit(const pp_auction *a)
{
    return a->targets.count <= pp_bounds_budget / (a->tiles.count + PP_TILE_ROUND);
}

enum pp_status pp_bounds_build(pp_auction *a)
{
    pp_codes_of_tiles *codes = &a->codes;
    const int64_t items = (a->targets.count + PP_DENSE_TARGETS - 1) / PP_DENSE_TARGETS;
    if (a->is_exact && !(pack(&a->targets) && pack(&a->tiles)))
        return PP_NO_MEMORY;
    codes->stride = a->tiles.count + PP_TILE_ROUND;
    codes->scale = pp_power_of_two(a->large * 4.6); /* no distance is twice that */
    codes->bounds = calloc((size_t)(a->targets.count * codes->stride), sizeof *codes->bounds);
    if (!codes->bounds)
        return PP_NO_MEMORY;
    const pp_job job = {
        .shared = &a,
        .items = items,
        .max_workers = items < INT32_MAX ? (int)items : INT32_MAX,
        .state_size = sizeof(rows_state) +
                      (size_t)(PP_DENSE_TARGETS * codes->dense.codes.groups) * sizeof(int32_t) +
                      (size_t)a->targets.length + 1,
        .work = put_rows,
    };
    const enum pp_status status = pp_auction_run(a, &job);
    pp_dense_free(&codes->dense);
    codes->dense = (pp_dense){0};
    return status;
}

int pp_near_bounds_of(const pp_auction *a, int32_t group, int64_t first, int64_t count,
                      double cutoff, int32_t *hits)
{
    return pp_kernels->near_bounds(row_of(a, group) + first, a->codes.scale, a->price + first,
                                   count, cutoff, hits);
}
