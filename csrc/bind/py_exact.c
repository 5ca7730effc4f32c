/* Python's side of the exact sums: the function fsum, and the type ExactSum. */
#include "py_exact.h"

#include "args.h"
#include "axes.h"
#include "keywords.h"
#include "run.h"

#if PY_VERSION_HEX < 0x030d0000 /* with the GIL, nothing comes between */
#    define Py_BEGIN_CRITICAL_SECTION(object) {
#    define Py_END_CRITICAL_SECTION()         }
#endif

/* The one place where a fault becomes an exception. */
static bool has_value(const char *function, enum pp_exact_fault fault)
{
    switch (fault) {
    case PP_EXACT_FINE:
        return true;
    case PP_EXACT_OVERFLOW:
        PyErr_Format(PyExc_OverflowError, "%s: the sum is out of float64's range", function);
        return false;
    case PP_EXACT_INFINITIES:
        PyErr_Format(PyExc_ValueError, "%s: a sum of inf and -inf", function);
        return false;
    }
    return false;
}

/* The sums of `a` over these axes, into `out` or a new array. */
static PyObject *fsum_over(PyArrayObject *a, const pp_axes *axes, PyObject *out, bool keepdims,
                           pp_call *call)
{
    static const char name[] = "fsum";
    npy_intp shape[PP_MAX_DIMS];
    const int ndim = pp_axes_shape(axes, a, keepdims, shape);
    PyArrayObject *result = pp_arg_out((pp_arg){name, "out"}, out, NPY_DOUBLE, ndim, shape, &a, 1);
    if (!result)
        return NULL;
    pp_view from, to;
    const int kept = pp_axes_view(axes, a, &from);
    pp_axes_result(axes, result, keepdims, &to);
    enum pp_exact_fault fault = PP_EXACT_FINE;
    pp_call_begin(call);
    const enum pp_status status = pp_fsum(&from, kept, &to, &call->run, &fault);
    if (!pp_call_end(call, status, 0) || !has_value(name, fault)) {
        Py_DECREF(result);
        return NULL;
    }
    return out == Py_None ? PyArray_Return(result) : (PyObject *)result;
}

/* fsum(a, axis=None, *, out=None, keepdims=False, num_threads=None) */
PyObject *pp_py_fsum(PyObject *module, PyObject *const *args, Py_ssize_t n, PyObject *keywords)
{
    static const pp_signature signature = {
        "fsum", 1, 2, {"a", "axis", "out", "keepdims", "num_threads"}};
    enum { A, AXIS, OUT, KEEPDIMS, NUM_THREADS };
    PyObject *values[] = {NULL, Py_None, Py_None, Py_False, Py_None};
    pp_call call;
    if (!pp_parse(&signature, args, n, keywords, values) ||
        !pp_call_init(&call, pp_state_of(module), "fsum", values[NUM_THREADS], Py_None))
        return NULL;
    const int keepdims = PyObject_IsTrue(values[KEEPDIMS]);
    if (keepdims < 0)
        return NULL;
    PyArrayObject *a = pp_arg_array((pp_arg){"fsum", "a"}, values[A], false);
    if (!a)
        return NULL;
    pp_axes axes;
    PyObject *result = NULL;
    if (pp_arg_axes("fsum", values[AXIS], true, PyArray_NDIM(a), &axes))
        result = fsum_over(a, &axes, values[OUT], keepdims, &call);
    Py_DECREF(a);
    return result;
}

typedef struct exact_sum {
    PyObject_HEAD pp_exact_sum sum; /* touched only inside critical sections of the object */
} exact_sum;

static pp_exact_sum copy_of(PyObject *self)
{
    pp_exact_sum copy;
    Py_BEGIN_CRITICAL_SECTION(self);
    copy = ((exact_sum *)self)->sum;
    Py_END_CRITICAL_SECTION();
    return copy;
}

