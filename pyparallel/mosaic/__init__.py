"""Photo mosaics: which tile goes where, and the pictures made of them."""

from pyparallel.mosaic._features import assemble, features
from pyparallel.mosaic._fractal_tiles import fractal_tiles
from pyparallel.mosaic._matching import Matches, match

__all__ = ["Matches", "assemble", "features", "fractal_tiles", "match"]
