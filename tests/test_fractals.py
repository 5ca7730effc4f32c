"""The counts are those of the plain Python loop, pixel for pixel, whatever the arguments."""

from __future__ import annotations

import cmath
import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_array_equal

import pyparallel as pp
from pyparallel._load import core
from tests.reference import escape_count, escape_counts, fast_escape_counts

WHOLE = pp.Box(67, 41, center=-0.8, extent=3 + 2.5j)
SEAHORSES = pp.Box(61, 43, center=-0.7453 + 0.1127j, extent=6.5e-4 + 6.5e-4j)
NAN, INF = math.nan, math.inf
HUGE = 1.7976931348623157e308  # the largest float64

# Parts of points where rounding, overflow or the comparison may go wrong.
PARTS = [0.0, -0.0, 5e-324, 0.75, -1.5, 2.0, -2.0, 2.0000000000000004, 1.9999999999999998]
PARTS += [1e154, -1.4e154, 9e307, HUGE, -HUGE, INF, -INF, NAN]

ODD_POINTS = [
    NAN,
    complex(0.1, NAN),
    complex(INF, NAN),
    INF,
    complex(0, -INF),
    HUGE,
    1e154 + 1e154j,
]


def complexes(parts: list[float]) -> np.ndarray:
    """Every pair of these parts. (`x + y * 1j` would turn inf into NaN.)"""
    return np.array([complex(x, y) for x, y in product(parts, parts)])


def neighbours(point: complex) -> list[complex]:
    """The point, and the eight around it that differ by one unit in the last place."""

    def line(x: float) -> list[float]:
        return [math.nextafter(x, -INF), x, math.nextafter(x, INF)]

    return [complex(x, y) for x, y in product(line(point.real), line(point.imag))]


def boundary(n: int, seed: int) -> np.ndarray:
    """Points c around the edge of the set, most of them slow to escape."""
    rng = np.random.default_rng(seed)
    multiplier = np.exp(2j * np.pi * rng.random(n)) * (1 + rng.exponential(0.02, n))
    return multiplier / 2 - multiplier**2 / 4


@pytest.fixture(scope="module", params=["default", "minimum slices", "shrinking teams"])
def slices(request: pytest.FixtureRequest) -> str:
    """How the work is cut in time; `use_slices` applies it."""
    return request.param


def use_slices(kind: str) -> int:
    """Cut the time like that, and say how many threads to use."""
    core.set_slices(*{"default": (0.1, 0), "minimum slices": (0.0, 0)}.get(kind, (0.0, 1)))
    return 16 if kind == "shrinking teams" else 2


# --- the references ------------------------------------------------------------------------------


def test_the_fast_reference_is_the_plain_loop():
    z, c = complexes(PARTS[::2]), complexes(PARTS[1::2])[:, np.newaxis]
    assert_array_equal(fast_escape_counts(z, c, 5), escape_counts(z, c, 5))
    c = boundary(100, seed=1)
    assert_array_equal(fast_escape_counts(0, c, 300), escape_counts(0, c, 300))


# --- boxes ---------------------------------------------------------------------------------------


def test_mandelbrot_equals_the_loop():
    assert_array_equal(pp.mandelbrot(WHOLE, 200), escape_counts(0, WHOLE.grid(), 200))


def test_julia_equals_the_loop():
    box = pp.Box(67, 41, center=0, extent=3 + 2.5j)
    c = -0.4 + 0.6j
    assert_array_equal(pp.julia(box, c, 200), escape_counts(box.grid(), c, 200))


@pytest.mark.parametrize("box", [WHOLE, SEAHORSES], ids=["whole", "seahorses"])
def test_counts_equal_the_loop_for_every_max_iter(box):
    steps = [*range(1, 50), 63, 64, 65, 127, 128, 129, 1000]
    at_most = fast_escape_counts(0, box.grid(), steps[-1])
    for max_iter in steps:
        counts = pp.mandelbrot(box, max_iter)
        assert_array_equal(counts, np.minimum(at_most, max_iter - 1), f"max_iter {max_iter}")


