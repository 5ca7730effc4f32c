"""``python -m tests.bench.mosaic_memory``: the peak memory of each step of a mosaic."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from pyparallel._tables import seconds, size, text_table

PHOTOS, QUICK_PHOTOS = 10_000, 40
KINDS = 50  # pictures that differ; the others are links to them
SMALL, MEDIUM, LARGE = (1200, 900), (1600, 1250), (6000, 4000)  # pixels
MEDIUM_EVERY, LARGE_EVERY = 3, 1000

# Each step runs in a process of its own, which first makes what the step needs; all that it has
# in memory counts. What Python and the libraries take is "nothing but the imports".
PREPARE = """
import json, resource, sys, time
import numpy as np
from PIL import Image
from pyparallel.mosaic import (
    assemble, assign, features, fractal_tiles, load_tiles, match, photo_mosaic
)
from pyparallel.mosaic import _command
step, folder, count, side, target = sys.argv[1:]
count, side = int(count), int(side)
rng = np.random.default_rng(0)
grid = 4 * side // 5, side
places = grid[0] * grid[1]
"""
STEPS = {
    "nothing but the imports": "call = lambda: None",
    "load_tiles": "call = lambda: load_tiles(folder, 50)",
    "features, mean colours": (
        "tiles = rng.integers(0, 256, (count, 50, 50, 3), np.uint8)\\n"
        "call = lambda: features(tiles, space='oklab')"
    ),
    "match, 3 features": (
        "a, b = (rng.integers(0, 256, (n, 3), np.uint8) for n in (places, count))\\n"
        "call = lambda: match(a, b)"
    ),
    "match, 7500 features": (
        "a, b = (rng.integers(0, 256, (n, 7500), np.uint8) for n in (places // 8, count // 8))\\n"
        "call = lambda: match(a, b)"
    ),
    "assign, 3 features": (
        "a, b = (rng.integers(0, 256, (n, 3), np.uint8) for n in (places, count))\\n"
        "call = lambda: assign(a, b)"
    ),
    "assemble": (
        "tiles = rng.integers(0, 256, (count, 50, 50, 3), np.uint8)\\n"
        "call = lambda: assemble(tiles, rng.integers(0, count, grid))"
    ),
    "photo_mosaic": (
        "tiles = fractal_tiles(count, 50)\\n"
        "call = lambda: photo_mosaic(target, tiles, grid, max_uses=1)"
    ),
    "pyparallel mosaic -o, strips": "call = command(output=folder + '.png')",
    "pyparallel mosaic --dzi": "call = command(zoom=folder + '.dzi')",
    "the same, subdivided": (
        "call = command(output=folder + '.png', subdivide=(0.05, 0.05), greyscale=True)"
    ),
}
COMMAND = """
from pathlib import Path
def command(output=None, zoom=None, **options):
    paths = [name and Path(name) for name in (output, zoom)]
    return lambda: _command.make(_command.Order(
        target=Path(target), tiles=count, output=paths[0], zoom=paths[1], grid=5 * side // 2, **options
    ))
"""
RUN = """
start = time.perf_counter()
call()
took = time.perf_counter() - start
try:  # without what the process had that started this one
    status = open("/proc/self/status").read()
    peak = 1024 * int(status.split("VmHWM:")[1].split()[0])
except OSError:
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
print(json.dumps([took, peak]))
"""


def write_photos(folder: Path, count: int) -> None:
    """JPEG files of 1 and 2 megapixels, and a few of 24."""
    from PIL import Image

    folder.mkdir()
    for i in range(count):
        size = MEDIUM if i % MEDIUM_EVERY == 0 else SMALL
        if i % LARGE_EVERY == LARGE_EVERY // 2:
            size = LARGE
        kind = folder.parent / f"{size[0]}-{i % KINDS}.jpg"
        if not kind.exists():
            noise = Image.effect_noise((size[0] // 20, size[1] // 20), 20 + i % KINDS)
            colours = Image.merge("RGB", [noise, noise.rotate(90), noise.rotate(180)])
            colours.resize(size).save(kind, quality=80)
        (folder / f"{i:05d}.jpg").hardlink_to(kind)


def measure(step: str, *arguments: object) -> tuple[float, int]:
    code = PREPARE + COMMAND + STEPS[step].replace("\\n", "\n") + RUN
    command = [sys.executable, "-W", "ignore", "-c", code, step, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    took, peak = json.loads(done.stdout.splitlines()[-1])
    return took, peak


def main(words: list[str] | None = None) -> None:
    from PIL import Image

    parser = argparse.ArgumentParser(prog="python -m tests.bench.mosaic_memory")
    parser.add_argument("--quick", action="store_true", help="a few photos, to see that it runs")
    parser.add_argument("--step", action="append", choices=STEPS, help="only this one; again")
    given = parser.parse_args(words)
    count, side = (QUICK_PHOTOS, 6) if given.quick else (PHOTOS, 100)
    with tempfile.TemporaryDirectory() as name:
        folder, target = Path(name, "photos"), Path(name, "target.png")
        write_photos(folder, count)
        Image.effect_mandelbrot((2000, 1600), (-2, -1.2, 1, 1.2), 60).save(target)
        rows = []
        for step in given.step or STEPS:
            took, peak = measure(step, folder, count, side, target)
            rows.append([step, seconds(took), size(peak)])
            print(*rows[-1], file=sys.stderr, flush=True)
    wide, high = 5 * side // 2, 2 * side
    note = (
        f"{count} tiles of 50 x 50 in {side * 4 // 5} x {side} places; by the command in {high} x "
        f"{wide}, {wide * high * 2500 / 1e6:.3g} Mpixel"
    )
    print(text_table(["step", "time", "peak memory"], rows, note))


if __name__ == "__main__":
    main()
