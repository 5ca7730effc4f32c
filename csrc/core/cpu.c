/* Asks the CPU for its features, and the operating system for the registers they need. */
#include "cpu.h"
#include "common.h"

#ifdef PP_X86
#    include <cpuid.h>
#    include <stdbool.h>
#    include <stdint.h>

static uint64_t enabled_registers(void)
{
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

static bool has(unsigned word, unsigned bits)
{
    return (word & bits) == bits;
}

/* Bit positions: Intel Software Developer's Manual, volume 2, CPUID; volume 1, 13.3 (XCR0). */
unsigned pp_cpu_features(void)
{
    enum { YMM = 0x6, ZMM = 0xe6 };
    unsigned eax, ebx, ecx, edx, ebx7, ecx7, found = 0;
    if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || !has(ecx, bit_OSXSAVE))
        return 0;
    const bool fma = has(ecx, bit_FMA | bit_AVX);
    if (!__get_cpuid_count(7, 0, &eax, &ebx7, &ecx7, &edx))
        return 0;
    const uint64_t registers = enabled_registers();
    if (fma && has(ebx7, bit_AVX2) && (registers & YMM) == YMM)
        found |= PP_CPU_AVX2;
    const unsigned avx512 = bit_AVX512F | bit_AVX512BW | bit_AVX512CD | bit_AVX512DQ | bit_AVX512VL;
    if (found && has(ebx7, avx512) && (registers & ZMM) == ZMM)
        found |= PP_CPU_AVX512;
    if ((found & PP_CPU_AVX512) && has(ecx7, bit_AVX512VNNI))
        found |= PP_CPU_AVX512VNNI;
    return found;
}

#elif defined(PP_AARCH64)

unsigned pp_cpu_features(void)
{
    return PP_CPU_NEON;
}

#else

unsigned pp_cpu_features(void)
{
    return 0;
}

#endif