def test_escapes_are_found_up_to_the_largest_max_iter():
    c = [0.26, -0.75 + 0.05j, 0.2501, -1.25 + 0.05j]
    expected = escape_counts(0, c, 5000)
    assert expected.max() < 4999
    for max_iter in [*range(2**31 - 20, 2**31), 2**30, 2**30 + 1]:
        assert_array_equal(pp.escape_time(0, c, max_iter), expected, f"max_iter {max_iter}")


def test_never_escaping_counts_max_iter_less_1():
    for max_iter in (2**31 - 1, 2**31 - 8, 2**31 - 9, 2**30, 10**9):
        assert pp.escape_time(0, [0, -1, -2, 0.1 + 0.1j], max_iter).tolist() == [max_iter - 1] * 4


def test_every_width_and_height():
    for width, height in [*((w, 1) for w in range(1, 140)), *product(range(1, 20), (2, 3, 7))]:
        box = pp.Box(width, height, center=-0.75 + 0.1j, extent=0.5 + 0.5j)
        counts = pp.mandelbrot(box, 60)
        assert_array_equal(counts, fast_escape_counts(0, box.grid(), 60), f"{width} x {height}")


def test_a_box_of_one_pixel():
    for c in [-2, 0, 0.25, 0.26, 2, -0.75 + 0.1j, 3 + 3j]:
        box = pp.Box(1, 1, center=c, extent=1e-3 + 1e-3j)
        assert pp.mandelbrot(box, 500).tolist() == [[escape_count(0, 0, *parts(c), 500)]]
        assert pp.julia(box, -0.75, 500).tolist() == [[escape_count(*parts(c), -0.75, 0, 500)]]


def parts(c: complex) -> tuple[float, float]:
    return complex(c).real, complex(c).imag


@pytest.mark.parametrize("threads", range(1, 17))
def test_counts_do_not_depend_on_threads(threads):
    for box in (WHOLE, WHOLE.crop(slice(0, 3), slice(0, 5)), SEAHORSES):
        expected = fast_escape_counts(0, box.grid(), 150)
        assert_array_equal(pp.mandelbrot(box, 150, num_threads=threads), expected)


@pytest.mark.parametrize("threads", [1, 2, 3, 16])
@pytest.mark.parametrize("shrink", [0, 1], ids=["minimum slices", "shrinking teams"])
def test_counts_do_not_depend_on_slices(threads, shrink):
    core.set_slices(0.0, shrink)
    for box in (WHOLE, WHOLE.crop(slice(0, 3), slice(0, 5)), SEAHORSES):
        expected = fast_escape_counts(0, box.grid(), 150)
        assert_array_equal(pp.mandelbrot(box, 150, num_threads=threads), expected)


def test_a_crop_has_the_counts_of_the_whole_picture():
    counts = pp.mandelbrot(SEAHORSES, 300)
    for rows, cols in [(slice(3, 29), slice(7, 8)), (slice(-1, None), slice(-9, -2))]:
        assert_array_equal(pp.mandelbrot(SEAHORSES.crop(rows, cols), 300), counts[rows, cols])


def test_boxes_past_2_to_the_31_pixels():
    box = pp.Box(2**40, 2**40, center=-0.7, extent=3 + 3j)
    for rows, cols in [
        (slice(-5, None), slice(-70, None)),
        (slice(2**39 - 3, 2**39 + 3), slice(0, 67)),
        (slice(2**39, 2**39 + 2), slice(2**39 + 2**37, 2**39 + 2**37 + 130)),
    ]:
        part = box.crop(rows, cols)
        assert_array_equal(pp.mandelbrot(part, 300), fast_escape_counts(0, part.grid(), 300))


