"""The numerical tests hold under every variant of the kernels, and each can be stopped."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

import pyparallel as pp
from tests.conftest import ROOT

VARIANTS = pp.config()["isa_available"]
OTHERS = [name for name in VARIANTS if name != pp.config()["isa"]]

NUMERICAL = {
    "fractals": [
        "tests/test_capi.py",
        "tests/test_fractals.py",
        "tests/test_interrupts.py::test_ctrl_c_stops_a_call_in_slices",
        "tests/test_interrupts.py::test_ctrl_c_stops_one_pixel_of_2_to_the_31_iterations",
        "tests/test_pi.py",
    ],
    "reductions": [
        "tests/test_exact.py",
        "tests/test_histogram.py",
        "tests/test_reduction_accuracy.py",
        "tests/test_reductions.py",
        "tests/test_summation_order.py",
    ],
    "mosaics": [
        "tests/test_assignment.py",
        "tests/test_matching.py",
        "tests/test_mosaic_features.py",
    ],
}


def under(isa: str, *command: str) -> None:
    """Run this under a variant; fail with what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", *command],
        check=False,
        cwd=ROOT,
        env={**os.environ, "PYPARALLEL_ISA": isa},
        capture_output=True,
        text=True,
        timeout=240,
    )
    if done.returncode:
        pytest.fail(f"{isa}:\n{done.stdout[-5000:]}{done.stderr[-2000:]}")


# With VNNI, the others are those of AVX-512.
RUNS = [
    (isa, kernels)
    for isa in OTHERS
    for kernels in NUMERICAL
    if kernels == "mosaics" or {isa, pp.config()["isa"]} != {"avx512", "avx512vnni"}
]


@pytest.mark.parametrize(("isa", "kernels"), RUNS)
def test_the_numerical_tests_hold_under_every_variant(isa, kernels):
    tests = NUMERICAL[kernels]
    under(isa, "pytest", "-q", "-p", "no:cacheprovider", "-k", "not temporaries", *tests)


@pytest.mark.parametrize("isa", VARIANTS)
def test_a_short_search_finds_no_difference(isa):
    under(isa, "tests.fuzz", "--isa", isa, "--seed", "1", "--seconds", "1")


def test_the_search_finds_differences(monkeypatch, capsys):
    """It would not be worth much otherwise."""
    from tests.fuzz import __main__, cases

    monkeypatch.setattr(cases, "fast_escape_counts", lambda z, c, n: wrong_at_one_pixel(z, c, n))
    assert __main__.search("baseline", seed=1, seconds=0) == 1
    assert "again: python -m tests.fuzz --isa baseline --case 1" in capsys.readouterr().out


def wrong_at_one_pixel(z, c, max_iter):
    from tests.reference import fast_escape_counts

    counts = fast_escape_counts(z, c, max_iter)
    counts.flat[-1] += 1
    return counts
