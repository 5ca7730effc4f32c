/* Reductions that no order can change: accumulators, places of extremes, and the variants. */
#include "any_order.h"

#include <math.h>
#include <string.h>

#include "dispatch.h"
#include "view.h"

/* Accumulators of a chunk: one for each place of a row of elements, int64 or in the keys' type. */
typedef struct folding {
    int width;
    int places;            /* in a row: `width` times a power of two, where rows are dense */
    bool empty;            /* no tile so far */
    char *acc[2];          /* [1]: the maxima of PP_MINMAX */
    int64_t *best, *where; /* PP_ARGMIN, PP_ARGMAX: the tile, by its first k */
} folding;

/* Partial results: the values of all columns, then their maxima or places. */
static int64_t *second(const pp_reduce_job *job, int64_t *partial)
{
    return partial + job->width;
}

static size_t partial_size(const pp_reduce_job *job)
{
    return 2 * (size_t)job->width * sizeof(int64_t);
}

static size_t places_size(const pp_reduce_job *job)
{
    const size_t row = (size_t)job->width * sizeof(int64_t);
    return row > PP_PLACES ? row : PP_PLACES;
}

static size_t accumulator_size(const pp_reduce_job *job)
{
    return sizeof(folding) + (size_t)job->outputs * places_size(job) + partial_size(job);
}

static bool is_search(const pp_reduce_job *job)
{
    return job->op == PP_ARGMIN || job->op == PP_ARGMAX;
}

/* What the accumulators [which] hold. */
static enum pp_fold fold_of(const pp_reduce_job *job, int which)
{
    switch (job->op) {
    case PP_SUM:
        return PP_FOLD_SUM;
    case PP_COUNT_NONZERO:
        return PP_FOLD_COUNT;
    case PP_MAX:
    case PP_ARGMAX:
        return PP_FOLD_MAX;
    case PP_MINMAX:
        return which == 0 ? PP_FOLD_MIN : PP_FOLD_MAX;
    default:
        return PP_FOLD_MIN;
    }
}

static bool is_sum(enum pp_fold fold)
{
    return fold == PP_FOLD_SUM || fold == PP_FOLD_COUNT;
}

/* The keys' type of this type. */
static enum pp_type key_type(enum pp_type type)
{
    switch (type) {
    case PP_BOOL:
        return PP_UINT8;
    case PP_FLOAT32:
        return PP_INT32;
    case PP_FLOAT64:
        return PP_INT64;
    default:
        return type;
    }
}

/* Ranks are int64 in the order of any type's keys. */
static int64_t rank_of(enum pp_type keys, const char *key)
{
    const int64_t bits = pp_load_integer(keys, key);
    return keys == PP_UINT64 ? bits ^ INT64_MIN : bits;
}

/* The last, or the first, number of this type that is not NaN; its bits. */
static uint64_t extreme_of(enum pp_type type, bool last)
{
    const uint64_t ones = UINT64_MAX >> (64 - 8 * pp_type_size(type));
    switch (type) {
    case PP_FLOAT32:
        return last ? UINT64_C(0x7f800000) : UINT64_C(0xff800000);
    case PP_FLOAT64:
        return last ? UINT64_C(0x7ff0000000000000) : UINT64_C(0xfff0000000000000);
    case PP_INT8:
    case PP_INT16:
    case PP_INT32:
    case PP_INT64:
        return last ? ones >> 1 : ones - (ones >> 1);
    default:
        return last ? ones : 0;
    }
}

/* Such numbers in `n` places, and perhaps some more up to a whole word. */
static void fill_with_extreme(enum pp_type type, bool last, int n, char *acc)
{
    const int bytes = pp_type_size(type);
    const uint64_t each = UINT64_MAX / (UINT64_MAX >> (64 - 8 * bytes));
    const uint64_t word = extreme_of(type, last) * each;
    for (int i = 0; i < (n * bytes + 7) / 8; i++)
        memcpy(acc + 8 * (size_t)i, &word, sizeof word);
}

static void reset(const pp_reduce_job *job, folding *f)
{
    for (int which = 0; which < job->outputs; which++) {
        const enum pp_fold fold = fold_of(job, which);
        if (is_sum(fold))
            memset(f->acc[which], 0, (size_t)f->places * sizeof(int64_t));
        else
            fill_with_extreme(job->in[0].type, fold == PP_FOLD_MIN, f->places, f->acc[which]);
    }
}

