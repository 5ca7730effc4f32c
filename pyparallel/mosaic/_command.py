"""What ``pyparallel mosaic`` does: from files to files, with one progress for all of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from pyparallel._files import check_writable, replacing
from pyparallel.mosaic._deepzoom import check_folder, write_deep_zoom
from pyparallel.mosaic._drawn import Mosaic
from pyparallel.mosaic._fractal_tiles import fractal_tiles
from pyparallel.mosaic._library import load_tiles
from pyparallel.mosaic._options import Options
from pyparallel.mosaic._photo import WEIGHTS, plan, preview, shape_of
from pyparallel.mosaic._pictures import pillow, read_picture
from pyparallel.mosaic._progress import Stages
from pyparallel.mosaic._strips import write_png

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from pyparallel._core import Progress

FORMATS = (".png", ".jpg", ".jpeg")
LONGEST_JPEG = 65_500  # pixels of a side: the format has no more
PNG = {"format": "PNG"}
JPEG = {"format": "JPEG", "quality": 92, "subsampling": 0}


@dataclass(frozen=True, kw_only=True)
class Order(Options):
    """All that the command was given; the options of `photo_mosaic` among it.

    Parameters
    ----------
    target : Path
    tiles : Path, int or None
        A folder of photos, or how many fractals; None where only the grid is to be shown.
    output : Path or None
        A picture, PNG or JPEG.
    zoom : Path or None
        A deep-zoom folder.
    """

    target: Path
    tiles: Path | int | None
    output: Path | None
    zoom: Path | None
    grid: int | tuple[int, int]
    tile_size: tuple[int, int] = (50, 50)
    cache: Path | None = None
    seed: int = 0

    def check_files(self) -> None:
        """Raise OSError or ValueError now for what could not be done later."""
        if not self.target.is_file():
            raise FileNotFoundError(f"there is no picture {self.target}")
        if self.output:
            if self.output.suffix.lower() not in FORMATS:
                raise ValueError(f"{self.output} does not end in {', '.join(FORMATS)}")
            check_writable(self.output)
        if self.zoom:
            check_folder(self.zoom)

    def check_size(self, picture: NDArray[np.uint8]) -> None:
        """Raise ValueError for a picture whose mosaic is too large for the format."""
        rows, cols = shape_of(picture, self.tile_size, self.grid)
        height, width = rows * self.tile_size[0], cols * self.tile_size[1]
        if self.output and not _is_png(self.output) and max(height, width) > LONGEST_JPEG:
            raise ValueError(
                f"a JPEG file has at most {LONGEST_JPEG} pixels a side, not {width} x {height}: "
                "write PNG, or a deep-zoom folder"
            )


def make(order: Order, progress: Progress = None) -> Mosaic:
    """Load the tiles, match them, and write what was ordered.

    What is written appears when it is complete; after an error or Ctrl-C all is as it was, but for
    the cache, which then remembers the tiles that were made.

    Parameters
    ----------
    order : Order
    progress : callable, optional
        Called as ``progress(done, total)``, in thousandths.

    Returns
    -------
    Mosaic
    """
    order.check_files()
    order.check(*order.tile_size)
    pillow("mosaic")
    order.check_size(read_picture("mosaic", order.target))  # before the tiles: they may take long
    outputs = {name: 5.0 for name in ("output", "zoom") if getattr(order, name)}
    weights = {name: weight for name, weight in WEIGHTS.items() if name != "draw"}
    stages = Stages(progress, tiles=10.0, **weights, **outputs)
    with stages("tiles") as report:
        tiles = _tiles(order, report)
    mosaic = plan(order.target, tiles, order.grid, order, stages)
    if order.output:
        with stages("output") as report, replacing(order.output) as file:
            _write(mosaic, order.output, file, report)
    if order.zoom:
        with stages("zoom") as report:
            strips = mosaic.strips(report)
            write_deep_zoom(order.zoom, mosaic.width, mosaic.height, strips, order.target.stem)
    return mosaic


def show_grid(order: Order) -> tuple[int, int, int]:
    """Write the target with the edges of all places, instead of a mosaic.

    Returns
    -------
    tuple of int
        Width and height of the picture, and how many places there are.
    """
    order.check_files()
    order.check_size(read_picture("mosaic", order.target))
    picture, places = preview(order.target, order.tile_size, order.grid, order)
    height, width, _ = picture.shape
    if order.output:
        kind = PNG if _is_png(order.output) else JPEG
        with replacing(order.output) as file:
            pillow("mosaic").fromarray(picture).save(file, **kind)
    if order.zoom:
        write_deep_zoom(order.zoom, width, height, [picture], order.target.stem)
    return width, height, places


def _tiles(order: Order, progress: Progress) -> NDArray[np.uint8]:
    if isinstance(order.tiles, int):
        return fractal_tiles(order.tiles, order.tile_size, order.seed, progress=progress)
    assert order.tiles is not None
    return load_tiles(order.tiles, order.tile_size, cache=order.cache, progress=progress)


def _write(mosaic: Mosaic, path: Path, file: BinaryIO, progress: Progress) -> None:
    if _is_png(path):
        write_png(file, mosaic.width, mosaic.height, mosaic.strips(progress))
    else:
        pillow("mosaic").fromarray(mosaic.draw(progress)).save(file, **JPEG)


def _is_png(path: Path) -> bool:
    return path.suffix.lower() == ".png"
