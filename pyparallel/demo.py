"""What ``pyparallel demo`` measures: fair races on real work, and where others win."""

from __future__ import annotations

import platform
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import numpy as np

from pyparallel import _demo_mosaic, _demo_problems, contestants, doctor
from pyparallel._tables import seconds, significant
from pyparallel._threads import config, get_num_threads
from pyparallel.contestants import Problem
from pyparallel.fractals import Box, mandelbrot
from pyparallel.racing import Race, race
from pyparallel.rendering import Picture

MAX_ITER = 1024

# All must be done in 90 s: the first size is raced at which NumPy needs no longer than this, as
# often as the time for a race allows.
SIDES = (1024, 512, 256)
SECONDS_OF_NUMPY = 1.5
SECONDS_A_RACE = 15.0
FEWEST_RUNS, MOST_RUNS = 3, 7

ABOUT_VAR = (
    "Numba's loops take the mean of the squares less the square of the mean. That serves for these "
    "values, but cancels where the mean is large; the others subtract the mean first, and "
    "pyparallel does so in one pass over memory."
)

ABOUT_MATCH = (
    "This is what a photo mosaic is made by: the mean colour of each place, compared with that of "
    "each tile. NumPy compares them all; the others search trees, which they build anew each time."
)


@dataclass(frozen=True)
class Event:
    """A race, perhaps for a picture, and the same on a size that plain Python can do."""

    problem: Problem
    race: Race
    picture: Picture | None
    small: Race | None
    text: str = ""


@dataclass(frozen=True)
class Lost:
    """A case in which something else is the better choice: what, how measured, in words."""

    title: str
    race: Race
    text: str


@dataclass(frozen=True)
class Demo:
    """All that the report tells."""

    verdict: str
    events: list[Event]
    lost: list[Lost]
    machine: dict[str, str]
    mosaic: _demo_mosaic.Exhibit | None = None


def show(tell: Callable[[str], object]) -> Demo:
    """Measure everything, and tell each result as it comes.

    Parameters
    ----------
    tell : callable
        Called with lines of text.

    Returns
    -------
    Demo
    """
    tell(f"{_first()}\n")
    verdict = doctor.verdict(doctor.examine())
    tell(f"{verdict}\n")
    events = []
    for problem, picture, text in _programme():
        events.append(_event(problem, picture, text))
        tell(f"{problem.title}\n\n{events[-1].race}\n")
    mosaic = None
    if (photograph := _demo_mosaic.photograph()) is not None:
        made = _demo_mosaic.make(photograph)
        problem = _demo_mosaic.matching(made.mosaic.wanted, made.mosaic.offered)
        events.append(_event(problem, None, ABOUT_MATCH))
        mosaic = _demo_mosaic.exhibit(made)
        tell(f"{problem.title}\n\n{events[-1].race}\n")
        tell(f"Mosaic\n\n{textwrap.fill(mosaic.text, 79)}\n")
    lost = [_one_point(), *_own_formula()]
    for case in lost:
        tell(f"{case.title}\n\n{case.race}\n")
    return Demo(verdict, events, lost, machine(), mosaic)


def machine() -> dict[str, str]:
    """This machine and its software, in general terms.

    Examples
    --------
    >>> from pyparallel.demo import machine
    >>> list(machine())[:2]
    ['CPU', 'cores']
    """
    build = config()
    return {
        "CPU": _cpu(),
        "cores": f"{doctor.usable_cores()} usable of {build['cpus']}",
        "threads": f"{get_num_threads()} ({build['num_threads_reason']})",
        "kernels": f"{build['isa']}, {'with' if build['openmp'] else 'without'} OpenMP, {build['compiler']}",
        "system": f"{platform.system()} {platform.machine()}",
        "Python": f"{platform.python_version()} ({platform.python_compiler()})",
        "NumPy": np.__version__,
        "Numba": _version("numba"),
        "Dask": _version("dask"),
        "pyparallel": build["version"],
    }


