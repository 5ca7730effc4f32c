"""Ctrl-C and progress: a call can be stopped and watched, whatever its arguments."""

from __future__ import annotations

import cmath
import gc
import math
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import pyparallel as pp
from pyparallel._load import core

FOR_EVER = 2**31 - 1

# 0.2 s are promised on a machine that has nothing else to do; this is for those that have.
LATEST = 1.0

GOLDEN = cmath.exp(2j * math.pi * (math.sqrt(5) - 1) / 2)

# Orbits (z, c) that neither escape nor come round within the time of a test.
CHAOTIC = {
    "chaotic": (0, -1.9),
    "chaotic, coming close to |z| = 2": (0.4, -2),
    "turning in a Siegel disc": (0.1, GOLDEN / 2 - GOLDEN**2 / 4),
}

BOX = pp.Box(67, 41, center=-0.7453 + 0.1127j, extent=6.5e-4 + 6.5e-4j)


def seconds_to_stop(call: Callable[[], object], after: float = 0.25) -> float:
    """Interrupt the call; how long it took to raise KeyboardInterrupt."""
    sent = []

    def interrupt() -> None:
        sent.append(time.perf_counter())
        signal.raise_signal(signal.SIGINT)

    timer = threading.Timer(after, interrupt)
    gc.disable()  # its callbacks, of which hypothesis has one, would swallow the exception
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            call()
        return time.perf_counter() - sent[0]
    finally:
        timer.cancel()
        timer.join()
        gc.enable()


def assert_usable() -> None:
    """Calls work as if nothing had happened."""
    counts = pp.mandelbrot(BOX, 300, num_threads=2)
    assert_array_equal(counts, pp.mandelbrot(BOX, 300, num_threads=1))
    assert pp.escape_time(0, [0, 1], 9).tolist() == [8, 2]


# --- Ctrl-C --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", CHAOTIC)
def test_ctrl_c_stops_one_pixel_of_2_to_the_31_iterations(kind):
    z, c = CHAOTIC[kind]
    assert seconds_to_stop(lambda: pp.escape_time(z, c, FOR_EVER)) < LATEST
    assert_usable()


def test_ctrl_c_stops_a_box_of_one_pixel():
    box = pp.Box(1, 1, center=-1.9, extent=1 + 1j)
    assert seconds_to_stop(lambda: pp.mandelbrot(box, FOR_EVER, num_threads=16)) < LATEST
    assert seconds_to_stop(lambda: pp.julia(box, -1.9, FOR_EVER, num_threads=1)) < LATEST
    assert_usable()


@pytest.mark.parametrize("threads", [1, 2, 16])
def test_ctrl_c_stops_many_pixels(threads):
    c = np.linspace(-1.95, -1.9, 10_000)
    call = lambda: pp.escape_time(0, c, FOR_EVER, num_threads=threads)
    assert seconds_to_stop(call) < LATEST
    assert_usable()


def test_ctrl_c_stops_a_large_picture():
    """Nearly all of it lies in the Siegel disc, so that no machine is done before."""
    box = pp.Box(5000, 5000, center=0, extent=0.2 + 0.2j)
    c = CHAOTIC["turning in a Siegel disc"][1]
    assert seconds_to_stop(lambda: pp.julia(box, c, FOR_EVER)) < LATEST


@pytest.mark.parametrize("slices", [(0.0, 0), (0.0, 1)], ids=["minimum", "shrinking"])
def test_ctrl_c_stops_a_call_in_slices(slices):
    core.set_slices(*slices)
    c = np.linspace(-1.95, -1.9, 500)
    assert seconds_to_stop(lambda: pp.escape_time(0, c, FOR_EVER, num_threads=4)) < LATEST
    core.set_slices(0.1, 0)
    assert_usable()


def test_ctrl_c_stops_a_call_that_reports_progress():
    def call() -> None:
        pp.escape_time(0, [-1.9] * 10, FOR_EVER, progress=lambda done, total: None)

    assert seconds_to_stop(call) < LATEST
    assert_usable()


