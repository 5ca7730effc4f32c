/* Philox4x32-10, and π by Monte Carlo: what does not depend on the instruction set, the variants.
 */
#include "philox.h"

#include <limits.h>
#include <stdatomic.h>

#include "dispatch.h"
#include "parallel.h"
#include "pp.h"

/* Blocks drawn at a time: 10 to 300 microseconds' work. All have the same high word. */
#define PP_PI_BLOCKS INT64_C(16384)

typedef struct pi_job {
    pp_philox_keys keys;
    int64_t samples;
    atomic_int_fast64_t *outside;
} pi_job;

pp_philox_keys pp_philox_schedule(const uint32_t *key)
{
    pp_philox_keys keys;
    for (uint32_t r = 0; r < PP_PHILOX_ROUNDS; r++) {
        keys.round[r][0] = key[0] + r * UINT32_C(0x9E3779B9); /* the golden ratio */
        keys.round[r][1] = key[1] + r * UINT32_C(0xBB67AE85); /* sqrt(3) - 1 */
    }
    return keys;
}

static void rounds(const pp_philox_keys *keys, uint32_t *c)
{
    for (int r = 0; r < PP_PHILOX_ROUNDS; r++) {
        const uint64_t p = (uint64_t)PP_PHILOX_M0 * c[0], q = (uint64_t)PP_PHILOX_M1 * c[2];
        c[0] = (uint32_t)(q >> 32) ^ c[1] ^ keys->round[r][0];
        c[1] = (uint32_t)q;
        c[2] = (uint32_t)(p >> 32) ^ c[3] ^ keys->round[r][1];
        c[3] = (uint32_t)p;
    }
}

void pp_philox4x32(const uint32_t counter[4], const uint32_t key[2], uint32_t words[4])
{
    const pp_philox_keys keys = pp_philox_schedule(key);
    for (int i = 0; i < 4; i++)
        words[i] = counter[i];
    rounds(&keys, words);
}

#define TEMPLATE "philox_template.h"
#include "each_isa.h"

/* The same one by one, for samples that don't fill a group; the last block may lend only one. */
static uint64_t outside_one_by_one(const pp_philox_keys *keys, uint64_t block, int64_t samples)
{
    uint64_t outside = 0;
    for (int64_t i = 0; i < samples; i += 2, block++) {
        uint32_t c[4] = {(uint32_t)block, (uint32_t)(block >> 32), 0, 0};
        rounds(keys, c);
        for (int k = 0; k < 4 && i + k / 2 < samples; k += 2) {
            const uint64_t x = c[k] >> 1, y = c[k + 1] >> 1;
            outside += (x * x + y * y) >> 62;
        }
    }
    return outside;
}

static bool work(const void *shared, void *state, pp_slice *slice)
{
    const pi_job *job = shared;
    pp_worker *worker = state;
    do {
        const int64_t item = pp_slice_draw(slice);
        if (item < 0)
            return true;
        const uint64_t block = (uint64_t)(item * PP_PI_BLOCKS);
        const int64_t left = job->samples - 2 * item * PP_PI_BLOCKS;
        const int64_t samples = left < 2 * PP_PI_BLOCKS ? left : 2 * PP_PI_BLOCKS;
        const int grouped = (int)(samples / 2 / PP_PI_GROUP * PP_PI_GROUP);
        const uint64_t outside =
            pp_kernels->pi(&job->keys, block, grouped) +
            outside_one_by_one(&job->keys, block + (uint64_t)grouped, samples - 2 * grouped);
        atomic_fetch_add_explicit(job->outside, (int_fast64_t)outside, memory_order_relaxed);
        worker->done += samples;
    } while (!pp_slice_over(slice));
    return false;
}

enum pp_status pp_pi_hits(int64_t samples, const uint32_t key[2], int64_t *hits, const pp_run *run)
{
    atomic_int_fast64_t outside = 0;
    const pi_job job = {.keys = pp_philox_schedule(key), .samples = samples, .outside = &outside};
    const int64_t items = (samples - 1) / (2 * PP_PI_BLOCKS) + 1;
    const pp_job parallel = {
        .shared = &job,
        .items = items,
        .total = samples,
        .max_workers = items < INT_MAX ? (int)items : INT_MAX,
        .state_size = sizeof(pp_worker),
        .work = work,
    };
    const enum pp_status status = pp_parallel_for(&parallel, run);
    *hits = samples - atomic_load(&outside);
    return status;
}
