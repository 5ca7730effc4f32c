"""The checks of 03b-threads-and-processes.ipynb."""

from __future__ import annotations

import functools
import itertools
import multiprocessing
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from multiprocessing.context import SpawnContext, SpawnProcess
from multiprocessing.pool import Pool
from typing import Any
from unittest import mock

import numpy as np
import workers
from meeting import meet
from numpy.typing import NDArray

from pyparallel import checks

TOGETHER = 3.0  # seconds in which the second thread should have come
A_WHILE = 0.05  # seconds
ENDED = 5.0  # seconds in which processes should have ended
THREADS = 4


@checks.exercise("halves")
def halves(answer: Callable[[Callable[[int], int], int], int]) -> str:
    """Do two threads, both at work at once, take n samples between them?"""
    caller = threading.get_ident()
    for n in (1000, 1001):
        calls: list[tuple[int, bool]] = []
        meeting = threading.Barrier(2)

        def work(k: int, calls: list[Any] = calls, meeting: threading.Barrier = meeting) -> int:
            together = threading.get_ident() != caller and meet(meeting, TOGETHER)
            time.sleep(A_WHILE)  # who does not join is too early
            calls.append((k, together))
            return 3 * k + 1

        got = checks.ask(answer, work, n)
        _see_two_halves(calls, n)
        checks.equal(
            got,
            3 * n + 2,
            f"hits_in_two_threads(work, {n}), where work(k) returns 3 k + 1,",
            mistakes=[
                (0, "The sum is made before there are results: join both threads first."),
                *((3 * k + 1, "These are the hits of one thread only.") for k, _ in calls),
            ],
        )
    return "Two threads at once, and together they take n samples, odd n included."


def _see_two_halves(calls: list[tuple[int, bool]], n: int) -> None:
    checks.expect(
        len(calls) == 2,
        f"work was called {len(calls)} times; wanted are two calls, one in each thread.",
        "Call join() of both threads before you return.",
    )
    total = sum(k for k, _ in calls)
    checks.expect(
        total == n,
        f"For n = {n} the two threads took {total} samples in all.",
        "Both did all the work: that is twice the work of one thread."
        if total == 2 * n
        else "n // 2 and n // 2 make n only if n is even: what is left for the second thread?",
    )
    checks.expect(
        all(together for _, together in calls),
        "The two calls of work were not under way at the same time, in threads of their own.",
        "Start both threads before you join one. And target=work(k) calls work on the spot:"
        " pass the function, and its arguments as args=(k,).",
    )


@checks.exercise("sort")
def sort(answer: Callable[[list[NDArray[Any]]], list[NDArray[Any]]]) -> str:
    """Are the arrays sorted, in two threads at once, and the originals left alone?"""
    random = np.random.default_rng(3)
    plain = [random.random(size) for size in (9, 4, 7, 5)]
    log: list[bool] = []
    meeting, caller, number = threading.Barrier(2), threading.get_ident(), itertools.count()

    class Watched(np.ndarray):
        """Notes whether it is sorted beside another one."""

        def sort(self, *args: Any, **kwargs: Any) -> None:
            beside = next(number) >= 2 or meet(meeting, TOGETHER)
            log.append(beside and threading.get_ident() != caller)
            super().sort(*args, **kwargs)

    arrays = [array.copy().view(Watched) for array in plain]
    got = checks.ask(answer, arrays)
    in_place = "array.sort() sorts in place and returns None; np.sort(array) returns a sorted copy."
    checks.expect(
        isinstance(got, list) and len(got) == len(plain),
        "sort_all(arrays) should be a list of as many arrays.",
        "pool.map returns a generator: make a list of it.",
    )
    checks.expect(not any(part is None for part in got), "The list holds None.", in_place)
    for k, (array, before) in enumerate(zip(arrays, plain, strict=True)):
        checks.equal(np.asarray(array), before, f"The given array {k}", mistakes=[])
        checks.equal(
            np.asarray(got[k]),
            np.sort(before),
            f"Array {k} of the list",
            mistakes=[(before, in_place)],
        )
    checks.expect(log, "The arrays are sorted, but neither by np.sort nor by their own sort.")
    checks.expect(
        all(log),
        "The arrays are sorted, but not two at a time.",
        "Hand all of them to the pool before you ask for a result: pool.map(np.sort, arrays).",
    )
    large = [random.random(300_000) for _ in range(4)]
    speed = checks.speed(lambda: [np.sort(array) for array in large], lambda: answer(large))
    return f"All sorted, in order, two at a time. {speed}"


@checks.exercise("queue", limit=60)
def queue(answer: Callable[[SpawnContext, list[int]], int]) -> str:
    """Does each number of samples get a process, at once, and do the hits come by a queue?"""
    sizes = [3000, 5001, 4000]
    with _watching() as started:
        got = checks.ask(answer, multiprocessing.get_context("spawn"), sizes)
        _see_processes(started, len(sizes), "one for each number of samples")
        _see_hits(got, sizes, "hits_by_queue(context, [3000, 5001, 4000])")
        alone = [neighbours == 0 for _, neighbours in started[1:]]
        checks.expect(
            not all(alone),
            "The sum is right, but each process starts when the one before has ended.",
            "Two loops: start all of them; then get and join.",
        )
        _see_ended(started, "Join each process after the last get.")
    return "Three processes at once; their hits came by the queue."


