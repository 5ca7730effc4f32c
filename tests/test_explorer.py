"""``pp.explorer``: what gestures do, where pixels are, and which bytes a picture has."""

from __future__ import annotations

import math

import numpy as np
import pytest

import pyparallel as pp
from pyparallel import explorer as module
from pyparallel.explorer import COLORS, Explorer, answer

WHOLE = {"mandelbrot", "julia"}


def zoom(panel: str, factor: object, at: object = (10, 20)) -> dict[str, object]:
    return {"do": "zoom", "panel": panel, "factor": factor, "at": at}


def drag(panel: str, by: object) -> dict[str, object]:
    return {"do": "drag", "panel": panel, "by": by}


# --- Where pixels are ----------------------------------------------------------------------------


@pytest.mark.parametrize("panel", sorted(WHOLE))
@pytest.mark.parametrize("size", [16, 33, 64])
def test_pixels_are_counted_from_the_upper_left(panel, size):
    explorer = Explorer(size)
    upper_row_first = explorer.boxes[panel].grid()[::-1]
    for y, x in [(0, 0), (0, size - 1), (size - 1, 0), (5, 9)]:
        assert explorer.point(panel, x, y) == pytest.approx(upper_row_first[y, x], abs=1e-14)
    assert explorer.pixel(panel, explorer.point(panel, 3.25, 11)) == pytest.approx((3.25, 11))


# --- Gestures ------------------------------------------------------------------------------------


@pytest.mark.parametrize("panel", sorted(WHOLE))
def test_what_is_dragged_stays_below_the_pointer(panel):
    explorer = Explorer(64)
    other = next(iter(WHOLE - {panel}))
    before = explorer.point(panel, 10, 20), explorer.boxes[other], explorer.boxes[panel].extent
    assert explorer.apply(drag(panel, [7, -3])) == {panel}
    assert explorer.point(panel, 17, 17) == pytest.approx(before[0], abs=1e-14)
    assert (explorer.boxes[other], explorer.boxes[panel].extent) == before[1:]


@pytest.mark.parametrize("factor", [0.5, 1, 1.1, 8])
def test_a_zoom_leaves_the_point_below_the_pointer_where_it_is(factor):
    explorer = Explorer(64)
    before, extent = explorer.point("julia", 10, 20), explorer.boxes["julia"].extent
    assert explorer.apply(zoom("julia", factor)) == {"julia"}
    assert explorer.point("julia", 10, 20) == pytest.approx(before, abs=1e-14)
    assert explorer.boxes["julia"].extent == pytest.approx(extent / factor)


def test_zooming_in_and_out_again_leads_back():
    explorer = Explorer(64)
    before = explorer.boxes["mandelbrot"]
    for factor in (2, 4, 0.25, 0.5):
        explorer.apply(zoom("mandelbrot", factor))
    assert explorer.boxes["mandelbrot"].center == pytest.approx(before.center)
    assert explorer.boxes["mandelbrot"].extent == pytest.approx(before.extent)


def test_there_is_a_narrowest_and_a_widest_picture():
    explorer = Explorer(64)
    for _ in range(300):
        explorer.apply(zoom("mandelbrot", 1.5, [31, 40]))
    points = explorer.boxes["mandelbrot"].grid()
    assert len(np.unique(points.real)) == len(np.unique(points.imag)) == 64
    for _ in range(300):
        explorer.apply(zoom("mandelbrot", 0.5))
    assert explorer.boxes["mandelbrot"].extent == 8 + 8j
    explorer.apply(drag("mandelbrot", [1e300, -1e300]))
    assert explorer.boxes["mandelbrot"].center == -4 - 4j


def test_a_picked_point_is_the_one_below_the_pointer():
    explorer = Explorer(64)
    before = dict(explorer.boxes)
    assert explorer.apply({"do": "pick", "at": [40, 12]}) == {"julia"}
    assert explorer.c == explorer.point("mandelbrot", 40, 12)
    assert explorer.boxes == before


