"""The checks of 03a-computing-pi.ipynb."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from pyparallel import checks
from pyparallel._measuring import peak_memory

# By which an estimate may be off: by chance it is off by more not once in a million times.
STANDARD_ERRORS = 5


@checks.exercise("loop")
def loop(answer: Callable[[int], float]) -> str:
    """Is it an estimate from n points, and right within five standard errors?"""
    _see_points(answer, "calc_pi")
    far = _see_estimate(checks.ask(answer, 100_000), 100_000, "calc_pi(100_000)")
    return f"The estimate from 100,000 points is {far} from π."


@checks.exercise("vectorise")
def vectorise(answer: Callable[[int], float]) -> str:
    """Is the estimate right, and made without a loop in Python?"""
    _see_points(answer, "calc_pi_numpy")
    far = _see_estimate(checks.ask(answer, 1_000_000), 1_000_000, "calc_pi_numpy(1_000_000)")
    checks.expect(
        checks.python_steps(answer, 10_000) < 5_000,
        "The estimate is right, but Python still goes through the points one by one.",
        "A for loop, a comprehension, map and np.vectorize all do. Draw with rng.random(n).",
    )
    return (
        f"The estimate from 1,000,000 points is {far} from π, and no loop of Python's was needed."
    )


@checks.exercise("numbify", limit=60)
def numbify(answer: Any) -> str:
    """Is the estimate right, and the function compiled for integers?"""
    _see_points(answer, "calc_pi_numba")
    far = _see_estimate(checks.ask(answer, 1_000_000), 1_000_000, "calc_pi_numba(1_000_000)")
    signatures = getattr(answer, "nopython_signatures", None)
    checks.expect(
        signatures is not None,
        "The estimate is right, but the function is ordinary Python: it is not compiled.",
        "Put the line @njit above the def.",
    )
    checks.expect(
        signatures,
        "The function is compiled, but goes back to the interpreter: not in nopython mode.",
        "Use @njit, or @jit without forceobj=True.",
    )
    kinds = ", ".join(str(signature.args[0]) for signature in signatures)
    return f"The estimate is {far} from π. Compiled for the argument types: {kinds}."


@checks.exercise("daskify", limit=60)
def daskify(answer: Callable[[int, int], Any]) -> str:
    """Is it a promise, in chunks of the size asked for, whose mean is right?"""
    _see_promise(checks.ask(answer, 1000, 300), 1000, 300)
    n, chunk = 1_000_000, 300_000
    promise, peak = peak_memory(checks.ask, answer, n, chunk)
    checks.expect(
        peak < n,
        "It returns a promise, but all the points were thrown already.",
        "np.random draws at once. da.random.default_rng() draws when the promise is computed.",
    )
    far = _see_estimate(4 * float(promise.mean().compute()), n, "Four times its mean")
    return f"A promise of {promise.numblocks[0]} chunks; four times its mean is {far} from π."


def one_more_digit(prediction: object, factor: float) -> checks.Comparison:
    """The prediction beside how many times as many points a tenth of the error took."""
    return checks.compare(
        prediction,
        "a" if factor < 6 else "b" if factor < 30 else "c" if factor < 1000 else "d",
        f"a tenth of the error takes {factor:.0f} times as many points.",
        {
            "a": "It is the other way round: three times the points give half a digit.",
            "b": "That would be so if all errors had the same sign. They cancel, but only partly.",
            "c": "The error falls as the square root of the number of points.",
            "d": "That would be two more digits.",
        },
    )


def float_argument(prediction: object, function: Any) -> checks.Comparison:
    """The prediction beside what the compiled function does with a float."""
    before = len(function.signatures)
    try:
        function(1e5)
    except Exception as error:  # noqa: BLE001 - Numba's own, of which there are several
        letter, says = "c", f"it raised {type(error).__name__}."
    else:
        added = len(function.signatures) - before
        slow = added and len(function.nopython_signatures) < len(function.signatures)
        letter = "d" if slow else "b" if added else "a"
        says = f"it ran, with {added} new version{'' if added == 1 else 's'}."
    return checks.compare(
        prediction,
        letter,
        says,
        {
            "a": "Numba looks at the type of an argument, not at its value.",
            "b": "Another type, another version. In it, Numba turns the float into an integer.",
            "c": "Python is that strict. Numba turns the float into an integer for range.",
            "d": "njit means nopython: compiled code, or an error, never plain Python in secret.",
        },
    )


def _see_points(answer: Callable[[int], Any], name: str) -> None:
    """From four points, the estimate is 0, 1, 2, 3 or 4: does it come from a count of n points?"""
    values = [checks.ask(answer, 4) for _ in range(30)]
    odd = [value for value in values if not _is_count_of_four(value)]
    if odd:
        raise checks.Wrong(
            f"{name}(4) gave {odd[0]!r}; from four points only 0, 1, 2, 3 or 4 can come.",
            "Is that the share of points inside? π is four times that."
            if all(_is_count_of_four(4 * value) for value in odd)
            else "Is it four times the count of those inside, divided by the number of points, n?",
        )
    seen = sorted({int(value) for value in values})
    checks.expect(
        set(seen) - {0, 1} and set(seen) - {0, 4},
        f"{name}(4), called thirty times, gave only {' and '.join(map(str, seen))}: "
        "one point decides for all four.",
        "Does `return` come too early, inside the loop? Does each point get an x and y of its own?",
    )
    checks.expect(
        len(seen) > 1,
        f"{name}(4) gave {seen[0]} thirty times in a row: that is not random.",
        "Do both x and y get a new random number for every point?",
    )


def _is_count_of_four(value: Any) -> bool:
    try:
        return float(value) in (0, 1, 2, 3, 4)
    except (TypeError, ValueError):
        return False


def _see_estimate(got: Any, n: int, what: str) -> str:
    """Right within five standard errors: how far off it is, in words."""
    error = math.sqrt(math.pi * (4 - math.pi) / n)
    limit = STANDARD_ERRORS * error
    mistakes = [
        (math.pi / 4, "Is that the share of points inside? π is four times that."),
        (4 - math.pi, "Those are the points outside."),
        (math.sqrt(8), "x and y are the same number. Each needs random numbers of its own."),
        (2.0, "x + y < 1 is a triangle. The circle is x * x + y * y < 1."),
        (3.0, "Does // round the result down? Divide with /."),
    ]
    near = [(got, hint) for value, hint in mistakes if abs(float(got) - value) <= limit]
    checks.close(got, math.pi, limit, what, mistakes=near)
    return f"{abs(float(got) - math.pi) / error:.1f} standard errors"


def _see_promise(promise: Any, n: int, chunk: int) -> None:
    call = f"inside_dask({n}, {chunk})"
    checks.expect(
        hasattr(promise, "__dask_graph__"),
        f"{call} should be a promise, not something of type {type(promise).__name__}.",
        "It was computed already. Use da.random.default_rng(), and leave out .compute().",
    )
    checks.expect(
        getattr(promise, "shape", None) == (n,) and promise.dtype == np.bool_,
        f"{call} should hold {n} times True or False, one for each point.",
        "Return the comparison itself, not its sum or its mean.",
    )
    sizes = list(promise.chunks[0])
    hint = (
        "It is all one chunk. Pass chunks=chunk to random."
        if len(sizes) == 1
        else "chunks= is the size of a chunk, not the number of chunks."
    )
    wanted = [min(chunk, n - start) for start in range(0, n, chunk)]
    checks.equal(sizes, wanted, f"The list of chunk sizes of {call}", mistakes=[(sizes, hint)])
