"""How each library adds up best: the forms of `pyparallel.contestants.sum`, ``var`` and ``fsum``.

All take a contiguous float64 array and return a float.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from pyparallel import exact, reductions
from pyparallel._contestant_kernels import numba_threads
from pyparallel._threads import get_num_threads

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Values = NDArray[np.float64]

# NumPy goes fastest through arrays that stay in the cache between one operation and the next.
VALUES_A_BLOCK = 4096

# Enough portions that no thread waits long for another, few enough for what a task costs.
PORTIONS_A_THREAD = 4


def sum_by_python(a: Values) -> float:
    return float(sum(a.tolist()))


def sum_by_numpy(a: Values) -> float:
    return float(np.sum(a))


def sum_by_bottleneck(a: Values) -> float:
    return float(import_module("bottleneck").nansum(a))


def sum_by_numexpr(a: Values) -> float:
    return _evaluate("sum(a)", a=a)


def sum_by_numba_serial(a: Values) -> float:
    return float(compiled(_sum_loop)[0](a))


def sum_by_numba_parallel(a: Values) -> float:
    with numba_threads():
        return float(compiled(_sum_loop)[1](a))


def sum_by_dask(a: Values) -> float:
    return _compute(_chunked(a).sum())


def sum_by_pyparallel(a: Values) -> float:
    return float(reductions.sum(a))


def var_by_python(a: Values) -> float:
    values = a.tolist()
    mean = sum(values) / len(values)
    return float(sum((x - mean) ** 2 for x in values) / len(values))


def var_by_numpy(a: Values) -> float:
    return float(np.var(a))


def var_by_numpy_blocks(a: Values) -> float:
    mean, total = np.mean(a), 0.0
    deviations = np.empty(min(a.size, VALUES_A_BLOCK))
    for start in range(0, a.size, VALUES_A_BLOCK):
        block = a[start : start + VALUES_A_BLOCK]
        d = np.subtract(block, mean, out=deviations[: block.size])
        total += float(d @ d)
    return total / a.size


def var_by_bottleneck(a: Values) -> float:
    return float(import_module("bottleneck").nanvar(a))


def var_by_numexpr(a: Values) -> float:
    mean = _evaluate("sum(a)", a=a) / a.size
    return _evaluate("sum((a - mean) ** 2)", a=a, mean=mean) / a.size


def var_by_numba_serial(a: Values) -> float:
    return float(compiled(_var_loop)[0](a))


def var_by_numba_parallel(a: Values) -> float:
    with numba_threads():
        return float(compiled(_var_loop)[1](a))


def var_by_dask(a: Values) -> float:
    return _compute(_chunked(a).var())


def var_by_pyparallel(a: Values) -> float:
    return float(reductions.var(a))


def fsum_by_python(a: Values) -> float:
    return math.fsum(a.tolist())


def fsum_by_pyparallel(a: Values) -> float:
    return float(exact.fsum(a))


@cache
def compiled(loop: Callable[[Any], Callable[..., float]]) -> tuple[Callable[..., float], ...]:
    """A loop by Numba, serial and parallel; each compiles at its first call."""
    numba: Any = import_module("numba")
    function = loop(numba.prange)  # without parallel=True prange is range
    return (
        numba.njit(nogil=True, fastmath=True)(function),
        numba.njit(nogil=True, fastmath=True, parallel=True)(function),
    )


def _sum_loop(items: Callable[[int], Any]) -> Callable[[Values], float]:
    def total_of(a: Values) -> float:
        total = 0.0
        for i in items(len(a)):
            total += a[i]
        return total

    return total_of


def _var_loop(items: Callable[[int], Any]) -> Callable[[Values], float]:
    def var_of(a: Values) -> float:
        total = squares = 0.0
        for i in items(len(a)):
            total += a[i]
            squares += a[i] * a[i]
        return squares / len(a) - (total / len(a)) ** 2

    return var_of


def _evaluate(expression: str, **names: Any) -> float:
    numexpr: Any = import_module("numexpr")
    return float(numexpr.evaluate(expression, local_dict=names, global_dict={}))


def _chunked(a: Values) -> Any:
    """The array in chunks, as Dask's own graph: ``from_array`` would copy the values."""
    da: Any = import_module("dask.array")
    size = math.ceil(a.size / (PORTIONS_A_THREAD * get_num_threads()))
    parts = [a[start : start + size] for start in range(0, a.size, size)]
    graph = {("values", k): part for k, part in enumerate(parts)}
    return da.Array(graph, "values", (tuple(map(len, parts)),), meta=a[:0])


def _compute(promise: Any) -> float:
    return float(promise.compute(scheduler="threads", num_workers=get_num_threads()))
