"""The demo measures what it says, and its report needs nothing but itself."""

import getpass
import io
import itertools
import platform
import subprocess
import sys
import time
from dataclasses import replace
from functools import partial
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import pyparallel as pp
from pyparallel import _demo_mosaic, _demo_problems, contestants, demo, report
from pyparallel._demo_mosaic import Exhibit
from pyparallel.contestants import Problem
from pyparallel.demo import Demo, Event, Lost
from pyparallel.racing import Race
from pyparallel.rendering import Picture
from tests.reference import escape_count


def raced(**seconds):
    names = [name.replace("_", " ") for name in seconds]
    times = {name: (2 * t, t, 3 * t) for name, t in zip(names, seconds.values(), strict=True)}
    return Race(times, dict.fromkeys(names, 2048))


def problem(title, small=None):
    missing, sources = {"Dask": "pip install <dask>"}, {"NumPy": "https://numpy.org"}
    return Problem(title, {}, missing, sources, small, agreement="equal in every pixel")


@pytest.fixture
def page():
    box = pp.Box(32, 24, -0.65, 3 + 2.4j)
    first = Event(
        problem("Mandelbrot set, 32 x 24 pixels", problem("Mandelbrot set, small")),
        raced(NumPy=2.0, Numba_parallel=0.5, pyparallel=0.02),
        Picture(box, 100),
        raced(pure_Python=4.0, pyparallel=0.001),
    )
    second = Event(
        problem("Julia set of -0.8+0.156i, 32 x 24 pixels"),
        raced(NumPy=2.0, pyparallel=0.04),
        Picture(box, 100, -0.8 + 0.156j),
        None,
    )
    third = Event(
        replace(problem("sum of 9 float64"), agreement="equal within a relative 1e-10"),
        raced(NumPy=0.2, Numba_parallel=0.05, pyparallel=0.1),
        None,
        raced(pure_Python=4.0, pyparallel=0.001),
        "A remark & more.",
    )
    lost = Lost("One point", raced(plain_Python=1e-6, pyparallel=2e-6), "Calls & work.")
    machine = {"CPU": "A <fast> one", "threads": "2 (affinity)"}
    exhibit = Exhibit(b"whole", b"near", "Nine places & more.", "pyparallel mosaic a.jpg -o b.png")
    events = [first, second, third]
    return report.page(Demo("This machine is ready.", events, [lost], machine, exhibit))


class Page(HTMLParser):
    """The elements of a page in order, with their attributes, and its text."""

    EMPTY = ("meta", "img", "br", "link", "input")

    def __init__(self, html):
        super().__init__()
        self.elements, self.open, self.text = [], [], ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.text += data


def test_the_page_needs_nothing_from_elsewhere(page):
    parsed = Page(page)
    tags = {tag for tag, _ in parsed.elements}
    assert not tags & {"script", "link", "iframe", "object", "embed", "video", "base", "form"}
    for tag, attributes in parsed.elements:
        for name in ("src", "srcset", "data", "poster", "background", "action"):
            assert attributes.get(name, "data:").startswith("data:")
        assert "http-equiv" not in attributes
        if tag != "a":
            assert "href" not in attributes
    assert "url(" not in report.STYLE and "@import" not in report.STYLE


def test_the_page_is_well_formed_and_readable_by_all(page):
    parsed = Page(page)
    assert page.startswith("<!DOCTYPE html>")
    assert not parsed.open
    pictures = [attributes for tag, attributes in parsed.elements if tag == "img"]
    assert len(pictures) == 4
    assert all(attributes["alt"] for attributes in pictures)
    assert ("html", {"lang": "en"}) in parsed.elements
    assert [tag for tag, _ in parsed.elements].count("h1") == 1
    for rule in ("prefers-color-scheme: dark", "@media print", "max-width: 46rem"):
        assert rule in report.STYLE


def test_the_first_screen_is_verdict_picture_chart(page):
    tags = [tag for tag, _ in Page(page).elements]
    assert tags.index("h1") < tags.index("img") < tags.index("ul") < tags.index("table")
    text = Page(page).text
    assert text.index("Equal in every pixel") < text.index("speed-up against NumPy")


