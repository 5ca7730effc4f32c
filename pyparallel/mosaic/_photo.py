"""A picture made of many small ones: cut, compared, matched, put together."""

from __future__ import annotations

import math
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np

from pyparallel._arguments import whole_number
from pyparallel._threads import threads
from pyparallel.mosaic._assignment import assign
from pyparallel.mosaic._drawn import NOWHERE, Level, Mosaic
from pyparallel.mosaic._features import Space, features, rows_and_columns
from pyparallel.mosaic._matching import match
from pyparallel.mosaic._options import NAME, Options
from pyparallel.mosaic._palettes import Transfer, grey, transferred
from pyparallel.mosaic._pictures import pillow, read_picture
from pyparallel.mosaic._places import features_of, fitted, outlined, subdivided
from pyparallel.mosaic._progress import Stages

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray
    from PIL.Image import Image

    from pyparallel._core import Progress

    Bytes = NDArray[np.uint8]
    Mask = NDArray[np.bool_]

MOST_PLACES = 10**8  # which take some gigabytes

WEIGHTS = {"compare": 1.0, "match": 10.0, "draw": 1.0}


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
    subdivide: float | Sequence[float] = (),
    greyscale: bool = False,
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
    subdivide : float or sequence of float, optional
        Where the target has detail, four tiles of half the size take the place of one: where the
        standard deviation of its bytes, the mean over red, green and blue, is more than this, as
        a fraction of the full range; 0.1 is much. With several numbers, a quarter with more than
        the second is divided again, and so on. `max_uses` counts tiles of any size.
    greyscale : bool, optional
        A mosaic in black and white: target and tiles lose their colours first.
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
    OSError
        Where the target is a file that cannot be read as a picture.
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
    options = Options(
        max_uses=max_uses,
        detail=detail,
        subdivide=subdivide,
        space=space,
        greyscale=greyscale,
        blend=blend,
        transfer=transfer,
    )
    with nullcontext() if num_threads is None else threads(num_threads):
        mosaic = plan(target, tiles, grid, options, stages)
        with stages("draw") as report:
            picture = mosaic.draw(report)
    image: Image = module.fromarray(picture)
    return image


def plan(
    target: Any,
    tiles: ArrayLike,
    grid: int | tuple[int, int],
    options: Options | None = None,
    stages: Stages | None = None,
) -> Mosaic:
    """The mosaic of `photo_mosaic`, still to be drawn."""
    options, stages = options or Options(), stages or Stages(None, **WEIGHTS)
    tiles = _checked_tiles(tiles)
    height, width = tiles.shape[1:3]
    options.check(height, width)
    picture = read_picture(NAME, target)
    shape = shape_of(picture, (height, width), grid)
    with stages("compare"):
        cells = min(options.detail, height), min(options.detail, width)
        picture = fitted(picture, (height, width), shape, cells)
        if options.greyscale:
            picture, tiles = grey(picture[np.newaxis])[0], grey(tiles)
        picture, tiles = transferred(picture, tiles, options.transfer)
        places = subdivided(picture, shape, options.contrasts)
        wanted, offered = _compared(picture, tiles, places, cells, options)
    with stages("match") as report:
        found, cost, bound = _choose(wanted, offered, options.max_uses, report)
    levels = _levels(picture, tiles, places, found, options.blend)
    return Mosaic(tiles, levels, cost, bound, wanted, offered)


def preview(
    target: Any, tile: tuple[int, int], grid: int | tuple[int, int], options: Options
) -> tuple[Bytes, int]:
    """The target with the edges of the places that tiles of this size would have, and how many
    places there are. A transfer of palettes, which needs the tiles, may divide it otherwise."""
    options.check(*tile)
    picture = read_picture(NAME, target)
    shape = shape_of(picture, tile, grid)
    cells = min(options.detail, tile[0]), min(options.detail, tile[1])
    picture = fitted(picture, tile, shape, cells)
    if options.greyscale:
        picture = grey(picture[np.newaxis])[0]
    places = subdivided(picture, shape, options.contrasts)
    return outlined(picture, tile, places), sum(int(mask.sum()) for mask in places)


def _checked_tiles(tiles: ArrayLike) -> Bytes:
    array = np.asarray(tiles)
    if array.dtype != np.uint8:
        raise TypeError(f"{NAME}: tiles must be uint8, not {array.dtype}")
    if array.ndim != 4 or array.shape[3] != 3 or array.size == 0:
        raise ValueError(f"{NAME}: tiles must have shape (n, height, width, 3), not {array.shape}")
    return array


def shape_of(picture: Bytes, tile: tuple[int, int], grid: int | tuple[int, int]) -> tuple[int, int]:
    """Rows and columns of the mosaic of a picture."""
    if isinstance(grid, (tuple, list)):
        rows, cols = rows_and_columns(NAME, grid)
    else:
        cols = whole_number(NAME, "grid", grid)
        proportion = picture.shape[0] / picture.shape[1] * tile[1] / tile[0]
        rows = max(1, round(cols * proportion))
    if rows * cols > MOST_PLACES:
        raise ValueError(
            f"{NAME}: grid must have at most {MOST_PLACES} places, not {rows} rows of {cols}"
        )
    return rows, cols


def _compared(
    picture: Bytes, tiles: Bytes, places: list[Mask], cells: tuple[int, int], options: Options
) -> tuple[Bytes, Bytes]:
    """The features of all places, level by level, and of the tiles."""
    grid, space = places[0].shape, options.space
    levels = [features_of(picture, grid, mask, cells, space) for mask in places]
    wanted, offered = np.concatenate(levels), features(tiles, cells, space=space)
    if options.greyscale and space != "grey":  # of which the first channel says it all
        return np.ascontiguousarray(wanted[:, ::3]), np.ascontiguousarray(offered[:, ::3])
    return wanted, offered


def _choose(
    wanted: Bytes,
    offered: Bytes,
    max_uses: int | None,
    progress: Progress,
) -> tuple[NDArray[np.int64], int, int | None]:
    if max_uses is None:
        found = match(wanted, offered, progress=progress)
        return found.indices, int(found.distances.sum()), None
    cells, tiles = len(wanted), len(offered)
    if cells > tiles * max_uses:
        raise ValueError(
            f"{NAME}: tiles must be at least {math.ceil(cells / max_uses)} for {cells} places and "
            f"max_uses={max_uses}, not {tiles}"
        )
    best = assign(wanted, offered, max_uses=max_uses, progress=progress)
    return best.indices, int(best.cost), int(best.bound)


def _levels(
    picture: Bytes, tiles: Bytes, places: list[Mask], found: NDArray[np.int64], blend: float
) -> list[Level]:
    """The tiles found, in their places, and what to add to each so that its mean comes nearer to
    that of its place."""
    grid = places[0].shape
    have = features(tiles) if blend else None
    levels = []
    for mask in places:
        indices = np.full(mask.shape, NOWHERE)
        indices[mask], found = np.split(found, [mask.sum()])
        tints = None
        if have is not None:
            tints = np.zeros((*mask.shape, 3), np.int16)
            wanted = features_of(picture, grid, mask, (1, 1), "rgb").astype(float)
            tints[mask] = (blend * (wanted - have[indices[mask]])).round()
        levels.append(Level(indices, tints))
    return levels
