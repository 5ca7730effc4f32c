/* What the variants of the escape-time kernel share. */
#ifndef PP_FRACTAL_H
#define PP_FRACTAL_H

#include <stdbool.h>
#include <stdint.h>

#include "parallel.h"
#include "pp.h"

enum {
    PP_LANES = 96,  /* pixels a worker iterates at a time: a multiple of every variant's group */
    PP_BLOCK = 128, /* pixels drawn at a time, at most */
    PP_STEPS = 4,   /* iterations between two looks for escape */
    PP_GROUPS = 4,  /* such looks in one pass over the lanes */
    PP_FIRST = 8,   /* iterations of a block before its pixels get lanes */
    PP_PASS = PP_STEPS * PP_GROUPS,
    PP_QUEUE = 3 * PP_BLOCK, /* room for a block, all lanes, and more */
};

typedef struct pp_escape_job {
    const pp_points *z, *c;
    const pp_view *counts; /* coalesced */
    int64_t pixels;
    int block; /* pixels drawn at a time */
    int lanes; /* pixels iterated at a time */
    int32_t max_iter;
} pp_escape_job;

/* Pixels drawn together: their first PP_FIRST iterations are done side by side, and those that
   survive wait here for a lane. */
typedef struct pp_escape_block {
    double x[PP_BLOCK], y[PP_BLOCK], cr[PP_BLOCK], ci[PP_BLOCK];
    int64_t offset[PP_BLOCK]; /* of the pixel's count, in bytes */
    uint8_t waiting[PP_BLOCK];
    int waiting_count;
} pp_escape_block;

/* Pixels in lanes. Lane i is in use for i < used. A pass advances every lane by
   PP_GROUPS * PP_STEPS iterations and keeps the orbit at each look: x[0] … x[3] (or, in every
   second pass, x[4], x[1] … x[3]) before the groups, and x[4] (or x[0]) at the end. */
typedef struct pp_escape_lanes {
    double cr[PP_LANES], ci[PP_LANES];
    double x[PP_GROUPS + 1][PP_LANES], y[PP_GROUPS + 1][PP_LANES];
    double seen_x[PP_LANES], seen_y[PP_LANES]; /* an earlier point of the orbit, to meet again */
    double entered[PP_LANES], look[PP_LANES];  /* passes: of entry, of the next change of `seen` */
    double expires[PP_LANES];                  /* the pass in which max_iter is reached */
    int64_t offset[PP_LANES];
    int64_t k0[PP_LANES]; /* iterations done, less those of the passes so far */
    int used;
} pp_escape_lanes;

/* Pixels that may have escaped in the group of steps that starts here; or that have to be looked
   at after every step from the start. */
typedef struct pp_escape_queue {
    double x[PP_QUEUE], y[PP_QUEUE], cr[PP_QUEUE], ci[PP_QUEUE];
    int64_t offset[PP_QUEUE];
    int64_t k[PP_QUEUE];
    int used;
} pp_escape_queue;

typedef struct pp_escape_state {
    pp_worker worker;
    bool drained; /* no more items to draw */
    int64_t pass;
    unsigned ticks; /* blocks and passes, to look at the clock now and then */
    pp_escape_block block;
    pp_escape_lanes lanes;
    pp_escape_queue queue;
} pp_escape_state;

typedef bool pp_escape_kernel(const void *job, void *state, pp_slice *slice);
pp_escape_kernel pp_escape_baseline, pp_escape_avx2, pp_escape_avx512, pp_escape_neon;

#endif
