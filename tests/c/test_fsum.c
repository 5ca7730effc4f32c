/* Exact sums: the long number against one of single bits, and arrays against their numbers one by
   one, between guard pages. */
#include <math.h>
#include <string.h>

#include "../../csrc/core/dispatch.h"
#include "../../csrc/core/view.h"
#include "check.h"
#include "tests.h"

enum { BITS = 32 * PP_LIMBS, HEADER = PP_EXACT_BYTES - BITS / 8, MOST = 6000 };

/* Positive and negative numbers apart, a byte for each bit. */
typedef struct bit_sum {
    uint8_t bit[2][BITS];
} bit_sum;

static void add_bit(uint8_t *bit, int place)
{
    for (; bit[place]; place++)
        bit[place] = 0;
    bit[place] = 1;
}

static void add_bits(bit_sum *sum, double x)
{
    int exponent;
    const double fraction = frexp(fabs(x), &exponent); /* a multiple of 2^-53, below 1 */
    uint64_t mantissa = (uint64_t)ldexp(fraction, 53);
    for (int place = exponent - 53 - PP_LOWEST; mantissa; mantissa >>= 1, place++)
        if (mantissa & 1)
            add_bit(sum->bit[signbit(x) != 0], place);
}

static void check_equal(const bit_sum *expected, const pp_exact_sum *sum, const char *how)
{
    uint8_t bytes[PP_EXACT_BYTES];
    pp_exact_to_bytes(sum, bytes);
    int borrow = 0;
    for (int i = 0; i < BITS; i++) {
        const int bit = expected->bit[0][i] - expected->bit[1][i] - borrow;
        borrow = bit < 0;
        CHECK((bytes[HEADER + i / 8] >> i % 8 & 1) == (bit & 1), "bit %d, %s", i, how);
    }
}

/* Numbers of a few magnitudes, some of them ending in many zeros or ones. */
static double random_number(int low, int high)
{
    double x = 1 + random_unit();
    if (random_chance(0.2))
        x = random_chance(0.5) ? 1 : nextafter(2, 0);
    x = ldexp(x, low + (int)random_below(high - low + 1));
    return random_chance(0.5) ? x : -x;
}

static void random_numbers(double *x, int n)
{
    const int low = -1080 + (int)random_below(2100), range = (int)random_below(140);
    const int high = low + range < 1023 ? low + range : 1023;
    for (int i = 0; i < n; i++)
        x[i] = random_number(low, high);
    for (int i = 0; random_chance(0.3) && i < n; i += 1 + (int)random_below(900))
        x[i] = random_number(-1080, 1023);
}

static void test_additions_are_those_of_bits(int rounds)
{
    double x[300];
    for (int round = 0; round < rounds; round++) {
        const int n = (int)random_below(300), cut = (int)random_below(n + 1);
        random_numbers(x, n);
        bit_sum expected = {{{0}}};
        for (int i = 0; i < n; i++)
            add_bits(&expected, x[i]);
        pp_exact_sum sum = {.count = 0}, rest = {.count = 0};
        pp_exact_bins bins = {.used = false};
        pp_exact_add(&sum, x, cut);
        pp_exact_add_binned(&rest, &bins, x + cut, n - cut);
        pp_exact_empty_bins(&rest, &bins);
        pp_exact_merge(&sum, &rest);
        check_equal(&expected, &sum, "one by one and through bins");
    }
}

static void test_full_bins_and_limbs(void)
{
    double x[5000];
    bit_sum expected = {{{0}}};
    for (int i = 0; i < 5000; i++) {
        x[i] = nextafter(2, 0);
        add_bits(&expected, x[i]);
    }
    pp_exact_sum one_by_one = {.count = 0}, binned = {.count = 0};
    pp_exact_bins bins = {.used = false};
    pp_exact_add(&one_by_one, x, 5000);
    pp_exact_add_binned(&binned, &bins, x, 5000);
    pp_exact_empty_bins(&binned, &bins);
    check_equal(&expected, &one_by_one, "limbs");
    check_equal(&expected, &binned, "bins");
}

