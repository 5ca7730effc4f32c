"""How many threads: the process default and why, ``pp.threads``, ``pp.config``, fork."""

from __future__ import annotations

import math
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pyparallel._load import core


def version() -> str:
    """The version in the installed metadata."""
    from importlib import metadata  # 10 ms that only this needs

    try:
        return metadata.version("pyparallel-kernels")
    except metadata.PackageNotFoundError:
        return "0+unknown"


def _omp_num_threads() -> int | None:
    """The first number of OMP_NUM_THREADS, if it is one (ten digits are no number of threads)."""
    first = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    return int(first) if first.isdecimal() and len(first) < 10 and int(first) > 0 else None


def _affinity() -> int | None:
    """CPUs this process may run on, where the operating system tells."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return None


def _quota(limit: str, period: str) -> int | None:
    """CPUs that a quota of ``limit`` microseconds per ``period`` buys, rounded up."""
    try:
        us, per = int(limit), int(period)
    except ValueError:  # "max", or an empty file
        return None
    return max(1, math.ceil(us / per)) if us > 0 and per > 0 else None


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="surrogateescape").strip()  # a group may have any name
    except OSError:
        return ""


def _own_groups(root: Path) -> tuple[str, str]:
    """This process's cgroup paths: of v2, and of v1's cpu controller."""
    v2 = v1 = "/"
    for line in _read(root / "proc/self/cgroup").splitlines():
        hierarchy, controllers, path = line.split(":", 2)
        if hierarchy == "0":
            v2 = path
        elif "cpu" in controllers.split(","):
            v1 = path
    return v2, v1


def _upwards(base: Path, path: str) -> Iterator[Path]:
    """The group's folder and those above it: a limit on any of them holds."""
    parts = [part for part in path.split("/") if part not in ("", "..")]
    for n in range(len(parts), -1, -1):
        yield base.joinpath(*parts[:n])


def _cgroup_quota(root: Path = Path("/")) -> int | None:
    """The least CPU quota of cgroup v2, else v1, that holds for this process."""
    v2, v1 = _own_groups(root)
    base = root / "sys/fs/cgroup"
    quotas = [
        _quota(*words)
        for group in _upwards(base, v2)
        if len(words := _read(group / "cpu.max").split()) == 2
    ]
    if not quotas:
        quotas = [
            _quota(_read(group / "cpu.cfs_quota_us"), _read(group / "cpu.cfs_period_us"))
            for name in ("cpu", "cpu,cpuacct")
            for group in _upwards(base / name, v1)
        ]
    return min((quota for quota in quotas if quota), default=None)


def _usable() -> tuple[int, str]:
    """The CPUs that threads can use, and what limits them."""
    limits = [
        (_affinity(), "affinity"),
        (_cgroup_quota(), "cgroup quota"),
        (os.cpu_count(), "CPU count"),
    ]
    known = [(count, reason) for count, reason in limits if count]
    return min(known, key=lambda limit: limit[0], default=(1, "CPU count unknown"))


def _default() -> tuple[int, str]:
    if not core.build_info()["openmp"]:
        return 1, "built without OpenMP"
    wanted = _omp_num_threads()
    return (wanted, "OMP_NUM_THREADS") if wanted else _usable()


def _not_none(function: str, n: int) -> int:
    """``num_threads=None`` of a kernel is the default; here it would set what is already so."""
    if n is None:
        raise TypeError(f"{function}: n must be an integer, not NoneType")
    return n


def get_num_threads() -> int:
    """The number of threads a call would use here and now.

    Returns
    -------
    int
        That of the innermost ``pp.threads`` of this context, else the process default.

    Examples
    --------
    >>> import pyparallel as pp
    >>> with pp.threads(2):
    ...     pp.get_num_threads()
    2
    """
    return core.get_num_threads()


def set_num_threads(n: int) -> None:
    """Set the default number of threads of this process.

    Parameters
    ----------
    n : int
        At least 1, or -1 for all usable CPUs.

    Raises
    ------
    ValueError, TypeError
        For 0, other negative numbers, bools and floats.

    Examples
    --------
    >>> import pyparallel as pp
    >>> before = pp.get_num_threads()
    >>> pp.set_num_threads(1)
    >>> pp.get_num_threads()
    1
    >>> pp.set_num_threads(before)
    """
    global _reason
    core.set_num_threads(_not_none("set_num_threads", n))
    _reason = "set_num_threads"


@contextmanager
def threads(n: int) -> Iterator[None]:
    """Use ``n`` threads in the calls inside this ``with`` block.

    The number holds in this context (`contextvars`): other threads and asyncio tasks keep theirs.

    Parameters
    ----------
    n : int
        At least 1, or -1 for all usable CPUs.

    Examples
    --------
    >>> import pyparallel as pp
    >>> box = pp.Box(64, 64, center=-0.8, extent=3 + 3j)
    >>> with pp.threads(1):
    ...     serial = pp.mandelbrot(box, 100)
    >>> bool((serial == pp.mandelbrot(box, 100)).all())
    True
    """
    token = core.threads_var.set(core.resolve_threads("threads", _not_none("threads", n)))
    try:
        yield
    finally:
        core.threads_var.reset(token)


def config() -> dict[str, Any]:
    """What this build is and how many threads it uses here, and why.

    Returns
    -------
    dict
        ``version``, ``isa`` (the kernels' variant in use), ``isa_available``, ``openmp``,
        ``compiler`` (of the kernels), ``num_threads``, ``num_threads_reason`` (which rule
        decided), ``cpus``, ``affinity`` and ``cgroup_quota`` (in CPUs; None where there is none),
        ``gil`` (is it on?).

    Examples
    --------
    >>> import pyparallel as pp
    >>> pp.config()["num_threads"] >= 1
    True
    """
    number = core.get_num_threads()
    if core.threads_var.get(None) is not None:
        reason = "pp.threads"
    elif number < core.default_threads():
        reason = "OpenMP's limit in this thread"
    else:
        reason = _reason
    return {
        "version": version(),
        **core.build_info(),
        "num_threads": number,
        "num_threads_reason": reason,
        "cpus": os.cpu_count(),
        "affinity": _affinity(),
        "cgroup_quota": _cgroup_quota(),
        "gil": getattr(sys, "_is_gil_enabled", lambda: True)(),
    }


def show_config() -> None:
    """Print `config`, a line each.

    Examples
    --------
    >>> import pyparallel as pp
    >>> pp.show_config()  # doctest: +SKIP
    version             0.1.0
    isa                 avx512vnni
    """
    for name, value in config().items():
        print(f"{name:<19} {', '.join(value) if isinstance(value, list) else value}")


def _after_fork() -> None:
    core.set_main_thread(threading.main_thread().ident or threading.get_ident())


_number, _reason = _default()
core.configure(1, _usable()[0])
core.set_num_threads(_number)  # as many of them as the core is willing to start
core.set_main_thread(threading.main_thread().ident or threading.get_ident())
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=core.before_fork, after_in_child=_after_fork)
