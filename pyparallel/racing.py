"""``pp.race``, which compares results before it shows a time, and ``pp.scaling``."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pyparallel._agreement import Check, difference, is_lazy, snapshot
from pyparallel._arguments import whole_number
from pyparallel._measuring import Contestant, calls_a_run, peak_memory, progress, seconds_a_call
from pyparallel._plots import BLUE, axes
from pyparallel._scaling import Scaling, scaling
from pyparallel._tables import html_table, seconds, significant, size, text_table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Race", "RaceError", "Scaling", "race", "scaling"]


class RaceError(Exception):
    """The contestants disagree, or one of them raised: there is nothing to time."""


@dataclass(frozen=True, repr=False)
class Race:
    """The outcome of `race`: print it, or show it in a notebook.

    Attributes
    ----------
    times : dict of str to tuple of float
        Seconds a call, for each contestant run by run.
    memory : dict of str to int
        The peak of Python-tracked memory in one untimed call, in bytes; NumPy's arrays, and so
        those of this package, are tracked.
    """

    times: dict[str, tuple[float, ...]]
    memory: dict[str, int]

    @property
    def names(self) -> tuple[str, ...]:
        """The contestants, in the order of the race."""
        return tuple(self.times)

    @property
    def best(self) -> dict[str, float]:
        """Seconds of each contestant's fastest run."""
        return {name: min(times) for name, times in self.times.items()}

    @property
    def median(self) -> dict[str, float]:
        """Seconds of each contestant's median run."""
        return {name: float(np.median(times)) for name, times in self.times.items()}

    @property
    def spread(self) -> dict[str, float]:
        """The range of the middle half of the runs (the quartiles), as a part of the median."""
        return {name: _spread(times) for name, times in self.times.items()}

    @property
    def speedup(self) -> dict[str, float]:
        """How many times faster than the first contestant, by the best runs."""
        first = self.best[self.names[0]]
        return {name: first / best for name, best in self.best.items()}

    def to_dict(self) -> dict[str, Any]:
        """Everything measured, as JSON can hold it: a list of contestants in order."""
        return {
            "contestants": [
                {
                    "name": name,
                    "times": list(self.times[name]),
                    "best": self.best[name],
                    "median": self.median[name],
                    "spread": self.spread[name],
                    "speedup": self.speedup[name],
                    "peak_memory": self.memory[name],
                }
                for name in self.names
            ]
        }

    def plot(self, ax: Axes | None = None) -> tuple[Figure, Axes]:
        """Bars of the best times, each with a line on to the slowest run.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure by default.

        Returns
        -------
        (Figure, Axes)
        """
        figure, ax = axes("Race.plot", ax, (7.0, 1.0 + 0.45 * len(self.names)))
        best = np.array(list(self.best.values()))
        slowest = np.array([max(times) for times in self.times.values()])
        ax.barh(self.names, best, xerr=[0 * best, slowest - best], color=BLUE, ecolor="black")
        for row, name in enumerate(self.names):
            label = f"  {seconds(best[row])}, {significant(self.speedup[name])}x"
            ax.text(slowest[row], row, label, va="center")
        ax.set_xlim(0, 1.35 * slowest.max())
        ax.set_xlabel("seconds: bar, the best run; line, to the slowest; x, the speed-up")
        ax.invert_yaxis()
        ax.spines[["top", "right"]].set_visible(False)
        return figure, ax

    def _table(self) -> tuple[list[str], list[list[str]], str]:
        header = ["contestant", "best", "median", "spread", "speed-up", "peak memory"]
        rows = [
            [
                name,
                seconds(self.best[name]),
                seconds(self.median[name]),
                f"{100 * self.spread[name]:.0f} %",
                f"{significant(self.speedup[name])}x",
                size(self.memory[name]),
            ]
            for name in self.names
        ]
        runs = len(self.times[self.names[0]])
        note = (
            f"All results agree. Runs of each: {runs}, in turn. Speed-up: against the first, "
            "best against best. Spread: of the middle half of the runs. "
            "Memory: as Python tracks it, arrays included."
        )
        return header, rows, note

    def __str__(self) -> str:
        return text_table(*self._table())

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return html_table(*self._table())


