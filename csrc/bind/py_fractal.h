/* The functions of _core that make fractals. */
#ifndef PP_PY_FRACTAL_H
#define PP_PY_FRACTAL_H

#include "np.h"

PyObject *pp_py_mandelbrot(PyObject *module, PyObject *const *args, Py_ssize_t n);
PyObject *pp_py_julia(PyObject *module, PyObject *const *args, Py_ssize_t n);
PyObject *pp_py_escape_time(PyObject *module, PyObject *const *args, Py_ssize_t n);

#endif
