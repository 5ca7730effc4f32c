/* The function of _core that assigns tiles. */
#ifndef PP_PY_ASSIGN_H
#define PP_PY_ASSIGN_H

#include "np.h"

PyObject *pp_py_assign(PyObject *module, PyObject *const *args, Py_ssize_t n);

#endif
