/* The C functions for callers in other languages, each in a capsule with a name. */
#include "py_capi.h"

#include <string.h>

#include "../core/pp.h"

/* A capsule's name is where PyCapsule_Import looks for it, and outlives it. */
#define PLACE "pyparallel.capi.capsules."

typedef void any_function(void);

static const struct {
    const char *place;
    any_function *function;
} functions[] = {
    {PLACE "escape_count", (any_function *)pp_escape_count},
    {PLACE "sum", (any_function *)pp_sum},
    {PLACE "match_one", (any_function *)pp_match_one},
    {PLACE "match_one_uint8", (any_function *)pp_match_one_uint8},
    {PLACE "philox4x32", (any_function *)pp_philox4x32},
};

static bool put(PyObject *capsules, const char *place, any_function *function)
{
    void *address; /* ISO C has no conversion to it */
    memcpy(&address, &function, sizeof address);
    PyObject *capsule = PyCapsule_New(address, place, NULL);
    const bool done =
        capsule && PyDict_SetItemString(capsules, place + strlen(PLACE), capsule) == 0;
    Py_XDECREF(capsule);
    return done;
}

/* capi(): the capsules, by the name of the function */
PyObject *pp_py_capi(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(unused))
{
    PyObject *capsules = PyDict_New();
    for (size_t i = 0; capsules && i < sizeof functions / sizeof *functions; i++)
        if (!put(capsules, functions[i].place, functions[i].function))
            Py_CLEAR(capsules);
    return capsules;
}
