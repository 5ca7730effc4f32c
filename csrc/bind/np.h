/* Python and NumPy, set up the same way in every file of the binding. */
#ifndef PP_NP_H
#define PP_NP_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#define NPY_NO_DEPRECATED_API  NPY_2_0_API_VERSION
#define NPY_TARGET_VERSION     NPY_2_0_API_VERSION
#define PY_ARRAY_UNIQUE_SYMBOL pyparallel_ARRAY_API
#ifndef PP_IMPORTS_NUMPY /* only module.c fills the table of NumPy's functions */
#    define NO_IMPORT_ARRAY
#endif
#include <numpy/arrayobject.h>

#endif
