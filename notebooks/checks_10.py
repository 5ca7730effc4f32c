"""The checks of 10-asyncio.ipynb."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import inspect
import itertools
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pages
from meeting import PARTS, POINTS, REAL, Estimates, real_estimate

from pyparallel import checks

LIMIT = 10.0  # seconds that a coroutine may take
TOGETHER = 3.0  # seconds in which the second of two threads should have come
PAUSE = 0.02  # seconds
DELAY = 0.05  # seconds, of the server
AT_MOST = 5

AWAIT_GATHER = "gather promises results: await it to get them."
STAR = "gather takes coroutines one by one: put a star before the list, gather(*coroutines)."


@checks.exercise("even", limit=5)
def even(answer: Callable[[], Iterator[int]]) -> str:
    """Is it a generator that never ends, of the even numbers from 0 on?"""
    numbers = checks.ask(answer)
    checks.expect(
        inspect.isgenerator(numbers),
        f"even_numbers() returned something of type {type(numbers).__name__}, not a generator.",
        "yield hands over one number and goes on later; return ends the function.",
    )
    got = list(itertools.islice(numbers, 1000))
    if ... in got:
        raise checks.Unsolved
    checks.expect(
        len(got) == 1000,
        f"The generator ended after {len(got)} number{'' if len(got) == 1 else 's'}.",
        "Repeat for ever: while True. Nobody has to wait for the end of a generator.",
    )
    checks.equal(
        got[:5],
        [0, 2, 4, 6, 8],
        "The first five numbers",
        mistakes=[
            ([2, 4, 6, 8, 10], "0 is even, too. Is the number changed before it is handed over?"),
            ([0, 1, 2, 3, 4], "Here are the odd ones, too: go on by 2."),
            ([0, 0, 0, 0, 0], "The number has to change before the next turn."),
        ],
    )
    checks.equal(got, [2 * k for k in range(1000)], "The list of the first thousand")
    return "0, 2, 4, ... as many as you ask for, and no more are computed."


@checks.exercise("numbered", limit=5)
def numbered(answer: Callable[[], Generator[Any, str, None]]) -> str:
    """Does each line that is sent come back at once, with its number?"""
    for lines in (["the sea", "comes in", "goes out"], ["again"]):
        numbers = checks.ask(answer)
        checks.expect(
            inspect.isgenerator(numbers),
            f"numbered() returned something of type {type(numbers).__name__}, not a generator.",
            "It takes a yield inside the function.",
        )
        if next(numbers, None) is ...:
            raise checks.Unsolved
        got = [_send(numbers, line) for line in lines]
        _see_numbered(got, lines)
    return "Each line comes back with its number, and each generator counts for itself."


def _send(numbers: Generator[Any, str, None], line: str) -> Any:
    try:
        return numbers.send(line)
    except StopIteration:
        raise checks.Wrong(
            f"numbered() ended when it was sent {line!r}.",
            "After a line it has to wait for the next one, for ever: while True.",
        ) from None


def _see_numbered(got: list[Any], lines: list[str]) -> None:
    wanted = [f"{number}: {line}" for number, line in enumerate(lines, 1)]
    one_late = [None, *wanted[:-1]]
    checks.expect(
        any(answer is not None for answer in got),
        "The lines are received, but nothing comes back.",
        "print shows a text; what is to come back stands behind yield.",
    )
    checks.expect(
        got == one_late or not (None in got or got[1:] == [got[0], f"2: {lines[-1]}"]),
        f"The lines {lines} came back as {got}.",
        "There are two yields in the loop, so every second send meets one that does not look."
        " A single yield does both: line = yield answer.",
    )
    checks.equal(
        got,
        wanted,
        f"What comes back for the lines {lines}",
        mistakes=[
            ([f"{k}: {line}" for k, line in enumerate(lines)], "Count from 1."),
            (one_late, "Each answer comes one line late: it is yielded before it is made."),
            ([f"1: {line}" for line in lines], "The number has to grow with each line."),
            (lines, "The lines come back without their numbers."),
            (
                [f"4: {line}" for line in lines],
                "The number belongs inside of the function: each generator counts for itself.",
            ),
        ],
    )


@checks.exercise("blocking")
def blocking(answer: Callable[[str, list[str]], Any]) -> str:
    """Do two of them take turns, with a real pause between the notes?"""
    log: list[str] = []
    beats: list[float] = []

    async def heart() -> None:
        while True:
            beats.append(time.perf_counter())
            await asyncio.sleep(PAUSE / 10)

    async def both() -> None:
        beating = asyncio.create_task(heart())
        await asyncio.gather(_coroutine(answer, "a", log), _coroutine(answer, "b", log))
        beating.cancel()

    start = time.perf_counter()
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        _run(both())
    took = time.perf_counter() - start
    forgotten = any("never awaited" in str(warning.message) for warning in seen)
    if not log:
        raise checks.Unsolved
    checks.expect(
        sorted(log) == list("aaabbb"),
        f"Two tasks left the notes {log}; wanted are three of each.",
    )
    checks.expect(
        log not in (list("aaabbb"), list("bbbaaa")),
        f"The notes are {' '.join(log)}: one task was done before the other began.",
        "asyncio.sleep(...) makes a coroutine. It does nothing until somebody awaits it."
        if forgotten
        else "Nobody pauses here."
        if took < PAUSE
        else "time.sleep keeps the whole thread waiting, and the loop with it. Which sleep lets"
        " others run, and what has to stand before it?",
    )
    checks.expect(
        took >= 2 * PAUSE,
        f"They take turns, but the three notes take {1000 * took:.0f} ms: without a pause.",
        f"Sleep {PAUSE} seconds after each note.",
    )
    gaps = [after - before for before, after in itertools.pairwise(beats)]
    checks.expect(
        gaps and statistics.median(gaps) < PAUSE / 2,
        "They take turns, but in the pauses nobody else could run.",
        "time.sleep keeps the whole thread waiting, and the loop with it. Await the other sleep.",
    )
    return f"{' '.join(log)}: in each pause, the other task has its turn."


@checks.exercise("semaphore", limit=60)
def semaphore(answer: Callable[[Callable[[int], Any], list[int]], Any]) -> str:
    """Do all pages come, in order, from a real server, which never sees more than five requests?"""
    numbers = list(range(30))
    with pages.running(DELAY) as site:
        got = _await(answer, functools.partial(pages.fetch, site.port), numbers)
    checks.expect(
        isinstance(got, list | tuple) and len(got) == len(numbers),
        f"all_pages(fetch, numbers) should be a list of 30 texts, not {_kind(got)}.",
        AWAIT_GATHER if isinstance(got, asyncio.Future) else None,
    )
    _see_awaited(got)
    checks.expect(
        all(isinstance(text, str) for text in got),
        "Not all items of the list are texts.",
        "Does the function that fetches one page return what fetch gives?",
    )
    checks.expect(
        sorted(site.asked) == numbers,
        f"The server was asked {len(site.asked)} times for {len(set(site.asked))} of 30 pages.",
        "Ask once for each page.",
    )
    texts = [pages.text_of(number) for number in numbers]
    checks.expect(
        list(got) == texts,
        "All pages came, but not in the order of the numbers."
        if sorted(got) == sorted(texts)
        else "These are not the texts of the pages.",
        "gather returns the results in the order of its arguments, whoever was ready first."
        if sorted(got) == sorted(texts)
        else "fetch(number) is a coroutine: await it, and return what it returns.",
    )
    _see_most(site.most)
    return f"All 30 pages, in order, and never more than {AT_MOST} requests under way."


def _see_most(most: int) -> None:
    checks.expect(
        most <= AT_MOST,
        f"All pages came, but the server saw {most} requests at the same time.",
        "There has to be one semaphore for all, made before the first request. Each fetch stands"
        " inside of `async with` that one.",
    )
    checks.expect(
        most > 1,
        "All pages came, but one after the other.",
        "Awaiting in a loop waits for each page before the next is asked for. gather them.",
    )
    checks.expect(
        most == AT_MOST,
        f"All pages came, but never more than {most} at the same time; allowed are {AT_MOST}.",
        "asyncio.Semaphore(5) lets five in.",
    )


@checks.exercise("threads")
def threads(answer: Callable[[Callable[[int, int], float], int, int], Any]) -> str:
    """Are the estimates made in threads, at the same time, and is it their mean?"""
    estimate = Estimates(TOGETHER)
    try:
        got = _await(answer, estimate, POINTS, PARTS)
    except TypeError:
        _see_threads(estimate)
        raise
    _see_threads(estimate)
    estimate.see_calls()
    estimate.see_mean(
        got, "await in a loop waits for each. Make all awaitables, then await gather(*them)."
    )
    speed = checks.speed(
        lambda: [real_estimate(REAL, seed) for seed in range(PARTS)],
        lambda: _await(answer, real_estimate, REAL, PARTS),
    )
    return f"{PARTS} estimates at the same time, in threads, while the loop is free. {speed}"


def _see_threads(estimate: Estimates) -> None:
    checks.expect(estimate.calls, "estimate was not called.", "Await what to_thread returns.")
    checks.expect(
        not estimate.in_own_thread,
        "estimate was called in the event loop's own thread, which had to wait for it.",
        "to_thread(estimate(n, seed)) calls it on the spot: pass the function and its arguments,"
        " to_thread(estimate, n, seed).",
    )


@checks.exercise("script", limit=90)
def script(answer: str) -> str:
    """Does the program end well, print the right number, and ask for all pages at once?"""
    checks.expect(isinstance(answer, str), f"script should be a text, not {_kind(answer)}.")
    if "..." in answer:
        raise checks.Unsolved
    with pages.running(DELAY) as site:
        done = _child(answer, site.port)
    checks.expect(
        done.returncode == 0,
        f"The program failed: {_error_in(done.stderr)}",
        _hint_for(done.stderr),
    )
    checks.expect(
        "never awaited" not in done.stderr and done.stdout.strip(),
        "The program ended without a result.",
        "main() only makes a coroutine. asyncio.run(main()) makes a loop that runs it."
        if "never awaited" in done.stderr
        else "Is there a call of asyncio.run? Does main print the number?",
    )
    checks.expect(
        sorted(site.asked) == list(range(10)),
        f"The server was asked for the pages {sorted(site.asked)}; wanted are 0 to 9.",
        "The port is int(sys.argv[1]); pages.fetch(port, number) fetches a page."
        if not site.asked
        else None,
    )
    total = sum(len(pages.text_of(number)) for number in range(10))
    checks.expect(
        done.stdout.strip() == str(total),
        f"The program printed {done.stdout.strip()[:60]!r}; wanted is {str(total)!r}.",
        "That is the number of pages. Add up the lengths of their texts."
        if done.stdout.strip() == "10"
        else "Print the number alone."
        if str(total) in done.stdout
        else None,
    )
    checks.expect(
        site.most > 1,
        "The number is right, but the pages were asked for one after the other.",
        "Make all ten coroutines, and await asyncio.gather(*them).",
    )
    return f"Exit code 0, {total} characters, {site.most} pages under way at the same time."


def _child(text: str, port: int) -> subprocess.CompletedProcess[str]:
    """The script run as a program, which can import pages."""
    path = os.pathsep.join([str(Path(pages.__file__).parent), os.environ.get("PYTHONPATH", "")])
    with tempfile.TemporaryDirectory(prefix="pyparallel-script-") as folder:
        Path(folder, "my_script.py").write_text(text, encoding="utf-8")
        return subprocess.run(
            [sys.executable, "-m", "my_script", str(port)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            cwd=folder,
            env=os.environ | {"PYTHONPATH": path.rstrip(os.pathsep)},
        )


def _error_in(stderr: str) -> str:
    """The last line of the traceback. A warning may follow it."""
    lines = stderr.strip().splitlines() or ["nothing was printed."]
    errors = [line for line in lines if re.match(r"[\w.]+(Error|Exception|Exit)\b", line)]
    return [*lines[-1:], *errors][-1]


def _hint_for(stderr: str) -> str | None:
    hints = {
        "outside function": "In a script, await may stand inside of an async def only.",
        "outside async function": "The function that awaits begins with async def.",
        "a coroutine was expected, got <function": "asyncio.run(main()): with parentheses.",
        "got <_GatheringFuture": "asyncio.run takes a coroutine, such as main(). Await gather in it.",
        "no running event loop": "gather and create_task belong inside of main.",
        "unhashable type: 'list'": STAR,
        "is not defined": "A script imports all that it uses.",
    }
    return next((hint for message, hint in hints.items() if message in stderr), None)


def thirty_pages(prediction: object, took: float, delay: float) -> checks.Comparison:
    """The prediction beside how long thirty pages took, each of which takes the delay."""
    return checks.compare(
        prediction,
        "a" if took > 20 * delay else "b" if took > 10 * delay else "c",
        f"thirty pages of {delay:g} s each took {took:.2f} s.",
        {
            "a": "That is how long it takes if each is waited for before the next is asked for.",
            "b": "Waiting needs no core. Two cores, or one: it does not matter here.",
            "c": "One thread asks for all of them in a few milliseconds, then waits for all.",
        },
        usual="c",
    )


def heart(prediction: object, inside: int, possible: float) -> checks.Comparison:
    """The prediction beside how often the heart beat during the computation."""
    part = inside / possible
    return checks.compare(
        prediction,
        "b" if inside <= 1 or part < 0.1 else "c" if part < 0.7 else "a",
        f"there was time for {possible:.0f} beats during the computation, and there"
        f" {'was' if inside == 1 else 'were'} {inside or 'none'}.",
        {
            "a": "async def does not send anything to the background. There is one thread, and"
            " the computation has it.",
            "b": "The loop gets its turn at an await that waits. A computation has none.",
            "c": "The GIL changes hands between threads. But both are in the same one.",
        },
        usual="b",
    )


def _coroutine(function: Callable[..., Any], *args: Any) -> Any:
    """What the learner's function returns, if that can be awaited."""
    checks.expect(callable(function), f"The answer should be a function, not {_kind(function)}.")
    value = function(*args)
    if value is ...:
        raise checks.Unsolved
    checks.expect(
        inspect.isawaitable(value),
        f"{getattr(function, '__name__', 'The function')} is no coroutine function: it returned"
        f" {_kind(value)}.",
        "It begins with async def.",
    )
    return value


