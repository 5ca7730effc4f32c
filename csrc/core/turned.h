/* Sums in floating point across the order in memory. */
#ifndef PP_TURNED_H
#define PP_TURNED_H

#include "stretch.h"

typedef struct pp_turned_kernels {
    void (*fold)(const char *const columns[PP_GROUP], int rows, int pitch, double *leaf);
    void (*slide)(const char *column, const char *past, double *pairs, double *fours,
                  double *eights, int rows);
    void (*push)(const double *const lanes[PP_SUM_LANES], int first, int step, int rows,
                 pp_stretch *stretches);
    void (*square)(double scale, int rows, double *x);
} pp_turned_kernels;

extern const pp_turned_kernels pp_turned_baseline, pp_turned_avx2, pp_turned_avx512, pp_turned_neon;

/* Is this a sum of one output, down whose columns memory runs, and large enough? */
bool pp_sums_turned(const pp_reduce_job *job);
enum pp_status pp_sum_turned(const pp_reduce_job *job, int max_workers, const pp_run *run);

#endif
