/* Reductions of tables between guard pages, in every type, order and direction. The elements are
   small integers: their sums are exact in any order. */
#include <math.h>
#include <string.h>

#include "../../csrc/core/view.h"
#include "check.h"
#include "tests.h"

enum { MOST = 700 };

/* Element (i, j) is at data + i * step[0] + j * step[1]. */
typedef struct table {
    guarded memory;
    enum pp_type type;
    bool swapped;
    int64_t shape[2], step[2];
} table;

static int value_at(const table *t, int64_t i, int64_t j)
{
    const int value = (int)((i * 7 + j * 5 + i * j) % 4);
    const bool is_signed = t->type == PP_INT8 || t->type == PP_INT16 || t->type == PP_INT32 ||
                           t->type == PP_INT64 || t->type >= PP_FLOAT32;
    return t->type == PP_BOOL ? value > 1 : is_signed ? value - 2 : value;
}

static void put_number(enum pp_type type, double value, char *to)
{
    const float narrow = (float)value;
    if (type == PP_FLOAT32)
        memcpy(to, &narrow, sizeof narrow);
    else if (type == PP_FLOAT64)
        memcpy(to, &value, sizeof value);
    else
        pp_store_integer((int64_t)value, (size_t)pp_type_size(type), to);
}

static double get_number(enum pp_type type, const char *from)
{
    if (type != PP_FLOAT32 && type != PP_FLOAT64)
        return (double)pp_load_integer(type == PP_BOOL ? PP_UINT8 : type, from);
    float narrow;
    double value;
    if (type == PP_FLOAT32) {
        memcpy(&narrow, from, sizeof narrow);
        return narrow;
    }
    memcpy(&value, from, sizeof value);
    return value;
}

static table random_table(void)
{
    table t = {.type = (enum pp_type)random_below(PP_COMPLEX64), .swapped = random_chance(0.2)};
    const int long_axis = (int)random_below(2), inner = (int)random_below(2);
    const int64_t size = pp_type_size(t.type);
    t.shape[long_axis] = 1 + random_below(MOST);
    t.shape[!long_axis] = 1 + random_below(random_chance(0.5) ? 5 : 90);
    t.step[inner] = size * (1 + random_below(2)) + random_below(2); /* aligned or not */
    t.step[!inner] = t.step[inner] * t.shape[inner];
    const int64_t last = (t.shape[0] - 1) * t.step[0] + (t.shape[1] - 1) * t.step[1];
    t.memory = guarded_new((size_t)(last + size), random_chance(0.5));
    for (int64_t i = 0; i < t.shape[0]; i++) {
        for (int64_t j = 0; j < t.shape[1]; j++) {
            char raw[8], *to = t.memory.data + i * t.step[0] + j * t.step[1];
            put_number(t.type, value_at(&t, i, j), raw);
            for (int64_t b = 0; b < size; b++)
                to[b] = raw[t.swapped ? size - 1 - b : b];
        }
    }
    return t;
}

/* What reductions of one output should be. */
typedef struct facts {
    int64_t n, nonzero, first_least, first_greatest;
    double sum, squares, least, greatest;
} facts;

static void note(facts *f, double x)
{
    if (f->n == 0 || x < f->least) {
        f->least = x;
        f->first_least = f->n;
    }
    if (f->n == 0 || x > f->greatest) {
        f->greatest = x;
        f->first_greatest = f->n;
    }
    f->sum += x;
    f->squares += x * x;
    f->nonzero += x != 0;
    f->n++;
}

/* Of output `at`, along this axis of the table; of all of it for -1. */
static facts facts_of(const table *t, int axis, int64_t at)
{
    facts f = {0};
    for (int64_t i = axis == 1 ? at : 0; i < (axis == 1 ? at + 1 : t->shape[0]); i++)
        for (int64_t j = axis == 0 ? at : 0; j < (axis == 0 ? at + 1 : t->shape[1]); j++)
            note(&f, value_at(t, i, j));
    return f;
}

static double expected_of(enum pp_reduction op, const facts *f)
{
    const double n = (double)f->n, mean = f->sum / n;
    switch (op) {
    case PP_SUM:
        return f->sum;
    case PP_MEAN:
        return mean;
    case PP_VAR:
        return f->squares / n - mean * mean;
    case PP_STD:
        return sqrt(fmax(0, f->squares / n - mean * mean));
    case PP_NORM:
        return sqrt(f->squares);
    case PP_COUNT_NONZERO:
        return (double)f->nonzero;
    case PP_MAX:
        return f->greatest;
    case PP_ARGMIN:
        return (double)f->first_least;
    case PP_ARGMAX:
        return (double)f->first_greatest;
    default:
        return f->least;
    }
}

