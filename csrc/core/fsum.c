/* Exact sums of arrays: blocks go through the kernels, what they refuse goes in number by number.

   A sum without rounding does not depend on the order of its numbers, so the dimensions are walked
   as they lie in memory, and each worker has a sum of its own until there is nothing left to add.
 */
#include "fsum.h"

#include <stdatomic.h>
#include <stddef.h>
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

/* A sum in the making. */
typedef struct summation {
    pp_exact_sum sum;
    int top;             /* that the last block went through with: the next is probably like it;
                            0 before the first */
    int pause;           /* blocks that the kernel is not asked for */
    pp_exact_bins *bins; /* hold a part of the sum until it is settled; NULL for short sums */
} summation;

static bool add_by_kernel(summation *s, const double *x, int n)
{
    int64_t total[PP_FSUM_LEVELS];
    if (s->top == 0)
        s->top = pp_fsum_guess_top(x, PP_FSUM_LANES);
    if (!pp_kernels->fsum->block(x, n, s->top, total)) {
        const int top = pp_fsum_top(pp_fsum_exponent(x, n));
        if (top == s->top || top == PP_FSUM_NO_TOP)
            return false;
        s->top = top;
        if (!pp_kernels->fsum->block(x, n, top, total))
            return false;
    }
    for (int j = 0; j < PP_FSUM_LEVELS; j++)
        pp_exact_add_integer(&s->sum, total[j], pp_fsum_unit(s->top, j));
    return true;
}

static void add_one_by_one(summation *s, const double *x, int n)
{
    if (s->bins)
        pp_exact_add_binned(&s->sum, s->bins, x, n);
    else
        pp_exact_add(&s->sum, x, n);
}

/* A whole number of PP_FSUM_LANES. The kernel refuses a block for one odd number: then it gets
   parts; if it refuses those too, it gets none of the next blocks. */
static void add_block(summation *s, const double *x, int n)
{
    enum { PART = 256, PATIENCE = 3, PAUSE = 8 };
    if (s->pause == 0 && add_by_kernel(s, x, n))
        return;
    int patience = s->pause > 0 || n <= PART ? 0 : PATIENCE;
    s->pause -= s->pause > 0;
    for (int i = 0; i < n; i += PART) {
        const int part = n - i < PART ? n - i : PART;
        if (patience > 0 && add_by_kernel(s, x + i, part))
            continue;
        add_one_by_one(s, x + i, part);
        if (--patience == 0)
            s->pause = PAUSE;
    }
}

static void settle(summation *s)
{
    if (s->bins)
        pp_exact_empty_bins(&s->sum, s->bins);
}

