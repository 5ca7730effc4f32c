/* Equal rows as one: a thousand equal targets that bid one by one for the same tiles would raise
   the prices by the smallest step each time; as one group they know what they are worth. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "assign.h"
#include "parallel.h"

enum {
    PIECE = 1 << 16, /* features that are read between two looks at the clock */
    FOR_A_ROW = 16,
};

/* Of the bytes of a row (Fowler, Noll and Vo's, with words for bytes, and mixed in the end). */
static uint64_t hash_row(const double *row, int64_t length)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (int64_t f = 0; f < length; f++) {
        uint64_t word;
        memcpy(&word, &row[f], sizeof word);
        hash = (hash ^ word ^ (word >> 32)) * UINT64_C(0x100000001b3);
    }
    hash ^= hash >> 29;
    hash *= UINT64_C(0xbf58476d1ce4e5b9);
    return hash ^ (hash >> 32);
}

typedef struct merging {
    pp_rows elements; /* one by one */
    pp_merged *merged;
    int32_t *table; /* of groups, by their hashes */
    uint64_t mask;
    bool *finite;
} merging;

typedef struct merging_state {
    pp_worker worker;
    bool is_busy;
    int64_t row, next; /* of its features: the first that has not been read */
    int64_t work;      /* features, and rows, since the last look at the clock */
} merging_state;

/* The group of the row that stands behind the groups so far; a new one if none is equal. */
static int32_t find_group(const merging *job)
{
    pp_merged *merged = job->merged;
    const size_t bytes = (size_t)merged->length * sizeof(double);
    const double *row = merged->rows + merged->count * merged->length;
    for (uint64_t at = hash_row(row, merged->length) & job->mask;; at = (at + 1) & job->mask) {
        int32_t *group = &job->table[at];
        if (*group < 0) {
            *group = merged->count;
            return merged->count;
        }
        if (memcmp(merged->rows + *group * merged->length, row, bytes) == 0)
            return *group;
    }
}

static void put_row(const merging *job, int64_t row)
{
    pp_merged *merged = job->merged;
    const int32_t group = find_group(job);
    merged->of[row] = group;
    if (group == merged->count) {
        merged->size[group] = 0;
        merged->count++;
    }
    merged->size[group]++;
}

/* So many features of the row that stands behind the groups. */
static void read_on(const merging *job, merging_state *s, int64_t count)
{
    const int64_t length = job->merged->length;
    double *to = job->merged->rows + job->merged->count * length + s->next;
    *job->finite &= pp_rows_read(&job->elements, s->row * length + s->next, count, to);
    for (int64_t f = 0; f < count; f++)
        to[f] += 0.0; /* -0 becomes 0, which it equals */
    s->next += count;
}

static bool merge(const void *shared, void *state, pp_slice *slice)
{
    const merging *job = shared;
    merging_state *s = state;
    const int64_t length = job->merged->length;
    for (;;) {
        if (!s->is_busy) {
            s->row = pp_slice_draw(slice);
            if (s->row < 0)
                return true;
            s->is_busy = true;
            s->next = 0;
        }
        const int64_t left = length - s->next, count = left < PIECE ? left : PIECE;
        read_on(job, s, count);
        if (s->next == length) {
            put_row(job, s->row);
            s->is_busy = false;
        }
        s->work += count + FOR_A_ROW;
        if (s->work > PIECE) {
            s->work = 0;
            if (pp_slice_over(slice))
                return false;
        }
    }
}

enum pp_status pp_merge_rows(pp_auction *a, const pp_rows *rows, pp_merged *merged, bool *finite)
{
    const size_t count = (size_t)rows->count, length = (size_t)rows->length;
    *merged = (pp_merged){.members = rows->count, .length = rows->length};
    size_t size = 16;
    while (size < 2 * count)
        size *= 2;
    if (length && count + 1 > SIZE_MAX / sizeof(double) / length)
        return PP_NO_MEMORY;
    int32_t *table = malloc(size * sizeof *table);
    merged->of = malloc((count + 1) * sizeof *merged->of);
    merged->size = malloc((count + 1) * sizeof *merged->size);
    merged->rows = malloc((count + 1) * (length + 1) * sizeof *merged->rows);
    enum pp_status status = PP_NO_MEMORY;
    if (table && merged->of && merged->size && merged->rows) {
        memset(table, -1, size * sizeof *table);
        const merging shared = {
            {rows->view, rows->count * rows->length, 1}, merged, table, size - 1, finite};
        const pp_job job = {.shared = &shared,
                            .items = rows->count,
                            .max_workers = 1,
                            .state_size = sizeof(merging_state),
                            .work = merge};
        status = pp_auction_run(a, &job);
    }
    free(table);
    return status;
}

void pp_merged_free(pp_merged *merged)
{
    free(merged->of);
    free(merged->size);
    free(merged->rows);
    free(merged->bytes);
    free(merged->from);
}
