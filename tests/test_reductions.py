"""Reductions: the same calls of NumPy, of any array and with any options; extremes and norms."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.testing import assert_allclose, assert_array_equal

import pyparallel as pp
from pyparallel._load import core

DTYPES = ["?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8"]
FLOATING = ["mean", "var", "std", "norm"]
EXTREMES = ["min", "max", "minmax", "argmin", "argmax"]


def numpys_norm(a: Any, axis: Any = None, **options: Any) -> Any:
    dtype = np.float32 if np.asarray(a).dtype.type is np.float32 else np.float64  # any byte order
    return np.sqrt(np.sum(np.square(a, dtype=dtype), axis, **options))


NUMPY: dict[str, Callable[..., Any]] = {
    **{name: getattr(np, name) for name in ("sum", "mean", "var", "std", "min", "max")},
    **{name: getattr(np, name) for name in ("argmin", "argmax", "count_nonzero")},
    "norm": numpys_norm,
    "minmax": lambda a, *args, **options: (
        np.min(a, *args, **options),
        np.max(a, *args, **options),
    ),
}


# --- the same as NumPy ---------------------------------------------------------------------------


class Own(np.ndarray):
    pass


LAYOUTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "as it is": lambda a: a,
    "foreign byte order": lambda a: a.astype(a.dtype.newbyteorder()),
    "backwards": lambda a: a[(slice(None, None, -1),) * a.ndim],
    "transposed": lambda a: a.T,
    "Fortran order": np.asfortranarray,
    "every second": lambda a: a[..., ::2] if a.ndim else a,
    "a window": lambda a: a[(slice(1, None),) * a.ndim],
    "off its alignment": lambda a: (
        np.frombuffer(b"\0" + a.tobytes(), np.uint8)[1:].view(a.dtype).reshape(a.shape)
    ),
    "repeated": lambda a: np.broadcast_to(a, (3, *a.shape)),
    "repeated inside": lambda a: np.broadcast_to(a[..., np.newaxis], (*a.shape, 5)),
    "a subclass": lambda a: a.view(Own),
}


@st.composite
def any_array(draw: st.DrawFn) -> np.ndarray:
    dtype = np.dtype(draw(st.sampled_from(DTYPES)))
    shape = draw(array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=9))
    if dtype.kind == "f":
        moderate = st.floats(-(2**20), 2**20, width=8 * dtype.itemsize, allow_subnormal=False)
        odd = st.sampled_from([0.0, -0.0, math.inf, -math.inf, math.nan])
        elements = draw(st.sampled_from([moderate, moderate | odd]))
        a = draw(arrays(dtype, shape, elements=elements))
    else:
        a = draw(arrays(dtype, shape))
    for layout in draw(st.lists(st.sampled_from(sorted(LAYOUTS)), max_size=2)):
        if layout != "off its alignment" or a.size:
            a = LAYOUTS[layout](a)
    return a


def any_axis(draw: st.DrawFn, name: str, ndim: int) -> Any:
    """Mostly good ones."""
    one = st.integers(-ndim, max(ndim - 1, 0))
    if name in ("argmin", "argmax"):
        return draw(st.one_of(st.none(), one, st.integers(-6, 6)))
    many = st.lists(one, max_size=ndim, unique_by=lambda axis: axis % max(ndim, 1)).map(tuple)
    wrong = st.lists(st.integers(-6, 6), max_size=3).map(tuple)
    return draw(st.one_of(st.none(), one, many, many, wrong, st.integers(-6, 6)))


@st.composite
def any_call(draw: st.DrawFn) -> tuple[str, np.ndarray, Any, dict[str, Any]]:
    name = draw(st.sampled_from(sorted(NUMPY)))
    a = draw(any_array())
    axis = any_axis(draw, name, a.ndim)
    options: dict[str, Any] = {}
    if draw(st.booleans()):
        options["keepdims"] = draw(st.booleans())
    if name in ("sum", "mean", "var", "std") and draw(st.booleans()):
        integers = DTYPES[1:9] if name == "sum" and a.dtype.kind != "f" else []
        options["dtype"] = draw(st.sampled_from(["f4", "f8", np.float64, float, *integers]))
    if name in ("var", "std") and draw(st.booleans()):
        options["ddof"] = draw(st.sampled_from([0, 1, 2, 0.5, 9, -1, 1.5]))
    return name, a, axis, options


def outcome(call: Callable[[], Any]) -> tuple[Any, list[str]]:
    """The result, or the error, and the warnings; those of single operations are none of ours."""
    with warnings.catch_warnings(record=True) as caught, np.errstate(all="ignore"):
        warnings.simplefilter("always")
        try:
            result = call()
        except (TypeError, ValueError) as error:
            result = error
    said = [str(warning.message).lower() for warning in caught]
    return result, [text for text in said if "encountered" not in text]


def numpys_values(name: str, a: np.ndarray, axis: Any, options: dict[str, Any]) -> Any:
    """In float64 throughout, where NumPy itself would sum in float32."""
    if name in FLOATING or (name == "sum" and a.dtype.kind == "f") or options.get("dtype"):
        dtype = np.dtype(options.get("dtype") or "f8")
        if dtype.kind == "f":
            a, options = a.astype(dtype).astype(float), {**options, "dtype": float}
    if name == "norm":
        options.pop("dtype", None)
    return outcome(lambda: NUMPY[name](a, axis, **options))[0]


def assert_alike(found: Any, expected: Any, values: Any, a: np.ndarray) -> None:
    """Type and shape of one, numbers of the other."""
    assert isinstance(found, np.ndarray) == isinstance(expected, np.ndarray)
    found, expected = np.asarray(found), np.asarray(expected)
    assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
    if found.dtype.kind != "f":
        assert_array_equal(found, values)
        return
    epsilon = float(np.finfo(found.dtype).eps)
    largest = np.abs(a[np.isfinite(a)].astype(float)).max(initial=1)
    assert_allclose(found, values, 4 * epsilon, 1e-13 * largest**2 * max(a.size, 1))


def is_numpys_oddity(name: str, a: np.ndarray, axis: Any) -> bool:
    """A 0-d array has axes 0 and -1 for NumPy's sum, but not for its mean."""
    return a.ndim == 0 and name in ("mean", "var", "std") and axis in (0, -1)


