/* The escape-time kernel, for one instruction set: see simd.h for the parameters.

   The arithmetic is the loop's, operation by operation, so every rounding is the same:

       x*x, y*y, x*y       then   x' = (x*x - y*y) + cr,   y' = (x*y + x*y) + ci

   with one fused multiply-add for y' where it cannot differ (v_twice_plus). That bounds the speed:
   six operations a step. Testing for escape and counting cost three more, and what is done for
   each pixel alone, as giving its place to another, costs as much as dozens of steps. So it depends
   on the pixel:

   *Neighbours run together.* Most pixels escape early, and neighbours at about the same time. A
   vector of which all survive the first steps runs on, counting in each step, until none is alive,
   but not for more than PP_RUN passes. Lanes of pixels that have escaped idle until then (a fifth
   of the steps in a detailed picture), but no pixel is dealt with alone.

   The survivors get lanes, as do pixels whose neighbours escaped in the first steps. There,
   testing and counting are left out:

   *Looking now and then.* Where |c| <= 2, an orbit that has escaped stays away, because |z| > 2
   gives |z*z + c| >= |z|^2 - |c| > |z|. In floating point a step is off by less than 2^-48 while
   |z| is near 2, an error that each of the next steps multiplies by at most 4; and infinity and NaN
   never become finite again. So if |z|^2 > 4 after any of PP_STEPS = 6 steps, then |z|^2 <= 4 -
   2^-20 is false after the last of them. Where it is true, no step is missed. Where it is false,
   the pixel leaves its lane for the queue, and its six steps are done again with a look after
   each. There all other pixels are, too: |c| > 2 (which none that starts at z = 0 survives the
   first step with), and NaN.

   *No lane idle.* The next pixel takes the place of one that has left.

   *Cycles.* When the very same (x, y) comes again, the orbit is periodic and never escapes. The
   remembered point is renewed as its age doubles: R. P. Brent, "An improved Monte Carlo
   factorization algorithm", BIT 20 (1980).

   *Traps.* Near an attracting cycle of one or two points nothing escapes: see v_trapped().       */
#include "simd.h"

#undef V
#undef GROUP
#undef R
#define V             4 /* vectors in flight: one alone would wait for the latency of its steps */
#define GROUP         (V * VL)
#define R             (VL == 8 ? 5 : 4) /* vectors that run at a time: the registers hold no more */
#define v_trapped     ISA(v_trapped)
#define v_in_cardioid ISA(v_in_cardioid)
#define v_in_disc     ISA(v_in_disc)
#define v_maps_to     ISA(v_maps_to)
#define v_cycle       ISA(v_cycle)
#define v_norm        ISA(v_norm)
#define cycle         ISA(cycle)
#define orbits        ISA(orbits)
#define step          ISA(step)
#define look_step     ISA(look_step)
#define look_steps    ISA(look_steps)
#define trapped_lanes ISA(trapped_lanes)
#define survive       ISA(survive)
#define open_block    ISA(open_block)
#define runners       ISA(runners)
#define start         ISA(start)
#define finish        ISA(finish)
#define run_pass      ISA(run_pass)
#define run_vectors   ISA(run_vectors)
#define run_block     ISA(run_block)
#define fill          ISA(fill)
#define advance_group ISA(advance_group)
#define advance       ISA(advance)
#define settle_group  ISA(settle_group)
#define check_group   ISA(check_group)
#define check         ISA(check)

TARGET PP_INLINE vd v_norm(vd re, vd im)
{
    return v_add(v_mul(re, re), v_mul(im, im));
}

/* Attracting cycles a -> b -> a of z*z + c, one for each lane; a fixed point where a = b. */
typedef struct cycle {
    vd ar, ai, br, bi;
    vd a, b; /* their absolute values */
    vm valid;
} cycle;

/* c whose attracting cycle is a fixed point: inside the main cardioid. */
TARGET PP_INLINE vm v_in_cardioid(vd cr, vd ci)
{
    const vd x = v_sub(cr, v_set1(0.25)), yy = v_mul(ci, ci);
    const vd q = v_add(v_mul(x, x), yy);
    return v_le(v_mul(q, v_add(q, x)), v_mul(v_set1(0.25), yy));
}

