/* Exact sums of arrays: blocks go through the kernels, what they refuse goes in number by number.

   A sum without rounding does not depend on the order of its numbers, so the dimensions are walked
   as they lie in memory, and each worker has a sum of its own until there is nothing left to add.
 */
#include "fsum.h"

#include <limits.h>
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"
#include "dispatch.h"
#include "exact_sum.h"
#include "parallel.h"
#include "view.h"

enum {
    PIECE = 1024,       /* numbers converted at a time, on the stack */
    LONG_ROW = 64,      /* from so many numbers on, neighbours are not copied first */
    SPAN = 1 << 15,     /* numbers drawn at a time */
    OUTPUTS = 64,       /* sums drawn at a time, at most */
    LONG_SUM = 1 << 20, /* from so many numbers on, all threads work on each sum */
};

/* 2**exponent, for normal numbers. */
PP_INLINE double power_of_two(int exponent)
{
    const uint64_t bits = (uint64_t)(exponent + 1023) << 52;
    double power;
    memcpy(&power, &bits, sizeof power);
    return power;
}

/* How many units of the last place lie between two numbers that have the same exponent? */
PP_INLINE int64_t units_between(double from, double to)
{
    int64_t a, b;
    memcpy(&a, &from, sizeof a);
    memcpy(&b, &to, sizeof b);
    return b - a;
}

#define ISA(name) name##_baseline
#define TARGET
#ifdef PP_X86
#    include <immintrin.h>
#    include "simd_sse2.h"
#else
#    include "simd_scalar.h"
#endif
#include "fsum_template.h"
#undef ISA
#undef TARGET

#ifdef PP_X86
#    define ISA(name) name##_avx2
#    define TARGET    PP_TARGET("avx2,fma")
#    include "simd_avx2.h"
#    include "fsum_template.h"
#    undef ISA
#    undef TARGET

#    define ISA(name) name##_avx512
#    define TARGET    PP_TARGET("avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx2,fma")
#    include "simd_avx512.h"
#    include "fsum_template.h"
#    undef ISA
#    undef TARGET
#endif

#ifdef PP_AARCH64
#    include <arm_neon.h>
#    define ISA(name) name##_neon
#    define TARGET
#    include "simd_neon.h"
#    include "fsum_template.h"
#    undef ISA
#    undef TARGET
#endif

/* A sum in the making, and the `top` that its last block went through with: the next is probably of
   the same magnitude. */
typedef struct summation {
    pp_exact_sum sum;
    int top;
} summation;

/* The lowest `top` for these numbers. */
static int top_for(const double *x, int n)
{
    double largest = 0;
    for (int i = 0; i < n; i++) {
        const double size = fabs(x[i]);
        largest = size > largest ? size : largest;
    }
    if (isinf(largest))
        return INT_MAX;
    int exponent;
    frexp(largest, &exponent);
    return exponent + PP_FSUM_HEADROOM;
}

static bool goes_through_kernel(summation *s, const double *x, int n, int64_t *total)
{
    if (pp_kernels->fsum(x, n, s->top, total))
        return true;
    int top = top_for(x, n);
    top = top < PP_FSUM_MIN_TOP ? PP_FSUM_MIN_TOP : top;
    if (top == s->top || top > PP_FSUM_MAX_TOP)
        return false;
    s->top = top;
    return pp_kernels->fsum(x, n, top, total);
}

static void add_block(summation *s, const double *x, int n)
{
    enum { FEW = 64 }; /* faster one by one */
    const int whole = n < FEW ? 0 : n - n % PP_FSUM_LANES;
    int64_t total[PP_FSUM_LEVELS];
    if (whole > 0 && goes_through_kernel(s, x, whole, total)) {
        for (int j = 0; j < PP_FSUM_LEVELS; j++)
            pp_exact_add_integer(&s->sum, total[j], s->top - 52 - PP_FSUM_STEP * j);
        x += whole;
        n -= whole;
    }
    pp_exact_add(&s->sum, x, n);
}

static void add_doubles(summation *s, const double *x, int64_t n)
{
    for (int64_t i = 0; i < n; i += PP_FSUM_BLOCK)
        add_block(s, x + i, (int)(n - i < PP_FSUM_BLOCK ? n - i : PP_FSUM_BLOCK));
}

