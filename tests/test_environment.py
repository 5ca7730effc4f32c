"""The floating-point environment of the calling thread changes no result, and stays as it was."""

import ctypes
import ctypes.util
import platform

import numpy as np
import pytest

import pyparallel as pp
from tests.reference import escape_counts

# C's fenv.h: FE_UPWARD and FE_TONEAREST are the same on x86; AArch64 has its own.
UPWARD = {"x86_64": 0x800, "AMD64": 0x800, "aarch64": 0x400000, "arm64": 0x400000}


@pytest.fixture
def libm():
    name = ctypes.util.find_library("m")
    if name is None or platform.machine() not in UPWARD:
        pytest.skip("no C library function to change the rounding with")
    return ctypes.CDLL(name)


@pytest.mark.parametrize("num_threads", [1, 2])
def test_rounding_mode_of_the_caller_changes_nothing(libm, num_threads):
    box = pp.Box(64, 64, center=-1.1195 + 0.2718j, extent=0.005 + 0.005j)
    expected = escape_counts(0, box.grid(), 300)
    counts = np.empty(box.shape, np.int32)
    upward = UPWARD[platform.machine()]
    assert libm.fesetround(upward) == 0
    try:
        pp.mandelbrot(box, 300, out=counts, num_threads=num_threads)
        still = libm.fegetround()
    finally:
        libm.fesetround(0)
    assert still == upward
    np.testing.assert_array_equal(counts, expected)