def test_ctrl_c_stops_a_call_inside_a_progress_callback():
    def outer(done: int, total: int) -> None:
        pp.escape_time(0, -1.9, FOR_EVER)

    call = lambda: pp.escape_time(0, -1.9, FOR_EVER, progress=outer)
    assert seconds_to_stop(call) < LATEST
    assert_usable()


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="the system has no timers")
def test_a_signal_handler_may_raise_anything_or_call_again():
    seen = []

    def handler(number: int, frame: object) -> None:
        seen.append(pp.mandelbrot(BOX, 300, num_threads=2))
        if len(seen) == 3:
            raise LookupError("enough")

    before = signal.signal(signal.SIGALRM, handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
        with pytest.raises(LookupError, match="enough"):
            pp.escape_time(0, [-1.9] * 10, FOR_EVER, num_threads=2)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    for counts in seen:
        assert_array_equal(counts, pp.mandelbrot(BOX, 300))


LEAKS = """
import gc, resource, signal, sys, tracemalloc
import numpy as np, pyparallel as pp
from pyparallel._load import core

def stop(*args):
    raise KeyboardInterrupt

signal.signal(signal.SIGALRM, stop)
core.set_slices(0.001, 0)
c = np.full(2000, -1.9)
out = np.zeros(2000, np.int64)

def once(call):
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.002)
        call()
    except KeyboardInterrupt:
        return
    raise SystemExit("not interrupted")

def all_kinds():
    once(lambda: pp.escape_time(0, c, 2**31 - 1, num_threads=16))
    once(lambda: pp.escape_time(0, c, 2**31 - 1, out=out, num_threads=16))
    once(lambda: pp.escape_time(0, -1.9, 2**31 - 1, num_threads=1, progress=max))

tracemalloc.start()
for _ in range(60):  # until the interpreter's caches are full
    all_kinds()

def state():
    gc.collect()
    return tracemalloc.get_traced_memory()[0], sys.getrefcount(c), sys.getrefcount(out)

before, resident = state(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for _ in range(60):
    all_kinds()
after = state()
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - resident
unit = 1024 if sys.platform == "darwin" else 1
print(after[0] - before[0], after[1:] == before[1:], grown // unit)
"""


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="the system has no timers")
def test_nothing_leaks_from_interrupted_calls(run_python):
    """The states of 16 workers, or 2000 counts, 60 times over, would be more."""
    memory, references, resident = run_python(LEAKS).stdout.split()
    assert references == "True"
    assert int(memory) < 100_000
    assert int(resident) < 8192


# --- progress ------------------------------------------------------------------------------------

Reports = list[tuple[int, int]]


def long_call(**options: Any) -> np.ndarray:
    """About half a second, whatever the machine: pixels that never end, as many as it takes."""
    return pp.escape_time(0, np.linspace(-1.95, -1.9, 400), long_call.max_iter, **options)


@pytest.fixture(scope="module", autouse=True)
def _measure_this_machine() -> None:
    long_call.max_iter = 10_000
    while True:
        start = time.perf_counter()
        long_call(num_threads=2)
        elapsed = time.perf_counter() - start
        if elapsed > 0.05:
            long_call.max_iter = int(long_call.max_iter * 0.5 / elapsed)
            return
        long_call.max_iter *= 4


def check_reports(reports: Reports, total: int) -> None:
    assert all(of == total for _, of in reports)
    assert all(0 <= a <= b for (a, _), (b, _) in pairwise(reports))
    assert reports[-1] == (total, total)


def test_progress_never_decreases_and_ends_with_the_total():
    reports: Reports = []
    counts = long_call(num_threads=2, progress=lambda *report: reports.append(report))
    assert len(reports) > 1
    check_reports(reports, 400)
    assert_array_equal(counts, long_call())


INTERVALS = """
import sys, time
import numpy as np, pyparallel as pp
times = []
c = np.linspace(-1.95, -1.9, 400)
report = lambda done, total: times.append(time.perf_counter())
pp.escape_time(0, c, int(sys.argv[1]), num_threads=2, progress=report)
print(*np.diff(times[:-1]))  # the last one comes at the end
"""


def test_progress_is_called_at_most_every_tenth_of_a_second(run_python):
    """In a process of its own, for the time of a slice is what tests change."""
    intervals = run_python(INTERVALS, str(2 * long_call.max_iter)).stdout.split()
    assert intervals
    assert all(float(interval) > 0.099 for interval in intervals)


