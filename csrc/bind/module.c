/* The extension module pyparallel._core: its slots, its state, its table of functions. */
#define PP_IMPORTS_NUMPY
#include "np.h"

#include "py_assign.h"
#include "py_capi.h"
#include "py_exact.h"
#include "py_fractal.h"
#include "py_histogram.h"
#include "py_lab.h"
#include "py_match.h"
#include "py_pi.h"
#include "py_ranges.h"
#include "py_reduce.h"
#include "py_tiles.h"
#include "run.h"

pp_state *pp_state_of(PyObject *module)
{
    return PyModule_GetState(module);
}

/* configure(default_threads, all_threads): once, from pyparallel._threads */
static PyObject *configure(PyObject *module, PyObject *args)
{
    pp_state *state = pp_state_of(module);
    int threads;
    if (!PyArg_ParseTuple(args, "ii", &threads, &state->all_threads))
        return NULL;
    atomic_store(&state->default_threads, threads);
    Py_RETURN_NONE;
}

static PyObject *default_threads(PyObject *module, PyObject *Py_UNUSED(unused))
{
    return PyLong_FromLong(atomic_load(&pp_state_of(module)->default_threads));
}

static PyObject *get_num_threads(PyObject *module, PyObject *Py_UNUSED(unused))
{
    int threads;
    if (!pp_resolve_threads(pp_state_of(module), (pp_arg){"get_num_threads", ""}, Py_None,
                            &threads))
        return NULL;
    return PyLong_FromLong(threads);
}

/* resolve_threads(function, num_threads, name="n"): the number that this argument means now */
static PyObject *resolve_threads(PyObject *module, PyObject *args)
{
    const char *function, *name = "n";
    PyObject *object;
    int threads;
    if (!PyArg_ParseTuple(args, "sO|s", &function, &object, &name) ||
        !pp_resolve_threads(pp_state_of(module), (pp_arg){function, name}, object, &threads))
        return NULL;
    return PyLong_FromLong(threads);
}

static PyObject *set_num_threads(PyObject *module, PyObject *object)
{
    pp_state *state = pp_state_of(module);
    if (object == Py_None) {
        PyErr_SetString(PyExc_TypeError, "set_num_threads: n must be an integer, not NoneType");
        return NULL;
    }
    int threads;
    if (!pp_resolve_threads(state, (pp_arg){"set_num_threads", "n"}, object, &threads))
        return NULL;
    atomic_store(&state->default_threads, threads);
    Py_RETURN_NONE;
}

static PyObject *before_fork(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(unused))
{
    pp_before_fork();
    Py_RETURN_NONE;
}

/* set_main_thread(ident): at import, and in a forked child */
static PyObject *set_main_thread(PyObject *module, PyObject *ident)
{
    const unsigned long number = PyLong_AsUnsignedLong(ident);
    if (number == (unsigned long)-1 && PyErr_Occurred())
        return NULL;
    atomic_store(&pp_state_of(module)->main_thread, number);
    Py_RETURN_NONE;
}

