/* The `axis` and `keepdims` of a reduction: see axes.h. */
#include "axes.h"

static bool out_of_bounds(const char *function, PyObject *axis, int ndim)
{
    PyObject *exceptions = PyImport_ImportModule("numpy.exceptions");
    PyObject *type = exceptions ? PyObject_GetAttrString(exceptions, "AxisError") : NULL;
    PyObject *error = type ? PyObject_CallFunction(type, "Ois", axis, ndim, function) : NULL;
    if (error)
        PyErr_SetObject(type, error);
    Py_XDECREF(error);
    Py_XDECREF(type);
    Py_XDECREF(exceptions);
    return false;
}

static bool add_axis(const char *function, PyObject *object, pp_axes *axes)
{
    PyObject *index = pp_is_bool(object) ? NULL : PyNumber_Index(object);
    if (!index) {
        if (PyErr_Occurred() && !PyErr_ExceptionMatches(PyExc_TypeError))
            return false;
        PyErr_Format(PyExc_TypeError,
                     "%s: axis must be None, an integer or a tuple of integers, not %.200s",
                     function, Py_TYPE(object)->tp_name);
        return false;
    }
    int overflow;
    long long axis = PyLong_AsLongLongAndOverflow(index, &overflow);
    if (axis < 0)
        axis += axes->ndim;
    const bool inside = !overflow && axis >= 0 && axis < axes->ndim;
    if (!inside)
        out_of_bounds(function, index, axes->ndim);
    else if (axes->reduced[axis])
        PyErr_Format(PyExc_ValueError, "%s: duplicate value in 'axis'", function);
    Py_DECREF(index);
    if (PyErr_Occurred())
        return false;
    axes->reduced[axis] = true;
    return true;
}

/* NumPy lets a 0-d array have the axes 0 and -1, though not in a tuple. */
static bool is_axis_of_scalar(PyObject *object)
{
    if (PyBool_Check(object) || !PyIndex_Check(object))
        return false;
    const Py_ssize_t axis = PyNumber_AsSsize_t(object, NULL);
    const bool failed = axis == -1 && PyErr_Occurred();
    PyErr_Clear(); /* whoever wants the axis itself will meet the error again */
    return axis == 0 || (axis == -1 && !failed);
}

bool pp_arg_axes(const char *function, PyObject *object, bool many, int ndim, pp_axes *axes)
{
    axes->ndim = ndim;
    for (int d = 0; d < ndim; d++)
        axes->reduced[d] = object == Py_None;
    if (object == Py_None || (ndim == 0 && is_axis_of_scalar(object)))
        return true;
    if (!many || !PyTuple_Check(object))
        return add_axis(function, object, axes);
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(object); i++)
        if (!add_axis(function, PyTuple_GET_ITEM(object, i), axes))
            return false;
    return true;
}

int pp_axes_shape(const pp_axes *axes, PyArrayObject *array, bool keepdims, npy_intp *shape)
{
    int n = 0;
    for (int d = 0; d < axes->ndim; d++) {
        if (!axes->reduced[d])
            shape[n++] = PyArray_DIM(array, d);
        else if (keepdims)
            shape[n++] = 1;
    }
    return n;
}

static void append(pp_view *view, PyArrayObject *array, int d)
{
    view->shape[view->ndim] = PyArray_DIM(array, d);
    view->strides[view->ndim++] = PyArray_STRIDE(array, d);
}

int pp_axes_view(const pp_axes *axes, PyArrayObject *array, pp_view *view)
{
    pp_view_start(array, view);
    for (int d = 0; d < axes->ndim; d++)
        if (!axes->reduced[d])
            append(view, array, d);
    const int kept = view->ndim;
    for (int d = 0; d < axes->ndim; d++)
        if (axes->reduced[d])
            append(view, array, d);
    return kept;
}

void pp_axes_result(const pp_axes *axes, PyArrayObject *result, bool keepdims, pp_view *view)
{
    pp_view_start(result, view);
    for (int d = 0, own = 0; d < axes->ndim; d++) {
        if (!axes->reduced[d])
            append(view, result, own++);
        else if (keepdims)
            own++;
    }
}
