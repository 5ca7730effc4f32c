/* What the variants of the π kernel share. */
#ifndef PP_PHILOX_H
#define PP_PHILOX_H

#include <stdint.h>

#include "common.h"

#define PP_PHILOX_M0 UINT32_C(0xD2511F53)
#define PP_PHILOX_M1 UINT32_C(0xCD9E8D57)

enum {
    PP_PHILOX_ROUNDS = 10,
    PP_PI_GROUP = 32, /* blocks: a whole number of groups of every variant */
};

/* The two words of the key, for each round. */
typedef struct pp_philox_keys {
    uint32_t round[PP_PHILOX_ROUNDS][2];
} pp_philox_keys;

pp_philox_keys pp_philox_schedule(const uint32_t *key);

/* How many samples lie outside the quarter circle, of the two in each of `blocks` blocks from
   `block`: a multiple of PP_PI_GROUP that have the same high word in their counter. */
typedef uint64_t pp_pi_kernel(const pp_philox_keys *keys, uint64_t block, int blocks);
pp_pi_kernel pp_pi_baseline, pp_pi_avx2, pp_pi_avx512, pp_pi_neon;

#endif
