/* The k-d tree over the tiles with their prices: where few features let most tiles be left out.

   No tile below a node has a cost + price lower than the distance to the node's box plus the least
   price below it. Prices change all the time; a node learns of that before the next search. */
#include <float.h>
#include <stdlib.h>
#include <string.h>

#include "assign.h"
#include "common.h"

static int64_t leaves_of(const pp_kd_tree *tree)
{
    return (int64_t)1 << tree->levels;
}

static double least_price_below(const pp_auction *a, int64_t node)
{
    const double *least = a->tree.least;
    const int64_t leaf = node - leaves_of(&a->tree.kd);
    if (leaf < 0)
        return least[2 * node] < least[2 * node + 1] ? least[2 * node] : least[2 * node + 1];
    double price = DBL_MAX;
    for (int32_t tile = a->tree.kd.first[leaf]; tile < a->tree.kd.first[leaf + 1]; tile++)
        price = a->price[tile] < price ? a->price[tile] : price;
    return price;
}

/* Nodes above tiles whose price has changed. */
void pp_tree_update(pp_auction *a)
{
    pp_price_tree *tree = &a->tree;
    const int64_t leaves = leaves_of(&tree->kd);
    if (tree->changes > leaves / 4) {
        for (int64_t node = 2 * leaves; node-- > 1;)
            tree->least[node] = least_price_below(a, node);
    } else {
        for (int64_t i = 0; i < tree->changes; i++)
            for (int64_t node = leaves + tree->leaf[tree->changed[i]]; node > 0; node /= 2) {
                const double least = least_price_below(a, node);
                if (least <= tree->least[node])
                    break;
                tree->least[node] = least;
            }
    }
    tree->changes = 0;
}

void pp_tree_note(pp_auction *a, int32_t tile)
{
    pp_price_tree *tree = &a->tree;
    if (tree->changed && tree->changes <= leaves_of(&tree->kd) / 4)
        tree->changed[tree->changes++] = tile;
}

/* The least that cost + price can be below a node. */
static double least_value_below(const pp_auction *a, const double *target, int64_t node)
{
    const int64_t length = a->tiles.length;
    const double *low = a->tree.kd.boxes + node * (1 + 2 * length) + 1, *high = low + length;
    double sum = 0;
    for (int64_t f = 0; f < length; f++) {
        const double below = low[f] - target[f], above = target[f] - high[f];
        double outside = below > above ? below : above;
        outside = outside > 0 ? outside : 0;
        sum += outside * outside;
    }
    return sum + a->tree.least[node];
}

bool pp_tree_next(const pp_auction *a, const double *target, double cutoff, pp_tree_walk *walk,
                  int64_t *first, int64_t *stop)
{
    const int64_t leaves = leaves_of(&a->tree.kd);
    while (walk->depth > 0) {
        const pp_tree_step step = walk->steps[--walk->depth];
        if (step.least > cutoff)
            continue;
        if (step.node >= leaves) {
            *first = a->tree.kd.first[step.node - leaves];
            *stop = a->tree.kd.first[step.node - leaves + 1];
            return true;
        }
        const int32_t left = 2 * step.node, right = left + 1;
        const pp_tree_step steps[2] = {{left, least_value_below(a, target, left)},
                                       {right, least_value_below(a, target, right)}};
        const int nearer = steps[1].least < steps[0].least;
        walk->steps[walk->depth++] = steps[!nearer];
        walk->steps[walk->depth++] = steps[nearer];
    }
    return false;
}

/* Number the tiles as they lie in the tree. */
static bool renumber(pp_merged *tiles, const double *numbers)
{
    int32_t *place = malloc(2 * (size_t)tiles->count * sizeof *place);
    if (!place)
        return false;
    int32_t *size = place + tiles->count;
    memcpy(size, tiles->size, (size_t)tiles->count * sizeof *size);
    for (int32_t j = 0; j < tiles->count; j++) {
        const int32_t old = (int32_t)numbers[j];
        place[old] = j;
        tiles->size[j] = size[old];
    }
    for (int64_t i = 0; i < tiles->members; i++)
        tiles->of[i] = place[tiles->of[i]];
    free(place);
    return true;
}

static bool allocate(pp_auction *a)
{
    pp_price_tree *tree = &a->tree;
    const int64_t leaves = leaves_of(&tree->kd);
    tree->least = calloc(2 * (size_t)leaves, sizeof *tree->least);
    tree->changed = malloc(((size_t)leaves / 4 + 2) * sizeof *tree->changed);
    tree->leaf = malloc((size_t)a->tiles.count * sizeof *tree->leaf);
    if (!tree->least || !tree->changed || !tree->leaf)
        return false;
    for (int32_t leaf = 0; leaf < leaves; leaf++)
        for (int32_t tile = tree->kd.first[leaf]; tile < tree->kd.first[leaf + 1]; tile++)
            tree->leaf[tile] = leaf;
    return true;
}

enum pp_status pp_tree_build(pp_auction *a)
{
    enum { WORTH_A_TREE = 256 };
    const int64_t count = a->tiles.count, length = a->tiles.length;
    if (length < 1 || length > PP_KD_DIMENSIONS || count < WORTH_A_TREE)
        return PP_OK;
    pp_tiles tiles = {.features = a->tiles.rows, .count = count, .length = length};
    tiles.numbers = malloc((size_t)count * sizeof *tiles.numbers);
    enum pp_status status = PP_NO_MEMORY;
    if (tiles.numbers) {
        status = pp_kd_build(&tiles, &a->tree.kd, &a->run);
        a->tree.kd.tiles = NULL;
        a->tiles.rows = tiles.features;
    }
    if (status == PP_OK && !(renumber(&a->tiles, tiles.numbers) && allocate(a)))
        status = PP_NO_MEMORY;
    free(tiles.numbers);
    return status;
}

void pp_tree_free(pp_auction *a)
{
    pp_kd_free(&a->tree.kd);
    free(a->tree.least);
    free(a->tree.changed);
    free(a->tree.leaf);
}
