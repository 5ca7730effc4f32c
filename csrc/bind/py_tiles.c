/* Python's side of features and assemble: parse, allocate, run, return. */
#include "py_tiles.h"

#include "args.h"
#include "run.h"

/* An array of pictures: uint8 (n, height, width, 3) (new reference). */
static PyArrayObject *arg_pictures(pp_arg arg, PyObject *object)
{
    PyArrayObject *array = pp_arg_array(arg, object, false);
    if (!array)
        return NULL;
    if (PyArray_TYPE(array) != NPY_UINT8) {
        PyErr_Format(PyExc_TypeError, "%s: %s must be uint8, not %S", arg.function, arg.name,
                     PyArray_DESCR(array));
        Py_CLEAR(array);
    } else if (PyArray_NDIM(array) != 4 || PyArray_DIM(array, 3) != 3) {
        PyObject *shape = PyObject_GetAttrString((PyObject *)array, "shape");
        if (shape)
            PyErr_Format(PyExc_ValueError, "%s: %s must have shape (n, height, width, 3), not %R",
                         arg.function, arg.name, shape);
        Py_XDECREF(shape);
        Py_CLEAR(array);
    }
    return array;
}

static bool has_cells(const char *function, PyArrayObject *images, const int64_t grid[2])
{
    const npy_intp height = PyArray_DIM(images, 1), width = PyArray_DIM(images, 2);
    if (grid[0] <= height && grid[1] <= width)
        return true;
    PyErr_Format(PyExc_ValueError,
                 "%s: grid must not have more cells than pixels, %lld x %lld in %zd x %zd here",
                 function, (long long)grid[0], (long long)grid[1], height, width);
    return false;
}

static PyObject *features_into(PyArrayObject *out, PyArrayObject *images, const int64_t grid[2],
                               enum pp_space space, pp_call *call)
{
    if (!out)
        return NULL;
    pp_view from, to;
    pp_view_of(images, &from);
    pp_view_of(out, &to);
    pp_call_begin(call);
    const enum pp_status status = pp_features(&from, grid[0], grid[1], space, &to, &call->run);
    if (!pp_call_end(call, status, PyArray_DIM(images, 0)))
        Py_CLEAR(out);
    return (PyObject *)out;
}

/* features(images, rows, cols, space, out, num_threads) */
PyObject *pp_py_features(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    static const char name[] = "features";
    int64_t grid[2], space;
    pp_call call;
    if (!pp_arg_count(name, n, 6) ||
        !pp_arg_int((pp_arg){name, "grid"}, args[1], 1, NPY_MAX_INTP, &grid[0]) ||
        !pp_arg_int((pp_arg){name, "grid"}, args[2], 1, NPY_MAX_INTP, &grid[1]) ||
        !pp_arg_int((pp_arg){name, "space"}, args[3], PP_RGB, PP_GREY, &space) ||
        !pp_call_init(&call, pp_state_of(module), name, args[5], Py_None))
        return NULL;
    PyArrayObject *images = arg_pictures((pp_arg){name, "images"}, args[0]);
    if (!images)
        return NULL;
    PyObject *features = NULL;
    if (has_cells(name, images, grid)) {
        const npy_intp shape[2] = {PyArray_DIM(images, 0),
                                   grid[0] * grid[1] * (space == PP_GREY ? 1 : 3)};
        features = features_into(
            pp_arg_out((pp_arg){name, "out"}, args[4], NPY_UINT8, 2, shape, &images, 1), images,
            grid, (enum pp_space)space, &call);
    }
    Py_DECREF(images);
    return features;
}

/* Integers of two dimensions (new reference). */
static PyArrayObject *arg_indices(pp_arg arg, PyObject *object)
{
    PyArrayObject *array = pp_arg_array(arg, object, false);
    if (!array)
        return NULL;
    if (!PyArray_ISINTEGER(array)) {
        PyErr_Format(PyExc_TypeError, "%s: %s must hold integers, not %S", arg.function, arg.name,
                     PyArray_DESCR(array));
        Py_CLEAR(array);
    } else if (PyArray_NDIM(array) != 2) {
        PyErr_Format(PyExc_ValueError, "%s: %s must have 2 dimensions (rows, columns), not %d",
                     arg.function, arg.name, PyArray_NDIM(array));
        Py_CLEAR(array);
    }
    return array;
}

static bool are_within(pp_arg arg, PyArrayObject *indices, npy_intp tiles)
{
    pp_view view;
    int64_t wrong;
    pp_view_of(indices, &view);
    if (pp_indices_within(&view, tiles, &wrong))
        return true;
    if (tiles == 0)
        PyErr_Format(PyExc_IndexError, "%s: tiles must not be empty", arg.function);
    else if (PyArray_ISUNSIGNED(indices))
        PyErr_Format(PyExc_IndexError, "%s: %s must be below %zd, not %llu", arg.function, arg.name,
                     tiles, (unsigned long long)wrong);
    else
        PyErr_Format(PyExc_IndexError, "%s: %s must be from 0 to %zd, not %lld", arg.function,
                     arg.name, tiles - 1, (long long)wrong);
    return false;
}

/* The shape of the assembled picture; MemoryError where it is too large for any memory. */
static bool assembled_shape(const char *function, PyArrayObject *tiles, PyArrayObject *indices,
                            npy_intp shape[3])
{
    for (int d = 0; d < 2; d++) {
        const npy_intp count = PyArray_DIM(indices, d), length = PyArray_DIM(tiles, d + 1);
        if (length > 0 && count > NPY_MAX_INTP / length) {
            PyErr_Format(PyExc_MemoryError, "%s: the result is too large for any memory", function);
            return false;
        }
        shape[d] = count * length;
    }
    shape[2] = 3;
    return true;
}

static PyObject *assemble_into(PyArrayObject *out, PyArrayObject *tiles, PyArrayObject *indices,
                               pp_call *call)
{
    if (!out)
        return NULL;
    pp_view from, which, to;
    pp_view_of(tiles, &from);
    pp_view_of(indices, &which);
    pp_view_of(out, &to);
    pp_call_begin(call);
    const enum pp_status status = pp_assemble(&from, &which, &to, &call->run);
    if (!pp_call_end(call, status, PyArray_SIZE(indices)))
        Py_CLEAR(out);
    return (PyObject *)out;
}

/* assemble(tiles, indices, out, num_threads) */
PyObject *pp_py_assemble(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    static const char name[] = "assemble";
    pp_call call;
    if (!pp_arg_count(name, n, 4) ||
        !pp_call_init(&call, pp_state_of(module), name, args[3], Py_None))
        return NULL;
    PyArrayObject *in[2] = {arg_pictures((pp_arg){name, "tiles"}, args[0]), NULL};
    if (in[0])
        in[1] = arg_indices((pp_arg){name, "indices"}, args[1]);
    PyObject *picture = NULL;
    npy_intp shape[3];
    if (in[1] && are_within((pp_arg){name, "indices"}, in[1], PyArray_DIM(in[0], 0)) &&
        assembled_shape(name, in[0], in[1], shape))
        picture =
            assemble_into(pp_arg_out((pp_arg){name, "out"}, args[2], NPY_UINT8, 3, shape, in, 2),
                          in[0], in[1], &call);
    Py_XDECREF(in[0]);
    Py_XDECREF(in[1]);
    return picture;
}
