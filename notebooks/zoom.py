"""A film that zooms into the Mandelbrot set, for 05-snakemake.ipynb.

python zoom.py                        everything, one frame after the other
python zoom.py frame K OUTPUT         frame number K
python zoom.py film OUTPUT FRAME...   the film made of these frames

Settings are read from zoom.json: "frames", "size" (pixels), "fine" (points for each pixel, in each
direction) and "max_iter".
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import numpy as np
from PIL import Image

import pyparallel as pp

CENTER = -1.1195 + 0.2718j
WIDEST, CLOSER = 2.5, 0.4  # extent of the first frame; of each against the one before
SETTINGS = Path("zoom.json")


def palette(max_iter: int) -> np.ndarray:
    """From dark blue over light colours to brown; black where no orbit escapes."""
    place = np.log1p(np.arange(max_iter)) / np.log(max_iter)
    channels = [(20, 70, 235, 250, 120), (30, 140, 240, 170, 50), (90, 200, 220, 60, 10)]
    stops = np.linspace(0, 1, 5)
    table = np.stack([np.interp(place, stops, values) for values in channels], axis=1)
    table[-1] = 0
    return table.astype(np.uint8)


def frame(k: int, path: Path) -> None:
    """Compute one frame, by one thread, and save it when it is whole."""
    settings = json.loads(SETTINGS.read_text("utf-8"))
    size, fine, max_iter = settings["size"], settings["fine"], settings["max_iter"]
    extent = WIDEST * CLOSER**k * (1 + 1j)
    box = pp.Box(fine * size, fine * size, center=CENTER, extent=extent)
    points = palette(max_iter)[pp.mandelbrot(box, max_iter, num_threads=1)]
    pixels = points.reshape(size, fine, size, fine, 3).mean(axis=(1, 3))  # of fine x fine points
    image = Image.fromarray(pixels[::-1].astype(np.uint8))  # row 0 is the lowest of a box
    path.parent.mkdir(exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}.part")  # a name that no other process has
    image.save(part, format="PNG")
    part.replace(path)  # killed before, there is no frame; killed after, a whole one


def film(path: Path, frames: list[Path]) -> None:
    """Put the frames one after the other, into a GIF."""
    first, *others = [Image.open(frame).quantize(64) for frame in frames]
    first.save(path, save_all=True, append_images=others, duration=400, loop=0)


def main(what: str = "everything", *arguments: str) -> None:
    """Do what the command line says."""
    if what == "frame":
        frame(int(arguments[0]), Path(arguments[1]))
    elif what == "film":
        film(Path(arguments[0]), [Path(name) for name in arguments[1:]])
    else:
        count = json.loads(SETTINGS.read_text("utf-8"))["frames"]
        paths = [Path("frames", f"{k}.png") for k in range(count)]
        for k, path in enumerate(paths):
            frame(k, path)
        film(Path("film.gif"), paths)


if __name__ == "__main__":
    main(*sys.argv[1:])