@pytest.mark.parametrize("threads", [1, 2, 7])
@pytest.mark.parametrize("shrink", [0, 1], ids=["minimum slices", "shrinking teams"])
def test_progress_in_many_slices(threads, shrink):
    box = pp.Box(600, 400, BOX.center, BOX.extent)
    core.set_slices(0.0, shrink)
    reports: Reports = []
    counts = pp.mandelbrot(box, 1000, num_threads=threads, progress=lambda *r: reports.append(r))
    assert len(reports) > 20
    check_reports(reports, 600 * 400)
    assert len({done for done, _ in reports}) > 10  # it does move
    assert reports[-2][0] > 0.7 * 600 * 400
    assert_array_equal(counts, pp.mandelbrot(box, 1000))


@pytest.mark.parametrize(
    ("call", "total"),
    [
        (lambda p: pp.mandelbrot(BOX, 5, progress=p), 67 * 41),
        (lambda p: pp.julia(BOX, 0.3, 5, progress=p), 67 * 41),
        (lambda p: pp.escape_time(np.zeros((3, 1)), np.zeros(4), 5, progress=p), 12),
        (lambda p: pp.escape_time(0, 0, 5, progress=p), 1),
        (lambda p: pp.escape_time(0, [], 5, progress=p), 0),
    ],
)
def test_a_short_call_reports_once_at_the_end(call, total):
    reports: Reports = []
    call(lambda *report: reports.append(report))
    assert reports == [(total, total)]


def test_progress_is_called_in_the_calling_thread():
    def idents(_: object = None) -> tuple[int, set[int]]:
        seen: set[int] = set()
        long_call(num_threads=2, progress=lambda done, total: seen.add(threading.get_ident()))
        return threading.get_ident(), seen

    with ThreadPoolExecutor(1) as pool:
        for caller, seen in [idents(), *pool.map(idents, range(1))]:
            assert seen == {caller}


class Stop(Exception):
    pass


@pytest.mark.parametrize("error", [Stop, KeyboardInterrupt, SystemExit, StopIteration])
@pytest.mark.parametrize("where", ["main", "another"])
def test_an_exception_of_progress_stops_the_work_and_propagates(error, where):
    calls, raised = [], error("enough")

    def progress(done: int, total: int) -> None:
        calls.append(done)
        raise raised

    def call() -> None:
        with pytest.raises(error) as caught:
            pp.escape_time(0, [-1.9] * 10, FOR_EVER, num_threads=2, progress=progress)
        assert caught.value is raised

    if where == "main":
        call()
    else:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(call).result(timeout=60)
    assert len(calls) == 1
    assert_usable()


def test_an_exception_of_the_last_report_propagates():
    def progress(done: int, total: int) -> None:
        raise Stop

    with pytest.raises(Stop):
        pp.mandelbrot(BOX, 5, progress=progress)


def test_progress_may_call_again_with_any_number_of_threads():
    expected = pp.mandelbrot(BOX, 300, num_threads=1)
    depths = []

    def progress(done: int, total: int) -> None:
        depths.append(0)
        for threads in (1, 2, 3):
            assert_array_equal(pp.mandelbrot(BOX, 300, num_threads=threads), expected)
        with pp.threads(2):
            inner = pp.mandelbrot(BOX, 300, progress=lambda done, total: depths.append(1))
        assert_array_equal(inner, expected)

    core.set_slices(0.02, 0)
    counts = long_call(num_threads=2, progress=progress)
    core.set_slices(0.1, 0)
    assert {0, 1} == set(depths)
    assert_array_equal(counts, long_call())


def test_progress_works_in_many_threads_at_once():
    def work(_: int) -> Reports:
        reports: Reports = []
        counts = pp.mandelbrot(BOX, 3000, num_threads=2, progress=lambda *r: reports.append(r))
        assert_array_equal(counts, expected)
        return reports

    expected = pp.mandelbrot(BOX, 3000)
    core.set_slices(0.001, 0)
    with ThreadPoolExecutor(4) as pool:
        for reports in pool.map(work, range(8)):
            check_reports(reports, 67 * 41)


def test_none_is_no_progress():
    assert_array_equal(pp.mandelbrot(BOX, 50, progress=None), pp.mandelbrot(BOX, 50))