@pytest.mark.parametrize(
    ("center", "extent"),
    [
        (-0.75 + 0.1j, 1e-15 + 1e-15j),
        (-1.25 + 0.02j, 3e-17 + 3e-17j),
        (0.2501 + 1e-9j, 1e-300 + 1e-300j),
        (-0.5 + 0.6j, 5e-324 + 5e-324j),
        (1e-310 + 1e-310j, 1e-309 + 1e-309j),
        (-2, 4e-15 + 4e-15j),
        (0, 1e154 + 1e154j),
        (1e308 - 1e308j, 1e308 + 1e308j),
        (-HUGE, complex(HUGE, HUGE)),
        (0, complex(1e-300, HUGE)),
    ],
)
def test_centre_and_extent_at_the_limits_of_float64(center, extent):
    for width, height in [(37, 11), (131, 1)]:
        box = pp.Box(width, height, center, extent)
        points = box.grid()
        assert_array_equal(pp.mandelbrot(box, 300), fast_escape_counts(0, points, 300))
        for c in (-0.75 + 0.1j, -2):
            assert_array_equal(pp.julia(box, c, 300), fast_escape_counts(points, c, 300))


# --- points that are hard to get right -----------------------------------------------------------


def test_nan_infinite_and_overflowing_points():
    z, c = complexes(PARTS), complexes(PARTS)[:, np.newaxis]
    for max_iter in (1, 2, 9, 40):
        assert_array_equal(pp.escape_time(z, c, max_iter), fast_escape_counts(z, c, max_iter))


def test_nan_and_infinite_c_of_a_julia_set():
    box = pp.Box(33, 5, center=0, extent=3 + 3j)
    for c in ODD_POINTS:
        assert_array_equal(pp.julia(box, c, 30), fast_escape_counts(box.grid(), c, 30))


def test_the_sum_of_two_products_may_overflow_where_the_fused_one_does_not():
    """x*y + x*y is infinite, 2*x*y + c is not: the loop's inf - inf counts."""
    x = math.sqrt(HUGE)
    z = np.array([complex(x, y) for y in (0.51 * x, -0.51 * x)])
    c = np.array([complex(re, im) for re in (0, -HUGE) for im in (-HUGE, HUGE, -HUGE / 32)])
    z = z[:, np.newaxis]
    assert_array_equal(pp.escape_time(z, c, 20), escape_counts(z, c, 20))


@pytest.mark.parametrize("odd", ODD_POINTS, ids=str)
def test_odd_points_in_every_lane_position(odd):
    n = 520
    usual = boundary(n, seed=2)
    expected = fast_escape_counts(0, usual, 120)
    count = escape_count(0, 0, *parts(odd), 120)
    for position in range(n):
        c, wanted = usual.copy(), expected.copy()
        c[position], wanted[position] = odd, count
        counts = pp.escape_time(0, c, 120, num_threads=1)
        assert_array_equal(counts, wanted, f"{odd} at {position}")


@pytest.mark.parametrize("odd", [NAN, complex(INF, NAN), 1e154 + 1e154j], ids=str)
def test_odd_starting_points_in_every_lane_position(odd):
    n, c = 260, -0.7453 + 0.1127j
    usual = np.random.default_rng(3).normal(scale=0.4, size=(n, 2)).view(complex)[:, 0]
    expected = fast_escape_counts(usual, c, 120)
    count = escape_count(*parts(odd), *parts(c), 120)
    for position in range(n):
        z, wanted = usual.copy(), expected.copy()
        z[position], wanted[position] = odd, count
        counts = pp.escape_time(z, c, 120, num_threads=1)
        assert_array_equal(counts, wanted, f"{odd} at {position}")


