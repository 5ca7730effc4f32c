/* Array views: index arithmetic, and conversion of any numeric type to float64. */
#include "view.h"

#include <string.h>

void pp_view_coalesce(pp_view *view)
{
    pp_view_coalesce_from(view, 0);
}

void pp_view_coalesce_from(pp_view *view, int first)
{
    int kept = first;
    for (int d = first; d < view->ndim; d++) {
        if (view->shape[d] == 1)
            continue;
        if (kept > first && view->strides[kept - 1] == view->strides[d] * view->shape[d]) {
            view->shape[kept - 1] *= view->shape[d];
            view->strides[kept - 1] = view->strides[d];
        } else {
            view->shape[kept] = view->shape[d];
            view->strides[kept] = view->strides[d];
            kept++;
        }
    }
    view->ndim = kept;
}

void pp_view_in_memory_order(pp_view *view)
{
    if (pp_view_size(view) == 0)
        return;
    for (int d = 0; d < view->ndim; d++) {
        const int64_t length = view->shape[d];
        int64_t stride = view->strides[d];
        if (stride < 0) {
            view->data += (length - 1) * stride;
            stride = -stride;
        }
        int to = d; /* the longest strides first, by insertion */
        for (; to > 0 && view->strides[to - 1] < stride; to--) {
            view->shape[to] = view->shape[to - 1];
            view->strides[to] = view->strides[to - 1];
        }
        view->shape[to] = length;
        view->strides[to] = stride;
    }
    pp_view_coalesce(view);
}

int64_t pp_view_size(const pp_view *view)
{
    int64_t size = 1;
    for (int d = 0; d < view->ndim; d++)
        size *= view->shape[d];
    return size;
}

int64_t pp_view_offset(const pp_view *view, int first, int end, int64_t index, int64_t *follow)
{
    int64_t offset = 0;
    *follow = 1;
    for (int d = end - 1; d >= first; d--) {
        const int64_t length = view->shape[d], at = d > first ? index % length : index;
        if (d == end - 1)
            *follow = length - at;
        offset += at * view->strides[d];
        index = d > first ? index / length : 0;
    }
    return offset;
}

void pp_view_offsets(const pp_view *view, int64_t start, int n, int64_t *offsets)
{
    int64_t index[PP_MAX_DIMS];
    int64_t offset = 0;
    for (int d = view->ndim - 1; d >= 0; d--) {
        index[d] = start % view->shape[d];
        start /= view->shape[d];
        offset += index[d] * view->strides[d];
    }
    const int last = view->ndim - 1;
    const int64_t step = last >= 0 ? view->strides[last] : 0;
    for (int i = 0; i < n;) {
        int64_t run = last >= 0 ? view->shape[last] - index[last] : 1;
        run = run < n - i ? run : n - i;
        int64_t at = offset;
        for (int64_t k = 0; k < run; k++, at += step)
            offsets[i + k] = at;
        i += (int)run;
        if (i == n)
            return;
        /* The run has come to the end of the last dimension: carry into the others. */
        offset -= index[last] * step;
        index[last] = 0;
        for (int d = last - 1; d >= 0; d--) {
            offset += view->strides[d];
            if (++index[d] < view->shape[d])
                break;
            offset -= view->shape[d] * view->strides[d];
            index[d] = 0;
        }
    }
}

bool pp_is_floating(enum pp_type type)
{
    return type == PP_FLOAT32 || type == PP_FLOAT64;
}

int pp_type_size(enum pp_type type)
{
    switch (type) {
    case PP_BOOL:
    case PP_INT8:
    case PP_UINT8:
        return 1;
    case PP_INT16:
    case PP_UINT16:
        return 2;
    case PP_INT32:
    case PP_UINT32:
    case PP_FLOAT32:
    case PP_COMPLEX64:
        return 4;
    default:
        return 8;
    }
}

/* One number, or one part of a complex number, into `raw`, in this machine's order. */
static void fetch(const char *from, int bytes, bool swapped, void *raw)
{
    if (!swapped) {
        memcpy(raw, from, (size_t)bytes);
        return;
    }
    for (int i = 0; i < bytes; i++)
        ((char *)raw)[i] = from[bytes - 1 - i];
}

static uint64_t bytes_reversed(uint64_t word)
{
    word = (word >> 8 & 0x00ff00ff00ff00ff) | (word & 0x00ff00ff00ff00ff) << 8;
    word = (word >> 16 & 0x0000ffff0000ffff) | (word & 0x0000ffff0000ffff) << 16;
    return word >> 32 | word << 32;
}