def test_iterations_and_colours_change_both_pictures():
    explorer = Explorer(64)
    assert explorer.apply({"do": "iterations", "value": 99}) == WHOLE
    assert explorer.apply({"do": "colors", "value": "ice"}) == WHOLE
    assert (explorer.max_iter, explorer.colors) == (99, "ice")


def test_home_leads_back_and_leaves_the_rest():
    explorer = Explorer(64, c=1j, max_iter=50)
    before = dict(explorer.boxes)
    for panel in WHOLE:
        explorer.apply(zoom(panel, 3))
    assert explorer.apply({"do": "home"}) == WHOLE
    assert (explorer.boxes, explorer.c, explorer.max_iter) == (before, 1j, 50)


@pytest.mark.parametrize(
    ("gesture", "message"),
    [
        ({}, "there is no gesture None"),
        ({"do": "dance"}, "there is no gesture 'dance'"),
        (zoom("both", 2), "panel must be 'mandelbrot' or 'julia', not 'both'"),
        (zoom("julia", 0), "factor must be a positive number, not 0"),
        (zoom("julia", math.inf), "factor must be a positive number, not inf"),
        (zoom("julia", "2"), "factor must be a positive number, not '2'"),
        (zoom("julia", 2, [1]), r"at must be two finite numbers, not \[1\]"),
        (drag("julia", None), "by must be two finite numbers, not None"),
        (drag("julia", [math.nan, 0]), r"by must be two finite numbers, not \[nan, 0\]"),
        ({"do": "iterations", "value": 0}, "max_iter must be between 1 and 65536, not 0"),
        ({"do": "colors", "value": "mud"}, "colors must be one of 'dusk', .*, not 'mud'"),
    ],
)
def test_a_gesture_that_cannot_be_changes_nothing(gesture, message):
    explorer = Explorer(64)
    before = dict(explorer.boxes), explorer.c, explorer.max_iter, explorer.colors
    with pytest.raises(ValueError, match=f"^explore: {message}"):
        explorer.apply(gesture)
    assert (explorer.boxes, explorer.c, explorer.max_iter, explorer.colors) == before


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"size": 15}, ValueError, "size must be between 16 and 4096, not 15"),
        ({"size": 5000}, ValueError, "size must be between 1 and 4096, not 5000"),
        ({"size": 64.0}, TypeError, "size must be an integer, not float"),
        ({"c": "1"}, TypeError, "c must be a number, not str"),
        ({"c": math.nan}, ValueError, "c must be finite, not nan"),
        ({"max_iter": 2**17}, ValueError, "max_iter must be between 1 and 65536"),
        ({"colors": None}, ValueError, "colors must be one of"),
    ],
)
def test_wrong_arguments(options, error, message):
    with pytest.raises(error, match=f"^explore: {message}"):
        Explorer(**options)


# --- Pictures ------------------------------------------------------------------------------------


@pytest.mark.parametrize("colors", COLORS)
@pytest.mark.parametrize("max_iter", [1, 2, 50, 3000])
def test_a_picture_has_a_colour_for_each_count(colors, max_iter):
    explorer = Explorer(64, max_iter=max_iter, colors=colors)
    pictures = {
        "mandelbrot": pp.mandelbrot(explorer.boxes["mandelbrot"], max_iter),
        "julia": pp.julia(explorer.boxes["julia"], explorer.c, max_iter),
    }
    for panel, counts in pictures.items():
        frame = explorer.frame(panel)
        assert (frame.dtype, frame.shape) == (np.uint8, (64, 64, 4))
        assert (frame[..., 3] == 255).all()
        of_count: dict[int, bytes] = {}
        for count, pixel in zip(counts[::-1].ravel().tolist(), frame.reshape(-1, 4), strict=True):
            assert of_count.setdefault(count, pixel.tobytes()) == pixel.tobytes()
        assert of_count.get(max_iter - 1, b"\0\0\0\xff") == b"\0\0\0\xff"


