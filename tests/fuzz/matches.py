"""One random call of match, drawn from a seed, and its check against all distances."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.random import Generator

from pyparallel._load import core
from pyparallel.mosaic import match
from tests.fuzz.cases import laid_out, power
from tests.reference import nearest_tiles

DTYPES = ["u1", "u1", "f4", "f8"]


@dataclass
class Case:
    """What is matched, and how."""

    targets: np.ndarray
    tiles: np.ndarray
    threads: int
    slices: tuple[float, int]

    def __str__(self) -> str:
        shapes = [(a.dtype.str, a.shape, a.strides) for a in (self.targets, self.tiles)]
        return f"match: {shapes} threads={self.threads} slices={self.slices}"


def whole(rng: Generator, n: int, d: int) -> np.ndarray:
    """Bytes: of all values, or of a few, with many ties."""
    return rng.integers(0, rng.choice([2, 4, 30, 256]), (n, d)).astype(float)


def clustered(rng: Generator, n: int, d: int) -> np.ndarray:
    """Close together, in places that are far apart."""
    centers = 255 * rng.random((4, d))
    return np.clip(rng.choice(centers, n) + power(rng, -12, 2) * rng.normal(size=(n, d)), 0, 255)


def correlated(rng: Generator, n: int, d: int) -> np.ndarray:
    """As the features of pictures: neighbours are alike."""
    steps = rng.normal(size=(n, d)) + power(rng, -1, 2) * rng.normal(size=(n, 1)) * (
        np.arange(d) == 0
    )
    a = np.cumsum(steps, axis=1)
    return 255 * (a - a.min(initial=0)) / (np.ptp(a) or 1 if a.size else 1)


KINDS = [whole, whole, clustered, correlated]


def features(rng: Generator, n: int, d: int, kind: int, dtype: str) -> np.ndarray:
    a = KINDS[kind](rng, n, d)
    if n and d and rng.random() < 0.2:
        a[rng.random(n) < 0.5] = a[0]
    if n and d and rng.random() < 0.2:
        a[:, int(rng.integers(0, d))] = 7
    return a.astype(dtype)


def draw(seed: int) -> Case:
    """The case of this seed."""
    rng = np.random.default_rng(seed)
    d = int(rng.integers(0, 10)) if rng.random() < 0.5 else int(power(rng, 0, 2.3))
    m, n = int(power(rng, 0, 2.7)) - (rng.random() < 0.05), int(power(rng, 0, 3.3))
    kind = int(rng.integers(0, len(KINDS)))
    dtype = str(rng.choice(DTYPES))
    of_tiles = dtype if rng.random() < 0.8 else str(rng.choice(DTYPES))
    targets = features(rng, m, d, kind, dtype)
    tiles = features(rng, n, d, kind if rng.random() < 0.8 else 0, of_tiles)
    if m and rng.random() < 0.2:
        targets = tiles[rng.integers(0, n, m)].astype(dtype)
    if dtype != "u1" and of_tiles != "u1" and rng.random() < 0.5:
        with np.errstate(all="ignore"):
            scale = power(rng, -30, 30) if "f4" in (dtype, of_tiles) else power(rng, -300, 300)
            move = power(rng, -2, 6)
            targets, tiles = ((a * scale + move).astype(a.dtype) for a in (targets, tiles))
    if d and targets.dtype != np.uint8 and m and rng.random() < 0.1:
        targets[rng.integers(0, m), rng.integers(0, d)] = power(rng, -30, 30)
    slices = (float(rng.choice([0.0, 1e-4, 0.1])), int(rng.integers(0, 3)))
    views = (
        laid_out(rng, np.nan_to_num(a) if a.dtype != np.uint8 else a) for a in (targets, tiles)
    )
    return Case(*views, int(rng.integers(1, 9)), slices)


def check(case: Case) -> None:
    """AssertionError where the kernel and the reference differ."""
    with np.errstate(all="ignore"):
        indices, distances = nearest_tiles(case.targets, case.tiles)
    reports: list[tuple[int, int]] = []
    core.set_slices(*case.slices)
    try:
        found = match(
            case.targets,
            case.tiles,
            num_threads=case.threads,
            progress=lambda *report: reports.append(report),
        )
    finally:
        core.set_slices(0.1, 0)
    assert found.distances.dtype == distances.dtype
    np.testing.assert_array_equal(found.indices, indices)
    np.testing.assert_array_equal(found.distances, distances)
    assert reports[-1] == (len(indices), len(indices))
    assert all(a[0] <= b[0] for a, b in pairwise(reports))
