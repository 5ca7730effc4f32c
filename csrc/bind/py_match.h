/* The function of _core that matches tiles. */
#ifndef PP_PY_MATCH_H
#define PP_PY_MATCH_H

#include "np.h"

PyObject *pp_py_match(PyObject *module, PyObject *const *args, Py_ssize_t n);

#endif
