"""The ready-made contestants do the same work: equal counts, however each comes by them."""

from __future__ import annotations

import sys
import warnings

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import pyparallel as pp
from pyparallel import _contestant_kernels, _libraries, contestants
from tests.reference import escape_counts

ALL = ["NumPy", "Numba serial", "Numba parallel", "Dask", "pyparallel"]

BOXES = {
    "whole set": pp.Box(33, 21, center=-0.8, extent=3 + 2.5j),
    "the lesson's view": pp.Box(19, 23, center=-1.1195 + 0.2718j, extent=0.005 + 0.005j),
    "a crop": pp.Box(70, 90, -0.7453 + 0.1127j, 0.01 + 0.01j).crop(slice(13, 31), slice(40, 69)),
    "one row": pp.Box(40, 1, center=-0.75 + 0.1j, extent=0.1 + 0.1j),
    "one column": pp.Box(1, 40, center=-0.75 + 0.1j, extent=0.1 + 0.1j),
    "one pixel": pp.Box(1, 1, center=0.3, extent=1 + 1j),
    "all inside": pp.Box(9, 7, center=-0.1, extent=0.01 + 0.01j),
    "all outside": pp.Box(9, 7, center=30, extent=1 + 1j),
    "touching 2": pp.Box(3, 3, center=-2, extent=3e-16 + 3e-16j),
    "overflowing": pp.Box(9, 7, center=1e200j, extent=4e200 + 4e200j),
}


def all_of(problem: contestants.Problem) -> dict:
    assert problem.small is not None
    return {**problem.small.contestants, **problem.contestants}


@pytest.mark.parametrize("max_iter", [1, 2, 150])
@pytest.mark.parametrize("view", BOXES)
def test_all_contestants_count_as_the_plain_loop(view, max_iter):
    box = BOXES[view]
    expected = escape_counts(0, box.grid(), max_iter)
    for name, contestant in contestants.mandelbrot(box, max_iter).contestants.items():
        counts = contestant()
        assert_array_equal(counts, expected, err_msg=name)
        assert counts.dtype == np.int32, name


@pytest.mark.parametrize("max_iter", [1, 2, 150])
@pytest.mark.parametrize("c", [-0.8 + 0.156j, -2, 0.25, -0.1 + 0.65j, 1e300 - 1e300j])
@pytest.mark.parametrize("view", BOXES)
def test_all_contestants_count_the_julia_set_as_the_plain_loop(view, c, max_iter):
    box = BOXES[view]
    expected = escape_counts(box.grid(), c, max_iter)
    assert_array_equal(_contestant_kernels.by_python(box, c, max_iter), expected)
    for name, contestant in contestants.julia(box, c, max_iter).contestants.items():
        counts = contestant()
        assert_array_equal(counts, expected, err_msg=name)
        assert counts.dtype == np.int32, name


@pytest.mark.parametrize("max_iter", [1, 150])
@pytest.mark.parametrize("view", ["whole set", "touching 2", "overflowing"])
def test_the_small_problem_counts_as_the_plain_loop(view, max_iter):
    box = BOXES[view]
    small = contestants.mandelbrot(box, max_iter).small
    expected = escape_counts(0, box.grid(), max_iter)
    assert next(iter(small.contestants)) == "pure Python"
    for name, contestant in small.contestants.items():
        assert_array_equal(contestant(), expected, err_msg=name)


def test_numpy_works_in_blocks_without_a_seam(monkeypatch):
    box = BOXES["whole set"]
    expected = escape_counts(0, box.grid(), 100)
    for points in (1, 40, 10**6):
        monkeypatch.setattr(_contestant_kernels, "POINTS_A_BLOCK", points)
        assert_array_equal(contestants.mandelbrot(box, 100).contestants["NumPy"](), expected)


@pytest.mark.parametrize(
    "problem",
    [
        contestants.mandelbrot(pp.Box(48, 48, center=-0.8, extent=3 + 3j), 60),
        contestants.julia(pp.Box(48, 48, center=0, extent=3 + 3j), max_iter=60),
    ],
    ids=lambda problem: problem.title.split(",")[0],
)
def test_the_race_of_all_contestants_runs(problem):
    outcome = pp.race(problem.small.contestants, repeat=1)
    assert outcome.names == ("pure Python", *(name for name in ALL if name not in problem.missing))


