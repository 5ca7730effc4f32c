"""Assembly: tiles side by side, as NumPy puts them, for all indices and layouts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from pyparallel._load import core
from pyparallel.mosaic import assemble
from tests.test_interrupts import LATEST, seconds_to_stop
from tests.test_mosaic_features import layouts, pictures, rng

INTEGERS = ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", ">i4", "<u8", ">u2"]


def by_numpy(tiles, indices):
    rows, cols = indices.shape
    _, height, width, _ = tiles.shape
    placed = tiles[indices].transpose(0, 2, 1, 3, 4)
    return placed.reshape(rows * height, cols * width, 3)


@given(
    st.integers(1, 5),
    st.integers(0, 4),
    st.integers(0, 4),
    st.integers(0, 4),
    st.integers(0, 20),
    st.integers(1, 3),
)
def test_tiles_lie_where_numpy_puts_them(n, height, width, rows, cols, threads):
    tiles = pictures(n, height, width)
    indices = rng().integers(0, n, (rows, cols))
    found = assemble(tiles, indices, num_threads=threads)
    assert found.dtype == np.uint8
    assert_array_equal(found, by_numpy(tiles, indices))


@pytest.mark.parametrize("dtype", INTEGERS)
def test_every_type_of_integers(dtype):
    tiles = pictures(100, 3, 2)
    indices = rng().integers(0, 100, (6, 9)).astype(dtype)
    expected = by_numpy(tiles, indices.astype(int))
    for view in (indices, indices[::-1, ::2], indices.T, np.asfortranarray(indices)):
        assert_array_equal(assemble(tiles, view), by_numpy(tiles, view.astype(int)))
    assert_array_equal(assemble(tiles, indices.astype(int).tolist()), expected)


@pytest.mark.parametrize("dtype", ["u2", "i4", "u8", ">i8"])
def test_more_tiles_than_a_byte_or_two_can_count(dtype):
    tiles = pictures(70_000, 1, 2)
    indices = np.arange(70_000)[::-1][-(2**16) :] if dtype == "u2" else np.arange(70_000)[::-1]
    indices = indices.astype(dtype).reshape(16, -1)
    assert_array_equal(assemble(tiles, indices), by_numpy(tiles, indices.astype(int)))


@pytest.mark.parametrize("threads", [1, 2, 7])
@pytest.mark.parametrize("slices", [(0.1, 0), (0.0, 0), (0.0, 1)])
def test_layout_threads_and_slices_do_not_matter(threads, slices):
    tiles = pictures(7, 130, 70)
    indices = rng().integers(0, 7, (9, 17))
    expected = by_numpy(tiles, indices)
    core.set_slices(*slices)
    for name, view in layouts(tiles).items():
        assert_array_equal(assemble(view, indices, num_threads=threads), expected, err_msg=name)


def test_rows_longer_than_a_piece():
    tiles = pictures(2, 1, 2**18 + 5)
    core.set_slices(0.0, 0)
    assert_array_equal(assemble(tiles, [[1, 0]]), by_numpy(tiles, np.array([[1, 0]])))


LARGE = 1 << 24  # bytes, from which on a picture is stored past the caches


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(
    ("height", "width", "cols"),
    [
        (50, 50, 48),
        (50, 50, 1),  # rows shorter than a group
        (7, 11, 37),  # than 32 bytes, and not of whole lines
        (3, 1, 1),  # than a line of memory
        (1, 1365, 3),  # as long as the buffer
        (1, 1366, 3),  # longer
        (2, 30_000, 2),
        (1, 22, 400),
    ],
)
def test_large_pictures(threads, height, width, cols):
    tiles = pictures(5, height, width)
    rows = LARGE // (3 * height * width * cols) + 2
    indices = rng().integers(0, 5, (rows, cols))
    expected = by_numpy(tiles, indices)
    memory = np.full(expected.size + 129, 9, np.uint8)
    for offset in (0, 1, 47):  # of the lines of memory
        out = memory[64 + offset : 64 + offset + expected.size].reshape(expected.shape)
        assemble(tiles, indices, out=out, num_threads=threads)
        assert_array_equal(out, expected)
        assert (memory[: 64 + offset] == 9).all()
        assert (memory[64 + offset + expected.size :] == 9).all()
        memory[:] = 9


def test_large_pictures_whose_rows_lie_apart():
    tiles = pictures(4, 20, 30)
    indices = rng().integers(0, 4, (100, 101))
    wide = np.full((2000, 3040, 3), 9, np.uint8)
    core.set_slices(0.0, 0)
    assemble(tiles[:, ::-1], indices, out=wide[:, 3:-7])
    assert_array_equal(wide[:, 3:-7], by_numpy(tiles[:, ::-1], indices))
    assert (wide[:, :3] == 9).all()
    assert (wide[:, -7:] == 9).all()


def test_out_takes_the_result_in_any_layout():
    tiles = pictures(5, 4, 6)
    indices = rng().integers(0, 5, (3, 10))
    expected = by_numpy(tiles, indices)
    for out in (
        np.zeros((12, 60, 3), np.uint8),
        np.zeros((12, 60, 4), np.uint8)[..., 1:],
        np.zeros((60, 12, 3), np.uint8).swapaxes(0, 1),
        np.zeros((24, 120, 3), np.uint8)[::-2, ::2],
    ):
        assert assemble(tiles, indices, out=out) is out
        assert_array_equal(out, expected)


def test_ctrl_c_stops_a_large_picture():
    tiles = np.broadcast_to(np.uint8(3), (1, 10_000, 10_000, 3))
    indices = np.zeros((4, 4), int)
    out = np.empty((40_000, 40_000, 3), np.uint8)  # no memory is touched before it is written
    assert seconds_to_stop(lambda: assemble(tiles, indices, out=out, num_threads=1), 0.05) < LATEST


@pytest.mark.parametrize("dtype", ["i1", "i8", "u1", "u8"])
@pytest.mark.parametrize("place", [(0, 0), (30, 40), (15, 3)])
def test_indices_out_of_range_are_refused_wherever_they_are(dtype, place):
    tiles, out = pictures(3, 2, 2), np.full((62, 82, 3), 7, np.uint8)
    for wrong in (3, 100, -1, 2**63 if dtype == "u8" else -128):
        if wrong < 0 and dtype[0] == "u":
            continue
        indices = np.zeros((31, 41), dtype)
        indices[place] = wrong
        with pytest.raises(IndexError, match=rf"^assemble: indices must be [^\n]*, not {wrong}$"):
            assemble(tiles, indices, out=out)
    assert (out == 7).all()


@pytest.mark.parametrize(
    ("tiles", "indices", "error", "words"),
    [
        (pictures(2, 2, 2).astype(float), [[0]], TypeError, "tiles must be uint8, not float64"),
        (pictures(2, 2, 2)[0], [[0]], ValueError, "tiles must have shape"),
        (pictures(2, 2, 2), [0, 1], ValueError, "indices must have 2 dimensions"),
        (pictures(2, 2, 2), [[0.0]], TypeError, "indices must hold integers, not float64"),
        (pictures(2, 2, 2), [[True]], TypeError, "indices must hold integers, not bool"),
        (pictures(0, 2, 2), [[0]], IndexError, "tiles must not be empty"),
        (pictures(2, 2, 2), [[0, 1], [0]], ValueError, "indices must be an array"),
    ],
)
def test_wrong_arguments_are_named(tiles, indices, error, words):
    with pytest.raises(error, match=rf"^assemble: {words}[^\n]*$"):
        assemble(tiles, indices)


def test_a_result_beyond_any_memory_is_a_memory_error():
    tiles = np.broadcast_to(np.uint8(0), (1, 2**30, 2**30, 3))
    with pytest.raises(MemoryError, match=r"^assemble: the result is too large"):
        assemble(tiles, np.zeros((2, 2), "u1"))


def test_out_is_checked_before_anything_is_written():
    tiles = pictures(4, 2, 2)
    kept = tiles.copy()
    for out, error, words in [
        (np.zeros((2, 2, 3), np.int8), TypeError, "out must be uint8"),
        (np.zeros((2, 3, 3), np.uint8), ValueError, "out must have shape"),
        (tiles[0], ValueError, "out overlaps an input"),
    ]:
        with pytest.raises(error, match=f"^assemble: {words}"):
            assemble(tiles, [[0]], out=out)
    assert_array_equal(tiles, kept)
