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
   stands together. Blocks of tiles whose sums are too far off are left out: see look_again. */
#include "match_dense.h"

#include <math.h>
#include <stdatomic.h>

#include "common.h"
#include "dispatch.h"
#include "parallel.h"

#define WITH_VNNI
#define TEMPLATE "match_dense_template.h"
#include "each_isa.h"

enum { BUDGET = 1 << 17 }; /* features of candidates of a target that may be looked at */

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
    const double reach = sqrt(distance) * (1 + PP_SLACK) + residual + s->dense->residual;
    const double codes = reach / s->dense->step + 1e-6;
    const double score = codes * codes * (1 + PP_SLACK) + 1 - s->square;
    return score < PP_FAR_AWAY / 2 ? (int32_t)score : INT32_MAX;
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
    const int64_t lanes = lanes_of_blocks(dense) + pp_kernels->dense->lanes;
    const int64_t numbers =
        PP_DENSE_TARGETS * (dense->codes.groups + lanes) + 2 * lanes_of_block(dense);
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

static int32_t *candidates_of(const pp_dense *dense, dense_state *s)
{
    return least_of(dense, s, PP_DENSE_TARGETS);
}

/* Of all blocks that are behind the target, each lane for itself. */
static int32_t *least_ever(const pp_dense *dense, dense_state *s, int target)
{
    return candidates_of(dense, s) + 2 * lanes_of_block(dense) + target * pp_kernels->dense->lanes;
}

static void begin_target(const dense_call *call, dense_state *s, int target)
{
    const pp_dense *dense = call->dense;
    const pp_match_job *job = call->job;
    const int64_t length = dense->tiles->length, first = job->queue[s->first + target] * length;
    uint8_t *memory = (uint8_t *)least_ever(dense, s, PP_DENSE_TARGETS);
    const uint8_t *codes = job->bytes ? job->bytes + first : memory;
    s->residual[target] = job->bytes ? 0 : pp_encode(dense, job->rows + first, memory);
    pp_put_target(codes_of(dense, s, target), codes, length);
    s->square[target] = pp_square_of_codes(codes, length);
    s->sum[target] = pp_sum_of_codes(codes, length);
    s->reach[target] = INFINITY;
    for (int l = 0; l < pp_kernels->dense->lanes; l++)
        least_ever(dense, s, target)[l] = INT32_MAX;
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
        begin_target(call, s, t);
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
    const double root = sqrt((double)dense->tiles->length) * (1 + PP_SLACK);
    for (int t = 0; t < s->count; t++) {
        const int32_t half = pp_kernels->dense->minimum(least_ever(dense, s, t));
        const double codes = sqrt(s->square[t] + 2.0 * half + 1) * (1 + PP_SLACK);
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

/* The targets pass a block: those whom it may concern, from the first to the last. */
static void pass_block(const pp_dense *dense, dense_state *s, int64_t block)
{
    const int64_t from = block * dense->block, end = from + dense->block;
    const int64_t to = end < dense->codes.vectors ? end : dense->codes.vectors;
    const int lanes = pp_kernels->dense->lanes;
    int first = 0, stop = (s->count + PP_DENSE_STEP - 1) / PP_DENSE_STEP * PP_DENSE_STEP;
    while (first < stop && !any_reaches(dense, s, first, block))
        first += PP_DENSE_STEP;
    while (first < stop && !any_reaches(dense, s, stop - PP_DENSE_STEP, block))
        stop -= PP_DENSE_STEP;
    for (int t = 0; t < s->count; t++)
        if (t < first || t >= stop)
            for (int l = 0; l < lanes; l++)
                least_of(dense, s, t)[block * lanes + l] = INT32_MAX;
    if (first < stop)
        pp_kernels->dense->least(&dense->codes, from, to, codes_of(dense, s, first), stop - first,
                                 least_of(dense, s, first) + block * lanes, lanes_of_blocks(dense),
                                 least_ever(dense, s, first));
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
        .row = job->bytes ? NULL : job->rows + target * job->tiles.length,
        .codes = codes_of(dense, s, s->next),
        .least = least_of(dense, s, s->next),
        .places = candidates_of(dense, s),
        .square = s->square[s->next],
        .budget = BUDGET,
        .distance = INFINITY,
        .number = INFINITY,
    };
    chosen.scores = chosen.places + lanes_of_block(dense);
    const int32_t half = pp_kernels->dense->minimum(least_ever(dense, s, s->next));
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