def _cpu() -> str:
    """The model's name, where the system tells it."""
    try:
        if sys.platform == "darwin":
            command = ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"]
            return subprocess.check_output(command, text=True).strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    except (OSError, subprocess.CalledProcessError):
        pass
    return platform.processor() or platform.machine()


def _version(library: str) -> str:
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return "not installed"


def _first() -> str:
    """Something to look at at once, while nothing else is loaded yet."""
    box = contestants.BOX
    took = _time_of(lambda: mandelbrot(box, MAX_ITER))
    return f"Mandelbrot set, {box.width} x {box.height} pixels, in C: {seconds(took)}"


def _time_of(f: Callable[[], object]) -> float:
    start = time.perf_counter()
    f()
    return time.perf_counter() - start


def _programme() -> Iterator[tuple[Problem, Picture | None, str]]:
    """What is raced, each built when its turn comes; its picture; a remark."""
    for build, picture in _pictures():
        yield build(_side(build)), picture, ""
    yield contestants.pi(), None, ""
    yield contestants.sum(), None, ""
    yield contestants.var(), None, ABOUT_VAR


def _pictures() -> list[tuple[Callable[[int], Problem], Picture]]:
    """The fractals that are raced, given a size, and their pictures."""
    tree, dragon = contestants.BOX, contestants.JULIA

    def mandelbrot_of(side: int) -> Problem:
        return contestants.mandelbrot(Box(side, side, tree.center, tree.extent), MAX_ITER)

    def julia_of(side: int) -> Problem:
        box = Box(side, side, dragon.center, dragon.extent)
        return contestants.julia(box, contestants.DRAGON, MAX_ITER)

    wide_tree = Box(1200, 800, tree.center, 0.006 + 0.004j)
    wide_dragon = Box(1200, 800, dragon.center, 3.3 + 2.2j)
    return [
        (mandelbrot_of, Picture(wide_tree, MAX_ITER)),
        (julia_of, Picture(wide_dragon, MAX_ITER, contestants.DRAGON)),
    ]


def _side(build: Callable[[int], Problem]) -> int:
    """The largest picture that NumPy does soon enough on this machine."""
    tried = 128
    took = _time_of(build(tried).contestants["NumPy"])
    fitting = (side for side in SIDES if took * (side / tried) ** 2 < SECONDS_OF_NUMPY)
    return next(fitting, SIDES[-1])


def _event(problem: Problem, picture: Picture | None, text: str = "") -> Event:
    # NumPy takes about half of each round, and two rounds come before the timed ones.
    a_round = 2 * _time_of(problem.contestants["NumPy"])
    runs = max(FEWEST_RUNS, min(MOST_RUNS, int(SECONDS_A_RACE / a_round) - 2))
    small = _race(problem.small, FEWEST_RUNS) if problem.small else None
    return Event(problem, _race(problem, runs), picture, small, text)


def _race(problem: Problem, runs: int) -> Race:
    return race(problem.contestants, check=problem.check, repeat=runs)


def _one_point() -> Lost:
    problem = _demo_problems.one_point()
    outcome = race(problem.contestants)
    return Lost(
        problem.title,
        outcome,
        "The call costs more than the work. For a handful of numbers plain Python is good enough, "
        "and needs nothing installed.",
    )


def _own_formula() -> list[Lost]:
    problem = _demo_problems.burning_ship(96)
    if problem.missing:
        return []
    compiling = _time_of(problem.contestants["Numba"])
    outcome = race(problem.contestants, repeat=FEWEST_RUNS)
    ratio = significant(outcome.speedup["Numba"])
    return [
        Lost(
            problem.title,
            outcome,
            "This package has no kernel for it, and writing one takes C. Numba takes the Python "
            f"loop as it stands, with one more line, and makes it {ratio} times as fast; the price "
            f"is compiling at the first call, {seconds(compiling)} here.",
        )
    ]
