"""Fractals: ``Box``, the part of the complex plane in a picture, and the escape-time kernels."""

from __future__ import annotations

import cmath
import operator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from pyparallel._arguments import complex_number, whole_number
from pyparallel._load import core

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike, NDArray

    from pyparallel._core import Counts, Grid, Progress

Span = tuple[int, int]

# Up to here every index of a pixel is a float64 too.
_MANY_PIXELS = 2**53


def _span(name: str, part: object, window: Span) -> Span:
    """A slice of rows or columns, as (start, stop) within the window."""
    if not isinstance(part, slice):
        raise TypeError(f"Box.crop: {name} must be a slice, not {type(part).__name__}")
    if part.step is not None and part.step != 1:
        raise ValueError(f"Box.crop: {name} must have step 1, not {part.step!r}")
    try:
        start, stop, _ = part.indices(window[1] - window[0])
    except TypeError:
        raise TypeError(f"Box.crop: {name} must be a slice of integers, not {part}") from None
    if stop <= start:
        raise ValueError(f"Box.crop: {name} selects nothing of {window[1] - window[0]}")
    return window[0] + start, window[0] + stop


def _cuts(window: Span, n: int) -> list[slice]:
    """The window in n parts, cut as numpy.array_split cuts."""
    size, longer = divmod(window[1] - window[0], n)
    ends = [size * k + min(k, longer) for k in range(n + 1)]
    return [slice(*part) for part in pairwise(ends)]


