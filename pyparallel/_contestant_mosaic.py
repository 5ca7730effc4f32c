"""How each library makes a mosaic best: the forms of `contestants.match`, ``assign``, ``assemble``.

Those of ``match`` and ``assign`` take the colours as `Colours` and return the tile of each target;
those of ``assemble`` take tiles and indices as `Layout` and return the picture.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from pyparallel import mosaic
from pyparallel._contestant_kernels import numba_threads
from pyparallel._libraries import missing
from pyparallel._threads import get_num_threads

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]
    Floats = NDArray[np.float32]
    Indices = NDArray[np.integer[Any]]

# NumPy goes fastest through arrays that stay in the cache between one operation and the next.
DIFFERENCES_A_BLOCK, DISTANCES_A_BLOCK = 1_000_000, 300_000

MANY_PIVOTS = 2**31 - 1  # POT stops early by default


@dataclass(frozen=True)
class Colours:
    """What to match: features of targets and tiles, as bytes and as the peers like them best.

    Attributes
    ----------
    targets, tiles : uint8 array of shape (m, d), (n, d)
        d at most 256, so float32 holds every squared distance exactly.
    """

    targets: Bytes
    tiles: Bytes
    target_floats: Floats
    tile_floats: Floats

    @classmethod
    def of(cls, targets: Bytes, tiles: Bytes) -> Colours:
        return cls(targets, tiles, targets.astype(np.float32), tiles.astype(np.float32))

    def distances(self, chosen: Any) -> NDArray[np.int64]:
        """The squared distance of each target from the tile chosen for it."""
        differences = self.targets.astype(np.int64) - self.tiles[chosen]
        distances: NDArray[np.int64] = (differences * differences).sum(axis=1)
        return distances


@dataclass(frozen=True)
class Layout:
    """What to assemble: tiles, also as Pillow's images, and which goes where."""

    tiles: Bytes
    images: list[Any]
    indices: NDArray[np.int64]

    @classmethod
    def of(cls, tiles: Bytes, indices: NDArray[np.int64]) -> Layout:
        if missing({"Pillow": "PIL.Image"}):
            return cls(tiles, [], indices)
        image: Any = import_module("PIL.Image")
        return cls(tiles, [image.fromarray(tile) for tile in tiles], indices)


def match_by_python(colours: Colours) -> Indices:
    tiles = colours.tiles.tolist()

    def nearest(target: list[int]) -> int:
        distances = [sum((t - p) ** 2 for t, p in zip(target, tile, strict=True)) for tile in tiles]
        return distances.index(min(distances))

    return np.array([nearest(target) for target in colours.targets.tolist()], np.int64)


