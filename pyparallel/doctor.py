"""Is this machine ready for the lesson? Findings, each with its cure, and a verdict."""

from __future__ import annotations

import itertools
import math
import multiprocessing
import os
import platform
import shutil
import socket
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata

from pyparallel import _metadata, compilers
from pyparallel._cores import physical_cores
from pyparallel._threads import config
from pyparallel.fractals import Box, mandelbrot

# The lesson's own case: unequal rows, a few dozen milliseconds.
BOX = Box(512, 512, center=-1.1195 + 0.2718j, extent=0.005 + 0.005j)
MAX_ITER = 1024
# Two threads are 1.9 times as fast as one on two idle cores; below this something is in the way.
GOOD_SPEEDUP = 1.5
RUNS = 9
TIME_TO_MEASURE = 2.5  # seconds
ENOUGH_GIB = 3.5  # of memory: "4 GB" is a little less, and a part is the system's


@dataclass(frozen=True)
class Finding:
    """One thing looked at.

    Attributes
    ----------
    name : str
        What was looked at.
    ok : bool
        False where something is missing that the lesson needs.
    text : str
        What was found.
    cure : str or None
        What to do about it. With ``ok`` it is advice: the lesson works without.
    """

    name: str
    ok: bool
    text: str
    cure: str | None = None


def examine(progress: Callable[[str], object] | None = None) -> list[Finding]:
    """Look at all that the lesson needs of this machine; takes a few seconds.

    Parameters
    ----------
    progress : callable, optional
        Called with the name of each check before it runs.

    Returns
    -------
    list of Finding

    Examples
    --------
    >>> from pyparallel.doctor import examine, verdict
    >>> findings = examine()
    >>> print(verdict(findings))  # doctest: +SKIP
    This machine is ready for the lesson: two threads are 1.97 times as fast as one, measured.
    """
    findings: list[Finding] = []
    for name, check in CHECKS.items():
        if progress:
            progress(name)
        findings += check()
    return findings


def verdict(findings: list[Finding]) -> str:
    """The findings in one sentence.

    Parameters
    ----------
    findings : list of Finding
        From `examine`.

    Returns
    -------
    str
    """
    missing = [finding.name for finding in findings if not finding.ok]
    if missing:
        return f"This machine is not ready for the lesson: see {_listed(missing)}."
    advice = [finding.name for finding in findings if finding.cure]
    if advice:
        return f"This machine is ready for the lesson, with advice on {_listed(advice)}."
    measured = [finding.text for finding in findings if finding.name == "two threads"]
    why = f"two threads are {measured[0]}" if measured else "nothing is missing"
    return f"This machine is ready for the lesson: {why}."


def usable_cores() -> int:
    """The cores that threads of this process can really use at once."""
    machine = config()
    limits = (machine["cpus"], machine["affinity"], machine["cgroup_quota"])
    return min((limit for limit in limits if limit), default=1)


def two_thread_speedup() -> float:
    """How many times faster the Mandelbrot kernel is with two threads than with one, measured.

    The runs are interleaved and the best of each kind counts, so other work on the machine
    disturbs both alike. While the answer is poor, it looks again for a while: a busy moment must
    not pass for a missing core.
    """
    mandelbrot(BOX, MAX_ITER, num_threads=2)
    one = two = math.inf
    start = time.perf_counter()
    for done in itertools.count():
        elapsed = time.perf_counter() - start
        enough = done >= RUNS and one / two >= GOOD_SPEEDUP
        if done and (enough or elapsed > TIME_TO_MEASURE):
            break
        one = min(one, _time_of(1))
        two = min(two, _time_of(2))
    return one / two


def _time_of(num_threads: int) -> float:
    start = time.perf_counter()
    mandelbrot(BOX, MAX_ITER, num_threads=num_threads)
    return time.perf_counter() - start


def _listed(names: list[str]) -> str:
    if len(names) > 4:
        names = [*names[:3], f"{len(names) - 3} more"]
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def _python() -> Iterator[Finding]:
    yield Finding("Python", True, f"{platform.python_version()} ({platform.machine()})")


def _cores() -> Iterator[Finding]:
    machine = config()
    usable = usable_cores()
    limits = {
        "in the machine": machine["cpus"],
        "physical": physical_cores(),
        "allowed by affinity": machine["affinity"],
        "allowed by the container's quota": machine["cgroup_quota"],
    }
    text = f"{usable} usable"
    text += f" ({', '.join(f'{n} {why}' for why, n in limits.items() if n)})"
    cure = None
    if usable < 2:
        cure = "give this machine or container two cores: with one, no parallel speed is judged"
    yield Finding("cores", True, text, cure)

    number, reason = machine["num_threads"], machine["num_threads_reason"]
    if machine["openmp"] and number != usable:
        yield Finding(
            "threads",
            True,
            f"{number} by default, decided by {reason}, but {usable} cores are usable",
            "unset OMP_NUM_THREADS" if reason == "OMP_NUM_THREADS" else "pp.set_num_threads(-1)",
        )


def _openmp() -> Iterator[Finding]:
    if config()["openmp"]:
        yield Finding("OpenMP", True, "built in")
    else:
        mac = "brew install libomp, then " if sys.platform == "darwin" else ""
        line = "pip install --force-reinstall --no-deps --no-cache-dir"
        yield Finding(
            "OpenMP",
            False,
            "this build has none: every kernel runs on one thread",
            f"{mac}build again with a compiler that has OpenMP: {line}"
            f" {_metadata.distribution() or '-e .'}",
        )


