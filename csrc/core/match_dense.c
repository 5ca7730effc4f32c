/* Matching tiles of many features: integer dot products find the few that may be nearest.

   Features become codes u of 8 bits, on a lattice of one step for all features:

       target = low + step * u + e,   tile = low + step * v + r

   Let D be the squared distance |u - v|^2 of the codes, an integer, and E >= |e|, R >= |r|. By the
   triangle inequality

       |target - tile| >= step * sqrt(D) - E - R

   So where a tile is known at the distance B, all with step * sqrt(D) > B + E + R are further away;
   the distances of the few others are computed as the contract says. For uint8 the codes are the
   features, and D is the distance itself.

   D = |u|^2 + |v|^2 - 2 u.v costs one dot product of integers. Instructions exist for these, with
   unsigned and signed bytes (VNNI) or with 16-bit integers; with w = 127 - u, or w = -u,

       D = |u|^2 + norm + 2 v.w,   norm = |v|^2 - 254 sum(v),   or   norm = |v|^2

   where |u|^2 does not depend on the tile. The rest is its score; |score| < 2^31 as long as there
   are no more than PP_DENSE_FEATURES features: 2 |v.w| <= 2 * 65025 each, and the same for the norm
   on the other side.

   Rounding. x = target - low, step * u and x - step * u are each rounded by a factor 1 + 2^-53 at
   most, so |e| <= |x - step * u| as computed + 2^-50 (|x| + 255 step). Sums of up to 2^14 squares,
   and their roots, are off by a factor of less than 1 + 1e-11. SLACK is far above all of that, and
   so are 1e-6 steps above underflow, for steps between 1e-100 and 1e100. */
#include "match_dense.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"
#include "dispatch.h"
#include "parallel.h"

#define WITH_VNNI
#define TEMPLATE "match_dense_template.h"
#include "each_isa.h"

#define SLACK 1e-9

enum {
    BLOCK = 128,            /* tiles in a block, at least, and in a share of the encoding */
    MOST_BLOCKS = 1 << 10,  /* so that their least scores stay below 1 MiB */
    MOST_CODE = 255,
    BUDGET = 1 << 17,       /* features of candidates of a target that may be looked at */
    FAR_AWAY = INT32_MAX - 1, /* the norm of no tile */
};

/* --- codes --- */

/* The codes of a row, and a bound of its distance from them. */
static double encode(const pp_dense *dense, const double *row, uint8_t *codes)
{
    const int64_t length = dense->tiles->length;
    const double step = dense->step, inverse = 1 / step;
    double sum = 0;
    for (int64_t f = 0; f < length; f++) {
        const double x = row[f] - dense->low[f];
        double place = x * inverse + 0.5;
        place = place < 0 ? 0 : place;
        place = place > MOST_CODE ? MOST_CODE : place;
        codes[f] = (uint8_t)place;
        const double off = fabs(x - step * codes[f]) + 0x1p-50 * (fabs(x) + MOST_CODE * step);
        sum += off * off;
    }
    return dense->is_exact ? 0 : sqrt(sum) * (1 + SLACK);
}

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
    int32_t *first = to->dots + tile / lanes * to->groups * lanes + tile % lanes;
    int32_t norm = 0;
    for (int64_t f = 0; f < dense->tiles->length; f++) {
        put_code(first + f / dot_of * lanes, dot_of, f % dot_of, codes[f]);
        norm += codes[f] * (codes[f] - (dot_of == 4 ? 254 : 0));
    }
    to->norms[tile] = norm;
    to->halves[tile] = (norm - (norm & 1)) / 2;
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

