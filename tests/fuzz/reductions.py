"""One random reduction, drawn from a seed, and its check: sums bit by bit, the rest by NumPy."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator

import pyparallel as pp
from pyparallel._load import core
from tests.fuzz.cases import laid_out
from tests.reference import tree_norm, tree_squares, tree_sum

NAMES = ["sum", "mean", "var", "std", "norm", "min", "max", "minmax", "argmin", "argmax"]
NAMES += ["count_nonzero", "dot"]
DTYPES = ["?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f4", "f8", "f8", "f8"]
SIZES = [1, 3, 70, 300, 5000, 70_000, 300_000]


@dataclass
class Case:
    """What is called."""

    name: str
    a: np.ndarray
    axis: Any
    options: dict[str, Any]
    slices: tuple[float, int]

    def __str__(self) -> str:
        layout = self.a.shape, self.a.dtype.str, self.a.strides
        return f"{self.name} of {layout}, axis={self.axis} {self.options} slices={self.slices}"


def values(rng: Generator, n: int, dtype: np.dtype) -> np.ndarray:
    """Few different ones, or many; of many magnitudes, whose squares are float64s."""
    if rng.random() < 0.3:
        return rng.integers(0, 4, n).astype(dtype)
    if dtype.kind != "f":
        raw = rng.integers(0, 256, n * dtype.itemsize, np.uint8)
        return raw > 128 if dtype == bool else raw.view(dtype)
    exponents = rng.integers(-20, 21, n) * int(
        rng.choice([0, 1, 3, 6 if dtype.itemsize > 4 else 3])
    )
    a = np.ldexp(rng.normal(size=n), exponents)
    if rng.random() < 0.2:
        odd = rng.random(n) < rng.choice([1e-4, 0.01, 0.3])
        a[odd] = rng.choice([np.nan, np.inf, -np.inf, 0.0, -0.0], odd.sum())
    return a.astype(dtype)


def draw_shape(rng: Generator) -> list[int]:
    """Long, or broad, or neither; sometimes with short axes beside a long one."""
    if rng.random() < 0.4:
        return [int(n) for n in rng.integers(1, rng.choice([40, 600], 2))]
    shape = [int(rng.integers(1, rng.choice(SIZES) + 1))]
    while rng.random() < 0.6 and len(shape) < 4:
        shape.insert(int(rng.integers(0, len(shape) + 1)), int(rng.integers(1, 6)))
    return shape


def draw(seed: int) -> Case:
    """The case of this seed."""
    rng = np.random.default_rng(seed)
    name = str(rng.choice(NAMES))
    dtype = np.dtype(rng.choice(["f4", "f8"] if name == "dot" else DTYPES))
    shape = draw_shape(rng)
    if name == "dot":
        shape = [2, math.prod(shape)]
    a = laid_out(rng, values(rng, math.prod(shape), dtype).reshape(shape))
    axis: Any = tuple(int(i) for i in rng.permutation(np.flatnonzero(rng.random(a.ndim) < 0.6)))
    if rng.random() < 0.3 or name in ("argmin", "argmax"):
        axis = None if rng.random() < 0.4 else int(rng.integers(-a.ndim, a.ndim))
    options: dict[str, Any] = {"num_threads": int(rng.integers(1, 17))}
    if name != "dot" and rng.random() < 0.3:
        options["keepdims"] = True
    if name in ("sum", "mean", "var", "std") and rng.random() < 0.3:
        options["dtype"] = str(rng.choice(["f4", "f8"]))
    slices = (float(rng.choice([0.0, 1e-4, 0.1])), int(rng.integers(0, 3)))
    return Case(name, a, axis, options, slices)


def result_in_order(case: Case) -> np.ndarray:
    """Of a sum in floating point, by the tree."""
    a, dtype = (
        case.a,
        np.dtype(case.options.get("dtype", "f4" if case.a.dtype.str[1:] == "f4" else "f8")),
    )
    narrow = case.options.get("dtype") == "f4"
    rows = a.astype("f4").astype(float) if narrow else a.astype(float)
    if case.name == "dot":
        return tree_sum(rows[0] * rows[1]).astype(dtype)
    axes = range(a.ndim) if case.axis is None else case.axis
    axes = sorted(axis % a.ndim for axis in (axes if np.iterable(axes) else [axes]))
    kept = [i for i in range(a.ndim) if i not in axes]
    rows = rows.transpose(*axes, *kept).reshape(-1, *(a.shape[i] for i in kept))
    if case.name in ("var", "std"):
        result = tree_squares(rows) / len(rows)
        result = np.sqrt(result) if case.name == "std" else result
    else:
        result = tree_norm(rows) if case.name == "norm" else tree_sum(rows)
        result = result / len(rows) if case.name == "mean" else result
    shape = [1 if i in axes else n for i, n in enumerate(a.shape)]
    return (result.reshape(shape) if case.options.get("keepdims") else result).astype(dtype)


def expected_of(case: Case) -> Any:
    is_float = case.a.dtype.kind == "f" or "dtype" in case.options
    if case.name in ("mean", "var", "std", "norm", "dot") or (case.name == "sum" and is_float):
        return result_in_order(case)
    options = {"keepdims": case.options.get("keepdims", False)}
    if case.name == "minmax":
        return np.array(
            [np.min(case.a, case.axis, **options), np.max(case.a, case.axis, **options)]
        )
    return getattr(np, case.name)(case.a, case.axis, **options)


def check(case: Case) -> None:
    """AssertionError where the kernel and the reference differ; NaN is NaN, and 0 is -0."""
    with np.errstate(all="ignore"):
        expected = np.asarray(expected_of(case))
    args = tuple(case.a) if case.name == "dot" else (case.a, case.axis)
    core.set_slices(*case.slices)
    try:
        found = np.asarray(getattr(pp, case.name)(*args, **case.options))
    finally:
        core.set_slices(0.1, 0)
    assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
    np.testing.assert_array_equal(found, expected)
