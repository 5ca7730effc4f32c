/* Python's side of the labs: parse, run, return. */
#include "py_lab.h"

#include "args.h"
#include "run.h"

/* The clock of time.perf_counter, which can be read without the interpreter. */
static double perf_counter(void)
{
#if PY_VERSION_HEX >= 0x030d0000
    PyTime_t now;
    (void)PyTime_PerfCounterRaw(&now);
    return PyTime_AsSecondsDouble(now);
#else
    return _PyTime_AsSecondsDouble(_PyTime_GetPerfCounter());
#endif
}

static bool poll_attached(void *Py_UNUSED(context), int64_t Py_UNUSED(done),
                          int64_t Py_UNUSED(total))
{
    return PyErr_CheckSignals() == 0;
}

static bool is_c_array(PyObject *object, int type, const char *otherwise)
{
    PyArrayObject *array = (PyArrayObject *)object;
    if (PyArray_Check(object) && PyArray_TYPE(array) == type && PyArray_ISCARRAY_RO(array))
        return true;
    PyErr_SetString(PyExc_TypeError, otherwise);
    return false;
}

/* busy(n, release_gil) -> (start, end) */
PyObject *pp_py_busy(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    static const char name[] = "busy";
    int64_t steps;
    pp_call call;
    if (!pp_arg_count(name, n, 2) ||
        !pp_arg_int((pp_arg){name, "n"}, args[0], 0, INT64_MAX, &steps) ||
        !pp_call_init(&call, pp_state_of(module), name, Py_None, Py_None))
        return NULL;
    const bool release_gil = args[1] == Py_True;
    if (release_gil)
        pp_call_begin(&call);
    else if (call.run.poll)
        call.run.poll = poll_attached;
    const double start = perf_counter();
    const enum pp_status status = pp_busy(steps, &call.run);
    const double end = perf_counter();
    if (!release_gil) /* others may run now: it ends as any call does */
        pp_call_begin(&call);
    return pp_call_end(&call, status, steps) ? Py_BuildValue("dd", start, end) : NULL;
}

/* race_condition(n, how, num_threads) -> the count; `how` as enum pp_counting numbers it */
PyObject *pp_py_race_condition(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    static const char name[] = "race_condition";
    int64_t to, how, count;
    pp_call call;
    if (!pp_arg_count(name, n, 3) || !pp_arg_int((pp_arg){name, "n"}, args[0], 0, INT64_MAX, &to) ||
        !pp_arg_int((pp_arg){name, "how"}, args[1], PP_UNSYNCHRONISED, PP_REDUCTION, &how) ||
        !pp_call_init(&call, pp_state_of(module), name, args[2], Py_None))
        return NULL;
    pp_call_begin(&call);
    const enum pp_status status = pp_count_to(to, (enum pp_counting)how, &count, &call.run);
    return pp_call_end(&call, status, to) ? PyLong_FromLongLong(count) : NULL;
}

/* (start, end, first, worker): an array of each, with an element for each turn */
static PyObject *new_record(npy_intp turns)
{
    static const int types[] = {NPY_FLOAT64, NPY_FLOAT64, NPY_INT64, NPY_INT64};
    enum { COLUMNS = sizeof types / sizeof *types };
    PyObject *record = PyTuple_New(COLUMNS);
    for (int i = 0; record && i < COLUMNS; i++) {
        PyObject *column = PyArray_SimpleNew(1, &turns, types[i]);
        if (column)
            PyTuple_SET_ITEM(record, i, column);
        else
            Py_CLEAR(record);
    }
    return record;
}

static void *column(PyObject *record, Py_ssize_t i)
{
    return PyArray_DATA((PyArrayObject *)PyTuple_GET_ITEM(record, i));
}

/* schedule(costs, kind, chunk, num_threads) -> (start, end, first, worker) of each turn; `kind` as
   enum pp_schedule_kind numbers it */
PyObject *pp_py_schedule(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    static const char name[] = "schedule";
    int64_t kind, chunk;
    pp_call call;
    if (!pp_arg_count(name, n, 4) ||
        !pp_arg_int((pp_arg){name, "kind"}, args[1], PP_STATIC, PP_GUIDED, &kind) ||
        !pp_arg_int((pp_arg){name, "chunk"}, args[2], kind != PP_STATIC, INT64_MAX, &chunk) ||
        !pp_call_init(&call, pp_state_of(module), name, args[3], Py_None) ||
        !is_c_array(args[0], NPY_INT64, "schedule: costs must be a C array of int64"))
        return NULL;
    PyArrayObject *costs = (PyArrayObject *)args[0];
    const npy_intp turns = PyArray_SIZE(costs);
    PyObject *record = new_record(turns);
    if (!record)
        return NULL;
    const pp_schedule_task task = {.kind = (enum pp_schedule_kind)kind,
                                   .chunk = chunk,
                                   .turns = turns,
                                   .costs = PyArray_DATA(costs),
                                   .clock = perf_counter,
                                   .start = column(record, 0),
                                   .end = column(record, 1),
                                   .first = column(record, 2),
                                   .worker = column(record, 3)};
    pp_call_begin(&call);
    if (!pp_call_end(&call, pp_schedule(&task, &call.run), turns))
        Py_CLEAR(record);
    return record;
}

/* read_words(words, num_threads) -> (their sum, seconds) */
PyObject *pp_py_read_words(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    static const char name[] = "bandwidth";
    pp_call call;
    if (!pp_arg_count(name, n, 2) ||
        !pp_call_init(&call, pp_state_of(module), name, args[1], Py_None) ||
        !is_c_array(args[0], NPY_UINT64, "read_words: words must be a C array of uint64"))
        return NULL;
    PyArrayObject *words = (PyArrayObject *)args[0];
    const npy_intp size = PyArray_SIZE(words);
    uint64_t sum;
    double seconds;
    pp_call_begin(&call);
    const enum pp_status status =
        pp_read_words(PyArray_DATA(words), size, &sum, &seconds, &call.run);
    if (!pp_call_end(&call, status, size))
        return NULL;
    return Py_BuildValue("Kd", (unsigned long long)sum, seconds);
}

/* multiply_add(steps, num_threads) -> (operations, seconds) */
PyObject *pp_py_multiply_add(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    static const char name[] = "flops";
    enum { CHAINS_AND_LANES = 10 }; /* bits, so that the operations fit into int64 */
    int64_t steps, operations;
    double seconds;
    pp_call call;
    if (!pp_arg_count(name, n, 2) ||
        !pp_arg_int((pp_arg){name, "steps"}, args[0], 1, INT64_MAX >> CHAINS_AND_LANES, &steps) ||
        !pp_call_init(&call, pp_state_of(module), name, args[1], Py_None))
        return NULL;
    pp_call_begin(&call);
    const enum pp_status status = pp_multiply_add(steps, &operations, &seconds, &call.run);
    if (!pp_call_end(&call, status, steps))
        return NULL;
    return Py_BuildValue("Ld", (long long)operations, seconds);
}