/* set_slices(seconds, min_threads): for tests, to have thousands of slices, and shrinking teams */
static PyObject *set_slices(PyObject *module, PyObject *args)
{
    pp_state *state = pp_state_of(module);
    if (!PyArg_ParseTuple(args, "di", &state->slice, &state->min_threads))
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *available_isas(void)
{
    PyObject *names = PyList_New(0);
    for (int i = 0; names && pp_isa_available(i); i++) {
        PyObject *name = PyUnicode_FromString(pp_isa_available(i));
        if (!name || PyList_Append(names, name) < 0)
            Py_CLEAR(names);
        Py_XDECREF(name);
    }
    return names;
}

#define TEXT(x)  #x
#define VALUE(x) TEXT(x)
#if defined(__clang__)
#    define COMPILER "Clang " __clang_version__
#elif defined(__GNUC__)
#    define COMPILER "GCC " __VERSION__
#elif defined(_MSC_VER)
#    define COMPILER "MSVC " VALUE(_MSC_VER)
#else
#    define COMPILER "unknown"
#endif

/* build_info(): what this build is, for pp.config() */
static PyObject *build_info(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(unused))
{
    return Py_BuildValue("{s:s, s:N, s:O, s:s}", "isa", pp_isa(), "isa_available", available_isas(),
                         "openmp", pp_has_openmp() ? Py_True : Py_False, "compiler", COMPILER);
}

#define REDUCTION(name)                                                                            \
    {#name, (PyCFunction)(void (*)(void))pp_py_##name, METH_FASTCALL | METH_KEYWORDS, NULL},

static PyMethodDef methods[] = {
    PP_REDUCTIONS(REDUCTION){"mandelbrot", (PyCFunction)(void (*)(void))pp_py_mandelbrot,
                             METH_FASTCALL, NULL},
    {"julia", (PyCFunction)(void (*)(void))pp_py_julia, METH_FASTCALL, NULL},
    {"escape_time", (PyCFunction)(void (*)(void))pp_py_escape_time, METH_FASTCALL, NULL},
    {"pi_hits", (PyCFunction)(void (*)(void))pp_py_pi_hits, METH_FASTCALL, NULL},
    {"sum_range", (PyCFunction)(void (*)(void))pp_py_sum_range, METH_FASTCALL, NULL},
    {"conditional_sum_range", (PyCFunction)(void (*)(void))pp_py_conditional_sum_range,
     METH_FASTCALL, NULL},
    {"fsum", (PyCFunction)(void (*)(void))pp_py_fsum, METH_FASTCALL | METH_KEYWORDS, NULL},
    {"busy", (PyCFunction)(void (*)(void))pp_py_busy, METH_FASTCALL, NULL},
    {"race_condition", (PyCFunction)(void (*)(void))pp_py_race_condition, METH_FASTCALL, NULL},
    {"schedule", (PyCFunction)(void (*)(void))pp_py_schedule, METH_FASTCALL, NULL},
    {"read_words", (PyCFunction)(void (*)(void))pp_py_read_words, METH_FASTCALL, NULL},
    {"multiply_add", (PyCFunction)(void (*)(void))pp_py_multiply_add, METH_FASTCALL, NULL},
    {"histogram", (PyCFunction)(void (*)(void))pp_py_histogram, METH_FASTCALL, NULL},
    {"match", (PyCFunction)(void (*)(void))pp_py_match, METH_FASTCALL, NULL},
    {"assign", (PyCFunction)(void (*)(void))pp_py_assign, METH_FASTCALL, NULL},
    {"features", (PyCFunction)(void (*)(void))pp_py_features, METH_FASTCALL, NULL},
    {"assemble", (PyCFunction)(void (*)(void))pp_py_assemble, METH_FASTCALL, NULL},
    {"capi", pp_py_capi, METH_NOARGS, NULL},
    {"configure", configure, METH_VARARGS, NULL},
    {"default_threads", default_threads, METH_NOARGS, NULL},
    {"get_num_threads", get_num_threads, METH_NOARGS, NULL},
    {"set_num_threads", set_num_threads, METH_O, NULL},
    {"resolve_threads", resolve_threads, METH_VARARGS, NULL},
    {"before_fork", before_fork, METH_NOARGS, NULL},
    {"set_main_thread", set_main_thread, METH_O, NULL},
    {"set_slices", set_slices, METH_VARARGS, NULL},
    {"build_info", build_info, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

/* PYPARALLEL_ISA=name forces a variant of the kernels. */
static int choose_isa(void)
{
    const char *wanted = getenv("PYPARALLEL_ISA");
    if (pp_dispatch(wanted && *wanted ? wanted : NULL))
        return 0;
    PyObject *names = available_isas();
    if (names)
        PyErr_Format(PyExc_ImportError, "PYPARALLEL_ISA=%s: this CPU and build have %R", wanted,
                     names);
    Py_XDECREF(names);
    return -1;
}

static int exec_module(PyObject *module)
{
    if (PyArray_ImportNumPyAPI() < 0 || choose_isa() < 0)
        return -1;
    pp_state *state = pp_state_of(module);
    state->all_threads = 1;
    atomic_store(&state->default_threads, 1);
    state->openmp_threads = pp_openmp_max_threads();
    state->slice = 0.1;
    state->threads_var = PyContextVar_New("pyparallel.threads", NULL);
    if (pp_add_exact_sum_type(module) < 0)
        return -1;
    return PyModule_AddObjectRef(module, "threads_var", state->threads_var);
}

static int traverse(PyObject *module, visitproc visit, void *arg)
{
    Py_VISIT(pp_state_of(module)->threads_var);
    return 0;
}

static int clear(PyObject *module)
{
    Py_CLEAR(pp_state_of(module)->threads_var);
    return 0;
}

/* ISO C has no conversion of a function to a void pointer; this table of CPython's is made of it.
 */
#if defined(__GNUC__) || defined(__clang__)
#    pragma GCC diagnostic push
#    pragma GCC diagnostic ignored "-Wpedantic"
#endif
static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, exec_module},
#if PY_VERSION_HEX >= 0x030c0000
    {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED},
#endif
#if PY_VERSION_HEX >= 0x030d0000
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};
#if defined(__GNUC__) || defined(__clang__)
#    pragma GCC diagnostic pop
#endif

static PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "pyparallel._core",
    .m_doc = "The kernels of pyparallel.",
    .m_size = sizeof(pp_state),
    .m_methods = methods,
    .m_slots = slots,
    .m_traverse = traverse,
    .m_clear = clear,
};

PyMODINIT_FUNC PyInit__core(void)
{
    return PyModuleDef_Init(&definition);
}
