/* The functions of _core that the labs call. */
#ifndef PP_PY_LAB_H
#define PP_PY_LAB_H

#include "np.h"

PyObject *pp_py_busy(PyObject *module, PyObject *const *args, Py_ssize_t n);
PyObject *pp_py_race_condition(PyObject *module, PyObject *const *args, Py_ssize_t n);
PyObject *pp_py_schedule(PyObject *module, PyObject *const *args, Py_ssize_t n);
PyObject *pp_py_read_words(PyObject *module, PyObject *const *args, Py_ssize_t n);
PyObject *pp_py_multiply_add(PyObject *module, PyObject *const *args, Py_ssize_t n);

#endif