def _await(function: Callable[..., Any], *args: Any) -> Any:
    """What the learner's coroutine returns, in an event loop of its own."""

    async def ask() -> Any:
        value = await _coroutine(function, *args)
        if isinstance(value, asyncio.Future):  # or Python would complain later that nobody asked
            value.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await value
        return value

    try:
        value = _run(ask())
    except TypeError as error:
        hints = {
            "unhashable type: 'list'": STAR,
            "_GatheringFuture": AWAIT_GATHER,
            "'Semaphore' object does not support": "It is async with, not with: one may have to wait.",
        }
        hint = next((hint for about, hint in hints.items() if about in str(error)), None)
        if hint is None:
            raise
        raise checks.Wrong(f"Your code raised TypeError: {error}", hint) from None
    if value is ...:
        raise checks.Unsolved
    name = getattr(function, "__name__", "The function")
    checks.expect(value is not None, f"{name} returned nothing.", "Does it end with a `return`?")
    return value


def _run(coroutine: Any) -> Any:
    """Run it in this thread, a check's own, where no other event loop is."""

    async def in_time() -> Any:
        return await asyncio.wait_for(coroutine, LIMIT)

    try:
        return asyncio.run(in_time())
    except TimeoutError:
        raise checks.Wrong(f"It was not ready after {LIMIT:g} seconds.") from None


def _see_awaited(values: Any) -> None:
    left = [value for value in values if inspect.iscoroutine(value)]
    for coroutine in left:
        coroutine.close()  # otherwise Python would warn of it later
    checks.expect(
        not left,
        "The list holds coroutines, not texts: nobody has awaited them.",
        "await asyncio.gather(*coroutines) runs them all, and returns their results.",
    )


def _kind(value: Any) -> str:
    return f"something of type {type(value).__name__}"
