"""`assign`: a tile for each target, no tile too often, proven to cost the least."""

from __future__ import annotations

import itertools
import signal
import threading
import time
from fractions import Fraction

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import pyparallel as pp
from pyparallel._load import core
from tests.assignments import check_proof, noise, shapes, smooth, squared_distances

SHAPES = shapes()

# 0.2 s are promised on a machine that has nothing else to do; this is for those that have.
LATEST = 1.0


@pytest.mark.parametrize("name", SHAPES)
def test_the_prices_prove_the_bound(name):
    targets, tiles, max_uses = SHAPES[name]
    check_proof(targets, tiles, max_uses)


@pytest.mark.parametrize("seed", range(60))
def test_no_permutation_is_better(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 7))
    m = int(rng.integers(1, n + 1))
    high = int(rng.choice([2, 5, 256]))
    targets, tiles = (rng.integers(0, high, (k, 2), np.uint8) for k in (m, n))
    distances = squared_distances(targets, tiles)
    best = min(
        distances[np.arange(m), list(order)].sum() for order in itertools.permutations(range(n), m)
    )
    assert check_proof(targets, tiles).cost == best


def test_a_group_may_choose_among_very_many_units():
    """Greys: few are different, and each tile of many equal ones has a price of its own."""
    rng = np.random.default_rng(0)
    targets = np.clip(115 + 45 * rng.normal(size=(1545, 1)), 0, 255).astype(np.uint8)
    tiles = np.clip(125 + 45 * rng.normal(size=(6000, 1)), 0, 255).astype(np.uint8)
    check_proof(targets, tiles)


@pytest.mark.parametrize("gap", [1e-9, 1e-4, 0.5])
def test_the_gap_is_kept(gap):
    rng = np.random.default_rng(0)
    check_proof(noise(rng, 200), noise(rng, 220), gap=gap)
    check_proof(rng.normal(size=(200, 3)), rng.normal(size=(220, 3)), gap=gap)


@pytest.mark.parametrize("seed", [41, 44, 52])
def test_the_bound_of_floats_is_below_what_the_prices_prove(seed):
    """In exact fractions: raw prices are large here, so that sums of them are rounded."""
    rng = np.random.default_rng(seed)
    centres = rng.choice([0.0, 200.0], (60, 1))
    targets, tiles = (centres[:n] + 0.1 * rng.normal(size=(n, 2)) for n in (40, 60))
    result = pp.mosaic.assign(targets, tiles)
    prices = [Fraction(p) for p in result.prices.tolist()]
    rows = [[[Fraction(x) for x in row] for row in a.tolist()] for a in (targets, tiles)]
    least = sum(
        min(
            sum((x - y) ** 2 for x, y in zip(t, p, strict=True)) + price
            for p, price in zip(rows[1], prices, strict=True)
        )
        for t in rows[0]
    )
    assert Fraction(result.bound) <= least - sum(prices)


@pytest.mark.parametrize(
    "name", ["many whole tiles", "smooth, more tiles", "few colours", "floats", "whole tiles"]
)
def test_indices_do_not_depend_on_threads_or_slices(name):
    targets, tiles, max_uses = SHAPES[name]
    first = pp.mosaic.assign(targets, tiles, max_uses=max_uses, num_threads=1)
    for threads in (2, 3, 16):
        core.set_slices(0.0, 1)
        try:
            again = pp.mosaic.assign(targets, tiles, max_uses=max_uses, num_threads=threads)
        finally:
            core.set_slices(0.1, 0)
        assert_array_equal(again.indices, first.indices)
        assert_array_equal(again.prices, first.prices)
        assert (again.cost, again.bound) == (first.cost, first.bound)


def test_indices_do_not_depend_on_the_layout():
    targets, tiles, _ = SHAPES["smooth"]
    expected = pp.mosaic.assign(targets, tiles).indices
    wide = np.zeros((300, 6), np.uint8)
    wide[::-1, ::2] = targets
    assert_array_equal(
        pp.mosaic.assign(wide[::-1, ::2], np.asfortranarray(tiles)).indices, expected
    )
    swapped = tiles.astype(">f4")
    assert_array_equal(
        pp.mosaic.assign(targets, swapped).indices,
        pp.mosaic.assign(targets, tiles.astype("<f4")).indices,
    )


def test_equal_targets_and_tiles_are_split_in_order():
    targets = np.array([[5], [9], [5], [5]], np.uint8)
    tiles = np.array([[5], [9], [5]], np.uint8)
    assert_array_equal(pp.mosaic.assign(targets, tiles, max_uses=2).indices, [0, 1, 0, 2])


