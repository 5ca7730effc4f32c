/* Sums in floating point, for one instruction set: ISA(name) gives `name` the variant's suffix,
   TARGET is the function attribute that turns the instruction set on.

   Floating-point addition rounds, so the order of a sum is part of its result. Ours is fixed by the
   number of elements alone. Each 64 elements form a leaf:

       element k of the leaf belongs to lane k mod 8; the lane's 8 elements x0 … x7 are summed as
       ((x0 + x1) + (x2 + x3)) + ((x4 + x5) + (x6 + x7))

   Leaves are summed lane by lane in pairs, pairs in pairs, and so on; the sum of 8 lanes comes
   last, by the same formula. Such pairwise summation has an error of at most log2(n) roundings: N.
   J. Higham, "The accuracy of floating point summation", SIAM J. Sci. Comput. 14 (1993). Along
   rows, eight lanes are a vector; down the columns of a table, each lane is a row of many columns:
   both directions are as fast as memory.

   A variance has two parts, the mean and the sum of squared deviations from it, which join as in
   T. F. Chan, G. H. Golub and R. J. LeVeque, "Algorithms for computing the sample variance", The
   American Statistician 37 (1983): exact for constants, and with no cancellation.

   The loops are plain C, for the compiler to turn into vectors: on the way from memory it has time
   to spare. What is missing from the last leaf is not added; that differs from adding zeros by the
   sign of a zero only, and a sum that is zero is +0. */
#undef LANES
#define LANES PP_SUM_LANES

#define number_at      ISA(number_at)
#define element_size   ISA(element_size)
#define term           ISA(term)
#define fold8          ISA(fold8)
#define fold           ISA(fold)
#define spread8        ISA(spread8)
#define spread         ISA(spread)
#define leaf_part      ISA(leaf_part)
#define leaf           ISA(leaf)
#define join_means     ISA(join_means)
#define join           ISA(join)
#define push           ISA(push)
#define next_leaf      ISA(next_leaf)
#define ragged_terms   ISA(ragged_terms)
#define ragged_doubles ISA(ragged_doubles)
#define ragged_singles ISA(ragged_singles)
#define ragged_leaf    ISA(ragged_leaf)
#define take_row       ISA(take_row)
#define pad_leaf       ISA(pad_leaf)
#define ragged_row     ISA(ragged_row)
#define take_op        ISA(take_op)
#define tree_take      ISA(tree_take)
#define close_op       ISA(close_op)
#define results_op     ISA(results_op)
#define tree_close     ISA(tree_close)
#define tree_merge     ISA(tree_merge)
#define tree_results   ISA(tree_results)
#define row_op         ISA(row_op)
#define columns_op     ISA(columns_op)
#define at_once_op     ISA(at_once_op)
#define tree_at_once   ISA(tree_at_once)
#define fold_twice     ISA(fold_twice)
#define tree_put       ISA(tree_put)
#define load_type      ISA(load_type)
#define load_swapped   ISA(load_swapped)
#define load_doubles   ISA(load_doubles)

TARGET PP_INLINE double number_at(bool single, const char *at)
{
    float narrow;
    double wide;
    if (single) {
        memcpy(&narrow, at, sizeof narrow);
        return narrow;
    }
    memcpy(&wide, at, sizeof wide);
    return wide;
}

PP_INLINE int64_t element_size(pp_terms t)
{
    return t.single ? (int64_t)sizeof(float) : (int64_t)sizeof(double);
}

/* What the tree sums: elements, their squares, or products. */
TARGET PP_INLINE double term(pp_terms t, const char *x, const char *y)
{
    const double a = number_at(t.single, x);
    if (t.op == PP_DOT)
        return a * number_at(t.single, y);
    return t.op == PP_NORM ? pp_scaled_square(a, t.scale) : a;
}

