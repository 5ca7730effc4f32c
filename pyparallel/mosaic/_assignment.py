"""Tile assignment: the best mosaic in which no tile is used too often, and the proof."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pyparallel._load import core

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    from pyparallel._core import Progress


class Assignment(NamedTuple):
    """A tile for each target, what that costs, and the proof that no assignment costs much less.

    Attributes
    ----------
    indices : ndarray of int64, shape (m,)
        The tile of each target.
    cost : int or float
        The sum of squared distances between targets and their tiles.
    bound : int or float
        No assignment costs less than this.
    prices : ndarray of int64 or float64, shape (n,)
        What proves the bound: a price of each tile, at least 0.
    """

    indices: NDArray[np.int64]
    cost: int | float
    bound: int | float
    prices: NDArray[np.int64] | NDArray[np.float64]


def assign(
    targets: ArrayLike,
    tiles: ArrayLike,
    *,
    max_uses: int = 1,
    gap: float | None = None,
    num_threads: int | None = None,
    progress: Progress = None,
) -> Assignment:
    """A tile for each target, none used too often, at the least total squared distance.

    The answer comes with a proof of how good it is, and is the same on any number of threads and
    any CPU.

    Parameters
    ----------
    targets : array_like of uint8, float32 or float64, shape (m, d)
        What to find tiles for: a row of features each.
    tiles : array_like of uint8, float32 or float64, shape (n, d)
        What to choose from: at least ``m / max_uses`` of them.
    max_uses : int, optional
        How many targets may get the same tile, from 1 to 2**31 - 1.
    gap : float, optional
        How far from proven optimal the cost may be, as a part of it. By default 0 where both
        inputs are uint8, which means a proven optimum, else 1e-6; at least 1e-9 for floats.
    num_threads : int, optional
        -1 for all; see `pyparallel.threads` for the default.
    progress : callable, optional
        Called as ``progress(done, 1000)``, in thousandths of the work as far as that can be
        foreseen, about every 0.1 s and at the end; an exception that it raises stops the work.

    Returns
    -------
    Assignment
        A named tuple ``indices, cost, bound, prices``. No assignment costs less than ``bound``,
        and ``cost - bound <= gap * max(cost, 1e-12 * m * D)``, where D is the largest squared
        distance between a target and a tile. Where both inputs are uint8, cost, bound and prices
        are integers and exact; else they are float64: the cost is a rounded sum, the bound takes
        all rounding errors into account.

    Raises
    ------
    TypeError
        For arguments of another type, naming them.
    ValueError
        Where there are more targets than ``n * max_uses``, or no tiles, or features that are NaN
        or infinite; where targets and tiles have different numbers of features; where ``max_uses``
        or ``gap`` is out of range.

    Notes
    -----
    The prices prove the bound, by the duality of linear programming: it is the sum over the
    targets of the least ``distance + price`` of any tile, minus ``max_uses`` times the sum of all
    prices. That can be checked in a few lines, without trust in how they were found.

    The method is an auction with epsilon scaling (Bertsekas 1979, 1988); equal targets bid together
    and equal tiles are sold together (Bertsekas and Castanon 1989). It keeps lists of the best
    tiles of each target instead of all m * n distances; from 48 features on, also a bound of each
    distance in 2 bytes, where that takes at most 256 MiB. See ``csrc/core/assign_auction.c``.

    Examples
    --------
    >>> import numpy as np
    >>> import pyparallel as pp
    >>> pixels = np.array([[10], [20], [30]], np.uint8)
    >>> tiles = np.array([[19], [0], [50], [31]], np.uint8)
    >>> indices, cost, bound, prices = pp.mosaic.assign(pixels, tiles)
    >>> indices
    array([1, 0, 3])
    >>> cost, bound
    (102, 102)
    """
    return Assignment(*core.assign(targets, tiles, max_uses, gap, num_threads, progress))