def test_numbers_have_bars_without_a_picture_and_say_how_far_they_agree(page):
    text = Page(page).text
    below = text[text.index("sum of 9 float64") :]
    for words in (
        "Equal within a relative 1e-10 to the results of NumPy and Numba parallel",
        "With less work plain Python agrees, too.",
        "sum of 9 float64: speed-up against NumPy",
        "A remark & more.",
    ):
        assert words in below
    assert [tag for tag, _ in Page(page).elements].count("ul") == 3


def test_the_page_names_the_winner_where_it_is_another(page):
    text = Page(page).text
    assert "Numba parallel was the fastest here: 50.0 ms against 100 ms of pyparallel." in text
    assert text.count("was the fastest here") == 1


def test_the_headline_is_what_was_measured(page):
    assert (
        "The Mandelbrot set in C takes 20.0 ms on 2 threads: "
        "100 times as fast as NumPy and 25 times as fast as parallel Numba." in Page(page).text
    )


def test_the_headline_does_without_who_did_not_race():
    event = Event(problem("p"), raced(NumPy=0.06, pyparallel=0.02), None, None)
    line = report.headline(event, {"threads": "1 (affinity)"})
    assert line == "The Mandelbrot set in C takes 20.0 ms on 1 thread: 3.0 times as fast as NumPy."


def test_bars_are_as_long_as_the_speedups(page):
    widths = [attributes["style"] for _, attributes in Page(page).elements if "style" in attributes]
    assert widths[:3] == ["width: 1.0%", "width: 4.0%", "width: 100.0%"]


def test_the_page_says_who_is_missing_where_others_win_and_how_to_repeat_it(page):
    text = Page(page).text
    for words in (
        "Dask did not race: pip install <dask>",
        "Where others win",
        "Calls & work.",
        "If you can't write C",
        "Numba parallel was the fastest",
        "A <fast> one",
        "This machine is ready.",
        "pyparallel demo",
        "pyparallel race mandelbrot --isa all",
        "pyparallel race var",
        "A mosaic of fractals",
        "Nine places & more.",
        "pyparallel mosaic a.jpg -o b.png",
        "pyparallel render --center -0.65+0.0j --extent 3.0+2.4j --size 32x24 --max-iter 100",
    ):
        assert words in text


def test_one_point_and_the_ship_race_on_the_same_work():
    point = _demo_problems.POINT
    expected = escape_count(0.0, 0.0, point.real, point.imag, _demo_problems.MAX_ITER)
    assert {run() for run in _demo_problems.one_point().contestants.values()} == {expected}
    plain, compiled = (run() for run in _demo_problems.burning_ship(24).contestants.values())
    np.testing.assert_array_equal(plain, compiled)
    assert len(np.unique(plain)) > 5


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(demo, "SIDES", (64,))
    monkeypatch.setattr(demo, "MOST_RUNS", 3)
    for name in ("pi", "sum", "var"):
        monkeypatch.setattr(contestants, name, partial(getattr(contestants, name), 5000))
    small = partial(_demo_mosaic.make, tiles=130, grid=(12, 10), side=8)
    monkeypatch.setattr(_demo_mosaic, "make", small)
    monkeypatch.setattr("pyparallel.doctor.TIME_TO_MEASURE", 0.0)


def test_a_demo_tells_as_it_goes_and_returns_it_all(quick):
    told = []
    result = demo.show(told.append)
    assert told[0].startswith("Mandelbrot set, 1024 x 1024 pixels, in C: ")
    assert told[1].strip() == result.verdict
    titles = [event.problem.title for event in result.events]
    assert [title.split(",")[0] for title in titles] == [
        "Mandelbrot set",
        "Julia set of -0.8+0.156i",
        "pi by Monte Carlo",
        "sum of 5000 float64",
        "var of 5000 float64",
        "Nearest of 130 tiles to each of 120 places",
    ]
    shown = [text for text in told[2:] if not text.startswith("Mosaic")]
    assert len(shown) == len(told) - 3
    for title, text in zip([*titles, *(case.title for case in result.lost)], shown, strict=True):
        assert text.startswith(title)
        assert "All results agree" in text
    assert result.events[0].race.names == (
        "NumPy",
        "Numba serial",
        "Numba parallel",
        "Dask",
        "pyparallel",
    )
    assert result.events[0].small.names[0] == "pure Python"
    assert "Equal in every pixel" in report.page(result)


