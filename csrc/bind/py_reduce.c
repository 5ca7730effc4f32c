/* Python's side of the reductions: parse, allocate, run, return. */
#include "py_reduce.h"

#include "args.h"
#include "axes.h"
#include "keywords.h"
#include "run.h"

enum { FEW = 2048 }; /* elements that are reduced in a microsecond or so */

/* Where the values of all parameters lie, whichever of them a function has. */
enum parameter { A, AXIS, NUM_THREADS, KEEPDIMS, OUT, DTYPE, DDOF, PARAMETERS };

typedef struct reduction {
    const char *name;
    enum pp_reduction op;
    pp_signature signature; /* the first of these parameters */
} reduction;

static bool parse_ddof(const reduction *r, PyObject *object, double *ddof)
{
    *ddof = object == Py_None ? 0 : PyFloat_AsDouble(object);
    const bool failed = *ddof == -1 && PyErr_Occurred();
    if (failed && PyErr_ExceptionMatches(PyExc_TypeError))
        PyErr_Format(PyExc_TypeError, "%s: ddof must be a number, not %.200s", r->name,
                     Py_TYPE(object)->tp_name);
    if (failed && !PyErr_ExceptionMatches(PyExc_OverflowError))
        return false;
    if (!failed && isfinite(*ddof))
        return true;
    PyErr_Format(PyExc_ValueError, "%s: ddof must be finite", r->name);
    return false;
}

static bool parse_keepdims(const reduction *r, PyObject *object, bool *keepdims)
{
    if (object == Py_None || object == Py_False || object == Py_True) {
        *keepdims = object == Py_True;
        return true;
    }
    return pp_arg_flag((pp_arg){r->name, "keepdims"}, object, keepdims);
}

/* The type of the result where no dtype is asked for. */
static int natural_type(const reduction *r, PyArrayObject *a)
{
    const int type = PyArray_TYPE(a);
    switch (r->op) {
    case PP_SUM:
        return PyTypeNum_ISUNSIGNED(type) ? NPY_UINT64 : PyTypeNum_ISFLOAT(type) ? type : NPY_INT64;
    case PP_MEAN:
    case PP_VAR:
    case PP_STD:
    case PP_NORM:
        return type == NPY_FLOAT32 ? NPY_FLOAT32 : NPY_FLOAT64;
    case PP_COUNT_NONZERO:
    case PP_ARGMIN:
    case PP_ARGMAX:
        return NPY_INT64;
    default:
        return type;
    }
}

/* Floating point holds whatever comes; integers hold sums of integers. */
static bool is_possible(const reduction *r, PyArrayObject *a, int type)
{
    if (type == NPY_FLOAT32 || type == NPY_FLOAT64)
        return true;
    return r->op == PP_SUM && PyTypeNum_ISINTEGER(type) && !PyTypeNum_ISFLOAT(PyArray_TYPE(a));
}

static bool parse_dtype(const reduction *r, PyObject *object, PyArrayObject *a, int *type)
{
    *type = natural_type(r, a);
    if (object == Py_None)
        return true;
    PyArray_Descr *descr;
    if (PyArray_DescrConverter(object, &descr) == NPY_FAIL) {
        if (PyUnicode_Check(object))
            PyErr_Format(PyExc_TypeError, "%s: dtype must be a data type, not %.60R", r->name,
                         object);
        else
            PyErr_Format(PyExc_TypeError, "%s: dtype must be a data type, not %.200s", r->name,
                         Py_TYPE(object)->tp_name);
        return false;
    }
    *type = descr->type_num;
    const bool possible = is_possible(r, a, *type);
    if (!possible)
        PyErr_Format(PyExc_TypeError, "%s: dtype must be %s, not %S", r->name,
                     is_possible(r, a, NPY_INT64) ? "an integer type, float32 or float64"
                                                  : "float32 or float64",
                     descr);
    Py_DECREF(descr);
    return possible;
}

static int64_t elements(const pp_view *in, int kept)
{
    int64_t n = 1;
    for (int d = kept; d < in->ndim; d++)
        n *= in->shape[d];
    return n;
}

