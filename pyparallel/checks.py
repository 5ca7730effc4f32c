"""Checks for the lesson's exercises: they say what is wrong in words, and never hang or raise.

A notebook's checks are functions under `exercise`, in a module beside it::

    @checks.exercise("double")
    def double(answer):
        got = checks.ask(answer, 3)
        checks.equal(got, 6, "double(3)", mistakes=[(9, "This is the square.")])
        return "Every number is doubled."

The notebook then shows ``checks_00.double(double)``. What the learner has not written is ``...``.
"""

from __future__ import annotations

import contextvars
import ctypes
import functools
import html
import inspect
import re
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pyparallel.doctor import usable_cores

MIME = "application/vnd.pyparallel.check+json"
NOT_WHY = r"Failed in \w+ mode pipeline"  # the first line of Numba's messages
STOP_GRACE = 0.5  # seconds for stopped code to unwind; what does not is left behind

# A verdict is told apart by its word and its mark; the colour only repeats them.
STYLES = {
    "passed": ("✔", "Passed", "#2a7d4f"),
    "wrong": ("✘", "Not yet", "#b3541e"),
    "unsolved": ("…", "Not solved yet", "#777777"),
}


class Wrong(Exception):
    """An answer is wrong: what is wrong, in a sentence, and a hint where the mistake is known."""

    def __init__(self, text: str, hint: str | None = None) -> None:
        super().__init__(text)
        self.text = text
        self.hint = hint


class Unsolved(Exception):
    """There is no answer yet: the stub's ``...`` is still there."""


class _Stopped(BaseException):
    """Raised in a check's thread when its time is over; not for ``except Exception``."""


@dataclass(frozen=True)
class Result:
    """What a check found. A notebook shows it as text.

    Attributes
    ----------
    exercise : str
        The exercise's id.
    state : str
        "passed", "wrong" or "unsolved".
    text : str
        What was found, in words.
    hint : str or None
        For a mistake that is known.
    """

    exercise: str
    state: str
    text: str
    hint: str | None = None

    @property
    def passed(self) -> bool:
        """Is the exercise solved?"""
        return self.state == "passed"

    def __str__(self) -> str:
        mark, word, _ = STYLES[self.state]
        hint = f"\nHint: {self.hint}" if self.hint else ""
        return f"{mark} {word}: {self.text}{hint}"

    __repr__ = __str__

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        record = {"exercise": self.exercise, "state": self.state, "text": self.text}
        return {"text/plain": str(self), "text/html": self._html(), MIME: record}

    def _html(self) -> str:
        mark, word, colour = STYLES[self.state]
        hint = f"<br><b>Hint:</b> {_marked_up(self.hint)}" if self.hint else ""
        return (
            f'<div style="border-left: 4px solid {colour}; padding: 0.2em 0.8em">'
            f"<b>{mark} {word}.</b> {_marked_up(self.text)}{hint}</div>"
        )


def exercise(
    name: str, *, limit: float = 20.0
) -> Callable[[Callable[..., str]], Callable[..., Result]]:
    """Make a check of a function that looks at answers.

    Parameters
    ----------
    name : str
        The exercise's id, as in the tags of the notebook's cells.
    limit : float
        Seconds after which the check gives up and says so.

    Returns
    -------
    callable
        For a function that takes the learner's answers, returns a sentence of praise, and raises
        `Wrong` or `Unsolved` otherwise: the same function returning a `Result`, whatever happens.
        A positional argument that is ``...`` means that there is no answer yet; keyword arguments
        are passed on as they are.

    Examples
    --------
    >>> from pyparallel import checks
    >>> @checks.exercise("half")
    ... def half(answer):
    ...     checks.equal(checks.ask(answer, 3), 1.5, "half(3)", mistakes=[(1, "Use / not //.")])
    ...     return "Halves are exact."
    >>> half(lambda x: x / 2)
    ✔ Passed: Halves are exact.
    >>> half(lambda x: x // 2)
    ✘ Not yet: half(3) should be 1.5, not 1.
    Hint: Use / not //.
    >>> half(...)
    … Not solved yet: Put your own code in place of each `...` in the cell above, run it, then this.
    """

    def decorate(check: Callable[..., str]) -> Callable[..., Result]:
        @functools.wraps(check)
        def run(*answers: Any, **settings: Any) -> Result:
            def judge() -> str:
                if any(answer is ... for answer in answers):
                    raise Unsolved
                return check(*answers, **settings)

            return _result(name, judge, limit, answers)

        return run

    return decorate


