/* Eight doubles: AVX-512. See simd.h for the meaning of each word. */
#include "simd.h"

#undef VL
#define VL 8
#undef IL
#define IL 16

typedef __m512d vd;
typedef __mmask8 vm;
typedef __m512i vu;
typedef __m512i vi;

TARGET PP_INLINE vd v_load(const double *p)
{
    return _mm512_loadu_pd(p);
}

TARGET PP_INLINE vd v_load_short(const uint16_t *p)
{
    const __m512i a = _mm512_cvtepu16_epi64(_mm_loadu_si128((const __m128i *)(const void *)p));
    const __m512i least = _mm512_castpd_si512(_mm512_set1_pd(0x1p-31));
    return _mm512_castsi512_pd(_mm512_add_epi64(_mm512_slli_epi64(a, 41), least));
}

TARGET PP_INLINE void v_store(double *p, vd a)
{
    _mm512_storeu_pd(p, a);
}

TARGET PP_INLINE vd v_set1(double a)
{
    return _mm512_set1_pd(a);
}

TARGET PP_INLINE vd v_add(vd a, vd b)
{
    return _mm512_add_pd(a, b);
}

TARGET PP_INLINE vd v_sub(vd a, vd b)
{
    return _mm512_sub_pd(a, b);
}

TARGET PP_INLINE vd v_mul(vd a, vd b)
{
    return _mm512_mul_pd(a, b);
}

TARGET PP_INLINE vd v_div(vd a, vd b)
{
    return _mm512_div_pd(a, b);
}

TARGET PP_INLINE vd v_sqrt(vd a)
{
    return _mm512_sqrt_pd(a);
}

TARGET PP_INLINE vd v_abs(vd a)
{
    return _mm512_abs_pd(a);
}

TARGET PP_INLINE vd v_twice_plus(vd a, vd b)
{
    return _mm512_fmadd_pd(_mm512_set1_pd(2), a, b);
}

TARGET PP_INLINE vd v_mul_add(vd a, vd b, vd c)
{
    return _mm512_fmadd_pd(a, b, c);
}

TARGET PP_INLINE vm v_not_gt(vd a, vd b)
{
    return _mm512_cmp_pd_mask(a, b, _CMP_NGT_UQ);
}

TARGET PP_INLINE vm v_le(vd a, vd b)
{
    return _mm512_cmp_pd_mask(a, b, _CMP_LE_OQ);
}

TARGET PP_INLINE vm v_eq(vd a, vd b)
{
    return _mm512_cmp_pd_mask(a, b, _CMP_EQ_OQ);
}

TARGET PP_INLINE vm v_not_le(vd a, vd b)
{
    return _mm512_cmp_pd_mask(a, b, _CMP_NLE_UQ);
}

TARGET PP_INLINE vm v_and(vm a, vm b)
{
    return (vm)(a & b);
}

TARGET PP_INLINE vd v_pick(vm m, vd a, vd b)
{
    return _mm512_mask_mov_pd(b, m, a);
}

TARGET PP_INLINE vd v_add_where(vm m, vd a, vd b)
{
    return _mm512_mask_add_pd(a, m, a, b);
}

TARGET PP_INLINE uint64_t v_bits(vm m)
{
    return m;
}

TARGET PP_INLINE vm v_or(vm a, vm b)
{
    return (vm)(a | b);
}

TARGET PP_INLINE vd v_min(vd a, vd b)
{
    return _mm512_min_pd(a, b);
}

TARGET PP_INLINE vd v_max(vd a, vd b)
{
    return _mm512_max_pd(a, b);
}

TARGET PP_INLINE void v_store_int32(int32_t *p, vd a)
{
    _mm256_storeu_si256((__m256i *)(void *)p, _mm512_cvttpd_epi32(a));
}

TARGET PP_INLINE vu u_load(const uint64_t *p)
{
    return _mm512_loadu_si512(p);
}

TARGET PP_INLINE void u_store(uint64_t *p, vu a)
{
    _mm512_storeu_si512(p, a);
}

TARGET PP_INLINE vu u_set1(uint64_t a)
{
    return _mm512_set1_epi64((long long)a);
}

TARGET PP_INLINE vu u_add(vu a, vu b)
{
    return _mm512_add_epi64(a, b);
}

TARGET PP_INLINE vu u_xor(vu a, vu b)
{
    return _mm512_xor_si512(a, b);
}

TARGET PP_INLINE vu u_xor3(vu a, vu b, vu c)
{
    return _mm512_ternarylogic_epi64(a, b, c, 0x96);
}

TARGET PP_INLINE vu u_mul_low(vu a, vu b)
{
    return _mm512_mul_epu32(a, b);
}

TARGET PP_INLINE vu u_high(vu a)
{
    return _mm512_srli_epi64(a, 32);
}

TARGET PP_INLINE vu u_halve_low(vu a)
{
    return _mm512_srli_epi32(a, 1);
}

TARGET PP_INLINE vu u_from_bit62(vu a)
{
    return _mm512_srli_epi64(a, 62);
}

TARGET PP_INLINE vi i_load(const int32_t *p)
{
    return _mm512_loadu_si512(p);
}

TARGET PP_INLINE void i_store(int32_t *p, vi a)
{
    _mm512_storeu_si512(p, a);
}

TARGET PP_INLINE vi i_set1(int32_t a)
{
    return _mm512_set1_epi32(a);
}

TARGET PP_INLINE bool i_any_le(vi a, vi b)
{
    return _mm512_cmple_epi32_mask(a, b) != 0;
}

TARGET PP_INLINE vi i_min(vi a, vi b)
{
    return _mm512_min_epi32(a, b);
}

#undef DOT_OF
#ifdef HAS_VNNI
#    define DOT_OF 4
TARGET PP_INLINE vi i_dot(vi sum, vi a, vi b)
{
    /* GCC 12 would copy every sum to another register, and back. */
    __asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(a), "v"(b));
    return sum;
}
#else
#    define DOT_OF 2
TARGET PP_INLINE vi i_dot(vi sum, vi a, vi b)
{
    return _mm512_add_epi32(sum, _mm512_madd_epi16(a, b));
}
#endif