/* False, and nothing merged, where the count would not fit. */
static bool merge_into(PyObject *self, const char *function, const pp_exact_sum *other)
{
    pp_exact_sum *sum = &((exact_sum *)self)->sum;
    bool fits;
    Py_BEGIN_CRITICAL_SECTION(self);
    fits = sum->count <= INT64_MAX - other->count;
    if (fits)
        pp_exact_merge(sum, other);
    Py_END_CRITICAL_SECTION();
    if (!fits)
        PyErr_Format(PyExc_OverflowError, "%s: the count is out of int64's range", function);
    return fits;
}

static PyObject *exact_sum_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    const bool own = type->tp_init == PyBaseObject_Type.tp_init; /* else __init__ looks at them */
    if (own && (PyTuple_GET_SIZE(args) || (keywords && PyDict_GET_SIZE(keywords)))) {
        PyErr_SetString(PyExc_TypeError, "ExactSum: there are no arguments: add() takes the array");
        return NULL;
    }
    return type->tp_alloc(type, 0); /* zeroed, which is the empty sum */
}

static void exact_sum_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    type->tp_free(self);
    Py_DECREF(type);
}

/* add(array, *, num_threads=None) */
static PyObject *exact_sum_add(PyObject *self, PyTypeObject *type, PyObject *const *args,
                               Py_ssize_t n, PyObject *keywords)
{
    static const char name[] = "ExactSum.add";
    static const pp_signature signature = {name, 1, 1, {"array", "num_threads"}};
    PyObject *values[] = {NULL, Py_None};
    pp_call call;
    if (!pp_parse(&signature, args, n, keywords, values) ||
        !pp_call_init(&call, PyType_GetModuleState(type), name, values[1], Py_None))
        return NULL;
    PyArrayObject *array = pp_arg_array((pp_arg){name, "array"}, values[0], false);
    if (!array)
        return NULL;
    pp_view view;
    pp_view_of(array, &view);
    pp_exact_sum added;
    pp_call_begin(&call);
    const enum pp_status status = pp_exact_sum_of(&view, &call.run, &added);
    const bool ok = pp_call_end(&call, status, 0) && merge_into(self, name, &added);
    Py_DECREF(array);
    return ok ? Py_NewRef(Py_None) : NULL;
}

/* merge(other) */
static PyObject *exact_sum_merge(PyObject *self, PyTypeObject *type, PyObject *const *args,
                                 Py_ssize_t n, PyObject *keywords)
{
    static const pp_signature signature = {"ExactSum.merge", 1, 1, {"other"}};
    PyObject *other;
    if (!pp_parse(&signature, args, n, keywords, &other))
        return NULL;
    if (!PyObject_TypeCheck(other, type)) {
        PyErr_Format(PyExc_TypeError, "ExactSum.merge: other must be an ExactSum, not %.200s",
                     Py_TYPE(other)->tp_name);
        return NULL;
    }
    const pp_exact_sum added = copy_of(other);
    return merge_into(self, "ExactSum.merge", &added) ? Py_NewRef(Py_None) : NULL;
}

static PyObject *exact_sum_value(PyObject *self, void *Py_UNUSED(unused))
{
    const pp_exact_sum sum = copy_of(self);
    double value;
    const bool ok = has_value("ExactSum.value", pp_exact_value(&sum, &value));
    return ok ? PyFloat_FromDouble(value) : NULL;
}

static PyObject *exact_sum_mean(PyObject *self, void *Py_UNUSED(unused))
{
    const pp_exact_sum sum = copy_of(self);
    double mean;
    const bool ok = has_value("ExactSum.mean", pp_exact_mean(&sum, &mean));
    return ok ? PyFloat_FromDouble(mean) : NULL;
}

static PyObject *exact_sum_count(PyObject *self, void *Py_UNUSED(unused))
{
    return PyLong_FromLongLong(copy_of(self).count);
}

static PyObject *state_of(PyObject *self)
{
    const pp_exact_sum sum = copy_of(self);
    uint8_t bytes[PP_EXACT_BYTES];
    pp_exact_to_bytes(&sum, bytes);
    return PyBytes_FromStringAndSize((const char *)bytes, sizeof bytes);
}

static PyObject *exact_sum_reduce(PyObject *self, PyObject *Py_UNUSED(unused))
{
    return Py_BuildValue("O(), N", Py_TYPE(self), state_of(self));
}

