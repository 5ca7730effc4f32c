"""Photos as tiles: every kind of file, what is wrong with some, and the cache."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image

from pyparallel.mosaic import _cache, _library, _pictures, load_tiles
from tests.conftest import ROOT
from tests.test_interrupts import LATEST, seconds_to_stop

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def colour(tile: np.ndarray) -> tuple[int, ...]:
    """The one colour of a tile."""
    assert (tile == tile[0, 0]).all()
    return tuple(tile[0, 0].tolist())


def tile_of(image: Image.Image, path: Path, size=8, **options) -> np.ndarray:
    image.save(path, **options)
    return load_tiles([path], size)[0]


def photos(folder: Path, n: int, side: int = 40) -> list[Path]:
    """Different smooth pictures."""
    folder.mkdir(exist_ok=True)
    small = np.random.default_rng(7).integers(0, 256, (n, 4, 4, 3), np.uint8)
    paths = [folder / f"{i:03d}.jpg" for i in range(n)]
    for path, pixels in zip(paths, small, strict=True):
        Image.fromarray(pixels).resize((side, side)).save(path, quality=95)
    return paths


# --- kinds of files ------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".gif", ".bmp", ".tif"])
def test_every_format(tmp_path, suffix):
    tile = tile_of(Image.new("RGB", (60, 40), (200, 100, 50)), tmp_path / f"a{suffix}")
    assert tile.shape == (8, 8, 3)
    assert np.abs(tile.astype(int) - (200, 100, 50)).max() <= 8


def test_transparent_becomes_white(tmp_path):
    clear = Image.new("RGBA", (20, 20), (255, 0, 0, 0))
    assert colour(tile_of(clear, tmp_path / "clear.png")) == WHITE
    half = tile_of(Image.new("RGBA", (20, 20), (0, 0, 0, 128)), tmp_path / "half.png")
    assert colour(half)[0] == pytest.approx(127, abs=1)
    grey = Image.new("LA", (20, 20), (0, 0))
    assert colour(tile_of(grey, tmp_path / "grey.png")) == WHITE
    palette = Image.new("P", (20, 20), 1)
    palette.putpalette([0, 0, 0, 255, 0, 0])
    assert colour(tile_of(palette, tmp_path / "palette.png")) == RED
    assert colour(tile_of(palette, tmp_path / "clear.gif", transparency=1)) == WHITE


def test_grey_cmyk_and_16_bits_become_rgb(tmp_path):
    assert colour(tile_of(Image.new("L", (20, 20), 77), tmp_path / "l.png")) == (77, 77, 77)
    assert colour(tile_of(Image.new("1", (20, 20), 1), tmp_path / "one.png")) == WHITE
    cmyk = tile_of(Image.new("CMYK", (64, 64), (0, 255, 255, 0)), tmp_path / "cmyk.jpg")
    assert np.abs(cmyk.astype(int) - RED).max() < 12
    for level, byte in [(0, 0), (65535, 255), (25700, 100)]:
        deep = Image.fromarray(np.full((20, 20), level, np.uint16))
        assert colour(tile_of(deep, tmp_path / "deep.png")) == (byte,) * 3
    unit = Image.fromarray(np.full((20, 20), 0.5, np.float32))
    assert colour(tile_of(unit, tmp_path / "float.tif")) == (128,) * 3


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_pictures_are_turned_upright(tmp_path, orientation, suffix):
    """As Pillow's own function turns them, which reads the whole picture."""
    from PIL import ImageOps

    pixels = np.zeros((60, 90, 3), np.uint8)
    pixels[:30, :45], pixels[:30, 45:], pixels[30:, :45] = RED, GREEN, BLUE
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"turned{suffix}"
    Image.fromarray(pixels).save(path, exif=exif, **({"quality": 100} if suffix == ".jpg" else {}))
    with Image.open(path) as image:
        whole = np.asarray(ImageOps.exif_transpose(image))
    square = whole[15:75, :] if whole.shape[0] > whole.shape[1] else whole[:, 15:75]
    tile = load_tiles([path], 4)[0]
    assert np.abs(tile[::3, ::3].astype(int) - square[::59, ::59]).max() < 30


