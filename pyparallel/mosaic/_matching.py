"""Tile matching: the nearest tile to each target."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pyparallel._load import core

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    from pyparallel._core import Progress


class Matches(NamedTuple):
    """The nearest tile to each target, and its squared distance."""

    indices: NDArray[np.int64]
    distances: NDArray[np.int64] | NDArray[np.float64]


def match(
    targets: ArrayLike,
    tiles: ArrayLike,
    *,
    num_threads: int | None = None,
    progress: Progress = None,
) -> Matches:
    """The nearest tile to each target, by squared Euclidean distance; of several, the first.

    The answer is that of comparing each target with each tile, whichever method finds it, and the
    same on any number of threads and any CPU.

    Parameters
    ----------
    targets : array_like of uint8, float32 or float64, shape (m, d)
        What to find tiles for: a row of features each.
    tiles : array_like of uint8, float32 or float64, shape (n, d)
        What to choose from, at least one. A tile may be chosen any number of times.
    num_threads : int, optional
        -1 for all; see `pyparallel.threads` for the default.
    progress : callable, optional
        Called as ``progress(done, total)``, in targets, about every 0.1 s and at the end; an
        exception that it raises stops the work.

    Returns
    -------
    Matches
        A named tuple of ``indices``, int64 of shape (m,), and ``distances`` of the same shape,
        squared: int64 and exact where both inputs are uint8, else float64. Those are sums of
        ``(target - tile)**2`` in the order of the features, every step in float64.

    Raises
    ------
    TypeError
        For features of another type, naming the argument.
    ValueError
        Where there are no tiles, or features that are NaN or infinite, or where targets and tiles
        have different numbers of features.

    Notes
    -----
    Memory is proportional to ``(m + n) * d``: no table of all distances is made.

    Examples
    --------
    >>> import numpy as np
    >>> import pyparallel as pp
    >>> tiles = np.array([[0, 0, 0], [255, 0, 0], [255, 255, 255]], np.uint8)
    >>> pixels = np.array([[250, 10, 3], [30, 20, 10]], np.uint8)
    >>> indices, distances = pp.mosaic.match(pixels, tiles)
    >>> indices
    array([1, 0])
    >>> distances
    array([ 134, 1400])
    """
    return Matches(*core.match(targets, tiles, num_threads, progress))
