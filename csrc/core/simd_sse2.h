/* Two doubles: SSE2, which every x86-64 CPU has. See simd.h for the meaning of each word. */
#include "simd.h"

#undef VL
#define VL 2
#undef IL
#define IL 4
#undef DOT_OF
#define DOT_OF 2

typedef __m128d vd;
typedef __m128d vm;
typedef __m128i vu;
typedef __m128i vi;

TARGET PP_INLINE vd v_load(const double *p)
{
    return _mm_loadu_pd(p);
}

TARGET PP_INLINE vd v_load_short(const uint16_t *p)
{
    const __m128i a = _mm_set_epi64x(p[1], p[0]), least = _mm_castpd_si128(_mm_set1_pd(0x1p-31));
    return _mm_castsi128_pd(_mm_add_epi64(_mm_slli_epi64(a, 41), least));
}

TARGET PP_INLINE void v_store(double *p, vd a)
{
    _mm_storeu_pd(p, a);
}

TARGET PP_INLINE vd v_set1(double a)
{
    return _mm_set1_pd(a);
}

TARGET PP_INLINE vd v_add(vd a, vd b)
{
    return _mm_add_pd(a, b);
}

TARGET PP_INLINE vd v_sub(vd a, vd b)
{
    return _mm_sub_pd(a, b);
}

TARGET PP_INLINE vd v_mul(vd a, vd b)
{
    return _mm_mul_pd(a, b);
}

TARGET PP_INLINE vd v_div(vd a, vd b)
{
    return _mm_div_pd(a, b);
}

TARGET PP_INLINE vd v_sqrt(vd a)
{
    return _mm_sqrt_pd(a);
}

TARGET PP_INLINE vd v_abs(vd a)
{
    return _mm_andnot_pd(_mm_set1_pd(-0.0), a);
}

TARGET PP_INLINE vd v_twice_plus(vd a, vd b)
{
    return _mm_add_pd(_mm_add_pd(a, a), b);
}

TARGET PP_INLINE vd v_mul_add(vd a, vd b, vd c)
{
    return _mm_add_pd(_mm_mul_pd(a, b), c);
}

TARGET PP_INLINE vm v_not_gt(vd a, vd b)
{
    return _mm_cmpngt_pd(a, b);
}

TARGET PP_INLINE vm v_le(vd a, vd b)
{
    return _mm_cmple_pd(a, b);
}

TARGET PP_INLINE vm v_eq(vd a, vd b)
{
    return _mm_cmpeq_pd(a, b);
}

TARGET PP_INLINE vm v_not_le(vd a, vd b)
{
    return _mm_cmpnle_pd(a, b);
}

TARGET PP_INLINE vm v_and(vm a, vm b)
{
    return _mm_and_pd(a, b);
}

TARGET PP_INLINE vd v_pick(vm m, vd a, vd b)
{
    return _mm_or_pd(_mm_and_pd(m, a), _mm_andnot_pd(m, b));
}

TARGET PP_INLINE vd v_add_where(vm m, vd a, vd b)
{
    return _mm_add_pd(a, _mm_and_pd(m, b));
}

TARGET PP_INLINE uint64_t v_bits(vm m)
{
    return (uint64_t)_mm_movemask_pd(m);
}

TARGET PP_INLINE vm v_or(vm a, vm b)
{
    return _mm_or_pd(a, b);
}

TARGET PP_INLINE vd v_min(vd a, vd b)
{
    return _mm_min_pd(a, b);
}

TARGET PP_INLINE vd v_max(vd a, vd b)
{
    return _mm_max_pd(a, b);
}

TARGET PP_INLINE void v_store_int32(int32_t *p, vd a)
{
    _mm_storel_epi64((__m128i *)(void *)p, _mm_cvttpd_epi32(a));
}

TARGET PP_INLINE vu u_load(const uint64_t *p)
{
    return _mm_loadu_si128((const __m128i *)(const void *)p);
}

TARGET PP_INLINE void u_store(uint64_t *p, vu a)
{
    _mm_storeu_si128((__m128i *)(void *)p, a);
}

TARGET PP_INLINE vu u_set1(uint64_t a)
{
    return _mm_set1_epi64x((long long)a);
}

TARGET PP_INLINE vu u_add(vu a, vu b)
{
    return _mm_add_epi64(a, b);
}

TARGET PP_INLINE vu u_xor(vu a, vu b)
{
    return _mm_xor_si128(a, b);
}

TARGET PP_INLINE vu u_xor3(vu a, vu b, vu c)
{
    return _mm_xor_si128(a, _mm_xor_si128(b, c));
}

TARGET PP_INLINE vu u_mul_low(vu a, vu b)
{
    return _mm_mul_epu32(a, b);
}

TARGET PP_INLINE vu u_high(vu a)
{
    return _mm_srli_epi64(a, 32);
}

TARGET PP_INLINE vu u_halve_low(vu a)
{
    return _mm_srli_epi32(a, 1);
}

TARGET PP_INLINE vu u_from_bit62(vu a)
{
    return _mm_srli_epi64(a, 62);
}

TARGET PP_INLINE vi i_load(const int32_t *p)
{
    return _mm_loadu_si128((const __m128i *)(const void *)p);
}

TARGET PP_INLINE void i_store(int32_t *p, vi a)
{
    _mm_storeu_si128((__m128i *)(void *)p, a);
}

TARGET PP_INLINE vi i_set1(int32_t a)
{
    return _mm_set1_epi32(a);
}

TARGET PP_INLINE bool i_any_le(vi a, vi b)
{
    return _mm_movemask_epi8(_mm_cmpgt_epi32(a, b)) != 0xffff;
}

TARGET PP_INLINE vi i_min(vi a, vi b)
{
    const __m128i greater = _mm_cmpgt_epi32(a, b);
    return _mm_or_si128(_mm_and_si128(greater, b), _mm_andnot_si128(greater, a));
}

TARGET PP_INLINE vi i_dot(vi sum, vi a, vi b)
{
    return _mm_add_epi32(sum, _mm_madd_epi16(a, b));
}
