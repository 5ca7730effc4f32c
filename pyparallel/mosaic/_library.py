"""A folder of photos as tiles: found, decoded in threads, cropped, shrunk, remembered."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from pyparallel._load import core
from pyparallel.mosaic._cache import Key, TileCache
from pyparallel.mosaic._features import rows_and_columns
from pyparallel.mosaic._pictures import pillow, read_tile, reason
from pyparallel.mosaic._progress import run_all

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pyparallel._core import Progress

KEPT_TOGETHER = 256  # tiles that are written to the cache in one go
NAMED = 20  # files in one warning


def load_tiles(
    folder_or_paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    size: int | tuple[int, int] = (50, 50),
    *,
    cache: str | os.PathLike[str] | None = None,
    on_error: Literal["warn", "raise"] = "warn",
    num_threads: int | None = None,
    progress: Progress = None,
) -> NDArray[np.uint8]:
    """Photos as tiles of one size.

    Each picture is turned upright as its EXIF tag says; its middle is cut out in the proportions of
    the tile, and shrunk. What is transparent becomes white; grey, palettes, CMYK and 16 bits become
    RGB.

    Parameters
    ----------
    folder_or_paths : path, or iterable of paths
        A folder stands for all picture files in it and below it, in the order of their names;
        those that start with a dot are left out.
    size : int or (int, int), optional
        Height and width of the tiles in pixels, one number for both.
    cache : path, optional
        A file that remembers the tiles, made where there is none: pictures whose path, size and
        time of modification are known are not read again. Several processes may use it at once.
    on_error : {"warn", "raise"}, optional
        Pictures that cannot be read are skipped with a warning that names them, or the first is an
        error. Those of more than 89 million pixels to decode count as unreadable.
    num_threads : int, optional
        -1 for all; see `pyparallel.threads` for the default.
    progress : callable, optional
        Called as ``progress(done, total)``, in pictures; an exception that it raises stops the
        work.

    Returns
    -------
    ndarray of uint8, shape (n, height, width, 3)
        In the order of the paths.

    Raises
    ------
    FileNotFoundError
        Where there is no such folder.
    ValueError
        Where no picture can be read; for one that cannot, with `on_error` "raise"; naming the
        argument.
    ImportError
        Where Pillow is missing.

    Examples
    --------
    >>> from pathlib import Path
    >>> from PIL import Image
    >>> import pyparallel as pp
    >>> Path("photos").mkdir()
    >>> Image.new("RGB", (300, 200), "red").save("photos/red.jpg")
    >>> pp.mosaic.load_tiles("photos", size=20).shape
    (1, 20, 20, 3)
    """
    pillow("load_tiles")
    height, width = rows_and_columns("load_tiles", size, "size")
    if on_error not in ("warn", "raise"):
        raise ValueError(f"load_tiles: on_error must be 'warn' or 'raise', not {on_error!r}")
    threads = core.resolve_threads("load_tiles", num_threads, "num_threads")
    paths = find_pictures(folder_or_paths)
    loader = _Loader(
        paths, (height, width), TileCache(Path(cache), height, width) if cache else None
    )
    with warnings.catch_warnings():
        # Of large pictures Pillow warns; those that are too large are refused here.
        warnings.filterwarnings("ignore", message="Image size .* exceeds limit")
        loader.load(threads, on_error == "raise", progress)
    return loader.result()


def find_pictures(where: str | os.PathLike[str] | Iterable[str | os.PathLike[str]]) -> list[Path]:
    """The paths given, or all picture files of a folder by name.

    Examples
    --------
    >>> from pyparallel.mosaic._library import find_pictures
    >>> [path.name for path in find_pictures(["b.png", "a.jpg"])]
    ['b.png', 'a.jpg']
    """
    if not isinstance(where, (str, os.PathLike)):
        paths = [Path(path) for path in where]
        if not paths:
            raise ValueError("load_tiles: folder_or_paths must not be empty")
        return paths
    folder = Path(where)
    if folder.is_file():
        raise NotADirectoryError(f"load_tiles: {folder} is a file, not a folder")
    if not folder.is_dir():
        raise FileNotFoundError(f"load_tiles: there is no folder {folder}")
    known = pillow("load_tiles").registered_extensions()
    paths = sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in known
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and path.is_file()
    )
    if not paths:
        raise ValueError(f"load_tiles: there are no picture files in {folder}")
    return paths


class _Loader:
    """The pictures of one call: which are known, which are to be read, which cannot be."""

    def __init__(
        self, paths: Sequence[Path], size: tuple[int, int], cache: TileCache | None
    ) -> None:
        self._paths, self._size, self._cache = paths, size, cache
        self._tiles = np.empty((len(paths), *size, 3), np.uint8)
        self._errors: dict[int, str] = {}
        # Before the pictures are read: one that changes meanwhile is read again next time.
        self._keys = [_key(cache, path) for path in paths] if cache else []

    def load(self, threads: int, strict: bool, progress: Progress) -> None:
        todo = self._take_known()
        known = len(self._paths) - len(todo)
        fresh: list[int] = []

        def read(i: int) -> int:
            try:
                self._tiles[i] = read_tile(self._paths[i], *self._size)
            except Exception as error:  # noqa: BLE001
                # Whatever it is: decoders raise all sorts of errors for bytes that are no picture.
                self._errors[i] = reason(error)
                if strict:
                    raise ValueError(self._told([i])) from None
            else:
                fresh.append(i)
            return 1

        def report(done: int, total: int) -> None:
            if len(fresh) >= KEPT_TOGETHER:
                self._keep(fresh)
            if progress:
                progress(known + done, len(self._paths))

        try:
            run_all(threads, read, todo, len(todo), report)
        finally:
            self._keep(fresh)  # also of what was stopped

    def _take_known(self) -> list[int]:
        """Copy the tiles from the cache; which are still to be read?"""
        if self._cache is None:
            return list(range(len(self._paths)))
        todo = []
        for i, pixels in enumerate(self._cache.get(self._keys)):
            if pixels is not None and len(pixels) == self._tiles[i].size:
                self._tiles[i].flat = np.frombuffer(pixels, np.uint8)
            else:
                todo.append(i)
        return todo

    def _keep(self, fresh: list[int]) -> None:
        if self._cache is not None and fresh:
            batch = fresh[:]
            keyed = [(key, i) for i in batch if (key := self._keys[i])]
            self._cache.put((key, self._tiles[i].tobytes()) for key, i in keyed)
            del fresh[: len(batch)]

    def _told(self, failed: Sequence[int]) -> str:
        words = [f"{self._paths[i]} {self._errors[i]}" for i in failed[:NAMED]]
        more = len(failed) - len(words)
        return f"load_tiles: {'; '.join(words)}" + (f"; and {more} more" if more else "")

    def result(self) -> NDArray[np.uint8]:
        failed = sorted(self._errors)
        if not failed:
            return self._tiles
        if len(failed) == len(self._paths):
            raise ValueError(f"{self._told(failed)}: no picture is left")
        warnings.warn(f"{self._told(failed)}: skipped", stacklevel=3)
        left = 0
        for i in range(len(self._paths)):
            if i not in self._errors:
                self._tiles[left] = self._tiles[i]  # in place: a copy of all may not fit
                left += 1
        return self._tiles[:left]


def _key(cache: TileCache, path: Path) -> Key | None:
    try:
        return cache.key(path)
    except OSError:  # which its reader will report
        return None
