"""`sum_range` and `conditional_sum_range`: right sums by real loops, of one n or of many."""

from __future__ import annotations

import time

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import pyparallel as pp
from pyparallel._load import core
from tests.test_interrupts import LATEST, seconds_to_stop

# The largest n whose sum fits into int64.
LARGEST = {
    "sum_range": 4_294_967_296,
    "conditional_sum_range": 7_439_101_575,
}
FUNCTIONS = {name: getattr(pp, name) for name in LARGEST}
both = pytest.mark.parametrize("name", FUNCTIONS)


def formula(name: str, n: int) -> int:
    """The sum in no time: all numbers, or the multiples of 3."""
    n = max(0, n)
    if name == "sum_range":
        return n * (n - 1) // 2
    multiples = (n + 2) // 3
    return 3 * multiples * (multiples - 1) // 2


@both
def test_the_formulas_are_pythons_sums(name):
    step = 1 if name == "sum_range" else 3
    for n in range(-3, 50):
        assert formula(name, n) == sum(range(0, n, step))


@both
def test_one_number_gives_an_int(name):
    for n in [*range(-3, 50), 2**20 - 1, 2**20, 2**20 + 1, 3 * 2**20 + 7]:
        total = FUNCTIONS[name](n)
        assert type(total) is int
        assert total == formula(name, n)
    assert type(FUNCTIONS[name](np.uint8(200))) is int
    assert FUNCTIONS[name](np.array(200)) == formula(name, 200)
    assert FUNCTIONS[name](-(10**30)) == 0


@both
@pytest.mark.parametrize("dtype", ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", ">i4", ">u8"])
def test_an_array_gives_an_array_of_its_shape(name, dtype):
    numbers = np.arange(120).reshape(2, 3, 20).astype(dtype)
    expected = np.vectorize(lambda n: formula(name, int(n)), otypes=["i8"])(numbers)
    for view in (numbers, numbers[:, ::-2], numbers.T, np.asfortranarray(numbers)):
        place = np.vectorize(lambda n: formula(name, int(n)), otypes=["i8"])(view)
        sums = FUNCTIONS[name](view)
        assert sums.dtype == np.int64
        assert_array_equal(sums, place)
    assert_array_equal(FUNCTIONS[name](numbers.tolist()), expected)
    assert_array_equal(numbers, np.arange(120).reshape(2, 3, 20))  # not overwritten


@both
def test_arrays_without_elements_and_with_negative_ones(name):
    assert FUNCTIONS[name](np.zeros((0, 3), np.int32)).shape == (0, 3)
    assert_array_equal(FUNCTIONS[name]([-1, -(2**63), 0, 1, 5]), [0, 0, 0, 0, formula(name, 5)])


@both
@pytest.mark.parametrize("threads", [None, 1, 2, 16, -1])
@pytest.mark.parametrize("slices", [(0.1, 0), (0.0, 0), (0.0, 1)])
def test_sums_do_not_depend_on_threads_or_slices(name, threads, slices):
    core.set_slices(*slices)
    numbers = [3 * 2**20 + 1, 5, 0, 2**20, 2**21 - 1, 77, 10**6]
    expected = [formula(name, n) for n in numbers]
    assert FUNCTIONS[name](numbers, num_threads=threads).tolist() == expected
    assert FUNCTIONS[name](numbers[0], num_threads=threads) == expected[0]


@both
def test_the_largest_sum_is_exact(name):
    assert formula(name, LARGEST[name]) < 2**63 <= formula(name, LARGEST[name] + 1)
    assert FUNCTIONS[name](LARGEST[name]) == formula(name, LARGEST[name])


@both
@pytest.mark.parametrize("excess", [1, 10**12, 2**63, pytest.param(10**5000, id="long")])
def test_a_sum_past_int64_is_refused_before_any_loop(name, excess):
    start = time.perf_counter()
    with pytest.raises(OverflowError, match=f"^{name}: n must be at most {LARGEST[name]} for"):
        FUNCTIONS[name](LARGEST[name] + excess)
    if excess < 2**63 - LARGEST[name]:
        with pytest.raises(OverflowError, match=f"^{name}: n must be at most {LARGEST[name]} for"):
            FUNCTIONS[name]([LARGEST[name], LARGEST[name] + excess])
    assert time.perf_counter() - start < 0.2


@both
def test_the_loops_take_every_step(name):
    """A formula would take no longer for a thousand times as many; a loop takes at least 1/20 of a
    nanosecond a step on any machine."""
    n = 2 * 10**8
    start = time.perf_counter()
    FUNCTIONS[name](n)
    assert time.perf_counter() - start > n * 0.05e-9


@both
@pytest.mark.parametrize(
    ("n", "error", "message"),
    [
        (True, TypeError, "n must hold integers, not bool"),
        (1.0, TypeError, "n must hold integers, not float"),
        ("1", TypeError, "n must hold integers, not str"),
        (None, TypeError, "n must hold integers, not NoneType"),
        ([1.0], TypeError, "n must hold integers, not float64"),
        ([True], TypeError, "n must hold integers, not bool"),
        ([2**70], TypeError, "n must hold integers, not object"),
        ([[1, 2], [3]], ValueError, "n must be an array, or sequences of equal lengths"),
        (np.ma.array([1, 2]), TypeError, "n must not be a masked array"),
    ],
)
def test_what_holds_no_integers_is_refused_by_name(name, n, error, message):
    with pytest.raises(error, match=f"^{name}: {message}"):
        FUNCTIONS[name](n)


@both
def test_wrong_threads_are_refused(name):
    with pytest.raises(ValueError, match=f"^{name}: num_threads must be at least 1"):
        FUNCTIONS[name](5, num_threads=0)
    with pytest.raises(TypeError, match=f"^{name}: num_threads must be an integer"):
        FUNCTIONS[name](5, num_threads=True)


@pytest.mark.parametrize("numbers", [[1, 2], np.arange(4)[::2], np.arange(4.0)])
def test_the_core_overwrites_nothing_but_an_array_of_int64(numbers):
    with pytest.raises(TypeError, match="numbers must be a C array of int64"):
        core.sum_range(numbers, None)


@both
def test_ctrl_c_stops_one_number_and_many(name):
    assert seconds_to_stop(lambda: FUNCTIONS[name]([LARGEST[name]] * 4, num_threads=1)) < LATEST
    many = np.full(10**6, 10**6)
    assert seconds_to_stop(lambda: FUNCTIONS[name](many)) < LATEST
    assert FUNCTIONS[name](10) == formula(name, 10)
