"""fsum and ExactSum: the exact sum rounded once, whatever the order, the cuts and the threads."""

from __future__ import annotations

import copy
import inspect
import itertools
import math
import pickle
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.testing import assert_array_equal

import pyparallel as pp
from pyparallel._load import core
from tests.test_interrupts import LATEST, seconds_to_stop

BLOCK = 4096  # numbers that a kernel takes at a time: see csrc/core/fsum.h
LARGEST = sys.float_info.max
TINY = 5e-324
DTYPES = ["?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8"]

inf, nan = math.inf, math.nan
floats = st.floats(allow_nan=False, allow_infinity=False)
# Numbers that meet in sums: neighbours of powers of two, and what cancels them.
powers = st.builds(
    lambda sign, exponent, steps: sign * math.ldexp(1 + steps * 2.0**-52, exponent),
    st.sampled_from([-1, 1]),
    st.integers(-1074, 1023),
    st.sampled_from([0, 0, 1, 2**51, 2**52 - 1]),
)
numbers = st.one_of(floats, powers, st.sampled_from([0.0, -0.0, TINY, -TINY, LARGEST, -LARGEST]))
lists = st.lists(numbers, max_size=200)


def fraction_sum(values: Iterable[Any]) -> Fraction:
    return sum((Fraction(x) for x in values), Fraction(0))


def rounded(exact: Fraction) -> float:
    """To the nearest float64; Python's division of integers is correctly rounded."""
    return exact.numerator / exact.denominator + 0.0


def exact_sum(*parts: Any) -> pp.ExactSum:
    total = pp.ExactSum()
    for part in parts:
        total.add(part)
    return total


def bits(x: float) -> str:
    return float(x).hex()


