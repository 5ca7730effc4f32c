/* Python's side of tile matching: parse, allocate, run, return. */
#include "py_match.h"

#include "args.h"
#include "run.h"

static const char name[] = "match";

PyArrayObject *pp_arg_features(pp_arg arg, PyObject *object)
{
    PyArrayObject *array = pp_arg_array(arg, object, true);
    if (!array)
        return NULL;
    const int type = PyArray_TYPE(array);
    if (type != NPY_UINT8 && type != NPY_FLOAT && type != NPY_DOUBLE)
        PyErr_Format(PyExc_TypeError, "%s: %s must be uint8, float32 or float64, not %S",
                     arg.function, arg.name, PyArray_DESCR(array));
    else if (PyArray_NDIM(array) != 2)
        PyErr_Format(PyExc_ValueError, "%s: %s must have 2 dimensions, not %d", arg.function,
                     arg.name, PyArray_NDIM(array));
    else
        return array;
    Py_DECREF(array);
    return NULL;
}

bool pp_features_fit(const char *function, PyArrayObject *targets, PyArrayObject *tiles)
{
    if (PyArray_DIM(tiles, 0) == 0)
        PyErr_Format(PyExc_ValueError, "%s: tiles must not be empty", function);
    else if (PyArray_DIM(tiles, 1) != PyArray_DIM(targets, 1))
        PyErr_Format(PyExc_ValueError, "%s: tiles must have %zd features each, as targets, not %zd",
                     function, PyArray_DIM(targets, 1), PyArray_DIM(tiles, 1));
    return !PyErr_Occurred();
}

static bool run_match(PyArrayObject *targets, PyArrayObject *tiles, PyArrayObject *indices,
                      PyArrayObject *distances, pp_call *call)
{
    pp_view rows[2];
    enum pp_match_fault fault;
    pp_view_of(targets, &rows[0]);
    pp_view_of(tiles, &rows[1]);
    pp_call_begin(call);
    const enum pp_status status = pp_match(&rows[0], &rows[1], PyArray_DATA(indices),
                                           PyArray_DATA(distances), &call->run, &fault);
    if (status == PP_OK && fault != PP_MATCH_FINE)
        call->progress = Py_None; /* there is no end to report */
    if (!pp_call_end(call, status, PyArray_DIM(targets, 0)))
        return false;
    if (fault == PP_MATCH_FINE)
        return true;
    PyErr_Format(PyExc_ValueError, "%s: %s must be finite", name,
                 fault == PP_TILES_NOT_FINITE ? "tiles" : "targets");
    return false;
}

/* match(targets, tiles, num_threads, progress) */
PyObject *pp_py_match(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    pp_call call;
    if (!pp_arg_count(name, n, 4) ||
        !pp_call_init(&call, pp_state_of(module), name, args[2], args[3]))
        return NULL;
    PyArrayObject *targets = pp_arg_features((pp_arg){name, "targets"}, args[0]);
    PyArrayObject *tiles = targets ? pp_arg_features((pp_arg){name, "tiles"}, args[1]) : NULL;
    PyArrayObject *indices = NULL, *distances = NULL;
    bool ok = false;
    if (tiles && pp_features_fit(name, targets, tiles)) {
        const bool in_integers =
            PyArray_TYPE(targets) == NPY_UINT8 && PyArray_TYPE(tiles) == NPY_UINT8;
        const npy_intp *length = PyArray_DIMS(targets);
        indices = (PyArrayObject *)PyArray_SimpleNew(1, length, NPY_INT64);
        distances =
            (PyArrayObject *)PyArray_SimpleNew(1, length, in_integers ? NPY_INT64 : NPY_DOUBLE);
        ok = indices && distances && run_match(targets, tiles, indices, distances, &call);
    }
    Py_XDECREF(targets);
    Py_XDECREF(tiles);
    if (ok)
        return Py_BuildValue("NN", indices, distances);
    Py_XDECREF(indices);
    Py_XDECREF(distances);
    return NULL;
}