def race(
    contestants: Mapping[str, Contestant],
    *,
    check: Check | None = None,
    repeat: int = 7,
    warmup: int = 1,
) -> Race:
    """Time functions that do the same work, once their results agree.

    Every contestant is warmed up, so what is done only once (Numba's compilation, the start of
    threads) is not timed. Then all results are compared with the first's. Only then do the timed
    runs begin, and they take turns (A B C A B C), so what else this machine does meets them all.

    Parameters
    ----------
    contestants : mapping of str to callable
        Each is called without arguments and returns its result. The first sets the standard, for
        the results and for the speed-up.
    check : callable, optional
        ``check(first, other)`` says whether two results agree, in one bool or an array of them.
        By default integers must be equal and floats close (`numpy.allclose`, equal NaNs).
    repeat : int, optional
        Timed runs of each contestant. A run of a short one is many calls.
    warmup : int, optional
        Untimed calls of each before anything is measured. One more is made to compare results
        and to measure memory.

    Returns
    -------
    Race

    Raises
    ------
    RaceError
        Naming the contestant that disagrees with the first and how, that raised, or that returned
        a promise (a Dask collection, a generator) instead of a result.
    TypeError, ValueError
        Naming the argument.

    Examples
    --------
    >>> import numpy as np
    >>> import pyparallel as pp
    >>> a = np.arange(1000)
    >>> outcome = pp.race({"Python": lambda: sum(a.tolist()), "NumPy": lambda: np.sum(a)})
    >>> outcome.names
    ('Python', 'NumPy')
    >>> pp.race({"right": lambda: a, "wrong": lambda: a % 999})
    Traceback (most recent call last):
    pyparallel.racing.RaceError: race: "wrong" disagrees with "right": 1 of 1000 elements differ, \
the first at [999]: 0, not 999
    """
    runners = _checked(contestants)
    if check is not None and not callable(check):
        raise TypeError(f"race: check must be callable or None, not {type(check).__name__}")
    repeat = whole_number("race", "repeat", repeat)
    warmup = whole_number("race", "warmup", warmup)
    with progress("race", len(runners) * (warmup + 1 + repeat)) as step:
        for name, contestant in runners.items():
            for _ in range(warmup):
                _call(name, contestant)
                step()
        calls, peaks = _rehearse(runners, check, step)
        times: dict[str, list[float]] = {name: [] for name in runners}
        for _ in range(repeat):
            for name, contestant in runners.items():
                with _naming(name):
                    times[name].append(seconds_a_call(contestant, calls[name]))
                step()
    return Race({name: tuple(runs) for name, runs in times.items()}, peaks)


def _checked(contestants: object) -> dict[str, Contestant]:
    if not isinstance(contestants, Mapping):
        raise TypeError(
            "race: contestants must map names to functions, as a dict does, "
            f"not {type(contestants).__name__}"
        )
    if not contestants:
        raise ValueError("race: contestants must hold at least one, but is empty")
    for name, contestant in contestants.items():
        if not isinstance(name, str):
            raise TypeError(f"race: contestants must have strings as names, not {name!r}")
        if not callable(contestant):
            raise TypeError(
                f'race: contestants["{name}"] must be callable (a function, not what it returns), '
                f"not {type(contestant).__name__}"
            )
    return dict(contestants)


@contextmanager
def _naming(name: str) -> Iterator[None]:
    """Turn what a contestant raises into a RaceError that names it, in one line."""
    try:
        yield
    except Exception as error:
        raise RaceError(f'race: "{name}" raised {_in_a_line(error)}') from error


def _in_a_line(error: Exception) -> str:
    return f"{type(error).__name__}: {next(iter(str(error).splitlines()), '')}"


def _call(name: str, contestant: Contestant) -> object:
    with _naming(name):
        return contestant()


def _rehearse(
    runners: dict[str, Contestant], check: Check | None, step: Callable[[], object]
) -> tuple[dict[str, int], dict[str, int]]:
    """Call each once and compare the results: (calls a run, peak memory) of each."""
    calls, peaks, faults = {}, {}, []
    for k, (name, contestant) in enumerate(runners.items()):
        start = time.perf_counter()
        result, peaks[name] = peak_memory(_call, name, contestant)
        calls[name] = calls_a_run(time.perf_counter() - start)
        if is_lazy(result):
            raise RaceError(
                f'race: "{name}" returned a promise ({type(result).__name__}), not a result: '
                "have it compute"
            )
        if k == 0:
            standard, first = name, snapshot(result)
        else:
            fault = _compare(standard, first, name, result, check)
            faults += [f'"{name}" disagrees with "{standard}": {fault}'] if fault else []
        step()
    if faults:
        raise RaceError(f"race: {'; '.join(faults)}")
    return calls, peaks


def _compare(
    standard: str, first: object, name: str, result: object, check: Check | None
) -> str | None:
    try:
        return difference(first, result, check)
    except Exception as error:
        raise RaceError(
            f'race: comparing "{name}" with "{standard}" raised {_in_a_line(error)}'
        ) from error


def _spread(times: tuple[float, ...]) -> float:
    low, middle, high = np.quantile(times, [0.25, 0.5, 0.75])
    return float((high - low) / middle)
