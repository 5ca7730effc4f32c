/* A k-d tree over tiles of few features (Bentley 1975; split as by Friedman, Bentley, Finkel 1977:
   at the median of the feature that varies most).

   Every node halves its tiles, so the shape follows from their number alone, and any tiles, however
   unevenly they lie, are found in as many steps. */
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"
#include "match.h"
#include "parallel.h"

enum {
    LEAF = 12,            /* tiles in a leaf, about */
    SUBTREES = 8,         /* before each is built by one thread */
    LARGE_NODE = 1 << 14, /* tiles that take a thread too long to part all the way down */
};

/* A tile in the order by one of its features. */
typedef struct ranked {
    double key;
    int32_t tile;
} ranked;

typedef struct build_job {
    const pp_tiles *tiles; /* in the caller's order */
    const pp_kd_tree *tree;
    int32_t *order; /* of the tiles in the tree */
    ranked *memory; /* twice as many */
    int from, to;   /* the levels to build now */
} build_job;

/* Which tiles are below this node: the i-th of 2^level shares. */
static int32_t share(int64_t count, int level, int64_t i)
{
    return (int32_t)(count * i >> level);
}

/* Move those below the pivot (or, with `or_equal`, not above it) to the left; how many they are.
   Without a branch, which would be guessed wrong every other time. */
static int32_t part(ranked *a, ranked *buffer, int32_t n, double pivot, bool or_equal)
{
    int32_t left = 0, right = n - 1;
    for (int32_t i = 0; i < n; i++) {
        const bool is_left = or_equal ? a[i].key <= pivot : a[i].key < pivot;
        buffer[left] = a[i];
        buffer[right] = a[i];
        left += is_left;
        right -= !is_left;
    }
    memcpy(a, buffer, (size_t)n * sizeof *a);
    return left;
}

static double median(double a, double b, double c)
{
    return fmax(fmin(a, b), fmin(fmax(a, b), c));
}

/* Quickselect (Hoare 1961): the `wanted` least to the left. */
static void select_least(ranked *a, ranked *buffer, int32_t n, int32_t wanted)
{
    while (n > 1) {
        const double pivot = median(a[0].key, a[n / 2].key, a[n - 1].key);
        int32_t left = part(a, buffer, n, pivot, false);
        if (left <= wanted) { /* some equal the pivot: they go next */
            const int32_t equal = part(a + left, buffer, n - left, pivot, true);
            if (left + equal > wanted)
                return;
            left += equal;
            a += left;
            n -= left;
            wanted -= left;
        } else {
            n = left;
        }
    }
}

/* The box of these tiles; returns the feature that varies most. */
static int32_t put_box(const build_job *job, const int32_t *order, int32_t n, double *box)
{
    const int64_t length = job->tiles->length;
    double *low = box + 1, *high = low + length;
    box[0] = INFINITY;
    for (int64_t f = 0; f < length; f++) {
        low[f] = INFINITY;
        high[f] = -INFINITY;
    }
    for (int32_t i = 0; i < n; i++) {
        const double *tile = job->tiles->features + order[i] * length;
        box[0] = order[i] < box[0] ? order[i] : box[0];
        for (int64_t f = 0; f < length; f++) {
            low[f] = tile[f] < low[f] ? tile[f] : low[f];
            high[f] = tile[f] > high[f] ? tile[f] : high[f];
        }
    }
    int32_t widest = 0;
    for (int32_t f = 1; f < length; f++)
        widest = high[f] - low[f] > high[widest] - low[widest] ? f : widest;
    return widest;
}

static void split(const build_job *job, int64_t node, int32_t first, int32_t middle, int32_t stop,
                  int32_t feature)
{
    const pp_tiles *tiles = job->tiles;
    ranked *a = job->memory + first, *buffer = a + tiles->count;
    const int32_t n = stop - first;
    for (int32_t i = 0; i < n; i++) {
        const int32_t tile = job->order[first + i];
        a[i] = (ranked){tiles->features[tile * tiles->length + feature], tile};
    }
    select_least(a, buffer, n, middle - first);
    double highest = -INFINITY;
    for (int32_t i = 0; i < n; i++)
        job->order[first + i] = a[i].tile;
    for (int32_t i = 0; i < middle - first; i++)
        highest = a[i].key > highest ? a[i].key : highest;
    job->tree->feature[node] = feature;
    job->tree->threshold[node] = highest;
}

static void build(const build_job *job, int level, int64_t i)
{
    const pp_kd_tree *tree = job->tree;
    const int64_t count = job->tiles->count, node = ((int64_t)1 << level) + i;
    const int32_t first = share(count, level, i), stop = share(count, level, i + 1);
    double *box = tree->boxes + node * (1 + 2 * job->tiles->length);
    const int32_t widest = put_box(job, job->order + first, stop - first, box);
    if (level == tree->levels) {
        tree->first[i] = first;
        return;
    }
    split(job, node, first, share(count, level + 1, 2 * i + 1), stop, widest);
    if (level + 1 < job->to) {
        build(job, level + 1, 2 * i);
        build(job, level + 1, 2 * i + 1);
    }
}

