/* Two doubles: NEON, which every AArch64 CPU has. See simd.h for the meaning of each word. */
#include "simd.h"

#undef VL
#define VL 2
#undef IL
#define IL 4
#undef DOT_OF
#define DOT_OF 2

typedef float64x2_t vd;
typedef uint64x2_t vm;
typedef uint64x2_t vu;
typedef int32x4_t vi;

TARGET PP_INLINE vd v_load(const double *p)
{
    return vld1q_f64(p);
}

TARGET PP_INLINE vd v_load_short(const uint16_t *p)
{
    const uint64x2_t a = vcombine_u64(vcreate_u64(p[0]), vcreate_u64(p[1]));
    const uint64x2_t least = vreinterpretq_u64_f64(vdupq_n_f64(0x1p-31));
    return vreinterpretq_f64_u64(vaddq_u64(vshlq_n_u64(a, 41), least));
}

TARGET PP_INLINE void v_store(double *p, vd a)
{
    vst1q_f64(p, a);
}

TARGET PP_INLINE vd v_set1(double a)
{
    return vdupq_n_f64(a);
}

TARGET PP_INLINE vd v_add(vd a, vd b)
{
    return vaddq_f64(a, b);
}

TARGET PP_INLINE vd v_sub(vd a, vd b)
{
    return vsubq_f64(a, b);
}

TARGET PP_INLINE vd v_mul(vd a, vd b)
{
    return vmulq_f64(a, b);
}

TARGET PP_INLINE vd v_div(vd a, vd b)
{
    return vdivq_f64(a, b);
}

TARGET PP_INLINE vd v_sqrt(vd a)
{
    return vsqrtq_f64(a);
}

TARGET PP_INLINE vd v_abs(vd a)
{
    return vabsq_f64(a);
}

TARGET PP_INLINE vd v_twice_plus(vd a, vd b)
{
    return vfmaq_n_f64(b, a, 2);
}

TARGET PP_INLINE vd v_mul_add(vd a, vd b, vd c)
{
    return vfmaq_f64(c, a, b);
}

TARGET PP_INLINE vm v_not_gt(vd a, vd b)
{
    return veorq_u64(vcgtq_f64(a, b), vdupq_n_u64(UINT64_MAX));
}

TARGET PP_INLINE vm v_le(vd a, vd b)
{
    return vcleq_f64(a, b);
}

TARGET PP_INLINE vm v_eq(vd a, vd b)
{
    return vceqq_f64(a, b);
}

TARGET PP_INLINE vm v_not_le(vd a, vd b)
{
    return veorq_u64(vcleq_f64(a, b), vdupq_n_u64(UINT64_MAX));
}

TARGET PP_INLINE vm v_and(vm a, vm b)
{
    return vandq_u64(a, b);
}

TARGET PP_INLINE vd v_pick(vm m, vd a, vd b)
{
    return vbslq_f64(m, a, b);
}

TARGET PP_INLINE vd v_add_where(vm m, vd a, vd b)
{
    return vbslq_f64(m, vaddq_f64(a, b), a);
}

TARGET PP_INLINE uint64_t v_bits(vm m)
{
    return (vgetq_lane_u64(m, 0) & 1) | (vgetq_lane_u64(m, 1) & 2);
}

TARGET PP_INLINE vm v_or(vm a, vm b)
{
    return vorrq_u64(a, b);
}

TARGET PP_INLINE vd v_min(vd a, vd b)
{
    return vminq_f64(a, b);
}

TARGET PP_INLINE vd v_max(vd a, vd b)
{
    return vmaxq_f64(a, b);
}

TARGET PP_INLINE void v_store_int32(int32_t *p, vd a)
{
    vst1_s32(p, vmovn_s64(vcvtq_s64_f64(a)));
}

TARGET PP_INLINE vu u_load(const uint64_t *p)
{
    return vld1q_u64(p);
}

TARGET PP_INLINE void u_store(uint64_t *p, vu a)
{
    vst1q_u64(p, a);
}

TARGET PP_INLINE vu u_set1(uint64_t a)
{
    return vdupq_n_u64(a);
}

TARGET PP_INLINE vu u_add(vu a, vu b)
{
    return vaddq_u64(a, b);
}

TARGET PP_INLINE vu u_xor(vu a, vu b)
{
    return veorq_u64(a, b);
}

TARGET PP_INLINE vu u_xor3(vu a, vu b, vu c)
{
    return veorq_u64(a, veorq_u64(b, c));
}

TARGET PP_INLINE vu u_mul_low(vu a, vu b)
{
    return vmull_u32(vmovn_u64(a), vmovn_u64(b));
}

TARGET PP_INLINE vu u_high(vu a)
{
    return vshrq_n_u64(a, 32);
}

TARGET PP_INLINE vu u_halve_low(vu a)
{
    return vreinterpretq_u64_u32(vshrq_n_u32(vreinterpretq_u32_u64(a), 1));
}

TARGET PP_INLINE vu u_from_bit62(vu a)
{
    return vshrq_n_u64(a, 62);
}

TARGET PP_INLINE vi i_load(const int32_t *p)
{
    return vld1q_s32(p);
}

TARGET PP_INLINE void i_store(int32_t *p, vi a)
{
    vst1q_s32(p, a);
}

TARGET PP_INLINE vi i_set1(int32_t a)
{
    return vdupq_n_s32(a);
}

TARGET PP_INLINE bool i_any_le(vi a, vi b)
{
    return vmaxvq_u32(vcleq_s32(a, b)) != 0;
}

TARGET PP_INLINE vi i_min(vi a, vi b)
{
    return vminq_s32(a, b);
}

TARGET PP_INLINE vi i_dot(vi sum, vi a, vi b)
{
    const int16x8_t x = vreinterpretq_s16_s32(a), y = vreinterpretq_s16_s32(b);
    const int32x4_t low = vmull_s16(vget_low_s16(x), vget_low_s16(y));
    return vaddq_s32(sum, vpaddq_s32(low, vmull_high_s16(x, y)));
}
