/* A stretch of the elements of a long sum, anywhere in their order, and the nodes of the tree of
   sums (ordered_template.h) that lie within it. Stretches that follow each other join. */
#ifndef PP_STRETCH_H
#define PP_STRETCH_H

#include <string.h>

#include "reduce.h"

/* A node on level l spans 2^l leaves, and begins at a multiple of that. A left child waits in
   `right` for its sibling, which comes later; a right child whose sibling would begin before the
   stretch stays in `left`. A stretch that begins with the first element has none of those. */
typedef struct pp_stretch {
    int64_t first, end;       /* elements */
    int64_t leaf, leaves_end; /* the first whole leaf in it, and the one to come */
    double *left, *right;     /* a node of 8 lanes for each level */
    double *before, *after;   /* the elements around its whole leaves: k is at k mod 64 */
} pp_stretch;

/* Doubles behind a stretch of up to so many levels, with elements around its leaves or none. */
size_t pp_stretch_doubles(int levels, bool ragged);
/* The levels of the nodes in a stretch of so many elements. */
int pp_stretch_levels(int64_t elements);
void pp_stretch_start(pp_stretch *stretch, int64_t first, int levels, bool ragged, double *memory);
/* Join the stretch that follows: it has a whole leaf, or the one before has no beginning yet. */
void pp_stretch_append(pp_stretch *stretch, const pp_stretch *next);
/* The last leaf, which is not whole. */
void pp_stretch_end(pp_stretch *stretch);

/* Add the node of this level that comes next. */
PP_INLINE void pp_stretch_push(pp_stretch *s, int level, const double *node)
{
    double joined[PP_SUM_LANES];
    memcpy(joined, node, sizeof joined);
    int64_t at = s->leaves_end >> level; /* counted in nodes of the level */
    s->leaves_end += (int64_t)1 << level;
    for (; (at & 1) && (at - 1) << level >= s->leaf; at >>= 1, level++)
        for (int l = 0; l < PP_SUM_LANES; l++)
            joined[l] = s->right[level * PP_SUM_LANES + l] + joined[l];
    memcpy((at & 1 ? s->left : s->right) + level * PP_SUM_LANES, joined, sizeof joined);
}

#endif
