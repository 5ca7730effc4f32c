/* Codes of 8 bits for tiles of many features, and their order: see match_dense.c for what they are
   good for.

   The features lie on a lattice: feature = low + step * code + residual.

   Rounding. x = target - low, step * u and x - step * u are each rounded by a factor 1 + 2^-53 at
   most, so |e| <= |x - step * u| as computed + 2^-50 (|x| + 255 step). Sums of up to 2^14 squares,
   and their roots, are off by a factor of less than 1 + 1e-11. PP_SLACK is far above all of that,
   and so are 1e-6 steps above underflow, for steps between 1e-100 and 1e100. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dispatch.h"
#include "match_dense.h"
#include "parallel.h"

enum {
    BLOCK = 128,          /* tiles in a block, at least, and in a share of the encoding */
    MOST_BLOCKS = 1 << 8, /* so that their least scores take 1 MiB at most */
    MOST_CODE = 255,
};

double pp_encode(const pp_dense *dense, const double *row, uint8_t *codes)
{
    const int64_t length = dense->tiles->length;
    const double step = dense->step, inverse = 1 / step;
    double sum = 0;
    if (dense->is_exact) {
        for (int64_t f = 0; f < length; f++)
            codes[f] = (uint8_t)(int32_t)row[f];
        return 0;
    }
    for (int64_t f = 0; f < length; f++) {
        const double x = row[f] - dense->low[f];
        double place = x * inverse + 0.5;
        place = place < 0 ? 0 : place;
        place = place > MOST_CODE ? MOST_CODE : place;
        codes[f] = (uint8_t)(int32_t)place; /* by way of int32, for which there are vectors */
        const double off = fabs(x - step * codes[f]) + 0x1p-50 * (fabs(x) + MOST_CODE * step);
        sum += off * off;
    }
    return sqrt(sum) * (1 + PP_SLACK);
}

void pp_put_target(int32_t *to, const uint8_t *codes, int64_t length)
{
    uint8_t *bytes = (uint8_t *)to;
    int16_t *words = (int16_t *)(void *)to;
    if (pp_kernels->dense->dot_of == 4)
        for (int64_t f = 0; f < length; f++)
            bytes[f] = (uint8_t)(127 - codes[f]);
    else
        for (int64_t f = 0; f < length; f++)
            words[f] = (int16_t)-codes[f];
}

/* One part of a group of features, of DOT_OF. */
static void put_code(int32_t *group, int dot_of, int64_t part, int code)
{
    if (dot_of == 4)
        ((uint8_t *)group)[part] = (uint8_t)code;
    else
        ((int16_t *)(void *)group)[part] = (int16_t)code;
}

static void put_tile(const pp_dense *dense, int64_t tile, const uint8_t *codes)
{
    const int lanes = pp_kernels->dense->lanes, dot_of = pp_kernels->dense->dot_of;
    const pp_codes *to = &dense->codes;
    const int64_t length = dense->tiles->length;
    int32_t *group = to->dots + tile / lanes * to->groups * lanes + tile % lanes;
    for (int64_t f = 0; f < length; group += lanes)
        for (int part = 0; part < dot_of && f < length; part++)
            put_code(group, dot_of, part, codes[f++]);
    int32_t norm = pp_square_of_codes(codes, length);
    if (dot_of == 4)
        norm -= 254 * pp_sum_of_codes(codes, length);
    to->norms[tile] = norm;
    to->halves[tile] = (norm - (norm & 1)) / 2;
}

int32_t pp_sum_of_codes(const uint8_t *codes, int64_t length)
{
    int32_t sum = 0;
    for (int64_t f = 0; f < length; f++)
        sum += codes[f];
    return sum;
}

int32_t pp_square_of_codes(const uint8_t *codes, int64_t length)
{
    int32_t sum = 0;
    for (int64_t f = 0; f < length; f++)
        sum += codes[f] * codes[f];
    return sum;
}

static void note_sum(pp_dense *dense, int64_t tile, int32_t sum)
{
    int32_t *ends = dense->sums + 2 * (tile / BLOCK);
    ends[0] = sum < ends[0] ? sum : ends[0];
    ends[1] = sum > ends[1] ? sum : ends[1];
}

