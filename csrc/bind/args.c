/* Converters: see args.h. */
#include "args.h"

static bool wrong_type(pp_arg arg, const char *wanted, PyObject *object)
{
    PyErr_Format(PyExc_TypeError, "%s: %s must be %s, not %.200s", arg.function, arg.name, wanted,
                 Py_TYPE(object)->tp_name);
    return false;
}

static void out_of_range(pp_arg arg, const char *wanted, PyObject *object)
{
    enum { LONG = 60 };
    PyObject *text = PyObject_Repr(object);
    if (!text || PyUnicode_GET_LENGTH(text) > LONG) { /* Python refuses to print the longest */
        PyErr_Clear();
        Py_XDECREF(text);
        text = PyUnicode_FromString("an integer of many digits");
    }
    if (text)
        PyErr_Format(PyExc_ValueError, "%s: %s must be %s, not %U", arg.function, arg.name, wanted,
                     text);
    Py_XDECREF(text);
}

bool pp_is_bool(PyObject *object)
{
    return PyBool_Check(object) || PyArray_IsScalar(object, Bool);
}

/* The integer that the object stands for; `overflow` is not 0 where int64 does not hold it. */
static bool as_int64(pp_arg arg, PyObject *object, int64_t *value, int *overflow)
{
    PyObject *index = pp_is_bool(object) ? NULL : PyNumber_Index(object);
    if (!index && PyErr_Occurred() && !PyErr_ExceptionMatches(PyExc_TypeError))
        return false;
    if (!index) {
        PyErr_Clear();
        return wrong_type(arg, "an integer", object);
    }
    *value = PyLong_AsLongLongAndOverflow(index, overflow);
    Py_DECREF(index);
    return true;
}

bool pp_arg_count(const char *function, Py_ssize_t given, Py_ssize_t wanted)
{
    if (given == wanted)
        return true;
    PyErr_Format(PyExc_TypeError, "%s: %zd arguments given, not %zd", function, given, wanted);
    return false;
}

bool pp_arg_int(pp_arg arg, PyObject *object, int64_t low, int64_t high, int64_t *value)
{
    int overflow;
    if (!as_int64(arg, object, value, &overflow))
        return false;
    if (!overflow && low <= *value && *value <= high)
        return true;
    char wanted[80];
    PyOS_snprintf(wanted, sizeof wanted, "between %lld and %lld", (long long)low, (long long)high);
    out_of_range(arg, wanted, object);
    return false;
}

/* A bool, NumPy's too, or an integer as NumPy takes it. */
bool pp_arg_flag(pp_arg arg, PyObject *object, bool *value)
{
    const bool is_bool = PyBool_Check(object) || PyArray_IsScalar(object, Bool);
    PyObject *flag = is_bool ? Py_NewRef(object) : PyNumber_Index(object);
    if (!flag) {
        if (PyErr_ExceptionMatches(PyExc_TypeError)) /* of another text */
            wrong_type(arg, "a bool", object);
        return false;
    }
    const int truth = PyObject_IsTrue(flag);
    Py_DECREF(flag);
    *value = truth > 0;
    return truth >= 0;
}

bool pp_arg_threads(pp_arg arg, PyObject *object, int64_t *value)
{
    int overflow;
    if (!as_int64(arg, object, value, &overflow))
        return false;
    if (!overflow && (*value == -1 || *value > 0))
        return true;
    out_of_range(arg, "at least 1, or -1 for all", object);
    return false;
}

bool pp_arg_complex(pp_arg arg, PyObject *object, Py_complex *value)
{
    *value = PyComplex_AsCComplex(object);
    if (!PyErr_Occurred())
        return true;
    const bool overflow = PyErr_ExceptionMatches(PyExc_OverflowError);
    PyErr_Clear();
    if (!overflow)
        return wrong_type(arg, "a number", object);
    PyErr_Format(PyExc_ValueError, "%s: %s is too large for a float64", arg.function, arg.name);
    return false;
}

