/* Codes of the tiles, where there are many features; and long lists, where bounds of all costs
   would take too much memory (see assign_bounds.c), so that few groups ever look at all tiles
   again.

   Features become codes of 8 bits (see match_dense.c), whose squared distance D, an integer, costs
   one dot product. For uint8 it is the distance itself; else

       |target - tile|  >=  step * sqrt(D) - E - R

   with what the codes of the target and of any tile leave out. A long list holds the D of the tiles
   with the least bound + price; what it leaves out came to `rest` or more, and prices only rise.
   The lists that groups bid by are chosen from it, at true distances, as long as they lie below
   that. */
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "assign.h"
#include "dispatch.h"
#include "parallel.h"

enum {
    MANY_FEATURES = 48,
    BLOCK = 128,   /* tiles that are compared with all targets of a party before the next ones */
    LENGTH = 1536, /* of a long list */
    ROOM = LENGTH + LENGTH / 2,
    PARTIES = 2, /* of PP_DENSE_TARGETS each, or they are made smaller */
};

/* Groups that look at all tiles together. */
typedef struct party_state {
    pp_worker worker;
    int64_t first, count; /* of those that wait; none: others have to be drawn */
    int64_t square[PP_DENSE_TARGETS];
    int32_t found[PP_DENSE_TARGETS];
    double cutoff[PP_DENSE_TARGETS];
    int32_t halves[PP_DENSE_TARGETS * BLOCK];
    int32_t sum[PP_DENSE_TARGETS]; /* of the codes */
    int64_t left, right;           /* the blocks left … right - 1 are behind the party */
    pp_candidate candidates[];     /* [targets][ROOM]; then the codes of the targets, and of one */
} party_state;

typedef struct party_job {
    pp_auction *auction;
    int64_t size;   /* of a party */
    int64_t blocks; /* of tiles */
} party_job;

double pp_least_cost(const pp_dense *dense, double residual, double square)
{
    if (dense->is_exact)
        return square;
    const double off = residual + dense->residual;
    const double distance = dense->step * sqrt(square) * (1 - PP_SLACK) - off;
    return distance > 0 ? distance * distance * (1 - PP_SLACK) : 0;
}

int64_t pp_target_codes(const pp_auction *a, int32_t group, int32_t *to, uint8_t *bytes,
                        double *residual)
{
    const int64_t length = a->targets.length, first = group * length;
    const uint8_t *codes = a->targets.bytes ? a->targets.bytes + first : bytes;
    *residual = 0;
    if (!a->targets.bytes)
        *residual = pp_encode(&a->codes.dense, a->targets.rows + first, bytes);
    pp_put_target(to, codes, length);
    return pp_square_of_codes(codes, length);
}

static double least_cost(const pp_codes_of_tiles *codes, int32_t group, double square)
{
    return pp_least_cost(&codes->dense, codes->residual[group], square);
}

static pp_candidate *candidates_of(party_state *s, int64_t target)
{
    return s->candidates + target * ROOM;
}

/* The codes of the targets, and of one as bytes. */
static int32_t *codes_of(const party_job *job, party_state *s, int64_t target)
{
    int32_t *codes = (int32_t *)(void *)candidates_of(s, job->size);
    return codes + target * job->auction->codes.dense.codes.groups;
}

static void drop_worst(party_state *s, int64_t target)
{
    if (s->found[target] <= LENGTH)
        return;
    const double worst = pp_select_least(candidates_of(s, target), s->found[target], LENGTH);
    s->cutoff[target] = fmin(s->cutoff[target], worst);
    s->found[target] = LENGTH;
}

/* As many tiles as are in a full list are at most as bad as the worst in it. */
static double first_cutoff(const pp_auction *a, int32_t group)
{
    const int32_t *tiles;
    const int64_t count = pp_long_list(a, group, &tiles);
    double cutoff = 0;
    if (count < LENGTH || a->targets.size[group] > 1)
        return DBL_MAX;
    for (int64_t k = 0; k < count; k++)
        cutoff = fmax(cutoff, pp_long_list_cost(a, group, k) + a->price[tiles[k]]);
    return cutoff;
}

static void begin_target(const party_job *job, party_state *s, int64_t target)
{
    const pp_auction *a = job->auction;
    const int32_t group = a->waiting[s->first + target];
    uint8_t *bytes = (uint8_t *)codes_of(job, s, job->size);
    s->square[target] =
        pp_target_codes(a, group, codes_of(job, s, target), bytes, &a->codes.residual[group]);
    s->sum[target] = pp_sum_of_codes(bytes, a->targets.length);
    s->found[target] = 0;
    s->cutoff[target] = first_cutoff(a, group);
}