@checks.exercise("pool", limit=60)
def pool(answer: Callable[[SpawnContext, list[int]], int]) -> str:
    """Does a pool of two processes do all the work, and end?"""
    sizes = [3000, 5001, 4000, 2000, 1000]
    with _watching() as started:
        got = checks.ask(answer, multiprocessing.get_context("spawn"), sizes)
        _see_processes(started, 2, "the pool's")
        _see_hits(got, sizes, "hits_by_pool(context, [3000, 5001, 4000, 2000, 1000])")
        _see_ended(started, "Use the pool in a with block: it ends the processes.")
    return "Two processes shared out five pieces of work."


@checks.exercise("lock")
def lock(answer: Callable[[Any, Any, int], None]) -> str:
    """Does no update get lost between four threads?"""
    n = 25
    counter, watched = _in_threads(answer, n)
    checks.expect(
        counter.value == n * THREADS,
        f"{THREADS} threads added 1 {n} times each, and the counter is at {counter.value},"
        f" not {n * THREADS}.",
        "Take the lock you are given: one of your own keeps nobody else out."
        if not watched.taken
        else "Keep the lock from the reading to the writing: both inside one with block.",
    )
    checks.expect(
        watched.taken,
        "The count is right, but the lock was never taken.",
        "with lock: around the update.",
    )
    checks.expect(
        watched.taken >= n * THREADS,
        f"The count is right, but the lock was taken {watched.taken} times for"
        f" {n * THREADS} updates: the threads wait for each other's whole loop.",
        "Put the with block inside the loop.",
    )
    return f"{THREADS} threads, {n * THREADS} updates, none lost."


@checks.exercise("reduction")
def reduction(answer: Callable[[Any, Any, int], None]) -> str:
    """Does each thread count for itself, and update the counter once?"""
    n = 25
    counter, watched = _in_threads(answer, n)
    right = counter.value == n * THREADS
    checks.expect(
        right or watched.taken,
        f"{THREADS} threads counted to {n}, and the counter is at {counter.value},"
        f" not {n * THREADS}.",
        "The one update that is left needs the lock as before.",
    )
    checks.expect(
        right,
        f"{THREADS} threads counted to {n}, and the counter is at {counter.value},"
        f" not {n * THREADS}.",
        "counter.value = own forgets what the others have added. Add to it."
        if counter.value == n
        else None,
    )
    checks.expect(
        counter.writes == THREADS and watched.taken == THREADS,
        f"The count is right, but the counter was written {counter.writes} times, and the lock"
        f" taken {watched.taken} times, by {THREADS} threads.",
        "Count in a variable of your own; take the lock and update the counter after the loop.",
    )
    return f"{THREADS} threads, {n * THREADS} counted, {THREADS} updates, none lost."


CASES = {
    "pages": ("threads", "A thread that waits for an answer does not hold the GIL."),
    "texts": (
        "processes",
        "Plain Python code holds the GIL while it works, and texts travel cheaply.",
    ),
    "arrays": ("threads", "np.sort lets go of the GIL, and between processes arrays are copied."),
    "tiny": ("neither", "Starting anything takes longer than the work."),
}


@checks.exercise("which")
def which(answer: Mapping[str, str]) -> str:
    """Is the right tool named for each of the four cases?"""
    checks.expect(
        isinstance(answer, Mapping) and set(answer) == set(CASES),
        f"best should be a dict with the keys {', '.join(CASES)}.",
    )
    if any(value is ... for value in answer.values()):
        raise checks.Unsolved
    for name, (wanted, hint) in CASES.items():
        checks.expect(
            answer[name] in ("threads", "processes", "neither"),
            f'{name}: the answer should be "threads", "processes" or "neither",'
            f" not {answer[name]!r}.",
        )
        checks.expect(
            answer[name] == wanted, f"{name}: {answer[name]} would not be the best choice.", hint
        )
    return "Threads where the GIL is free, processes where it is not, and neither for little work."


def two_loops(prediction: object, ratio: float) -> checks.Comparison:
    """The prediction beside how many times as fast two threads ran a Python loop."""
    gil = getattr(sys, "_is_gil_enabled", lambda: True)()
    return checks.compare(
        prediction,
        "c" if ratio < 0.7 else "b" if ratio < 1.4 else "a",
        f"two threads were {ratio:.2f} times as fast as one.",
        {
            "a": "That takes two cores at work. But only one thread at a time runs Python code,"
            " unless this is a free-threaded Python.",
            "b": "Only one thread at a time runs Python code. The other one waits for the GIL.",
            "c": "Each thread takes half of the samples, so there is no more work than before.",
        },
        usual="b" if gil else "a",
    )