/* Side by side, so that one row of elements is folded into all of them. */
static int most_places(const pp_reduce_job *job, int width)
{
    const enum pp_type type = job->in[0].type;
    if (is_sum(fold_of(job, 0)))
        return PP_PLACES / (int)sizeof(int64_t);
    const int near = PP_NEAR / (int)job->element;
    const bool is_near = pp_is_floating(type) && near % width == 0;
    return is_near ? near : PP_PLACES / (int)job->element;
}

static void start(const pp_reduce_job *job, void *accumulator, int width)
{
    folding *f = accumulator;
    f->width = width;
    f->places = width;
    f->empty = true;
    f->acc[0] = (char *)(f + 1);
    f->acc[1] = f->acc[0] + places_size(job);
    f->best = (int64_t *)(void *)(f->acc[0] + (size_t)job->outputs * places_size(job));
    f->where = f->best + job->width;
    const int most = most_places(job, width);
    if (pp_reduce_is_dense(job, width))
        while (2 * f->places <= most && 2 * f->places <= job->n * width)
            f->places *= 2;
    reset(job, f);
}

static void fold_tile(const pp_reduce_job *job, folding *f, const pp_tile *tile)
{
    const enum pp_type type = job->in[0].type;
    const int64_t size = (int64_t)job->element;
    const int64_t repeats = f->places / f->width;
    const int64_t rows = tile->count / repeats, rest = tile->count % repeats;
    for (int which = 0; which < job->outputs; which++) {
        pp_folder *const fold = pp_kernels->folders[type][fold_of(job, which)];
        fold(f->acc[which], tile->x[0], repeats > 1 ? f->places * size : tile->row, rows,
             f->places);
        if (rest > 0)
            fold(f->acc[which], tile->x[0] + rows * f->places * size, 0, 1, (int)rest * f->width);
    }
}

static int64_t better(enum pp_fold fold, int64_t a, int64_t b)
{
    switch (fold) {
    case PP_FOLD_MIN:
        return b < a ? b : a;
    case PP_FOLD_MAX:
        return b > a ? b : a;
    default:
        return (int64_t)((uint64_t)a + (uint64_t)b);
    }
}

/* Extremes in floating point to their keys, in place. */
static void make_keys(enum pp_type type, bool greatest, int n, void *acc)
{
    int64_t *wide = acc;
    int32_t *narrow = acc;
    for (int j = 0; j < n && type == PP_FLOAT64; j++)
        wide[j] = pp_key64(wide[j], greatest ? INT64_MAX : INT64_MIN);
    for (int j = 0; j < n && type == PP_FLOAT32; j++)
        narrow[j] = pp_key32(narrow[j], greatest ? INT32_MAX : INT32_MIN);
}

/* The accumulators of each column together, as ranks. */
static void gather(const pp_reduce_job *job, folding *f, int which, int64_t *ranks)
{
    const enum pp_fold fold =
        fold_of(job, which) == PP_FOLD_COUNT ? PP_FOLD_SUM : fold_of(job, which);
    const enum pp_type keys = is_sum(fold) ? PP_INT64 : key_type(job->in[0].type);
    const size_t size = pp_type_size(keys);
    char *acc = f->acc[which];
    if (!is_sum(fold))
        make_keys(job->in[0].type, fold == PP_FOLD_MAX, f->places, acc);
    for (int places = f->places / 2; places >= f->width; places /= 2)
        pp_kernels->folders[keys][fold](acc, acc + (size_t)places * size, 0, 1, places);
    for (int j = 0; j < f->width; j++)
        ranks[j] = is_sum(fold) ? pp_load_integer(PP_INT64, acc + (size_t)j * size)
                                : rank_of(keys, acc + (size_t)j * size);
}

/* Places: -0 and +0, whose keys are -1 and 0, are equal there. */
static int64_t as_place_rank(const pp_reduce_job *job, int64_t rank)
{
    return rank == -1 && pp_is_floating(job->in[0].type) ? 0 : rank;
}