def _instructions() -> Iterator[Finding]:
    machine = config()
    forced = os.environ.get("PYPARALLEL_ISA")
    yield Finding(
        "instructions",
        True,
        f"{machine['isa']} (this CPU has: {', '.join(machine['isa_available'])})",
        "unset PYPARALLEL_ISA, which forces this variant" if forced else None,
    )


def _two_threads() -> Iterator[Finding]:
    if not config()["openmp"]:
        return
    if usable_cores() < 2:
        yield Finding("two threads", True, "not judged: only one core is usable")
        return
    speedup = two_thread_speedup()
    cure = None
    if speedup < GOOD_SPEEDUP:
        cure = "close other programs, plug in the laptop, then run this again"
        if physical_cores() == 1:
            cure = "none: the two CPUs are hyper-threads that share one core"
    yield Finding("two threads", True, f"{speedup:.2f} times as fast as one, measured", cure)


def _gil() -> Iterator[Finding]:
    free_threaded = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
    on = config()["gil"]
    build = "free-threaded build" if free_threaded else "the usual build"
    cure = "unset PYTHON_GIL" if free_threaded and on and "PYTHON_GIL" in os.environ else None
    yield Finding("GIL", True, f"{'on' if on else 'off'} ({build})", cure)


def _start_method() -> Iterator[Finding]:
    # get_start_method() would fix the default for this process; the first of the list is it.
    chosen = multiprocessing.get_start_method(allow_none=True)
    method = chosen or multiprocessing.get_all_start_methods()[0]
    yield Finding("processes", True, f"start by {method} (multiprocessing's start method)")


def _libraries() -> Iterator[Finding]:
    try:
        libraries = _metadata.needs("lesson")
    except metadata.PackageNotFoundError:
        yield Finding(
            "installation",
            False,
            "pyparallel runs from a folder, but is not installed",
            _metadata.install_line("lesson"),
        )
        return
    except ModuleNotFoundError as missing:
        name = str(missing.name).partition(".")[0]
        yield Finding(name, False, "missing", _metadata.install_line("lesson"))
        return
    ours = _metadata.distribution()
    for library in libraries:
        if not library.satisfied or library.needed_by == ours:
            yield _library(library)


def _library(library: _metadata.Library) -> Finding:
    if library.satisfied:
        return Finding(library.name, True, f"{library.installed}")
    wanted = f"{library.name}{library.wanted}"
    by = "" if library.needed_by == _metadata.distribution() else f" (for {library.needed_by})"
    if library.installed:
        text = f"{library.installed} does not satisfy {wanted}{by}"
        return Finding(library.name, False, text, f'pip install "{wanted}"')
    return Finding(library.name, False, f"missing{by}", _metadata.install_line("lesson"))


def _compilers() -> Iterator[Finding]:
    """Only one episode compiles, and it can be read along: what is missing is advice."""
    c, cxx = compilers.find_c(), compilers.find_cxx()
    cure = _compiler_cure()
    if c is None:
        zig = f"{cure}; or, for the part in C, {_metadata.install_line('lesson-c')}"
        yield Finding("C compiler", True, "none: episode 9 can only be read along", zig)
    elif cxx is None:
        lacks = "no C++, or no Python.h: episode 9 can only be read along where it needs these"
        yield Finding("C compiler", True, f"{c.name}, but {lacks}", cure)
    else:
        yield Finding(
            "C compiler", True, f"{c.name} ({' '.join([*c.command, 'and', *cxx.command])})"
        )


def _compiler_cure() -> str:
    if sys.platform == "darwin":
        return "xcode-select --install"
    if sys.platform == "win32":
        return "winget install Microsoft.VisualStudio.2022.BuildTools, with its C++ workload"
    managers = {
        "apt-get": "sudo apt-get install build-essential python3-dev",
        "dnf": "sudo dnf install gcc-c++ python3-devel",
        "zypper": "sudo zypper install gcc-c++ python3-devel",
        "pacman": "sudo pacman -S base-devel",
        "apk": "sudo apk add build-base python3-dev",
    }
    lines = (line for name, line in managers.items() if shutil.which(name))
    return next(lines, "install gcc, g++ and the headers of this Python")


def _memory() -> Iterator[Finding]:
    try:
        import psutil  # type: ignore[import-untyped]
    except ImportError:  # listed among the libraries
        return
    gib = psutil.virtual_memory().total / 2**30
    cure = None if gib >= ENOUGH_GIB else "close other programs: the lesson is made for 4 GiB"
    yield Finding("memory", True, f"{gib:.1f} GiB", cure)


def _loopback() -> Iterator[Finding]:
    """JupyterLab, its kernels, Dask's cluster and a small server all talk to this very machine."""
    try:
        with socket.create_server(("127.0.0.1", 0)) as server:
            address = server.getsockname()
            socket.create_connection(address, timeout=5).close()
    except OSError as error:
        cure = "let Python make connections to 127.0.0.1: ask the firewall, or who runs the machine"
        yield Finding("connections", False, f"none to this machine itself: {error}", cure)
    else:
        yield Finding("connections", True, "to this machine itself")


CHECKS: dict[str, Callable[[], Iterator[Finding]]] = {
    "Python": _python,
    "cores": _cores,
    "OpenMP": _openmp,
    "instructions": _instructions,
    "two threads": _two_threads,
    "GIL": _gil,
    "processes": _start_method,
    "memory": _memory,
    "connections": _loopback,
    "C compiler": _compilers,
    "libraries": _libraries,
}