/* The sums of 8 terms, `step` bytes apart, in each of `width` places. */
TARGET PP_INLINE void fold8(pp_terms t, const char *const x[2], int64_t step, int width,
                            double *restrict out)
{
    const char *const y = t.op == PP_DOT ? x[1] : x[0];
#define X(k) term(t, x[0] + (k) * step + at, y + (k) * step + at)
    for (int j = 0; j < width; j++) {
        const int64_t at = j * element_size(t);
        out[j] = pp_sum_of_8(X(0), X(1), X(2), X(3), X(4), X(5), X(6), X(7));
    }
#undef X
}

/* The sums of fewer terms: the same tree without what is missing. A zero for a term that is missing
   may change the sign of a zero only. */
TARGET PP_INLINE void fold(pp_terms t, const char *const x[2], int64_t step, int count, int width,
                           double *restrict out)
{
    enum { PART = 32 };
    const char *a[LANES], *b[LANES];
    for (int k = 0; k < LANES; k++) {
        a[k] = k < count ? x[0] + k * step : pp_zeros;
        b[k] = k < count && t.op == PP_DOT ? x[1] + k * step : a[k];
    }
#define X(k) term(t, a[k] + j * element_size(t), b[k] + j * element_size(t))
#define FOLD(sum)                                                                                  \
    for (int j = 0; j < width; j++)                                                                \
        out[j] = sum;                                                                              \
    return;
    switch (count) {
    case 1:
        FOLD(X(0))
    case 2:
        FOLD(X(0) + X(1))
    case 3:
        FOLD((X(0) + X(1)) + X(2))
    case 4:
        FOLD((X(0) + X(1)) + (X(2) + X(3)))
    default: /* that `part` lies apart from so many rows is plain to a compiler */
        for (int first = 0; first < width; first += PART) {
            double part[PART];
            const int n = width - first < PART ? width - first : PART;
            for (int j = first; j < first + n; j++)
                part[j - first] = pp_sum_of_8(X(0), X(1), X(2), X(3), X(4), X(5), X(6), X(7));
            for (int i = 0; i < n; i++)
                out[first + i] = part[i];
        }
    }
#undef FOLD
#undef X
}

/* The sums of 8 to 16 rows: each lane has one term or two. */
TARGET PP_INLINE void fold_twice(pp_terms t, const pp_tile *all, double *restrict out)
{
    const char *x[2 * LANES];
    for (int r = 0; r < 2 * LANES; r++)
        x[r] = r < all->count ? all->x[0] + r * all->row : pp_zeros;
#define X(k) (term(t, x[k] + at, x[k] + at) + term(t, x[(k) + 8] + at, x[(k) + 8] + at))
    for (int j = 0; j < all->width; j++) {
        const int64_t at = j * element_size(t);
        out[j] = pp_sum_of_8(X(0), X(1), X(2), X(3), X(4), X(5), X(6), X(7));
    }
#undef X
}

/* Mean, and sum of squared deviations from it, of 8 elements in each place. The first is subtracted
   before the mean is formed, so that a constant has no deviations at all. */
TARGET PP_INLINE void spread8(pp_terms t, const char *const x[2], int64_t step, int width,
                              double *restrict mean, double *restrict squares)
{
    for (int j = 0; j < width; j++) {
        const int64_t at = j * element_size(t);
        const double x0 = number_at(t.single, x[0] + at),
                     x1 = number_at(t.single, x[0] + at + step);
        const double x2 = number_at(t.single, x[0] + at + 2 * step),
                     x3 = number_at(t.single, x[0] + at + 3 * step);
        const double x4 = number_at(t.single, x[0] + at + 4 * step),
                     x5 = number_at(t.single, x[0] + at + 5 * step);
        const double x6 = number_at(t.single, x[0] + at + 6 * step),
                     x7 = number_at(t.single, x[0] + at + 7 * step);
        const double sum = ((x1 - x0) + ((x2 - x0) + (x3 - x0))) +
                           (((x4 - x0) + (x5 - x0)) + ((x6 - x0) + (x7 - x0)));
        const double m = x0 + sum * 0.125;
        const double d0 = x0 - m, d1 = x1 - m, d2 = x2 - m, d3 = x3 - m;
        const double d4 = x4 - m, d5 = x5 - m, d6 = x6 - m, d7 = x7 - m;
        mean[j] = m;
        squares[j] =
            pp_sum_of_8(d0 * d0, d1 * d1, d2 * d2, d3 * d3, d4 * d4, d5 * d5, d6 * d6, d7 * d7);
    }
}

