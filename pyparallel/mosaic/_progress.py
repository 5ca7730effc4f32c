"""Progress of work in Python threads, and of several stages as one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from pyparallel.mosaic._crew import Crew

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyparallel._core import Progress

Item = TypeVar("Item")
INTERVAL = 0.1  # seconds between two reports, as in the kernels
AHEAD = 64  # items that wait for a thread
TOTAL = 1000  # thousandths, of stages


def run_all(
    threads: int,
    work: Callable[[Item], int],
    items: Iterable[Item],
    total: int,
    progress: Progress,
) -> None:
    """Run ``work``, which says how much it did, on all items in so many threads.

    The calling thread waits and reports; an error, in either, or Ctrl-C stops it all.
    """
    todo = iter(items)
    done, reported = 0, time.monotonic()
    with Crew(work, threads) as crew:
        running = 0
        while True:
            for item in islice(todo, AHEAD - running):
                crew.put(item)
                running += 1
            if not running:
                break
            if (answer := crew.get(INTERVAL)) is not None:
                done += answer[1]
                running -= 1
            if progress and time.monotonic() - reported >= INTERVAL:
                reported = time.monotonic()
                progress(done, total)
    if progress:
        progress(total, total)


class Stages:
    """Several stages of work as one, in thousandths.

    Examples
    --------
    >>> from pyparallel.mosaic._progress import Stages
    >>> stages = Stages(print, first=1, second=3)
    >>> with stages("first") as report:
    ...     report(1, 2)
    125 1000
    250 1000
    """

    def __init__(self, progress: Progress, **weights: float) -> None:
        self._progress = progress
        self._weights = weights
        self._whole = sum(weights.values())
        self._before = 0.0

    @contextmanager
    def __call__(self, name: str) -> Iterator[Progress]:
        """The progress of one stage; at its end, all of it is done."""
        weight = self._weights[name] / self._whole
        before = self._before

        def report(done: int, total: int) -> None:
            if self._progress and done < total:
                share = before + weight * done / max(total, 1)
                self._progress(min(int(TOTAL * share), TOTAL - 1), TOTAL)

        yield report if self._progress else None
        self._before += weight
        if self._progress:
            last = name == list(self._weights)[-1]
            self._progress(TOTAL if last else int(TOTAL * self._before), TOTAL)