def lost_updates(prediction: object, count: int, wanted: int) -> checks.Comparison:
    """The prediction beside where the counter ended."""
    return checks.compare(
        prediction,
        "a" if count == wanted else "b" if count > 0.9 * wanted else "c",
        f"the counter ended at {count}, not {wanted}."
        if count != wanted
        else f"the counter ended at {count}.",
        {
            "a": "The GIL makes single steps of the interpreter safe. Reading, waiting and writing"
            " are several, and between them the other thread has its turn.",
            "b": "That is so where the moment between reading and writing is short. It makes such"
            " faults hard to find: the test passes nearly always.",
            "c": "Both read the same number, both add 1, both write: one of two updates is lost.",
        },
        usual="c",
    )


Started = list[tuple[SpawnProcess, int]]


@contextmanager
def _watching() -> Iterator[Started]:
    """Note each process that starts, with how many of the others are alive then.

    What is to run in it has to be importable there: where it is not, a pool waits for ever.
    """
    started: Started = []
    start = SpawnProcess.start

    def noted(process: Any) -> None:
        checks.expect(
            process._target is not None,
            "A process has no target.",
            "target=put_hits(...) calls it on the spot: pass the function, and args=(...).",
        )
        _see_importable(process._target)
        process.daemon = True  # it ends with the kernel, whatever happens
        started.append((process, sum(other.is_alive() for other, _ in started)))
        start(process)

    with mock.patch.object(SpawnProcess, "start", noted), _watching_pools():
        yield started


@contextmanager
def _watching_pools() -> Iterator[None]:
    names = ("_map_async", "apply_async", "imap", "imap_unordered")
    methods = {name: getattr(Pool, name) for name in names}

    def seeing(method: Any) -> Any:
        @functools.wraps(method)
        def call(pool: Any, function: Any, *args: Any, **kwargs: Any) -> Any:
            _see_importable(function)
            return method(pool, function, *args, **kwargs)

        return call

    with mock.patch.multiple(Pool, **{name: seeing(method) for name, method in methods.items()}):
        yield


def _see_importable(function: Any) -> None:
    inner = getattr(function, "func", function)  # of functools.partial
    checks.expect(
        getattr(inner, "__module__", None) != "__main__",
        f"{getattr(inner, '__name__', 'The function')} is defined in the notebook.",
        "A new process cannot import it from there. Use the functions of workers.py.",
    )


def _see_processes(started: Started, wanted: int, which_are: str) -> None:
    checks.expect(
        started,
        "No process was started by the context that was given.",
        "context.Process, context.Pool and context.Queue, not multiprocessing.Process.",
    )
    checks.expect(
        len(started) == wanted,
        f"{len(started)} processes were started; wanted are {wanted}, {which_are}.",
    )


def _see_hits(got: Any, sizes: list[int], call: str) -> None:
    hits = [workers.count_hits(n, seed) for seed, n in enumerate(sizes)]
    from_one = sum(workers.count_hits(n, seed) for seed, n in enumerate(sizes, 1))
    checks.equal(
        got,
        sum(hits),
        call,
        mistakes=[
            (hits, "These are the hits of each; return their sum."),
            (from_one, "The seeds are 0, 1, 2, ...: start at 0."),
            (
                sum(workers.count_hits(n, 0) for n in sizes),
                "All have the same seed, so they draw the same points. The seeds are 0, 1, 2, ...",
            ),
        ],
    )


def _see_ended(started: Started, hint: str) -> None:
    deadline = time.monotonic() + ENDED
    while any(process.is_alive() for process, _ in started) and time.monotonic() < deadline:
        time.sleep(0.01)
    checks.expect(
        not any(process.is_alive() for process, _ in started),
        "The sum is right, but processes are left behind.",
        hint,
    )


class _Counter:
    """Reading it and writing it both take a moment, in which others may run."""

    def __init__(self) -> None:
        self._value = self.writes = 0
        self._noting = threading.Lock()

    @property
    def value(self) -> int:
        seen = self._value
        time.sleep(workers.A_MOMENT)
        return seen

    @value.setter
    def value(self, value: int) -> None:
        time.sleep(workers.A_MOMENT)
        with self._noting:
            self._value = value
            self.writes += 1


class _Lock:
    """A lock that notes how often it was taken."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.taken = 0

    def acquire(self, *args: Any, **kwargs: Any) -> bool:
        got = self._lock.acquire(*args, **kwargs)
        self.taken += got
        return got

    def release(self) -> None:
        self._lock.release()

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *error: object) -> None:
        self.release()


def _in_threads(answer: Callable[[Any, Any, int], None], n: int) -> tuple[_Counter, _Lock]:
    """The counter and the lock after several threads have called the answer at once."""
    checks.expect(callable(answer), f"The answer should be a function, not {answer!r}.")
    counter, watched = _Counter(), _Lock()
    meeting = threading.Barrier(THREADS)
    errors: list[BaseException] = []

    def call() -> None:
        meeting.wait(TOGETHER)
        try:
            answer(counter, watched, n)
        except Exception as error:  # noqa: BLE001 - whatever a learner's code may raise
            errors.append(error)

    threads = [threading.Thread(target=call, daemon=True) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    if not (counter.writes or watched.taken):
        raise checks.Unsolved
    return counter, watched
