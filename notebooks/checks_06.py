"""The checks of 06-photo-mosaic.ipynb."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

import pyparallel as pp
from pyparallel import checks
from pyparallel._measuring import peak_memory

Colours = NDArray[np.uint8]

SHAPES = [(7, 5), (5, 7), (6, 6), (1, 4)]  # targets and tiles
MANY = 4000, 3000  # targets and tiles of which all differences at once take 288 MB
MEGABYTES = 100
WIDE = (
    "Bytes wrap around: 3 - 5 is 254. And a square such as 255 * 255 does not fit int16."
    " Convert to float or int64 before you subtract."
)
DECODING = 0.005  # seconds a picture


@checks.exercise("bottleneck")
def bottleneck(name: Any, limit: Any, *, timings: Mapping[str, float]) -> str:
    """Is the longest step named, and what the search alone could gain at most?"""
    longest = max(timings, key=lambda step: timings[step])
    checks.expect(
        name in timings,
        f"bottleneck should be one of {', '.join(map(repr, timings))}, not {name!r}.",
    )
    checks.expect(
        name == longest,
        f"{name!r} took {timings[name]:.3f} s; another step took longer.",
        "Print timings, and look for the largest.",
    )
    whole, search = sum(timings.values()), timings["search"]
    checks.close(
        limit,
        whole / (whole - search),
        0.01 * whole / (whole - search),
        "limit",
        mistakes=[
            (whole / search, "This is what is gained if only the search is left. It goes away."),
            (search / whole, "This is the search's share of the time. What is left without it?"),
            ((whole - search) / whole, "Upside down: the time before, divided by the time after."),
        ],
    )
    return (
        f"{name!r} takes {timings[name] / whole:.0%} of the time. The fastest search in the world "
        f"makes the program {whole / (whole - search):.2f} times as fast, and no more."
    )


@checks.exercise("decode", limit=60)
def decode(answer: Callable[[Any, Callable[[Any], Any]], Any]) -> str:
    """Are the thumbnails those of the plain loop, decoded by the tasks of a bag in threads?"""
    paths, calls = [f"picture {k}" for k in range(24)], []

    def thumbnail(path: str) -> Colours:
        calls.append(threading.get_ident())
        time.sleep(DECODING)
        return np.full((2, 3, 3), int(path.split()[1]), np.uint8)

    wanted = np.stack([thumbnail(path) for path in paths])
    calls.clear()
    got, tasks = _counting_tasks(lambda: checks.ask(answer, paths, thumbnail))
    checks.expect(
        not hasattr(got, "__dask_graph__"),
        "decode_all should return the thumbnails, but this is a promise.",
        "End with .compute(scheduler=...), and stack what it returns.",
    )
    checks.expect(
        calls or tasks == 0,
        "The pictures were decoded in other processes.",
        'That is what a bag does by default. Here threads will do: .compute(scheduler="threads").',
    )
    checks.equal(
        got,
        wanted,
        "decode_all(paths, thumbnail)",
        mistakes=[(wanted[::-1], "A bag keeps the order: don't reverse it.")],
    )
    checks.expect(
        isinstance(got, np.ndarray),
        "The thumbnails are right, but they should be one array, not a list.",
        "np.stack makes one array of many.",
    )
    checks.expect(
        tasks > 0,
        "The thumbnails are right, but no task of Dask decoded them.",
        "Start with db.from_sequence(paths), then .map(thumbnail).",
    )
    checks.expect(
        len(calls) == len(paths),
        f"{len(paths)} pictures were decoded {len(calls)} times.",
        "Compute only once.",
    )
    checks.expect(
        set(calls) != {threading.get_ident()},
        "The thumbnails are right, but they were decoded one after the other.",
        'Ask for threads: .compute(scheduler="threads").',
    )
    return f"The arrays are equal. {tasks} tasks of Dask decoded them, in threads."


@checks.exercise("axis")
def axis(answer: Callable[[Colours, Colours], Any]) -> str:
    """Is it the nearest tile for each target, for more targets than tiles and for fewer?"""
    for m, n in SHAPES:
        _see_nearest(answer, "nearest_mended", *_colours(m, n))
    return "For each target the nearest tile, with as many of one as of the other, or not."


@checks.exercise("blocked", limit=60)
def blocked(answer: Callable[[Colours, Colours], Any]) -> str:
    """Are the indices right, also in the last block, with little memory at the peak?"""
    for m, n in [(1001, 40), (10, 7), (1, 3)]:
        _see_nearest(answer, "nearest_blocked", *_colours(m, n))
    rng = np.random.default_rng(1)
    targets, tiles = (rng.integers(0, 256, (count, 3), np.uint8) for count in MANY)
    got, peak = peak_memory(checks.ask, answer, targets, tiles)
    chosen = _indices(got, *MANY, "nearest_blocked")
    distances = ((targets.astype(np.int64) - tiles[chosen]) ** 2).sum(axis=1)
    checks.equal(
        distances, pp.mosaic.match(targets, tiles).distances, "The distances of the chosen tiles"
    )
    at_once = 8 * targets.size * len(tiles)
    checks.expect(
        peak < MEGABYTES * 10**6,
        f"The indices are right, but for {MANY[0]} targets and {MANY[1]} tiles the peak is"
        f" {peak / 1e6:.0f} MB; wanted is less than {MEGABYTES} MB.",
        "All differences are in memory at the same time. Loop over blocks of targets."
        if peak > 0.9 * at_once
        else "Take fewer targets at a time.",
    )
    return f"The indices are right. The peak is {peak / 1e6:.1f} MB; at once, the differences alone take {at_once / 1e6:.0f} MB."


@checks.exercise("once", limit=60)
def once(answer: Callable[[Colours, Colours], Any]) -> str:
    """Is every tile used at most once, and is the sum as small as SciPy's?"""
    for m, n in [(30, 30), (4, 4), (20, 45)]:
        targets, tiles = _colours(m, n)
        chosen = _indices(checks.ask(answer, targets.copy(), tiles.copy()), m, n, "each_once")
        distances = _distances(targets, tiles)
        checks.expect(
            len(np.unique(chosen)) == m,
            f"For {m} targets and {n} tiles, {m - len(np.unique(chosen))} tiles were used again.",
            "The nearest tile of each, whoever has it already?"
            if np.array_equal(chosen, distances.argmin(axis=1))
            else None,
        )
        least = distances[linear_sum_assignment(distances)].sum()
        cost = distances[np.arange(m), chosen].sum()
        checks.expect(
            cost == least,
            f"For {m} targets and {n} tiles the sum of the distances is {cost}; {least} will do.",
            "First come, first served? The last ones get what nobody wanted."
            if np.array_equal(chosen, _greedy(distances))
            else WIDE
            if any(np.array_equal(chosen, other) for other in _wrapped(targets, tiles))
            else "linear_sum_assignment takes the matrix of squared distances, targets down.",
        )
    return "Each tile at most once, and the sum of the distances is the least there is."


