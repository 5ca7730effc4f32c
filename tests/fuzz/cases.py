"""One random call of a fractal kernel, drawn from a seed, and its check against the reference."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.random import Generator

import pyparallel as pp
from pyparallel._load import core
from tests.reference import fast_escape_counts

STEPS = 2_000_000  # of the reference, in a case
DTYPES = ["?", "i1", "u2", "i4", "u8", "f4", "f8", "c8", "c16"]
ODD = [0.0, -0.0, 2.0, -2.0, 0.25, -0.75, 5e-324, 1e154, 1.7976931348623157e308]
ODD += [np.inf, -np.inf, np.nan, np.nextafter(2, 3), np.nextafter(2, 1)]


@dataclass
class Case:
    """What is called, and what it should return."""

    function: str
    arguments: tuple[Any, ...]
    options: dict[str, Any]
    slices: tuple[float, int]
    expected: np.ndarray

    def __str__(self) -> str:
        out = self.options.get("out")
        shown = {**self.options, "out": None if out is None else (out.dtype, out.strides)}
        return f"{self.function}{self.arguments} {shown} slices={self.slices}"


def power(rng: Generator, low: float, high: float) -> float:
    """A number between 10**low and 10**high, each power as likely."""
    return float(10 ** rng.uniform(low, high))


def near_edge(rng: Generator, n: int) -> np.ndarray:
    """Points c around the main cardioid, at all distances."""
    size = 1 + rng.choice([-1, 1], n) * 10 ** rng.uniform(-16, 0, n)
    multiplier = size * np.exp(2j * np.pi * rng.random(n))
    return multiplier / 2 - multiplier**2 / 4


def real_axis(rng: Generator, n: int) -> np.ndarray:
    """Chaotic, periodic and escaping orbits side by side."""
    return rng.uniform(-2.001, 0.3, n) + 0j


def odd(rng: Generator, n: int) -> np.ndarray:
    points = np.empty(n, complex)
    points.real, points.imag = rng.choice(ODD, n), rng.choice(ODD, n)
    return points


def wide(rng: Generator, n: int) -> np.ndarray:
    points = rng.normal(size=(n, 2)) * 10 ** rng.uniform(-3, 1, (n, 1))
    return points.view(complex)[:, 0]


def dyadic(rng: Generator, n: int) -> np.ndarray:
    """Coordinates with few bits: fixed points, cycles and |z| = 2 are met exactly."""
    return (rng.integers(-16, 17, (n, 2)) / 8).view(complex)[:, 0]


def one_orbit(rng: Generator, n: int) -> np.ndarray:
    """Points of one orbit, which run into each other under the same c."""
    z, c, points = 0j, near_edge(rng, 1)[0], []
    for _ in range(n):
        points.append(z)
        z = z * z + c
        if not abs(z) < 2:
            z = 0j
    return rng.choice(points, n)


DRAWS = [near_edge, real_axis, odd, wide, dyadic, one_orbit]


def points(rng: Generator, n: int) -> np.ndarray:
    """Points of one kind, with some of another here and there, some the same."""
    kinds = rng.choice(len(DRAWS), 2)
    found, others = (DRAWS[kind](rng, n) for kind in kinds)
    mixed = rng.random(n) < rng.choice([0, 0.02, 0.5])
    found[mixed] = others[mixed]
    if n and rng.random() < 0.1:
        found[:] = found[0]
    return found


def laid_out(rng: Generator, array: np.ndarray) -> np.ndarray:
    """The same values with other strides, alignment and byte order."""
    if rng.random() < 0.3:
        array = array.astype(array.dtype.newbyteorder())
    axes = rng.permutation(array.ndim)
    steps = rng.choice([-2, -1, 1, 2, 3], array.ndim)
    lengths = [n * abs(step) for n, step in zip(array.shape, steps, strict=True)]
    offset = int(rng.integers(0, 2)) * int(rng.integers(0, 16))
    memory = np.zeros(int(np.prod(lengths)) * array.itemsize + offset, np.uint8)
    whole = memory[offset:].view(array.dtype).reshape([lengths[axis] for axis in axes])
    view = whole.transpose(np.argsort(axes))[(..., *(slice(None, None, step) for step in steps))]
    view[...] = array
    return view


def array(rng: Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Points in any dtype and layout; some dimensions are 1, to be broadcast."""
    shape = tuple(1 if rng.random() < 0.15 else n for n in shape)
    dtype = np.dtype(rng.choice(DTYPES)) if rng.random() < 0.3 else np.dtype(complex)
    values = points(rng, int(np.prod(shape))).reshape(shape)
    with np.errstate(all="ignore"):
        if dtype.kind in "?biu":
            values = np.nan_to_num(values.real, posinf=1, neginf=-1).clip(-100, 100)
        elif dtype.kind == "f":
            values = values.real
        values = values.astype(dtype)
    view = laid_out(rng, values)
    if view.ndim and rng.random() < 0.05:
        return np.broadcast_to(view[:1], values.shape)
    return view


