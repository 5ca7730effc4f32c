"""The contestants for π take all samples, and their estimates agree within the stated tolerance."""

from __future__ import annotations

import math
import random
import sys

import numpy as np
import pytest

import pyparallel as pp
from pyparallel import _contestant_pi, contestants

ALL = ["NumPy", "Numba serial", "Numba parallel", "Numba, NumPy's generators", "Dask", "pyparallel"]


def standard_error(n: int) -> float:
    """Of 4 * (a share of n samples), each of which counts with probability pi / 4."""
    return 4 * math.sqrt(math.pi / 4 * (1 - math.pi / 4) / n)


@pytest.mark.parametrize("n", [1, 2, 3, 10, 100_003, 1_000_000])
def test_estimates_are_fractions_of_n_near_pi(n):
    problem = contestants.pi(n).small
    for name, contestant in problem.contestants.items():
        estimate, samples = contestant(), min(n, 200_000)
        assert isinstance(estimate, float), name
        assert estimate * samples / 4 == pytest.approx(round(estimate * samples / 4)), name
        assert abs(estimate - math.pi) < 6 * standard_error(samples), name


def test_the_race_of_all_contestants_runs():
    problem = contestants.pi(50_000).small
    outcome = pp.race(problem.contestants, check=problem.check, repeat=1)
    assert outcome.names == ("pure Python", *(name for name in ALL if name not in problem.missing))


@pytest.mark.parametrize("n", [1000, 10**6, 10**9])
def test_the_tolerance_is_five_standard_errors_of_a_difference(n):
    problem = contestants.pi(n)
    tolerance = 5 * math.sqrt(2) * standard_error(n)
    assert f"within 5 standard errors ({tolerance:.2g})" in problem.title
    for sign in (-1, 1):
        assert problem.check(math.pi, math.pi + sign * 0.999 * tolerance)
        assert not problem.check(math.pi, math.pi + sign * 1.001 * tolerance)


def test_a_wrong_estimate_is_named():
    problem = contestants.pi(10**6)
    half = lambda: problem.contestants["pyparallel"]() / 2
    with pytest.raises(pp.RaceError, match='"half" disagrees with "NumPy"'):
        pp.race({**problem.contestants, "half": half}, check=problem.check, repeat=1)


@pytest.mark.parametrize("block", [1, 7, 100, 1000])
def test_numpy_works_in_blocks_without_a_seam(monkeypatch, block):
    monkeypatch.setattr(_contestant_pi, "SAMPLES_A_BLOCK", block)
    for n in (1, 99, 100, 101, 700):
        rng, hits = np.random.Generator(np.random.SFC64(np.random.SeedSequence(5))), 0
        for start in range(0, n, block):
            x, y = rng.random(min(block, n - start)), rng.random(min(block, n - start))
            hits += int((x * x + y * y < 1).sum())
        assert _contestant_pi.hits_by_numpy(n, np.random.SeedSequence(5)) == hits


def test_python_counts_every_sample(monkeypatch):
    monkeypatch.setattr(random, "random", lambda: 0.5)  # inside
    assert [_contestant_pi.by_python(n) for n in (1, 2, 77)] == [4.0, 4.0, 4.0]


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_numbas_generators_share_the_samples(threads):
    pytest.importorskip("numba")
    for n in (1, 2, 100, 1001):
        ours, twins = (
            tuple(np.random.Generator(np.random.SFC64(seed)) for seed in range(threads))
            for _ in range(2)
        )
        hits = sum(_contestant_pi._stream(twin, (n + k) // threads) for k, twin in enumerate(twins))
        assert sum((n + k) // threads for k in range(threads)) == n
        assert _contestant_pi.compiled()[2](ours, n) == hits


def test_dask_shares_the_samples_and_gives_each_task_a_seed(monkeypatch):
    pytest.importorskip("dask")
    seeds = []

    def all_inside(n, seed):
        seeds.append(tuple(seed.generate_state(2)))
        return n

    monkeypatch.setattr(_contestant_pi, "hits_by_numpy", all_inside)
    for threads in (1, 2, 3):
        with pp.threads(threads):
            assert [_contestant_pi.by_dask(n) for n in (1, 10, 1001)] == [4.0, 4.0, 4.0]
    assert len(set(seeds)) == 3 * (1 + 2 + 3)


def test_numba_is_told_the_threads_in_force(monkeypatch):
    numba = pytest.importorskip("numba")
    told = []
    monkeypatch.setattr(numba, "set_num_threads", told.append)
    with pp.threads(1):
        _contestant_pi.by_numba_parallel(10)
        _contestant_pi.by_numba_generators(10)
    assert told == 2 * [1, numba.get_num_threads()]


def test_every_call_draws_other_numbers():
    for name, contestant in contestants.pi(10**6).contestants.items():
        assert len({contestant() for _ in range(4)}) > 1, name


def test_without_numba_and_dask_the_rest_still_race(monkeypatch):
    for library in ("numba", "dask.array"):
        monkeypatch.setitem(sys.modules, library, None)
    problem = contestants.pi(1000)
    assert list(problem.contestants) == ["NumPy", "pyparallel"]
    assert list(problem.small.contestants) == ["pure Python", "NumPy", "pyparallel"]
    assert set(problem.missing) == set(ALL) - {"NumPy", "pyparallel"}
    assert set(problem.sources) == {"NumPy"}


def test_the_small_problem_has_samples_for_plain_python():
    assert "200000 samples" in contestants.pi().small.title
    assert "1000 samples" in contestants.pi(1000).small.title
    assert "plain Python" in contestants.pi().small.title


@pytest.mark.parametrize(
    ("n", "error", "message"),
    [
        (0, ValueError, "n must be between 1 and 4611686018427387904, not 0"),
        (1e6, TypeError, "n must be an integer, not float"),
        (True, TypeError, "n must be an integer, not bool"),
    ],
)
def test_wrong_arguments_are_refused_by_name(n, error, message):
    with pytest.raises(error, match=f"^contestants.pi: {message}$"):
        contestants.pi(n)
