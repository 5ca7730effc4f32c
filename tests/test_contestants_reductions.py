"""The contestants for sums and variances agree with exact arithmetic within the stated tolerance."""

from __future__ import annotations

import math
import sys
from fractions import Fraction

import numpy as np
import pytest

import pyparallel as pp
from pyparallel import _contestant_peers as peers
from pyparallel import _contestant_reductions as totals
from pyparallel import contestants

BUILD = {"sum": contestants.sum, "var": contestants.var, "fsum": contestants.fsum}
FIELDS = {"sum": peers.SUM, "var": peers.VAR, "fsum": peers.FSUM}


def exactly(function: str, a: np.ndarray) -> float:
    values = [Fraction(x) for x in a.tolist()]
    mean = sum(values) / len(values)
    if function == "var":
        return float(sum((x - mean) ** 2 for x in values) / len(values))
    return float(sum(values))


def forms(function: str) -> dict:
    """Those of the libraries that are here, and plain Python's."""
    field = FIELDS[function]
    here = {name: field.forms[name] for name in BUILD[function](1).contestants}
    return {"pure Python": field.python, **here} if field.python else here


@pytest.mark.parametrize("n", [2, 3, 1000, 4097, 10_000])
@pytest.mark.parametrize("function", BUILD)
def test_all_forms_give_the_exact_result_but_for_rounding(function, n):
    a = np.random.default_rng(n).random(n) + 0.5
    expected = exactly(function, a)
    for name, form in forms(function).items():
        result = form(a)
        assert type(result) is float, name
        assert result == pytest.approx(expected, rel=1e-12), name


@pytest.mark.parametrize("function", BUILD)
def test_forms_follow_the_threads_in_force(function):
    a = np.random.default_rng(1).random(5000)
    expected = exactly(function, a)
    for n in (1, 2, 1000):
        with pp.threads(n):
            for name, form in forms(function).items():
                assert form(a) == pytest.approx(expected, rel=1e-12), (name, n)


def test_variances_but_numbas_hold_far_from_zero():
    a = np.random.default_rng(1).random(10_000) + 2.0**26
    expected = exactly("var", a)
    for name, form in forms("var").items():
        stable = not name.startswith("Numba")
        assert (form(a) == pytest.approx(expected, rel=1e-6)) is stable, name


def test_numpys_blocks_have_no_seam(monkeypatch):
    a = np.random.default_rng(1).random(100)
    for block in (1, 7, 99, 100, 101):
        monkeypatch.setattr(totals, "VALUES_A_BLOCK", block)
        assert totals.var_by_numpy_blocks(a) == pytest.approx(exactly("var", a), rel=1e-12)


@pytest.mark.parametrize("function", BUILD)
def test_the_race_of_all_contestants_runs(function):
    problem = BUILD[function](5000)
    part = problem.small or problem
    plain = ["pure Python"] if problem.small else []
    outcome = pp.race(part.contestants, check=part.check, repeat=1)
    fit = [name for name in FIELDS[function].forms if name not in problem.missing]
    assert list(outcome.names) == plain + fit


@pytest.mark.parametrize("function", ["sum", "var"])
def test_results_may_differ_by_what_the_title_says(function):
    problem = BUILD[function](10)
    assert problem.title.endswith("equal within a relative 1e-10")
    for value in (3.0, -3.0):
        for sign in (-1, 1):
            assert problem.check(value, value * (1 + sign * 0.99e-10))
            assert not problem.check(value, value * (1 + sign * 1.01e-10))
    assert not problem.check(1.0, math.nan)


def test_exact_sums_must_be_equal_to_the_bit():
    problem = contestants.fsum(10)
    assert problem.title.endswith("equal to the bit")
    assert problem.check(1.0, 1.0)
    assert not problem.check(1.0, math.nextafter(1.0, 2.0))


@pytest.mark.parametrize("function", BUILD)
def test_all_solve_the_same_values_in_every_process(function):
    values = np.random.default_rng(contestants.SEED).random(100)
    result = BUILD[function](100).contestants["pyparallel"]()
    assert result == getattr(pp, function)(values)


def test_the_small_problem_has_values_for_plain_python():
    assert contestants.fsum(1000).small is None
    for build in (contestants.sum, contestants.var):
        small = build(1_000_001).small
        assert " of 1000000 float64" in small.title
        assert "plain Python" in small.title
        assert " of 1000 float64" in build(1000).small.title


def test_without_the_libraries_the_rest_still_race(monkeypatch):
    for library in ("numba", "dask.array", "bottleneck", "numexpr"):
        monkeypatch.setitem(sys.modules, library, None)
    problem = contestants.var(1000)
    assert list(problem.contestants) == ["NumPy", "NumPy in blocks", "pyparallel"]
    assert set(problem.missing) == {
        *("bottleneck", "numexpr", "Numba serial", "Numba parallel", "Dask")
    }
    for name, cure in problem.missing.items():
        extra = "bench" if name in ("bottleneck", "numexpr") else "lesson"
        assert cure.startswith("pip install ")
        assert f"[{extra}]" in cure


@pytest.mark.parametrize("function", BUILD)
def test_every_peer_that_races_has_a_source(function):
    problem = BUILD[function](10)
    assert set(problem.sources) == set(problem.contestants) - {"pyparallel"}
    assert all(url.startswith("https://") for url in problem.sources.values())


def test_numba_is_told_the_threads_in_force(monkeypatch):
    numba = pytest.importorskip("numba")
    told = []
    monkeypatch.setattr(numba, "set_num_threads", told.append)
    with pp.threads(1):
        totals.sum_by_numba_parallel(np.ones(10))
        totals.var_by_numba_parallel(np.ones(10))
    assert told == 2 * [1, numba.get_num_threads()]


@pytest.mark.parametrize("function", BUILD)
@pytest.mark.parametrize(
    ("n", "error", "message"),
    [
        (0, ValueError, "n must be between 1 and 4611686018427387904, not 0"),
        (1e6, TypeError, "n must be an integer, not float"),
        (True, TypeError, "n must be an integer, not bool"),
    ],
)
def test_wrong_arguments_are_refused_by_name(function, n, error, message):
    with pytest.raises(error, match=f"^contestants.{function}: {message}$"):
        BUILD[function](n)