/* c whose attracting cycle has two points: inside the disc |c + 1| < 1/4. */
TARGET PP_INLINE vm v_in_disc(vd cr, vd ci)
{
    const vd x = v_add(cr, v_set1(1));
    return v_le(v_norm(x, ci), v_set1(0x1p-4));
}

/* Is f(a) = a*a + c within 2^-32 of b? */
TARGET PP_INLINE vm v_maps_to(vd ar, vd ai, vd br, vd bi, vd cr, vd ci)
{
    const vd er = v_sub(v_add(v_sub(v_mul(ar, ar), v_mul(ai, ai)), cr), br);
    const vd ei = v_sub(v_twice_plus(v_mul(ar, ai), ci), bi);
    return v_le(v_norm(er, ei), v_set1(0x1p-64));
}

/* The cycles of period 1 or 2: roots of z*z - z + c and of z*z + z + c + 1. */
TARGET PP_INLINE cycle v_cycle(int period, vd cr, vd ci)
{
    const double one = period == 1 ? 1 : -1;
    const vd half = v_set1(0.5), zero = v_set1(0);
    const vd wr = v_sub(v_set1(2 * one - 1), v_mul(v_set1(4), cr));
    const vd wi = v_sub(zero, v_mul(v_set1(4), ci));
    const vd sr = v_sqrt(v_mul(half, v_add(v_sqrt(v_norm(wr, wi)), wr))); /* s = sqrt(w) */
    const vd si = v_div(v_mul(half, wi), sr);
    cycle z;
    z.ar = v_mul(half, v_sub(v_set1(one), sr));
    z.ai = v_mul(half, v_sub(zero, si));
    z.br = period == 1 ? z.ar : v_mul(half, v_add(v_set1(one), sr));
    z.bi = period == 1 ? z.ai : v_mul(half, si);
    z.a = v_sqrt(v_norm(z.ar, z.ai));
    z.b = period == 1 ? z.a : v_sqrt(v_norm(z.br, z.bi));
    z.valid =
        v_and(v_maps_to(z.ar, z.ai, z.br, z.bi, cr, ci), v_maps_to(z.br, z.bi, z.ar, z.ai, cr, ci));
    return z;
}

/* Orbits that never escape, because they are near their attracting cycle: from the disc of radius R
   around a, |f(z) - f(a)| = |z - a| |z - a + 2a| leads into that of radius R1 = R (R + 2|a|) around
   b, and from there into that of radius R1 (R1 + 2|b|) around a. If this is at most (1 - 2^-10) R,
   with R >= 2^-12, the 2^-22 that it gains are far more than what is lost to the error of a and b
   (2^-32), to the rounding of a step (2^-48), and by the growth of both in the second step (less
   than eightfold). So the orbit stays in the two discs, and these lie inside |z| < 2. */
TARGET PP_INLINE vm v_trapped(vd x, vd y, cycle z)
{
    const vd to_a = v_norm(v_sub(x, z.ar), v_sub(y, z.ai));
    const vd to_b = v_norm(v_sub(x, z.br), v_sub(y, z.bi));
    const vm near_a = v_le(to_a, to_b);
    const vd a = v_pick(near_a, z.a, z.b), b = v_pick(near_a, z.b, z.a);
    const vd distance = v_sqrt(v_min(to_a, to_b));
    const vd least = v_set1(0x1p-12), inside = v_set1(1.9);
    const vd radius = v_pick(v_le(distance, least), least, distance);
    const vd slope = v_add(radius, v_add(a, a));
    const vd radius1 = v_mul(radius, slope);
    const vm shrinks = v_le(v_mul(slope, v_add(radius1, v_add(b, b))), v_set1(1 - 0x1p-10));
    const vm stays = v_and(v_le(v_add(a, radius), inside), v_le(v_add(b, radius1), inside));
    return v_and(z.valid, v_and(shrinks, stays));
}

/* One iteration of a vector. `fused`: 2*x*y cannot overflow. */
TARGET PP_INLINE void step(vd *x, vd *y, vd cr, vd ci, bool fused)
{
    const vd xx = v_mul(*x, *x), yy = v_mul(*y, *y), xy = v_mul(*x, *y);
    *x = v_add(v_sub(xx, yy), cr);
    *y = fused ? v_twice_plus(xy, ci) : v_add(v_add(xy, xy), ci);
}