def test_a_wrong_contestant_is_named_and_no_time_is_shown(capsys):
    problem = contestants.mandelbrot(BOXES["whole set"], 60)

    def wrong() -> np.ndarray:
        counts = escape_counts(0, BOXES["whole set"].grid(), 60)
        counts[10, 20] += 1
        return counts

    with pytest.raises(pp.RaceError, match='"mine" disagrees with "NumPy": 1 of 693 elements'):
        pp.race({**problem.contestants, "mine": wrong})
    assert capsys.readouterr() == ("", "")


def test_the_default_is_the_lessons_case():
    problem = contestants.mandelbrot()
    lessons = pp.Box(1024, 1024, center=-1.1195 + 0.2718j, extent=0.005 + 0.005j)
    assert lessons == contestants.BOX
    assert problem.title == "Mandelbrot set, 1024 x 1024 pixels, at most 1024 iterations"
    assert problem.small.title.startswith("Mandelbrot set, 128 x 128 pixels")
    assert "plain Python" in problem.small.title
    assert "pure Python" not in problem.contestants


def test_the_default_julia_set_is_the_dragon():
    problem = contestants.julia()
    assert problem.title == "Julia set of -0.8+0.156i, 1024 x 1024 pixels, at most 1024 iterations"
    assert problem.small.title.startswith("Julia set of -0.8+0.156i, 128 x 128 pixels")
    assert_array_equal(
        problem.contestants["pyparallel"](),
        pp.julia(pp.Box(1024, 1024, center=0, extent=3.2 + 3.2j), -0.8 + 0.156j, 1024),
    )


@pytest.mark.parametrize(
    ("size", "shrunk"),
    [((1024, 512), (128, 64)), ((100, 3), (100, 3)), ((129, 2), (64, 1)), ((1000, 1), (125, 1))],
)
def test_the_small_problem_shows_the_same_in_fewer_pixels(size, shrunk):
    small = contestants._shrunk(pp.Box(*size, center=1j, extent=2 + 1j))
    assert (small.width, small.height) == shrunk
    assert (small.center, small.extent) == (1j, 2 + 1j)


def test_contestants_use_the_threads_in_force():
    numba = pytest.importorskip("numba")
    problem = contestants.mandelbrot(BOXES["whole set"], 150)
    expected = problem.contestants["pyparallel"]()
    before = numba.get_num_threads()
    for n in (1, 2, 1000):
        with pp.threads(n):
            for name, contestant in problem.contestants.items():
                assert_array_equal(contestant(), expected, err_msg=f"{name}, {n} threads")
    assert numba.get_num_threads() == before


def test_numba_is_told_the_threads_in_force(monkeypatch):
    numba = pytest.importorskip("numba")
    told = []
    monkeypatch.setattr(numba, "set_num_threads", told.append)
    with pp.threads(1):
        contestants.mandelbrot(BOXES["one pixel"], 2).contestants["Numba parallel"]()
    assert told == [1, numba.get_num_threads()]


def test_without_numba_dask_runs_numpys_form(monkeypatch):
    pytest.importorskip("dask.array")
    monkeypatch.setitem(sys.modules, "numba", None)
    _contestant_kernels.compiled.cache_clear()
    problem = contestants.mandelbrot(BOXES["whole set"], 150)
    assert list(problem.contestants) == ["NumPy", "Dask", "pyparallel"]
    assert set(problem.missing) == {"Numba serial", "Numba parallel"}
    expected = escape_counts(0, BOXES["whole set"].grid(), 150)
    assert_array_equal(problem.contestants["Dask"](), expected)


def test_without_numba_and_dask_the_rest_still_race(monkeypatch):
    for library in ("numba", "dask.array"):
        monkeypatch.setitem(sys.modules, library, None)
    problem = contestants.mandelbrot(BOXES["whole set"], 50)
    assert list(problem.contestants) == ["NumPy", "pyparallel"]
    assert list(problem.small.contestants) == ["pure Python", "NumPy", "pyparallel"]
    assert problem.small.missing == problem.missing
    for name in ("Numba serial", "Numba parallel", "Dask"):
        assert problem.missing[name].startswith("pip install ")
        assert "[lesson]" in problem.missing[name]
    assert pp.race(problem.contestants, repeat=1).names == ("NumPy", "pyparallel")


def test_a_library_that_refuses_to_load_is_missing_with_its_reason(monkeypatch):
    def refuse(name: str) -> None:
        raise ImportError(f"{name} needs an older NumPy.\nSee its documentation.")

    monkeypatch.setattr(_libraries, "import_module", refuse)
    assert contestants.mandelbrot().missing["Numba serial"] == "numba needs an older NumPy."


