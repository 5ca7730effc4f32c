"""Histograms: NumPy's edges and counts, for every type, layout, range and number of threads."""

from __future__ import annotations

import math
import sys
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.testing import assert_array_equal
from numpy.typing import NDArray

import pyparallel as pp
from pyparallel._load import core
from tests.reference import bin_counts
from tests.test_interrupts import LATEST, seconds_to_stop

DTYPES = ["?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8"]
INTEGERS = DTYPES[1:9]
LARGEST = sys.float_info.max
TINY = 5e-324
SPAN = 2**15  # elements that a thread draws at a time: see csrc/core/histogram.c
MOST_BINS = 2**18  # more are counted in the result itself
FLUSH = 2**26  # elements after which a thread's counts go to the result

Range = tuple[Any, Any] | None


def check_edges(found: NDArray[Any], a: NDArray[Any], bins: int, range: Range = None) -> None:
    with np.errstate(over="ignore"):
        expected = np.histogram_bin_edges(a, bins, range)
    assert found.dtype == expected.dtype
    assert_array_equal(found, expected)


def numpys_counts(a: NDArray[Any], bins: int, range: Range = None) -> NDArray[Any]:
    with np.errstate(over="ignore"):  # in the last edge, which it puts right
        return np.histogram(a, bins, range)[0]


def check(a: object, bins: int, range: Range = None, **options: Any) -> NDArray[np.int64]:
    """The counts, which are NumPy's, with its edges."""
    array = np.asarray(a)
    if array.dtype == bool:  # NumPy takes it for uint8 as well, but warns
        array = array.astype(np.uint8)
    counts, edges = pp.histogram(a, bins, range, **options)
    check_edges(edges, array, bins, range)
    assert counts.dtype == np.int64
    assert_array_equal(counts, bin_counts(array, edges))
    assert_array_equal(counts, numpys_counts(array, bins, range))
    return counts


def rng() -> np.random.Generator:
    return np.random.default_rng(2026)


# --- NumPy's counts ------------------------------------------------------------------------------

SIZES = [0.0, 1.0, 1e-300, 1e300, 1e16, 12345.678, -1.0, -1e-5]
moderate = st.floats(-1e6, 1e6)
anywhere = st.one_of(moderate, st.floats(allow_nan=False, allow_infinity=False), st.just(0.1))


@st.composite
def in_range(draw: st.DrawFn) -> tuple[NDArray[np.float64], int, tuple[float, float]]:
    """Numbers in and around a range: on its edges, right beside them, between them, far off."""
    low = draw(st.sampled_from(SIZES)) * draw(st.sampled_from([1.0, 0.3]))
    width = draw(st.floats(2**-30, 2**10)) * (abs(low) or draw(st.sampled_from([1e-300, 1.0])))
    bins = draw(st.one_of(st.integers(1, 100), st.sampled_from([1000, 4096])))
    edges = np.linspace(low, low + width, bins + 1)
    on_edges = edges[draw(arrays(np.int64, st.integers(0, 50), elements=st.integers(0, bins)))]
    beside = np.nextafter(on_edges, draw(st.sampled_from([-np.inf, np.inf])))
    between = low + width * draw(arrays(float, 20, elements=st.floats(-0.5, 1.5)))
    odd = [np.nan, np.inf, -np.inf, LARGEST, -LARGEST, 0.0, -0.0, TINY]
    return np.concatenate([on_edges, beside, between, odd]), bins, (low, low + width)


@given(in_range(), st.sampled_from([1, 2]))
def test_counts_in_a_range_are_numpys(drawn, threads):
    a, bins, range = drawn
    check(a, bins, range, num_threads=threads)


@given(st.lists(anywhere, min_size=1, max_size=50), st.integers(1, 50))
def test_counts_without_a_range_are_numpys(values, bins):
    width, largest = max(values) - min(values), max(map(abs, values))
    assume(max(1e-12 * largest, 1e-300) < width < math.inf or (width == 0 and largest < 1e10))
    check(values, bins)


@given(st.data(), st.sampled_from(DTYPES), st.integers(1, 300))
def test_counts_of_every_type_and_shape_are_numpys(data, dtype, bins):
    elements = st.floats(-1e3, 1e3, width=32) if dtype[0] == "f" else None
    shapes = array_shapes(min_dims=0, min_side=0, max_side=7)
    a = data.draw(arrays(dtype, shapes, elements=elements))
    check(a, bins, (0, 5))
    check(a, bins, (-3.7, 90.1))


