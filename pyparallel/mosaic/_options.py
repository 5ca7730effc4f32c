"""What may be asked of a mosaic, and the errors where it cannot be had."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pyparallel._arguments import whole_number
from pyparallel.mosaic._features import SPACES
from pyparallel.mosaic._palettes import TRANSFERS

if TYPE_CHECKING:
    from pyparallel.mosaic._features import Space
    from pyparallel.mosaic._palettes import Transfer

NAME = "photo_mosaic"


@dataclass(frozen=True, kw_only=True)
class Options:
    """Those of `photo_mosaic`, which says what they mean."""

    max_uses: int | None = None
    detail: int = 1
    subdivide: float | Sequence[float] = ()
    space: Space = "oklab"
    greyscale: bool = False
    blend: float = 0.0
    transfer: Transfer | None = None

    @property
    def contrasts(self) -> tuple[float, ...]:
        """One for each time that places are subdivided."""
        given = self.subdivide
        return tuple(given) if isinstance(given, Iterable) else (given,)

    def check(self, height: int, width: int) -> None:
        """Raise TypeError or ValueError for what cannot be had with tiles of this size.

        Examples
        --------
        >>> from pyparallel.mosaic._options import Options
        >>> Options(detail=9).check(8, 8)
        Traceback (most recent call last):
            ...
        ValueError: photo_mosaic: detail must be between 1 and 8, not 9
        """
        whole_number(NAME, "detail", self.detail, max(height, width))
        if self.max_uses is not None:
            whole_number(NAME, "max_uses", self.max_uses)
        _check_fraction("blend", self.blend)
        for contrast in self.contrasts:
            _check_fraction("subdivide", contrast)
        times = min(height, width).bit_length() - 1
        if len(self.contrasts) > times:
            raise ValueError(
                f"{NAME}: subdivide must be at most {times} numbers for tiles of {height} x "
                f"{width} pixels, not {len(self.contrasts)}"
            )
        if not isinstance(self.greyscale, (bool, np.bool_)):
            raise TypeError(
                f"{NAME}: greyscale must be True or False, not {type(self.greyscale).__name__}"
            )
        if self.space not in SPACES:
            raise ValueError(
                f"{NAME}: space must be one of {', '.join(SPACES)}, not {self.space!r}"
            )
        if self.transfer is not None and self.transfer not in TRANSFERS:
            words = ", ".join(TRANSFERS)
            raise ValueError(
                f"{NAME}: transfer must be None or one of {words}, not {self.transfer!r}"
            )


def _check_fraction(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float, np.number)):
        raise TypeError(f"{NAME}: {name} must be a number, not {type(value).__name__}")
    if not 0 <= float(value) <= 1:
        raise ValueError(f"{NAME}: {name} must be between 0 and 1, not {value}")
