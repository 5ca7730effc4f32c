"""A picture made of many small ones: cut, compared, matched, put together."""

from __future__ import annotations

import math
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pyparallel._arguments import whole_number
from pyparallel._threads import threads
from pyparallel.mosaic._features import SPACES, Space, assemble, features, rows_and_columns
from pyparallel.mosaic._matching import match
from pyparallel.mosaic._palettes import TRANSFERS, Transfer, transferred
from pyparallel.mosaic._pictures import middle, pillow, read_picture
from pyparallel.mosaic._progress import Stages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike, NDArray
    from PIL.Image import Image

    from pyparallel._core import Progress

    Bytes = NDArray[np.uint8]

WEIGHTS = {"compare": 1.0, "match": 10.0, "draw": 1.0}
NAME = "photo_mosaic"


@dataclass(frozen=True)
class Mosaic:
    """Which tile goes where, and how it is drawn.

    Parameters
    ----------
    tiles : ndarray of uint8, shape (n, height, width, 3)
    indices : ndarray of int64, shape (rows, columns)
    tints : ndarray of int16, shape (rows, columns, 3), or None
        What is added to the pixels of each tile.
    cost : int
        The sum of the squared distances of features.
    bound : int or None
        No choice of tiles that uses each as often as asked costs less; None where any number of
        uses was allowed, and each cell has its nearest.
    """

    tiles: Bytes
    indices: NDArray[np.int64]
    tints: NDArray[np.int16] | None
    cost: int
    bound: int | None

    @property
    def height(self) -> int:
        """Of the picture, in pixels."""
        return int(self.indices.shape[0] * self.tiles.shape[1])

    @property
    def width(self) -> int:
        """Of the picture, in pixels."""
        return int(self.indices.shape[1] * self.tiles.shape[2])

    def strip(self, row: int, out: Bytes | None = None) -> Bytes:
        """A row of tiles as pixels, shape (tile height, picture width, 3)."""
        strip = assemble(self.tiles, self.indices[row : row + 1], out=out)
        if self.tints is not None:
            width = self.tiles.shape[2]
            tint = np.repeat(self.tints[row], width, axis=0)
            strip[...] = np.clip(strip + tint, 0, 255)
        return strip

    def strips(self, progress: Progress = None) -> Iterator[Bytes]:
        """All rows of tiles, from the top."""
        rows = self.indices.shape[0]
        for row in range(rows):
            yield self.strip(row)
            if progress:
                progress(row + 1, rows)

    def draw(self, progress: Progress = None) -> Bytes:
        """The whole picture, shape (height, width, 3)."""
        picture = np.empty((self.height, self.width, 3), np.uint8)
        rows, height = self.indices.shape[0], self.tiles.shape[1]
        for row in range(rows):
            self.strip(row, picture[row * height : (row + 1) * height])
            if progress:
                progress(row + 1, rows)
        return picture


def photo_mosaic(
    target: Any,
    tiles: ArrayLike,
    grid: int | tuple[int, int],
    *,
    max_uses: int | None = None,
    detail: int = 1,
    space: Space = "oklab",
    blend: float = 0.0,
    transfer: Transfer | None = None,
    num_threads: int | None = None,
    progress: Progress = None,
) -> Image:
    """A picture made of tiles, each the best for its place.

    Parameters
    ----------
    target : path, PIL.Image.Image, or array of uint8, shape (height, width, 3)
        What the mosaic is to look like. Its middle is used, in the proportions of the mosaic.
    tiles : array_like of uint8, shape (n, height, width, 3)
        What it is made of, as from `load_tiles` or `fractal_tiles`.
    grid : int or (int, int)
        Rows and columns of tiles. One number is that of the columns; the rows follow from the
        proportions of the target.
    max_uses : int, optional
        How often a tile may be used: the total distance is then the least that this allows, and
        that is proven. By default as often as it is the nearest.
    detail : int, optional
        Compare so many rows and columns of cells in each tile: 1 compares mean colours, as many as
        a tile has pixels compares every pixel.
    space : {"oklab", "rgb", "grey"}, optional
        Compare colours as people see them, as bytes, or only how light they are. See `features`.
    blend : float, optional
        Tint the tiles: from 0, not at all, to 1, until each has the mean colour of its place.
    transfer : {"to_tiles", "to_target", "equalise"}, optional
        First give the target the palette of the tiles, or the tiles that of the target, or both
        the full range of each channel.
    num_threads : int, optional
        -1 for all; see `pyparallel.threads` for the default.
    progress : callable, optional
        Called as ``progress(done, total)``, in thousandths; an exception that it raises stops the
        work.

    Returns
    -------
    PIL.Image.Image
        RGB, of rows * height times columns * width pixels.

    Raises
    ------
    TypeError, ValueError
        Naming the argument; also where there are fewer tiles than `max_uses` asks for.
    ImportError
        Where Pillow is missing.

    Examples
    --------
    >>> import numpy as np
    >>> import pyparallel as pp
    >>> tiles = pp.mosaic.fractal_tiles(200, size=8)
    >>> sky = np.linspace(0, 255, 90 * 60 * 3).reshape(60, 90, 3).astype(np.uint8)
    >>> pp.mosaic.photo_mosaic(sky, tiles, 15, max_uses=1).size
    (120, 80)
    """
    module = pillow(NAME)
    stages = Stages(progress, **WEIGHTS)
    with nullcontext() if num_threads is None else threads(num_threads):
        mosaic = plan(
            target,
            tiles,
            grid,
            max_uses=max_uses,
            detail=detail,
            space=space,
            blend=blend,
            transfer=transfer,
            stages=stages,
        )
        with stages("draw") as report:
            picture = mosaic.draw(report)
    image: Image = module.fromarray(picture)
    return image