static bool encode_tiles(const void *shared, void *state, pp_slice *slice)
{
    const encoding *job = shared;
    encoding_state *s = state;
    const pp_tiles *tiles = job->dense->tiles;
    for (int64_t item; (item = pp_slice_draw(slice)) >= 0;) {
        double most = 0;
        for (int64_t i = item * BLOCK; i < (item + 1) * BLOCK; i++) {
            if (i >= tiles->count) {
                job->dense->codes.norms[i] = FAR_AWAY;
                job->dense->codes.halves[i] = FAR_AWAY / 2;
                continue;
            }
            const double residual = encode(job->dense, tiles->features + i * tiles->length,
                                           s->codes);
            put_tile(job->dense, i, s->codes);
            most = residual > most ? residual : most;
        }
        job->residuals[item] = most;
        if (pp_slice_over(slice))
            return false;
    }
    return true;
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
    return status;
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

static bool allocate(pp_dense *dense, int64_t shares)
{
    pp_codes *codes = &dense->codes;
    const int lanes = pp_kernels->dense->lanes;
    codes->groups = (dense->tiles->length + pp_kernels->dense->dot_of - 1) /
                    pp_kernels->dense->dot_of;
    codes->vectors = shares * BLOCK / lanes;
    dense->block = BLOCK / lanes;
    while (codes->vectors / dense->block >= MOST_BLOCKS)
        dense->block *= 2;
    dense->blocks = (codes->vectors + dense->block - 1) / dense->block;
    const size_t tiles = (size_t)shares * BLOCK;
    codes->dots = calloc(tiles, sizeof *codes->dots * (size_t)codes->groups);
    codes->norms = malloc(tiles * sizeof *codes->norms);
    codes->halves = malloc(tiles * sizeof *codes->halves);
    return codes->dots && codes->norms && codes->halves;
}

enum pp_status pp_dense_build(pp_dense *dense, const pp_tiles *tiles, const double *rows,
                              int64_t count, bool is_exact, bool *usable, const pp_run *run)
{
    const int64_t shares = (tiles->count + BLOCK - 1) / BLOCK;
    *dense = (pp_dense){.tiles = tiles, .step = 1, .is_exact = is_exact};
    dense->low = calloc((size_t)tiles->length, 2 * sizeof *dense->low);
    if (!dense->low)
        return PP_NO_MEMORY;
    if (!is_exact)
        choose_lattice(dense, rows, count);
    *usable = 1e-100 < dense->step && dense->step < 1e100;
    if (!*usable)
        return PP_OK;
    return allocate(dense, shares) ? encode_all(dense, shares, run) : PP_NO_MEMORY;
}

void pp_dense_free(pp_dense *dense)
{
    free(dense->low);
    free(dense->codes.dots);
    free(dense->codes.norms);
    free(dense->codes.halves);
}

/* --- a packet of targets --- */

static int64_t lanes_of_block(const pp_dense *dense)
{
    return dense->block * pp_kernels->dense->lanes;
}

/* The codes of the targets, the least scores, and the candidates of a block. */
int64_t pp_dense_memory(const pp_dense *dense)
{
    return PP_PACKET * (dense->codes.groups + dense->blocks * pp_kernels->dense->lanes) +
           2 * lanes_of_block(dense) + dense->tiles->length;
}

static int32_t *codes_of(const pp_dense *dense, const pp_dense_search *search, int lane)
{
    return search->memory + lane * dense->codes.groups;
}

static int32_t *least_of(const pp_dense *dense, const pp_dense_search *search, int lane)
{
    return codes_of(dense, search, PP_PACKET) + lane * dense->blocks * pp_kernels->dense->lanes;
}

void pp_dense_begin(const pp_dense *dense, pp_dense_search *search, const double *rows[PP_PACKET])
{
    const int dot_of = pp_kernels->dense->dot_of;
    const int64_t length = dense->tiles->length;
    uint8_t *codes = (uint8_t *)least_of(dense, search, PP_PACKET);
    memset(search->memory, 0, (size_t)(PP_PACKET * dense->codes.groups) * sizeof(int32_t));
    for (int lane = 0; lane < PP_PACKET; lane++) {
        int32_t *to = codes_of(dense, search, lane);
        int64_t square = 0;
        search->residual[lane] = encode(dense, rows[lane], codes);
        for (int64_t f = 0; f < length; f++) {
            const int code = dot_of == 4 ? 127 - codes[f] : -codes[f];
            put_code(to + f / dot_of, dot_of, f % dot_of, code);
            square += codes[f] * codes[f];
        }
        search->square[lane] = (double)square;
    }
    search->block = 0;
    search->lane = 0;
}

/* The contract's distance. */
static double distance_between(const double *target, const double *tile, int64_t length)
{
    double sum = 0;
    for (int64_t f = 0; f < length; f++) {
        const double difference = target[f] - tile[f];
        sum += difference * difference;
    }
    return sum;
}

/* The candidates for one target. */
typedef struct selection {
    const pp_dense *dense;
    const double *row;
    const int32_t *codes, *least;
    int32_t *numbers, *scores; /* of a block */
    double square;
    int64_t budget;
    double distance; /* of the nearest so far */
    double number;
} selection;

static int64_t next_block(const selection *s, int64_t from, int32_t limit)
{
    return pp_kernels->dense->find(s->least, from, s->dense->blocks, limit);
}

static int64_t candidates_in(selection *s, int64_t block, int32_t limit)
{
    const pp_codes *codes = &s->dense->codes;
    const int64_t first = block * s->dense->block, end = first + s->dense->block;
    return pp_kernels->dense->candidates(codes, first, end < codes->vectors ? end : codes->vectors,
                                         s->codes, limit, s->numbers, s->scores);
}

static double distance_of(const selection *s, int64_t candidate)
{
    const pp_tiles *tiles = s->dense->tiles;
    if (s->dense->is_exact)
        return s->square + s->scores[candidate];
    return distance_between(s->row, tiles->features + s->numbers[candidate] * tiles->length,
                            tiles->length);
}

static int32_t least_half(const selection *s)
{
    int32_t half = INT32_MAX;
    for (int64_t i = 0; i < s->dense->blocks * pp_kernels->dense->lanes; i++)
        half = s->least[i] < half ? s->least[i] : half;
    return half;
}

/* The highest score that the nearest tile may have, as far as is known from the one with the least;
   or INT32_MAX, which is more than any. */
static int32_t score_limit(selection *s, int32_t half, double residual)
{
    if (s->dense->is_exact)
        return 2 * half + 1;
    const int64_t found = candidates_in(s, next_block(s, 0, half), 2 * half + 1);
    double distance = INFINITY;
    for (int64_t i = 0; i < found && i < 2; i++)
        distance = fmin(distance, distance_of(s, i));
    const double reach = sqrt(distance) * (1 + SLACK) + residual + s->dense->residual;
    const double codes = reach / s->dense->step + 1e-6;
    const double score = codes * codes * (1 + SLACK) + 1 - s->square;
    return score < FAR_AWAY / 2 ? (int32_t)score : INT32_MAX;
}

/* Compute the distances of all candidates; false: they are too many. */
static bool choose(selection *s, int32_t limit)
{
    const int64_t length = s->dense->tiles->length;
    for (int64_t block = next_block(s, 0, limit >> 1); block < s->dense->blocks;
         block = next_block(s, block + 1, limit >> 1)) {
        const int64_t found = candidates_in(s, block, limit);
        s->budget -= s->dense->is_exact ? 0 : (found + lanes_of_block(s->dense) / 64) * length;
        if (s->budget < 0)
            return false;
        for (int64_t i = 0; i < found; i++) {
            const double distance = distance_of(s, i);
            if (distance < s->distance) {
                s->distance = distance;
                s->number = s->numbers[i];
            }
        }
    }
    return true;
}

static bool finish_target(const pp_dense *dense, const pp_dense_search *search, int lane,
                          const double *row, pp_packet *packet)
{
    selection s = {
        .dense = dense,
        .row = row,
        .codes = codes_of(dense, search, lane),
        .least = least_of(dense, search, lane),
        .numbers = least_of(dense, search, PP_PACKET),
        .square = search->square[lane],
        .budget = BUDGET,
        .distance = INFINITY,
    };
    s.scores = s.numbers + lanes_of_block(dense);
    const int32_t limit = score_limit(&s, least_half(&s), search->residual[lane]);
    if (limit == INT32_MAX || !choose(&s, limit))
        return false;
    packet->distance[lane] = s.distance;
    packet->number[lane] = s.number;
    return true;
}

enum pp_dense_state pp_dense_advance(const pp_dense *dense, pp_dense_search *search,
                                     const double *rows[PP_PACKET], pp_packet *packet,
                                     int64_t steps)
{
    const int64_t stride = dense->blocks * pp_kernels->dense->lanes;
    for (; search->block < dense->blocks; search->block++) {
        if (steps < 0)
            return PP_DENSE_GO_ON;
        const int64_t first = search->block * dense->block, end = first + dense->block;
        const int64_t stop = end < dense->codes.vectors ? end : dense->codes.vectors;
        pp_kernels->dense->least(&dense->codes, first, stop, search->memory,
                                 least_of(dense, search, 0) +
                                     search->block * pp_kernels->dense->lanes,
                                 stride);
        steps -= dense->block * dense->codes.groups;
    }
    for (; search->lane < PP_PACKET; search->lane++)
        if (!finish_target(dense, search, search->lane, rows[search->lane], packet))
            return PP_DENSE_GIVE_UP;
    return PP_DENSE_DONE;
}
