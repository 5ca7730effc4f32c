"""Checks of arguments that several modules share."""

from __future__ import annotations

import operator
from typing import Any, cast

import numpy as np


def whole_number(function: str, name: str, value: object, most: int | None = None) -> int:
    """``value`` as an int of at least 1, or an error that names function and argument.

    Examples
    --------
    >>> from pyparallel._arguments import whole_number
    >>> whole_number("race", "repeat", 7)
    7
    """
    if isinstance(value, (bool, np.bool_)) or not hasattr(value, "__index__"):
        raise TypeError(f"{function}: {name} must be an integer, not {type(value).__name__}")
    number = operator.index(cast(Any, value))
    if number < 1:
        raise ValueError(f"{function}: {name} must be at least 1, not {number}")
    if most is not None and number > most:
        raise ValueError(f"{function}: {name} must be at most {most}, not {number}")
    return number
