"""Wrong arguments of reductions: one line that names function and argument, nothing written,
nothing leaked."""

from __future__ import annotations

import inspect
import pickle
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import pyparallel as pp

A = np.arange(12.0).reshape(3, 4)
ALL = ["sum", "mean", "var", "std", "norm", "min", "max", "minmax", "argmin", "argmax"]
ALL += ["count_nonzero"]
WITH_OUT = [name for name in ALL if name != "minmax"]
WITH_DTYPE = ["sum", "mean", "var", "std"]
WITH_DDOF = ["var", "std"]
ONE_AXIS = ["argmin", "argmax"]
UNTOUCHED = 77

Case = tuple[list[str], tuple[Any, ...], dict[str, Any], type[Exception], str]


class NotAnInteger:
    def __index__(self) -> int:
        return "1"  # type: ignore[return-value]  # noqa: PLE0305 - on purpose


class Interrupted:
    """As if Ctrl-C had come while the argument was looked at."""

    def __index__(self) -> int:
        raise KeyboardInterrupt

    __float__ = __index__


def result_dtype(name: str) -> str:
    return "i8" if name in (*ONE_AXIS, "count_nonzero") else "f8"


def full(*shape: int, dtype: Any = "f8") -> np.ndarray:
    return np.full(shape, UNTOUCHED, dtype)


