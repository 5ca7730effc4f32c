/* Equal rows as one: a thousand equal targets that bid one by one for the same tiles would raise
   the prices by the smallest step each time; as one group they know what they are worth. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "assign.h"

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

/* The group of the row that stands behind the groups so far; a new one if none is equal. */
static int32_t find_group(pp_merged *merged, int32_t *table, uint64_t mask)
{
    const size_t bytes = (size_t)merged->length * sizeof(double);
    const double *row = merged->rows + merged->count * merged->length;
    for (uint64_t at = hash_row(row, merged->length) & mask;; at = (at + 1) & mask) {
        if (table[at] < 0) {
            table[at] = merged->count;
            return merged->count;
        }
        if (memcmp(merged->rows + table[at] * merged->length, row, bytes) == 0)
            return table[at];
    }
}

static void merge(const pp_rows *rows, pp_merged *merged, int32_t *table, uint64_t mask,
                  bool *finite)
{
    for (int64_t i = 0; i < rows->count; i++) {
        double *row = merged->rows + merged->count * rows->length;
        *finite &= pp_rows_read(rows, i, 1, row);
        for (int64_t f = 0; f < rows->length; f++)
            row[f] += 0.0; /* -0 becomes 0, which it equals */
        const int32_t group = find_group(merged, table, mask);
        merged->of[i] = group;
        if (group == merged->count) {
            merged->size[group] = 0;
            merged->count++;
        }
        merged->size[group]++;
    }
}

enum pp_status pp_merge_rows(const pp_rows *rows, pp_merged *merged, bool *finite)
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
    const bool ok = table && merged->of && merged->size && merged->rows;
    if (ok) {
        memset(table, -1, size * sizeof *table);
        merge(rows, merged, table, size - 1, finite);
    }
    free(table);
    return ok ? PP_OK : PP_NO_MEMORY;
}

void pp_merged_free(pp_merged *merged)
{
    free(merged->of);
    free(merged->size);
    free(merged->rows);
    free(merged->bytes);
    free(merged->from);
}