/* The same for fewer elements. */
TARGET static void spread(pp_terms t, const char *const x[2], int64_t step, int count, int width,
                          double *mean, double *squares)
{
    for (int j = 0; j < width; j++) {
        const int64_t at = j * element_size(t);
        const double first = number_at(t.single, x[0] + at);
        double sum = 0, square = 0;
        for (int r = 1; r < count; r++)
            sum += number_at(t.single, x[0] + at + r * step) - first;
        const double middle = first + sum / count;
        for (int r = 0; r < count; r++) {
            const double deviation = number_at(t.single, x[0] + at + r * step) - middle;
            square += deviation * deviation;
        }
        mean[j] = middle;
        squares[j] = square;
    }
}

/* `count` elements in each lane of a leaf that begins with lane `from`, up to lane `to`. */
TARGET PP_INLINE void leaf_part(pp_terms t, const pp_tile *tile, const char *const at[2], int from,
                                int to, int count, double *node)
{
    const int width = tile->width;
    const int64_t step = LANES * tile->row;
    const bool dense = tile->row == width * element_size(t);
    const int lanes = dense ? to - from : 1; /* these are one row */
    for (int l = from; l < to; l += lanes) {
        const char *const x[2] = {at[0] + l * tile->row, at[1] ? at[1] + l * tile->row : NULL};
        double *out = node + l * width, *squares = out + LANES * width;
        if (count == 0)
            memset(out, 0, (size_t)(lanes * width) * sizeof *out);
        else if (t.op != PP_VAR && count == LANES)
            fold8(t, x, step, lanes * width, out);
        else if (t.op != PP_VAR)
            fold(t, x, step, count, lanes * width, out);
        else if (count == LANES)
            spread8(t, x, step, lanes * width, out, squares);
        else
            spread(t, x, step, count, lanes * width, out, squares);
        if (t.op == PP_VAR && count == 0)
            memset(squares, 0, (size_t)(lanes * width) * sizeof *squares);
    }
}

/* The leaf of the elements from k of the tile. */
TARGET PP_INLINE void leaf(pp_terms t, const pp_tile *tile, int64_t k, double *node)
{
    const int64_t offset = k * tile->row;
    const char *const at[2] = {tile->x[0] + offset, tile->x[1] ? tile->x[1] + offset : NULL};
    leaf_part(t, tile, at, 0, LANES, LANES, node);
}

/* The last leaf, of fewer elements; the first lanes may have one more than the others. */
TARGET PP_INLINE void ragged_terms(pp_terms t, const pp_tile *tile, int64_t k, double *node,
                                   double *counts)
{
    const int64_t offset = k * tile->row;
    const char *const at[2] = {tile->x[0] + offset, tile->x[1] ? tile->x[1] + offset : NULL};
    const int size = (int)(tile->count - k), longer = size % LANES;
    if (longer > 0)
        leaf_part(t, tile, at, 0, longer, size / LANES + 1, node);
    leaf_part(t, tile, at, longer, LANES, size / LANES, node);
    for (int l = 0; l < LANES; l++)
        counts[l] = size / LANES + (l < longer);
}

/* Those of each size have code of their own, which their callers share. */
TARGET static void ragged_doubles(enum pp_reduction op, double scale, const pp_tile *tile,
                                  int64_t k, double *node, double *counts)
{
    ragged_terms((pp_terms){op, false, scale}, tile, k, node, counts);
}

TARGET static void ragged_singles(enum pp_reduction op, double scale, const pp_tile *tile,
                                  int64_t k, double *node, double *counts)
{
    ragged_terms((pp_terms){op, true, scale}, tile, k, node, counts);
}