def test_late_overflow_in_every_lane_position():
    """An orbit that jumps far out (and overflows at once) after many quiet steps."""
    n = 260
    usual = np.full(n, -0.1 + 0.651j)  # bounded for long
    late = 0.2501
    base, count = escape_count(0, 0, *parts(usual[0]), 400), escape_count(0, 0, late, 0, 400)
    assert count != base
    for position in range(n):
        c, wanted = usual.copy(), np.full(n, base)
        c[position], wanted[position] = late, count
        assert_array_equal(pp.escape_time(0, c, 400, num_threads=1), wanted, f"at {position}")


def test_orbits_that_touch_2_exactly():
    c = [p for q in (-2, 2, 2j, -2j, 1.2 + 1.6j, -1.6 + 1.2j, 0.25, -0.75) for p in neighbours(q)]
    assert_array_equal(pp.escape_time(0, c, 2000), escape_counts(0, c, 2000))
    z = np.array(c)[:, np.newaxis]
    assert_array_equal(pp.escape_time(z, c, 300), fast_escape_counts(z, c, 300))


def test_minus_2_never_escapes_and_its_neighbour_does():
    outside = math.nextafter(-2, -3)
    assert pp.escape_time(0, [-2, outside], 10**6).tolist() == [10**6 - 1, 0]
    assert pp.escape_time([2, -2, 0, 1], -2, 10**6).tolist() == [10**6 - 1] * 4


def dyadic(steps: int) -> np.ndarray:
    """Points with coordinates k / steps, |z| <= 2: their orbits' first steps are exact."""
    line = np.arange(-2 * steps, 2 * steps + 1) / steps
    z = (line[:, np.newaxis] + 1j * line).ravel()
    return z[z.real**2 + z.imag**2 <= 4]


def test_fixed_points_with_c_beyond_2_never_escape():
    z = dyadic(8)
    c = z - (z.real**2 - z.imag**2 + 2j * z.real * z.imag)
    assert (abs(c) > 2).sum() > 300
    assert (pp.escape_time(z, c, 100) == 99).all()
    assert pp.escape_time(-1.5, -3.75, 2**31 - 1) == 2**31 - 2


def test_cycles_of_two_with_c_beyond_2_never_escape():
    z = dyadic(8)
    z = z[abs(-1 - z) <= 2]
    c = -1 - z - (z.real**2 - z.imag**2 + 2j * z.real * z.imag)
    assert (abs(c) > 2).sum() > 100
    assert_array_equal(pp.escape_time(z, c, 333), fast_escape_counts(z, c, 333))


def test_orbits_that_leave_a_repelling_cycle_with_c_beyond_2():
    """Most of these come back below 2 after having been above: only the first time counts."""
    z = dyadic(4)
    c = z - (z.real**2 - z.imag**2 + 2j * z.real * z.imag)
    near = np.array([neighbours(p) for p in z])
    wanted = fast_escape_counts(near, c[:, np.newaxis], 200)
    assert_array_equal(pp.escape_time(near, c[:, np.newaxis], 200), wanted)


def test_orbits_that_come_back_after_having_escaped():
    rng = np.random.default_rng(4)
    back = rng.normal(size=(4000, 2)).view(complex)[:, 0] * 0.3  # where the first step leads
    z = rng.normal(scale=1.5, size=(4000, 2)).view(complex)[:, 0]
    c = back - z * z
    assert_array_equal(pp.escape_time(z, c, 100), fast_escape_counts(z, c, 100))


def period_centres(period: int) -> np.ndarray:
    """Roots c of the polynomial whose zeros make 0 periodic, by Newton's method."""
    rng = np.random.default_rng(period)
    c = rng.uniform(-1.9, 0.4, 30) + 1j * rng.uniform(-1.1, 1.1, 30)
    c[::5] = c[::5].real
    for _ in range(60):
        z, slope = np.zeros_like(c), np.zeros_like(c)
        for _ in range(period):
            z, slope = z * z + c, 2 * z * slope + 1
        step = np.divide(z, slope, where=slope != 0, out=np.zeros_like(c))
        c = c - np.clip(abs(step), 0, 0.1) * np.exp(1j * np.angle(step))
    return c[np.isfinite(c)]