static bool improves(const pp_reduce_job *job, int64_t rank, int64_t best)
{
    return job->op == PP_ARGMIN ? rank < best : rank > best;
}

static void note_place(const pp_reduce_job *job, folding *f, int64_t k)
{
    int64_t ranks[PP_COLUMNS];
    gather(job, f, 0, ranks);
    for (int j = 0; j < f->width; j++) {
        const int64_t rank = as_place_rank(job, ranks[j]);
        if (f->empty || improves(job, rank, f->best[j])) {
            f->best[j] = rank;
            f->where[j] = k;
        }
    }
    f->empty = false;
}

/* The rank that none can improve on: of the first or the last key of its type. */
static int64_t final_rank(const pp_reduce_job *job)
{
    const enum pp_type type = job->in[0].type, keys = key_type(type);
    char word[sizeof(int64_t)];
    if (type == PP_BOOL)
        return job->op == PP_ARGMAX;
    fill_with_extreme(keys, job->op == PP_ARGMAX, 1, word);
    return rank_of(keys, word);
}

/* Is the final rank at an earlier element of this output already? Then this is the place to note:
   the earlier one wins. */
static bool is_decided(const pp_reduce_job *job, folding *f, int64_t k)
{
    if (!job->found || atomic_load_explicit(job->found, memory_order_relaxed) >= k)
        return false;
    if (f->empty)
        f->where[0] = k;
    f->best[0] = f->empty ? final_rank(job) : f->best[0];
    f->empty = false;
    return true;
}

static void note_found(const pp_reduce_job *job, const folding *f)
{
    if (!job->found || f->best[0] != final_rank(job))
        return;
    int_fast64_t known = atomic_load(job->found);
    while (f->where[0] < known && !atomic_compare_exchange_weak(job->found, &known, f->where[0]))
        continue;
}

static void search_tile(const pp_reduce_job *job, folding *f, const pp_tile *tile, int64_t k)
{
    if (is_decided(job, f, k))
        return;
    if (!f->empty)
        reset(job, f);
    fold_tile(job, f, tile);
    note_place(job, f, k);
    note_found(job, f);
}

static void take(const pp_reduce_job *job, void *accumulator, const pp_tile *tile, int64_t k)
{
    if (is_search(job))
        search_tile(job, accumulator, tile, k);
    else
        fold_tile(job, accumulator, tile);
}

static void close(const pp_reduce_job *job, void *accumulator, void *partial)
{
    folding *f = accumulator;
    if (is_search(job)) {
        memcpy(partial, f->best, partial_size(job));
        return;
    }
    gather(job, f, 0, partial);
    if (job->outputs > 1)
        gather(job, f, 1, second(job, partial));
}

static void merge_places(const pp_reduce_job *job, int64_t *best, const int64_t *later, int width)
{
    int64_t *where = second(job, best);
    for (int j = 0; j < width; j++) {
        if (improves(job, later[j], best[j])) {
            best[j] = later[j];
            where[j] = later[job->width + j];
        }
    }
}

static void merge(const pp_reduce_job *job, void *partial, const void *later, int width)
{
    if (is_search(job)) {
        merge_places(job, partial, later, width);
        return;
    }
    int64_t *values = partial;
    const int64_t *others = later;
    for (int which = 0; which < job->outputs; which++, values += job->width, others += job->width)
        for (int j = 0; j < width; j++)
            values[j] = better(fold_of(job, which), values[j], others[j]);
}

/* A sum, a count, or the element of the array's type that has this rank. */
static int64_t value_of(const pp_reduce_job *job, int which, int64_t rank)
{
    if (is_sum(fold_of(job, which)))
        return rank;
    switch (job->in[0].type) {
    case PP_UINT64:
        return rank ^ INT64_MIN;
    case PP_FLOAT64:
        return pp_bits64(rank);
    case PP_FLOAT32:
        return pp_bits32((int32_t)rank);
    default:
        return rank;
    }
}

/* The first of the elements, `step` bytes apart, that is equal to `value`; there is one. */
#define SCAN(T, IS_EQUAL)                                                                          \
    for (int64_t k = 0;; k++) {                                                                    \
        T v;                                                                                       \
        memcpy(&v, x + k * step, sizeof v);                                                        \
        if (IS_EQUAL)                                                                              \
            return k;                                                                              \
    }

