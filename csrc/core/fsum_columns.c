/* Exact sums of columns: a tile of them, some thousand rows at a time. */
#include "fsum.h"

#include <stddef.h>

#include "dispatch.h"
#include "parallel.h"
#include "view.h"

enum {
    ROWS = 1024,   /* at a time; fewer than PP_FSUM_BLOCK */
    FEW_ROWS = 64, /* of fewer, each column is added by itself */
};

typedef struct column_job {
    const pp_fsum_outputs *outputs;
    int64_t length; /* columns next to each other */
    int64_t tiles;  /* that they are cut into */
    int width;      /* of a tile */
} column_job;

typedef struct column_state {
    pp_worker worker;
    int64_t first; /* output of the tile in work */
    int columns;   /* of it; 0: none is in work */
    int64_t row;   /* up to which its rows have been added */
    int top;       /* see fsum.c */
    double level[PP_FSUM_LEVELS][PP_FSUM_COLUMNS];
    pp_exact_sum sum[PP_FSUM_COLUMNS]; /* `width` of them */
} column_state;

static bool draw_tile(const column_job *job, column_state *s, pp_slice *slice)
{
    const int64_t item = pp_slice_draw(slice);
    if (item < 0)
        return false;
    const int64_t start = item % job->tiles * job->width, left = job->length - start;
    s->first = item / job->tiles * job->length + start;
    s->columns = left < job->width ? (int)left : job->width;
    s->row = 0;
    memset(s->sum, 0, (size_t)s->columns * sizeof *s->sum);
    return true;
}

static int largest_exponent(const char *x, const int64_t *offsets, int rows, int columns)
{
    int largest = 0;
    for (int r = 0; r < rows; r++) {
        const int own = pp_fsum_exponent((const double *)(const void *)(x + offsets[r]), columns);
        largest = own > largest ? own : largest;
    }
    return largest;
}

static bool add_by_kernel(column_state *s, const char *x, const int64_t *offsets, int rows,
                          int columns)
{
    if (s->top == 0)
        s->top = pp_fsum_guess_top((const double *)(const void *)(x + offsets[0]), columns);
    if (!pp_kernels->fsum->columns(x, offsets, rows, columns, s->top, s->level)) {
        const int top = pp_fsum_top(largest_exponent(x, offsets, rows, columns));
        if (top == s->top || top == PP_FSUM_NO_TOP)
            return false;
        s->top = top;
        if (!pp_kernels->fsum->columns(x, offsets, rows, columns, top, s->level))
            return false;
    }
    for (int c = 0; c < columns; c++)
        for (int j = 0; j < PP_FSUM_LEVELS; j++)
            pp_exact_add_integer(&s->sum[c],
                                 pp_fsum_units_between(pp_fsum_start(s->top, j), s->level[j][c]),
                                 pp_fsum_unit(s->top, j));
    return true;
}

static void add_column(pp_exact_sum *sum, const char *x, const int64_t *offsets, int rows)
{
    double column[ROWS];
    for (int r = 0; r < rows; r++)
        memcpy(&column[r], x + offsets[r], sizeof *column);
    pp_exact_add(sum, column, rows);
}

/* A whole number of PP_FSUM_LANES. Like a block, rows with one odd number are retried in parts. */
static void add_tile(column_state *s, const char *x, const int64_t *offsets, int rows, int columns)
{
    enum { PART = 64, PATIENCE = 3 };
    if (add_by_kernel(s, x, offsets, rows, columns))
        return;
    for (int r = 0, refused = 0; r < rows; r += PART) {
        const int part = rows - r < PART ? rows - r : PART;
        if (refused < PATIENCE && add_by_kernel(s, x, offsets + r, part, columns))
            continue;
        for (int c = 0; c < columns; c++)
            add_column(&s->sum[c], x + c * (int64_t)sizeof(double), offsets + r, part);
        refused++;
    }
}

static void add_rows(const column_job *job, column_state *s)
{
    const pp_fsum_outputs *outputs = job->outputs;
    const int64_t left = outputs->n - s->row;
    const int rows = left < ROWS ? (int)left : ROWS;
    int64_t from, offsets[ROWS];
    pp_view_offsets(outputs->kept, s->first, 1, &from);
    pp_view_offsets(outputs->reduced, s->row, rows, offsets);
    const char *x = outputs->reduced->data + from;
    const int whole = s->columns - s->columns % PP_FSUM_LANES;
    if (whole > 0)
        add_tile(s, x, offsets, rows, whole);
    for (int c = whole; c < s->columns; c++)
        add_column(&s->sum[c], x + c * (int64_t)sizeof(double), offsets, rows);
    s->row += rows;
    s->worker.done += (int64_t)rows * s->columns;
}

static void put_tile(const column_job *job, column_state *s)
{
    int64_t to[PP_FSUM_COLUMNS];
    pp_view_offsets(job->outputs->out, s->first, s->columns, to);
    for (int c = 0; c < s->columns; c++)
        pp_fsum_put(&s->sum[c], job->outputs->out->data + to[c], job->outputs->faults);
    s->columns = 0;
}

static bool put_columns(const void *shared, void *state, pp_slice *slice)
{
    const column_job *job = shared;
    column_state *s = state;
    while (s->columns || draw_tile(job, s, slice)) {
        add_rows(job, s);
        if (s->row == job->outputs->n)
            put_tile(job, s);
        if (pp_slice_over(slice))
            return false;
    }
    return true;
}

static bool is_aligned(const pp_view *view)
{
    bool aligned = (uintptr_t)view->data % sizeof(double) == 0;
    for (int d = 0; d < view->ndim; d++)
        aligned = aligned && view->strides[d] % (int64_t)sizeof(double) == 0;
    return aligned;
}

bool pp_fsum_suits_columns(const pp_fsum_outputs *outputs)
{
    const pp_view *kept = outputs->kept;
    const int last = kept->ndim - 1;
    return last >= 0 && kept->type == PP_FLOAT64 && !kept->swapped &&
           kept->strides[last] == sizeof(double) && kept->shape[last] >= PP_FSUM_LANES &&
           outputs->n >= FEW_ROWS && is_aligned(kept) && is_aligned(outputs->reduced);
}

enum pp_status pp_fsum_by_columns(const pp_fsum_outputs *outputs, const pp_run *run)
{
    column_job job = {.outputs = outputs, .length = outputs->kept->shape[outputs->kept->ndim - 1]};
    /* Wide tiles read long runs of memory; but every thread should get some. */
    const int64_t share = outputs->count / (2 * (int64_t)run->num_threads) + PP_FSUM_LANES;
    job.width = share < PP_FSUM_COLUMNS ? (int)(share - share % PP_FSUM_LANES) : PP_FSUM_COLUMNS;
    job.tiles = (job.length + job.width - 1) / job.width;
    const int64_t items = outputs->count / job.length * job.tiles;
    const pp_job parallel = {
        .shared = &job,
        .items = items,
        .total = outputs->count * outputs->n,
        .max_workers = outputs->count * outputs->n < 1 << 16 ? 1 : pp_fsum_workers(items),
        .state_size = offsetof(column_state, sum) + (size_t)job.width * sizeof(pp_exact_sum),
        .work = put_columns,
    };
    return pp_parallel_for(&parallel, run);
}