/* Sums of integers in 64 bits, which n numbers of 32 bits do not fill. */
#define DEFINE_SUM_OF(ctype)                                                                       \
    static int64_t sum_of_##ctype(const char *from, int64_t n)                                     \
    {                                                                                              \
        int64_t total = 0;                                                                         \
        for (int64_t i = 0; i < n; i++) {                                                          \
            ctype value;                                                                           \
            memcpy(&value, from + i * (int64_t)sizeof value, sizeof value);                        \
            total += value;                                                                        \
        }                                                                                          \
        return total;                                                                              \
    }
DEFINE_SUM_OF(int8_t)
DEFINE_SUM_OF(uint8_t)
DEFINE_SUM_OF(int16_t)
DEFINE_SUM_OF(uint16_t)
DEFINE_SUM_OF(int32_t)
DEFINE_SUM_OF(uint32_t)
#undef DEFINE_SUM_OF

static int64_t count_true(const char *from, int64_t n)
{
    int64_t count = 0;
    for (int64_t i = 0; i < n; i++)
        count += from[i] != 0;
    return count;
}

/* Numbers of 64 bits in halves; int64 as uint64 that is 2**63 too large. */
static void add_words(pp_exact_sum *sum, const char *from, int64_t n, bool is_signed)
{
    const uint64_t flip = is_signed ? UINT64_C(1) << 63 : 0;
    uint64_t low = 0, high = 0;
    for (int64_t i = 0; i < n; i++) {
        uint64_t word;
        memcpy(&word, from + i * (int64_t)sizeof word, sizeof word);
        low += (uint32_t)word;
        high += (word ^ flip) >> 32;
    }
    pp_exact_add_integer(sum, (int64_t)low, 0);
    pp_exact_add_integer(sum, (int64_t)high, 32);
    pp_exact_add_integer(sum, is_signed ? -n : 0, 63);
}

static void add_floats(summation *s, const char *from, int64_t n)
{
    double wide[PIECE];
    for (int64_t done = 0; done < n; done += PIECE) {
        const int piece = (int)(n - done < PIECE ? n - done : PIECE);
        for (int i = 0; i < piece; i++) {
            float narrow;
            memcpy(&narrow, from + (done + i) * (int64_t)sizeof narrow, sizeof narrow);
            wide[i] = narrow;
        }
        add_doubles(s, wide, piece);
    }
}

static void add_unaligned_doubles(summation *s, const char *from, int64_t n)
{
    double aligned[PIECE];
    for (int64_t done = 0; done < n; done += PIECE) {
        const int piece = (int)(n - done < PIECE ? n - done : PIECE);
        memcpy(aligned, from + done * (int64_t)sizeof *aligned, (size_t)piece * sizeof *aligned);
        add_doubles(s, aligned, piece);
    }
}

/* n numbers that lie one after another in this machine's byte order. */
static void add_packed(summation *s, enum pp_type type, const char *from, int64_t n)
{
    switch (type) {
    case PP_BOOL:
        pp_exact_add_integer(&s->sum, count_true(from, n), 0);
        return;
    case PP_INT8:
        pp_exact_add_integer(&s->sum, sum_of_int8_t(from, n), 0);
        return;
    case PP_UINT8:
        pp_exact_add_integer(&s->sum, sum_of_uint8_t(from, n), 0);
        return;
    case PP_INT16:
        pp_exact_add_integer(&s->sum, sum_of_int16_t(from, n), 0);
        return;
    case PP_UINT16:
        pp_exact_add_integer(&s->sum, sum_of_uint16_t(from, n), 0);
        return;
    case PP_INT32:
        pp_exact_add_integer(&s->sum, sum_of_int32_t(from, n), 0);
        return;
    case PP_UINT32:
        pp_exact_add_integer(&s->sum, sum_of_uint32_t(from, n), 0);
        return;
    case PP_INT64:
    case PP_UINT64:
        add_words(&s->sum, from, n, type == PP_INT64);
        return;
    case PP_FLOAT32:
        add_floats(s, from, n);
        return;
    default:
        if ((uintptr_t)from % sizeof(double) == 0)
            add_doubles(s, (const double *)(const void *)from, n);
        else
            add_unaligned_doubles(s, from, n);
    }
}