/* What one thread puts: some tiles, and the bound of their distances from their codes. */
typedef struct encoding {
    pp_dense *dense;
    double *residuals; /* of a share */
} encoding;

typedef struct encoding_state {
    pp_worker worker;
    uint8_t codes[];
} encoding_state;

/* The tile at this place, or none, behind the last; a bound of its distance from its codes. */
static double encode_tile(pp_dense *dense, int64_t place, uint8_t *memory)
{
    const pp_tiles *tiles = dense->tiles;
    if (place >= tiles->count) {
        dense->codes.norms[place] = PP_FAR_AWAY;
        dense->codes.halves[place] = PP_FAR_AWAY / 2;
        return 0;
    }
    const int64_t first = dense->order[place] * tiles->length;
    const uint8_t *codes = tiles->bytes ? tiles->bytes + first : memory;
    const double residual = tiles->bytes ? 0 : pp_encode(dense, tiles->features + first, memory);
    put_tile(dense, place, codes);
    note_sum(dense, place, pp_sum_of_codes(codes, tiles->length));
    return residual;
}

static bool encode_tiles(const void *shared, void *state, pp_slice *slice)
{
    const encoding *job = shared;
    encoding_state *s = state;
    for (int64_t item; (item = pp_slice_draw(slice)) >= 0;) {
        double most = 0;
        job->dense->sums[2 * item] = INT32_MAX;
        job->dense->sums[2 * item + 1] = INT32_MIN;
        for (int64_t i = item * BLOCK; i < (item + 1) * BLOCK; i++) {
            const double residual = encode_tile(job->dense, i, s->codes);
            most = residual > most ? residual : most;
        }
        job->residuals[item] = most;
        if (pp_slice_over(slice))
            return false;
    }
    return true;
}

/* Of shares to those of blocks. */
static void join_sums(pp_dense *dense, int64_t shares)
{
    const int64_t in_block = dense->block * pp_kernels->dense->lanes / BLOCK;
    for (int64_t i = 0; i < shares; i++) {
        const int32_t low = dense->sums[2 * i], high = dense->sums[2 * i + 1];
        int32_t *ends = dense->sums + 2 * (i / in_block);
        const bool is_first = i % in_block == 0;
        ends[0] = is_first || low < ends[0] ? low : ends[0];
        ends[1] = is_first || high > ends[1] ? high : ends[1];
    }
}

static enum pp_status encode_all(pp_dense *dense, int64_t shares, const pp_run *run)
{
    encoding job = {dense, malloc((size_t)shares * sizeof(double))};
    if (!job.residuals)
        return PP_NO_MEMORY;
    const pp_job parallel = {
        .shared = &job,
        .items = shares,
        .max_workers = shares < 64 ? 1 : 1 << 10,
        .state_size = sizeof(encoding_state) + (size_t)dense->tiles->length,
        .work = encode_tiles,
    };
    const enum pp_status status = pp_parallel_for(&parallel, run);
    for (int64_t i = 0; status == PP_OK && i < shares; i++)
        dense->residual = job.residuals[i] > dense->residual ? job.residuals[i] : dense->residual;
    free(job.residuals);
    join_sums(dense, shares);
    return status;
}

static double sum_of_row(const uint8_t *bytes, const double *rows, int64_t i, int64_t length)
{
    if (bytes)
        return pp_sum_of_codes(bytes + i * length, length);
    const double *row = rows + i * length;
    double sum[4] = {0};
    for (int64_t f = 0; f + 4 <= length; f += 4)
        for (int k = 0; k < 4; k++)
            sum[k] += row[f + k];
    for (int64_t f = length / 4 * 4; f < length; f++)
        sum[0] += row[f];
    return sum[0] + sum[1] + (sum[2] + sum[3]);
}

static void widen(double *low, double *high, const double *rows, int64_t count, int64_t length)
{
    for (int64_t i = 0; i < count; i++, rows += length)
        for (int64_t f = 0; f < length; f++) {
            low[f] = rows[f] < low[f] ? rows[f] : low[f];
            high[f] = rows[f] > high[f] ? rows[f] : high[f];
        }
}