static int64_t scan_floats(const char *x, int64_t step, enum pp_type type, double value)
{
    if (type == PP_FLOAT32 && isnan(value))
        SCAN(float, v != v)
    else if (type == PP_FLOAT32)
        SCAN(float, v == (float)value)
    else if (isnan(value))
        SCAN(double, v != v)
    else
        SCAN(double, v == value)
}

static int64_t scan(const char *x, int64_t step, enum pp_type type, int64_t bits)
{
    if (pp_is_floating(type)) {
        const int32_t low = (int32_t)bits;
        float narrow;
        double wide;
        memcpy(&narrow, &low, sizeof narrow);
        memcpy(&wide, &bits, sizeof wide);
        return scan_floats(x, step, type, type == PP_FLOAT32 ? (double)narrow : wide);
    }
    switch (pp_type_size(type)) {
    case 1:
        SCAN(uint8_t, v == (uint8_t)bits)
    case 2:
        SCAN(uint16_t, v == (uint16_t)bits)
    case 4:
        SCAN(uint32_t, v == (uint32_t)bits)
    default:
        SCAN(uint64_t, v == (uint64_t)bits)
    }
}
#undef SCAN

/* The first element of column j that has this rank; it is in the tile that begins with element k.
 */
static int64_t find(const pp_reduce_job *job, pp_block at, int j, int64_t k, int64_t rank)
{
    char memory[PP_STAGE * sizeof(int64_t)];
    char *const stage[2] = {memory, NULL};
    const int64_t left = job->n - k;
    at.in[0] += j * job->column[0];
    at.width = 1;
    const pp_tile tile = pp_reduce_tile(job, &at, k, left < job->rows ? left : job->rows, stage);
    return k + scan(tile.x[0], tile.row, job->in[0].type, value_of(job, 0, rank));
}

static void write(const pp_reduce_job *job, void *partial, const pp_block *at)
{
    int64_t *ranks = partial;
    const int64_t *where = second(job, partial);
    for (int which = 0; which < job->outputs; which++) {
        const int64_t step = pp_output_step(job, which);
        const size_t size = pp_type_size(job->out[which].type);
        char *out = job->out[which].data + at->out[which];
        for (int j = 0; j < at->width; j++, out += step) {
            const int64_t value = is_search(job) ? find(job, *at, j, where[j], ranks[j])
                                                 : value_of(job, which, ranks[j]);
            pp_store_integer(value, size, out);
        }
        ranks = second(job, partial);
    }
}

static void put_columns(const pp_reduce_job *job, int which, const char *acc, int width, char *to)
{
    const size_t size = pp_type_size(job->out[which].type);
    const int64_t step = pp_output_step(job, which);
    if (step == (int64_t)size && (size == sizeof(int64_t) || !is_sum(fold_of(job, which)))) {
        memcpy(to, acc, (size_t)width * size);
        return;
    }
    if (is_sum(fold_of(job, which))) {
        for (int j = 0; j < width; j++, acc += sizeof(int64_t), to += step)
            pp_store_integer(pp_load_integer(PP_INT64, acc), size, to);
        return;
    }
    for (int j = 0; j < width; j++, acc += size, to += step)
        memcpy(to, acc, size);
}

/* A row, or columns in one tile. */
static void reduce(const pp_reduce_job *job, const pp_tile *all, char *const to[2])
{
    if (job->columns == 1) {
        pp_search_row(job, all, to);
        return;
    }
    PP_ALIGNED(64) int64_t acc[2][PP_MANY_COLUMNS];
    folding f = {
        .width = all->width, .places = all->width, .acc = {(char *)acc[0], (char *)acc[1]}};
    reset(job, &f);
    fold_tile(job, &f, all);
    for (int which = 0; which < job->outputs; which++)
        put_columns(job, which, f.acc[which], all->width, to[which]);
}

const pp_operation pp_any_order = {
    .accumulator_size = accumulator_size,
    .partial_size = partial_size,
    .start = start,
    .take = take,
    .close = close,
    .merge = merge,
    .write = write,
    .reduce = reduce,
};

#define TEMPLATE "any_order_template.h"
#include "each_isa.h"