/* Elements of any layout, copied in pieces. */
static void add_scattered(summation *s, const pp_view *a, int64_t start, int64_t n)
{
    uint64_t elements[PIECE];
    int64_t offsets[PIECE];
    for (int64_t done = 0; done < n; done += PIECE) {
        const int piece = (int)(n - done < PIECE ? n - done : PIECE);
        pp_view_offsets(a, start + done, piece, offsets);
        pp_view_gather(a, offsets, piece, elements);
        add_packed(s, a->type, (const char *)elements, piece);
    }
}

/* Elements start … start + n - 1 of a coalesced view. */
static void add_span(summation *s, const pp_view *a, int64_t start, int64_t n)
{
    const int last = a->ndim - 1;
    const int64_t row = last < 0 ? 1 : a->shape[last];
    const bool packed = last < 0 || a->strides[last] == pp_type_size(a->type);
    if (a->swapped || !packed || (last > 0 && row < LONG_ROW)) {
        add_scattered(s, a, start, n);
        return;
    }
    while (n > 0) {
        const int64_t left = row - start % row, run = left < n ? left : n;
        int64_t offset;
        pp_view_offsets(a, start, 1, &offset);
        add_packed(s, a->type, a->data + offset, run);
        start += run;
        n -= run;
    }
}

/* One sum by all threads. Where a worker has nothing left to do, its limbs go to this. */
typedef struct shared_sum {
    atomic_int_fast64_t limb[PP_LIMBS];
    atomic_uint specials;
} shared_sum;

typedef struct span_job {
    const pp_view *a;
    int64_t n;
    shared_sum *total;
} span_job;

typedef struct span_state {
    pp_worker worker;
    summation own;
} span_state;

static void contribute(pp_exact_sum *own, shared_sum *total)
{
    pp_exact_carry(own);
    for (int i = 0; i < PP_LIMBS; i++)
        if (own->limb[i])
            atomic_fetch_add_explicit(&total->limb[i], own->limb[i], memory_order_relaxed);
    atomic_fetch_or_explicit(&total->specials, own->specials, memory_order_relaxed);
}

static bool add_spans(const void *shared, void *state, pp_slice *slice)
{
    const span_job *job = shared;
    span_state *s = state;
    for (int64_t item; (item = pp_slice_draw(slice)) >= 0;) {
        const int64_t start = item * SPAN;
        const int64_t n = job->n - start < SPAN ? job->n - start : SPAN;
        add_span(&s->own, job->a, start, n);
        s->worker.done += n;
        if (pp_slice_over(slice))
            return false;
    }
    contribute(&s->own.sum, job->total);
    return true;
}

/* A view that is in memory order already. */
static enum pp_status sum_by_spans(const pp_view *a, const pp_run *run, pp_exact_sum *sum)
{
    shared_sum total = {0};
    const int64_t n = pp_view_size(a), items = (n + SPAN - 1) / SPAN;
    const span_job job = {.a = a, .n = n, .total = &total};
    const pp_job parallel = {
        .shared = &job,
        .items = items,
        .total = n,
        .max_workers = items <= 2        ? 1
                       : items < INT_MAX ? (int)items
                                         : INT_MAX,
        .state_size = sizeof(span_state),
        .work = add_spans,
    };
    const enum pp_status status = pp_parallel_for(&parallel, run);
    *sum = (pp_exact_sum){.count = n, .specials = atomic_load(&total.specials)};
    for (int i = 0; i < PP_LIMBS; i++)
        sum->limb[i] = atomic_load(&total.limb[i]);
    pp_exact_carry(sum);
    return status;
}

enum pp_status pp_exact_sum_of(const pp_view *a, const pp_run *run, pp_exact_sum *sum)
{
    pp_view view = *a;
    pp_view_in_memory_order(&view);
    return sum_by_spans(&view, run, sum);
}

/* Many sums, each by one thread. */
typedef struct output_job {
    const pp_view *kept, *reduced, *out;
    int64_t outputs;
    int per_item;
    atomic_uint *faults;
} output_job;

typedef struct output_state {
    pp_worker worker;
    summation own;
} output_state;

static void put_value(const pp_exact_sum *sum, char *to, atomic_uint *faults)
{
    double value;
    const enum pp_exact_fault fault = pp_exact_value(sum, &value);
    memcpy(to, &value, sizeof value);
    if (fault)
        atomic_fetch_or_explicit(faults, 1U << fault, memory_order_relaxed);
}

