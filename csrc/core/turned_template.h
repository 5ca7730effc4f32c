/* Sums of rows side by side, down whose columns memory runs, for one instruction set. */
#define column_at     ISA(column_at)
#define turned_fold   ISA(turned_fold)
#define turned_slide  ISA(turned_slide)
#define turned_push   ISA(turned_push)
#define turned_square ISA(turned_square)

/* Element r of a column, wherever that lies. */
TARGET PP_INLINE double column_at(const char *column, int r)
{
    double x;
    memcpy(&x, column + r * (int64_t)sizeof x, sizeof x);
    return x;
}

/* The leaves of 64 columns, one for each row: lane l begins at leaf + l * pitch. */
TARGET static void turned_fold(const char *const columns[PP_GROUP], int rows, int pitch,
                               double *restrict leaf)
{
    for (int l = 0; l < PP_SUM_LANES; l++, leaf += pitch) {
        const char *const *x = columns + l;
        const char *x0 = x[0], *x1 = x[8], *x2 = x[16], *x3 = x[24];
        const char *x4 = x[32], *x5 = x[40], *x6 = x[48], *x7 = x[56];
        for (int r = 0; r < rows; r++)
            leaf[r] =
                pp_sum_of_8(column_at(x0, r), column_at(x1, r), column_at(x2, r), column_at(x3, r),
                            column_at(x4, r), column_at(x5, r), column_at(x6, r), column_at(x7, r));
    }
}

/* One column more, 8 behind the one in `past`: the sums of the last two, four and eight columns of
   its lane. The latter is a lane of a leaf, wherever leaves end; the others serve the columns to
   come, in the place of those that are needed no more. */
TARGET static void turned_slide(const char *column, const char *past, double *restrict pairs,
                                double *restrict fours, double *restrict eights, int rows)
{
    for (int r = 0; r < rows; r++) {
        const double pair = column_at(past, r) + column_at(column, r);
        const double four = pairs[r] + pair;
        eights[r] = fours[r] + four;
        fours[r] = four;
        pairs[r] = pair;
    }
}

/* The leaf of each `step`th row, whose lanes lie in eight columns, to the row's stretch. */
TARGET static void turned_push(const double *const lanes[PP_SUM_LANES], int first, int step,
                               int rows, pp_stretch *stretches)
{
    for (int r = first; r < rows; r += step) {
        double node[PP_SUM_LANES];
        for (int l = 0; l < PP_SUM_LANES; l++)
            node[l] = lanes[l][r];
        pp_stretch_push(&stretches[r], 0, node);
    }
}

/* What a norm sums, in place. */
TARGET static void turned_square(double scale, int rows, double *x)
{
    for (int r = 0; r < rows; r++)
        x[r] = pp_scaled_square(x[r], scale);
}

const pp_turned_kernels ISA(pp_turned) = {
    .fold = turned_fold,
    .slide = turned_slide,
    .push = turned_push,
    .square = turned_square,
};
