/* Stretches of a long sum: see stretch.h. */
#include "stretch.h"

int pp_stretch_levels(int64_t elements)
{
    return pp_highest_bit((uint64_t)(elements / PP_GROUP + 1)) + 1;
}

size_t pp_stretch_doubles(int levels, bool ragged)
{
    return (size_t)(2 * levels * PP_SUM_LANES + (ragged ? 2 * PP_GROUP : 0));
}

void pp_stretch_start(pp_stretch *stretch, int64_t first, int levels, bool ragged, double *memory)
{
    const int64_t leaf = (first + PP_GROUP - 1) / PP_GROUP;
    *stretch = (pp_stretch){.first = first, .end = first, .leaf = leaf, .leaves_end = leaf};
    stretch->left = memory;
    stretch->right = memory + levels * PP_SUM_LANES;
    if (ragged) {
        stretch->before = stretch->right + levels * PP_SUM_LANES;
        stretch->after = stretch->before + PP_GROUP;
    }
}

static void push_leaf(pp_stretch *stretch, const double *x)
{
    double node[PP_SUM_LANES];
    for (int l = 0; l < PP_SUM_LANES; l++)
        node[l] = pp_sum_of_8(x[l], x[l + 8], x[l + 16], x[l + 24], x[l + 32], x[l + 40], x[l + 48],
                              x[l + 56]);
    pp_stretch_push(stretch, 0, node);
}

/* Nodes get larger from the beginning of a stretch on, and smaller again to its end. */
static void append_nodes(pp_stretch *stretch, const pp_stretch *next)
{
    int64_t at = next->leaf;
    int level = 0;
    for (; at + ((int64_t)1 << level) <= next->leaves_end; level++) {
        if (at >> level & 1) {
            pp_stretch_push(stretch, level, next->left + level * PP_SUM_LANES);
            at += (int64_t)1 << level;
        }
    }
    while (level-- > 0)
        if ((next->leaves_end - at) >> level & 1) {
            pp_stretch_push(stretch, level, next->right + level * PP_SUM_LANES);
            at += (int64_t)1 << level;
        }
}

void pp_stretch_append(pp_stretch *stretch, const pp_stretch *next)
{
    const int open = (int)(stretch->end % PP_GROUP);
    if (stretch->end == stretch->first && open) {
        memcpy(stretch->before, next->before, PP_GROUP * sizeof(double));
    } else if (open) { /* the leaf across */
        memcpy(stretch->after + open, next->before + open,
               (size_t)(PP_GROUP - open) * sizeof(double));
        push_leaf(stretch, stretch->after);
    }
    append_nodes(stretch, next);
    stretch->end = next->end;
    if (next->end % PP_GROUP)
        memcpy(stretch->after, next->after, PP_GROUP * sizeof(double));
}

void pp_stretch_end(pp_stretch *stretch)
{
    const int open = (int)(stretch->end % PP_GROUP);
    if (open == 0)
        return;
    for (int k = open; k < PP_GROUP; k++)
        stretch->after[k] = 0; /* which changes no sum, but for the sign of a zero */
    push_leaf(stretch, stretch->after);
}
