/* Features of pictures and their assembly, for the method table. */
#ifndef PP_PY_TILES_H
#define PP_PY_TILES_H

#include "np.h"

PyObject *pp_py_features(PyObject *module, PyObject *const *args, Py_ssize_t n);
PyObject *pp_py_assemble(PyObject *module, PyObject *const *args, Py_ssize_t n);

#endif
