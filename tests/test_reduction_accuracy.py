"""How near reductions come to the exact results, which fractions and integers give."""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pyparallel as pp

HALF_PLACE = {"f4": Fraction(1, 2**24), "f8": Fraction(1, 2**53)}  # the rounding to the result
SMALLEST = {"f4": Fraction(1, 2**149), "f8": Fraction(1, 2**1074)}
INTEGERS = ["?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"]
LENGTHS = [1, 2, 3, 7, 8, 9, 63, 64, 65, 100, 511, 700, 5000]

# Numbers whose products and squares neither over- nor underflow.
numbers = st.builds(math.ldexp, st.floats(-1, 1), st.integers(-400, 400)).filter(
    lambda x: x == 0 or abs(x) > 1e-130
)
lists = st.lists(numbers, min_size=1, max_size=200)


def exact(values: Iterable[Any]) -> Fraction:
    """The sum of floats, integers or their products: all denominators are powers of two."""
    ratios = [x.as_integer_ratio() for x in values]
    bits = max(d.bit_length() for _, d in ratios)
    return Fraction(sum(n << (bits - d.bit_length()) for n, d in ratios), 1 << (bits - 1))


def in_units(n: int) -> Fraction:
    """The bound, in units of 2**-53."""
    return Fraction(16 + math.log2(n)) / 2**53


def assert_within(found: Any, expected: Fraction, bound: Fraction) -> None:
    kind = np.asarray(found).dtype.str[1:]
    allowed = bound + HALF_PLACE[kind] * (abs(expected) + bound) + SMALLEST[kind]
    assert abs(Fraction(float(found)) - expected) <= allowed


def check_sum_and_mean(a: np.ndarray, threads: int = 1) -> None:
    n, values = a.size, a.tolist()
    bound = in_units(n) * exact(map(abs, values))
    assert_within(pp.sum(a, num_threads=threads), exact(values), bound)
    assert_within(pp.mean(a, num_threads=threads), exact(values) / n, bound / n)


def check_var(a: np.ndarray, threads: int = 1, ddof: int = 0) -> None:
    """1 + |mean| / std, by an upper bound of the mean and a lower bound of std."""
    n, values = a.size, [Fraction(x) for x in a.tolist()]
    mean = exact(values) / n
    var = (exact(x * x for x in values) - n * mean**2) / (n - ddof)
    found = pp.var(a, ddof=ddof, num_threads=threads)
    found_std = pp.std(a, ddof=ddof, num_threads=threads)
    if var == 0:
        assert found == found_std == 0
        return
    std = Fraction(math.sqrt(var * (n - ddof) / n))
    relative = 2 * in_units(n) * (1 + abs(mean) / std)
    assert_within(found, var, relative * var)
    assert abs(Fraction(float(found_std)) ** 2 - var) <= var * 2 * (
        relative + 2 * HALF_PLACE[found_std.dtype.str[1:]]
    )


# --- sums, means, products -----------------------------------------------------------------------


@given(lists)
def test_sums_and_means_are_within_the_bound(values):
    check_sum_and_mean(np.array(values))


@given(st.lists(st.floats(-(2.0**100), 2.0**100, width=32), min_size=1, max_size=200))
def test_sums_and_means_of_float32_are_summed_in_float64(values):
    check_sum_and_mean(np.array(values, "f4"))


@given(st.lists(st.tuples(numbers, numbers), min_size=1, max_size=200))
def test_dot_is_within_the_bound(pairs):
    x, y = np.array(pairs).T
    products = [Fraction(a) * Fraction(b) for a, b in pairs]
    bound = in_units(len(pairs)) * exact(map(abs, products))
    assert_within(pp.dot(x, y), exact(products), bound)


@pytest.mark.parametrize("n", [*LENGTHS, 40_000])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_long_sums_that_cancel_and_that_do_not(n, dtype):
    rng = np.random.default_rng(n)
    for a in (rng.random(n), rng.normal(size=n), np.full(n, 0.1), rng.standard_cauchy(n) ** 3):
        check_sum_and_mean(a.astype(dtype), threads=3)
        check_sum_and_mean(np.r_[a, -a, 1e-3].astype(dtype))
    x, y = rng.normal(size=(2, n)).astype(dtype)
    products = [Fraction(a) * Fraction(b) for a, b in zip(x.tolist(), y.tolist(), strict=True)]
    bound = in_units(n) * exact(map(abs, products))
    assert_within(pp.dot(x, y, num_threads=3), exact(products), bound)


def test_float32_does_not_lose_small_elements():
    """2**24 + 1 is no float32: where sums are kept in one, they stop growing there."""
    assert pp.sum(np.ones(2**24 + 2, "f4"), num_threads=2) == 2**24 + 2
    assert pp.mean(np.full(2**25 + 64, 0.1, "f4"), num_threads=2) == np.float32(0.1)
    assert pp.sum(np.array([3e38, 3e38, -3e38], "f4")) == np.float32(3e38)


