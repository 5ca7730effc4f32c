/* Reading the rows of a matrix: see rows.h. */
#include "rows.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "doubles.h"
#include "view.h"

pp_rows pp_rows_of(const pp_view *matrix)
{
    pp_rows rows = {.view = *matrix, .count = matrix->shape[0], .length = matrix->shape[1]};
    pp_view_coalesce(&rows.view);
    return rows;
}

static bool all_finite(const double *x, int64_t n)
{
    int64_t finite = 0;
    for (int64_t i = 0; i < n; i++)
        finite += fabs(x[i]) <= DBL_MAX;
    return finite == n;
}

bool pp_rows_read(const pp_rows *rows, int64_t first, int64_t count, double *to)
{
    double buffer[PP_PIECE];
    const int64_t stop = (first + count) * rows->length;
    bool finite = true;
    for (int64_t at = first * rows->length, n; at < stop; at += n, to += n) {
        n = stop - at;
        const double *x = pp_doubles(&rows->view, at, &n, buffer);
        memcpy(to, x, (size_t)n * sizeof *to);
        finite &= all_finite(to, n);
    }
    return finite;
}

void pp_rows_read_bytes(const pp_rows *rows, int64_t first, int64_t count, uint8_t *to)
{
    const pp_view *view = &rows->view;
    const int64_t stop = (first + count) * rows->length;
    int64_t offsets[PP_PIECE];
    for (int64_t at = first * rows->length, n; at < stop; at += n, to += n) {
        n = stop - at < PP_PIECE ? stop - at : PP_PIECE;
        if (view->ndim == 1 && view->strides[0] == 1) {
            memcpy(to, view->data + at, (size_t)n);
        } else {
            pp_view_offsets(view, at, (int)n, offsets);
            pp_view_gather(view, offsets, (int)n, to);
        }
    }
}