CASES = {
    "decoding": (
        "threads",
        "Pillow's decoder is compiled code that lets go of the GIL, and pictures are big to copy.",
    ),
    "python filter": (
        "processes",
        "Python code holds the GIL: threads take turns. Processes have a GIL each.",
    ),
    "tomorrow": ("cache", "Who needs the same result again need not compute it again."),
    "3 features": (
        "tree",
        "With few features a tree rules most tiles out without looking at them.",
    ),
    "192 features": (
        "blocks",
        "With many features a tree rules out next to nothing. Compare all, block by block.",
    ),
    "each once": (
        "assignment",
        "The targets compete for tiles: what one gets depends on what the others want.",
    ),
}
TOOLS = ("threads", "processes", "cache", "tree", "blocks", "assignment")


@checks.exercise("table")
def table(answer: Mapping[str, Any]) -> str:
    """Is the right technique named for each of the cases?"""
    checks.expect(
        isinstance(answer, Mapping) and set(answer) == set(CASES),
        f"choice should be a dict with the keys {', '.join(CASES)}.",
    )
    if any(value is ... for value in answer.values()):
        raise checks.Unsolved
    for case, (wanted, hint) in CASES.items():
        checks.expect(
            answer[case] in TOOLS,
            f"{case}: the answer should be one of {', '.join(TOOLS)}, not {answer[case]!r}.",
        )
        checks.expect(
            answer[case] == wanted, f"{case}: {answer[case]} would not be the best choice.", hint
        )
    return "Each case has its technique. None is best for all of them."


def longest_step(prediction: object, timings: Mapping[str, float]) -> checks.Comparison:
    """The prediction beside the step that took longest."""
    longest = max(timings, key=lambda step: timings[step])
    share = timings[longest] / sum(timings.values())
    letters = {"search": "a", "decode": "b", "paste": "c", "colours": "d"}
    return checks.compare(
        prediction,
        letters[longest],
        f"'{longest}' took {share:.0%} of the time.",
        {
            "a": "Millions of distances are a few operations each. A picture is many more.",
            "b": "Every pixel of every file has to be unpacked, to be thrown away right after.",
            "c": "Pasting copies bytes, and only those of thumbnails.",
            "d": "The means are of thumbnails, which are small already.",
        },
        usual="b",
    )


def different_tiles(prediction: object, used: int, cells: int) -> checks.Comparison:
    """The prediction beside how many different tiles the nearest-tile mosaic uses."""
    share = used / cells
    return checks.compare(
        prediction,
        "a" if share > 0.8 else "b" if share >= 0.5 else "c",
        f"{used} different tiles in {cells} cells, {share:.0%}.",
        {
            "a": "Nobody sees to it: cells of the same colour choose the same tile.",
            "b": "That would be so if the cells' colours were as varied as the tiles'.",
            "c": "A photograph has few colours, many times over: its cells choose the same few tiles.",
        },
    )


