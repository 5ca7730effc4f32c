/* The k-d tree over the tiles with their prices: where few features let most tiles be left out.

   Where tiles are sold far from where they lie, prices differ more between neighbours than costs
   do, but they rise along a slope: a target x that is content with the tile y would not be with
   one nearby unless the price fell by as much as the cost rises, 2 (x - y) per step. So a node
   knows a slope t and the least r with price(y) >= t . (y - corner) + r for all tiles y below it,
   and

       |x - y|^2 + t . y  =  |(x - t/2) - y|^2 + t . x - |t|^2 / 4

   turns the least cost + price below it into a distance to its box. Any slope is right; that of the
   targets who own the tiles leaves most others out. Eight nodes are compared at a time: those that
   share the node three levels above. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "assign.h"
#include "common.h"
#include "dispatch.h"

enum {
    WORTH_A_TREE = 256,
    FEW_FEATURES = 8,
    WIDE_LEVELS = 3, /* of PP_WIDE nodes */
};

static int64_t leaves_of(const pp_price_tree *tree)
{
    return (int64_t)1 << tree->kd.levels;
}

static const double *low_of(const pp_price_tree *tree, int64_t node)
{
    return tree->kd.boxes + node * (1 + 2 * tree->length) + 1;
}

static double *slope_of(const pp_price_tree *tree, int64_t node)
{
    return tree->slope + node * tree->length;
}

/* --- slopes and least prices --- */

static double climb(const double *slope, const double *from, const double *to, int64_t length)
{
    double sum = 0;
    for (int64_t f = 0; f < length; f++)
        sum += slope[f] * (to[f] - from[f]);
    return sum;
}

/* The least price of a tile in a leaf, above the slope. */
static double least_in_leaf(const pp_auction *a, int64_t leaf)
{
    const pp_price_tree *tree = &a->tree;
    const int64_t node = leaf + leaves_of(tree), length = tree->length;
    double least = DBL_MAX;
    for (int32_t tile = tree->kd.first[leaf]; tile < tree->kd.first[leaf + 1]; tile++)
        least = fmin(least, a->price[tile] - climb(slope_of(tree, node), low_of(tree, node),
                                                   a->tiles.rows + tile * length, length));
    return least;
}

/* What follows for the parent, whose slope is another one. */
static double least_in_child(const pp_price_tree *tree, int64_t parent, int64_t child)
{
    const int64_t length = tree->length;
    const double *corner = low_of(tree, parent), *low = low_of(tree, child), *high = low + length;
    const double *own = slope_of(tree, child), *other = slope_of(tree, parent);
    double least = tree->least[child];
    for (int64_t f = 0; f < length; f++) {
        const double steeper = own[f] - other[f];
        least += own[f] * (corner[f] - low[f]);
        least += steeper * ((steeper > 0 ? low[f] : high[f]) - corner[f]);
    }
    return least;
}

static double least_below(const pp_auction *a, int64_t node)
{
    const int64_t leaf = node - leaves_of(&a->tree);
    if (leaf >= 0)
        return least_in_leaf(a, leaf);
    return fmin(least_in_child(&a->tree, node, 2 * node),
                least_in_child(&a->tree, node, 2 * node + 1));
}

/* Where the numbers of a node stand among those of PP_WIDE: low, high, half a slope of each
   feature, and what is added in the end. */
static double *wide_place(const pp_price_tree *tree, int64_t node)
{
    return tree->wide + node / PP_WIDE * PP_WIDE * (3 * tree->length + 1) + node % PP_WIDE;
}

/* Rounding adds less than 2^-42 of the largest square to what is computed from these. */
static void put_least(pp_price_tree *tree, int64_t node, double least)
{
    const int64_t length = tree->length;
    const double *slope = slope_of(tree, node);
    double square = 0;
    tree->least[node] = least;
    if ((tree->kd.levels - pp_highest_bit((uint64_t)node)) % WIDE_LEVELS != 0)
        return;
    for (int64_t f = 0; f < length; f++)
        square += slope[f] * slope[f] / 4;
    wide_place(tree, node)[3 * length * PP_WIDE] =
        least - square - 0x1p-42 * (fabs(least) + square + tree->square);
}

