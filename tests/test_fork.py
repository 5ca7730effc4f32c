"""Forked processes: parent and child both run parallel calls afterwards."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import pyparallel as pp

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")

# Python 3.12 warns of a fork beside other threads, which is what some of these do on purpose.
SETUP = """
import multiprocessing, os, signal, sys, threading, time, warnings
from concurrent.futures import ProcessPoolExecutor
import numpy as np
import pyparallel as pp

warnings.simplefilter("ignore", DeprecationWarning)
box = pp.Box(200, 150, center=-0.75 + 0.1j, extent=0.3 + 0.2j)
expected = int(pp.mandelbrot(box, 100, num_threads=1).sum())

def work(threads=2):
    assert int(pp.mandelbrot(box, 100, num_threads=threads).sum()) == expected
    return threads

def in_child(f):
    "Run f in a forked child; end this process when that fails, or takes more than 10 s."
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            f()
            code = 0
        finally:
            os._exit(code)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            assert status == 0, status
            return
        time.sleep(0.005)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    raise SystemExit("the child hangs")

def in_thread(f):
    thread = threading.Thread(target=f)
    thread.start()
    thread.join()

work()
"""

TESTS = {
    "a child works, and the parent after it": """
in_child(work)
work()
in_child(lambda: work(4))
work(3)
""",
    "a child of a child works": """
def child():
    work()
    in_child(work)
    work()

in_child(child)
work()
""",
    "a child need not be the first to work": """
for _ in range(3):
    in_child(lambda: None)
    work()
    in_child(work)
""",
    "a thread that has worked forks": """
failed = []

def thread():
    try:
        work()
        in_child(work)
        work()
    except BaseException as error:
        failed.append(error)

in_thread(thread)
assert not failed, failed
work()
""",
    "another thread works during the fork": """
stop = threading.Event()

def busy():
    while not stop.is_set():
        work(3)

thread = threading.Thread(target=busy)
thread.start()
try:
    for _ in range(5):
        in_child(work)
        work()
finally:
    stop.set()
    thread.join()
""",
    "a progress callback forks": """
from pyparallel._load import core

core.set_slices(0.001, 0)
calls = []

def progress(done, total):
    if len(calls) < 3:
        calls.append(done)
        in_child(work)

large = pp.Box(600, 500, center=-0.75 + 0.1j, extent=0.01 + 0.01j)
counts = pp.mandelbrot(large, 3000, num_threads=2, progress=progress)
assert len(calls) == 3
assert (counts == pp.mandelbrot(large, 3000, num_threads=1)).all()
""",
    "a pool of multiprocessing": """
with multiprocessing.get_context("fork").Pool(2) as pool:
    assert pool.map_async(work, [2, 3, 2, 1]).get(timeout=20) == [2, 3, 2, 1]
work()
""",
    "a pool of concurrent.futures": """
context = multiprocessing.get_context("fork")
with ProcessPoolExecutor(2, mp_context=context) as pool:
    assert list(pool.map(work, [2, 3, 2, 1], timeout=20)) == [2, 3, 2, 1]
work()
""",
}


@pytest.mark.parametrize("test", TESTS)
def test_parent_and_child_both_work(run_python, test):
    run_python(SETUP + TESTS[test], timeout=40)


INTERRUPT = """
class Ring(Exception):
    pass

def ring(*args):
    raise Ring

def child():
    "The only thread of a child is its main thread: signals reach it."
    signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    try:
        pp.escape_time(0, [-1.9] * 9, 2**31 - 1, num_threads=2)
    except Ring:
        work()
    else:
        raise SystemExit("the signal did not stop the call")
"""


@pytest.mark.parametrize("forked_from", ["in_child(child)", "in_thread(lambda: in_child(child))"])
def test_signals_stop_a_call_in_a_child(run_python, forked_from):
    failing = "threading.excepthook = lambda args: os._exit(1)"
    run_python(SETUP + INTERRUPT + failing + "\n" + forked_from, timeout=40)


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="counts threads in /proc")
@pytest.mark.skipif(not pp.config()["openmp"], reason="built without OpenMP")
def test_no_idle_threads_are_left_at_a_fork(run_python):
    """What they would be in the child: gone, and waited for. (LLVM's runtime keeps its own.)"""
    if "gomp" not in Path("/proc/self/maps").read_text():
        pytest.skip("another runtime than libgomp")
    code = """
def threads():
    return len(os.listdir("/proc/self/task"))

def settled(n):
    deadline = time.monotonic() + 5
    while threads() != n and time.monotonic() < deadline:
        time.sleep(0.01)
    return threads()

work(4)
assert threads() == 4
in_child(lambda: None)
print(settled(1))
"""
    assert run_python(SETUP + code, OPENBLAS_NUM_THREADS="1").stdout.split() == ["1"]