def test_the_middle_is_cut_out_in_the_proportions_of_the_tile(tmp_path):
    pixels = np.full((40, 100, 3), 255, np.uint8)
    pixels[:, 30:70] = BLUE
    path = tmp_path / "wide.png"
    assert colour(tile_of(Image.fromarray(pixels), path)[:, 1:-1] // 2 * 2) == (0, 0, 254)
    tile = load_tiles([path], (4, 10))[0]
    assert tile.shape == (4, 10, 3)
    assert_array_equal(tile[:, 4:6], np.broadcast_to(BLUE, (4, 2, 3)))
    assert tile[0, 0].min() > 250
    assert load_tiles([path], (100, 2)).shape == (1, 100, 2, 3)  # enlarged, too


def test_large_jpegs_are_shrunk_as_well_as_small_ones(tmp_path):
    """Though they are decoded at an eighth."""
    pixels = np.random.default_rng(1).integers(0, 256, (10, 10, 3), np.uint8)
    large = Image.fromarray(pixels).resize((1600, 1600), Image.Resampling.BICUBIC)
    tile = tile_of(large, tmp_path / "large.jpg", quality=95)
    exact = np.asarray(large.resize((8, 8), Image.Resampling.LANCZOS))
    assert np.abs(tile.astype(int) - exact).max() < 12


# --- folders -------------------------------------------------------------------------------------


def test_a_folder_stands_for_its_pictures_by_name(tmp_path):
    for name, shade in [("b.png", 20), ("a.PNG", 10), ("below/c.jpg", 30)]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("L", (9, 9), shade).save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / ".hidden.png").write_bytes(b"")
    (tmp_path / "folder.png").mkdir()
    tiles = load_tiles(tmp_path, 3)
    assert tiles[:, 0, 0, 0].tolist() == pytest.approx([10, 20, 30], abs=1)
    assert_array_equal(load_tiles(str(tmp_path), 3, num_threads=2), tiles)


def test_the_order_is_that_of_the_paths(tmp_path):
    paths = photos(tmp_path, 30)
    tiles = load_tiles(paths, 5, num_threads=4)
    assert_array_equal(load_tiles(paths[::-1], 5, num_threads=1), tiles[::-1])
    assert_array_equal(load_tiles(iter([paths[3]] * 2), 5), tiles[[3, 3]])


def test_folders_without_pictures_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"^load_tiles: there are no picture files in "):
        load_tiles(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"^load_tiles: there is no folder "):
        load_tiles(tmp_path / "none")
    with pytest.raises(ValueError, match=r"^load_tiles: folder_or_paths must not be empty"):
        load_tiles([])


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"size": 0}, ValueError),
        ({"size": (1, 2, 3)}, ValueError),
        ({"size": 2.5}, TypeError),
        ({"on_error": "skip"}, ValueError),
        ({"num_threads": 0}, ValueError),
        ({"cache": Path("no", "such", "folder")}, ValueError),
    ],
)
def test_wrong_arguments_are_named(tmp_path, options, error):
    with pytest.raises(error, match=rf"^load_tiles: {next(iter(options))}"):
        load_tiles(photos(tmp_path, 1), **options)


# --- files that are broken -----------------------------------------------------------------------


