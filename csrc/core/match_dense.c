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

   Tiles and targets are sorted by the sums of their features, so that what is alike in brightness
   stands together. Blocks of tiles whose sums are too far off are left out: see look_again.

   Rounding. x = target - low, step * u and x - step * u are each rounded by a factor 1 + 2^-53 at
   most, so |e| <= |x - step * u| as computed + 2^-50 (|x| + 255 step). Sums of up to 2^14 squares,
   and their roots, are off by a factor of less than 1 + 1e-11. SLACK is far above all of that, and
   so are 1e-6 steps above underflow, for steps between 1e-100 and 1e100. */
#include "match_dense.h"

#include <math.h>
#include <stdatomic.h>
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
    BLOCK = 128,          /* tiles in a block, at least, and in a share of the encoding */
    MOST_BLOCKS = 1 << 8, /* so that their least scores take 1 MiB at most */
    MOST_CODE = 255,
    BUDGET = 1 << 17,         /* features of candidates of a target that may be looked at */
    FAR_AWAY = INT32_MAX - 1, /* the norm of no tile */
};

/* --- codes --- */

/* The codes of a row, and a bound of its distance from them. */
static double encode(const pp_dense *dense, const double *row, uint8_t *codes)
{
    const int64_t length = dense->tiles->length;
    const double step = dense->step, inverse = 1 / step;
    double sum = 0;
    if (dense->is_exact) {
        for (int64_t f = 0; f < length; f++)
            codes[f] = (uint8_t)row[f];
        return 0;
    }
    for (int64_t f = 0; f < length; f++) {
        const double x = row[f] - dense->low[f];
        double place = x * inverse + 0.5;
        place = place < 0 ? 0 : place;
        place = place > MOST_CODE ? MOST_CODE : place;
        codes[f] = (uint8_t)place;
        const double off = fabs(x - step * codes[f]) + 0x1p-50 * (fabs(x) + MOST_CODE * step);
        sum += off * off;
    }
    return sqrt(sum) * (1 + SLACK);
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

static int32_t sum_of(const uint8_t *codes, int64_t length)
{
    int32_t sum = 0;
    for (int64_t f = 0; f < length; f++)
        sum += codes[f];
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

static bool encode_tiles(const void *shared, void *state, pp_slice *slice)
{
    const encoding *job = shared;
    encoding_state *s = state;
    const pp_tiles *tiles = job->dense->tiles;
    for (int64_t item; (item = pp_slice_draw(slice)) >= 0;) {
        double most = 0;
        job->dense->sums[2 * item] = INT32_MAX;
        job->dense->sums[2 * item + 1] = INT32_MIN;
        for (int64_t i = item * BLOCK; i < (item + 1) * BLOCK; i++) {
            if (i >= tiles->count) {
                job->dense->codes.norms[i] = FAR_AWAY;
                job->dense->codes.halves[i] = FAR_AWAY / 2;
                continue;
            }
            const double *row = tiles->features + job->dense->order[i] * tiles->length;
            const double residual = encode(job->dense, row, s->codes);
            put_tile(job->dense, i, s->codes);
            note_sum(job->dense, i, sum_of(s->codes, tiles->length));
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

static double sum_of_row(const double *row, int64_t length)
{
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

void pp_sort_by_sum(const double *rows, int64_t count, int64_t length, int32_t *order)
{
    enum { BUCKETS = 1 << 12 };
    int32_t starts[BUCKETS] = {0};
    double low = INFINITY, high = -INFINITY;
    for (int64_t i = 0; i < count; i++) {
        const double sum = sum_of_row(rows + i * length, length);
        low = fmin(low, sum);
        high = fmax(high, sum);
    }
    const double scale = high > low && high - low < INFINITY ? (BUCKETS - 1) / (high - low) : 0;
    for (int pass = 0; pass < 2; pass++) {
        for (int64_t i = 0; i < count; i++) {
            const double place = (sum_of_row(rows + i * length, length) - low) * scale;
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
    pp_sort_by_sum(tiles->features, tiles->count, tiles->length, dense->order);
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

static int64_t lanes_of_block(const pp_dense *dense)
{
    return dense->block * pp_kernels->dense->lanes;
}

static int64_t lanes_of_blocks(const pp_dense *dense)
{
    return dense->blocks * pp_kernels->dense->lanes;
}

/* --- the candidates for one target --- */

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

/* What is known of the tile nearest to one target. */
typedef struct selection {
    const pp_dense *dense;
    const double *row;
    const int32_t *codes, *least;
    int32_t *places, *scores; /* of a block */
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
                                         s->codes, limit, s->places, s->scores);
}

static double distance_of(const selection *s, int64_t candidate)
{
    const pp_tiles *tiles = s->dense->tiles;
    if (s->dense->is_exact)
        return s->square + s->scores[candidate];
    const int32_t tile = s->dense->order[s->places[candidate]];
    return distance_between(s->row, tiles->features + tile * tiles->length, tiles->length);
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
            const double distance = distance_of(s, i), number = s->dense->order[s->places[i]];
            if (distance < s->distance || (distance == s->distance && number < s->number)) {
                s->distance = distance;
                s->number = number;
            }
        }
    }
    return true;
}

/* --- targets on their way past the tiles --- */

typedef struct dense_call {
    const pp_dense *dense;
    pp_match_job *job;
    atomic_int_fast32_t listed;
} dense_call;

typedef struct dense_state {
    pp_worker worker;
    int64_t first;                  /* in the queue */
    int count;                      /* targets that are drawn; none: others have to be */
    int next;                       /* of them, after the last block */
    int64_t left, right;            /* the blocks left … right - 1 are behind them */
    int64_t looks;                  /* so many blocks later the reaches are looked at again */
    int32_t sum[PP_DENSE_TARGETS];  /* of the codes */
    double reach[PP_DENSE_TARGETS]; /* how far from its sum the nearest tile's may be */
    double residual[PP_DENSE_TARGETS];
    double square[PP_DENSE_TARGETS]; /* the sum of the squares of the codes */
    int32_t memory[];
} dense_state;

/* The codes of the targets, their least scores, the candidates of a block, the codes of a row. */
static size_t state_size(const pp_dense *dense)
{
    const int64_t numbers = PP_DENSE_TARGETS * (dense->codes.groups + lanes_of_blocks(dense)) +
                            2 * lanes_of_block(dense);
    return sizeof(dense_state) + (size_t)numbers * sizeof(int32_t) + (size_t)dense->tiles->length;
}

static int32_t *codes_of(const pp_dense *dense, dense_state *s, int64_t target)
{
    return s->memory + target * dense->codes.groups;
}

static int32_t *least_of(const pp_dense *dense, dense_state *s, int64_t target)
{
    return codes_of(dense, s, PP_DENSE_TARGETS) + target * lanes_of_blocks(dense);
}

static void begin_target(const pp_dense *dense, dense_state *s, int target, const double *row)
{
    const int dot_of = pp_kernels->dense->dot_of;
    int32_t *to = codes_of(dense, s, target);
    uint8_t *codes = (uint8_t *)(least_of(dense, s, PP_DENSE_TARGETS) + 2 * lanes_of_block(dense));
    int64_t square = 0;
    s->residual[target] = encode(dense, row, codes);
    for (int64_t f = 0; f < dense->tiles->length; f++) {
        put_code(to + f / dot_of, dot_of, f % dot_of, dot_of == 4 ? 127 - codes[f] : -codes[f]);
        square += codes[f] * codes[f];
    }
    s->square[target] = (double)square;
    s->sum[target] = sum_of(codes, dense->tiles->length);
    s->reach[target] = INFINITY;
}

static void begin(const dense_call *call, dense_state *s, int64_t item)
{
    const pp_match_job *job = call->job;
    const int64_t left = job->count - item * PP_DENSE_TARGETS;
    s->first = item * PP_DENSE_TARGETS;
    s->count = left < PP_DENSE_TARGETS ? (int)left : PP_DENSE_TARGETS;
    s->next = 0;
    s->looks = 1;
    for (int t = 0; t < s->count; t++)
        begin_target(call->dense, s, t, job->rows + job->queue[s->first + t] * job->tiles.length);
    const int32_t middle = s->sum[s->count / 2], *sums = call->dense->sums;
    for (s->left = 0; s->left < call->dense->blocks - 1 && sums[2 * s->left + 1] < middle;)
        s->left++;
    s->right = s->left;
}

/* How far outside of the sums of this block a sum is. */
static int32_t gap(const pp_dense *dense, int64_t block, int32_t sum)
{
    const int32_t *ends = dense->sums + 2 * block;
    return sum < ends[0] ? ends[0] - sum : sum > ends[1] ? sum - ends[1] : 0;
}

/* The reach of each target, from the least score so far. A tile is known at the distance
   step * sqrt(D) + E + R, or nearer, and another one whose sum is off by g has
   D >= g * g / length (Cauchy and Schwarz), so that its distance is at least
   step * g / sqrt(length) - E - R. */
static void look_again(const pp_dense *dense, dense_state *s)
{
    const double root = sqrt((double)dense->tiles->length) * (1 + SLACK);
    const int lanes = pp_kernels->dense->lanes;
    for (int t = 0; t < s->count; t++) {
        const int32_t *least = least_of(dense, s, t) + s->left * lanes;
        const int32_t half = pp_kernels->dense->minimum(least, s->right - s->left);
        const double codes = sqrt(s->square[t] + 2.0 * half + 1) * (1 + SLACK);
        const double off = 2 * (s->residual[t] + dense->residual) / dense->step;
        s->reach[t] = (codes + off + 1e-6) * root;
    }
    s->looks *= 4;
}

static bool any_reaches(const pp_dense *dense, const dense_state *s, int first, int64_t block)
{
    bool any = false;
    for (int t = first; t < first + PP_DENSE_STEP && t < s->count; t++)
        any |= gap(dense, block, s->sum[t]) <= s->reach[t];
    return any;
}

/* The targets pass a block, those whom it may concern. */
static void pass_block(const pp_dense *dense, dense_state *s, int64_t block)
{
    const int64_t first = block * dense->block, end = first + dense->block;
    const int64_t stop = end < dense->codes.vectors ? end : dense->codes.vectors;
    const int lanes = pp_kernels->dense->lanes;
    for (int t = 0; t < s->count; t += PP_DENSE_STEP) {
        int32_t *to = least_of(dense, s, t) + block * lanes;
        if (any_reaches(dense, s, t, block))
            pp_kernels->dense->least(&dense->codes, first, stop, codes_of(dense, s, t),
                                     PP_DENSE_STEP, to, lanes_of_blocks(dense));
        else
            for (int k = 0; k < PP_DENSE_STEP; k++)
                for (int l = 0; l < lanes; l++)
                    to[k * lanes_of_blocks(dense) + l] = INT32_MAX;
    }
}

/* To the right or to the left, where the sums are nearer to those of the targets. */
static void pass_next_block(const pp_dense *dense, dense_state *s)
{
    const int32_t middle = s->sum[s->count / 2];
    const bool is_right =
        s->left == 0 || (s->right < dense->blocks &&
                         gap(dense, s->right, middle) <= gap(dense, s->left - 1, middle));
    pass_block(dense, s, is_right ? s->right++ : --s->left);
    if (s->right - s->left == s->looks)
        look_again(dense, s);
}

static void finish_target(dense_call *call, dense_state *s)
{
    const pp_dense *dense = call->dense;
    pp_match_job *job = call->job;
    const int32_t target = job->queue[s->first + s->next];
    selection chosen = {
        .dense = dense,
        .row = job->rows + target * job->tiles.length,
        .codes = codes_of(dense, s, s->next),
        .least = least_of(dense, s, s->next),
        .places = least_of(dense, s, PP_DENSE_TARGETS),
        .square = s->square[s->next],
        .budget = BUDGET,
        .distance = INFINITY,
        .number = INFINITY,
    };
    chosen.scores = chosen.places + lanes_of_block(dense);
    const int32_t half = pp_kernels->dense->minimum(chosen.least, dense->blocks);
    const int32_t limit = score_limit(&chosen, half, s->residual[s->next]);
    if (limit < INT32_MAX && choose(&chosen, limit)) {
        pp_put_match(job, target, chosen.distance, chosen.number);
        s->worker.done++;
    } else {
        job->order[atomic_fetch_add(&call->listed, 1)] = target;
    }
    if (++s->next == s->count)
        s->count = 0;
}

static bool match_codes(const void *shared, void *state, pp_slice *slice)
{
    dense_call *call = (dense_call *)shared;
    dense_state *s = state;
    do {
        if (s->count == 0) {
            const int64_t item = pp_slice_draw(slice);
            if (item < 0)
                return true;
            begin(call, s, item);
        }
        if (s->right - s->left < call->dense->blocks)
            pass_next_block(call->dense, s);
        else
            finish_target(call, s);
    } while (!pp_slice_over(slice));
    return false;
}

enum pp_status pp_match_dense(const pp_dense *dense, pp_match_job *job, const pp_run *run)
{
    dense_call call = {.dense = dense, .job = job};
    const int64_t items = (job->count + PP_DENSE_TARGETS - 1) / PP_DENSE_TARGETS;
    const double dots = (double)(dense->codes.vectors * dense->codes.groups);
    const pp_job parallel = {
        .shared = &call,
        .items = items,
        .total = job->count,
        .max_workers = pp_match_workers(items, (double)job->count * dots),
        .state_size = state_size(dense),
        .work = match_codes,
    };
    const enum pp_status status = pp_parallel_for(&parallel, run);
    job->listed = call.listed;
    return status;
}
