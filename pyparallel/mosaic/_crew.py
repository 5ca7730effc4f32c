"""A few threads that Ctrl-C leaves in order."""

from __future__ import annotations

from _thread import start_new_thread
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class _Failure:
    error: BaseException


class Crew(Generic[Item, Answer]):
    """Threads that call a function with items, for one thread that puts items and gets answers.

    `concurrent.futures` takes locks in Python code. Ctrl-C raises `KeyboardInterrupt` in the main
    thread between any two steps of that: a lock just taken would stay so, and the threads, and who
    joins them, would wait for it forever. Here the main thread does nothing but single steps that
    are made in C.

    Parameters
    ----------
    work : callable
        What they call; an exception comes out of `get`.
    threads : int

    Examples
    --------
    >>> from pyparallel.mosaic._crew import Crew
    >>> with Crew(abs, 2) as crew:
    ...     for number in (-1, -2, -3):
    ...         crew.put(number)
    ...     sorted(crew.get()[1] for _ in range(3))
    [1, 2, 3]
    """

    def __init__(self, work: Callable[[Item], Answer], threads: int) -> None:
        self._work, self._threads = work, threads
        self._started = self._numbers = 0
        self._items: SimpleQueue[tuple[int, Item] | None] = SimpleQueue()
        self._answers: SimpleQueue[tuple[int, Answer] | _Failure | None] = SimpleQueue()

    def __enter__(self) -> Crew[Item, Answer]:
        return self

    def put(self, item: Item) -> None:
        """Have this done."""
        self._items.put((self._numbers, item))
        self._numbers += 1
        if self._started < self._threads:
            start_new_thread(self._serve, ())
            self._started += 1  # only now, so that none is waited for which is not there

    def get(self, timeout: float | None = None) -> tuple[int, Answer] | None:
        """The next answer and its number, that of the item; None where there is none in time."""
        try:
            found = self._answers.get(timeout=timeout)
        except Empty:
            return None
        assert found is not None  # before the end, which is in __exit__
        if isinstance(found, _Failure):
            raise found.error
        return found

    def __exit__(self, *error: object) -> None:
        """Forget what has not begun, and wait for what has."""
        with suppress(Empty):
            while True:
                self._items.get_nowait()
        for _ in range(self._threads):
            self._items.put(None)
        ended = 0
        while ended < self._started:
            ended += self._answers.get() is None

    def _serve(self) -> None:
        while (task := self._items.get()) is not None:
            number, item = task
            try:
                self._answers.put((number, self._work(item)))
            except BaseException as error:  # noqa: BLE001 - it is raised again in the other thread
                self._answers.put(_Failure(error))
            del task, item
        self._answers.put(None)