/* A group of orbits that are looked at after each step. */
typedef struct orbits {
    vd x[V], y[V];
    vd k[V]; /* steps done before the one in which it escapes */
    vm alive[V];
} orbits;

/* One iteration of the group; is any alive after it? */
TARGET PP_INLINE bool look_step(orbits *o, const double *cr, const double *ci, bool fused)
{
    uint64_t any = 0;
    for (int u = 0; u < V; u++) {
        step(&o->x[u], &o->y[u], v_load(cr + u * VL), v_load(ci + u * VL), fused);
        const vm inside = v_not_gt(v_norm(o->x[u], o->y[u]), v_set1(4));
        o->alive[u] = v_and(o->alive[u], inside);
        o->k[u] = v_add_where(o->alive[u], o->k[u], v_set1(1));
        any |= v_bits(o->alive[u]);
    }
    return any != 0;
}

/* Iterate a group from x and y, which change with it, until none is alive, at most n times: the
   steps done, and which are alive, as bits. Only the very first iteration of a pixel may overflow,
   as later ones start with |z| <= 2 or are not looked at. */
TARGET PP_INLINE uint64_t look_steps(double *x, double *y, const double *cr, const double *ci,
                                     int n, bool first, int32_t *k)
{
    orbits o;
    for (int u = 0; u < V; u++) {
        o.x[u] = v_load(x + u * VL);
        o.y[u] = v_load(y + u * VL);
        o.k[u] = v_set1(0);
        o.alive[u] = v_eq(o.k[u], o.k[u]);
    }
    bool any = look_step(&o, cr, ci, !first);
    for (int i = 1; i < n && any; i++)
        any = look_step(&o, cr, ci, true);
    uint64_t alive = 0;
    for (int u = 0; u < V; u++) {
        v_store(x + u * VL, o.x[u]);
        v_store(y + u * VL, o.y[u]);
        v_store_int32(k + u * VL, o.k[u]);
        alive |= v_bits(o.alive[u]) << u * VL;
    }
    return alive;
}

/* Which of these pixels of the block from i are trapped, perhaps after some more steps. Those are
   not looked at: an orbit that escapes does not come back. */
TARGET static uint64_t trapped_lanes(const pp_escape_block *b, int i, uint64_t alive)
{
    enum { TRIES = 3, STEPS = 16 };
    if (!alive)
        return 0;
    uint64_t near = 0;
    int period[V];
    for (int u = 0; u < V; u++) {
        const vd cr = v_load(b->cr + i + u * VL), ci = v_load(b->ci + i + u * VL);
        const uint64_t one = v_bits(v_in_cardioid(cr, ci)), two = v_bits(v_in_disc(cr, ci));
        near |= (one ? one : two) << u * VL;
        period[u] = one ? 1 : 2;
    }
    near &= alive;
    if (!near)
        return 0;
    cycle cycles[V];
    vd x[V], y[V];
    for (int u = 0; u < V; u++) {
        const vd cr = v_load(b->cr + i + u * VL), ci = v_load(b->ci + i + u * VL);
        cycles[u] = period[u] == 1 ? v_cycle(1, cr, ci) : v_cycle(2, cr, ci);
        x[u] = v_load(b->x + i + u * VL);
        y[u] = v_load(b->y + i + u * VL);
    }
    for (int try = 1;; try ++) {
        uint64_t trapped = 0;
        for (int u = 0; u < V; u++)
            trapped |= v_bits(v_trapped(x[u], y[u], cycles[u])) << u * VL;
        if ((near & ~trapped) == 0 || try == TRIES)
            return near & trapped;
        for (int n = 0; n < STEPS; n++)
            for (int u = 0; u < V; u++)
                step(&x[u], &y[u], v_load(b->cr + i + u * VL), v_load(b->ci + i + u * VL), true);
    }
}

/* These pixels of the block survive its first steps. They wait for a lane, or in the queue if the
   argument for looking now and then asks for that: |c| > 2, or NaN. */
TARGET PP_INLINE void survive(pp_escape_state *s, int i, uint64_t bits)
{
    uint64_t other = 0;
    for (int u = 0; u < V; u++) {
        const vd cr = v_load(s->block.cr + i + u * VL), ci = v_load(s->block.ci + i + u * VL);
        other |= v_bits(v_not_le(v_norm(cr, ci), v_set1(4))) << u * VL;
    }
    wait_for_lanes(&s->block, i, bits & ~other);
    wait_in_queue(s, i, bits & other);
}

