"""Wrong arguments of every public function: one line that names function and argument, nothing
written, nothing leaked."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import pyparallel as pp

BOX = pp.Box(5, 4, center=-0.5, extent=3 + 2j)
Z = np.linspace(-1, 1, 20).reshape(4, 5) + 0.1j
DEFAULTS: dict[str, dict[str, Any]] = {
    "mandelbrot": {"box": BOX, "max_iter": 20},
    "julia": {"box": BOX, "c": -0.4 + 0.6j, "max_iter": 20},
    "escape_time": {"z": Z, "c": 0.1, "max_iter": 20},
}
UNTOUCHED = -7


def full(*shape: int, dtype: Any = np.int32) -> np.ndarray:
    return np.full(shape, UNTOUCHED, dtype)


def read_only(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array


def overlapping(steps: tuple[int, ...], shape: tuple[int, ...] = (4, 5)) -> np.ndarray:
    """A writeable array whose elements share memory, from steps in bytes."""
    return np.lib.stride_tricks.as_strided(full(100), shape, steps, writeable=True)


class NotAnInteger:
    def __index__(self) -> int:
        return "1"  # type: ignore[return-value]  # noqa: PLE0305 - on purpose


Case = tuple[dict[str, Any], type[Exception], str]

INTEGERS: list[Case] = [
    ({"max_iter": 0}, ValueError, "max_iter must be between 1 and 2147483647, not 0"),
    ({"max_iter": -5}, ValueError, "max_iter must be between 1 and 2147483647, not -5"),
    ({"max_iter": 2**31}, ValueError, "max_iter must be between .*, not 2147483648"),
    ({"max_iter": 10**30}, ValueError, "max_iter must be between .*, not 10{30}"),
    ({"max_iter": 10**5000}, ValueError, "max_iter must be"),
    ({"max_iter": 20.0}, TypeError, "max_iter must be an integer, not float"),
    ({"max_iter": "20"}, TypeError, "max_iter must be an integer, not str"),
    ({"max_iter": True}, TypeError, "max_iter must be an integer, not bool"),
    ({"max_iter": np.True_}, TypeError, r"max_iter must be an integer, not numpy\.bool"),
    ({"max_iter": None}, TypeError, "max_iter must be an integer, not NoneType"),
    ({"max_iter": np.array(20.0)}, TypeError, r"max_iter must be an integer, not numpy\.ndarray"),
    ({"max_iter": np.array([1, 2])}, TypeError, r"max_iter must be an integer, not numpy\.nd"),
    ({"max_iter": NotAnInteger()}, TypeError, "max_iter must be an integer, not .*NotAnInteger"),
    ({"num_threads": 0}, ValueError, "num_threads must be at least 1, or -1 for all, not 0"),
    ({"num_threads": -2}, ValueError, "num_threads must be at least 1, or -1 for all, not -2"),
    ({"num_threads": -(10**30)}, ValueError, "num_threads must be .*, not -10{30}"),
    ({"num_threads": 10**30}, ValueError, "num_threads must be .*, not 10{30}"),
    ({"num_threads": True}, TypeError, "num_threads must be an integer, not bool"),
    ({"num_threads": 2.0}, TypeError, "num_threads must be an integer, not float"),
    ({"num_threads": "2"}, TypeError, "num_threads must be an integer, not str"),
    ({"num_threads": [2]}, TypeError, "num_threads must be an integer, not list"),
]

PROGRESS: list[Case] = [
    ({"progress": 5}, TypeError, r"progress must be None or a callable .*, not int"),
    ({"progress": "print"}, TypeError, r"progress must be None or a callable .*, not str"),
    ({"progress": False}, TypeError, r"progress must be None or a callable .*, not bool"),
]

OUT: list[Case] = [
    ({"out": [[0] * 5] * 4}, TypeError, "out must be a numpy array, not list"),
    ({"out": memoryview(full(4, 5))}, TypeError, "out must be a numpy array, not memoryview"),
    *(
        ({"out": full(4, 5).astype(name)}, TypeError, f"out must be int32 or int64, not {name}")
        for name in (
            "float32",
            "float64",
            "int16",
            "uint32",
            "uint64",
            "bool",
            "object",
            "complex64",
        )
    ),
    ({"out": full(4, 5, dtype=">i4")}, TypeError, "out must be int32 or int64, not >i4"),
    ({"out": full(4, 5, dtype="m8[s]")}, TypeError, "out must be int32 or int64, not timedelta64"),
    ({"out": full(5, 4)}, ValueError, r"out must have shape \(4, 5\), not \(5, 4\)"),
    ({"out": full(20)}, ValueError, r"out must have shape \(4, 5\), not \(20,\)"),
    ({"out": full(1, 4, 5)}, ValueError, r"out must have shape \(4, 5\), not \(1, 4, 5\)"),
    ({"out": full()}, ValueError, r"out must have shape \(4, 5\), not \(\)"),
    ({"out": full(4, 0)}, ValueError, r"out must have shape \(4, 5\), not \(4, 0\)"),
    ({"out": read_only(full(4, 5))}, ValueError, "out is read-only"),
    ({"out": overlapping((0, 4))}, ValueError, "elements of out share memory"),
    ({"out": overlapping((20, 0))}, ValueError, "elements of out share memory"),
    ({"out": overlapping((4, 4))}, ValueError, "elements of out share memory"),
    ({"out": overlapping((16, 4))}, ValueError, "elements of out share memory"),
    ({"out": overlapping((20, 2))}, ValueError, "elements of out share memory"),
]

ARRAYS: list[Case] = [
    ({name: value}, TypeError, f"{name} must {says}")
    for name in ("z", "c")
    for value, says in [
        ("1", "hold bool, integers, float32, float64, complex64 or complex128, not <U1"),
        (None, "hold .*, not object"),
        (object(), "hold .*, not object"),
        ([1, None], "hold .*, not object"),
        ([2**70], "hold .*, not object"),
        (b"1", "hold .*, not [|]S1"),
        (np.float16(1), "hold .*, not float16"),
        (np.zeros(3, np.longdouble), "hold .*, not (float128|float96|longdouble|float64)"),
        (
            np.zeros(3, np.clongdouble),
            "hold .*, not (complex256|complex192|clongdouble|complex128)",
        ),
        (np.datetime64("2020-01-01"), r"hold .*, not datetime64\[D\]"),
        (np.timedelta64(1, "s"), r"hold .*, not timedelta64\[s\]"),
        (np.zeros(3, [("a", float)]), "hold .*, not"),
        (np.ma.masked_array([1.0, 2.0], [True, False]), "not be a masked array"),
    ]
]
ARRAYS += [
    ({"z": [1, [2]]}, ValueError, "z "),
    ({"c": [[1], [2, 3]]}, ValueError, "c "),
    ({"z": np.zeros(3), "c": np.zeros(4)}, ValueError, "z and c do not broadcast.* 3 and 4"),
    ({"z": np.zeros((2, 3)), "c": np.zeros((3, 2))}, ValueError, "z and c do not broadcast"),
    ({"z": np.zeros(0), "c": np.zeros(2)}, ValueError, "z and c do not broadcast.* 0 and 2"),
]

TOO_LARGE: list[tuple[str, Case]] = [
    (
        "mandelbrot",
        ({"box": pp.Box(2**20, 2**40, 0, 1 + 1j)}, MemoryError, ""),
    ),
    ("mandelbrot", ({"box": pp.Box(2**50, 2**50, 0, 1 + 1j)}, MemoryError, "")),
    ("julia", ({"box": pp.Box(2**53, 2**53, 0, 1 + 1j)}, MemoryError, "")),
    (
        "escape_time",
        (
            {
                "z": np.broadcast_to(0.0, (2**50, 1)),
                "c": np.broadcast_to(0.0, (1, 2**50)),
            },
            MemoryError,
            "",
        ),
    ),
]

# (function, changed arguments, the error, what it says after the function's name)
CASES: list[tuple[str, dict[str, Any], type[Exception], str]] = [
    *((function, *case) for function in DEFAULTS for case in (*INTEGERS, *PROGRESS, *OUT)),
    *(("escape_time", *case) for case in ARRAYS),
    *((function, *case) for function, case in TOO_LARGE),
    *(
        (function, {"box": value}, TypeError, f"box must be a pyparallel.Box, not {kind}")
        for function in ("mandelbrot", "julia")
        for value, kind in [(None, "NoneType"), ((4, 5), "tuple"), (Z, "ndarray")]
    ),
    ("julia", {"c": "1"}, TypeError, "c must be a number, not str"),
    ("julia", {"c": None}, TypeError, "c must be a number, not NoneType"),
    ("julia", {"c": [1]}, TypeError, "c must be a number, not list"),
    ("julia", {"c": np.zeros(2)}, TypeError, r"c must be a number, not numpy\.ndarray"),
    ("julia", {"c": 10**400}, ValueError, "c is too large for a float64"),
]


def call(function: str, changed: dict[str, Any]) -> Any:
    return getattr(pp, function)(**{**DEFAULTS[function], **changed})


def names(case: tuple[str, dict[str, Any], type[Exception], str]) -> str:
    function, changed, error, _ = case
    return f"{function}-{'-'.join(changed)}-{error.__name__}"


@pytest.mark.parametrize("case", CASES, ids=names)
def test_the_error_names_function_and_argument(case):
    function, changed, error, says = case
    with pytest.raises(error) as caught:
        call(function, changed)
    message = str(caught.value)
    if error is not MemoryError:
        assert re.match(f"{function}: {says}", message), message
    assert "\n" not in message
    assert len(message) < 200


@pytest.mark.parametrize("case", CASES, ids=names)
def test_nothing_is_written_when_a_check_fails(case):
    function, changed, error, _ = case
    if "z" in changed or "box" in changed:
        changed = {"out": full(4, 5), **changed}
    out = changed.get("out", full(4, 5))
    before = np.array(out, copy=True)
    with pytest.raises((error, TypeError, ValueError)):  # `out` may be refused before it
        call(function, {"out": out, **changed})
    np.testing.assert_array_equal(out, before)


Overlap = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
OVERLAPS: dict[str, Overlap] = {
    "the same memory": lambda m: (m[:20].view("f8"), m[:20].view("i8")),
    "half of it": lambda m: (m[:20].view("f8"), m[:20].view("i4")[:20]),
    "the last element": lambda m: (m[:20].view("f8"), m[19:39].view("i8")),
    "one reversed": lambda m: (m[:20].view("f8")[::-1], m[10:30].view("i8")),
    "every second, shifted by one byte": lambda m: (
        m.view("u1")[1:321].view("f8")[::2],
        m[:40].view("i8")[::2],
    ),
}


@pytest.mark.parametrize("how", OVERLAPS)
@pytest.mark.parametrize("argument", ["z", "c"])
def test_out_must_not_overlap_an_input(how, argument):
    memory = np.full(100, UNTOUCHED, np.int64)
    array, out = OVERLAPS[how](memory)
    with pytest.raises(ValueError, match=r"^escape_time: out overlaps an input$"):
        pp.escape_time(**{"z": 0, "c": 0, "max_iter": 9, argument: array[: out.size]}, out=out)
    assert (memory == UNTOUCHED).all()


def test_out_may_lie_between_the_elements_of_an_input():
    record = np.zeros(50, [("z", "c16"), ("count", "i4")])
    record["z"] = np.linspace(-2, 1, 50)
    counts = pp.escape_time(0, record["z"], 30, out=record["count"])
    np.testing.assert_array_equal(counts, pp.escape_time(0, record["z"].copy(), 30))
    halves = np.zeros((50, 2))
    counts = pp.escape_time(0, halves[:, 0], 30, out=halves.view(np.int64)[:, 1])
    assert (counts == 29).all()
    assert (halves[:, 0] == 0).all()


def test_out_may_have_any_strides_that_keep_its_elements_apart():
    for shape, steps in [
        ((4, 5), (4, 16)),
        ((4, 5), (4, 20)),
        ((4, 5), (32, 4)),
        ((4, 5), (12, 64)),
    ]:
        out = np.lib.stride_tricks.as_strided(full(100), shape, steps)
        np.testing.assert_array_equal(pp.mandelbrot(BOX, 20, out=out), pp.mandelbrot(BOX, 20))


def test_options_are_keywords_only():
    for function, positional in [
        (pp.mandelbrot, (BOX, 20, None)),
        (pp.julia, (BOX, 0, 20, None)),
        (pp.escape_time, (0, 0, 20, None)),
    ]:
        with pytest.raises(TypeError, match="positional argument"):
            function(*positional)


@pytest.mark.parametrize(
    ("given", "error", "says"),
    [
        (0, ValueError, "n must be at least 1, or -1 for all, not 0"),
        (-2, ValueError, "n must be at least 1, or -1 for all, not -2"),
        (10**30, ValueError, "n must be .*, not 10{30}"),
        (True, TypeError, "n must be an integer, not bool"),
        (np.True_, TypeError, "n must be an integer, not numpy.bool"),
        (2.0, TypeError, "n must be an integer, not float"),
        ("2", TypeError, "n must be an integer, not str"),
        (None, TypeError, "n must be an integer, not None"),
        (math.nan, TypeError, "n must be an integer, not float"),
    ],
)
def test_bad_numbers_of_threads_change_nothing(given, error, says):
    before = pp.config()
    with pytest.raises(error, match=f"^set_num_threads: {says}"):
        pp.set_num_threads(given)
    with pytest.raises(error, match=f"^threads: {says}"), pp.threads(given):
        pass
    assert pp.config() == before


def test_functions_without_parameters_take_none():
    for function in (pp.get_num_threads, pp.config, pp.show_config):
        with pytest.raises(TypeError, match=r"takes 0 positional arguments but 1 was given"):
            function(1)


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ((None, np.zeros((4, 5))), TypeError, "box must be a pyparallel.Box, not NoneType"),
        ((BOX, np.zeros((5, 4))), ValueError, r"counts must have .* shape \(4, 5\), not \(5, 4\)"),
        ((BOX, None), ValueError, r"counts must have .* shape \(4, 5\), not \(\)"),
        ((BOX, full(4, 5).astype(str)), TypeError, "counts must hold real numbers, not <U"),
        ((BOX, full(4, 5).astype(complex)), TypeError, "counts must hold real numbers, not comp"),
        ((BOX, full(4, 5), "axes"), TypeError, "ax must be matplotlib axes or None, not str"),
    ],
)
def test_bad_arguments_of_plot_fractal(arguments, error, says):
    pytest.importorskip("matplotlib")
    with pytest.raises(error, match=f"^plot_fractal: {says}"):
        pp.plot_fractal(*arguments)


# --- leaks ---------------------------------------------------------------------------------------

LEAKS = """
import gc, sys, tracemalloc
import numpy as np
import pyparallel as pp
from tests.test_arguments import BOX, CASES, DEFAULTS, Z, call