@pytest.mark.parametrize("period", [*range(1, 14), 16, 17, 24, 31, 32, 33, 48, 64, 97])
def test_cycles_of_many_periods(period):
    with np.errstate(all="ignore"):
        c = period_centres(period)
    near = np.concatenate([c, c + 1e-12, c + 1e-7j])
    assert_array_equal(pp.escape_time(0, near, 3000), fast_escape_counts(0, near, 3000))


def test_slow_escapes_are_not_taken_for_cycles():
    c = [-0.75 + 1e-3j, -0.75 + 1e-4j, 0.25 + 1e-6, 0.25 + 1e-8, -1.25 + 1e-3j, -1.25 - 1e-4j]
    assert_array_equal(pp.escape_time(0, c, 100_000), escape_counts(0, c, 100_000))


def test_traps_near_the_edge_of_the_cardioid():
    rng = np.random.default_rng(5)
    off = [0.0, 1e-16, 1e-15, 1e-12, 1e-9, 1e-6, 1e-4, 2**-11, 2**-10, 2**-9, 0.01, 0.1]
    size = 1 + np.array([*off, *(-d for d in off)])[:, np.newaxis]
    angle = np.concatenate([rng.random(8), [0, 1 / 2, 1 / 3, 2 / 5, 1e-3, 1e-5]])
    multiplier = size * np.exp(2j * np.pi * angle)
    c = multiplier / 2 - multiplier**2 / 4
    assert_array_equal(pp.escape_time(0, c, 2000), fast_escape_counts(0, c, 2000))


def test_starting_points_around_the_radius_of_the_trap():
    rng = np.random.default_rng(6)
    for size in (0.0, 0.3, 0.8, 0.99, 0.9990234375, 1.0):
        multiplier = size * cmath.exp(2j * math.pi * rng.random())
        c, fixed = multiplier / 2 - multiplier**2 / 4, multiplier / 2
        radius = max(1 - 2 * abs(fixed), 0.01) * rng.uniform(0.9, 3, 300)
        z = fixed + radius * np.exp(2j * np.pi * rng.random(300))
        assert_array_equal(pp.escape_time(z, c, 500), fast_escape_counts(z, c, 500))


def shifted_orbits(z: complex, c: complex, step: int, n: int) -> np.ndarray:
    """Starting points that lie `step` iterations apart on one orbit."""
    x, y, points = z.real, z.imag, []
    for k in range(step * n):
        if k % step == 0:
            points.append(complex(x, y))
        x, y = x * x - y * y + c.real, x * y + y * x + c.imag
    return np.array(points)


