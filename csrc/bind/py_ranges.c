/* Python's side of the sums of ranges: parse, run. The array given is overwritten. */
#include "py_ranges.h"

#include "args.h"
#include "run.h"

typedef enum pp_status range_kernel(int64_t *numbers, int64_t count, const pp_run *run);

static PyObject *run_on(PyObject *module, const char *name, PyObject *const *args, Py_ssize_t n,
                        range_kernel *kernel)
{
    pp_call call;
    if (!pp_arg_count(name, n, 2) ||
        !pp_call_init(&call, pp_state_of(module), name, args[1], Py_None))
        return NULL;
    if (!PyArray_Check(args[0]) || PyArray_TYPE((PyArrayObject *)args[0]) != NPY_INT64 ||
        !PyArray_ISCARRAY((PyArrayObject *)args[0])) {
        PyErr_Format(PyExc_TypeError, "%s: numbers must be a C array of int64", name);
        return NULL;
    }
    PyArrayObject *numbers = (PyArrayObject *)args[0];
    const npy_intp count = PyArray_SIZE(numbers);
    pp_call_begin(&call);
    const enum pp_status status = kernel(PyArray_DATA(numbers), count, &call.run);
    if (!pp_call_end(&call, status, count))
        return NULL;
    Py_RETURN_NONE;
}

/* sum_range(numbers, num_threads) */
PyObject *pp_py_sum_range(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    return run_on(module, "sum_range", args, n, pp_sum_range);
}

/* conditional_sum_range(numbers, num_threads) */
PyObject *pp_py_conditional_sum_range(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    return run_on(module, "conditional_sum_range", args, n, pp_conditional_sum_range);
}
