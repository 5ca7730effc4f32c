"""``pyparallel mosaic``: whole files or none, strips of any number, a pyramid that a browser shows."""

from __future__ import annotations

import io
import shutil
import signal
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image

import pyparallel as pp
from pyparallel.cli import run
from pyparallel.mosaic import _deepzoom, _photo, _strips, fractal_tiles, photo_mosaic
from pyparallel.mosaic._deepzoom import write_deep_zoom
from pyparallel.mosaic._options import Options
from pyparallel.mosaic._strips import write_png
from tests.conftest import ROOT
from tests.test_mosaic_library import photos
from tests.test_mosaic_photo import picture


@pytest.fixture
def target(tmp_path):
    path = tmp_path / "target.png"
    Image.fromarray(picture(40, 60)).save(path)
    return path


def cut(pixels: np.ndarray, rows: int) -> list[np.ndarray]:
    return [pixels[start : start + rows] for start in range(0, len(pixels), rows)]


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(5).integers(0, 256, shape, np.uint8)


# --- the command ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["out.png", "out.jpg", "OUT.JPEG"])
def test_the_file_is_the_mosaic(tmp_path, target, capsys, name):
    out = tmp_path / name
    assert run(["mosaic", str(target), "--fractal", "40", "--grid", "6", "-o", str(out)]) == 0
    assert capsys.readouterr().out.startswith(f"{out}: 300 x 200 pixels of 24 tiles in ")
    expected = np.asarray(photo_mosaic(target, fractal_tiles(40), 6)).astype(int)
    found = np.asarray(Image.open(out)).astype(int)
    assert np.abs(found - expected).mean() < (1e-9 if name == "out.png" else 6)


def test_all_options_reach_the_mosaic(tmp_path, target, capsys):
    photos(tmp_path / "photos", 50)
    out = tmp_path / "out.png"
    options = "--grid 6x5 --tile-size 8x10 --max-uses 9 --detail 2 --space rgb --blend 0.5"
    options += " --subdivide 0.05 --subdivide 0.04 --greyscale"
    more = ["--transfer", "to-tiles", "--threads", "2", "--cache", str(tmp_path / "tiles.db")]
    command = ["mosaic", str(target), str(tmp_path / "photos"), "-o", str(out)]
    assert run([*command, *options.split(), *more]) == 0
    said = capsys.readouterr().out
    assert "proven to be the best choice" in said
    tiles = pp.mosaic.load_tiles(tmp_path / "photos", (10, 8))
    options = Options(
        max_uses=9,
        detail=2,
        subdivide=(0.05, 0.04),
        space="rgb",
        greyscale=True,
        blend=0.5,
        transfer="to_tiles",
    )
    plan = _photo.plan(target, tiles, (5, 6), options)
    assert 30 < plan.places < 480
    assert f"of {plan.places} tiles" in said
    assert_array_equal(np.asarray(Image.open(out)), plan.draw())
    assert (tmp_path / "tiles.db").exists()


