"""Histograms with uniform bins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyparallel._load import core

if TYPE_CHECKING:
    from typing import Any

    import numpy as np
    from numpy.typing import ArrayLike, NDArray


def histogram(
    a: ArrayLike,
    bins: int = 10,
    range: tuple[float, float] | None = None,
    *,
    num_threads: int | None = None,
) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """How many elements lie in each of some bins of equal width.

    Bin k holds the elements x with ``edges[k] <= x < edges[k + 1]``, the last one also those with
    ``x == edges[-1]``. Elements outside of all bins, and NaN, are not counted.

    Parameters
    ----------
    a : array_like
        Bool, integers, float32 or float64, of any shape. Integers count as float64, as in NumPy.
    bins : int, optional
        How many, from 1 to 2**31 - 2.
    range : (float, float), optional
        Where the first bin begins and the last one ends; where these are the same, half a unit is
        added at both ends. By default the least and the greatest element, or (0, 1) without any.
    num_threads : int, optional
        -1 for all; see `pyparallel.threads` for the default.

    Returns
    -------
    counts : ndarray of int64, shape (bins,)
    edges : ndarray of float64, or float32 if ``a`` is, shape (bins + 1,)
        Those of `numpy.histogram_bin_edges`.

    Raises
    ------
    TypeError, ValueError
        Naming the argument. A ValueError, too, where the range is to be found in an array that
        holds NaN or infinity, and where it is too narrow for so many different edges, or too wide
        for its width to be finite.

    Notes
    -----
    The counts are those of `numpy.histogram`, but for bins that are hardly wider than the distance
    from one floating-point number to the next: by the edges it returns, NumPy may count in a wrong
    bin there. The algorithm is at the top of ``csrc/core/histogram_template.h``.

    Examples
    --------
    >>> import pyparallel as pp
    >>> counts, edges = pp.histogram([1, 2, 2, 3, 3, 3, 4], bins=3)
    >>> counts
    array([1, 2, 4])
    >>> edges
    array([1., 2., 3., 4.])
    """
    return core.histogram(a, bins, range, num_threads)
