/* The function of _core that makes histograms. */
#ifndef PP_PY_HISTOGRAM_H
#define PP_PY_HISTOGRAM_H

#include "np.h"

PyObject *pp_py_histogram(PyObject *module, PyObject *const *args, Py_ssize_t n);

#endif
