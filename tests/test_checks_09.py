"""What the checks of 09-calling-c reject, and with which hint; what stands in for a compiler."""

from __future__ import annotations

import ctypes
import importlib
import sys
from typing import Any

import numpy as np
import pytest

import pyparallel as pp
from pyparallel.compilers import CompileError
from tests.test_notebooks import FOLDER, rejected

sys.path.append(str(FOLDER))
checks_09 = importlib.import_module("checks_09")
c_stand_in = importlib.import_module("c_stand_in")

DOUBLES = ctypes.POINTER(ctypes.c_double)


def declared(argument: Any, result: Any) -> Any:
    def declare(function: Any) -> Any:
        function.argtypes = [argument]
        function.restype = result
        return function

    return declare


def only_the_argument(function: Any) -> Any:
    function.argtypes = [ctypes.c_int64]
    return function


def only_the_result(function: Any) -> Any:
    function.restype = ctypes.c_int64
    return function


def two_arguments(function: Any) -> Any:
    function.argtypes = [ctypes.c_int64, ctypes.c_int64]
    return function


def test_argtypes_accepts_any_signed_type_of_64_bits():
    for kind in (ctypes.c_int64, ctypes.c_longlong, ctypes.c_ssize_t):
        assert checks_09.argtypes(declared(kind, kind), load=c_stand_in.Library).passed


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (only_the_argument, "Without a restype"),
        (only_the_result, "argtypes is a list"),
        (two_arguments, None),
        (declared(ctypes.c_int, ctypes.c_int64), "has 32 bits here"),
        (declared(ctypes.c_int64, ctypes.c_int), "only 32 bits"),
        (declared(ctypes.c_double, ctypes.c_double), "another register"),
        (declared(ctypes.c_int64, ctypes.c_double), "another register"),
        (declared(ctypes.c_uint64, ctypes.c_uint64), "uint64_t has none"),
        (declared(ctypes.c_int64, int), "types of C"),
        (declared(ctypes.c_int64, None), "c_int64"),
        (declared(ctypes.c_void_p, ctypes.c_int64), "c_int64"),
        (lambda function: only_the_argument(c_stand_in.Library().sum_range), None),
        (lambda function: None, "return"),
    ],
)
def test_argtypes_rejects(answer, hint):
    assert rejected(checks_09.argtypes(answer, load=c_stand_in.Library), hint)


def test_argtypes_says_which_n_arrives():
    result = checks_09.argtypes(declared(ctypes.c_int, ctypes.c_int64), load=c_stand_in.Library)
    assert "called with n = 10." in result.text


def by_ratio(times: dict[str, tuple[float, float]], low: float = 0, high: float = 3) -> set[str]:
    return {name for name, (n, ten) in times.items() if low < ten / n < high}


@pytest.mark.parametrize("kind", [set, list, tuple, frozenset])
def test_folded_accepts_any_collection(kind):
    assert checks_09.folded(lambda times: kind(by_ratio(times))).passed
    assert checks_09.folded(lambda times: kind(by_ratio(times, high=7))).passed


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda times: by_ratio(times, 3, 100), "other way round"),
        (lambda times: {min(times, key=lambda name: times[name][0])}, "compare 10 n"),
        (lambda times: {name for name in times if times[name][0] < 1e-6}, "Divide"),
        (lambda times: by_ratio(times, 0.99, 1.01), "Divide"),
        (lambda times: by_ratio(times, high=1), "Divide"),
        (lambda times: "B", None),
        (lambda times: True, None),
    ],
)
def test_folded_rejects(answer, hint):
    assert rejected(checks_09.folded(answer), hint)


@pytest.fixture(scope="module")
def total():
    function = c_stand_in.Library().sum_strided
    function.argtypes, function.restype = [DOUBLES, ctypes.c_int64, ctypes.c_int64], ctypes.c_double
    return function


