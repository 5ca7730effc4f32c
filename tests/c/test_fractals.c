/* Escape counts of the variant in use against the plain loop, at random and in every position. */
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "../../csrc/core/pp.h"
#include "../../csrc/core/view.h"
#include "check.h"
#include "tests.h"

typedef struct point {
    double re, im;
} point;

static int64_t plain_loop(point z, point c, int max_iter)
{
    int k = 0;
    for (; k < max_iter; k++) {
        const double re = z.re * z.re - z.im * z.im + c.re;
        const double im = z.re * z.im + z.im * z.re + c.im;
        z = (point){re, im};
        if (z.re * z.re + z.im * z.im > 4.0)
            break;
    }
    return k < max_iter ? k : max_iter - 1;
}

/* A point with this multiplier at its fixed point: around the edge of the set. */
static point near_edge(void)
{
    const double angle = 6.283185307179586 * random_unit();
    const double size = 1 + (random_chance(0.5) ? 1 : -1) * exp(-35 * random_unit());
    const double re = size * cos(angle), im = size * sin(angle);
    return (point){re / 2 - (re * re - im * im) / 4, im / 2 - re * im / 2};
}

static point odd_point(void)
{
    static const double odd[] = {0,     -0.0,     2,         -2,  0x1p-1074, 1e154,   9e307,
                                 -0.75, INFINITY, -INFINITY, NAN, 1.7e308,   -1.7e308};
    enum { N = sizeof odd / sizeof *odd };
    return (point){odd[random_below(N)], odd[random_below(N)]};
}

static point random_point(void)
{
    switch (random_below(5)) {
    case 0: /* chaotic orbits on the real axis */
        return (point){-2.001 + 2.3 * random_unit(), 0};
    case 1: /* exact fixed points, cycles, |z| = 2 */
        return (point){(double)(random_below(33) - 16) / 8, (double)(random_below(33) - 16) / 8};
    case 2:
        return (point){4 * random_unit() - 2, 4 * random_unit() - 2};
    default:
        return near_edge();
    }
}

static pp_view line(char *data, enum pp_type type, int64_t n, int64_t step)
{
    return (pp_view){.data = data, .type = type, .ndim = 1, .shape = {n}, .strides = {step}};
}

static bool carry_on(void *context, int64_t done, int64_t total)
{
    (void)context;
    return done <= total;
}

/* Run z and c through the kernel, between guard pages, and compare with the loop. */
static void check_points(const point *z, const point *c, int n, int max_iter, int threads,
                         bool slices)
{
    const bool at_start = random_chance(0.5), wide = random_chance(0.3);
    const size_t width = wide ? sizeof(int64_t) : sizeof(int32_t);
    guarded zs = guarded_new((size_t)n * sizeof *z, at_start);
    guarded cs = guarded_new((size_t)n * sizeof *c, at_start);
    guarded counts = guarded_new((size_t)n * width, at_start);
    memcpy(zs.data, z, zs.size);
    memcpy(cs.data, c, cs.size);
    const pp_points starts = {.kind = PP_POINTS_ARRAY,
                              .array = line(zs.data, PP_COMPLEX128, n, 16)};
    const pp_points params = {.kind = PP_POINTS_ARRAY,
                              .array = line(cs.data, PP_COMPLEX128, n, 16)};
    const pp_view out = line(counts.data, wide ? PP_INT64 : PP_INT32, n, (int64_t)width);
    const pp_run run = {.num_threads = threads,
                        .min_threads = slices && random_chance(0.5) ? 1 : 0,
                        .poll = slices ? carry_on : NULL};
    CHECK(pp_escape_time(&starts, &params, &out, max_iter, &run) == PP_OK, "%d points", n);
    for (int i = 0; i < n; i++) {
        int64_t found = 0;
        int32_t narrow;
        memcpy(wide ? (void *)&found : (void *)&narrow, counts.data + (size_t)i * width, width);
        found = wide ? found : narrow;
        CHECK(found == plain_loop(z[i], c[i], max_iter),
              "%s: %lld, not %lld: point %d of %d, z = %.17g %+.17gj, c = %.17g %+.17gj, "
              "max_iter %d, %d threads",
              pp_isa(), (long long)found, (long long)plain_loop(z[i], c[i], max_iter), i, n,
              z[i].re, z[i].im, c[i].re, c[i].im, max_iter, threads);
    }
    guarded_free(zs);
    guarded_free(cs);
    guarded_free(counts);
}