static bool warn(const char *text)
{
    return PyErr_WarnEx(PyExc_RuntimeWarning, text, 1) == 0;
}

/* Refuse, or warn of, too few elements, as NumPy does. */
static bool check_elements(const reduction *r, const pp_reduction_task *task)
{
    const int64_t n = elements(&task->in[0], task->kept);
    switch (r->op) {
    case PP_MEAN:
        return n > 0 || warn("mean: mean of an empty slice");
    case PP_VAR:
    case PP_STD:
        return (double)n > task->ddof || warn("var, std: degrees of freedom <= 0 for a slice");
    case PP_MIN:
    case PP_MAX:
    case PP_MINMAX:
    case PP_ARGMIN:
    case PP_ARGMAX:
        if (n == 0)
            PyErr_Format(PyExc_ValueError, "%s: there is no result for no elements", r->name);
        return n > 0;
    default:
        return true;
    }
}

static bool run(PyObject *module, const reduction *r, const pp_reduction_task *task,
                npy_intp elements, PyObject *num_threads)
{
    pp_call call;
    if (!pp_call_init(&call, pp_state_of(module), r->name, num_threads, Py_None))
        return false;
    if (elements <= FEW)
        pp_call_begin_short(&call);
    else
        pp_call_begin(&call);
    const enum pp_status status = pp_reduce(task, &call.run);
    return pp_call_end(&call, status, 0);
}

static PyObject *as_result(PyArrayObject *result, PyObject *out)
{
    return out == Py_None ? PyArray_Return(result) : (PyObject *)result;
}

/* Two results as a tuple; takes their references. */
static PyObject *as_pair(PyArrayObject *first, PyArrayObject *second)
{
    PyObject *a = PyArray_Return(first), *b = PyArray_Return(second);
    PyObject *pair = a && b ? PyTuple_Pack(2, a, b) : NULL;
    Py_XDECREF(a);
    Py_XDECREF(b);
    return pair;
}

static PyObject *reduce_array(PyObject *module, const reduction *r, PyArrayObject *a,
                              PyObject *const *given)
{
    pp_reduction_task task;
    pp_axes axes;
    bool keepdims;
    int type;
    task.op = r->op;
    const bool many = r->op != PP_ARGMIN && r->op != PP_ARGMAX;
    if (!pp_arg_axes(r->name, given[AXIS], many, PyArray_NDIM(a), &axes) ||
        !parse_dtype(r, given[DTYPE], a, &type) || !parse_ddof(r, given[DDOF], &task.ddof) ||
        !parse_keepdims(r, given[KEEPDIMS], &keepdims))
        return NULL;
    task.narrow = type == NPY_FLOAT32 && PyArray_TYPE(a) != NPY_FLOAT32;
    task.kept = pp_axes_view(&axes, a, &task.in[0]);
    npy_intp shape[PP_MAX_DIMS];
    const int ndim = pp_axes_shape(&axes, a, keepdims, shape);
    PyArrayObject *result[2] = {NULL, NULL};
    const int results = r->op == PP_MINMAX ? 2 : 1;
    for (int i = 0; i < results; i++) {
        result[i] = pp_arg_out((pp_arg){r->name, "out"}, given[OUT], type, ndim, shape, &a, 1);
        if (!result[i])
            break;
        pp_axes_result(&axes, result[i], keepdims, &task.out[i]);
    }
    if (result[results - 1] && check_elements(r, &task) &&
        run(module, r, &task, PyArray_SIZE(a), given[NUM_THREADS]))
        return results == 2 ? as_pair(result[0], result[1]) : as_result(result[0], given[OUT]);
    Py_XDECREF(result[0]);
    Py_XDECREF(result[1]);
    return NULL;
}

static PyObject *reduce(PyObject *module, const reduction *r, PyObject *const *args, Py_ssize_t n,
                        PyObject *names)
{
    PyObject *given[PARAMETERS];
    for (int p = 0; p < PARAMETERS; p++)
        given[p] = Py_None;
    if (!pp_parse(&r->signature, args, n, names, given))
        return NULL;
    PyArrayObject *a = pp_arg_array((pp_arg){r->name, "a"}, given[A], false);
    if (!a)
        return NULL;
    PyObject *result = reduce_array(module, r, a, given);
    Py_DECREF(a);
    return result;
}