@pytest.mark.parametrize("step", [1, 2, 4, 8, 16, 32, 48])
def test_orbits_that_run_through_each_others_points(step, slices):
    """A point that another pixel has left behind is no sign of a cycle."""
    threads = use_slices(slices)
    c = -0.75 + 0.0011j  # escapes after 2855 iterations
    length = escape_count(0, 0, *parts(c), 10**4)
    points = shifted_orbits(0, c, step, length // step)
    rng = np.random.default_rng(step)
    for z in (points, points[::-1], rng.permutation(points), rng.choice(points, 700)):
        left = {p: i for i, p in enumerate(points.tolist())}
        expected = np.array([length - left[p] * step for p in z.tolist()])
        for max_iter in (100, 1000, 5000):
            wanted = np.minimum(expected, max_iter - 1)
            assert_array_equal(pp.escape_time(z, c, max_iter, num_threads=threads), wanted)
            assert_array_equal(pp.escape_time(z, c, max_iter, num_threads=1), wanted)


def test_pixels_that_are_all_the_same(slices):
    threads = use_slices(slices)
    for c in (0.2501, -0.75 + 0.01j, -1.8, -2, NAN):
        count = escape_count(0, 0, *parts(c), 3000)
        counts = pp.escape_time(0, np.full(700, c), 3000, num_threads=threads)
        assert_array_equal(counts, np.full(700, count))


# --- arrays --------------------------------------------------------------------------------------

REAL_TYPES = ["?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8"]


def some(dtype: np.dtype, n: int) -> np.ndarray:
    """Numbers of this type, many of them small."""
    rng = np.random.default_rng(7)
    if dtype.kind == "c":
        return (rng.normal(size=n) + 1j * rng.normal(size=n)).astype(dtype)
    if dtype.kind == "f":
        return rng.normal(size=n).astype(dtype)
    whole = rng.integers(-2, 3, n) if dtype.kind == "i" else rng.integers(0, 3, n)
    numbers = whole.astype(dtype)
    if dtype.kind in "iu":
        numbers[:2] = np.iinfo(dtype).min, np.iinfo(dtype).max
    return numbers


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("kind", [*REAL_TYPES, "c8", "c16"])
def test_every_dtype_and_byte_order(kind, order):
    numbers = some(np.dtype(kind), 300).astype(np.dtype(kind).newbyteorder(order))
    z, c = numbers, -0.4 + 0.3j
    assert_array_equal(pp.escape_time(z, c, 60), fast_escape_counts(z, c, 60))
    assert_array_equal(pp.escape_time(0.1, numbers, 60), fast_escape_counts(0.1, numbers, 60))


@pytest.mark.parametrize("kind", ["i2", "i8", "f4", "f8", "c8", "c16"])
def test_unaligned_arrays(kind):
    numbers = some(np.dtype(kind), 300)
    memory = np.zeros(numbers.nbytes + 1, np.uint8)
    odd = memory[1:].view(kind)
    odd[:] = numbers
    assert not odd.flags.aligned
    assert_array_equal(pp.escape_time(odd, 0.1, 60), fast_escape_counts(numbers, 0.1, 60))


def layouts(points: np.ndarray) -> dict[str, np.ndarray]:
    """Views and copies of a three-dimensional array, with strides of every kind."""
    read_only = points.copy()
    read_only.flags.writeable = False
    record = np.zeros(points.shape, np.dtype([("pad", "i1"), ("point", points.dtype)]))
    record["point"] = points
    return {
        "C": points,
        "Fortran": np.asfortranarray(points),
        "transposed": points.T,
        "reversed": points[::-1, ::-1, ::-1],
        "every second": points[::2, 1::2, ::3],
        "negative steps": points[::-2, :, ::-3],
        "broadcast": np.broadcast_to(points[:, :1], points.shape),
        "all the same": np.broadcast_to(points[1, 2, 3], points.shape),
        "read-only": read_only,
        "field of a record": record["point"],
        "one row": points[:1],
        "no dimension": points[1, 2, 3],
        "empty": points[:, :0],
        "matrix": points[0].view(np.matrix),
        "permuted": points.transpose(1, 2, 0),
    }


POINTS = boundary(6 * 7 * 9, seed=8).reshape(6, 7, 9)
LAYOUTS = layouts(POINTS)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout(layout, slices):
    threads = use_slices(slices)
    c = LAYOUTS[layout]
    expected = fast_escape_counts(0.01j, np.array(c), 150)
    counts = pp.escape_time(0.01j, c, 150, num_threads=threads)
    assert type(counts) is (np.ndarray if c.ndim else np.int32)
    assert_array_equal(counts, expected)
    assert_array_equal(
        pp.escape_time(c, -0.75 + 0.01j, 150, num_threads=threads),
        fast_escape_counts(np.array(c), -0.75 + 0.01j, 150),
    )


class Points:
    """Anything with `__array__`."""

    def __array__(self, dtype: object = None, copy: object = None) -> np.ndarray:
        return POINTS


@pytest.mark.parametrize(
    "points", [POINTS.tolist(), Points(), (0, 1, -1, 0.25), range(5), 0.3, 2, True], ids=repr
)
def test_lists_and_objects_that_are_like_arrays(points):
    expected = fast_escape_counts(0, np.asarray(points), 99)
    assert_array_equal(pp.escape_time(0, points, 99), expected)


@pytest.mark.parametrize(
    ("z", "c"),
    [
        ((), (5,)),
        ((5,), ()),
        ((4, 1), (5,)),
        ((1,), (1, 1, 1)),
        ((2, 1, 3), (5, 1)),
        ((0,), (1,)),
        ((3, 0), (3, 1)),
        ((1, 4, 1, 2, 1), (3, 1, 5, 1, 6)),
    ],
)
def test_z_and_c_broadcast_as_in_numpy(z, c):
    rng = np.random.default_rng(9)
    z, c = rng.normal(size=z), rng.normal(size=c) / 2
    counts = pp.escape_time(z, c, 50)
    assert_array_equal(counts, fast_escape_counts(z, c, 50))
    assert counts.shape == np.broadcast_shapes(z.shape, c.shape)


def test_as_many_dimensions_as_numpy_has():
    c = np.array([0.2, 1, -1, 3])
    many = c.reshape((1,) * 30 + (2,) + (1,) * 32 + (2,))
    counts = pp.escape_time(np.zeros((1,) * 60), many, 50)
    assert counts.shape == many.shape
    assert_array_equal(counts.ravel(), escape_counts(0, c, 50))


def outs(shape: tuple[int, int], dtype: type) -> dict[str, np.ndarray]:
    """Arrays to write to, of this shape, full of -7."""
    rows, cols = shape

    def full(*lengths: int) -> np.ndarray:
        return np.full(lengths, -7, dtype)

    unaligned = np.zeros(rows * cols * full(1).itemsize + 1, np.uint8)[1:].view(dtype)
    unaligned[:] = -7
    record = np.zeros(shape, np.dtype([("pad", "i1"), ("count", dtype)]))
    record["count"] = -7
    return {
        "C": full(rows, cols),
        "Fortran": full(cols, rows).T,
        "reversed": full(rows, cols)[::-1, ::-1],
        "every second": full(2 * rows, 3 * cols)[::2, 1::3],
        "negative steps": full(rows, 2 * cols)[:, ::-2],
        "unaligned": unaligned.reshape(shape),
        "field of a record": record["count"],
        "subclass": full(rows, cols).view(np.matrix),
    }


@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.longlong, np.intc])
@pytest.mark.parametrize("layout", outs((1, 1), np.int32))
def test_out_of_every_layout(layout, dtype, slices):
    threads = use_slices(slices)
    out = outs(WHOLE.shape, dtype)[layout]
    expected = fast_escape_counts(0, WHOLE.grid(), 100)
    assert pp.mandelbrot(WHOLE, 100, out=out, num_threads=threads) is out
    assert_array_equal(out, expected)
    out[:] = -7
    assert pp.escape_time(0, WHOLE.grid().T, 100, out=out.T, num_threads=threads) is not None
    assert_array_equal(out, expected)


