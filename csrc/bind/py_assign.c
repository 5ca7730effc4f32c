/* Python's side of the assignment: parse, allocate, run, return. */
#include "py_assign.h"

#include "args.h"
#include "py_match.h"
#include "run.h"

static const char name[] = "assign";
enum { PROGRESS = 1000 };

static bool parse_gap(PyObject *object, bool in_integers, double *gap)
{
    *gap = in_integers ? 0 : 1e-6;
    if (object == Py_None)
        return true;
    *gap = pp_is_bool(object) ? -1 : PyFloat_AsDouble(object);
    if (pp_is_bool(object) || (PyErr_Occurred() && PyErr_ExceptionMatches(PyExc_TypeError))) {
        PyErr_Format(PyExc_TypeError, "%s: gap must be None or a number, not %.200s", name,
                     Py_TYPE(object)->tp_name);
        return false;
    }
    if (PyErr_Occurred())
        return false;
    if (*gap >= (in_integers ? 0 : 1e-9))
        return true;
    PyErr_Format(PyExc_ValueError, "%s: gap must be at least %s, not %R", name,
                 in_integers ? "0" : "1e-9 for floats", object);
    return false;
}

static bool are_enough(PyArrayObject *targets, PyArrayObject *tiles, int64_t max_uses)
{
    const npy_intp m = PyArray_DIM(targets, 0), n = PyArray_DIM(tiles, 0);
    if (m > INT32_MAX - 1 || n > INT32_MAX - 1) {
        PyErr_Format(PyExc_ValueError, "%s: there must be fewer than 2**31 targets and tiles",
                     name);
        return false;
    }
    if (m == 0 || (m - 1) / n < max_uses)
        return true;
    PyErr_Format(PyExc_ValueError, "%s: targets must be at most n * max_uses = %lld, not %lld",
                 name, (long long)(n * max_uses), (long long)m);
    return false;
}

static bool run_assign(PyArrayObject *targets, PyArrayObject *tiles, int64_t max_uses, double gap,
                       pp_assignment *assignment, pp_call *call)
{
    pp_view rows[2];
    enum pp_assign_fault fault;
    pp_view_of(targets, &rows[0]);
    pp_view_of(tiles, &rows[1]);
    pp_call_begin(call);
    const enum pp_status status =
        pp_assign(&rows[0], &rows[1], max_uses, gap, &call->run, assignment, &fault);
    if (status == PP_OK && fault != PP_ASSIGN_FINE)
        call->progress = Py_None; /* there is no end to report */
    if (!pp_call_end(call, status, PROGRESS))
        return false;
    if (fault == PP_ASSIGN_FINE)
        return true;
    if (fault == PP_ASSIGN_GAP)
        PyErr_Format(PyExc_ValueError,
                     "%s: gap must be one that float64 can prove for these "
                     "features: they are too large, or too uneven",
                     name);
    else
        PyErr_Format(PyExc_ValueError, "%s: %s must be finite", name,
                     fault == PP_ASSIGN_TILES ? "tiles" : "targets");
    return false;
}

static PyObject *result_of(PyArrayObject *indices, PyArrayObject *prices,
                           const pp_assignment *assignment, bool in_integers)
{
    PyObject *whole = in_integers ? PyArray_Cast(prices, NPY_INT64) : Py_NewRef((PyObject *)prices);
    if (!whole)
        return NULL;
    if (in_integers)
        return Py_BuildValue("OLLN", indices, (long long)assignment->cost,
                             (long long)assignment->bound, whole);
    return Py_BuildValue("OddN", indices, assignment->cost, assignment->bound, whole);
}

/* assign(targets, tiles, max_uses, gap, num_threads, progress) */
PyObject *pp_py_assign(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    pp_call call;
    int64_t max_uses;
    double gap;
    if (!pp_arg_count(name, n, 6) ||
        !pp_arg_int((pp_arg){name, "max_uses"}, args[2], 1, INT32_MAX, &max_uses) ||
        !pp_call_init(&call, pp_state_of(module), name, args[4], args[5]))
        return NULL;
    PyArrayObject *targets = pp_arg_features((pp_arg){name, "targets"}, args[0]);
    PyArrayObject *tiles = targets ? pp_arg_features((pp_arg){name, "tiles"}, args[1]) : NULL;
    PyArrayObject *indices = NULL, *prices = NULL;
    PyObject *result = NULL;
    if (tiles && pp_features_fit(name, targets, tiles)) {
        const bool in_integers =
            PyArray_TYPE(targets) == NPY_UINT8 && PyArray_TYPE(tiles) == NPY_UINT8;
        if (parse_gap(args[3], in_integers, &gap) && are_enough(targets, tiles, max_uses)) {
            indices = (PyArrayObject *)PyArray_SimpleNew(1, PyArray_DIMS(targets), NPY_INT64);
            prices = (PyArrayObject *)PyArray_SimpleNew(1, PyArray_DIMS(tiles), NPY_DOUBLE);
        }
        pp_assignment assignment = {0};
        if (indices && prices) {
            assignment.indices = PyArray_DATA(indices);
            assignment.prices = PyArray_DATA(prices);
            if (run_assign(targets, tiles, max_uses, gap, &assignment, &call))
                result = result_of(indices, prices, &assignment, in_integers);
        }
    }
    Py_XDECREF(indices);
    Py_XDECREF(prices);
    Py_XDECREF(targets);
    Py_XDECREF(tiles);
    return result;
}