static void add_doubles(summation *s, const double *x, int64_t n)
{
    enum { FEW = 64 }; /* faster one by one */
    const int64_t whole = n < FEW ? 0 : n - n % PP_FSUM_LANES;
    for (int64_t i = 0; i < whole; i += PP_FSUM_BLOCK)
        add_block(s, x + i, (int)(whole - i < PP_FSUM_BLOCK ? whole - i : PP_FSUM_BLOCK));
    pp_exact_add(&s->sum, x + whole, n - whole);
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

typedef struct fsum_state {
    pp_worker worker;
    summation own;
    pp_exact_bins bins; /* only for sums of this many numbers: */
} fsum_state;

enum { BINNED = PP_FSUM_BLOCK };

static size_t state_size(int64_t n)
{
    return n < BINNED ? offsetof(fsum_state, bins) : sizeof(fsum_state);
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
    fsum_state *s = state;
    s->own.bins = job->n < BINNED ? NULL : &s->bins;
    for (int64_t item; (item = pp_slice_draw(slice)) >= 0;) {
        const int64_t start = item * SPAN;
        const int64_t n = job->n - start < SPAN ? job->n - start : SPAN;
        add_span(&s->own, job->a, start, n);
        s->worker.done += n;
        if (pp_slice_over(slice))
            return false;
    }
    settle(&s->own);
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
        .max_workers = items <= 2 ? 1 : pp_fsum_workers(items),
        .state_size = state_size(n),
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
    const pp_fsum_outputs *outputs;
    int per_item;
} output_job;

void pp_fsum_put(const pp_exact_sum *sum, char *to, atomic_uint *faults)
{
    double value;
    const enum pp_exact_fault fault = pp_exact_value(sum, &value);
    memcpy(to, &value, sizeof value);
    if (fault)
        atomic_fetch_or_explicit(faults, 1U << fault, memory_order_relaxed);
}

static void put_sums(const pp_fsum_outputs *job, summation *own, int64_t first, int n)
{
    int64_t from[OUTPUTS], to[OUTPUTS];
    pp_view_offsets(job->kept, first, n, from);
    pp_view_offsets(job->out, first, n, to);
    pp_view row = *job->reduced;
    for (int i = 0; i < n; i++) {
        own->sum = (pp_exact_sum){.count = 0};
        row.data = job->reduced->data + from[i];
        add_span(own, &row, 0, job->n);
        settle(own);
        pp_fsum_put(&own->sum, job->out->data + to[i], job->faults);
    }
}

static bool put_outputs(const void *shared, void *state, pp_slice *slice)
{
    const output_job *job = shared;
    fsum_state *s = state;
    s->own.bins = job->outputs->n < BINNED ? NULL : &s->bins;
    for (int64_t item; (item = pp_slice_draw(slice)) >= 0;) {
        const int64_t first = item * job->per_item, left = job->outputs->count - first;
        const int n = left < job->per_item ? (int)left : job->per_item;
        put_sums(job->outputs, &s->own, first, n);
        s->worker.done += n;
        if (pp_slice_over(slice))
            return false;
    }
    return true;
}

static enum pp_status sums_side_by_side(const pp_fsum_outputs *outputs, const pp_run *run)
{
    enum { FIXED_COST = 1000 }; /* of a sum, in numbers added */
    const int64_t cost = outputs->n + FIXED_COST;
    const bool small = outputs->count <= 2 * SPAN / cost;
    output_job job = {.outputs = outputs};
    job.per_item = cost < SPAN / OUTPUTS ? OUTPUTS : (int)(SPAN / cost) + 1;
    const int64_t items = (outputs->count + job.per_item - 1) / job.per_item;
    const pp_job parallel = {
        .shared = &job,
        .items = items,
        .total = outputs->count,
        .max_workers = small ? 1 : pp_fsum_workers(items),
        .state_size = state_size(outputs->n),
        .work = put_outputs,
    };
    pp_run calm = *run; /* the clock costs as much as adding some hundred numbers */
    calm.poll = small ? NULL : run->poll;
    return pp_parallel_for(&parallel, &calm);
}

/* Long sums are shared by the threads, one sum after another, looking at the clock in between. */
static enum pp_status sums_in_turn(const pp_fsum_outputs *job, const pp_run *run)
{
    double deadline = pp_now() + run->slice;
    for (int64_t i = 0; i < job->count; i++) {
        int64_t from, to;
        pp_view_offsets(job->kept, i, 1, &from);
        pp_view_offsets(job->out, i, 1, &to);
        pp_view row = *job->reduced;
        row.data += from;
        pp_exact_sum sum;
        const enum pp_status status = sum_by_spans(&row, run, &sum);
        if (status != PP_OK)
            return status;
        pp_fsum_put(&sum, job->out->data + to, job->faults);
        if (run->poll && pp_now() >= deadline) {
            if (!run->poll(run->context, i + 1, job->count))
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
    const pp_fsum_outputs outputs = {
        .kept = &outer,
        .reduced = &inner,
        .out = &results,
        .count = pp_view_size(&results),
        .n = pp_view_size(&inner),
        .faults = &faults,
    };
    const bool few = outputs.n > 2 * SPAN && outputs.count < run->num_threads;
    enum pp_status status;
    if (pp_fsum_suits_columns(&outputs))
        status = pp_fsum_by_columns(&outputs, run);
    else if (few || outputs.n >= LONG_SUM)
        status = sums_in_turn(&outputs, run);
    else
        status = sums_side_by_side(&outputs, run);
    const unsigned found = atomic_load(&faults);
    *fault = found & 1U << PP_EXACT_INFINITIES ? PP_EXACT_INFINITIES
             : found                           ? PP_EXACT_OVERFLOW
                                               : PP_EXACT_FINE;
    return status;
}
