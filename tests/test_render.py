"""Pictures: their colours, their file, and what remains of them after Ctrl-C."""

import math
import os
import shlex
import signal
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
from PIL import Image

import pyparallel as pp
from pyparallel import rendering
from pyparallel._files import check_writable, replacing
from pyparallel.cli import run
from pyparallel.rendering import Picture, draw, save, smooth
from tests.reference import escape_count, escape_counts

WHOLE = pp.Box(90, 60, center=-0.65 + 0.1j, extent=3.2 + 2.1j)
DRAGON = -0.8 + 0.156j


def pixels(picture, progress=None):
    return np.asarray(draw(picture, progress))


def grey(picture):
    return pixels(picture)[..., 0].astype(int)


# colours


def test_points_that_never_escape_are_black_and_no_other():
    picture = Picture(WHOLE, 200, cmap="spring", samples=1)
    inside = pp.mandelbrot(WHOLE, 200) == 199
    black = (pixels(picture) == 0).all(axis=-1)
    np.testing.assert_array_equal(black, inside[::-1])  # row 0 of a box is at the bottom


def test_colours_follow_the_smooth_counts():
    picture = Picture(WHOLE, 200, cmap="gray", samples=1)
    counts = pp.mandelbrot(WHOLE, 200)
    outside = counts < 199
    order = np.argsort(smooth(counts, 0, WHOLE.grid())[outside])
    shades = grey(picture)[::-1][outside][order]
    assert (np.diff(shades) >= 0).all()
    assert shades[0] == 0 and shades[-1] == 255


def test_full_contrast_gives_each_shade_the_same_area():
    picture = Picture(pp.Box(200, 150, -1.1195 + 0.2718j, 0.005 + 0.004j), cmap="gray", samples=1)
    outside = pp.mandelbrot(picture.box, 1000)[::-1] < 999
    shades = grey(Picture(**vars(picture) | {"contrast": 1.0}))[outside]
    below = [np.mean(shades < shade) for shade in (64, 128, 192)]
    linear = np.array([64, 128, 192]) / 255
    np.testing.assert_allclose(below, linear, atol=0.03)


@pytest.mark.parametrize("julia", [None, DRAGON])
def test_smooth_counts_are_those_of_the_formula(julia):
    box = pp.Box(23, 17, center=0.1, extent=3 + 2.5j)
    z, c = (0, box.grid()) if julia is None else (box.grid(), julia)
    counts = escape_counts(z, c, 150)
    result = smooth(counts, z, c)
    z, c = np.broadcast_arrays(z, c)
    for index, k in np.ndenumerate(counts):
        expected = float(k)
        if k < rendering.SMOOTH_BELOW:
            w = complex(z[index])
            for _ in range(k + 1 + rendering.STEPS_AFTER):
                w = w * w + complex(c[index])
            expected = max(0.0, k + 1 + rendering.STEPS_AFTER - math.log2(math.log2(abs(w))))
        assert result[index] == pytest.approx(expected, abs=1e-6)


def test_smooth_counts_have_no_steps_where_the_counts_have():
    c = np.linspace(0.35, 1.9, 20001).reshape(1, -1).astype(complex)
    counts = np.array([[escape_count(0.0, 0.0, x.real, 0.0, 1000) for x in c[0]]])
    assert set(np.diff(counts[0])) == {0, -1}
    assert np.abs(np.diff(smooth(counts, 0, c))).max() < 0.02


def test_far_points_overflow_without_a_word():
    box = pp.Box(9, 7, center=0, extent=1e200 + 1e200j)
    counts = pp.mandelbrot(box, 50)
    assert np.isfinite(smooth(counts, 0, box.grid())).all()
    assert pixels(Picture(box, 50)).shape == (7, 9, 3)


