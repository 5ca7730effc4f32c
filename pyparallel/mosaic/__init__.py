"""Photo mosaics: which tile goes where, and the pictures made of them."""

from pyparallel.mosaic._matching import Matches, match

__all__ = ["Matches", "match"]
