/* Python's side of the histogram: parse, allocate, run, return. */
#include "py_histogram.h"

#include <math.h>

#include "args.h"
#include "run.h"

static const char name[] = "histogram";

/* Where the bins begin and end, and how their edges are computed. */
typedef struct span {
    double low, high;
    bool in_float32;
    bool by_numpy; /* as the types of the numbers given decide */
} span;

/* One end of a range. Python's numbers count as numbers of the array's type, but NumPy's scalars
   have a type of their own; that matters to float32, or if it is less than a float64. */
static bool parse_end(PyObject *object, PyArrayObject *array, double *end, bool *by_numpy)
{
    const bool is_float32 = PyArray_TYPE(array) == NPY_FLOAT;
    bool is_number = (PyFloat_Check(object) || PyLong_Check(object)) && !PyBool_Check(object);
    if (is_number) {
        *by_numpy |= is_float32 && !PyFloat_CheckExact(object) && !PyLong_Check(object);
    } else if (PyArray_IsScalar(object, Number) || PyArray_IsZeroDim(object)) {
        PyArrayObject *number = (PyArrayObject *)PyArray_FROM_O(object);
        if (!number)
            return false;
        is_number = PyArray_ISINTEGER(number) || PyArray_ISFLOAT(number);
        *by_numpy |= is_float32 || !PyArray_ISINTEGER(number);
        Py_DECREF(number);
    }
    *end = is_number ? PyFloat_AsDouble(object) : 0;
    if (!is_number)
        PyErr_Format(PyExc_TypeError, "%s: range must be None or two real numbers, not %.200s",
                     name, Py_TYPE(object)->tp_name);
    else if (PyErr_Occurred() || !isfinite(*end))
        PyErr_Format(PyExc_ValueError, "%s: range must be finite in float64", name);
    return !PyErr_Occurred();
}

static bool parse_range(PyObject *object, PyArrayObject *array, span *ends)
{
    PyObject *pair = PySequence_Tuple(object);
    if (!pair && !PyErr_ExceptionMatches(PyExc_TypeError))
        return false;
    if (!pair || PyTuple_GET_SIZE(pair) != 2) {
        PyErr_Format(pair ? PyExc_ValueError : PyExc_TypeError,
                     "%s: range must be None or two real numbers, not %.200s", name,
                     pair ? "so many" : Py_TYPE(object)->tp_name);
        Py_XDECREF(pair);
        return false;
    }
    bool ok = parse_end(PyTuple_GET_ITEM(pair, 0), array, &ends->low, &ends->by_numpy) &&
              parse_end(PyTuple_GET_ITEM(pair, 1), array, &ends->high, &ends->by_numpy);
    if (ok && ends->low > ends->high) {
        PyErr_Format(PyExc_ValueError, "%s: range must go up, not from %S to %S", name,
                     PyTuple_GET_ITEM(pair, 0), PyTuple_GET_ITEM(pair, 1));
        ok = false;
    }
    Py_DECREF(pair);
    return ok;
}

/* Without a range the elements say where the bins begin and end. */
static bool find_span(PyArrayObject *array, pp_call *call, span *ends)
{
    *ends = (span){.high = 1};
    if (PyArray_SIZE(array) == 0)
        return true;
    ends->in_float32 = PyArray_TYPE(array) == NPY_FLOAT;
    pp_view view;
    pp_view_of(array, &view);
    pp_call_begin(call);
    const enum pp_status status = pp_find_extent(&view, &ends->low, &ends->high, &call->run);
    if (!pp_call_end(call, status, PyArray_SIZE(array)))
        return false;
    if (isfinite(ends->low) && isfinite(ends->high))
        return true;
    PyErr_Format(PyExc_ValueError, "%s: range must be given where a holds NaN or infinity", name);
    return false;
}

static PyArrayObject *numpys_edges(PyArrayObject *array, int64_t bins, PyObject *range)
{
    npy_intp none = 0;
    PyObject *numpy = PyImport_ImportModule("numpy");
    const int type = PyArray_ISBOOL(array) ? NPY_UINT8 : PyArray_TYPE(array); /* it would warn */
    PyObject *empty = PyArray_SimpleNew(1, &none, type);
    PyObject *edges = numpy && empty ? PyObject_CallMethod(numpy, "histogram_bin_edges", "OLO",
                                                           empty, (long long)bins, range)
                                     : NULL;
    Py_XDECREF(empty);
    Py_XDECREF(numpy);
    if (edges && PyArray_TYPE((PyArrayObject *)edges) != NPY_FLOAT &&
        PyArray_TYPE((PyArrayObject *)edges) != NPY_DOUBLE) {
        PyErr_Format(PyExc_TypeError, "%s: range must hold float32 or float64, not %S", name,
                     PyArray_DESCR((PyArrayObject *)edges));
        Py_CLEAR(edges);
    }
    return (PyArrayObject *)edges;
}

static PyArrayObject *new_edges(PyArrayObject *array, const span *ends, int64_t count,
                                PyObject *range, pp_bins *bins)
{
    npy_intp length = count + 1;
    const int type = PyArray_TYPE(array) == NPY_FLOAT ? NPY_FLOAT : NPY_DOUBLE;
    PyArrayObject *edges = ends->by_numpy ? numpys_edges(array, count, range)
                                          : (PyArrayObject *)PyArray_SimpleNew(1, &length, type);
    if (!edges)
        return NULL;
    *bins = (pp_bins){
        .count = count, .narrow = PyArray_TYPE(edges) == NPY_FLOAT, .edges = PyArray_DATA(edges)};
    if (!ends->by_numpy)
        pp_put_edges(bins, ends->low, ends->high, ends->in_float32);
    if (pp_edges_increase(bins))
        return edges;
    PyErr_Format(PyExc_ValueError,
                 "%s: range must be one that %S can divide into bins of finite width, %lld here",
                 name, PyArray_DESCR(edges), (long long)count);
    Py_DECREF(edges);
    return NULL;
}

static PyArrayObject *new_counts(PyArrayObject *array, const pp_bins *bins, pp_call *call)
{
    npy_intp length = bins->count;
    PyArrayObject *counts = (PyArrayObject *)PyArray_ZEROS(1, &length, NPY_INT64, 0);
    if (!counts)
        return NULL;
    pp_view view;
    pp_view_of(array, &view);
    pp_call_begin(call);
    const enum pp_status status = pp_histogram(&view, bins, PyArray_DATA(counts), &call->run);
    if (!pp_call_end(call, status, PyArray_SIZE(array)))
        Py_CLEAR(counts);
    return counts;
}

/* histogram(a, bins, range, num_threads) */
PyObject *pp_py_histogram(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    int64_t count;
    pp_call call;
    pp_bins bins;
    span ends = {0};
    if (!pp_arg_count(name, n, 4) ||
        !pp_arg_int((pp_arg){name, "bins"}, args[1], 1, INT32_MAX - 1, &count) ||
        !pp_call_init(&call, pp_state_of(module), name, args[3], Py_None))
        return NULL;
    PyArrayObject *array = pp_arg_array((pp_arg){name, "a"}, args[0], false);
    PyArrayObject *edges = NULL, *counts = NULL;
    if (array &&
        (args[2] == Py_None ? find_span(array, &call, &ends) : parse_range(args[2], array, &ends)))
        edges = new_edges(array, &ends, count, args[2], &bins);
    if (edges)
        counts = new_counts(array, &bins, &call);
    Py_XDECREF(array);
    if (counts)
        return Py_BuildValue("NN", counts, edges);
    Py_XDECREF(edges);
    return NULL;
}
