"""Sums in floating point have one order, and so the same bits, whatever the layout, the number of
threads and the slices: that of the trees in `tests.reference`."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

import pyparallel as pp
from pyparallel._load import core
from tests.reference import sum_in_sequence, tree_norm, tree_squares, tree_sum

# What each should be, of the columns of an array.
MODELS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "sum": tree_sum,
    "mean": lambda x: tree_sum(x) / len(x),
    "norm": tree_norm,
    "var": lambda x: tree_squares(x) / len(x),
    "std": lambda x: np.sqrt(tree_squares(x) / len(x)),
}
CHUNK = 2**13  # elements, below which nothing is cut for threads
# Around the ends of leaves, tiles and chunks, and of the trees above them.
LENGTHS = [2**k + d for k in range(9, 18) for d in (-65, -1, 0, 1, 63, 64, 100)]
LENGTHS += [3 * CHUNK, 5 * CHUNK + 64, 7 * 2**15 + 8, 200_003]
INTEGERS = ["?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"]


def numbers(*shape: int, seed: int = 0, dtype: Any = float) -> np.ndarray:
    """Of many magnitudes: sums in other orders have other bits."""
    rng = np.random.default_rng(seed)
    if np.dtype(dtype).kind == "f":
        return (rng.normal(size=shape) * 2.0 ** rng.integers(-20, 20, shape)).astype(dtype)
    n = math.prod(shape)
    raw = rng.integers(0, 256, n * np.dtype(dtype).itemsize, np.uint8)
    return (raw > 99 if np.dtype(dtype) == bool else raw.view(dtype)).reshape(shape)


def assert_same_bits(found: Any, expected: Any) -> None:
    found, expected = np.asarray(found), np.asarray(expected)
    assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
    unlike = np.flatnonzero(found.ravel().view(f"u{found.itemsize}") != expected.ravel().view("u8"))
    assert unlike.size == 0, f"{found.ravel()[unlike[0]]!r}, not {expected.ravel()[unlike[0]]!r}"


# --- the tree ------------------------------------------------------------------------------------


def test_the_reference_adds_in_the_order_of_the_contract():
    """Element by element, for two leaves and a bit."""
    x = numbers(64 + 64 + 10).tolist()

    def lane(leaf: int, k: int) -> float:
        y = x[64 * leaf + k : 64 * leaf + 64 : 8]
        if len(y) < 8:  # the last leaf has 10 elements
            return y[0] + y[1] if len(y) == 2 else y[0]
        return ((y[0] + y[1]) + (y[2] + y[3])) + ((y[4] + y[5]) + (y[6] + y[7]))

    s = [(lane(0, k) + lane(1, k)) + lane(2, k) for k in range(8)]
    expected = ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]))
    assert tree_sum(np.array(x)) == expected == pp.sum(x)
    assert expected != sum_in_sequence(x)  # not sum(), which compensates since Python 3.12


@pytest.mark.parametrize("name", MODELS)
def test_reductions_of_any_length_follow_the_tree(name):
    function, model = getattr(pp, name), MODELS[name]
    for n in [*range(1, 301), *LENGTHS]:
        x = numbers(n, seed=n)
        expected = model(x)
        for threads in (1, 3) if n > CHUNK else (1,):
            assert_same_bits(function(x, num_threads=threads), expected)


def test_dot_follows_the_tree():
    for n in [*range(301), *LENGTHS]:
        x, y = numbers(n, seed=n), numbers(n, seed=n + 1)
        expected = tree_sum(x * y)
        for a, b in [(x, y), (y[::-1].copy()[::-1], x.astype(">f8"))]:
            assert_same_bits(pp.dot(a, b, num_threads=3), expected)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("shape", [(300_007,), (40_001, 3), (3, 100_003), (3001, 70), (257, 1000)])
def test_the_bits_do_not_depend_on_threads(name, shape):
    x = numbers(*shape)
    for axis in range(x.ndim):
        expected = MODELS[name](np.moveaxis(x, axis, 0))
        for threads in range(1, 17):
            assert_same_bits(getattr(pp, name)(x, axis, num_threads=threads), expected)


@pytest.mark.parametrize("slices", [(0.0, 0), (0.0, 1)], ids=["minimum", "shrinking"])
@pytest.mark.parametrize("name", MODELS)
def test_the_bits_do_not_depend_on_slices(name, slices):
    x = numbers(4, 150_001)
    expected = [MODELS[name](x.T), MODELS[name](x), MODELS[name](x.ravel())]
    views = [(x, 1), (x, 0), (x, None), (np.asfortranarray(x), 1), (np.asfortranarray(x), None)]
    core.set_slices(*slices)
    for threads in (1, 3, 16):
        for (view, axis), result in zip(views, [*expected, expected[0], expected[2]], strict=True):
            assert_same_bits(getattr(pp, name)(view, axis, num_threads=threads), result)


def test_the_bits_of_dot_do_not_depend_on_threads_and_slices():
    x, y = numbers(300_007), numbers(300_007, seed=1)
    expected = tree_sum(x * y)
    for slices in [(0.1, 0), (0.0, 0), (0.0, 1)]:
        core.set_slices(*slices)
        for threads in range(1, 17):
            assert_same_bits(pp.dot(x, y, num_threads=threads), expected)
            assert_same_bits(pp.dot(x[::-1], y[::-1], num_threads=threads), tree_sum((x * y)[::-1]))


# --- other types ---------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [*INTEGERS, "f4"])
@pytest.mark.parametrize("n", [1, 63, 64, 100, 5000, 70_001])
def test_other_types_are_converted_first(dtype, n):
    x = numbers(n, 3, dtype=dtype)
    expected = {name: model(x.astype(float)) for name, model in MODELS.items()}
    for view in (x, x.astype(x.dtype.newbyteorder()), np.asfortranarray(x)):
        for name in ("sum", "mean", "var", "std"):
            found = getattr(pp, name)(view, 0, dtype=float, num_threads=3)
            assert_same_bits(found, expected[name])
        if dtype == "f4":
            assert_same_bits(
                pp.dot(view[:, 0], view[:, 1].astype(float)), tree_dot(x[:, 0], x[:, 1])
            )
        else:
            assert_same_bits(pp.norm(view, 0, num_threads=3), expected["norm"])


def tree_dot(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return tree_sum(x.astype(float) * y.astype(float))


@pytest.mark.parametrize("dtype", ["i4", "i8", "u8", "f4", "f8"])
def test_float32_is_rounded_first_and_last_only(dtype):
    """Elements to float32 where that is asked for, sums in float64, and the result to float32."""
    x = numbers(5001, 3, dtype=dtype)
    wide = x.astype("f4").astype(float)
    for name in ("sum", "mean", "var", "std"):
        found = getattr(pp, name)(x, 0, dtype="f4")
        assert found.dtype == np.float32
        assert_same_bits(found.astype(float), MODELS[name](wide).astype("f4").astype(float))
    if dtype == "f4":
        assert_same_bits(pp.norm(x, 0).astype(float), tree_norm(wide).astype("f4").astype(float))
        found = pp.dot(x[:, 0], x[:, 1])
        assert found == np.float32(tree_dot(x[:, 0], x[:, 1]))


# --- layouts and axes ----------------------------------------------------------------------------


def layouts(x: np.ndarray) -> Iterator[np.ndarray]:
    """The same values in all kinds of places."""
    yield x
    yield np.asfortranarray(x)
    yield x.astype(x.dtype.newbyteorder())
    for order in itertools.permutations(range(x.ndim)):
        yield x.transpose(order).copy().transpose(np.argsort(order))
    back = (slice(None, None, -1),) * x.ndim
    yield x[back].copy()[back]
    for axis in range(x.ndim):
        yield x.repeat(2, axis)[(slice(None),) * axis + (slice(None, None, 2),)]
    raw = np.zeros(x.nbytes + 3, np.uint8)[3:]
    unaligned = raw.view(x.dtype).reshape(x.shape)
    unaligned[...] = x
    yield unaligned
    parts = np.zeros(x.shape, [("other", "i1"), ("x", x.dtype)])
    parts["x"] = x
    yield parts["x"]


@pytest.mark.parametrize("dtype", ["f8", "f4", "i8"])
@pytest.mark.parametrize("shape", [(130,), (67, 90), (3, 70, 130), (130, 5, 3), (2, 3, 2, 600)])
def test_the_bits_do_not_depend_on_the_layout(shape, dtype):
    x = numbers(*shape, dtype=dtype)
    axes = [
        axes for n in range(len(shape) + 1) for axes in itertools.combinations(range(x.ndim), n)
    ]
    for axis in axes:
        rows = np.moveaxis(x, axis, range(len(axis))).astype(float)
        rows = rows.reshape(-1, *rows.shape[len(axis) :])
        expected = {name: model(rows) for name, model in MODELS.items()}
        expected["norm"] = expected["norm"].astype("f4" if dtype == "f4" else "f8").astype(float)
        for view in layouts(x):
            for name in MODELS:
                options = {} if name == "norm" else {"dtype": float}
                found = getattr(pp, name)(view, axis, num_threads=2, **options)
                assert_same_bits(np.asarray(found, float), expected[name])


@pytest.mark.parametrize("dtype", ["f8", "f4", "i2"])
@pytest.mark.parametrize(
    "shape",
    [(257, 1000), (1000, 257), (33, 3000), (4, 30_000), (64, 1024), (40, 50, 61), (9, 2, 5000)],
)
def test_memory_may_run_along_any_axis(shape, dtype):
    x = numbers(*shape, dtype=dtype)
    axes = [None] if x.ndim == 2 else [None, (0, 2), (1, 2), (0, 1)]
    for order in list(itertools.permutations(range(x.ndim)))[1:]:
        for step in (1, -2):  # of the axis that memory runs along
            stored = x.transpose(order).repeat(abs(step), -1)[..., ::step]
            view = (stored if step > 0 else stored[..., ::-1]).transpose(np.argsort(order))
            assert_array_equal(view, x)
            for axis, name in itertools.product(axes, [*MODELS, "minmax", "count_nonzero"]):
                expected = np.array(getattr(pp, name)(x, axis))
                for threads in (1, 3):
                    found = np.array(getattr(pp, name)(view, axis, num_threads=threads))
                    assert found.tobytes() == expected.tobytes()


# Rows that begin with a leaf, or not, or in the middle of eight; bands that are whole, or not, few
# or many; with and without dimensions around.
ACROSS = [(8, 256), (48, 257), (49, 320), (300, 640), (513, 1111), (20, 70, 200), (5, 40, 264)]
ACROSS += [(12, 16, 4096), (1000, 1000)]


@pytest.mark.parametrize("slices", [(0.1, 0), (0.0, 0), (0.0, 1)], ids=["one", "many", "shrinking"])
@pytest.mark.parametrize("shape", ACROSS)
def test_rows_may_be_summed_side_by_side(shape, slices):
    x = numbers(*shape)
    expected = tree_sum(x.ravel()), tree_norm(x.ravel())
    orders = [tuple(reversed(range(x.ndim)))] + [(0, 2, 1)] * (x.ndim == 3)
    core.set_slices(*slices)
    for order, threads in itertools.product(orders, [1, 2, 3, 7, 16]):
        view = x.transpose(order).copy().transpose(np.argsort(order))
        assert_same_bits(pp.sum(view, num_threads=threads), expected[0])
        assert_same_bits(pp.norm(view, num_threads=threads), expected[1])


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("shape", [(300, 67), (70_000, 3), (9, 20_000), (10, 3)])
def test_a_column_of_a_table_is_a_vector(name, shape):
    m, function = numbers(*shape), getattr(pp, name)
    for table in (m, np.asfortranarray(m), m.astype("f4"), m.astype(">f8")):
        columns = [function(table[:, j]) for j in range(min(shape[1], 70))]
        assert_columns_equal(function(table, 0, num_threads=3), columns)
        columns = [function(row) for row in table[:70]]
        assert_columns_equal(function(table, 1, num_threads=3), columns)


def assert_columns_equal(found: np.ndarray, columns: list[Any]) -> None:
    assert found[: len(columns)].tobytes() == np.array(columns, found.dtype).tobytes()


@given(
    st.tuples(*[st.integers(1, 9)] * 3),
    st.lists(st.integers(0, 2), unique=True),
    st.sampled_from(sorted(MODELS)),
    st.integers(1, 5),
)
def test_any_axes_of_3_dimensions_are_those_of_one(shape, axes, name, threads):
    """In C index order over the reduced axes, also where `axis` names them in another."""
    x, function = numbers(*shape).repeat(7, 1)[..., ::-1], getattr(pp, name)
    found = function(x, tuple(axes), num_threads=threads)
    kept = [d for d in range(3) if d not in axes]
    for index in np.ndindex(*(x.shape[d] for d in kept)):
        where: list[Any] = [slice(None)] * 3
        for d, i in zip(kept, index, strict=True):
            where[d] = i
        assert_same_bits(found[index] if kept else found, function(x[tuple(where)].ravel()))