def ask(function: Callable[..., Any], *args: Any) -> Any:
    """Call a learner's function, and see whether it is still a stub.

    Parameters
    ----------
    function : callable
        The answer.
    *args
        For it.

    Returns
    -------
    object
        What the function returned.

    Raises
    ------
    Unsolved
        The function returned ``...``.
    Wrong
        It is no function, or returned nothing.
    """
    if not callable(function):
        raise Wrong(f"The answer should be a function, not {_kind(function)}.")
    value = function(*args)
    if value is ...:
        raise Unsolved
    if value is None:
        name = getattr(function, "__name__", "The function")
        raise Wrong(f"{name} returned nothing.", "Does it end with a `return`?")
    return value


def expect(true: object, text: str, hint: str | None = None) -> None:
    """Raise `Wrong` with this text and hint, unless the first argument is true."""
    if not true:
        raise Wrong(text, hint)


def equal(got: Any, wanted: Any, what: str, *, mistakes: Iterable[tuple[Any, str]] = ()) -> None:
    """See that an answer equals what is wanted: same shape, same values.

    Parameters
    ----------
    got, wanted : array_like
        The learner's value and the right one. NaN equals NaN.
    what : str
        What the value is, to begin a sentence: "the sum", "cut(10, 3)".
    mistakes : iterable of (object, str)
        Values that known misconceptions lead to, each with its hint.

    Raises
    ------
    Wrong
        Saying how the value differs.
    """
    if _same(got, wanted):
        return
    hint = next((hint for value, hint in mistakes if _same(got, value)), None)
    raise Wrong(_difference(got, wanted, what), hint)


def close(
    got: Any,
    wanted: float,
    tolerance: float,
    what: str,
    *,
    mistakes: Iterable[tuple[float, str]] = (),
) -> None:
    """See that a number lies within ``tolerance`` of the right one.

    Parameters
    ----------
    got : float
        The learner's value.
    wanted, tolerance : float
        The right value, and how far from it is still right.
    what : str
        What the value is, to begin a sentence.
    mistakes : iterable of (float, str)
        Values that known misconceptions lead to, each with its hint; the tolerance is in
        proportion to the value.

    Raises
    ------
    Wrong
        Saying how far off the value is.
    """
    try:
        number = float(got)
    except (TypeError, ValueError):
        raise Wrong(f"{_capital(what)} should be a number, not {_kind(got)}.") from None
    if abs(number - wanted) <= tolerance:
        return
    part = abs(tolerance / wanted) if wanted else 0.0
    near = (hint for value, hint in mistakes if abs(number - value) <= part * abs(value))
    raise Wrong(
        f"{_capital(what)} should be {wanted:.4g}, give or take {tolerance:.2g}, not {number:.4g}.",
        next(near, None),
    )


def speed(
    slow: Callable[[], object],
    fast: Callable[[], object],
    *,
    enough: float = 1.3,
    repeat: int = 5,
) -> str:
    """Judge how many times as fast the second function is, where this machine can show it.

    Parameters
    ----------
    slow, fast : callable
        Both without arguments, doing the same work. Each is warmed up, then they take turns.
    enough : float
        From which ratio on it counts as faster.
    repeat : int
        How often each runs; the best time counts.

    Returns
    -------
    str
        A sentence to put behind the praise: speed is told, but never fails an exercise, because
        it depends on what else the machine does.
    """
    cores = usable_cores()
    if cores < 2:
        return "Speed: not judged here, with one usable core."
    slow(), fast()
    runs = [(_seconds(slow), _seconds(fast)) for _ in range(repeat)]
    ratio = min(run[0] for run in runs) / min(run[1] for run in runs)
    if ratio >= enough:
        return f"Speed: {ratio:.1f} times as fast here, with {cores} usable cores."
    return f"Speed: {ratio:.1f} times as fast only; is another program using the cores?"


