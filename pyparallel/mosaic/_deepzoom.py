"""Deep-zoom folders: a pyramid of small JPEG files, and a page that shows it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pyparallel.mosaic import _colour
from pyparallel.mosaic._viewer import page

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]

SIDE = 512  # of a file, in pixels
QUALITY = 88
NAME = "mosaic"  # of the .dzi file
XML = """<?xml version="1.0" encoding="UTF-8"?>
<Image xmlns="http://schemas.microsoft.com/deepzoom/2008" Format="jpg" Overlap="0" \
TileSize="{side}"><Size Width="{width}" Height="{height}"/></Image>
"""


def write_deep_zoom(
    folder: Path, width: int, height: int, strips: Iterable[Bytes], title: str = "Mosaic"
) -> None:
    """Write strips of full width, from the top, as a deep-zoom folder.

    It holds ``mosaic.dzi`` and its files, in Microsoft's Deep Zoom format, which many viewers
    read, and ``index.html``, a viewer that needs nothing else. The memory is that of a few rows of
    files. Light is averaged, not bytes, so that the picture does not darken from afar.

    Parameters
    ----------
    folder : Path
        Appears when it is complete; a deep-zoom folder that is already there is replaced.
    width, height : int
        Of the whole picture, in pixels.
    strips : iterable of ndarray of uint8, shape (rows, width, 3)
    title : str, optional
        Of the page.

    Examples
    --------
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from pyparallel.mosaic._deepzoom import write_deep_zoom
    >>> write_deep_zoom(Path("zoom"), 700, 40, [np.zeros((40, 700, 3), np.uint8)])
    >>> sorted(path.name for path in Path("zoom").iterdir())
    ['index.html', 'mosaic.dzi', 'mosaic_files']
    """
    with _replacing_folder(folder) as part:
        levels = _levels(part / f"{NAME}_files", width, height)
        for strip in strips:
            levels[-1].feed(strip)
        levels[-1].finish()
        xml = XML.format(side=SIDE, width=width, height=height)
        (part / f"{NAME}.dzi").write_text(xml, "utf-8")
        viewer = page(title, f"{NAME}_files", width, height, SIDE, len(levels) - 1)
        (part / "index.html").write_text(viewer, "utf-8")


def check_folder(folder: Path) -> None:
    """Raise OSError if this is something that a deep-zoom folder must not replace."""
    if not folder.parent.is_dir():
        raise FileNotFoundError(f"cannot write {folder}: there is no folder {folder.parent}")
    if folder.exists() and not (folder / f"{NAME}.dzi").is_file():
        raise FileExistsError(f"cannot write {folder}: it exists, and is no deep-zoom folder")
    if not os.access(folder.parent, os.W_OK):
        raise PermissionError(f"cannot write {folder}: the folder {folder.parent} is read-only")


@contextmanager
def _replacing_folder(folder: Path) -> Iterator[Path]:
    folder = folder.resolve()
    check_folder(folder)
    part = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    old = folder.with_name(f".{folder.name}.{os.getpid()}.old")
    try:
        part.mkdir()
        yield part
        if folder.exists():
            folder.rename(old)
        part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def _levels(folder: Path, width: int, height: int) -> list[_Level]:
    """From a single pixel to all of them, each with half as many as the next."""
    top = (max(width, height) - 1).bit_length()
    levels: list[_Level] = []
    for number in range(top + 1):
        scale = 1 << (top - number)
        size = -(-width // scale), -(-height // scale)
        levels.append(_Level(folder / str(number), *size, levels[-1] if levels else None))
    return levels


class _Level:
    """One level: cuts what it is fed into files, and feeds half of it to the level below."""

    def __init__(self, folder: Path, width: int, height: int, below: _Level | None) -> None:
        self._folder, self._below = folder, below
        self._rows = np.empty((min(SIDE, height), width, 3), np.uint8)
        self._filled = self._written = 0
        self._odd: Bytes | None = None  # a row that waits for the next to be halved with
        folder.mkdir(parents=True)

    def feed(self, strip: Bytes) -> None:
        for start in range(0, len(strip), SIDE):  # so that what is halved is small
            self._cut(strip[start : start + SIDE])
            self._halve(strip[start : start + SIDE])

    def finish(self) -> None:
        """After the last strip."""
        if self._filled:
            self._write()
        if self._below:
            if self._odd is not None:
                self._below.feed(_half(np.concatenate([self._odd, self._odd])))
            self._below.finish()

    def _cut(self, strip: Bytes) -> None:
        while len(strip):
            count = min(len(strip), len(self._rows) - self._filled)
            self._rows[self._filled : self._filled + count] = strip[:count]
            self._filled += count
            strip = strip[count:]
            if self._filled == len(self._rows):
                self._write()

    def _write(self) -> None:
        from PIL import Image

        for col, left in enumerate(range(0, self._rows.shape[1], SIDE)):
            part = Image.fromarray(self._rows[: self._filled, left : left + SIDE])
            part.save(self._folder / f"{col}_{self._written}.jpg", quality=QUALITY)
        self._written += 1
        self._filled = 0

    def _halve(self, strip: Bytes) -> None:
        if self._below is None:
            return
        if self._odd is not None:
            strip = np.concatenate([self._odd, strip])
        even = len(strip) // 2 * 2
        self._odd = strip[even:].copy() if even < len(strip) else None
        if even:
            self._below.feed(_half(strip[:even]))


def _half(rows: Bytes) -> Bytes:
    """The mean light of each two by two pixels; the last column stands for one that is missing."""
    if rows.shape[1] % 2:
        rows = np.concatenate([rows, rows[:, -1:]], axis=1)
    light = _colour.light_of_bytes()[rows]
    sums = light[::2, ::2] + light[::2, 1::2] + light[1::2, ::2] + light[1::2, 1::2]
    half: Bytes = _colour.bytes_of_light()[sums >> 2]
    return half
