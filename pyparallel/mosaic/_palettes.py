"""Palettes of pictures made alike: curves through which the bytes of each channel go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from pyparallel.histograms import histogram
from pyparallel.mosaic._features import features

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]

Transfer: TypeAlias = Literal["to_tiles", "to_target", "equalise"]
TRANSFERS = ("to_tiles", "to_target", "equalise")
LEVELS = 256


def transferred(target: Bytes, tiles: Bytes, transfer: Transfer | None) -> tuple[Bytes, Bytes]:
    """Target and tiles with palettes that match; what does not change is not copied.

    Each channel goes through a curve after which its bytes are distributed as wanted ("histogram
    matching"): as those of the other, or evenly.
    """
    if transfer == "to_tiles":
        return through(target, _curves(target, tiles)), tiles
    if transfer == "to_target":
        return target, through(tiles, _curves(tiles, target))
    if transfer == "equalise":
        return through(target, _curves(target)), through(tiles, _curves(tiles))
    return target, tiles


def _curves(pixels: Bytes, others: Bytes | None = None) -> Bytes:
    """For each channel the byte that takes the place of each byte."""
    curves = np.empty((3, LEVELS), np.uint8)
    for c in range(3):
        have = _ranks(pixels[..., c])
        want = np.arange(LEVELS) / (LEVELS - 1) if others is None else _ranks(others[..., c])
        curves[c] = np.interp(have, want, np.arange(LEVELS)).round()
    return curves


def _ranks(channel: Bytes) -> NDArray[np.float64]:
    """The share of pixels below each level, half of those on it included."""
    counts, _ = histogram(channel, LEVELS, (-0.5, LEVELS - 0.5))
    ranks: NDArray[np.float64] = (np.cumsum(counts) - counts / 2) / channel.size
    return ranks


def through(pixels: Bytes, curves: Bytes) -> Bytes:
    """The pixels with each channel replaced by what its curve says.

    Examples
    --------
    >>> import numpy as np
    >>> from pyparallel.mosaic._palettes import through
    >>> negative = np.tile(np.arange(255, -1, -1, dtype=np.uint8), (3, 1))
    >>> through(np.array([[0, 1, 250]], np.uint8), negative)
    array([[255, 254,   5]], dtype=uint8)
    """
    result = np.empty_like(pixels)
    for c in range(3):
        np.take(curves[c], pixels[..., c], out=result[..., c])
    return result


def grey(pictures: Bytes) -> Bytes:
    """Pictures without their colours, still of three channels, which are alike.

    Examples
    --------
    >>> import numpy as np
    >>> from pyparallel.mosaic._palettes import grey
    >>> grey(np.array([[[[255, 0, 0], [9, 9, 9]]]], np.uint8))
    array([[[[54, 54, 54],
             [ 9,  9,  9]]]], dtype=uint8)
    """
    light = features(pictures, pictures.shape[1:3], space="grey")
    return light.reshape(*pictures.shape[:3], 1).repeat(3, axis=3)
