"""The checks of 08-dynamic-programming.ipynb."""

from __future__ import annotations

import contextlib
import errno
import inspect
import json
import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from pyparallel import checks

TOGETHER = 3.0  # seconds in which a second thread should have come
NUMBERS = b"1 2 3 " * 50  # too many for the name of a file
ENDED = 20.0  # seconds in which another process should have done its part


@checks.exercise("memoise")
def memoise(answer: Callable[[Callable[[int], int]], Callable[[int], int]]) -> str:
    """Is each number computed once, and does each function have a store of its own?"""
    n, calls = 12, []
    double = checks.ask(answer, lambda k: 2 * k)
    checks.expect(
        callable(double),
        "memoise(function) should return a function.",
        "Return the inner function itself, without calling it: no parentheses.",
    )
    checks.equal(checks.ask(double, n), 2 * n, f"A function that doubles, memoised: for {n} it")

    def fib(k: int) -> int:
        calls.append(k)
        return k if k < 2 else remembering(k - 1) + remembering(k - 2)

    remembering = checks.ask(answer, fib)
    one_store = "Both functions use one store. Make the dictionary inside memoise: {} there."
    checks.equal(remembering(n), 144, f"fib({n})", mistakes=[(2 * n, one_store)])
    _see_calls(Counter(calls), n)
    for again, hint in {
        n: "Does the dictionary outlive the call?",
        0: "fib(0) is 0, and that counts as false: ask `if n in known`, not for a true value.",
    }.items():
        remembering(again)
        checks.expect(len(calls) == n + 1, f"Asked again for fib({again}), it computes.", hint)
    return f"fib({n}) took {n + 1} calls, one for each number from 0 to {n}."


def _see_calls(calls: Counter[int], n: int) -> None:
    total = sum(calls.values())
    k, times = max(calls.items(), key=lambda item: item[1])
    checks.expect(
        total == n + 1,
        f"fib({n}) took {total} calls; with each result kept, {n + 1} are enough."
        f" fib({k}) was computed {times} times.",
        "Where do you put the result into the store? And does the store outlive the call?",
    )


@checks.exercise("key")
def key(answer: Callable[[Path, int, int], Any]) -> str:
    """Does the key change with all that the result depends on, and with nothing else?"""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "data.txt")
        path.write_bytes(NUMBERS + b"4")
        first = checks.ask(answer, path, 1, 23)
        _see_name(first)
        _see_new_key(first, answer(path, 1, 24), "high = 24 instead of 23", "high")
        _see_new_key(first, answer(path, 2, 23), "low = 2 instead of 1", "low")
        checks.expect(
            first != answer(path, 12, 3),
            "low = 1, high = 23 and low = 12, high = 3 have the same key.",
            "Written one after the other both are 123: put something in between.",
        )
        _see_content(answer, path, first)
    checks.expect(
        "hash" not in getattr(answer, "__code__", key.__wrapped__.__code__).co_names,
        "hash() of a text or of bytes gives another number in the next run of Python.",
        "hashlib.sha256(content).hexdigest() is the same everywhere, always.",
    )
    return "New data or new limits: a new key. The same data, copied or touched: the same key."


def _see_name(first: Any) -> None:
    checks.expect(
        isinstance(first, str) and first,
        f"The key should be a text, not of type {type(first).__name__}.",
        'f"{...}" makes a text of anything.',
    )
    checks.expect(
        not set(first) & set('/\\:*?"<>|\n') and len(first) < 200,
        f"The key {first[:60]!r} cannot be the name of a file everywhere.",
        "The letters and digits of a hash are what .hexdigest() returns."
        if "HASH" in first or "\\x" in first
        else "The content itself may be of any length: make a hash of it."
        if "1 2 3" in first
        else "Leave out the path, and separate by - or _.",
    )


def _see_new_key(first: str, other: str, what: str, forgotten: str) -> None:
    checks.expect(
        first != other,
        f"With {what} the key is the same: you would be given a stale result.",
        f"The result depends on {forgotten}, too.",
    )


