"""Shared by all tests."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

os.environ.setdefault("MPLBACKEND", "Agg")
# Waiting threads sleep: teams of 16 on a machine of two CPUs would burn its time otherwise.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

# The same examples in every run: searching further is what `python -m tests.fuzz` is for.
settings.register_profile("tests", deadline=None, derandomize=True, max_examples=60)
settings.load_profile("tests")

# Under AddressSanitizer: freed memory is used again, so that growing memory is a leak.
SANITIZER = os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=1"
WITHOUT_OPENMP = "pyparallel was built without OpenMP"
ROOT = Path(__file__).parent.parent

RunPython = Callable[..., "subprocess.CompletedProcess[str]"]


def pytest_configure() -> None:
    """Without a built extension, say what to run: once, in one line."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in a shell's background jobs
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        import pyparallel as pp
    except ImportError as error:
        raise pytest.UsageError(str(error)) from None
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", WITHOUT_OPENMP)  # comes once in a process
        with pp.threads(2):
            pass


@pytest.fixture
def run_python() -> RunPython:
    """Run a piece of Python in a process of its own, where warnings are errors.

    Changes of the environment are keywords; None removes a variable. Returns what the code printed;
    fails with what it said when it fails or takes too long.
    """

    def run(
        code: str, *args: str, check: bool = True, timeout: float = 60, **changed: str | None
    ) -> subprocess.CompletedProcess[str]:
        env = {**os.environ, "ASAN_OPTIONS": SANITIZER, **changed}
        done = subprocess.run(
            [sys.executable, "-W", "error", "-W", f"ignore:{WITHOUT_OPENMP}", "-c", code, *args],
            check=False,
            capture_output=True,
            text=True,
            cwd=ROOT,
            timeout=timeout,
            env={name: value for name, value in env.items() if value is not None},
        )
        if check and done.returncode:
            pytest.fail(f"exit code {done.returncode}:\n{done.stdout}{done.stderr}")
        return done

    return run


@pytest.fixture(autouse=True)
def _unchanged_settings() -> Iterator[None]:
    """Every test starts from, and leaves, the default slices and number of threads."""
    from pyparallel import _threads
    from pyparallel._load import core

    threads, reason = core.default_threads(), _threads._reason
    yield
    core.set_slices(0.1, 0)
    if core.default_threads() != threads:
        core.set_num_threads(threads)
    _threads._reason = reason
