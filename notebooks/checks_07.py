"""The checks of 07-mandelbrot.ipynb."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

import pyparallel as pp
from pyparallel import checks

Counts = NDArray[np.integer[Any]]

# Wider than high, and with points such as -2, whose orbits touch the circle of radius 2.
BOX = pp.Box(13, 9, center=-0.5, extent=3.25 + 2.25j)
MAX_ITER = 40

SWAPPED = "Are rows and columns swapped? The parts in one list lie side by side."


@checks.exercise("numba", limit=60)
def numba(answer: Callable[[Any, int], Counts]) -> str:
    """Are the counts those of the plain loop, and is the function compiled?"""
    _see_counts(checks.ask(answer, BOX.grid(), MAX_ITER), "mandelbrot_numba(points, 40)")
    if not _made_by_vectorize(answer):
        _see_compiled(answer)
    return "The counts are equal in every pixel, and the loop is compiled."


@checks.exercise("prange", limit=60)
def prange(answer: Callable[[Any, int], Counts]) -> str:
    """Are the counts right, and does Numba share out a loop of the learner's?"""
    _see_counts(checks.ask(answer, BOX.grid(), MAX_ITER), "mandelbrot_parallel(points, 40)")
    checks.expect(
        not _made_by_vectorize(answer),
        "The counts are right, and @vectorize compiles the loop, but here it is hidden.",
        "Take @njit(parallel=True), and write the loops: prange for the outer one.",
    )
    compiled = _see_compiled(answer)
    asked = compiled.targetoptions.get("parallel")
    named = "prange" in compiled.py_func.__code__.co_names
    checks.expect(
        asked or not named,
        "The counts are right, but the loop runs on one thread: prange alone does nothing.",
        "Without parallel=True in the decorator, prange is range.",
    )
    checks.expect(
        asked,
        "The counts are right, but the loop runs on one thread.",
        "It takes two things: @njit(parallel=True), and prange for the outer loop.",
    )
    checks.expect(
        _shared_loops(compiled),
        "The counts are right, but no loop of yours is shared among threads.",
        "With parallel=True alone, Numba shares only what NumPy functions do. Use prange, too.",
    )
    serial = _serial(compiled)
    points = pp.Box(256, 256, center=-0.8, extent=3 + 3j).grid()
    speed = checks.speed(lambda: serial(points, 256), lambda: answer(points, 256))
    return f"The counts are equal in every pixel, and the loop is parallel. {speed}"


@checks.exercise("split")
def split(answer: Callable[[pp.Box, int], list[list[pp.Box]]]) -> str:
    """Do the parts, put together again, make the whole picture?"""
    for (rows, cols), n in [((8, 8), 2), ((6, 9), 3), ((10, 10), 3), ((7, 12), 5), ((4, 9), 1)]:
        box = pp.Box(cols, rows, center=-0.5, extent=2.5 + 2.5j)
        call = f"split(box, {n}) of {rows} x {cols} pixels"
        parts = _parts(answer, box, n, call)
        _see_parts(parts, n, call)
        whole = pp.mandelbrot(box, MAX_ITER)
        mistakes = [*_lossy(whole, n), *_swapped(box, n)]
        checks.equal(_joined(parts, call), whole, f"What {call} makes", mistakes=mistakes)
    return "The parts make the whole picture, also where n does not divide it."


@checks.exercise("schedule")
def schedule(kind: Any, chunk: Any, *, finish: Callable[[str, int], float]) -> str:
    """Is everybody ready within 5 % of a perfect division of the work?"""
    checks.expect(
        kind in ("static", "dynamic", "guided"),
        f'my_kind should be "static", "dynamic" or "guided", not {kind!r}.',
    )
    checks.expect(
        isinstance(chunk, int) and chunk >= 1,
        f"my_chunk should be a whole number of rows, at least 1, not {chunk!r}.",
    )
    ready = finish(kind, chunk)
    if kind == "static":
        hint = "Equal numbers of rows are not equal work: hand out more, smaller chunks."
    elif finish(kind, 2 * chunk) < ready:
        hint = "So many small chunks: the asking itself takes time. Try bigger ones."
    else:
        hint = "The last chunks are too big: the others wait for them. Try smaller ones."
    checks.expect(
        ready < 1.05,
        f"{kind} with chunks of {chunk} is ready at {ready:.1%}; wanted is less than 105 %.",
        hint,
    )
    return f"{kind} with chunks of {chunk} is ready at {ready:.1%} of the perfect division."