@pytest.mark.parametrize("dtype", INTEGERS)
def test_integers_from_one_end_of_their_type_to_the_other(dtype):
    info = np.iinfo(dtype)
    a = rng().integers(info.min, info.max, 3000, dtype, endpoint=True)
    a[:2] = info.min, info.max
    for bins in (1, 7, 256, 1000):
        check(a, bins)
    check(a, 10, (0.5, 100.25))
    check(a, 10, (info.max // 3, info.max // 2))


@pytest.mark.parametrize("bins", [1, 2, 100, 1000, 2**13, 2**14, 10**5, MOST_BINS, 10**6])
@pytest.mark.parametrize("n", [0, 1, 16, 1000, 200_000])
def test_any_number_of_bins(bins, n):
    a = rng().random(n)
    check(a, bins, (0.1, 0.9))


@pytest.mark.parametrize("bins", [10, 10**4, 10**6])
def test_elements_that_are_all_equal_or_sorted(bins):
    check(np.full(50_000, 0.5), bins, (0, 1), num_threads=2)
    check(np.sort(rng().random(50_000)), bins, (0, 1), num_threads=2)


@pytest.mark.parametrize("n", [*range(40), 511, 513, 1023, 1025, SPAN - 1, SPAN + 1, 3 * SPAN + 5])
def test_every_element_counts_once_whatever_their_number(n):
    a = rng().random(n)
    assert check(a, 7, (0, 1), num_threads=2).sum() == n
    assert check(a, 7, num_threads=2).sum() == n


def test_nan_and_infinity_lie_in_no_bin():
    odd = [np.nan, np.inf, -np.inf]
    for lane in range(16):
        for value in odd:
            a = np.full(16, 0.5)
            a[lane] = value
            assert check(a, 4, (0, 1)).tolist() == [0, 0, 15, 0]
    assert check(odd, 3, (0, 1)).tolist() == [0, 0, 0]
    assert check([-0.0, 0.0], 2, (0, 1)).tolist() == [2, 0]


def test_counts_are_flushed_before_they_overflow():
    """After so many elements; a 32-bit count would hold some more."""
    a = np.zeros(FLUSH + 3 * SPAN + 1, np.uint8)
    a[::1000] = 1
    ones = np.count_nonzero(a)
    for threads in (1, 2):
        counts, _ = pp.histogram(a, 2, num_threads=threads)
        assert counts.tolist() == [a.size - ones, ones]


# --- edges ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
def test_no_elements(dtype):
    for a in (np.zeros(0, dtype), np.zeros((3, 0, 2), dtype)):
        assert check(a, 10).tolist() == [0] * 10
        assert check(a, 3, (2, 5)).tolist() == [0] * 3


@pytest.mark.parametrize("dtype", DTYPES)
def test_equal_elements_get_half_a_unit_on_both_sides(dtype):
    check(np.ones(9, dtype), 10)
    check(np.zeros((), dtype), 3)
    check(np.ones(9, dtype), 10, (1, 1))
    check(np.ones(9, dtype), 5, (7.25, 7.25))


@pytest.mark.parametrize("dtype", ["?", "f4", "f8", "i1", "u2", "i8"])
@pytest.mark.parametrize(
    "range",
    [
        (0, 1),
        (0.1, 0.7),
        [0.1, 5],
        np.array([0.1, 5]),
        np.array([1, 5]),
        (np.float64(0.1), np.float64(0.7)),
        (np.float32(0.1), np.float32(0.7)),
        (np.float32(0.1), 3),
        (np.int8(-3), np.int8(3)),
        (np.int64(-3), 3.3),
        (np.array(0.1), 5),
        (True + 0, 3.5),
    ],
    ids=repr,
)
def test_edges_are_numpys_for_every_type_of_the_ends(dtype, range):
    a = (rng().random(500) * 4).astype(dtype)
    check(a, 30, range)


@given(st.floats(-(2**99), 2**99, width=32), st.floats(2**-12, 2**20, width=32), st.integers(1, 60))
def test_edges_of_float32_are_numpys(low, width, bins):
    ends = np.array([low, np.float32(low) + np.float32(width * max(1, abs(low)))], np.float32)
    inside = np.linspace(*ends, 40, dtype=np.float32)
    for a in (inside, inside[::-1]):
        check(a, bins)
        check(a, bins, tuple(ends.tolist()))
        check(a, bins, tuple(ends))


@pytest.mark.parametrize("width", [1e-300, 1e-310, 40 * TINY, 14 * TINY, 1e300, LARGEST])
@pytest.mark.parametrize("bins", [1, 2, 3, 7])
def test_the_smallest_and_the_largest_ranges(width, bins):
    """Counts by the edges; NumPy's too, but where it divides by a width it has lost."""
    a = np.concatenate([width * rng().random(500), [0, width, width / 2]])
    for range in (None, (0, width), (0, width / 2)):
        counts, edges = pp.histogram(a, bins, range)
        check_edges(edges, a, bins, range)
        assert_array_equal(counts, bin_counts(a, edges))
        if width > 1e-300:
            assert_array_equal(counts, numpys_counts(a, bins, range))


def test_edges_decide_where_numpys_arithmetic_is_off_by_more_than_a_bin():
    """Steps of the smallest subnormal number are rounded: 13 of them make 9 uneven bins."""
    a = np.arange(14) * TINY
    counts, edges = pp.histogram(a, 9)
    check_edges(edges, a, 9)
    assert counts.tolist() == [1, 1, 1, 1, 1, 1, 1, 1, 6]


@pytest.mark.parametrize("base", [1.0, 1e9, -1e-3, 1e300])
@pytest.mark.parametrize("ulps", [1, 2, 3, 17])
def test_bins_as_narrow_as_a_few_units_of_the_last_place(base, ulps):
    steps = np.arange(-3, 20 * ulps + 3)
    a = base + steps * np.spacing(base)
    check(a, 20, tuple(sorted((base, float(base + 20 * ulps * np.spacing(base))))))
    check(a, 13 if ulps > 1 else 7)


def test_integers_as_floats_lie_on_edges():
    """Here nothing has to be compared with an edge; see csrc/core/histogram_template.h."""
    a = rng().integers(-2, 260, 5000).astype(float)
    for range in ((0, 256), (-1, 255), (1000, 1256)):
        check(a, 256, range)
        check(np.nextafter(a, -np.inf), 256, range)


# --- layouts, threads, variants ------------------------------------------------------------------


def layouts(a: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """The same 6000 elements, in other orders and places."""
    spread = np.zeros((60, 2, 100, 3), a.dtype)
    spread[:, 0, :, 1] = a.reshape(60, 100)
    unaligned = np.zeros(a.nbytes + 1, np.uint8)[1:].view(a.dtype)
    unaligned[:] = a
    wide = np.zeros((60, 140), a.dtype)
    wide[:, 20:120] = a.reshape(60, 100)
    return {
        "reversed": a[::-1],
        "Fortran": np.asfortranarray(a.reshape(20, 30, 10)),
        "transposed": a.reshape(20, 30, 10).transpose(1, 2, 0),
        "every third": spread[:, 0, :, 1],
        "long rows": wide[:, 20:120],
        "short rows": np.lib.stride_tricks.as_strided(
            wide[:, 20:], (60, 10, 10), (wide.strides[0], 10 * a.itemsize, a.itemsize)
        ),
        "unaligned": unaligned,
        "read-only": np.frombuffer(a.tobytes(), a.dtype),
        "swapped": a.astype(a.dtype.newbyteorder()),
        "swapped rows": wide.astype(a.dtype.newbyteorder())[::-1, 20:120],
    }


@pytest.mark.parametrize("dtype", DTYPES)
def test_counts_do_not_depend_on_the_layout(dtype):
    a = (rng().random(6000) * 100).astype(dtype)
    for range in (None, (3, 77)):
        counts, edges = pp.histogram(a, 33, range)
        for name, view in layouts(a).items():
            found = pp.histogram(view, 33, range)
            assert_array_equal(found[0], counts, err_msg=name)
            assert_array_equal(found[1], edges, err_msg=name)


def test_elements_that_share_memory_count_each():
    a = np.broadcast_to(np.array([[0.1], [0.7]]), (2, 100_000))
    assert check(a, 2, (0, 1)).tolist() == [100_000, 100_000]
    check(a, 2)


@pytest.mark.parametrize("threads", [1, 2, 3, 16])
@pytest.mark.parametrize("slices", [(0.1, 0), (0.0, 0), (0.0, 1)])
@pytest.mark.parametrize("bins", [10, 10**5, 10**6])
def test_counts_do_not_depend_on_threads_and_slices(threads, slices, bins):
    a = rng().normal(size=12 * SPAN + 3)
    expected = pp.histogram(a, bins)
    core.set_slices(*slices)
    found = pp.histogram(a, bins, num_threads=threads)
    assert_array_equal(found[0], expected[0])
    assert_array_equal(found[1], expected[1])


TEMPORARIES = """
import resource, sys
import numpy as np, pyparallel as pp
a = np.ones(8_000_000)
{layout}
pp.histogram(a[:100], num_threads=2)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
assert pp.histogram(a, 1000, num_threads=2)[0].sum() == a.size
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(grown // (1024 if sys.platform == "darwin" else 1))
"""


@pytest.mark.parametrize(
    "layout", ["", "a = a.astype('f4')", "a = a.astype('>i8')", "a = a[::-2]", "a = a[1:-1:3]"]
)
def test_temporaries_are_small(run_python, layout):
    """A copy of the array would be 20 MB or more; a MiB per thread is allowed."""
    pytest.importorskip("resource")
    assert int(run_python(TEMPORARIES.format(layout=layout)).stdout) < 2048


# --- arguments -----------------------------------------------------------------------------------


def test_lists_scalars_and_subclasses():
    class Own(np.ndarray):
        pass

    assert check([1, 2, 2, 9], 2).tolist() == [3, 1]
    assert check(3.5, 2, (3, 4)).tolist() == [0, 1]
    found = pp.histogram(np.arange(4.0).view(Own), bins=2, range=(0, 4))
    assert [type(part) for part in found] == [np.ndarray, np.ndarray]
    assert pp.histogram([1, 2])[0].size == 10


@pytest.mark.parametrize(
    ("bins", "error"),
    [
        (0, ValueError),
        (-1, ValueError),
        (2**31, ValueError),
        (10**400, ValueError),
        (True, TypeError),
        (np.True_, TypeError),
        (10.0, TypeError),
        (np.float64(3), TypeError),
        ("auto", TypeError),
        ([0, 1, 2], TypeError),
        (np.array([0.0, 1.0]), TypeError),
        (None, TypeError),
    ],
    ids=lambda value: str(value)[:12],
)
def test_bins_must_be_a_positive_integer(bins, error):
    with pytest.raises(error, match=r"^histogram: bins must be [^\n]*$"):
        pp.histogram([1.0, 2.0], bins)


@pytest.mark.parametrize(
    ("range", "error"),
    [
        ((1, 0), ValueError),
        ((0, math.nan), ValueError),
        ((-math.inf, 0), ValueError),
        ((0, np.float32(np.inf)), ValueError),
        ((0, 10**400), ValueError),
        ((-LARGEST, LARGEST), ValueError),
        ((1, 1 + 1e-15), ValueError),
        ((2**60, 2**60), ValueError),
        ((0, TINY), ValueError),
        ((1, 2, 3), ValueError),
        ((), ValueError),
        (5, TypeError),
        ("01", TypeError),
        ((0, "1"), TypeError),
        ((0, None), TypeError),
        ((0, 1j), TypeError),
        ((False, True), TypeError),
        ((np.False_, np.True_), TypeError),
        ((0, np.array([1])), TypeError),
        ((0, np.datetime64("2026")), TypeError),
        ((np.longdouble(0), 1), TypeError),
    ],
    ids=repr,
)
def test_range_must_be_two_finite_numbers_in_order(range, error):
    with pytest.raises(error, match=r"^histogram: range must [^\n]*$"):
        pp.histogram([1.0, 2.0], 50, range)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_a_range_must_be_given_where_none_can_be_found(value, dtype):
    for n in (1, 5, 40, 3 * SPAN):
        for place in {0, n // 2, n - 1}:
            a = np.ones(n, dtype)
            a[place] = value
            with pytest.raises(ValueError, match=r"^histogram: range must be given"):
                pp.histogram(a, num_threads=2)


def test_what_float32_or_int64_cannot_divide():
    with pytest.raises(ValueError, match="range must be one that float32 can divide"):
        pp.histogram(np.array([1, 1 + 2**-23], np.float32), 3)
    with pytest.raises(ValueError, match="range must be one that float64 can divide"):
        pp.histogram(np.full(3, 2**60))


@pytest.mark.parametrize("dtype", ["f2", "g", "c16", "U3", "M8[s]", "O"])
def test_arrays_of_other_types_are_refused(dtype):
    with pytest.raises(TypeError, match=r"^histogram: a must hold bool, integers, float32"):
        pp.histogram(np.zeros(3, dtype))


def test_other_arguments_are_checked():
    with pytest.raises(TypeError, match=r"^histogram: num_threads must be an integer, not float"):
        pp.histogram([1.0], num_threads=1.5)
    with pytest.raises(ValueError, match=r"^histogram: num_threads must be at least 1"):
        pp.histogram([1.0], num_threads=0)
    with pytest.raises(TypeError, match=r"^histogram: a must not be a masked array"):
        pp.histogram(np.ma.array([1.0, 2.0]))


def test_nothing_warns():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pp.histogram(np.array([True, False]))
        pp.histogram([np.nan, np.inf, 1e308, -1e308], range=(0, 1e-310))


def test_the_input_is_left_as_it_is():
    a = rng().random(1000)
    before = a.tobytes()
    pp.histogram(a, 7)
    assert a.tobytes() == before


# --- Ctrl-C --------------------------------------------------------------------------------------


@pytest.mark.parametrize("bins", [10, 10**6])
def test_ctrl_c_stops_a_histogram(bins):
    a = np.broadcast_to(rng().random(1000), (10**9, 1000))
    assert seconds_to_stop(lambda: pp.histogram(a, bins, (0, 1))) < LATEST
    assert seconds_to_stop(lambda: pp.histogram(a, bins)) < LATEST
    assert pp.histogram([1, 2], 2)[0].tolist() == [1, 1]