@settings(max_examples=1000)
@given(any_call(), st.integers(1, 4))
def test_calls_do_what_numpy_does(call, threads):
    name, a, axis, options = call
    plain = a.view(np.ndarray)  # subclasses are treated as arrays
    expected, numpy_said = outcome(lambda: NUMPY[name](plain, axis, **options))
    found, said = outcome(lambda: getattr(pp, name)(a, axis, num_threads=threads, **options))
    if isinstance(expected, Exception):
        both = isinstance(axis, tuple) and len(axis) > 1  # may be out of bounds and repeated
        assert isinstance(found, Exception) or is_numpys_oddity(name, a, axis)
        assert type(found) is type(expected) or both or is_numpys_oddity(name, a, axis)
        return
    assert not isinstance(found, Exception), repr(found)
    assert bool(said) == bool(numpy_said), f"{said}, not {numpy_said}"
    values = numpys_values(name, plain, axis, options)
    if name != "minmax":
        found, expected, values = [found], [expected], [values]
    for results in zip(found, expected, values, strict=True):
        assert_alike(*results, plain)


@settings(max_examples=300)
@given(any_call(), st.sampled_from([1, 2, -1]))
def test_out_receives_the_result(call, step):
    name, a, axis, options = call
    expected = outcome(lambda: getattr(pp, name)(a, axis, **options))[0]
    if isinstance(expected, Exception) or name == "minmax":
        return
    shape = np.shape(expected)
    whole = np.zeros((*shape[:-1], 2 * shape[-1]) if shape else (), expected.dtype)
    out = whole[..., ::step][..., : shape[-1]] if shape else whole
    returned = outcome(lambda: getattr(pp, name)(a, axis, out=out, **options))[0]
    assert returned is out
    assert out.tobytes() == np.asarray(expected).tobytes()