def match_by_broadcast(colours: Colours) -> Indices:
    """The lesson's form, in blocks: all differences at once would take gigabytes."""
    targets, tiles = colours.target_floats, colours.tile_floats
    step = max(1, DIFFERENCES_A_BLOCK // tiles.size)
    chosen = np.empty(len(targets), np.int64)
    for start in range(0, len(targets), step):
        differences = targets[start : start + step, np.newaxis] - tiles
        distances = np.einsum("ijk,ijk->ij", differences, differences)
        np.argmin(distances, axis=1, out=chosen[start : start + step])
    return chosen


def match_by_product(colours: Colours) -> Indices:
    """|p|² - 2 t·p is least where |t - p|² is."""
    targets, tiles = colours.target_floats, colours.tile_floats
    step = max(1, DISTANCES_A_BLOCK // len(tiles))
    chosen = np.empty(len(targets), np.int64)
    squares, transposed = np.einsum("jk,jk->j", tiles, tiles), np.ascontiguousarray(-2 * tiles.T)
    with _library_threads("numpy"):
        for start in range(0, len(targets), step):
            distances = targets[start : start + step] @ transposed
            distances += squares
            np.argmin(distances, axis=1, out=chosen[start : start + step])
    return chosen


def match_by_numba(colours: Colours) -> Indices:
    with numba_threads():
        chosen: Indices = compiled()(colours.target_floats, colours.tile_floats)
    return chosen


def match_by_scipy(colours: Colours) -> Indices:
    tree = import_module("scipy.spatial").cKDTree(colours.tile_floats)
    chosen: Indices = tree.query(colours.target_floats, workers=get_num_threads())[1]
    return chosen


def match_by_pykdtree(colours: Colours) -> Indices:
    with _library_threads("pykdtree.kdtree"):
        tree = import_module("pykdtree.kdtree").KDTree(colours.tile_floats)
        chosen: Indices = tree.query(colours.target_floats)[1]
    return chosen


def match_by_faiss(colours: Colours) -> Indices:
    with _library_threads("faiss"):
        index = import_module("faiss").IndexFlatL2(colours.tiles.shape[1])
        index.add(colours.tile_floats)
        chosen: Indices = index.search(colours.target_floats, 1)[1][:, 0]
    return chosen


def match_by_pyparallel(colours: Colours) -> Indices:
    return mosaic.match(colours.targets, colours.tiles).indices


def assign_by_scipy(colours: Colours) -> Indices:
    solve = import_module("scipy.optimize").linear_sum_assignment
    chosen: Indices = solve(_costs(colours))[1]
    return chosen


def assign_by_lapx(colours: Colours) -> Indices:
    chosen: Indices = import_module("lap").lapjv(_costs(colours))[1]
    return chosen


def assign_by_flow(colours: Colours) -> Indices:
    """Each target supplies one unit, which flows to a tile that takes one."""
    flow = import_module("ortools.graph.python.min_cost_flow").SimpleMinCostFlow()
    targets, tiles, costs = _arcs(colours)
    n = len(colours.targets)
    arcs = flow.add_arcs_with_capacity_and_unit_cost(
        targets, tiles + n, np.ones(costs.size, np.int64), costs
    )
    flow.set_nodes_supplies(np.arange(2 * n), np.repeat([1, -1], n))
    _see(flow.solve() == flow.OPTIMAL)
    chosen: Indices = tiles[flow.flows(arcs) > 0]
    return chosen


def assign_by_pairing(colours: Colours) -> Indices:
    module = import_module("ortools.graph.python.linear_sum_assignment")
    pairing = module.SimpleLinearSumAssignment()
    pairing.add_arcs_with_cost(*_arcs(colours))
    _see(pairing.solve() == pairing.OPTIMAL)
    return np.array([pairing.right_mate(k) for k in range(len(colours.targets))], np.int64)


def assign_by_pot(colours: Colours) -> Indices:
    plan = import_module("ot").emd([], [], _costs(colours), numItermax=MANY_PIVOTS)
    chosen: Indices = np.argmax(plan, axis=1)
    return chosen


def assign_by_pyparallel(colours: Colours) -> Indices:
    return mosaic.assign(colours.targets, colours.tiles).indices


def assemble_by_numpy(layout: Layout) -> Bytes:
    """A row of tiles at a time, so that its pixels are moved while they are in the cache."""
    (rows, cols), (h, w, channels) = layout.indices.shape, layout.tiles.shape[1:]
    picture = np.empty((rows, h, cols, w, channels), np.uint8)
    for row, chosen in zip(picture, layout.indices, strict=True):
        row[...] = layout.tiles[chosen].swapaxes(0, 1)
    return picture.reshape(rows * h, cols * w, channels)


def assemble_by_pillow(layout: Layout) -> Any:
    (rows, cols), (h, w) = layout.indices.shape, layout.tiles.shape[1:3]
    picture = import_module("PIL.Image").new("RGB", (cols * w, rows * h))
    for row, chosen in enumerate(layout.indices.tolist()):
        for col, tile in enumerate(chosen):
            picture.paste(layout.images[tile], (col * w, row * h))
    return picture


def assemble_by_pyparallel(layout: Layout) -> Bytes:
    return mosaic.assemble(layout.tiles, layout.indices)


@cache
def compiled() -> Callable[[Floats, Floats], Indices]:
    """The plain loop, compiled to run over the targets in parallel."""
    numba: Any = import_module("numba")
    loop = _nearest(numba.prange)
    function: Callable[[Floats, Floats], Indices]
    function = numba.njit(nogil=True, parallel=True, fastmath=True)(loop)
    return function


def _nearest(items: Callable[[int], Any]) -> Callable[[Floats, Floats], Indices]:
    def nearest_of(targets: Floats, tiles: Floats) -> Indices:
        chosen = np.empty(len(targets), np.int64)
        for i in items(len(targets)):
            least = np.float32(np.inf)
            for j in range(len(tiles)):
                distance = np.float32(0.0)
                for k in range(targets.shape[1]):
                    difference = targets[i, k] - tiles[j, k]
                    distance += difference * difference
                if distance < least:
                    least = distance
                    chosen[i] = j
        return chosen

    return nearest_of


def _costs(colours: Colours) -> NDArray[np.float64]:
    """All squared distances, by BLAS: whole numbers, which float64 holds exactly."""
    targets, tiles = colours.targets.astype(np.float64), colours.tiles.astype(np.float64)
    with _library_threads("numpy"):
        costs = targets @ (-2 * tiles.T)
    costs += (tiles * tiles).sum(axis=1)
    costs += (targets * targets).sum(axis=1)[:, np.newaxis]
    return costs


def _arcs(
    colours: Colours,
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int64]]:
    """From each target to each tile: the target, the tile, and what it costs."""
    costs = _costs(colours)
    targets, tiles = (np.arange(n, dtype=np.int32) for n in costs.shape)
    ends = np.repeat(targets, len(tiles)), np.tile(tiles, len(targets))
    return *ends, costs.ravel().astype(np.int64)


def _see(solved: bool) -> None:
    if not solved:
        raise RuntimeError("no optimal assignment was found")


@contextmanager
def _library_threads(library: str) -> Iterator[None]:
    """Tell a library's OpenMP or BLAS to use the threads in force."""
    controller = _controller(library)
    if controller is None:
        yield
        return
    with controller.limit(limits=get_num_threads()):
        yield


@cache
def _controller(library: str) -> Any:
    """Who knows the thread pools that are loaded along with a library; None without threadpoolctl."""
    import_module(library)
    try:
        return import_module("threadpoolctl").ThreadpoolController()
    except ImportError:
        return None