LARGE = int("1000")  # no integer that the interpreter keeps

def stop(done, total):
    raise RuntimeError("stop")

def cases():
    yield from ((function, changed) for function, changed, _, _ in CASES)
    for function in DEFAULTS:
        yield function, dict(progress=stop)
        yield function, {}
        yield function, dict(out=np.zeros((4, 5), np.int64))
        yield function, dict(progress=lambda done, total: [done])
        yield function, dict(max_iter=LARGE, num_threads=LARGE)

def once():
    for function, changed in cases():
        try:
            call(function, changed)
        except Exception:
            pass
    for n in (0, "2", LARGE):
        try:
            with pp.threads(n):
                pp.mandelbrot(BOX, 1)
        except Exception:
            pass

def counts():
    held = [value for _, changed, *_ in CASES for value in changed.values()]
    held = [
        value
        for value in held
        if isinstance(value, (np.ndarray, pp.Box, list))
        or (type(value) is int and abs(value) > 1000)
    ]
    held += [BOX, Z, LARGE, stop, np.dtype(np.int32), np.dtype(complex)]
    return [sys.getrefcount(value) for value in held]

def blocks():
    # The cache of type attributes keeps names that have been looked up.
    (sys._clear_internal_caches if sys.version_info >= (3, 13) else sys._clear_type_cache)()
    gc.collect()
    return sys.getallocatedblocks(), tracemalloc.get_traced_memory()[0]

