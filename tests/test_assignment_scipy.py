"""`assign` costs as little as SciPy's exact solver, on hundreds of random and adversarial cases."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

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