static void put_sums(const output_job *job, summation *own, int64_t first, int n)
{
    int64_t from[OUTPUTS], to[OUTPUTS];
    pp_view_offsets(job->kept, first, n, from);
    pp_view_offsets(job->out, first, n, to);
    pp_view row = *job->reduced;
    for (int i = 0; i < n; i++) {
        own->sum = (pp_exact_sum){.count = 0};
        row.data = job->reduced->data + from[i];
        add_span(own, &row, 0, pp_view_size(&row));
        put_value(&own->sum, job->out->data + to[i], job->faults);
    }
}

static bool put_outputs(const void *shared, void *state, pp_slice *slice)
{
    const output_job *job = shared;
    output_state *s = state;
    for (int64_t item; (item = pp_slice_draw(slice)) >= 0;) {
        const int64_t first = item * job->per_item, left = job->outputs - first;
        const int n = left < job->per_item ? (int)left : job->per_item;
        put_sums(job, &s->own, first, n);
        s->worker.done += n;
        if (pp_slice_over(slice))
            return false;
    }
    return true;
}

static enum pp_status sums_side_by_side(const output_job *outputs, const pp_run *run)
{
    enum { FIXED_COST = 1000 }; /* of a sum, in numbers added */
    const int64_t n = pp_view_size(outputs->reduced) + FIXED_COST;
    output_job job = *outputs;
    job.per_item = n < SPAN / OUTPUTS ? OUTPUTS : (int)(SPAN / n) + 1;
    const int64_t items = (job.outputs + job.per_item - 1) / job.per_item;
    const pp_job parallel = {
        .shared = &job,
        .items = items,
        .total = job.outputs,
        .max_workers = job.outputs <= 2 * SPAN / n ? 1
                       : items < INT_MAX           ? (int)items
                                                   : INT_MAX,
        .state_size = sizeof(output_state),
        .work = put_outputs,
    };
    return pp_parallel_for(&parallel, run);
}

/* Long sums are shared by the threads, one sum after another, looking at the clock in between. */
static enum pp_status sums_in_turn(const output_job *job, const pp_run *run)
{
    double deadline = pp_now() + run->slice;
    for (int64_t i = 0; i < job->outputs; i++) {
        int64_t from, to;
        pp_view_offsets(job->kept, i, 1, &from);
        pp_view_offsets(job->out, i, 1, &to);
        pp_view row = *job->reduced;
        row.data += from;
        pp_exact_sum sum;
        const enum pp_status status = sum_by_spans(&row, run, &sum);
        if (status != PP_OK)
            return status;
        put_value(&sum, job->out->data + to, job->faults);
        if (run->poll && pp_now() >= deadline) {
            if (!run->poll(run->context, i + 1, job->outputs))
                return PP_INTERRUPTED;
            deadline = pp_now() + run->slice;
        }
    }
    return PP_OK;
}

enum pp_status pp_fsum(const pp_view *a, int kept, const pp_view *out, const pp_run *run,
                       enum pp_exact_fault *fault)
{
    pp_view outer = *a, inner = *a, results = *out;
    outer.ndim = kept;
    inner.ndim = a->ndim - kept;
    for (int d = 0; d < inner.ndim; d++) {
        inner.shape[d] = a->shape[kept + d];
        inner.strides[d] = a->strides[kept + d];
    }
    pp_view_in_memory_order(&inner);
    pp_view_coalesce(&outer);
    pp_view_coalesce(&results);
    atomic_uint faults = 0;
    const output_job job = {.kept = &outer,
                            .reduced = &inner,
                            .out = &results,
                            .outputs = pp_view_size(&results),
                            .faults = &faults};
    const int64_t n = pp_view_size(&inner);
    const bool in_turn = n >= LONG_SUM || (n > 2 * SPAN && job.outputs < run->num_threads);
    const enum pp_status status = in_turn ? sums_in_turn(&job, run) : sums_side_by_side(&job, run);
    const unsigned found = atomic_load(&faults);
    *fault = found & 1U << PP_EXACT_INFINITIES ? PP_EXACT_INFINITIES
             : found                           ? PP_EXACT_OVERFLOW
                                               : PP_EXACT_FINE;
    return status;
}
