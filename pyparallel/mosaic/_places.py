"""Where tiles may lie: the places of a grid, and their quarters where the target has detail."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from pyparallel.mosaic._features import Space, features
from pyparallel.mosaic._pictures import middle

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]
    Mask = NDArray[np.bool_]


def fitted(
    picture: Bytes, tile: tuple[int, ...], grid: tuple[int, int], cells: tuple[int, int]
) -> Bytes:
    """The middle of the picture in the proportions of the mosaic, with a whole number of pixels in
    every cell."""
    from PIL import Image

    rows, cols = grid[0] * cells[0], grid[1] * cells[1]
    left, top, right, bottom = middle(
        (picture.shape[1], picture.shape[0]), grid[0] * tile[0], grid[1] * tile[1]
    )
    fine = max(1, math.ceil((bottom - top) / rows), math.ceil((right - left) / cols))
    if (right - left, bottom - top) == (cols * fine, rows * fine):
        x, y = round(left), round(top)
        if (x, y) == (left, top):
            return picture[y : y + rows * fine, x : x + cols * fine]
    small = Image.fromarray(picture).resize(
        (cols * fine, rows * fine), Image.Resampling.BICUBIC, (left, top, right, bottom)
    )
    return np.asarray(small)


def subdivided(picture: Bytes, grid: tuple[int, int], contrasts: Sequence[float]) -> list[Mask]:
    """Which places there are: in the grid, in one twice as fine, in one four times as fine, ….

    Parameters
    ----------
    picture : ndarray of uint8
        With a whole number of pixels in each place of the grid.
    grid : (int, int)
        Its rows and columns.
    contrasts : sequence of float
        A place with more than the first becomes four, each of those with more than the second four
        again, and so on. See `contrast`.

    Returns
    -------
    list of ndarray of bool
        One more than there are contrasts. Together they cover the picture once.

    Examples
    --------
    >>> import numpy as np
    >>> from pyparallel.mosaic._places import subdivided
    >>> picture = np.zeros((4, 8, 3), np.uint8)
    >>> picture[0, 0] = 255
    >>> for places in subdivided(picture, (1, 2), [0.1]):
    ...     print(places)
    [[False  True]]
    [[ True  True False False]
     [ True  True False False]]
    """
    levels = [np.ones(grid, bool)]
    for most in contrasts:
        places = levels[-1]
        split = np.zeros_like(places)
        parts = parts_of(picture, grid, places)
        split[places] = np.concatenate([contrast(band) for band in parts]) > most
        places &= ~split
        levels.append(split.repeat(2, axis=0).repeat(2, axis=1))
    return levels


def outlined(picture: Bytes, tile: tuple[int, int], places: Sequence[Mask]) -> Bytes:
    """The picture in the size of its mosaic, with a line along the edges of all places.

    Examples
    --------
    >>> import numpy as np
    >>> from pyparallel.mosaic._places import outlined
    >>> grid = [np.ones((1, 2), bool)]
    >>> outlined(np.zeros((4, 8, 3), np.uint8), (4, 4), grid)[..., 0]
    array([[255, 255, 255, 255, 255, 255, 255, 255],
           [255,   0,   0,   0, 255,   0,   0,   0],
           [255,   0,   0,   0, 255,   0,   0,   0],
           [255,   0,   0,   0, 255,   0,   0,   0]], dtype=uint8)
    """
    from PIL import Image

    (rows, cols), (height, width) = places[0].shape, tile
    image = Image.fromarray(picture).resize((cols * width, rows * height))
    lined = np.array(image)
    for scale, mask in zip((1 << level for level in range(len(places))), places, strict=True):
        for row, col in np.argwhere(mask).tolist():
            top, bottom = edges(height, scale, row)
            left, right = edges(width, scale, col)
            lined[top, left:right] = lined[top:bottom, left] = 255
    return lined


def edges(side: int, scale: int, place: int) -> tuple[int, int]:
    """Where a place begins and ends, in pixels, of which a place of the grid has so many a side.

    Examples
    --------
    >>> from pyparallel.mosaic._places import edges
    >>> edges(25, 2, 0), edges(25, 2, 1), edges(25, 2, 2)
    ((0, 12), (12, 25), (25, 37))
    """
    return side * place // scale, side * (place + 1) // scale


def contrast(parts: Bytes) -> NDArray[np.float64]:
    """How much the pixels of each picture differ: the standard deviation of their bytes, from 0 to
    1/2 of the full range; the mean of the three channels.

    Examples
    --------
    >>> import numpy as np
    >>> from pyparallel.mosaic._places import contrast
    >>> checks = np.array([[[0, 0, 0], [255, 255, 255]]], np.uint8)
    >>> contrast(np.array([checks, 0 * checks]))
    array([0.5, 0. ])
    """
    count = parts.shape[1] * parts.shape[2]
    sums = parts.sum(axis=(1, 2), dtype=np.int64)
    squares = np.square(parts, dtype=np.uint16).sum(axis=(1, 2), dtype=np.int64)
    spread = np.sqrt(count * squares - sums * sums) / (255 * count)
    mean: NDArray[np.float64] = spread.mean(axis=1)
    return mean


def features_of(
    picture: Bytes, grid: tuple[int, int], places: Mask, cells: tuple[int, int], space: Space
) -> Bytes:
    """The features of the parts of the picture behind the places, row by row."""
    bands = parts_of(picture, grid, places, cells)
    return np.concatenate([features(band, cells, space=space) for band in bands])


def parts_of(
    picture: Bytes, grid: tuple[int, int], places: Mask, cells: tuple[int, int] = (1, 1)
) -> Iterator[Bytes]:
    """For each row of the grid the parts of the picture behind its places, as pictures: all of one
    size, with a whole number of pixels in each cell."""
    scale = len(places) // grid[0]
    height = len(picture) // grid[0]
    for row in range(grid[0]):
        band = _finer(picture[row * height : (row + 1) * height], grid[1], cells, scale)
        high, wide = len(band) // scale, band.shape[1] // (grid[1] * scale)
        parts = band.reshape(scale, high, grid[1] * scale, wide, 3).swapaxes(1, 2)
        wanted = places[row * scale : (row + 1) * scale]
        yield parts[0] if scale == 1 and wanted.all() else parts[wanted]


def _finer(band: Bytes, cols: int, cells: tuple[int, int], scale: int) -> Bytes:
    """A row of the grid with enough pixels for so many times as many cells each way."""
    from PIL import Image

    have = len(band) // cells[0], band.shape[1] // (cols * cells[1])  # pixels in a cell
    need = [math.ceil(pixels / scale) * scale for pixels in have]
    if need == list(have):
        return band
    size = need[1] * cells[1] * cols, need[0] * cells[0]
    return np.asarray(Image.fromarray(band).resize(size, Image.Resampling.BICUBIC))