@pytest.mark.parametrize("out", ["-o grid.png", "-o grid.jpg", "--dzi grid"])
def test_the_grid_is_shown_without_tiles(tmp_path, target, capsys, monkeypatch, out):
    monkeypatch.chdir(tmp_path)
    options = ["--grid", "6", "--tile-size", "9", "--subdivide", "0.05", "--show-grid"]
    assert run(["mosaic", str(target), *options, *out.split()]) == 0
    plan = _photo.plan(target, fractal_tiles(1, 9), 6, Options(subdivide=0.05))
    name = out.split()[1]
    assert capsys.readouterr().out == f"{name}: 54 x 36 pixels, {plan.places} places\n"
    if name != "grid.png":
        assert (tmp_path / name).exists()
        return
    lined = np.asarray(Image.open(name))
    edges = np.zeros((36, 54), bool)
    edges[::9] = edges[:, ::9] = True
    for row, col in np.argwhere(plan.levels[1].indices >= 0):
        top, left = 9 * row // 2, 9 * col // 2
        edges[top, left : left + 4] = edges[top : top + 4, left] = True
    assert (lined[edges] == 255).all()
    assert (lined[~edges] != 255).any(axis=-1).mean() > 0.9


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "give either a folder of TILES or --fractal N"),
        (["--fractal", "9"], "say where to write"),
        (["--fractal", "9", "-o", "out.tif"], "out.tif does not end in .png, .jpg, .jpeg"),
        (["--fractal", "9", "-o", "no/out.png"], "there is no folder no"),
        (["--fractal", "0", "-o", "out.png"], "--fractal"),
        (["--fractal", "9", "-o", "out.png", "--grid", "0"], "--grid"),
        (["--fractal", "9", "-o", "out.png", "--grid", "a"], "'a' is neither one number nor two"),
        (["--fractal", "9", "-o", "out.png", "--grid", "1000000"], "grid must have at most 100000"),
        (["--show-grid", "-o", "out.png", "--grid", "20000x30000"], "not 30000 rows of 20000"),
        (["target.png", "-o", "out.png"], "target.png is a file, not a folder"),
        (["--fractal", "9", "-o", "out.png", "--max-uses", "1"], "tiles must be at least"),
        (["--fractal", "9", "-o", "out.png", "--detail", "51"], "detail must be"),
        (["--fractal", "9", "-o", "out.png", "--blend", "2"], "--blend"),
        (["--fractal", "9", "-o", "out.png", "--subdivide", "2"], "--subdivide"),
        (["--fractal", "9", "-o", "o.png", *["--subdivide", "0"] * 6], "subdivide must be at most"),
        (["--fractal", "9", "--dzi", "."], "it exists, and is no deep-zoom folder"),
        (["none", "-o", "out.png"], "there is no folder none"),
        (["photos", "--fractal", "9", "-o", "out.png"], "give either a folder"),
    ],
)
def test_errors_are_one_line_and_leave_nothing(
    tmp_path, target, capsys, monkeypatch, options, words
):
    monkeypatch.chdir(tmp_path)
    assert run(["mosaic", str(target), *options]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["target.png"]


def header_only(width: int, height: int) -> bytes:
    """A PNG file that promises more than it holds."""
    size = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [b"IHDR" + size, b"IDAT"]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
        for chunk in chunks
    )


