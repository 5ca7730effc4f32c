"""Tile matching: the answers of comparing all, whatever method finds them, on any thread and CPU."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_array_equal
from numpy.typing import NDArray

from pyparallel._load import core
from pyparallel.mosaic import Matches, match
from tests.reference import nearest_tiles
from tests.test_interrupts import LATEST, seconds_to_stop

DTYPES = ["u1", "f4", "f8"]
# Numbers of features, of tiles and of targets at which the methods change: see csrc/core/match.c.
FEATURES = [1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 75, 192]
TILES = [1, 2, 127, 128, 129, 700]
TARGETS = [1, 15, 16, 17, 63, 64, 65, 200]
MOST_DENSE = 2**14  # features; with more, all distances are computed


def check(targets: Any, tiles: Any, **options: Any) -> Matches:
    """The matches, which are the reference's."""
    found = match(targets, tiles, **options)
    indices, distances = nearest_tiles(np.asarray(targets), np.asarray(tiles))
    assert (found.indices.dtype, found.distances.dtype) == (np.int64, distances.dtype)
    assert_array_equal(found.indices, indices)
    assert_array_equal(found.distances, distances)
    return found


def rng() -> np.random.Generator:
    return np.random.default_rng(2026)


def drawn(m: int, n: int, d: int, dtype: str, values: int = 256) -> tuple[NDArray[Any], ...]:
    """Whole numbers below `values`: with few of them there are many ties."""
    generator = rng()
    return tuple(generator.integers(0, values, (k, d)).astype(dtype) for k in (m, n))


def correlated(n: int, d: int, seed: int) -> NDArray[np.float64]:
    """From 0 to 255, neighbouring features alike, as those of a picture are."""
    generator = np.random.default_rng(seed)
    a = np.cumsum(generator.normal(size=(n, d)), axis=1) + 10 * generator.normal(size=(n, 1))
    return 255 * (a - a.min()) / (a.max() - a.min())