def _see_content(answer: Callable[..., Any], path: Path, first: str) -> None:
    """Other content of the same size and time is seen; another time, or name, is not."""
    times = (path.stat().st_atime_ns, path.stat().st_mtime_ns)
    path.write_bytes(NUMBERS + b"5")
    os.utime(path, ns=times)
    checks.expect(
        first != answer(path, 1, 23),
        "The file has other content, of the same length, and the key is the same: stale.",
        "Neither the name of a file nor its size or time is its content:"
        " hash what path.read_bytes() returns.",
    )
    path.write_bytes(NUMBERS + b"4")
    os.utime(path, ns=(times[0], times[1] + 10**10))
    checks.expect(
        first == answer(path, 1, 23),
        "The file was written again with the same content, and the key is another one.",
        "Leave its time out: the content is enough.",
    )
    copy = path.with_name("copy.txt")
    shutil.copy(path, copy)
    checks.expect(
        first == answer(copy, 1, 23),
        "A copy of the file, under another name, has another key.",
        "The result does not depend on the name: leave it out.",
    )


@checks.exercise("atomic")
def atomic(answer: Callable[[Path, Any], Any]) -> str:
    """Is the file whole whenever it is looked at, also beside another writer?"""
    with tempfile.TemporaryDirectory(dir=_elsewhere(), ignore_cleanup_errors=True) as folder:
        path = Path(folder, "result.txt")
        path.write_text("old", encoding="utf-8")
        old = path.with_name("also-old.txt")
        os.link(path, old)  # a second name of the same file: sees what is written into it
        with _watched_renames(path):
            _save(answer, path, _watching(path, "old"))
        checks.equal(path.read_text("utf-8"), "first second third", "The file, when it is saved,")
        checks.expect(
            old.read_text("utf-8") == "old",
            "The text was written straight into the old file: killed there, you have half of it.",
            "Write into a new file, then let path.replace take the old one's place.",
        )
        left = sorted(p.name for p in path.parent.iterdir() if p not in (path, old))
        checks.expect(not left, f"It leaves files behind: {', '.join(left)}.")
        _see_raising(answer, path)
        _see_two_writers(answer, path)
    return "Old or new, never half: also when it is broken off, and with two writers."


def _save(answer: Callable[[Path, Any], Any], path: Path, parts: Iterator[str]) -> None:
    """Call the answer, which need not return anything."""
    if not callable(answer) or answer(path, parts) is ...:
        raise checks.Unsolved


def _elsewhere() -> str | None:
    """A folder on another file system than that of temporary files, where there is one."""
    memory = Path("/dev/shm")
    here = Path(tempfile.gettempdir()).stat().st_dev
    other = memory.is_dir() and os.access(memory, os.W_OK) and memory.stat().st_dev != here
    return str(memory) if other else None


@contextlib.contextmanager
def _watched_renames(path: Path) -> Iterator[None]:
    """See that what takes the place of the old file is whole, and that this is one step."""
    real = os.replace, os.rename

    def watched(rename: Callable[..., Any]) -> Callable[..., Any]:
        def call(source: Any, target: Any, **settings: Any) -> Any:
            if Path(target) == path:
                _see_rename(Path(source), path)
            return rename(source, target, **settings)

        return call

    os.replace, os.rename = map(watched, real)
    try:
        yield
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        raise checks.Wrong(
            "The temporary file is on another file system, from where no renaming leads here.",
            "Make it in the same folder: dir=path.parent.",
        ) from None
    finally:
        os.replace, os.rename = real


def _see_rename(source: Path, path: Path) -> None:
    text = source.read_text("utf-8")
    checks.expect(
        path.exists(),
        "When the new file was about to take its place, the old one was gone already.",
        "path.replace does both in one step, so that there is no moment without a file.",
    )
    checks.expect(
        text == "first second third",
        f"When the new file took its place, it held {text!r}: the rest was not on disk yet.",
        "Rename after the block, when the file is closed.",
    )


def _watching(path: Path, wanted: str) -> Iterator[str]:
    """Three parts; between them the file has to be as it was."""
    for part in ("first ", "second ", "third"):
        yield part
        seen = path.read_text("utf-8") if path.exists() else None
        checks.expect(
            seen == wanted,
            "Who looks at the file while it is written finds "
            + ("nothing: the old file is gone." if seen is None else f"{seen!r}."),
            "Write all of it into another file, and give that the right name at the end.",
        )


def _see_raising(answer: Callable[[Path, Any], Any], path: Path) -> None:
    def broken() -> Iterator[str]:
        yield "half "
        raise KeyboardInterrupt

    with contextlib.suppress(KeyboardInterrupt):
        answer(path, broken())
    checks.equal(
        path.read_text("utf-8"),
        "first second third",
        "The file, after somebody pressed Ctrl-C in the middle,",
        mistakes=[("half ", "Rename only what is whole: not in a `finally`.")],
    )


