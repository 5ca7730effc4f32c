/* The escape-time kernel, for one instruction set: see simd.h for the parameters.

   The arithmetic is the loop's, operation by operation, so every rounding is the same:

       x*x, y*y, x*y       then   x' = (x*x - y*y) + cr,   y' = (x*y + x*y) + ci

   with one fused multiply-add for y' where it cannot differ (v_twice_plus). That bounds the speed:
   six operations a step, while counting and testing for escape after each step would cost three
   more. So they are left out:

   *Looking now and then.* For |c| <= 2, or an orbit that starts at 0, an orbit that has escaped
   stays away: |z| > 2 and |z| >= |c| give |z*z + c| >= |z|*(|z| - 1) > |z|. In floating point a
   step is off by less than 2^-48 while |z| is near 2, an error that the next steps multiply by at
   most 4 each, and inf and NaN stay inf and NaN. So if |z|^2 > 4 after one of PP_STEPS = 4 steps,
   then after the last one |z|^2 <= 4 - 2^-20 does not hold. Where it does hold, the steps are done
   with; where it does not, the pixel is queued and its steps are done again, this time with
   a look after each. Pixels that the argument does not cover go to the queue at once.

   *No lane idle.* A pixel leaves its lane after the pass in which it may have escaped; the next
   pixel takes its place.

   *Cycles.* When the very same (x, y) comes again, the orbit is periodic and never escapes:
   R. P. Brent, "An improved Monte Carlo factorization algorithm", BIT 20 (1980), for the
   schedule (the remembered point is renewed as its age doubles).

   *Traps.* See v_trapped().                                                                     */
#include "simd.h"

#undef V
#undef GROUP
#define V             4 /* vectors in flight: one alone would wait for the latency of its steps */
#define GROUP         (V * VL)
#define v_trapped     ISA(v_trapped)
#define v_in_cardioid ISA(v_in_cardioid)
#define first_steps   ISA(first_steps)
#define trapped_lanes ISA(trapped_lanes)
#define open_block    ISA(open_block)
#define fill          ISA(fill)
#define advance_group ISA(advance_group)
#define advance       ISA(advance)
#define queue_escaped ISA(queue_escaped)
#define settle        ISA(settle)
#define check_group   ISA(check_group)
#define check         ISA(check)

/* Lanes that provably never escape, because they are near an attracting fixed point a = a*a + c:
   |f(z) - f(a)| = |z - a| |z - a + 2a| <= R (R + 2|a|) for |z - a| <= R. Where R + 2|a| <= 1 -
   2^-10 for R = max(|z - a|, 2^-20), that is at most R - 2^-31; with |f(a) - a| <= 2^-32 for the
   computed a, and 2^-48 for the rounding of a step, the orbit stays in the disc, where |z| <= |a| +
   R < 1. */
TARGET PP_INLINE vm v_trapped(vd x, vd y, vd cr, vd ci)
{
    const vd zero = v_set1(0), half = v_set1(0.5), one = v_set1(1), four = v_set1(4);
    const vd wr = v_sub(one, v_mul(four, cr)), wi = v_sub(zero, v_mul(four, ci));
    const vd size = v_sqrt(v_add(v_mul(wr, wr), v_mul(wi, wi)));
    const vd sr = v_sqrt(v_mul(half, v_add(size, wr)));
    const vd si = v_div(v_mul(half, wi), sr);
    const vd ar = v_mul(half, v_sub(one, sr)), ai = v_sub(zero, v_mul(half, si));
    const vd er = v_sub(v_add(v_sub(v_mul(ar, ar), v_mul(ai, ai)), cr), ar);
    const vd ei = v_sub(v_twice_plus(v_mul(ar, ai), ci), ai);
    const vd dr = v_sub(x, ar), di = v_sub(y, ai);
    const vd distance = v_sqrt(v_add(v_mul(dr, dr), v_mul(di, di)));
    const vd radius = v_sqrt(v_add(v_mul(ar, ar), v_mul(ai, ai)));
    const vd error = v_add(v_mul(er, er), v_mul(ei, ei));
    return v_and(v_le(error, v_set1(0x1p-64)),
                 v_le(v_add(distance, v_add(radius, radius)), v_set1(1 - 0x1p-10)));
}

