/* The function of _core that matches tiles. */
#ifndef PP_PY_MATCH_H
#define PP_PY_MATCH_H

#include "np.h"

#include "args.h"

/* A matrix of uint8, float32 or float64 (new reference). */
PyArrayObject *pp_arg_features(pp_arg arg, PyObject *object);
/* Are there tiles, with as many features as targets? */
bool pp_features_fit(const char *function, PyArrayObject *targets, PyArrayObject *tiles);

PyObject *pp_py_match(PyObject *module, PyObject *const *args, Py_ssize_t n);

#endif
