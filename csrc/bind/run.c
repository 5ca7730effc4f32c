/* Detach, poll, re-attach; thread counts; and the one place where a status becomes an exception. */
#include "run.h"

/* More threads than this, and more than the machine has CPUs, are never started: a runtime that
   fails to start one ends the process. Results don't depend on it. */
enum { MANY_THREADS = 256 };

static bool check_openmp(pp_state *state, int threads)
{
    if (threads == 1 || pp_has_openmp() || atomic_exchange(&state->warned, true))
        return true;
    return PyErr_WarnEx(PyExc_RuntimeWarning,
                        "pyparallel was built without OpenMP: it runs on one thread "
                        "(pyparallel doctor says how to change that)",
                        1) == 0;
}

static int default_threads(pp_state *state)
{
    const int threads = atomic_load(&state->default_threads);
    const int limit = pp_openmp_max_threads();
    return limit < state->openmp_threads && limit < threads ? limit : threads;
}

static bool threads_from(pp_state *state, pp_arg arg, PyObject *object, int *threads)
{
    int64_t value;
    if (!pp_arg_threads(arg, object, &value))
        return false;
    const int many = state->all_threads > MANY_THREADS ? state->all_threads : MANY_THREADS;
    *threads = value == -1 ? state->all_threads : value < many ? (int)value : many;
    return check_openmp(state, *threads);
}

bool pp_resolve_threads(pp_state *state, pp_arg arg, PyObject *object, int *threads)
{
    if (object != Py_None)
        return threads_from(state, arg, object, threads);
    PyObject *in_context;
    if (PyContextVar_Get(state->threads_var, Py_None, &in_context) < 0)
        return false;
    bool ok = true;
    if (in_context == Py_None)
        *threads = default_threads(state);
    else
        ok = threads_from(state, arg, in_context, threads);
    Py_DECREF(in_context);
    return ok;
}

static bool call_progress(pp_call *call, int64_t done, int64_t total)
{
    if (call->progress == Py_None)
        return true;
    PyObject *answer =
        PyObject_CallFunction(call->progress, "LL", (long long)done, (long long)total);
    Py_XDECREF(answer);
    return answer != NULL;
}

static bool poll(void *context, int64_t done, int64_t total)
{
    pp_call *call = context;
    PyEval_RestoreThread(call->thread);
    const bool go_on = PyErr_CheckSignals() == 0 && call_progress(call, done, total);
    call->thread = PyEval_SaveThread();
    return go_on;
}

bool pp_call_init(pp_call *call, pp_state *state, const char *function, PyObject *num_threads,
                  PyObject *progress)
{
    *call = (pp_call){.progress = progress};
    if (progress != Py_None && !PyCallable_Check(progress)) {
        PyErr_Format(PyExc_TypeError,
                     "%s: progress must be None or a callable f(done, total), not %.200s", function,
                     Py_TYPE(progress)->tp_name);
        return false;
    }
    if (!pp_resolve_threads(state, (pp_arg){function, "num_threads"}, num_threads,
                            &call->run.num_threads))
        return false;
    call->run.min_threads = state->min_threads;
    /* Only the main thread handles signals. The others run through, unless they report progress:
       attaching beside a busy Python thread takes milliseconds. */
    if (progress != Py_None || PyThread_get_thread_ident() == atomic_load(&state->main_thread)) {
        call->run.poll = poll;
        call->run.context = call;
        call->run.slice = state->slice;
    }
    return true;
}

void pp_call_begin(pp_call *call)
{
    call->thread = PyEval_SaveThread();
}

void pp_call_begin_short(pp_call *call)
{
    call->thread = NULL;
    call->run.poll = NULL;
}

bool pp_call_end(pp_call *call, enum pp_status status, int64_t total)
{
    if (call->thread)
        PyEval_RestoreThread(call->thread);
    switch (status) {
    case PP_OK:
        return call_progress(call, total, total);
    case PP_NO_MEMORY:
        PyErr_NoMemory();
        return false;
    case PP_INTERRUPTED: /* by an exception that poll() has left */
        return false;
    }
    PyErr_Format(PyExc_SystemError, "pyparallel: unknown status %d", (int)status);
    return false;
}
