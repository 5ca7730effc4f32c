"""What the checks of 02-measuring-performance reject, and with which hint."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import pyparallel as pp
from notebooks import checks_02
from pyparallel import lesson
from tests.test_notebooks import rejected

Sample = Callable[[int], float]


def all_by_map(f: Callable[[int], int], numbers: range) -> list[int]:
    return list(map(f, numbers))


def twice_by_map(f: Callable[[int], int], numbers: range) -> list[int]:
    list(map(f, numbers))
    return list(map(f, numbers))


@pytest.mark.parametrize(
    ("calls", "by_map", "hint"),
    [
        ((1000, 2, 1000, 1000), all_by_map, "calls nothing yet"),
        ((0, 1000, 1000, 1000), all_by_map, "one result only"),
        ((0, 1, 1000, 1000), all_by_map, "called twice"),
        ((0, 2, 1002, 1000), all_by_map, "nothing twice"),
        ((0, 2, 998, 1000), all_by_map, "still in the list"),
        ((0, 2, 1000, 2000), all_by_map, "nothing twice"),
        ((0, 2, 1000, 1000), map, "list(...)"),
        ((0, 2, 1000, 1000), twice_by_map, "only once"),
        ((0, 2, 1000, 1000), lambda f, numbers: list(numbers), None),
    ],
)
def test_02_map_rejects(calls, by_map, hint):
    assert checks_02.lazy(0, 2, 1000, 1000, all_by_map).passed
    assert rejected(checks_02.lazy(*calls, by_map), hint)


def by_two(sample: Sample, parts: list[range]) -> list[float]:
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda part: sum(map(sample, part)), parts))


def shared(sample: Sample, n: int) -> float:
    return sum(by_two(sample, [range(n // 2), range(n // 2, n)])) / n


def all_twice(sample: Sample, n: int) -> float:
    return sum(by_two(sample, [range(n), range(n)])) / (2 * n)


def one_lost(sample: Sample, n: int) -> float:
    return sum(by_two(sample, [range(n // 2), range(n // 2, 2 * (n // 2))])) / n


def one_too_many(sample: Sample, n: int) -> float:
    return sum(by_two(sample, [range(n // 2 + 1), range(n // 2, n)])) / n


def mean_of_means(sample: Sample, n: int) -> float:
    parts = [part for part in (range(n // 2), range(n // 2, n)) if part]
    totals = by_two(sample, parts)
    return float(np.mean([total / len(part) for total, part in zip(totals, parts, strict=True)]))


def by_one(sample: Sample, n: int) -> float:
    return sum(map(sample, range(n))) / n


def one_waits_for_the_other(sample: Sample, n: int) -> float:
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(sum, map(sample, range(n // 2))).result()
        return (first + pool.submit(sum, map(sample, range(n // 2, n))).result()) / n


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (all_twice, "all of the work"),
        (one_lost, "less than n"),
        (one_too_many, "overlap"),
        (mean_of_means, "not equal"),
        (by_one, "before you ask"),
        (one_waits_for_the_other, "before you ask"),
        (lambda sample, n: n * shared(sample, n), "Divide by n"),
    ],
)
def test_02_fair_rejects(answer, hint):
    assert rejected(checks_02.fair(answer), hint)


def each_by_a_pool(sample: Sample, n: int) -> float:
    with ThreadPoolExecutor(2) as pool:
        return float(np.mean(list(pool.map(sample, range(n)))))


@pytest.mark.parametrize("answer", [shared, each_by_a_pool])
def test_02_fair_takes_every_way_to_share(answer):
    assert checks_02.fair(answer).passed


def in_chunks(n: int, size: int = 50_000) -> float:
    starts = range(0, n, size)
    return float(sum(np.sqrt(np.arange(k, min(k + size, n))).sum() for k in starts))


def without_the_last(n: int) -> float:
    size = 50_000
    return float(sum(np.sqrt(np.arange(k * size, (k + 1) * size)).sum() for k in range(n // size)))


def all_at_once(n: int) -> float:
    return float(np.sqrt(np.arange(n)).sum())


def all_chunks_kept(n: int) -> float:
    chunks = [np.sqrt(np.arange(k, min(k + 50_000, n))) for k in range(0, n, 50_000)]
    return float(sum(chunk.sum() for chunk in chunks))


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (all_at_once, "Add the sum of each chunk"),
        (all_chunks_kept, "Add the sum of each chunk"),
        (lambda n: in_chunks(n, 400_000), "smaller chunks"),
        (without_the_last, "last chunk"),
        (lambda n: in_chunks(n + 1), "n - 1"),
        (lambda n: in_chunks(n) + 1, None),
        (lambda n: "much", None),
    ],
)
def test_02_chunks_rejects(answer, hint):
    assert checks_02.chunks(in_chunks).passed
    assert rejected(checks_02.chunks(answer), hint)


@pytest.fixture
def container(monkeypatch):
    """A machine of four cores with two threads each, of which a container may use three."""
    monkeypatch.setattr(checks_02.psutil, "cpu_count", lambda logical=True: 8 if logical else 4)
    monkeypatch.setattr(checks_02, "usable_cores", lambda: 3)
    config = {"cpus": 8, "affinity": 6, "cgroup_quota": 3, "num_threads": 1}
    monkeypatch.setattr(pp, "config", lambda: config)


@pytest.mark.parametrize(
    ("counts", "hint"),
    [
        ((4, 8, 3), "physical cores"),
        ((3, 4, 3), "usable cores"),
        (("8", 4, 3), "no quotes"),
        ((8, 8, 3), "logical cores"),
        ((8, 4, 8), "affinity and cgroup_quota"),
        ((8, 4, 6), "cgroup_quota"),
        ((8, 4, 1), "OMP_NUM_THREADS"),
        ((8, 4, None), "no limit"),
        ((8, 4, 5), None),
    ],
)
@pytest.mark.usefixtures("container")
def test_02_cores_rejects(counts, hint):
    assert checks_02.cores(8, 4, 3).passed
    assert rejected(checks_02.cores(*counts), hint)


def test_02_cores_accepts_that_the_system_does_not_tell(monkeypatch):
    monkeypatch.setattr(checks_02.psutil, "cpu_count", lambda logical=True: 8 if logical else None)
    monkeypatch.setattr(checks_02, "usable_cores", lambda: 8)
    assert checks_02.cores(8, None, 8).passed
    assert rejected(checks_02.cores(8, 8, 8), "logical cores")


MEASURED = {"measured": ([1, 2, 4], [1.0, 5 / 3, 2.5])}


def by_line(n: Any, speedups: Any) -> float:
    x, y = 1 / n - 1, 1 / speedups - 1
    return float(x @ y / (x @ x))


def by_curve(n: Any, speedups: Any) -> float:
    p = np.linspace(0, 1, 2001)[:, np.newaxis]
    return float(p[np.argmin(((1 / (1 - p + p / n) - speedups) ** 2).sum(axis=1)), 0])


def by_gustafson(n: Any, speedups: Any) -> float:
    x, y = n - 1, speedups - 1
    return float(x @ y / (x @ x))


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda n, speedups: 1 - by_line(n, speedups), "serial part"),
        (by_gustafson, "Gustafson"),
        (lambda n, speedups: speedups[-1] / n[-1], "efficiency"),
        (lambda n, speedups: 0.9, None),
        (lambda n, speedups: speedups, None),
    ],
)
def test_02_fit_rejects(answer, hint):
    assert rejected(checks_02.fit(answer, **MEASURED), hint)


@pytest.mark.parametrize("answer", [by_line, by_curve])
def test_02_fit_accepts_each_way_and_fits_what_was_measured(answer):
    result = checks_02.fit(answer, **MEASURED)
    assert result.passed
    assert "0.80" in result.text


@pytest.mark.parametrize(
    ("compare", "values"),
    [
        (checks_02.lazy_map, {"a": 1.0, "b": 3.0, "c": 20_000.0}),
        (checks_02.amdahl, {"a": 16.0, "b": 12.8, "c": 3.9}),
    ],
)
def test_02_each_option_of_a_prediction_can_come_out(compare, values):
    for letter, value in values.items():
        assert compare(letter, value).right
        assert compare("", value).measured == letter


@pytest.mark.parametrize(
    ("name", "series"), [("frame", ["speedup"]), ("weak", ["pictures", "sum"])]
)
def test_02_reference_measurements_say_where_they_come_from(name, series):
    reference = lesson.reference(name)
    assert "measured elsewhere" in reference["machine"]
    assert reference["what"]
    for key in series:
        assert reference[key][0] == [1, 1.0]
        assert [threads for threads, _ in reference[key]][1] == 2
