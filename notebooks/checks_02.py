"""The checks of 02-measuring-performance.ipynb."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import psutil
from numpy.typing import ArrayLike, NDArray

import pyparallel as pp
from pyparallel import checks
from pyparallel._measuring import peak_memory
from pyparallel.doctor import usable_cores

FEW_MEGABYTES = 4.0
P_TOLERANCE = 0.02


@checks.exercise("map")
def lazy(
    after_map: Any,
    after_two: Any,
    after_list: Any,
    after_again: Any,
    by_map: Callable[[Callable[[int], int], range], list[int]],
) -> str:
    """Are the numbers of calls foreseen, and does by_map do the work, once?"""
    checks.equal(
        after_map,
        0,
        "calls_after_map",
        mistakes=[(1000, "map only remembers what to do. It calls nothing yet.")],
    )
    checks.equal(
        after_two,
        2,
        "calls_after_two",
        mistakes=[
            (1000, "next asks for one result only, so one call is enough."),
            (1, "next was called twice, and each needs a call."),
        ],
    )
    used_up = "What map has handed out it has forgotten: it does nothing twice."
    checks.equal(
        after_list,
        1000,
        "calls_after_list",
        mistakes=[
            (1002, used_up),
            (998, "Two calls had been made before: they are still in the list calls."),
        ],
    )
    checks.equal(
        after_again, 1000, "calls_after_again", mistakes=[(2000, used_up), (1998, used_up)]
    )
    _see_by_map(by_map)
    return "map promises, and list makes it keep the promise: by_map does all of the work."


def _see_by_map(by_map: Callable[[Callable[[int], int], range], list[int]]) -> None:
    calls = []

    def noting(x: int) -> int:
        calls.append(x)
        return x * x

    got = checks.ask(by_map, noting, range(20))
    checks.expect(
        not isinstance(got, map),
        f"by_map returned a promise: of 20 calls, {len(calls)} have been made.",
        "list(...) asks for all results.",
    )
    checks.equal(got, [x * x for x in range(20)], "The list of the squares of 0, ..., 19")
    checks.expect(
        len(calls) == 20,
        f"The results are right, but by_map made {len(calls)} calls for 20 numbers.",
        "Call list(map(...)) only once.",
    )


@checks.exercise("fair")
def fair(answer: Callable[[Callable[[int], float], int], float]) -> str:
    """Do two threads together make each call once, and is the mean right?"""
    for n in (8, 7, 1):
        calls: list[tuple[int, int]] = []  # which sample, by which thread

        def sample(k: int, calls: list[tuple[int, int]] = calls) -> float:
            time.sleep(0.005)
            calls.append((k, threading.get_ident()))
            return float(k * k)

        got = checks.ask(answer, sample, n)
        _see_calls([k for k, _ in calls], n)
        squares = np.arange(n) ** 2.0
        checks.close(
            got, squares.mean(), 1e-9, f"The mean for n = {n}", mistakes=_wrong_means(squares)
        )
        checks.expect(
            n == 1 or len({thread for _, thread in calls}) > 1,
            "Calls and mean are right, but all calls were made by one thread.",
            "Submit both parts before you ask for the result of the first.",
        )
    return "Two threads share the same calls as one makes alone, and the mean is the same."


def _see_calls(called: list[int], n: int) -> None:
    counts = Counter(called)
    made = f"For n = {n}, sample was called {len(called)} times"
    checks.expect(
        len(called) != 2 * n,
        f"{made}; mean_by_one calls it {n} times.",
        "Each thread does all of the work. Give each a range of its own.",
    )
    missing = [k for k in range(n) if k not in counts]
    checks.expect(
        not missing,
        f"{made}, never for k = {', '.join(map(str, missing))}.",
        "For odd n, n // 2 and n // 2 are together less than n. Where does the second range end?",
    )
    checks.expect(
        sorted(called) == list(range(n)),
        f"{made}; it should be once for each k from 0 to {n - 1}.",
        "Do the two ranges overlap? range(a, b) ends before b.",
    )


def _wrong_means(squares: NDArray[np.float64]) -> list[tuple[float, str]]:
    half = len(squares) // 2
    halves = [(squares[:k], squares[k:]) for k in (half, len(squares) - half) if k > 0]
    unweighted = "For odd n the parts are not equal: add up both sums, and divide once, by n."
    return [
        (float(squares.sum()), "This is the sum. Divide by n."),
        *(
            (float(first.mean() + second.mean()) / 2, unweighted)
            for first, second in halves
            if len(first) and len(second)
        ),
    ]


@checks.exercise("chunks", limit=60)
def chunks(answer: Callable[[int], float]) -> str:
    """Is the sum right for any n, with little memory at its peak?"""
    for n in (10, 100_000, 250_001, 0):
        _see_sum(checks.ask(answer, n), n)
    n = 2_000_003
    got, peak_bytes = peak_memory(checks.ask, answer, n)
    peak = peak_bytes / 1e6
    _see_sum(got, n)
    all_at_once = 2 * 8 * n / 1e6
    checks.expect(
        peak < FEW_MEGABYTES,
        f"The sum is right, but for n = {n:,} its peak is {peak:.1f} MB; "
        f"wanted is less than {FEW_MEGABYTES:g} MB.",
        "All numbers are in memory at the same time. Add the sum of each chunk to a total at once."
        if peak > all_at_once / 3
        else "Take smaller chunks: the numbers of a chunk and their roots are there together.",
    )
    return f"The sum is right. Its peak is {peak:.2f} MB; all at once it is {all_at_once:.0f} MB."


def _see_sum(got: Any, n: int) -> None:
    wanted = float(np.sqrt(np.arange(n)).sum())
    with_n = wanted + n**0.5
    try:
        short = float(got) < wanted
    except (TypeError, ValueError):
        short = False
    lost = "Is the last chunk left out, which is shorter than the others?"
    checks.close(
        got,
        wanted,
        1e-9 * wanted,
        f"sum_of_roots({n:_})",
        mistakes=[
            (with_n, "This goes on to n itself. The last number is n - 1."),
            *([(float(got), lost)] if short else []),
        ],
    )


@checks.exercise("cores")
def cores(logical: Any, physical: Any, usable: Any) -> str:
    """Are these the logical, physical and usable cores of this machine?"""
    config = pp.config()
    has, units, may = psutil.cpu_count(), psutil.cpu_count(logical=False), usable_cores()
    text = "A number has no quotes around it."
    checks.equal(
        logical,
        has,
        "logical_cores",
        mistakes=[
            (str(has), text),
            (units, "These are the physical cores. logical=True counts hyper-threads, too."),
            (may, "These are the usable cores. The machine has more."),
        ],
    )
    checks.equal(
        physical,
        units,
        "physical_cores",
        mistakes=[
            (str(units), text),
            (has, "These are the logical cores: hyper-threads are counted. See logical=False."),
        ],
    )
    checks.equal(
        usable,
        may,
        "usable_cores",
        mistakes=[
            (str(may), text),
            (None, "None is no limit. Leave it out, and take the smallest of the others."),
            (has, "This process may not use them all: see affinity and cgroup_quota."),
            (config["affinity"], "The affinity allows them, but the quota does not: cgroup_quota."),
            (config["num_threads"], "So many threads are used, by OMP_NUM_THREADS for example."),
        ],
    )
    return f"Logical: {has}. Physical: {units}. Usable by this process: {may}."


@checks.exercise("fit")
def fit(
    answer: Callable[[NDArray[Any], NDArray[Any]], float],
    *,
    measured: tuple[ArrayLike, ArrayLike],
) -> str:
    """Is p found from measurements that scatter by one per cent?"""
    scatter = np.random.default_rng(2)
    for p, workers in [
        (0.9, [1, 2, 4, 8]),
        (0.5, [1, 2, 4, 8, 16]),
        (0.8, [1, 2, 3, 4, 5, 6]),
        (0.99, [2, 4, 16, 64]),
        (0.3, [1, 2]),
    ]:
        n = np.array(workers)
        speedups = scatter.normal(1, 0.01, n.size) / (1 - p + p / n)
        speedups[n == 1] = 1
        got = checks.ask(answer, n, speedups)
        checks.close(
            got,
            p,
            P_TOLERANCE,
            f"p for the speed-ups {np.round(speedups, 2).tolist()} of {workers} workers",
            mistakes=_wrong_fits(got, n, speedups, p),
        )
    found = float(checks.ask(answer, *map(np.array, measured)))
    return f"p is found to within {P_TOLERANCE}. For the measurements above it is {found:.2f}."


def _wrong_fits(
    got: Any, n: NDArray[Any], speedups: NDArray[Any], p: float
) -> list[tuple[Any, str]]:
    x, y = n - 1, speedups - 1
    mistakes = [
        (1 - p, "This is the serial part, 1 - p."),
        (x @ y / (x @ x), "This is the p of Gustafson's law: the work does not grow here."),
        (speedups[-1] / n[-1], "This is the efficiency, S / n. What is p in the law?"),
    ]
    if not np.isscalar(got):
        return []
    return [(got, hint) for value, hint in mistakes if abs(got - value) <= P_TOLERANCE]


def lazy_map(prediction: object, ratio: float) -> checks.Comparison:
    """The prediction beside how many times as fast the line with map was as the loop."""
    return checks.compare(
        prediction,
        "a" if ratio < 1.5 else "b" if ratio < 100 else "c",
        f"the line with map was {ratio:,.0f} times as fast.",
        {
            "a": "The calls cost the same. But were they made?",
            "b": "A loop in C saves a little. The calls of square would still take their time.",
            "c": "No loop does so many calls in so short a time. What was done? See below.",
        },
        usual="c",
    )


def amdahl(prediction: object, speedup: float) -> checks.Comparison:
    """The prediction beside the speed-up of 16 workers with a part of 80 % to share."""
    return checks.compare(
        prediction,
        "a" if speedup > 14.5 else "b" if speedup > 8 else "c",
        f"16 workers were {speedup:.2f} times as fast as one.",
        {
            "a": "They share the pages, but not the log-in, which takes as long as ever.",
            "b": "Speed-ups do not add up like shares; times do: 20 % stay, 80 % become 5 %.",
            "c": "20 % of the time stay, and 80 % become 80 % / 16 = 5 %: 25 % of the time is left.",
        },
        usual="c",
    )
