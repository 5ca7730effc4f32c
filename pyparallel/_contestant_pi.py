"""How each library estimates π best: the forms of `pyparallel.contestants.pi`.

All take the number of samples, and count those inside the quarter circle. They draw from generators
that are seeded anew in each call, so their estimates differ by chance.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np

from pyparallel._contestant_kernels import numba_threads
from pyparallel._threads import get_num_threads
from pyparallel.monte_carlo import calc_pi

# NumPy goes fastest through arrays that stay in the cache between one operation and the next.
SAMPLES_A_BLOCK = 65_536


def by_python(n: int) -> float:
    return 4 * _loop(range)(n) / n


def by_numpy(n: int) -> float:
    return 4 * hits_by_numpy(n, np.random.SeedSequence()) / n


def by_numba_serial(n: int) -> float:
    return 4 * compiled()[0](n) / n


def by_numba_parallel(n: int) -> float:
    with numba_threads():
        return 4 * compiled()[1](n) / n


def by_numba_generators(n: int) -> float:
    with numba_threads() as threads:
        seeds = np.random.SeedSequence().spawn(threads)
        generators = tuple(np.random.Generator(np.random.SFC64(seed)) for seed in seeds)
        return 4 * compiled()[2](generators, n) / n


def by_dask(n: int) -> float:
    dask: Any = import_module("dask")
    parts = get_num_threads()
    sizes = [(n + k) // parts for k in range(parts)]
    seeds = np.random.SeedSequence().spawn(parts)
    hits = [dask.delayed(hits_by_numpy)(*part) for part in zip(sizes, seeds, strict=True)]
    total = dask.delayed(sum)(hits).compute(scheduler="threads", num_workers=parts)
    return 4 * int(total) / n


def by_pyparallel(n: int) -> float:
    return calc_pi(n)


def hits_by_numpy(n: int, seed: np.random.SeedSequence) -> int:
    rng = np.random.Generator(np.random.SFC64(seed))  # NumPy's fastest
    points, hits = np.empty((2, min(n, SAMPLES_A_BLOCK))), 0
    for start in range(0, n, SAMPLES_A_BLOCK):
        x, y = points[:, : n - start]
        rng.random(out=x)
        rng.random(out=y)
        x *= x
        y *= y
        x += y
        hits += int(np.count_nonzero(x < 1.0))
    return hits


@cache
def compiled() -> tuple[Callable[..., int], ...]:
    """The loops by Numba: serial, parallel, and parallel with generators of NumPy's."""
    numba: Any = import_module("numba")
    loop = _loop(numba.prange)  # without parallel=True prange is range
    one_by_one = _streams(numba.njit(nogil=True)(_stream), numba.prange)
    return (
        numba.njit(nogil=True)(loop),
        numba.njit(nogil=True, parallel=True)(loop),
        numba.njit(nogil=True, parallel=True)(one_by_one),
    )


def _loop(samples: Callable[[int], Any]) -> Callable[[int], int]:
    def hits_of(n: int) -> int:
        hits = 0
        for _ in samples(n):
            x = random.random()
            y = random.random()
            if x * x + y * y < 1.0:
                hits += 1
        return hits

    return hits_of


def _stream(rng: np.random.Generator, n: int) -> int:
    hits = 0
    for _ in range(n):
        x = rng.random()
        y = rng.random()
        if x * x + y * y < 1.0:
            hits += 1
    return hits


def _streams(
    stream: Callable[[np.random.Generator, int], int], parts: Callable[[int], Any]
) -> Callable[[tuple[np.random.Generator, ...], int], int]:
    def hits_of(generators: tuple[np.random.Generator, ...], n: int) -> int:
        hits = 0
        for k in parts(len(generators)):
            hits += stream(generators[k], (n + k) // len(generators))
        return hits

    return hits_of