#define REDUCTION(name, op, ...)                                                                   \
    PyObject *pp_py_##name(PyObject *module, PyObject *const *args, Py_ssize_t n, PyObject *names) \
    {                                                                                              \
        static const reduction r = {                                                               \
            #name, op, {#name, 1, 2, {"a", "axis", "num_threads", "keepdims", __VA_ARGS__}}};      \
        return reduce(module, &r, args, n, names);                                                 \
    }
REDUCTION(sum, PP_SUM, "out", "dtype")
REDUCTION(mean, PP_MEAN, "out", "dtype")
REDUCTION(var, PP_VAR, "out", "dtype", "ddof")
REDUCTION(std, PP_STD, "out", "dtype", "ddof")
REDUCTION(norm, PP_NORM, "out")
REDUCTION(count_nonzero, PP_COUNT_NONZERO, "out")
REDUCTION(min, PP_MIN, "out")
REDUCTION(max, PP_MAX, "out")
REDUCTION(minmax, PP_MINMAX, NULL)
REDUCTION(argmin, PP_ARGMIN, "out")
REDUCTION(argmax, PP_ARGMAX, "out")
#undef REDUCTION

static bool is_vector(const char *name, PyArrayObject *array)
{
    const int type = PyArray_TYPE(array);
    if (type != NPY_FLOAT32 && type != NPY_FLOAT64) {
        PyErr_Format(PyExc_TypeError, "dot: %s must be float32 or float64, not %S", name,
                     PyArray_DESCR(array));
        return false;
    }
    if (PyArray_NDIM(array) == 1)
        return true;
    PyErr_Format(PyExc_ValueError, "dot: %s must have 1 dimension, not %d", name,
                 PyArray_NDIM(array));
    return false;
}

static PyObject *dot_arrays(PyObject *module, PyArrayObject *a, PyArrayObject *b,
                            PyObject *num_threads)
{
    static const reduction r = {.name = "dot", .op = PP_DOT};
    if (!is_vector("a", a) || !is_vector("b", b))
        return NULL;
    if (PyArray_DIM(a, 0) != PyArray_DIM(b, 0)) {
        PyErr_Format(PyExc_ValueError, "dot: a and b must be equally long, not %zd and %zd",
                     PyArray_DIM(a, 0), PyArray_DIM(b, 0));
        return NULL;
    }
    const bool narrow = PyArray_TYPE(a) == NPY_FLOAT32 && PyArray_TYPE(b) == NPY_FLOAT32;
    PyArrayObject *result =
        (PyArrayObject *)PyArray_SimpleNew(0, NULL, narrow ? NPY_FLOAT32 : NPY_FLOAT64);
    if (!result)
        return NULL;
    pp_reduction_task task;
    task.op = PP_DOT;
    task.kept = 0;
    task.narrow = false;
    task.ddof = 0;
    pp_view_of(a, &task.in[0]);
    pp_view_of(b, &task.in[1]);
    pp_view_of(result, &task.out[0]);
    if (run(module, &r, &task, PyArray_SIZE(a), num_threads))
        return PyArray_Return(result);
    Py_DECREF(result);
    return NULL;
}

PyObject *pp_py_dot(PyObject *module, PyObject *const *args, Py_ssize_t n, PyObject *names)
{
    static const pp_signature signature = {"dot", 2, 2, {"a", "b", "num_threads"}};
    PyObject *given[] = {NULL, NULL, Py_None};
    if (!pp_parse(&signature, args, n, names, given))
        return NULL;
    PyArrayObject *a = pp_arg_array((pp_arg){"dot", "a"}, given[0], false);
    PyArrayObject *b = a ? pp_arg_array((pp_arg){"dot", "b"}, given[1], false) : NULL;
    PyObject *result = b ? dot_arrays(module, a, b, given[2]) : NULL;
    Py_XDECREF(a);
    Py_XDECREF(b);
    return result;
}
