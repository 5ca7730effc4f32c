/* The functions of _core that reduce arrays. */
#ifndef PP_PY_REDUCE_H
#define PP_PY_REDUCE_H

#include "np.h"

/* All METH_FASTCALL | METH_KEYWORDS. */
#define PP_REDUCTIONS(DO)                                                                          \
    DO(sum)                                                                                        \
    DO(mean)                                                                                       \
    DO(var)                                                                                        \
    DO(std)                                                                                        \
    DO(norm)                                                                                       \
    DO(count_nonzero)                                                                              \
    DO(min)                                                                                        \
    DO(max)                                                                                        \
    DO(minmax)                                                                                     \
    DO(argmin)                                                                                     \
    DO(argmax)                                                                                     \
    DO(dot)

#define PP_DECLARE(name)                                                                           \
    PyObject *pp_py_##name(PyObject *module, PyObject *const *args, Py_ssize_t n, PyObject *names);
PP_REDUCTIONS(PP_DECLARE)
#undef PP_DECLARE

#endif