enum { MOST = 700 };

static void test_random_points(int rounds)
{
    static point z[MOST], c[MOST];
    for (int round = 0; round < rounds; round++) {
        const int n = 1 + (int)random_below(random_chance(0.3) ? MOST : 40);
        const bool from_zero = random_chance(0.5), same = random_chance(0.1);
        const double odd = random_chance(0.3) ? 0.1 : 0;
        for (int i = 0; i < n; i++) {
            const bool copy = same && i > 0;
            c[i] = copy ? c[0] : random_chance(odd) ? odd_point() : random_point();
            z[i] = from_zero ? (point){0, 0} : random_chance(odd) ? odd_point() : random_point();
        }
        const int max_iter = 1 + (int)random_below(random_chance(0.5) ? 70 : 900);
        check_points(z, c, n, max_iter, 1 + (int)random_below(5), random_chance(0.5));
    }
}

static void test_odd_points_in_every_position(void)
{
    static point z[MOST], c[MOST];
    enum { N = 450 };
    for (int position = 0; position < N; position++) {
        for (int i = 0; i < N; i++) {
            z[i] = (point){0, 0};
            c[i] = (point){-0.75 + 1e-4 * i, 0.1};
        }
        if (position % 2)
            z[position] = odd_point();
        else
            c[position] = odd_point();
        check_points(z, c, N, 60, 1, false);
    }
}

/* Starting points of one orbit under one c: a point that another pixel has left behind is no sign
   of a cycle. */
static void test_orbits_through_each_others_points(void)
{
    static point orbit[4000], z[MOST], c[MOST];
    const point parameter = {-0.75, 0.0009};
    orbit[0] = (point){0, 0};
    int length = 1;
    for (; length < 4000; length++) {
        const point p = orbit[length - 1];
        orbit[length] = (point){p.re * p.re - p.im * p.im + parameter.re,
                                p.re * p.im + p.im * p.re + parameter.im};
        if (orbit[length].re * orbit[length].re + orbit[length].im * orbit[length].im > 4)
            break;
    }
    for (int round = 0; round < 8; round++) {
        for (int i = 0; i < MOST; i++) {
            z[i] = orbit[random_below(length / (round + 1)) * (round + 1)];
            c[i] = parameter;
        }
        check_points(z, c, MOST, 5000, 1, round % 2);
    }
}

/* Any strides and types: both go through the conversion that test_views checks. */
static void test_strided_and_typed_views(int rounds)
{
    for (int round = 0; round < rounds; round++) {
        const int rows = 1 + (int)random_below(9), cols = 1 + (int)random_below(40);
        const int64_t step = 8 + random_below(9), row_step = step * cols + random_below(5);
        const bool down = random_chance(0.5), swapped = random_chance(0.5);
        const size_t size = (size_t)((rows - 1) * row_step + (cols - 1) * step + 8);
        guarded in = guarded_new(size, random_chance(0.5));
        guarded out = guarded_new(size, random_chance(0.5));
        pp_view view = {.type = PP_FLOAT64, .swapped = swapped, .ndim = 2};
        view.shape[0] = rows, view.shape[1] = cols;
        view.strides[0] = down ? -row_step : row_step, view.strides[1] = step;
        view.data = in.data + (down ? (rows - 1) * row_step : 0);
        pp_view counts = view;
        counts.type = PP_INT64, counts.swapped = false;
        counts.data = out.data + (down ? (rows - 1) * row_step : 0);
        for (int64_t i = 0; i < (int64_t)rows * cols; i++) {
            int64_t offset;
            const double x = -2.2 + 2.6 * random_unit();
            char bytes[8];
            memcpy(bytes, &x, 8);
            pp_view_offsets(&view, i, 1, &offset);
            for (int b = 0; b < 8; b++)
                view.data[offset + b] = bytes[swapped ? 7 - b : b];
        }
        const pp_points zero = {.kind = PP_POINTS_SAME};
        const pp_points c = {.kind = PP_POINTS_ARRAY, .array = view};
        const pp_run run = {.num_threads = 1 + (int)random_below(3)};
        CHECK(pp_escape_time(&zero, &c, &counts, 200, &run) == PP_OK, "round %d", round);
        for (int64_t i = 0; i < (int64_t)rows * cols; i++) {
            int64_t offset, found;
            point p = {0, 0};
            pp_view_offsets(&view, i, 1, &offset);
            pp_view_load_complex(&view, &offset, 1, &p.re, &p.im);
            memcpy(&found, counts.data + offset, sizeof found);
            CHECK(found == plain_loop((point){0, 0}, p, 200), "%s: c = %.17g", pp_isa(), p.re);
        }
        guarded_free(in);
        guarded_free(out);
    }
}

