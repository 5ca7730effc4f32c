"""One random histogram, drawn from a seed, and its check against NumPy's edges."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator

import pyparallel as pp
from pyparallel._load import core
from tests.fuzz.cases import laid_out, power
from tests.reference import bin_counts

DTYPES = ["?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f4", "f8", "f8", "f8"]
CENTERS = [0.0, 0.0, 1.0, -1.0, 1e6, 1e16, 1e-300, 1e300, 12345.678]


@dataclass
class Case:
    """What is called."""

    a: np.ndarray
    bins: int
    range: tuple[Any, Any] | None
    threads: int
    slices: tuple[float, int]

    def __str__(self) -> str:
        return (
            f"histogram: {self.a.dtype} {self.a.shape} {self.a.strides}, bins={self.bins} "
            f"range={self.range!r} threads={self.threads} slices={self.slices}"
        )


def integers(rng: Generator, n: int, dtype: np.dtype) -> np.ndarray:
    info = np.iinfo(dtype)
    low, high = (info.min, info.max) if rng.random() < 0.5 else (0, 100)
    return rng.integers(low, high, n, dtype, endpoint=True)


def floats(rng: Generator, n: int, dtype: np.dtype) -> np.ndarray:
    """Numbers in a wide or a narrow range, anywhere or at even distances, some not finite."""
    center = float(rng.choice(CENTERS))
    width = power(rng, -20, 3) * (abs(center) or power(rng, -300, 300))
    even = rng.random() < 0.5
    steps = rng.integers(-50, 50, n) / 10 if even else rng.random(n)
    a = np.clip(center + width * steps, -1e307, 1e307)
    if rng.random() < 0.2:
        a[rng.random(n) < 0.1] = rng.choice([np.nan, np.inf, -np.inf])
    return a.astype(dtype)


def draw_range(rng: Generator, a: np.ndarray) -> tuple[Any, Any] | None:
    """Often two of the elements, as numbers of one type or another."""
    finite = a[np.isfinite(a)]
    if finite.size == 0 or rng.random() < 0.4:
        return None if np.isfinite(a).all() else (0, 1)
    low, high = np.sort(rng.choice(finite, 2)).astype(float).tolist()
    if rng.random() < 0.3:
        low, high = low - 0.3, high + 0.1
    kind = rng.choice([float, float, int, np.float64, np.float32])
    if kind is int and max(-low, high) > 2**50:
        kind = float
    return kind(low), kind(high)


def draw(seed: int) -> Case:
    """The case of this seed."""
    rng = np.random.default_rng(seed)
    dtype = np.dtype(rng.choice(DTYPES))
    shape = tuple(int(n) for n in rng.integers(0 if rng.random() < 0.05 else 1, 14, 3))
    if rng.random() < 0.05:
        shape = (70, 30, 40)
    n = int(np.prod(shape))
    with np.errstate(all="ignore"):
        if dtype.kind == "b":
            a = rng.random(n) < 0.5
        else:
            a = (floats if dtype.kind == "f" else integers)(rng, n, dtype)
        if n and rng.random() < 0.1:
            a[:] = a[0]
        range = draw_range(rng, a)
    bins = int(power(rng, 0, rng.choice([1, 2, 4, 5.6])))
    slices = (float(rng.choice([0.0, 1e-4, 0.1])), int(rng.integers(0, 3)))
    view = laid_out(rng, a.reshape(shape))
    return Case(view, bins, range, int(rng.integers(1, 9)), slices)


def numpys_edges(case: Case) -> np.ndarray | None:
    """None where NumPy finds none that are finite and increase."""
    a = case.a.astype(np.uint8) if case.a.dtype == bool else case.a
    with np.errstate(all="ignore"):
        try:
            edges = np.histogram_bin_edges(a, case.bins, case.range)
        except ValueError:
            return None
    increase = np.isfinite(edges).all() and (edges[:-1] < edges[1:]).all()
    return edges if increase else None


def check(case: Case) -> None:
    """AssertionError where the kernel and the reference differ."""
    expected = numpys_edges(case)
    core.set_slices(*case.slices)
    try:
        counts, edges = pp.histogram(case.a, case.bins, case.range, num_threads=case.threads)
    except ValueError:
        if expected is not None:
            raise
        return
    finally:
        core.set_slices(0.1, 0)
    assert expected is not None, "there should have been an error"
    assert edges.dtype == expected.dtype
    np.testing.assert_array_equal(edges, expected)
    np.testing.assert_array_equal(counts, bin_counts(case.a, expected))
