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

TARGET bool ISA(pp_fsum)(const double *x, int n, int top, int64_t total[PP_FSUM_LEVELS])
{
    const vd limit = v_set1(power_of_two(top - PP_FSUM_HEADROOM));
    double start[PP_FSUM_LEVELS];
    vd sum[PP_FSUM_VECTORS][PP_FSUM_LEVELS];
    for (int j = 0; j < PP_FSUM_LEVELS; j++) {
        start[j] = 1.5 * power_of_two(top - PP_FSUM_STEP * j);
        for (int v = 0; v < PP_FSUM_VECTORS; v++)
            sum[v][j] = v_set1(start[j]);
    }
    vm exact = v_eq(limit, limit);
    for (int i = 0; i < n; i += PP_FSUM_VECTORS * VL) {
        for (int v = 0; v < PP_FSUM_VECTORS; v++) {
            vd rest = v_load(x + i + v * VL);
            exact = v_and(exact, v_le(v_abs(rest), limit));
            for (int j = 0; j < PP_FSUM_LEVELS; j++) {
                const vd next = v_add(sum[v][j], rest);
                const vd part = v_sub(next, sum[v][j]);
                sum[v][j] = next;
                if (j == PP_FSUM_LEVELS - 1) /* the rest must be 0; NaN is not */
                    exact = v_and(exact, v_eq(part, rest));
                else
                    rest = v_sub(rest, part);
            }
        }
    }
    if (v_bits(exact) != (UINT64_C(1) << VL) - 1)
        return false;
    for (int j = 0; j < PP_FSUM_LEVELS; j++) {
        total[j] = 0;
        for (int v = 0; v < PP_FSUM_VECTORS; v++) {
            double lanes[VL];
            v_store(lanes, sum[v][j]);
            for (int i = 0; i < VL; i++)
                total[j] += units_between(start[j], lanes[i]);
        }
    }
    return true;
}