def encoded(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


BAD_TARGETS = {
    "none.png": (None, "there is no picture {}"),
    "text.png": (b"text", "mosaic: target {} is no picture that Pillow can read"),
    "empty.jpg": (b"", "mosaic: target {} is no picture that Pillow can read"),
    "cut.png": (encoded(noise(90, 90, 3))[:5000], "mosaic: target {} cannot be read ("),
    "giant.png": (header_only(20_000, 20_000), "mosaic: target {} cannot be read (Image size"),
}


@pytest.mark.parametrize("name", BAD_TARGETS)
@pytest.mark.parametrize("options", [["--fractal", "9"], ["--show-grid"]])
def test_a_target_that_is_no_picture_is_one_line(tmp_path, capsys, name, options):
    content, words = BAD_TARGETS[name]
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    assert run(["mosaic", str(path), *options, "-o", str(tmp_path / "o.png")]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"pyparallel: {words.format(path)}")
    assert error.count("\n") == 1
    assert not (tmp_path / "o.png").exists()


@pytest.mark.parametrize("more", [["--fractal", "9"], ["--show-grid"]])
def test_a_jpeg_that_would_be_too_long_is_refused_before_the_work(
    tmp_path, target, capsys, monkeypatch, more
):
    monkeypatch.setattr("pyparallel.mosaic._command._tiles", lambda *_: pytest.fail("too late"))
    options = ["--grid", "1400", "-o", str(tmp_path / "o.jpg"), *more]
    assert run(["mosaic", str(target), *options]) == 2
    assert "65500 pixels a side, not 70000 x 46650: write PNG" in capsys.readouterr().err
    assert not (tmp_path / "o.jpg").exists()


def test_large_targets_are_not_warned_of(tmp_path, capsys, monkeypatch):
    """They were chosen; among the tiles they are skipped."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1500)
    Image.fromarray(picture(40, 60)).save(tmp_path / "large.png")
    options = ["--fractal", "9", "--grid", "3", "-o", str(tmp_path / "o.png")]
    assert run(["mosaic", str(tmp_path / "large.png"), *options]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("out", ["-o", "--dzi"])
def test_a_folder_that_is_read_only_is_named_before_the_work(
    tmp_path, target, capsys, monkeypatch, out
):
    monkeypatch.setattr("os.access", lambda path, mode: Path(path) != tmp_path / "mine")
    monkeypatch.setattr("pyparallel.mosaic._command._tiles", lambda *_: pytest.fail("too late"))
    (tmp_path / "mine").mkdir()
    where = tmp_path / "mine" / "o.png"
    assert run(["mosaic", str(target), "--fractal", "9", out, str(where)]) == 2
    expected = f"pyparallel: cannot write {where}: the folder {where.parent} is read-only\n"
    assert capsys.readouterr().err == expected


def test_photos_that_cannot_be_read_are_named(tmp_path, target, capsys):
    photos(tmp_path / "photos", 5)
    (tmp_path / "photos" / "bad.jpg").write_bytes(b"")
    command = ["mosaic", str(target), str(tmp_path / "photos"), "-o", str(tmp_path / "o.png")]
    assert run([*command, "--grid", "4"]) == 0
    assert "bad.jpg is empty: skipped" in capsys.readouterr().err


def test_an_error_while_writing_leaves_the_old_file(tmp_path, target, capsys, monkeypatch):
    out = tmp_path / "out.png"
    out.write_text("old")

    def fail(*arguments: Any) -> None:
        arguments[0].write(b"half")
        raise OSError("no space left")

    monkeypatch.setattr("pyparallel.mosaic._command.write_png", fail)
    assert run(["mosaic", str(target), "--fractal", "9", "--grid", "3", "-o", str(out)]) == 2
    assert "no space left" in capsys.readouterr().err
    assert out.read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.png", "target.png"]


def test_ctrl_c_leaves_nothing_behind(tmp_path, target):
    """In the midst of writing 250 megapixels as a picture and as a folder."""
    command = [sys.executable, "-m", "pyparallel", "mosaic", str(target), "--fractal", "200"]
    where = ["--grid", "400", "-o", str(tmp_path / "out.png"), "--dzi", str(tmp_path / "zoom")]
    process = subprocess.Popen([*command, *where], cwd=ROOT, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    part = f".out.png.{process.pid}.part"
    while not ((tmp_path / part).exists() and (tmp_path / part).stat().st_size > 10**6):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=30)
    assert process.returncode == 130
    assert error.strip().splitlines()[-1].endswith("stopped")
    assert [path.name for path in tmp_path.iterdir()] == ["target.png"]


def test_a_deep_zoom_folder_has_places_of_several_sizes(tmp_path, target):
    command = ["mosaic", str(target), "--fractal", "40", "--grid", "6", "--subdivide", "0.02"]
    assert run([*command, "--dzi", str(tmp_path / "zoom")]) == 0
    expected = photo_mosaic(target, fractal_tiles(40), 6, subdivide=0.02)
    found = level_of(tmp_path / "zoom", 9, 512, *expected.size).astype(int)
    assert np.abs(found - np.asarray(expected)).mean() < 8
    assert np.abs(found - np.asarray(photo_mosaic(target, fractal_tiles(40), 6))).mean() > 15


# --- strips --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("height", "width"), [(1, 1), (7, 1), (1, 9), (20, 31), (200, 300)])
@pytest.mark.parametrize("rows", [1, 3, 1000])
def test_a_png_of_strips_is_the_picture(height, width, rows):
    pixels, file = noise(height, width, 3), io.BytesIO()
    write_png(file, width, height, iter(cut(pixels, rows)))
    with Image.open(file) as image:
        assert image.mode == "RGB"
        assert_array_equal(np.asarray(image), pixels)


def test_its_chunks_hold_one_stream_with_its_check_sum():
    """Which Pillow does not look at; zlib does."""
    file = io.BytesIO()
    write_png(file, 5, 6, cut(noise(6, 5, 3), 2))
    content, place, stream = file.getvalue(), 8, b""
    while place < len(content):
        length, kind = (
            int.from_bytes(content[place : place + 4], "big"),
            content[place + 4 : place + 8],
        )
        body = content[place + 8 : place + 8 + length]
        check = int.from_bytes(content[place + 8 + length : place + 12 + length], "big")
        assert zlib.crc32(kind + body) == check
        stream += body if kind == b"IDAT" else b""
        place += 12 + length
    assert len(zlib.decompress(stream)) == 6 * (1 + 15)


def test_an_error_in_a_strip_comes_out():
    def strips():
        yield noise(2, 5, 3)
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        write_png(io.BytesIO(), 5, 6, strips())


MEMORY = """
import resource, sys
from pathlib import Path
import numpy as np
import pyparallel as pp
from pyparallel.cli import run
target, kind, *more = sys.argv[1:]
sizes = []
for grid in ("40", "300"):
    assert run(["mosaic", target, "--fractal", "50", "--grid", grid, kind, target + ".out.png", *more]) == 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    sizes.append(peak // (1024 if sys.platform == "darwin" else 1) // 1024)
print(sizes[1] - sizes[0])
"""


@pytest.mark.parametrize("options", ["-o", "--dzi", "-o --subdivide 0.01 --greyscale"])
def test_a_large_picture_needs_little_memory(target, run_python, options):
    """Of 150 megapixels, which would be 450 MB as bytes."""
    pytest.importorskip("resource")
    lines = run_python(MEMORY, str(target), *options.split(), timeout=120).stdout.splitlines()
    assert int(lines[-1]) < 150


# --- deep zoom -----------------------------------------------------------------------------------


@pytest.fixture
def small_files(monkeypatch):
    monkeypatch.setattr(_deepzoom, "SIDE", 16)
    monkeypatch.setattr(_deepzoom, "QUALITY", 95)


def level_of(folder: Path, level: int, side: int, width: int, height: int) -> np.ndarray:
    """The picture that the files of a level make."""
    whole = np.zeros((height, width, 3), np.uint8)
    names = set()
    for row, top in enumerate(range(0, height, side)):
        for col, left in enumerate(range(0, width, side)):
            name = f"{col}_{row}.jpg"
            names.add(name)
            pixels = np.asarray(Image.open(folder / "mosaic_files" / str(level) / name))
            assert pixels.shape[:2] == (min(side, height - top), min(side, width - left))
            whole[top : top + side, left : left + side] = pixels
    assert {path.name for path in (folder / "mosaic_files" / str(level)).iterdir()} == names
    return whole


@pytest.mark.parametrize(("height", "width"), [(1, 1), (16, 16), (33, 17), (50, 131), (64, 13)])
@pytest.mark.parametrize("rows", [5, 64])
def test_every_level_is_half_of_the_next(tmp_path, small_files, height, width, rows):
    colours = np.asarray(Image.fromarray(noise(3, 4, 3)).resize((width, height)))
    write_deep_zoom(tmp_path / "zoom", width, height, cut(colours, rows))
    image = ElementTree.parse(tmp_path / "zoom" / "mosaic.dzi").getroot()
    size = image.find("{http://schemas.microsoft.com/deepzoom/2008}Size")
    assert size is not None
    assert (size.get("Width"), size.get("Height")) == (str(width), str(height))
    assert (image.get("TileSize"), image.get("Overlap")) == ("16", "0")
    top = (max(width, height) - 1).bit_length()
    assert sorted(int(p.name) for p in (tmp_path / "zoom" / "mosaic_files").iterdir()) == list(
        range(top + 1)
    )
    for level in range(top + 1):
        scale = 2 ** (top - level)
        w, h = -(-width // scale), -(-height // scale)
        found = level_of(tmp_path / "zoom", level, 16, w, h).astype(int)
        if 4 * scale <= min(height, width):  # where an odd row or column weighs little
            assert np.abs(found.mean(axis=(0, 1)) - colours.mean(axis=(0, 1))).max() < 30
        if level == top:
            assert np.abs(found - colours).mean() < 8


def test_light_is_averaged_not_bytes():
    checks = np.zeros((4, 4, 3), np.uint8)
    checks[::2, ::2] = checks[1::2, 1::2] = 255
    assert (_deepzoom._half(checks) == 188).all()
    assert_array_equal(_deepzoom._half(np.full((2, 5, 3), 77, np.uint8)), np.full((1, 3, 3), 77))


def test_a_folder_is_replaced_as_a_whole_or_not_at_all(tmp_path):
    folder = tmp_path / "zoom"
    write_deep_zoom(folder, 5, 5, [noise(5, 5, 3)])

    def strips():
        yield noise(2, 9, 3)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_deep_zoom(folder, 9, 9, strips())
    assert 'Width="5"' in (folder / "mosaic.dzi").read_text()
    write_deep_zoom(folder, 9, 9, [noise(9, 9, 3)])
    assert 'Width="9"' in (folder / "mosaic.dzi").read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["zoom"]
    (tmp_path / "mine").mkdir()
    with pytest.raises(FileExistsError, match="is no deep-zoom folder"):
        write_deep_zoom(tmp_path / "mine", 9, 9, [noise(9, 9, 3)])
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        write_deep_zoom(tmp_path / "none" / "zoom", 9, 9, [noise(9, 9, 3)])


def test_the_viewer_needs_nothing_from_elsewhere(tmp_path):
    write_deep_zoom(tmp_path / "zoom", 5, 5, [noise(5, 5, 3)], title="<A> & B")
    page = (tmp_path / "zoom" / "index.html").read_text("utf-8")
    assert "http" not in page
    assert "<title>&lt;A&gt; &amp; B</title>" in page
    assert "$" not in page.replace("${", "")


# --- in a browser --------------------------------------------------------------------------------


def chromium() -> str:
    """Its path; skips the test where there is none."""
    pytest.importorskip("playwright")
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    pytest.skip("Chromium is not installed")


def quarters(page: Any) -> list[tuple[int, ...]]:
    """The colours in the middle of each quarter of the screen, as they are drawn."""
    image = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    w, h = image.size
    return [image.getpixel((x * w // 4, y * h // 4)) for y in (1, 3) for x in (1, 3)]


def near(colours: Any, *wanted: tuple[int, ...]) -> bool:
    return bool(np.abs(np.subtract(colours, wanted)).max() < 40)


def test_chromium_shows_moves_and_zooms(tmp_path):
    path = chromium()
    from playwright.sync_api import sync_playwright

    red, green, blue, white = (220, 30, 30), (30, 200, 30), (30, 30, 220), (240, 240, 240)
    pixels = np.zeros((3000, 4000, 3), np.uint8)
    pixels[:1500, :2000], pixels[:1500, 2000:] = red, green
    pixels[1500:, :2000], pixels[1500:, 2000:] = blue, white
    write_deep_zoom(tmp_path / "zoom", 4000, 3000, cut(pixels, 100))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 800, "height": 600})
        errors: list[object] = []
        page.on("pageerror", lambda error: errors.append(error))
        page.on("requestfailed", lambda request: errors.append(request.url))
        page.goto((tmp_path / "zoom" / "index.html").as_uri())
        settled = lambda: page.wait_for_timeout(400)
        settled()
        assert near(quarters(page), red, green, blue, white)
        page.mouse.move(200, 150)  # into the red
        for _ in range(4):
            page.mouse.wheel(0, -300)
        settled()
        assert near(quarters(page), red, red, red, red)
        assert page.evaluate("view.scale") == pytest.approx(0.2 * 16)
        page.mouse.down()
        page.mouse.move(100, 150, steps=5)
        page.mouse.up()
        before = page.evaluate("view.x")
        page.keyboard.press("ArrowRight")
        assert page.evaluate("view.x") > before
        page.keyboard.press("0")
        settled()
        assert near(quarters(page), red, green, blue, white)
        page.set_viewport_size({"width": 300, "height": 700})
        page.keyboard.press("Home")
        settled()
        assert page.evaluate("canvas.width") == 300
        browser.close()
    assert errors == []


def test_no_more_is_waiting_than_threads(monkeypatch):
    """Strips are made when there is room for them, not before."""
    made, written = [], []

    def strips():
        for i in range(30):
            made.append(i)
            yield noise(2, 3, 3)

    class File(io.BytesIO):
        def write(self, content: Any) -> int:
            written.append(len(made))
            return super().write(content)

    monkeypatch.setattr(_strips, "get_num_threads", lambda: 2)
    write_png(File(), 3, 60, strips())
    assert written[6] <= 4
