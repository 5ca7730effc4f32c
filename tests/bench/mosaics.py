"""``python -m tests.bench.mosaics``: a whole mosaic from files, against phomo on the same files."""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path
from typing import Any

import numpy as np

from pyparallel import _demo_mosaic
from pyparallel._tables import seconds, size, text_table
from pyparallel.mosaic import fractal_tiles

TILES, QUICK_TILES = 9780, 120
PLACES = (70, 112)  # rows and columns: 7840
QUICK_PLACES = (9, 12)
SIDE = 20  # pixels of a tile

# Run in processes of their own, which print a line of JSON: seconds, peak memory, which tile is
# where. Both read the same files, and compare every pixel.
OURS = """
from pyparallel.mosaic import load_tiles
from pyparallel.mosaic._options import Options
from pyparallel.mosaic._photo import plan
def solve(target, folder, rows, cols, side):
    tiles = load_tiles(folder, side)
    mosaic = plan(target, tiles, (rows, cols), Options(max_uses=1, detail=side, space="rgb"))
    mosaic.draw()
    return mosaic.indices.ravel().tolist(), mosaic.cost == mosaic.bound
"""
PHOMOS = """
from pathlib import Path
import numpy as np
import phomo.mosaic
from phomo import Master, Mosaic, Pool
kept = []
def solve(target, folder, rows, cols, side):
    optimal = phomo.mosaic.linear_sum_assignment
    def keep(distances):
        kept.append(optimal(distances))
        return kept[-1]
    phomo.mosaic.linear_sum_assignment = keep
    mosaic = Mosaic(Master.from_file(target), Pool.from_files(sorted(Path(folder).iterdir())))
    mosaic.build(mosaic.d_matrix(workers=2))
    return kept[0][1].reshape(cols, rows).T.ravel().tolist(), True  # it goes column by column
"""
RUN = """
import json, resource, sys, time
if __name__ == "__main__":
    target, folder, *numbers = sys.argv[1:]
    start = time.perf_counter()
    indices, proven = solve(target, folder, *map(int, numbers))
    took = time.perf_counter() - start
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    peak, cpu = max(use.ru_maxrss for use in used), sum(use.ru_utime + use.ru_stime for use in used)
    unit = 1 if sys.platform == "darwin" else 1024
    print(json.dumps({"seconds": took, "cpu": cpu, "peak": peak * unit, "indices": indices, "proven": proven}))
"""


def parse(words: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.mosaics", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few tiles, to see that it runs")
    parser.add_argument("--phomo", metavar="PYTHON", help="a Python that has phomo 1.2: race it")
    parser.add_argument("--tiles", type=int, help=f"how many; {TILES} by default")
    parser.add_argument("--places", type=int, nargs=2, metavar=("ROWS", "COLUMNS"))
    return parser.parse_args(words)


def write_files(folder: Path, tiles: int, places: tuple[int, int]) -> tuple[Path, Path]:
    """A target of whole pixels for every place, and a folder of JPEG tiles: half of them parts of
    the photograph's neighbourhoods, turned and tinted, the others fractals."""
    from PIL import Image

    path = _demo_mosaic.photograph()
    if path is None:
        raise SystemExit("matplotlib, with its sample pictures, is needed")
    photo = Image.open(path).convert("RGB")
    rows, cols = places
    target = folder / "target.png"
    photo.resize((cols * SIDE, rows * SIDE)).save(target)
    (folder / "tiles").mkdir()
    pixels = np.asarray(photo)
    rng = np.random.default_rng(0)
    fractals = fractal_tiles(tiles, SIDE)
    for i in range(tiles):
        tile = fractals[i] if i % 2 else _part(pixels, rng)
        Image.fromarray(tile).save(folder / "tiles" / f"{i:05d}.jpg", quality=92)
    return target, folder / "tiles"


def _part(pixels: Any, rng: np.random.Generator) -> Any:
    step = int(rng.integers(1, 4))
    y, x = (rng.integers(0, length - SIDE * step) for length in pixels.shape[:2])
    part = pixels[y : y + SIDE * step : step, x : x + SIDE * step : step]
    tint = rng.normal(0, 25, 3) + rng.normal(0, 25)
    return np.clip(np.rot90(part, rng.integers(4)) + tint, 0, 255).astype(np.uint8)


def measure(python: str, solver: str, *arguments: object) -> dict[str, Any]:
    command = [python, "-W", "ignore", "-c", solver + RUN, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def absent(python: str | None) -> str:
    """Why phomo cannot take part; empty where it can."""
    if python is None:
        return "no --phomo was given"
    if shutil.which(python) is None:
        return f"there is no {python}"
    command = [python, "-W", "ignore", "-c", "import phomo.mosaic"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stderr.splitlines()[-1] if done.returncode else ""


def distances(target: Path, tiles: Path, places: tuple[int, int], indices: list[int]) -> Any:
    """The squared distance, over every pixel, of each place to its tile."""
    from PIL import Image

    rows, cols = places
    pixels = np.asarray(Image.open(target)).reshape(rows, SIDE, cols, SIDE, 3).swapaxes(1, 2)
    files = sorted(tiles.iterdir())
    found = []
    for part, index in zip(pixels.reshape(rows * cols, -1), indices, strict=True):
        tile = np.asarray(Image.open(files[index]).convert("RGB")).ravel()
        found.append(((part.astype(int) - tile) ** 2).sum())
    return np.array(found)


def main(words: list[str] | None = None) -> None:
    options = parse(words)
    tiles = options.tiles or (QUICK_TILES if options.quick else TILES)
    places = tuple(options.places or (QUICK_PLACES if options.quick else PLACES))
    runners = {"pyparallel": (sys.executable, OURS)}
    reason = absent(options.phomo)
    if not reason:
        runners["phomo"] = (options.phomo, PHOMOS)
    with tempfile.TemporaryDirectory() as folder:
        target, files = write_files(Path(folder), tiles, places)
        rows, took = [], {}
        for name, (python, solver) in runners.items():
            result = measure(python, solver, target, files, *places, SIDE)
            took[name] = result["seconds"]
            squares = distances(target, files, places, result["indices"])
            rows.append(
                [
                    name,
                    seconds(result["seconds"]),
                    seconds(result["cpu"]),
                    size(result["peak"]),
                    f"{squares.sum():.6g}",
                    f"{np.sqrt(squares).sum():.6g}",
                    "proven" if result["proven"] else "not proven",
                ]
            )
    title = f"{len(squares)} places, {tiles} JPEG files of {SIDE} x {SIDE}, each used at most once"
    note = "From files to the finished picture, in a process of its own. Sums over all places."
    print(textwrap.fill(title, 79))
    print(
        text_table(
            ["", "time", "of CPUs", "memory", "squared", "not squared", "optimum"], rows, note
        )
    )
    if reason:
        print(f"phomo did not race: {reason}")
    else:
        print(f"phomo takes {took['phomo'] / took['pyparallel']:.2f} times as long")


if __name__ == "__main__":
    main()
