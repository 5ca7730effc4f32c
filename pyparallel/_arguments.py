"""Checks of arguments that several modules share."""

from __future__ import annotations

import cmath
import operator
from typing import cast

import numpy as np


def whole_number(function: str, name: str, value: object, high: int | None = None) -> int:
    """``value`` as an int from 1 to ``high``, or an error that names function and argument.

    Examples
    --------
    >>> from pyparallel._arguments import whole_number
    >>> whole_number("race", "repeat", 7)
    7
    """
    try:
        if isinstance(value, (bool, np.bool_)):
            raise TypeError
        number = operator.index(cast("int", value))
    except TypeError:
        raise TypeError(
            f"{function}: {name} must be an integer, not {type(value).__name__}"
        ) from None
    if number < 1 or (high is not None and number > high):
        wanted = "at least 1" if high is None else f"between 1 and {high}"
        raise ValueError(f"{function}: {name} must be {wanted}, not {shown(number)}")
    return number


def shown(number: int) -> str:
    """The number for a message: Python refuses to print the longest integers."""
    return str(number) if abs(number) < 2**64 else f"one of {number.bit_length()} bits"


def complex_number(function: str, name: str, value: object) -> complex:
    """``value`` as a finite complex, or an error that names function and argument.

    Examples
    --------
    >>> from pyparallel._arguments import complex_number
    >>> complex_number("julia", "c", 1)
    (1+0j)
    """
    try:
        if isinstance(value, str):  # complex("1") is 1
            raise TypeError
        number = complex(cast("complex", value))
    except (TypeError, ValueError):
        raise TypeError(
            f"{function}: {name} must be a number, not {type(value).__name__}"
        ) from None
    except OverflowError:
        raise ValueError(f"{function}: {name} is too large for a float64") from None
    if not cmath.isfinite(number):
        raise ValueError(f"{function}: {name} must be finite, not {value}")
    return number