static enum pp_type result_type(enum pp_reduction op, enum pp_type type)
{
    switch (op) {
    case PP_SUM:
        return type >= PP_FLOAT32 || random_chance(0.3) ? PP_FLOAT64 : PP_INT64;
    case PP_NORM: /* which finds its own way to the extremes of float64 */
        return type == PP_FLOAT64 || random_chance(0.8) ? PP_FLOAT64 : PP_FLOAT32;
    case PP_MEAN:
    case PP_VAR:
    case PP_STD:
        return random_chance(0.2) ? PP_FLOAT32 : PP_FLOAT64;
    case PP_MIN:
    case PP_MAX:
    case PP_MINMAX:
        return type;
    default:
        return PP_INT64;
    }
}

static void check_results(const table *t, const pp_reduction_task *task, int axis)
{
    const int64_t outputs = axis < 0 ? 1 : t->shape[1 - axis];
    const bool rounds = task->op == PP_VAR || task->op == PP_STD;
    for (int64_t at = 0; at < outputs; at++) {
        const facts f = facts_of(t, axis, at);
        for (int o = 0; o < (task->op == PP_MINMAX ? 2 : 1); o++) {
            const pp_view *out = &task->out[o];
            const double found = get_number(out->type, out->data + at * pp_type_size(out->type));
            double expected = expected_of(o == 1 ? PP_MAX : task->op, &f);
            if (out->type == PP_FLOAT32)
                expected = (float)expected;
            const double allowed = rounds ? (out->type == PP_FLOAT32 ? 1e-6 : 1e-7) : 0;
            CHECK(fabs(found - expected) <= allowed,
                  "%g, not %g: reduction %d of type %d, (%lld, %lld) along %d, output %lld", found,
                  expected, task->op, t->type, (long long)t->shape[0], (long long)t->shape[1], axis,
                  (long long)at);
        }
    }
}

static void check_reduction(const table *t, enum pp_reduction op, int axis)
{
    const int64_t outputs = axis < 0 ? 1 : t->shape[1 - axis];
    const int kept = axis < 0 ? 0 : 1, first = axis == 0 ? 1 : 0;
    pp_reduction_task task = {.op = op, .kept = kept};
    task.in[0] = (pp_view){.data = t->memory.data,
                           .type = t->type,
                           .swapped = t->swapped,
                           .ndim = 2,
                           .shape = {t->shape[first], t->shape[1 - first]},
                           .strides = {t->step[first], t->step[1 - first]}};
    guarded results[2];
    const enum pp_type type = result_type(op, t->type);
    const int64_t size = pp_type_size(type);
    for (int o = 0; o < 2; o++) {
        results[o] = guarded_new((size_t)(outputs * size), random_chance(0.5));
        task.out[o] = (pp_view){.data = results[o].data,
                                .type = type,
                                .ndim = kept,
                                .shape = {outputs},
                                .strides = {size}};
    }
    const pp_run run = {.num_threads = 1 + (int)random_below(4)};
    CHECK(pp_reduce(&task, &run) == PP_OK, "reduction %d", op);
    check_results(t, &task, axis);
    for (int o = 0; o < 2; o++)
        guarded_free(results[o]);
}

static void check_dot(void)
{
    const int64_t n = random_below(MOST), step = 1 + random_below(2);
    const bool narrow = random_chance(0.5);
    const int64_t size = narrow ? 4 : 8;
    pp_reduction_task task = {.op = PP_DOT};
    guarded memory[2];
    double expected = 0, found;
    for (int i = 0; i < 2; i++) {
        memory[i] = guarded_new((size_t)(n > 0 ? ((n - 1) * step + 1) * size : 1), i);
        task.in[i] = (pp_view){.data = memory[i].data,
                               .type = narrow ? PP_FLOAT32 : PP_FLOAT64,
                               .ndim = 1,
                               .shape = {n},
                               .strides = {step * size}};
    }
    for (int64_t k = 0; k < n; k++) {
        for (int i = 0; i < 2; i++)
            put_number(task.in[i].type, (double)(k % (3 + i)), memory[i].data + k * step * size);
        expected += (double)(k % 3) * (double)(k % 4);
    }
    task.out[0] = (pp_view){.data = (char *)&found, .type = PP_FLOAT64};
    CHECK(pp_reduce(&task, &(pp_run){.num_threads = 2}) == PP_OK, "%lld elements", (long long)n);
    CHECK(found == expected, "%g, not %g", found, expected);
    for (int i = 0; i < 2; i++)
        guarded_free(memory[i]);
}

void test_reduce(int rounds)
{
    for (int i = 0; i < rounds; i += 4) {
        const table t = random_table();
        for (int op = PP_SUM; op <= PP_ARGMAX; op++)
            if (op != PP_DOT)
                check_reduction(&t, (enum pp_reduction)op, (int)random_below(3) - 1);
        guarded_free(t.memory);
        check_dot();
    }
}