def python_steps(function: Callable[..., Any], *args: Any) -> int:
    """How many lines and calls of Python a call takes: few, where whole arrays are worked on.

    Parameters
    ----------
    function : callable
        What a learner wrote.
    *args
        For it.

    Returns
    -------
    int

    Examples
    --------
    >>> from pyparallel import checks
    >>> checks.python_steps(lambda n: sum(range(n)), 1000) < 10
    True
    """
    steps, before = 0, sys.gettrace()

    def count(frame: object, event: str, arg: object) -> Any:
        nonlocal steps
        steps += 1
        return count

    sys.settrace(count)
    try:
        function(*args)
    finally:
        sys.settrace(before)
    return steps


@dataclass(frozen=True)
class Comparison:
    """A prediction beside what was measured. A notebook shows it as text.

    Attributes
    ----------
    prediction : str or None
        The learner's letter, if one was given.
    measured : str or None
        The letter that the measurement gives; None where this machine cannot show it.
    text : str
        Both, in words.
    """

    prediction: str | None
    measured: str | None
    text: str

    @property
    def right(self) -> bool:
        """Was the prediction borne out?"""
        return self.prediction is not None and self.prediction == self.measured

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__

    def _repr_html_(self) -> str:
        style = "border-left: 4px solid #44679f; padding: 0.2em 0.8em"
        return f'<div style="{style}">{_marked_up(self.text)}</div>'


def compare(
    prediction: object,
    measured: str | None,
    says: str,
    why: Mapping[str, str],
    *,
    usual: str | None = None,
) -> Comparison:
    """Put a prediction beside the measurement.

    Parameters
    ----------
    prediction : str
        The learner's letter; anything else is no prediction.
    measured : str or None
        The letter that the measurement gives; None where this machine cannot show it.
    says : str
        The measurement, in a sentence.
    why : mapping of str to str
        For each option's letter, what to think of it.
    usual : str, optional
        The letter that an idle machine gives, where a busy one may give another.

    Returns
    -------
    Comparison

    Examples
    --------
    >>> from pyparallel import checks
    >>> why = {"a": "One core does one thing at a time.", "b": "Two cores share the work."}
    >>> checks.compare("a", "b", "1.9 times as fast.", why)
    You predicted a. Measured: 1.9 times as fast. That is b.
    a: One core does one thing at a time.
    b: Two cores share the work.
    """
    letter = prediction.strip(" .()\t").lower() if isinstance(prediction, str) else ""
    if letter in why:
        first = f"You predicted {letter}."
    else:
        first = f"You made no prediction yet: put {_either(why)} in the cell above."
    measured_as = f"That is {measured}." if measured else "So this is not judged here."
    lines = [f"{first} Measured: {says} {measured_as}"]
    if usual not in (None, measured):
        lines.append(f"On an idle machine with two cores or more it is usually {usual}.")
    lines += [f"{key}: {why[key]}" for key in sorted(why) if key in (letter, usual or measured)]
    return Comparison(letter if letter in why else None, measured, "\n".join(lines))


# How a check runs: in a thread of its own, so that nothing a learner writes can hang the notebook.


def _result(name: str, judge: Callable[[], str], limit: float, answers: tuple[Any, ...]) -> Result:
    praise, error = _within(limit, judge)
    if error is None:
        return Result(name, "passed", praise)
    if isinstance(error, Wrong):
        return Result(name, "wrong", error.text, error.hint)
    if isinstance(error, Unsolved) or any(map(_has_dots, answers)):
        text = "Put your own code in place of each `...` in the cell above, run it, then this."
        return Result(name, "unsolved", text)
    if isinstance(error, _Stopped):
        text = f"It was still running after {limit:g} seconds, and was stopped."
        return Result(
            name, "wrong", text, "Is there a loop that never ends, or a wait for nothing?"
        )
    text = f"Your code raised {type(error).__name__}{_line(error)}: {_first_line(str(error))}"
    return Result(name, "wrong", text)


