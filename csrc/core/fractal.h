/* What the variants of the escape-time kernel share. */
#ifndef PP_FRACTAL_H
#define PP_FRACTAL_H

#include <stdbool.h>
#include <stdint.h>

#include "common.h"
#include "parallel.h"
#include "pp.h"

enum {
    PP_LANES = 192, /* pixels a worker iterates at a time: whole groups of every variant */
    PP_BLOCK = 768, /* pixels drawn at a time, at most; likewise */
    PP_FIRST = 8,   /* iterations of a block before its pixels run together or get lanes */
    PP_STEPS = 6,   /* iterations of a lane between two looks for escape */
    PP_LOOKS = 2,   /* looks in one pass over the lanes */
    PP_PASS = PP_STEPS * PP_LOOKS,
    PP_RUN = 12,  /* passes that neighbours run together, at most */
    PP_ZEROS = 8, /* behind a block: for vectors that have nothing left to run */

    PP_QUEUE = PP_BLOCK + 2 * PP_LANES, /* room for a block, all lanes, and as many again */
};

typedef struct pp_escape_job {
    const pp_points *z, *c;
    const pp_view *counts; /* coalesced */
    int64_t pixels;
    int block;   /* pixels drawn at a time */
    int lanes;   /* pixels iterated at a time */
    bool packed; /* the counts lie one after the other, as int32 */
    int32_t max_iter;
    int64_t passes; /* after which a lane has come to max_iter */
} pp_escape_job;

/* Pixels drawn together: their first PP_FIRST iterations are done side by side, some run on from
   there with their neighbours, and those that survive wait here for a lane. */
typedef struct pp_escape_block {
    PP_ALIGNED(64) double x[PP_BLOCK + PP_ZEROS];
    double y[PP_BLOCK + PP_ZEROS], cr[PP_BLOCK + PP_ZEROS], ci[PP_BLOCK + PP_ZEROS];
    int64_t offset[PP_BLOCK]; /* of the pixel's count, in bytes */
    uint8_t ran[PP_BLOCK];    /* passes that the pixel has run with its neighbours */
    uint16_t waiting[PP_BLOCK];
    int waiting_count;
} pp_escape_block;

/* Pixels being iterated, in lanes 0 ... used - 1. A pass advances each by PP_PASS iterations, and
   keeps where its orbit stood: in x[0] at the start, x[1] ... before the steps to each further
   look, and x[PP_LOOKS] at the end; in every second pass the first and the last change places. */
typedef struct pp_escape_lanes {
    PP_ALIGNED(64) double cr[PP_LANES];
    double ci[PP_LANES];
    double x[PP_LOOKS + 1][PP_LANES], y[PP_LOOKS + 1][PP_LANES];
    double seen_x[PP_LANES], seen_y[PP_LANES]; /* an earlier point of the orbit, to meet again */
    double entered[PP_LANES];                  /* the pass that came after PP_FIRST iterations */
    int64_t offset[PP_LANES];                  /* of the pixel's count */
    int used;
} pp_escape_lanes;

/* What a pass finds out about a group of lanes, as bits. */
typedef struct pp_escape_report {
    uint64_t escaped[PP_LOOKS]; /* by this look, maybe */
    uint64_t settled;           /* it never escapes, or not before max_iter */
} pp_escape_report;

/* Pixels that wait for every step from k on to be looked at: they may have escaped in one of the
   next PP_STEPS, or are not of those that a look now and then is enough for. */
typedef struct pp_escape_queue {
    PP_ALIGNED(64) double x[PP_QUEUE];
    double y[PP_QUEUE], cr[PP_QUEUE], ci[PP_QUEUE];
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
