"""What the tests of `assign` share: cases that are hard in one way or another, and the proof."""

from __future__ import annotations

import numpy as np

import pyparallel as pp


def squared_distances(targets, tiles):
    """All of them: in int64 where both are uint8, else in float64."""
    exact = targets.dtype == tiles.dtype == np.uint8
    targets, tiles = targets.astype(np.float64), tiles.astype(np.float64)
    if not exact:
        return ((targets[:, None] - tiles) ** 2).sum(-1)
    # Whole numbers below 2**53, so that products of matrices are exact, and need less memory.
    squares = [(a * a).sum(-1) for a in (targets, tiles)]
    return (squares[0][:, None] + squares[1] - 2 * targets @ tiles.T).astype(np.int64)


def check_proof(targets, tiles, max_uses=1, gap=None, **options):
    """An assignment with its claims recomputed, in Python's integers where both are uint8."""
    result = pp.mosaic.assign(targets, tiles, max_uses=max_uses, gap=gap, **options)
    distances = squared_distances(targets, tiles)
    assert result.indices.shape == (len(targets),)
    assert np.bincount(result.indices, minlength=len(tiles)).max() <= max_uses
    assert (result.prices >= 0).all()
    cost = sum(distances[np.arange(len(targets)), result.indices].tolist())
    least = (distances + result.prices).min(1).tolist() if len(targets) else []
    proven = sum(least) - max_uses * sum(result.prices.tolist())
    if distances.dtype == np.int64:
        assert isinstance(result.cost, int)
        assert result.cost == cost
        assert result.bound <= proven <= cost
        assert result.cost - result.bound <= (gap or 0) * result.cost
    else:
        gap = 1e-6 if gap is None else gap
        floor = 1e-12 * len(targets) * distances.max(initial=0)
        assert abs(result.cost - cost) <= 1e-12 * cost
        assert result.bound <= proven + 1e-12 * sum(least)
        assert result.cost - result.bound <= gap * max(result.cost, floor)
    return result


def smooth(n, d=3):
    """The pixels of a smooth picture, as uint8: many are equal."""
    x = np.linspace(0, 3, n)[:, None] + np.arange(d) / 2
    return (128 + 100 * np.sin(x)).astype(np.uint8)


def clusters(rng, n, d=3):
    """Rows in a few tight clusters far apart."""
    return (rng.choice([10, 120, 240], (n, 1)) + rng.integers(0, 4, (n, d))).astype(np.uint8)


def noise(rng, n, d=3):
    return rng.integers(0, 256, (n, d), np.uint8)


def shapes():
    """(targets, tiles, max_uses) by name: where price wars threaten, and the corners."""
    rng = np.random.default_rng(5)
    grey = np.full((60, 3), 128, np.uint8)
    return {
        "one of each": (noise(rng, 1), noise(rng, 1), 1),
        "no targets": (noise(rng, 0), noise(rng, 5), 1),
        "no features": (np.zeros((4, 0), np.uint8), np.zeros((5, 0), np.uint8), 1),
        "equal targets": (grey, noise(rng, 60), 1),
        "equal targets, more tiles": (grey, noise(rng, 300), 1),
        "equal tiles": (noise(rng, 60), grey, 1),
        "all equal": (grey, grey, 1),
        "one tile": (noise(rng, 60), noise(rng, 1), 60),
        "one tile, often": (noise(rng, 60), noise(rng, 1), 2**31 - 1),
        "every use needed": (noise(rng, 90), noise(rng, 30), 3),
        "more uses than targets": (noise(rng, 50), noise(rng, 30), 1000),
        "clusters": (clusters(rng, 90), clusters(rng, 90), 1),
        "clusters, more tiles": (clusters(rng, 60), clusters(rng, 90), 1),
        "clusters, one missing": (np.vstack([clusters(rng, 60), grey]), clusters(rng, 150), 1),
        "few colours": (noise(rng, 80) // 128 * 100, noise(rng, 100) // 64 * 64, 1),
        "few colours, two uses": (noise(rng, 80) // 128 * 100, noise(rng, 50) // 64 * 64, 2),
        "smooth": (smooth(300), noise(rng, 300), 1),
        "smooth, more tiles": (smooth(250), noise(rng, 400), 1),
        "permuted": (noise(rng, 100), rng.permutation(noise(rng, 100)), 1),
        "one feature": (noise(rng, 100, 1), noise(rng, 120, 1), 1),
        "nine features": (noise(rng, 100, 9), noise(rng, 120, 9), 1),
        "whole tiles": (noise(rng, 60, 1200), noise(rng, 70, 1200), 1),
        "whole smooth tiles": (smooth(60, 1200), smooth(70, 1200), 1),
        "floats": (rng.normal(size=(80, 3)), rng.normal(size=(90, 3)), 1),
        "floats of 4 bytes": (rng.random((80, 3), np.float32), rng.random((80, 3)), 1),
        "floats, whole tiles": (rng.normal(size=(40, 300)), rng.normal(size=(50, 300)), 1),
        "floats far off": (rng.normal(size=(50, 3)) + 1e6, rng.normal(size=(50, 3)) + 1e6, 1),
        "floats and bytes": (noise(rng, 50), 255 * rng.random((60, 3)), 1),
        "many equal, often": (grey.repeat(10, 0), np.full((150, 3), 128, np.uint8), 5),
        "many targets, many features": (smooth(500, 50), smooth(200, 50), 5),
        "many whole tiles": (noise(rng, 500, 192) // 8, noise(rng, 600, 192), 1),
        "many floats of whole tiles": (rng.normal(size=(450, 60)), rng.normal(size=(500, 60)), 1),
        "equal floats": (np.full((30, 2), 0.1), rng.normal(size=(40, 2)), 1),
    }