/* Vectors of neighbours that run together. */
typedef struct runners {
    vd x[R], y[R], cr[R], ci[R];
    vd k[R]; /* steps done before the one in which a pixel escapes */
    vm alive[R];
    int from[R];   /* its first pixel in the block */
    int passes[R]; /* left to run */
} runners;

/* Vector u runs with the pixels of the block from i, or with the zeros behind them. */
TARGET PP_INLINE void start(runners *r, int u, const pp_escape_block *b, int i, int passes)
{
    r->x[u] = v_load(b->x + i);
    r->y[u] = v_load(b->y + i);
    r->cr[u] = v_load(b->cr + i);
    r->ci[u] = v_load(b->ci + i);
    r->k[u] = v_set1(PP_FIRST - 1); /* the last of these steps is looked at once more */
    r->alive[u] = v_eq(r->k[u], r->k[u]);
    r->from[u] = i;
    r->passes[u] = i < PP_BLOCK ? passes : INT_MAX;
}

/* Vector u goes back to the block: which of its pixels are alive, as bits. */
TARGET PP_INLINE uint64_t finish(const runners *r, int u, pp_escape_block *b, int32_t *counts)
{
    const int i = r->from[u];
    v_store(b->x + i, r->x[u]);
    v_store(b->y + i, r->y[u]);
    v_store_int32(counts + i, r->k[u]);
    return v_bits(v_and(r->alive[u], v_not_gt(v_norm(r->x[u], r->y[u]), v_set1(4))));
}

/* One pass. Looking before each step, not after it, leaves x*x and y*y to be used by both. */
TARGET PP_INLINE void run_pass(runners *r)
{
    for (int n = 0; n < PP_PASS; n++) {
        for (int u = 0; u < R; u++) {
            const vm inside = v_not_gt(v_norm(r->x[u], r->y[u]), v_set1(4));
            r->alive[u] = v_and(r->alive[u], inside);
            r->k[u] = v_add_where(r->alive[u], r->k[u], v_set1(1));
            step(&r->x[u], &r->y[u], r->cr[u], r->ci[u], true);
        }
    }
}

/* Run the n vectors that begin at `first`; which of their pixels are `alive` after that. */
TARGET PP_INLINE void run_vectors(pp_escape_block *b, const uint16_t *first, int n, int passes,
                                  int32_t *counts, uint8_t *alive)
{
    runners r;
    int next = 0, running = n;
    for (int u = 0; u < R; u++, next++)
        start(&r, u, b, next < n ? first[next] : PP_BLOCK, passes);
    while (running > 0) {
        run_pass(&r);
        for (int u = 0; u < R; u++) {
            if (--r.passes[u] > 0 && v_bits(r.alive[u]) != 0)
                continue;
            alive[r.from[u] / VL] = (uint8_t)finish(&r, u, b, counts);
            running--;
            start(&r, u, b, next < n ? first[next] : PP_BLOCK, passes);
            next++;
        }
    }
}

/* Let those vectors of the block run of which all pixels are alive. */
TARGET static void run_block(const pp_escape_job *job, pp_escape_block *b, int n, int32_t *counts,
                             uint64_t *alive)
{
    const uint64_t all = (UINT64_C(1) << VL) - 1;
    const int passes = job->passes < PP_RUN ? (int)job->passes : PP_RUN;
    uint16_t first[PP_BLOCK / VL];
    uint8_t left[PP_BLOCK / VL];
    int vectors = 0;
    memset(b->ran, 0, sizeof b->ran);
    for (int i = 0; i < n; i += VL) {
        if ((alive[i / GROUP] >> i % GROUP & all) == all) {
            first[vectors++] = (uint16_t)i;
            memset(b->ran + i, passes, VL);
        }
    }
    run_vectors(b, first, vectors, passes, counts, left);
    for (int v = 0; v < vectors; v++) {
        const int i = first[v];
        const uint64_t live = job->passes > PP_RUN ? left[i / VL] : 0; /* else at max_iter */
        alive[i / GROUP] &= ~((all & ~live) << i % GROUP);
    }
}

