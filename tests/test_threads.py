"""How many threads a call uses: the default and its reasons, who wins, and who is disturbed."""

from __future__ import annotations

import asyncio
import contextvars
import json
import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import pyparallel as pp
from pyparallel import _threads
from pyparallel._load import core

BOX = pp.Box(200, 150, center=-0.75 + 0.1j, extent=0.3 + 0.2j)

needs_openmp = pytest.mark.skipif(not pp.config()["openmp"], reason="built without OpenMP")
needs_affinity = pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity"), reason="the system has no affinity"
)

SAY_CONFIG = "import json, pyparallel as pp; print(json.dumps(pp.config()))"


def fresh_config(run_python, **env: str) -> dict:
    """`pp.config()` of a new process."""
    return json.loads(run_python(SAY_CONFIG, **env).stdout)


# --- the process default -------------------------------------------------------------------------


@needs_openmp
@pytest.mark.parametrize(
    ("value", "threads"), [("1", 1), ("3", 3), ("4,2", 4), (" 5 ", 5), ("7 , 2", 7), ("03", 3)]
)
def test_omp_num_threads_is_the_default(run_python, value, threads):
    found = fresh_config(run_python, OMP_NUM_THREADS=value)
    assert (found["num_threads"], found["num_threads_reason"]) == (threads, "OMP_NUM_THREADS")


@pytest.mark.parametrize(
    "value", ["", " ", "0", "-2", "junk", "2x", "1.5", ",2", "²", "9" * 20, "9" * 5000]
)
def test_without_a_number_in_omp_num_threads_the_machine_decides(monkeypatch, value):
    monkeypatch.setenv("OMP_NUM_THREADS", value)
    assert _threads._omp_num_threads() is None
    usable, reason = _threads._usable()
    assert _threads._default() == (usable, reason) or not pp.config()["openmp"]


def test_junk_in_omp_num_threads_is_no_reason_to_fail(run_python):
    for value in ("junk", "9" * 20):
        done = run_python(SAY_CONFIG, OMP_NUM_THREADS=value)  # the runtime may complain on stderr
        assert json.loads(done.stdout)["num_threads_reason"] != "OMP_NUM_THREADS"


@needs_openmp
def test_more_threads_than_any_machine_has_are_not_started(run_python):
    """A runtime that cannot start a thread ends the process."""
    code = "import pyparallel as pp; pp.mandelbrot(pp.Box(300, 300, 0, 3 + 3j), 50)"
    run_python(code + "; assert pp.get_num_threads() < 10_000", OMP_NUM_THREADS="100000")


def test_a_build_without_openmp_warns_once_when_threads_are_asked_for(run_python):
    code = """
import warnings
import pyparallel as pp
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    pp.escape_time(0, 0, 9, num_threads=1)
    assert not caught
    for threads in (2, 3, 2):
        pp.escape_time(0, 0, 9, num_threads=threads)
print(len(caught))
"""
    assert int(run_python(code).stdout) == (0 if pp.config()["openmp"] else 1)


def test_huge_numbers_of_threads_work():
    expected = pp.mandelbrot(BOX, 50, num_threads=1)
    for many in (1000, 2**31, 2**62, 2**63 - 1):
        assert_array_equal(pp.mandelbrot(BOX, 50, num_threads=many), expected)


@needs_affinity
@needs_openmp
def test_affinity_limits_the_default(run_python):
    cpu = min(os.sched_getaffinity(0))
    code = f"import os; os.sched_setaffinity(0, {{{cpu}}}); {SAY_CONFIG}"
    found = json.loads(run_python(code, OMP_NUM_THREADS=None).stdout)
    assert (found["num_threads"], found["num_threads_reason"]) == (1, "affinity")
    assert found["affinity"] == 1


@pytest.mark.parametrize(
    ("affinity", "quota", "cpus", "expected"),
    [
        (4, None, 8, (4, "affinity")),
        (8, 3, 8, (3, "cgroup quota")),
        (8, None, 6, (6, "CPU count")),
        (4, 4, 4, (4, "affinity")),
        (None, 4, 4, (4, "cgroup quota")),
        (None, None, 5, (5, "CPU count")),
        (None, None, None, (1, "CPU count unknown")),
    ],
)
def test_the_least_limit_decides_and_affinity_is_named_on_a_tie(
    monkeypatch, affinity, quota, cpus, expected
):
    monkeypatch.setattr(_threads, "_affinity", lambda: affinity)
    monkeypatch.setattr(_threads, "_cgroup_quota", lambda: quota)
    monkeypatch.setattr(os, "cpu_count", lambda: cpus)
    assert _threads._usable() == expected