static PyObject *exact_sum_setstate(PyObject *self, PyObject *state)
{
    pp_exact_sum sum;
    if (!PyBytes_Check(state) || PyBytes_GET_SIZE(state) != PP_EXACT_BYTES ||
        !pp_exact_from_bytes(&sum, (const uint8_t *)PyBytes_AS_STRING(state))) {
        PyErr_SetString(PyExc_ValueError, "ExactSum: these bytes are not a pickled sum");
        return NULL;
    }
    Py_BEGIN_CRITICAL_SECTION(self);
    ((exact_sum *)self)->sum = sum;
    Py_END_CRITICAL_SECTION();
    Py_RETURN_NONE;
}

static PyObject *exact_sum_compare(PyObject *self, PyObject *other, int op)
{
    if ((op != Py_EQ && op != Py_NE) || Py_TYPE(self) != Py_TYPE(other))
        Py_RETURN_NOTIMPLEMENTED;
    uint8_t bytes[2][PP_EXACT_BYTES];
    const pp_exact_sum sums[] = {copy_of(self), copy_of(other)};
    pp_exact_to_bytes(&sums[0], bytes[0]);
    pp_exact_to_bytes(&sums[1], bytes[1]);
    const bool equal = memcmp(bytes[0], bytes[1], PP_EXACT_BYTES) == 0;
    return PyBool_FromLong(equal == (op == Py_EQ));
}

static PyObject *exact_sum_repr(PyObject *self)
{
    const pp_exact_sum sum = copy_of(self);
    double value;
    const bool overflow = pp_exact_value(&sum, &value) == PP_EXACT_OVERFLOW;
    char *number = overflow ? NULL : PyOS_double_to_string(value, 'r', 0, Py_DTSF_ADD_DOT_0, NULL);
    if (!overflow && !number)
        return NULL;
    PyObject *text = PyUnicode_FromFormat("<ExactSum: %lld numbers, sum %s>", (long long)sum.count,
                                          overflow ? "out of range" : number);
    PyMem_Free(number);
    return text;
}

#define METHOD(function) (PyCFunction)(void (*)(void)) function

static PyMethodDef exact_sum_methods[] = {
    {"add", METHOD(exact_sum_add), METH_METHOD | METH_FASTCALL | METH_KEYWORDS, NULL},
    {"merge", METHOD(exact_sum_merge), METH_METHOD | METH_FASTCALL | METH_KEYWORDS, NULL},
    {"__reduce__", exact_sum_reduce, METH_NOARGS, NULL},
    {"__setstate__", exact_sum_setstate, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef exact_sum_properties[] = {
    {"value", exact_sum_value, NULL, NULL, NULL},
    {"mean", exact_sum_mean, NULL, NULL, NULL},
    {"count", exact_sum_count, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

/* ISO C has no conversion of a function to a void pointer; this table of CPython's is made of it.
 */
#if defined(__GNUC__) || defined(__clang__)
#    pragma GCC diagnostic push
#    pragma GCC diagnostic ignored "-Wpedantic"
#endif
static PyType_Slot exact_sum_slots[] = {
    {Py_tp_doc, "ExactSum()\n--\n\n"}, /* the text comes from pyparallel.exact */
    {Py_tp_new, exact_sum_new},
    {Py_tp_dealloc, exact_sum_dealloc},
    {Py_tp_repr, exact_sum_repr},
    {Py_tp_richcompare, exact_sum_compare},
    {Py_tp_methods, exact_sum_methods},
    {Py_tp_getset, exact_sum_properties},
    {0, NULL},
};
#if defined(__GNUC__) || defined(__clang__)
#    pragma GCC diagnostic pop
#endif

static PyType_Spec exact_sum_spec = {
    .name = "pyparallel.ExactSum",
    .basicsize = sizeof(exact_sum),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = exact_sum_slots,
};

int pp_add_exact_sum_type(PyObject *module)
{
    PyObject *type = PyType_FromModuleAndSpec(module, &exact_sum_spec, NULL);
    const int failed = type ? PyModule_AddObjectRef(module, "ExactSum", type) : -1;
    Py_XDECREF(type);
    return failed;
}