def plan(
    target: Any,
    tiles: ArrayLike,
    grid: int | tuple[int, int],
    *,
    max_uses: int | None = None,
    detail: int = 1,
    space: Space = "oklab",
    blend: float = 0.0,
    transfer: Transfer | None = None,
    stages: Stages | None = None,
) -> Mosaic:
    """The mosaic of `photo_mosaic`, still to be drawn."""
    stages = stages or Stages(None, **WEIGHTS)
    tiles = _checked_tiles(tiles)
    detail = whole_number(NAME, "detail", detail, max(tiles.shape[1:3]))
    if max_uses is not None:
        max_uses = whole_number(NAME, "max_uses", max_uses)
    _check_choices(space, blend, transfer)
    picture = read_picture(NAME, target)
    shape = _rows_and_columns(picture, tiles, grid)
    with stages("compare"):
        cells = min(detail, tiles.shape[1]), min(detail, tiles.shape[2])
        picture = _fitted(picture, tiles.shape[1:3], shape, cells)
        picture, tiles = transferred(picture, tiles, transfer)
        wanted = _cell_features(picture, shape, cells, space)
        offered = features(tiles, cells, space=space)
    with stages("match") as report:
        indices, cost, bound = _choose(wanted, offered, max_uses, report)
    indices = indices.reshape(shape)
    return Mosaic(tiles, indices, _tints(picture, tiles, indices, blend), cost, bound)


def _checked_tiles(tiles: ArrayLike) -> Bytes:
    array = np.asarray(tiles)
    if array.dtype != np.uint8:
        raise TypeError(f"{NAME}: tiles must be uint8, not {array.dtype}")
    if array.ndim != 4 or array.shape[3] != 3 or array.size == 0:
        raise ValueError(f"{NAME}: tiles must have shape (n, height, width, 3), not {array.shape}")
    return array


def _check_choices(space: str, blend: float, transfer: str | None) -> None:
    if space not in SPACES:
        raise ValueError(f"{NAME}: space must be one of {', '.join(SPACES)}, not {space!r}")
    if isinstance(blend, bool) or not isinstance(blend, (int, float, np.number)):
        raise TypeError(f"{NAME}: blend must be a number, not {type(blend).__name__}")
    if not 0 <= blend <= 1:
        raise ValueError(f"{NAME}: blend must be between 0 and 1, not {blend}")
    if transfer is not None and transfer not in TRANSFERS:
        words = ", ".join(TRANSFERS)
        raise ValueError(f"{NAME}: transfer must be None or one of {words}, not {transfer!r}")


def _rows_and_columns(picture: Bytes, tiles: Bytes, grid: int | tuple[int, int]) -> tuple[int, int]:
    if isinstance(grid, (tuple, list)):
        return rows_and_columns(NAME, grid)
    cols = whole_number(NAME, "grid", grid)
    proportion = picture.shape[0] / picture.shape[1] * tiles.shape[2] / tiles.shape[1]
    return max(1, round(cols * proportion)), cols


def _fitted(
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


def _cell_features(
    picture: Bytes,
    grid: tuple[int, int],
    cells: tuple[int, int],
    space: Space,
) -> Bytes:
    """The features of the part of the picture behind each tile, shape (rows * columns, d)."""
    rows, cols = grid
    high, wide = picture.shape[0] // rows, picture.shape[1] // cols
    parts = picture.reshape(rows, high, cols, wide, 3).swapaxes(1, 2)
    return np.concatenate([features(part, cells, space=space) for part in parts])


def _choose(
    wanted: Bytes,
    offered: Bytes,
    max_uses: int | None,
    progress: Progress,
) -> tuple[NDArray[np.int64], int, int | None]:
    if max_uses is None:
        found = match(wanted, offered, progress=progress)
        return found.indices, int(found.distances.sum()), None
    from pyparallel.mosaic import assign

    cells, tiles = len(wanted), len(offered)
    if cells > tiles * max_uses:
        raise ValueError(
            f"{NAME}: tiles must be at least {math.ceil(cells / max_uses)} for {cells} places and "
            f"max_uses={max_uses}, not {tiles}"
        )
    best = assign(wanted, offered, max_uses=max_uses, progress=progress)
    return best.indices, int(best.cost), int(best.bound)


def _tints(
    picture: Bytes, tiles: Bytes, indices: NDArray[np.int64], blend: float
) -> NDArray[np.int16] | None:
    """What to add to each tile, so that its mean comes nearer to that of its place."""
    if not blend:
        return None
    wanted = features(picture[None], indices.shape).reshape(*indices.shape, 3)
    have = features(tiles)[indices]
    tints: NDArray[np.int16] = (blend * (wanted.astype(float) - have)).round().astype(np.int16)
    return tints
