"""``python -m tests.bench.reduction_sizes``: from which size on do threads pay in a sum?"""

from __future__ import annotations

import argparse
import json
import textwrap
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import pyparallel as pp
from pyparallel import _contestant_reductions as totals
from pyparallel import demo
from pyparallel._libraries import missing
from pyparallel._plots import BLUE, ORANGE
from pyparallel._tables import seconds, significant, text_table
from pyparallel.racing import Race

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIZES = [m * 10**k for k in range(1, 8) for m in (1, 2, 5)] + [10**8]
QUICK_SIZES = [10, 1000, 100_000]
RUNS, QUICK_RUNS = 15, 3

# A gain that is not just noise.
GAIN = 1.1

ONE, ALL = "pyparallel, 1 thread", "pyparallel"
PRANGE = "Numba prange"
LIBRARIES = {
    "bottleneck": "bottleneck",
    "numexpr": "numexpr",
    PRANGE: "numba",
    "Dask": "dask.array",
}

# The height of a line of text in the picture, as a difference of logarithms.
LINE = 0.55

# Of the Okabe-Ito palette, distinct for the colour-blind; markers tell them apart in grey.
STYLES = {
    "NumPy": ("#000000", "o"),
    "bottleneck": ("#009E73", "v"),
    "numexpr": ("#CC79A7", "D"),
    PRANGE: ("#E69F00", "s"),
    "Dask": ("#56B4E9", "P"),
    ONE: (ORANGE, "x"),
    ALL: (BLUE, "."),
}

Sum = Callable[[Any], object]


def sums() -> dict[str, Sum]:
    """How each of the libraries that are here adds up an array, with as little around it as can be."""
    without = missing(LIBRARIES)
    found: dict[str, Sum] = {"NumPy": np.sum}
    if "bottleneck" not in without:
        import bottleneck

        found["bottleneck"] = bottleneck.nansum
    if "numexpr" not in without:
        found["numexpr"] = totals.sum_by_numexpr
    if PRANGE not in without:
        found[PRANGE] = totals.compiled(totals._sum_loop)[1]
    if "Dask" not in without:
        found["Dask"] = totals.sum_by_dask
    # Both with a keyword, which costs as much as a small sum; and each after one that has left the
    # array in the cache of this thread's core.
    order = ["NumPy", ONE, "bottleneck", ALL, *found]
    found |= {ONE: partial(pp.sum, num_threads=1), ALL: partial(pp.sum, num_threads=None)}
    return {name: found[name] for name in order if name in found}


def measure(sizes: Sequence[int], runs: int) -> dict[int, Race]:
    """A fair race for each size: results compared, runs in turn."""
    values = np.random.default_rng(1).random(max(sizes))
    return {
        n: pp.race({name: partial(f, values[:n]) for name, f in sums().items()}, repeat=runs)
        for n in sizes
    }


def crossover(races: Mapping[int, Race], slow: str, fast: str) -> int | None:
    """The size from which on ``fast`` is clearly faster than ``slow``; None where it never is."""
    found = None
    for n in sorted(races, reverse=True):
        if races[n].best[slow] < GAIN * races[n].best[fast]:
            break
        found = n
    return found


def sentence(races: Mapping[int, Race]) -> str:
    """Where threads begin to pay, as measured."""
    threads = pp.get_num_threads()
    if threads == 1:
        return "On one thread there is nothing to compare."
    largest, begin = max(races), crossover(races, ONE, ALL)
    if begin is None:
        return f"{threads} threads do not pay up to {largest:,} numbers."
    at = (races[n].best[ONE] / races[n].best[ALL] for n in (begin, largest))
    first, last = map(significant, at)
    text = (
        f"{threads} threads pay from {begin:,} numbers on, where one thread takes "
        f"{seconds(races[begin].best[ONE])}: they are {first} times as fast there, and {last} times "
        f"with {largest:,}"
    )
    if PRANGE in races[largest].names and (over := crossover(races, "NumPy", PRANGE)):
        text += f". Numba's prange is faster than np.sum from {over:,} on"
    return f"{text}."


