"""The demo's mosaic: a photograph made of fractals, each used once, and the race to match them."""

from __future__ import annotations

import io
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pyparallel import _contestant_peers as peers
from pyparallel._contestant_mosaic import Colours
from pyparallel._libraries import missing
from pyparallel._tables import seconds
from pyparallel.contestants import Problem
from pyparallel.mosaic import fractal_tiles
from pyparallel.mosaic._drawn import Mosaic
from pyparallel.mosaic._options import Options
from pyparallel.mosaic._photo import plan

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]

# Grace Hopper, by James S. Davis, US Navy: in the public domain, and installed with matplotlib.
PHOTOGRAPH = "grace_hopper.jpg"
ABOUT = "Grace Hopper, who wrote the first compiler"
TILES, GRID, SIDE = 10_000, (108, 92), 50
BLEND = 0.3
WHOLE = 1104  # pixels wide in the report
NEAR = (2050, 1350, 2950, 1950)  # the part that is shown as it is: left, top, right, bottom


# By the names they have in the demo's table: the forms of `contestants.match`.
MATCHING = {
    "NumPy": "NumPy product",
    "SciPy cKDTree": "SciPy cKDTree",
    "pyparallel": "pyparallel",
}


@dataclass(frozen=True)
class Exhibit:
    """A mosaic to look at.

    Parameters
    ----------
    whole, near : bytes
        JPEG files: all of it, smaller, and a part of it as it is.
    text : str
        What was done, and how long that took.
    command : str
        The command that makes it, but for the path of the photograph.
    """

    whole: bytes
    near: bytes
    text: str
    command: str


@dataclass(frozen=True)
class Making:
    """The mosaic, what was matched for it, and how long its steps took."""

    mosaic: Mosaic
    tiles: Bytes
    seconds_of: dict[str, float]


def photograph() -> Path | None:
    """Where matplotlib keeps it; None without matplotlib, or if it has gone from there."""
    try:
        from matplotlib import cbook
    except ImportError:
        return None
    path = Path(str(cbook.get_sample_data(PHOTOGRAPH, asfileobj=False)))
    return path if path.is_file() else None


def make(path: Path, tiles: int = TILES, grid: tuple[int, int] = GRID, side: int = SIDE) -> Making:
    """The mosaic of the demo."""
    start = time.perf_counter()
    fractals = fractal_tiles(tiles, side)
    drawn = time.perf_counter()
    options = Options(max_uses=1, blend=BLEND, transfer="to_target")
    mosaic = plan(path, fractals, grid, options)
    planned = time.perf_counter()
    took = {"tiles": drawn - start, "assignment": planned - drawn}
    return Making(mosaic, fractals, took)


def exhibit(making: Making) -> Exhibit:
    """Pictures and words."""
    from PIL import Image

    mosaic = making.mosaic
    start = time.perf_counter()
    image = Image.fromarray(mosaic.draw())
    took = making.seconds_of | {"drawing": time.perf_counter() - start}
    scale = min(1.0, WHOLE / image.width)
    small = image.resize(
        (round(image.width * scale), round(image.height * scale)), Image.Resampling.BOX
    )
    places, tiles = mosaic.indices.size, len(making.tiles)
    proven = (
        "which is proven to be the least" if mosaic.bound == mosaic.cost else "nearly the least"
    )
    text = (
        f"{ABOUT}, in {places} of {tiles} Julia sets, none used twice: {image.width} x "
        f"{image.height} pixels. The total squared distance of colours is {mosaic.cost}, {proven}. "
        f"Drawing the Julia sets took {seconds(took['tiles'])}, finding the best place for each "
        f"{seconds(took['assignment'])}, and putting them together {seconds(took['drawing'])}."
    )
    command = (
        f"pyparallel mosaic {PHOTOGRAPH} --fractal {tiles} --max-uses 1 "
        f"--grid {mosaic.indices.shape[1]}x{mosaic.indices.shape[0]} --transfer to-target "
        f"--blend {BLEND} -o mosaic.png"
    )
    return Exhibit(_jpeg(small), _jpeg(image.crop(NEAR)), text, command)


def _jpeg(image: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format="JPEG", quality=82)
    return buffer.getvalue()


def matching(wanted: Bytes, offered: Bytes) -> Problem:
    """The nearest of the tiles for each place, by everyone.

    Parameters
    ----------
    wanted, offered : ndarray of uint8, shape (m, d) and (n, d)

    Returns
    -------
    Problem
    """
    field = peers.MATCH
    without = missing({name: field.libraries.get(of, "numpy") for name, of in MATCHING.items()})
    here = {name: of for name, of in MATCHING.items() if name not in without}
    work = Colours.of(wanted, offered)
    title = f"Nearest of {len(offered)} tiles to each of {len(wanted)} places, {wanted.shape[1]} features"
    return Problem(
        title,
        {name: partial(field.forms[of], work) for name, of in here.items()},
        without,
        {name: field.sources[of] for name, of in here.items() if of in field.sources},
        check=lambda first, other: work.distances(first) == work.distances(other),
        agreement="equal in every distance",
    )
