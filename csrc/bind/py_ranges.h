/* The functions of _core that sum ranges. */
#ifndef PP_PY_RANGES_H
#define PP_PY_RANGES_H

#include "np.h"

PyObject *pp_py_sum_range(PyObject *module, PyObject *const *args, Py_ssize_t n);
PyObject *pp_py_conditional_sum_range(PyObject *module, PyObject *const *args, Py_ssize_t n);

#endif
