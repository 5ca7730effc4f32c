/* Converters: Python objects -> checked C values, with errors that name function and argument. */
#ifndef PP_ARGS_H
#define PP_ARGS_H

#include "np.h"

#include "../core/pp.h"

/* Where a value came from, for messages: "mandelbrot: max_iter must be …". */
typedef struct pp_arg {
    const char *function, *name;
} pp_arg;

/* Python's bools, or NumPy's, which some versions of it take for integers. */
bool pp_is_bool(PyObject *object);

/* Each returns false with an exception set. */
bool pp_arg_count(const char *function, Py_ssize_t given, Py_ssize_t wanted);
bool pp_arg_int(pp_arg arg, PyObject *object, int64_t low, int64_t high, int64_t *value);
bool pp_arg_flag(pp_arg arg, PyObject *object, bool *value);
bool pp_arg_threads(pp_arg arg, PyObject *object, int64_t *value);
bool pp_arg_complex(pp_arg arg, PyObject *object, Py_complex *value);
/* An array of a supported real type, or complex where that is allowed (new reference). */
PyArrayObject *pp_arg_array(pp_arg arg, PyObject *object, bool complex_too);

/* `out`: a new int32 array of this shape for None, else the array given, checked: int32 or int64,
   of this shape, writeable, apart from the `n` inputs (new reference). */
PyArrayObject *pp_arg_counts(pp_arg arg, PyObject *object, int ndim, const npy_intp *shape,
                             PyArrayObject *const *inputs, int n);

/* `out`: a new array of this NumPy type and shape for None, else the array given, checked likewise.
 */
PyArrayObject *pp_arg_out(pp_arg arg, PyObject *object, int type, int ndim, const npy_intp *shape,
                          PyArrayObject *const *inputs, int n);

/* The shape that two arrays broadcast to. */
bool pp_broadcast_shape(const char *function, PyArrayObject *const in[2], int *ndim,
                        npy_intp *shape);

/* A view of the array's memory and type, still without dimensions. */
void pp_view_start(PyArrayObject *array, pp_view *view);
void pp_view_of(PyArrayObject *array, pp_view *view);
/* The view with the strides that broadcasting to this shape gives. */
void pp_view_broadcast(PyArrayObject *array, int ndim, const npy_intp *shape, pp_view *view);

#endif
