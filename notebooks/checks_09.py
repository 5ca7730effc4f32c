"""The checks of 09-calling-c.ipynb."""

from __future__ import annotations

import ctypes
import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyparallel import checks
from pyparallel.compilers import CompileError

BILLION = 10**9
PAST_32_BITS = 2**32 + 10
SIGNED = {"i", "l", "q"}  # what ctypes calls C's signed integers
FOLDED = 3.0  # from n to 10 n, a loop takes about 10 times as long, and a formula as long as before
LONG_ENOUGH = 0.1  # seconds that a call takes, for its overlap to be seen
PADDING = 4096  # elements around an array: a wrong step stays in there

Span = tuple[float, float]


@checks.exercise("argtypes", limit=60)
def argtypes(answer: Callable[[Any], Any], *, load: Callable[[], Any]) -> str:
    """Are an argument and a result of 64 bits declared, so that n = 10^9 is right?"""
    function = load().sum_range
    try:
        got = checks.ask(answer, function)
    except TypeError as error:  # those of ctypes speak of its inside
        error.args = (f"{error}. argtypes is a list of types of ctypes, restype one such type",)
        raise
    checks.expect(
        got is function, "declare(function) should return the function that it was given."
    )
    _see_argument(function)
    _see_result(function.restype)
    wanted = BILLION * (BILLION - 1) // 2
    checks.equal(function(BILLION), wanted, f"sum_range({BILLION})")
    return f"sum_range({BILLION:,}) is {wanted:,}."


def _see_argument(function: Any) -> None:
    """The types are looked at before any call: a wrong one may send the loop to a huge n."""
    declared = function.argtypes
    checks.expect(
        declared is not None,
        "There are no argtypes yet.",
        "function.argtypes is a list, with one type for each argument.",
    )
    checks.expect(
        len(declared) == 1,
        f"{len(declared)} arguments are declared; sum_range takes one.",
    )
    (kind,) = declared
    _see_integer(kind, "The argument")
    if ctypes.sizeof(kind) == 4:
        seen = kind(PAST_32_BITS).value
        raise checks.Wrong(
            f"sum_range({PAST_32_BITS}) is called with n = {seen}.",
            f"{kind.__name__} has 32 bits here, and C's int64_t has 64 everywhere.",
        )


def _see_result(kind: Any) -> None:
    _see_integer(kind, "The result")
    wanted = BILLION * (BILLION - 1) // 2
    if ctypes.sizeof(kind) == 4:
        raise checks.Wrong(
            f"sum_range({BILLION}) gives {kind(wanted).value}, not {wanted}.",
            "Without a restype, or with a small one, only 32 bits of the result are kept.",
        )


def _see_integer(kind: Any, what: str) -> None:
    code = getattr(kind, "_type_", None)
    name = getattr(kind, "__name__", kind)
    checks.expect(
        not (isinstance(kind, type) and issubclass(kind, int | float)),
        f"{what} is declared as {name}, a type of Python.",
        "ctypes has types of C: ctypes.c_int64, for example.",
    )
    checks.expect(
        code not in ("d", "f", "g"),
        f"{what} is declared as {name}, a floating-point number.",
        "It would travel in another register: C would find something else in its own.",
    )
    checks.expect(
        code not in ("L", "Q", "I"),
        f"{what} is declared as {name}, which is never negative.",
        "int64_t has a sign, uint64_t has none.",
    )
    checks.expect(
        isinstance(code, str) and code in SIGNED,
        f"{what} is declared as {name}; wanted is a signed integer of 64 bits.",
        "C's int64_t is ctypes.c_int64.",
    )


# Seconds for n and for 10 n, and whether the loop was folded into a formula. Made up, but of sizes
# that were measured: the fast loop uses vectors, the slow call goes through Python objects.
TABLES: list[tuple[dict[str, tuple[float, float]], set[str]]] = [
    ({"A": (0.027, 0.271), "B": (2.1e-7, 2.0e-7), "C": (0.0031, 0.0302)}, {"B"}),
    ({"slow call": (4.0e-5, 4.3e-5), "fast loop": (1.2e-5, 1.17e-4)}, {"slow call"}),
    ({"one": (0.05, 0.47), "two": (0.02, 0.21)}, set()),
    ({"one": (1.1e-6, 0.9e-6), "two": (3.0e-7, 4.5e-7)}, {"one", "two"}),
]


@checks.exercise("folded")
def folded(answer: Callable[[Mapping[str, tuple[float, float]]], Iterable[str]]) -> str:
    """Is a folded loop told by how its time grows, and by nothing else?"""
    for times, wanted in TABLES:
        got = checks.ask(answer, dict(times))
        checks.expect(
            not isinstance(got, str) and isinstance(got, Iterable),
            "folded(times) should return the names, as a list or a set.",
        )
        names = set(got)
        checks.expect(
            names == wanted,
            f"Of {_table(times)}, {_names(wanted)} folded, not {_names(names)}.",
            _why_not(times, names, wanted),
        )
    return "A loop takes ten times as long for 10 n; a formula does not."