@needs_openmp
def test_minus_1_is_all_usable_whatever_omp_num_threads_says(run_python):
    code = """
import pyparallel as pp
from pyparallel import _threads
before = pp.get_num_threads()
with pp.threads(-1):
    inside = pp.get_num_threads()
pp.set_num_threads(-1)
print(before, inside == _threads._usable()[0] == pp.get_num_threads())
"""
    assert run_python(code, OMP_NUM_THREADS="13").stdout.split() == ["13", "True"]


# --- CPU quotas of containers --------------------------------------------------------------------


def file_system(root: Path, files: dict[str, str]) -> Path:
    """A folder with these files, as the root of a machine."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


V2, V1 = "sys/fs/cgroup", "sys/fs/cgroup/cpu"
GROUP = "proc/self/cgroup"


@pytest.mark.parametrize(
    ("files", "quota"),
    [
        ({}, None),
        ({GROUP: "0::/\n"}, None),
        ({GROUP: "0::/\n", f"{V2}/cpu.max": "max 100000\n"}, None),
        ({GROUP: "0::/\n", f"{V2}/cpu.max": ""}, None),
        ({GROUP: "0::/\n", f"{V2}/cpu.max": "junk\n"}, None),
        ({GROUP: "0::/\n", f"{V2}/cpu.max": "0 100000\n"}, None),
        ({GROUP: "0::/\n", f"{V2}/cpu.max": "200000 0\n"}, None),
        ({GROUP: "0::/\n", f"{V2}/cpu.max": "200000 100000\n"}, 2),
        ({GROUP: "0::/\n", f"{V2}/cpu.max": "150000 100000\n"}, 2),
        ({GROUP: "0::/\n", f"{V2}/cpu.max": "200001 100000\n"}, 3),
        ({GROUP: "0::/\n", f"{V2}/cpu.max": "1000 100000\n"}, 1),
        ({f"{V2}/cpu.max": "300000 100000\n"}, 3),
        # the process's own group, and those above it
        ({GROUP: "0::/a/b\n", f"{V2}/a/b/cpu.max": "300000 100000\n"}, 3),
        ({GROUP: "0::/a/b\n", f"{V2}/a/cpu.max": "200000 100000\n"}, 2),
        (
            {
                GROUP: "0::/a/b\n",
                f"{V2}/a/cpu.max": "200000 100000\n",
                f"{V2}/a/b/cpu.max": "max 100000\n",
            },
            2,
        ),
        (
            {
                GROUP: "0::/a/b\n",
                f"{V2}/a/cpu.max": "500000 100000\n",
                f"{V2}/a/b/cpu.max": "400000 100000\n",
            },
            4,
        ),
        ({GROUP: "0::/a\n", f"{V2}/other/cpu.max": "100000 100000\n"}, None),
        ({GROUP: "0::/../../a\n", f"{V2}/cpu.max": "100000 100000\n"}, 1),
        # version 1
        ({f"{V1}/cpu.cfs_quota_us": "250000\n", f"{V1}/cpu.cfs_period_us": "100000\n"}, 3),
        ({f"{V1}/cpu.cfs_quota_us": "-1\n", f"{V1}/cpu.cfs_period_us": "100000\n"}, None),
        ({f"{V1}/cpu.cfs_quota_us": "250000\n"}, None),
        (
            {
                GROUP: "5:memory:/x\n4:cpu,cpuacct:/docker/7\n1:name=systemd:/y\n",
                f"{V1}/docker/7/cpu.cfs_quota_us": "100000\n",
                f"{V1}/docker/7/cpu.cfs_period_us": "100000\n",
            },
            1,
        ),
        (
            {
                f"{V1},cpuacct/cpu.cfs_quota_us": "400000\n",
                f"{V1},cpuacct/cpu.cfs_period_us": "100000\n",
            },
            4,
        ),
        # version 2 wins where both are there
        (
            {
                GROUP: "0::/\n",
                f"{V2}/cpu.max": "200000 100000\n",
                f"{V1}/cpu.cfs_quota_us": "100000\n",
                f"{V1}/cpu.cfs_period_us": "100000\n",
            },
            2,
        ),
    ],
)
def test_cpu_quota_is_read_from_cgroups(tmp_path, files, quota):
    assert _threads._cgroup_quota(file_system(tmp_path, files)) == quota


def test_a_group_may_have_any_name(tmp_path):
    file_system(tmp_path, {f"{V2}/cpu.max": "200000 100000\n", GROUP: ""})
    (tmp_path / GROUP).write_bytes(b"0::/caf\xe9\n")
    assert _threads._cgroup_quota(tmp_path) == 2


# --- who wins ------------------------------------------------------------------------------------


def test_the_innermost_threads_block_wins_over_the_default():
    pp.set_num_threads(5)
    assert pp.get_num_threads() == 5
    assert pp.config()["num_threads_reason"] == "set_num_threads"
    with pp.threads(3):
        assert pp.get_num_threads() == 3
        assert pp.config()["num_threads_reason"] == "pp.threads"
        with pp.threads(7):
            assert pp.get_num_threads() == 7
            pp.set_num_threads(2)
            assert pp.get_num_threads() == 7
        assert pp.get_num_threads() == 3
    assert pp.get_num_threads() == 2


def test_an_error_inside_a_threads_block_ends_it():
    before = pp.get_num_threads()
    with pytest.raises(KeyError), pp.threads(before + 3):
        raise KeyError
    assert pp.get_num_threads() == before


def test_threads_can_decorate_a_function():
    before = pp.get_num_threads()
    decorated = pp.threads(before + 2)(pp.get_num_threads)
    assert decorated() == decorated() == before + 2
    assert pp.get_num_threads() == before


TEAM = """
import os, threading
import pyparallel as pp
box = pp.Box(400, 300, -0.5, 3 + 2j)

