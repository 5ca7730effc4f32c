"""The contestants for mosaics choose tiles that are as near as any, and lay them alike."""

from __future__ import annotations

import itertools
import sys

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import pyparallel as pp
from pyparallel import _contestant_mosaic as mosaics
from pyparallel import _contestant_peers as peers
from pyparallel import contestants

MATCHING = [
    "NumPy broadcast",
    "NumPy product",
    "Numba parallel",
    "SciPy cKDTree",
    "pykdtree",
    "faiss",
    "pyparallel",
]
ASSIGNING = ["SciPy", "lapx", "OR-Tools flow", "OR-Tools assignment", "POT", "pyparallel"]
ASSEMBLING = ["NumPy", "Pillow", "pyparallel"]


@pytest.fixture
def one_thread():
    """So that the shortest calls of a race don't wait for threads on a busy machine."""
    with pp.threads(1):
        yield


def distances(targets: np.ndarray, tiles: np.ndarray) -> np.ndarray:
    return ((targets[:, None].astype(np.int64) - tiles) ** 2).sum(axis=-1)


def colours(kind: str, m: int, n: int, d: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(m + n + d)
    high = {"random": 256, "full of ties": 3, "all equal": 1}.get(kind)
    if kind == "ends of the range":
        return 255 * rng.integers(0, 2, (m, d), np.uint8), 255 * rng.integers(
            0, 2, (n, d), np.uint8
        )
    return rng.integers(0, high, (m, d), np.uint8), rng.integers(0, high, (n, d), np.uint8)


KINDS = ["random", "full of ties", "all equal", "ends of the range"]


@pytest.mark.parametrize(("m", "n", "d"), [(1, 1, 1), (5, 1, 3), (60, 83, 3), (40, 50, 256)])
@pytest.mark.parametrize("kind", KINDS)
def test_all_contestants_find_a_nearest_tile(kind, m, n, d):
    targets, tiles = colours(kind, m, n, d)
    work = mosaics.Colours.of(targets, tiles)
    nearest = distances(targets, tiles).min(axis=1)
    for name in contestants.match(2, 2, d).contestants:
        chosen = peers.MATCH.forms[name](work)
        assert_array_equal(work.distances(chosen), nearest, err_msg=name)
    assert_array_equal(work.distances(peers.MATCH.python(work)), nearest)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [1, 2, 7])
def test_all_contestants_assign_each_tile_once_at_the_least_cost(kind, n):
    targets, tiles = colours(kind, n, n, 3)
    costs = distances(targets, tiles)
    least = min(costs[range(n), list(order)].sum() for order in itertools.permutations(range(n)))
    for name in contestants.assign(2).contestants:
        chosen = peers.ASSIGN.forms[name](mosaics.Colours.of(targets, tiles))
        assert sorted(chosen) == list(range(n)), name
        assert costs[range(n), chosen].sum() == least, name


@pytest.mark.parametrize(("rows", "cols"), [(1, 1), (3, 2), (1, 5), (4, 1)])
def test_all_contestants_lay_the_tiles_in_their_places(rows, cols):
    tiles = np.random.default_rng(1).integers(0, 256, (6, 4, 5, 3), np.uint8)
    indices = np.random.default_rng(2).integers(0, 6, (rows, cols))
    expected = np.block([[[tiles[k]] for k in row] for row in indices])
    for name in contestants.assemble(1, 1).contestants:
        picture = peers.ASSEMBLE.forms[name](mosaics.Layout.of(tiles, indices))
        assert_array_equal(np.asarray(picture), expected, err_msg=name)


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize(
    ("problem", "names"),
    [
        (contestants.match(300, 400), MATCHING),
        (contestants.match(300, 400, 17), [name for name in MATCHING if "ree" not in name]),
        (contestants.assign(50), ASSIGNING),
        (contestants.assemble(3, 5), ASSEMBLING),
    ],
    ids=["match", "match without trees", "assign", "assemble"],
)
def test_the_race_of_all_contestants_runs(problem, names):
    outcome = pp.race(problem.contestants, check=problem.check, repeat=1)
    assert outcome.names == tuple(name for name in names if name not in problem.missing)
    assert set(problem.sources) == set(outcome.names) - {"pyparallel"}
    assert all(url.startswith("https://") for url in problem.sources.values())


def test_plain_python_takes_part_where_there_are_few():
    small = contestants.match().small
    assert small.title.startswith("nearest of 200 tiles for each of 200 targets")
    assert next(iter(small.contestants)) == "pure Python"
    assert contestants.assign(4).small is None


