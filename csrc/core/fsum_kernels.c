/* The kernels of fsum: their variants, and the range of numbers that they work in. */
#include "fsum.h"

#include <limits.h>

#define ISA(name) name##_baseline
#define TARGET
#ifdef PP_X86
#    include <immintrin.h>
#    include "simd_sse2.h"
#else
#    include "simd_scalar.h"
#endif
#include "fsum_template.h"
#undef ISA
#undef TARGET

#ifdef PP_X86
#    define ISA(name) name##_avx2
#    define TARGET    PP_TARGET("avx2,fma")
#    include "simd_avx2.h"
#    include "fsum_template.h"
#    undef ISA
#    undef TARGET

#    define ISA(name) name##_avx512
#    define TARGET    PP_TARGET("avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx2,fma")
#    include "simd_avx512.h"
#    include "fsum_template.h"
#    undef ISA
#    undef TARGET
#endif

#ifdef PP_AARCH64
#    include <arm_neon.h>
#    define ISA(name) name##_neon
#    define TARGET
#    include "simd_neon.h"
#    include "fsum_template.h"
#    undef ISA
#    undef TARGET
#endif

int pp_fsum_exponent(const double *x, int n)
{
    int largest = 0;
    for (int i = 0; i < n; i++) {
        uint64_t bits;
        memcpy(&bits, &x[i], sizeof bits);
        const int exponent = (int)(bits >> 52 & 0x7ff);
        largest = exponent > largest ? exponent : largest;
    }
    return largest;
}

int pp_fsum_top(int exponent)
{
    const int top = exponent - 1022 + PP_FSUM_HEADROOM; /* they are below 2**(exponent - 1022) */
    return top > PP_FSUM_MAX_TOP ? PP_FSUM_NO_TOP : top < PP_FSUM_MIN_TOP ? PP_FSUM_MIN_TOP : top;
}

int pp_fsum_guess_top(const double *x, int n)
{
    enum { MARGIN = 8 };
    const int top = pp_fsum_top(pp_fsum_exponent(x, n) + MARGIN);
    return top == PP_FSUM_NO_TOP ? PP_FSUM_MAX_TOP : top;
}

int pp_fsum_workers(int64_t items)
{
    return items < INT_MAX ? (int)items : INT_MAX;
}
