"""Reductions over any axes of an array, with results that never depend on the number of threads."""

from __future__ import annotations

from collections.abc import Callable

from numpy.lib import add_docstring

from pyparallel._load import core

# These names hide built-in functions in this module; it does not use those.
sum = core.sum
mean = core.mean
var = core.var
std = core.std
norm = core.norm
dot = core.dot
min = core.min
max = core.max
minmax = core.minmax
argmin = core.argmin
argmax = core.argmax
count_nonzero = core.count_nonzero

_PARAMETERS = {
    "a": """a : array_like
    Bools, integers, float32 or float64, in any layout.""",
    "two vectors": """a, b : array_like
    float32 or float64, of one dimension and the same length.""",
    "axis": """axis : None, int or tuple of int, optional
    What to reduce over; everything by default.""",
    "one axis": """axis : None or int, optional
    What to search; everything, in C order, by default.""",
    "dtype": """dtype : dtype, optional
    Of the result, and of the elements before they are added up: float32, float64, and for sums of
    integers any integer type. By default as in NumPy: {default}.""",
    "ddof": """ddof : float, optional
    The sum of squared deviations is divided by ``n - ddof``; 0 by default.""",
    "out": """out : ndarray, optional
    Where to write the result; of its dtype and shape, and apart from ``a``.""",
    "keepdims": """keepdims : bool, optional
    Keep the axes that are reduced, with length 1.""",
    "num_threads": """num_threads : int, optional
    -1 for all; see `pyparallel.threads` for the default.""",
}

_ERRORS = """Raises
------
TypeError, ValueError, numpy.exceptions.AxisError
    Naming the argument; nothing has been written then."""

_ORDER = """Notes
-----
The order of summation, and so every bit of the result, depends on nothing but the number of
elements: not on threads, CPU or memory layout. ``pp.sum(m, 0)[j] == pp.sum(m[:, j])``. The algorithm
is at the top of ``csrc/core/ordered_template.h``."""


def _document(
    function: Callable[..., object],
    signature: str,
    summary: str,
    parameters: list[str],
    returns: str,
    example: str,
    notes: str = "",
    default: str = "",
) -> str:
    """Put a docstring on a function of the extension, which can be done once."""
    described = "\n".join(_PARAMETERS[name].format(default=default) for name in parameters)
    parts = [
        f"{signature}\n--\n",
        summary,
        f"Parameters\n----------\n{described}",
        f"Returns\n-------\n{returns}",
        _ERRORS,
        notes,
        f"Examples\n--------\n>>> import numpy as np\n>>> import pyparallel as pp\n{example}",
    ]
    text = "\n\n".join(part for part in parts if part) + "\n"
    if function.__doc__ is None:
        add_docstring(function, text)
    return text


_USUAL = ["a", "axis", "out", "keepdims", "num_threads"]
_WITH_DTYPE = ["a", "axis", "dtype", "out", "keepdims", "num_threads"]
_WITH_DDOF = ["a", "axis", "dtype", "out", "ddof", "keepdims", "num_threads"]
_FLOATS = "float32 for float32, float64 for everything else"