def test_lists_scalars_and_objects_with_array():
    class Wrapped:
        def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
            return np.array([[1.0, 2.0], [3.0, 5.0]])

    for given_ in ([[1.0, 2.0], [3.0, 5.0]], ((1.0, 2.0), (3.0, 5.0)), Wrapped()):
        assert pp.sum(given_) == 11
        assert pp.argmax(given_, 0).tolist() == [1, 1]
    assert pp.sum(7) == pp.max(7) == 7
    assert (pp.mean(True), pp.count_nonzero(0.0), pp.norm(-3)) == (1, 0, 3)
    assert type(pp.sum(7)) is np.int64
    assert type(pp.minmax(np.float32(2))[1]) is np.float32


def test_where_we_differ_from_numpy_on_purpose():
    integers, floats = np.arange(5), np.arange(5.0)
    for name in ("mean", "var", "std"):
        with pytest.raises(
            TypeError, match=f"^{name}: dtype must be float32 or float64, not int64"
        ):
            getattr(pp, name)(integers, dtype=int)
    with pytest.raises(TypeError, match=r"^sum: dtype must be float32 or float64, not int64$"):
        pp.sum(floats, dtype=int)
    with pytest.raises(TypeError, match=r"^sum: out must be float64, not float32$"):
        pp.sum(floats, out=np.zeros((), "f4"))  # NumPy would cast


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_sums_that_are_zero_are_positive(dtype):
    for values in ([], [-0.0], [-0.0] * 100, [1, -1], [-0.0] * 70_000):
        for name in ("sum", "mean", "norm", "var", "std") if values else ("sum", "norm"):
            assert not np.signbit(getattr(pp, name)(np.array(values, dtype)))
            table = np.array([values] * 3, dtype).T
            assert not np.signbit(getattr(pp, name)(table, 0)).any()
        assert not np.signbit(pp.dot(np.array(values, dtype), np.ones(len(values), dtype)))


def test_warnings_come_for_empty_means_and_too_few_elements_only():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pp.sum([np.inf, -np.inf]), pp.var([np.inf, 1]), pp.norm([1e308, 1e308, 1e308, 1e308])
        pp.sum(np.full(100, 1e308)), pp.sum([1e300], dtype="f4"), pp.min([np.nan])
        assert math.isnan(pp.mean([np.nan])) and pp.sum([]) == pp.norm([]) == 0
        assert pp.mean(np.zeros((0, 3)), axis=1).shape == (0,)
        for name, args in [("mean", ([],)), ("var", ([1.0], None)), ("std", ([], None))]:
            out = np.full((), 7.0)
            options = {"ddof": 1} if name == "var" else {}
            with pytest.raises(RuntimeWarning, match=r"^(mean|var, std): "):
                getattr(pp, name)(*args, out=out, **options)
            assert out == 7
    with pytest.warns(RuntimeWarning, match="empty slice"):
        assert np.isnan(pp.mean(np.zeros((0, 3)), axis=0)).all()
    with pytest.warns(RuntimeWarning, match="degrees of freedom"):
        assert math.isnan(pp.var([3.0], ddof=1))
    with pytest.warns(RuntimeWarning, match="degrees of freedom"):
        assert pp.var([1.0, 2.0], ddof=2) == math.inf


# --- extremes ------------------------------------------------------------------------------------

# Around the ends of groups, tiles and chunks.
PLACES = [0, 1, 7, 8, 63, 64, 4095, 4096, 8191, 8192, 32767, 32768, 65535, 65536, 131_072, 200_002]
LONG = 200_003