/* Draw a block: write the counts that its first steps decide; the other pixels live on. */
TARGET static void open_block(const pp_escape_job *job, pp_escape_state *s, pp_slice *slice)
{
    pp_escape_block *b = &s->block;
    const int n = draw_block(job, s, slice);
    const int steps = job->max_iter < PP_FIRST ? job->max_iter : PP_FIRST;
    const int queued = s->queue.used;
    int32_t counts[PP_BLOCK];
    uint64_t alive[PP_BLOCK / GROUP];
    for (int i = 0; i < n; i += GROUP)
        alive[i / GROUP] =
            look_steps(b->x + i, b->y + i, b->cr + i, b->ci + i, steps, true, counts + i);
    if (n % GROUP)
        alive[n / GROUP] &= (UINT64_C(1) << n % GROUP) - 1;
    for (int i = 0; i < n; i += GROUP) {
        const uint64_t trapped = trapped_lanes(b, i, alive[i / GROUP]);
        for (uint64_t bits = trapped; bits; bits &= bits - 1)
            counts[i + pp_lowest_bit(bits)] = job->max_iter - 1;
        alive[i / GROUP] &= ~trapped;
    }
    if (job->max_iter > PP_FIRST) {
        run_block(job, b, n, counts, alive);
        for (int i = 0; i < n; i += GROUP)
            if (alive[i / GROUP])
                survive(s, i, alive[i / GROUP]);
    }
    for (int i = 0; i < n; i++)
        counts[i] = counts[i] < job->max_iter ? counts[i] : job->max_iter - 1;
    put_counts(job, b, n, counts);
    s->worker.done += n - b->waiting_count - (s->queue.used - queued);
}

/* Fill the lanes, as far as there are pixels. */
TARGET static void fill(const pp_escape_job *job, pp_escape_state *s, pp_slice *slice)
{
    pp_escape_block *b = &s->block;
    while (s->lanes.used < job->lanes) {
        if (b->waiting_count > 0)
            occupy(s, s->lanes.used++, b->waiting[--b->waiting_count]);
        else if (s->drained || !room_for_block(s) || time_is_up(s, slice))
            return;
        else
            open_block(job, s, slice);
    }
}

/* One pass of the GROUP lanes from i; which of them may have escaped, at which look. */
TARGET static void advance_group(pp_escape_lanes *p, int i, int64_t pass, uint64_t *escaped)
{
    const vd limit = v_set1(4 - 0x1p-20);
    const int from = current(pass), to = current(pass + 1);
    vd x[V], y[V], xx[V], yy[V];
    for (int u = 0; u < V; u++) {
        x[u] = v_load(p->x[from] + i + u * VL);
        y[u] = v_load(p->y[from] + i + u * VL);
        xx[u] = v_mul(x[u], x[u]);
        yy[u] = v_mul(y[u], y[u]);
    }
    for (int g = 0; g < PP_LOOKS; g++) {
        for (int n = 0; n < PP_STEPS; n++) {
            for (int u = 0; u < V; u++) {
                const vd xy = v_mul(x[u], y[u]);
                x[u] = v_add(v_sub(xx[u], yy[u]), v_load(p->cr + i + u * VL));
                y[u] = v_twice_plus(xy, v_load(p->ci + i + u * VL));
                xx[u] = v_mul(x[u], x[u]);
                yy[u] = v_mul(y[u], y[u]);
            }
        }
        const int look = g + 1 < PP_LOOKS ? g + 1 : to;
        uint64_t bits = 0;
        for (int u = 0; u < V; u++) {
            v_store(p->x[look] + i + u * VL, x[u]);
            v_store(p->y[look] + i + u * VL, y[u]);
            bits |= v_bits(v_not_le(v_add(xx[u], yy[u]), limit)) << u * VL;
        }
        escaped[g] = bits;
    }
}

/* Which lanes of the group have met their remembered point again, or have come to max_iter. The
   present point is remembered where the age has about doubled since the last time: in pass
   odd * 2^t, by lanes younger than 2^(t + 1) passes. This is done in every second pass. */
