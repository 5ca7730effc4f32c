"""How each library counts best: the forms that race in `pyparallel.contestants`.

All take a box, c and max_iter. With a number c they count the Julia set of c, whose starting
points z are the box's; with None the Mandelbrot set, where the box's points are c, and z is 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from pyparallel import fractals
from pyparallel._libraries import missing
from pyparallel._threads import get_num_threads

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Counts = NDArray[np.int32]
    Axis = NDArray[np.float64]
    Fill = Callable[[Counts, Any, Any, complex | None, int], None]

# NumPy goes fastest through arrays that stay in the cache between one operation and the next.
POINTS_A_BLOCK = 16_384

# Rows differ in work, so threads take several portions of them, one after another.
PORTIONS_A_THREAD = 8


def by_python(box: fractals.Box, c: complex | None, max_iter: int) -> Counts:
    x, y = _coordinates(box)
    counts = np.empty(box.shape, np.int32)
    _loops(count_one, range)(counts, x.tolist(), y.tolist(), c, max_iter)
    return counts


def by_numpy(box: fractals.Box, c: complex | None, max_iter: int) -> Counts:
    counts = np.empty(box.shape, np.int32)
    _fill_by_numpy(counts, *_coordinates(box), c, max_iter)
    return counts


def by_numba_serial(box: fractals.Box, c: complex | None, max_iter: int) -> Counts:
    counts = np.empty(box.shape, np.int32)
    compiled()[0](counts, *_coordinates(box), c, max_iter)
    return counts


def by_numba_parallel(box: fractals.Box, c: complex | None, max_iter: int) -> Counts:
    numba: Any = import_module("numba")
    counts = np.empty(box.shape, np.int32)
    with numba_threads(), numba.parallel_chunksize(_rows_a_portion(len(counts))):
        compiled()[1](counts, *_coordinates(box), c, max_iter)
    return counts


@contextmanager
def numba_threads() -> Iterator[int]:
    """Tell Numba to use the threads in force, as far as it has so many."""
    numba: Any = import_module("numba")
    before = numba.get_num_threads()
    threads = min(get_num_threads(), numba.config.NUMBA_NUM_THREADS)
    numba.set_num_threads(threads)
    try:
        yield threads
    finally:
        numba.set_num_threads(before)


def by_dask(box: fractals.Box, c: complex | None, max_iter: int) -> Any:
    da: Any = import_module("dask.array")
    fill = _fill_by_numpy if missing({"Dask": "numba"}) else compiled()[0]

    def block(y: Axis, x: Axis) -> Counts:
        counts = np.empty((y.size, x.size), np.int32)
        fill(counts, x.ravel(), y.ravel(), c, max_iter)
        return counts

    x, y = _coordinates(box)
    rows = _rows_a_portion(len(y))
    down = da.from_array(y[:, np.newaxis], chunks=(rows, 1))
    across = da.from_array(x[np.newaxis], chunks=(1, len(x)))
    chunks = (down.chunks[0], across.chunks[1])
    empty = np.empty((0, 0), np.int32)  # told, so that Dask need not try the function to know
    counts = da.map_blocks(block, down, across, chunks=chunks, dtype=np.int32, meta=empty)
    return counts.compute(scheduler="threads", num_workers=get_num_threads())


def by_pyparallel(box: fractals.Box, c: complex | None, max_iter: int) -> object:
    if c is None:
        return fractals.mandelbrot(box, max_iter)
    return fractals.julia(box, c, max_iter)


def count_one(zr: float, zi: float, cr: float, ci: float, max_iter: int) -> int:
    """The loop itself, for one point."""
    zr2, zi2 = zr * zr, zi * zi
    for k in range(max_iter):
        zi = 2.0 * (zr * zi) + ci  # twice the product: zr * zi + zi * zr, to the bit
        zr = zr2 - zi2 + cr
        zr2, zi2 = zr * zr, zi * zi
        if zr2 + zi2 > 4.0:
            return k
    return max_iter - 1


def _loops(count: Callable[..., int], rows: Callable[[int], Any]) -> Fill:
    """The two loops over the pixels, for Python and Numba alike."""

    def fill(counts: Counts, x: Axis, y: Axis, c: complex | None, max_iter: int) -> None:
        for j in rows(len(y)):
            for i in range(len(x)):
                if c is None:  # which Numba decides when it compiles
                    counts[j, i] = count(0.0, 0.0, x[i], y[j], max_iter)
                else:
                    counts[j, i] = count(x[i], y[j], c.real, c.imag, max_iter)

    return fill


@cache
def compiled() -> tuple[Fill, Fill]:
    """The loops by Numba, serial and parallel; each compiles at its first call."""
    numba: Any = import_module("numba")
    # Without parallel=True prange is range.
    fill = _loops(numba.njit(nogil=True)(count_one), numba.prange)
    return numba.njit(nogil=True)(fill), numba.njit(nogil=True, parallel=True)(fill)


def _fill_by_numpy(counts: Counts, x: Axis, y: Axis, c: complex | None, max_iter: int) -> None:
    rows = max(1, POINTS_A_BLOCK // len(x))
    for start in range(0, len(y), rows):
        block = slice(start, start + rows)
        im, re = np.meshgrid(y[block], x, indexing="ij")
        if c is None:
            zr, zi = np.zeros((2, re.size))
            found = _count_by_numpy(zr, zi, re.ravel(), im.ravel(), max_iter)
        else:
            found = _count_by_numpy(re.ravel(), im.ravel(), c.real, c.imag, max_iter)
        counts[block] = found.reshape(re.shape)


def _count_by_numpy(
    zr: Axis, zi: Axis, cr: Axis | float, ci: Axis | float, max_iter: int
) -> Counts:
    """The counts of points z, which are overwritten; c is one for each, or one for all."""
    counts = np.full(zr.shape, max_iter - 1, np.int32)
    inside = np.arange(zr.size)  # which points these are, once others have left
    with np.errstate(over="ignore", invalid="ignore"):  # as silent as the plain loop
        zr2, zi2 = zr * zr, zi * zi
        for k in range(max_iter):
            zi *= zr
            zi += zi  # the same as zr * zi + zi * zr, to the bit
            zi += ci
            np.subtract(zr2, zi2, out=zr)
            zr += cr
            np.multiply(zr, zr, out=zr2)
            np.multiply(zi, zi, out=zi2)
            escaped = zr2 + zi2 > 4.0
            if escaped.any():
                counts[inside[escaped]] = k
                stay = ~escaped
                inside = inside[stay]
                zr, zi, zr2, zi2 = (a[stay] for a in (zr, zi, zr2, zi2))
                if isinstance(cr, np.ndarray) and isinstance(ci, np.ndarray):
                    cr, ci = cr[stay], ci[stay]
                if not inside.size:
                    break
    return counts


def _coordinates(box: fractals.Box) -> tuple[Axis, Axis]:
    """The real parts of the columns and the imaginary parts of the rows, as in `Box.grid`."""
    row = box.crop(slice(0, 1), slice(None)).grid()
    column = box.crop(slice(None), slice(0, 1)).grid()
    return row[0].real.copy(), column[:, 0].imag.copy()


def _rows_a_portion(rows: int) -> int:
    return math.ceil(rows / (PORTIONS_A_THREAD * get_num_threads()))