def _colours(m: int, n: int) -> tuple[Colours, Colours]:
    """Targets and tiles, of many colours; no two tiles are equally near to a target."""
    rng = np.random.default_rng([m, n])
    tiles = rng.integers(0, 256, (n, 3), np.uint8)
    targets = rng.integers(0, 256, (m, 3), np.uint8)
    for row, distances in enumerate(_distances(targets, tiles)):
        while len(np.unique(distances)) < n:
            targets[row] = rng.integers(0, 256, 3, np.uint8)
            distances = _distances(targets[row : row + 1], tiles)[0]
    return targets, tiles


def _distances(targets: Colours, tiles: Colours) -> NDArray[np.int64]:
    wide, tall = targets.astype(np.int64), tiles.astype(np.int64)
    squares = (wide**2).sum(axis=1)[:, np.newaxis] + (tall**2).sum(axis=1)
    distances: NDArray[np.int64] = squares - 2 * (wide @ tall.T)
    return distances


def _wrapped_distances(targets: Colours, tiles: Colours) -> list[NDArray[Any]]:
    """What comes of subtracting bytes, and of squares that do not fit their type."""
    bytes_only = targets[:, np.newaxis] - tiles
    short = targets[:, np.newaxis].astype(np.int16) - tiles
    squares = bytes_only.astype(np.int64) ** 2, bytes_only**2, short**2
    return [square.sum(axis=2) for square in squares]


def _wrapped(targets: Colours, tiles: Colours) -> list[NDArray[np.int64]]:
    wrong = _wrapped_distances(targets, tiles)
    return [linear_sum_assignment(distances)[1] for distances in wrong]


def _greedy(distances: NDArray[np.int64]) -> NDArray[np.int64]:
    """The nearest tile that is still free, target by target."""
    free, chosen = distances.astype(float), []
    for row in range(len(distances)):
        chosen.append(int(free[row].argmin()))
        free[:, chosen[-1]] = np.inf
    return np.array(chosen)


def _see_nearest(
    answer: Callable[[Colours, Colours], Any], name: str, targets: Colours, tiles: Colours
) -> None:
    m, n = len(targets), len(tiles)
    given = targets.copy(), tiles.copy()
    got = _indices(checks.ask(answer, *given), m, n, name)
    checks.expect(
        np.array_equal(given[0], targets) and np.array_equal(given[1], tiles),
        f"{name} changed the colours that were passed in.",
        "Work on a copy.",
    )
    distances = _distances(targets, tiles)
    mistakes = [(distances.argmax(axis=1), "These are the farthest tiles.")]
    if m * n < 50_000:
        wrong = _wrapped_distances(targets, tiles)
        mistakes += [(distances.argmin(axis=1), WIDE) for distances in wrong]
    if m == n:
        mistakes.append((distances.argmin(axis=0), "For each tile this is the nearest target."))
    checks.equal(
        got, distances.argmin(axis=1), f"{name} of {m} targets, {n} tiles", mistakes=mistakes
    )


def _indices(got: Any, m: int, n: int, name: str) -> NDArray[np.int64]:
    """The answer as an array of the numbers of tiles, one for each target."""
    what = f"{name} of {m} targets and {n} tiles"
    checks.expect(
        not hasattr(got, "indices"),
        f"{what} should be the numbers of tiles alone.",
        "What you return has more than that; the numbers are its .indices.",
    )
    try:
        values = np.asarray(got)
    except ValueError:  # arrays of different lengths
        raise checks.Wrong(f"{what} should be one array, not many of them.", TOGETHER) from None
    checks.expect(
        values.shape == (m,),
        f"{what} should have the shape ({m},), not {values.shape}.",
        _why_shape(values.shape, m, n),
    )
    checks.expect(
        values.dtype.kind in "iuf" and np.isin(values, np.arange(n)).all(),
        f"{name} should be the numbers of tiles, from 0 to {n - 1}.",
        "argmin gives the number of the nearest, min its distance.",
    )
    checks.expect(
        values.dtype.kind != "f",
        f"The type of what {name} returns is {values.dtype}: such numbers cannot be indices.",
        "np.zeros(m) is an array of floats, np.zeros(m, int) one of whole numbers.",
    )
    return values.astype(np.int64)


TOGETHER = "np.concatenate makes one array of many."


def _why_shape(shape: tuple[int, ...], m: int, n: int) -> str | None:
    """The mistake that leads to an answer of this shape, if it is known."""
    if shape == (n,):
        return "There is one number for each tile. Which axis of the distances counts the tiles?"
    if shape == (m, n):
        return "These are the distances. Which tile has the least?"
    if shape == (2, m):
        return "linear_sum_assignment returns two arrays: rows, and the column for each of them."
    if len(shape) == 1 and shape[0] < m:
        return (
            "Some targets are missing. Is the last block there, if it is shorter than the others?"
        )
    return TOGETHER if len(shape) == 2 else None


def _counting_tasks(work: Callable[[], Any]) -> tuple[Any, int]:
    """What work returns, and how many tasks Dask ran for it in this process."""
    from dask.callbacks import Callback

    tasks = []
    with Callback(pretask=lambda key, graph, state: tasks.append(key)):
        result = work()
    return result, len(tasks)
