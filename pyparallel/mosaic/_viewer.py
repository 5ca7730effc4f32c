"""The page that shows a deep-zoom folder: drag, wheel, pinch and keys, without any library."""

from __future__ import annotations

import json
from html import escape

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
html, body { margin: 0; height: 100%; overflow: hidden; background: #101214; }
canvas { display: block; width: 100vw; height: 100vh; touch-action: none; cursor: grab; }
canvas:active { cursor: grabbing; }
canvas:focus-visible { outline: 2px solid #56b4e9; outline-offset: -2px; }
p { position: fixed; left: 0; bottom: 0; margin: .6rem; padding: .3rem .6rem; color: #e6eaf0;
  background: #101214b0; border-radius: .3rem; font: .85rem/1.4 system-ui, sans-serif; }
</style>
</head>
<body>
<canvas tabindex="0" role="img" aria-label="$title: drag to move, wheel to zoom"></canvas>
<p>Drag to move, wheel or pinch to zoom; arrows, + and -, 0 for all of it.</p>
<script>
"use strict";
const pyramid = $pyramid;
const canvas = document.querySelector("canvas"), context = canvas.getContext("2d");
const files = new Map();  // loaded, or on their way; the least recently used first
const MOST_FILES = 400;
const view = { x: 0, y: 0, scale: 1 };  // the point of the picture at the top left, in its pixels
let dots = 1, waiting = false;

function fileAt(level, col, row) {
  const name = `${level}/${col}_${row}.jpg`;
  let image = files.get(name);
  if (image) {
    files.delete(name);
  } else {
    image = new Image();
    image.onload = redraw;
    image.src = `${pyramid.folder}/${name}`;
  }
  files.set(name, image);
  return image;
}

function drawLevel(level) {
  const factor = 2 ** (pyramid.top - level), side = pyramid.side * factor;
  const cols = Math.ceil(pyramid.width / side), rows = Math.ceil(pyramid.height / side);
  const right = view.x + canvas.width / view.scale, bottom = view.y + canvas.height / view.scale;
  const last = (place, count) => Math.min(count - 1, Math.floor(place / side));
  const first = (place) => Math.max(0, Math.floor(place / side));
  for (let row = first(view.y); row <= last(bottom, rows); row++)
    for (let col = first(view.x); col <= last(right, cols); col++) {
      const image = fileAt(level, col, row);
      if (!image.complete || !image.naturalWidth) continue;
      // Whole dots, so that no seams show between neighbours.
      const x0 = Math.round((col * side - view.x) * view.scale);
      const y0 = Math.round((row * side - view.y) * view.scale);
      const x1 = Math.round((col * side + image.naturalWidth * factor - view.x) * view.scale);
      const y1 = Math.round((row * side + image.naturalHeight * factor - view.y) * view.scale);
      context.drawImage(image, x0, y0, x1 - x0, y1 - y0);
    }
}

function draw() {
  waiting = false;
  context.fillStyle = "#101214";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingEnabled = view.scale < 3;
  const finest = pyramid.top + Math.ceil(Math.log2(view.scale) - 0.3);
  const level = Math.max(0, Math.min(pyramid.top, finest));
  for (const coarser of [6, 3, 0])  // below what is not there yet, something blurred
    if (level - coarser >= 0) drawLevel(level - coarser);
  for (const name of files.keys()) {
    if (files.size <= MOST_FILES) break;
    files.delete(name);
  }
}

function redraw() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(draw);
}

function whole() { return Math.min(canvas.width / pyramid.width, canvas.height / pyramid.height); }

function keepInside() {
  view.scale = Math.min(Math.max(view.scale, whole() / 2), 16 * dots);
  for (const [axis, size, room] of [["x", pyramid.width, canvas.width],
                                    ["y", pyramid.height, canvas.height]]) {
    const shown = room / view.scale, spare = size - shown;
    view[axis] = spare < 0 ? spare / 2 : Math.min(Math.max(view[axis], 0), spare);
  }
  redraw();
}

function zoom(factor, x, y) {
  const before = view.scale;
  view.scale = Math.min(Math.max(before * factor, whole() / 2), 16 * dots);
  view.x += x / before - x / view.scale;
  view.y += y / before - y / view.scale;
  keepInside();
}

function move(dx, dy) {
  view.x -= dx / view.scale;
  view.y -= dy / view.scale;
  keepInside();
}

function showAll() {
  view.scale = whole();
  view.x = view.y = 0;
  keepInside();
}

const fingers = new Map();
canvas.addEventListener("pointerdown", (event) => {
  canvas.setPointerCapture(event.pointerId);
  fingers.set(event.pointerId, event);
});
canvas.addEventListener("pointermove", (event) => {
  const old = fingers.get(event.pointerId);
  if (!old) return;
  fingers.set(event.pointerId, event);
  const others = [...fingers.values()].filter((finger) => finger.pointerId !== event.pointerId);
  if (others.length === 1) {
    const [other] = others;
    const span = (finger) => Math.hypot(finger.clientX - other.clientX,
                                        finger.clientY - other.clientY);
    if (span(old) > 0) zoom(span(event) / span(old), other.clientX * dots, other.clientY * dots);
  } else if (!others.length) {
    move((event.clientX - old.clientX) * dots, (event.clientY - old.clientY) * dots);
  }
});
for (const kind of ["pointerup", "pointercancel"])
  canvas.addEventListener(kind, (event) => fingers.delete(event.pointerId));
canvas.addEventListener("wheel", (event) => {
  event.preventDefault();
  const pixels = event.deltaY * (event.deltaMode ? 30 : 1);
  zoom(2 ** (-pixels / 300), event.clientX * dots, event.clientY * dots);
}, { passive: false });
canvas.addEventListener("dblclick", (event) =>
  zoom(2, event.clientX * dots, event.clientY * dots));
addEventListener("keydown", (event) => {
  const step = 80 * dots, x = canvas.width / 2, y = canvas.height / 2;
  const keys = {
    ArrowLeft: () => move(step, 0), ArrowRight: () => move(-step, 0),
    ArrowUp: () => move(0, step), ArrowDown: () => move(0, -step),
    "+": () => zoom(1.5, x, y), "=": () => zoom(1.5, x, y), "-": () => zoom(1 / 1.5, x, y),
    0: showAll, Home: showAll,
  };
  if (event.ctrlKey || event.metaKey || !keys[event.key]) return;
  event.preventDefault();
  keys[event.key]();
});

function resize() {
  dots = window.devicePixelRatio || 1;
  canvas.width = Math.round(innerWidth * dots);
  canvas.height = Math.round(innerHeight * dots);
  keepInside();
}
addEventListener("resize", resize);
resize();
showAll();
</script>
</body>
</html>
"""


def page(title: str, folder: str, width: int, height: int, side: int, top: int) -> str:
    """The viewer of a pyramid: its folder, size, size of files, and number of the finest level.

    Examples
    --------
    >>> from pyparallel.mosaic._viewer import page
    >>> "<title>A &amp; B</title>" in page("A & B", "files", 4, 3, 512, 2)
    True
    """
    pyramid = {"folder": folder, "width": width, "height": height, "side": side, "top": top}
    return PAGE.replace("$title", escape(title)).replace("$pyramid", json.dumps(pyramid))
