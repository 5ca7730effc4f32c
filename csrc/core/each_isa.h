/* Includes TEMPLATE once per instruction set, with the vocabulary of simd.h; with VNNI, too, where
   WITH_VNNI is defined. */
#ifdef __clang__ /* whose vectors are as wide as the code asks for */
#    define WIDEST ""
#else
#    define WIDEST ",prefer-vector-width=512"
#endif

#define ISA(name) name##_baseline
#define TARGET
#ifdef PP_X86
#    include <immintrin.h>
#    include "simd_sse2.h"
#else
#    include "simd_scalar.h"
#endif
#include TEMPLATE
#undef ISA
#undef TARGET

#ifdef PP_X86
#    define ISA(name) name##_avx2
#    define TARGET    PP_TARGET("avx2,fma")
#    include "simd_avx2.h"
#    include TEMPLATE
#    undef ISA
#    undef TARGET

#    define AVX512    "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx2,fma"
#    define ISA(name) name##_avx512
#    define TARGET    PP_TARGET(AVX512 WIDEST)
#    include "simd_avx512.h"
#    include TEMPLATE
#    undef ISA
#    undef TARGET

#    ifdef WITH_VNNI /* defined by those whose kernels use it */
#        define HAS_VNNI
#        define ISA(name) name##_avx512vnni
#        define TARGET    PP_TARGET(AVX512 ",avx512vnni" WIDEST)
#        include "simd_avx512.h"
#        include TEMPLATE
#        undef ISA
#        undef TARGET
#        undef HAS_VNNI
#    endif
#endif

#ifdef PP_AARCH64
#    include <arm_neon.h>
#    define ISA(name) name##_neon
#    define TARGET
#    include "simd_neon.h"
#    include TEMPLATE
#    undef ISA
#    undef TARGET
#endif
