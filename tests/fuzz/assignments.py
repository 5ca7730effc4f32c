"""One random assignment, drawn from a seed, and its check: the proof that comes with it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from pyparallel._load import core
from tests.assignments import check_proof
from tests.fuzz.cases import laid_out


@dataclass
class Case:
    """What is assigned."""

    targets: np.ndarray
    tiles: np.ndarray
    max_uses: int
    threads: int
    slices: tuple[float, int]

    def __str__(self) -> str:
        layouts = [(a.shape, a.dtype.str, a.strides) for a in (self.targets, self.tiles)]
        return f"assign: {layouts} {self.max_uses=} {self.threads=} {self.slices=}"


def rows(rng: Generator, n: int, d: int, in_bytes: bool) -> np.ndarray:
    """Few different ones, or many, close together or far apart; not so uneven that float64 could not
    prove the gap."""
    a = rng.integers(0, int(rng.choice([1, 3, 20, 256])), (n, d)).astype(np.uint8)
    if rng.random() < 0.3:
        a = a // 16 + rng.choice(np.array([0, 200], np.uint8), (n, 1))
    if in_bytes:
        return laid_out(rng, a)
    noise = rng.normal(size=(n, d)) * rng.choice([0, 0.1, 1])
    return laid_out(rng, (a + noise).astype(rng.choice(["f4", "f8"])))


def draw(seed: int) -> Case:
    """The case of this seed."""
    rng = np.random.default_rng(seed)
    n, d = int(rng.integers(1, rng.choice([20, 400]))), int(rng.choice([1, 2, 3, 5, 9, 50]))
    max_uses = int(rng.choice([1, 1, 2, 5, 10**6]))
    most = min(n * max_uses, 500)
    m = most if rng.random() < 0.4 else int(rng.integers(0, most + 1))
    in_bytes = rng.random() < 0.7
    targets, tiles = rows(rng, m, d, in_bytes), rows(rng, n, d, in_bytes)
    slices = (float(rng.choice([0.0, 1e-4, 0.1])), int(rng.integers(0, 3)))
    return Case(targets, tiles, max_uses, int(rng.integers(1, 9)), slices)


def check(case: Case) -> None:
    """AssertionError where the result is not what it claims to be."""
    core.set_slices(*case.slices)
    try:
        check_proof(case.targets, case.tiles, case.max_uses, num_threads=case.threads)
    finally:
        core.set_slices(0.1, 0)