TARGET PP_INLINE void ragged_leaf(pp_terms t, const pp_tile *tile, int64_t k, double *node,
                                  double *counts)
{
    if (t.single)
        ragged_singles(t.op, t.scale, tile, k, node, counts);
    else
        ragged_doubles(t.op, t.scale, tile, k, node, counts);
}

/* Two samples of na and nb elements, in each of `width` places, as one, in the place of b. */
TARGET PP_INLINE void join_means(const double *restrict mean_a, const double *restrict square_a,
                                 double na, double *restrict mean_b, double *restrict square_b,
                                 double nb, int width)
{
    if (nb == 0) {
        memcpy(mean_b, mean_a, (size_t)width * sizeof *mean_b);
        memcpy(square_b, square_a, (size_t)width * sizeof *square_b);
        return;
    }
    const double share = na == nb ? 0.5 : nb / (na + nb), weight = na * share;
    for (int j = 0; j < width; j++) {
        const double apart = mean_b[j] - mean_a[j];
        mean_b[j] = mean_a[j] + apart * share;
        square_b[j] = square_a[j] + square_b[j] + apart * apart * weight;
    }
}

/* Join node b, later in the order, to node a of `full` elements a lane; the result is in b. Its
   lanes have as many elements, or `counts`. */
TARGET PP_INLINE void join(enum pp_reduction op, const double *restrict a, double full,
                           double *restrict b, double *counts, int width)
{
    const int places = LANES * width;
    if (op != PP_VAR) {
        for (int j = 0; j < places; j++)
            b[j] = a[j] + b[j];
    } else if (!counts) {
        join_means(a, a + places, full, b, b + places, full, places);
    } else {
        for (int l = 0, j = 0; l < LANES; l++, j += width)
            join_means(a + j, a + places + j, full, b + j, b + places + j, counts[l], width);
    }
    for (int l = 0; counts && l < LANES; l++)
        counts[l] += full;
}

PP_INLINE int64_t ISA(node_places)(enum pp_reduction op, int width)
{
    return (op == PP_VAR ? 2 : 1) * LANES * (int64_t)width;
}

/* Add a leaf to the tree; `counts` are given where it is not a whole one. */
TARGET PP_INLINE void push(enum pp_reduction op, pp_tree *tree, int width, double *node,
                           double *counts)
{
    const int64_t places = ISA(node_places)(op, width);
    double *waiting = tree->nodes, full = LANES;
    for (int64_t leaves = tree->leaves++; leaves & 1; leaves >>= 1, full *= 2, waiting += places)
        join(op, waiting, full, node, counts, width);
    if (waiting != node)
        memcpy(waiting, node, (size_t)places * sizeof *node);
}

/* Where to make the next leaf: every other one waits at once. */
TARGET PP_INLINE double *next_leaf(const pp_tree *tree)
{
    return tree->leaves & 1 ? tree->spare : tree->nodes;
}

/* Whole leaves of a row, in which the 8 lanes are a vector. */
TARGET PP_INLINE int64_t take_row(pp_terms t, pp_tree *tree, const pp_tile *tile)
{
    const int64_t size = element_size(t);
    const char *x[2] = {tile->x[0], tile->x[1]};
    int64_t k = 0;
    for (; k + PP_GROUP <= tile->count; k += PP_GROUP) {
        double node[2 * LANES];
        for (int i = 0; i < PP_GROUP; i += LANES)
            PP_PREFETCH(x[0] + PP_FAR + i * size);
        if (t.op == PP_VAR)
            spread8(t, x, LANES * size, LANES, node, node + LANES);
        else
            fold8(t, x, LANES * size, LANES, node);
        push(t.op, tree, 1, node, NULL);
        x[0] += PP_GROUP * size;
        x[1] += t.op == PP_DOT ? PP_GROUP * size : 0;
    }
    return k;
}

