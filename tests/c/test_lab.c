/* The labs: every word read once and none beside them; no update lost where none may be. */
#include <stdlib.h>

#include "../../csrc/core/pp.h"
#include "check.h"
#include "tests.h"

static bool stop(void *context, int64_t done, int64_t total)
{
    (void)context;
    CHECK(0 <= done && done <= total, "%lld of %lld done", (long long)done, (long long)total);
    return false;
}

static pp_run some_run(void)
{
    return (pp_run){.num_threads = 1 + (int)random_below(5)};
}

static void check_reading(int64_t n)
{
    const guarded words = guarded_new((size_t)n * sizeof(uint64_t), random_chance(0.5));
    uint64_t *const data = (uint64_t *)(void *)words.data;
    uint64_t wanted = 0, sum;
    for (int64_t i = 0; i < n; i++)
        wanted += data[i] = random_bits();
    double seconds;
    const pp_run run = some_run();
    CHECK(pp_read_words(data, n, &sum, &seconds, &run) == PP_OK, "%lld words", (long long)n);
    CHECK(sum == wanted && seconds >= 0, "%lld words", (long long)n);
    guarded_free(words);
}

static void check_counting(int64_t n)
{
    int64_t count;
    for (int how = PP_UNSYNCHRONISED; how <= PP_REDUCTION; how++) {
        const pp_run run = some_run();
        CHECK(pp_count_to(n, (enum pp_counting)how, &count, &run) == PP_OK, "to %lld",
              (long long)n);
        int64_t most = n;
        if (how == PP_UNSYNCHRONISED && run.num_threads > 1 && n > 1 && pp_has_openmp())
            most--; /* the runtime may give fewer threads than asked for, but not one only */
        CHECK(how == PP_UNSYNCHRONISED ? count <= most : count == n,
              "%lld of %lld by %d threads, way %d", (long long)count, (long long)n, run.num_threads,
              how);
    }
}

static void check_operations(void)
{
    int64_t one, many;
    double seconds;
    const pp_run run = some_run();
    const int64_t steps = 1 + random_below(20000);
    CHECK(pp_multiply_add(1, &one, &seconds, &run) == PP_OK, "one step");
    CHECK(pp_multiply_add(steps, &many, &seconds, &run) == PP_OK, "%lld steps", (long long)steps);
    CHECK(one > 0 && many == one * steps, "%lld operations a step, %lld in %lld", (long long)one,
          (long long)many, (long long)steps);
}

static double no_clock(void)
{
    return 0.5;
}

/* Every turn once, in chunks that are whole, and nothing written beside the record. */
static void check_schedule(int64_t turns)
{
    const guarded memory[] = {
        guarded_new((size_t)turns * sizeof(int64_t), random_chance(0.5)),
        guarded_new((size_t)turns * sizeof(double), random_chance(0.5)),
        guarded_new((size_t)turns * sizeof(double), random_chance(0.5)),
        guarded_new((size_t)turns * sizeof(int64_t), random_chance(0.5)),
        guarded_new((size_t)turns * sizeof(int64_t), random_chance(0.5)),
    };
    const void *costs = memory[0].data;
    void *start = memory[1].data, *end = memory[2].data;
    void *first = memory[3].data, *worker = memory[4].data;
    for (int64_t i = 0; i < turns; i++) {
        ((int64_t *)(void *)memory[0].data)[i] = random_below(3000);
        ((double *)start)[i] = ((double *)end)[i] = -1;
        ((int64_t *)first)[i] = ((int64_t *)worker)[i] = -1;
    }
    const enum pp_schedule_kind kind = (enum pp_schedule_kind)random_below(3);
    const int64_t chunk = kind == PP_STATIC && random_chance(0.5) ? 0 : 1 + random_below(9);
    const pp_schedule_task task = {kind, chunk, turns, costs, no_clock, start, end, first, worker};
    const pp_run run = some_run();
    CHECK(pp_schedule(&task, &run) == PP_OK, "%lld turns", (long long)turns);
    for (int64_t i = 0; i < turns; i++) {
        CHECK(task.start[i] > 0 && task.end[i] > 0, "turn %lld not taken", (long long)i);
        CHECK(task.worker[i] >= 0 && task.worker[i] < run.num_threads, "by %lld of %d",
              (long long)task.worker[i], run.num_threads);
        CHECK(task.first[i] == i ||
                  (task.first[i] == task.first[i - 1] && task.worker[i] == task.worker[i - 1]),
              "turn %lld in the chunk of %lld", (long long)i, (long long)task.first[i]);
    }
    for (size_t k = 0; k < sizeof memory / sizeof *memory; k++)
        guarded_free(memory[k]);
}

static void check_stopping(void)
{
    const pp_run run = {.num_threads = 2, .slice = 1e-3, .poll = stop};
    int64_t count, first, worker;
    double start, end;
    const int64_t cost = INT64_MAX;
    CHECK(pp_schedule(
              &(pp_schedule_task){PP_STATIC, 0, 1, &cost, no_clock, &start, &end, &first, &worker},
              &run) == PP_INTERRUPTED,
          "schedule");
    CHECK(pp_busy(INT64_MAX, &run) == PP_INTERRUPTED, "busy");
    for (int how = PP_UNSYNCHRONISED; how <= PP_REDUCTION; how++)
        CHECK(pp_count_to(INT64_MAX, (enum pp_counting)how, &count, &run) == PP_INTERRUPTED,
              "way %d", how);
}

void test_lab(int rounds)
{
    check_stopping();
    for (int i = 0; i < rounds / 10; i++) {
        check_reading(random_below(100));
        check_counting(random_below(20000));
        check_operations();
        check_schedule(random_below(60));
    }
    check_reading((1 << 17) + random_below(100)); /* more than a thread reads at a time */
}