def test_nothing_is_written_beside_out():
    memory = np.full((45, 200), -7)
    pp.mandelbrot(WHOLE, 100, out=memory[2:43, 3 : 3 + 2 * 67 : 2])
    inside = np.zeros(memory.shape, bool)
    inside[2:43, 3 : 3 + 2 * 67 : 2] = True
    assert (memory[~inside] == -7).all()
    assert (memory[inside] >= 0).all()


def test_out_without_dimensions():
    out = np.array(-7, np.int64)
    assert pp.escape_time(0, 1, 10, out=out) is out
    assert out == 2


def test_results_are_fresh_int32_arrays_in_c_order():
    for counts in (pp.mandelbrot(WHOLE, 9), pp.escape_time(0, LAYOUTS["Fortran"], 9)):
        assert counts.dtype == np.int32
        assert counts.flags.c_contiguous
        assert counts.flags.owndata
        assert counts.flags.writeable


def test_inputs_stay_as_they_are():
    z, c = POINTS.copy(), POINTS[::-1].copy()
    before = z.tobytes(), c.tobytes()
    pp.escape_time(z, c, 50)
    assert (z.tobytes(), c.tobytes()) == before


def test_overflow_inside_leaves_no_floating_point_warning_behind():
    pp.escape_time(0, np.array(ODD_POINTS), 10)
    assert np.add(1.0, 2.0) == 3  # warnings are errors
    assert np.float64(2.0) * 3 == 6