static bool build_nodes(const void *shared, void *state, pp_slice *slice)
{
    (void)state;
    const build_job *job = shared;
    for (int64_t i; (i = pp_slice_draw(slice)) >= 0;) {
        build(job, job->from, i);
        if (pp_slice_over(slice))
            return false;
    }
    return true;
}

/* Level by level while nodes are few or large, then all that is below. */
static enum pp_status build_levels(build_job *job, const pp_run *run)
{
    const int levels = job->tree->levels;
    enum pp_status status = PP_OK;
    for (job->to = 0; status == PP_OK && job->to <= levels;) {
        const int64_t nodes = (int64_t)1 << (job->from = job->to);
        const bool wait = nodes < SUBTREES || job->tiles->count / nodes > LARGE_NODE;
        job->to = wait ? job->from + 1 : levels + 1;
        const pp_job parallel = {
            .shared = job,
            .items = nodes,
            .max_workers = job->tiles->count / nodes < SUBTREES * LEAF ? 1 : (int)nodes,
            .state_size = sizeof(pp_worker),
            .work = build_nodes,
        };
        status = pp_parallel_for(&parallel, run);
    }
    return status;
}

/* The tiles in the order of the leaves. */
static enum pp_status reorder(pp_tiles *tiles, const int32_t *order)
{
    const size_t row = (size_t)tiles->length * sizeof(double);
    double *features = malloc((size_t)tiles->count * row + 1);
    if (!features)
        return PP_NO_MEMORY;
    for (int64_t i = 0; i < tiles->count; i++) {
        memcpy(features + i * tiles->length, tiles->features + order[i] * tiles->length, row);
        tiles->numbers[i] = order[i];
    }
    free(tiles->features);
    tiles->features = features;
    return PP_OK;
}

static bool allocate(pp_kd_tree *tree, const pp_tiles *tiles)
{
    const size_t leaves = (size_t)1 << tree->levels;
    tree->first = malloc((leaves + 1) * sizeof *tree->first);
    tree->boxes = malloc(2 * leaves * (1 + 2 * (size_t)tiles->length) * sizeof *tree->boxes);
    tree->feature = malloc(leaves * sizeof *tree->feature);
    tree->threshold = malloc(leaves * sizeof *tree->threshold);
    return tree->first && tree->boxes && tree->feature && tree->threshold;
}

enum pp_status pp_kd_build(pp_tiles *tiles, pp_kd_tree *tree, const pp_run *run)
{
    *tree = (pp_kd_tree){.tiles = tiles};
    while (tiles->count >> tree->levels > LEAF)
        tree->levels++;
    const size_t count = (size_t)tiles->count;
    build_job job = {.tiles = tiles, .tree = tree};
    job.order = malloc(count * sizeof *job.order);
    job.memory = malloc(2 * count * sizeof *job.memory);
    enum pp_status status = PP_NO_MEMORY;
    if (job.order && job.memory && allocate(tree, tiles)) {
        for (int32_t i = 0; i < tiles->count; i++)
            job.order[i] = i;
        tree->first[(size_t)1 << tree->levels] = (int32_t)tiles->count;
        status = build_levels(&job, run);
    }
    if (status == PP_OK)
        status = reorder(tiles, job.order);
    free(job.order);
    free(job.memory);
    return status;
}

void pp_kd_free(pp_kd_tree *tree)
{
    free(tree->first);
    free(tree->boxes);
    free(tree->feature);
    free(tree->threshold);
}

/* Several rows at a time: the way of one down the tree is a chain of loads. */
void pp_kd_locate(const pp_kd_tree *tree, const double *rows, int64_t count, int32_t *leaves)
{
    enum { SIDE_BY_SIDE = 16 };
    const int64_t length = tree->tiles->length;
    for (int64_t i = 0; i < count; i += SIDE_BY_SIDE) {
        const int n = (int)(count - i < SIDE_BY_SIDE ? count - i : SIDE_BY_SIDE);
        int32_t node[SIDE_BY_SIDE];
        for (int k = 0; k < n; k++)
            node[k] = 1;
        for (int level = 0; level < tree->levels; level++)
            for (int k = 0; k < n; k++) {
                const double x = rows[(i + k) * length + tree->feature[node[k]]];
                node[k] = 2 * node[k] + (x > tree->threshold[node[k]]);
            }
        for (int k = 0; k < n; k++)
            leaves[i + k] = node[k] - ((int32_t)1 << tree->levels);
    }
}