/* The least of each feature, and the step that takes 255 codes to the greatest of every one. */
static void choose_lattice(pp_dense *dense, const double *rows, int64_t count)
{
    const int64_t length = dense->tiles->length;
    double *high = dense->low + length, widest = 0;
    memcpy(dense->low, dense->tiles->features, (size_t)length * sizeof *high);
    memcpy(high, dense->tiles->features, (size_t)length * sizeof *high);
    widen(dense->low, high, dense->tiles->features, dense->tiles->count, length);
    widen(dense->low, high, rows, count, length);
    for (int64_t f = 0; f < length; f++)
        widest = fmax(widest, high[f] - dense->low[f]);
    dense->step = widest / MOST_CODE;
}

void pp_sort_by_sum(const uint8_t *bytes, const double *rows, int64_t count, int64_t length,
                    int32_t *order)
{
    enum { BUCKETS = 1 << 12 };
    int32_t starts[BUCKETS] = {0};
    double low = INFINITY, high = -INFINITY;
    for (int64_t i = 0; i < count; i++) {
        const double sum = sum_of_row(bytes, rows, i, length);
        low = fmin(low, sum);
        high = fmax(high, sum);
    }
    const double scale = high > low && high - low < INFINITY ? (BUCKETS - 1) / (high - low) : 0;
    for (int pass = 0; pass < 2; pass++) {
        for (int64_t i = 0; i < count; i++) {
            const double place = (sum_of_row(bytes, rows, i, length) - low) * scale;
            const int bucket = place >= 0 && place < BUCKETS ? (int)place : 0;
            if (pass == 0)
                starts[bucket]++;
            else
                order[starts[bucket]++] = (int32_t)i;
        }
        for (int32_t b = 0, start = 0, own; pass == 0 && b < BUCKETS; b++, start += own) {
            own = starts[b];
            starts[b] = start;
        }
    }
}

static bool allocate(pp_dense *dense, int64_t shares)
{
    pp_codes *codes = &dense->codes;
    const int lanes = pp_kernels->dense->lanes;
    codes->groups =
        (dense->tiles->length + pp_kernels->dense->dot_of - 1) / pp_kernels->dense->dot_of;
    codes->vectors = shares * BLOCK / lanes;
    dense->block = BLOCK / lanes;
    while (codes->vectors / dense->block >= MOST_BLOCKS)
        dense->block *= 2;
    dense->blocks = (codes->vectors + dense->block - 1) / dense->block;
    const size_t tiles = (size_t)shares * BLOCK;
    codes->dots = calloc(tiles, sizeof *codes->dots * (size_t)codes->groups);
    codes->norms = malloc(tiles * sizeof *codes->norms);
    codes->halves = malloc(tiles * sizeof *codes->halves);
    dense->order = malloc(tiles * sizeof *dense->order);
    dense->sums = malloc(2 * (size_t)shares * sizeof *dense->sums);
    return codes->dots && codes->norms && codes->halves && dense->order && dense->sums;
}

enum pp_status pp_dense_build(pp_dense *dense, const pp_match_job *job, bool *usable,
                              const pp_run *run)
{
    const pp_tiles *tiles = &job->tiles;
    const int64_t shares = (tiles->count + BLOCK - 1) / BLOCK;
    *dense = (pp_dense){.tiles = tiles, .step = 1, .is_exact = job->in_integers};
    dense->low = calloc((size_t)tiles->length, 2 * sizeof *dense->low);
    if (!dense->low)
        return PP_NO_MEMORY;
    if (!dense->is_exact)
        choose_lattice(dense, job->rows, job->count);
    *usable = 1e-100 < dense->step && dense->step < 1e100;
    if (!*usable)
        return PP_OK;
    if (!allocate(dense, shares))
        return PP_NO_MEMORY;
    pp_sort_by_sum(tiles->bytes, tiles->features, tiles->count, tiles->length, dense->order);
    return encode_all(dense, shares, run);
}

void pp_dense_free(pp_dense *dense)
{
    free(dense->low);
    free(dense->codes.dots);
    free(dense->codes.norms);
    free(dense->codes.halves);
    free(dense->order);
    free(dense->sums);
}