def test_sources_are_of_the_peers_that_race(monkeypatch):
    monkeypatch.setitem(sys.modules, "dask.array", None)
    problem = contestants.mandelbrot()
    assert set(problem.sources) == set(problem.contestants) - {"pyparallel"}
    assert all(url.startswith("https://") for url in problem.sources.values())


def test_problems_are_built_by_name():
    assert {name: build().title for name, build in contestants.problems().items()} == {
        "mandelbrot": "Mandelbrot set, 1024 x 1024 pixels, at most 1024 iterations",
        "mandelbrot-whole": "Mandelbrot set, 1024 x 1024 pixels, at most 256 iterations",
        "mandelbrot-deep": "Mandelbrot set, 1024 x 1024 pixels, at most 5000 iterations",
        "julia": "Julia set of -0.8+0.156i, 1024 x 1024 pixels, at most 1024 iterations",
        "pi": "pi by Monte Carlo, 10000000 samples, equal within 5 standard errors (0.0037)",
        "sum": "sum of 10000000 float64, equal within a relative 1e-10",
        "var": "var of 10000000 float64, equal within a relative 1e-10",
        "fsum": "fsum of 10000000 float64, equal to the bit",
        "match": "nearest of 10000 tiles for each of 10000 targets, 3 features, equal distances",
        "match-wide": "nearest of 10000 tiles for each of 2000 targets, 75 features, "
        "equal distances",
        "assign": "each of 1024 tiles once, for 1024 targets, 3 features, equal sums of distances",
        "assemble": "a picture of 100 x 100 tiles of 50 x 50 pixels",
    }


@pytest.mark.parametrize(
    ("name", "max_iter"), [("mandelbrot-whole", 256), ("mandelbrot-deep", 5000)]
)
def test_the_whole_set_is_raced_short_and_deep(name, max_iter):
    whole = pp.Box(1024, 1024, center=-0.8, extent=3 + 3j)
    counts = contestants.problems()[name]().contestants["pyparallel"]()
    assert_array_equal(counts, pp.mandelbrot(whole, max_iter))


def test_numba_compiles_at_the_first_call_and_leaves_no_files(run_python, tmp_path):
    pytest.importorskip("numba")
    code = """
import pyparallel as pp
from pyparallel._contestant_kernels import compiled
problem = pp.contestants.mandelbrot(pp.Box(2, 2, 0, 1 + 1j), 2)
print(compiled.cache_info().currsize)
problem.contestants["Numba serial"]()
print([len(kernel.signatures) for kernel in compiled()])
"""
    shown = run_python(code, NUMBA_CACHE_DIR=str(tmp_path)).stdout
    assert shown.split("\n")[:2] == ["0", "[1, 0]"]
    assert not list(tmp_path.iterdir())


def test_overflow_is_silent():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for problem in (
            contestants.mandelbrot(BOXES["overflowing"], 50),
            contestants.julia(BOXES["overflowing"], 1e300, 50),
        ):
            for contestant in all_of(problem).values():
                contestant()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (((4, 4),), TypeError, "box must be a pyparallel.Box, not tuple"),
        ((None, 0), ValueError, "max_iter must be between 1 and 2147483647, not 0"),
        ((None, 2**31), ValueError, "max_iter must be between 1 and 2147483647, not 2147483648"),
        ((None, 10**5000), ValueError, "max_iter must be .*, not one of 16610 bits"),
        ((None, True), TypeError, "max_iter must be an integer, not bool"),
        ((None, 10.0), TypeError, "max_iter must be an integer, not float"),
    ],
)
def test_wrong_arguments_are_refused_by_name(arguments, error, message):
    with pytest.raises(error, match=f"contestants.mandelbrot: {message}"):
        contestants.mandelbrot(*arguments)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (((4, 4),), TypeError, "box must be a pyparallel.Box, not tuple"),
        ((None, "1"), TypeError, "c must be a number, not str"),
        ((None, None), TypeError, "c must be a number, not NoneType"),
        ((None, complex("nan")), ValueError, "c must be finite, not"),
        ((None, 10**400), ValueError, "c is too large for a float64"),
        ((None, 1j, 0), ValueError, "max_iter must be between 1 and 2147483647, not 0"),
    ],
)
def test_wrong_arguments_of_julia_are_refused_by_name(arguments, error, message):
    with pytest.raises(error, match=f"contestants.julia: {message}"):
        contestants.julia(*arguments)