/* How far from the sums of the tiles in a block this one is. */
static int32_t gap(const pp_dense *dense, int64_t block, int32_t sum)
{
    const int64_t in_block = dense->block * pp_kernels->dense->lanes / BLOCK;
    const int32_t *ends = dense->sums + 2 * (block / in_block);
    return sum < ends[0] ? ends[0] - sum : sum > ends[1] ? sum - ends[1] : 0;
}

static void begin(const party_job *job, party_state *s, int64_t item)
{
    const pp_auction *a = job->auction;
    s->first = item * job->size;
    s->count = a->waits - s->first < job->size ? a->waits - s->first : job->size;
    for (int64_t target = 0; target < s->count; target++)
        begin_target(job, s, target);
    s->right = 0;
    while (s->right + 1 < job->blocks && gap(&a->codes.dense, s->right, s->sum[s->count / 2]) > 0)
        s->right++;
    s->left = s->right;
}

static void pass_tiles(const pp_auction *a, party_state *s, int64_t target, int64_t first,
                       const double *price)
{
    const pp_codes_of_tiles *codes = &a->codes;
    const int32_t group = a->waiting[s->first + target];
    const int32_t *half = s->halves + target * BLOCK, *norms = codes->dense.codes.norms + first;
    pp_candidate *candidates = candidates_of(s, target);
    for (int64_t i = 0; i < BLOCK && first + i < a->tiles.count; i++) {
        const int64_t square = s->square[target] + 2 * (int64_t)half[i] + (norms[i] & 1);
        const double cost = least_cost(codes, group, (double)square);
        if (!(cost + price[i] <= s->cutoff[target]))
            continue;
        const int32_t tile = codes->dense.order[first + i];
        const double value = cost + pp_offer_price(a, group, tile);
        if (!(value <= s->cutoff[target]))
            continue;
        candidates[s->found[target]++] = (pp_candidate){value, (double)square, tile};
        if (s->found[target] == ROOM)
            drop_worst(s, target);
    }
}

/* Sums of codes that differ by g are those of codes at a squared distance of g * g / length at
   least (Cauchy and Schwarz). */
static bool is_near(const pp_auction *a, const party_state *s, int64_t block, double price)
{
    bool any = false;
    for (int64_t target = 0; target < s->count && !any; target++) {
        const double g = gap(&a->codes.dense, block, s->sum[target]);
        const double square = g * g / (double)a->targets.length * (1 - PP_SLACK);
        const int32_t group = a->waiting[s->first + target];
        any = least_cost(&a->codes, group, square) + price <= s->cutoff[target];
    }
    return any;
}

static void pass_block(const party_job *job, party_state *s, int64_t block)
{
    const pp_auction *a = job->auction;
    const pp_dense *dense = &a->codes.dense;
    const int64_t vectors = BLOCK / pp_kernels->dense->lanes, first = block * BLOCK;
    const int64_t steps = (s->count + PP_DENSE_STEP - 1) / PP_DENSE_STEP * PP_DENSE_STEP;
    double price[BLOCK], least = DBL_MAX;
    for (int64_t i = 0; i < BLOCK && first + i < a->tiles.count; i++) {
        price[i] = a->price[dense->order[first + i]];
        least = price[i] < least ? price[i] : least;
    }
    if (!is_near(a, s, block, least))
        return;
    pp_kernels->dense->halves(&dense->codes, block * vectors, (block + 1) * vectors,
                              codes_of(job, s, 0), steps, s->halves, BLOCK);
    for (int64_t target = 0; target < s->count; target++)
        pass_tiles(a, s, target, first, price);
}

/* To the right or to the left, where the sums are nearer. */
static void pass_next_block(const party_job *job, party_state *s)
{
    const pp_dense *dense = &job->auction->codes.dense;
    const int32_t sum = s->sum[s->count / 2];
    const bool is_right =
        s->left == 0 ||
        (s->right < job->blocks && gap(dense, s->right, sum) <= gap(dense, s->left - 1, sum));
    pass_block(job, s, is_right ? s->right++ : --s->left);
}

static void put_long_list(const pp_auction *a, party_state *s, int64_t target)
{
    const pp_codes_of_tiles *codes = &a->codes;
    const int32_t group = a->waiting[s->first + target];
    const pp_candidate *candidates = candidates_of(s, target);
    drop_worst(s, target);
    pp_list *list = &codes->lists[group];
    list->count = s->found[target];
    list->rest = s->cutoff[target];
    for (int32_t k = 0; k < list->count; k++) {
        codes->listed[(int64_t)group * LENGTH + k] = candidates[k].tile;
        pp_long_list_put(a, group, k, least_cost(codes, group, candidates[k].cost));
    }
}

