/* Positional and keyword arguments: see keywords.h. */
#include "keywords.h"

/* The place of the parameter with this name, or -1. */
static int place_of(const pp_signature *signature, PyObject *name)
{
    for (int i = 0; signature->names[i]; i++)
        if (PyUnicode_CompareWithASCIIString(name, signature->names[i]) == 0)
            return i;
    return -1;
}

static bool put_keyword(const pp_signature *signature, Py_ssize_t n, PyObject *name,
                        PyObject *value, PyObject **values)
{
    const int place = place_of(signature, name);
    if (place < 0) {
        PyErr_Format(PyExc_TypeError, "%s: there is no argument %R", signature->function, name);
        return false;
    }
    if (place < n) {
        PyErr_Format(PyExc_TypeError, "%s: %U is given twice", signature->function, name);
        return false;
    }
    values[place] = value;
    return true;
}

static bool has_required(const pp_signature *signature, Py_ssize_t n, PyObject *keywords)
{
    for (Py_ssize_t i = n; i < signature->required; i++) {
        bool given = false;
        for (Py_ssize_t k = 0; keywords && k < PyTuple_GET_SIZE(keywords); k++)
            given = given || place_of(signature, PyTuple_GET_ITEM(keywords, k)) == i;
        if (!given) {
            PyErr_Format(PyExc_TypeError, "%s: %s is missing", signature->function,
                         signature->names[i]);
            return false;
        }
    }
    return true;
}

bool pp_parse(const pp_signature *signature, PyObject *const *args, Py_ssize_t n,
              PyObject *keywords, PyObject **values)
{
    if (n > signature->positional) {
        PyErr_Format(PyExc_TypeError, "%s: at most %d arguments come without a name, not %zd",
                     signature->function, signature->positional, n);
        return false;
    }
    for (Py_ssize_t i = 0; i < n; i++)
        values[i] = args[i];
    for (Py_ssize_t k = 0; keywords && k < PyTuple_GET_SIZE(keywords); k++)
        if (!put_keyword(signature, n, PyTuple_GET_ITEM(keywords, k), args[n + k], values))
            return false;
    return has_required(signature, n, keywords);
}