/* The first steps of `GROUP` pixels of the block from i, each looked at: their counts, and which
   may still escape. */
TARGET static unsigned first_steps(pp_escape_block *b, int i, int steps, double *counts)
{
    const vd four = v_set1(4), one = v_set1(1);
    vd x[V], y[V], cr[V], ci[V], k[V];
    vm alive[V];
    for (int u = 0; u < V; u++) {
        x[u] = v_load(b->x + i + u * VL);
        y[u] = v_load(b->y + i + u * VL);
        cr[u] = v_load(b->cr + i + u * VL);
        ci[u] = v_load(b->ci + i + u * VL);
        /* The first step may overflow where the loop's x*y + x*y does, so nothing is fused. */
        const vd xy = v_mul(x[u], y[u]);
        x[u] = v_add(v_sub(v_mul(x[u], x[u]), v_mul(y[u], y[u])), cr[u]);
        y[u] = v_add(v_add(xy, xy), ci[u]);
        const vd r = v_add(v_mul(x[u], x[u]), v_mul(y[u], y[u]));
        alive[u] = v_not_gt(r, four);
        k[u] = v_add_where(alive[u], v_set1(0), one);
    }
    for (int n = 1; n < steps; n++) {
        unsigned any = 0;
        for (int u = 0; u < V; u++) {
            const vd xy = v_mul(x[u], y[u]);
            x[u] = v_add(v_sub(v_mul(x[u], x[u]), v_mul(y[u], y[u])), cr[u]);
            y[u] = v_twice_plus(xy, ci[u]);
            const vd r = v_add(v_mul(x[u], x[u]), v_mul(y[u], y[u]));
            alive[u] = v_and(alive[u], v_not_gt(r, four));
            k[u] = v_add_where(alive[u], k[u], one);
            any |= v_bits(alive[u]);
        }
        if (!any)
            break;
    }
    unsigned live = 0;
    for (int u = 0; u < V; u++) {
        v_store(b->x + i + u * VL, x[u]);
        v_store(b->y + i + u * VL, y[u]);
        v_store(counts + i + u * VL, k[u]);
        live |= v_bits(alive[u]) << (u * VL);
    }
    return live;
}

/* c for which z*z + c has an attracting fixed point. */
TARGET PP_INLINE vm v_in_cardioid(vd cr, vd ci)
{
    const vd x = v_sub(cr, v_set1(0.25)), yy = v_mul(ci, ci);
    const vd q = v_add(v_mul(x, x), yy);
    return v_le(v_mul(q, v_add(q, x)), v_mul(v_set1(0.25), yy));
}

/* Which of these pixels of the block, all of them alive, are trapped. */
TARGET static unsigned trapped_lanes(const pp_escape_block *b, int i)
{
    unsigned trapped = 0;
    for (int u = 0; u < V; u++, i += VL) {
        const vd cr = v_load(b->cr + i), ci = v_load(b->ci + i);
        if (v_bits(v_in_cardioid(cr, ci)))
            trapped |= v_bits(v_trapped(v_load(b->x + i), v_load(b->y + i), cr, ci)) << (u * VL);
    }
    return trapped;
}

/* Draw a block: write the counts that its first steps decide; the other pixels live on. */
TARGET static void open_block(const pp_escape_job *job, pp_escape_state *s, pp_slice *slice)
{
    pp_escape_block *b = &s->block;
    const int n = draw_block(job, s, slice);
    const int steps = job->max_iter < PP_FIRST ? job->max_iter : PP_FIRST;
    double counts[PP_BLOCK];
    for (int i = 0; i < n; i += GROUP) {
        const unsigned alive = first_steps(b, i, steps, counts);
        const unsigned trapped = alive ? trapped_lanes(b, i) : 0;
        const int group = n - i < GROUP ? n - i : GROUP;
        for (int l = 0; l < group; l++) {
            if (!(alive >> l & 1))
                put_count(job, s, b->offset[i + l], (int64_t)counts[i + l]);
            else if ((trapped >> l & 1) || job->max_iter <= PP_FIRST)
                put_count(job, s, b->offset[i + l], job->max_iter);
            else
                survive(job, s, i + l);
        }
    }
}