def test_a_demo_without_numba_and_dask_still_has_a_report(quick, monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] in ("numba", "dask")]:
        monkeypatch.setitem(sys.modules, name, None)
    result = demo.show(lambda text: None)
    assert result.events[0].race.names == ("NumPy", "pyparallel")
    assert result.events[-2].race.names[:2] == ("NumPy", "NumPy in blocks")
    assert result.events[-1].race.names == ("NumPy", "SciPy cKDTree", "pyparallel")
    assert [case.title for case in result.lost] == ["One point that escapes at once"]
    text = Page(report.page(result)).text
    assert "Numba serial did not race" in text


def test_the_mosaic_uses_no_tile_twice_and_says_what_was_done(tmp_path):
    path = tmp_path / "photo.png"
    Image.fromarray(np.random.default_rng(1).integers(0, 256, (48, 40, 3), np.uint8)).save(path)
    making = _demo_mosaic.make(path, tiles=40, grid=(6, 5), side=10)
    indices = making.mosaic.indices.ravel()
    assert len(set(indices.tolist())) == 30
    shown = _demo_mosaic.exhibit(making)
    assert "in 30 of 40 Julia sets, none used twice: 50 x 60 pixels" in shown.text
    assert "proven to be the least" in shown.text
    assert Image.open(io.BytesIO(shown.whole)).size == (50, 60)
    assert "--fractal 40 --max-uses 1 --grid 5x6 " in shown.command
    mosaic = making.mosaic
    problem = _demo_mosaic.matching(mosaic.wanted, mosaic.offered)
    found = {name: run() for name, run in problem.contestants.items()}
    costs = ((mosaic.wanted[:, None].astype(int) - mosaic.offered) ** 2).sum(axis=2)
    for name, indices in found.items():
        np.testing.assert_array_equal(costs[range(30), indices], costs.min(axis=1), err_msg=name)
        assert np.all(problem.check(found["pyparallel"], indices))
    assert not np.all(problem.check(found["pyparallel"], costs.argmax(axis=1)))


def test_without_matplotlib_there_is_no_mosaic(quick, monkeypatch):
    monkeypatch.setattr(_demo_mosaic, "photograph", lambda: None)
    result = demo.show(lambda text: None)
    assert result.mosaic is None
    assert "A mosaic of fractals" not in report.page(result)


@pytest.mark.parametrize(
    ("seconds", "side"), [(0.001, 1024), (0.05, 512), (0.3, 256), (100.0, 256)]
)
def test_slow_machines_race_for_smaller_pictures(monkeypatch, seconds, side):
    monkeypatch.setattr(demo, "_time_of", lambda f: seconds)
    built = []

    def build(side):
        built.append(side)
        return Problem("p", {"NumPy": lambda: None}, {}, {})

    assert demo._side(build) == side
    assert built == [128]


@pytest.mark.parametrize(("seconds", "runs"), [(0.01, 7), (1.3, 3), (60.0, 3), (1.07, 5)])
def test_runs_fit_the_time_there_is(monkeypatch, seconds, runs):
    monkeypatch.setattr(demo, "_time_of", lambda f: seconds)
    made = []
    monkeypatch.setattr(demo, "_race", lambda problem, repeat: made.append(repeat))
    demo._event(Problem("p", {"NumPy": lambda: None}, {}, {}), None)
    assert made == [runs]


def test_the_machine_is_told_in_general_terms():
    told = demo.machine()
    text = " ".join(itertools.chain(*told.items()))
    assert told["CPU"]
    assert told["NumPy"] == np.__version__
    assert platform.python_version() in told["Python"]
    for private in (platform.node(), str(Path.home()), sys.prefix):
        assert len(private) < 3 or private not in text
    assert getpass.getuser() not in text.split()


def test_the_first_result_comes_within_five_seconds(tmp_path):
    start = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "pyparallel", "demo", "-o", str(tmp_path / "report.html")],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        first = process.stdout.readline()
        took = time.perf_counter() - start
        process.kill()
    assert first.startswith("Mandelbrot set, ")
    assert took < 5  # promised; it takes about half a second on an idle machine
