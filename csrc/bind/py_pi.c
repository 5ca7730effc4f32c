/* Python's side of π by Monte Carlo: parse, run, return. */
#include "py_pi.h"

#include "args.h"
#include "run.h"

/* The key comes from a function that is called when all arguments are known to be right: a
   Generator that is drawn from is no longer what it was. */
static bool parse_key(PyObject *draw_key, uint32_t *key)
{
    unsigned int words[2];
    PyObject *pair = PyObject_CallNoArgs(draw_key);
    const bool ok = pair && PyArg_ParseTuple(pair, "II", &words[0], &words[1]);
    Py_XDECREF(pair);
    key[0] = ok ? words[0] : 0;
    key[1] = ok ? words[1] : 0;
    return ok;
}

/* pi_hits(n, draw_key, num_threads, progress) */
PyObject *pp_py_pi_hits(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    static const char name[] = "calc_pi";
    int64_t samples, hits;
    uint32_t key[2];
    pp_call call;
    if (!pp_arg_count(name, n, 4) ||
        !pp_arg_int((pp_arg){name, "n"}, args[0], 1, INT64_C(1) << 62, &samples) ||
        !pp_call_init(&call, pp_state_of(module), name, args[2], args[3]) ||
        !parse_key(args[1], key))
        return NULL;
    pp_call_begin(&call);
    const enum pp_status status = pp_pi_hits(samples, key, &hits, &call.run);
    return pp_call_end(&call, status, samples) ? PyLong_FromLongLong(hits) : NULL;
}