def _table(times: Mapping[str, tuple[float, float]]) -> str:
    rows = (f"{name} with {n:.2g} s and {ten:.2g} s" for name, (n, ten) in times.items())
    return ", ".join(rows)


def _names(names: Iterable[str]) -> str:
    return " and ".join(sorted(map(str, names))) or "none"


def _why_not(times: Mapping[str, tuple[float, float]], names: set[str], wanted: set[str]) -> str:
    fastest = min(times, key=lambda name: times[name][0])
    if names == {fastest}:
        return "The fastest need not be folded, and a folded one need not be fast: compare 10 n."
    if names == set(times) - wanted and names:
        return "It is the other way round: where the time grows with n, there is a loop."
    return "Divide the second time by the first: about 10, or about 1? Times differ by noise, too."


Total = Callable[[Any, int, int], float]


@checks.exercise("strided")
def strided(answer: Callable[[Total, NDArray[Any]], float], *, total: Total) -> str:
    """Does the C function get the right pointer, number and step, and a copy only if need be?"""
    for what, array, may_copy in _arrays():
        calls: list[tuple[int, int, int]] = []

        watched = _watched(total, what, calls)
        got = checks.ask(answer, watched, array)
        checks.expect(
            calls,
            f"For {what}, the C function was not called.",
            "total(pointer, n, step) is to add up, not NumPy.",
        )
        value = float(got)
        checks.equal(
            value, float(np.sum(array)), f"the sum of {what}", mistakes=_missed(array, value)
        )
        checks.expect(
            may_copy or array.size == 0 or all(_inside(array, call[0]) for call in calls),
            f"The sum of {what} is right, but of a copy.",
            "float64 elements at any distance need none: pass the step. Compare array.dtype with"
            " np.float64 before you convert.",
        )
    return "Right for steps, negative ones too, for columns, and for other types."


def _inside(array: NDArray[Any], address: int) -> bool:
    low, high = np.lib.array_utils.byte_bounds(array)
    return low <= address < high


def _watched(total: Total, what: str, calls: list[tuple[int, int, int]]) -> Total:
    """The C function, which notes its calls, and is not let far outside of an array."""

    def call(pointer: Any, n: int, step: int) -> float:
        checks.expect(
            isinstance(step, int | np.integer),
            f"For {what}, the C function was called with step = {step!r}, which is no whole number.",
            "/ makes a float also of whole numbers; // does not.",
        )
        calls.append((ctypes.cast(pointer, ctypes.c_void_p).value or 0, int(n), int(step)))
        checks.expect(
            abs(step) * max(n, 1) < PADDING and n >= 0,
            f"For {what}, the C function was called with n = {n}, step = {step}: it would read far"
            " outside of the array.",
            "The step is in elements, and strides are in bytes.",
        )
        return total(pointer, n, step)

    return call


def _arrays() -> Iterable[tuple[str, NDArray[Any], bool]]:
    """What to add up, and whether it has to be copied; padded, so that nothing else is read."""
    plain = _padded(np.arange(12.0) ** 2)
    table = _padded(np.arange(12.0) * 3).reshape(3, 4)
    records = np.zeros(5, np.dtype([("name", "S4"), ("mass", "f8")]))
    records["mass"] = [1, 2, 4, 8, 16]
    return [
        ("a whole array", plain, False),
        ("a[::3]", plain[::3], False),
        ("a[::-1]", plain[::-1], False),
        ("a column", table[:, 1], False),
        ("an array of float32", np.arange(7, dtype=np.float32), True),
        ("an array of integers", np.arange(9), True),
        ("every second integer", np.arange(20)[::2], True),
        ("an empty array", plain[:0], False),
        ("a field of records, 12 bytes apart", records["mass"], True),
    ]


def _padded(values: NDArray[Any]) -> NDArray[Any]:
    """The values in the middle of a larger piece of memory, full of a number that is noticed."""
    memory = np.full(values.size + 2 * PADDING, 1000.5)
    memory[PADDING : PADDING + values.size] = values
    return memory[PADDING : PADDING + values.size]


def _missed(array: NDArray[Any], got: float) -> list[tuple[float, str]]:
    """What wrong calls would give, each with its hint."""
    if array.dtype != np.float64:
        return [(got, "Its elements are no float64: C would read their bytes as if they were.")]
    step, rest = divmod(array.strides[0], array.itemsize)
    if rest:
        return [(got, "Its elements are 12 bytes apart: no step in elements can say that.")]
    if array.size == 0:
        return []
    base = array.ctypes.data

    def read(distance: int) -> float:
        """What the sum is if elements are taken to be so far apart."""
        places = (base + 8 * k * distance for k in range(array.size))
        return float(sum(ctypes.c_double.from_address(place).value for place in places))

    mistakes = [(read(-step), "The sign of the step is lost.")] if step < 0 or step > 1 else []
    mistakes.append((read(1), "These are neighbours in memory: what is the step of this array?"))
    if abs(step) == 1:
        mistakes.append((read(8 * step), "A step is in elements, array.strides in bytes."))
    return [(value, hint) for value, hint in mistakes if value != float(np.sum(array))]


