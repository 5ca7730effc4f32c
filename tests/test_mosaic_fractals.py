"""Fractal tiles: the same from the same seed, all different, in all colours."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from pyparallel.mosaic import _colour, _fractal_tiles, features, fractal_tiles
from tests.test_interrupts import LATEST, seconds_to_stop


def test_the_same_seed_gives_the_same_tiles_on_any_number_of_threads():
    tiles = fractal_tiles(150, 12, num_threads=1)
    assert tiles.dtype == np.uint8
    assert tiles.shape == (150, 12, 12, 3)
    assert_array_equal(fractal_tiles(150, (12, 12), 0, num_threads=3), tiles)
    assert_array_equal(fractal_tiles(150, 12, np.random.default_rng(0)), tiles)
    assert (fractal_tiles(150, 12, 1) != tiles).any()


def test_all_tiles_differ_and_none_is_of_one_colour():
    tiles = fractal_tiles(2000, 16)
    assert len({tile.tobytes() for tile in tiles}) == 2000
    assert np.mean(tiles.std(axis=(1, 2)).max(axis=1) > 3) > 0.99


def test_mean_colours_cover_what_pictures_need():
    lab = features(fractal_tiles(4000, 12), space="oklab").astype(int)
    lightness, chroma = lab[:, 0], np.hypot(lab[:, 1] - 128, lab[:, 2] - 128)
    hue = np.arctan2(lab[:, 2] - 128, lab[:, 1] - 128)
    for low in range(20, 230, 30):  # every lightness often, from near black to near white
        assert np.mean((low <= lightness) & (lightness < low + 30)) > 0.05
    assert lightness.min() < 30 and lightness.max() > 240
    assert np.mean(chroma < 8) > 0.2  # many greys
    assert np.mean(chroma > 25) > 0.05  # and enough that is not
    vivid = hue[chroma > 15]
    counts, _ = np.histogram(vivid, 12, (-np.pi, np.pi))
    assert counts.min() > 20


@pytest.mark.parametrize("size", [1, (1, 7), (30, 4)])
def test_any_size(size):
    height, width = (size, size) if isinstance(size, int) else size
    assert fractal_tiles(3, size).shape == (3, height, width, 3)


@pytest.mark.parametrize(
    ("arguments", "error", "name"),
    [
        ({"n": 0}, ValueError, "n"),
        ({"n": 2.0}, TypeError, "n"),
        ({"n": 2, "size": 0}, ValueError, "size"),
        ({"n": 2, "size": "big"}, TypeError, "size"),
        ({"n": 2, "num_threads": 0}, ValueError, "num_threads"),
    ],
)
def test_wrong_arguments_are_named(arguments, error, name):
    with pytest.raises(error, match=rf"^fractal_tiles: {name}"):
        fractal_tiles(**arguments)


def test_progress_comes_to_its_end_and_may_stop_it():
    calls = []
    fractal_tiles(200, 8, progress=lambda *call: calls.append(call))
    assert calls[-1] == (200, 200)

    def stop(done: int, total: int) -> None:
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        fractal_tiles(10**6, 8, progress=stop)


def test_ctrl_c_stops_it():
    assert seconds_to_stop(lambda: fractal_tiles(10**6, 30), 0.5) < LATEST


def test_a_tile_that_shows_little_takes_another_view():
    """The first view lies far outside, where all points escape at once; the second does not."""
    tries = (np.array([5.0, -0.8 + 0.156j]), np.array([9.0, 0j]), np.array([0.1, 3.0]))
    counts = _fractal_tiles._counts(tries, 10, 10)
    assert len(np.unique(counts)) > 5


def test_packed_colours_add_up_by_channel():
    random = np.random.default_rng(3)
    light = random.random((32, 3))
    sums = _colour.packed(light).sum(keepdims=True)
    expected = _colour.bytes_of_light()[(light * 65535 + 0.5).astype(int).sum(axis=0) // 32]
    assert_array_equal(_colour.bytes_of_packed(sums, 32)[0], expected)


def test_bytes_and_light_are_inverse():
    every = np.arange(256)
    assert_array_equal(_colour.bytes_of_light()[_colour.light_of_bytes()[every]], every)
