/* The function of _core that counts for π. */
#ifndef PP_PY_PI_H
#define PP_PY_PI_H

#include "np.h"

PyObject *pp_py_pi_hits(PyObject *module, PyObject *const *args, Py_ssize_t n);

#endif