def broken(folder: Path) -> dict[str, str]:
    """Broken files by name, and what is said of them."""
    good = photos(folder, 1, 200)[0]
    content = good.read_bytes()
    (folder / "cut.jpg").write_bytes(content[: len(content) // 2])
    (folder / "empty.png").write_bytes(b"")
    (folder / "text.png").write_text("no picture at all")
    Image.new("1", (20_000, 10_000)).save(folder / "giant.png")
    Image.new("1", (10_000, 9_000)).save(folder / "large.png")
    return {
        "cut.jpg": "cannot be read (image file is truncated",
        "empty.png": "is empty",
        "text.png": "is no picture that Pillow can read",
        "giant.png": "cannot be read (Image size (200000000 pixels)",
        "large.png": "has 10000 x 9000 pixels, more than 89478485",
    }


def test_broken_files_are_named_and_skipped(tmp_path):
    expected = broken(tmp_path)
    with pytest.warns(UserWarning, match=r"^load_tiles: .*: skipped$") as caught:
        tiles = load_tiles(tmp_path, 6)
    assert len(tiles) == len(caught) == 1
    assert_array_equal(tiles[0], load_tiles([tmp_path / "000.jpg"], 6)[0])
    for name, words in expected.items():
        assert f"{name} {words}" in str(caught[0].message)
    assert caught[0].filename == __file__


@pytest.mark.parametrize("name", ["cut.jpg", "empty.png", "text.png", "giant.png", "large.png"])
def test_broken_files_are_errors_where_that_is_asked_for(tmp_path, name):
    words = broken(tmp_path)[name]
    with pytest.raises(ValueError, match=r"^load_tiles: ") as caught:
        load_tiles([tmp_path / "000.jpg", tmp_path / name], on_error="raise")
    assert f"{name} {words}" in str(caught.value)


def test_nothing_but_broken_files_is_an_error(tmp_path):
    paths = [tmp_path / f"{i}.jpg" for i in range(30)]
    with pytest.raises(
        ValueError, match=r"0.jpg does not exist;.*; and 10 more: no picture is left$"
    ):
        load_tiles(paths)


# --- the cache -----------------------------------------------------------------------------------


@pytest.fixture
def reads(monkeypatch):
    """The names of the pictures that are decoded."""
    names = []

    def read(path, height, width):
        names.append(path.name)
        return _pictures.read_tile(path, height, width)

    monkeypatch.setattr(_library, "read_tile", read)
    return names


def test_known_pictures_are_not_read_again(tmp_path, reads):
    paths, cache = photos(tmp_path / "photos", 10), tmp_path / "tiles.db"
    tiles = load_tiles(paths, 6, cache=cache)
    assert len(reads) == 10
    assert_array_equal(load_tiles(paths, 6, cache=cache), tiles)
    assert_array_equal(load_tiles(paths[::-2], 6, cache=str(cache)), tiles[::-2])
    assert len(reads) == 10
    load_tiles(paths, (6, 7), cache=cache)  # another size
    assert len(reads) == 20


def test_changed_pictures_are_read_again(tmp_path, reads):
    paths, cache = photos(tmp_path / "photos", 4), tmp_path / "tiles.db"
    load_tiles(paths, 6, cache=cache)
    reads.clear()
    status = paths[1].stat()
    os.utime(paths[1], ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    Image.new("RGB", (9, 9), RED).save(paths[2].with_suffix(".png"))
    paths[2].write_bytes(paths[2].with_suffix(".png").read_bytes())
    tiles = load_tiles(paths, 6, cache=cache)
    assert sorted(reads) == ["001.jpg", "002.jpg"]
    assert colour(tiles[2]) == RED
    assert_array_equal(load_tiles(paths, 6, cache=cache), tiles)


def test_broken_pictures_stay_out_of_the_cache(tmp_path):
    broken(tmp_path / "photos" if (tmp_path / "photos").mkdir() is None else tmp_path)
    for _ in range(2):
        with pytest.warns(UserWarning, match="empty.png is empty"):
            load_tiles(tmp_path / "photos", 6, cache=tmp_path / "tiles.db")
    with sqlite3.connect(tmp_path / "tiles.db") as database:
        assert database.execute("select count(*) from tiles").fetchone() == (1,)
    database.close()


def test_a_file_that_is_no_cache_is_left_alone(tmp_path):
    paths = photos(tmp_path, 1)
    content = paths[0].read_bytes()
    with pytest.raises(ValueError, match=r"^load_tiles: cache .*000.jpg cannot be used: "):
        load_tiles(paths, cache=paths[0])
    assert paths[0].read_bytes() == content


LOAD = """
import sys
from pyparallel.mosaic import load_tiles
tiles = load_tiles(sys.argv[1], 20, cache=sys.argv[2])
print(tiles.shape[0], tiles.sum())
"""


def test_two_processes_may_fill_one_cache(tmp_path):
    photos(tmp_path / "photos", 300, 60)
    command = [sys.executable, "-c", LOAD, str(tmp_path / "photos"), str(tmp_path / "tiles.db")]
    with ThreadPoolExecutor(3) as pool:
        runs = [
            pool.submit(subprocess.run, command, capture_output=True, text=True, cwd=ROOT)
            for _ in range(3)
        ]
        outputs = {run.result().stdout for run in runs}
    assert len(outputs) == 1
    assert outputs.pop().startswith("300 ")


def test_what_was_read_before_a_stop_is_kept(tmp_path, monkeypatch, reads):
    monkeypatch.setattr(_library, "KEPT_TOGETHER", 5)
    monkeypatch.setattr("pyparallel.mosaic._progress.INTERVAL", 0.0)
    paths, cache = photos(tmp_path / "photos", 200), tmp_path / "tiles.db"

    def stop(done: int, total: int) -> None:
        if done >= 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load_tiles(paths, 6, cache=cache, num_threads=2, progress=stop)
    first = len(reads)
    assert 20 <= first < 200
    tiles = load_tiles(paths, 6, cache=cache)
    assert first + len(reads[first:]) <= 200 + 2
    assert_array_equal(tiles, load_tiles(paths, 6))


def test_the_version_of_the_tiles_is_part_of_the_key(tmp_path, monkeypatch, reads):
    paths, cache = photos(tmp_path / "photos", 3), tmp_path / "tiles.db"
    load_tiles(paths, 6, cache=cache)
    monkeypatch.setattr(_cache, "VERSION", _cache.VERSION + 1)
    load_tiles(paths, 6, cache=cache)
    assert len(reads) == 6


# --- progress, Ctrl-C, memory --------------------------------------------------------------------


def test_progress_comes_to_its_end(tmp_path):
    paths, calls = photos(tmp_path, 40), []
    load_tiles(paths, 5, progress=lambda *call: calls.append(call))
    assert calls[-1] == (40, 40)
    assert {total for _, total in calls} == {40}
    assert calls == sorted(calls)


def test_ctrl_c_takes_effect_between_two_pictures(tmp_path):
    paths = photos(tmp_path, 20, 900) * 500
    assert seconds_to_stop(lambda: load_tiles(paths, 40)) < LATEST


MEMORY = """
import resource, sys
from pyparallel.mosaic import load_tiles
paths = [sys.argv[1]] * int(sys.argv[2])
load_tiles(paths, 50, num_threads=2)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(peak // (1024 if sys.platform == "darwin" else 1) // 1024)
"""


def test_memory_is_that_of_the_tiles(tmp_path, run_python):
    """Of 12 million pixels each: decoded at once they would take 36 MB, and 40 of them 1.4 GB."""
    pytest.importorskip("resource")
    path = tmp_path / "large.jpg"
    Image.effect_noise((4000, 3000), 50).convert("RGB").save(path, quality=70)
    one, many = (int(run_python(MEMORY, str(path), str(n)).stdout) for n in (1, 40))
    assert many - one < 40


def test_no_warning_of_pillow_gets_out(tmp_path):
    path = tmp_path / "large.png"
    Image.new("1", (9_400, 9_400)).save(path)  # below the limit, but only just
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert load_tiles([path], 4).shape == (1, 4, 4, 3)