/* Fill the lanes, as far as there are pixels. */
TARGET static void fill(const pp_escape_job *job, pp_escape_state *s, pp_slice *slice)
{
    pp_escape_block *b = &s->block;
    while (s->lanes.used < job->lanes) {
        if (b->waiting_count > 0)
            occupy(job, s, s->lanes.used++, b->waiting[--b->waiting_count]);
        else if (s->drained || !room_for_block(s) || time_is_up(s, slice))
            return;
        else
            open_block(job, s, slice);
    }
}

/* One pass of the GROUP lanes from i; which of them may have escaped in which group of steps. */
TARGET static void advance_group(pp_escape_lanes *p, int i, int64_t pass, uint32_t *escaped)
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
    for (int g = 0; g < PP_GROUPS; g++) {
        for (int n = 0; n < PP_STEPS; n++) {
            for (int u = 0; u < V; u++) {
                const vd xy = v_mul(x[u], y[u]);
                x[u] = v_add(v_sub(xx[u], yy[u]), v_load(p->cr + i + u * VL));
                y[u] = v_twice_plus(xy, v_load(p->ci + i + u * VL));
                xx[u] = v_mul(x[u], x[u]);
                yy[u] = v_mul(y[u], y[u]);
            }
        }
        const int look = g + 1 < PP_GROUPS ? g + 1 : to;
        uint32_t bits = 0;
        for (int u = 0; u < V; u++) {
            v_store(p->x[look] + i + u * VL, x[u]);
            v_store(p->y[look] + i + u * VL, y[u]);
            bits |= v_bits(v_not_le(v_add(xx[u], yy[u]), limit)) << (u * VL);
        }
        escaped[g] = bits;
    }
}

/* Queue the lanes of this group that may have escaped in the pass. From the last to the first, so
   that a lane that moves into a free place has been looked at. */
TARGET static void queue_escaped(const pp_escape_job *job, pp_escape_state *s, int i,
                                 const uint32_t *escaped)
{
    uint32_t any = escaped[0];
    for (int g = 1; g < PP_GROUPS; g++)
        any |= escaped[g];
    const int group = s->lanes.used - i < GROUP ? s->lanes.used - i : GROUP;
    any &= UINT32_MAX >> (32 - group);
    while (any) {
        const int l = pp_highest_bit(any);
        int g = 0;
        while (!(escaped[g] >> l & 1))
            g++;
        queue_lane(job, s, i + l, g);
        any ^= 1u << l;
    }
}

/* One pass over all lanes. */
TARGET static void advance(const pp_escape_job *job, pp_escape_state *s)
{
    pp_escape_lanes *p = &s->lanes;
    uint32_t escaped[PP_LANES / GROUP][PP_GROUPS];
    const int groups = (p->used + GROUP - 1) / GROUP;
    for (int q = 0; q < groups; q++)
        advance_group(p, q * GROUP, s->pass, escaped[q]);
    s->pass++;
    for (int q = groups - 1; q >= 0; q--)
        queue_escaped(job, s, q * GROUP, escaped[q]);
}

/* Remember the orbits' points when their age has doubled, and retire lanes that have met their
   remembered point again, or have come to max_iter. */
TARGET static void settle(const pp_escape_job *job, pp_escape_state *s)
{
    pp_escape_lanes *p = &s->lanes;
    const int now = current(s->pass);
    const vd pass = v_set1((double)s->pass);
    for (int i = (p->used - 1) / VL * VL; i >= 0; i -= VL) {
        const vd x = v_load(p->x[now] + i), y = v_load(p->y[now] + i);
        const vd seen_x = v_load(p->seen_x + i), seen_y = v_load(p->seen_y + i);
        const vd look = v_load(p->look + i);
        const vm renew = v_le(look, pass);
        const vd age = v_sub(pass, v_load(p->entered + i));
        v_store(p->seen_x + i, v_pick(renew, x, seen_x));
        v_store(p->seen_y + i, v_pick(renew, y, seen_y));
        v_store(p->look + i, v_pick(renew, v_add(pass, age), look));
        unsigned done = v_bits(v_and(v_eq(x, seen_x), v_eq(y, seen_y))) |
                        v_bits(v_le(v_load(p->expires + i), pass));
        for (int l = VL - 1; done && l >= 0; l--)
            if ((done >> l & 1) && i + l < p->used)
                retire_lane(job, s, i + l);
    }
}

