"""Labs: what a lesson can show only with C at hand."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pyparallel._arguments import whole_number
from pyparallel._load import core
from pyparallel._plots import BLUE, axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike, NDArray

__all__ = [
    "Schedule",
    "Span",
    "bandwidth",
    "busy",
    "flops",
    "race_condition",
    "schedule",
    "timeline",
]

_COUNTING = {"unsynchronised": 0, "atomic": 1, "reduction": 2}  # enum pp_counting
_SCHEDULES = {"static": 0, "dynamic": 1, "guided": 2}  # enum pp_schedule_kind


class Span(NamedTuple):
    """When a thread was at work.

    Attributes
    ----------
    start, end : float
        Seconds on the clock of `time.perf_counter`.
    thread : int
        Its `threading.get_ident`.
    """

    start: float
    end: float
    thread: int


def busy(n: int, *, release_gil: bool = True) -> Span:
    """Take ``n`` steps of a loop in C, with or without the interpreter lock.

    The loop is the same either way. A thread that keeps the GIL keeps all other Python threads
    from running; one that releases it runs beside them.

    Parameters
    ----------
    n : int
        How many steps: a nanosecond's work each, or less. No compiler can skip them.
    release_gil : bool, optional
        Whether other Python threads may run meanwhile. In free-threaded Python they may anyway.

    Returns
    -------
    Span
        ``start`` and ``end`` of the loop itself, without waiting for the GIL before or after it,
        and the ident of this ``thread``.

    Examples
    --------
    >>> from time import perf_counter
    >>> import pyparallel as pp
    >>> before = perf_counter()
    >>> span = pp.lab.busy(1_000_000)
    >>> before <= span.start < span.end <= perf_counter()
    True
    """
    if not isinstance(release_gil, bool):
        raise TypeError(
            f"busy: release_gil must be True or False, not {type(release_gil).__name__}"
        )
    return Span(*core.busy(n, release_gil), threading.get_ident())


def timeline(
    spans: Iterable[tuple[float, float, object]], ax: Axes | None = None
) -> tuple[Figure, Axes]:
    """Draw spans of time as bars, one lane for each thread.

    Parameters
    ----------
    spans : iterable of (start, end, thread)
        What `busy` returns, or other tuples, with times in seconds. Lanes stand in the order in
        which their first bar starts, the first on top; where ``thread`` is a text it names the
        lane, else the lane has a number.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    (Figure, Axes)

    Examples
    --------
    >>> import pyparallel as pp
    >>> figure, ax = pp.lab.timeline([(0.0, 2.0, "Ada"), (1.0, 3.0, "Charles")])
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['Ada', 'Charles']
    """
    lanes = _lanes(spans)
    figure, ax = axes("timeline", ax, (6.5, 0.9 + 0.4 * len(lanes)))
    zero = min(bars[0][0] for bars in lanes.values())
    last = max(end for bars in lanes.values() for _, end in bars)
    unit, name = (1e3, "ms") if last - zero < 1 else (1.0, "s")
    for lane, bars in enumerate(lanes.values()):
        places = [(unit * (start - zero), unit * (end - start)) for start, end in bars]
        # White edges part bars that follow each other without a gap.
        ax.broken_barh(places, (lane - 0.35, 0.7), facecolor=BLUE, edgecolor="white")
    names = [
        thread if isinstance(thread, str) else f"thread {n}" for n, thread in enumerate(lanes, 1)
    ]
    ax.set_yticks(range(len(lanes)), names)
    ax.set_ylim(len(lanes) - 0.5, -0.5)
    # Axes that share their times with others keep room for the longest.
    ax.set_xlim(0, max(ax.get_xlim()[1], 1.02 * unit * (last - zero)))
    ax.set_xlabel(f"time in {name}")
    ax.tick_params(axis="y", length=0)
    ax.spines[["top", "right"]].set_visible(False)
    return figure, ax


def _lanes(spans: Iterable[tuple[float, float, object]]) -> dict[object, list[tuple[float, float]]]:
    """The bars of each thread, in the order of their starts."""
    lanes: dict[object, list[tuple[float, float]]] = {}
    wanted = "timeline: spans must be tuples (start, end, thread)"
    try:
        # Threads of the same start need not have an order.
        ordered = sorted(((float(a), float(b), thread) for a, b, thread in spans), key=_start)
    except (TypeError, ValueError):
        raise TypeError(f"{wanted}, with times in seconds") from None
    if not ordered:
        raise ValueError("timeline: spans must hold at least one, not none")
    for start, end, thread in ordered:
        if not (math.isfinite(end - start) and start <= end):
            raise ValueError(f"{wanted} that end after their start, not ({start}, {end})")
        lanes.setdefault(thread, []).append((start, end))
    return lanes


def _start(span: tuple[float, float, object]) -> float:
    return span[0]


def race_condition(n: int, how: str = "unsynchronised", *, num_threads: int | None = None) -> int:
    """Count to ``n`` in one counter that all threads share.

    Parameters
    ----------
    n : int
        How many times the counter is increased, by all threads together.
    how : {"unsynchronised", "atomic", "reduction"}, optional
        ``"unsynchronised"``: load the counter, add one, store. An update that another thread makes
        between the load and the store is lost. ``"atomic"``: the CPU does the three as one step.
        ``"reduction"``: every thread counts for itself, and adds its count to the counter now and
        then.
    num_threads : int, optional
        -1 for all; see `pyparallel.threads` for the default.

    Returns
    -------
    int
        The final count: ``n``, except for ``"unsynchronised"`` with two threads or more, where it
        is less *every time*.

    Notes
    -----
    Left to chance, a race shows on some machines and in some runs. Here the first update of each
    thread is arranged: all load before any stores, so that at least ``num_threads - 1`` updates
    are lost, on one core too. All further updates run freely; on two cores or more most collide.
    Each load and store is atomic, so that nothing is undefined in C's terms.

    A build without OpenMP has one thread, which loses nothing (``pp.config()["openmp"]`` says).

    Examples
    --------
    >>> import pyparallel as pp
    >>> pp.lab.race_condition(100_000, "atomic", num_threads=2)
    100000
    >>> pp.lab.race_condition(100_000, num_threads=2)  # doctest: +SKIP
    57312
    """
    return core.race_condition(n, _number_of("race_condition", "how", how, _COUNTING), num_threads)


@dataclass(frozen=True, eq=False)
class Schedule:
    """Who did what when: the record of one run of `schedule`.

    Attributes
    ----------
    kind : str
        ``"static"``, ``"dynamic"`` or ``"guided"``.
    chunk : int or None
        As given to `schedule`.
    start, end : ndarray of float64
        When each turn began and ended, in seconds on the clock of `time.perf_counter`.
    first : ndarray of int64
        The first turn of the chunk that it belongs to.
    thread : ndarray of int64
        Who took it: 0, 1, ... in the order in which the threads began.
    """

    kind: str
    chunk: int | None
    start: NDArray[np.float64]
    end: NDArray[np.float64]
    first: NDArray[np.int64]
    thread: NDArray[np.int64]

    @property
    def seconds(self) -> float:
        """From the start of the first turn to the end of the last; 0 where there is no turn."""
        return float(self.end.max() - self.start.min()) if len(self.end) else 0.0

    @property
    def busy(self) -> NDArray[np.float64]:
        """The seconds that each thread spent in its turns."""
        return np.bincount(self.thread, self.end - self.start).astype(np.float64, copy=False)

    @property
    def waiting(self) -> float:
        """The share of all threads' time in which they had nothing to do, or asked for work."""
        return 1 - float(self.busy.mean()) / self.seconds if self.seconds else 0.0

    def spans(self) -> list[Span]:
        """When each chunk was worked on, and by whom."""
        first = np.unique(self.first)
        last = np.append(first[1:], len(self.first))[: len(first)] - 1
        columns = (self.start[first], self.end[last], self.thread[first])
        return [Span(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]

    def plot(self, ax: Axes | None = None) -> tuple[Figure, Axes]:
        """Draw the busy map: when each thread worked, in bars for its chunks.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure by default.

        Returns
        -------
        (Figure, Axes)
        """
        figure, ax = timeline(self.spans(), ax)
        chunk = "" if self.chunk is None else f", chunk {self.chunk}"
        ax.set_title(f"{self.kind}{chunk}", loc="left")
        return figure, ax


def schedule(
    costs: ArrayLike,
    kind: str = "static",
    chunk: int | None = None,
    *,
    num_threads: int | None = None,
) -> Schedule:
    """Run a loop whose turns differ in cost, its turns shared out among threads by a schedule.

    Parameters
    ----------
    costs : array_like of int, shape (n,)
        The work of each turn, in steps of the loop of `busy`: a nanosecond each, or less.
    kind : {"static", "dynamic", "guided"}, optional
        ``"static"``: who does what is settled beforehand. ``"dynamic"``: whoever is free takes the
        next chunk. ``"guided"``: so, too, but chunks begin big, at the number of turns left
        divided by twice the number of threads, and shrink down to ``chunk``.
    chunk : int, optional
        Turns in a chunk; for ``"guided"`` the fewest. The default is, for ``"static"``, one share
        of equal size for each thread (with a chunk, the chunks are dealt out in rotation), and 1
        for the others.
    num_threads : int, optional
        -1 for all; see `pyparallel.threads` for the default. No more threads than turns take part.

    Returns
    -------
    Schedule
        When each turn began and ended, in which chunk, and which thread took it.

    Notes
    -----
    These are the rules of OpenMP's ``schedule`` clause [1]_. The work is real: with more threads
    than cores, several turns share a core and take longer. A build without OpenMP has one thread
    (``pp.config()["openmp"]`` says).

    References
    ----------
    .. [1] OpenMP Application Programming Interface, version 5.2, section 11.5.3, "schedule Clause".

    Examples
    --------
    >>> import pyparallel as pp
    >>> record = pp.lab.schedule([50_000] * 8, "dynamic", 2, num_threads=2)
    >>> len(record.start), len(record.spans())
    (8, 4)
    >>> record.busy.sum() <= 2 * record.seconds
    np.True_
    """
    number = _number_of("schedule", "kind", kind, _SCHEDULES)
    turns = 0 if number == 0 else 1  # 0: a share for each thread
    if chunk is not None:
        chunk = turns = whole_number("schedule", "chunk", chunk, 2**63 - 1)
    elif number:
        chunk = turns
    record = core.schedule(_whole_costs(costs), number, turns, num_threads)
    return Schedule(kind, chunk, *record)


def _whole_costs(costs: ArrayLike) -> NDArray[np.int64]:
    array = np.asarray(costs)
    if array.ndim != 1:
        raise ValueError(f"schedule: costs must have one dimension, not {array.ndim}")
    if array.dtype.kind not in "iu" and array.size:
        raise TypeError(f"schedule: costs must be integers, not {array.dtype}")
    wrong = (array < 0) | (array > 2**63 - 1)
    if wrong.any():
        raise ValueError(
            f"schedule: costs must be between 0 and 9223372036854775807, not {array[wrong][0]}"
        )
    return np.ascontiguousarray(array, dtype=np.int64)


def _number_of(function: str, name: str, value: str, numbers: Mapping[str, int]) -> int:
    """The number that C knows a choice by, or an error that names function and argument."""
    if not isinstance(value, str):
        raise TypeError(f"{function}: {name} must be a str, not {type(value).__name__}")
    if value not in numbers:
        wanted = ", ".join(map(repr, numbers))
        raise ValueError(f"{function}: {name} must be one of {wanted}, not {value!r}")
    return numbers[value]


def bandwidth(
    nbytes: int = 2**28, *, num_threads: int | None = None, seconds: float = 1.0
) -> float:
    """Measure how fast this machine reads memory.

    Parameters
    ----------
    nbytes : int, optional
        How much to read in one pass: far more than the last-level cache holds, or the cache is
        what is measured. The default is 256 MiB.
    num_threads : int, optional
        -1 for all; see `pyparallel.threads` for the default.
    seconds : float, optional
        How long to repeat the pass; preparing the memory comes on top.

    Returns
    -------
    float
        Bytes per second, in the best pass.

    Examples
    --------
    >>> import pyparallel as pp
    >>> pp.lab.bandwidth() / 1e9  # doctest: +SKIP
    39.7
    """
    size = whole_number("bandwidth", "nbytes", nbytes, 2**62)
    limit = _positive("bandwidth", "seconds", seconds)
    words = np.empty(-(-size // 8), np.uint64)
    for start in range(0, len(words), 2**24):  # in parts, for Ctrl-C comes between them
        words[start : start + 2**24] = 1  # memory that was never written to is no memory yet
    core.read_words(words, num_threads)  # to wake the threads
    deadline = perf_counter() + limit
    best = math.inf
    while True:
        best = min(best, core.read_words(words, num_threads)[1])
        if perf_counter() >= deadline:
            return float(words.nbytes / best)


def flops(*, num_threads: int | None = None, seconds: float = 1.0) -> float:
    """Measure this machine's peak of double-precision arithmetic.

    Chains of multiplications and additions, as many as keep the units busy, in registers only.
    An addition and a multiplication count as one operation each, a fused multiply-add as two. Of
    the kernels' variants (``pp.config()["isa"]``) the baseline multiplies and adds one after the
    other; all others use fused instructions, and their widest vectors.

    Parameters
    ----------
    num_threads : int, optional
        -1 for all; see `pyparallel.threads` for the default.
    seconds : float, optional
        How long to repeat the measurement.

    Returns
    -------
    float
        Operations per second, in the best run.

    Examples
    --------
    >>> import pyparallel as pp
    >>> pp.lab.flops(seconds=0.1) / 1e9  # doctest: +SKIP
    274.1
    """
    deadline = perf_counter() + _positive("flops", "seconds", seconds)
    steps, best = 2**18, 0.0
    while True:
        operations, elapsed = core.multiply_add(steps, num_threads)
        best = max(best, operations / elapsed)
        if elapsed < 0.02:  # waking the threads takes microseconds
            steps *= 2
        elif perf_counter() >= deadline:
            return best


def _positive(function: str, name: str, value: float) -> float:
    """``value`` as a positive finite float, or an error that names function and argument."""
    try:
        if isinstance(value, (bool, np.bool_, str)):
            raise TypeError
        number = float(value)
    except (TypeError, ValueError):
        raise TypeError(
            f"{function}: {name} must be a number, not {type(value).__name__}"
        ) from None
    except OverflowError:
        raise ValueError(f"{function}: {name} is too large for a float64") from None
    if not (math.isfinite(number) and number > 0):
        raise ValueError(f"{function}: {name} must be positive and finite, not {value}")
    return number
