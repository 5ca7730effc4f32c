"""Where there is no C compiler: the functions of 09-calling-c.ipynb, compiled by Numba instead.

Numba's compiler is the one of clang. What it makes can be called as the functions of a C library
are, by ctypes, which knows as little of their types.
"""

from __future__ import annotations

import ctypes
from typing import Any

from numba import cfunc, types


@cfunc("int64(int64)")
def sum_range(n: int) -> int:
    """The sum of 0 <= i < n."""
    total = 0
    for i in range(n):
        total += i
    return total


@cfunc("int64(int64)")
def conditional_sum_range(n: int) -> int:
    """The sum of those of them that 3 divides."""
    total = 0
    for i in range(n):
        if i % 3 == 0:
            total += i
    return total


@cfunc(types.float64(types.CPointer(types.float64), types.int64, types.int64))
def sum_strided(data: Any, n: int, step: int) -> float:
    """The sum of data[0], data[step], ..., n elements in all."""
    total = 0.0
    for k in range(n):
        total += data[k * step]
    return total


FUNCTIONS = {
    function.__name__: function for function in (sum_range, conditional_sum_range, sum_strided)
}


class _Function(ctypes._CFuncPtr):  # type: ignore[misc]
    """As ctypes makes them for a library: of unknown arguments, said to return an int."""

    _flags_ = ctypes._FUNCFLAG_CDECL  # type: ignore[attr-defined]
    _restype_ = ctypes.c_int


class Library:
    """Stands for ``ctypes.CDLL(path)``."""

    def __getattr__(self, name: str) -> Any:
        try:
            function = _Function(FUNCTIONS[name].address)
        except KeyError:
            raise AttributeError(name) from None
        setattr(self, name, function)
        return function
