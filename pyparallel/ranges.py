"""Sums of ranges by plain loops in C: the lesson's specimens of what calling C costs and brings."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from pyparallel._arguments import shown
from pyparallel._load import core

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Loops = Callable[[NDArray[np.int64], int | None], None]

# The largest n whose sum is below 2**63. n * (n - 1) / 2 passes it after n = 2**32; with m numbers
# that 3 divides, 3 * m * (m - 1) / 2 does after m = 2_479_700_525.
_LARGEST = 2**32
_LARGEST_CONDITIONAL = 3 * 2_479_700_525


@overload
def sum_range(n: int, *, num_threads: int | None = None) -> int: ...
@overload
def sum_range(n: ArrayLike, *, num_threads: int | None = None) -> Any: ...
def sum_range(n: ArrayLike, *, num_threads: int | None = None) -> Any:
    """The sum of 0 <= i < n, by a loop that takes all n steps.

    The formula n * (n - 1) / 2 would be faster: this is a specimen, for measuring what a loop
    costs in C. No compiler may replace it.

    Parameters
    ----------
    n : int or array_like of int
        Below 1 the sum is 0.
    num_threads : int, optional
        Threads that share the elements of an array; the loop for one n is always serial. -1 for
        all; see `pyparallel.threads` for the default.

    Returns
    -------
    int or ndarray of int64
        An int for one n, else an array of the same shape.

    Raises
    ------
    OverflowError
        Where a sum does not fit into int64, before any loop begins.
    TypeError
        Where n does not hold integers.

    Notes
    -----
    The loop is in ``csrc/core/ranges.c``.

    Examples
    --------
    >>> import pyparallel as pp
    >>> pp.sum_range(10)
    45
    >>> pp.sum_range([[1, 2], [3, 4]])
    array([[0, 1],
           [3, 6]])
    """
    return _sums("sum_range", n, _LARGEST, core.sum_range, num_threads)


@overload
def conditional_sum_range(n: int, *, num_threads: int | None = None) -> int: ...
@overload
def conditional_sum_range(n: ArrayLike, *, num_threads: int | None = None) -> Any: ...
def conditional_sum_range(n: ArrayLike, *, num_threads: int | None = None) -> Any:
    """The sum of 0 <= i < n where 3 divides i, by a loop that looks at every i.

    A specimen like `sum_range`, with a condition that compilers do not turn into a formula
    themselves, so that Numba's loop is one, too.

    Parameters
    ----------
    n, num_threads
        As in `sum_range`, and so are what is returned and raised.

    Examples
    --------
    >>> import pyparallel as pp
    >>> pp.conditional_sum_range(10)
    18
    """
    return _sums(
        "conditional_sum_range",
        n,
        _LARGEST_CONDITIONAL,
        core.conditional_sum_range,
        num_threads,
    )


def _sums(function: str, n: Any, largest: int, loops: Loops, num_threads: int | None) -> Any:
    number = _one_number(n)
    if number is not None:
        _check(function, number, largest)
        sums = np.array(max(0, number), np.int64)
        loops(sums, num_threads)
        return sums.item()
    numbers = _array(function, n)
    _check(function, int(numbers.max(initial=0)), largest)
    sums = numbers.astype(np.int64, order="C")
    loops(sums, num_threads)
    return sums


def _check(function: str, most: int, largest: int) -> None:
    if most > largest:
        raise OverflowError(
            f"{function}: n must be at most {largest} for a sum within int64, not {shown(most)}"
        )


def _one_number(n: Any) -> int | None:
    """n as an int; None where it is none, and so may be an array."""
    if isinstance(n, (bool, np.bool_)):
        return None
    try:
        return operator.index(n)
    except TypeError:
        return None


def _array(function: str, n: Any) -> NDArray[Any]:
    if hasattr(n, "mask") and hasattr(n, "fill_value"):
        raise TypeError(f"{function}: n must not be a masked array: fill it, or compress it, first")
    try:
        array = np.asarray(n)
    except ValueError:  # whose text may be long
        raise ValueError(f"{function}: n must be an array, or sequences of equal lengths") from None
    if array.dtype.kind not in "iu":
        given = array.dtype if array.ndim else type(n).__name__
        raise TypeError(f"{function}: n must hold integers, not {given}")
    return array
