"""The steps of a photo mosaic, one program each, for 05-snakemake.ipynb.

python mosaic_steps.py tiles NUMBER OUTPUT                   a library of small pictures
python mosaic_steps.py features TILES OUTPUT                 the colour of each
python mosaic_steps.py match PICTURE FEATURES ROWS STRIP STRIPS OUTPUT   the tiles of one strip
python mosaic_steps.py assemble TILES OUTPUT STRIP...        the mosaic
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from PIL import Image

import pyparallel as pp

SIZE = (24, 24)  # of a tile, in pixels
SPACE = "oklab"  # in which colours are compared


def tiles(number: str, output: str) -> None:
    """Make that many tiles."""
    np.save(output, pp.mosaic.fractal_tiles(int(number), SIZE, rng=5, num_threads=1))


def features(library: str, output: str) -> None:
    """The mean colour of each tile."""
    np.save(output, pp.mosaic.features(np.load(library), space=SPACE))


def cells(picture: Any, rows: int) -> Any:
    """The mean colour of each cell of a picture, row by row: shape (rows, rows, 3)."""
    image = np.asarray(Image.open(picture).convert("RGB"))
    return pp.mosaic.features(image[None], rows, space=SPACE).reshape(rows, rows, 3)


def match(picture: str, library: str, rows: str, strip: str, strips: str, output: str) -> None:
    """The nearest tile for each cell of one strip of the picture."""
    mine = np.array_split(cells(picture, int(rows)), int(strips))[int(strip)]
    found = pp.mosaic.match(mine.reshape(-1, 3), np.load(library), num_threads=1)
    np.save(output, found.indices.reshape(mine.shape[:2]))


def assemble(library: str, output: str, *strips: str) -> None:
    """Lay the tiles of all strips."""
    indices = np.concatenate([np.load(strip) for strip in strips])
    Image.fromarray(pp.mosaic.assemble(np.load(library), indices)).save(output)


if __name__ == "__main__":
    step, *arguments = sys.argv[1:]
    {"tiles": tiles, "features": features, "match": match, "assemble": assemble}[step](*arguments)
