"""Reductions at work: bounded memory, Ctrl-C, many callers at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import pyparallel as pp
from pyparallel._load import core
from tests.conftest import RunPython
from tests.test_interrupts import LATEST, seconds_to_stop

ALL = ["sum", "mean", "var", "std", "norm", "min", "max", "minmax", "argmin", "argmax"]
ALL += ["count_nonzero"]

# --- memory --------------------------------------------------------------------------------------

# How much the peak grows: arrays are made without one of their own, which would hide it. So would
# that of the tests' process, which Linux has ru_maxrss begin with, but not VmHWM.
TEMPORARIES = """
from pathlib import Path
import numpy as np, pyparallel as pp

def peak():
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().split("VmHWM:")[1].split()[0])
    import resource
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

a = {array}
calls = [lambda a, axis=axis, name=name: getattr(pp, name)(a, axis, num_threads=2)
         for name in {names} for axis in {axes}] or [lambda a: np.sum(a.copy())]
started = np.ones(300_000)  # stays, as its memory would be used again
pp.sum(started, num_threads=2)
for call in calls:
    call(a[:50])
before = peak()
for call in calls:
    call(a)
print(peak() - before)
"""
ARRAYS = {
    "plain": ("np.ones(8_000_000)", [None]),
    "Fortran order": ("np.ones((2000, 4000), order='F')", [None, 0, 1]),
    "Fortran order, ragged": ("np.ones((2000, 4001), order='F')", [None]),
    "Fortran order, few rows": ("np.ones((250, 200, 160), order='F')", [None]),
    "transposed": ("np.ones((100, 400, 200)).transpose(2, 0, 1)", [None, 1, 2]),
    "square": ("np.ones((2000, 4000))", [0, 1]),
    "narrow": ("np.ones((1_000_000, 8))", [0]),
    "every second": ("np.ones(16_000_000)[::-2]", [None]),
    "float32": ("np.ones(16_000_000, 'f4')", [None]),
    "foreign byte order": ("np.ones((2000, 4000), '>f8')", [None, 0, 1]),
    "int8": ("np.ones(64_000_000, 'i1')", [None]),
    "int8, in columns": ("np.ones((1_000_000, 64), 'i1')", [0]),
}


def grown(run_python: RunPython, array: str, names: list[str]) -> int:
    """In kB, by all these reductions."""
    pytest.importorskip("resource")
    create, axes = ARRAYS[array]
    return int(run_python(TEMPORARIES.format(array=create, names=names, axes=axes)).stdout)


@pytest.mark.parametrize("array", ARRAYS)
def test_temporaries_are_small(run_python, array):
    """Copies would have 32 MB or more. A MiB is allowed to each of two threads, as much again to
    the results, of which some have half, and to what the system adds."""
    assert grown(run_python, array, ALL) < 4096


@pytest.mark.parametrize("array", ARRAYS)
def test_a_copy_would_be_seen(run_python, array):
    assert grown(run_python, array, []) > 30_000


# --- Ctrl-C --------------------------------------------------------------------------------------

SIDE = 2**20
BLOCK = np.random.default_rng(0).normal(size=(1000, 70))
# As long as one likes, for their elements repeat.
ENDLESS = {
    "a number": np.broadcast_to(0.1, (SIDE, SIDE)),
    "float32": np.broadcast_to(BLOCK.astype("f4"), (SIDE, 1000, 70)),
    "integers": np.broadcast_to(BLOCK.astype("i4"), (SIDE, 1000, 70)),
    "bytes": np.broadcast_to(BLOCK.astype("i1"), (SIDE, 1000, 70)),
    "Fortran order": np.broadcast_to(np.asfortranarray(BLOCK), (SIDE, 1000, 70)),
    "Fortran order, long rows": np.broadcast_to(np.asfortranarray(BLOCK.T), (SIDE, 70, 1000)),
    "foreign byte order": np.broadcast_to(BLOCK.astype(">f8"), (SIDE, 1000, 70)),
    "columns": np.broadcast_to(BLOCK[:, :3], (SIDE, 1000, 3)),
}


def assert_usable() -> None:
    a = np.arange(100_000.0)
    assert pp.sum(a, num_threads=2) == pp.sum(a, num_threads=1) == 4_999_950_000
    assert pp.argmin(-a) == 99_999


@pytest.mark.parametrize("array", ENDLESS)
@pytest.mark.parametrize("name", ["sum", "var", "norm", "min", "argmin", "minmax"])
def test_ctrl_c_stops_a_reduction_of_everything(name, array):
    call = lambda: getattr(pp, name)(ENDLESS[array], num_threads=2)
    assert seconds_to_stop(call, after=0.1) < LATEST
    assert_usable()


LONG_ROWS = np.broadcast_to(BLOCK[:, :1], (1000, 2**40))


@pytest.mark.parametrize(
    ("a", "axis"),
    [
        (ENDLESS["integers"], 0),
        (ENDLESS["Fortran order"], (0, 1)),
        (ENDLESS["Fortran order"], (0, 2)),
        (ENDLESS["columns"], (0, 1)),
        (LONG_ROWS, 1),
        (LONG_ROWS.T, 0),
    ],
    ids=["columns", "some", "others", "few columns", "rows", "rows that stand"],
)
def test_ctrl_c_stops_a_reduction_along_some_axes(a, axis):
    for name in ("sum", "std", "count_nonzero", "max" if isinstance(axis, tuple) else "argmax"):
        call = lambda name=name: getattr(pp, name)(a, axis, num_threads=3)
        assert seconds_to_stop(call, after=0.1) < LATEST
    assert_usable()


@pytest.mark.parametrize("slices", [(0.0, 0), (0.0, 1)], ids=["minimum", "shrinking"])
@pytest.mark.parametrize("threads", [1, 4])
def test_ctrl_c_stops_a_reduction_in_slices(slices, threads):
    core.set_slices(*slices)
    vector = np.broadcast_to(0.1, 2**50)
    calls: list[Callable[[], object]] = [
        lambda: pp.sum(ENDLESS["Fortran order"], num_threads=threads),
        lambda: pp.dot(vector, vector, num_threads=threads),
        lambda: pp.argmax(ENDLESS["integers"], 0, num_threads=threads),
    ]
    for call in calls:
        assert seconds_to_stop(call, after=0.1) < LATEST
    core.set_slices(0.1, 0)
    assert_usable()


# --- many callers --------------------------------------------------------------------------------


def test_many_python_threads_may_reduce_at_once():
    rng = np.random.default_rng(0)
    tables = [rng.normal(size=(300, 401)), rng.integers(-9, 9, (1000, 70)), rng.random(70_000)]
    tables += [np.asfortranarray(tables[0]), tables[0].astype("f4")]
    for table in tables:
        table.flags.writeable = False
    cases = [(name, a, axis) for name in ALL for a in tables for axis in (None, *range(a.ndim))]
    expected = [np.array(getattr(pp, name)(a, axis)).tobytes() for name, a, axis in cases]
    barrier = threading.Barrier(8, timeout=30)

    def work(n: int) -> None:
        barrier.wait()
        for k in range(len(cases)):  # each begins elsewhere
            at = (k + 17 * n) % len(cases)
            name, a, axis = cases[at]
            found = getattr(pp, name)(a, axis, num_threads=(n + k) % 4 + 1)
            assert np.array(found).tobytes() == expected[at]

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))


def test_other_calls_may_write_their_results_at_the_same_time():
    a = np.random.default_rng(0).normal(size=(200, 500))
    expected = [pp.sum(a, axis).copy() for axis in (0, 1)]

    def work(n: int) -> None:
        axis = n % 2
        out = np.zeros_like(expected[axis])
        for _ in range(50):
            assert pp.sum(a, axis, out=out, num_threads=2) is out
            assert out.tobytes() == expected[axis].tobytes()
            out[:] = 0

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))
