/* Stores that go past the caches.

   What is written to memory in the usual way is first read into a cache, though all of it is
   overwritten: of a copy larger than the caches, a third of the traffic is for nothing. Stores
   that write whole lines of memory at once avoid that, where the CPU has them. */
#ifndef PP_STREAM_H
#define PP_STREAM_H

#include <stdint.h>
#include <string.h>

#include "common.h"

enum { PP_LINE = 64 }; /* bytes */

#ifdef PP_X86
#    include <emmintrin.h> /* SSE2, which every x86-64 has */

/* Copy so many lines; `to` is the start of one. */
PP_INLINE void pp_stream_lines(char *to, const char *from, int64_t lines)
{
    for (int64_t i = 0; i < lines; i++, to += PP_LINE, from += PP_LINE)
        for (int part = 0; part < PP_LINE; part += 16)
            _mm_stream_si128((__m128i *)(to + part),
                             _mm_loadu_si128((const __m128i *)(from + part)));
}

/* To be called before other threads read what was written. */
PP_INLINE void pp_stream_end(void)
{
    _mm_sfence();
}
#else
PP_INLINE void pp_stream_lines(char *to, const char *from, int64_t lines)
{
    memcpy(to, from, (size_t)(lines * PP_LINE));
}

PP_INLINE void pp_stream_end(void) {}
#endif

#endif
