"""One random call of fsum, drawn from a seed, and its check against `math.fsum` and fractions."""

from __future__ import annotations

import math
import pickle
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.random import Generator

import pyparallel as pp
from pyparallel._load import core
from tests.fuzz.cases import laid_out

DTYPES = ["?", "i1", "u2", "i4", "i8", "u8", "f4", "f8", "f8", "f8"]
SIZES = [1, 3, 70, 300, 5000, 70_000, 300_000]


@dataclass
class Case:
    """What is summed, and how."""

    a: np.ndarray
    axis: tuple[int, ...] | None
    options: dict[str, Any]
    slices: tuple[float, int]

    def __str__(self) -> str:
        layout = self.a.shape, self.a.dtype.str, self.a.strides
        return f"fsum of {layout}, axis={self.axis} {self.options} slices={self.slices}"


def floats(rng: Generator, n: int) -> np.ndarray:
    """Numbers of a few magnitudes, or of all; some cancel, some are odd."""
    low = int(rng.integers(-1074, 1000))
    high = min(low + int(rng.choice([1, 30, 70, 130, 2000])), 1000)
    with np.errstate(under="ignore"):
        a = np.ldexp(rng.normal(size=n), rng.integers(low, high + 1, n).astype(np.int32))
    if rng.random() < 0.3:
        a[n // 2 :] = -a[: n - n // 2]
        rng.shuffle(a)
    if rng.random() < 0.3:
        odd = rng.random(n) < rng.choice([1e-4, 1e-3, 0.05])
        a[odd] = rng.choice([5e-324, -5e-324, 1e300, -1e300, 0.0, -0.0, 2.0**-80], odd.sum())
    return a


def draw(seed: int) -> Case:
    """The case of this seed."""
    rng = np.random.default_rng(seed)
    dtype = np.dtype(rng.choice(DTYPES))
    shape = [int(rng.integers(1, rng.choice(SIZES) + 1))]
    while rng.random() < 0.5 and len(shape) < 4:
        shape.insert(int(rng.integers(0, len(shape) + 1)), int(rng.integers(1, 6)))
    if rng.random() < 0.3:
        shape = [int(n) for n in rng.integers(1, rng.choice([40, 600], 2))]
    n = math.prod(shape)
    if dtype.kind == "f":
        with np.errstate(all="ignore"):
            a = np.nan_to_num(floats(rng, n).astype(dtype), posinf=1, neginf=-1)
    else:
        a = rng.integers(0, 256, n * dtype.itemsize, np.uint8).view(dtype if n else "u1")
        a = a != 0 if dtype == bool else a
    a = laid_out(rng, a.reshape(shape))
    axes = tuple(int(i) for i in np.flatnonzero(rng.random(a.ndim) < 0.6))
    options = {"num_threads": int(rng.integers(1, 17)), "keepdims": bool(rng.random() < 0.3)}
    slices = (float(rng.choice([0.0, 1e-4, 0.1])), int(rng.integers(0, 3)))
    return Case(a, None if rng.random() < 0.3 else axes, options, slices)


def exact(row: np.ndarray) -> float:
    """Rounded once; inf where that is out of range."""
    try:
        return math.fsum(row) if row.dtype.kind == "f" else sum(row.tolist()) / 1
    except OverflowError:  # maybe in between only
        total = sum((Fraction(x) for x in row.tolist()), Fraction(0))
        try:
            return total.numerator / total.denominator
        except OverflowError:
            return math.copysign(math.inf, total)


def check(case: Case) -> None:
    """AssertionError where fsum and the reference differ."""
    axes = range(case.a.ndim) if case.axis is None else case.axis
    kept = [i for i in range(case.a.ndim) if i not in axes]
    rows = case.a.transpose(*kept, *axes).reshape(*(case.a.shape[i] for i in kept), -1)
    expected = np.apply_along_axis(exact, -1, rows.astype(rows.dtype.newbyteorder("=")))
    shape = np.sum(case.a != 0, case.axis, keepdims=case.options["keepdims"]).shape
    found = np.full(shape, np.nan)
    core.set_slices(*case.slices)
    try:
        pp.fsum(case.a, case.axis, out=found, **case.options)
    except OverflowError:
        assert np.isinf(expected).any()
    finally:
        core.set_slices(0.1, 0)
    np.testing.assert_array_equal(found, expected.reshape(shape))
    check_merging(case.a.ravel(), case.options["num_threads"])


def check_merging(a: np.ndarray, threads: int) -> None:
    """The sum of two parts is that of the whole."""
    whole, total = pp.ExactSum(), pp.ExactSum()
    whole.add(a, num_threads=threads)
    for part in (a[: a.size // 3], a[a.size // 3 :]):
        one = pp.ExactSum()
        one.add(part)
        total.merge(pickle.loads(pickle.dumps(one)))
    assert total == whole