def table(races: Mapping[int, Race]) -> str:
    names = next(iter(races.values())).names
    rows = [[f"{n:,}", *(seconds(races[n].best[name]) for name in names)] for n in races]
    spread = max(races[n].spread[name] for n in races for name in names)
    note = (
        "Seconds a call: best of the runs, which took turns. "
        f"Largest spread of a middle half: {100 * spread:.0f} %."
    )
    return text_table(["float64", *names], rows, note)


def plot(races: Mapping[int, Race]) -> Figure:
    """Time against size, both logarithmic; bands reach from the best run to the median."""
    from matplotlib import pyplot as plt

    figure, ax = plt.subplots(figsize=(8, 5.2), layout="constrained")
    sizes = sorted(races)
    names = races[sizes[0]].names
    for name in names:
        colour, marker = STYLES[name]
        best = [races[n].best[name] for n in sizes]
        ax.fill_between(
            sizes, best, [races[n].median[name] for n in sizes], color=colour, alpha=0.25, lw=0
        )
        ours = name in (ONE, ALL)
        ax.loglog(sizes, best, color=colour, marker=marker, ms=4, lw=2 if ours else 1.2)
    _label(ax, {name: races[sizes[-1]].best[name] for name in names}, sizes[-1])
    _mark(ax, races)
    ax.set_title(textwrap.fill(sentence(races), 84), loc="left", fontsize=10)
    ax.set_xlabel("float64 numbers in the array")
    ax.set_ylabel("time of one sum: best run; band, to the median")
    ax.yaxis.set_major_formatter(
        lambda time, _: seconds(time).replace(".00", "").replace(".0 ", " ")
    )
    ax.grid(alpha=0.25, lw=0.5)
    ax.spines[["top", "right"]].set_visible(False)
    return figure


def _label(ax: Any, ends: Mapping[str, float], largest: int) -> None:
    """Names at the right ends of the lines, as far apart as they must be to be read."""
    names = sorted(ends, key=ends.__getitem__)
    wanted = np.log([ends[name] for name in names])
    apart = LINE * np.arange(len(names))
    stacked = np.maximum.accumulate(wanted - apart) + apart
    places = dict(zip(names, np.exp(stacked - np.mean(stacked - wanted)), strict=True))
    for name, place in places.items():
        colour = STYLES[name][0]
        ax.annotate(
            name,
            (largest, ends[name]),
            xytext=(largest * 2.2, place),
            color=colour,
            va="center",
            weight="bold" if name in (ONE, ALL) else "normal",
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": colour, "lw": 0.6, "shrinkB": 3},
        )


def _mark(ax: Any, races: Mapping[int, Race]) -> None:
    begin = crossover(races, ONE, ALL)
    if begin is not None:
        ax.axvline(begin, color="0.5", lw=0.8, ls=":")
        text = f"threads pay\nfrom {begin:,}"
        ax.annotate(text, (begin, 0.04), (4, 0), ("data", "axes fraction"), "offset points")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.reduction_sizes", description=__doc__
    )
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw a picture")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all that was measured")
    parser.add_argument("--quick", action="store_true", help="few sizes and runs, to try it")
    given = parser.parse_args(arguments)
    sizes, runs = (QUICK_SIZES, QUICK_RUNS) if given.quick else (SIZES, RUNS)
    races = measure(sizes, runs)
    print(table(races))
    print(textwrap.fill(sentence(races), 79))
    for name, cure in missing(LIBRARIES).items():
        print(f"{name} did not race: {cure}")
    if given.plot:
        plot(races).savefig(given.plot, dpi=150)
    if given.json:
        measured = {"machine": demo.machine(), "sizes": {n: r.to_dict() for n, r in races.items()}}
        given.json.write_text(json.dumps(measured, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
