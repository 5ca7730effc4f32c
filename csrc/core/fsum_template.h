/* The exact sum of a block of numbers in float64 arithmetic. See simd.h for TARGET, ISA and v_….

   Let S be a number between 2**k and 2**(k + 1): its last place is a unit u = 2**(k - 52). When x
   is added, float64 rounds S + x to t, a multiple of u; and because |x| < |S|, the difference
   q = t - S, and what the rounding has left, r = x - q, are exact (T. J. Dekker, 1971). As long as
   S stays between the two powers it counts whole units, without error, while the rests, of at most
   u / 2, go to the next level: an S that begins 40 binary orders lower. Three levels take all bits
   of numbers that differ by less than 20 decimal orders; should the last one leave a rest, this
   block is none for the kernel, and is added number by number.

   Each S begins at 1.5 * 2**k. Since |q| <= 2**(k - 13), all the numbers of a block, 2**12 at most,
   do not take it past 2**k or 2**(k + 1), the edges of its range. The next level's numbers are
   at most 2**(k - 53) = 2**((k - 40) - 13). And between these edges the bits of a float64, read as
   an integer, count units too.

   The idea of a constant that splits numbers: S. M. Rump, T. Ogita, S. Oishi, "Accurate
   floating-point summation" (2008); of splitting by the running sum itself, one subtraction less:
   J. Demmel, H. D. Nguyen, "Fast reproducible floating-point summation" (2013). */

/* One number through the levels; false in the lanes where it does not belong into this block. */
TARGET PP_INLINE vm ISA(add_to_levels)(vd sum[PP_FSUM_LEVELS], vd x, vd limit)
{
    const vm small = v_le(v_abs(x), limit);
    vd rest = x, part = x;
    for (int j = 0; j < PP_FSUM_LEVELS; j++) {
        rest = j == 0 ? x : v_sub(rest, part);
        const vd next = v_add(sum[j], rest);
        part = v_sub(next, sum[j]);
        sum[j] = next;
    }
    return v_and(small, v_eq(part, rest)); /* NaN is not equal */
}

TARGET static bool ISA(sum_block)(const double *x, int n, int top, int64_t total[PP_FSUM_LEVELS])
{
    const vd limit = v_set1(pp_fsum_power(top - PP_FSUM_HEADROOM));
    vd sum[PP_FSUM_VECTORS][PP_FSUM_LEVELS];
    for (int j = 0; j < PP_FSUM_LEVELS; j++)
        for (int v = 0; v < PP_FSUM_VECTORS; v++)
            sum[v][j] = v_set1(pp_fsum_start(top, j));
    vm exact = v_eq(limit, limit);
    for (int i = 0; i < n; i += PP_FSUM_VECTORS * VL)
        for (int v = 0; v < PP_FSUM_VECTORS; v++)
            exact = v_and(exact, ISA(add_to_levels)(sum[v], v_load(x + i + v * VL), limit));
    if (v_bits(exact) != (UINT64_C(1) << VL) - 1)
        return false;
    for (int j = 0; j < PP_FSUM_LEVELS; j++) {
        total[j] = 0;
        for (int v = 0; v < PP_FSUM_VECTORS; v++) {
            double lanes[VL];
            v_store(lanes, sum[v][j]);
            for (int i = 0; i < VL; i++)
                total[j] += pp_fsum_units_between(pp_fsum_start(top, j), lanes[i]);
        }
    }
    return true;
}

/* Some rows at a time, so that the levels of the columns go through memory less often, and several
   streams are fetched from afar. */
TARGET PP_INLINE vm ISA(add_rows)(const char *x, const int64_t *offsets, int rows, int columns,
                                  vd limit, double sum[PP_FSUM_LEVELS][PP_FSUM_COLUMNS])
{
    vm exact = v_eq(limit, limit);
    for (int64_t c = 0; c < columns; c += VL) {
        vd levels[PP_FSUM_LEVELS];
        for (int j = 0; j < PP_FSUM_LEVELS; j++)
            levels[j] = v_load(&sum[j][c]);
        for (int r = 0; r < rows; r++) {
            const double *row = (const double *)(const void *)(x + offsets[r]);
            exact = v_and(exact, ISA(add_to_levels)(levels, v_load(row + c), limit));
        }
        for (int j = 0; j < PP_FSUM_LEVELS; j++)
            v_store(&sum[j][c], levels[j]);
    }
    return exact;
}

TARGET static bool ISA(sum_columns)(const char *x, const int64_t *offsets, int rows, int columns,
                                    int top, double sum[PP_FSUM_LEVELS][PP_FSUM_COLUMNS])
{
    enum { ROWS = 8 };
    const vd limit = v_set1(pp_fsum_power(top - PP_FSUM_HEADROOM));
    for (int j = 0; j < PP_FSUM_LEVELS; j++)
        for (int c = 0; c < columns; c++)
            sum[j][c] = pp_fsum_start(top, j);
    vm exact = v_eq(limit, limit);
    for (; rows >= ROWS; rows -= ROWS, offsets += ROWS)
        exact = v_and(exact, ISA(add_rows)(x, offsets, ROWS, columns, limit, sum));
    for (; rows > 0; rows--, offsets++)
        exact = v_and(exact, ISA(add_rows)(x, offsets, 1, columns, limit, sum));
    return v_bits(exact) == (UINT64_C(1) << VL) - 1;
}

const pp_fsum_kernels ISA(pp_fsum) = {ISA(sum_block), ISA(sum_columns)};