static void test_integers_of_all_places(int rounds)
{
    for (int round = 0; round < rounds; round++) {
        const int64_t value = (int64_t)random_bits() >> random_below(64);
        const int exponent = PP_LOWEST + (int)random_below(BITS - 96);
        pp_exact_sum sum = {.count = 0};
        pp_exact_add_integer(&sum, value, exponent);
        bit_sum expected = {{{0}}};
        uint64_t size = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
        for (int place = exponent - PP_LOWEST; size; size >>= 1, place++)
            if (size & 1)
                add_bit(expected.bit[value < 0], place);
        check_equal(&expected, &sum, "an integer");
    }
}

/* An array of doubles between guard pages, of which the first `kept` dimensions stay. */
static pp_view random_view(guarded *memory, int *kept)
{
    pp_view view = {.type = PP_FLOAT64, .ndim = 1 + (int)random_below(3)};
    const int wide = (int)random_below(view.ndim);
    int64_t size = 8;
    bool given[3] = {false};
    for (int k = 0; k < view.ndim; k++) { /* strides in any order of the dimensions */
        int d = (int)random_below(view.ndim);
        while (given[d])
            d = (d + 1) % view.ndim;
        given[d] = true;
        view.shape[d] = 1 + random_below(d == wide ? MOST / 16 : 4);
        view.strides[d] = size + (random_chance(0.2) ? 8 * random_below(3) : 0);
        size = view.shape[d] * view.strides[d];
    }
    *kept = (int)random_below(view.ndim + 1);
    int64_t extent = 8;
    for (int d = 0; d < view.ndim; d++)
        extent += (view.shape[d] - 1) * view.strides[d];
    *memory = guarded_new((size_t)extent, random_chance(0.5));
    view.data = memory->data;
    random_numbers((double *)(void *)memory->data, (int)(extent / 8));
    return view;
}

static void check_sums(const pp_view *a, int kept, int threads)
{
    static double found[MOST];
    const pp_run run = {.num_threads = threads};
    pp_view out = {.type = PP_FLOAT64, .ndim = kept, .data = (char *)found};
    int64_t outputs = 1;
    for (int d = kept - 1; d >= 0; d--) {
        out.shape[d] = a->shape[d];
        out.strides[d] = 8 * outputs;
        outputs *= a->shape[d];
    }
    enum pp_exact_fault fault;
    CHECK(pp_fsum(a, kept, &out, &run, &fault) == PP_OK, "%d threads", threads);
    const int64_t n = pp_view_size(a) / outputs;
    for (int64_t i = 0; i < outputs; i++) {
        pp_exact_sum sum = {.count = 0};
        for (int64_t k = 0; k < n; k++) {
            int64_t offset;
            double x, expected;
            pp_view_offsets(a, i * n + k, 1, &offset);
            memcpy(&x, a->data + offset, sizeof x);
            pp_exact_add(&sum, &x, 1);
            if (k == n - 1) {
                pp_exact_value(&sum, &expected);
                CHECK(found[i] == expected, "%a, not %a: sum %lld of %lld numbers", found[i],
                      expected, (long long)i, (long long)n);
            }
        }
    }
}

static void test_arrays_are_their_numbers_one_by_one(int rounds)
{
    for (int round = 0; round < rounds; round++) {
        guarded memory;
        int kept;
        const pp_view view = random_view(&memory, &kept);
        check_sums(&view, kept, 1 + (int)random_below(3));
        guarded_free(memory);
    }
}

void test_fsum(int rounds)
{
    test_additions_are_those_of_bits(rounds);
    test_full_bins_and_limbs();
    test_integers_of_all_places(rounds);
    test_arrays_are_their_numbers_one_by_one(rounds);
}