@pytest.mark.parametrize("colors", COLORS)
def test_a_palette_goes_round_without_a_jump(colors):
    table = module._table(colors, 40_000)[:-1, :3].astype(int)
    first = COLORS[colors][0]
    assert table[0].tolist() == [int(first[k : k + 2], 16) for k in (1, 3, 5)]
    assert (table[0] == table[256]).all()  # the square root of 256 is 16
    steps = np.abs(np.diff(table[400:], axis=0))
    assert steps.max() <= 40


# --- Messages ------------------------------------------------------------------------------------


def test_only_pictures_that_changed_are_sent():
    explorer = Explorer(32)
    said, frames = answer(explorer, {"gestures": [drag("julia", [1, 1]), zoom("julia", 2)]})
    assert said["panels"] == ["julia"]
    assert frames == [explorer.frame("julia").tobytes()]
    said, frames = answer(explorer, {"gestures": [{"do": "show"}]})
    assert said["panels"] == ["julia", "mandelbrot"]
    assert frames == [explorer.frame(panel).tobytes() for panel in said["panels"]]
    assert all(len(frame) == 4 * 32 * 32 for frame in frames)


def test_an_answer_says_what_the_state_is():
    explorer = Explorer(32, c=0.25 - 0.5j)
    said, _ = answer(explorer, {"gestures": [{"do": "iterations", "value": 70}]})
    assert (said["c"], said["max_iter"], said["colors"]) == ([0.25, -0.5], 70, "dusk")
    assert explorer.point("mandelbrot", *said["mark"]) == pytest.approx(0.25 - 0.5j)
    assert said["extent"] == {"mandelbrot": 3.0, "julia": 3.4}
    assert said["seconds"] > 0
    assert "error" not in said


def test_a_wrong_gesture_is_answered_and_the_others_count():
    """Without an answer, the browser would wait for it."""
    explorer = Explorer(32)
    wrong = [{"do": "dance"}, {"do": "iterations"}, {"do": "iterations", "value": 7.5}]
    said, frames = answer(explorer, {"gestures": [*wrong, drag("julia", [1, 1])]})
    assert "max_iter must be an integer" in said["error"]
    assert (said["panels"], len(frames)) == (["julia"], 1)
    assert answer(explorer, {})[0]["panels"] == []


# --- The widget ----------------------------------------------------------------------------------


def test_the_widget_answers_what_the_browser_says(monkeypatch):
    pytest.importorskip("anywidget")
    widget = pp.explorer.explore(32, c=0.3j)
    sent = []
    monkeypatch.setattr(widget, "send", lambda said, frames: sent.append((said, frames)))
    widget._handle_custom_msg({"gestures": [{"do": "pick", "at": [3, 4]}]}, [])
    widget.explorer.max_iter = 60
    widget.refresh()
    (picked, _), (refreshed, frames) = sent
    assert (picked["panels"], refreshed["panels"]) == (["julia"], ["julia", "mandelbrot"])
    assert refreshed["max_iter"] == 60
    assert frames[1] == widget.explorer.frame("mandelbrot").tobytes()
    assert (widget.size, widget.palettes) == (32, list(COLORS))
    assert "export default" in widget._esm


def test_without_anywidget_the_extra_is_named(run_python):
    code = (
        "import sys; sys.modules['anywidget'] = None\n"
        "import pyparallel as pp\n"
        "print(pp.explorer.Explorer(16).frame('julia').shape)\n"
        "try: pp.explorer.explore()\n"
        "except ImportError as error: print(error)"
    )
    shape, said = run_python(code).stdout.splitlines()
    assert shape == "(16, 16, 4)"
    assert said.startswith("explore: anywidget is missing: pip install")
    assert said.endswith('[lesson]"')
