"""``python -m tests.bench.matching``: the nearest tiles, raced against libraries for that."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import pyparallel as pp
from pyparallel._libraries import missing
from pyparallel._tables import seconds, text_table
from pyparallel.racing import Race

LIBRARIES = {"pykdtree": "pykdtree.kdtree", "SciPy": "scipy.spatial", "faiss": "faiss"}
OURS = {"uint8": np.uint8, "float32": np.float32}
FEW_FEATURES = 8  # with more, trees lose their way

Features = NDArray[Any]
Nearest = Callable[[Features, Features], NDArray[Any]]


class Work(NamedTuple):
    """What is matched."""

    targets: int
    tiles: int
    features: int
    kind: str

    def __str__(self) -> str:
        return f"{self.targets:,} x {self.tiles:,} x {self.features}, {self.kind}"


WORKS = [
    *(Work(m, 10**4, 3, kind) for m in (10**4, 10**5) for kind in ("random", "alike", "clusters")),
    *(Work(10**4, 10**4, d, kind) for d in (75, 192) for kind in ("random", "alike")),
]
QUICK = [Work(300, 200, 3, "alike"), Work(300, 200, 20, "random")]


def features(kind: str, n: int, d: int, seed: int) -> NDArray[np.float64]:
    """Numbers from 0 to 255 without fractions, as libraries take them in float32.

    At random; alike, as neighbouring colours of a picture are; or in clusters on a line.
    """
    rng = np.random.default_rng(seed)
    if kind == "random":
        a = rng.random((n, d))
    elif kind == "alike":
        a = np.cumsum(rng.normal(size=(n, d)), axis=1) + 5 * rng.normal(size=(n, 1))
    else:
        a = (rng.integers(0, 10, (n, 1)) + 0.01 * rng.random((n, 1))) * np.ones(d)
    return np.floor(255 * (a - a.min()) / np.ptp(a))


def by_pykdtree(targets: Features, tiles: Features) -> NDArray[Any]:
    from pykdtree.kdtree import KDTree

    return KDTree(tiles).query(targets)[0] ** 2


def by_scipy(targets: Features, tiles: Features, workers: int) -> NDArray[Any]:
    from scipy.spatial import cKDTree

    return cKDTree(tiles).query(targets, workers=workers)[0] ** 2


def by_faiss(targets: Features, tiles: Features, threads: int) -> NDArray[Any]:
    import faiss

    faiss.omp_set_num_threads(threads)
    index = faiss.IndexFlatL2(tiles.shape[1])
    index.add(tiles)
    return index.search(targets, 1)[0][:, 0]


def by_numpy(targets: Features, tiles: Features) -> NDArray[Any]:
    """The binomial formula, some targets at a time, so that the table stays small."""
    squares = (tiles * tiles).sum(axis=1)
    found = []
    for first in range(0, len(targets), 1000):
        some = targets[first : first + 1000]
        least = (squares - 2 * (some @ tiles.T)).min(axis=1)
        found.append(least + (some * some).sum(axis=1))
    return np.concatenate(found)


def by_us(targets: Features, tiles: Features) -> NDArray[Any]:
    return pp.mosaic.match(targets, tiles).distances


def contestants(work: Work, without: Sequence[str]) -> Iterator[tuple[str, Callable[[], Any]]]:
    """All distances, by each library that is here, in its fastest form for so many features."""
    threads = pp.get_num_threads()
    a = features(work.kind, work.targets, work.features, 1)
    b = features(work.kind, work.tiles, work.features, 2)
    narrow = a.astype(np.float32), b.astype(np.float32)
    for name, dtype in OURS.items():
        yield name, partial(by_us, a.astype(dtype), b.astype(dtype))
    if work.features <= FEW_FEATURES and "pykdtree" not in without:
        yield "pykdtree", partial(by_pykdtree, *narrow)
    if work.features <= FEW_FEATURES and "SciPy" not in without:
        yield "SciPy", partial(by_scipy, a, b, threads)
    if "faiss" not in without:
        yield "faiss", partial(by_faiss, *narrow, threads)
    if work.features > FEW_FEATURES:
        yield "NumPy", partial(by_numpy, *narrow)


def agree(ours: Any, theirs: Any) -> Any:
    """Theirs are rounded to float32, after a cancellation in some cases."""
    return np.abs(ours - theirs) <= 1e-3 * np.abs(ours) + 64


def race(work: Work, repeat: int, without: Sequence[str]) -> Race:
    return pp.race(dict(contestants(work, without)), check=agree, repeat=repeat)


def ratios(result: Race) -> str:
    """Our best times in those of each other."""
    others = [name for name in result.names if name not in OURS]
    return "; ".join(
        f"{own} {', '.join(f'{result.best[own] / result.best[of]:.2f} x {of}' for of in others)}"
        for own in OURS
    )


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.matching", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="little work, to try it")
    parser.add_argument("--features", type=int, help="only work with so many")
    given = parser.parse_args(arguments)
    without = missing(LIBRARIES)
    print(f"{pp.get_num_threads()} threads, {pp.config()['isa']}; targets x tiles x features")
    for work in QUICK if given.quick else WORKS:
        if given.features in (None, work.features):
            result = race(work, 3 if given.quick else 7, list(without))
            rows = [[name, seconds(result.best[name])] for name in result.names]
            print(text_table([str(work), "best"], rows, ratios(result)), flush=True)
    for name, cure in without.items():
        print(f"{name} did not race: {cure}")


if __name__ == "__main__":
    main()
