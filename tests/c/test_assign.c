/* Assignments of rows between guard pages, under every variant: their proof, in integers. */
#include <stdlib.h>

#include "../../csrc/core/pp.h"
#include "check.h"
#include "tests.h"

enum { MOST = 400, MOST_FEATURES = 60 };

typedef struct matrix {
    guarded bytes;
    int64_t rows, length;
} matrix;

static matrix random_matrix(int64_t rows, int64_t length, int64_t values)
{
    matrix a = {guarded_new((size_t)(rows * length), random_chance(0.5)), rows, length};
    for (int64_t i = 0; i < rows * length; i++)
        a.bytes.data[i] = (char)random_below(values);
    return a;
}

static pp_view view_of(const matrix *a)
{
    return (pp_view){.data = a->bytes.data,
                     .type = PP_UINT8,
                     .ndim = 2,
                     .shape = {a->rows, a->length},
                     .strides = {a->length, 1}};
}

static int64_t distance(const matrix *targets, int64_t i, const matrix *tiles, int64_t j)
{
    const uint8_t *t = (const uint8_t *)targets->bytes.data + i * targets->length;
    const uint8_t *p = (const uint8_t *)tiles->bytes.data + j * tiles->length;
    int64_t sum = 0;
    for (int64_t f = 0; f < targets->length; f++)
        sum += (t[f] - p[f]) * (t[f] - p[f]);
    return sum;
}

static void check_proof(const matrix *targets, const matrix *tiles, int64_t max_uses,
                        const pp_assignment *found)
{
    int64_t cost = 0, bound = 0, uses[MOST] = {0};
    for (int64_t i = 0; i < targets->rows; i++) {
        int64_t least = INT64_MAX;
        for (int64_t j = 0; j < tiles->rows; j++) {
            const int64_t value = distance(targets, i, tiles, j) + (int64_t)found->prices[j];
            least = value < least ? value : least;
        }
        bound += least;
        cost += distance(targets, i, tiles, found->indices[i]);
        CHECK(++uses[found->indices[i]] <= max_uses, "tile %lld", (long long)found->indices[i]);
    }
    for (int64_t j = 0; j < tiles->rows; j++)
        bound -= max_uses * (int64_t)found->prices[j];
    CHECK(cost == bound && found->cost == (double)cost && found->bound == (double)bound,
          "cost %lld bound %lld", (long long)cost, (long long)bound);
}

static void test_one(void)
{
    const int64_t n = 1 + random_below(random_chance(0.1) ? MOST : 20);
    const int64_t max_uses = 1 + random_below(3), length = random_below(MOST_FEATURES);
    const int64_t most = n * max_uses < MOST ? n * max_uses : MOST;
    const int64_t m = random_chance(0.3) ? most : random_below(most + 1);
    const int64_t values = random_chance(0.5) ? 3 : 256;
    const matrix targets = random_matrix(m, length, values), tiles = random_matrix(n, length, 256);
    const guarded indices = guarded_new((size_t)m * sizeof(int64_t), random_chance(0.5));
    const guarded prices = guarded_new((size_t)n * sizeof(double), random_chance(0.5));
    pp_assignment found = {.indices = (int64_t *)(void *)indices.data,
                           .prices = (double *)(void *)prices.data};
    const pp_view rows[2] = {view_of(&targets), view_of(&tiles)};
    const pp_run run = {.num_threads = 1 + (int)random_below(3)};
    enum pp_assign_fault fault;
    CHECK(pp_assign(&rows[0], &rows[1], max_uses, 0, &run, &found, &fault) == PP_OK, "memory");
    CHECK(fault == PP_ASSIGN_FINE, "fault %d", (int)fault);
    check_proof(&targets, &tiles, max_uses, &found);
    guarded_free(targets.bytes);
    guarded_free(tiles.bytes);
    guarded_free(indices);
    guarded_free(prices);
}

void test_assign(int rounds)
{
    for (int round = 0; round < rounds / 5 + 1; round++)
        test_one();
}
