"""Do the results of two contestants agree? If not, how they differ, in words."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Check = Callable[[Any, Any], object]


def snapshot(result: object) -> Any:
    """The result, safe from a later contestant that writes into the same array."""
    if isinstance(result, np.ndarray):
        return np.array(result, subok=True)
    if type(result) is tuple:
        return tuple(snapshot(item) for item in result)
    return result


def is_lazy(result: object) -> bool:
    """Is the result only a promise, such as a Dask array or a generator?"""
    graph = getattr(result, "__dask_graph__", None)
    if callable(graph):
        return graph() is not None
    return isinstance(result, (Awaitable, Iterator))


def difference(first: Any, other: Any, check: Check | None = None) -> str | None:
    """How ``other`` differs from ``first``; None where they agree.

    Integers must be equal and floats close (`numpy.allclose`, equal NaNs); tuples are compared
    item by item. A ``check`` decides instead.

    Examples
    --------
    >>> from pyparallel._agreement import difference
    >>> difference([1, 2, 3], [1, 2, 4])
    '1 of 3 elements differ, the first at [2]: 4, not 3'
    """
    if check is not None:
        return _by_check(first, other, check)
    if isinstance(first, tuple) and isinstance(other, tuple):
        return _of_tuples(first, other)
    a, b = np.asarray(first), np.asarray(other)
    if a.shape != b.shape or _is_numeric(a) != _is_numeric(b):
        return f"it returned {_describe(other)}, not {_describe(first)}"
    return _of_elements(_agree(a, b), a, b)


def _is_numeric(a: NDArray[Any]) -> bool:
    return a.dtype.kind in "biufc"


def _agree(a: NDArray[Any], b: NDArray[Any]) -> NDArray[np.bool_]:
    if a.dtype.kind in "fc" or b.dtype.kind in "fc":
        return np.asarray(np.isclose(b, a, equal_nan=True))
    return np.asarray(a == b, np.bool_)


def _describe(result: object) -> str:
    if result is None:
        return "None"
    if isinstance(result, np.ndarray):
        return f"{result.dtype} array of shape {result.shape}"
    shape = np.shape(result) if isinstance(result, (list, tuple)) else ()
    return f"{type(result).__name__} of shape {shape}" if shape else type(result).__name__


def _of_tuples(first: tuple[Any, ...], other: tuple[Any, ...]) -> str | None:
    if len(first) != len(other):
        return f"it returned {len(other)} items, not {len(first)}"
    for k, pair in enumerate(zip(first, other, strict=True)):
        found = difference(*pair)
        if found:
            return f"in item {k}, {found}"
    return None


def _of_elements(agree: NDArray[np.bool_], a: NDArray[Any], b: NDArray[Any]) -> str | None:
    if agree.all():
        return None
    place = np.unravel_index(np.argmin(agree), agree.shape)
    values = f"{b[place].item()!r}, not {a[place].item()!r}"
    if not agree.shape:
        return f"it returned {values}"
    count = agree.size - np.count_nonzero(agree)
    where = [int(k) for k in place]
    return f"{count} of {agree.size} elements differ, the first at {where}: {values}"


def _by_check(first: Any, other: Any, check: Check) -> str | None:
    verdict = check(first, other)
    if verdict is None:
        raise TypeError("check must return a bool or an array of bools, not None")
    agree = np.asarray(verdict, np.bool_)
    if agree.all():
        return None
    arrays = isinstance(first, np.ndarray) and isinstance(other, np.ndarray)
    if arrays and agree.shape == first.shape == other.shape:
        return _of_elements(agree, first, other)
    return "so says the given check"
