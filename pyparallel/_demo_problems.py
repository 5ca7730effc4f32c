"""The demo's own problems: a Julia set, and two in which others are the better choice."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from pyparallel import contestants
from pyparallel._threads import get_num_threads
from pyparallel.contestants import Problem
from pyparallel.fractals import Box, escape_time, julia

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Counts = NDArray[np.int32]
    Axis = NDArray[np.float64]

MAX_ITER = 1024
DRAGON = -0.8 + 0.156j
DRAGON_EXTENT = 3.2 + 3.2j
POINT = 0.5 + 0.5j


def dragon(side: int) -> Problem:
    """The Julia set of -0.8+0.156i: NumPy, Numba on all threads, this package."""
    box = Box(side, side, 0, DRAGON_EXTENT)
    runners: dict[str, Callable[[], object]] = {
        "NumPy": lambda: _julia_by_numpy(box),
        "Numba parallel": lambda: _julia_by_numba(box),
        "pyparallel": lambda: julia(box, DRAGON, MAX_ITER),
    }
    return _problem(
        f"Julia set of -0.8+0.156i, {side} x {side} pixels, at most {MAX_ITER} iterations", runners
    )


def one_point() -> Problem:
    """A point that escapes after a few steps: less work than a call costs."""
    return _problem(
        "One point that escapes at once",
        {
            "plain Python": lambda: _count(0.0, 0.0, POINT.real, POINT.imag),
            "pyparallel": lambda: escape_time(0, POINT, MAX_ITER),
        },
    )


def burning_ship(side: int) -> Problem:
    """A formula for which this package has no kernel, in plain Python and compiled by Numba."""
    x, y = np.linspace(-2.2, 1.2, side), np.linspace(-2.0, 1.0, side)
    return _problem(
        f"A formula of your own: the burning ship, {side} x {side} pixels, 100 iterations",
        {
            "plain Python": lambda: _ship(x.tolist(), y.tolist(), np.empty((side, side), np.int32)),
            "Numba": lambda: _compiled_ship()(x, y, np.empty((side, side), np.int32)),
        },
    )


def _problem(title: str, runners: dict[str, Callable[[], object]]) -> Problem:
    """The problem without those whose library is missing."""
    libraries = {name: "numba" for name in runners if name.startswith("Numba")}
    missing = contestants._missing(libraries)
    ready = {name: run for name, run in runners.items() if name not in missing}
    sources = {name: contestants.SOURCES[name] for name in ready if name in contestants.SOURCES}
    return Problem(title, ready, missing, sources)


def _count(zr: float, zi: float, cr: float, ci: float) -> int:
    for k in range(MAX_ITER):  # noqa: B007 - the count is k after the loop
        zr, zi = zr * zr - zi * zi + cr, zr * zi + zi * zr + ci
        if zr * zr + zi * zi > 4.0:
            break
    return k


def _julia_by_numpy(box: Box) -> Counts:
    """As NumPy goes fastest in `contestants`: cache-sized blocks, only points not yet escaped."""
    x, y = contestants._coordinates(box)
    counts = np.full(box.shape, MAX_ITER - 1, np.int32)
    rows = max(1, contestants.POINTS_A_BLOCK // len(x))
    for start in range(0, len(y), rows):
        zi, zr = np.meshgrid(y[start : start + rows], x, indexing="ij")
        _julia_block(zr.ravel(), zi.ravel(), counts[start : start + rows].ravel())
    return counts


def _julia_block(zr: Axis, zi: Axis, counts: Counts) -> None:
    inside = np.arange(zr.size)  # which points these are, once others have left
    zr2, zi2 = zr * zr, zi * zi
    for k in range(MAX_ITER):
        zi *= zr
        zi += zi  # the same as zr * zi + zi * zr, to the bit
        zi += DRAGON.imag
        np.subtract(zr2, zi2, out=zr)
        zr += DRAGON.real
        np.multiply(zr, zr, out=zr2)
        np.multiply(zi, zi, out=zi2)
        escaped = zr2 + zi2 > 4.0
        if escaped.any():
            counts[inside[escaped]] = k
            stay = ~escaped
            inside = inside[stay]
            zr, zi, zr2, zi2 = (a[stay] for a in (zr, zi, zr2, zi2))
            if not inside.size:
                break


def _julia_by_numba(box: Box) -> Counts:
    numba: Any = import_module("numba")
    counts = np.empty(box.shape, np.int32)
    before = numba.get_num_threads()
    numba.set_num_threads(min(get_num_threads(), numba.config.NUMBA_NUM_THREADS))
    try:
        with numba.parallel_chunksize(contestants._rows_a_portion(len(counts))):
            _julia_kernel()(counts, *contestants._coordinates(box))
    finally:
        numba.set_num_threads(before)
    return counts


@cache
def _julia_kernel() -> Any:
    """Compiles at its first call."""
    numba: Any = import_module("numba")
    prange, count = numba.prange, numba.njit(_count)

    def fill(counts: Counts, x: Axis, y: Axis) -> None:
        for j in prange(y.size):
            for i in range(x.size):
                counts[j, i] = count(x[i], y[j], DRAGON.real, DRAGON.imag)

    return numba.njit(nogil=True, parallel=True)(fill)


def _ship(x: Any, y: Any, counts: Counts) -> Counts:
    for j in range(len(y)):
        for i in range(len(x)):
            zr = zi = 0.0
            for k in range(100):  # noqa: B007 - the count is k after the loop
                zr, zi = zr * zr - zi * zi + x[i], 2.0 * abs(zr * zi) + y[j]
                if zr * zr + zi * zi > 4.0:
                    break
            counts[j, i] = k
    return counts


@cache
def _compiled_ship() -> Any:
    numba: Any = import_module("numba")
    return numba.njit(_ship)