def assert_extremes(a: np.ndarray, axis: int | None = None, threads: int = 3) -> None:
    for name in EXTREMES:
        found = getattr(pp, name)(a, axis, num_threads=threads)
        assert_array_equal(found, NUMPY[name](a, axis))


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_nan_is_found_in_every_place(dtype):
    for n, places in [(1, [0]), (9, range(9)), (150, range(150)), (LONG, PLACES)]:
        a = np.random.default_rng(0).normal(size=n).astype(dtype)
        for place in places:
            before, a[place] = a[place], np.nan
            assert_extremes(a)
            assert pp.argmin(a) == pp.argmax(a) == place
            for name in ("sum", *FLOATING):
                assert math.isnan(getattr(pp, name)(a, num_threads=3))
            assert math.isnan(pp.dot(a, np.zeros(n, dtype)))
            assert pp.count_nonzero(a) == n
            a[place] = before


@pytest.mark.parametrize("order", ["C", "F"])
def test_nan_in_a_column_is_of_that_column_only(order):
    for shape in [(7, 70), (300, 67), (30_000, 3), (3, 30_000)]:
        a = np.asarray(np.random.default_rng(0).normal(size=shape), order=order)
        for row in {0, shape[0] // 2, shape[0] - 1}:
            for column in {0, 1, shape[1] // 2, shape[1] - 1}:
                before, a[row, column] = a[row, column], np.nan
                for axis, place in ((0, column), (1, row)):
                    assert_extremes(a, axis)
                    for name in ("sum", *FLOATING):
                        result = getattr(pp, name)(a, axis, num_threads=3)
                        assert np.flatnonzero(np.isnan(result)).tolist() == [place]
                a[row, column] = before


@pytest.mark.parametrize("name", ["sum", *FLOATING, "min", "max"])
@pytest.mark.parametrize(("dtype", "unsigned"), [("f4", "u4"), ("f8", "u8")])
def test_nan_results_are_the_one_nan(name, dtype, unsigned):
    """Whatever the sign and the payload of those that come in."""
    a = np.ones(100, dtype)
    for bits in (-1, 2 ** (8 * a.itemsize - 1) - 1, np.array(np.inf, dtype).view(unsigned) + 1):
        a.view(unsigned)[:] = np.array(1, dtype).view(unsigned)
        a.view(unsigned)[50] = np.array(bits).astype(unsigned)
        assert getattr(pp, name)(a).tobytes() == np.array(np.nan, dtype).tobytes()


@pytest.mark.parametrize("dtype", DTYPES)
def test_ties_go_to_the_first(dtype):
    a = np.ones(LONG, dtype)
    for first, low in enumerate(PLACES[:-1]):
        for high in PLACES[first + 1 :: 3]:
            a[[low, high]] = 0
            for threads in (1, 3, 16):
                assert pp.argmin(a, num_threads=threads) == low
                assert pp.argmax(a == 0, num_threads=threads) == low
            a[[low, high]] = 1
    assert pp.argmin(a, num_threads=3) == pp.argmax(a, num_threads=3) == 0


@pytest.mark.parametrize("dtype", ["?", "u1", "i2", "f4", "f8"])
@pytest.mark.parametrize("shape", [(2, 500), (300, 67), (70_000, 3), (3, 70_000), (5000, 64)])
def test_places_in_rows_and_columns_with_many_ties(shape, dtype):
    a = np.random.default_rng(0).integers(0, 5, shape).astype(dtype)
    for view in (a, np.asfortranarray(a), a[::-1, ::-1], a.astype(a.dtype.newbyteorder())):
        for axis in (0, 1, None):
            assert_extremes(view, axis)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_ends_of_a_types_range(dtype):
    info = np.finfo(dtype) if dtype[0] == "f" else np.iinfo(dtype) if dtype != "?" else None
    ends = [info.min, info.max] if info else [False, True]
    if dtype[0] == "f":
        ends += [-np.inf, np.inf, 0.0, info.smallest_subnormal, -info.smallest_subnormal]
    for end in ends:
        for n in (1, 9, 100, 70_000):
            a = np.full(n, end, dtype)
            assert_extremes(a)
            for other in ends:
                a[n // 2] = other
                assert_extremes(a)
                assert_extremes(np.stack([a, a[::-1]], axis=1), 0)
                assert pp.count_nonzero(a) == np.count_nonzero(a)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_negative_zero_is_the_less_of_two_but_ties_for_places(dtype):
    for n in (2, 100, 70_001):
        for place in {0, 1, n // 2, n - 1}:
            for common in (0.0, -0.0):
                a = np.full(n, common, dtype)
                a[place] = -common
                assert np.signbit(pp.min(a, num_threads=3)) and not np.signbit(pp.max(a))
                assert [bool(np.signbit(x)) for x in pp.minmax(a)] == [True, False]
                assert pp.argmin(a, num_threads=3) == pp.argmax(a, num_threads=3) == 0
                table = np.stack([a, np.zeros(n, dtype), a], axis=1)
                assert np.signbit(pp.min(table, 0)).tolist() == [True, False, True]
                assert not np.signbit(pp.max(table, 0)).any()
                assert pp.argmin(table, 0).tolist() == pp.argmax(table, 0).tolist() == [0] * 3
    assert pp.argmin(np.array([1, 0.0, -0.0], dtype)) == 1
    assert pp.argmax(np.array([-1, -0.0, 0.0], dtype)) == 1


@pytest.mark.parametrize("slices", [(0.0, 0), (0.0, 1)], ids=["minimum", "shrinking"])
def test_any_slices_give_the_same(slices):
    a = np.random.default_rng(0).integers(-100, 100, (5, 40_001))
    expected = [[NUMPY[name](a, axis) for name in (*EXTREMES, "sum")] for axis in (None, 0, 1)]
    core.set_slices(*slices)
    for threads in (1, 3, 16):
        for view in (a, a.astype("i1"), a.astype(float), np.asfortranarray(a)):
            for axis, results in zip((None, 0, 1), expected, strict=True):
                for name, result in zip((*EXTREMES, "sum"), results, strict=True):
                    assert_array_equal(getattr(pp, name)(view, axis, num_threads=threads), result)


# --- norm ----------------------------------------------------------------------------------------


def hypotenuse(values: np.ndarray) -> float:
    """By integers: the root of the exact sum of squares."""
    mantissas, exponents = (part.tolist() for part in np.frexp(values[values != 0]))
    shift = 60 - min(exponents, default=0)
    whole = [
        int(mantissa * 2**53) << (exponent - 53 + shift)
        for mantissa, exponent in zip(mantissas, exponents, strict=True)
    ]
    square = sum(n * n for n in whole)
    root = math.isqrt(square << 240)  # of so many more bits
    exponent = root.bit_length()
    try:
        return math.ldexp(root / 2**exponent, exponent - 120 - shift)
    except OverflowError:
        return math.inf


def assert_norm(found: float, values: np.ndarray) -> None:
    expected = hypotenuse(values)
    bound = (18 + math.log2(len(values))) * 2.0**-53 * expected + 5e-324
    assert found == expected or abs(found - expected) <= bound


@pytest.mark.parametrize(
    "exponent", [-1074, -1060, -1022, -700, -540, -480, 0, 490, 500, 512, 1000, 1015]
)
@pytest.mark.parametrize("n", [1, 2, 7, 64, 100, 300])
def test_no_square_over_or_underflows(exponent, n):
    for seed in range(3):
        rng = np.random.default_rng(seed)
        values = np.ldexp(rng.normal(size=n), exponent) if seed else np.full(n, 2.0**exponent)
        assert_norm(pp.norm(values), values)
        values[rng.random(n) < 0.5] *= 2.0**-300
        assert_norm(pp.norm(values), values)


def test_the_norm_overflows_only_itself():
    largest = np.finfo(float).max
    assert pp.norm([largest]) == pp.norm([0, -largest]) == largest
    assert pp.norm([1e308, 1e308]) == pytest.approx(math.sqrt(2) * 1e308, rel=1e-15)
    assert pp.norm([largest, largest]) == math.inf
    assert pp.norm([5e-324]) == 5e-324 and pp.norm([5e-324] * 4) == 1e-323
    assert pp.norm(np.array([3e38, 3e37], "f4")) == np.float32(math.hypot(3e38, 3e37))
    assert pp.norm(np.full(100, 3e38, "f4")) == np.inf
    assert pp.norm(np.array([1e-45, 0], "f4")) == np.float32(1e-45)
    assert pp.norm([-(2**63)] * 4) == 2.0**64
    assert pp.norm(np.array([2**64 - 1] * 4, "u8")) == 2.0**65


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("shape", [(5, 130), (300, 67), (30_000, 5), (2, 3, 4000)])
def test_columns_of_all_magnitudes_have_each_its_own_norm(order, shape):
    """Some need scaling, one way or the other, and their neighbours do not."""
    rng = np.random.default_rng(0)
    m = rng.normal(size=shape) * 10.0 ** rng.choice([-310, -200, -150, 0, 150, 200, 300], shape[1:])
    m = np.asarray(m, order=order)
    m[..., 1] = np.nan
    m[..., 2] = 0
    m[0, ..., 0] = -np.inf
    for threads in (1, 3):
        found = pp.norm(m, 0, num_threads=threads)
        for place in list(np.ndindex(*shape[1:]))[:130]:
            column = m[(slice(None), *place)]
            assert found[place].tobytes() == pp.norm(column.copy()).tobytes()
            if np.isfinite(column).all() and shape[0] <= 300:
                assert_norm(found[place], column)
    assert np.isnan(found[..., 1]).all() and (found[..., 2] == 0).all()


def test_norms_of_what_is_not_finite():
    for values, expected in [
        ([np.inf, 1], "inf"),
        ([-np.inf, np.inf], "inf"),
        ([np.nan, np.inf], "nan"),
        ([np.nan, 1e300], "nan"),
        ([1e300, 1e-300, np.inf], "inf"),
        ([0.0, -0.0], "0.0"),
    ]:
        for n in (0, 500):
            assert str(float(pp.norm(np.r_[values, np.zeros(n)]))) == expected


@pytest.mark.parametrize("shape", [(3, 0), (0, 3), (3, 0, 2), (2, 3, 0)])
def test_empty_arrays_may_have_any_strides(shape):
    strides = [8 * (axis + 1) for axis in range(len(shape))]
    a = np.lib.stride_tricks.as_strided(np.zeros(8), shape, strides)
    assert pp.sum(a) == 0
    assert pp.count_nonzero(a) == 0
    assert pp.fsum(a) == 0


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_first_of_many_final_extremes_is_found(dtype):
    """Nothing is greater, or less, than these: what comes after the first need not be read."""
    if np.dtype(dtype).kind == "f":
        low, high = np.nan, np.nan
    elif dtype == "?":
        low, high = False, True
    else:
        low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
    rng = np.random.default_rng(1)
    for first in (0, 100, 70_000, 499_999):
        for name, extreme, other in (("argmin", low, high), ("argmax", high, low)):
            a = np.full(500_000, 0 if np.dtype(dtype).kind == "f" else other, dtype)
            a[first] = extreme
            a[rng.integers(first, a.size, 30)] = extreme
            for threads in (1, 2, 7):
                assert getattr(pp, name)(a, num_threads=threads) == first


def test_a_final_extreme_found_behind_is_not_the_first():
    """In slices of a step each thread is at the beginning of its part when one finds it."""
    first, later = 120_000, 2**17  # at the end of a part, and from the next one on
    a = np.zeros(10**7, np.uint8)
    a[first] = a[later:] = 255
    core.set_slices(0.0, 0)
    for threads in (2, 4):
        assert pp.argmax(a, num_threads=threads) == first


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rows", [1, 2, 10, 40, 100])
@pytest.mark.parametrize("columns", [255, 256, 257, 513, 2048, 2049, 4097])
def test_the_last_of_many_columns_is_reduced_like_the_others(dtype, rows, columns):
    """They are reduced 256 or 2048 at a time: one may be left over."""
    a = np.random.default_rng(rows).integers(0, 100, (rows, columns)).astype(dtype)
    for name in ("sum", "count_nonzero", *EXTREMES):
        assert_array_equal(getattr(pp, name)(a, 0), NUMPY[name](a, 0))