def _see_two_writers(answer: Callable[[Path, Any], Any], path: Path) -> None:
    """While one writer is in the middle, another one begins and ends."""

    def first() -> Iterator[str]:
        yield "A" * 100
        answer(path, iter(["B" * 150]))
        yield "A" * 100

    hint = (
        "Both write into the same temporary file. Each needs one of its own:"
        " tempfile.NamedTemporaryFile makes a new name each time."
    )
    try:
        answer(path, first())
    except OSError as error:
        raise checks.Wrong(
            f"With two writers at the same time, one fails: {type(error).__name__}.", hint
        ) from None
    checks.expect(
        path.read_text("utf-8") in ("A" * 200, "B" * 150),
        "With two writers at the same time, the file is a mixture of both.",
        hint,
    )


@checks.exercise("resume", limit=60)
def resume(answer: Callable[..., Any]) -> str:
    """Killed while it computes and while it saves, does it compute only what was missing?"""
    if not callable(answer):
        raise checks.Unsolved
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        script = Path(folder, "resume.py")
        script.write_text(_script(answer), encoding="utf-8")
        for point in ("compute 3", "save 5"):
            _run_and_kill(script, point)
        done = _run_to_the_end(script)
        computed = (script.parent / "log.txt").read_text("utf-8").split()
    _see_computed(Counter(map(int, computed)), done)
    return "Killed twice. Each time it went on where it was: 0 results recomputed."


SCRIPT = """
from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import remembering
from remembering import save as save_whole

HERE = Path(sys.argv[1])
STOP = sys.argv[2]


def stop_at(point):
    if point == STOP:
        (HERE / "stopped").touch()
        time.sleep(600)


def compute(item):
    stop_at(f"compute {item}")
    with (HERE / "log.txt").open("a") as log:
        print(item, file=log)
    return item * item


def save(path, text):
    if str(path).endswith("5.json") and STOP == "save 5":
        (HERE / "results" / ".half.part").write_text(text[:1])
        stop_at("save 5")
    save_whole(path, text)


remembering.save = save

{source}

(HERE / "results").mkdir(exist_ok=True)
got = {name}(range(8), compute, HERE / "results")
(HERE / "stopped").touch()
(HERE / "got.json").write_text(json.dumps(None if got is ... else got))
"""


def _script(answer: Callable[..., Any]) -> str:
    """A program that runs the answer, and stops where it is to be killed."""
    source = textwrap.dedent(inspect.getsource(answer))
    return SCRIPT.replace("{source}", source).replace("{name}", answer.__name__)


