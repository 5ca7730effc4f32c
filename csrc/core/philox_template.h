/* The π kernel, for one instruction set: see simd.h for the parameters.

   Philox4x32-10 turns a counter of four words and a key of two into four random words by ten rounds
   of

       p = M0 * c0,   q = M1 * c2          64 bits each
       c0, c1, c2, c3 = high(q) ^ c1 ^ key0,  low(q),  high(p) ^ c3 ^ key1,  low(p)

   (J. K. Salmon, M. A. Moraes, R. O. Dror and D. E. Shaw, "Parallel random numbers: as easy as
   1, 2, 3", SC11). Each block is a function of its own number alone, so any number of them can be
   computed side by side, and in any order, by whichever thread.

   *One block a lane of 64 bits.* The multiplication of 32-bit halves takes no notice of the high
   half of its factors. So low() costs nothing, and what stands in the high halves is of no account.

   *The first two rounds* know most of their words: c2 = c3 = 0, and c1 is the same for all blocks
   at hand. That leaves two multiplications of four, and the first is replaced by an addition: from
   one group to the next c0 grows by the same amount, and p by M0 times that.

   *The test.* With 31-bit coordinates x*x + y*y < 2^63, so that bit 62 alone says whether it is
   2^62 or more: outside.                                                                         */
#include "simd.h"

#undef V
#undef GROUP
#define V            4 /* vectors in flight: one alone would wait for the latency of its rounds */
#define GROUP        (V * VL)
#define words        ISA(words)
#define u_first      ISA(u_first)
#define first_rounds ISA(first_rounds)
#define other_rounds ISA(other_rounds)
#define u_outside    ISA(u_outside)

/* The four words of a group of blocks, in the low halves. */
typedef struct words {
    vu c0[V], c1[V], c2[V], c3[V];
} words;

/* The products M0 * c0 of the first round. */
TARGET PP_INLINE void u_first(uint64_t block, vu *p)
{
    uint64_t products[GROUP];
    for (int i = 0; i < GROUP; i++)
        products[i] = PP_PHILOX_M0 * (uint64_t)(uint32_t)(block + (uint64_t)i);
    for (int u = 0; u < V; u++)
        p[u] = u_load(products + u * VL);
}

/* Two rounds from those products; c1 is the high word of the block's number. */
TARGET PP_INLINE words first_rounds(const pp_philox_keys *keys, uint32_t c1, const vu *p)
{
    const uint64_t second = PP_PHILOX_M0 * (uint64_t)(c1 ^ keys->round[0][0]); /* p of round two */
    words w;
    for (int u = 0; u < V; u++) {
        const vu c2 = u_xor(u_high(p[u]), u_set1(keys->round[0][1]));
        w.c1[u] = u_mul_low(c2, u_set1(PP_PHILOX_M1));
        w.c0[u] = u_xor(u_high(w.c1[u]), u_set1(keys->round[1][0]));
        w.c2[u] = u_xor(p[u], u_set1(second >> 32 ^ keys->round[1][1]));
        w.c3[u] = u_set1(second);
    }
    return w;
}

TARGET PP_INLINE void other_rounds(const pp_philox_keys *keys, words *w)
{
    for (int r = 2; r < PP_PHILOX_ROUNDS; r++) {
        const vu key0 = u_set1(keys->round[r][0]), key1 = u_set1(keys->round[r][1]);
        for (int u = 0; u < V; u++) {
            const vu p = u_mul_low(w->c0[u], u_set1(PP_PHILOX_M0));
            const vu q = u_mul_low(w->c2[u], u_set1(PP_PHILOX_M1));
            w->c0[u] = u_xor3(u_high(q), w->c1[u], key0);
            w->c2[u] = u_xor3(u_high(p), w->c3[u], key1);
            w->c1[u] = q;
            w->c3[u] = p;
        }
    }
}

/* 1 where the samples of these words are outside, else 0. */
TARGET PP_INLINE vu u_outside(vu x, vu y)
{
    x = u_halve_low(x);
    y = u_halve_low(y);
    return u_from_bit62(u_add(u_mul_low(x, x), u_mul_low(y, y)));
}

TARGET uint64_t ISA(pp_pi)(const pp_philox_keys *keys, uint64_t block, int blocks)
{
    vu p[V], outside = u_set1(0);
    u_first(block, p);
    for (int b = 0; b < blocks; b += GROUP) {
        words w = first_rounds(keys, (uint32_t)(block >> 32), p);
        other_rounds(keys, &w);
        for (int u = 0; u < V; u++) {
            outside = u_add(outside, u_outside(w.c0[u], w.c1[u]));
            outside = u_add(outside, u_outside(w.c2[u], w.c3[u]));
            p[u] = u_add(p[u], u_set1(PP_PHILOX_M0 * (uint64_t)GROUP));
        }
    }
    uint64_t lanes[VL], sum = 0;
    u_store(lanes, outside);
    for (int l = 0; l < VL; l++)
        sum += lanes[l];
    return sum;
}
