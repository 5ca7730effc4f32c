"""Photo mosaics: which tile goes where, and the pictures made of them."""

from pyparallel.mosaic._features import assemble, features
from pyparallel.mosaic._fractal_tiles import fractal_tiles
from pyparallel.mosaic._library import load_tiles
from pyparallel.mosaic._matching import Matches, match
from pyparallel.mosaic._photo import photo_mosaic

__all__ = [
    "Matches",
    "assemble",
    "features",
    "fractal_tiles",
    "load_tiles",
    "match",
    "photo_mosaic",
]