def sum_any(total: Any, array: Any, step: Any = lambda array: array.strides[0] // 8) -> float:
    if array.dtype != np.float64 or array.strides[0] % 8:
        array = np.array(array, np.float64)
    return total(array.ctypes.data_as(DOUBLES), array.size, step(array))


def of_a_copy(total: Any, array: Any) -> float:
    array = np.array(array, np.float64)
    return total(array.ctypes.data_as(DOUBLES), array.size, 1)


def without_conversion(total: Any, array: Any) -> float:
    return total(array.ctypes.data_as(DOUBLES), array.size, array.strides[0] // array.itemsize)


def records_by_step(total: Any, array: Any) -> float:
    if array.dtype != np.float64:
        array = np.array(array, np.float64)
    return without_conversion(total, array)


def last_one_missing(total: Any, array: Any) -> float:
    pointer = array.ctypes.data_as(DOUBLES)
    return total(pointer, array.size - 1, array.strides[0] // 8)


def test_strided_accepts_addresses_and_the_other_direction(total):
    def by_address(function: Any, array: Any) -> float:
        if array.dtype != np.float64 or array.strides[0] % 8:
            array = array.astype(np.float64)
        pointer = ctypes.cast(array.ctypes.data, DOUBLES)
        return function(pointer, len(array), array.strides[0] // array.itemsize)

    def forwards(function: Any, array: Any) -> float:
        return sum_any(function, array[::-1] if array.strides[0] < 0 else array)

    assert checks_09.strided(sum_any, total=total).passed
    assert checks_09.strided(by_address, total=total).passed
    assert checks_09.strided(forwards, total=total).passed


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda total, a: sum_any(total, a, lambda a: 1), "neighbours in memory"),
        (lambda total, a: sum_any(total, a, lambda a: a.strides[0]), "array.strides in bytes"),
        (lambda total, a: sum_any(total, a, lambda a: abs(a.strides[0]) // 8), "sign of the"),
        (lambda total, a: sum_any(total, a, lambda a: a.strides[0] / 8), "makes a float"),
        (lambda total, a: sum_any(total, a, lambda a: 8 * a.strides[0]), None),
        (lambda total, a: sum_any(total, a, lambda a: 500 * a.strides[0]), "in elements"),
        (of_a_copy, "pass the step"),
        (without_conversion, "are no float64"),
        (records_by_step, "12 bytes apart"),
        (last_one_missing, None),
        (lambda total, a: float(np.sum(a)), "not NumPy"),
    ],
)
def test_strided_rejects(total, answer, hint):
    assert rejected(checks_09.strided(answer, total=total), hint)


class Module:
    """Stands for one that was built: the lock is let go of where the definition says so."""

    def __init__(self, definition: str) -> None:
        self.released = "gil_scoped_release" in definition

    def timed_sum(self, n: int) -> tuple[int, float, float]:
        start, end, _ = pp.lab.busy(100 * n, release_gil=self.released)
        return n, start, end


GUARD = "py::call_guard<py::gil_scoped_release>()"


def test_release_accepts_what_overlaps():
    right = f'm.def("timed_sum", &timed_sum, {GUARD});'
    assert checks_09.release(right, build=Module).passed
    assert checks_09.release(right, build=None).passed
    assert "Read, not run" in checks_09.release(right, build=None).text


def test_release_rejects_what_keeps_the_lock():
    kept = 'm.def("timed_sum", &timed_sum);'
    assert rejected(checks_09.release(kept, build=Module), "lets go of it")
    assert rejected(checks_09.release(kept, build=None), "lets go of it")


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        ('m.def("timed_sum", &timed_sum, py::gil_scoped_release());', "m.def(...);"),
        ('m.def("timed_sum", &timed_sum, py::call_guard<py::gil_scoped_release>);', "brackets"),
    ],
)
def test_release_rejects_guards_that_are_none(answer, hint):
    def fails(definition: str) -> Any:
        raise CompileError("command failed\none.cpp:3: error: no such thing\nmore")

    assert rejected(checks_09.release(answer, build=None), hint)
    result = checks_09.release(answer, build=fails)
    assert rejected(result, hint)
    assert result.text == "It does not compile: one.cpp:3: error: no such thing"


def test_release_of_a_stub_is_unsolved():
    stub = 'm.def("timed_sum", &timed_sum, ...);'
    assert checks_09.release(stub, build=pytest.fail).state == "unsolved"


def test_release_wants_the_function():
    assert rejected(checks_09.release("", build=lambda definition: object()), "timed_sum")


def test_each_option_of_a_prediction_can_come_out():
    assert checks_09.undeclared("a", 45, 45).right
    assert checks_09.undeclared("b", -3, 45).right
    assert not checks_09.undeclared("c", -3, 45).right
    assert checks_09.two_calls("a", 0.9).right
    assert checks_09.two_calls("b", 0.1).right
    assert not checks_09.two_calls("c", 0.1).right


def test_spans_overlap_in_a_part_of_the_shorter_one():
    assert checks_09.both_at_work([(0, 10), (9, 11)]) == 0.5
    assert checks_09.both_at_work([(0, 1), (1, 2)]) == 0
    assert checks_09.both_at_work([(5, 6), (0, 10)]) == 1


def test_the_stand_in_is_as_undeclared_as_a_library():
    library = c_stand_in.Library()
    assert library.sum_range(10) == 45
    assert library.sum_range is library.sum_range
    assert library.sum_range(10**9) != 10**9 * (10**9 - 1) // 2
    library.conditional_sum_range.restype = ctypes.c_int64
    assert library.conditional_sum_range(1000) == pp.conditional_sum_range(1000)
    with pytest.raises(AttributeError, match="no_such"):
        _ = library.no_such
    assert c_stand_in.Library().conditional_sum_range.restype is ctypes.c_int
