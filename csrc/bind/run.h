/* Running a kernel: without the interpreter, but in touch with it. */
#ifndef PP_RUN_H
#define PP_RUN_H

#include "np.h"

#include <stdatomic.h>

#include "../core/pp.h"
#include "args.h"

/* What a module instance knows. Ints that several threads may set are atomic. */
typedef struct pp_state {
    PyObject *threads_var;      /* ContextVar of pp.threads */
    atomic_int default_threads; /* of this process */
    int all_threads;            /* what -1 means */
    int openmp_threads;         /* what OpenMP's runtime would have used at import */
    atomic_bool warned;         /* that there is no OpenMP */
    atomic_ulong main_thread;   /* the one that handles signals */
    double slice;               /* seconds between two polls; tests shorten it */
    int min_threads;            /* tests let teams shrink: see pp_run */
} pp_state;

pp_state *pp_state_of(PyObject *module);

/* How many threads does `num_threads=object` mean? */
bool pp_resolve_threads(pp_state *state, pp_arg arg, PyObject *object, int *threads);

/* One call of a kernel: init checks the arguments that all kernels share; the kernel itself runs
   between begin, which detaches from the interpreter, and end, which attaches again, makes the last
   call of `progress`, and turns the status into an exception. False: an exception is set. */
typedef struct pp_call {
    pp_run run;
    PyThreadState *thread; /* while detached */
    PyObject *progress;    /* a callable, or None */
} pp_call;

bool pp_call_init(pp_call *call, pp_state *state, const char *function, PyObject *num_threads,
                  PyObject *progress);
void pp_call_begin(pp_call *call);
/* For work of a microsecond or so: detaching, and looking for signals, would take longer. */
void pp_call_begin_short(pp_call *call);
bool pp_call_end(pp_call *call, enum pp_status status, int64_t total);

#endif