@pytest.mark.parametrize(
    "picture",
    [
        Picture(pp.Box(1, 1, 0, 1 + 1j)),
        Picture(pp.Box(1, 300, 0.3, 1 + 1j)),
        Picture(pp.Box(4, 3, -0.1, 0.01 + 0.01j)),
        Picture(pp.Box(4, 3, 3, 0.01 + 0.01j), max_iter=1),
        Picture(pp.Box(4, 3, 2, 1e-12 + 1e-12j)),
    ],
    ids=["one pixel inside", "one column", "all inside", "max_iter 1", "all the same"],
)
def test_any_box_can_be_drawn(picture):
    assert pixels(picture).shape == (picture.box.height, picture.box.width, 3)


@pytest.mark.parametrize("julia", [None, DRAGON])
def test_strips_do_not_show(monkeypatch, julia):
    picture = Picture(WHOLE, 100, julia)
    whole = pixels(picture)
    monkeypatch.setattr(rendering, "STRIP", 4 * 90 * 7)
    np.testing.assert_array_equal(pixels(picture), whole)
    monkeypatch.setattr(rendering, "STRIP", 1)
    np.testing.assert_array_equal(pixels(picture), whole)


def test_numbers_in_memory_do_not_grow_with_the_picture(monkeypatch):
    monkeypatch.setattr(rendering, "STRIP", 1 << 14)

    def peak(height):
        picture = Picture(pp.Box(256, height, -0.65, 3 + 3j), 50)
        tracemalloc.start()
        try:
            draw(picture)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(64)
    assert peak(2048) < 1.3 * peak(256)


def test_threads_do_not_change_the_picture():
    picture = Picture(WHOLE, 100)
    with pp.threads(1):
        one = pixels(picture)
    with pp.threads(3):
        np.testing.assert_array_equal(pixels(picture), one)


def test_progress_counts_up_to_all_points(monkeypatch):
    monkeypatch.setattr(rendering, "STRIP", 4 * 90 * 7)
    seen = []
    draw(Picture(WHOLE, 100), lambda done, total: seen.append((done, total)))
    dones, totals = zip(*seen, strict=True)
    assert set(totals) == {90 * 60 * 4}
    assert list(dones) == sorted(dones)
    assert dones[-1] == totals[0]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            {"cmap": "magmaa"},
            "cmap must name a matplotlib colour map, not 'magmaa'; did you mean ma",
        ),
        ({"contrast": 1.5}, "contrast must be between 0 and 1, not 1.5"),
        ({"contrast": math.nan}, "contrast must be between 0 and 1, not nan"),
        ({"samples": 0}, "samples must be between 1 and 8, not 0"),
    ],
)
def test_wrong_parameters_are_named(wrong, message):
    with pytest.raises(ValueError, match=f"^Picture: {message}"):
        Picture(WHOLE, **wrong)


def test_without_matplotlib_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"Picture: needs matplotlib: pip install .*\[cli\]"):
        Picture(WHOLE)


def test_pixels_closer_than_float64_are_noticed():
    assert not Picture(pp.Box(100, 100, -0.75 + 0.1j, 1e-12 + 1e-12j)).too_deep()
    assert Picture(pp.Box(100, 100, -0.75 + 0.1j, 1e-15 + 1e-15j)).too_deep()


# the file


@pytest.mark.parametrize(
    "options",
    [
        "--size 40x30",
        "--julia -0.8+0.156i --size 33x20 --max-iter 77 --cmap magma --samples 3 --contrast 0.1",
        "--center -1.1195+0.2718i --extent 0.005 --size 21x34 --samples 1",
        "--zoom 7e3 --center -0.7436438870371587+0.1318259042053119i --size 20x10",
    ],
)
def test_the_file_holds_the_command_that_draws_it_again(tmp_path, capsys, options):
    first, again = tmp_path / "first.png", tmp_path / "again.png"
    assert run(["render", *options.split(), "-o", str(first)]) == 0
    with Image.open(first) as image:
        command = shlex.split(image.text["Command"])
        size = image.size
    assert command[:2] == ["pyparallel", "render"]
    assert run([*command[1:], "-o", str(again)]) == 0
    assert again.read_bytes() == first.read_bytes()
    assert f"{size[0]} x {size[1]} pixels" in capsys.readouterr().out


