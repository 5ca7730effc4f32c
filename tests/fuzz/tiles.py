"""One random call of features or assemble, drawn from a seed, and its check against NumPy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator

from pyparallel._load import core
from pyparallel.mosaic import assemble, features
from pyparallel.mosaic._features import SPACES
from tests.fuzz.cases import laid_out, power
from tests.reference import byte_means

PIXELS = 200_000  # of all pictures of a case, about
LARGE = 1 << 24  # bytes: from there on a result is stored past the caches
INDICES = ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", ">i4", ">u2"]


@dataclass
class Case:
    """What is called."""

    pictures: np.ndarray
    which: Any  # features: the space and the grid; assemble: the indices
    out: np.ndarray | None
    threads: int
    slices: tuple[float, int]

    def __str__(self) -> str:
        which, out = self.which, self.out
        if isinstance(which, np.ndarray):
            which = f"indices {which.dtype.str} {which.shape} {which.strides}"
        into = None if out is None else (out.shape, out.strides, out.ctypes.data % 64)
        return (
            f"tiles: {self.pictures.shape} {self.pictures.strides} {which} out={into} "
            f"threads={self.threads} slices={self.slices}"
        )


def in_memory(rng: Generator, pictures: np.ndarray) -> np.ndarray:
    """Often with the bytes of a row side by side, anywhere, perhaps with gaps between rows."""
    if rng.random() < 0.3:
        return laid_out(rng, pictures)
    gap = int(rng.choice([0, 0, 1, 5]))
    shape = (*pictures.shape[:-2], pictures.shape[-2] + gap, 3)
    offset = int(rng.integers(0, 64))
    memory = np.zeros(int(np.prod(shape)) + offset, np.uint8)
    view = memory[offset:].reshape(shape)[..., : pictures.shape[-2], :]
    view[...] = pictures
    return view


def draw_pictures(rng: Generator, n: int, height: int, width: int) -> np.ndarray:
    low, high = [(0, 256), (0, 256), (255, 256), (250, 256), (0, 2)][int(rng.integers(0, 5))]
    return rng.integers(low, high, (n, height, width, 3), np.uint8)


def draw(seed: int) -> Case:
    """The case of this seed."""
    rng = np.random.default_rng(seed)
    pictures, which, shape = (draw_features if rng.random() < 0.5 else draw_assembly)(rng)
    layout = in_memory if len(shape) == 3 else laid_out
    out = layout(rng, np.zeros(shape, np.uint8)) if rng.random() < 0.7 else None
    slices = (float(rng.choice([0.0, 1e-4, 0.1])), int(rng.integers(0, 3)))
    return Case(in_memory(rng, pictures), which, out, int(rng.integers(1, 9)), slices)


def draw_features(rng: Generator) -> tuple[np.ndarray, Any, tuple[int, ...]]:
    """Pictures of all proportions; few cells or many."""
    height = int(power(rng, 0, rng.choice([1, 2, 3])))
    width = int(power(rng, 0, rng.choice([1, 2, 3.7])))
    n = min(int(power(rng, 0, 2)), 1 + PIXELS // (height * width)) - (rng.random() < 0.05)
    grid = tuple(int(power(rng, 0, np.log10(side + 0.5))) for side in (height, width))
    space = str(rng.choice(SPACES))
    channels = 1 if space == "grey" else 3
    shape = n, grid[0] * grid[1] * channels
    return draw_pictures(rng, n, height, width), (space, grid), shape


def draw_assembly(rng: Generator) -> tuple[np.ndarray, Any, tuple[int, ...]]:
    """Tiles of all proportions; one picture in ten is large."""
    height, width = (int(power(rng, 0, rng.choice([1, 2]))) for _ in range(2))
    if rng.random() < 0.2:
        width = int(power(rng, 2, 3.7))
        height = 1 + height % 5
    n = 1 + int(rng.integers(0, min(100, 1 + PIXELS // (height * width))))
    pixels = 1.1 * LARGE / 3 if rng.random() < 0.1 else power(rng, 0, 5)
    places = pixels / (height * width)
    rows = int(power(rng, 0, max(0.1, np.log10(places + 1))))
    shape = rows, int(places / rows) + (rng.random() < 0.95)
    indices = rng.integers(0, n, shape).astype(rng.choice(INDICES))
    if rng.random() < 0.3:
        indices = np.asfortranarray(indices)
    return draw_pictures(rng, n, height, width), indices, (shape[0] * height, shape[1] * width, 3)


def check(case: Case) -> None:
    """AssertionError where the kernel and NumPy differ."""
    core.set_slices(*case.slices)
    try:
        found, expected = (of_assembly if isinstance(case.which, np.ndarray) else of_features)(case)
    finally:
        core.set_slices(0.1, 0)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, expected)


def of_features(case: Case) -> tuple[np.ndarray, np.ndarray]:
    space, grid = case.which
    expected = byte_means(case.pictures, grid, space)
    found = features(case.pictures, grid, space=space, out=case.out, num_threads=case.threads)
    if space == "oklab":  # whose last bit may differ where the exact number is nearly a half
        off = np.abs(found - expected)
        assert off.max(initial=0) <= 0.5 + 1e-9
        return found, found
    return found, expected


def of_assembly(case: Case) -> tuple[np.ndarray, np.ndarray]:
    tiles, indices = case.pictures, case.which
    found = assemble(tiles, indices, out=case.out, num_threads=case.threads)
    placed = tiles[indices.astype(np.int64)].swapaxes(1, 2)
    return found, placed.reshape(found.shape)
