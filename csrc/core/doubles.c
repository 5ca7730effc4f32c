/* The elements of an array as float64: where they are, or converted into a buffer. */
#include "doubles.h"

#include "dispatch.h"
#include "view.h"

/* From so many on, neighbours in the last dimension are converted without being copied first. */
enum { LONG_RUN = 32 };

void pp_load_doubles(const pp_view *view, const char *from, int64_t stride, int64_t n, double *to)
{
    const pp_patch row = {.from = from, .stride = stride, .n = n, .rows = 1};
    pp_kernels->tree->load(view, false, &row, to);
}

/* Elements of any layout. */
static void gather(const pp_view *view, int64_t start, int64_t n, double *to)
{
    int64_t offsets[PP_PIECE];
    uint64_t elements[PP_PIECE];
    const pp_view packed = {.type = view->type};
    pp_view_offsets(view, start, (int)n, offsets);
    pp_view_gather(view, offsets, (int)n, elements);
    pp_load_doubles(&packed, (const char *)elements, pp_type_size(view->type), n, to);
}

static bool can_be_read_in_place(const pp_view *view, const char *from, int64_t stride, int64_t n)
{
    return view->type == PP_FLOAT64 && !view->swapped && stride == sizeof(double) &&
           (uintptr_t)from % sizeof(double) == 0 && n % PP_ROUND == 0;
}

const double *pp_doubles(const pp_view *view, int64_t start, int64_t *n, double buffer[PP_PIECE])
{
    const int last = view->ndim - 1;
    const int64_t row = last < 0 ? 1 : view->shape[last], left = row - start % row;
    const int64_t stride = last < 0 ? 0 : view->strides[last];
    *n = *n < PP_PIECE ? *n : PP_PIECE;
    if (left < *n && left < LONG_RUN) {
        gather(view, start, *n, buffer);
    } else {
        *n = *n < left ? *n : left;
        int64_t offset;
        pp_view_offsets(view, start, 1, &offset);
        const char *from = view->data + offset;
        if (can_be_read_in_place(view, from, stride, *n))
            return (const double *)(const void *)from;
        pp_load_doubles(view, from, stride, *n, buffer);
    }
    for (int64_t i = *n; i % PP_ROUND; i++)
        buffer[i] = buffer[*n - 1];
    return buffer;
}
