"""Features: exact means of cells, in three spaces, against sums of plain Python integers."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction
from itertools import islice
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from numpy.typing import NDArray

import pyparallel as pp
from pyparallel._load import core
from pyparallel.mosaic import features
from tests.reference import TO_CONES, TO_LAB
from tests.test_interrupts import LATEST, seconds_to_stop

SPACES = ["rgb", "oklab", "grey"]
Bytes = NDArray[np.uint8]


def rng() -> np.random.Generator:
    return np.random.default_rng(2026)


def pictures(n: int, height: int, width: int) -> Bytes:
    return rng().integers(0, 256, (n, height, width, 3), np.uint8)


def half_up(number: Fraction) -> int:
    return (2 * number.numerator + number.denominator) // (2 * number.denominator)


def linear_light() -> list[int]:
    """Of each sRGB byte, in units of 2**-24, rounded."""
    with localcontext() as context:
        context.prec = 50
        table = []
        for byte in range(256):
            v = Decimal(byte) / 255
            line = v / Decimal("12.92")
            curve = ((v + Decimal("0.055")) / Decimal("1.055")) ** Decimal("2.4")
            light = line if v <= Decimal("0.04045") else curve
            table.append(int((light * 2**24).to_integral_value(ROUND_HALF_UP)))
        return table


LIGHT = linear_light()


def exact_oklab(cell: Bytes) -> list[Decimal]:
    """255 L, 128 + 255 a, 128 + 255 b of the mean light, to forty digits."""
    with localcontext() as context:
        context.prec = 40
        count = cell.shape[0] * cell.shape[1]
        light = [
            Decimal(sum(LIGHT[byte] for byte in cell[..., c].ravel().tolist())) / (count * 2**24)
            for c in range(3)
        ]
        root = Decimal(1) / 3
        cones = [
            sum(Decimal(w) * x for w, x in zip(row, light, strict=True))
            for row in TO_CONES.tolist()
        ]
        cones = [x**root if x else x for x in cones]
        lab = [
            sum(Decimal(w) * x for w, x in zip(row, cones, strict=True)) for row in TO_LAB.tolist()
        ]
        return [255 * x + (128 if i else 0) for i, x in enumerate(lab)]


def rounded(number: Decimal) -> int:
    return int(min(max((number + Decimal("0.5")).to_integral_value("ROUND_FLOOR"), 0), 255))


def of_cell(cell: Bytes, space: str) -> list[int]:
    count = cell.shape[0] * cell.shape[1]
    sums = [sum(cell[..., c].ravel().tolist()) for c in range(3)]
    if space == "grey":
        return [half_up(Fraction(2126 * sums[0] + 7152 * sums[1] + 722 * sums[2], 10000 * count))]
    if space == "rgb":
        return [half_up(Fraction(total, count)) for total in sums]
    exact = exact_oklab(cell)
    # Nothing here is so near to a half that the last bits of the arithmetic could matter.
    assert all(abs(x % 1 - Decimal("0.5")) > Decimal("1e-9") for x in exact)
    return [rounded(x) for x in exact]


def reference(images: Any, grid: tuple[int, int], space: str, cells: int | None = None) -> Bytes:
    """Cell by cell, cut by NumPy; of each picture all or the first so many cells."""
    result = [
        [
            byte
            for cell in islice(
                (
                    cell
                    for band in np.array_split(image, grid[0], axis=0)
                    for cell in np.array_split(band, grid[1], axis=1)
                ),
                cells,
            )
            for byte in of_cell(cell, space)
        ]
        for image in np.asarray(images)
    ]
    return np.array(result, np.uint8).reshape(len(result), -1)


# --- values --------------------------------------------------------------------------------------


@pytest.mark.parametrize("space", SPACES)
@given(st.data(), st.integers(0, 3), st.integers(1, 12), st.integers(1, 12), st.integers(0, 2**32))
def test_features_are_the_rounded_means_of_the_cells(space, data, n, height, width, seed):
    grid = data.draw(st.integers(1, height)), data.draw(st.integers(1, width))
    images = np.random.default_rng(seed).integers(0, 256, (n, height, width, 3), np.uint8)
    found = features(images, grid, space=space)
    assert found.dtype == np.uint8
    assert found.shape == (n, grid[0] * grid[1] * (1 if space == "grey" else 3))
    if n:
        assert_array_equal(found, reference(images, grid, space))


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize(
    ("shape", "grid"),
    [
        ((300, 7), (1, 1)),  # more rows than fit a 16-bit sum
        ((1030, 2), (2, 2)),
        ((3, 5000), (1, 1)),  # a cell wider than a block
        ((3, 5000), (2, 3)),
        ((2, 4100), (2, 4100)),  # more cells than a patch has
        ((5, 4097), (5, 1300)),
        ((50, 50), (50, 50)),
    ],
)
def test_cells_of_any_size(space, shape, grid):
    images = pictures(2, *shape)
    expected = reference(images, grid, space, cells=300)
    for threads in (1, 3):
        found = features(images, grid, space=space, num_threads=threads)
        assert_array_equal(found[:, : expected.shape[1]], expected)


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("level", [0, 1, 10, 11, 127, 128, 254, 255])
def test_one_grey_has_no_hue_and_does_not_overflow(space, level):
    images = np.full((1, 700, 40, 3), level, np.uint8)
    found = features(images, space=space)[0].tolist()
    if space == "oklab":
        assert found[1:] == [128, 128]
        assert found[0] == rounded(exact_oklab(images[0, :1, :1])[0])
    else:
        assert set(found) == {level}


def test_every_byte_has_its_light():
    """Cells of one pixel: all bytes in each channel, with the others dark and bright."""
    ramp = np.zeros((1, 6, 256, 3), np.uint8)
    for c in range(3):
        ramp[0, c, :, c] = np.arange(256)
        ramp[0, 3 + c] = 255
        ramp[0, 3 + c, :, c] = np.arange(256)
    assert_array_equal(features(ramp, (6, 256), space="oklab"), reference(ramp, (6, 256), "oklab"))


def test_halves_are_rounded_up():
    pair = np.array([[[[0, 1, 254], [1, 2, 255]]]], np.uint8)
    assert features(pair).tolist() == [[1, 2, 255]]
    half = np.array([[[[5, 0, 0]] * 2 + [[0, 0, 0]] * 2]], np.uint8)  # 2126 * 10 / 40000 = 0.53
    assert features(half, space="grey").tolist() == [[1]]


def test_a_single_channel_weighs_as_the_standard_says():
    colours = np.zeros((3, 1, 1, 3), np.uint8)
    colours[np.arange(3), 0, 0, np.arange(3)] = 255
    assert features(colours, space="grey").ravel().tolist() == [54, 182, 18]


# --- layouts, threads, slices --------------------------------------------------------------------


def layouts(images: Bytes) -> dict[str, Any]:
    n, height, width, _ = images.shape
    wide = np.zeros((n, height, width, 4), np.uint8)
    wide[..., :3] = images
    spread = np.zeros((2 * n, 2 * height, 2 * width, 3), np.uint8)
    spread[::2, 1::2, ::2] = images
    read_only = images.copy()
    read_only.flags.writeable = False
    return {
        "Fortran": np.asfortranarray(images),
        "four channels": wide[..., :3],
        "spread": spread[::2, 1::2, ::2],
        "channels first": np.ascontiguousarray(images.transpose(3, 0, 1, 2)).transpose(1, 2, 3, 0),
        "reversed": images[::-1, ::-1, ::-1, ::-1].copy()[::-1, ::-1, ::-1, ::-1],
        "rows apart": np.concatenate([images, images], axis=2)[:, :, :width],
        "read-only": read_only,
        "list": list(images),
    }


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("threads", [1, 2, 7])
@pytest.mark.parametrize("slices", [(0.1, 0), (0.0, 0), (0.0, 1)])
def test_layout_threads_and_slices_do_not_matter(space, threads, slices):
    images = pictures(5, 520, 61)
    expected = features(images, (3, 7), space=space, num_threads=1)
    core.set_slices(*slices)
    for name, view in layouts(images).items():
        found = features(view, (3, 7), space=space, num_threads=threads)
        assert_array_equal(found, expected, err_msg=name)


def test_pictures_that_share_memory_count_each():
    one = pictures(1, 9, 9)
    images = np.broadcast_to(one, (1000, 9, 9, 3))
    assert_array_equal(features(images), np.repeat(features(one), 1000, axis=0))


def test_out_takes_the_result_in_any_layout():
    images = pictures(4, 8, 8)
    expected = features(images, 2)
    for out in (
        np.zeros((4, 12), np.uint8),
        np.zeros((12, 4), np.uint8).T,
        np.zeros((8, 24), np.uint8)[::-2, ::2],
    ):
        assert features(images, 2, out=out) is out
        assert_array_equal(out, expected)


def test_ctrl_c_stops_a_picture_without_end():
    images = np.broadcast_to(np.uint8(7), (1, 2**40, 1, 3))
    assert seconds_to_stop(lambda: features(images, num_threads=2)) < LATEST
    wide = np.broadcast_to(np.uint8(7), (1, 1, 2**40, 3))
    assert seconds_to_stop(lambda: features(wide, space="oklab")) < LATEST
    assert features(pictures(1, 2, 2)).shape == (1, 3)


# --- arguments -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("images", "error", "words"),
    [
        (np.zeros((1, 2, 2, 3), np.int16), TypeError, "images must be uint8, not int16"),
        (np.zeros((1, 2, 2, 3), bool), TypeError, "images must be uint8, not bool"),
        (np.zeros((1, 2, 2, 3)), TypeError, "images must be uint8, not float64"),
        (np.zeros((2, 2, 3), np.uint8), ValueError, r"images must have shape \(n, height, width"),
        (np.zeros((1, 2, 2, 4), np.uint8), ValueError, r"not \(1, 2, 2, 4\)"),
        (np.ma.zeros((1, 2, 2, 3), np.uint8), TypeError, "images must not be a masked array"),
        ("abc", TypeError, "images must hold"),
        (np.zeros((1, 0, 2, 3), np.uint8), ValueError, "grid must not have more cells than pixels"),
    ],
)
def test_images_must_be_pictures(images, error, words):
    with pytest.raises(error, match=rf"^features: {words}[^\n]*$|^features: [^\n]*{words}[^\n]*$"):
        features(images)


@pytest.mark.parametrize(
    ("grid", "error"),
    [
        (0, ValueError),
        (-1, ValueError),
        (5, ValueError),
        ((1, 5), ValueError),
        ((1, 2, 3), ValueError),
        ((0, 1), ValueError),
        (2.0, TypeError),
        (True, TypeError),
        ("2", TypeError),
        (None, TypeError),
        (2**70, ValueError),
    ],
)
def test_grid_must_be_cells_that_are_not_empty(grid, error):
    with pytest.raises(error, match=r"^features: grid [^\n]*$"):
        features(pictures(1, 4, 4), grid)


@pytest.mark.parametrize("space", ["RGB", "lab", None, 1])
def test_space_must_be_known(space):
    with pytest.raises(ValueError, match=r"^features: space must be one of rgb, oklab, grey"):
        features(pictures(1, 2, 2), space=space)


def test_out_is_checked_before_anything_is_written():
    images = pictures(2, 4, 4)
    kept = images.copy()
    for out, error, words in [
        (np.zeros((2, 3), np.int8), TypeError, "out must be uint8, not int8"),
        (np.zeros((3, 2), np.uint8), ValueError, r"out must have shape \(2, 3\)"),
        (images[0, 0, :2], ValueError, "out overlaps an input"),
        ([[1, 2, 3]] * 2, TypeError, "out must be a numpy array"),
        (np.broadcast_to(np.uint8(1), (2, 3)), ValueError, "out is read-only"),
    ]:
        with pytest.raises(error, match=f"^features: {words}"):
            features(images, out=out)
    assert_array_equal(images, kept)


def test_threads_are_checked():
    with pytest.raises(ValueError, match=r"^features: num_threads"):
        features(pictures(1, 2, 2), num_threads=0)
    with pp.threads(2):
        assert features(pictures(1, 2, 2)).shape == (1, 3)