DTYPES = ["?", "i1", ">i4", "u8", "f4", "f8", ">f8", "c8", "c16", ">c16"]
pairs = hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=4, max_side=7).flatmap(
    lambda shapes: st.tuples(
        *(hnp.arrays(st.sampled_from(DTYPES), shape) for shape in shapes.input_shapes)
    )
)


@st.composite
def cut(draw: st.DrawFn, array: np.ndarray) -> np.ndarray:
    """A view with other strides and the same shape's length in each dimension, or less."""
    axes = draw(st.permutations(range(array.ndim)))
    back = np.argsort(axes)
    flipped = tuple(slice(None, None, draw(st.sampled_from([1, -1]))) for _ in range(array.ndim))
    return array.transpose(axes).copy(order="C").transpose(back)[flipped]


@given(pairs, st.integers(1, 70), st.integers(1, 5), st.data())
def test_any_arrays(pair, max_iter, threads, data):
    z, c = (data.draw(cut(array)) for array in pair)
    counts = pp.escape_time(z, c, max_iter, num_threads=threads)
    assert_array_equal(counts, escape_counts(z, c, max_iter))


@given(
    st.integers(1, 40),
    st.integers(1, 12),
    st.complex_numbers(max_magnitude=2.5),
    st.floats(1e-18, 5),
    st.integers(1, 400),
    st.integers(1, 9),
)
def test_any_box(width, height, center, size, max_iter, threads):
    box = pp.Box(width, height, center, complex(size, size))
    counts = pp.mandelbrot(box, max_iter, num_threads=threads)
    assert_array_equal(counts, fast_escape_counts(0, box.grid(), max_iter))


# --- memory --------------------------------------------------------------------------------------

TEMPORARIES = """
import resource, sys
import numpy as np, pyparallel as pp
n = 4_000_000
z = np.zeros(2 * n, ">c16")[::-2]
c = np.zeros(2 * n + 1, np.float32).view(np.uint8)[1:-3].view(np.float32)[::2]
{arguments}
out = np.zeros(2 * n, np.int64)[::-2]
z[0], c[0], out[0] = 0, 0, 0
for start in range(0, n, 128):  # touch every page before measuring
    z[start] = c[start] = out[start] = 0
pp.escape_time(z[:1000], c[:1000], 5, out=out[:1000], num_threads=2)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
pp.escape_time(z, c, 5, out=out, num_threads=2)
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(grown // (1024 if sys.platform == "darwin" else 1))
"""


@pytest.mark.parametrize(
    "arguments",
    [
        "",
        "z = np.asfortranarray(z.reshape(2000, 2000)).reshape(-1)",
        "c = np.broadcast_to(c[0], n)",
    ],
    ids=["strided", "Fortran", "broadcast"],
)
def test_temporaries_are_small(run_python, arguments):
    """A copy of an input would be 32 MB or more; a MiB per thread is allowed."""
    pytest.importorskip("resource")
    code = TEMPORARIES.format(arguments=arguments)
    if "broadcast" in arguments:
        code = code.replace("z[start] = c[start] =", "z[start] =").replace(
            "z[0], c[0], out[0] = 0, 0, 0", ""
        )
    assert int(run_python(code).stdout) < 2048
