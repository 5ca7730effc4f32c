/* Python's side of the fractals: parse, allocate, run, return. */
#include "py_fractal.h"

#include "args.h"
#include "run.h"

/* Run the kernel over `counts`, which is returned, or NULL with an exception set. */
static PyObject *escape_time_into(PyArrayObject *counts, const pp_points *z, const pp_points *c,
                                  int64_t max_iter, pp_call *call)
{
    if (!counts)
        return NULL;
    pp_view view;
    pp_view_of(counts, &view);
    const npy_intp pixels = PyArray_SIZE(counts);
    pp_call_begin(call);
    const enum pp_status status = pp_escape_time(z, c, &view, (int32_t)max_iter, &call->run);
    if (!pp_call_end(call, status, pixels)) {
        Py_DECREF(counts);
        return NULL;
    }
    return (PyObject *)counts;
}

/* The tuple that Box passes: the point of pixel (0, 0), the scale, the first row and column counted
   from there, and how many of each. */
static bool parse_grid(PyObject *object, pp_points *grid, npy_intp *shape)
{
    long long row0, col0;
    *grid = (pp_points){.kind = PP_POINTS_GRID};
    if (!PyArg_ParseTuple(object, "dddLLnn", &grid->re, &grid->im, &grid->scale, &row0, &col0,
                          &shape[0], &shape[1]))
        return false;
    grid->row0 = row0;
    grid->col0 = col0;
    grid->cols = shape[1];
    return true;
}

static bool parse_max_iter(const char *function, PyObject *object, int64_t *max_iter)
{
    return pp_arg_int((pp_arg){function, "max_iter"}, object, 1, INT32_MAX, max_iter);
}

/* mandelbrot(grid, max_iter, out, num_threads, progress) */
PyObject *pp_py_mandelbrot(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    static const char name[] = "mandelbrot";
    const pp_points zero = {.kind = PP_POINTS_SAME};
    pp_points grid;
    npy_intp shape[2];
    int64_t max_iter;
    pp_call call;
    if (!pp_arg_count(name, n, 5) || !parse_grid(args[0], &grid, shape) ||
        !parse_max_iter(name, args[1], &max_iter) ||
        !pp_call_init(&call, pp_state_of(module), name, args[3], args[4]))
        return NULL;
    PyArrayObject *out = pp_arg_counts((pp_arg){name, "out"}, args[2], 2, shape, NULL, 0);
    return escape_time_into(out, &zero, &grid, max_iter, &call);
}

/* julia(grid, c, max_iter, out, num_threads, progress) */
PyObject *pp_py_julia(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    static const char name[] = "julia";
    pp_points grid;
    npy_intp shape[2];
    Py_complex c;
    int64_t max_iter;
    pp_call call;
    if (!pp_arg_count(name, n, 6) || !parse_grid(args[0], &grid, shape) ||
        !pp_arg_complex((pp_arg){name, "c"}, args[1], &c) ||
        !parse_max_iter(name, args[2], &max_iter) ||
        !pp_call_init(&call, pp_state_of(module), name, args[4], args[5]))
        return NULL;
    const pp_points point = {.kind = PP_POINTS_SAME, .re = c.real, .im = c.imag};
    PyArrayObject *out = pp_arg_counts((pp_arg){name, "out"}, args[3], 2, shape, NULL, 0);
    return escape_time_into(out, &grid, &point, max_iter, &call);
}

/* escape_time(z, c, max_iter, out, num_threads, progress) */
PyObject *pp_py_escape_time(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    static const char name[] = "escape_time";
    int64_t max_iter;
    pp_call call;
    if (!pp_arg_count(name, n, 6) || !parse_max_iter(name, args[2], &max_iter) ||
        !pp_call_init(&call, pp_state_of(module), name, args[4], args[5]))
        return NULL;
    PyObject *counts = NULL;
    PyArrayObject *in[2] = {pp_arg_array((pp_arg){name, "z"}, args[0], true), NULL};
    if (in[0])
        in[1] = pp_arg_array((pp_arg){name, "c"}, args[1], true);
    int ndim;
    npy_intp shape[PP_MAX_DIMS];
    if (in[1] && pp_broadcast_shape(name, in, &ndim, shape)) {
        pp_points z = {.kind = PP_POINTS_ARRAY}, c = {.kind = PP_POINTS_ARRAY};
        pp_view_broadcast(in[0], ndim, shape, &z.array);
        pp_view_broadcast(in[1], ndim, shape, &c.array);
        PyArrayObject *out = pp_arg_counts((pp_arg){name, "out"}, args[3], ndim, shape, in, 2);
        counts = escape_time_into(out, &z, &c, max_iter, &call);
    }
    Py_XDECREF(in[0]);
    Py_XDECREF(in[1]);
    /* Like NumPy's functions: a scalar for points without dimensions, unless `out` is given. */
    return counts && args[3] == Py_None ? PyArray_Return((PyArrayObject *)counts) : counts;
}
