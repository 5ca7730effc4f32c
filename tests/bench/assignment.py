"""``python -m tests.bench.assignment``: the time of `assign` against the number of tiles."""

from __future__ import annotations

import argparse
import resource
import time

import numpy as np

import pyparallel as pp

SIZES = [1000, 3000, 10_000, 30_000, 100_000]


def natural_tiles(rng: np.random.Generator, n: int) -> np.ndarray:
    """Mean colours as those of photographs: near the greys, most of them of medium brightness."""
    colours = 115 + 45 * rng.normal(size=(n, 1)) + 18 * rng.normal(size=(n, 3))
    return np.clip(colours, 0, 255).astype(np.uint8)


def smooth_picture(rng: np.random.Generator, n: int) -> np.ndarray:
    """The first n pixels of a square picture that changes slowly."""
    side = int(np.ceil(n**0.5))
    y, x = np.mgrid[0:side, 0:side] / side
    waves = [np.sin(3 * x + 2 * y + k) * np.cos(2 * y - k * x) for k in range(3)]
    picture = 128 + 100 * np.stack(waves, -1) + 2 * rng.normal(size=(side, side, 1))
    return np.clip(picture, 0, 255).astype(np.uint8).reshape(-1, 3)[:n]


def noise(rng: np.random.Generator, n: int) -> np.ndarray:
    return rng.integers(0, 256, (n, 3), np.uint8)


def flat_grey(rng: np.random.Generator, n: int) -> np.ndarray:
    return np.full((n, 3), 128, np.uint8)


TARGETS = {"smooth": smooth_picture, "noise": noise, "flat grey": flat_grey}


def seconds(targets: np.ndarray, tiles: np.ndarray, gap: float | None) -> float:
    began = time.perf_counter()
    pp.mosaic.assign(targets, tiles, gap=gap)
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.assignment", description=__doc__)
    parser.add_argument("--most", type=int, default=SIZES[-1], help="tiles")
    parser.add_argument("--gap", type=float, help="stop at this one, instead of the optimum")
    args = parser.parse_args()
    print(f"{'tiles':>8}" + "".join(f"{name:>12}" for name in TARGETS) + "   seconds")
    for n in (size for size in SIZES if size <= args.most):
        print(f"{n:>8}", end="")
        for name, draw in TARGETS.items():
            rng = np.random.default_rng(0)
            tiles = noise(rng, n) if name == "noise" else natural_tiles(rng, n)
            print(f"{seconds(draw(rng, n), tiles, args.gap):>12.3f}", end="", flush=True)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"   peak {peak:.0f} MB")


if __name__ == "__main__":
    main()
