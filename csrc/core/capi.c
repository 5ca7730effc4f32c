/* One item at a time, for callers in other languages: nothing here needs Python, a thread or
   memory of its own, or can fail. */
#include <math.h>

#include "dispatch.h"
#include "ordered.h"
#include "pp.h"

int64_t pp_escape_count(double zr, double zi, double cr, double ci, int64_t max_iter)
{
    for (int64_t k = 0; k < max_iter; k++) {
        const double re = zr * zr - zi * zi + cr;
        zi = zr * zi + zi * zr + ci;
        zr = re;
        if (zr * zr + zi * zi > 4.0)
            return k;
    }
    return max_iter < 1 ? -1 : max_iter - 1;
}

/* A tree of one column: 2^63 elements make a leaf of each of 2^57 groups, and as many levels. */
typedef struct one_sum {
    pp_tree tree;
    double nodes[64 * PP_SUM_LANES];
} one_sum;

double pp_sum(const double *values, int64_t n)
{
    pp_reduce_job job;
    job.op = PP_SUM;
    job.width = 1;
    job.chunk = job.n = n;
    job.narrow = false;
    job.element = sizeof *values;
    job.scale = 1;
    job.inputs = 1;
    one_sum sum;
    double partial[2 * PP_SUM_LANES], result;
    pp_ordered.start(&job, &sum, 1);
    for (int64_t k = 0; k < n; k += PP_TILE) {
        const int64_t count = n - k < PP_TILE ? n - k : PP_TILE;
        const pp_tile tile = {{(const char *)(values + k)}, sizeof *values, count, 1};
        pp_ordered.take(&job, &sum, &tile, k);
    }
    pp_ordered.close(&job, &sum, partial);
    pp_kernels->tree->results(&job, partial, 1, &result);
    return isnan(result) ? (double)NAN : result + 0.0; /* one NaN, and one zero */
}

int64_t pp_match_one(const double *target, const double *tiles, int64_t n, int64_t d)
{
    int64_t nearest = -1;
    double least = HUGE_VAL;
    for (int64_t i = 0; i < n; i++, tiles += d) {
        double distance = 0;
        for (int64_t k = 0; k < d; k++)
            distance += (target[k] - tiles[k]) * (target[k] - tiles[k]);
        if (distance < least || (nearest < 0 && distance == least)) {
            least = distance;
            nearest = i;
        }
    }
    return nearest;
}

int64_t pp_match_one_uint8(const uint8_t *target, const uint8_t *tiles, int64_t n, int64_t d)
{
    int64_t nearest = -1, least = INT64_MAX;
    for (int64_t i = 0; i < n; i++, tiles += d) {
        int64_t distance = 0;
        for (int64_t k = 0; k < d; k++) {
            const int difference = target[k] - tiles[k];
            distance += difference * difference;
        }
        if (distance < least) {
            least = distance;
            nearest = i;
        }
    }
    return nearest;
}