__test__ = {
    "sum": _document(
        sum,
        "sum(a, axis=None, *, dtype=None, out=None, keepdims=False, num_threads=None)",
        """The sum of the elements.

Integers are summed modulo 2**64. In floating point the error is at most
``(16 + log2(n)) * 2**-53 * sum(abs(a))``: float32 is summed in float64. See `fsum` for exact sums.""",
        _WITH_DTYPE,
        "scalar, or ndarray (or ``out``)\n    Sums of nothing, and all that are zero, are +0.",
        """>>> pp.sum([[1.5, 2.0], [3.0, 4.0]], axis=0)
array([4.5, 6. ])
>>> pp.sum(np.ones(3, np.uint8))
np.uint64(3)""",
        _ORDER,
        "int64 or uint64 for bools and integers, else that of ``a``",
    ),
    "mean": _document(
        mean,
        "mean(a, axis=None, *, dtype=None, out=None, keepdims=False, num_threads=None)",
        """The arithmetic mean of the elements: their sum, as by `sum` in floating point, divided by n.

Of no elements it is NaN, with a RuntimeWarning.""",
        _WITH_DTYPE,
        "scalar, or ndarray (or ``out``)",
        """>>> pp.mean([[1, 2], [3, 5]], axis=1)
array([1.5, 4. ])""",
        _ORDER,
        _FLOATS,
    ),
    "var": _document(
        var,
        "var(a, axis=None, *, dtype=None, out=None, ddof=0, keepdims=False, num_threads=None)",
        """The variance of the elements, in one pass over memory.

It is numerically stable: the relative error is at most
``(16 + log2(n)) * 2**-52 * (1 + abs(mean) / std)``, and constants have exactly 0. With
``ddof >= n`` it is NaN or infinite, with a RuntimeWarning.""",
        _WITH_DDOF,
        "scalar, or ndarray (or ``out``)",
        """>>> pp.var([1e9 + 1, 1e9 + 2, 1e9 + 3, 1e9 + 4])
np.float64(1.25)""",
        _ORDER,
        _FLOATS,
    ),
    "std": _document(
        std,
        "std(a, axis=None, *, dtype=None, out=None, ddof=0, keepdims=False, num_threads=None)",
        "The standard deviation of the elements: the square root of their variance, as by `var`.",
        _WITH_DDOF,
        "scalar, or ndarray (or ``out``)",
        """>>> pp.std([1, 3], ddof=1)
np.float64(1.4142135623730951)""",
        _ORDER,
        _FLOATS,
    ),
    "norm": _document(
        norm,
        "norm(a, axis=None, *, out=None, keepdims=False, num_threads=None)",
        """The 2-norm, the square root of the sum of squares.

No square over- or underflows, unless the norm itself does.""",
        _USUAL,
        "scalar, or ndarray (or ``out``)\n    float32 for float32, float64 for everything else.",
        """>>> pp.norm([3e-200, 4e-200])
np.float64(5e-200)""",
        _ORDER,
    ),
    "min": _document(
        min,
        "min(a, axis=None, *, out=None, keepdims=False, num_threads=None)",
        "The least element. NaN where there is one; -0.0 comes before 0.0.",
        _USUAL,
        "scalar, or ndarray (or ``out``), of the dtype of ``a``",
        """>>> pp.min([[3, 1], [2, 5]], axis=0)
array([2, 1])""",
    ),
    "max": _document(
        max,
        "max(a, axis=None, *, out=None, keepdims=False, num_threads=None)",
        "The greatest element. NaN where there is one; -0.0 comes before 0.0.",
        _USUAL,
        "scalar, or ndarray (or ``out``), of the dtype of ``a``",
        """>>> pp.max([[3, 1], [2, 5]], axis=0)
array([3, 5])""",
    ),
    "minmax": _document(
        minmax,
        "minmax(a, axis=None, *, keepdims=False, num_threads=None)",
        "The least and the greatest element, in one pass over memory: `min` and `max`.",
        ["a", "axis", "keepdims", "num_threads"],
        "tuple of two scalars, or ndarrays, of the dtype of ``a``",
        """>>> pp.minmax(np.array([3, 1, 2]))
(np.int64(1), np.int64(3))""",
    ),
    "argmin": _document(
        argmin,
        "argmin(a, axis=None, *, out=None, keepdims=False, num_threads=None)",
        "The index of the first least element, or of the first NaN. -0.0 and 0.0 are equal here.",
        ["a", "one axis", "out", "keepdims", "num_threads"],
        "int64, or ndarray of int64 (or ``out``)",
        """>>> pp.argmin([[3, 1, 1], [2, 5, 6]], axis=1)
array([1, 0])""",
    ),
    "argmax": _document(
        argmax,
        "argmax(a, axis=None, *, out=None, keepdims=False, num_threads=None)",
        "The index of the first greatest element, or of the first NaN. -0.0 and 0.0 are equal here.",
        ["a", "one axis", "out", "keepdims", "num_threads"],
        "int64, or ndarray of int64 (or ``out``)",
        """>>> pp.argmax([[3, 1, 1], [2, 5, 6]], axis=1)
array([0, 2])""",
    ),
    "count_nonzero": _document(
        count_nonzero,
        "count_nonzero(a, axis=None, *, out=None, keepdims=False, num_threads=None)",
        "How many elements are not zero; NaN is not.",
        _USUAL,
        "int64, or ndarray of int64 (or ``out``)",
        """>>> pp.count_nonzero([[0, 1], [2, 3]], axis=0)
array([1, 2])""",
    ),
    "dot": _document(
        dot,
        "dot(a, b, *, num_threads=None)",
        """The sum of the products of two vectors.

The error is at most ``(16 + log2(n)) * 2**-53 * sum(abs(a * b))``: float32 is multiplied and summed
in float64.""",
        ["two vectors", "num_threads"],
        "float64; float32 for two of float32",
        """>>> pp.dot([1.0, 2.0], [3.0, 4.0])
np.float64(11.0)""",
        _ORDER,
    ),
}