@checks.exercise("both", limit=60)
def both(answer: Callable[[Any, Any, int], Counts]) -> str:
    """Does one function make Mandelbrot and Julia sets, and leave its inputs as they are?"""
    grid = BOX.grid()
    c = -0.4 + 0.6j
    mandelbrot = checks.ask(answer, 0, grid, MAX_ITER)
    _see_unchanged(grid)
    _see_counts(mandelbrot, "count_steps(0, grid, 40)", nearly=True)
    julia = checks.ask(answer, grid, c, MAX_ITER)
    _see_unchanged(grid)
    wanted = pp.escape_time(grid, c, MAX_ITER)
    from_zero = np.full(BOX.shape, pp.escape_time(0, c, MAX_ITER))
    hint = "The orbit of a Julia set starts at z, not at 0."
    _see_nearly(julia, wanted, "count_steps(grid, c, 40)", [(from_zero, hint)])
    return "One function makes both sets."


def numba_or_numpy(prediction: object, gain: float) -> checks.Comparison:
    """The prediction beside how many times as fast Numba's serial loop was as NumPy."""
    return checks.compare(
        prediction,
        "b" if gain < 0.67 else "a" if gain < 1.5 else "c" if gain < 8 else "d",
        f"Numba's serial loop was {gain:.1f} times as fast as NumPy.",
        {
            "a": "Both are compiled. But NumPy carries each intermediate result through memory.",
            "b": "One by one is slow only in the interpreter. Machine code keeps z in registers.",
            "c": "The loop keeps z in registers and ends where the point escapes: no temporary arrays.",
            "d": "That is the gain over plain Python. NumPy had most of it already.",
        },
        usual="c",
    )


def strips(prediction: object, speedup: float) -> checks.Comparison:
    """The prediction beside the speed-up of eight workers with a strip each."""
    return checks.compare(
        prediction,
        "a" if speedup > 7.9 else "c" if speedup > 7 else "b",
        f"eight workers would be {speedup:.2f} times as fast as one.",
        {
            "a": "The same number of pixels is not the same number of steps.",
            "b": "Seven workers wait until the one with the most work is done.",
            "c": "Neighbouring pixels cost about the same, so a strip is cheap or dear as a whole.",
        },
    )


def _see_counts(got: Any, what: str, *, nearly: bool = False) -> None:
    """The counts of the Mandelbrot set at BOX, and what goes wrong with them."""
    wanted = pp.mandelbrot(BOX, MAX_ITER)
    last = wanted == MAX_ITER - 1
    mistakes = [
        (np.where(last, MAX_ITER, wanted), "A point that never escapes counts max_iter - 1."),
        (wanted + 1, "Steps are counted from 0: after the first step, k is 0."),
        (np.where(last, wanted, wanted + 1), "Look whether z escaped after the step, not before."),
        (np.where(last, MAX_ITER, wanted + 1), "Look whether z escaped after the step."),
        (_counts_from_c(), "The orbit of the Mandelbrot set starts at z = 0, not at z = c."),
        (
            _counts_touching(),
            "A point has escaped when |z| > 2. At |z| = 2, as for c = -2, not yet.",
        ),
        (wanted.T, "An array of shape (rows, columns) is indexed [row, column]."),
    ]
    if np.shape(got) == wanted.T.shape:
        raise checks.Wrong(
            f"{what} should have the shape {wanted.shape}, not {wanted.T.shape}.",
            "Rows come first: an array of shape (rows, columns) is indexed [row, column].",
        )
    if nearly:
        _see_nearly(got, wanted, what, mistakes)
    else:
        checks.equal(got, wanted, what, mistakes=mistakes)


def _see_nearly(
    got: Any, wanted: Counts, what: str, mistakes: list[tuple[Any, str]] | None = None
) -> None:
    """Equal, but for one pixel in a hundred: complex products may round differently."""
    if np.shape(got) == wanted.shape and np.mean(np.asarray(got) != wanted) <= 0.01:
        return
    checks.equal(got, wanted, what, mistakes=mistakes or [])


def _counts_from_c() -> Counts:
    grid = BOX.grid()
    counts: Counts = pp.escape_time(grid, grid, MAX_ITER)
    return counts


