"""`assign` costs as little as SciPy's exact solver, on hundreds of random and adversarial cases."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.optimize import linear_sum_assignment

from pyparallel._demo_mosaic import photograph
from tests.assignments import check_proof, clusters, noise, shapes, smooth, squared_distances

SHAPES = shapes()


def optimum(targets, tiles, max_uses):
    distances = squared_distances(targets, tiles)
    distances = np.repeat(distances, min(max_uses, len(targets)), axis=1)
    return distances[linear_sum_assignment(distances)].sum()


def check_cost(targets, tiles, max_uses=1):
    result = check_proof(targets, tiles, max_uses)
    best = optimum(targets, tiles, max_uses)
    if isinstance(result.cost, int):
        assert result.cost == best == result.bound
    else:
        assert result.bound <= best * (1 + 1e-12) <= result.cost * (1 + 1e-11)


@pytest.mark.parametrize("name", SHAPES)
def test_the_cost_is_the_optimum(name):
    check_cost(*SHAPES[name])


KINDS = {
    "noise": noise,
    "few": lambda rng, n, d: noise(rng, n, d) // 86 * 86,
    "bits": lambda rng, n, d: noise(rng, n, d) // 128,
    "clusters": clusters,
    "smooth": lambda rng, n, d: smooth(n, d),
    "floats": lambda rng, n, d: rng.normal(size=(n, d)),
    "rounded floats": lambda rng, n, d: rng.normal(size=(n, d)).round(1),
    "small floats": lambda rng, n, d: (rng.normal(size=(n, d)) * 1e-3).astype(np.float32),
}


@settings(max_examples=300, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(1, 70),
    d=st.sampled_from([1, 2, 3, 3, 3, 12, 60]),
    max_uses=st.sampled_from([1, 1, 1, 2, 3, 100]),
    full=st.booleans(),
    kinds=st.tuples(*[st.sampled_from(sorted(KINDS))] * 2),
)
def test_the_cost_of_random_cases_is_the_optimum(seed, n, d, max_uses, full, kinds):
    rng = np.random.default_rng(seed)
    most = min(n * max_uses, 150)
    m = most if full else int(rng.integers(1, most + 1))
    check_cost(KINDS[kinds[0]](rng, m, d), KINDS[kinds[1]](rng, n, d), max_uses)


@pytest.mark.parametrize("n", [400, 900])
def test_a_smooth_picture_of_many_tiles(n):
    rng = np.random.default_rng(n)
    check_cost(smooth(n), noise(rng, n))
    check_cost(smooth(n), noise(rng, n + n // 4))


# --- photographs, compared pixel by pixel -------------------------------------------------------

SIDE = 20  # pixels of a tile: 1200 features


@pytest.fixture(scope="module")
def photo():
    with Image.open(photograph()) as image:
        return image.convert("RGB")


def cells(photo, rows, cols, side=SIDE):
    """The photograph in so many parts, one after another, each a row of bytes."""
    pixels = np.asarray(photo.resize((cols * side, rows * side)))
    parts = pixels.reshape(rows, side, cols, side, 3).swapaxes(1, 2)
    return parts.reshape(rows * cols, -1)


def cuttings(photo, n, side=SIDE):
    """Parts from anywhere in the photograph, near and far, turned, mirrored and tinted."""
    rng = np.random.default_rng(n)
    pixels, found = np.asarray(photo), np.empty((n, side, side, 3), np.uint8)
    for cutting in found:
        step = int(rng.integers(1, 5))
        y, x = (rng.integers(0, length - side * step) for length in pixels.shape[:2])
        part = pixels[y : y + side * step : step, x : x + side * step : step]
        part = np.rot90(part[:: rng.choice([-1, 1])], rng.integers(4))
        cutting[:] = np.clip(part + rng.normal(0, 20, 3), 0, 255)
    return found.reshape(n, -1)


@pytest.mark.parametrize(
    ("rows", "cols", "n", "max_uses"),
    [
        (20, 25, 700, 1),
        (22, 20, 440, 1),
        (20, 24, 240, 2),
        (20, 25, 400, 2),
        (30, 25, 50, 15),  # some squared distances are above 2^24
        (44, 40, 2300, 1),
    ],
)
def test_a_photograph_of_whole_tiles(photo, rows, cols, n, max_uses):
    check_cost(cells(photo, rows, cols), cuttings(photo, n), max_uses)


def test_a_photograph_of_its_own_cells(photo):
    """Each has a tile at distance 0 but for those that are missing; of equal ones, any."""
    own = cells(photo, 24, 20)
    check_cost(own, np.random.default_rng(0).permutation(own))
    check_cost(own, np.vstack([own[30:], cuttings(photo, 60)]))