def wide_range(n: int, seed: int = 0) -> np.ndarray:
    """Numbers of all magnitudes: no block of them goes through the kernels."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=n) * 10.0 ** rng.integers(-300, 290, n)


# --- the value -----------------------------------------------------------------------------------


@given(lists)
def test_the_sum_is_the_exact_one_rounded_once(values):
    exact = fraction_sum(values)
    try:
        expected = rounded(exact)
    except OverflowError:
        with pytest.raises(OverflowError, match=r"^fsum: the sum is out of float64's range$"):
            pp.fsum(values)
    else:
        assert bits(pp.fsum(values)) == bits(expected)


@given(st.lists(st.one_of(powers, floats), min_size=64, max_size=64), st.integers(1, 200))
def test_long_sums_are_exact_too(values, repeats):
    """Cancelling pairs among them, in whole blocks."""
    a = np.tile(np.array(values) / 2.0**20, repeats)
    assert pp.fsum(a) == rounded(repeats * fraction_sum(a[:64]))
    assert pp.fsum(np.r_[a, TINY, -a]) == TINY


@pytest.mark.parametrize("n", [1, 15, 16, 63, 64, 65, 100, BLOCK - 1, BLOCK, BLOCK + 17, 50_000])
@pytest.mark.parametrize("scale", [1, 1e-300, 1e290, 2.0**-1070])
def test_the_sum_is_that_of_math_fsum(n, scale):
    rng = np.random.default_rng(n)
    for a in (rng.normal(size=n), rng.random(n), rng.standard_cauchy(n)):
        a = a * scale
        assert pp.fsum(a) == math.fsum(a)
        assert pp.fsum(np.r_[a, -a[::-1]]) == 0


def test_condition_numbers_up_to_1e300():
    for exponent in range(0, 301, 20):
        large = 10.0**exponent
        a = np.r_[wide_range(1000) * 1e-10, np.full(100, large), np.full(100, -large)]
        np.random.default_rng(exponent).shuffle(a)
        assert pp.fsum(a) == math.fsum(a)
    assert pp.fsum([1e300, 1e-300, -1e300]) == 1e-300


def test_overflow_in_between_cancels():
    assert pp.fsum([1e308, 1e308, -1e308, -1e308, 1]) == 1
    assert pp.fsum([LARGEST] * 10_000 + [-LARGEST] * 9_999) == LARGEST
    assert exact_sum([1e308] * 5, [-1e308] * 4).value == 1e308


def test_overflow_is_that_of_the_rounded_sum():
    half = math.ldexp(1, 970)  # of the last place of LARGEST
    assert pp.fsum([LARGEST, half, -TINY]) == LARGEST
    assert pp.fsum([-LARGEST, -half, TINY]) == -LARGEST
    for sign in (1, -1):
        with pytest.raises(OverflowError, match="fsum"):
            pp.fsum(np.array([LARGEST, half]) * sign)
        total = exact_sum(np.array([LARGEST, LARGEST]) * sign)
        with pytest.raises(OverflowError, match=r"^ExactSum\.value: "):
            _ = total.value
        assert total.mean == LARGEST * sign
        total.add(-LARGEST * sign)
        assert total.value == LARGEST * sign


@pytest.mark.parametrize("exponent", [-1021, -300, -1, 0, 52, 300, 970])
def test_ties_go_to_even(exponent):
    unit = math.ldexp(1, exponent)
    last, half = unit * 2.0**-52, unit * 2.0**-53
    assert pp.fsum([unit, half]) == unit
    assert pp.fsum([unit, last, half]) == unit + 2 * last
    assert pp.fsum([unit, half, TINY]) == unit + last
    assert pp.fsum([unit, last, half, -TINY]) == unit + last
    assert pp.fsum([-unit, -half, -TINY]) == -unit - last


def test_a_tie_of_subnormals_and_normals():
    smallest = sys.float_info.min
    assert pp.fsum([smallest, -TINY]) == smallest - TINY
    assert pp.fsum([smallest - TINY, TINY]) == smallest
    assert pp.fsum([TINY] * 1000) == 1000 * TINY
    assert pp.fsum(np.full(BLOCK, TINY)) == BLOCK * TINY
    assert pp.fsum(np.full(BLOCK, smallest) - TINY) == BLOCK * (smallest - TINY)


@pytest.mark.parametrize("values", [[], [-0.0], [-0.0] * 100, [1.0, -1.0], [-TINY, TINY], [-1, 1]])
def test_zero_is_positive(values):
    assert bits(pp.fsum(values)) == bits(0.0)
    assert bits(exact_sum(values).value) == bits(0.0)


@pytest.mark.parametrize("values", [[inf], [-inf], [nan], [inf, inf, 1], [nan, inf], [-inf, nan]])
@pytest.mark.parametrize("n", [0, 100, 2 * BLOCK])
def test_inf_and_nan_are_as_in_math_fsum(values, n):
    a = np.r_[values[:1], np.arange(n), values[1:]]
    assert str(float(pp.fsum(a))) == str(math.fsum(a))
    assert str(exact_sum(a).value) == str(math.fsum(a))
    assert str(exact_sum(a).mean) == str(math.fsum(a))
    assert str(float(pp.fsum(a.astype("f4")))) == str(math.fsum(a))


@pytest.mark.parametrize("values", [[inf, -inf], [-inf, nan, inf], [LARGEST, LARGEST, inf, -inf]])
@pytest.mark.parametrize("n", [0, 2 * BLOCK])
def test_inf_minus_inf_is_an_error(values, n):
    a = np.r_[values[:1], np.arange(n), values[1:]]
    with pytest.raises(ValueError, match=r"^fsum: a sum of inf and -inf$"):
        pp.fsum(a)
    total = exact_sum(a)
    for name in ("value", "mean"):
        with pytest.raises(ValueError, match=rf"^ExactSum\.{name}: a sum of inf and -inf$"):
            getattr(total, name)


# --- the order, the cuts, the threads ------------------------------------------------------------


@pytest.mark.parametrize("make", [wide_range, lambda n: np.random.default_rng(1).normal(size=n)])
def test_the_sum_does_not_depend_on_order_cuts_and_threads(make):
    a = make(200_000)
    expected = math.fsum(a)
    rng = np.random.default_rng(0)
    for threads in range(1, 17):
        a = rng.permutation(a)
        assert pp.fsum(a, num_threads=threads) == expected
        cuts = np.sort(rng.integers(0, a.size, 5))
        total = pp.ExactSum()
        for part in np.split(a, cuts):
            total.add(part, num_threads=threads)
        assert total.value == expected


@pytest.mark.parametrize("slices", [(0.0, 0), (0.0, 1)], ids=["minimum", "shrinking"])
def test_the_sum_does_not_depend_on_slices(slices):
    a = np.random.default_rng(0).normal(size=(7, 300_000))
    expected = [math.fsum(row) for row in a]
    core.set_slices(*slices)
    for threads in (1, 3, 16):
        assert pp.fsum(a[0], num_threads=threads) == expected[0]
        assert pp.fsum(a, axis=1, num_threads=threads).tolist() == expected
        assert pp.fsum(a.T, axis=0, num_threads=threads).tolist() == expected


@pytest.mark.parametrize("at", [0, 1, 15, 17, 4080, BLOCK - 1])
@pytest.mark.parametrize("odd", [1e-300, TINY, 1e300, LARGEST, -LARGEST, 2.0**-70, 1.0])
def test_every_block_through_the_slow_path(at, odd):
    """One number in each block that is too small, or too large, for the others."""
    a = np.random.default_rng(0).normal(size=10 * BLOCK)
    a[at::BLOCK] = odd
    a[at :: 2 * BLOCK] = -odd
    assert pp.fsum(a) == math.fsum(a)
    assert pp.fsum(np.r_[a[1:], a[0], -a]) == 0


@pytest.mark.parametrize("shape", [(3000, 40), (2, 1100, 600), (70, 16), (1024, 31)])
@pytest.mark.parametrize("odd", [None, 1e-300, LARGEST, inf, nan])
def test_columns_with_an_odd_number_here_and_there(shape, odd):
    a = np.random.default_rng(0).normal(size=shape)
    if odd is not None:
        a.ravel()[:: a.size // 2 - 5] = odd
    expected = np.apply_along_axis(math.fsum, -2, a)
    for threads in (1, 2, 5):
        assert_array_equal(pp.fsum(a, axis=-2, num_threads=threads), expected)


def test_blocks_of_changing_magnitude():
    rng = np.random.default_rng(0)
    scales = 10.0 ** rng.integers(-300, 300, 60)
    a = (rng.normal(size=(60, BLOCK)) * scales[:, np.newaxis]).ravel()
    assert pp.fsum(a, num_threads=1) == math.fsum(a)
    for sign in (1, -1):  # numbers at the edge of what a block takes
        for exponent in range(-1022, 1010, 127):
            edge = np.full(BLOCK, sign * math.ldexp(1, exponent))
            assert pp.fsum(edge) == BLOCK * edge[0]
            edge[1::2] = np.nextafter(edge[1::2], 0)
            assert pp.fsum(edge) == math.fsum(edge)


# --- types and layouts ---------------------------------------------------------------------------


@st.composite
def arrays_of_any_kind(draw: st.DrawFn) -> np.ndarray:
    dtype = np.dtype(draw(st.sampled_from(DTYPES)))
    shape = draw(array_shapes(min_dims=0, max_dims=4, max_side=9, min_side=1))
    if dtype.kind == "f":
        elements = st.floats(allow_nan=False, allow_infinity=False, width=8 * dtype.itemsize)
        a = draw(arrays(dtype, shape, elements=elements)) / dtype.type(2048)
    else:
        a = draw(arrays(dtype, shape))
    if draw(st.booleans()):
        a = a.astype(dtype.newbyteorder())
    if draw(st.booleans()):  # off its alignment
        raw = np.zeros(a.nbytes + 1, np.uint8)
        shifted = raw[1:].view(a.dtype).reshape(a.shape)
        shifted[...] = a
        a = shifted
    a = a.transpose(draw(st.permutations(range(a.ndim))))
    return a[tuple(slice(None, None, draw(st.sampled_from([1, 1, 2, -1, -2]))) for _ in a.shape)]


@given(arrays_of_any_kind(), st.data())
def test_all_types_and_layouts_over_any_axes(a, data):
    axes = data.draw(st.sets(st.integers(0, a.ndim - 1))) if a.ndim else set()
    axis = data.draw(st.sampled_from([None, tuple(a_ - a.ndim * (a_ % 2) for a_ in axes)]))
    keepdims = data.draw(st.booleans())
    expected_shape = np.sum(a, axis=axis, keepdims=keepdims).shape
    rows = np.moveaxis(a, tuple(axes), range(-len(axes), 0)) if axis is not None else a
    kept = a.ndim - len(axes) if axis is not None else 0
    rows = rows.reshape(math.prod(rows.shape[:kept]), -1)
    expected = np.reshape([rounded(fraction_sum(row.tolist())) for row in rows], expected_shape)
    threads = data.draw(st.integers(1, 4))
    found = pp.fsum(a, axis, keepdims=keepdims, num_threads=threads)
    assert np.shape(found) == expected_shape
    assert type(found) is (np.float64 if expected_shape == () else np.ndarray)
    assert_array_equal(found, expected)
    out = np.full((*expected_shape, 2), nan)[..., 0]
    assert pp.fsum(a, axis, keepdims=keepdims, out=out) is out
    assert_array_equal(out, expected)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("step", [1, 3, -1])
def test_long_arrays_of_every_type(dtype, step):
    rng = np.random.default_rng(0)
    a = rng.integers(0, 256, 8 * 70_000, np.uint8).view("u8")
    if dtype[0] == "f":
        a = rng.normal(size=a.size) * 1e3
    a = a.astype(dtype)[::step]
    expected = rounded(fraction_sum(a.tolist()))
    for threads in (1, 3):
        assert pp.fsum(a, num_threads=threads) == expected
        assert pp.fsum(a.astype(a.dtype.newbyteorder()), num_threads=threads) == expected
        assert exact_sum(a).value == expected


def test_integers_enter_exactly():
    assert pp.fsum([2**53, 1, 1]) == 2**53 + 2
    assert pp.fsum(np.array([2**64 - 1, 2**63 + 1], "u8")) == float(2**64 + 2**63)
    assert exact_sum(np.array([2**63 + 1], "u8"), [-(2**63)]).value == 1
    lowest = np.array([-(2**63)] * 1000)
    assert exact_sum(lowest, [2**62] * 1999, [2**62 - 1]).value == -1


@pytest.mark.parametrize("shape", [(0,), (3, 0), (0, 3), (0, 0)])
def test_empty_arrays(shape):
    for axis in (None, *range(len(shape))):
        expected = np.sum(np.zeros(shape), axis=axis)
        assert_array_equal(pp.fsum(np.zeros(shape), axis=axis), expected)
    assert exact_sum(np.zeros(shape)).count == 0


@pytest.mark.parametrize("axes", [(), (0,), (1,), (2,), (0, 1), (0, 2), (1, 2), (0, 1, 2)])
def test_rows_and_columns_of_any_length(axes):
    a = np.random.default_rng(0).normal(size=(40, 3, 1500))
    a[::7] *= 1e200
    for view in (a, a[:, ::2], a[::-1, :, 1:1301], a.transpose(2, 0, 1), a[..., ::-3]):
        moved = np.moveaxis(view, axes, range(3 - len(axes), 3))
        rows = moved.reshape(math.prod(moved.shape[: 3 - len(axes)]), -1)
        expected = np.array([math.fsum(row) for row in rows]).reshape(moved.shape[: 3 - len(axes)])
        assert_array_equal(pp.fsum(view, axis=axes, num_threads=3), expected)


def test_broadcast_and_read_only_arrays_and_subclasses():
    assert pp.fsum(np.broadcast_to(0.1, (1000, 70))) == rounded(70_000 * Fraction(0.1))
    assert pp.fsum(np.broadcast_to([0.1, 0.2], (1000, 2)), axis=0).tolist() == [
        rounded(1000 * Fraction(x)) for x in (0.1, 0.2)
    ]
    frozen = np.ones(5)
    frozen.flags.writeable = False
    assert pp.fsum(frozen) == 5

    class Sub(np.ndarray):
        pass

    assert type(pp.fsum(np.ones((2, 3)).view(Sub), axis=0)) is np.ndarray
    assert pp.fsum(0.25) == 0.25 and pp.fsum(3, axis=0) == 3


# --- ExactSum ------------------------------------------------------------------------------------


@given(st.lists(lists, max_size=5), st.randoms(use_true_random=False))
def test_merging_is_associative_and_commutative(parts, rng):
    whole = exact_sum(np.array(list(itertools.chain(*parts)), float))
    sums = [exact_sum(np.array(part, float)) for part in parts]
    while len(sums) > 1:
        rng.shuffle(sums)
        sums[0].merge(sums.pop())
    merged = sums[0] if sums else pp.ExactSum()
    assert merged == whole
    assert pickle.dumps(merged) == pickle.dumps(whole)
    assert merged.count == sum(map(len, parts))


@given(lists)
def test_the_mean_is_the_exact_sum_divided_once(values):
    total = exact_sum(np.array(values, float))
    if values:
        assert bits(total.mean) == bits(rounded(fraction_sum(values) / len(values)))
    else:
        assert math.isnan(total.mean)


@given(st.integers(1, 2**62), st.lists(numbers, min_size=1, max_size=4))
def test_the_mean_of_very_many(factor, values):
    total, doubled = pp.ExactSum(), exact_sum(values)
    count = 0
    for bit in range(60):
        if factor >> bit & 1 and count + (len(values) << bit) < 2**63:
            total.merge(doubled)
            count += len(values) << bit
        doubled.merge(doubled)
    if count:
        expected = fraction_sum(values) * (count // len(values)) / count
        assert (total.count, bits(total.mean)) == (count, bits(rounded(expected)))


def test_the_mean_rounds_subnormals_once():
    assert exact_sum([TINY, 0]).mean == 0
    assert exact_sum([TINY, TINY, TINY, 0]).mean == TINY
    assert exact_sum([3 * TINY, 0]).mean == 2 * TINY
    assert exact_sum([-3 * TINY, 0]).mean == -2 * TINY
    assert bits(exact_sum([-TINY, 0, 0]).mean) == bits(-0.0)  # as -TINY / 3


def test_merge_and_add_work_in_place_and_return_none():
    a, b = exact_sum([1, 2]), exact_sum([0.5])
    assert a.merge(b) is None
    assert (a.value, a.count) == (3.5, 3)
    assert (b.value, b.count) == (0.5, 1)
    assert a.add([[1], [2]]) is None
    assert (a.value, a.count, a.mean) == (6.5, 5, 1.3)
    a.merge(a)
    assert (a.value, a.count) == (13, 10)
    a.merge(pp.ExactSum())
    assert a.count == 10


def test_the_empty_sum():
    empty = pp.ExactSum()
    assert (empty.value, empty.count, repr(empty)) == (0, 0, "<ExactSum: 0 numbers, sum 0.0>")
    assert math.isnan(empty.mean)
    assert empty == exact_sum([]) != exact_sum([0.0])


def test_equality_is_of_sums_and_counts():
    assert exact_sum([1, 2]) == exact_sum([3, 0]) == exact_sum([-0.0, 3.0])
    assert exact_sum([1, 2]) != exact_sum([3])
    assert exact_sum([1e300, 1]) != exact_sum([1e300, 0])
    assert exact_sum([inf, 1]) == exact_sum([2, inf]) != exact_sum([-inf, 1])
    assert exact_sum([1]) != 1 and exact_sum([1]) != "1"
    with pytest.raises(TypeError):
        hash(exact_sum([1]))
    with pytest.raises(TypeError):
        _ = exact_sum([1]) < exact_sum([2])  # type: ignore[operator]


def test_the_representation():
    assert repr(exact_sum([0.1, 0.2])) == f"<ExactSum: 2 numbers, sum {math.fsum([0.1, 0.2])}>"
    assert repr(exact_sum([LARGEST] * 2)) == "<ExactSum: 2 numbers, sum out of range>"
    assert repr(exact_sum([inf, -inf])) == "<ExactSum: 2 numbers, sum nan>"


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_sums_pickle_and_copy(protocol):
    for total in (pp.ExactSum(), exact_sum(wide_range(99)), exact_sum([-1]), exact_sum([inf, nan])):
        again = pickle.loads(pickle.dumps(total, protocol))
        assert again == total and again is not total
        assert repr(again) == repr(total)
        for duplicate in (copy.copy(total), copy.deepcopy(total), again):
            before = repr(total)
            duplicate.add([1])
            assert repr(total) == before != repr(duplicate)


def test_the_canonical_form():
    """Little-endian: format 1, specials, count, limbs of 32 bits from 2**-1074 up."""

    def state(*values: float) -> bytes:
        return exact_sum(values).__reduce__()[2]

    limbs = b"".join
    header = bytes([1, 0]) + (1).to_bytes(8, "little")
    assert state(3 * TINY) == header + limbs([b"\3\0\0\0"] + [b"\0" * 4] * 67)
    assert state(-TINY) == header + b"\xff" * 272
    assert int.from_bytes(state(-1.5)[10:], "little", signed=True) == -3 * 2**1073
    assert state(inf)[:2] == bytes([1, 1]) and state(-inf)[1] == 2 and state(nan)[1] == 4
    assert state(inf)[10:] == bytes(272)


def test_bytes_that_no_sum_has_are_refused():
    total = exact_sum([1.0])
    good = total.__reduce__()[2]
    count_0, count_negative = good[:2] + bytes(8), good[:2] + b"\xff" * 8
    wrong: list[Any] = [b"", good[:-1], good + b"\0", None, 5, "x", bytearray(good)]
    wrong += [b"\2" + good[1:], b"\1\x08" + good[2:], count_0 + good[10:]]
    wrong += [
        count_negative + good[10:],
        good[:-1] + b"\x40",
        good[:-1] + b"\x80",
        b"\1\1" + good[2:],
    ]
    for state in wrong:
        with pytest.raises(ValueError, match=r"^ExactSum: these bytes are not a pickled sum$"):
            total.__setstate__(state)
        assert total == exact_sum([1.0])


def test_subclasses_pickle_as_what_they_are():
    total = Named([1, 2])
    assert pickle.loads(pickle.dumps(total)).value == 3
    assert type(copy.copy(total)) is Named
    total.merge(exact_sum([4]))
    other = exact_sum([1])
    other.merge(total)
    assert other.value == 8
    with pytest.raises(TypeError):
        exact_sum([1]).merge(object())  # type: ignore[arg-type]


class Named(pp.ExactSum):
    def __init__(self, values: Iterable[float] = ()) -> None:
        self.add(list(values))


def test_the_count_does_not_overflow():
    total = exact_sum([0.0])
    for _ in range(62):
        total.merge(total)
    assert total.count == 2**62
    with pytest.raises(
        OverflowError, match=r"^ExactSum\.merge: the count is out of int64's range$"
    ):
        total.merge(total)
    assert total.count == 2**62


def test_many_threads_may_use_one_sum():
    a, total = np.random.default_rng(0).normal(size=1000), pp.ExactSum()

    def work(_: int) -> None:
        for _ in range(50):
            total.add(a)
            _ = total.value, total == pp.ExactSum(), total.count, repr(total), pickle.dumps(total)
            total.merge(exact_sum([1]))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert total.count == 400 * 1001
    assert total.value == rounded(400 * (fraction_sum(a) + 1))


# --- memory and Ctrl-C ---------------------------------------------------------------------------

TEMPORARIES = """
import resource, sys
import numpy as np, pyparallel as pp
a = np.ones(8_000_000)
{arguments}
pp.fsum(a[:100], num_threads=2)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
assert pp.ExactSum().add(a) or np.sum(pp.fsum(a, axis, num_threads=2)) > 3_900_000
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(grown // (1024 if sys.platform == "darwin" else 1))
"""


@pytest.mark.parametrize(
    "arguments",
    [
        "axis = None",
        "axis, a = None, a.astype('f4')",
        "axis, a = None, a.astype('>i8')",
        "axis, a = None, a[::-2]",
        "axis, a = 0, a.reshape(-1, 1000)",
        "axis, a = None, np.asfortranarray(a.reshape(-1, 1000))",
    ],
)
def test_temporaries_are_small(run_python, arguments):
    """A copy of an array would be 32 MB or more; a MiB per thread is allowed."""
    pytest.importorskip("resource")
    assert int(run_python(TEMPORARIES.format(arguments=arguments)).stdout) < 2048


ENDLESS = np.broadcast_to(0.1, (2**20, 2**20))


@pytest.mark.parametrize("slices", [(0.1, 0), (0.0, 1)], ids=["usual", "minimum"])
@pytest.mark.parametrize("axis", [None, 0, "add"])
def test_ctrl_c_stops_a_sum(axis, slices):
    core.set_slices(*slices)
    total, out = pp.ExactSum(), np.zeros(2**20)
    numbers = ENDLESS[: 2**20 - 1] if slices[0] else ENDLESS
    calls: dict[Any, Callable[[], object]] = {
        None: lambda: pp.fsum(numbers),
        0: lambda: pp.fsum(numbers, axis=0, out=out),
        "add": lambda: total.add(numbers),
    }
    assert seconds_to_stop(calls[axis]) < LATEST
    assert total.count == 0
    assert pp.fsum([0.1] * 10) == 1


# --- arguments -----------------------------------------------------------------------------------

A = np.arange(12.0).reshape(3, 4)
WRONG: list[tuple[tuple[Any, ...], dict[str, Any], type[Exception], str]] = [
    ((), {}, TypeError, "a is missing"),
    ((A, 0, None), {}, TypeError, "at most 2 arguments come without a name, not 3"),
    ((A,), {"a": A}, TypeError, "a is given twice"),
    ((A,), {"dtype": "f8"}, TypeError, "there is no argument 'dtype'"),
    ((A,), {"axis": 2}, np.exceptions.AxisError, "axis 2 is out of bounds .* dimension 2"),
    ((A,), {"axis": -3}, np.exceptions.AxisError, "axis -3 is out of bounds .* dimension 2"),
    ((A,), {"axis": (0, 5)}, np.exceptions.AxisError, "axis 5 is out of bounds"),
    ((A,), {"axis": (0, -2)}, ValueError, "duplicate value in 'axis'"),
    ((A,), {"axis": 0.0}, TypeError, "axis must be None, an integer or a tuple"),
    ((A,), {"axis": "0"}, TypeError, "axis must be None, an integer or a tuple"),
    ((A,), {"axis": [0]}, TypeError, "axis must be None, an integer or a tuple"),
    ((A + 1j,), {}, TypeError, "a must hold bool, integers, float32, float64, not complex128"),
    ((A.astype("f2"),), {}, TypeError, "a must hold .*, not float16"),
    ((A.astype(object),), {}, TypeError, "a must hold .*, not object"),
    ((["1"],), {}, TypeError, "a must hold .*, not <U1"),
    (([[1], [2, 3]],), {}, ValueError, "a must be an array, or sequences of equal lengths"),
    ((np.ma.masked_array(A),), {}, TypeError, "a must not be a masked array"),
    ((A, 0), {"out": np.zeros(3)}, ValueError, r"out must have shape \(4,\), not \(3,\)"),
    ((A, 0), {"out": np.zeros(4, "f4")}, TypeError, "out must be float64, not float32"),
    ((A, 0), {"out": np.zeros(4, ">f8")}, TypeError, "out must be float64, not >f8"),
    ((A, 0), {"out": [0.0] * 4}, TypeError, "out must be a numpy array, not list"),
    ((A, 0), {"out": A[1]}, ValueError, "out overlaps an input"),
    ((A, 0), {"out": np.broadcast_to(0.0, 4)}, ValueError, "out is read-only"),
    ((A,), {"num_threads": 0}, ValueError, "num_threads must be at least 1, or -1 for all, not 0"),
    ((A,), {"num_threads": True}, TypeError, "num_threads must be an integer, not bool"),
]


@pytest.mark.parametrize(("args", "options", "error", "says"), WRONG)
def test_wrong_arguments_of_fsum(args, options, error, says):
    before = A.copy()
    with pytest.raises(
        error, match=rf"^fsum: {says}" if error is not np.exceptions.AxisError else says
    ) as caught:
        pp.fsum(*args, **options)
    assert "fsum: " in str(caught.value)
    assert "\n" not in str(caught.value)
    assert_array_equal(A, before)


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda s: s.add(), TypeError, "ExactSum.add: array is missing"),
        (lambda s: s.add(1, 2), TypeError, "ExactSum.add: at most 1 arguments come without"),
        (lambda s: s.add(1j), TypeError, "ExactSum.add: array must hold .*, not complex128"),
        (lambda s: s.add([1], num_threads=0), ValueError, "ExactSum.add: num_threads must be"),
        (lambda s: s.merge(), TypeError, "ExactSum.merge: other is missing"),
        (lambda s: s.merge(1.5), TypeError, "ExactSum.merge: other must be an ExactSum, not float"),
        (lambda s: pp.ExactSum([1]), TypeError, "ExactSum: there are no arguments"),
        (lambda s: pp.ExactSum(values=1), TypeError, "ExactSum: there are no arguments"),
    ],
)
def test_wrong_arguments_of_exact_sum(call, error, says):
    total = exact_sum([1])
    with pytest.raises(error, match=rf"^{says}"):
        call(total)
    assert total == exact_sum([1])


def test_out_is_written_where_a_sum_has_no_value():
    out = np.zeros(3)
    with pytest.raises(OverflowError, match="fsum"):
        pp.fsum([[1, 2], [LARGEST, LARGEST], [3, 4]], axis=1, out=out)
    assert out.tolist() == [3, inf, 7]
    with pytest.raises(ValueError, match="fsum"):
        pp.fsum([[LARGEST, LARGEST], [inf, -inf], [3, nan]], axis=1, out=out)
    assert out[0] == inf and math.isnan(out[1]) and math.isnan(out[2])


def test_signatures():
    parameters = "(a, axis=None, *, out=None, keepdims=False, num_threads=None)"
    assert str(inspect.signature(pp.fsum)) == parameters
    assert str(inspect.signature(pp.ExactSum)) == "()"
    assert str(inspect.signature(pp.ExactSum().add)) == "(array, *, num_threads=None)"
    assert pickle.loads(pickle.dumps(pp.fsum)) is pp.fsum
    assert pp.ExactSum.__module__ == "pyparallel"
