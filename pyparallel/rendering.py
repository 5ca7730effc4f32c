"""Handsome pictures of fractals: escape counts to colours, strip by strip, to a PNG file."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pyparallel import _metadata
from pyparallel._files import replacing
from pyparallel._threads import version
from pyparallel.fractals import Box, julia, mandelbrot

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image

    Floats = NDArray[np.float64]
    Ints = NDArray[Any]

Progress = Callable[[int, int], object]

CMAP = "twilight_shifted"
CONTRAST = 0.3
SAMPLES = 2
STRIP = 1 << 20  # samples in memory at once
PREVIEW = 256  # the picture from which the shading is chosen has this side at most
COLOURS = 4096
GAMMA = 2.2  # colours are averaged in linear light, or thin bright lines would darken

# Up to this count, bands of equal counts are wide enough to see, so they are shaded smoothly.
SMOOTH_BELOW = 64
# Steps after the escape: the fraction is continuous between bands only where |z| is large.
STEPS_AFTER = 4


@dataclass(frozen=True)
class Picture:
    """A fractal and how to colour it.

    Parameters
    ----------
    box : Box
        What to show, without a window.
    max_iter : int
        As in `pyparallel.mandelbrot`. Points that never escape are black.
    julia : complex, optional
        Draw the Julia set of this number instead of the Mandelbrot set.
    cmap : str
        Name of a matplotlib colour map, from the lowest count to the highest.
    contrast : float
        0 spreads the colours over the logarithm of the count, 1 gives each colour the same area.
    samples : int
        Each pixel is the mean of ``samples * samples`` points.

    Raises
    ------
    ValueError
        Naming the parameter.
    """

    box: Box
    max_iter: int = 1000
    julia: complex | None = None
    cmap: str = CMAP
    contrast: float = CONTRAST
    samples: int = SAMPLES

    def __post_init__(self) -> None:
        if not 0 <= self.contrast <= 1:
            raise ValueError(f"Picture: contrast must be between 0 and 1, not {self.contrast}")
        if not 1 <= self.samples <= 8:
            raise ValueError(f"Picture: samples must be between 1 and 8, not {self.samples}")
        _colour_map(self.cmap)

    def counts(self, box: Box, progress: Progress | None = None) -> Ints:
        """The escape counts of this fractal in another box."""
        if self.julia is None:
            return mandelbrot(box, self.max_iter, progress=progress)
        return julia(box, self.julia, self.max_iter, progress=progress)

    def too_deep(self) -> bool:
        """Are neighbouring points so near that float64 cannot tell them apart?"""
        farthest = max(map(abs, self.box.bounds))
        return bool(self.box.scale / self.samples < np.spacing(farthest))

    def command(self) -> str:
        """The command that draws this picture again; a file name is still to be added.

        Examples
        --------
        >>> import pyparallel as pp
        >>> from pyparallel.rendering import Picture
        >>> print(Picture(pp.Box(300, 200, -0.8, 3 + 2j), 100).command())
        pyparallel render --center -0.8+0.0j --extent 3.0+2.0j --size 300x200 --max-iter 100 \
--cmap twilight_shifted --contrast 0.3 --samples 2
        """
        words = ["pyparallel", "render"]
        for name, value in self.parameters().items():
            words += [f"--{name}", value]
        return shlex.join(words)

    def parameters(self) -> dict[str, str]:
        """All parameters by the names of the command's options, exactly."""
        box = self.box
        given = {
            "center": _exact(box.center),
            "extent": _exact(box.extent),
            "size": f"{box.width}x{box.height}",
            "max-iter": str(self.max_iter),
            "julia": "" if self.julia is None else _exact(self.julia),
            "cmap": self.cmap,
            "contrast": str(self.contrast),
            "samples": str(self.samples),
        }
        return {name: value for name, value in given.items() if value}


def draw(picture: Picture, progress: Progress | None = None) -> Image:
    """Compute and colour a picture.

    Only a strip of it is in memory as numbers at any time; the finished picture takes four bytes
    a pixel.

    Parameters
    ----------
    picture : Picture
    progress : callable, optional
        ``progress(done, total)``, in points computed.

    Returns
    -------
    PIL.Image.Image
        RGB, row 0 at the top.

    Examples
    --------
    >>> import pyparallel as pp
    >>> from pyparallel.rendering import Picture, draw
    >>> draw(Picture(pp.Box(300, 200, center=-0.65, extent=3 + 2.4j))).size
    (300, 200)
    """
    try:
        from PIL import Image
    except ImportError:
        raise ImportError(f"draw: needs Pillow: {_metadata.install_line('cli')}") from None

    box, samples = picture.box, picture.samples
    image = Image.new("RGB", (box.width, box.height))
    colours = _shading(picture)
    fine = Box(box.width * samples, box.height * samples, box.center, box.extent)
    for rows in _strips(box.height, fine.width * samples):
        strip = fine.crop(slice(rows.start * samples, rows.stop * samples), slice(None))
        counts = picture.counts(strip, _shifted(progress, strip))
        pixels = _average(colours(counts, strip), samples)
        image.paste(Image.fromarray(pixels[::-1]), (0, box.height - rows.stop))
    return image


def save(picture: Picture, path: Path, progress: Progress | None = None) -> None:
    """Draw a picture into a PNG file, which holds all its parameters and the command.

    The file appears when it is complete; an error or Ctrl-C before that leaves nothing behind.

    Parameters
    ----------
    picture : Picture
    path : Path
    progress : callable, optional
        As in `draw`.
    """
    image = draw(picture, progress)
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("Title", "Mandelbrot set" if picture.julia is None else "Julia set")
    info.add_text("Software", f"pyparallel {version()}")
    info.add_text("Command", picture.command())
    for name, value in picture.parameters().items():
        info.add_text(name, value)
    with replacing(path) as file:
        image.save(file, format="PNG", pnginfo=info)