TARGET static uint64_t settle_group(const pp_escape_job *job, pp_escape_lanes *p, int i,
                                    int64_t pass)
{
    const int now = current(pass);
    const vd young = v_set1((double)(pass - 2 * (pass & -pass)));
    const vd due = v_set1((double)(pass - job->passes));
    uint64_t settled = 0;
    for (int u = 0; u < V; u++, i += VL) {
        const vd x = v_load(p->x[now] + i), y = v_load(p->y[now] + i);
        const vd seen_x = v_load(p->seen_x + i), seen_y = v_load(p->seen_y + i);
        const vd entered = v_load(p->entered + i);
        const vm remember = v_not_le(entered, young);
        v_store(p->seen_x + i, v_pick(remember, x, seen_x));
        v_store(p->seen_y + i, v_pick(remember, y, seen_y));
        const vm again = v_and(v_eq(x, seen_x), v_eq(y, seen_y));
        settled |= (v_bits(again) | v_bits(v_le(entered, due))) << u * VL;
    }
    return settled;
}

/* One pass over all lanes, and what it finds out. */
TARGET static void advance(const pp_escape_job *job, pp_escape_state *s, pp_escape_report *reports)
{
    pp_escape_lanes *p = &s->lanes;
    const bool settle = s->pass % 2;
    for (int q = (p->used - 1) / GROUP; q >= 0; q--) {
        advance_group(p, q * GROUP, s->pass, reports[q].escaped);
        reports[q].settled = settle ? settle_group(job, p, q * GROUP, s->pass + 1) : 0;
    }
    s->pass++;
}

/* PP_PASS steps of GROUP pixels of the queue from i, each looked at: how many until they escape;
   which have not, and which of those never will: NaN stays NaN, and an orbit that is where it
   began is a cycle. */
TARGET static uint64_t check_group(pp_escape_queue *q, int i, int32_t *steps, uint64_t *never)
{
    vd x[V], y[V];
    for (int u = 0; u < V; u++) {
        x[u] = v_load(q->x + i + u * VL);
        y[u] = v_load(q->y + i + u * VL);
    }
    const uint64_t alive =
        look_steps(q->x + i, q->y + i, q->cr + i, q->ci + i, PP_PASS, false, steps);
    *never = 0;
    for (int u = 0; u < V; u++) {
        const vd now_x = v_load(q->x + i + u * VL), now_y = v_load(q->y + i + u * VL);
        const vm nan = v_not_le(v_mul(now_x, v_set1(0)), v_set1(0));
        const vm same = v_and(v_eq(now_x, x[u]), v_eq(now_y, y[u]));
        *never |= v_bits(v_or(nan, same)) << u * VL;
    }
    return alive;
}

/* Work off the queue: in whole groups, or (`flush`) all of it. */
TARGET static void check(const pp_escape_job *job, pp_escape_state *s, bool flush)
{
    pp_escape_queue *q = &s->queue;
    const int stop = flush ? q->used : q->used - q->used % GROUP;
    int kept = 0;
    for (int i = 0; i < stop; i += GROUP) {
        int32_t steps[GROUP];
        uint64_t never;
        const uint64_t alive = check_group(q, i, steps, &never);
        for (int l = 0; l < GROUP && i + l < stop; l++) {
            const int64_t k = q->k[i + l] + steps[l];
            if (!(alive >> l & 1))
                put_count(job, q->offset[i + l], k);
            else if ((never >> l & 1) || k >= job->max_iter)
                put_count(job, q->offset[i + l], job->max_iter);
            else
                move_queued(q, kept++, i + l, PP_PASS);
        }
    }
    for (int l = stop; l < q->used; l++)
        move_queued(q, kept++, l, 0);
    s->worker.done += q->used - kept;
    q->used = kept;
}

/* What has just been stored lane by lane is slow to load as a vector. So a pass begins with the
   group that was changed first, and the queue is worked on before it grows again. */
TARGET bool ISA(pp_escape)(const void *shared, void *state, pp_slice *slice)
{
    const pp_escape_job *job = shared;
    pp_escape_state *s = state;
    do {
        fill(job, s, slice);
        pp_escape_report reports[PP_LANES / GROUP];
        const int groups = (s->lanes.used + GROUP - 1) / GROUP;
        if (groups > 0)
            advance(job, s, reports);
        check(job, s, groups == 0);
        for (int q = groups - 1; q >= 0; q--)
            empty_lanes(job, s, q * GROUP, GROUP, &reports[q]);
        if (is_empty(s))
            return true;
    } while (!time_is_up(s, slice));
    return false;
}
