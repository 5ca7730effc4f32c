/* Tile matching: the tile of the definition, for matrices between guard pages, under every variant.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../csrc/core/pp.h"
#include "check.h"
#include "tests.h"

static double get(const pp_view *a, int64_t row, int64_t feature)
{
    const char *from = a->data + row * a->strides[0] + feature * a->strides[1];
    float narrow;
    double wide;
    if (a->type == PP_UINT8)
        return *(const uint8_t *)from;
    if (a->type == PP_FLOAT32) {
        memcpy(&narrow, from, sizeof narrow);
        return narrow;
    }
    memcpy(&wide, from, sizeof wide);
    return wide;
}

static void put(const pp_view *a, int64_t row, int64_t feature, double x)
{
    char *to = a->data + row * a->strides[0] + feature * a->strides[1];
    const float narrow = (float)x;
    if (a->type == PP_UINT8)
        *(uint8_t *)to = (uint8_t)x;
    else if (a->type == PP_FLOAT32)
        memcpy(to, &narrow, sizeof narrow);
    else
        memcpy(to, &x, sizeof x);
}

/* The definition, one pair at a time. */
static int64_t nearest(const pp_view *targets, int64_t target, const pp_view *tiles, double *least)
{
    int64_t found = 0;
    *least = INFINITY;
    for (int64_t i = 0; i < tiles->shape[0]; i++) {
        double sum = 0;
        for (int64_t f = 0; f < tiles->shape[1]; f++) {
            const double difference = get(targets, target, f) - get(tiles, i, f);
            sum += difference * difference;
        }
        if (sum < *least) {
            *least = sum;
            found = i;
        }
    }
    return found;
}

/* Few different values, whole numbers, or any; sometimes the same in a whole row. */
static void fill(const pp_view *a, int kind)
{
    for (int64_t row = 0; row < a->shape[0]; row++) {
        const bool equal = random_chance(0.1);
        for (int64_t f = 0; f < a->shape[1]; f++) {
            const double whole = (double)random_below(kind == 0 ? 3 : 256);
            const bool fraction = kind == 2 && a->type != PP_UINT8;
            put(a, row, f, equal ? 255 : fraction ? 1e3 * random_unit() - 300 : whole);
        }
    }
}

static pp_view matrix(int64_t rows, int64_t length, enum pp_type type, guarded *memory)
{
    const int64_t size = type == PP_UINT8 ? 1 : type == PP_FLOAT32 ? 4 : 8;
    const bool by_columns = random_chance(0.2);
    *memory =
        guarded_new((size_t)(rows * length > 0 ? rows * length * size : 1), random_chance(0.5));
    return (pp_view){
        .data = memory->data,
        .type = type,
        .ndim = 2,
        .shape = {rows, length},
        .strides = {by_columns ? size : length * size, by_columns ? rows * size : size}};
}

static void check_match(const pp_view *targets, const pp_view *tiles, bool in_integers)
{
    const int64_t m = targets->shape[0];
    const guarded indices = guarded_new((size_t)(m ? m : 1) * 8, false);
    const guarded distances = guarded_new((size_t)(m ? m : 1) * 8, false);
    const int64_t *found = (const int64_t *)(void *)indices.data;
    const pp_run run = {.num_threads = 1 + (int)random_below(3)};
    enum pp_match_fault fault;
    CHECK(pp_match(targets, tiles, (int64_t *)(void *)indices.data, distances.data, &run, &fault) ==
                  PP_OK &&
              fault == PP_MATCH_FINE,
          "%lld targets", (long long)m);
    for (int64_t i = 0; i < m; i++) {
        double least, distance = ((double *)(void *)distances.data)[i];
        const int64_t expected = nearest(targets, i, tiles, &least);
        if (in_integers)
            distance = (double)((int64_t *)(void *)distances.data)[i];
        CHECK(found[i] == expected && distance == least,
              "target %lld of %lld, %lld tiles, %lld features: %lld at %g, not %lld at %g",
              (long long)i, (long long)m, (long long)tiles->shape[0], (long long)tiles->shape[1],
              (long long)found[i], distance, (long long)expected, least);
    }
    guarded_free(indices);
    guarded_free(distances);
}

static enum pp_type random_type(void)
{
    static const enum pp_type types[] = {PP_UINT8, PP_FLOAT32, PP_FLOAT64};
    return types[random_below(3)];
}

static void random_match(void)
{
    const enum pp_type type = random_type();
    const enum pp_type of_tiles = random_chance(0.7) ? type : random_type();
    const int64_t length = random_chance(0.5) ? random_below(8) : random_below(70);
    const int64_t m = random_below(150), n = 1 + random_below(random_chance(0.5) ? 40 : 400);
    guarded memory[2];
    const pp_view targets = matrix(m, length, type, &memory[0]);
    const pp_view tiles = matrix(n, length, of_tiles, &memory[1]);
    const int kind = (int)random_below(3);
    fill(&targets, kind);
    fill(&tiles, kind);
    check_match(&targets, &tiles, type == PP_UINT8 && of_tiles == PP_UINT8);
    guarded_free(memory[0]);
    guarded_free(memory[1]);
}

void test_match(int rounds)
{
    for (int i = 0; i < rounds; i += 10)
        random_match();
}
