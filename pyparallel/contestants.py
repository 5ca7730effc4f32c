"""Ready-made contestants for ``pp.race``: the lesson's problems, as each library does them best."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from pyparallel import fractals
from pyparallel._arguments import whole_number
from pyparallel._metadata import install_line
from pyparallel._threads import get_num_threads

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Counts = NDArray[np.int32]
    Axis = NDArray[np.float64]
    Kernel = Callable[[Counts, Axis, Axis, int], None]

SOURCES = {
    "NumPy": "https://numpy.org/doc/stable/user/quickstart.html#indexing-with-boolean-arrays",
    "Numba serial": "https://numba.readthedocs.io/en/stable/user/examples.html",
    "Numba parallel": "https://numba.readthedocs.io/en/stable/user/parallel.html",
    "Dask": "https://docs.dask.org/en/stable/generated/dask.array.map_blocks.html",
}

# The library a contestant needs beside NumPy.
LIBRARIES = {"Numba serial": "numba", "Numba parallel": "numba", "Dask": "dask.array"}

# The lesson's case.
BOX = fractals.Box(1024, 1024, center=-1.1195 + 0.2718j, extent=0.005 + 0.005j)

# Width and height of the picture that the plain Python loop can do in a moment.
SMALL = 128

# NumPy goes fastest through arrays that stay in the cache between one operation and the next.
POINTS_A_BLOCK = 16_384

# Rows differ in work, so threads take several portions of them, one after another.
PORTIONS_A_THREAD = 8


@dataclass(frozen=True)
class Problem:
    """One problem and those who solve it, ready for ``pp.race(problem.contestants)``.

    Attributes
    ----------
    title : str
        The problem in one line.
    contestants : dict of str to callable
        All give the same result. They use as many threads as `pyparallel.get_num_threads` says.
    missing : dict of str to str
        The contestants left out, and what to do: how to install the library, or why it fails.
    sources : dict of str to str
        The documentation that a contestant's form comes from.
    small : Problem or None
        The same in a size at which plain Python can take part.
    """

    title: str
    contestants: dict[str, Callable[[], object]]
    missing: dict[str, str]
    sources: dict[str, str]
    small: Problem | None = None


def problems() -> dict[str, Callable[[], Problem]]:
    """All problems, by name; call one to build it.

    Examples
    --------
    >>> from pyparallel import contestants
    >>> list(contestants.problems())
    ['mandelbrot']
    """
    return {"mandelbrot": mandelbrot}


def mandelbrot(box: fractals.Box | None = None, max_iter: int = 1024) -> Problem:
    """Escape counts of the Mandelbrot set, as by `pyparallel.mandelbrot`, int32.

    Every contestant starts from the box and gives the counts of the plain Python loop, equal in
    every pixel. For that they compute with real and imaginary parts: NumPy's product of complex
    numbers may fuse a multiplication with an addition, and then some counts differ. Numba's
    ``fastmath`` makes some differ too, so it is off.

    - *NumPy* keeps only the points that have not escaped, by boolean indexing, and works in
      place on blocks that fit into the cache.
    - *Numba serial* is two loops over the pixels, without the GIL. It is compiled at the first
      call, for which `pyparallel.race` warms up.
    - *Numba parallel* is the same with ``parallel=True`` and ``prange`` over the rows, in
      portions, since rows differ in work.
    - *Dask* maps the serial Numba function (NumPy's, without Numba) over blocks of rows on its
      scheduler of threads.
    - *pyparallel* is `pyparallel.mandelbrot`.
    - *pure Python*, only in ``small``, is the loop itself.

    Parameters
    ----------
    box : Box, optional
        The lesson's case by default: 1024 x 1024 pixels around -1.1195+0.2718i, 0.005 wide.
    max_iter : int, optional
        From 1 to 2**31 - 1.

    Returns
    -------
    Problem
        ``small`` shows the whole picture in at most 128 x 128 pixels.

    Raises
    ------
    TypeError, ValueError
        Naming the argument.

    Examples
    --------
    >>> import pyparallel as pp
    >>> problem = pp.contestants.mandelbrot(pp.Box(64, 64, center=-0.8, extent=3 + 3j), 100)
    >>> problem.title
    'Mandelbrot set, 64 x 64 pixels, at most 100 iterations'
    >>> outcome = pp.race(problem.contestants, repeat=1)
    """
    if box is None:
        box = BOX
    if not isinstance(box, fractals.Box):
        raise TypeError(
            f"contestants.mandelbrot: box must be a pyparallel.Box, not {type(box).__name__}"
        )
    max_iter = whole_number("contestants.mandelbrot", "max_iter", max_iter, 2**31 - 1)
    forms: dict[str, Callable[[fractals.Box, int], object]] = {
        "NumPy": _by_numpy,
        "Numba serial": _by_numba_serial,
        "Numba parallel": _by_numba_parallel,
        "Dask": _by_dask,
        "pyparallel": fractals.mandelbrot,
    }
    missing = _missing(LIBRARIES)
    forms = {name: form for name, form in forms.items() if name not in missing}
    shrunk = _shrunk(box)
    small = _problem(
        f"{_title(shrunk, max_iter)}: small, for plain Python takes part",
        {"pure Python": _by_python, **forms},
        shrunk,
        max_iter,
        missing,
    )
    return _problem(_title(box, max_iter), forms, box, max_iter, missing, small)


def _problem(
    title: str,
    forms: dict[str, Callable[[fractals.Box, int], object]],
    box: fractals.Box,
    max_iter: int,
    missing: dict[str, str],
    small: Problem | None = None,
) -> Problem:
    def contestant(form: Callable[[fractals.Box, int], object]) -> Callable[[], object]:
        return lambda: form(box, max_iter)

    ready = {name: contestant(form) for name, form in forms.items()}
    sources = {name: url for name, url in SOURCES.items() if name in ready}
    return Problem(title, ready, missing, sources, small)


def _title(box: fractals.Box, max_iter: int) -> str:
    rows, columns = box.shape
    return f"Mandelbrot set, {columns} x {rows} pixels, at most {max_iter} iterations"


def _shrunk(box: fractals.Box) -> fractals.Box:
    """The same view in fewer pixels."""
    factor = math.ceil(max(box.width, box.height) / SMALL)
    width, height = (max(1, pixels // factor) for pixels in (box.width, box.height))
    return fractals.Box(width, height, box.center, box.extent)


def _missing(libraries: dict[str, str]) -> dict[str, str]:
    """The contestants whose library cannot be imported, and what to do about it."""
    found = {}
    for name, library in libraries.items():
        try:
            import_module(library)
        except ModuleNotFoundError:
            found[name] = install_line("lesson")
        except ImportError as error:  # it is there, but refuses, say, this version of NumPy
            found[name] = next(iter(str(error).splitlines()), install_line("lesson"))
    return found


def _coordinates(box: fractals.Box) -> tuple[Axis, Axis]:
    """The real parts of the columns and the imaginary parts of the rows, as in `Box.grid`."""
    row = box.crop(slice(0, 1), slice(None)).grid()
    column = box.crop(slice(None), slice(0, 1)).grid()
    return row[0].real.copy(), column[:, 0].imag.copy()


def _by_python(box: fractals.Box, max_iter: int) -> Counts:
    x, y = (axis.tolist() for axis in _coordinates(box))
    counts = np.empty(box.shape, np.int32)
    for j, ci in enumerate(y):
        for i, cr in enumerate(x):
            zr = zi = 0.0
            for k in range(max_iter):  # noqa: B007 - the count is k after the loop
                zr, zi = zr * zr - zi * zi + cr, zr * zi + zi * zr + ci
                if zr * zr + zi * zi > 4.0:
                    break
            counts[j, i] = k
    return counts


def _by_numpy(box: fractals.Box, max_iter: int) -> Counts:
    x, y = _coordinates(box)
    counts = np.empty(box.shape, np.int32)
    _fill_by_numpy(counts, x, y, max_iter)
    return counts


def _fill_by_numpy(counts: Counts, x: Axis, y: Axis, max_iter: int) -> None:
    rows = max(1, POINTS_A_BLOCK // len(x))
    for start in range(0, len(y), rows):
        block = slice(start, start + rows)
        ci, cr = np.meshgrid(y[block], x, indexing="ij")
        counts[block] = _count_by_numpy(cr.ravel(), ci.ravel(), max_iter).reshape(cr.shape)


def _count_by_numpy(cr: Axis, ci: Axis, max_iter: int) -> Counts:
    counts = np.full(cr.shape, max_iter - 1, np.int32)
    inside = np.arange(cr.size)  # which points these are, once others have left
    zr, zi, zr2, zi2 = np.zeros((4, cr.size))
    with np.errstate(over="ignore", invalid="ignore"):  # as silent as the plain loop
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
                cr, ci, zr, zi, zr2, zi2 = (a[stay] for a in (cr, ci, zr, zi, zr2, zi2))
                if not inside.size:
                    break
    return counts


@cache
def _kernels() -> tuple[Kernel, Kernel]:
    """The Numba functions, serial and parallel; each compiles at its first call."""
    numba: Any = import_module("numba")
    prange = numba.prange  # without parallel=True it is range

    def fill(counts: Counts, x: Axis, y: Axis, max_iter: int) -> None:
        for j in prange(y.size):
            for i in range(x.size):
                zr = zi = zr2 = zi2 = 0.0
                for k in range(max_iter):  # noqa: B007 - the count is k after the loop
                    zi = 2.0 * (zr * zi) + y[j]  # twice the product: the sum of two, to the bit
                    zr = zr2 - zi2 + x[i]
                    zr2 = zr * zr
                    zi2 = zi * zi
                    if zr2 + zi2 > 4.0:
                        break
                counts[j, i] = k

    return numba.njit(nogil=True)(fill), numba.njit(nogil=True, parallel=True)(fill)


def _by_numba_serial(box: fractals.Box, max_iter: int) -> Counts:
    counts = np.empty(box.shape, np.int32)
    _kernels()[0](counts, *_coordinates(box), max_iter)
    return counts


def _by_numba_parallel(box: fractals.Box, max_iter: int) -> Counts:
    numba: Any = import_module("numba")
    counts = np.empty(box.shape, np.int32)
    before = numba.get_num_threads()
    numba.set_num_threads(min(get_num_threads(), numba.config.NUMBA_NUM_THREADS))
    try:
        with numba.parallel_chunksize(_rows_a_portion(len(counts))):
            _kernels()[1](counts, *_coordinates(box), max_iter)
    finally:
        numba.set_num_threads(before)
    return counts


def _by_dask(box: fractals.Box, max_iter: int) -> Any:
    da: Any = import_module("dask.array")
    fill = _fill_by_numpy if "Numba serial" in _missing(LIBRARIES) else _kernels()[0]

    def block(y: Axis, x: Axis) -> Counts:
        counts = np.empty((y.size, x.size), np.int32)
        fill(counts, x.ravel(), y.ravel(), max_iter)
        return counts

    x, y = _coordinates(box)
    rows = _rows_a_portion(len(y))
    down = da.from_array(y[:, np.newaxis], chunks=(rows, 1))
    across = da.from_array(x[np.newaxis], chunks=(1, len(x)))
    chunks = (down.chunks[0], across.chunks[1])
    empty = np.empty((0, 0), np.int32)  # told, so that Dask need not try the function to know
    counts = da.map_blocks(block, down, across, chunks=chunks, dtype=np.int32, meta=empty)
    return counts.compute(scheduler="threads", num_workers=get_num_threads())


def _rows_a_portion(rows: int) -> int:
    return math.ceil(rows / (PORTIONS_A_THREAD * get_num_threads()))