static void test_grids(void)
{
    enum { ROWS = 7, COLS = 300 };
    static int32_t counts[ROWS * COLS];
    for (int round = 0; round < 60; round++) {
        const int rows = 1 + (int)random_below(ROWS), cols = 1 + (int)random_below(COLS);
        const point middle = near_edge();
        const pp_points grid = {.kind = PP_POINTS_GRID,
                                .re = middle.re,
                                .im = middle.im,
                                .scale = exp(-40 * random_unit()),
                                .row0 = random_below(2001) - 1000,
                                .col0 = random_below(INT64_C(1) << 40) - (INT64_C(1) << 39),
                                .cols = cols};
        const pp_points zero = {.kind = PP_POINTS_SAME};
        pp_view out = {.data = (char *)counts, .type = PP_INT32, .ndim = 2};
        out.shape[0] = rows, out.shape[1] = cols;
        out.strides[0] = 4 * cols, out.strides[1] = 4;
        const pp_run run = {.num_threads = 1 + (int)random_below(4)};
        CHECK(pp_escape_time(&zero, &grid, &out, 300, &run) == PP_OK, "round %d", round);
        for (int i = 0; i < rows * cols; i++) {
            const point c = {grid.re + (double)(grid.col0 + i % cols) * grid.scale,
                             grid.im + (double)(grid.row0 + i / cols) * grid.scale};
            CHECK(counts[i] == plain_loop((point){0, 0}, c, 300), "%s: c = %.17g %+.17gj", pp_isa(),
                  c.re, c.im);
        }
    }
}

static void test_nothing_is_done_for_no_pixels(void)
{
    guarded nothing = guarded_new(0, false);
    const pp_points zero = {.kind = PP_POINTS_SAME};
    const pp_view out = {.data = nothing.data, .type = PP_INT32, .ndim = 2, .shape = {0, 5}};
    const pp_run run = {.num_threads = 4};
    CHECK(pp_escape_time(&zero, &zero, &out, 100, &run) == PP_OK, "status of %d", 0);
    guarded_free(nothing);
}

/* Calls from several threads share nothing that changes: ThreadSanitizer watches. */
static void *call_from_a_thread(void *wrong)
{
    enum { COLS = 90, ROWS = 20 };
    int32_t counts[ROWS * COLS];
    const pp_points zero = {.kind = PP_POINTS_SAME};
    const pp_points grid = {
        .kind = PP_POINTS_GRID, .re = -0.76, .im = 0.1, .scale = 1e-4, .cols = COLS};
    pp_view out = {.data = (char *)counts, .type = PP_INT32, .ndim = 1};
    out.shape[0] = ROWS * COLS, out.strides[0] = 4;
    const pp_run run = {.num_threads = 2, .poll = carry_on};
    for (int round = 0; round < 5; round++) {
        if (pp_escape_time(&zero, &grid, &out, 200, &run) != PP_OK)
            *(bool *)wrong = true;
        for (int i = 0; i < ROWS * COLS; i++)
            if (counts[i] != plain_loop((point){0, 0},
                                        (point){-0.76 + i % COLS * 1e-4, 0.1 + i / COLS * 1e-4},
                                        200))
                *(bool *)wrong = true;
    }
    return NULL;
}

static void test_many_threads_may_call_at_once(void)
{
    enum { THREADS = 4 };
    pthread_t threads[THREADS];
    bool wrong[THREADS] = {false};
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, call_from_a_thread, &wrong[i]) == 0, "%d", i);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        CHECK(!wrong[i], "thread %d", i);
    }
}

void test_fractals(int rounds)
{
    test_random_points(rounds);
    test_odd_points_in_every_position();
    test_orbits_through_each_others_points();
    test_strided_and_typed_views(rounds);
    test_grids();
    test_nothing_is_done_for_no_pixels();
    test_many_threads_may_call_at_once();
}