/* NumPy's type numbers name C types; ours name widths. */
static bool pp_type_of(PyArrayObject *array, enum pp_type *type)
{
    const int width = (int)PyArray_ITEMSIZE(array);
    switch (PyArray_DESCR(array)->kind) {
    case 'b':
        *type = PP_BOOL;
        return true;
    case 'i':
        *type = width == 1 ? PP_INT8 : width == 2 ? PP_INT16 : width == 4 ? PP_INT32 : PP_INT64;
        return true;
    case 'u':
        *type = width == 1 ? PP_UINT8 : width == 2 ? PP_UINT16 : width == 4 ? PP_UINT32 : PP_UINT64;
        return true;
    case 'f':
        *type = width == 4 ? PP_FLOAT32 : PP_FLOAT64;
        return PyArray_TYPE(array) == NPY_FLOAT || PyArray_TYPE(array) == NPY_DOUBLE;
    case 'c':
        *type = width == 8 ? PP_COMPLEX64 : PP_COMPLEX128;
        return PyArray_TYPE(array) == NPY_CFLOAT || PyArray_TYPE(array) == NPY_CDOUBLE;
    default:
        return false;
    }
}

static bool is_masked(PyObject *object)
{
    return !PyArray_CheckExact(object) && PyObject_HasAttrString(object, "mask") &&
           PyObject_HasAttrString(object, "fill_value");
}

PyArrayObject *pp_arg_array(pp_arg arg, PyObject *object, bool complex_too)
{
    if (is_masked(object)) {
        PyErr_Format(PyExc_TypeError,
                     "%s: %s must not be a masked array: fill it, or compress it, first",
                     arg.function, arg.name);
        return NULL;
    }
    PyArrayObject *array =
        (PyArrayObject *)(PyArray_Check(object) ? Py_NewRef(object) : PyArray_FROM_O(object));
    if (!array) {
        if (PyErr_ExceptionMatches(PyExc_ValueError)) /* whose text may be long */
            PyErr_Format(PyExc_ValueError, "%s: %s must be an array, or sequences of equal lengths",
                         arg.function, arg.name);
        return NULL;
    }
    enum pp_type type;
    if (!pp_type_of(array, &type) ||
        (!complex_too && (type == PP_COMPLEX64 || type == PP_COMPLEX128))) {
        PyErr_Format(PyExc_TypeError, "%s: %s must hold bool, integers, float32, float64%s, not %S",
                     arg.function, arg.name, complex_too ? ", complex64 or complex128" : "",
                     PyArray_DESCR(array));
        Py_DECREF(array);
        return NULL;
    }
    return array;
}

static PyObject *shape_tuple(int ndim, const npy_intp *shape)
{
    PyObject *tuple = PyTuple_New(ndim);
    for (int d = 0; tuple && d < ndim; d++) {
        PyObject *length = PyLong_FromSsize_t(shape[d]);
        if (length)
            PyTuple_SET_ITEM(tuple, d, length);
        else
            Py_CLEAR(tuple);
    }
    return tuple;
}

static bool has_shape(pp_arg arg, PyArrayObject *array, int ndim, const npy_intp *shape)
{
    if (PyArray_NDIM(array) == ndim && PyArray_CompareLists(PyArray_DIMS(array), shape, ndim))
        return true;
    PyObject *given = shape_tuple(PyArray_NDIM(array), PyArray_DIMS(array));
    PyObject *wanted = shape_tuple(ndim, shape);
    if (given && wanted)
        PyErr_Format(PyExc_ValueError, "%s: %s must have shape %R, not %R", arg.function, arg.name,
                     wanted, given);
    Py_XDECREF(given);
    Py_XDECREF(wanted);
    return false;
}

/* May two elements of the array share memory? Not if each step leads past all that the smaller
   steps reach. */
