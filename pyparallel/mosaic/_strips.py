"""Pictures written strip by strip: a PNG file of any size, with a few strips in memory."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from pyparallel._threads import get_num_threads
from pyparallel.mosaic._crew import Crew

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]

# The PNG specification (ISO/IEC 15948), 11.2 and 12.8; zlib and deflate: RFC 1950 and 1951.
SIGNATURE = b"\x89PNG\r\n\x1a\n"
RGB_OF_8_BITS = struct.pack(">BBBBB", 8, 2, 0, 0, 0)
SUB = 1  # the filter that takes from each byte that of the pixel to the left
ZLIB_HEADER = b"\x78\x5e"
LEVEL = 4  # hardly larger than at 6, in half the time
RAW = -15  # deflate without header and check sum, with the largest window


def write_png(file: BinaryIO, width: int, height: int, strips: Iterable[Bytes]) -> None:
    """Write strips of full width, from the top, as one PNG file.

    Each strip is compressed by itself, in threads, to blocks that follow one another in one stream
    of deflate, so that the memory is that of a few strips.

    Parameters
    ----------
    file : binary file
    width, height : int
        Of the whole picture, in pixels.
    strips : iterable of ndarray of uint8, shape (rows, width, 3)

    Examples
    --------
    >>> import io
    >>> import numpy as np
    >>> from PIL import Image
    >>> from pyparallel.mosaic._strips import write_png
    >>> file = io.BytesIO()
    >>> write_png(file, 4, 6, [np.full((2, 4, 3), shade, np.uint8) for shade in (0, 90, 255)])
    >>> Image.open(file).getpixel((0, 3))
    (90, 90, 90)
    """
    file.write(SIGNATURE)
    _chunk(file, b"IHDR", struct.pack(">II", width, height) + RGB_OF_8_BITS)
    _chunk(file, b"IDAT", ZLIB_HEADER)
    check = 1
    for raw, compressed in _compressed(strips):
        check = zlib.adler32(raw.data, check)
        _chunk(file, b"IDAT", compressed)
    end = zlib.compressobj(LEVEL, zlib.DEFLATED, RAW).flush()
    _chunk(file, b"IDAT", end + struct.pack(">I", check))
    _chunk(file, b"IEND", b"")


def _chunk(file: BinaryIO, kind: bytes, content: bytes) -> None:
    file.write(struct.pack(">I", len(content)) + kind + content)
    file.write(struct.pack(">I", zlib.crc32(content, zlib.crc32(kind))))


def _compressed(strips: Iterable[Bytes]) -> Iterator[tuple[Bytes, bytes]]:
    """Filtered strips and what they are compressed to, in order; a few in memory."""
    threads = get_num_threads()
    ready: dict[int, tuple[Bytes, bytes]] = {}
    with Crew(_deflated, threads) as crew:
        asked = given = 0

        def next_in_order() -> tuple[Bytes, bytes]:
            while given not in ready:
                if (answer := crew.get()) is not None:
                    ready[answer[0]] = answer[1]
            return ready.pop(given)

        for strip in strips:
            crew.put(_filtered(strip))
            asked += 1
            if asked - given > threads:
                yield next_in_order()
                given += 1
        while given < asked:
            yield next_in_order()
            given += 1


def _filtered(strip: Bytes) -> Bytes:
    rows, width, _ = strip.shape
    lines = np.empty((rows, 1 + 3 * width), np.uint8)
    lines[:, 0] = SUB
    flat = strip.reshape(rows, 3 * width)
    lines[:, 1:4] = flat[:, :3]
    np.subtract(flat[:, 3:], flat[:, :-3], out=lines[:, 4:])  # modulo 256, as it should be
    return lines


def _deflated(raw: Bytes) -> tuple[Bytes, bytes]:
    stream = zlib.compressobj(LEVEL, zlib.DEFLATED, RAW)
    return raw, stream.compress(raw.data) + stream.flush(zlib.Z_FULL_FLUSH)