@pytest.mark.usefixtures("one_thread")
def test_a_worse_tile_is_named():
    problem = contestants.match(50, 60)
    first = lambda: np.zeros(50, np.int64)
    with pytest.raises(pp.RaceError, match='"first" disagrees with "NumPy broadcast"'):
        pp.race({**problem.contestants, "first": first}, check=problem.check, repeat=1)


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize(
    ("name", "choose"),
    [
        ("twice", lambda nearest: nearest),
        ("dearer", lambda nearest: np.arange(30)),
    ],
)
def test_an_assignment_that_is_dearer_or_uses_a_tile_twice_is_named(name, choose):
    problem = contestants.assign(30)
    (work,) = problem.contestants["pyparallel"].args
    wrong = choose(distances(work.targets, work.tiles).argmin(axis=1))
    with pytest.raises(pp.RaceError, match=f'"{name}" disagrees with "SciPy"'):
        pp.race({**problem.contestants, name: lambda: wrong}, check=problem.check, repeat=1)


def test_numpy_works_in_blocks_without_a_seam(monkeypatch):
    targets, tiles = colours("random", 50, 30, 3)
    work, nearest = mosaics.Colours.of(targets, tiles), distances(targets, tiles).min(axis=1)
    for block in (1, 700, 10**9):
        monkeypatch.setattr(mosaics, "DIFFERENCES_A_BLOCK", block)
        monkeypatch.setattr(mosaics, "DISTANCES_A_BLOCK", block)
        for form in (mosaics.match_by_broadcast, mosaics.match_by_product):
            assert_array_equal(work.distances(form(work)), nearest)


def test_contestants_use_the_threads_in_force(monkeypatch):
    numba, info = pytest.importorskip("numba"), pytest.importorskip("threadpoolctl")
    told, seen = [], []
    monkeypatch.setattr(numba, "set_num_threads", told.append)
    work = mosaics.Colours.of(*colours("random", 5, 6, 3))
    with pp.threads(1):
        mosaics.match_by_numba(work)
        with mosaics._library_threads("numpy"):
            seen = [pool["num_threads"] for pool in info.threadpool_info()]
    assert told == [1, numba.get_num_threads()]
    assert set(seen) == {1}


def test_without_threadpoolctl_numpy_still_races(monkeypatch):
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    mosaics._controller.cache_clear()
    work = mosaics.Colours.of(*colours("random", 5, 6, 3))
    assert_array_equal(
        work.distances(mosaics.match_by_product(work)),
        work.distances(mosaics.match_by_broadcast(work)),
    )
    mosaics._controller.cache_clear()


def test_without_the_libraries_the_rest_still_race(monkeypatch):
    needed = [peers.MATCH, peers.ASSIGN, peers.ASSEMBLE]
    for library in {module for field in needed for module in field.libraries.values()}:
        monkeypatch.setitem(sys.modules, library, None)
    built = [contestants.match(9, 9), contestants.assign(3), contestants.assemble(2, 2)]
    assert [list(problem.contestants) for problem in built] == [
        ["NumPy broadcast", "NumPy product", "pyparallel"],
        ["pyparallel"],
        ["NumPy", "pyparallel"],
    ]
    cures = {name: cure for problem in built for name, cure in problem.missing.items()}
    extras = {name: cure.rpartition("[")[2].rstrip('"]') for name, cure in cures.items()}
    assert extras == {
        **dict.fromkeys(["Numba parallel", "SciPy cKDTree", "SciPy"], "lesson"),
        **dict.fromkeys(["pykdtree", "faiss", "lapx", "POT"], "bench"),
        **dict.fromkeys(["OR-Tools flow", "OR-Tools assignment"], "bench"),
        "Pillow": "cli",
    }


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: contestants.match(0), ValueError, "match: m must be between 1 and"),
        (lambda: contestants.match(5, True), TypeError, "match: n must be an integer, not bool"),
        (lambda: contestants.match(5, 5, 257), ValueError, "match: d must be between 1 and 256"),
        (lambda: contestants.assign(1e3), TypeError, "assign: n must be an integer, not float"),
        (lambda: contestants.assign(20_001), ValueError, "assign: n must be between 1 and 20000"),
        (lambda: contestants.assemble(0), ValueError, "assemble: rows must be between 1 and"),
        (lambda: contestants.assemble(1, "2"), TypeError, "assemble: cols must be an integer"),
    ],
)
def test_wrong_arguments_are_refused_by_name(call, error, message):
    with pytest.raises(error, match=f"^contestants.{message}"):
        call()
