"""Exact sums: ``fsum``, and ``ExactSum``, its state that can be merged, kept and sent."""

from __future__ import annotations

from numpy.lib import add_docstring

from pyparallel._load import core

fsum = core.fsum
ExactSum = core.ExactSum

_FSUM = """fsum(a, axis=None, *, out=None, keepdims=False, num_threads=None)
--

The exact sum, rounded once to float64.

As `math.fsum`, in the speed of memory and over any axes: the result depends neither on the order of
the numbers, nor on the number of threads, nor on the CPU.

Parameters
----------
a : array_like
    Bools, integers, float32 or float64. Integers enter exactly, those above 2**53 too.
axis : None, int or tuple of int, optional
    What to sum over; everything by default.
out : ndarray of float64, optional
    Where to write the sums; of the result's shape, and apart from ``a``.
keepdims : bool, optional
    Keep the axes that are summed over, with length 1.
num_threads : int, optional
    -1 for all; see `pyparallel.threads` for the default.

Returns
-------
float64, or ndarray of float64 (or ``out``)
    A sum of nothing, and every sum that is zero, is 0.0. With inf or NaN among the numbers it is
    that.

Raises
------
OverflowError
    When the rounded sum is out of float64's range, whatever happens in between.
ValueError
    When inf and -inf meet. (``out`` has been written then, with inf and NaN at those places.)
TypeError, ValueError
    Naming the argument; nothing has been written then.

Notes
-----
The algorithms are at the top of ``csrc/core/fsum_template.h`` and ``csrc/core/exact_sum.c``.

Examples
--------
>>> import pyparallel as pp
>>> pp.fsum([1e100, 1.0, -1e100])
np.float64(1.0)
>>> pp.fsum([[0.1] * 5, [1e308, 1e308, -1e308, -1e308, 2]], axis=1)
array([0.5, 2. ])
"""

_EXACT_SUM = """The exact sum of any number of numbers, to add to, to merge and to pickle.

Sums of parts merge into the sum of the whole, to the last bit, in any order: parts that are added
by other threads, processes or machines. A few hundred bytes each.

Two are equal when their sums and counts are; then their pickles have the same bytes, on every
machine. Several threads may use one at a time.

Examples
--------
>>> import pyparallel as pp
>>> left, right = pp.ExactSum(), pp.ExactSum()
>>> left.add([1e100, 1.0])
>>> right.add([2, -1e100])
>>> left.merge(right)
>>> left
<ExactSum: 4 numbers, sum 3.0>
>>> left.mean
0.75
"""

_ADD = """add(array, *, num_threads=None)
--

Add the elements of an array.

Parameters
----------
array : array_like
    Bools, integers, float32 or float64; of any shape.
num_threads : int, optional
    -1 for all; see `pyparallel.threads` for the default.
"""

_MERGE = """merge(other)
--

Add another sum, and its count, to this one, in place.

Parameters
----------
other : ExactSum
    It stays as it is.
"""

_VALUE = """The sum, rounded once to float64: 0.0 for nothing.

Raises OverflowError where that is out of range, and ValueError where inf and -inf met.
"""

_MEAN = """The exact sum divided by the count, rounded once to float64: NaN for nothing.

Raises ValueError where inf and -inf met.
"""


def _document() -> None:
    if fsum.__doc__ is None:  # it cannot be done twice
        add_docstring(fsum, _FSUM)
        add_docstring(ExactSum.add, _ADD)
        add_docstring(ExactSum.merge, _MERGE)
        add_docstring(ExactSum.value, _VALUE)
        add_docstring(ExactSum.mean, _MEAN)
        add_docstring(ExactSum.count, "How many numbers have been added.")
        ExactSum.__doc__ = _EXACT_SUM


_document()

__test__ = {"fsum": _FSUM, "ExactSum": _EXACT_SUM}
