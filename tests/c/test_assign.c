/* Assignments of rows between guard pages, under every variant: their proof, in integers; and of
   floats, with many features. With and without memory for bounds of all costs. */
#include <math.h>
#include <stdlib.h>

#include "../../csrc/core/assign.h"
#include "../../csrc/core/pp.h"
#include "check.h"
#include "tests.h"

enum { MOST = 400, FEATURES = 60, MANY_FEATURES = 1200 /* for distances above 2^24 */ };

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
    const int64_t max_uses = 1 + random_below(3);
    const int64_t length = random_below(random_chance(0.1) ? MANY_FEATURES : FEATURES);
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

enum { FLOATS = 120, FLOAT_FEATURES = 50 };

static double float_distance(const double *a, const double *b)
{
    double sum = 0;
    for (int f = 0; f < FLOAT_FEATURES; f++)
        sum += (a[f] - b[f]) * (a[f] - b[f]);
    return sum;
}

static void test_floats(void)
{
    static double rows[2][FLOATS * FLOAT_FEATURES];
    int64_t indices[FLOATS];
    double prices[FLOATS], cost = 0, proven = 0, all = 0;
    pp_view views[2];
    for (int k = 0; k < 2; k++) {
        for (int i = 0; i < FLOATS * FLOAT_FEATURES; i++)
            rows[k][i] = (double)random_below(1 << 20) / (random_chance(0.1) ? 1 : 100);
        views[k] = (pp_view){.data = (char *)rows[k],
                             .type = PP_FLOAT64,
                             .ndim = 2,
                             .shape = {FLOATS - (1 - k) * random_below(9), FLOAT_FEATURES},
                             .strides = {FLOAT_FEATURES * sizeof(double), sizeof(double)}};
    }
    pp_assignment found = {.indices = indices, .prices = prices};
    const pp_run run = {.num_threads = 1 + (int)random_below(3)};
    enum pp_assign_fault fault;
    CHECK(pp_assign(&views[0], &views[1], 1, 1e-6, &run, &found, &fault) == PP_OK, "memory");
    CHECK(fault == PP_ASSIGN_FINE, "fault %d", (int)fault);
    for (int64_t i = 0; i < views[0].shape[0]; i++) {
        double least = INFINITY;
        for (int64_t j = 0; j < FLOATS; j++)
            least = fmin(
                least, float_distance(rows[0] + i * FLOAT_FEATURES, rows[1] + j * FLOAT_FEATURES) +
                           prices[j]);
        proven += least;
        cost += float_distance(rows[0] + i * FLOAT_FEATURES, rows[1] + indices[i] * FLOAT_FEATURES);
    }
    for (int64_t j = 0; j < FLOATS; j++)
        all += prices[j];
    CHECK(fabs(found.cost - cost) <= 1e-12 * cost, "cost %g, not %g", found.cost, cost);
    CHECK(found.bound <= proven - all + 1e-12 * proven, "bound %g of %g", found.bound,
          proven - all);
    CHECK(cost - found.bound <= 1.0000001e-6 * cost, "cost %g bound %g", cost, found.bound);
}

void test_assign(int rounds)
{
    const int64_t budget = pp_bounds_budget;
    for (int round = 0; round < rounds / 5 + 1; round++) {
        pp_bounds_budget = round % 2 ? 0 : budget;
        test_one();
        if (round % 8 < 2)
            test_floats();
    }
    pp_bounds_budget = budget;
}