# --- the nearest tile ----------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("d", FEATURES)
def test_every_number_of_features(d, dtype):
    check(*drawn(200, 700, d, dtype), num_threads=2)
    check(*drawn(200, 700, d, dtype, values=2))
    if dtype != "u1":
        check(rng().normal(size=(200, d)).astype(dtype), rng().random((700, d)).astype(dtype))
    check(correlated(200, d, 1).astype(dtype), correlated(700, d, 2).astype(dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("d", [3, 7, 40])
def test_every_number_of_tiles_and_targets(d, dtype):
    for n in TILES:
        for m in TARGETS:
            check(*drawn(m, n, d, dtype, values=9))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("d", [1200, MOST_DENSE, MOST_DENSE + 1])
def test_many_features(d, dtype):
    check(*drawn(70, 140, d, dtype))


@pytest.mark.parametrize("d", [1, 3, 8, 75, 1200, MOST_DENSE, MOST_DENSE + 1, 70_001])
def test_the_ends_of_the_range(d):
    """Squares and their sums are the largest, and products of codes too."""
    generator = rng()
    ends = np.array([[0], [255]], np.uint8).repeat(d, axis=1)
    pairs, pairs_of_targets = (65, 35) if d <= MOST_DENSE else (5, 2)
    tiles = np.tile(ends, (pairs, 1))
    assert check(ends[::-1], ends).distances.tolist() == [0, 0]
    assert check(ends[:1], ends[1:]).distances.tolist() == [65025 * d]
    check(np.tile(ends, (pairs_of_targets, 1)), tiles)
    check(np.tile(ends, (pairs_of_targets, 1)), tiles[1::2])
    check(np.tile(ends, (pairs_of_targets, 1)), tiles[::2])
    check(
        np.where(generator.random((2 * pairs_of_targets, d)) < 0.5, 0, 255).astype(np.uint8), tiles
    )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("d", [1, 3, 6, 7, 75])
def test_the_lowest_index_wins_a_tie(d, dtype):
    """Each tile is there several times, in another order, and each target lies between some."""
    targets, tiles = drawn(300, 50, d, dtype, values=3)
    generator = rng()
    shuffled = np.concatenate([tiles[generator.permutation(50)] for _ in range(20)])
    found = check(targets, shuffled, num_threads=2)
    assert_array_equal(found.distances, match(targets, tiles).distances)
    assert found.indices.max() < 200


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("d", [1, 3, 75])
def test_all_tiles_equal(d, dtype):
    targets, _ = drawn(100, 1, d, dtype)
    for value in (0, 7, 255):
        assert not check(targets, np.full((3000, d), value, dtype)).indices.any()
        check(np.full((100, d), 3, dtype), np.full((500, d), value, dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("d", [2, 3, 6, 20])
def test_constant_features_and_points_on_a_line(d, dtype):
    targets, tiles = drawn(200, 900, d, dtype)
    targets[:, 1:] = tiles[:, 1:] = 5
    check(targets, tiles)
    check(targets[:, :1].repeat(d, axis=1), tiles[:, :1].repeat(d, axis=1))
    targets[:, 0] = 5
    check(targets, tiles)


@pytest.mark.parametrize("d", [3, 20])
def test_clusters_far_apart(d):
    centers = 10.0 ** np.arange(-8, 9)
    for width in (1e-12, 1e-3, 1.0):
        generator = rng()
        targets, tiles = (
            generator.choice(centers, (n, 1)) * (1 + width * generator.random((n, d)))
            for n in (200, 1000)
        )
        check(targets, tiles)
        check(targets.astype("f4"), tiles.astype("f4"))


def hard_floats(d: int) -> Iterator[tuple[str, NDArray[np.float64], NDArray[np.float64]]]:
    """What makes codes of 8 bits useless, or distances hard to tell apart."""
    generator = rng()
    targets, tiles = generator.random((100, d)), generator.random((400, d))
    yield "moved", targets + 1e8, tiles + 1e8
    yield "moved far", targets + 1e15, tiles + 1e15
    outlier = tiles.copy()
    outlier[17, d // 2] = 1e30
    yield "an outlier", targets, outlier
    yield "targets far away", targets * 1e6, tiles
    yield "one target far away", np.concatenate([targets, [[1e9] * d]]), tiles
    yield "nearly equal tiles", targets, 0.5 + 1e-9 * tiles
    yield (
        "next to each other",
        targets,
        np.nextafter(targets[:1], generator.choice([0, 1], (400, d))),
    )
    yield "on targets", tiles[:100], tiles
    for scale in (1e-320, 1e-200, 1e-160, 1e-101, 1e-30, 1e30, 1e101, 1e150, 1e154, 1e307):
        yield f"times {scale}", targets * scale, tiles * scale
    yield "out of range", 1e308 * (targets - 0.5) * 3, 1e308 * (tiles - 0.5) * 3
    yield "zeros", -0.0 * targets, 0.0 * tiles


@pytest.mark.parametrize("d", [1, 3, 7, 75])
def test_floats_that_are_hard_to_tell_apart(d):
    with np.errstate(over="ignore", under="ignore"):
        for name, targets, tiles in hard_floats(d):
            try:
                check(targets, tiles, num_threads=2)
            except AssertionError as error:
                raise AssertionError(f"{name}: {error}") from None


def test_distances_beyond_the_range_are_infinite_and_equal():
    tiles = np.full((300, 9), -1e200)
    tiles[5] = 1e200
    with np.errstate(over="ignore"):
        found = check(np.zeros((80, 9)), tiles)
        assert found.indices.tolist() == [0] * 80
        assert np.isinf(found.distances).all()
        check(np.zeros((80, 3)), tiles[:, :3])


values = st.one_of(
    st.integers(0, 3).map(float),
    st.floats(-1e3, 1e3, width=32),
    st.sampled_from([0.0, -0.0, 1e-30, 255.0, 1e30, -1e30, 1 + 2**-20]),
)


@given(st.data(), st.sampled_from(DTYPES), st.sampled_from(DTYPES))
def test_any_features(data, dtype, of_tiles):
    m, n = data.draw(st.integers(0, 70)), data.draw(st.integers(1, 200))
    d = data.draw(st.one_of(st.integers(0, 9), st.integers(10, 40)))
    bytes_ = st.one_of(st.integers(0, 3), st.integers(0, 255))
    targets, tiles = (
        data.draw(arrays(kind, (k, d), elements=bytes_ if kind == "u1" else values))
        for kind, k in ((dtype, m), (of_tiles, n))
    )
    check(targets, tiles, num_threads=data.draw(st.sampled_from([1, 2, 5])))


@pytest.mark.parametrize("d", [3, 40])
def test_types_are_promoted(d):
    targets, tiles = drawn(100, 300, d, "u1")
    exact = check(targets, tiles)
    for types in [("u1", "f4"), ("f4", "u1"), ("f8", "u1"), ("f4", "f8"), ("f8", "f4")]:
        found = check(targets.astype(types[0]), tiles.astype(types[1]))
        assert found.distances.dtype == np.float64
        assert_array_equal(found.indices, exact.indices)
        assert_array_equal(found.distances, exact.distances)


def test_float32_is_converted_before_it_is_subtracted():
    one = np.float32(1)
    tiles = np.array([[np.nextafter(one, one + 1)], [2**-30]], np.float32)
    found = check(np.array([[2**-60], [1]], np.float32), tiles)
    assert found.distances.tolist() == [(2.0**-60 - 2.0**-30) ** 2, 2.0**-46]


def test_distances_are_sums_in_the_order_of_the_features():
    tiles = np.array([[1e8, 1.0, 1.0], [1.0, 1.0, 1e8], [1e8, 1.0, 1.0]])
    assert check(np.zeros((1, 3)), tiles).distances.tolist() == [1e16]
    check(np.zeros((70, 3)), np.repeat(tiles, 99, axis=0))
    check(np.zeros((70, 9)), np.tile(np.repeat(tiles, 99, axis=0), 3))


# --- shapes, layouts, threads --------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
def test_nothing_to_match(dtype):
    found = check(np.zeros((0, 3), dtype), np.zeros((5, 3), dtype))
    assert found.indices.shape == found.distances.shape == (0,)


@pytest.mark.parametrize("dtype", DTYPES)
def test_no_features_are_all_at_the_same_place(dtype):
    found = match(np.zeros((70, 0), dtype), np.zeros((300, 0), dtype))
    assert not found.indices.any()
    assert not found.distances.any()


def layouts(a: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """The same matrix in other orders and places."""
    n, d = a.shape
    spread = np.zeros((2 * n, 3 * d), a.dtype)
    spread[::2, ::3] = a
    unaligned = np.zeros(a.nbytes + 1, np.uint8)[1:].view(a.dtype).reshape(a.shape)
    unaligned[:] = a
    return {
        "Fortran": np.asfortranarray(a),
        "spread": spread[::2, ::3],
        "reversed": np.ascontiguousarray(a[::-1, ::-1])[::-1, ::-1],
        "unaligned": unaligned,
        "swapped": a.astype(a.dtype.newbyteorder()),
        "swapped, by columns": np.asfortranarray(a.astype(a.dtype.newbyteorder())),
        "read-only": np.frombuffer(a.tobytes(), a.dtype).reshape(a.shape),
    }


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("d", [1, 3, 40])
def test_matches_do_not_depend_on_the_layout(d, dtype):
    targets, tiles = drawn(150, 300, d, dtype)
    expected = check(targets, tiles)
    for (name, a), b in zip(layouts(targets).items(), layouts(tiles).values(), strict=True):
        found = match(a, b)
        assert_array_equal(found.indices, expected.indices, err_msg=name)
        assert_array_equal(found.distances, expected.distances, err_msg=name)


@pytest.mark.parametrize("d", [3, 40])
def test_rows_that_share_memory(d):
    targets, tiles = drawn(1, 300, d, "u1")
    check(np.broadcast_to(targets, (500, d)), np.broadcast_to(tiles[:1], (400, d)))
    check(np.broadcast_to(targets[:, :1], (500, d)), tiles)


@pytest.mark.parametrize("threads", range(1, 17))
@pytest.mark.parametrize("slices", [(0.1, 0), (0.0, 0), (0.0, 1)])
@pytest.mark.parametrize(
    ("d", "dtype"), [(3, "u1"), (3, "f4"), (40, "u1"), (40, "f4"), (20_000, "f8")]
)
def test_matches_do_not_depend_on_threads_and_slices(threads, slices, d, dtype):
    targets, tiles = drawn(*((700, 900) if d < 99 else (40, 30)), d, dtype, values=9)
    expected = match(targets, tiles, num_threads=1)
    core.set_slices(*slices)
    found = match(targets, tiles, num_threads=threads)
    assert_array_equal(found.indices, expected.indices)
    assert_array_equal(found.distances, expected.distances)


@pytest.mark.parametrize("d", [1, 20])
def test_more_targets_than_fit_into_a_round(d):
    """A round is 2^17 targets or 2^21 features: see csrc/core/match.c."""
    targets, tiles = drawn(2**17 + 5, 130, d, "u1")
    check(targets, tiles, num_threads=2)


def test_later_rounds_may_leave_the_range_of_the_first():
    """The codes of floats are made for the tiles and the targets of the first round."""
    targets, tiles = drawn(110_000, 130, 20, "f4")
    targets[108_000:] = 1000 * targets[108_000:] - 7777
    check(targets, tiles, num_threads=2)


TEMPORARIES = """
import resource, sys
import numpy as np, pyparallel as pp
m, n, d, dtype = {sizes}
targets = np.random.default_rng(1).integers(0, 256, (m, d)).astype(dtype)
tiles = targets[:n].copy()
pp.mosaic.match(targets[:100], tiles[:200], num_threads=2)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
pp.mosaic.match(targets, tiles, num_threads=2)
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(grown // (1024 if sys.platform == "darwin" else 1))
"""


@pytest.mark.parametrize(
    "sizes", [(30_000, 30_000, 3, "u1"), (20_000, 20_000, 30, "u1"), (20_000, 20_000, 30, "f4")]
)
def test_no_table_of_distances_is_made(run_python, sizes):
    """It would take gigabytes, even as bits; 20 bytes a feature, and some MiB, are allowed."""
    pytest.importorskip("resource")
    m, n, d, _ = sizes
    most = 20 * (m + n) * (d + 4) // 1024 + 8192
    assert int(run_python(TEMPORARIES.format(sizes=sizes)).stdout) < most


# --- arguments -----------------------------------------------------------------------------------


def test_lists_and_subclasses():
    class Own(np.ndarray):
        pass

    assert [part.tolist() for part in match([[1.0, 2.0]], [[0, 0], [1, 2.5]])] == [[1], [0.25]]
    targets, tiles = drawn(9, 9, 3, "u1")
    found = match(targets.view(Own), tiles.view(Own))
    assert isinstance(found, Matches)
    assert [type(part) for part in found] == [np.ndarray, np.ndarray]


@pytest.mark.parametrize("dtype", ["?", "i1", "u2", "i4", "i8", "f2", "g", "c8", "c16", "U3", "O"])
@pytest.mark.parametrize("name", ["targets", "tiles"])
def test_features_of_other_types_are_refused(name, dtype):
    arguments = {"targets": np.zeros((2, 3)), "tiles": np.zeros((2, 3))}
    arguments[name] = arguments[name].astype(dtype)
    with pytest.raises(TypeError, match=rf"^match: {name} must [^\n]*float32[^\n]*not [^\n]*$"):
        match(**arguments)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("d", [1, 3, 40])
def test_features_must_be_finite(d, dtype, value):
    for n in (1, 5, 300):
        for place in {0, n // 2, n - 1}:
            targets, tiles = drawn(n, n, d, dtype)
            targets[place, d // 2] = value
            with pytest.raises(ValueError, match=r"^match: targets must be finite$"):
                match(targets, tiles, num_threads=2)
            with pytest.raises(ValueError, match=r"^match: tiles must be finite$"):
                match(tiles, targets, num_threads=2)
            with pytest.raises(ValueError, match=r"^match: tiles must be finite$"):
                match(tiles[:0], targets)


def test_nothing_is_reported_of_a_call_that_fails():
    reports: list[Any] = []
    with pytest.raises(ValueError, match="finite"):
        match(np.full((3, 3), np.nan), np.zeros((3, 3)), progress=lambda *r: reports.append(r))
    assert reports == []


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        (((2, 3), (0, 3)), "tiles must not be empty"),
        (((0, 3), (0, 3)), "tiles must not be empty"),
        (((2, 3), (4, 5)), "tiles must have 3 features each, as targets, not 5"),
        (((2, 3), (4, 0)), "tiles must have 3 features each, as targets, not 0"),
        (((3,), (4, 3)), "targets must have 2 dimensions, not 1"),
        (((2, 3), ()), "tiles must have 2 dimensions, not 0"),
        (((2, 3), (1, 4, 3)), "tiles must have 2 dimensions, not 3"),
    ],
)
def test_shapes_are_checked(shapes, message):
    for dtype in DTYPES:
        with pytest.raises(ValueError, match=rf"^match: {message}$"):
            match(np.zeros(shapes[0], dtype), np.zeros(shapes[1], dtype))


def test_other_arguments_are_checked():
    a = np.zeros((2, 3))
    with pytest.raises(TypeError, match=r"^match: num_threads must be an integer, not float"):
        match(a, a, num_threads=1.5)
    with pytest.raises(ValueError, match=r"^match: num_threads must be at least 1"):
        match(a, a, num_threads=0)
    with pytest.raises(TypeError, match=r"^match: progress must be None or a callable"):
        match(a, a, progress=5)
    with pytest.raises(TypeError, match=r"^match: tiles must not be a masked array"):
        match(a, np.ma.array(a))
    with pytest.raises(ValueError, match=r"^match: targets must be an array, or sequences"):
        match([[1.0, 2.0], [1.0]], a)


def test_too_many_features_for_any_memory_are_a_memory_error():
    a = np.broadcast_to(np.zeros((1, 1)), (2**40, 2**10))
    with pytest.raises(MemoryError):
        match(a[:1], a)


def test_the_input_is_left_as_it_is():
    for d in (3, 40):
        targets, tiles = drawn(100, 300, d, "f8")
        before = targets.tobytes(), tiles.tobytes()
        match(targets, tiles)
        assert (targets.tobytes(), tiles.tobytes()) == before


# --- progress and Ctrl-C -------------------------------------------------------------------------

LONG = {
    "a tree": (3 * 10**7, 10**4, 6, "f4"),
    "codes": (10**7, 10**4, 40, "u1"),
    "codes of floats": (10**7, 10**4, 40, "f4"),
    "comparing all": (10**5, 200, MOST_DENSE + 1, "u1"),
}


def long_arguments(kind: str) -> tuple[NDArray[Any], NDArray[Any]]:
    """Minutes of work in little memory: all targets are the same one."""
    m, n, d, dtype = LONG[kind]
    targets, tiles = drawn(1, n, d, dtype)
    return np.broadcast_to(targets, (m, d)), tiles


@pytest.mark.parametrize("kind", LONG)
def test_ctrl_c_stops_it(kind):
    targets, tiles = long_arguments(kind)
    assert seconds_to_stop(lambda: match(targets, tiles, num_threads=2)) < LATEST
    check(*drawn(70, 200, 3, "u1"))


@pytest.mark.parametrize("threads", [1, 2, 7])
@pytest.mark.parametrize(
    ("d", "dtype"), [(3, "f4"), (40, "u1"), (40, "f4"), (MOST_DENSE + 1, "u1")]
)
def test_progress_never_decreases_and_ends_with_the_total(d, dtype, threads):
    targets, tiles = drawn(*((3000, 500) if d < 99 else (70, 40)), d, dtype)
    expected = match(targets, tiles)
    reports: list[tuple[int, int]] = []
    core.set_slices(0.0, 0)
    found = match(targets, tiles, num_threads=threads, progress=lambda *r: reports.append(r))
    assert_array_equal(found.indices, expected.indices)
    assert len({done for done, _ in reports}) > 2
    assert all(total == len(targets) for _, total in reports)
    assert all(0 <= a <= b for (a, _), (b, _) in pairwise(reports))
    assert reports[-1] == (len(targets), len(targets))


def test_progress_goes_on_from_round_to_round():
    targets, tiles = drawn(2**18, 200, 9, "u1")
    reports: list[tuple[int, int]] = []
    core.set_slices(0.001, 0)
    match(targets, tiles, num_threads=2, progress=lambda *r: reports.append(r))
    assert all(a[0] <= b[0] for a, b in pairwise(reports))
    assert any(2**17 < done < 2**18 for done, _ in reports)
    assert reports[-1] == (2**18, 2**18)


def test_an_exception_of_progress_stops_the_work():
    targets, tiles = long_arguments("codes")

    def stop(done: int, total: int) -> None:
        raise LookupError("enough")

    with pytest.raises(LookupError, match="enough"):
        match(targets, tiles, num_threads=2, progress=stop)
