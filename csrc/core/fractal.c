/* Escape-time fractals: what does not depend on the instruction set, and the variants. */
#include "fractal.h"

#include <limits.h>
#include <math.h>
#include <string.h>

#include "common.h"
#include "dispatch.h"
#include "view.h"

/* Write the count of one pixel: it has escaped at step k, or k is past the last. */
PP_INLINE void put_count(const pp_escape_job *job, int64_t offset, int64_t k)
{
    const int64_t count = k < job->max_iter ? k : job->max_iter - 1;
    if (job->counts->type == PP_INT32) {
        const int32_t narrow = (int32_t)count;
        memcpy(job->counts->data + offset, &narrow, sizeof narrow);
    } else {
        memcpy(job->counts->data + offset, &count, sizeof count);
    }
}

/* Write the counts of a block's pixels; those that are not final yet are written again later. */
static void put_counts(const pp_escape_job *job, const pp_escape_block *b, int n,
                       const int32_t *counts)
{
    if (job->packed)
        memcpy(job->counts->data + b->offset[0], counts, (size_t)n * sizeof *counts);
    else
        for (int i = 0; i < n; i++)
            put_count(job, b->offset[i], counts[i]);
}

static void load_grid(const pp_points *points, int64_t start, int n, double *re, double *im)
{
    int64_t row = points->row0 + start / points->cols;
    int64_t col = start % points->cols;
    for (int i = 0; i < n;) {
        const int64_t left = points->cols - col;
        const int run = left < n - i ? (int)left : n - i;
        const double y = points->im + (double)row * points->scale;
        const double first = (double)(points->col0 + col);
        for (int k = 0; k < run; k++) {
            re[i + k] = points->re + (first + k) * points->scale; /* first + k is exact */
            im[i + k] = y;
        }
        i += run;
        col = 0;
        row++;
    }
}

static void load_points(const pp_points *points, int64_t start, int n, double *re, double *im)
{
    switch (points->kind) {
    case PP_POINTS_SAME:
        for (int i = 0; i < n; i++) {
            re[i] = points->re;
            im[i] = points->im;
        }
        return;
    case PP_POINTS_GRID:
        load_grid(points, start, n, re, im);
        return;
    case PP_POINTS_ARRAY: {
        int64_t offsets[PP_BLOCK];
        pp_view_offsets(&points->array, start, n, offsets);
        pp_view_load_complex(&points->array, offsets, n, re, im);
        return;
    }
    }
}

/* Draw the next pixels: how many, 0 at the end. */
static int draw_block(const pp_escape_job *job, pp_escape_state *s, pp_slice *slice)
{
    pp_escape_block *b = &s->block;
    const int64_t item = pp_slice_draw(slice);
    if (item < 0) {
        s->drained = true;
        return 0;
    }
    const int64_t start = item * job->block;
    const int n = (int)(job->pixels - start < job->block ? job->pixels - start : job->block);
    load_points(job->z, start, n, b->x, b->y);
    load_points(job->c, start, n, b->cr, b->ci);
    pp_view_offsets(job->counts, start, n, b->offset);
    return n;
}

PP_INLINE void enqueue(pp_escape_queue *q, double x, double y, double cr, double ci, int64_t offset,
                       int64_t k)
{
    const int i = q->used++;
    q->x[i] = x;
    q->y[i] = y;
    q->cr[i] = cr;
    q->ci[i] = ci;
    q->offset[i] = offset;
    q->k[i] = k;
}

/* These pixels of the block (bits, from pixel i) wait for a lane. */
PP_INLINE void wait_for_lanes(pp_escape_block *b, int i, uint64_t bits)
{
    int count = b->waiting_count;
    for (; bits; bits &= bits - 1)
        b->waiting[count++] = (uint16_t)(i + pp_lowest_bit(bits));
    b->waiting_count = count;
}

/* These go to the queue. */
static void wait_in_queue(pp_escape_state *s, int i, uint64_t bits)
{
    const pp_escape_block *b = &s->block;
    for (; bits; bits &= bits - 1) {
        const int l = i + pp_lowest_bit(bits);
        enqueue(&s->queue, b->x[l], b->y[l], b->cr[l], b->ci[l], b->offset[l],
                PP_FIRST + PP_PASS * b->ran[l]);
    }
}

/* Even if every pixel at hand went to the queue, it would have room for a block. */
static bool room_for_block(const pp_escape_state *s)
{
    return s->queue.used + s->lanes.used + PP_BLOCK <= PP_QUEUE;
}

static bool time_is_up(pp_escape_state *s, const pp_slice *slice)
{
    return s->ticks++ % 16 == 0 && pp_slice_over(slice);
}

static bool is_empty(const pp_escape_state *s)
{
    return s->drained && s->lanes.used == 0 && s->queue.used == 0;
}

PP_INLINE void move_queued(pp_escape_queue *q, int to, int from, int steps)
{
    q->x[to] = q->x[from];
    q->y[to] = q->y[from];
    q->cr[to] = q->cr[from];
    q->ci[to] = q->ci[from];
    q->offset[to] = q->offset[from];
    q->k[to] = q->k[from] + steps;
}

