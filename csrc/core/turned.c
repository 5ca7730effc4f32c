/* Sums of arrays that lie across the order of summation, as those in Fortran order: memory runs
   down the rows, of which some are summed side by side, as far as the leaves of their trees; each
   row has a stretch of the tree of its own, and these join in the end. Every element is read once,
   in runs down the columns, and nothing is copied. */
#include "turned.h"

#include <stdlib.h>

#include "dispatch.h"
#include "ordered.h"
#include "view.h"

enum {
    LEAST_ROWS = 8,      /* in a run; and columns in a row: */
    LEAST_COLUMNS = 256, /* fewer are not worth it */
    ALIGNED_BAND = 256,  /* rows side by side, at most, where all leaves begin in one column */
    BAND = 48,           /* and where not: what their columns leave behind stays in the cache */
    LINE = 8,            /* elements in a line of the cache, about */
    AHEAD = 8,           /* columns that are fetched before they are needed */
    FORESEEN = 16,       /* a power of two above that */
    SHARE = 1 << 17,     /* numbers that each worker may leave for the end, at most: a MiB */
    ITEMS = 64,          /* a worker, at most */
};

/* A band is some rows that follow each other in memory. A piece, which one worker sums, is some
   bands, or else some columns of one; it leaves a stretch of the sum, or else one for each row. */
typedef struct turned {
    const pp_reduce_job *job;
    int64_t length; /* rows before the next begins elsewhere */
    int64_t band;   /* at most */
    int64_t bands_in_length, bands;
    int64_t cuts, columns; /* of a band into pieces; columns of all but the last of them */
    int64_t group;         /* bands in a piece */
    int64_t pieces;
    int step;      /* rows from one to the next whose leaves begin in the same columns */
    bool in_place; /* else columns are copied first */
    int row_levels, levels;
    pp_stretch *stretches;
    double *memory; /* of the stretches */
} turned;

typedef struct state {
    pp_worker worker;
    bool busy;
    int64_t piece, band, last_band;
    int64_t first, end, j; /* columns: of the piece, and the one to come */
    int rows;
    const char *data;               /* of the band */
    int64_t ahead, offset, left;    /* of the columns: fetched next; and until the next jump */
    const char *foreseen[FORESEEN]; /* where columns begin, */
    const char *columns[PP_GROUP];  /* and what is in the last */
    int ends[PP_GROUP];             /* by the column after a leaf, mod 64: the first such row */
    double *copies, *pairs, *fours, *eights; /* of the last columns, of sums of so many */
    pp_stretch *stretches;                   /* of the rows, */
    double *nodes;                           /* and what is in them */
} state;

bool pp_sums_turned(const pp_reduce_job *job)
{
    const bool sums = job->op == PP_SUM || job->op == PP_MEAN || job->op == PP_NORM;
    return job->turned >= 0 && job->operation == &pp_ordered && sums && job->blocks == 1 &&
           job->inner >= LEAST_COLUMNS && job->in[0].shape[job->turned] >= LEAST_ROWS;
}

