/* The `axis` and `keepdims` of a reduction: which axes go, and what shape stays. */
#ifndef PP_AXES_H
#define PP_AXES_H

#include "args.h"

typedef struct pp_axes {
    int ndim;
    bool reduced[PP_MAX_DIMS];
} pp_axes;

/* None (all axes), an integer, or (`many`) a tuple of integers, as NumPy takes them: negative ones
   count from the end, and a single 0 or -1 is all right for an array without dimensions.
   False with AxisError, TypeError or ValueError set. */
bool pp_arg_axes(const char *function, PyObject *object, bool many, int ndim, pp_axes *axes);

/* The shape of the result; returns the number of its dimensions. */
int pp_axes_shape(const pp_axes *axes, PyArrayObject *array, bool keepdims, npy_intp *shape);

/* The array with its kept dimensions first, then the reduced ones, each in their order; returns how
   many are kept. */
int pp_axes_view(const pp_axes *axes, PyArrayObject *array, pp_view *view);
/* The result likewise: only the dimensions that `axes` keeps. */
void pp_axes_result(const pp_axes *axes, PyArrayObject *result, bool keepdims, pp_view *view);

#endif
