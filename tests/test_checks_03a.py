"""What the checks of 03a-computing-pi reject, and with which hint."""

from __future__ import annotations

import math
import random
from types import SimpleNamespace
from typing import Any

import dask.array as da
import numba
import numpy as np
import pytest

from notebooks import checks_03a
from tests.test_notebooks import rejected


@pytest.fixture(autouse=True)
def _seeded() -> None:
    """Some wrong answers could be taken for others, by chance."""
    random.seed(1)


def right(n: int) -> float:
    hits = 0
    for _ in range(n):
        x = random.random()
        y = random.random()
        if x * x + y * y < 1:
            hits += 1
    return 4 * hits / n


def share(n: int) -> float:
    return right(n) / 4


def those_outside(n: int) -> float:
    return 4 - right(n)


def one_number_for_both(n: int) -> float:
    numbers = [random.random() for _ in range(n)]
    return 4 * sum(2 * x * x < 1 for x in numbers) / n


def one_point_for_all(n: int) -> float:
    x, y = random.random(), random.random()
    return 4 * sum(x * x + y * y < 1 for _ in range(n)) / n


def a_triangle(n: int) -> float:
    return 4 * sum(random.random() + random.random() < 1 for _ in range(n)) / n


def rounded_down(n: int) -> float:
    return 4 * right(n) * n // (4 * n)


def returning_early(n: int) -> float:
    hits = 0
    for _ in range(n):
        if random.random() ** 2 + random.random() ** 2 < 1:
            hits += 1
        return 4 * hits / n
    return 0.0


def half_of_the_points(n: int) -> float:
    return right(n // 2) / 2


def by_arrays(n: int) -> float:
    rng = np.random.default_rng()
    x, y = rng.random(n), rng.random(n)
    return 4 * np.count_nonzero(x * x + y * y < 1) / n


def by_comprehension(n: int) -> float:
    rng = np.random.default_rng()
    points = zip(rng.random(n).tolist(), rng.random(n).tolist(), strict=True)
    return 4 * sum([x * x + y * y < 1 for x, y in points]) / n


def by_vectorize(n: int) -> float:
    rng = np.random.default_rng()
    inside = np.vectorize(lambda x, y: x * x + y * y < 1)
    return 4 * np.count_nonzero(inside(rng.random(n), rng.random(n))) / n


def by_blocks(n: int) -> float:
    sizes = [min(10_000, n - start) for start in range(0, n, 10_000)]
    return sum(by_arrays(size) * size for size in sizes) / n


WRONG_ESTIMATES = [
    (share, "four times that"),
    (one_number_for_both, "of its own"),
    (a_triangle, "triangle"),
    (rounded_down, "//"),
    (returning_early, "too early"),
    (half_of_the_points, None),
    (one_point_for_all, "of its own"),
    (lambda n: math.pi, "divided by the number of points"),
    (lambda n: 3, "random number for every point"),
    (lambda n: 4.0, "too early"),
    (lambda n: right(1000), "divided by the number of points"),
    (lambda n: right(n) * n, "divided by the number of points"),
    (lambda n: [3.0], None),
    (lambda n: "three", None),
]


def test_right_answers_pass():
    assert checks_03a.loop(right).passed
    assert checks_03a.loop(numba.njit(right)).passed
    assert checks_03a.vectorise(by_arrays).passed
    assert checks_03a.vectorise(by_blocks).passed
    assert checks_03a.numbify(numba.njit(right)).passed


@pytest.mark.parametrize(("answer", "hint"), WRONG_ESTIMATES)
def test_loop_rejects(answer, hint):
    assert rejected(checks_03a.loop(answer), hint)


def test_loop_rejects_the_points_outside():
    assert rejected(checks_03a.loop(those_outside), "outside")


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (right, "rng.random(n)"),
        (by_comprehension, "rng.random(n)"),
        (by_vectorize, "rng.random(n)"),
        (lambda n: by_arrays(n) / 4, "four times that"),
        (lambda n: 4 * np.mean(2 * np.random.default_rng().random(n) ** 2 < 1), "of its own"),
        (lambda n: 4 * (np.random.default_rng().random(n) < 1), None),
    ],
)
def test_vectorise_rejects(answer, hint):
    assert rejected(checks_03a.vectorise(answer), hint)


@pytest.mark.parametrize(
    ("answer", "hint"),
    [(right, "@njit"), (by_arrays, "@njit"), (numba.njit(lambda n: 0.75), "four times that")],
)
def test_numbify_rejects(answer, hint):
    assert rejected(checks_03a.numbify(answer), hint)


def test_numbify_rejects_what_goes_back_to_the_interpreter():
    class ByObjects(SimpleNamespace):
        def __call__(self, n: int) -> float:
            return right(n)

    answer: Any = ByObjects(signatures=[("int64",)], nopython_signatures=[])
    assert rejected(checks_03a.numbify(answer), "forceobj")


def by_dask(n: int, chunk: int) -> Any:
    rng = da.random.default_rng()
    x, y = rng.random(n, chunks=chunk), rng.random(n, chunks=chunk)
    return x * x + y * y < 1


def drawn_at_once(n: int, chunk: int) -> Any:
    rng = np.random.default_rng()
    return da.from_array(rng.random(n) ** 2 + rng.random(n) ** 2, chunks=chunk) < 1


def chunks_as_a_number(n: int, chunk: int) -> Any:
    return by_dask(n, n // chunk + 1)


def the_same_seed(n: int, chunk: int) -> Any:
    x, y = (da.random.default_rng(1).random(n, chunks=chunk) for _ in range(2))
    return x * x + y * y < 1


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda n, chunk: by_dask(n, chunk).compute(), ".compute()"),
        (lambda n, chunk: by_arrays(n), ".compute()"),
        (drawn_at_once, "draws when the promise is computed"),
        (lambda n, chunk: by_dask(n, chunk).mean(), "not its sum or its mean"),
        (lambda n, chunk: 4 * by_dask(n, chunk), "not its sum or its mean"),
        (lambda n, chunk: by_dask(n, n), "chunks=chunk"),
        (chunks_as_a_number, "size of a chunk"),
        (lambda n, chunk: by_dask(n, 200_000), None),
        (the_same_seed, "of its own"),
        (lambda n, chunk: ~by_dask(n, chunk), "outside"),
    ],
)
def test_daskify_rejects(answer, hint):
    assert checks_03a.daskify(by_dask).passed
    assert rejected(checks_03a.daskify(answer), hint)


class Compiled:
    """Does with a float what this option of the prediction says."""

    def __init__(self, letter: str) -> None:
        self.letter = letter
        self.signatures = [("int64",)]
        self.nopython_signatures = [("int64",)]

    def __call__(self, n: float) -> None:
        if self.letter == "c":
            raise TypeError("no float")
        if self.letter in "bd":
            self.signatures.append(("float64",))
        if self.letter == "b":
            self.nopython_signatures.append(("float64",))


def test_each_option_of_a_prediction_can_come_out():
    for letter, factor in {"a": 3.2, "b": 10, "c": 97, "d": 1e4}.items():
        assert checks_03a.one_more_digit(letter, factor).right
        assert checks_03a.one_more_digit("", factor).measured == letter
    for letter in "abcd":
        assert checks_03a.float_argument(letter, Compiled(letter)).right
        assert checks_03a.float_argument("", Compiled(letter)).measured == letter
    assert checks_03a.float_argument("b", numba.njit(right)).right
