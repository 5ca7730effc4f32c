/* Array views: the offsets of elements, and their conversion to float64. */
#include <math.h>
#include <string.h>

#include "../../csrc/core/view.h"
#include "check.h"
#include "tests.h"

static pp_view random_view(int most_dims, int most_length, int64_t most_stride)
{
    pp_view view = {.type = PP_FLOAT64, .ndim = (int)random_below(most_dims + 1)};
    for (int d = 0; d < view.ndim; d++) {
        view.shape[d] = 1 + random_below(most_length);
        view.strides[d] = random_below(2 * most_stride + 1) - most_stride;
    }
    /* Often like a contiguous array, so that dimensions can be joined. */
    if (random_chance(0.5))
        for (int d = view.ndim - 2; d >= 0; d--)
            if (random_chance(0.8))
                view.strides[d] = view.strides[d + 1] * view.shape[d + 1];
    return view;
}

/* The definition: element `index` in C order. */
static int64_t offset_of(const pp_view *view, int64_t index)
{
    int64_t offset = 0;
    for (int d = view->ndim - 1; d >= 0; d--) {
        offset += index % view->shape[d] * view->strides[d];
        index /= view->shape[d];
    }
    return offset;
}

static void check_offsets(const pp_view *view, int64_t start, int n)
{
    int64_t offsets[300];
    pp_view_offsets(view, start, n, offsets);
    for (int i = 0; i < n; i++)
        CHECK(offsets[i] == offset_of(view, start + i), "element %lld of a view with %d dimensions",
              (long long)start + i, view->ndim);
}

static void test_offsets_follow_c_order(void)
{
    for (int round = 0; round < 3000; round++) {
        const pp_view view = random_view(5, 6, 100);
        const int64_t size = pp_view_size(&view);
        const int64_t start = random_below(size);
        const int64_t left = size - start;
        check_offsets(&view, start, (int)(left < 300 ? left : 300));
    }
}

static void test_offsets_past_2_to_the_31(void)
{
    pp_view view = {.ndim = 3, .shape = {5, 70000, 70001}, .strides = {1 << 20, -3, 1000000007}};
    for (int round = 0; round < 300; round++)
        check_offsets(&view, random_below(pp_view_size(&view) - 300), 300);
    view = (pp_view){.ndim = 1, .shape = {INT64_C(1) << 40}, .strides = {16}};
    check_offsets(&view, (INT64_C(1) << 40) - 300, 300);
}

static void test_joining_dimensions_keeps_the_elements(void)
{
    for (int round = 0; round < 3000; round++) {
        const pp_view view = random_view(6, 5, 50);
        pp_view joined = view;
        pp_view_coalesce(&joined);
        CHECK(joined.ndim <= view.ndim, "%d", joined.ndim);
        CHECK(pp_view_size(&joined) == pp_view_size(&view), "round %d", round);
        for (int64_t i = 0; i < pp_view_size(&view); i++)
            CHECK(offset_of(&joined, i) == offset_of(&view, i), "element %lld", (long long)i);
    }
}

static void test_contiguous_views_become_one_run(void)
{
    pp_view view = {.ndim = 4, .shape = {3, 1, 4, 5}, .strides = {160, 7, 40, 8}};
    pp_view_coalesce(&view);
    CHECK(view.ndim == 1 && view.shape[0] == 60 && view.strides[0] == 8, "%d", view.ndim);
}

/* Put a number of this type at `to`, in either byte order; its value as float64. */
#define PUT(ctype)                                                                                 \
    do {                                                                                           \
        ctype value;                                                                               \
        memcpy(&value, &bits, sizeof value);                                                       \
        size = sizeof value;                                                                       \
        expected = (double)value;                                                                  \
    } while (0)

static double put(char *to, enum pp_type type, bool swapped, uint64_t bits)
{
    double expected = 0;
    size_t size = 0;
    switch (type) {
    case PP_BOOL:
        bits &= 1;
        PUT(uint8_t);
        break;
    case PP_INT8:
        PUT(int8_t);
        break;
    case PP_UINT8:
        PUT(uint8_t);
        break;
    case PP_INT16:
        PUT(int16_t);
        break;
    case PP_UINT16:
        PUT(uint16_t);
        break;
    case PP_INT32:
        PUT(int32_t);
        break;
    case PP_UINT32:
        PUT(uint32_t);
        break;
    case PP_INT64:
        PUT(int64_t);
        break;
    case PP_UINT64:
        PUT(uint64_t);
        break;
    case PP_FLOAT32:
    case PP_COMPLEX64:
        PUT(float);
        break;
    case PP_FLOAT64:
    case PP_COMPLEX128:
        PUT(double);
        break;
    }
    const char *from = (const char *)&bits;
    for (size_t i = 0; i < size; i++)
        to[i] = from[swapped ? size - 1 - i : i];
    return expected;
}

static int size_of(enum pp_type type)
{
    static const int sizes[] = {1, 1, 1, 2, 2, 4, 4, 8, 8, 4, 8, 8, 16};
    return sizes[type];
}

/* Numbers that do not fit into 1 / 3 / 7 bytes are read from as many as they have: the guard page
   begins right behind the last, and unaligned ones are as good. */
static void check_load(enum pp_type type, bool swapped, bool at_start, int n, int step)
{
    const int size = size_of(type);
    const bool is_complex = type == PP_COMPLEX64 || type == PP_COMPLEX128;
    guarded memory = guarded_new((size_t)((n - 1) * step + size), at_start);
    pp_view view = {.data = memory.data, .type = type, .swapped = swapped, .ndim = 1};
    double re[64], im[64], expected_re[64], expected_im[64];
    int64_t offsets[64];
    for (int i = 0; i < n; i++) {
        char *to = memory.data + i * step;
        offsets[i] = i * step;
        expected_re[i] = put(to, type, swapped, random_bits());
        expected_im[i] = is_complex ? put(to + size / 2, type, swapped, random_bits()) : 0;
    }
    pp_view_load_complex(&view, offsets, n, re, im);
    for (int i = 0; i < n; i++) {
        CHECK(re[i] == expected_re[i] || (isnan(re[i]) && isnan(expected_re[i])),
              "%g, not %g, of type %d", re[i], expected_re[i], type);
        CHECK(im[i] == expected_im[i] || (isnan(im[i]) && isnan(expected_im[i])),
              "%g, not %g, of type %d", im[i], expected_im[i], type);
    }
    guarded_free(memory);
}

static void test_every_type_is_converted_exactly(void)
{
    for (int type = PP_BOOL; type <= PP_COMPLEX128; type++)
        for (int round = 0; round < 64; round++)
            check_load(type, round & 1, round & 2, 1 + (int)random_below(64),
                       size_of(type) + (round & 4 ? 3 : 0));
}

void test_views(void)
{
    test_offsets_follow_c_order();
    test_offsets_past_2_to_the_31();
    test_joining_dimensions_keeps_the_elements();
    test_contiguous_views_become_one_run();
    test_every_type_is_converted_exactly();
}
