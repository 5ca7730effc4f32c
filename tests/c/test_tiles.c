/* Features and assembly between guard pages, under every variant, against one pixel at a time. */
#include <math.h>
#include <string.h>

#include "../../csrc/core/colour.h"
#include "../../csrc/core/pp.h"
#include "check.h"
#include "tests.h"

/* A packed array of uint8 between guard pages, filled with random bytes. */
static guarded random_bytes(pp_view *view, int ndim, const int64_t *shape)
{
    *view = (pp_view){.type = PP_UINT8, .ndim = ndim};
    int64_t size = 1;
    for (int d = ndim - 1; d >= 0; d--) {
        view->shape[d] = shape[d];
        view->strides[d] = size;
        size *= shape[d];
    }
    const guarded memory = guarded_new((size_t)(size > 0 ? size : 1), random_chance(0.5));
    view->data = memory.data;
    for (int64_t i = 0; i < size; i++)
        view->data[i] = (char)random_below(256);
    return memory;
}

static uint8_t byte_at(const pp_view *view, int64_t i, int64_t j, int64_t k, int64_t l)
{
    const int64_t *s = view->strides;
    return (uint8_t)view->data[i * s[0] + j * s[1] + k * s[2] + l * s[3]];
}

static int64_t cut(int64_t n, int64_t parts, int64_t i)
{
    return n / parts * i + (i < n % parts ? i : n % parts);
}

static void check_cell(const pp_view *images, const pp_view *out, const int64_t grid[2],
                       const int64_t at[3])
{
    const int64_t height = images->shape[1], width = images->shape[2];
    for (int c = 0; c < 3; c++) {
        int64_t sum = 0, count = 0;
        for (int64_t y = cut(height, grid[0], at[1]); y < cut(height, grid[0], at[1] + 1); y++)
            for (int64_t x = cut(width, grid[1], at[2]); x < cut(width, grid[1], at[2] + 1); x++) {
                sum += byte_at(images, at[0], y, x, c);
                count++;
            }
        const int64_t place = at[0] * out->strides[0] + (at[1] * grid[1] + at[2]) * 3 + c;
        CHECK((uint8_t)out->data[place] == (2 * sum + count) / (2 * count), "cell %lld %lld",
              (long long)at[1], (long long)at[2]);
    }
}

static void random_features(const pp_run *run)
{
    const int64_t shape[4] = {random_below(4), 1 + random_below(random_chance(0.1) ? 600 : 40),
                              1 + random_below(random_chance(0.1) ? 3000 : 60), 3};
    const int64_t grid[2] = {1 + random_below(shape[1]), 1 + random_below(shape[2])};
    const int64_t size[2] = {shape[0], grid[0] * grid[1] * 3};
    pp_view images, out;
    const guarded in = random_bytes(&images, 4, shape), to = random_bytes(&out, 2, size);
    CHECK(pp_features(&images, grid[0], grid[1], PP_RGB, &out, run) == PP_OK, "features");
    for (int64_t i = 0; i < shape[0]; i++)
        for (int64_t row = 0; row < grid[0]; row++)
            for (int64_t col = 0; col < grid[1]; col++)
                check_cell(&images, &out, grid, (const int64_t[3]){i, row, col});
    CHECK(pp_features(&images, grid[0], grid[1], PP_OKLAB, &out, run) == PP_OK, "in Oklab");
    guarded_free(in);
    guarded_free(to);
}

/* A picture of a few pixels, or one that is stored past the caches. */
static void random_assembly(const pp_run *run, bool large)
{
    const int64_t least = large ? 1 : 0;
    const int64_t shape[4] = {1 + random_below(9), least + random_below(8),
                              least + random_below(large ? 50 : 12), 3};
    const int64_t cols = least + random_below(30);
    const int64_t rows = large ? (1 << 24) / (3 * shape[1] * shape[2] * cols) + 1 : random_below(5);
    pp_view tiles, indices, out;
    const guarded in = random_bytes(&tiles, 4, shape);
    const guarded which = random_bytes(&indices, 2, (const int64_t[2]){rows, cols});
    const guarded to =
        random_bytes(&out, 3, (const int64_t[3]){rows * shape[1], cols * shape[2], 3});
    for (int64_t i = 0; i < rows * cols; i++)
        indices.data[i] = (char)random_below(shape[0]);
    int64_t wrong;
    CHECK(pp_indices_within(&indices, shape[0], &wrong), "%lld", (long long)wrong);
    CHECK(pp_assemble(&tiles, &indices, &out, run) == PP_OK, "assemble");
    for (int64_t y = 0; y < out.shape[0]; y++)
        for (int64_t x = 0; x < out.shape[1]; x += large ? 1 + random_below(50) : 1)
            for (int c = 0; c < 3; c++) {
                const int64_t cell = y / shape[1] * cols + x / shape[2];
                CHECK((uint8_t)out.data[y * out.strides[0] + x * 3 + c] ==
                          byte_at(&tiles, indices.data[cell], y % shape[1], x % shape[2], c),
                      "pixel %lld %lld", (long long)y, (long long)x);
            }
    guarded_free(in);
    guarded_free(which);
    guarded_free(to);
}

static void test_cube_roots(int rounds)
{
    CHECK(pp_cube_root(0) == 0, "0");
    CHECK(pp_cube_root(1) == 1, "1");
    for (int i = 0; i < rounds; i++) {
        const double x = ldexp(random_unit() + 1e-9, -(int)random_below(40));
        const double root = pp_cube_root(x);
        CHECK(fabs(root * root * root - x) <= 16 * 0x1p-53 * x, "%a", x);
    }
}

void test_tiles(int rounds)
{
    test_cube_roots(rounds);
    for (int i = 0; i < rounds; i++) {
        const pp_run run = {.num_threads = 1 + (int)random_below(3)};
        if (i % 8 == 0)
            random_features(&run);
        random_assembly(&run, i == 0);
    }
}
