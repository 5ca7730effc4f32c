/* One double: plain C, for compilers and CPUs that have nothing better here. See simd.h for the
 * meaning of each word. */
#include <math.h>
#include <string.h>

#include "simd.h"

#undef VL
#define VL 1
#undef IL
#define IL 1
#undef DOT_OF
#define DOT_OF 2

typedef double vd;
typedef bool vm;
typedef uint64_t vu;
typedef int32_t vi;

TARGET PP_INLINE vd v_load(const double *p)
{
    return *p;
}

TARGET PP_INLINE vd v_load_short(const uint16_t *p)
{
    const uint64_t bits = ((uint64_t)*p << 41) + (UINT64_C(992) << 52);
    vd a;
    memcpy(&a, &bits, sizeof a);
    return a;
}

TARGET PP_INLINE void v_store(double *p, vd a)
{
    *p = a;
}

TARGET PP_INLINE vd v_set1(double a)
{
    return a;
}

TARGET PP_INLINE vd v_add(vd a, vd b)
{
    return a + b;
}

TARGET PP_INLINE vd v_sub(vd a, vd b)
{
    return a - b;
}

TARGET PP_INLINE vd v_mul(vd a, vd b)
{
    return a * b;
}

TARGET PP_INLINE vd v_div(vd a, vd b)
{
    return a / b;
}

TARGET PP_INLINE vd v_sqrt(vd a)
{
    return sqrt(a);
}

TARGET PP_INLINE vd v_abs(vd a)
{
    return fabs(a);
}

TARGET PP_INLINE vd v_twice_plus(vd a, vd b)
{
    return a + a + b;
}

TARGET PP_INLINE vd v_mul_add(vd a, vd b, vd c)
{
    return a * b + c;
}

TARGET PP_INLINE vm v_not_gt(vd a, vd b)
{
    return !(a > b);
}

TARGET PP_INLINE vm v_le(vd a, vd b)
{
    return a <= b;
}

TARGET PP_INLINE vm v_eq(vd a, vd b)
{
    return a == b;
}

TARGET PP_INLINE vm v_not_le(vd a, vd b)
{
    return !(a <= b);
}

TARGET PP_INLINE vm v_and(vm a, vm b)
{
    return a && b;
}

TARGET PP_INLINE vd v_pick(vm m, vd a, vd b)
{
    return m ? a : b;
}

TARGET PP_INLINE vd v_add_where(vm m, vd a, vd b)
{
    return m ? a + b : a;
}

TARGET PP_INLINE uint64_t v_bits(vm m)
{
    return m;
}

TARGET PP_INLINE vm v_or(vm a, vm b)
{
    return a || b;
}

TARGET PP_INLINE vd v_min(vd a, vd b)
{
    return a < b ? a : b;
}

TARGET PP_INLINE vd v_max(vd a, vd b)
{
    return a > b ? a : b;
}

TARGET PP_INLINE void v_store_int32(int32_t *p, vd a)
{
    *p = (int32_t)a;
}

TARGET PP_INLINE vu u_load(const uint64_t *p)
{
    return *p;
}

TARGET PP_INLINE void u_store(uint64_t *p, vu a)
{
    *p = a;
}

TARGET PP_INLINE vu u_set1(uint64_t a)
{
    return a;
}

TARGET PP_INLINE vu u_add(vu a, vu b)
{
    return a + b;
}

TARGET PP_INLINE vu u_xor(vu a, vu b)
{
    return a ^ b;
}

TARGET PP_INLINE vu u_xor3(vu a, vu b, vu c)
{
    return a ^ b ^ c;
}

TARGET PP_INLINE vu u_mul_low(vu a, vu b)
{
    return (uint64_t)(uint32_t)a * (uint32_t)b;
}

TARGET PP_INLINE vu u_high(vu a)
{
    return a >> 32;
}

TARGET PP_INLINE vu u_halve_low(vu a)
{
    return (uint32_t)a >> 1;
}

TARGET PP_INLINE vu u_from_bit62(vu a)
{
    return a >> 62;
}

TARGET PP_INLINE vi i_load(const int32_t *p)
{
    return *p;
}

TARGET PP_INLINE void i_store(int32_t *p, vi a)
{
    *p = a;
}

TARGET PP_INLINE vi i_set1(int32_t a)
{
    return a;
}

TARGET PP_INLINE bool i_any_le(vi a, vi b)
{
    return a <= b;
}

TARGET PP_INLINE vi i_min(vi a, vi b)
{
    return a < b ? a : b;
}

TARGET PP_INLINE vi i_dot(vi sum, vi a, vi b)
{
    int16_t x[2], y[2];
    memcpy(x, &a, sizeof x);
    memcpy(y, &b, sizeof y);
    return sum + x[0] * y[0] + x[1] * y[1];
}
