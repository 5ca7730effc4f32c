"""A mosaic that is planned: which tile lies where, drawn strip by strip."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from pyparallel.mosaic._features import assemble, features
from pyparallel.mosaic._places import edges

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pyparallel._core import Progress

    Bytes = NDArray[np.uint8]

NOWHERE = -1  # the index of a place that there is not


@dataclass(frozen=True)
class Level:
    """The places of one size.

    Parameters
    ----------
    indices : ndarray of int64, shape (rows * scale, columns * scale)
        The tile of each place; `NOWHERE` where there is none of this size.
    tints : ndarray of int16, of this shape and 3, or None
        What is added to the pixels of each tile.
    """

    indices: NDArray[np.int64]
    tints: NDArray[np.int16] | None


@dataclass(frozen=True)
class Mosaic:
    """Which tile goes where, and how it is drawn.

    Parameters
    ----------
    tiles : ndarray of uint8, shape (n, height, width, 3)
    levels : list of Level
        The places of the grid, and quarters of places, each level from the one before.
    cost : int
        The sum of the squared distances of features.
    bound : int or None
        No choice of tiles that uses each as often as asked costs less; None where any number of
        uses was allowed, and each place has its nearest.
    wanted, offered : ndarray of uint8, shape (places, d) and (n, d)
        The features that were compared; those of the places level by level, and row by row.
    """

    tiles: Bytes
    levels: list[Level]
    cost: int
    bound: int | None
    wanted: Bytes
    offered: Bytes
    _shrunk: dict[tuple[int, int], Bytes] = field(default_factory=dict, repr=False)

    @property
    def indices(self) -> NDArray[np.int64]:
        """The tiles of the places of the grid, shape (rows, columns)."""
        return self.levels[0].indices

    @property
    def height(self) -> int:
        """Of the picture, in pixels."""
        return int(self.indices.shape[0] * self.tiles.shape[1])

    @property
    def width(self) -> int:
        """Of the picture, in pixels."""
        return int(self.indices.shape[1] * self.tiles.shape[2])

    @property
    def places(self) -> int:
        """How many tiles there are to see."""
        return len(self.wanted)

    def strip(self, row: int, out: Bytes | None = None) -> Bytes:
        """A row of tiles as pixels, shape (tile height, picture width, 3)."""
        grid = self.levels[0]
        indices = grid.indices[row : row + 1]
        strip = assemble(self.tiles, np.maximum(indices, 0), out=out)
        if grid.tints is not None:
            tint = np.repeat(grid.tints[row], self.tiles.shape[2], axis=0)
            strip[...] = np.clip(strip + tint, 0, 255)
        for level in self.levels[1:]:
            self._draw_parts(level, row, strip)
        return strip

    def _draw_parts(self, level: Level, row: int, strip: Bytes) -> None:
        """Over a row of the grid the places of this level in it, with tiles that are shrunk."""
        scale = len(level.indices) // len(self.indices)
        height, width = self.tiles.shape[1:3]
        first = row * scale
        for i, j in np.argwhere(level.indices[first : first + scale] != NOWHERE).tolist():
            (top, bottom), (left, right) = edges(height, scale, i), edges(width, scale, j)
            tile = self._tiles_of(bottom - top, right - left)[level.indices[first + i, j]]
            if level.tints is not None:
                tile = np.clip(tile + level.tints[first + i, j], 0, 255).astype(np.uint8)
            strip[top:bottom, left:right] = tile

    def _tiles_of(self, height: int, width: int) -> Bytes:
        """All tiles, shrunk to this size: each pixel is the mean of those that it stands for."""
        size = height, width
        if size not in self._shrunk:
            means = features(self.tiles, size)
            self._shrunk[size] = means.reshape(len(self.tiles), height, width, 3)
        return self._shrunk[size]

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