static int64_t ceiling(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

static int64_t at_most(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static bool is_ragged(const turned *t)
{
    return t->step > 1;
}

static size_t row_doubles(const turned *t)
{
    return pp_stretch_doubles(t->row_levels, is_ragged(t));
}

static size_t piece_doubles(const turned *t)
{
    return pp_stretch_doubles(t->levels, is_ragged(t));
}

/* Few bands are cut into pieces of some columns. */
static void cut_bands(turned *t, int workers)
{
    const int64_t inner = t->job->inner;
    t->cuts = t->bands < 2 * workers ? ceiling(2 * workers, t->bands) : 1;
    t->cuts = workers == 1 ? 1 : at_most(t->cuts, inner / LEAST_COLUMNS);
    for (;; t->cuts = (t->cuts + 1) / 2) {
        t->columns = t->cuts > 1 ? inner / t->cuts / PP_GROUP * PP_GROUP : inner;
        t->row_levels = pp_stretch_levels(inner - (t->cuts - 1) * t->columns);
        const int64_t left = t->bands * t->band * t->cuts * (int64_t)row_doubles(t);
        if (t->cuts == 1 || left <= (int64_t)workers * SHARE)
            return;
    }
}

static turned plan(const pp_reduce_job *job, int workers)
{
    turned t = {.job = job, .length = job->in[0].shape[job->turned]};
    const int64_t most = job->inner % PP_GROUP == 0 ? ALIGNED_BAND : BAND;
    t.step = pp_rows_of_groups(job->inner);
    t.band = ceiling(ceiling(t.length, ceiling(t.length, most)), LINE) * LINE;
    t.bands_in_length = ceiling(t.length, t.band);
    t.bands = job->n / job->inner / t.length * t.bands_in_length;
    cut_bands(&t, workers);
    t.group = t.cuts > 1 ? 1 : ceiling(t.bands, (int64_t)ITEMS * workers);
    t.pieces = t.cuts > 1 ? t.bands * t.cuts : ceiling(t.bands, t.group);
    t.levels = pp_stretch_levels(job->n);
    const pp_view *in = &job->in[0];
    t.in_place = job->op != PP_NORM && in->type == PP_FLOAT64 && !in->swapped && !job->narrow &&
                 in->strides[job->turned] == sizeof(double);
    return t;
}

/* --- What lies behind a worker's state -------------------------------------------------------- */

enum { COPIES = PP_GROUP, PAIRS = 16, FOURS = 32, EIGHTS = 8 }; /* columns */
enum { HEAD = (sizeof(state) + 63) / 64 * 64 };                 /* they begin with a line */

static size_t state_size(const turned *t)
{
    const int64_t columns = (t->in_place ? 0 : COPIES) + PAIRS + FOURS + EIGHTS;
    const size_t own = t->cuts > 1 ? 0 : sizeof(pp_stretch) + row_doubles(t) * sizeof(double);
    return HEAD + (size_t)t->band * ((size_t)columns * sizeof(double) + own);
}

static void lay_out(const turned *t, state *s)
{
    const int64_t rows = t->band;
    s->copies = (double *)(void *)((char *)s + HEAD);
    s->pairs = s->copies + (t->in_place ? 0 : COPIES * rows);
    s->fours = s->pairs + PAIRS * rows;
    s->eights = s->fours + FOURS * rows;
    s->nodes = s->eights + EIGHTS * rows;
    s->stretches = (pp_stretch *)(void *)(s->nodes + (int64_t)row_doubles(t) * rows);
    if (t->cuts > 1) { /* those are left */
        const int64_t row = s->piece * rows;
        s->nodes = t->memory + row * (int64_t)row_doubles(t);
        s->stretches = t->stretches + row;
    }
}

/* --- A band ----------------------------------------------------------------------------------- */

/* The first of the rows of a band, and how many they are. */
static int64_t first_row(const turned *t, int64_t band)
{
    return band / t->bands_in_length * t->length + band % t->bands_in_length * t->band;
}

static int rows_in(const turned *t, int64_t band)
{
    const int64_t left = t->length - band % t->bands_in_length * t->band;
    return (int)at_most(left, t->band);
}

/* Find out where the next column begins, and fetch it. */
static void foresee(const turned *t, state *s)
{
    const pp_view *in = &t->job->in[0];
    if (s->left == 0)
        s->offset = pp_view_offset(in, t->job->turned + 1, in->ndim, s->ahead, &s->left);
    const char *column = s->data + s->offset;
    for (int64_t r = 0; r < s->rows; r += LINE)
        PP_PREFETCH(column + r * in->strides[t->job->turned]);
    s->foreseen[s->ahead++ % FORESEEN] = column;
    s->offset += in->strides[in->ndim - 1];
    s->left--;
}

/* Rows whose leaves end in the same column are `step` apart. */
static void find_ends(const turned *t, state *s)
{
    const int64_t row = first_row(t, s->band);
    for (int c = 0; c < PP_GROUP; c++)
        s->ends[c] = s->rows;
    for (int r = 0; r < s->rows && r < t->step; r++)
        s->ends[-((row + r) * t->job->inner) & (PP_GROUP - 1)] = r;
}

static void start_stretches(const turned *t, state *s)
{
    const int64_t row = first_row(t, s->band);
    for (int r = 0; r < s->rows; r++)
        pp_stretch_start(&s->stretches[r], (row + r) * t->job->inner + s->first, t->row_levels,
                         is_ragged(t), s->nodes + r * (int64_t)row_doubles(t));
}

static void start_band(const turned *t, state *s)
{
    const pp_view *in = &t->job->in[0];
    const int64_t row = first_row(t, s->band), in_length = row % t->length;
    int64_t follow;
    s->rows = rows_in(t, s->band);
    s->data = in->data + in_length * in->strides[t->job->turned];
    if (row >= t->length)
        s->data += pp_view_offset(in, t->job->outer, t->job->turned, row / t->length, &follow);
    s->j = s->ahead = s->first;
    s->left = 0;
    while (s->ahead < s->first + AHEAD) /* fewer than there are */
        foresee(t, s);
    find_ends(t, s);
    start_stretches(t, s);
}

/* --- Its columns ------------------------------------------------------------------------------ */

/* The elements of the next column: terms of the sum. */
static const char *take_column(const turned *t, state *s)
{
    const pp_reduce_job *job = t->job;
    const char *from = s->foreseen[s->j % FORESEEN];
    if (s->ahead < s->end)
        foresee(t, s);
    if (t->in_place)
        return from;
    double *to = s->copies + s->j % COPIES * t->band;
    const pp_patch patch = {from, job->in[0].strides[job->turned], s->rows, 0, 1, 0};
    pp_kernels->tree->load(&job->in[0], job->narrow, &patch, to);
    if (job->op == PP_NORM)
        pp_kernels->turned->square(job->scale, s->rows, to);
    return (const char *)to;
}

/* Where leaves begin and end in all rows at once. */
static void fold_columns(const turned *t, state *s)
{
    const double *lanes[PP_SUM_LANES];
    pp_kernels->turned->fold(s->columns, s->rows, (int)t->band, s->eights);
    for (int l = 0; l < PP_SUM_LANES; l++)
        lanes[l] = s->eights + l * t->band;
    pp_kernels->turned->push(lanes, 0, 1, s->rows, s->stretches);
}

/* Elements k … end - 1 of a row to where they belong in a leaf; they are from its last columns. */
static void keep_edge(const state *s, int r, int64_t k, int64_t end, double *leaf)
{
    const uint64_t first = (uint64_t)(s->first - s->stretches[r].first);
    for (uint64_t at = (uint64_t)k; at < (uint64_t)end; at++)
        memcpy(&leaf[at % PP_GROUP],
               s->columns[(first + at) % PP_GROUP] + r * (int64_t)sizeof *leaf, sizeof *leaf);
}

/* What is before the first leaf of a row, and behind the last, belongs to leaves of others, too. */
static void keep_edges(const state *s, bool before)
{
    for (int r = 0; r < s->rows; r++) {
        const pp_stretch *row = &s->stretches[r];
        const int64_t end = row->first + s->end - s->first;
        if (before)
            keep_edge(s, r, row->first, row->leaf * PP_GROUP, row->before);
        else
            keep_edge(s, r, end / PP_GROUP * PP_GROUP, end, row->after);
    }
}

/* Elsewhere leaves end anywhere. */
static void slide_column(const turned *t, state *s)
{
    const int64_t j = s->j, seen = j - s->first;
    const char *column = s->columns[j % PP_GROUP];
    if (seen >= PP_SUM_LANES)
        pp_kernels->turned->slide(column, s->columns[(j - PP_SUM_LANES) % PP_GROUP],
                                  s->pairs + j % PAIRS * t->band, s->fours + j % FOURS * t->band,
                                  s->eights + j % EIGHTS * t->band, s->rows);
    if (seen == PP_GROUP - 2 || j + 1 == s->end)
        keep_edges(s, seen == PP_GROUP - 2);
    const int first = s->ends[(j + 1) % PP_GROUP];
    if (seen < PP_GROUP - 1 || first == s->rows)
        return;
    const double *lanes[PP_SUM_LANES];
    for (int l = 0; l < PP_SUM_LANES; l++)
        lanes[l] = s->eights + (j + 1 + l) % EIGHTS * t->band;
    pp_kernels->turned->push(lanes, first, t->step, s->rows, s->stretches);
}

/* As many as a leaf has, at most. */
static void take_columns(const turned *t, state *s)
{
    do {
        s->columns[s->j % PP_GROUP] = take_column(t, s);
        if (is_ragged(t))
            slide_column(t, s);
        s->j++;
    } while (s->j < s->end && s->j % PP_GROUP);
    if (!is_ragged(t))
        fold_columns(t, s);
}

/* --- Pieces ----------------------------------------------------------------------------------- */

static bool start_piece(const turned *t, state *s, pp_slice *slice)
{
    s->piece = pp_slice_draw(slice);
    if (s->piece < 0)
        return false;
    const int64_t cut = s->piece % t->cuts;
    s->band = s->piece / t->cuts * t->group;
    s->last_band = at_most(s->band + t->group, t->bands);
    s->first = cut * t->columns;
    s->end = cut + 1 < t->cuts ? s->first + t->columns : t->job->inner;
    lay_out(t, s);
    start_band(t, s);
    if (t->cuts == 1)
        pp_stretch_start(&t->stretches[s->piece], s->stretches[0].first, t->levels, is_ragged(t),
                         t->memory + s->piece * (int64_t)piece_doubles(t));
    return true;
}

static void end_band(const turned *t, state *s)
{
    for (int r = 0; r < s->rows; r++) {
        s->stretches[r].end += s->end - s->first;
        if (t->cuts == 1)
            pp_stretch_append(&t->stretches[s->piece], &s->stretches[r]);
    }
}

static bool work(const void *shared, void *memory, pp_slice *slice)
{
    const turned *t = shared;
    state *s = memory;
    for (;;) {
        if (!s->busy && !start_piece(t, s, slice))
            return true;
        s->busy = true;
        while (s->j < s->end) {
            take_columns(t, s);
            if (pp_slice_over(slice))
                return false;
        }
        end_band(t, s);
        s->busy = ++s->band < s->last_band;
        if (s->busy)
            start_band(t, s);
    }
}

/* --- All of it -------------------------------------------------------------------------------- */

static void append_all(const turned *t, pp_stretch *whole)
{
    if (t->cuts == 1)
        for (int64_t piece = 0; piece < t->pieces; piece++)
            pp_stretch_append(whole, &t->stretches[piece]);
    for (int64_t band = 0; t->cuts > 1 && band < t->bands; band++)
        for (int r = 0; r < rows_in(t, band); r++)
            for (int64_t cut = 0; cut < t->cuts; cut++)
                pp_stretch_append(whole, &t->stretches[(band * t->cuts + cut) * t->band + r]);
}

static void write_sum(const turned *t)
{
    double memory[2 * 64 * PP_SUM_LANES + 2 * PP_GROUP], node[2 * PP_SUM_LANES];
    pp_stretch whole;
    pp_stretch_start(&whole, 0, t->levels, true, memory);
    append_all(t, &whole);
    pp_stretch_end(&whole);
    pp_tree tree = {.leaves = whole.leaves_end, .width = 1, .nodes = whole.right};
    const pp_block all = pp_reduce_block(t->job, 0);
    pp_kernels->tree->close(t->job, &tree, node);
    t->job->operation->write(t->job, node, &all);
}

enum pp_status pp_sum_turned(const pp_reduce_job *job, int max_workers, const pp_run *run)
{
    turned t = plan(job, at_most(run->num_threads, max_workers));
    const size_t left = (size_t)(t.cuts > 1 ? t.pieces * t.band : t.pieces);
    const size_t doubles = t.cuts > 1 ? row_doubles(&t) : piece_doubles(&t);
    t.stretches = malloc(left * sizeof *t.stretches);
    t.memory = malloc(left * doubles * sizeof *t.memory);
    enum pp_status status = PP_NO_MEMORY;
    if (t.stretches && t.memory) {
        const pp_job parallel = {
            .shared = &t,
            .items = t.pieces,
            .total = job->n,
            .max_workers = max_workers,
            .state_size = state_size(&t),
            .work = work,
        };
        status = pp_parallel_for(&parallel, run);
    }
    if (status == PP_OK)
        write_sum(&t);
    free(t.stretches);
    free(t.memory);
    return status;
}

#define TEMPLATE "turned_template.h"
#include "each_isa.h"