/* Less than a leaf, as one: zeros make it so. */
TARGET PP_INLINE void pad_leaf(bool single, const char *x, int count, double *leaf)
{
    int k = 0;
    for (; !single && k + LANES <= count; k += LANES)
        memcpy(leaf + k, x + k * (int64_t)sizeof *leaf, LANES * sizeof *leaf);
    for (int i = k; i < PP_GROUP; i += LANES)
        memset(leaf + i, 0, LANES * sizeof *leaf);
    for (; k < count; k++)
        leaf[k] = number_at(single, x + k * (int64_t)(single ? sizeof(float) : sizeof(double)));
}

/* The last leaf of a row, which is not whole. */
TARGET PP_INLINE void ragged_row(pp_terms t, const pp_tile *tile, int64_t k, double *node)
{
    double padded[2][PP_GROUP];
    const char *const x[2] = {(const char *)padded[0], (const char *)padded[1]};
    for (int i = 0; i < 1 + (t.op == PP_DOT); i++)
        pad_leaf(t.single, tile->x[i] + k * element_size(t), (int)(tile->count - k), padded[i]);
    t.single = false;
    fold8(t, x, LANES * sizeof(double), LANES, node);
}

TARGET PP_INLINE void take_op(pp_terms t, pp_tree *tree, const pp_tile *tile)
{
    const bool is_row = tile->width == 1 && tile->row == element_size(t);
    int64_t k = is_row ? take_row(t, tree, tile) : 0;
    for (; k + PP_GROUP <= tile->count; k += PP_GROUP) {
        double *node = next_leaf(tree);
        leaf(t, tile, k, node);
        push(t.op, tree, tile->width, node, NULL);
    }
    double *node = next_leaf(tree);
    if (k < tile->count && is_row && t.op != PP_VAR) {
        ragged_row(t, tile, k, node);
        push(t.op, tree, 1, node, NULL);
    } else if (k < tile->count) {
        ragged_leaf(t, tile, k, node, tree->last);
        push(t.op, tree, tile->width, node, tree->last);
        tree->ragged = true;
    }
}

/* Code of its own for each kind of term. */
#define WITH_TERM(kind, scaled, function, ...)                                                     \
    if (job->element == sizeof(float))                                                             \
        function((pp_terms){kind, true, scaled}, __VA_ARGS__);                                     \
    else                                                                                           \
        function((pp_terms){kind, false, scaled}, __VA_ARGS__)
#define EACH_TERM(function, ...)                                                                   \
    switch (tree_op(job)) {                                                                        \
    case PP_VAR:                                                                                   \
        WITH_TERM(PP_VAR, 1, function, __VA_ARGS__);                                               \
        return;                                                                                    \
    case PP_NORM:                                                                                  \
        WITH_TERM(PP_NORM, job->scale, function, __VA_ARGS__);                                     \
        return;                                                                                    \
    case PP_DOT:                                                                                   \
        WITH_TERM(PP_DOT, 1, function, __VA_ARGS__);                                               \
        return;                                                                                    \
    default:                                                                                       \
        WITH_TERM(PP_SUM, 1, function, __VA_ARGS__);                                               \
    }                                                                                              \
    (void)0

TARGET static void tree_take(const pp_reduce_job *job, pp_tree *tree, const pp_tile *tile)
{
    EACH_TERM(take_op, tree, tile);
}

/* Join what waits, from the lowest level up: a node, followed by the elements in each lane. */
TARGET PP_INLINE void close_op(enum pp_reduction op, const pp_tree *tree, double *partial)
{
    const int64_t places = ISA(node_places)(op, tree->width);
    double *counts = partial + places;
    if (tree->leaves == 0)
        memset(partial, 0, (size_t)(places + LANES) * sizeof *partial);
    const double *waiting = tree->nodes;
    double full = LANES;
    bool any = false;
    for (int64_t leaves = tree->leaves; leaves; leaves >>= 1, full *= 2, waiting += places) {
        if ((leaves & 1) && any) {
            join(op, waiting, full, partial, counts, tree->width);
        } else if (leaves & 1) {
            memcpy(partial, waiting, (size_t)places * sizeof *partial);
            for (int l = 0; l < LANES; l++)
                counts[l] = tree->ragged ? tree->last[l] : full;
            any = true;
        }
    }
}

