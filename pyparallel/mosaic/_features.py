"""What tiles are compared by, and their assembly into one picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from pyparallel._arguments import whole_number
from pyparallel._load import core

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

Space: TypeAlias = Literal["rgb", "oklab", "grey"]
SPACES = ("rgb", "oklab", "grey")  # in the order of pp_space in csrc/core/pp.h


def features(
    images: ArrayLike,
    grid: int | tuple[int, int] = 1,
    *,
    space: Space = "rgb",
    out: NDArray[np.uint8] | None = None,
    num_threads: int | None = None,
) -> NDArray[np.uint8]:
    """The mean colours of the cells of pictures, rounded half up.

    They are exact: the same bytes on any number of threads, any CPU, and for any memory layout.

    Parameters
    ----------
    images : array_like of uint8, shape (n, height, width, 3)
        Pictures in sRGB.
    grid : int or (int, int), optional
        Rows and columns of cells, one number for both. Cells are cut as `numpy.array_split` cuts;
        none may be empty.
    space : {"rgb", "oklab", "grey"}, optional
        "rgb" averages the bytes. "oklab" averages the light that they stand for, and gives the
        colour of that in Oklab, where distances are about as people see them: L as ``255 * L``, a
        and b as ``128 + 255 * a``. "grey" is one channel, ``0.2126 R + 0.7152 G + 0.0722 B`` of
        the mean bytes.
    out : ndarray of uint8, optional
        Where to put the result, which is returned.
    num_threads : int, optional
        -1 for all; see `pyparallel.threads` for the default.

    Returns
    -------
    ndarray of uint8, shape (n, d)
        For each picture ``d = rows * columns * channels`` features, by row, column and channel.

    Raises
    ------
    TypeError, ValueError
        Naming the argument; `out` is left as it was.

    Notes
    -----
    Linear light comes from a table of integers, so its sums are exact; the cube root of Oklab is
    made of additions, multiplications and divisions only. Both are in ``csrc/core/colour.c``. Oklab
    is from Björn Ottosson, "A perceptual color space for image processing", 2020.

    Examples
    --------
    >>> import numpy as np
    >>> import pyparallel as pp
    >>> picture = np.array([[[0, 0, 0], [255, 0, 0]]], np.uint8)
    >>> pp.mosaic.features([picture])
    array([[128,   0,   0]], dtype=uint8)
    >>> pp.mosaic.features([picture], (1, 2), space="oklab")
    array([[  0, 128, 128, 160, 185, 160]], dtype=uint8)
    """
    rows, cols = rows_and_columns("features", grid)
    if space not in SPACES:
        raise ValueError(f"features: space must be one of {', '.join(SPACES)}, not {space!r}")
    return core.features(images, rows, cols, SPACES.index(space), out, num_threads)


def rows_and_columns(function: str, grid: object, name: str = "grid") -> tuple[int, int]:
    """One number for both, or two numbers.

    Examples
    --------
    >>> from pyparallel.mosaic._features import rows_and_columns
    >>> rows_and_columns("features", 3), rows_and_columns("features", (2, 5))
    ((3, 3), (2, 5))
    """
    if not isinstance(grid, (tuple, list)):
        number = whole_number(function, name, grid)
        return number, number
    if len(grid) != 2:
        raise ValueError(f"{function}: {name} must be one or two integers, not {len(grid)}")
    rows, cols = (whole_number(function, name, number) for number in grid)
    return rows, cols


def assemble(
    tiles: ArrayLike,
    indices: ArrayLike,
    *,
    out: NDArray[np.uint8] | None = None,
    num_threads: int | None = None,
) -> NDArray[np.uint8]:
    """One picture of tiles side by side.

    Parameters
    ----------
    tiles : array_like of uint8, shape (n, height, width, 3)
        What to choose from.
    indices : array_like of int, shape (rows, columns)
        Which tile goes where: 0 to n - 1, of any type of integers.
    out : ndarray of uint8, optional
        Where to put the result, which is returned.
    num_threads : int, optional
        -1 for all; see `pyparallel.threads` for the default.

    Returns
    -------
    ndarray of uint8, shape (rows * height, columns * width, 3)

    Raises
    ------
    IndexError
        For indices that are negative, or n and more.
    TypeError, ValueError
        Naming the argument. After any error `out` is left as it was.

    Examples
    --------
    >>> import numpy as np
    >>> import pyparallel as pp
    >>> tiles = np.zeros((2, 2, 2, 3), np.uint8)
    >>> tiles[1] = 255
    >>> pp.mosaic.assemble(tiles, [[0, 1, 0]])[..., 0]
    array([[  0,   0, 255, 255,   0,   0],
           [  0,   0, 255, 255,   0,   0]], dtype=uint8)
    """
    return core.assemble(tiles, indices, out, num_threads)
