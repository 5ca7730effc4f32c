"""A tile library with no download: small pictures of Julia sets in all colours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pyparallel._arguments import whole_number
from pyparallel._load import core
from pyparallel.mosaic import _colour
from pyparallel.mosaic._features import rows_and_columns
from pyparallel.mosaic._progress import run_all

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pyparallel._core import Progress

SAMPLES = 2  # each pixel is the mean of so many squared points
MAX_ITER = 160
BATCH = 64  # tiles between two looks at progress and Ctrl-C
SHADES = 256  # of a palette
WARM, COOL = (0.7, 1.3), (4.6,)  # usual hues in radians: skin, earth; sky
TRIES = 4  # views of which a tile shows the first that has enough to see
PREVIEW = 16  # pixels square, to find out
MOSTLY = 0.3  # of the area with one count is too much


def fractal_tiles(
    n: int,
    size: int | tuple[int, int] = (50, 50),
    rng: Any = 0,
    *,
    num_threads: int | None = None,
    progress: Progress = None,
) -> NDArray[np.uint8]:
    """Small pictures of Julia sets, each of another set and in other colours.

    Their mean colours are spread over what a screen can show: dark and light, grey and saturated,
    so that nearly any picture can be made of them.

    Parameters
    ----------
    n : int
        How many.
    size : int or (int, int), optional
        Height and width in pixels, one number for both.
    rng : optional
        A seed, or whatever else `numpy.random.default_rng` takes; the same seed, the same tiles.
    num_threads : int, optional
        -1 for all; see `pyparallel.threads` for the default.
    progress : callable, optional
        Called as ``progress(done, total)``, in tiles; an exception that it raises stops the work.

    Returns
    -------
    ndarray of uint8, shape (n, height, width, 3)

    Raises
    ------
    TypeError, ValueError
        Naming the argument.

    Notes
    -----
    The sets belong to numbers right outside of the Mandelbrot set's largest parts, where they are
    richest. The points of a tile get their shades by the rank of their escape counts, so each
    shade covers the same area, and the mean colour of a tile is that of its palette.

    Examples
    --------
    >>> import pyparallel as pp
    >>> pp.mosaic.fractal_tiles(3, size=(20, 30)).shape
    (3, 20, 30, 3)
    """
    n = whole_number("fractal_tiles", "n", n)
    height, width = rows_and_columns("fractal_tiles", size, "size")
    threads = core.resolve_threads("fractal_tiles", num_threads, "num_threads")
    random = np.random.default_rng(rng)
    numbers, centers, extents = _views(n, random)
    palettes = _palettes(n, random)
    tiles = np.empty((n, height, width, 3), np.uint8)

    def draw(batch: range) -> int:
        for i in batch:
            counts = _counts((numbers[i], centers[i], extents[i]), height, width)
            tiles[i] = _shaded(counts, palettes(i))
        return len(batch)

    batches = [range(start, min(start + BATCH, n)) for start in range(0, n, BATCH)]
    run_all(threads, draw, batches, n, progress)
    return tiles


def _views(n: int, random: np.random.Generator) -> tuple[Any, Any, Any]:
    """Numbers of Julia sets, and which part of the plane to show: `TRIES` for each of n tiles."""
    shape = (n, TRIES)
    turn = np.exp(2j * np.pi * random.random(shape))
    cardioid, disc = turn / 2 - turn**2 / 4, -1 + turn / 4
    number = np.where(random.random(shape) < 0.7, cardioid, disc)
    away = random.uniform(0.004, 0.08, shape) * np.exp(2j * np.pi * random.random(shape))
    extent = 2.6 * 0.3 ** random.random(shape)  # from nearly all of it to a third
    center = random.uniform(0, 0.9, shape) * np.exp(2j * np.pi * random.random(shape))
    return number + away, center * (1 - extent / 2.8), extent


def _counts(tries: tuple[Any, Any, Any], height: int, width: int) -> NDArray[Any]:
    """The escape counts of the first view that is not mostly of one count, or of the last."""
    for c, center, extent in zip(*tries, strict=True):
        few = _julia(c, center, extent, PREVIEW, PREVIEW)
        if np.bincount(few.ravel()).max() < MOSTLY * few.size:
            break
    return _julia(c, center, extent, height * SAMPLES, width * SAMPLES)


def _julia(c: complex, center: complex, extent: float, rows: int, cols: int) -> NDArray[Any]:
    scale = extent / min(rows, cols)
    corner = center - complex(cols // 2, rows // 2) * scale
    grid = (corner.real, corner.imag, scale, 0, 0, rows, cols)
    return core.julia(grid, c, MAX_ITER, None, 1, None)


def _shaded(counts: NDArray[Any], palette: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """Counts to colours by their rank; points to pixels in linear light."""
    area = np.bincount(counts.ravel(), minlength=MAX_ITER) / counts.size
    rank = np.cumsum(area) - area / 2
    shade = np.minimum(rank * SHADES, SHADES - 1).astype(np.intp)
    light = palette[shade][counts]
    sums = light[::SAMPLES, ::SAMPLES].copy()
    for i, j in list(np.ndindex(SAMPLES, SAMPLES))[1:]:
        sums += light[i::SAMPLES, j::SAMPLES]
    return _colour.bytes_of_packed(sums, SAMPLES**2)


def _palettes(n: int, random: np.random.Generator) -> Any:
    """For each tile the packed colours of its shades.

    A path through Oklab: around a middle that may lie anywhere, from dark to light, and along it
    the hue turns. Which middle is drawn so that lightness is even, and that, as in photographs,
    most colours are near to grey, and more of them are of skin, earth and sky than of others.
    """
    lightness = random.uniform(0.1, 0.95, n)
    chroma = 0.2 * random.random(n) ** 2.5
    usual = random.choice([*WARM] * 2 + [*COOL], n) + random.normal(0, 0.4, n)
    hue = np.where(random.random(n) < 0.6, usual, random.uniform(0, 2 * np.pi, n))
    turn = random.normal(0, 0.5, n)
    swing = random.uniform(0.08, 0.2, n) * random.choice([-1, 1], n)
    waves = random.integers(1, 4, n)
    place = np.linspace(-1, 1, SHADES)

    def palette(i: int) -> NDArray[np.uint64]:
        wave = np.sin(waves[i] * np.pi / 2 * place)
        room = min(1.0, lightness[i] / abs(swing[i]), (1 - lightness[i]) / abs(swing[i]))
        light = lightness[i] + swing[i] * room * wave
        angle = hue[i] + turn[i] * place
        lab = np.stack([light, chroma[i] * np.cos(angle), chroma[i] * np.sin(angle)], axis=-1)
        return _colour.packed(_colour.light_of_oklab(lab))

    return palette