def test_the_file_holds_each_parameter(tmp_path):
    box = pp.Box(12, 8, center=1 / 3 - 0.1j, extent=0.7 + 0.1j)
    save(Picture(box, 123, DRAGON, "magma", 0.25, 3), tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as image:
        text = image.text
    assert text["Title"] == "Julia set"
    assert text["Software"] == f"pyparallel {pp.__version__}"
    assert complex(text["center"]) == box.center
    assert complex(text["extent"]) == box.extent
    assert complex(text["julia"]) == DRAGON
    assert (text["size"], text["max-iter"], text["cmap"]) == ("12x8", "123", "magma")
    assert (text["contrast"], text["samples"]) == ("0.25", "3")


def test_extent_of_one_number_and_zoom_keep_the_pixels_square(tmp_path):
    path = tmp_path / "a.png"
    for options, extent in (("--extent 0.5", 0.5 + 0.25j), ("--zoom 2", 1.6 + 1.2j)):
        assert run(["render", *options.split(), "--size", "20x10", "-o", str(path)]) == 0
        with Image.open(path) as image:
            assert complex(image.text["extent"]) == extent


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("-0.8+0.156i", -0.8 + 0.156j),
        ("-0.8 - 0.156 I", -0.8 - 0.156j),
        ("−0.5", -0.5),  # noqa: RUF001 - a pasted minus
        ("i", 1j),
        ("-.5j", -0.5j),
        ("1e-3i", 1e-3j),
    ],
)
def test_complex_numbers_as_people_write_them(tmp_path, written, number):
    path = tmp_path / "a.png"
    assert run(["render", "--center", written, "--size", "2x2", "-o", str(path)]) == 0
    with Image.open(path) as image:
        assert complex(image.text["center"]) == number


def test_without_a_name_the_picture_is_named_after_the_set(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(["render", "--size", "3x2"]) == 0
    assert run(["render", "--size", "3x2", "--julia", "0.3"]) == 0
    assert {path.name for path in tmp_path.iterdir()} == {"mandelbrot.png", "julia.png"}


def test_a_note_where_float64_ends(tmp_path, capsys):
    path = str(tmp_path / "a.png")
    assert run(["render", "--zoom", "1e18", "--size", "3x2", "-o", path]) == 0
    assert capsys.readouterr().err.startswith("note: ")


# nothing by halves


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    for error in (KeyboardInterrupt, ValueError):
        with pytest.raises(error), replacing(path) as file:
            file.write(b"half")
            raise error
        assert [p.name for p in tmp_path.iterdir()] == ["file"]
        assert path.read_text() == "old"
    with replacing(path) as file:
        file.write(b"new")
        assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]
    assert path.read_text() == "new"


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions and links")
def test_a_replaced_file_has_usual_permissions_and_a_link_stays(tmp_path):
    path, link = tmp_path / "file", tmp_path / "link"
    link.symlink_to(path)
    with replacing(link) as file:
        file.write(b"new")
    usual = tmp_path / "usual"
    usual.write_bytes(b"")
    assert path.stat().st_mode == usual.stat().st_mode
    assert link.is_symlink() and link.read_bytes() == b"new"


def test_where_nothing_can_be_written_is_said_at_once(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        check_writable(tmp_path / "none" / "a.png")
    with pytest.raises(OSError, match="it is not a file"):
        check_writable(tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for one child")
def test_ctrl_c_leaves_no_half_file_and_one_line(tmp_path):
    path = tmp_path / "big.png"
    path.write_bytes(b"the old picture")
    code = (
        "import sys; from pyparallel import cli, rendering; draw = rendering.draw\n"
        "def telling(*args): print('drawing', flush=True); return draw(*args)\n"
        "rendering.draw = telling; sys.exit(cli.run(sys.argv[1:]))"
    )
    command = ["render", "--size", "20000x20000", "--samples", "8", "-o", str(path)]
    with subprocess.Popen(
        [sys.executable, "-c", code, *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout.readline() == "drawing\n"
        os.kill(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors.strip() == "pyparallel: stopped"
    assert path.read_bytes() == b"the old picture"
    assert list(tmp_path.iterdir()) == [path]
