"""Mosaics: each place gets its best tile, all together the best choice, tinted as asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image

import pyparallel as pp
from pyparallel.mosaic import _palettes, _photo, features, fractal_tiles, photo_mosaic
from pyparallel.mosaic._options import Options
from pyparallel.mosaic._progress import Stages
from tests.test_interrupts import LATEST, seconds_to_stop


def rng() -> np.random.Generator:
    return np.random.default_rng(2026)


def flat_tiles(colours: Any, side: int = 4) -> np.ndarray:
    colours = np.asarray(colours, np.uint8)
    return np.broadcast_to(colours[:, None, None], (len(colours), side, side, 3)).copy()


def pixels(*arguments: Any, **options: Any) -> np.ndarray:
    return np.asarray(photo_mosaic(*arguments, **options))


def picture(height: int, width: int) -> np.ndarray:
    """Smooth, and of many colours."""
    small = rng().integers(0, 256, (5, 6, 3), np.uint8)
    return np.asarray(Image.fromarray(small).resize((width, height)))


def tile_at(mosaic: np.ndarray, row: int, col: int, side: int) -> np.ndarray:
    return mosaic[row * side : (row + 1) * side, col * side : (col + 1) * side]


# --- which tile goes where -----------------------------------------------------------------------


@pytest.mark.parametrize("space", ["rgb", "oklab", "grey"])
@pytest.mark.parametrize("detail", [1, 2, 6])
def test_each_place_shows_its_nearest_tile(space, detail):
    tiles, target = fractal_tiles(60, 6), picture(42, 54)
    found = pixels(target, tiles, (7, 9), space=space, detail=detail)
    offered = features(tiles, detail, space=space).astype(int)
    for row, col in np.ndindex(7, 9):
        place = tile_at(target, row, col, 6)[None]
        wanted = features(place, detail, space=space).astype(int)
        best = np.argmin(((offered - wanted) ** 2).sum(axis=1))
        assert_array_equal(tile_at(found, row, col, 6), tiles[best])


@pytest.mark.parametrize("max_uses", [1, 2, 5])
def test_no_tile_is_used_too_often_and_no_choice_is_better(max_uses):
    from scipy.optimize import linear_sum_assignment

    tiles, target = fractal_tiles(40, 5), picture(30, 30)
    plan = _photo.plan(target, tiles, 6, Options(max_uses=max_uses))
    counts = np.bincount(plan.indices.ravel(), minlength=40)
    assert counts.max() <= max_uses
    wanted = features(
        target.reshape(6, 5, 6, 5, 3).swapaxes(1, 2).reshape(36, 5, 5, 3), space="oklab"
    )
    offered = np.repeat(features(tiles, space="oklab"), max_uses, axis=0)
    costs = ((wanted[:, None].astype(int) - offered[None]) ** 2).sum(axis=2)
    chosen = linear_sum_assignment(costs)
    assert plan.cost == plan.bound == costs[chosen].sum()


def test_the_mosaic_of_its_own_pieces_is_the_picture():
    target = picture(40, 60)
    tiles = target.reshape(4, 10, 6, 10, 3).swapaxes(1, 2).reshape(24, 10, 10, 3)
    order = rng().permutation(24)
    assert_array_equal(pixels(target, tiles[order], (4, 6), max_uses=1, detail=10), target)


def test_details_of_tiles_that_are_not_square():
    """As many cells as there are pixels the one way, and no more than that the other way."""
    target = picture(12, 40)
    tiles = target.reshape(4, 3, 4, 10, 3).swapaxes(1, 2).reshape(16, 3, 10, 3)
    assert_array_equal(pixels(target, tiles, (4, 4), detail=10), target)


# --- the target ----------------------------------------------------------------------------------


def test_one_number_is_that_of_the_columns():
    tiles = flat_tiles([[0, 0, 0]], 4)
    assert photo_mosaic(picture(30, 60), tiles, 10).size == (40, 20)
    assert photo_mosaic(picture(60, 30), tiles, 10).size == (40, 80)
    assert photo_mosaic(picture(1, 90), tiles, 3).size == (12, 4)
    assert photo_mosaic(picture(60, 60), tiles[:, :2], 10).size == (40, 40)


def test_the_middle_of_the_target_is_used():
    target = np.zeros((20, 60, 3), np.uint8)
    target[:, 20:40] = 255
    tiles = flat_tiles([[0, 0, 0], [255, 255, 255]])
    assert (pixels(target, tiles, (5, 5)) == 255).all()
    assert (pixels(target[:, 20:40], tiles, (5, 5)) == 255).all()
    tall = pixels(target.swapaxes(0, 1), tiles, (5, 5))
    assert (tall == 255).all()


@pytest.mark.parametrize("grid", [(3, 3), (5, 5), (40, 50), (7, 11)])
def test_targets_of_any_size(grid):
    """Also with fewer pixels than places, and with no whole number of them in each."""
    tiles = flat_tiles([[v, v, v] for v in range(0, 256, 5)], 3)
    for height, width in [(1, 1), (10, 10), (40, 31), (43, 57), (200, 301)]:
        found = photo_mosaic(np.full((height, width, 3), 100, np.uint8), tiles, grid)
        assert found.size == (3 * grid[1], 3 * grid[0])
        assert (np.asarray(found) == 100).all()


def test_targets_of_every_kind(tmp_path):
    tiles, target = fractal_tiles(30, 4), picture(20, 20)
    expected = pixels(target, tiles, 5)
    Image.fromarray(target).save(tmp_path / "target.png")
    for same in (
        tmp_path / "target.png",
        str(tmp_path / "target.png"),
        Image.fromarray(target),
        target.tolist() and np.asfortranarray(target),
        Image.fromarray(target).convert("RGBA"),
    ):
        assert_array_equal(pixels(same, tiles, 5), expected)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.rot90(target)).save(tmp_path / "turned.png", exif=exif)
    assert_array_equal(pixels(tmp_path / "turned.png", tiles, 5), expected)
    clear = Image.fromarray(target)
    clear.putalpha(0)
    white = flat_tiles([[0, 0, 0], [255, 255, 255]])
    assert (pixels(clear, white, 5) == 255).all()


# --- colours -------------------------------------------------------------------------------------


def test_blend_brings_the_mean_of_each_tile_to_its_place():
    tiles, target = flat_tiles([[100, 100, 100]]), picture(20, 20)
    places = features(target.reshape(5, 4, 5, 4, 3).swapaxes(1, 2).reshape(25, 4, 4, 3))
    for blend in (0.0, 0.3, 0.5, 1):
        found = pixels(target, tiles, 5, blend=blend)[::4, ::4].reshape(25, 3)
        exact = 100 + blend * (places.astype(float) - 100)
        assert np.abs(found - exact).max() <= 0.5
    textured = fractal_tiles(1, 4)
    found = pixels(np.full((8, 8, 3), 128, np.uint8), textured, 2, blend=1)
    assert np.ptp(found[:4, :4].astype(int), axis=(0, 1)).max() > 10  # the texture stays


def test_palettes_are_transferred():
    dark = picture(40, 40) // 4
    light = (191 + fractal_tiles(200, 5) // 4).astype(np.uint8)
    target, tiles = _palettes.transferred(dark, light, "to_tiles")
    assert tiles is light
    assert abs(target.mean() - light.mean()) < 4
    target, tiles = _palettes.transferred(dark, light, "to_target")
    assert target is dark
    assert abs(tiles.mean() - dark.mean()) < 4
    target, tiles = _palettes.transferred(dark, light, "equalise")
    for even in (target, tiles):
        for c in range(3):
            counts, _ = np.histogram(even[..., c], 4, (0, 256))
            assert counts.min() > 0.15 * even[..., c].size
    assert _palettes.transferred(dark, light, None) == (dark, light)


def test_a_transfer_keeps_the_order_of_levels():
    pixels = rng().integers(0, 256, (50, 50, 3), np.uint8)
    others = rng().integers(30, 90, (50, 50, 3), np.uint8)
    curves = _palettes._curves(pixels, others)
    assert (np.diff(curves.astype(int), axis=1) >= 0).all()
    same = _palettes._curves(others, others)
    assert_array_equal(_palettes.through(others, same), others)


@pytest.mark.parametrize("transfer", ["to_tiles", "to_target", "equalise"])
def test_transfers_change_the_mosaic(transfer):
    tiles, target = fractal_tiles(50, 4), picture(20, 20) // 2
    kept = tiles.copy()
    assert (pixels(target, tiles, 5, transfer=transfer) != pixels(target, tiles, 5)).any()
    assert_array_equal(tiles, kept)


# --- places of several sizes, black and white -----------------------------------------------------


def half_busy(side: int) -> np.ndarray:
    """A square: its left half is of one grey, its right half is noise."""
    target = np.full((side, side, 3), 90, np.uint8)
    target[:, side // 2 :] = rng().integers(0, 256, (side, side // 2, 3), np.uint8)
    return target


def divided(target: np.ndarray, grid: int, *contrasts: float) -> list[tuple[int, int, int]]:
    """Row, column and side of each place in pixels, by a plain recursion."""
    places = []

    def visit(row: int, col: int, side: int, left: tuple[float, ...]) -> None:
        part = target[row : row + side, col : col + side]
        if left and np.mean([np.std(part[..., c] / 255) for c in range(3)]) > left[0]:
            half = side // 2
            for y, x in np.ndindex(2, 2):
                visit(row + y * half, col + x * half, half, left[1:])
        else:
            places.append((row, col, side))

    side = len(target) // grid
    for row, col in np.ndindex(grid, grid):
        visit(row * side, col * side, side, contrasts)
    return sorted(places, key=lambda place: (-place[2], *place))


def shrunk(tiles: np.ndarray, side: int) -> np.ndarray:
    return features(tiles, side).reshape(len(tiles), side, side, 3)


@pytest.mark.parametrize("contrasts", [(0.1,), (0.2, 0.1), (0, 0, 0), (1,), ()])
@pytest.mark.parametrize("max_uses", [None, 4])
def test_places_with_contrast_are_divided(contrasts, max_uses):
    target, tiles = picture(64, 64), fractal_tiles(300, 16)
    options = Options(subdivide=contrasts, max_uses=max_uses)
    plan = _photo.plan(target, tiles, 4, options)
    places = divided(target, 4, *contrasts)
    assert plan.places == len(places)
    drawn, chosen = plan.draw(), []
    wanted = [
        features(target[None, row : row + side, col : col + side], space="oklab")[0]
        for row, col, side in places
    ]
    assert_array_equal(plan.wanted, wanted)
    for row, col, side in places:
        shown = drawn[row : row + side, col : col + side]
        same = (shrunk(tiles, side) == shown).all(axis=(1, 2, 3))
        chosen.append(int(np.argmax(same)))
        assert same.any()
    costs = ((np.array(wanted, int)[:, None] - features(tiles, space="oklab")) ** 2).sum(axis=2)
    if max_uses is None:
        assert_array_equal(costs[range(len(places)), chosen], costs.min(axis=1))
    else:
        assert np.bincount(chosen).max() <= max_uses
        assert plan.cost == plan.bound == costs[range(len(places)), chosen].sum()


def test_one_number_divides_once():
    target, tiles = half_busy(48), fractal_tiles(90, 6)
    expected = pixels(target, tiles, 4, subdivide=[0.1])
    assert_array_equal(pixels(target, tiles, 4, subdivide=0.1), expected)
    assert_array_equal(pixels(target, tiles, 4, subdivide=np.float32(0.1)), expected)
    left = pixels(target, tiles, 4)[:, :12]
    assert_array_equal(expected[:, :12], left)  # where nothing is to be seen, nothing is divided


@pytest.mark.parametrize("side", [5, 7, 12])
@pytest.mark.parametrize("detail", [1, 3])
def test_parts_of_tiles_that_cannot_be_halved_cover_the_picture(side, detail):
    """Also where a place has fewer pixels than there are parts, or cells, in it."""
    for shape in ((3, 3), (40, 31), (200, 200)):
        target = rng().integers(0, 256, (*shape, 3), np.uint8)
        tiles = flat_tiles(rng().integers(1, 256, (9, 3)), side)
        found = pixels(target, tiles, (3, 3), subdivide=(0, 0), detail=detail)
        assert found.shape == (3 * side, 3 * side, 3)
        assert set(map(tuple, found.reshape(-1, 3))) <= set(map(tuple, tiles[:, 0, 0]))


def test_the_mosaic_of_its_own_quarters_is_the_picture():
    target = picture(40, 40)
    quarters = target.reshape(8, 5, 8, 5, 3).swapaxes(1, 2).reshape(64, 5, 5, 3)
    tiles = quarters.repeat(2, axis=1).repeat(2, axis=2)
    found = pixels(target, tiles, 4, subdivide=0, max_uses=1, detail=10)
    assert_array_equal(found, target)


def test_blend_tints_parts_too():
    target, tiles = picture(32, 32), flat_tiles([[100, 100, 100]], 8)
    found = pixels(target, tiles, 4, blend=0.5, subdivide=(0, 0))
    means = features(target[None], 16).reshape(16, 16, 3).astype(float)
    assert np.abs(found[::2, ::2] - (100 + means) / 2).max() <= 0.5


@pytest.mark.parametrize("space", ["rgb", "oklab", "grey"])
def test_black_and_white(space):
    target, tiles = picture(24, 24), fractal_tiles(50, 6)
    found = pixels(target, tiles, 4, greyscale=True, space=space)
    assert (found[..., 0] == found[..., 1]).all()
    assert (found[..., 0] == found[..., 2]).all()
    weights = np.array([2126, 7152, 722])
    grey = lambda a: (((a @ weights + 5000) // 10000)[..., None].repeat(3, -1)).astype(np.uint8)
    assert_array_equal(found, pixels(grey(target), grey(tiles), 4, space=space))
    assert_array_equal(tiles, fractal_tiles(50, 6))


def test_black_and_white_uses_each_tile_once_at_the_least_cost():
    target, tiles = picture(24, 24), fractal_tiles(50, 6)
    options = Options(greyscale=True, max_uses=1, detail=2, transfer="to_target", subdivide=0.2)
    plan = _photo.plan(target, tiles, 4, options)
    assert plan.cost == plan.bound
    chosen = np.concatenate([level.indices[level.indices >= 0] for level in plan.levels])
    assert len(set(chosen.tolist())) == plan.places > 16


# --- strips, threads, progress -------------------------------------------------------------------


@pytest.mark.parametrize("blend", [0.0, 0.4])
@pytest.mark.parametrize("subdivide", [(), (0.05, 0.05)])
def test_strips_are_the_picture(blend, subdivide):
    options = Options(blend=blend, subdivide=subdivide)
    plan = _photo.plan(picture(30, 40), fractal_tiles(20, 5), (6, 8), options)
    assert (plan.height, plan.width) == (30, 40)
    assert_array_equal(np.concatenate(list(plan.strips())), plan.draw())


def test_the_number_of_threads_does_not_matter():
    tiles, target = fractal_tiles(300, 8), picture(64, 64)
    expected = pixels(target, tiles, 16, max_uses=1, num_threads=1)
    assert_array_equal(pixels(target, tiles, 16, max_uses=1, num_threads=3), expected)
    with pp.threads(2):
        assert_array_equal(pixels(target, tiles, 16, max_uses=1), expected)


@pytest.mark.parametrize("max_uses", [None, 1])
def test_progress_is_in_thousandths_and_comes_to_its_end(max_uses):
    calls: list[tuple[int, int]] = []
    target, tiles = picture(60, 60), fractal_tiles(400, 6)
    photo_mosaic(target, tiles, 20, max_uses=max_uses, progress=lambda *call: calls.append(call))
    assert calls[-1] == (1000, 1000)
    assert calls == sorted(calls)
    assert {total for _, total in calls} == {1000}
    assert [done for done, _ in calls].count(1000) == 1


def test_stages_share_the_progress_by_weight():
    calls: list[tuple[int, int]] = []
    stages = Stages(lambda *call: calls.append(call), first=1, second=3)
    with stages("first") as report:
        assert report
        report(5, 10)
    with stages("second") as report:
        assert report
        report(10, 10)
    assert [done for done, _ in calls] == [125, 250, 1000]


def test_an_exception_of_progress_stops_it():
    def stop(done: int, total: int) -> None:
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        photo_mosaic(picture(9, 9), fractal_tiles(9, 3), 3, progress=stop)


def test_ctrl_c_stops_it():
    tiles, target = rng().integers(0, 256, (3000, 4, 4, 3), np.uint8), picture(2000, 2000)
    call = lambda: photo_mosaic(target, tiles, 500, detail=4)
    assert seconds_to_stop(call) < LATEST


# --- arguments -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "error", "words"),
    [
        (
            {"target": np.zeros((3, 3, 3))},
            TypeError,
            "target must be a path, a Pillow image or uint8",
        ),
        ({"target": np.zeros((3, 3), np.uint8)}, ValueError, "target must have shape"),
        ({"target": np.zeros((0, 3, 3), np.uint8)}, ValueError, "target must have shape"),
        ({"tiles": np.zeros((0, 3, 3, 3), np.uint8)}, ValueError, "tiles must have shape"),
        ({"tiles": np.zeros((2, 3, 3, 3))}, TypeError, "tiles must be uint8"),
        ({"grid": 0}, ValueError, "grid must be at least 1"),
        ({"grid": (1, 2, 3)}, ValueError, "grid must be one or two integers"),
        ({"grid": 2.5}, TypeError, "grid must be an integer"),
        ({"max_uses": 0}, ValueError, "max_uses must be at least 1"),
        ({"max_uses": 1}, ValueError, "tiles must be at least 16 for 16 places"),
        ({"detail": 0}, ValueError, "detail must be between 1 and 4"),
        ({"detail": 5}, ValueError, "detail must be between 1 and 4"),
        ({"subdivide": 2}, ValueError, "subdivide must be between 0 and 1"),
        ({"subdivide": "0.1"}, TypeError, "subdivide must be a number"),
        ({"subdivide": None}, TypeError, "subdivide must be a number"),
        ({"subdivide": [0.1, np.nan]}, ValueError, "subdivide must be between 0 and 1"),
        ({"subdivide": [0.1] * 3}, ValueError, "subdivide must be at most 2 numbers for tiles of"),
        ({"greyscale": 1}, TypeError, "greyscale must be True or False"),
        ({"space": "lab"}, ValueError, "space must be one of"),
        ({"blend": 1.5}, ValueError, "blend must be between 0 and 1"),
        ({"blend": np.nan}, ValueError, "blend must be between 0 and 1"),
        ({"blend": "much"}, TypeError, "blend must be a number"),
        ({"transfer": "both"}, ValueError, "transfer must be None or one of"),
    ],
)
def test_wrong_arguments_are_named(changed, error, words):
    arguments = {"target": picture(8, 8), "tiles": fractal_tiles(5, 4), "grid": 4} | changed
    with pytest.raises(error, match=rf"^photo_mosaic: {words}[^\n]*$"):
        photo_mosaic(**arguments)


def test_a_target_that_is_no_picture_is_named(tmp_path):
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(OSError, match=r"^photo_mosaic: target .*text\.png is no picture"):
        photo_mosaic(tmp_path / "text.png", fractal_tiles(5, 4), 2)
    with pytest.raises(FileNotFoundError):
        photo_mosaic(Path("no", "such.png"), fractal_tiles(5, 4), 2)


def test_without_pillow_the_extra_is_named(run_python):
    code = """
import sys
sys.modules["PIL"] = None
import numpy as np
import pyparallel as pp
tiles = pp.mosaic.fractal_tiles(3, 4)
for call in (lambda: pp.mosaic.photo_mosaic(tiles[0], tiles, 2), lambda: pp.mosaic.load_tiles(".")):
    try:
        call()
    except ImportError as error:
        print(error)
"""
    lines = run_python(code).stdout.splitlines()
    assert [line.split(":")[0] for line in lines] == [
        "photo_mosaic needs Pillow",
        "load_tiles needs Pillow",
    ]
    assert all("[cli]" in line for line in lines)
