/* What differs between compilers, in one place. */
#ifndef PP_COMMON_H
#define PP_COMMON_H

#if defined(__GNUC__) || defined(__clang__)
#    define PP_INLINE       static inline __attribute__((always_inline))
#    define PP_TARGET(isas) __attribute__((target(isas)))
#    define PP_UNLIKELY(x)  __builtin_expect(!!(x), 0)
#    define PP_ALIGNED(n)   __attribute__((aligned(n)))
#else /* MSVC itself: it has no function-level targets, so no SIMD variants are built */
#    define PP_INLINE static __forceinline
#    define PP_TARGET(isas)
#    define PP_UNLIKELY(x) (x)
#    define PP_ALIGNED(n)  __declspec(align(n))
#endif

/* x86 variants need function-level target attributes; NEON is part of every AArch64 CPU. */
#if (defined(__GNUC__) || defined(__clang__)) && (defined(__x86_64__) || defined(_M_X64))
#    define PP_X86 1
#elif (defined(__GNUC__) || defined(__clang__)) && defined(__aarch64__)
#    define PP_AARCH64 1
#endif

/* The place of the highest bit set in a word that is not 0. */
PP_INLINE int pp_highest_bit(unsigned word)
{
#if defined(__GNUC__) || defined(__clang__)
    return 31 - __builtin_clz(word);
#else
    int place = 0;
    while (word >>= 1)
        place++;
    return place;
#endif
}

#if defined(__AVX__)
#    error                                                                                         \
        "build without -mavx or -march=native: each kernel carries its own targets, and an older \
CPU must get as far as choosing one"
#endif

#endif
