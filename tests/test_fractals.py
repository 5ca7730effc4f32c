"""The counts are those of the plain Python loop, pixel for pixel."""

import numpy as np

import pyparallel as pp
from tests.reference import escape_counts


def test_mandelbrot_equals_the_loop():
    box = pp.Box(67, 41, center=-0.8, extent=3 + 2.5j)
    np.testing.assert_array_equal(pp.mandelbrot(box, 200), escape_counts(0, box.grid(), 200))


def test_julia_equals_the_loop():
    box = pp.Box(67, 41, center=0, extent=3 + 2.5j)
    c = -0.4 + 0.6j
    np.testing.assert_array_equal(pp.julia(box, c, 200), escape_counts(box.grid(), c, 200))