def test_progress_counts_thousandths():
    rng = np.random.default_rng(0)
    calls = []
    core.set_slices(1e-4, 0)
    try:
        pp.mosaic.assign(
            smooth(400), noise(rng, 500), progress=lambda *counts: calls.append(counts)
        )
    finally:
        core.set_slices(0.1, 0)
    done = [d for d, total in calls if total == 1000]
    assert len(done) == len(calls) > 2
    assert done == sorted(done)
    assert done[-1] == 1000
    assert done.count(1000) == 1


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_floats_that_cost_nothing_have_a_bound_of_nothing(scale):
    rng = np.random.default_rng(0)
    for _ in range(60):
        tiles = rng.normal(size=(rng.integers(2, 9), 2)) * scale
        tiles[:2] = 0
        targets = np.zeros((rng.integers(1, 11), 2))
        found = pp.mosaic.assign(targets, tiles, max_uses=5)
        assert found.cost == found.bound == 0
        assert not found.prices.any()


def test_the_caller_is_asked_while_equal_rows_are_merged():
    rows = np.broadcast_to(np.uint8(7), (200, 50_000))
    calls = []
    core.set_slices(0.0, 0)  # they are over at once
    try:
        pp.mosaic.assign(
            rows, rows[:1], max_uses=200, progress=lambda *counts: calls.append(counts)
        )
    finally:
        core.set_slices(0.1, 0)
    assert len(calls) > 100


@pytest.mark.parametrize("features", [40, 50])
def test_a_target_may_look_at_its_tiles_in_many_slices(features):
    rng = np.random.default_rng(0)
    targets, tiles = rng.normal(size=(5, features)), rng.normal(size=(30_000, features))
    expected = pp.mosaic.assign(targets, tiles)
    core.set_slices(0.0, 1)
    try:
        found = pp.mosaic.assign(targets, tiles, num_threads=3)
    finally:
        core.set_slices(0.1, 0)
    assert_array_equal(found.indices, expected.indices)
    assert_array_equal(found.prices, expected.prices)


def test_an_exception_from_progress_stops_the_work():
    def stop(done, total):
        raise LookupError("enough")

    with pytest.raises(LookupError, match="enough"):
        pp.mosaic.assign(*SHAPES["smooth"][:2], progress=stop)


def test_ctrl_c_stops_it():
    rng = np.random.default_rng(0)
    targets, tiles = noise(rng, 30_000), noise(rng, 30_000) // 2
    sent = []

    def interrupt():
        sent.append(time.perf_counter())
        signal.raise_signal(signal.SIGINT)

    timer = threading.Timer(0.5, interrupt)
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            pp.mosaic.assign(targets, tiles)
        assert time.perf_counter() - sent[0] < LATEST
    finally:
        timer.cancel()
    check_proof(targets[:50], tiles[:50])


A = np.zeros((2, 3))


@pytest.mark.parametrize(
    ("error", "message", "targets", "tiles", "options"),
    [
        (ValueError, "targets must be at most n . max_uses = 2, not 3", A[[0, 0, 1]], A, {}),
        (ValueError, "tiles must not be empty", A, A[:0], {}),
        (ValueError, "tiles must have 3 features each, as targets, not 2", A, A[:, :2], {}),
        (ValueError, "targets must have 2 dimensions, not 1", A[0], A, {}),
        (ValueError, "targets must be finite", A + np.nan, A, {}),
        (ValueError, "tiles must be finite", A, A + np.inf, {}),
        (TypeError, "targets must be uint8, float32 or float64, not int64", A.astype(int), A, {}),
        (TypeError, "tiles must be uint8", A, A.astype(complex), {}),
        (ValueError, "max_uses must be between 1 and", A, A, {"max_uses": 0}),
        (TypeError, "max_uses must be an integer", A, A, {"max_uses": 1.0}),
        (TypeError, "max_uses must be an integer", A, A, {"max_uses": True}),
        (ValueError, "gap must be at least 1e-9 for floats", A, A, {"gap": 1e-10}),
        (ValueError, "gap must be at least 1e-9 for floats", A, A, {"gap": float("nan")}),
        (TypeError, "gap must be None or a number, not str", A, A, {"gap": "1"}),
        (TypeError, "gap must be None or a number, not bool", A, A, {"gap": True}),
        (ValueError, "gap must be one that float64 can prove", A + 1e200, A, {}),
        (ValueError, "num_threads must be", A, A, {"num_threads": 0}),
        (TypeError, "progress must be None or a callable", A, A, {"progress": 1}),
    ],
)
def test_bad_arguments_are_named(error, message, targets, tiles, options):
    with pytest.raises(error, match=f"^assign: {message}"):
        pp.mosaic.assign(targets, tiles, **options)


def test_a_negative_gap_is_refused_for_bytes_too():
    with pytest.raises(ValueError, match=r"^assign: gap must be at least 0, not -1$"):
        pp.mosaic.assign(A.astype(np.uint8), A.astype(np.uint8), gap=-1)