def _counts_touching() -> Counts:
    """What ``>=`` in place of ``>`` gives, by the plain loop."""
    wrong = np.full(BOX.shape, MAX_ITER - 1)
    for pixel, c in np.ndenumerate(BOX.grid()):
        z = 0j
        for k in range(MAX_ITER):
            z = z * z + c
            if z.real * z.real + z.imag * z.imag >= 4.0:
                wrong[pixel] = k
                break
    return wrong


def _made_by_vectorize(answer: Any) -> bool:
    from numba.np.ufunc.dufunc import DUFunc

    return isinstance(answer, DUFunc | np.ufunc)


def _see_compiled(answer: Any) -> Any:
    checks.expect(
        getattr(answer, "signatures", None) and hasattr(answer, "py_func"),
        "The counts are right, but the function is ordinary Python: it is not compiled.",
        "Put the line @njit above the def.",
    )
    return answer


def _shared_loops(compiled: Any) -> bool:
    """Did Numba turn a prange loop into a parallel one? It notes which loops, and why."""
    notes = compiled.get_metadata(compiled.signatures[0]).get("parfor_diagnostics")
    loops = getattr(notes, "initial_parfors", [])
    return any(pattern[0] == "prange" for loop in loops for pattern in loop.patterns)


def _serial(compiled: Any) -> Any:
    """The same function without parallel=True, where prange is range."""
    from numba import njit

    return njit(compiled.py_func)


def _see_parts(parts: Any, n: int, call: str) -> None:
    lists = isinstance(parts, list | tuple) and all(isinstance(row, list | tuple) for row in parts)
    counts = {len(parts), *map(len, parts)} if lists else set()
    checks.expect(
        counts == {n},
        f"{call} should be a list of {n} lists of {n} boxes.",
        "There are too many. A part of size // n pixels is too small where n does not divide size."
        if counts == {n + 1}
        else "A list comprehension inside another: [[... for col in cols] for row in rows].",
    )
    checks.expect(
        all(isinstance(part, pp.Box) for row in parts for part in row),
        f"{call} should hold boxes, made by box.crop(rows, cols).",
    )


def _parts(answer: Callable[[pp.Box, int], Any], box: pp.Box, n: int, call: str) -> Any:
    try:
        return checks.ask(answer, box, n)
    except ValueError as error:
        if "selects nothing" in str(error):
            hint = "Was the picture used up before the last part? Or rows and columns mixed up?"
            raise checks.Wrong(f"In {call}, a part would be empty: {error}.", hint) from None
        raise


def _joined(parts: list[list[pp.Box]], call: str) -> Counts:
    counts = [[pp.mandelbrot(part, MAX_ITER) for part in row] for row in parts]
    try:
        return np.block(counts)
    except ValueError:
        shapes = [[part.shape for part in row] for row in parts]
        raise checks.Wrong(
            f"The parts of {call} do not fit together: their shapes are {shapes}.",
            SWAPPED,
        ) from None


def _lossy(whole: Counts, n: int) -> list[tuple[Any, str]]:
    """The picture whose last rows and columns were lost, as n does not divide its size."""
    rows, cols = (size // n * n for size in whole.shape)
    hint = (
        "Pixels are lost at the end: size // n times n is less than size. Compute where parts end."
    )
    short = [k for k in range(whole.shape[0]) if k + 1 not in _ends(whole.shape[0], n)]
    narrow = [k for k in range(whole.shape[1]) if k + 1 not in _ends(whole.shape[1], n)]
    inclusive = "Each part lacks its last row and column: the end of a slice does not belong to it."
    return [(whole[:rows, :cols], hint), (whole[np.ix_(short, narrow)], inclusive)]


def _ends(size: int, n: int) -> list[int]:
    """Where n nearly equal parts end."""
    return [size * (k + 1) // n for k in range(n)]


def _swapped(box: pp.Box, n: int) -> list[tuple[Any, str]]:
    """The picture with its parts in the wrong order, where they happen to fit together."""
    columns = [
        [pp.mandelbrot(part, MAX_ITER) for part in col] for col in zip(*box.split(n), strict=True)
    ]
    try:
        return [(np.block(columns), SWAPPED)]
    except ValueError:
        return []


def _see_unchanged(grid: Any) -> None:
    checks.expect(
        np.array_equal(grid, BOX.grid()),
        "count_steps changed the array that was passed in.",
        "z += ... and z[...] = ... write into the caller's array. Work on a copy: z = z.copy().",
    )