static bool overlaps_itself(PyArrayObject *array)
{
    bool done[PP_MAX_DIMS] = {false};
    npy_intp reach = PyArray_ITEMSIZE(array);
    while (PyArray_SIZE(array) > 0) {
        int next = -1;
        npy_intp step = 0;
        for (int d = 0; d < PyArray_NDIM(array); d++) {
            const npy_intp stride = Py_ABS(PyArray_STRIDE(array, d));
            if (!done[d] && PyArray_DIM(array, d) > 1 && (next < 0 || stride < step)) {
                next = d;
                step = stride;
            }
        }
        if (next < 0)
            return false;
        if (step < reach)
            return true;
        done[next] = true;
        reach += (PyArray_DIM(array, next) - 1) * step;
    }
    return false;
}

/* The addresses between which all elements lie. */
static void extent_of(PyArrayObject *array, uintptr_t *low, uintptr_t *high)
{
    *low = *high = (uintptr_t)PyArray_DATA(array);
    *high += (uintptr_t)PyArray_ITEMSIZE(array);
    for (int d = 0; d < PyArray_NDIM(array); d++) {
        const npy_intp length = (PyArray_DIM(array, d) - 1) * PyArray_STRIDE(array, d);
        *(length < 0 ? low : high) += (uintptr_t)length;
    }
}

/* Do elements of the two share memory? NumPy decides where the extents overlap. -1 for an error. */
static int share_memory(PyArrayObject *a, PyArrayObject *b)
{
    enum { MAX_WORK = 1000 };
    uintptr_t a_low, a_high, b_low, b_high;
    extent_of(a, &a_low, &a_high);
    extent_of(b, &b_low, &b_high);
    if (PyArray_SIZE(a) == 0 || PyArray_SIZE(b) == 0 || a_low >= b_high || b_low >= a_high)
        return 0;
    PyObject *numpy = PyImport_ImportModule("numpy");
    PyObject *answer =
        numpy ? PyObject_CallMethod(numpy, "shares_memory", "OOi", a, b, MAX_WORK) : NULL;
    Py_XDECREF(numpy);
    if (!answer && PyErr_ExceptionMatches(PyExc_RuntimeError)) { /* too hard to say: maybe */
        PyErr_Clear();
        return 1;
    }
    const int shared = answer ? answer == Py_True : -1;
    Py_XDECREF(answer);
    return shared;
}

static bool is_counts_type(pp_arg arg, PyArrayObject *out)
{
    const int type = PyArray_TYPE(out), width = (int)PyArray_ITEMSIZE(out);
    if (PyTypeNum_ISSIGNED(type) && (width == 4 || width == 8) && !PyArray_ISBYTESWAPPED(out))
        return true;
    PyErr_Format(PyExc_TypeError, "%s: %s must be int32 or int64, not %S", arg.function, arg.name,
                 PyArray_DESCR(out));
    return false;
}

static bool has_type(pp_arg arg, PyArrayObject *out, int type)
{
    if (PyArray_EquivTypenums(PyArray_TYPE(out), type) && !PyArray_ISBYTESWAPPED(out))
        return true;
    PyArray_Descr *wanted = PyArray_DescrFromType(type);
    PyErr_Format(PyExc_TypeError, "%s: %s must be %S, not %S", arg.function, arg.name, wanted,
                 PyArray_DESCR(out));
    Py_XDECREF(wanted);
    return false;
}

static bool is_free_to_write(pp_arg arg, PyArrayObject *out, PyArrayObject *const *inputs, int n)
{
    if (!PyArray_ISWRITEABLE(out)) {
        PyErr_Format(PyExc_ValueError, "%s: %s is read-only", arg.function, arg.name);
        return false;
    }
    if (overlaps_itself(out)) {
        PyErr_Format(PyExc_ValueError, "%s: elements of %s share memory", arg.function, arg.name);
        return false;
    }
    for (int i = 0; i < n; i++) {
        const int shared = share_memory(out, inputs[i]);
        if (shared > 0)
            PyErr_Format(PyExc_ValueError, "%s: %s overlaps an input", arg.function, arg.name);
        if (shared)
            return false;
    }
    return true;
}