/* Where in x[] and y[] the orbits stand after this many passes. */
static int current(int64_t pass)
{
    return pass % 2 ? PP_LOOKS : 0;
}

/* Give lane `to` the pixel at `from` of the block. */
PP_INLINE void occupy(pp_escape_state *s, int to, int from)
{
    pp_escape_lanes *p = &s->lanes;
    const pp_escape_block *b = &s->block;
    const int now = current(s->pass);
    p->x[now][to] = b->x[from];
    p->y[now][to] = b->y[from];
    p->cr[to] = b->cr[from];
    p->ci[to] = b->ci[from];
    p->offset[to] = b->offset[from];
    p->entered[to] = (double)(s->pass - b->ran[from]);
    p->seen_x[to] = NAN; /* nothing yet: equal to no number */
}

static void move_lane(pp_escape_lanes *p, int now, int to, int from)
{
    p->x[now][to] = p->x[now][from];
    p->y[now][to] = p->y[now][from];
    p->cr[to] = p->cr[from];
    p->ci[to] = p->ci[from];
    p->seen_x[to] = p->seen_x[from];
    p->seen_y[to] = p->seen_y[from];
    p->entered[to] = p->entered[from];
    p->offset[to] = p->offset[from];
}

/* Lane i is free: the next pixel that waits gets it, else the last lane in use moves here. */
PP_INLINE void vacate(pp_escape_state *s, int i)
{
    pp_escape_lanes *p = &s->lanes;
    if (s->block.waiting_count > 0)
        occupy(s, i, s->block.waiting[--s->block.waiting_count]);
    else if (i < --p->used)
        move_lane(p, current(s->pass), i, p->used);
}

/* After the pass: lane i may have escaped by look g. Queue it from where it stood before. */
PP_INLINE void queue_lane(pp_escape_state *s, int i, int g)
{
    const pp_escape_lanes *p = &s->lanes;
    const int at = g > 0 ? g : current(s->pass - 1);
    const int64_t age = s->pass - 1 - (int64_t)p->entered[i];
    enqueue(&s->queue, p->x[at][i], p->y[at][i], p->cr[i], p->ci[i], p->offset[i],
            PP_FIRST + PP_PASS * age + PP_STEPS * g);
}

/* After the pass, empty the lanes of a group that have something to report: from the last to the
   first, so that a lane that moves into a free place has been dealt with. */
PP_INLINE void empty_lanes(const pp_escape_job *job, pp_escape_state *s, int i, int group,
                           const pp_escape_report *report)
{
    uint64_t any = report->settled;
    for (int g = 0; g < PP_LOOKS; g++)
        any |= report->escaped[g];
    if (s->lanes.used - i < group)
        any &= (UINT64_C(1) << (s->lanes.used - i)) - 1;
    while (any) {
        const int l = pp_highest_bit(any);
        unsigned looks = 0;
        for (int g = 0; g < PP_LOOKS; g++)
            looks |= (unsigned)(report->escaped[g] >> l & 1) << g;
        if (looks) {
            queue_lane(s, i + l, pp_lowest_bit(looks));
        } else {
            put_count(job, s->lanes.offset[i + l], job->max_iter);
            s->worker.done++;
        }
        vacate(s, i + l);
        any ^= UINT64_C(1) << l;
    }
}

#define TEMPLATE "fractal_template.h"
#include "each_isa.h"

/* A team costs some microseconds to wake: as long as a few thousand steps of a pixel. */
static bool worth_threads(const pp_escape_job *job)
{
    enum { STEPS = 20000 };
    return job->pixels > STEPS / job->max_iter;
}

enum pp_status pp_escape_time(const pp_points *z, const pp_points *c, const pp_view *counts,
                              int32_t max_iter, const pp_run *run)
{
    pp_points zs = *z, cs = *c;
    pp_view out = *counts;
    pp_view_coalesce(&zs.array);
    pp_view_coalesce(&cs.array);
    pp_view_coalesce(&out);
    pp_escape_job job = {.z = &zs, .c = &cs, .counts = &out, .max_iter = max_iter};
    job.pixels = pp_view_size(counts);
    job.packed = out.type == PP_INT32 && (out.ndim == 0 || (out.ndim == 1 && out.strides[0] == 4));
    job.passes = ((int64_t)max_iter - PP_FIRST + PP_PASS - 1) / PP_PASS;

    /* Small pictures are cut so that every thread gets a share, large ones for long runs. */
    const int64_t share = job.pixels / run->num_threads + 1;
    job.block = share / 4 < PP_BLOCK ? (int)(share / 4) + 1 : PP_BLOCK;
    job.lanes = share < PP_LANES ? (int)share : PP_LANES;

    const pp_job parallel = {
        .shared = &job,
        .items = (job.pixels + job.block - 1) / job.block,
        .total = job.pixels,
        .max_workers = worth_threads(&job) ? INT_MAX : 1,
        .state_size = sizeof(pp_escape_state),
        .work = pp_kernels->escape,
    };
    return pp_parallel_for(&parallel, run);
}