tracemalloc.start()
for _ in range(5):
    once()
gc.collect()
refs, refs_after = counts(), None
before = blocks()
for _ in range(50):
    once()
after = blocks()
refs_after = counts()
print(after[0] - before[0], after[1] - before[1], sum(abs(a - b) for a, b in zip(refs, refs_after)))
"""


def test_nothing_leaks_whether_a_call_fails_or_not(run_python):
    """50 rounds of every case: one object or reference leaked by one of them would be 50."""
    blocks, memory, references = map(int, run_python(LEAKS).stdout.split())
    assert blocks < 40
    assert memory < 4000
    assert references < 40


RESIDENT = """
import resource, sys
import numpy as np, pyparallel as pp
box = pp.Box(100, 100, 0, 3 + 3j)

def stop(done, total):
    raise RuntimeError("stop")

def once():
    for kind in ({}, dict(progress=stop), dict(out=np.zeros((2, 2), np.int32))):
        try:
            pp.mandelbrot(box, 5, num_threads=2, **kind)
        except (RuntimeError, ValueError):
            pass

for _ in range(20):
    once()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for _ in range(150):
    once()
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(grown // (1024 if sys.platform == "darwin" else 1))
"""


def test_no_memory_of_the_core_leaks(run_python):
    """What C allocates, Python's counters don't see: a worker's state alone would be 10 MiB."""
    pytest.importorskip("resource")
    assert int(run_python(RESIDENT).stdout) < 4096
