"""``pp.scaling``: the speed-up over the number of threads."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pyparallel._arguments import whole_number
from pyparallel._cores import physical_cores
from pyparallel._load import core
from pyparallel._measuring import Contestant, calls_a_run, progress, seconds_a_call
from pyparallel._plots import BLUE, GREY, ORANGE, axes
from pyparallel._tables import html_table, seconds, significant, text_table
from pyparallel._threads import threads as using_threads

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True, repr=False)
class Scaling:
    """The outcome of `scaling`: print it, or show it in a notebook.

    Attributes
    ----------
    times : dict of int to tuple of float
        Seconds a call, for each number of threads run by run; 1 thread comes first.
    """

    times: dict[int, tuple[float, ...]]

    @property
    def threads(self) -> tuple[int, ...]:
        """The numbers of threads, ascending from 1."""
        return tuple(self.times)

    @property
    def speedup(self) -> dict[int, float]:
        """How many times faster than with one thread: the median over the rounds."""
        return {n: float(np.median(self._ratios(n))) for n in self.threads}

    @property
    def spread(self) -> dict[int, tuple[float, float]]:
        """The quartiles of the speed-up: half of the rounds lie between them."""
        quartiles = {n: np.quantile(self._ratios(n), [0.25, 0.75]) for n in self.threads}
        return {n: (float(low), float(high)) for n, (low, high) in quartiles.items()}

    @property
    def serial_fraction(self) -> float | None:
        """The part of the work that does not run in parallel, by Amdahl's law.

        On t threads the law says that a call takes ``s + (1 - s) / t`` of its time on one. This
        is the s in [0, 1] whose squared errors are least; None if only one thread was tried.
        """
        x = np.array([1 - 1 / n for n in self.threads])
        y = np.array([1 / self.speedup[n] - 1 / n for n in self.threads])
        return float(np.clip(x @ y / (x @ x), 0, 1)) if x.any() else None

    def to_dict(self) -> dict[str, Any]:
        """Everything measured, as JSON can hold it: a list of rows, one a number of threads."""
        return {
            "rows": [
                {
                    "threads": n,
                    "times": list(self.times[n]),
                    "median": float(np.median(self.times[n])),
                    "speedup": self.speedup[n],
                    "spread": list(self.spread[n]),
                }
                for n in self.threads
            ],
            "serial_fraction": self.serial_fraction,
            "physical_cores": physical_cores(),
        }

    def plot(self, ax: Axes | None = None) -> tuple[Figure, Axes]:
        """The speed-up with its spread, the ideal, Amdahl's fit, and the physical cores.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure by default.

        Returns
        -------
        (Figure, Axes)
        """
        figure, ax = axes("Scaling.plot", ax, (5.5, 4.0))
        most = self.threads[-1]
        self._draw_expected(ax, most)
        speedup = np.array(list(self.speedup.values()))
        low, high = np.array(list(self.spread.values())).T
        bars = np.maximum(0, [speedup - low, high - speedup])
        ax.errorbar(self.threads, speedup, bars, fmt="o", color=BLUE, capsize=3, label="measured")
        ax.set_xticks(self.threads)
        ax.set_xlabel("threads")
        ax.set_ylabel("speed-up against one thread")
        ax.set_xlim(0.5, most + 0.5)
        ax.set_ylim(0, 1.05 * max(most, high.max()))
        ax.legend(frameon=False)
        ax.spines[["top", "right"]].set_visible(False)
        return figure, ax

    def _draw_expected(self, ax: Axes, most: int) -> None:
        """The ideal line, Amdahl's curve, and where the physical cores end."""
        line = np.linspace(1, most, 200)
        ax.plot(line, line, "--", color=GREY, label="ideal")
        serial = self.serial_fraction
        if serial is not None:
            label = f"Amdahl, {100 * serial:.1f} % serial"
            ax.plot(line, 1 / (serial + (1 - serial) / line), ":", color=ORANGE, label=label)
        cores = physical_cores()
        if cores is not None and cores <= most:
            label = f"physical cores: {cores}"
            ax.axvline(cores, color="black", linestyle="-.", linewidth=0.8, label=label)

    def _ratios(self, n: int) -> Any:
        """The speed-up of each round: its runs are neighbours in time, so drift cancels."""
        return np.array(self.times[1]) / np.array(self.times[n])

    def _table(self) -> tuple[list[str], list[list[str]], str]:
        header = ["threads", "median", "speed-up", "middle half", "efficiency"]
        rows = [
            [
                str(n),
                seconds(float(np.median(self.times[n]))),
                f"{significant(self.speedup[n])}x",
                " to ".join(significant(end) for end in self.spread[n]),
                f"{100 * self.speedup[n] / n:.0f} %",
            ]
            for n in self.threads
        ]
        notes = [f"Rounds: {len(self.times[1])}."]
        if self.serial_fraction is not None:
            notes.append(f"Amdahl's law fits best with {100 * self.serial_fraction:.1f} % serial.")
        cores = physical_cores()
        if cores is not None:
            notes.append(f"Physical cores: {cores}.")
        return header, rows, " ".join(notes)

    def __str__(self) -> str:
        return text_table(*self._table())

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return html_table(*self._table())


def scaling(f: Contestant, threads: Iterable[int] | None = None, *, repeat: int = 5) -> Scaling:
    """Time a function on 1, 2, 4, ... threads.

    Parameters
    ----------
    f : callable
        Called without arguments inside ``pp.threads(n)``. Functions of this package follow that;
        others may read `pyparallel.get_num_threads`.
    threads : iterable of int, optional
        The numbers of threads to try. 1 is added if it is missing: the speed-up is against it.
        By default the powers of two that this machine can use, and all it can use.
    repeat : int, optional
        Timed rounds. A round takes all numbers of threads in turn.

    Returns
    -------
    Scaling

    Raises
    ------
    TypeError, ValueError
        Naming the argument. What ``f`` raises is passed on.

    Examples
    --------
    >>> import pyparallel as pp
    >>> box = pp.Box(64, 64, center=-0.8, extent=3 + 3j)
    >>> pp.scaling(lambda: pp.mandelbrot(box, 100), threads=[2]).threads
    (1, 2)
    """
    if not callable(f):
        raise TypeError(f"scaling: f must be callable, not {type(f).__name__}")
    numbers = _thread_numbers(threads)
    repeat = whole_number("scaling", "repeat", repeat)
    with progress("scaling", len(numbers) * (1 + repeat)) as step:
        f()
        calls = {}
        for n in numbers:
            with using_threads(n):
                calls[n] = calls_a_run(seconds_a_call(f, 1))
            step()
        times: dict[int, list[float]] = {n: [] for n in numbers}
        for _ in range(repeat):
            for n in numbers:
                with using_threads(n):
                    times[n].append(seconds_a_call(f, calls[n]))
                step()
    return Scaling({n: tuple(runs) for n, runs in times.items()})


def _thread_numbers(threads: Iterable[int] | None) -> list[int]:
    if threads is None:
        usable = core.resolve_threads("scaling", -1)
        return sorted({usable, *(2**k for k in range(usable.bit_length()))})
    if isinstance(threads, str) or not isinstance(threads, Iterable):
        raise TypeError(f"scaling: threads must list integers, not {type(threads).__name__}")
    numbers = {whole_number("scaling", "each of threads", n) for n in threads}
    if not numbers:
        raise ValueError("scaling: threads must hold at least one number, but is empty")
    return sorted({1, *numbers})
