/* Philox and π: the published answers, and every variant's groups against the blocks one by one. */
#include <string.h>

#include "../../csrc/core/dispatch.h"
#include "../../csrc/core/pp.h"
#include "check.h"
#include "tests.h"

/* Published with Random123, the authors' own implementation. */
static const struct {
    uint32_t counter[4], key[2], words[4];
} known[] = {
    {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
    {{UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX},
     {UINT32_MAX, UINT32_MAX},
     {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
    {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
     {0xa4093822, 0x299f31d0},
     {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
};

static void test_the_published_answers(void)
{
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        uint32_t words[4];
        pp_philox4x32(known[i].counter, known[i].key, words);
        CHECK(memcmp(words, known[i].words, sizeof words) == 0, "answer %zu", i);
    }
}

static uint64_t outside(const uint32_t *key, uint64_t block, int blocks)
{
    uint64_t count = 0;
    for (; blocks > 0; blocks--, block++) {
        const uint32_t counter[4] = {(uint32_t)block, (uint32_t)(block >> 32), 0, 0};
        uint32_t words[4];
        pp_philox4x32(counter, key, words);
        for (int k = 0; k < 4; k += 2) {
            const uint64_t x = words[k] >> 1, y = words[k + 1] >> 1;
            count += x * x + y * y >= UINT64_C(1) << 62;
        }
    }
    return count;
}

/* Blocks anywhere, also past 2^32 and right below it. */
static void test_groups_are_the_blocks_one_by_one(int rounds)
{
    for (int i = 0; i < rounds; i++) {
        const uint64_t bits = random_bits();
        const uint32_t key[2] = {(uint32_t)bits, (uint32_t)(bits >> 32)};
        const int blocks = PP_PI_GROUP * (int)random_below(5);
        uint64_t block = random_bits() >> (3 + random_below(60));
        if (random_chance(0.3))
            block |= UINT32_MAX;
        block = block / 512 * 512 + 512 - (uint64_t)blocks;
        const pp_philox_keys keys = pp_philox_schedule(key);
        const uint64_t found = pp_kernels->pi(&keys, block, blocks);
        CHECK(found == outside(key, block, blocks), "%llu outside, %d blocks from %llu",
              (unsigned long long)found, blocks, (unsigned long long)block);
    }
}

void test_philox(int rounds)
{
    test_the_published_answers();
    test_groups_are_the_blocks_one_by_one(rounds);
}
