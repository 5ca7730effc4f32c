/* Histograms: every count by the edges, of arrays between guard pages, under every variant. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../csrc/core/pp.h"
#include "check.h"
#include "tests.h"

enum { MOST = 300 };

static double edge_at(const pp_bins *bins, int64_t k)
{
    return bins->narrow ? (double)((float *)bins->edges)[k] : ((double *)bins->edges)[k];
}

/* The definition, one element and one edge at a time; bins->count for no bin. */
static int64_t bin_of(const pp_bins *bins, double x)
{
    if (!(edge_at(bins, 0) <= x && x <= edge_at(bins, bins->count)))
        return bins->count;
    int64_t k = 0;
    while (k + 1 < bins->count && x >= edge_at(bins, k + 1))
        k++;
    return k;
}

/* On an edge, next to one, anywhere, or no number. */
static double random_element(const pp_bins *bins)
{
    const double low = edge_at(bins, 0), high = edge_at(bins, bins->count);
    const double edge = edge_at(bins, random_below(bins->count + 1));
    switch (random_below(5)) {
    case 0:
        return edge;
    case 1:
        return nextafter(edge, random_chance(0.5) ? INFINITY : -INFINITY);
    case 2:
        return random_chance(0.5) ? NAN : INFINITY;
    default:
        return low + (high - low) * (1.2 * random_unit() - 0.1);
    }
}

static void put_element(const pp_view *a, int64_t i, double x)
{
    char *to = a->data + i * a->strides[0];
    const float narrow = (float)x;
    if (a->type == PP_FLOAT32)
        memcpy(to, &narrow, sizeof narrow);
    else
        memcpy(to, &x, sizeof x);
}

static double get_element(const pp_view *a, int64_t i)
{
    const char *from = a->data + i * a->strides[0];
    float narrow;
    double wide;
    memcpy(&narrow, from, sizeof narrow);
    if (a->type == PP_FLOAT32)
        return narrow;
    memcpy(&wide, from, sizeof wide);
    return wide;
}

static void check_counts(const pp_view *a, const pp_bins *bins, const pp_run *run)
{
    static int64_t counts[MOST], expected[MOST + 1];
    memset(counts, 0, sizeof counts);
    memset(expected, 0, sizeof expected);
    for (int64_t i = 0; i < a->shape[0]; i++)
        expected[bin_of(bins, get_element(a, i))]++;
    CHECK(pp_histogram(a, bins, counts, run) == PP_OK, "%lld elements", (long long)a->shape[0]);
    for (int64_t k = 0; k < bins->count; k++)
        CHECK(counts[k] == expected[k], "bin %lld of %lld: %lld, not %lld", (long long)k,
              (long long)bins->count, (long long)counts[k], (long long)expected[k]);
}

static void random_histogram(void)
{
    static double edges[MOST + 1];
    pp_bins bins = {.count = 1 + random_below(random_chance(0.5) ? 20 : MOST),
                    .narrow = random_chance(0.3),
                    .edges = edges};
    const double low = random_chance(0.5) ? 0 : 200 * random_unit() - 100;
    const double width = random_chance(0.3) ? (double)bins.count : 1 + 100 * random_unit();
    pp_put_edges(&bins, low, low + width, bins.narrow && random_chance(0.5));
    CHECK(pp_edges_increase(&bins), "%lld bins", (long long)bins.count);

    const bool is_float32 = random_chance(0.3);
    const int64_t size = is_float32 ? 4 : 8, step = 1 + random_below(2), n = random_below(1500);
    const guarded memory =
        guarded_new((size_t)(n > 0 ? ((n - 1) * step + 1) * size : 1), random_chance(0.5));
    const pp_view a = {.data = memory.data,
                       .type = is_float32 ? PP_FLOAT32 : PP_FLOAT64,
                       .ndim = 1,
                       .shape = {n},
                       .strides = {step * size}};
    for (int64_t i = 0; i < n; i++)
        put_element(&a, i, random_element(&bins));
    check_counts(&a, &bins, &(pp_run){.num_threads = 1 + (int)random_below(3)});
    guarded_free(memory);
}

void test_histogram(int rounds)
{
    for (int i = 0; i < rounds; i++)
        random_histogram();
}
