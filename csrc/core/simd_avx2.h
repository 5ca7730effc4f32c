/* Four doubles: AVX2 with FMA. See simd.h for the meaning of each word. */
#include "simd.h"

#undef VL
#define VL 4
#undef IL
#define IL 8
#undef DOT_OF
#define DOT_OF 2

typedef __m256d vd;
typedef __m256d vm;
typedef __m256i vu;
typedef __m256i vi;

TARGET PP_INLINE vd v_load(const double *p)
{
    return _mm256_loadu_pd(p);
}

TARGET PP_INLINE vd v_load_short(const uint16_t *p)
{
    const __m256i a = _mm256_cvtepu16_epi64(_mm_loadl_epi64((const __m128i *)(const void *)p));
    const __m256i least = _mm256_castpd_si256(_mm256_set1_pd(0x1p-31));
    return _mm256_castsi256_pd(_mm256_add_epi64(_mm256_slli_epi64(a, 41), least));
}

TARGET PP_INLINE void v_store(double *p, vd a)
{
    _mm256_storeu_pd(p, a);
}

TARGET PP_INLINE vd v_set1(double a)
{
    return _mm256_set1_pd(a);
}

TARGET PP_INLINE vd v_add(vd a, vd b)
{
    return _mm256_add_pd(a, b);
}

TARGET PP_INLINE vd v_sub(vd a, vd b)
{
    return _mm256_sub_pd(a, b);
}

TARGET PP_INLINE vd v_mul(vd a, vd b)
{
    return _mm256_mul_pd(a, b);
}

TARGET PP_INLINE vd v_div(vd a, vd b)
{
    return _mm256_div_pd(a, b);
}

TARGET PP_INLINE vd v_sqrt(vd a)
{
    return _mm256_sqrt_pd(a);
}

TARGET PP_INLINE vd v_abs(vd a)
{
    return _mm256_andnot_pd(_mm256_set1_pd(-0.0), a);
}

TARGET PP_INLINE vd v_twice_plus(vd a, vd b)
{
    return _mm256_fmadd_pd(_mm256_set1_pd(2), a, b);
}

TARGET PP_INLINE vd v_mul_add(vd a, vd b, vd c)
{
    return _mm256_fmadd_pd(a, b, c);
}

TARGET PP_INLINE vm v_not_gt(vd a, vd b)
{
    return _mm256_cmp_pd(a, b, _CMP_NGT_UQ);
}

TARGET PP_INLINE vm v_le(vd a, vd b)
{
    return _mm256_cmp_pd(a, b, _CMP_LE_OQ);
}

TARGET PP_INLINE vm v_eq(vd a, vd b)
{
    return _mm256_cmp_pd(a, b, _CMP_EQ_OQ);
}

TARGET PP_INLINE vm v_not_le(vd a, vd b)
{
    return _mm256_cmp_pd(a, b, _CMP_NLE_UQ);
}

TARGET PP_INLINE vm v_and(vm a, vm b)
{
    return _mm256_and_pd(a, b);
}

TARGET PP_INLINE vd v_pick(vm m, vd a, vd b)
{
    return _mm256_blendv_pd(b, a, m);
}

TARGET PP_INLINE vd v_add_where(vm m, vd a, vd b)
{
    return _mm256_add_pd(a, _mm256_and_pd(m, b));
}

TARGET PP_INLINE uint64_t v_bits(vm m)
{
    return (uint64_t)_mm256_movemask_pd(m);
}

TARGET PP_INLINE vm v_or(vm a, vm b)
{
    return _mm256_or_pd(a, b);
}

TARGET PP_INLINE vd v_min(vd a, vd b)
{
    return _mm256_min_pd(a, b);
}

TARGET PP_INLINE vd v_max(vd a, vd b)
{
    return _mm256_max_pd(a, b);
}

TARGET PP_INLINE void v_store_int32(int32_t *p, vd a)
{
    _mm_storeu_si128((__m128i *)(void *)p, _mm256_cvttpd_epi32(a));
}

TARGET PP_INLINE vu u_load(const uint64_t *p)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

TARGET PP_INLINE void u_store(uint64_t *p, vu a)
{
    _mm256_storeu_si256((__m256i *)(void *)p, a);
}

TARGET PP_INLINE vu u_set1(uint64_t a)
{
    return _mm256_set1_epi64x((long long)a);
}

TARGET PP_INLINE vu u_add(vu a, vu b)
{
    return _mm256_add_epi64(a, b);
}

TARGET PP_INLINE vu u_xor(vu a, vu b)
{
    return _mm256_xor_si256(a, b);
}

TARGET PP_INLINE vu u_xor3(vu a, vu b, vu c)
{
    return _mm256_xor_si256(a, _mm256_xor_si256(b, c));
}

TARGET PP_INLINE vu u_mul_low(vu a, vu b)
{
    return _mm256_mul_epu32(a, b);
}

TARGET PP_INLINE vu u_high(vu a)
{
    return _mm256_srli_epi64(a, 32);
}

TARGET PP_INLINE vu u_halve_low(vu a)
{
    return _mm256_srli_epi32(a, 1);
}

TARGET PP_INLINE vu u_from_bit62(vu a)
{
    return _mm256_srli_epi64(a, 62);
}

TARGET PP_INLINE vi i_load(const int32_t *p)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

TARGET PP_INLINE void i_store(int32_t *p, vi a)
{
    _mm256_storeu_si256((__m256i *)(void *)p, a);
}

TARGET PP_INLINE vi i_set1(int32_t a)
{
    return _mm256_set1_epi32(a);
}

TARGET PP_INLINE bool i_any_le(vi a, vi b)
{
    return _mm256_movemask_epi8(_mm256_cmpgt_epi32(a, b)) != -1;
}

TARGET PP_INLINE vi i_min(vi a, vi b)
{
    return _mm256_min_epi32(a, b);
}

TARGET PP_INLINE vi i_dot(vi sum, vi a, vi b)
{
    return _mm256_add_epi32(sum, _mm256_madd_epi16(a, b));
}
