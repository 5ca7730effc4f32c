"""A window on the Mandelbrot set, and beside it the Julia set of any of its points."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyparallel._arguments import complex_number, whole_number
from pyparallel._metadata import install_line
from pyparallel.fractals import Box, julia, mandelbrot

__all__ = ["COLORS", "Explorer", "explore"]

HOME = {"mandelbrot": (-0.6 + 0j, 3.0), "julia": (0j, 3.4)}  # the centre and the extent
EXTENTS = 2.0**-40, 8.0  # narrower, neighbouring points are the same float64
FARTHEST = 4.0  # a centre, along either axis
MOST_ITERATIONS = 2**16

# Colours that the palettes pass through, round and round: the last leads back to the first.
COLORS = {
    "dusk": ("#08122c", "#0072b2", "#e8f1f5", "#e69f00", "#7a2a08"),
    "ice": ("#04101f", "#1c5f8f", "#d9f0ff"),
    "ember": ("#140300", "#b3380d", "#ffd27a"),
    "grey": ("#101010", "#f4f4f4"),
}

# How it starts, unless told otherwise.
SIZE = 512
POINT = -0.7454 + 0.1130j
ITERATIONS = 256
PALETTE = "dusk"


class Explorer:
    """What the explorer shows, without a browser: gestures go in, pictures come out.

    Parameters
    ----------
    size : int, optional
        Rows and columns of each of the two pictures, 16 to 4096.
    c : complex, optional
        The point whose Julia set is shown.
    max_iter : int, optional
        As in `pyparallel.mandelbrot`, up to 65536.
    colors : str, optional
        A name in `COLORS`.

    Attributes
    ----------
    boxes : dict of str to Box
        The parts of the plane that the pictures "mandelbrot" and "julia" show.

    Examples
    --------
    >>> from pyparallel.explorer import Explorer
    >>> explorer = Explorer(64)
    >>> sorted(explorer.apply({"do": "zoom", "panel": "julia", "at": [32, 31], "factor": 2}))
    ['julia']
    >>> explorer.boxes["julia"].extent
    (1.7+1.7j)
    >>> explorer.frame("julia").shape
    (64, 64, 4)
    """

    def __init__(
        self,
        size: int = SIZE,
        *,
        c: complex = POINT,
        max_iter: int = ITERATIONS,
        colors: str = PALETTE,
    ) -> None:
        self._size = whole_number("explore", "size", size, 4096)
        if self._size < 16:
            raise ValueError(f"explore: size must be between 16 and 4096, not {size}")
        self.c = c
        self.max_iter = max_iter
        self.colors = colors
        self.boxes = {panel: self._home(panel) for panel in HOME}

    @property
    def size(self) -> int:
        """Rows and columns of each picture."""
        return self._size

    @property
    def c(self) -> complex:
        """The point whose Julia set is shown."""
        return self._c

    @c.setter
    def c(self, value: complex) -> None:
        self._c = complex_number("explore", "c", value)

    @property
    def max_iter(self) -> int:
        """The most steps of an orbit."""
        return self._max_iter

    @max_iter.setter
    def max_iter(self, value: int) -> None:
        self._max_iter = whole_number("explore", "max_iter", value, MOST_ITERATIONS)

    @property
    def colors(self) -> str:
        """The name of the palette."""
        return self._colors

    @colors.setter
    def colors(self, value: str) -> None:
        if value not in COLORS:
            wanted = ", ".join(map(repr, COLORS))
            raise ValueError(f"explore: colors must be one of {wanted}, not {value!r}")
        self._colors = value

    def apply(self, gesture: Mapping[str, Any]) -> set[str]:
        """Do what a gesture asks for.

        Parameters
        ----------
        gesture : mapping
            Under "do", its kind: "drag" ("panel", "by" so many pixels right and down), "zoom"
            ("panel", "factor", the pixel that stays "at" its place), "pick" (c is the point "at"
            this pixel of the Mandelbrot set), "iterations" or "colors" (a "value"), "home", or
            "show". Pixels are [x, y], counted from the upper left.

        Returns
        -------
        set of str
            The pictures that are no longer as they were.

        Raises
        ------
        ValueError
            There is no such gesture, or what it asks for cannot be.
        """
        kind = gesture.get("do")
        if kind in ("drag", "zoom"):
            panel = gesture.get("panel")
            if panel not in self.boxes:
                raise ValueError(f"explore: panel must be 'mandelbrot' or 'julia', not {panel!r}")
            self.boxes[panel] = self._moved(self.boxes[panel], gesture)
            return {panel}
        if kind == "pick":
            self.c = self.point("mandelbrot", *_pixel(gesture, "at"))
            return {"julia"}
        if kind == "iterations":
            self.max_iter = gesture["value"]
        elif kind == "colors":
            self.colors = gesture["value"]
        elif kind == "home":
            self.boxes = {panel: self._home(panel) for panel in HOME}
        elif kind != "show":
            raise ValueError(f"explore: there is no gesture {kind!r}")
        return set(HOME)

    def point(self, panel: str, x: float, y: float) -> complex:
        """The point at this pixel of a picture; rows are counted downwards."""
        box = self.boxes[panel]
        half = self._size // 2
        across, up = x - half, self._size - 1 - y - half
        return box.center + box.scale * complex(across, up)

    def pixel(self, panel: str, point: complex) -> tuple[float, float]:
        """The pixel (x, y) of a picture at which this point is; it may lie outside."""
        box = self.boxes[panel]
        half = self._size // 2
        steps = (point - box.center) / box.scale
        return half + steps.real, self._size - 1 - half - steps.imag

    def frame(self, panel: str) -> NDArray[np.uint8]:
        """A picture: red, green, blue and alpha of each pixel, the upper row first.

        Parameters
        ----------
        panel : {"mandelbrot", "julia"}

        Returns
        -------
        ndarray of uint8, shape (size, size, 4)
        """
        box = self.boxes[panel]
        if panel == "mandelbrot":
            counts = mandelbrot(box, self.max_iter)
        else:
            counts = julia(box, self.c, self.max_iter)
        table = _table(self.colors, self.max_iter).view(np.uint32)[:, 0]  # a pixel at a time
        pixels = np.empty(counts.shape, np.uint32)
        np.take(table, counts[::-1], out=pixels, mode="clip")  # no count is outside
        return pixels.view(np.uint8).reshape(*counts.shape, 4)

    def _home(self, panel: str) -> Box:
        center, extent = HOME[panel]
        return Box(self._size, self._size, center, complex(extent, extent))

    def _moved(self, box: Box, gesture: Mapping[str, Any]) -> Box:
        if gesture["do"] == "drag":
            right, down = _pixel(gesture, "by")
            return self._box(box.center - box.scale * complex(right, -down), box.extent.real)
        x, y = _pixel(gesture, "at")
        factor = gesture.get("factor")
        if not (isinstance(factor, int | float) and 0 < factor < math.inf):
            raise ValueError(f"explore: factor must be a positive number, not {factor!r}")
        extent = min(max(box.extent.real / factor, EXTENTS[0]), EXTENTS[1])
        fixed = self.point(gesture["panel"], x, y)
        return self._box(fixed + (box.center - fixed) * (extent / box.extent.real), extent)

    def _box(self, center: complex, extent: float) -> Box:
        near = complex(*(min(max(x, -FARTHEST), FARTHEST) for x in (center.real, center.imag)))
        return Box(self._size, self._size, near, complex(extent, extent))


def _pixel(gesture: Mapping[str, Any], name: str) -> tuple[float, float]:
    try:
        x, y = map(float, gesture[name])
        if math.isfinite(x) and math.isfinite(y):
            return x, y
    except (KeyError, TypeError, ValueError):
        pass
    raise ValueError(f"explore: {name} must be two finite numbers, not {gesture.get(name)!r}")


@lru_cache(64)
def _table(colors: str, max_iter: int) -> NDArray[np.uint8]:
    """Red, green, blue and alpha for each count; points that never escape are black.

    The palette goes round once while the square root of the count grows by 16: neighbouring counts
    differ visibly where they are small, and great ones don't turn into noise.
    """
    stops = np.array([[int(name[k : k + 2], 16) for k in (1, 3, 5)] for name in COLORS[colors]])
    place = np.sqrt(np.arange(max_iter)) / 16 * len(stops)
    table = np.full((max_iter, 4), 255, np.uint8)
    for channel in range(3):
        table[:, channel] = np.interp(
            place, np.arange(len(stops)), stops[:, channel], period=len(stops)
        )
    table[-1, :3] = 0
    return table


def explore(
    size: int = SIZE,
    *,
    c: complex = POINT,
    max_iter: int = ITERATIONS,
    colors: str = PALETTE,
) -> Any:
    """Show the Mandelbrot set and the Julia set of one of its points, in a notebook.

    Drag a picture to move it, turn the wheel to zoom. Click into the Mandelbrot set, or drag the
    ring that marks the point, and the Julia set follows. With a picture in focus: the arrow keys
    move it, ``+`` and ``-`` zoom, ``[`` and ``]`` change the number of iterations, ``c`` the
    colours, ``h`` goes back to the start; with Shift, the arrow keys move the point.

    Parameters
    ----------
    size : int, optional
        Rows and columns of each of the two pictures, 16 to 4096.
    c : complex, optional
        The point whose Julia set is shown.
    max_iter : int, optional
        As in `pyparallel.mandelbrot`, up to 65536.
    colors : str, optional
        A name in `COLORS`.

    Returns
    -------
    anywidget.AnyWidget
        Its ``explorer`` is the `Explorer`, whose state can be read and set; call the widget's
        ``refresh()`` to see what was set.

    Raises
    ------
    ImportError
        anywidget is missing; the message says what to install.

    Examples
    --------
    >>> import pyparallel as pp
    >>> widget = pp.explorer.explore(256, c=-0.4 + 0.6j)  # doctest: +SKIP
    >>> widget.explorer.c  # doctest: +SKIP
    (-0.4+0.6j)
    """
    explorer = Explorer(size, c=c, max_iter=max_iter, colors=colors)
    return _widget_class()(explorer)


def answer(explorer: Explorer, message: Mapping[str, Any]) -> tuple[dict[str, Any], list[bytes]]:
    """What the browser gets for a message with gestures: the new state, and the new pictures.

    A gesture that cannot be is told under "error"; the others still count.
    """
    begin = perf_counter()
    changed: set[str] = set()
    said: dict[str, Any] = {}
    for gesture in message.get("gestures", []):
        try:
            changed |= explorer.apply(gesture)
        except (KeyError, TypeError, ValueError) as error:
            said["error"] = str(error)
    panels = sorted(changed)
    frames = [explorer.frame(panel).tobytes() for panel in panels]
    said |= {
        "panels": panels,
        "c": [explorer.c.real, explorer.c.imag],
        "mark": explorer.pixel("mandelbrot", explorer.c),
        "extent": {panel: box.extent.real for panel, box in explorer.boxes.items()},
        "max_iter": explorer.max_iter,
        "colors": explorer.colors,
        "seconds": perf_counter() - begin,
    }
    return said, frames


@cache
def _widget_class() -> type[Any]:
    try:
        import anywidget
        import traitlets
    except ImportError as error:
        raise ImportError(f"explore: {error.name} is missing: {install_line('lesson')}") from None

    class ExplorerWidget(anywidget.AnyWidget):
        _esm = Path(__file__).with_name("explorer.js").read_text(encoding="utf-8")
        size = traitlets.Int().tag(sync=True)
        palettes = traitlets.List(traitlets.Unicode()).tag(sync=True)

        def __init__(self, explorer: Explorer) -> None:
            super().__init__(size=explorer.size, palettes=list(COLORS))
            self.explorer = explorer
            self.on_msg(self._listen)

        def refresh(self) -> None:
            """Show the state as it is now."""
            self._listen(self, {"gestures": [{"do": "show"}]}, [])

        def _listen(self, _: object, content: Mapping[str, Any], __: object) -> None:
            said, frames = answer(self.explorer, content)
            self.send(said, frames)

    return ExplorerWidget
