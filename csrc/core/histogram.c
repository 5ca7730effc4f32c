/* Histograms of arrays of any type and layout, by all threads.

   Counts don't depend on the order of the elements, so the dimensions are walked as they lie in
   memory. Each worker counts in tables of its own, and adds them to the result in the end. */
#include "histogram.h"

#include <limits.h>
#include <stdatomic.h>
#include <string.h>

#include "common.h"
#include "dispatch.h"
#include "doubles.h"
#include "parallel.h"
#include "view.h"

enum {
    SPAN = 1 << 15,      /* elements drawn at a time */
    TABLES = 8,          /* the same bin twice in a row, in one table, would wait for its count */
    MANY_BINS = 1 << 13, /* but with so many that is rare, and more tables would not fit a cache */
    MOST_BINS = 1 << 18, /* with so many, a table would take more than 1 MiB */
    FLUSH = 1 << 26,     /* elements after which a worker's counts go to the result */
};

#define TEMPLATE "histogram_template.h"
#include "each_isa.h"

typedef struct histogram_job {
    pp_view a; /* in memory order */
    int64_t size;
    pp_grid grid;
    atomic_int_fast64_t *counts;
    int64_t entries; /* in a table: one for each bin, and one for what is in none */
    int tables;      /* of a worker; 0: elements are counted in the result at once */
} histogram_job;

typedef struct histogram_state {
    pp_worker worker;
    int64_t counted; /* in the tables */
    uint32_t tables[];
} histogram_state;

static size_t table_bytes(const histogram_job *job)
{
    return sizeof(uint32_t) * (size_t)(job->tables * job->entries);
}

static void add_to_result(const histogram_job *job, int64_t bin, int64_t count)
{
    if (count)
        atomic_fetch_add_explicit(&job->counts[bin], count, memory_order_relaxed);
}

static void flush(const histogram_job *job, histogram_state *s)
{
    for (int64_t k = 0; k < job->grid.bins.count && job->tables; k++) {
        int64_t count = 0;
        for (int t = 0; t < job->tables; t++)
            count += s->tables[t * job->entries + k];
        add_to_result(job, k, count);
    }
    memset(s->tables, 0, table_bytes(job));
    s->counted = 0;
}

static void count_in_tables(uint32_t *table, int64_t step, const int32_t *bin, int64_t n)
{
    int64_t i = 0;
    for (; i + TABLES <= n; i += TABLES)
        for (int t = 0; t < TABLES; t++)
            table[t * step + bin[i + t]]++;
    for (; i < n; i++)
        table[bin[i]]++;
}

/* Equal neighbours together: threads that add to one count at the same time are slow. */
static void count_in_result(const histogram_job *job, const int32_t *bin, int64_t n)
{
    for (int64_t i = 0, next; i < n; i = next) {
        for (next = i + 1; next < n && bin[next] == bin[i];)
            next++;
        if (bin[i] < job->grid.bins.count)
            add_to_result(job, bin[i], next - i);
    }
}

/* Halve the bins that are left, without a branch that would be guessed wrong every other time. */
static int32_t search_bin(const pp_grid *grid, double x)
{
    if (!(grid->low <= x && x <= grid->high))
        return (int32_t)grid->bins.count;
    int64_t first = 0;
    for (int64_t left = grid->bins.count; left > 1;) {
        const int64_t half = left / 2;
        first += x >= pp_edge(&grid->bins, first + half) ? half : 0;
        left -= half;
    }
    return (int32_t)first;
}

static void count_piece(const histogram_job *job, histogram_state *s, const double *x, int64_t n)
{
    int32_t bin[PP_PIECE];
    if (job->grid.search)
        for (int64_t i = 0; i < n; i++)
            bin[i] = search_bin(&job->grid, x[i]);
    else
        pp_kernels->find_bins(&job->grid, x, n, bin);
    if (job->tables)
        count_in_tables(s->tables, job->tables == 1 ? 0 : job->entries, bin, n);
    else
        count_in_result(job, bin, n);
}

static bool count_spans(const void *shared, void *state, pp_slice *slice)
{
    const histogram_job *job = shared;
    histogram_state *s = state;
    double buffer[PP_PIECE];
    for (int64_t item; (item = pp_slice_draw(slice)) >= 0;) {
        const int64_t start = item * SPAN, left = job->size - start;
        const int64_t stop = left < SPAN ? job->size : start + SPAN;
        for (int64_t at = start, n; at < stop; at += n) {
            n = stop - at;
            const double *x = pp_doubles(&job->a, at, &n, buffer);
            count_piece(job, s, x, n);
        }
        s->worker.done += stop - start;
        s->counted += stop - start;
        if (s->counted > FLUSH)
            flush(job, s);
        if (pp_slice_over(slice))
            return false;
    }
    flush(job, s);
    return true;
}

/* Tables have to be cleared and added up: that should cost less than the counting. */
static int tables_for(int64_t entries, int64_t size)
{
    if (entries >= MOST_BINS || entries > size)
        return 0;
    return entries > MANY_BINS || TABLES * entries > size ? 1 : TABLES;
}

enum pp_status pp_histogram(const pp_view *a, const pp_bins *bins, int64_t *counts,
                            const pp_run *run)
{
    histogram_job job = {.a = *a, .size = pp_view_size(a), .grid = pp_grid_of(bins)};
    pp_view_in_memory_order(&job.a);
    /* Atomics of 64 bits are laid out as plain ones, wherever there are instructions for them. */
    job.counts = (atomic_int_fast64_t *)(void *)counts;
    job.entries = bins->count + 1;
    job.tables = tables_for(job.entries, job.size);
    const int64_t items = (job.size + SPAN - 1) / SPAN;
    const pp_job parallel = {
        .shared = &job,
        .items = items,
        .total = job.size,
        .max_workers = items < INT_MAX ? (int)items : INT_MAX,
        .state_size = sizeof(histogram_state) + table_bytes(&job),
        .work = count_spans,
    };
    return pp_parallel_for(&parallel, run);
}