static PyArrayObject *new_result(pp_arg arg, int type, int ndim, const npy_intp *shape)
{
    PyArrayObject *result = (PyArrayObject *)PyArray_SimpleNew(ndim, shape, type);
    if (!result && PyErr_ExceptionMatches(PyExc_ValueError)) /* more bytes than an address has */
        PyErr_Format(PyExc_MemoryError, "%s: the result is too large for any memory", arg.function);
    return result;
}

static bool is_array(pp_arg arg, PyObject *object)
{
    return PyArray_Check(object) || wrong_type(arg, "a numpy array", object);
}

PyArrayObject *pp_arg_counts(pp_arg arg, PyObject *object, int ndim, const npy_intp *shape,
                             PyArrayObject *const *inputs, int n)
{
    if (object == Py_None)
        return new_result(arg, NPY_INT32, ndim, shape);
    PyArrayObject *out = (PyArrayObject *)object;
    if (!is_array(arg, object) || !is_counts_type(arg, out) || !has_shape(arg, out, ndim, shape) ||
        !is_free_to_write(arg, out, inputs, n))
        return NULL;
    Py_INCREF(out);
    return out;
}

PyArrayObject *pp_arg_out(pp_arg arg, PyObject *object, int type, int ndim, const npy_intp *shape,
                          PyArrayObject *const *inputs, int n)
{
    if (object == Py_None)
        return new_result(arg, type, ndim, shape);
    PyArrayObject *out = (PyArrayObject *)object;
    if (!is_array(arg, object) || !has_type(arg, out, type) || !has_shape(arg, out, ndim, shape) ||
        !is_free_to_write(arg, out, inputs, n))
        return NULL;
    Py_INCREF(out);
    return out;
}

bool pp_broadcast_shape(const char *function, PyArrayObject *const in[2], int *ndim,
                        npy_intp *shape)
{
    const int dims[2] = {PyArray_NDIM(in[0]), PyArray_NDIM(in[1])};
    *ndim = dims[0] > dims[1] ? dims[0] : dims[1];
    for (int d = 0; d < *ndim; d++) {
        shape[d] = 1;
        for (int i = 0; i < 2; i++) {
            const int own = d - (*ndim - dims[i]);
            const npy_intp length = own >= 0 ? PyArray_DIM(in[i], own) : 1;
            if (shape[d] != 1 && length != 1 && length != shape[d]) {
                PyErr_Format(PyExc_ValueError,
                             "%s: z and c do not broadcast: in dimension %d of %d "
                             "their lengths are %zd and %zd",
                             function, d, *ndim, shape[d], length);
                return false;
            }
            shape[d] = length != 1 ? length : shape[d];
        }
    }
    return true;
}

void pp_view_of(PyArrayObject *array, pp_view *view)
{
    pp_view_broadcast(array, PyArray_NDIM(array), PyArray_DIMS(array), view);
}

void pp_view_start(PyArrayObject *array, pp_view *view)
{
    view->data = PyArray_BYTES(array);
    view->swapped = PyArray_ISBYTESWAPPED(array);
    view->ndim = 0;
    (void)pp_type_of(array, &view->type);
}

void pp_view_broadcast(PyArrayObject *array, int ndim, const npy_intp *shape, pp_view *view)
{
    pp_view_start(array, view);
    view->ndim = ndim;
    const int added = ndim - PyArray_NDIM(array);
    for (int d = 0; d < ndim; d++) {
        const bool own = d >= added && PyArray_DIM(array, d - added) == shape[d];
        view->shape[d] = shape[d];
        view->strides[d] = own ? PyArray_STRIDE(array, d - added) : 0;
    }
}