def team(**kwargs):
    "OS threads of this process after a call, at most; each kind of call in a process of its own."
    pp.mandelbrot(box, 200, **kwargs)
    return len(os.listdir("/proc/self/task"))

{test}
"""


@needs_openmp
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="counts threads in /proc")
@pytest.mark.parametrize(
    ("test", "team"),
    [
        ("print(team())", 5),
        ("print(team(num_threads=3))", 3),
        ("print(team(num_threads=1))", 1),
        ("pp.set_num_threads(6); print(team())", 6),
        ("with pp.threads(4): print(team())", 4),
        ("with pp.threads(4): print(team(num_threads=2))", 2),
        ("with pp.threads(1): print(team())", 1),
        ("box = box.crop(slice(0, 1), slice(0, 20)); print(team())", 1),
    ],
)
def test_a_call_really_uses_that_many_threads(run_python, test, team):
    """The argument wins over pp.threads, which wins over the default of the process."""
    found = run_python(TEAM.format(test=test), OMP_NUM_THREADS="5", OPENBLAS_NUM_THREADS="1")
    assert int(found.stdout) == team


LIMITS = """
import threading, threadpoolctl
import pyparallel as pp

def elsewhere():
    found = []
    thread = threading.Thread(target=lambda: found.append(pp.get_num_threads()))
    thread.start()
    thread.join()
    return found[0]

with threadpoolctl.threadpool_limits(1):
    print(pp.get_num_threads(), pp.config()["num_threads_reason"] == "OpenMP's limit in this thread")
    print(elsewhere())
    with pp.threads(3):
        print(pp.get_num_threads())
print(pp.get_num_threads())
with threadpoolctl.threadpool_limits(50):
    print(pp.get_num_threads())