def _exact(number: complex) -> str:
    return f"{number.real}{number.imag:+}j"


def _strips(height: int, samples_in_row: int) -> Iterator[slice]:
    rows = max(1, STRIP // samples_in_row)
    for start in range(0, height, rows):
        yield slice(start, min(start + rows, height))


def _shifted(progress: Progress | None, strip: Box) -> Progress | None:
    """The progress of one strip as that of the whole picture, in points."""
    if progress is None:
        return None
    (row0, row1), _ = strip.window

    def report(done: int, total: int) -> None:
        points = row0 * strip.width + (row1 - row0) * strip.width * done // total
        progress(points, strip.height * strip.width)

    return report


def _colour_map(name: str) -> Any:
    try:
        from matplotlib import colormaps
    except ImportError:
        raise ImportError(f"Picture: needs matplotlib: {_metadata.install_line('cli')}") from None
    if name not in colormaps:
        near = get_close_matches(name, colormaps, n=3)
        hint = f"; did you mean {' or '.join(near)}?" if near else ", such as magma or viridis"
        raise ValueError(f"Picture: cmap must name a matplotlib colour map, not {name!r}{hint}")
    return colormaps[name]


def _palette(name: str) -> NDArray[np.float32]:
    """The colour map in linear light, and black after its last colour."""
    table = _colour_map(name)(np.linspace(0, 1, COLOURS))[:, :3] ** GAMMA
    return np.vstack([table, np.zeros((1, 3))]).astype(np.float32)


def _average(colours: NDArray[np.float32], samples: int) -> NDArray[np.uint8]:
    """Blocks of samples to pixels, linear light to bytes."""
    rows, cols, _ = colours.shape
    blocks = colours.reshape(rows // samples, samples, cols // samples, samples, 3)
    mean: NDArray[np.float32] = blocks.mean(axis=(1, 3))
    return (mean ** np.float32(1 / GAMMA) * 255).round().astype(np.uint8)


def _shading(picture: Picture) -> Callable[[Ints, Box], NDArray[np.float32]]:
    """The colours of counts, chosen from a small preview of the whole picture.

    So the strips match, and the picture does not depend on how it is cut.
    """
    box = picture.box
    side = max(box.width, box.height) / PREVIEW
    small = box
    if side > 1:
        width, height = (max(1, round(n / side)) for n in (box.width, box.height))
        small = Box(width, height, box.center, box.extent)
    levels = _levels(picture.counts(small), small, picture)
    knots, places = _scale(levels[np.isfinite(levels)], picture.contrast)
    palette = _palette(picture.cmap)

    def colours(counts: Ints, part: Box) -> NDArray[np.float32]:
        levels = _levels(counts, part, picture)
        inside = np.isinf(levels)
        levels[inside] = 0.0
        index = np.rint(np.interp(levels, knots, places) * (COLOURS - 1)).astype(np.int32)
        index[inside] = COLOURS
        return palette[index]

    return colours


def _scale(levels: Floats, contrast: float) -> tuple[Floats, Floats]:
    """Levels and their places in the colour map, 0 to 1, between them straight lines.

    A mixture of two: proportional to the level, and to its rank among all levels.
    """
    if not levels.size:  # nothing but black
        return np.zeros(1), np.zeros(1)
    places = np.linspace(0, 1, 257)
    quantiles = np.quantile(levels, places)
    knots = np.unique(quantiles)
    rank = np.interp(knots, quantiles, places)
    proportion = (knots - knots[0]) / max(knots[-1] - knots[0], 1e-300)
    return knots, contrast * rank + (1 - contrast) * proportion


def _levels(counts: Ints, box: Box, picture: Picture) -> Floats:
    """The logarithm of one plus the smooth count; infinite inside the set."""
    start, c = (0, box.grid()) if picture.julia is None else (box.grid(), picture.julia)
    levels = np.log1p(smooth(counts, start, c))
    levels[counts == picture.max_iter - 1] = np.inf
    return levels


def smooth(counts: Ints, z: Any, c: Any) -> Floats:
    """Counts with a fraction, so that colours have no bands; for drawing only.

    A point that escaped in step k has |z| near 2 ** 2 ** f some steps later, with f the larger
    the earlier within the step it left; k minus log2(log2(|z|)) is continuous in the point.
    Large counts, whose bands are too narrow to see, stay as they are.

    Parameters
    ----------
    counts : ndarray of int, shape (rows, columns)
        Of z -> z*z + c, from `pyparallel.mandelbrot` or `julia`.
    z, c : array_like of complex
        Starting points and parameters, as in `pyparallel.escape_time`.

    Returns
    -------
    ndarray of float64, shape (rows, columns)
        Not below 0.
    """
    flat = counts.ravel()
    near = np.flatnonzero(flat < SMOOTH_BELOW)
    # By falling count: the points still on their way are then always the first so many.
    near = near[np.argsort(-flat[near].astype(np.int8), kind="stable")]
    steps = flat[near] + 1 + STEPS_AFTER
    on_the_way = np.searchsorted(-steps, -np.arange(steps.max(initial=0)), side="left")
    z, c = (np.broadcast_to(x, counts.shape).ravel()[near].astype(complex) for x in (z, c))
    result = flat.astype(np.float64)
    with np.errstate(all="ignore"):  # far points overflow to inf or NaN, and become 0 below
        for number in on_the_way:
            z[:number] *= z[:number]
            z[:number] += c[:number]
        result[near] = np.fmax(steps - np.log2(np.log2(np.abs(z))), 0.0)
    return result.reshape(counts.shape)
