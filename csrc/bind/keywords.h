/* Positional and keyword arguments, for functions that are METH_FASTCALL | METH_KEYWORDS. */
#ifndef PP_KEYWORDS_H
#define PP_KEYWORDS_H

#include "np.h"

#include <stdbool.h>

/* The parameters in order: the first `positional` of them may be given without their names, and
   the first `required` must be given. */
typedef struct pp_signature {
    const char *function;
    int required, positional;
    const char *names[10]; /* NULL after the last */
} pp_signature;

/* Put the arguments (borrowed) where their parameters are in `values`; those not given keep what
   is there. False with TypeError set. */
bool pp_parse(const pp_signature *signature, PyObject *const *args, Py_ssize_t n,
              PyObject *keywords, PyObject **values);

#endif
