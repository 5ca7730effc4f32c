/* Multiply-add chains, once per instruction set: see simd.h for the vocabulary. */

TARGET int64_t ISA(pp_flops)(int64_t steps, const double values[3], double *end)
{
    const vd factor = v_set1(values[0]), term = v_set1(values[1]);
    vd x[PP_CHAINS];
    for (int k = 0; k < PP_CHAINS; k++)
        x[k] = v_set1(values[2] + k);
    for (int64_t s = 0; s < steps; s++)
        for (int k = 0; k < PP_CHAINS; k++)
            x[k] = v_mul_add(x[k], factor, term);

    for (int k = 1; k < PP_CHAINS; k++)
        x[0] = v_add(x[0], x[k]);
    double lanes[VL];
    v_store(lanes, x[0]);
    *end = lanes[0];
    return steps * PP_CHAINS * VL * 2;
}