TARGET static void tree_close(const pp_reduce_job *job, pp_tree *tree, double *partial)
{
    close_op(tree_op(job), tree, partial);
}

TARGET static void tree_merge(const pp_reduce_job *job, double *partial, const double *later,
                              int width)
{
    const enum pp_reduction op = tree_op(job);
    const int64_t places = ISA(node_places)(op, width);
    double joined[2 * LANES * PP_COLUMNS + LANES];
    memcpy(joined, later, (size_t)(places + LANES) * sizeof *later);
    join(op, partial, partial[places], joined, joined + places, width);
    memcpy(partial, joined, (size_t)(places + LANES) * sizeof *later);
}

/* The sum over the lanes, or the squared deviations of all of them together. */
TARGET PP_INLINE void results_op(enum pp_reduction op, double *partial, int width, double *results)
{
    const int places = LANES * width;
    if (op != PP_VAR) {
        const char *const lanes[2] = {(const char *)partial, NULL};
        fold8((pp_terms){.op = PP_SUM}, lanes, width * (int64_t)sizeof *partial, width, results);
        return;
    }
    double *mean = partial, *square = partial + places, *counts = partial + 2 * places;
    for (int apart = 1; apart < LANES; apart *= 2) {
        for (int l = apart - 1; l < LANES; l += 2 * apart) {
            const int a = l * width, b = (l + apart) * width;
            join_means(mean + a, square + a, counts[l], mean + b, square + b, counts[l + apart],
                       width);
            counts[l + apart] += counts[l];
        }
    }
    memcpy(results, square + (LANES - 1) * width, (size_t)width * sizeof *results);
}

TARGET static void tree_results(const pp_reduce_job *job, double *partial, int width,
                                double *results)
{
    results_op(tree_op(job), partial, width, results);
}

/* All of it for a short row, whose tree fits on the stack. */
TARGET PP_INLINE void row_op(pp_terms t, const pp_tile *row, double *results)
{
    enum { PARTS = 2 * LANES, LEVELS = 10 };
    _Static_assert(PP_TILE / PP_GROUP < 1 << LEVELS, "the nodes of a tile");
    double nodes[(LEVELS + 1) * PARTS], partial[PARTS + LANES];
    pp_tree tree = {.width = 1, .spare = nodes, .nodes = nodes + PARTS};
    take_op(t, &tree, row);
    close_op(t.op, &tree, partial);
    results_op(t.op, partial, 1, results);
}

/* And for columns of at most a leaf: strips of them, whose lanes stay in the nearest cache. */
TARGET PP_INLINE void columns_op(pp_terms t, const pp_tile *all, double *results)
{
    enum { STRIP = 32 };
    PP_ALIGNED(64) double partial[2 * LANES * STRIP + LANES];
    if (t.op != PP_VAR && all->count < LANES) { /* an element is a lane */
        fold(t, all->x, all->row, (int)all->count, all->width, results);
        return;
    }
    if (t.op != PP_VAR && all->count <= 2 * LANES) {
        fold_twice(t, all, results);
        return;
    }
    for (int j = 0; j < all->width; j += STRIP) {
        const int width = all->width - j < STRIP ? all->width - j : STRIP;
        const pp_tile strip = {{all->x[0] + j * element_size(t), NULL},
                               .row = all->row,
                               .count = all->count,
                               .width = width};
        double *counts = partial + ISA(node_places)(t.op, width);
        if (all->count == PP_GROUP)
            leaf(t, &strip, 0, partial);
        else
            ragged_leaf(t, &strip, 0, partial, counts);
        for (int l = 0; l < LANES && all->count == PP_GROUP; l++)
            counts[l] = LANES;
        results_op(t.op, partial, width, results + j);
    }
}

