"""Colours between sRGB bytes, linear light and Oklab, for drawing; features have their own in C."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]

# The inverses of the matrices in csrc/core/colour.c (Björn Ottosson, 2020).
FROM_LAB = np.array(
    [
        [1.0, 0.3963377774, 0.2158037573],
        [1.0, -0.1055613458, -0.0638541728],
        [1.0, -0.0894841775, -1.2914855480],
    ]
)
FROM_CONES = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)
LIGHT = 65535  # steps of light in a packed colour
FIELD = 21  # its bits for each of red, green and blue


def light_of_oklab(lab: Floats) -> Floats:
    """Linear light, red, green and blue, of colours in Oklab; less chroma where there is no such.

    Examples
    --------
    >>> import numpy as np
    >>> from pyparallel.mosaic._colour import light_of_oklab
    >>> light_of_oklab(np.array([1.0, 0.0, 0.0])).round(3)
    array([1., 1., 1.])
    """
    light = _light(lab)
    for _ in range(6):
        outside: NDArray[np.bool_] = np.abs(light - 0.5).max(axis=-1) > 0.501
        if not outside.any():
            break
        lab = np.where(np.expand_dims(outside, -1), lab * [1, 0.75, 0.75], lab)
        light = _light(lab)
    return np.clip(light, 0, 1)


def _light(lab: Floats) -> Floats:
    light: Floats = (lab @ FROM_LAB.T) ** 3 @ FROM_CONES.T
    return light


def packed(light: Floats) -> NDArray[np.uint64]:
    """Red, green and blue of linear light from 0 to 1 in one integer each, so that adding up to 32
    of those adds the three.

    Examples
    --------
    >>> import numpy as np
    >>> from pyparallel.mosaic._colour import packed
    >>> hex(packed(np.array([0.0, 0.5, 1.0])))
    '0x100000ffff'
    """
    parts = (light * LIGHT + 0.5).astype(np.uint64)
    red, green, blue = (parts[..., c] for c in range(3))
    return red << np.uint64(2 * FIELD) | green << np.uint64(FIELD) | blue


def bytes_of_packed(sums: NDArray[np.uint64], count: int) -> NDArray[np.uint8]:
    """The sRGB bytes of the mean light, from sums of so many packed colours.

    Examples
    --------
    >>> import numpy as np
    >>> from pyparallel.mosaic._colour import bytes_of_packed, packed
    >>> bytes_of_packed(packed(np.array([0.0, 0.5, 1.0])) * 2, 2)
    array([  0, 188, 255], dtype=uint8)
    """
    mask = np.uint64((1 << FIELD) - 1)
    parts = [sums >> np.uint64(shift) & mask for shift in (2 * FIELD, FIELD, 0)]
    return bytes_of_light()[np.stack(parts, axis=-1) // np.uint64(count)]


@cache
def bytes_of_light() -> NDArray[np.uint8]:
    """The sRGB byte of each of the steps of light, 0 to 65535."""
    light = np.arange(LIGHT + 1) / LIGHT
    curve = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return (255 * curve + 0.5).astype(np.uint8)


@cache
def light_of_bytes() -> NDArray[np.uint32]:
    """The steps of light, 0 to 65535, of each sRGB byte."""
    byte = np.arange(256) / 255
    light = np.where(byte <= 0.04045, byte / 12.92, ((byte + 0.055) / 1.055) ** 2.4)
    return (LIGHT * light + 0.5).astype(np.uint32)
