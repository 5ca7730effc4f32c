"""How ``pp.race`` and ``pp.scaling`` measure: the timed run, its memory, and the progress bar."""

from __future__ import annotations

import math
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from timeit import Timer
from typing import TypeVar

Result = TypeVar("Result")
Contestant = Callable[[], object]

# A run of a short contestant is many calls, so that the clock's own cost does not matter.
SECONDS_A_RUN = 1e-3
MOST_CALLS_A_RUN = 10_000


def calls_a_run(time_of_one: float) -> int:
    return math.ceil(min(MOST_CALLS_A_RUN, SECONDS_A_RUN / max(time_of_one, 1e-9)))


def seconds_a_call(f: Contestant, calls: int) -> float:
    # At least the clock's resolution, so that nothing is ever divided by zero.
    return max(Timer(f).timeit(calls), 1e-9) / calls


def peak_memory(work: Callable[..., Result], *args: object) -> tuple[Result, int]:
    """What the call returns, and the peak of the memory that Python tracks meanwhile, in bytes."""
    already = tracemalloc.is_tracing()
    if not already:
        tracemalloc.start()
    try:
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        result = work(*args)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        if not already:
            tracemalloc.stop()
    return result, max(0, peak - before)


@contextmanager
def progress(description: str, total: int) -> Iterator[Callable[[], object]]:
    """A bar on a terminal, where tqdm is installed, after one second; it shows no times."""
    try:
        from tqdm import tqdm  # type: ignore[import-untyped]
    except ImportError:
        yield lambda: None
        return
    style = "{desc}: {percentage:3.0f} % |{bar}|"
    with tqdm(
        total=total, desc=description, bar_format=style, delay=1, leave=False, disable=None
    ) as bar:
        yield bar.update
