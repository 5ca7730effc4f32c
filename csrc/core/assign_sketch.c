/* Sketches: a few numbers for each row of many features, whose distances are never too large.

   Let V have orthonormal columns, and r(x) be the length of what x has outside of their span. Then

       |x - y|^2  >=  |V'x - V'y|^2 + (r(x) - r(y))^2

   by Pythagoras and the triangle inequality. With the principal directions of a sample for V this
   is so near the distance itself, for pictures, that hardly a tile has to be looked at. A small
   part is taken off for what rounding may add, so that what a sketch leaves out is too far. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "assign.h"
#include "common.h"
#include "parallel.h"

enum {
    DIRECTIONS = PP_SKETCH - 1,
    SAMPLE = 192, /* rows */
    ROUNDS = 4,
    MANY_FEATURES = 48, /* from which on a sketch pays */
    ROWS = 16,          /* drawn together */
};

typedef struct sketch_job {
    const pp_merged *rows;
    const double *directions; /* [length][DIRECTIONS] */
    const double *center;     /* [length] */
    double *sketches;         /* [rows][PP_SKETCH] */
} sketch_job;

/* What x - center has in each direction. */
static void project(const double *x, const double *center, const double *directions, int64_t length,
                    double *to)
{
    for (int k = 0; k < DIRECTIONS; k++)
        to[k] = 0;
    for (int64_t f = 0; f < length; f++)
        for (int k = 0; k < DIRECTIONS; k++)
            to[k] += (x[f] - center[f]) * directions[f * DIRECTIONS + k];
}

/* Gram and Schmidt's, twice over: once may leave much of what it takes away. */
static void make_orthonormal(double *v, int64_t length)
{
    for (int pass = 0; pass < 2; pass++)
        for (int k = 0; k < DIRECTIONS; k++) {
            for (int j = 0; j < k; j++) {
                double dot = 0;
                for (int64_t f = 0; f < length; f++)
                    dot += v[f * DIRECTIONS + k] * v[f * DIRECTIONS + j];
                for (int64_t f = 0; f < length; f++)
                    v[f * DIRECTIONS + k] -= dot * v[f * DIRECTIONS + j];
            }
            double norm = 0;
            for (int64_t f = 0; f < length; f++)
                norm += v[f * DIRECTIONS + k] * v[f * DIRECTIONS + k];
            const double scale = norm > 1e-200 ? 1 / sqrt(norm) : 0;
            for (int64_t f = 0; f < length; f++)
                v[f * DIRECTIONS + k] *= scale;
        }
}

static const double *sample_row(const pp_auction *a, int i)
{
    const pp_merged *rows = i % 2 ? &a->tiles : &a->targets;
    return rows->rows + (int64_t)i * rows->count / SAMPLE * rows->length;
}

/* Orthogonal iteration towards the directions in which the sample varies most. */
static void find_directions(const pp_auction *a, double *center, double *v, double *next)
{
    const int64_t length = a->targets.length, size = length * DIRECTIONS;
    for (int64_t f = 0; f < length; f++) {
        center[f] = 0;
        for (int i = 0; i < SAMPLE; i++)
            center[f] += sample_row(a, i)[f] / SAMPLE;
    }
    uint64_t word = 1; /* any directions to begin with: Knuth's generator, MMIX */
    for (int64_t i = 0; i < size; i++) {
        word = word * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        v[i] = (double)(word >> 11) * 0x1p-53 - 0.5;
    }
    make_orthonormal(v, length);
    for (int round = 0; round < ROUNDS; round++) {
        memset(next, 0, (size_t)size * sizeof *next);
        for (int i = 0; i < SAMPLE; i++) {
            double along[DIRECTIONS];
            const double *x = sample_row(a, i);
            project(x, center, v, length, along);
            for (int64_t f = 0; f < length; f++)
                for (int k = 0; k < DIRECTIONS; k++)
                    next[f * DIRECTIONS + k] += (x[f] - center[f]) * along[k];
        }
        memcpy(v, next, (size_t)size * sizeof *v);
        make_orthonormal(v, length);
    }
}

static void put_sketch(const sketch_job *job, int64_t row)
{
    const int64_t length = job->rows->length;
    const double *x = job->rows->rows + row * length;
    double *sketch = job->sketches + row * PP_SKETCH;
    project(x, job->center, job->directions, length, sketch);
    double outside = 0;
    for (int64_t f = 0; f < length; f++) {
        double rest = x[f] - job->center[f];
        for (int k = 0; k < DIRECTIONS; k++)
            rest -= sketch[k] * job->directions[f * DIRECTIONS + k];
        outside += rest * rest;
    }
    sketch[DIRECTIONS] = sqrt(outside);
    for (int k = 0; k < PP_SKETCH; k++)
        sketch[k] *= 1 - 0x1p-30; /* all distances shrink by that */
}

static bool sketch_rows(const void *shared, void *state, pp_slice *slice)
{
    (void)state;
    const sketch_job *job = shared;
    for (int64_t item; (item = pp_slice_draw(slice)) >= 0;) {
        for (int64_t row = item * ROWS; row < (item + 1) * ROWS && row < job->rows->count; row++)
            put_sketch(job, row);
        if (pp_slice_over(slice))
            return false;
    }
    return true;
}

static enum pp_status sketch_all(pp_auction *a, const sketch_job *work)
{
    const int32_t items = (work->rows->count + ROWS - 1) / ROWS;
    const pp_job job = {.shared = work,
                        .items = items,
                        .max_workers = items,
                        .state_size = sizeof(pp_worker),
                        .work = sketch_rows};
    return pp_auction_run(a, &job);
}

/* Rounding moves the sketch of a row by e = 2^-50 * length * its distance from the center at most.
   A distance of sketches of 2^31 e or more has shrunk by more than that; the square of a lesser one
   is wrong by less than 2^33 e^2. */
double pp_sketch_margin(int64_t length, double square)
{
    const double error = (double)length * 0x1p-50;
    return 0x1p33 * error * error * square;
}

enum pp_status pp_sketch(pp_auction *a)
{
    const int64_t length = a->targets.length, size = length * DIRECTIONS;
    if (length < MANY_FEATURES || a->targets.count == 0)
        return PP_OK;
    double *v = malloc((size_t)(2 * size + length) * sizeof *v);
    double *tiles = malloc((size_t)a->tiles.count * PP_SKETCH * sizeof *tiles);
    a->sketches = malloc((size_t)a->targets.count * PP_SKETCH * sizeof *a->sketches);
    enum pp_status status = v && tiles && a->sketches ? PP_OK : PP_NO_MEMORY;
    if (status == PP_OK) {
        double *center = v + 2 * size;
        find_directions(a, center, v, v + size);
        status = sketch_all(a, &(sketch_job){&a->targets, v, center, a->sketches});
        if (status == PP_OK)
            status = sketch_all(a, &(sketch_job){&a->tiles, v, center, tiles});
    }
    free(v);
    a->tile_sketches = tiles;
    return status;
}
