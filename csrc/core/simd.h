/* The vocabulary of the SIMD templates, and what each word means.

   A template is compiled once per instruction set. Before each time, each_isa.h defines
       ISA(name)  `name` with the variant's suffix
       TARGET     the function attribute that turns the instruction set on
   and includes simd_<isa>.h, which supplies

       VL                     doubles in a vector
       vd, vm                 a vector of doubles; a mask with one truth value a lane
       v_load v_store v_set1  unaligned
       v_load_short(p)        2^-31 … 2 from 16 bits each: 5 of the exponent, 11 of the mantissa
       v_add v_sub v_mul v_div v_sqrt      each correctly rounded, as IEEE 754 says
       v_abs                  of a number
       v_twice_plus(a, b)     2 * a + b: the bits of a + a + b, provided a + a does not overflow
                              (2 * a is exact then, so that both have a single rounding)
       v_mul_add(a, b, c)     a * b + c, rounded once or twice, whichever is faster: for measuring
                              the CPU, not for results
       v_le v_eq v_not_le v_not_gt         comparisons; with NaN, the v_not_ are true
       v_and v_or             of two masks
       v_min v_max            of numbers
       v_pick(m, a, b)        a where m, else b
       v_add_where(m, a, b)   a + b where m, else a
       v_bits(m)              the mask as bits, lane 0 lowest
       v_store_int32(p, a)    store whole numbers as int32

       vu                     a vector of VL unsigned 64-bit integers
       u_load u_store u_set1 u_add u_xor u_xor3
       u_mul_low(a, b)        the products of the low halves, 32 bits each
       u_high(a)              the high halves
       u_halve_low(a)         the low halves, shifted right by one bit; above them, anything
       u_from_bit62(a)        the two highest bits

       IL                     32-bit integers in a vector
       DOT_OF                 how many products i_dot adds up in a lane: 4, of unsigned and signed
                              bytes (VNNI), or 2, of signed 16-bit integers
       vi                     a vector of IL signed 32-bit integers
       i_load i_store i_set1 i_min
       i_any_le(a, b)         is there a lane with a <= b?
       i_dot(sum, a, b)       sum, and in each lane the products of the DOT_OF parts of a and b  */
#ifndef PP_SIMD_H
#define PP_SIMD_H

#define vd            ISA(vd)
#define vm            ISA(vm)
#define v_load        ISA(v_load)
#define v_load_short  ISA(v_load_short)
#define v_store       ISA(v_store)
#define v_set1        ISA(v_set1)
#define v_add         ISA(v_add)
#define v_sub         ISA(v_sub)
#define v_mul         ISA(v_mul)
#define v_div         ISA(v_div)
#define v_sqrt        ISA(v_sqrt)
#define v_abs         ISA(v_abs)
#define v_twice_plus  ISA(v_twice_plus)
#define v_mul_add     ISA(v_mul_add)
#define v_le          ISA(v_le)
#define v_eq          ISA(v_eq)
#define v_not_le      ISA(v_not_le)
#define v_not_gt      ISA(v_not_gt)
#define v_and         ISA(v_and)
#define v_pick        ISA(v_pick)
#define v_add_where   ISA(v_add_where)
#define v_bits        ISA(v_bits)
#define v_or          ISA(v_or)
#define v_min         ISA(v_min)
#define v_max         ISA(v_max)
#define v_store_int32 ISA(v_store_int32)
#define vu            ISA(vu)
#define u_load        ISA(u_load)
#define u_store       ISA(u_store)
#define u_set1        ISA(u_set1)
#define u_add         ISA(u_add)
#define u_xor         ISA(u_xor)
#define u_xor3        ISA(u_xor3)
#define u_mul_low     ISA(u_mul_low)
#define u_high        ISA(u_high)
#define u_halve_low   ISA(u_halve_low)
#define u_from_bit62  ISA(u_from_bit62)
#define vi            ISA(vi)
#define i_load        ISA(i_load)
#define i_store       ISA(i_store)
#define i_set1        ISA(i_set1)
#define i_min         ISA(i_min)
#define i_any_le      ISA(i_any_le)
#define i_dot         ISA(i_dot)

#endif