def box(rng: Generator) -> pp.Box:
    kind = DRAWS[int(rng.choice([0, 0, 0, 1, 3]))]
    width, height = (int(n) for n in rng.integers(1, rng.choice([4, 30, 150], 2)))
    size = complex(power(rng, -18, 0.7), power(rng, -18, 0.7))
    whole = pp.Box(width, height, complex(kind(rng, 1)[0]), size)
    if rng.random() < 0.5:
        return whole
    spans = (sorted(rng.choice(n + 1, 2, replace=False).tolist()) for n in whole.shape)
    return whole.crop(*(slice(*span) for span in spans))


def draw_max_iter(rng: Generator, pixels: int) -> int:
    most = max(1, min(5000, STEPS // max(pixels, 1)))
    few = int(rng.integers(1, 70)) if rng.random() < 0.5 else int(power(rng, 0, 3.7))
    return min(few, most)


def draw_options(rng: Generator, shape: tuple[int, ...]) -> dict[str, Any]:
    options: dict[str, Any] = {"num_threads": int(rng.integers(1, 17))}
    if rng.random() < 0.4:
        out = laid_out(rng, np.full(shape, -7, rng.choice([np.int32, np.int64])))
        if out.dtype.isnative:
            options["out"] = out
    return options


def draw(seed: int) -> Case:
    """The case of this seed."""
    rng = np.random.default_rng(seed)
    function = str(rng.choice(["mandelbrot", "julia", "escape_time"]))
    slices = (float(rng.choice([0.0, 0.0, 1e-4, 0.1])), int(rng.integers(0, 3)))
    if function == "escape_time":
        shape = tuple(int(n) for n in rng.integers(0 if rng.random() < 0.05 else 1, 14, 3))
        z = array(rng, shape[int(rng.integers(0, 4)) :]) if rng.random() < 0.5 else np.zeros(())
        c = array(rng, shape)
        max_iter = draw_max_iter(rng, int(np.prod(np.broadcast_shapes(z.shape, c.shape))))
        arguments, reference = (z, c, max_iter), (z, c)
    else:
        b = box(rng)
        max_iter = draw_max_iter(rng, b.shape[0] * b.shape[1])
        c = complex(points(rng, 1)[0])
        arguments = (b, max_iter) if function == "mandelbrot" else (b, c, max_iter)
        reference = (0, b.grid()) if function == "mandelbrot" else (b.grid(), c)
    expected = fast_escape_counts(*reference, max_iter)
    return Case(function, arguments, draw_options(rng, expected.shape), slices, expected)


def check(case: Case) -> None:
    """AssertionError where the kernel and the reference differ."""
    reports: list[tuple[int, int]] = []
    core.set_slices(*case.slices)
    try:
        found = getattr(pp, case.function)(
            *case.arguments, **case.options, progress=lambda *report: reports.append(report)
        )
    finally:
        core.set_slices(0.1, 0)
    np.testing.assert_array_equal(found, case.expected)
    assert reports[-1] == (case.expected.size, case.expected.size)
    assert all(a[0] <= b[0] for a, b in pairwise(reports))