def _within(limit: float, judge: Callable[[], str]) -> tuple[str, BaseException | None]:
    """What judge returns or raises; `_Stopped` when the time runs out."""
    outcome: list[tuple[str, BaseException | None]] = []

    def work() -> None:
        try:
            outcome.append((judge(), None))
        except BaseException as error:  # noqa: BLE001 - also SystemExit: nothing may end Run All
            outcome.append(("", error))

    context = contextvars.copy_context()  # a learner's pp.threads(n) holds in here too
    thread = threading.Thread(target=context.run, args=(work,), daemon=True)
    thread.start()
    try:
        thread.join(limit)
    finally:  # also when the learner interrupts the kernel
        if thread.is_alive():
            _stop(thread)
    return outcome[0] if outcome else ("", _Stopped())


def _stop(thread: threading.Thread) -> None:
    """Raise `_Stopped` in the thread: it ends Python code, but not a call that waits in C."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread.ident or 0), ctypes.py_object(_Stopped)
    )
    thread.join(STOP_GRACE)


def _has_dots(answer: object) -> bool:
    """Is there a ``...`` in the code of this function? Then what it raised comes from that."""
    function: Any = getattr(answer, "py_func", answer)  # what Numba compiled
    code = getattr(inspect.unwrap(function), "__code__", None)
    return code is not None and ... in code.co_consts


def _first_line(message: str) -> str:
    """The first line that says something: Numba's messages begin with where it was, not why."""
    lines = message.strip().splitlines()
    return next((line for line in lines if line and not re.match(NOT_WHY, line)), "no message")


def _line(error: BaseException) -> str:
    """Where in the learner's cell the error arose, if it did."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if "ipykernel_" in frame.filename]
    return f" in line {lines[-1]} of your cell" if lines else ""


def _seconds(function: Callable[[], object]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


# How values are compared and told.


def _same(got: Any, wanted: Any) -> bool:
    try:
        return bool(np.array_equal(got, wanted, equal_nan=_is_float(got) and _is_float(wanted)))
    except (TypeError, ValueError):  # ragged lists and the like
        return False


def _is_float(value: Any) -> bool:
    return np.asarray(value).dtype.kind in "fc"


def _difference(got: Any, wanted: Any, what: str) -> str:
    what = _capital(what)
    if np.ndim(wanted) == 0:
        return f"{what} should be {wanted!r}, not {_brief(got)}."
    try:
        values, right = np.asarray(got), np.asarray(wanted)
    except ValueError:
        return f"{what} should be an array of shape {np.shape(wanted)}, not {_kind(got)}."
    if values.shape != right.shape:
        return f"{what} should have the shape {right.shape}, not {values.shape}."
    wrong = values != right
    first = tuple(int(k) for k in np.argwhere(wrong)[0])
    at = first[0] if len(first) == 1 else first
    return (
        f"{what}: {np.count_nonzero(wrong)} of {right.size} values differ;"
        f" the first, at [{str(at).strip('()')}], should be {_item(right[first])}, not {_item(values[first])}."
    )


def _item(value: Any) -> str:
    """An item of an array, as one would write it in Python: texts in quotes."""
    return _brief(value.item() if isinstance(value, np.generic) else value)


def _brief(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _kind(value: object) -> str:
    return f"of type {type(value).__name__}"


def _capital(text: str) -> str:
    """The text with a capital first, unless it begins with a name such as ``cut(3)``."""
    word = text.split(" ")[0]
    return text[0].upper() + text[1:] if word.isalpha() else text


def _marked_up(text: str) -> str:
    """For a page: what stands between backticks as code, and lines apart."""
    lines = "<br>".join(html.escape(text).splitlines())
    return re.sub("`(.+?)`", r"<code>\1</code>", lines)


def _either(letters: Iterable[str]) -> str:
    *most, last = [f'"{letter}"' for letter in letters]
    return f"{', '.join(most)} or {last}"