"""


@needs_openmp
def test_limits_of_threadpoolctl_hold_in_the_thread_that_set_them(run_python):
    pytest.importorskip("threadpoolctl")
    assert run_python(LIMITS, OMP_NUM_THREADS="4").stdout.split() == [
        "1",
        "True",
        "4",
        "3",
        "4",
        "4",
    ]


# --- who is disturbed ----------------------------------------------------------------------------


def test_threads_blocks_of_asyncio_tasks_do_not_meet():
    async def task(n: int, found: dict[int, list[int]]) -> None:
        with pp.threads(n):
            for _ in range(3):
                found.setdefault(n, []).append(pp.get_num_threads())
                await asyncio.sleep(0)

    async def main() -> dict[int, list[int]]:
        found: dict[int, list[int]] = {}
        await asyncio.gather(*(task(n, found) for n in (2, 3, 4)))
        return found

    assert asyncio.run(main()) == {n: [n] * 3 for n in (2, 3, 4)}


def test_threads_blocks_of_threads_do_not_meet():
    barrier = threading.Barrier(4, timeout=30)

    def work(n: int) -> list[int]:
        found = []
        with pp.threads(n):
            for _ in range(3):
                barrier.wait()
                found.append(pp.get_num_threads())
        return found

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, (2, 3, 4, 5))) == [[n] * 3 for n in (2, 3, 4, 5)]


@pytest.mark.skipif(
    getattr(sys.flags, "thread_inherit_context", False), reason="threads inherit the context here"
)
def test_a_new_thread_starts_from_the_process_default():
    pp.set_num_threads(6)
    found = []
    with pp.threads(3):
        thread = threading.Thread(target=lambda: found.append(pp.get_num_threads()))
        thread.start()
        thread.join()
    assert found == [6]


def test_a_copied_context_carries_the_block():
    with pp.threads(3):
        context = contextvars.copy_context()
    assert context.run(pp.get_num_threads) == 3


def test_many_python_threads_may_call_at_once():
    z = np.random.default_rng(1).normal(size=(60, 50, 2)).view(complex)[..., 0]
    z.flags.writeable = False
    expected = pp.mandelbrot(BOX, 200, num_threads=1), pp.escape_time(z, -0.1 + 0.7j, 300)
    barrier = threading.Barrier(8, timeout=30)

    def work(n: int) -> None:
        barrier.wait()
        for k in range(6):
            threads = (n + k) % 4 + 1
            assert_array_equal(pp.mandelbrot(BOX, 200, num_threads=threads), expected[0])
            counts = pp.escape_time(z, -0.1 + 0.7j, 300, num_threads=threads)
            assert_array_equal(counts, expected[1])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))


def test_other_python_threads_run_during_a_call():
    """The GIL is released: a thread counts on while the kernel works."""
    stop, counted = threading.Event(), []

    def count() -> None:
        while not stop.is_set():
            counted.append(time.perf_counter())
            time.sleep(0.001)

    def counted_during_a_call(max_iter: int) -> int:
        start = time.perf_counter()
        pp.escape_time(0, np.linspace(-1.95, -1.9, 400), max_iter, num_threads=1)
        end = time.perf_counter()
        if end - start < 0.2:
            return counted_during_a_call(4 * max_iter)
        return sum(start < t < end for t in counted)

    counter = threading.Thread(target=count)
    counter.start()
    try:
        assert counted_during_a_call(100_000) > 10
    finally:
        stop.set()
        counter.join()


def test_a_call_off_the_main_thread_without_progress_never_reattaches():
    """Attaching beside a busy Python thread takes a switch interval: hundreds would show."""
    interval = sys.getswitchinterval()
    core.set_slices(0.0, 0)  # would poll thousands of times
    done = threading.Event()

    def work() -> None:
        pp.escape_time(0, np.full(300, -1.8), 400_000, num_threads=2)
        done.set()

    thread = threading.Thread(target=work)
    sys.setswitchinterval(0.05)
    try:
        thread.start()
        deadline = time.perf_counter() + 5
        while not done.is_set() and time.perf_counter() < deadline:
            pass  # busy, and holding the GIL
        assert done.is_set()
    finally:
        sys.setswitchinterval(interval)
        core.set_slices(0.1, 0)
        thread.join()


# --- saying so -----------------------------------------------------------------------------------


def test_config_has_exactly_the_promised_keys():
    assert list(pp.config()) == [
        "version",
        "isa",
        "isa_available",
        "openmp",
        "compiler",
        "num_threads",
        "num_threads_reason",
        "cpus",
        "affinity",
        "cgroup_quota",
        "gil",
    ]


def test_config_is_true():
    found = pp.config()
    assert found["isa"] in found["isa_available"]
    assert found["isa_available"][0] == "baseline"
    assert found["num_threads"] == pp.get_num_threads()
    assert found["cpus"] == os.cpu_count()
    assert found["gil"] is getattr(sys, "_is_gil_enabled", lambda: True)()
    json.dumps(found)


def test_show_config_prints_a_line_for_each_key(capsys):
    pp.show_config()
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(pp.config())
