"""Picture files to arrays of any tile size: orientation, transparency, every mode that Pillow reads."""

from __future__ import annotations

import threading
import warnings
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pyparallel._metadata import install_line

if TYPE_CHECKING:
    from types import ModuleType

    from numpy.typing import NDArray
    from PIL import Image

# Pixels to decode: more are refused, as Pillow warns of them; of those with more than LARGE, which
# take hundreds of megabytes, only one is decoded at a time.
MOST = 89_478_485
LARGE = 1 << 24
_large = threading.Lock()

# JPEG can be decoded at a half, a quarter or an eighth: to this many times the size of the tile at
# least, and what is left is done by a good filter.
FINER = 2


def pillow(function: str) -> ModuleType:
    """Pillow's module Image, or an error that says how to install it."""
    try:
        from PIL import Image
    except ImportError:
        raise ImportError(f"{function} needs Pillow: {install_line('cli')}") from None
    return Image


def read_tile(path: Path, height: int, width: int) -> NDArray[np.uint8]:
    """The middle of a picture file that has these proportions, shrunk to this size.

    Raises
    ------
    OSError, ValueError
        Saying what is wrong with the file.
    """
    module = pillow("load_tiles")
    if path.stat().st_size == 0:
        raise ValueError("is empty")
    with module.open(path) as image:
        side = FINER * max(height, width)
        image.draft(None, (side, side))  # concerns JPEG only
        pixels = image.width * image.height
        if pixels > MOST:
            raise ValueError(f"has {image.width} x {image.height} pixels, more than {MOST}")
        with _large if pixels > LARGE else nullcontext():
            image.load()
            return _shrunk(image, height, width)


def _shrunk(image: Image.Image, height: int, width: int) -> NDArray[np.uint8]:
    from PIL import Image

    turned = image.getexif().get(0x0112, 1) >= 5  # lying on its side
    rows, cols = (width, height) if turned else (height, width)
    small = standard(image).resize(
        (cols, rows), Image.Resampling.LANCZOS, middle(image.size, rows, cols), reducing_gap=3
    )
    return np.asarray(opaque(upright(small, image)))


def middle(size: tuple[int, int], height: int, width: int) -> tuple[float, float, float, float]:
    """The largest box of these proportions in the middle of a picture: left, top, right, bottom.

    Examples
    --------
    >>> from pyparallel.mosaic._pictures import middle
    >>> middle((300, 100), 50, 50)
    (100.0, 0.0, 200.0, 100.0)
    """
    scale = min(size[0] / width, size[1] / height)
    # Rounding may make it larger than the picture, by the last bit.
    wide, high = min(scale * width, size[0]), min(scale * height, size[1])
    left, top = (size[0] - wide) / 2, (size[1] - high) / 2
    return left, top, left + wide, top + high


def standard(image: Image.Image) -> Image.Image:
    """The same in mode RGB, or RGBA where parts are transparent."""
    if image.mode.startswith(("I", "F")):
        return _from_numbers(image)
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        return image.convert("RGBA")
    return image.convert("RGB")


def _from_numbers(image: Image.Image) -> Image.Image:
    """Grey of more than 8 bits: 16 bits are the full range, floats run from 0 to 1."""
    from PIL import Image

    numbers = np.asarray(image).astype(np.float32)
    full = 1 if image.mode == "F" and numbers.max(initial=0) <= 1 else 65535
    if image.mode == "F" and full > 1:
        full = 255
    grey = np.clip(np.nan_to_num(numbers) * (255 / full) + 0.5, 0, 255).astype(np.uint8)
    return Image.fromarray(grey).convert("RGB")


def opaque(image: Image.Image) -> Image.Image:
    """On white, where it is transparent."""
    from PIL import Image

    if image.mode == "RGB":
        return image
    paper = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(paper, image).convert("RGB")


def upright(image: Image.Image, original: Image.Image) -> Image.Image:
    """Turned as the EXIF tag of the original file says."""
    from PIL import Image

    turns = Image.Transpose
    turn = {
        2: turns.FLIP_LEFT_RIGHT,
        3: turns.ROTATE_180,
        4: turns.FLIP_TOP_BOTTOM,
        5: turns.TRANSPOSE,
        6: turns.ROTATE_270,
        7: turns.TRANSVERSE,
        8: turns.ROTATE_90,
    }.get(original.getexif().get(0x0112, 1))
    return image if turn is None else image.transpose(turn)


def read_picture(function: str, target: Any) -> NDArray[np.uint8]:
    """A whole picture: from a file, a Pillow image, or an array that is checked.

    OSError for a file that is no picture, naming it; TypeError or ValueError for an array.
    """
    module = pillow(function)
    if isinstance(target, (str, Path)):
        return _read_file(function, target)
    if isinstance(target, module.Image):
        return np.asarray(opaque(upright(standard(target), target)))
    array = np.asarray(target)
    if array.dtype != np.uint8:
        raise TypeError(
            f"{function}: target must be a path, a Pillow image or uint8, not {array.dtype}"
        )
    if array.ndim != 3 or array.shape[2] != 3 or array.size == 0:
        raise ValueError(
            f"{function}: target must have shape (height, width, 3), not {array.shape}"
        )
    return array


def _read_file(function: str, path: str | Path) -> NDArray[np.uint8]:
    module = pillow(function)
    try:
        with warnings.catch_warnings():
            # Of large pictures Pillow warns, but this one was chosen; huge ones it refuses.
            warnings.simplefilter("ignore", module.DecompressionBombWarning)
            with module.open(path) as image:
                return read_picture(function, image)
    except (FileNotFoundError, PermissionError, MemoryError):
        raise
    except Exception as error:  # noqa: BLE001
        raise OSError(f"{function}: target {path} {reason(error)}") from None


def reason(error: Exception) -> str:
    """What is wrong with a picture file, as the end of a sentence that begins with its path.

    Decoders raise all sorts of errors for bytes that are no picture.

    Examples
    --------
    >>> from pyparallel.mosaic._pictures import reason
    >>> reason(SyntaxError("broken PNG file"))
    'cannot be read (broken PNG file)'
    """
    from PIL import UnidentifiedImageError

    if isinstance(error, UnidentifiedImageError):
        return "is no picture that Pillow can read"
    if isinstance(error, FileNotFoundError):
        return "does not exist"
    if isinstance(error, ValueError) and str(error).startswith(("is ", "has ")):
        return str(error)
    return f"cannot be read ({next(iter(str(error).splitlines()), type(error).__name__)})"
