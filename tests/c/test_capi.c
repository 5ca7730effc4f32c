/* The functions for other languages: the bits of the kernels, from memory between guard pages. */
#include <math.h>
#include <string.h>

#include "../../csrc/core/pp.h"
#include "check.h"
#include "tests.h"

static const pp_run serial = {.num_threads = 1};

static double random_value(void)
{
    return random_chance(0.01) ? NAN : ldexp(random_unit() - 0.5, (int)random_below(80) - 40);
}

static void random_sum(void)
{
    const int64_t n = random_below(random_chance(0.1) ? 100000 : 300);
    const size_t bytes = (size_t)n * sizeof(double);
    const guarded memory = guarded_new(bytes ? bytes : 1, random_chance(0.5));
    double *values = (double *)(void *)memory.data, expected;
    for (int64_t i = 0; i < n; i++)
        values[i] = random_chance(0.9) ? ldexp(1 + random_unit(), (int)(i % 60)) : random_value();
    const pp_reduction_task task = {
        .op = PP_SUM,
        .in = {{memory.data, PP_FLOAT64, false, 1, {n}, {sizeof(double)}}},
        .out = {{(char *)&expected, PP_FLOAT64, false, 0, {0}, {0}}},
    };
    CHECK(pp_reduce(&task, &serial) == PP_OK, "%lld elements", (long long)n);
    const double found = pp_sum(values, n);
    CHECK(memcmp(&found, &expected, sizeof found) == 0, "%a, not %a, of %lld elements", found,
          expected, (long long)n);
    guarded_free(memory);
}

static void random_count(void)
{
    const double x = 4 * random_unit() - 2, y = 4 * random_unit() - 2;
    const double re = random_chance(0.05) ? NAN : 3 * random_unit() - 2, im = 3 * random_unit() - 1;
    const int32_t max_iter = 1 + (int32_t)random_below(300);
    int32_t expected;
    const pp_points z = {.kind = PP_POINTS_SAME, .re = x, .im = y};
    const pp_points c = {.kind = PP_POINTS_SAME, .re = re, .im = im};
    const pp_view counts = {(char *)&expected, PP_INT32, false, 0, {0}, {0}};
    CHECK(pp_escape_time(&z, &c, &counts, max_iter, &serial) == PP_OK, "%d", max_iter);
    const int64_t found = pp_escape_count(x, y, re, im, max_iter);
    CHECK(found == expected, "%lld, not %d", (long long)found, expected);
}

/* The place of the first of the least of the distances, NaN left out; -1 for none. */
static int64_t first_least(const double *distances, int64_t n)
{
    int64_t nearest = -1;
    for (int64_t i = 0; i < n; i++)
        if (!isnan(distances[i]) && (nearest < 0 || distances[i] < distances[nearest]))
            nearest = i;
    return nearest;
}

enum { TILES = 40, FEATURES = 200 };

static double square(double x)
{
    return x * x;
}

/* Few different distances, so that there are ties; some are NaN. */
static void random_match(void)
{
    const int64_t n = random_below(TILES), d = random_below(5);
    const size_t bytes = (size_t)(n * d) * sizeof(double);
    const guarded memory = guarded_new(bytes ? bytes : 1, random_chance(0.5));
    double *tiles = (double *)(void *)memory.data, target[5], distances[TILES] = {0};
    for (int64_t k = 0; k < d; k++)
        target[k] = (double)random_below(4);
    for (int64_t i = 0; i < n * d; i++) {
        const int64_t kind = random_below(20);
        tiles[i] = kind == 0 ? NAN : kind == 1 ? INFINITY : (double)random_below(4);
        distances[i / d] += square(target[i % d] - tiles[i]);
    }
    const int64_t found = pp_match_one(target, tiles, n, d), nearest = first_least(distances, n);
    CHECK(found == nearest, "tile %lld, not %lld", (long long)found, (long long)nearest);
    guarded_free(memory);
}

static void random_match_of_bytes(void)
{
    const int64_t n = random_below(TILES), d = random_below(FEATURES), bytes = n * d;
    const guarded memory = guarded_new((size_t)(bytes ? bytes : 1), random_chance(0.5));
    uint8_t *tiles = (uint8_t *)memory.data, target[FEATURES];
    double distances[TILES] = {0};
    for (int64_t k = 0; k < d; k++)
        target[k] = random_chance(0.5) ? 255 : 0;
    for (int64_t i = 0; i < bytes; i++) {
        tiles[i] = random_chance(0.5) ? 255 : 0;
        distances[i / d] += square((double)target[i % d] - (double)tiles[i]);
    }
    const int64_t found = pp_match_one_uint8(target, tiles, n, d);
    const int64_t nearest = first_least(distances, n);
    CHECK(found == nearest, "tile %lld, not %lld", (long long)found, (long long)nearest);
    guarded_free(memory);
}

void test_capi(int rounds)
{
    CHECK(pp_sum(NULL, 0) == 0 && pp_sum(NULL, -1) == 0, "%s", "no values");
    CHECK(pp_escape_count(0, 0, 9, 9, 0) == -1, "%s", "no iteration");
    CHECK(pp_match_one(NULL, NULL, 0, 3) == -1, "%s", "no tile");
    CHECK(pp_match_one_uint8(NULL, NULL, -1, 3) == -1, "%s", "no tile");
    for (int i = 0; i < rounds; i++) {
        random_sum();
        random_count();
        random_match();
        random_match_of_bytes();
    }
}
