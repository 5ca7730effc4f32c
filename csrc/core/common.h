/* What differs between compilers, in one place. */
#ifndef PP_COMMON_H
#define PP_COMMON_H

#include <stdint.h>

#if defined(__GNUC__) || defined(__clang__)
#    define PP_INLINE       static inline __attribute__((always_inline))
#    define PP_TARGET(isas) __attribute__((target(isas)))
#    define PP_UNLIKELY(x)  __builtin_expect(!!(x), 0)
#    define PP_ALIGNED(n)   __attribute__((aligned(n)))
#    define PP_PREFETCH(p)  __builtin_prefetch(p)
#else /* MSVC itself: it has no function-level targets, so no SIMD variants are built */
#    define PP_INLINE static __forceinline
#    define PP_TARGET(isas)
#    define PP_UNLIKELY(x) (x)
#    define PP_ALIGNED(n)  __declspec(align(n))
#    define PP_PREFETCH(p) ((void)(p))
#endif

/* x86 variants need function-level target attributes; NEON is part of every AArch64 CPU. */
#if (defined(__GNUC__) || defined(__clang__)) && (defined(__x86_64__) || defined(_M_X64))
#    define PP_X86 1
#elif (defined(__GNUC__) || defined(__clang__)) && defined(__aarch64__)
#    define PP_AARCH64 1
#endif

/* The places of the highest and the lowest bit set in a word that is not 0. */
#if defined(__GNUC__) || defined(__clang__)
PP_INLINE int pp_highest_bit(uint64_t word)
{
    return 63 - __builtin_clzll(word);
}

PP_INLINE int pp_lowest_bit(uint64_t word)
{
    return __builtin_ctzll(word);
}
#else
PP_INLINE int pp_highest_bit(uint64_t word)
{
    int place = 0;
    while (word >>= 1)
        place++;
    return place;
}

PP_INLINE int pp_lowest_bit(uint64_t word)
{
    return pp_highest_bit(word & (0 - word));
}
#endif

/* Where the low byte of a number of 16 bits lies. */
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
enum { PP_LOW_BYTE = 1 };
#else
enum { PP_LOW_BYTE = 0 };
#endif

/* The same number, of which the compiler knows nothing any more: what is passed through here in
   each step of a loop is computed in each step, and the loop cannot become a formula. */
#if defined(__GNUC__) || defined(__clang__)
PP_INLINE int64_t pp_opaque(int64_t number)
{
    __asm__ volatile("" : "+r"(number));
    return number;
}
#else
PP_INLINE int64_t pp_opaque(int64_t number)
{
    volatile int64_t seen = number;
    return seen;
}
#endif

#if defined(__AVX__)
#    error                                                                                         \
        "build without -mavx or -march=native: each kernel carries its own targets, and an older \
CPU must get as far as choosing one"
#endif

#endif