def _start(script: Path, point: str) -> subprocess.Popen[str]:
    here = Path(__file__).parent
    return subprocess.Popen(
        [sys.executable, script, script.parent, point],
        env=os.environ | {"PYTHONPATH": str(here)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )


def _run_and_kill(script: Path, point: str) -> None:
    """Kill the program once it is at that point."""
    flag = script.parent / "stopped"
    flag.unlink(missing_ok=True)
    program, end = _start(script, point), time.monotonic() + ENDED
    while not flag.exists() and program.poll() is None and time.monotonic() < end:
        time.sleep(0.01)
    ended = program.poll()
    program.kill()
    error = program.communicate()[1]
    _see_no_error(ended, error)
    if (script.parent / "got.json").exists():
        _see_got(script.parent)
        raise checks.Wrong(
            f"It was to be killed at {point}, but ran to its end without coming there.",
            "Call compute(item) for each item, and keep the result with"
            ' save(folder / f"{item}.json", ...).',
        )


def _run_to_the_end(script: Path) -> Any:
    program = _start(script, "nowhere")
    try:
        error = program.communicate(timeout=ENDED)[1]
    except subprocess.TimeoutExpired:
        program.kill()
        program.communicate()
        raise checks.Wrong("Started again, it did not come to its end.") from None
    _see_no_error(program.returncode, error)
    return _see_got(script.parent)


def _see_no_error(status: int | None, error: str) -> None:
    last = (error.strip().splitlines() or ["no message"])[-1]
    checks.expect(
        not status,
        f"In the other process your code raised {last}",
        "Only what is inside the function travels there, with json, Path and save."
        if "NameError" in last
        else None,
    )


def _see_got(folder: Path) -> Any:
    got = json.loads((folder / "got.json").read_text("utf-8"))
    if got is None and not (folder / "log.txt").exists():
        raise checks.Unsolved
    return got


def _see_computed(computed: Counter[int], got: Any) -> None:
    again = sorted(item for item, times in computed.items() if times > 1 and item != 5)
    checks.expect(
        not again,
        f"After the kill these items were computed again: {again}.",
        "Before you compute, look whether the file is there: path.exists().",
    )
    checks.expect(
        computed[5] == 2,
        "The process was killed before the result of item 5 was kept, and it was not recomputed.",
        "A file that somebody left half done is no result: look for the final name only.",
    )
    checks.equal(
        got,
        [item * item for item in range(8)],
        "The list of all results",
        mistakes=[
            (None, "Return the list: what was kept is read by json.loads(path.read_text())."),
            ([16, 25, 36, 49], "Also those that were there already belong into the list."),
            ([25, 36, 49], "Also those that were there already belong into the list."),
        ],
    )


@checks.exercise("duplicates")
def duplicates(answer: Callable[[Executor, Mapping[str, list[str]], Any], Any]) -> str:
    """Does each task run once, after its needs, and beside others where it may?"""
    needs = {
        "report 1": ["left", "right"],
        "report 2": ["left", "right"],
        "report 3": ["right"],
        "left": ["raw"],
        "right": ["raw"],
        "raw": [],
    }
    calls: list[str] = []
    meeting, caller = threading.Barrier(2), threading.get_ident()
    together: list[bool] = []

    def work(task: str, inputs: Sequence[str]) -> str:
        calls.append(task)
        checks.expect(
            isinstance(inputs, list | tuple) and all(isinstance(part, str) for part in inputs),
            f"work({task!r}, inputs): inputs should be a list of results, not {inputs!r}.",
            "A future is a promise: .result() waits for what it promises. Wait inside the pool.",
        )
        if task in ("left", "right") and len(calls) <= 3:
            together.append(threading.get_ident() != caller and _meet(meeting))
        return f"{task}({', '.join(inputs)})"

    with ThreadPoolExecutor(2) as pool:
        got = checks.ask(answer, pool, needs, work)
    _see_each_once(Counter(calls), needs)
    _see_results(got, needs)
    checks.expect(
        all(together),
        "left and right need only raw, but one waited for the other.",
        "Submit every task before you wait for a result: who needs a result waits in the pool.",
    )
    return f"{len(needs)} tasks, each once; what could be done at the same time was."


def _see_each_once(calls: Counter[str], needs: Mapping[str, list[str]]) -> None:
    twice = {task: times for task, times in calls.items() if times > 1}
    missing = [task for task in needs if task not in calls]
    checks.expect(
        not twice,
        "Computed more than once: "
        + ", ".join(f"{task} ({times} times)" for task, times in twice.items())
        + ".",
        "A lambda looks up the loop's variable when it is run, and then the loop is further on."
        " Hand the task over as an argument: pool.submit(function, task)."
        if missing
        else "Keep the future of each task in a dictionary, and use it for everybody who needs it.",
    )
    checks.expect(not missing, f"Never computed: {', '.join(missing)}.")


def _see_results(got: Any, needs: Mapping[str, list[str]]) -> None:
    def result(task: str) -> str:
        return f"{task}({', '.join(map(result, needs[task]))})"

    checks.expect(
        isinstance(got, Mapping),
        f"run_graph should return a dict, not {type(got).__name__}.",
        "A dict: the result of each task, by its name.",
    )
    for task in needs:
        checks.expect(task in got, f"The result of {task} is missing.")
        checks.expect(
            isinstance(got[task], str),
            f"For {task} there is no result, but something of type {type(got[task]).__name__}.",
            "At the end, take .result() of each future.",
        )
        checks.equal(
            got[task], result(task), f"The result of {task}", mistakes=[(f"{task}()", FED)]
        )


FED = "work was called without the results that the task needs, in their order."


def _meet(barrier: threading.Barrier) -> bool:
    """Has another thread come here, too, in time?"""
    try:
        barrier.wait(TOGETHER)
    except threading.BrokenBarrierError:
        return False
    return True


@checks.exercise("diagonals")
def diagonals(
    answer: Callable[[Any, Any, Any, Any], Any], *, frame: Callable[[Any, Any, Any], int]
) -> str:
    """Are the distances right, and made by whole diagonals?"""

    def inner(*arguments: Any) -> Any:
        entries = checks.ask(answer, *arguments)
        checks.equal(
            np.shape(entries), arguments[3].shape, "The shape of what inner_entries returns"
        )
        return entries

    pairs = [("kitten", "saturday"), ("a", "abc"), ("abc", "a"), ("rows", "columns"), ("x", "x")]
    pairs += [("aaaa", "bbb"), ("GATTACA", "TACGATC"), ("acbd", "abcd")]
    for a, b in pairs:
        checks.equal(
            frame(letters(a), letters(b), inner),
            edit_distance(a, b),
            f"The distance of {a!r} and {b!r}",
            mistakes=[
                (frame(letters(a), letters(b), _mixed_up), "i + j is smaller by two: before."),
                (frame(letters(a), letters(b), _same_row), "D[i - 1, j - 1] is in row i - 1."),
                (
                    frame(letters(a), letters(b), _two_of_three),
                    "np.minimum takes two arrays, and writes into a third one: use it twice.",
                ),
                (edit_distance(a, b, same=1), "Where two letters are equal, add nothing: differ."),
                (edit_distance(a, b, change=0), "Where two letters differ, add 1: add differ."),
                (edit_distance(a, b, aside=0), "A letter more or less is a step, too: + 1."),
            ],
        )
    steps = checks.python_steps(
        answer, *(np.arange(101),) * 2, np.ones(99, bool), np.arange(1, 100)
    )
    checks.expect(
        steps < 50,
        f"The distances are right, but for a diagonal of 99 entries Python takes {steps} steps.",
        "Leave out the loop: last[i - 1] is a whole array, and + and np.minimum work on such.",
    )
    return f"Right, and {steps} steps of Python for a diagonal of 99 entries."


def _mixed_up(before: Any, last: Any, differ: Any, i: Any) -> Any:
    """All three neighbours on the last diagonal."""
    return np.minimum(np.minimum(last[i - 1], last[i]) + 1, last[i - 1] + differ)


def _same_row(before: Any, last: Any, differ: Any, i: Any) -> Any:
    """The neighbour across taken from the wrong row."""
    return np.minimum(np.minimum(last[i - 1], last[i]) + 1, before[i] + differ)


def _two_of_three(before: Any, last: Any, differ: Any, i: Any) -> Any:
    """np.minimum of three arrays: the third one is for the result."""
    return np.minimum(last[i - 1], last[i]) + 1


def letters(text: str) -> Any:
    """A text as an array of small numbers."""
    return np.frombuffer(text.encode("ascii"), np.uint8)


def edit_distance(a: str, b: str, *, change: int = 1, same: int = 0, aside: int = 1) -> int:
    """Row by row: the reference, and with other costs what mistakes lead to."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        before, row = row, [i]
        for j, y in enumerate(b, 1):
            step = before[j - 1] + (same if x == y else change)
            row.append(min(step, before[j] + aside, row[j - 1] + aside))
    return row[-1]


def growth(prediction: object, ratio: float, difference: int) -> checks.Comparison:
    """The prediction beside by what the number of calls grows from n to n + 1."""
    return checks.compare(
        prediction,
        "a" if ratio < 1.1 else "b" if ratio < 1.9 else "c",
        f"{ratio:.3f} times as many, {difference:,} more.",
        {
            "a": "Two more would be enough if no call did again what another one has done.",
            "b": "The calls for n are those for n - 1 and those for n - 2: they grow like the"
            " Fibonacci numbers themselves.",
            "c": "Each call makes two, but the second one is for n - 2 and has less to do.",
        },
    )


def four_callers(prediction: object, computed: int, callers: int) -> checks.Comparison:
    """The prediction beside how often the callers made functools.cache compute."""
    return checks.compare(
        prediction,
        "a" if computed == 1 else "b" if computed == callers else "c",
        f"computed {computed} times for {callers} callers.",
        {
            "a": "So it would be if the first result were there when the others ask.",
            "b": "All asked before anybody had a result. The cache stays in order: that is all"
            " that it promises to threads.",
            "c": "Those who asked after the first result had come were given it.",
        },
    )
