/* The function of _core that hands out C functions. */
#ifndef PP_PY_CAPI_H
#define PP_PY_CAPI_H

#include "np.h"

PyObject *pp_py_capi(PyObject *module, PyObject *unused);

#endif
