/* The function fsum and the type ExactSum of _core. */
#ifndef PP_PY_EXACT_H
#define PP_PY_EXACT_H

#include "np.h"

PyObject *pp_py_fsum(PyObject *module, PyObject *const *args, Py_ssize_t n, PyObject *keywords);
int pp_add_exact_sum_type(PyObject *module);

#endif