void pp_tree_update(pp_auction *a)
{
    pp_price_tree *tree = &a->tree;
    const int64_t leaves = leaves_of(tree);
    if (tree->changes > leaves / 4) {
        for (int64_t node = 2 * leaves; node-- > 1;)
            put_least(tree, node, least_below(a, node));
    } else {
        for (int64_t i = 0; i < tree->changes; i++)
            for (int64_t node = leaves + tree->leaf[tree->changed[i]]; node > 0; node /= 2) {
                const double least = least_below(a, node);
                if (least <= tree->least[node])
                    break;
                put_least(tree, node, least);
            }
    }
    tree->changes = 0;
}

void pp_tree_note(pp_auction *a, int32_t tile)
{
    pp_price_tree *tree = &a->tree;
    if (tree->changed && tree->changes <= leaves_of(tree) / 4)
        tree->changed[tree->changes++] = tile;
}

/* The mean of what the tiles of a leaf are drawn by. */
static void put_slope_of_leaf(const pp_auction *a, int64_t leaf, const double *rows,
                              const int32_t *owners)
{
    const pp_price_tree *tree = &a->tree;
    const int64_t length = tree->length;
    const int32_t first = tree->kd.first[leaf], stop = tree->kd.first[leaf + 1];
    double *slope = slope_of(tree, leaf + leaves_of(tree));
    memset(slope, 0, (size_t)length * sizeof *slope);
    for (int32_t tile = first; tile < stop; tile++) {
        const double *x = rows + owners[tile] * length, *y = a->tiles.rows + tile * length;
        for (int64_t f = 0; owners[tile] >= 0 && f < length; f++)
            slope[f] += 2 * (x[f] - y[f]) / (stop - first);
    }
}

void pp_tree_lean(pp_auction *a, const double *rows, const int32_t *owners)
{
    pp_price_tree *tree = &a->tree;
    if (!tree->changed)
        return;
    const int64_t length = tree->length, leaves = leaves_of(tree);
    for (int64_t leaf = 0; leaf < leaves; leaf++)
        put_slope_of_leaf(a, leaf, rows, owners);
    for (int64_t node = leaves; node-- > 1;)
        for (int64_t f = 0; f < length; f++)
            slope_of(tree, node)[f] =
                (slope_of(tree, 2 * node)[f] + slope_of(tree, 2 * node + 1)[f]) / 2;
    for (int64_t node = 1; node < 2 * leaves; node++)
        for (int64_t f = 0; f < length; f++)
            wide_place(tree, node)[(2 * length + f) * PP_WIDE] = slope_of(tree, node)[f] / 2;
    tree->changes = leaves; /* all is new */
}

/* --- a search --- */

void pp_tree_begin(const pp_auction *a, pp_tree_walk *walk)
{
    walk->depth = 1;
    walk->steps[0] = (pp_tree_step){a->tree.kd.levels % WIDE_LEVELS == 0, -DBL_MAX};
}

/* The nodes that are worth a look, the nearest last. */
static void push(pp_tree_walk *walk, const double *least, uint64_t bits, int32_t first)
{
    const int begin = walk->depth;
    for (; bits; bits &= bits - 1) {
        const int lane = pp_lowest_bit(bits);
        int at = walk->depth++;
        for (; at > begin && walk->steps[at - 1].least < least[lane]; at--)
            walk->steps[at] = walk->steps[at - 1];
        walk->steps[at] = (pp_tree_step){first + lane, least[lane]};
    }
}

bool pp_tree_next(const pp_auction *a, const double *target, double cutoff, pp_tree_walk *walk,
                  int64_t *first, int64_t *stop)
{
    const pp_price_tree *tree = &a->tree;
    const int64_t leaves = leaves_of(tree), length = tree->length;
    while (walk->depth > 0) {
        const pp_tree_step step = walk->steps[--walk->depth];
        if (step.least > cutoff)
            continue;
        if (step.node >= leaves) {
            *first = tree->kd.first[step.node - leaves];
            *stop = tree->kd.first[step.node - leaves + 1];
            return true;
        }
        double least[PP_WIDE];
        const double *wide = tree->wide + step.node * PP_WIDE * (3 * length + 1);
        const uint64_t bits = pp_kernels->near_nodes(wide, target, length, cutoff, least);
        push(walk, least, bits, step.node * PP_WIDE);
    }
    return false;
}