def read_only(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array


def overlapping(dtype: str) -> np.ndarray:
    return np.lib.stride_tricks.as_strided(full(9, dtype=dtype), (4,), (4,), writeable=True)


INTEGER_AXIS = "axis must be None, an integer or a tuple of integers, not "
HOLD = "a must hold bool, integers, float32, float64, not "

CASES: list[Case] = [
    # a
    (ALL, (), {}, TypeError, "a is missing"),
    (ALL, (), {"axis": 0}, TypeError, "a is missing"),
    (ALL, (A,), {"a": A}, TypeError, "a is given twice"),
    (ALL, (A + 1j,), {}, TypeError, HOLD + "complex128"),
    (ALL, (A.astype("c8"),), {}, TypeError, HOLD + "complex64"),
    (ALL, (A.astype("f2"),), {}, TypeError, HOLD + "float16"),
    (ALL, (A.astype("g"),), {}, TypeError, HOLD + "(float128|float96|longdouble|float64)"),
    (ALL, (A.astype(object),), {}, TypeError, HOLD + "object"),
    (ALL, (A.astype("m8[s]"),), {}, TypeError, HOLD + r"timedelta64\[s\]"),
    (ALL, (A.astype("M8[D]"),), {}, TypeError, HOLD + r"datetime64\[D\]"),
    (ALL, (A.astype("S3"),), {}, TypeError, HOLD + r"\|S3"),
    (ALL, (np.zeros(3, [("x", float)]),), {}, TypeError, HOLD),
    (ALL, (["1", "2"],), {}, TypeError, HOLD + "<U1"),
    (ALL, ("12",), {}, TypeError, HOLD + "<U2"),
    (ALL, (None,), {}, TypeError, HOLD + "object"),
    (ALL, ([1, None],), {}, TypeError, HOLD + "object"),
    (ALL, ([2**70],), {}, TypeError, HOLD + "object"),
    (ALL, ([[1], [2, 3]],), {}, ValueError, "a must be an array, or sequences of equal lengths"),
    (ALL, (np.ma.masked_array(A),), {}, TypeError, "a must not be a masked array"),
    # axis
    (ALL, (A, 2), {}, np.exceptions.AxisError, "axis 2 is out of bounds .* dimension 2"),
    (ALL, (A, -3), {}, np.exceptions.AxisError, "axis -3 is out of bounds .* dimension 2"),
    (ALL, (A, 2**31), {}, np.exceptions.AxisError, "axis 2147483648 is out of bounds"),
    (ALL, (A, -(10**30)), {}, np.exceptions.AxisError, "axis -10{30} is out of bounds"),
    (ALL, (1.0, 1), {}, np.exceptions.AxisError, "axis 1 is out of bounds .* dimension 0"),
    (ALL, (A, 0.0), {}, TypeError, INTEGER_AXIS + "float"),
    (ALL, (A, "0"), {}, TypeError, INTEGER_AXIS + "str"),
    (ALL, (A, True), {}, TypeError, INTEGER_AXIS + "bool"),
    (ALL, (A, np.True_), {}, TypeError, INTEGER_AXIS + r"numpy\.bool"),
    (ALL, (1.0, False), {}, TypeError, INTEGER_AXIS + "bool"),
    (ALL, (A, [0]), {}, TypeError, INTEGER_AXIS + "list"),
    (ALL, (A, np.array([0, 1])), {}, TypeError, INTEGER_AXIS + r"numpy\.ndarray"),
    (ALL, (A, {0}), {}, TypeError, INTEGER_AXIS + "set"),
    (ALL, (A, NotAnInteger()), {}, TypeError, INTEGER_AXIS + ".*NotAnInteger"),
    (ONE_AXIS, (A, (0,)), {}, TypeError, INTEGER_AXIS + "tuple"),
    *[
        ([name for name in ALL if name not in ONE_AXIS], (A, axis), {}, error, says)
        for axis, error, says in [
            ((0, 5), np.exceptions.AxisError, "axis 5 is out of bounds"),
            ((0, 0), ValueError, "duplicate value in 'axis'"),
            ((0, -2), ValueError, "duplicate value in 'axis'"),
            ((0,) * 100, ValueError, "duplicate value in 'axis'"),
            ((0, 1.0), TypeError, INTEGER_AXIS + "float"),
            ((0, None), TypeError, INTEGER_AXIS + "NoneType"),
            ((True,), TypeError, INTEGER_AXIS + "bool"),
        ]
    ],
    # keepdims, ddof, dtype
    (ALL, (A,), {"keepdims": "yes"}, TypeError, "keepdims must be a bool, not str"),
    (ALL, (A,), {"keepdims": 1.0}, TypeError, "keepdims must be a bool, not float"),
    (ALL, (A,), {"keepdims": np.zeros(2)}, TypeError, r"keepdims must be a bool, not numpy\.nd"),
    (ALL, (A,), {"keepdims": [1]}, TypeError, "keepdims must be a bool, not list"),
    (WITH_DDOF, (A,), {"ddof": "1"}, TypeError, "ddof must be a number, not str"),
    (WITH_DDOF, (A,), {"ddof": 1j}, TypeError, "ddof must be a number, not complex"),
    (WITH_DDOF, (A,), {"ddof": [1]}, TypeError, "ddof must be a number, not list"),
    (WITH_DDOF, (A,), {"ddof": np.nan}, ValueError, "ddof must be finite"),
    (WITH_DDOF, (A,), {"ddof": -np.inf}, ValueError, "ddof must be finite"),
    (WITH_DDOF, (A,), {"ddof": 10**400}, ValueError, "ddof must be finite"),
    *[
        (WITH_DTYPE, (A,), {"dtype": dtype}, TypeError, f"dtype must be {says}")
        for dtype, says in [
            ("nonsense", "a data type, not 'nonsense'"),
            ("x" * 1000, "a data type, not 'xxxx"),
            (1.5, "a data type, not float"),
            (np.eye(50), r"a data type, not numpy\.ndarray"),
            (int, "float32 or float64, not int64"),
            ("f2", "float32 or float64, not float16"),
            (complex, "float32 or float64, not complex128"),
            (object, "float32 or float64, not object"),
            ("M8[s]", r"float32 or float64, not datetime64\[s\]"),
            ("U3", "float32 or float64, not <U3"),
            (bool, "float32 or float64, not bool"),
        ]
    ],
    (["sum"], ([1, 2],), {"dtype": bool}, TypeError, "dtype must be an integer type, float32 or f"),
    (["mean", "var", "std"], ([1, 2],), {"dtype": int}, TypeError, "dtype must be float32 or f"),
    # num_threads
    (ALL, (A,), {"num_threads": 0}, ValueError, "num_threads must be at least 1, or -1 for all"),
    (ALL, (A,), {"num_threads": -2}, ValueError, "num_threads must be at least 1, or -1 for all"),
    (ALL, (A,), {"num_threads": True}, TypeError, "num_threads must be an integer, not bool"),
    (ALL, (A,), {"num_threads": 2.0}, TypeError, "num_threads must be an integer, not float"),
    (ALL, (A,), {"num_threads": "2"}, TypeError, "num_threads must be an integer, not str"),
    # what there is not
    (ALL, (A, 0, None), {}, TypeError, "at most 2 arguments come without a name, not 3"),
    (ALL, (A,), {"where": True}, TypeError, "there is no argument 'where'"),
    (ALL, (A,), {"progress": print}, TypeError, "there is no argument 'progress'"),
    (ALL, (A, 0), {"axis": 0}, TypeError, "axis is given twice"),
    (["minmax"], (A,), {"out": full()}, TypeError, "there is no argument 'out'"),
    (["sum", "min"], (A,), {"ddof": 1}, TypeError, "there is no argument 'ddof'"),
    (["norm", "max", "argmin"], (A,), {"dtype": "f8"}, TypeError, "there is no argument 'dtype'"),
    # no result
    *[
        (["min", "max", "minmax", *ONE_AXIS], (a, axis), {}, ValueError, "there is no result for")
        for a, axis in [([], None), (np.zeros((3, 0)), 1), (np.zeros((0, 0)), 0), ([], 0)]
    ],
]

# out, for `axis=0` of A: what it is, the error, and what that says
OUT: list[tuple[Any, type[Exception], str]] = [
    (lambda t: [0.0] * 4, TypeError, "out must be a numpy array, not list"),
    (lambda t: memoryview(full(4)), TypeError, "out must be a numpy array, not memoryview"),
    (lambda t: full(4, dtype=">" + t), TypeError, "out must be {t}, not >{short}"),
    (lambda t: full(4, dtype="f4"), TypeError, "out must be {t}, not float32"),
    (lambda t: full(4, dtype="i4"), TypeError, "out must be {t}, not int32"),
    (lambda t: full(4, dtype="u8"), TypeError, "out must be {t}, not uint64"),
    (lambda t: full(4, dtype="c16"), TypeError, "out must be {t}, not complex128"),
    (lambda t: full(4).astype(object), TypeError, "out must be {t}, not object"),
    (lambda t: full(3, dtype=t), ValueError, r"out must have shape \(4,\), not \(3,\)"),
    (lambda t: full(1, 4, dtype=t), ValueError, r"out must have shape \(4,\), not \(1, 4\)"),
    (lambda t: full(dtype=t), ValueError, r"out must have shape \(4,\), not \(\)"),
    (lambda t: read_only(full(4, dtype=t)), ValueError, "out is read-only"),
    (lambda t: np.broadcast_to(full(dtype=t), 4), ValueError, "out is read-only"),
    (overlapping, ValueError, "elements of out share memory"),
    (lambda t: A.view(t)[1], ValueError, "out overlaps an input"),
    (lambda t: A.view(t)[1, ::-1], ValueError, "out overlaps an input"),
]

FLAT = [(name, *case[1:]) for case in CASES for name in case[0]]


def says(name: str, error: type[Exception], text: str) -> str:
    """An AxisError says the function's name in front, too."""
    return f"^{name}: {text}" if error is not np.exceptions.AxisError else f"^{name}: .*{text}"


def check_error(name: str, error: type[Exception], text: str, *args: Any, **options: Any) -> None:
    before = A.copy()
    with pytest.raises(error, match=says(name, error, text)) as caught:
        getattr(pp, name)(*args, **options)
    assert type(caught.value) is error
    message = str(caught.value)
    assert "\n" not in message and len(message) < 200
    assert_array_equal(A, before)


@pytest.mark.parametrize(
    ("name", "args", "options", "error", "text"),
    FLAT,
    ids=[f"{name}-{'-'.join(options) or text[:20]}" for name, _, options, _, text in FLAT],
)
def test_the_error_names_function_and_argument(name, args, options, error, text):
    check_error(name, error, text, *args, **options)
    if name in WITH_OUT and "a is missing" not in text and "no argument" not in text:
        out = full(dtype=result_dtype(name))
        with pytest.raises((TypeError, ValueError)):  # `out` may be refused before it
            getattr(pp, name)(*args, **options, out=out)
        assert out == UNTOUCHED


@pytest.mark.parametrize("name", WITH_OUT)
@pytest.mark.parametrize(("make", "error", "text"), OUT, ids=[text[:30] for *_, text in OUT])
def test_out_is_checked_before_anything_is_written(name, make, error, text):
    dtype = result_dtype(name)
    out = make(dtype)
    before = np.array(out, copy=True)
    text = text.format(t=np.dtype(dtype).name, short=dtype)
    check_error(name, error, text, A, 0, out=out)
    check_error(name, error, text, A, 0, out=out, num_threads=2)
    assert_array_equal(np.asarray(out), before)


@pytest.mark.parametrize("name", WITH_OUT)
def test_the_shape_of_out_goes_by_keepdims(name):
    dtype = result_dtype(name)
    check_error(
        name, ValueError, r"out must have shape \(1, 4\), not \(4,\)",
        A, 0, keepdims=True, out=full(4, dtype=dtype),
    )  # fmt: skip
    out = full(1, 4, dtype=dtype)
    assert getattr(pp, name)(A, 0, keepdims=True, out=out) is out
    assert_array_equal(out[0], getattr(pp, name)(A, 0))


def test_out_may_lie_between_the_elements_of_an_input():
    pairs = np.arange(20.0).reshape(2, 10)
    assert_array_equal(pp.sum(pairs[:, ::2], 0, out=pairs[0, 1::2]), [10, 14, 18, 22, 26])


@pytest.mark.parametrize(
    ("args", "options", "error", "text"),
    [
        ((), {}, TypeError, "a is missing"),
        ((A[0],), {}, TypeError, "b is missing"),
        ((A[0], A[0], 1), {}, TypeError, "at most 2 arguments come without a name, not 3"),
        ((A[0], A[0]), {"a": A[0]}, TypeError, "a is given twice"),
        ((A[0], A[0]), {"axis": 0}, TypeError, "there is no argument 'axis'"),
        ((A[0], A[0]), {"out": full()}, TypeError, "there is no argument 'out'"),
        ((A[0], A[0]), {"num_threads": 0}, ValueError, "num_threads must be at least 1"),
        ((A[0], A[1, :3]), {}, ValueError, "a and b must be equally long, not 4 and 3"),
        ((A, A[0]), {}, ValueError, "a must have 1 dimension, not 2"),
        ((A[0], A), {}, ValueError, "b must have 1 dimension, not 2"),
        ((1.0, 2.0), {}, ValueError, "a must have 1 dimension, not 0"),
        (([1, 2], [1.0, 2.0]), {}, TypeError, "a must be float32 or float64, not int64"),
        (([1.0], [True]), {}, TypeError, "b must be float32 or float64, not bool"),
        (([1.0], [1j]), {}, TypeError, "b must hold bool, integers, float32, float64, not compl"),
        (([1.0], ["1"]), {}, TypeError, "b must hold .*, not <U1"),
        ((np.ma.masked_array([1.0]), [1.0]), {}, TypeError, "a must not be a masked array"),
    ],
)
def test_wrong_arguments_of_dot(args, options, error, text):
    check_error("dot", error, text, *args, **options)


@pytest.mark.parametrize("argument", ["axis", "keepdims", "num_threads", "ddof"])
def test_ctrl_c_inside_an_argument_passes_through(argument):
    with pytest.raises(KeyboardInterrupt):
        pp.var(A, **{argument: Interrupted()})


def test_what_numpy_takes_for_an_integer_is_one():
    assert_array_equal(pp.sum(A, np.int8(1)), A.sum(1))
    assert_array_equal(pp.sum(A, (np.uint64(1), np.array(0))), A.sum())
    assert pp.sum(A, keepdims=1).shape == pp.sum(A, keepdims=np.True_).shape == (1, 1)
    assert pp.var(A, ddof=np.float32(1)) == pp.var(A, ddof=True) == pp.var(A, ddof=1)
    for axis in (0, -1, np.int64(0), np.array(-1)):
        assert pp.sum(5.0, axis) == pp.max(5.0, axis) == 5
        assert pp.argmin(5.0, axis) == 0


OPTIONS = {
    **dict.fromkeys(WITH_DTYPE, "dtype=None, out=None, "),
    **dict.fromkeys(WITH_DDOF, "dtype=None, out=None, ddof=0, "),
    "minmax": "",
}


@pytest.mark.parametrize("name", ALL)
def test_signatures(name):
    options = OPTIONS.get(name, "out=None, ")
    expected = f"(a, axis=None, *, {options}keepdims=False, num_threads=None)"
    assert str(inspect.signature(getattr(pp, name))) == expected
    assert pickle.loads(pickle.dumps(getattr(pp, name))) is getattr(pp, name)
    assert str(inspect.signature(pp.dot)) == "(a, b, *, num_threads=None)"


# --- leaks ---------------------------------------------------------------------------------------

LEAKS = """
import gc, sys, tracemalloc, warnings
import numpy as np
import pyparallel as pp
from tests.test_reduction_arguments import A, ALL, FLAT, OUT, WITH_OUT, full, result_dtype

warnings.simplefilter("ignore")
LARGE, ROW = int("1000"), A[0].copy()  # nothing that the interpreter keeps
OUTS = {name: full(4, dtype=result_dtype(name)) for name in WITH_OUT}
WRONG = [(name, make(result_dtype(name))) for name in WITH_OUT for make, *_ in OUT]

def calls():
    yield from ((name, args, options) for name, args, options, *_ in FLAT)
    yield from ((name, (A, 0), {"out": out}) for name, out in WRONG)
    yield from ((name, (A, 0), {"out": out}) for name, out in OUTS.items())
    for name in ALL:
        yield name, (A,), {"num_threads": LARGE}
        yield name, (A, 1), {"keepdims": True}
        yield name, ([1, 2],), {}
    yield "mean", ([],), {}
    yield "dot", (ROW, ROW), {}
    yield "dot", (ROW, ROW[:3]), {}
    yield "dot", (ROW, "1"), {}

CALLS = list(calls())

def once():
    for name, args, options in CALLS:
        try:
            getattr(pp, name)(*args, **options)
        except (TypeError, ValueError, RuntimeWarning):
            pass

def counts():
    held = [value for _, args, options in CALLS for value in (*args, *options.values())]
    held = [value for value in held if isinstance(value, (np.ndarray, list, tuple))]
    held += [A, ROW, LARGE, *map(np.dtype, ("f4", "f8", "i8", "?"))]
    return [sys.getrefcount(value) for value in held]

def blocks():
    # The cache of type attributes keeps names that have been looked up.
    (sys._clear_internal_caches if sys.version_info >= (3, 13) else sys._clear_type_cache)()
    gc.collect()
    return sys.getallocatedblocks(), tracemalloc.get_traced_memory()[0]

tracemalloc.start()
for _ in range(5):
    once()
refs, before = counts(), blocks()
for _ in range(50):
    once()
after, refs_after = blocks(), counts()
print(after[0] - before[0], after[1] - before[1], sum(abs(a - b) for a, b in zip(refs, refs_after)))
"""


def test_nothing_leaks_whether_a_call_fails_or_not(run_python):
    """50 rounds of every case: one object or reference leaked by one of them would be 50."""
    blocks, memory, references = map(int, run_python(LEAKS).stdout.split())
    assert blocks < 40
    assert memory < 4000
    assert references < 40