@dataclass(frozen=True)
class Box:
    """A rectangle of the complex plane, seen as a picture of square pixels.

    Pixel ``[j, i]`` is the point ``center.real + (i - width // 2) * scale``,
    ``center.imag + (j - height // 2) * scale``, each computed in float64; row 0 is at the bottom
    (draw with ``origin="lower"``).

    Parameters
    ----------
    width, height : int
        Of the whole picture, in pixels; at least 1.
    center : complex
        The point of pixel ``[height // 2, width // 2]``; finite.
    extent : complex
        Width and height in the plane, ``extent.real`` and ``extent.imag``, both positive. The
        larger of the two scales is used for both directions, so the picture shows at least that.
    window : ((row0, row1), (col0, col1)), optional
        The part of the picture that this box covers; all of it by default. See `crop`.

    Raises
    ------
    TypeError, ValueError
        Naming the parameter.

    Examples
    --------
    >>> import pyparallel as pp
    >>> box = pp.Box(4, 2, center=-0.5, extent=4 + 2j)
    >>> box.scale
    1.0
    >>> box.grid()
    array([[-2.5-1.j, -1.5-1.j, -0.5-1.j,  0.5-1.j],
           [-2.5+0.j, -1.5+0.j, -0.5+0.j,  0.5+0.j]])
    """

    width: int
    height: int
    center: complex
    extent: complex
    window: tuple[Span, Span] = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        def put(name: str, value: object) -> None:
            object.__setattr__(self, name, value)

        put("width", whole_number("Box", "width", self.width, _MANY_PIXELS))
        put("height", whole_number("Box", "height", self.height, _MANY_PIXELS))
        put("center", complex_number("Box", "center", self.center))
        put("extent", complex_number("Box", "extent", self.extent))
        if not (self.extent.real > 0 and self.extent.imag > 0):
            raise ValueError(
                f"Box: extent must have a positive real and imaginary part, not {self.extent}"
            )
        if self.window is None:
            put("window", ((0, self.height), (0, self.width)))
        else:
            put("window", self._checked_window())

    def _checked_window(self) -> tuple[Span, Span]:
        try:
            (row0, row1), (col0, col1) = self.window
            rows = operator.index(row0), operator.index(row1)
            cols = operator.index(col0), operator.index(col1)
        except (TypeError, ValueError):
            raise TypeError(
                f"Box: window must be ((row0, row1), (col0, col1)), not {self.window!r}"
            ) from None
        if not (0 <= rows[0] < rows[1] <= self.height and 0 <= cols[0] < cols[1] <= self.width):
            raise ValueError(f"Box: window {rows, cols} is empty or leaves the picture")
        return rows, cols

    @property
    def scale(self) -> float:
        """The distance between neighbouring pixels."""
        return max(self.extent.real / self.width, self.extent.imag / self.height)

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns) of the window."""
        (row0, row1), (col0, col1) = self.window
        return row1 - row0, col1 - col0

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """(left, right, bottom, top) of the window at the pixels' outer edges.

        What ``imshow(counts, origin="lower", extent=box.bounds)`` wants.
        """
        (row0, row1), (col0, col1) = self.window

        def x(col: int) -> float:
            return self.center.real + (col - self.width // 2 - 0.5) * self.scale

        def y(row: int) -> float:
            return self.center.imag + (row - self.height // 2 - 0.5) * self.scale

        return x(col0), x(col1), y(row0), y(row1)

    def crop(self, rows: slice, cols: slice) -> Box:
        """The part of this box in these rows and columns of its window.

        Width, height and scale stay those of the whole picture, so the points are the same to the
        bit: ``box.crop(r, c).grid()`` equals ``box.grid()[r, c]``.

        Parameters
        ----------
        rows, cols : slice
            With step 1, and not empty.

        Examples
        --------
        >>> import pyparallel as pp
        >>> box = pp.Box(100, 100, center=-0.8, extent=3 + 3j)
        >>> box.crop(slice(0, 10), slice(50, None)).shape
        (10, 50)
        """
        window = (
            _span("rows", rows, self.window[0]),
            _span("cols", cols, self.window[1]),
        )
        return replace(self, window=window)

    def split(self, n: int) -> list[list[Box]]:
        """This box in n x n parts, cut as `numpy.array_split` cuts.

        Parameters
        ----------
        n : int
            At least 1, at most the rows and the columns of the window.

        Returns
        -------
        list of list of Box
            ``np.block([[pp.mandelbrot(part, 100) for part in row] for row in box.split(n)])``
            equals ``pp.mandelbrot(box, 100)``.

        Examples
        --------
        >>> import pyparallel as pp
        >>> [part.shape for part in pp.Box(8, 8, center=0, extent=1 + 1j).split(3)[0]]
        [(3, 3), (3, 3), (3, 2)]
        """
        n = whole_number("Box.split", "n", n, min(self.shape))
        rows, cols = (_cuts(span, n) for span in self.window)
        return [[self.crop(row, col) for col in cols] for row in rows]

    def grid(self) -> NDArray[np.complex128]:
        """The point of each pixel of the window.

        Returns
        -------
        ndarray of complex128, shape (rows, columns)
        """
        (row0, row1), (col0, col1) = self.window
        points = np.empty(self.shape, np.complex128)
        cols = np.arange(col0, col1) - self.width // 2
        rows = np.arange(row0, row1) - self.height // 2
        with np.errstate(over="ignore"):  # in a tall or a wide box points may be infinite
            points.real = self.center.real + cols * self.scale
            points.imag = (self.center.imag + rows * self.scale)[:, np.newaxis]
        return points

    def zoom(self, factor: float, center: complex | None = None) -> Box:
        """The box around ``center`` (this one's by default) that shows ``factor`` times less.

        Parameters
        ----------
        factor : float
            Above 1 zooms in, below 1 out. The window is dropped.
        center : complex, optional

        Examples
        --------
        >>> import pyparallel as pp
        >>> pp.Box(100, 100, center=0, extent=4 + 4j).zoom(2, center=-1).extent
        (2+2j)
        """
        number = complex_number("Box.zoom", "factor", factor)
        if number.imag or number.real <= 0:
            raise ValueError(f"Box.zoom: factor must be a positive number, not {factor!r}")
        extent = self.extent / number.real
        if not (cmath.isfinite(extent) and extent.real > 0 and extent.imag > 0):
            raise ValueError(f"Box.zoom: factor {factor!r} takes the extent out of float64's range")
        if center is None:
            center = self.center
        return Box(self.width, self.height, complex_number("Box.zoom", "center", center), extent)


def _grid(function: str, box: Box) -> Grid:
    """What the C functions want to know of a box."""
    if not isinstance(box, Box):
        raise TypeError(f"{function}: box must be a pyparallel.Box, not {type(box).__name__}")
    (row0, _), (col0, _) = box.window
    first = row0 - box.height // 2, col0 - box.width // 2
    return (box.center.real, box.center.imag, box.scale, *first, *box.shape)


def mandelbrot(
    box: Box,
    max_iter: int,
    *,
    out: Counts | None = None,
    num_threads: int | None = None,
    progress: Progress = None,
) -> Counts:
    """Escape counts of the Mandelbrot set: z -> z*z + c from z = 0, one c a pixel.

    Each count is exactly what this loop returns, whatever the number of threads and the CPU::

        def count(zr, zi, cr, ci, max_iter):
            for k in range(max_iter):
                zr, zi = zr * zr - zi * zi + cr, zr * zi + zi * zr + ci
                if zr * zr + zi * zi > 4.0:
                    break
            return k

    Parameters
    ----------
    box : Box
        The points c.
    max_iter : int
        From 1 to 2**31 - 1. Points that never escape count ``max_iter - 1``.
    out : ndarray of int32 or int64, shape ``box.shape``, optional
        Where to write the counts.
    num_threads : int, optional
        -1 for all; see `pyparallel.threads` for the default.
    progress : callable, optional
        Called as ``progress(done, total)``, in pixels, at most every 0.1 s and once at the end.

    Returns
    -------
    ndarray of int32, shape ``box.shape`` (or ``out``)

    Raises
    ------
    TypeError, ValueError
        Naming the argument; nothing has been written then.

    Notes
    -----
    The algorithm is at the top of ``csrc/core/fractal_template.h``.

    Examples
    --------
    >>> import pyparallel as pp
    >>> pp.mandelbrot(pp.Box(5, 3, center=-0.5, extent=2.5 + 1.5j), 50)
    array([[ 2,  4, 49, 49,  4],
           [49, 49, 49, 49,  4],
           [ 2,  4, 49, 49,  4]], dtype=int32)
    """
    return core.mandelbrot(_grid("mandelbrot", box), max_iter, out, num_threads, progress)


def julia(
    box: Box,
    c: complex,
    max_iter: int,
    *,
    out: Counts | None = None,
    num_threads: int | None = None,
    progress: Progress = None,
) -> Counts:
    """Escape counts of the Julia set of c: z -> z*z + c, one starting point z a pixel.

    Parameters
    ----------
    box : Box
        The starting points z.
    c : complex
        The same for every pixel.
    max_iter, out, num_threads, progress
        As in `mandelbrot`.

    Returns
    -------
    ndarray of int32, shape ``box.shape`` (or ``out``)
        Exactly the counts of the loop shown in `mandelbrot`.

    Examples
    --------
    >>> import pyparallel as pp
    >>> pp.julia(pp.Box(3, 3, center=0, extent=3 + 3j), -0.1 + 0.65j, 50)
    array([[ 0, 49,  1],
           [ 2, 49,  2],
           [ 1, 49,  0]], dtype=int32)
    """
    return core.julia(_grid("julia", box), c, max_iter, out, num_threads, progress)


def escape_time(
    z: ArrayLike,
    c: ArrayLike,
    max_iter: int,
    *,
    out: Counts | None = None,
    num_threads: int | None = None,
    progress: Progress = None,
) -> Any:
    """Escape counts of z -> z*z + c for arrays of starting points z and parameters c.

    Parameters
    ----------
    z, c : array_like
        Real or complex numbers up to float64 and complex128, of shapes that broadcast. NaN and
        infinite points give what the loop shown in `mandelbrot` gives.
    max_iter, out, num_threads, progress
        As in `mandelbrot`; ``out`` has the shape z and c broadcast to, and overlaps neither.

    Returns
    -------
    ndarray of int32 (or ``out``)
        A NumPy int32 for points without dimensions.

    Examples
    --------
    >>> import pyparallel as pp
    >>> pp.escape_time(0, [0, 1, 0.5, -2, 2 + 2j], 100)
    array([99,  2,  4, 99,  0], dtype=int32)
    """
    return core.escape_time(z, c, max_iter, out, num_threads, progress)


def plot_fractal(
    box: Box, counts: NDArray[Any], ax: Axes | None = None, **imshow: Any
) -> tuple[Figure, Axes]:
    """Draw escape counts on the complex plane, with matplotlib.

    Parameters
    ----------
    box : Box
    counts : ndarray, shape ``box.shape``
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.
    **imshow
        For `matplotlib.axes.Axes.imshow`; by default ``cmap="magma"`` over the logarithm of the
        counts, and ``interpolation="none"``.

    Returns
    -------
    (Figure, Axes)

    Examples
    --------
    >>> import pyparallel as pp
    >>> box = pp.Box(60, 40, center=-0.5, extent=3 + 2j)
    >>> figure, ax = pp.plot_fractal(box, pp.mandelbrot(box, 100), cmap="viridis")
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('real part', 'imaginary part')
    """
    if not isinstance(box, Box):
        raise TypeError(f"plot_fractal: box must be a pyparallel.Box, not {type(box).__name__}")
    counts = np.asarray(counts)
    if counts.shape != box.shape:
        raise ValueError(
            f"plot_fractal: counts must have the box's shape {box.shape}, not {counts.shape}"
        )
    if counts.dtype.kind not in "biuf":
        raise TypeError(f"plot_fractal: counts must hold real numbers, not {counts.dtype}")
    from pyparallel._plots import axes

    figure, ax = axes("plot_fractal", ax, (6.4, 4.8))
    from matplotlib.colors import LogNorm

    style: dict[str, Any] = {"cmap": "magma", "interpolation": "none"}
    if "norm" not in imshow and not {"vmin", "vmax"} & imshow.keys():
        style["norm"] = LogNorm(1, max(2, int(counts.max()) + 1))
        counts = counts + 1
    ax.imshow(counts, origin="lower", extent=box.bounds, **{**style, **imshow})
    ax.set_xlabel("real part")
    ax.set_ylabel("imaginary part")
    return figure, ax
