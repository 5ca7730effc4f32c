"""The demo's own problems, in which others are the better choice."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from pyparallel._contestant_kernels import count_one
from pyparallel._libraries import missing
from pyparallel.contestants import Problem
from pyparallel.fractals import escape_time

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Counts = NDArray[np.int32]

MAX_ITER = 1024
POINT = 0.5 + 0.5j


def one_point() -> Problem:
    """A point that escapes after a few steps: less work than a call costs."""
    runners: dict[str, Callable[[], object]] = {
        "plain Python": lambda: count_one(0.0, 0.0, POINT.real, POINT.imag, MAX_ITER),
        "pyparallel": lambda: escape_time(0, POINT, MAX_ITER),
    }
    return Problem("One point that escapes at once", runners, {}, {})


def burning_ship(side: int) -> Problem:
    """A formula for which this package has no kernel, in plain Python and compiled by Numba."""
    x, y = np.linspace(-2.2, 1.2, side), np.linspace(-2.0, 1.0, side)
    runners: dict[str, Callable[[], object]] = {
        "plain Python": lambda: _ship(x.tolist(), y.tolist(), np.empty((side, side), np.int32)),
        "Numba": lambda: _compiled_ship()(x, y, np.empty((side, side), np.int32)),
    }
    without = missing({"Numba": "numba"})
    return Problem(
        f"A formula of your own: the burning ship, {side} x {side} pixels, 100 iterations",
        {name: run for name, run in runners.items() if name not in without},
        without,
        {},
    )


def _ship(x: Any, y: Any, counts: Counts) -> Counts:
    for j in range(len(y)):
        for i in range(len(x)):
            zr = zi = 0.0
            for k in range(100):  # noqa: B007 - the count is k after the loop
                zr, zi = zr * zr - zi * zi + x[i], 2.0 * abs(zr * zi) + y[j]
                if zr * zr + zi * zi > 4.0:
                    break
            counts[j, i] = k
    return counts


@cache
def _compiled_ship() -> Any:
    numba: Any = import_module("numba")
    return numba.njit(_ship)
