"""Box: the points of its pixels, its parts, and what it refuses."""

from __future__ import annotations

import copy
import math
import pickle
from dataclasses import FrozenInstanceError, fields
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

import pyparallel as pp

BOX = pp.Box(13, 8, center=-0.75 + 0.1j, extent=3 + 1.7j)


def same_bits(a: np.ndarray, b: np.ndarray) -> bool:
    return a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes()


def points_one_by_one(box: pp.Box) -> np.ndarray:
    """The formula of the contract, in Python's own floats."""
    (row0, row1), (col0, col1) = box.window
    scale = max(box.extent.real / box.width, box.extent.imag / box.height)
    return np.array(
        [
            [
                complex(
                    box.center.real + (i - box.width // 2) * scale,
                    box.center.imag + (j - box.height // 2) * scale,
                )
                for i in range(col0, col1)
            ]
            for j in range(row0, row1)
        ]
    )


finite = st.complex_numbers(max_magnitude=1e150)
positive = st.floats(1e-300, 1e150)
boxes = st.builds(
    pp.Box, st.integers(1, 40), st.integers(1, 40), finite, st.builds(complex, positive, positive)
)


@st.composite
def spans(draw: st.DrawFn, length: int) -> slice:
    start = draw(st.integers(0, length - 1))
    return slice(start, draw(st.integers(start + 1, length)))


@st.composite
def boxes_and_crops(draw: st.DrawFn) -> tuple[pp.Box, slice, slice]:
    box = draw(boxes)
    return box, draw(spans(box.shape[0])), draw(spans(box.shape[1]))


@given(boxes)
def test_points_are_the_formulas_to_the_bit(box):
    assert same_bits(box.grid(), points_one_by_one(box))


@given(boxes)
def test_scale_is_the_larger_of_the_two(box):
    assert box.scale == max(box.extent.real / box.width, box.extent.imag / box.height)


def test_the_center_is_the_point_of_the_middle_pixel():
    for width, height in [(1, 1), (2, 2), (7, 4), (100, 101)]:
        box = pp.Box(width, height, center=0.3 - 0.2j, extent=1 + 2j)
        assert box.grid()[height // 2, width // 2] == 0.3 - 0.2j


@given(boxes_and_crops())
def test_a_crop_has_the_same_points_to_the_bit(drawn):
    box, rows, cols = drawn
    part = box.crop(rows, cols)
    assert same_bits(part.grid(), np.ascontiguousarray(box.grid()[rows, cols]))
    assert (part.width, part.height, part.scale) == (box.width, box.height, box.scale)
    assert part.shape == part.grid().shape


@given(boxes_and_crops(), st.data())
def test_a_crop_of_a_crop_counts_from_the_crop(drawn, data):
    box, rows, cols = drawn
    part = box.crop(rows, cols)
    more = data.draw(spans(part.shape[0])), data.draw(spans(part.shape[1]))
    assert same_bits(part.crop(*more).grid(), np.ascontiguousarray(part.grid()[more]))


@pytest.mark.parametrize(
    "rows",
    [slice(None), slice(2, None), slice(None, -1), slice(-3, -1), slice(0, 99), slice(1, 3, 1)],
    ids=str,
)
def test_crop_takes_slices_as_arrays_do(rows):
    assert same_bits(BOX.crop(rows, slice(None)).grid(), BOX.grid()[rows])


def test_crop_takes_numpy_integers():
    assert BOX.crop(slice(np.int64(1), np.uint8(3)), slice(None)).shape == (2, 13)


@given(boxes, st.integers(1, 40))
def test_split_tiles_the_points_as_array_split_cuts(box, n):
    assume(n <= min(box.shape))
    parts = box.split(n)
    assert [len(row) for row in parts] == [n] * n
    assert same_bits(np.block([[part.grid() for part in row] for row in parts]), box.grid())
    rows = [len(part) for part in np.array_split(np.arange(box.shape[0]), n)]
    cols = [len(part) for part in np.array_split(np.arange(box.shape[1]), n)]
    assert [[part.shape for part in row] for row in parts] == [[(r, c) for c in cols] for r in rows]


def test_split_of_a_crop_tiles_the_crop():
    part = BOX.crop(slice(1, 8), slice(2, 13))
    parts = part.split(3)
    assert same_bits(np.block([[p.grid() for p in row] for row in parts]), part.grid())


def test_split_parts_have_the_pictures_counts():
    parts = [[pp.mandelbrot(part, 100) for part in row] for row in BOX.split(4)]
    assert_array_equal(np.block(parts), pp.mandelbrot(BOX, 100))


def test_bounds_are_the_outer_edges_of_the_pixels():
    box = pp.Box(4, 2, center=-0.5, extent=4 + 2j)
    assert box.bounds == (-3.0, 1.0, -1.5, 0.5)
    assert box.crop(slice(1, 2), slice(1, 3)).bounds == (-2.0, 0.0, -0.5, 0.5)


@given(boxes_and_crops())
def test_neighbouring_crops_share_an_edge(drawn):
    box, rows, cols = drawn
    part = box.crop(rows, cols)
    assume(rows.start > 0 and cols.start > 0)
    below_left = box.crop(slice(0, rows.start), slice(0, cols.start))
    left, right, bottom, top = part.bounds
    assert (below_left.bounds[1], below_left.bounds[3]) == (left, bottom)
    assert left <= right
    assert bottom <= top


@given(boxes_and_crops())
def test_bounds_enclose_the_points_by_half_a_pixel(drawn):
    box, rows, cols = drawn
    part = box.crop(rows, cols)
    left, right, bottom, top = (Fraction(edge) for edge in part.bounds)
    size = Fraction(part.scale)
    around = Fraction(abs(part.center)) + size * (part.width + part.height)
    rounding = around * Fraction(2) ** -50 + Fraction(2) ** -1000
    assert abs(right - left - size * part.shape[1]) <= rounding
    assert abs(top - bottom - size * part.shape[0]) <= rounding
    first, last = part.grid()[0, 0], part.grid()[-1, -1]
    assert abs(Fraction(first.real) - left - size / 2) <= rounding
    assert abs(top - Fraction(last.imag) - size / 2) <= rounding


def test_zoom_divides_the_extent_and_keeps_the_pixels():
    closer = BOX.zoom(4)
    assert (closer.width, closer.height, closer.center) == (13, 8, BOX.center)
    assert closer.extent == BOX.extent / 4
    assert BOX.zoom(0.5).extent == BOX.extent * 2
    assert BOX.zoom(1) == BOX
    assert BOX.zoom(2, center=1j).center == 1j
    assert BOX.zoom(2, center=0).center == 0


def test_zoom_drops_the_window():
    part = BOX.crop(slice(1, 3), slice(2, 5))
    assert part.zoom(1) == BOX


def test_the_whole_picture_is_the_window_by_default():
    assert BOX.window == ((0, 8), (0, 13))
    assert BOX.shape == (8, 13)
    assert "window" in {field.name for field in fields(pp.Box)}
    assert pp.Box(13, 8, BOX.center, BOX.extent, window=((0, 8), (0, 13))) == BOX


def test_boxes_are_frozen_and_compare_by_value():
    with pytest.raises(FrozenInstanceError):
        BOX.width = 3  # type: ignore[misc]
    other = pp.Box(np.int16(13), np.uint64(8), np.complex128(-0.75 + 0.1j), 3 + 1.7j)
    assert other == BOX
    assert hash(other) == hash(BOX)
    assert (type(other.width), type(other.center)) == (int, complex)
    assert pickle.loads(pickle.dumps(BOX)) == BOX == copy.deepcopy(BOX)
    assert eval(repr(BOX), {"Box": pp.Box}) == BOX


def test_points_may_overflow_to_infinity_without_a_warning():
    box = pp.Box(1001, 1, center=0, extent=complex(1, 1.7e308))
    points = box.grid()  # warnings are errors
    assert points[0, 0].real == -math.inf
    assert same_bits(points, points_one_by_one(box))
    assert box.bounds[0] == -math.inf


# --- what is refused -----------------------------------------------------------------------------

WHOLE = slice(None)


@pytest.mark.parametrize(
    ("changed", "error", "says"),
    [
        ({"width": 0}, ValueError, "Box: width must be .*, not 0"),
        ({"height": -3}, ValueError, "Box: height must be .*, not -3"),
        ({"width": 2**53 + 1}, ValueError, "Box: width must be .*, not 9007199254740993"),
        ({"width": True}, TypeError, "Box: width must be an integer, not bool"),
        ({"width": np.True_}, TypeError, "Box: width must be an integer, not bool"),
        ({"height": 8.0}, TypeError, "Box: height must be an integer, not float"),
        ({"height": "8"}, TypeError, "Box: height must be an integer, not str"),
        ({"height": None}, TypeError, "Box: height must be an integer, not NoneType"),
        ({"height": np.array(2.0)}, TypeError, "Box: height must be an integer, not ndarray"),
        ({"center": math.nan}, ValueError, "Box: center must be finite, not"),
        ({"center": complex(0, math.inf)}, ValueError, "Box: center must be finite, not"),
        ({"center": "1j"}, TypeError, "Box: center must be a number, not str"),
        ({"center": None}, TypeError, "Box: center must be a number, not NoneType"),
        ({"center": [1]}, TypeError, "Box: center must be a number, not list"),
        ({"center": 10**400}, ValueError, "Box: center is too large"),
        ({"extent": 3}, ValueError, "Box: extent must have a positive .* part, not"),
        ({"extent": 3j}, ValueError, "Box: extent must have a positive .* part, not"),
        ({"extent": 3 - 1j}, ValueError, "Box: extent must have a positive .* part, not"),
        ({"extent": complex(-1, 1)}, ValueError, "Box: extent must have a positive .* part, not"),
        ({"extent": complex(math.inf, 1)}, ValueError, "Box: extent must be finite, not"),
        ({"extent": complex(1, math.nan)}, ValueError, "Box: extent must be finite, not"),
        ({"extent": (1, 1)}, TypeError, "Box: extent must be a number, not tuple"),
        ({"window": 5}, TypeError, "Box: window must be .*, not 5"),
        ({"window": ((0, 8), (0, 1.5))}, TypeError, "Box: window must be .*, not"),
        ({"window": ((0, 8),)}, TypeError, "Box: window must be .*, not"),
        ({"window": ((0, 0), (0, 13))}, ValueError, "Box: window .* is empty or leaves"),
        ({"window": ((0, 9), (0, 13))}, ValueError, "Box: window .* is empty or leaves"),
        ({"window": ((-1, 8), (0, 13))}, ValueError, "Box: window .* is empty or leaves"),
        ({"window": ((0, 8), (5, 4))}, ValueError, "Box: window .* is empty or leaves"),
    ],
)
def test_bad_arguments_are_named(changed, error, says):
    usual = {"width": 13, "height": 8, "center": 0, "extent": 3 + 2j}
    with pytest.raises(error, match=says) as caught:
        pp.Box(**{**usual, **changed})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("rows", "cols", "error", "says"),
    [
        (3, WHOLE, TypeError, "Box.crop: rows must be a slice, not int"),
        (WHOLE, (0, 3), TypeError, "Box.crop: cols must be a slice, not tuple"),
        (slice(0, 2.5), WHOLE, TypeError, "Box.crop: rows must be a slice of integers, not slice"),
        (WHOLE, slice("a", None), TypeError, "Box.crop: cols must be a slice of integers"),
        (slice(0, 4, 2), WHOLE, ValueError, "Box.crop: rows must have step 1, not 2"),
        (WHOLE, slice(4, 0, -1), ValueError, "Box.crop: cols must have step 1, not -1"),
        (slice(0, 4, 0), WHOLE, ValueError, "Box.crop: rows must have step 1, not 0"),
        (slice(0, 4, "x"), WHOLE, ValueError, "Box.crop: rows must have step 1, not 'x'"),
        (slice(3, 3), WHOLE, ValueError, "Box.crop: rows selects nothing of 8"),
        (slice(5, 2), WHOLE, ValueError, "Box.crop: rows selects nothing of 8"),
        (WHOLE, slice(13, 20), ValueError, "Box.crop: cols selects nothing of 13"),
    ],
)
def test_bad_crops_are_named(rows, cols, error, says):
    with pytest.raises(error, match=says):
        BOX.crop(rows, cols)


@pytest.mark.parametrize(
    ("n", "error", "says"),
    [
        (0, ValueError, "Box.split: n must be between 1 and 8, not 0"),
        (-1, ValueError, "Box.split: n must be between 1 and 8, not -1"),
        (9, ValueError, "Box.split: n must be between 1 and 8, not 9"),
        (True, TypeError, "Box.split: n must be an integer, not bool"),
        (2.0, TypeError, "Box.split: n must be an integer, not float"),
        ("2", TypeError, "Box.split: n must be an integer, not str"),
    ],
)
def test_bad_splits_are_named(n, error, says):
    with pytest.raises(error, match=says):
        BOX.split(n)


def test_integers_too_long_to_print_are_refused_like_others():
    with pytest.raises(ValueError, match=r"Box: width must be between .*, not one of 16610 bits"):
        pp.Box(10**5000, 8, 0, 1 + 1j)
    with pytest.raises(ValueError, match=r"Box.split: n must be between .*, not one of 16610 bits"):
        BOX.split(-(10**5000))


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ((0,), ValueError, "Box.zoom: factor must be a positive number, not 0"),
        ((-2,), ValueError, "Box.zoom: factor must be a positive number, not -2"),
        ((2j,), ValueError, "Box.zoom: factor must be a positive number, not 2j"),
        ((math.nan,), ValueError, "Box.zoom: factor must be finite, not nan"),
        ((math.inf,), ValueError, "Box.zoom: factor must be finite, not"),
        ((10**400,), ValueError, "Box.zoom: factor is too large"),
        ((5e-324,), ValueError, "Box.zoom: factor 5e-324 takes the extent out"),
        (("2",), TypeError, "Box.zoom: factor must be a number, not str"),
        ((None,), TypeError, "Box.zoom: factor must be a number, not NoneType"),
        ((2, "1j"), TypeError, "Box.zoom: center must be a number, not str"),
        ((2, math.inf), ValueError, "Box.zoom: center must be finite, not"),
    ],
)
def test_bad_zooms_are_named(arguments, error, says):
    with pytest.raises(error, match=says):
        BOX.zoom(*arguments)