TARGET PP_INLINE void at_once_op(pp_terms t, const pp_tile *all, double *results)
{
    if (all->width == 1 || t.op == PP_DOT) /* which has no columns */
        row_op(t, all, results);
    else
        columns_op(t, all, results);
}

TARGET static void tree_at_once(const pp_reduce_job *job, const pp_tile *all, double *results)
{
    EACH_TERM(at_once_op, all, results);
}

#undef EACH_TERM
#undef WITH_TERM

/* Outputs that follow each other in memory, with one NaN and one zero. */
TARGET static void tree_put(const double *restrict results, int width, bool single,
                            char *restrict out)
{
    for (int j = 0; j < width; j++) {
        const double result = results[j] != results[j] ? (double)NAN : results[j] + 0.0;
        const float narrow = (float)result;
        if (single)
            memcpy(out + j * (int64_t)sizeof narrow, &narrow, sizeof narrow);
        else
            memcpy(out + j * (int64_t)sizeof result, &result, sizeof result);
    }
}

/* The elements of a patch as float64; `narrow`: rounded to float32 on the way. */
#define CONVERT(T, step)                                                                           \
    for (int64_t r = 0; r < p->rows; r++) {                                                        \
        const char *from = p->from + r * p->row_stride;                                            \
        double *restrict row = to + r * p->apart;                                                  \
        for (int64_t i = 0; i < p->n; i++) {                                                       \
            T v;                                                                                   \
            memcpy(&v, from + i * (step), sizeof v);                                               \
            row[i] = narrow ? (double)(float)v : (double)v;                                        \
        }                                                                                          \
    }
#define LOAD(T)                                                                                    \
    if (p->stride == (int64_t)sizeof(T)) {                                                         \
        CONVERT(T, (int64_t)sizeof(T))                                                             \
    } else {                                                                                       \
        CONVERT(T, p->stride)                                                                      \
    }

TARGET PP_INLINE void load_type(enum pp_type type, bool narrow, const pp_patch *p, double *to)
{
    switch (type) {
    case PP_INT8:
        LOAD(int8_t)
        return;
    case PP_BOOL:
    case PP_UINT8:
        LOAD(uint8_t)
        return;
    case PP_INT16:
        LOAD(int16_t)
        return;
    case PP_UINT16:
        LOAD(uint16_t)
        return;
    case PP_INT32:
        LOAD(int32_t)
        return;
    case PP_UINT32:
        LOAD(uint32_t)
        return;
    case PP_INT64:
        LOAD(int64_t)
        return;
    case PP_UINT64:
        LOAD(uint64_t)
        return;
    case PP_FLOAT32:
        LOAD(float)
        return;
    default:
        LOAD(double)
    }
}

#undef LOAD
#undef CONVERT

/* Foreign byte order is turned round in a small buffer first. */
TARGET static void load_swapped(enum pp_type type, bool narrow, const pp_patch *p, double *to)
{
    char raw[PP_COLUMNS * sizeof(double)];
    const int64_t size = pp_type_size(type);
    for (int64_t r = 0; r < p->rows; r++) {
        for (int64_t i = 0; i < p->n; i += PP_COLUMNS) {
            const int64_t n = p->n - i < PP_COLUMNS ? p->n - i : PP_COLUMNS;
            const pp_patch turned = {raw, size, n, 0, 1, 0};
            pp_copy_elements(p->from + r * p->row_stride + i * p->stride, p->stride, n,
                             (size_t)size, true, raw);
            load_type(type, narrow, &turned, to + r * p->apart + i);
        }
    }
}

TARGET static void load_doubles(const pp_view *view, bool narrow, const pp_patch *p, double *to)
{
    if (view->swapped)
        load_swapped(view->type, narrow, p, to);
    else if (narrow)
        load_type(view->type, true, p, to);
    else
        load_type(view->type, false, p, to);
}

const pp_tree_kernels ISA(pp_tree) = {
    .take = tree_take,
    .close = tree_close,
    .merge = tree_merge,
    .results = tree_results,
    .at_once = tree_at_once,
    .put = tree_put,
    .load = load_doubles,
};
