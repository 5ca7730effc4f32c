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
    ['mandelbrot', 'mandelbrot-whole', 'mandelbrot-deep', 'julia', 'pi', 'sum', 'var', 'fsum']
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