@pytest.mark.parametrize("dtype", INTEGERS)
def test_the_mean_of_integers_is_that_of_float64(dtype):
    rng = np.random.default_rng(0)
    for n in (1, 9, 100, 5001):
        a = rng.integers(0, 256, 8 * n, np.uint8)
        a = a > 100 if dtype == "?" else a.view(dtype)
        floats = a.astype(float)
        for name in ("mean", "var", "std", "norm"):
            assert getattr(pp, name)(a) == getattr(pp, name)(floats)
        check_sum_and_mean(floats)
    assert pp.mean(np.array([2**63 - 1, 2**63 - 1])) == 2.0**63
    assert pp.mean(np.array([2**64 - 1, 0], "u8")) == 2.0**63
    assert pp.mean(np.full(1000, 127, "i1")) == 127


# --- sums of integers ----------------------------------------------------------------------------


def wrapped(total: int, dtype: Any) -> int:
    bits = 8 * np.dtype(dtype).itemsize
    total %= 2**bits
    return total - 2**bits if np.dtype(dtype).kind == "i" and total >> (bits - 1) else total


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("n", [0, 1, 63, 64, 65, 513, 70_001])
def test_sums_of_integers_are_exact_modulo_2_to_the_64(dtype, n):
    raw = np.random.default_rng(n).integers(0, 256, 8 * n, np.uint8)
    a = raw[:n] > 100 if dtype == "?" else raw.view(dtype)[:n]
    total = sum(a.tolist())
    natural = "u8" if dtype[0] == "u" else "i8"
    for view in (a, a.astype(a.dtype.newbyteorder()), a[::-1]):
        for threads in (1, 3):
            found = pp.sum(view, num_threads=threads)
            assert (found, found.dtype) == (wrapped(total, natural), np.dtype(natural))
    for narrow in INTEGERS[1:]:
        assert pp.sum(a, dtype=narrow) == wrapped(total, narrow)
    table = np.resize(a, (n, 5)).T.copy().T
    assert pp.sum(table, 0).tolist() == [wrapped(sum(c.tolist()), natural) for c in table.T]


@pytest.mark.parametrize(
    ("value", "dtype"),
    [(2**63 - 1, "i8"), (-(2**63), "i8"), (2**64 - 1, "u8"), (2**63 + 5, "u8"), (-128, "i1")],
)
def test_the_ends_of_a_types_range_wrap(value, dtype):
    for n in (1, 2, 3, 64, 1000, 70_000):
        a = np.full(n, value, dtype)
        assert pp.sum(a, num_threads=3) == wrapped(n * value, "u8" if dtype[0] == "u" else "i8")


# --- variances -----------------------------------------------------------------------------------


@given(st.lists(st.integers(-(2**52), 2**52), min_size=2, max_size=100), st.integers(-300, 200))
def test_var_and_std_are_within_the_bound(integers, exponent):
    check_var(np.ldexp(np.array(integers, float), exponent))


@pytest.mark.parametrize("offset", [0, 1, 1e8, -1e12])
def test_var_of_any_length_about_any_offset(offset):
    rng = np.random.default_rng(0)
    for n in range(1, 201):
        a = rng.normal(size=n) + offset
        check_var(a)
        if n > 1:
            check_var(a, ddof=1)


@pytest.mark.parametrize("outlier", [1e3, 1e8, -1e15, 1e100])
def test_var_with_an_outlier_first_and_last(outlier):
    rng = np.random.default_rng(0)
    for n in (1, 2, 7, 63, 64, 65, 130, 199, 1000):
        a = rng.normal(size=n)
        check_var(np.r_[outlier, a])
        check_var(np.r_[a, outlier])
        check_var(np.r_[outlier, a, outlier])
        check_var(np.r_[outlier, a, -outlier] + 1e8)


@pytest.mark.parametrize("dtype", ["f4", "f8", "i2", "u8"])
def test_var_of_other_types(dtype):
    rng = np.random.default_rng(0)
    for n in LENGTHS:
        a = (1e4 + 100 * rng.normal(size=n)).astype(dtype)
        check_var(a)
        check_var(np.sort(a))


@pytest.mark.parametrize("constant", [0.1, 1e8 + 0.3, -1e300, 5e-324, 1 / 3, 1.7e308])
def test_constants_have_no_variance(constant):
    for n in [*range(1, 201), 1000, 5000, 70_001]:
        for a in (np.full(n, constant), np.broadcast_to(constant, (n, 3))):
            assert np.all(pp.var(a, 0, num_threads=3) == 0)
            assert np.all(pp.std(a, 0) == 0)
    for dtype in ("f4", "i8", "u8", "?"):
        with np.errstate(over="ignore"):
            value = np.array(constant if dtype == "f4" else constant > 1).astype(dtype)
        if np.isfinite(value):
            assert pp.var(np.full(777, value)) == 0
    with pytest.raises(AssertionError):  # a sum of squares less the square of the sum would not do
        a = np.full(1000, 0.1)
        assert np.mean(a**2) - np.mean(a) ** 2 == 0


def test_long_variances():
    rng = np.random.default_rng(0)
    for a in (
        rng.normal(size=40_001) + 1e8,
        np.r_[1e10, rng.random(30_000), -1e10],
        np.arange(30_000.0),
        np.repeat([1.0, 1e6], 20_000),
    ):
        check_var(a, threads=3)