@checks.exercise("release", limit=240)
def release(answer: str, *, build: Callable[[str], Any] | None) -> str:
    """Do two calls of the function that is defined so overlap?"""
    checks.expect(isinstance(answer, str), "released should be a text: a line of C++.")
    if "..." in answer:
        raise checks.Unsolved
    if build is None:
        return _read(answer)
    try:
        module = build(answer)
    except CompileError as error:
        lines = [line for line in str(error).splitlines() if "error" in line]
        told = (lines or str(error).splitlines())[0].strip()
        raise checks.Wrong(f"It does not compile: {told}", _why_it_fails(answer)) from None
    checks.expect(
        hasattr(module, "timed_sum"),
        "The module has no function timed_sum.",
        'The definition begins with m.def("timed_sum", &timed_sum.',
    )
    both = overlap(module.timed_sum)
    checks.expect(
        both > 0.5,
        f"Two calls, each in a thread of its own, were both at work in {both:.0%} of the time.",
        "The lock was held. py::call_guard<py::gil_scoped_release>() lets go of it for the call."
        if "gil_scoped_release" not in answer
        else "Is gil_scoped_release the template argument of a py::call_guard, and that an argument"
        " of m.def?",
    )
    return f"Two calls were both at work in {both:.0%} of the time."


def _read(answer: str) -> str:
    checks.expect(
        "gil_scoped_release" in answer,
        "This would keep the lock.",
        "py::call_guard<py::gil_scoped_release>() lets go of it for the call.",
    )
    checks.expect(
        re.search(r"call_guard\s*<\s*(py|pybind11)::gil_scoped_release\s*>\s*\(\s*\)", answer),
        "gil_scoped_release is there, but not as the guard of the call.",
        _why_it_fails(answer),
    )
    return "That lets go of the lock. (Read, not run: there is no C++ compiler here.)"


def _why_it_fails(answer: str) -> str:
    if "call_guard" in answer and not re.search(r"gil_scoped_release\s*>\s*\(\s*\)", answer):
        return (
            "The guard is an object: py::call_guard<py::gil_scoped_release>(), brackets included."
        )
    return "It is one statement, inside of PYBIND11_MODULE: m.def(...); with a semicolon."


def overlap(function: Callable[[int], tuple[int, float, float]]) -> float:
    """In which part of the time two calls, each in a thread, are both at work.

    The function returns its result, and when it began and ended by its own clock: Python's would
    include the waiting for the lock.
    """
    return both_at_work([span for _, *span in in_two_threads(function, long_enough(function))])


def both_at_work(spans: Iterable[Iterable[float]]) -> float:
    """In which part of the shorter of two spans the other one is under way, too."""
    (start, end), (begin, stop) = spans
    return max(0.0, min(end, stop) - max(start, begin)) / min(end - start, stop - begin)


def in_two_threads(function: Callable[[int], Any], n: int) -> list[Any]:
    """What two calls return, each in a thread of its own, started at the same moment."""
    ready = threading.Barrier(2)
    results: list[Any] = []

    def call() -> None:
        ready.wait()
        results.append(function(n))

    threads = [threading.Thread(target=call, daemon=True) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def long_enough(function: Callable[[int], Any]) -> int:
    """So many steps that a call takes a tenth of a second: other programs are in the way."""
    n = 1_000_000
    while True:
        start = time.perf_counter()
        function(n)
        if time.perf_counter() - start > LONG_ENOUGH:
            return n
        n *= 2


def undeclared(prediction: object, got: int, wanted: int) -> checks.Comparison:
    """The prediction beside what a call of an undeclared function returned."""
    return checks.compare(
        prediction,
        "a" if got == wanted else "b",
        f"it returned {got}, and no error." if got != wanted else f"it returned {got}.",
        {
            "a": "ctypes sees an address. What is behind it, only the header file knows, and ctypes"
            " does not read it.",
            "b": "Unless told otherwise, ctypes takes every function to return an int, of 32 bits."
            " The others are lost.",
            "c": "Nobody looks: ctypes has no way to tell, and C does not check either.",
        },
        usual="b",
    )


def two_calls(prediction: object, both: float) -> checks.Comparison:
    """The prediction beside how much two calls through pybind11 overlapped."""
    return checks.compare(
        prediction,
        "a" if both > 0.5 else "b",
        f"both calls were at work in {both:.0%} of the time.",
        {
            "a": "C++ itself needs no lock. But whoever calls it holds the lock, and keeps it,"
            " unless it is told to let go.",
            "b": "pybind11 keeps the lock during a call, because the code may use Python objects.",
            "c": "Only one thread runs it at a time, so nothing is written by two. And even at the"
            " same time nothing could go wrong here: each call has its own variables.",
        },
        usual="b",
    )
