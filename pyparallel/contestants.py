"""Ready-made contestants for ``pp.race``: the lesson's problems, as each library does them best."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from pyparallel import _contestant_peers as peers
from pyparallel import fractals
from pyparallel._agreement import Check
from pyparallel._arguments import complex_number, whole_number
from pyparallel._contestant_mosaic import Colours, Layout
from pyparallel._contestant_peers import Peers
from pyparallel._libraries import missing

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Values = NDArray[np.float64]

Work = tuple[Any, ...]  # what a form is called with
Described = tuple[str, str, Check | None]  # a problem's title, its agreement and check

# The lesson's case, the whole Mandelbrot set, and a whole Julia set.
BOX = fractals.Box(1024, 1024, center=-1.1195 + 0.2718j, extent=0.005 + 0.005j)
WHOLE = fractals.Box(1024, 1024, center=-0.8, extent=3 + 3j)
JULIA = fractals.Box(1024, 1024, center=0, extent=3.2 + 3.2j)

# Just outside the Mandelbrot set, so nearly all orbits of its Julia set escape, but some late.
DRAGON = -0.8 + 0.156j

# Width and height of the picture that the plain Python loop can do in a moment.
SMALL = 128

SAMPLES, FEW_SAMPLES = 10_000_000, 200_000
VALUES, FEW_VALUES = 10_000_000, 1_000_000
TARGETS, TILES, FEW_COLOURS = 10_000, 10_000, 200

# Up to 256 features of a byte each, float32 holds a squared distance exactly.
FEATURES = 256

# With more features, a spatial tree has to look at nearly every tile.
FEATURES_OF_A_TREE = 16

TILE_SIZE, TILES_TO_LAY = (50, 50), 1000

# Standard errors by which two estimates may differ: by chance they do so once in two million times.
STANDARD_ERRORS = 5

# Relative differences of sums that are due to their order alone stay far below this, even where the
# values are added one by one.
TOLERANCE = 1e-10

SEED = 20260729


@dataclass(frozen=True)
class Problem:
    """One problem and those who solve it, ready for ``pp.race(problem.contestants)``.

    Attributes
    ----------
    title : str
        The problem in one line.
    contestants : dict of str to callable
        All give the same result. They use as many threads as `pyparallel.get_num_threads` says.
    missing : dict of str to str
        The contestants left out, and what to do: how to install the library, or why it fails.
    sources : dict of str to str
        The documentation that a contestant's form comes from.
    small : Problem or None
        The same in a size at which plain Python can take part.
    check : callable or None
        What `pyparallel.race` is to compare the results with, if not with its default.
    agreement : str
        How far results agree, in words.
    """

    title: str
    contestants: dict[str, Callable[[], object]]
    missing: dict[str, str]
    sources: dict[str, str]
    small: Problem | None = None
    check: Check | None = None
    agreement: str = "equal"


def problems() -> dict[str, Callable[[], Problem]]:
    """All problems, by name; call one to build it.

    Examples
    --------
    >>> from pyparallel import contestants
    >>> list(contestants.problems())
    ['mandelbrot', 'mandelbrot-whole', 'mandelbrot-deep', 'julia', 'pi', 'sum', 'var', 'fsum', \
'match', 'match-wide', 'assign', 'assemble']
    """
    return {
        "mandelbrot": mandelbrot,
        "mandelbrot-whole": lambda: mandelbrot(WHOLE, 256),
        "mandelbrot-deep": lambda: mandelbrot(WHOLE, 5000),
        "julia": julia,
        "pi": pi,
        "sum": sum,
        "var": var,
        "fsum": fsum,
        "match": match,
        "match-wide": lambda: match(2000, 10_000, 75),
        "assign": assign,
        "assemble": assemble,
    }


def mandelbrot(box: fractals.Box | None = None, max_iter: int = 1024) -> Problem:
    """Escape counts of the Mandelbrot set, as by `pyparallel.mandelbrot`, int32.

    Every contestant starts from the box and gives the counts of the plain Python loop, equal in
    every pixel. For that they compute with real and imaginary parts: NumPy's product of complex
    numbers may fuse a multiplication with an addition, and then some counts differ. Numba's
    ``fastmath`` makes some differ too, so it is off.

    - *NumPy* keeps only the points that have not escaped, by boolean indexing, and works in
      place on blocks that fit into the cache.
    - *Numba serial* is two loops over the pixels, without the GIL. It is compiled at the first
      call, for which `pyparallel.race` warms up.
    - *Numba parallel* is the same with ``parallel=True`` and ``prange`` over the rows, in
      portions, since rows differ in work.
    - *Dask* maps the serial Numba function (NumPy's, without Numba) over blocks of rows on its
      scheduler of threads.
    - *pyparallel* is `pyparallel.mandelbrot`.
    - *pure Python*, only in ``small``, is the loop that Numba compiles.

    Parameters
    ----------
    box : Box, optional
        The lesson's case by default: 1024 x 1024 pixels around -1.1195+0.2718i, 0.005 wide.
    max_iter : int, optional
        From 1 to 2**31 - 1.

    Returns
    -------
    Problem
        ``small`` shows the whole picture in at most 128 x 128 pixels.

    Raises
    ------
    TypeError, ValueError
        Naming the argument.

    Examples
    --------
    >>> import pyparallel as pp
    >>> problem = pp.contestants.mandelbrot(pp.Box(64, 64, center=-0.8, extent=3 + 3j), 100)
    >>> problem.title
    'Mandelbrot set, 64 x 64 pixels, at most 100 iterations'
    >>> outcome = pp.race(problem.contestants, repeat=1)
    """
    return _fractal("mandelbrot", BOX if box is None else box, None, max_iter)


def julia(box: fractals.Box | None = None, c: complex = DRAGON, max_iter: int = 1024) -> Problem:
    """Escape counts of the Julia set of c, as by `pyparallel.julia`, int32.

    The contestants and their forms are those of `mandelbrot`; c is one number for all pixels.

    Parameters
    ----------
    box : Box, optional
        1024 x 1024 pixels around 0, 3.2 wide, by default.
    c : complex, optional
    max_iter : int, optional
        From 1 to 2**31 - 1.

    Returns
    -------
    Problem
        ``small`` shows the whole picture in at most 128 x 128 pixels.

    Raises
    ------
    TypeError, ValueError
        Naming the argument.

    Examples
    --------
    >>> import pyparallel as pp
    >>> problem = pp.contestants.julia(pp.Box(64, 64, center=0, extent=3 + 3j), -0.1 + 0.65j, 100)
    >>> problem.title
    'Julia set of -0.1+0.65i, 64 x 64 pixels, at most 100 iterations'
    >>> outcome = pp.race(problem.contestants, repeat=1)
    """
    c = complex_number("contestants.julia", "c", c)
    return _fractal("julia", JULIA if box is None else box, c, max_iter)


def pi(n: int = SAMPLES) -> Problem:
    """π by Monte Carlo, as by `pyparallel.calc_pi`: 4 * (samples in the quarter circle) / n.

    Each contestant draws random numbers of its own in each call, so their estimates agree only
    within a tolerance, which the title states: five standard errors of their difference.

    - *NumPy* draws with its fastest generator, SFC64, and works in place on blocks that fit into
      the cache.
    - *Numba serial* is the plain loop, compiled, with Numba's ``random.random()`` (a Mersenne
      Twister); *Numba parallel* is the same with ``parallel=True`` and ``prange``.
    - *Numba, NumPy's generators* gives each thread an SFC64 of NumPy's, which is faster.
    - *Dask* runs NumPy's form as one task a thread, each with a seed of its own.
    - *pyparallel* is `pyparallel.calc_pi`.
    - *pure Python*, only in ``small``, is the loop that Numba compiles.

    Parameters
    ----------
    n : int, optional
        Samples, from 1 to 2**62.

    Returns
    -------
    Problem
        ``small`` has at most 200000 samples. Pass its ``check`` to `pyparallel.race`.

    Raises
    ------
    TypeError, ValueError
        Naming the argument.

    Examples
    --------
    >>> import pyparallel as pp
    >>> problem = pp.contestants.pi(10**6)
    >>> problem.title
    'pi by Monte Carlo, 1000000 samples, equal within 5 standard errors (0.012)'
    >>> outcome = pp.race(problem.contestants, check=problem.check, repeat=1)
    """
    n = whole_number("contestants.pi", "n", n, 2**62)

    def described(n: int) -> Described:
        tolerance = STANDARD_ERRORS * math.sqrt(2 * math.pi * (4 - math.pi) / n)
        agreement = f"equal within {STANDARD_ERRORS} standard errors ({tolerance:.2g})"
        title = f"pi by Monte Carlo, {n} samples, {agreement}"
        return title, agreement, partial(_within, tolerance)

    return _problem(peers.PI, described, (n,), (min(n, FEW_SAMPLES),))


def sum(n: int = VALUES) -> Problem:
    """The sum of n float64 values, uniform between 0 and 1, as by `pyparallel.sum`.

    Each library adds in an order of its own, so the sums agree only within a relative 1e-10.

    - *NumPy* is `numpy.sum`, *bottleneck* its ``nansum``, *numexpr* ``evaluate("sum(a)")``; all
      run on one thread.
    - *Numba serial* is the plain loop, compiled with ``fastmath``, which lets it add in any order;
      *Numba parallel* is the same with ``parallel=True`` and ``prange``.
    - *Dask* sums chunks on its scheduler of threads, without a copy of the values.
    - *pyparallel* is `pyparallel.sum`.
    - *pure Python*, only in ``small``, is the built-in `sum` of a list made in each call.

    Parameters
    ----------
    n : int, optional
        Values, at least 1.

    Returns
    -------
    Problem
        ``small`` has at most a million values. Pass its ``check`` to `pyparallel.race`.

    Raises
    ------
    TypeError, ValueError
        Naming the argument.

    Examples
    --------
    >>> import pyparallel as pp
    >>> problem = pp.contestants.sum(1000)
    >>> problem.title
    'sum of 1000 float64, equal within a relative 1e-10'
    >>> outcome = pp.race(problem.contestants, check=problem.check, repeat=1)
    """
    return _reduction("sum", peers.SUM, n)


def var(n: int = VALUES) -> Problem:
    """The variance of n float64 values, uniform between 0 and 1, as by `pyparallel.var`.

    The results agree within a relative 1e-10. They would not for values far from 0: Numba's loop
    takes the mean of the squares less the square of the mean, which is one pass over memory, but
    cancels. The others subtract the mean first; pyparallel does so in one pass.

    - *NumPy* is `numpy.var`. *NumPy in blocks* works on deviations that fit into the cache.
    - *bottleneck* is its ``nanvar``; *numexpr* evaluates the mean, then the squares.
    - *Numba serial* and *Numba parallel*, *Dask*, *pyparallel* and *pure Python*: see `sum`.

    Parameters
    ----------
    n : int, optional
        Values, at least 1.

    Returns
    -------
    Problem
        ``small`` has at most a million values. Pass its ``check`` to `pyparallel.race`.

    Raises
    ------
    TypeError, ValueError
        Naming the argument.

    Examples
    --------
    >>> import pyparallel as pp
    >>> problem = pp.contestants.var(1000)
    >>> problem.title
    'var of 1000 float64, equal within a relative 1e-10'
    >>> outcome = pp.race(problem.contestants, check=problem.check, repeat=1)
    """
    return _reduction("var", peers.VAR, n)


def fsum(n: int = VALUES) -> Problem:
    """The exact sum of n float64 values, rounded once, as by `pyparallel.fsum`.

    The other contestant is Python's `math.fsum`, on a list made in each call, which is faster than
    taking the values from the array. Both must give the same bits.

    Parameters
    ----------
    n : int, optional
        Values, uniform between 0 and 1; at least 1.

    Returns
    -------
    Problem
        Pass its ``check`` to `pyparallel.race`.

    Raises
    ------
    TypeError, ValueError
        Naming the argument.

    Examples
    --------
    >>> import pyparallel as pp
    >>> problem = pp.contestants.fsum(1000)
    >>> problem.title
    'fsum of 1000 float64, equal to the bit'
    >>> outcome = pp.race(problem.contestants, check=problem.check, repeat=1)
    """
    return _reduction("fsum", peers.FSUM, n)


def match(m: int = TARGETS, n: int = TILES, d: int = 3) -> Problem:
    """The nearest of n tiles for each of m targets, as by `pyparallel.mosaic.match`.

    The features are random bytes. Where two tiles are equally near, contestants may choose either:
    the squared distances of the chosen must be equal.

    - *NumPy broadcast* is the lesson's form, the differences of all targets and all tiles, but in
      blocks of targets: at once they would take gigabytes.
    - *NumPy product* uses ``|t|² - 2 t·p + |p|²``, where the middle of all pairs is a product of
      matrices, in blocks that fit into the cache.
    - *Numba parallel* is the plain loop, compiled with ``parallel=True``, ``prange`` and
      ``fastmath``.
    - *SciPy cKDTree* and *pykdtree* build a tree, then search it. They race up to 16 features.
    - *faiss* is its ``IndexFlatL2``, which compares all with all.
    - *pyparallel* is `pyparallel.mosaic.match`, on the bytes; the others get float32.
    - *pure Python*, only in ``small``, is two loops over lists.

    Parameters
    ----------
    m, n : int, optional
        Targets and tiles, at least 1.
    d : int, optional
        Features, from 1 to 256: so many that float32 holds the squared distances exactly.

    Returns
    -------
    Problem
        ``small`` has at most 200 targets and tiles. Pass its ``check`` to `pyparallel.race`.

    Raises
    ------
    TypeError, ValueError
        Naming the argument.

    Examples
    --------
    >>> import pyparallel as pp
    >>> problem = pp.contestants.match(100, 100)
    >>> problem.title
    'nearest of 100 tiles for each of 100 targets, 3 features, equal distances'
    >>> outcome = pp.race(problem.contestants, check=problem.check, repeat=1)
    """
    m = whole_number("contestants.match", "m", m, 2**31 - 1)
    n = whole_number("contestants.match", "n", n, 2**31 - 1)
    d = whole_number("contestants.match", "d", d, FEATURES)
    rng = np.random.default_rng(SEED)
    targets, tiles = (rng.integers(0, 256, (count, d), np.uint8) for count in (m, n))
    field = peers.MATCH if d <= FEATURES_OF_A_TREE else peers.MATCH_WITHOUT_TREES
    small = Colours.of(targets[:FEW_COLOURS], tiles[:FEW_COLOURS])
    return _problem(field, _matching, (Colours.of(targets, tiles),), (small,))


def assign(n: int = 1024) -> Problem:
    """Each of n tiles for one of n targets, least in sum, as by `pyparallel.mosaic.assign`.

    The targets are the colours of a smooth picture, the tiles' colours are random. The sums of
    the squared distances must be equal; several assignments may have the least.

    All but pyparallel take the matrix of all distances, which is computed in each call, by NumPy.

    - *SciPy* is ``linear_sum_assignment``, *lapx* its ``lapjv``; both run on one thread.
    - *OR-Tools flow* is ``SimpleMinCostFlow``, *OR-Tools assignment* the
      ``SimpleLinearSumAssignment``; each gets all arcs as arrays.
    - *POT* is ``emd``, optimal transport between equal weights.
    - *pyparallel* is `pyparallel.mosaic.assign`, to a proven optimum.

    Parameters
    ----------
    n : int, optional
        Targets, and tiles, from 1 to 20000.

    Returns
    -------
    Problem
        Pass its ``check`` to `pyparallel.race`.

    Raises
    ------
    TypeError, ValueError
        Naming the argument.

    Examples
    --------
    >>> import pyparallel as pp
    >>> problem = pp.contestants.assign(100)
    >>> problem.title
    'each of 100 tiles once, for 100 targets, 3 features, equal sums of distances'
    >>> outcome = pp.race(problem.contestants, check=problem.check, repeat=1)
    """
    n = whole_number("contestants.assign", "n", n, 20_000)
    y, x = np.divmod(np.arange(n), math.isqrt(n)) / np.sqrt(n)
    waves = [np.sin(5 * x + y), np.cos(4 * x * y), np.sin(3 * x - 6 * y)]
    targets = np.rint(128 + 100 * np.stack(waves, axis=1)).astype(np.uint8)
    tiles = np.random.default_rng(SEED).integers(0, 256, (n, 3), np.uint8)
    return _problem(peers.ASSIGN, _assigning, (Colours.of(targets, tiles),), ())


def assemble(rows: int = 100, cols: int = 100) -> Problem:
    """A picture of rows x cols tiles of 50 x 50 pixels, as by `pyparallel.mosaic.assemble`.

    There are 1000 tiles, and which goes where is random.

    - *NumPy* copies a row of tiles at a time, chosen by an array of indices.
    - *Pillow* pastes tile after tile into a new image.
    - *pyparallel* is `pyparallel.mosaic.assemble`.

    Parameters
    ----------
    rows, cols : int, optional
        At least 1.

    Returns
    -------
    Problem

    Raises
    ------
    TypeError, ValueError
        Naming the argument.

    Examples
    --------
    >>> import pyparallel as pp
    >>> problem = pp.contestants.assemble(3, 4)
    >>> problem.title
    'a picture of 3 x 4 tiles of 50 x 50 pixels'
    >>> outcome = pp.race(problem.contestants, repeat=1)
    """
    rows = whole_number("contestants.assemble", "rows", rows, 2**31 - 1)
    cols = whole_number("contestants.assemble", "cols", cols, 2**31 - 1)
    rng = np.random.default_rng(SEED)
    tiles = rng.integers(0, 256, (TILES_TO_LAY, *TILE_SIZE, 3), np.uint8)
    indices = rng.integers(0, TILES_TO_LAY, (rows, cols))
    return _problem(peers.ASSEMBLE, _assembling, (Layout.of(tiles, indices),), ())


def _matching(colours: Colours) -> Described:
    (m, d), n = colours.targets.shape, len(colours.tiles)
    title = f"nearest of {n} tiles for each of {m} targets, {d} features, equal distances"

    def check(first: Any, other: Any) -> object:
        return colours.distances(first) == colours.distances(other)

    return title, "equal distances", check


def _assigning(colours: Colours) -> Described:
    n = len(colours.targets)
    title = f"each of {n} tiles once, for {n} targets, 3 features, equal sums of distances"

    def check(first: Any, other: Any) -> bool:
        once = np.array_equal(np.sort(other), np.arange(n))
        return once and colours.distances(first).sum() == colours.distances(other).sum()

    return title, "equal sums of distances", check


def _assembling(layout: Layout) -> Described:
    (rows, cols), (h, w) = layout.indices.shape, layout.tiles.shape[1:3]
    return f"a picture of {rows} x {cols} tiles of {w} x {h} pixels", "equal in every pixel", None


def _reduction(function: str, field: Peers, n: int) -> Problem:
    n = whole_number(f"contestants.{function}", "n", n, 2**62)
    exactly = field is peers.FSUM
    agreement = "equal to the bit" if exactly else f"equal within a relative {TOLERANCE:g}"

    def described(a: Values) -> Described:
        check = operator.eq if exactly else partial(_relatively_within, TOLERANCE)
        return f"{function} of {a.size} float64, {agreement}", agreement, check

    a = np.random.default_rng(SEED).random(n)
    return _problem(field, described, (a,), (a[:FEW_VALUES],))


def _relatively_within(tolerance: float, first: float, other: float) -> bool:
    return abs(first - other) <= tolerance * abs(first)


def _within(tolerance: float, first: float, other: float) -> bool:
    return abs(first - other) <= tolerance


def _fractal(function: str, box: object, c: complex | None, max_iter: object) -> Problem:
    if not isinstance(box, fractals.Box):
        raise TypeError(
            f"contestants.{function}: box must be a pyparallel.Box, not {type(box).__name__}"
        )
    number = whole_number(f"contestants.{function}", "max_iter", max_iter, 2**31 - 1)

    def described(box: fractals.Box, c: complex | None, max_iter: int) -> Described:
        return _title(box, c, max_iter), "equal in every pixel", None

    return _problem(peers.FRACTALS, described, (box, c, number), (_shrunk(box), c, number))


def _problem(
    field: Peers, described: Callable[..., Described], work: Work, small_work: Work
) -> Problem:
    """The problem for those of the field who can take part; with plain Python where it is small."""
    without = missing(field.libraries)
    forms = {name: form for name, form in field.forms.items() if name not in without}
    sources = {name: url for name, url in field.sources.items() if name in forms}

    def problem(work: Work, forms: Mapping[str, Callable[..., object]]) -> Problem:
        title, agreement, check = described(*work)
        runners: dict[str, Callable[[], object]]
        runners = {name: partial(form, *work) for name, form in forms.items()}
        return Problem(title, runners, without, sources, check=check, agreement=agreement)

    if field.python is None:
        return problem(work, forms)
    small = problem(small_work, {"pure Python": field.python, **forms})
    small = replace(small, title=f"{small.title}: small, for plain Python takes part")
    return replace(problem(work, forms), small=small)


def _title(box: fractals.Box, c: complex | None, max_iter: int) -> str:
    rows, columns = box.shape
    name = "Mandelbrot set" if c is None else f"Julia set of {_number(c)}"
    return f"{name}, {columns} x {rows} pixels, at most {max_iter} iterations"


def _number(c: complex) -> str:
    return f"{c:g}".replace("j", "i")


def _shrunk(box: fractals.Box) -> fractals.Box:
    """The same view in fewer pixels."""
    factor = math.ceil(max(box.width, box.height) / SMALL)
    width, height = (max(1, pixels // factor) for pixels in (box.width, box.height))
    return fractals.Box(width, height, box.center, box.extent)