/* --- making it --- */

/* Number rows as they lie in a tree. */
static bool renumber(pp_merged *merged, const double *numbers)
{
    int32_t *place = malloc(2 * (size_t)merged->count * sizeof *place);
    if (!place)
        return false;
    int32_t *size = place + merged->count;
    memcpy(size, merged->size, (size_t)merged->count * sizeof *size);
    for (int32_t j = 0; j < merged->count; j++) {
        const int32_t old = (int32_t)numbers[j];
        place[old] = j;
        merged->size[j] = size[old];
    }
    for (int64_t i = 0; merged->of && i < merged->members; i++)
        merged->of[i] = place[merged->of[i]];
    free(place);
    return true;
}

/* Bring rows into the order of a tree over them. */
static enum pp_status order(pp_merged *merged, pp_kd_tree *kd, const pp_run *run)
{
    pp_tiles rows = {.features = merged->rows, .count = merged->count, .length = merged->length};
    rows.numbers = malloc((size_t)rows.count * sizeof *rows.numbers);
    if (!rows.numbers)
        return PP_NO_MEMORY;
    enum pp_status status = pp_kd_build(&rows, kd, run);
    kd->tiles = NULL;
    merged->rows = rows.features;
    if (status == PP_OK && !renumber(merged, rows.numbers))
        status = PP_NO_MEMORY;
    free(rows.numbers);
    return status;
}

static bool allocate(pp_auction *a)
{
    pp_price_tree *tree = &a->tree;
    const size_t leaves = (size_t)leaves_of(tree), length = (size_t)tree->length;
    tree->least = calloc(2 * leaves, sizeof *tree->least);
    tree->slope = calloc(2 * leaves, length * sizeof *tree->slope);
    tree->wide = malloc(2 * leaves * (3 * length + 1) * sizeof *tree->wide);
    tree->leaf = malloc((size_t)a->tiles.count * sizeof *tree->leaf);
    tree->changed = malloc((leaves / 4 + 2) * sizeof *tree->changed);
    return tree->least && tree->slope && tree->wide && tree->leaf && tree->changed;
}

static void put_boxes(pp_auction *a)
{
    pp_price_tree *tree = &a->tree;
    const int64_t leaves = leaves_of(tree), length = tree->length;
    for (int64_t leaf = 0; leaf < leaves; leaf++)
        for (int32_t tile = tree->kd.first[leaf]; tile < tree->kd.first[leaf + 1]; tile++)
            tree->leaf[tile] = (int32_t)leaf;
    for (int64_t node = 0; node < 2 * leaves; node++) {
        double *place = wide_place(tree, node);
        for (int64_t f = 0; f < 2 * length; f++)
            place[f * PP_WIDE] = node > 0 ? low_of(tree, node)[f] : 0;
        for (int64_t f = 2 * length; f < 3 * length; f++)
            place[f * PP_WIDE] = 0;
        place[3 * length * PP_WIDE] = INFINITY; /* what stays so is not to be looked at */
    }
    tree->changes = leaves;
}

enum pp_status pp_tree_build(pp_auction *a)
{
    pp_price_tree *tree = &a->tree;
    const int64_t length = tree->length = a->tiles.length;
    if (length < 1 || length > FEW_FEATURES)
        return PP_OK;
    pp_kd_tree targets = {0};
    enum pp_status status = a->targets.count ? order(&a->targets, &targets, &a->run) : PP_OK;
    pp_kd_free(&targets);
    if (status == PP_OK && a->tiles.count >= WORTH_A_TREE) {
        status = order(&a->tiles, &tree->kd, &a->run);
        if (status == PP_OK && !allocate(a))
            status = PP_NO_MEMORY;
        if (status == PP_OK)
            put_boxes(a);
        tree->square = 36 * FEW_FEATURES * a->large; /* of a target from the corner of a box */
    }
    return status;
}

void pp_tree_free(pp_auction *a)
{
    pp_kd_free(&a->tree.kd);
    free(a->tree.least);
    free(a->tree.slope);
    free(a->tree.wide);
    free(a->tree.changed);
    free(a->tree.leaf);
}