static bool look_at_all(const void *shared, void *state, pp_slice *slice)
{
    const party_job *job = shared;
    party_state *s = state;
    do {
        if (s->count == 0) {
            const int64_t item = pp_slice_draw(slice);
            if (item < 0)
                return true;
            begin(job, s, item);
        } else if (s->right - s->left < job->blocks) {
            pass_next_block(job, s);
        } else {
            for (int64_t target = 0; target < s->count; target++)
                put_long_list(job->auction, s, target);
            s->count = 0;
        }
    } while (!pp_slice_over(slice));
    return false;
}

enum pp_status pp_renew_long_lists(pp_auction *a)
{
    const bool many = a->waits >= PARTIES * PP_DENSE_TARGETS;
    const party_job job = {.auction = a,
                           .size = many ? PP_DENSE_TARGETS : PP_DENSE_STEP,
                           .blocks = (a->tiles.count + BLOCK - 1) / BLOCK};
    const int64_t items = (a->waits + job.size - 1) / job.size;
    const size_t codes = (size_t)(job.size * a->codes.dense.codes.groups);
    const pp_job parallel = {
        .shared = &job,
        .items = items,
        .max_workers = (int)items,
        .state_size = sizeof(party_state) + (size_t)job.size * ROOM * sizeof(pp_candidate) +
                      codes * sizeof(int32_t) + (size_t)a->targets.length + 1,
        .work = look_at_all,
    };
    return pp_auction_run(a, &parallel);
}

int64_t pp_long_list(const pp_auction *a, int32_t group, const int32_t **tiles)
{
    *tiles = a->codes.listed + (int64_t)group * LENGTH;
    return a->codes.lists[group].count;
}

double pp_long_list_cost(const pp_auction *a, int32_t group, int64_t k)
{
    const int64_t at = (int64_t)group * LENGTH + k;
    /* Without the cast, C would turn the integer into a float, to suit the other. */
    return a->is_exact ? a->codes.squares[at] : (double)a->codes.least[at];
}

void pp_long_list_put(const pp_auction *a, int32_t group, int64_t k, double cost)
{
    const int64_t at = (int64_t)group * LENGTH + k;
    if (a->is_exact)
        a->codes.squares[at] = (int32_t)cost;
    else /* rounded down */
        a->codes.least[at] = cost < FLT_MAX ? (float)(cost * (1 - 0x1p-22)) : FLT_MAX;
}

/* --- making the codes --- */

static bool allocate(pp_auction *a)
{
    pp_codes_of_tiles *codes = &a->codes;
    const size_t m = (size_t)a->targets.count + 1;
    codes->lists = calloc(m, sizeof *codes->lists);
    codes->residual = malloc(m * sizeof *codes->residual);
    codes->listed = malloc(m * LENGTH * sizeof *codes->listed);
    if (a->is_exact)
        codes->squares = malloc(m * LENGTH * sizeof *codes->squares);
    else
        codes->least = malloc(m * LENGTH * sizeof *codes->least);
    return codes->lists && codes->residual && codes->listed && (codes->squares || codes->least);
}

enum pp_status pp_codes_build(pp_auction *a)
{
    const int64_t length = a->targets.length;
    pp_codes_of_tiles *codes = &a->codes;
    if (length < MANY_FEATURES || length >= PP_DENSE_FEATURES || a->targets.count == 0)
        return PP_OK;
    codes->rows = (pp_tiles){.features = a->tiles.rows, .count = a->tiles.count, .length = length};
    const pp_match_job job = {.tiles = codes->rows,
                              .in_integers = a->is_exact,
                              .rows = a->targets.rows,
                              .count = a->targets.count};
    const enum pp_status status = pp_dense_build(&codes->dense, &job, &codes->usable, &a->run);
    codes->dense.tiles = &codes->rows;
    if (status != PP_OK || !codes->usable)
        return status;
    if (pp_bounds_fit(a))
        return pp_bounds_build(a);
    return allocate(a) ? PP_OK : PP_NO_MEMORY;
}

void pp_codes_free(pp_auction *a)
{
    pp_dense_free(&a->codes.dense);
    free(a->codes.lists);
    free(a->codes.residual);
    free(a->codes.listed);
    free(a->codes.squares);
    free(a->codes.least);
    free(a->codes.bounds);
}