/* A loop for each size that takes a few instructions an element. */
#define DEFINE_GATHER(type)                                                                        \
    static void gather_##type(const pp_view *view, const int64_t *offsets, int n, char *to)        \
    {                                                                                              \
        const int unused_bits = 64 - 8 * (int)sizeof(type);                                        \
        for (int i = 0; i < n; i++, to += sizeof(type)) {                                          \
            type word;                                                                             \
            memcpy(&word, view->data + offsets[i], sizeof word);                                   \
            if (view->swapped)                                                                     \
                word = (type)(bytes_reversed(word) >> unused_bits);                                \
            memcpy(to, &word, sizeof word);                                                        \
        }                                                                                          \
    }
DEFINE_GATHER(uint8_t)
DEFINE_GATHER(uint16_t)
DEFINE_GATHER(uint32_t)
DEFINE_GATHER(uint64_t)
#undef DEFINE_GATHER

void pp_view_gather(const pp_view *view, const int64_t *offsets, int n, void *elements)
{
    switch (pp_type_size(view->type)) {
    case 1:
        gather_uint8_t(view, offsets, n, elements);
        return;
    case 2:
        gather_uint16_t(view, offsets, n, elements);
        return;
    case 4:
        gather_uint32_t(view, offsets, n, elements);
        return;
    default:
        gather_uint64_t(view, offsets, n, elements);
    }
}

static double load_real(const char *from, enum pp_type type, bool swapped)
{
    union {
        int8_t i8;
        uint8_t u8;
        int16_t i16;
        uint16_t u16;
        int32_t i32;
        uint32_t u32;
        int64_t i64;
        uint64_t u64;
        float f32;
        double f64;
    } raw;
    raw.u64 = 0;
    fetch(from, pp_type_size(type), swapped, &raw);
    switch (type) {
    case PP_INT8:
        return raw.i8;
    case PP_BOOL:
    case PP_UINT8:
        return raw.u8;
    case PP_INT16:
        return raw.i16;
    case PP_UINT16:
        return raw.u16;
    case PP_INT32:
        return raw.i32;
    case PP_UINT32:
        return raw.u32;
    case PP_INT64:
        return (double)raw.i64;
    case PP_UINT64:
        return (double)raw.u64;
    case PP_FLOAT32:
    case PP_COMPLEX64:
        return raw.f32;
    case PP_FLOAT64:
    case PP_COMPLEX128:
        return raw.f64;
    }
    return 0;
}

void pp_view_load_complex(const pp_view *view, const int64_t *offsets, int n, double *re,
                          double *im)
{
    const enum pp_type type = view->type;
    if (type == PP_COMPLEX128 && !view->swapped) {
        for (int i = 0; i < n; i++) {
            memcpy(&re[i], view->data + offsets[i], sizeof *re);
            memcpy(&im[i], view->data + offsets[i] + sizeof *re, sizeof *im);
        }
        return;
    }
    const int part = pp_type_size(type);
    const bool is_complex = type == PP_COMPLEX64 || type == PP_COMPLEX128;
    for (int i = 0; i < n; i++) {
        const char *from = view->data + offsets[i];
        re[i] = load_real(from, type, view->swapped);
        im[i] = is_complex ? load_real(from + part, type, view->swapped) : 0;
    }
}

int64_t pp_load_integer(enum pp_type type, const char *from)
{
    union {
        int8_t i8;
        uint8_t u8;
        int16_t i16;
        uint16_t u16;
        int32_t i32;
        uint32_t u32;
        int64_t i64;
    } raw;
    memcpy(&raw, from, pp_type_size(type));
    switch (type) {
    case PP_INT8:
        return raw.i8;
    case PP_UINT8:
        return raw.u8;
    case PP_INT16:
        return raw.i16;
    case PP_UINT16:
        return raw.u16;
    case PP_INT32:
        return raw.i32;
    case PP_UINT32:
        return raw.u32;
    default:
        return raw.i64;
    }
}

void pp_store_integer(int64_t value, size_t size, char *to)
{
    const uint8_t u8 = (uint8_t)value;
    const uint16_t u16 = (uint16_t)value;
    const uint32_t u32 = (uint32_t)value;
    switch (size) {
    case sizeof u8:
        memcpy(to, &u8, sizeof u8);
        return;
    case sizeof u16:
        memcpy(to, &u16, sizeof u16);
        return;
    case sizeof u32:
        memcpy(to, &u32, sizeof u32);
        return;
    default:
        memcpy(to, &value, sizeof value);
    }
}