/* PP_PASS steps of GROUP pixels of the queue from i, each looked at: how many until they escape,
   and which have not, or never will. */
TARGET static unsigned check_group(pp_escape_queue *q, int i, double *steps, unsigned *never)
{
    const vd four = v_set1(4), one = v_set1(1);
    vd x[V], y[V], k[V];
    vm alive[V];
    for (int u = 0; u < V; u++) {
        x[u] = v_load(q->x + i + u * VL);
        y[u] = v_load(q->y + i + u * VL);
        k[u] = v_set1(0);
        alive[u] = v_eq(k[u], k[u]);
    }
    for (int n = 0; n < PP_PASS; n++) {
        unsigned any = 0;
        for (int u = 0; u < V; u++) {
            const vd xy = v_mul(x[u], y[u]);
            x[u] = v_add(v_sub(v_mul(x[u], x[u]), v_mul(y[u], y[u])), v_load(q->cr + i + u * VL));
            y[u] = v_twice_plus(xy, v_load(q->ci + i + u * VL));
            const vd r = v_add(v_mul(x[u], x[u]), v_mul(y[u], y[u]));
            alive[u] = v_and(alive[u], v_not_gt(r, four));
            k[u] = v_add_where(alive[u], k[u], one);
            any |= v_bits(alive[u]);
        }
        if (!any)
            break;
    }
    unsigned live = 0;
    *never = 0;
    for (int u = 0; u < V; u++) {
        const vm nan = v_not_le(v_mul(x[u], v_set1(0)), one);
        const vm same =
            v_and(v_eq(x[u], v_load(q->x + i + u * VL)), v_eq(y[u], v_load(q->y + i + u * VL)));
        v_store(q->x + i + u * VL, x[u]);
        v_store(q->y + i + u * VL, y[u]);
        v_store(steps + u * VL, k[u]);
        live |= v_bits(alive[u]) << (u * VL);
        *never |= (v_bits(nan) | v_bits(same)) << (u * VL);
    }
    return live;
}

/* Work off the queue: in whole groups, or (`flush`) all of it. */
TARGET static void check(const pp_escape_job *job, pp_escape_state *s, bool flush)
{
    pp_escape_queue *q = &s->queue;
    const int stop = flush ? q->used : q->used - q->used % GROUP;
    int kept = 0;
    for (int i = 0; i < stop; i += GROUP) {
        double steps[GROUP];
        unsigned never;
        const unsigned alive = check_group(q, i, steps, &never);
        for (int l = i; l < i + GROUP && l < stop; l++) {
            const unsigned bit = 1u << (l - i);
            if (!(alive & bit))
                put_count(job, s, q->offset[l], q->k[l] + (int64_t)steps[l - i]);
            else if ((never & bit) || q->k[l] + PP_PASS >= job->max_iter)
                put_count(job, s, q->offset[l], job->max_iter);
            else
                move_queued(q, kept++, l, PP_PASS);
        }
    }
    for (int l = stop; l < q->used; l++)
        move_queued(q, kept++, l, 0);
    q->used = kept;
}

TARGET bool ISA(pp_escape)(const void *shared, void *state, pp_slice *slice)
{
    const pp_escape_job *job = shared;
    pp_escape_state *s = state;
    do {
        fill(job, s, slice);
        if (s->lanes.used > 0) {
            advance(job, s);
            if (s->pass % 2 == 0)
                settle(job, s);
        }
        check(job, s, s->lanes.used == 0);
        if (is_empty(s))
            return true;
    } while (!time_is_up(s, slice));
    return false;
}
