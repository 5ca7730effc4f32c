"""Ready-made contestants for ``pp.race``: the lesson's problems, as each library does them best."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from pyparallel import _contestant_kernels as kernels
from pyparallel import _contestant_pi as estimates
from pyparallel import fractals
from pyparallel._agreement import Check
from pyparallel._arguments import complex_number, whole_number
from pyparallel._libraries import missing

SOURCES = {
    "NumPy": "https://numpy.org/doc/stable/user/quickstart.html#indexing-with-boolean-arrays",
    "Numba serial": "https://numba.readthedocs.io/en/stable/user/examples.html",
    "Numba parallel": "https://numba.readthedocs.io/en/stable/user/parallel.html",
    "Dask": "https://docs.dask.org/en/stable/generated/dask.array.map_blocks.html",
}

# The library a contestant needs beside NumPy.
LIBRARIES = {"Numba serial": "numba", "Numba parallel": "numba", "Dask": "dask.array"}

Form = Callable[[fractals.Box, complex | None, int], object]

FORMS: dict[str, Form] = {
    "NumPy": kernels.by_numpy,
    "Numba serial": kernels.by_numba_serial,
    "Numba parallel": kernels.by_numba_parallel,
    "Dask": kernels.by_dask,
    "pyparallel": kernels.by_pyparallel,
}

PI_SOURCES = {
    "NumPy": "https://numpy.org/doc/stable/reference/random/performance.html",
    "Numba serial": "https://numba.readthedocs.io/en/stable/reference/pysupported.html#random",
    "Numba parallel": "https://numba.readthedocs.io/en/stable/user/parallel.html",
    "Numba, NumPy's generators": "https://numba.readthedocs.io/en/stable/reference/"
    "numpysupported.html#generator-objects",
    "Dask": "https://docs.dask.org/en/stable/delayed.html",
}
PI_LIBRARIES = {**LIBRARIES, "Numba, NumPy's generators": "numba"}

PI_FORMS: dict[str, Callable[[int], float]] = {
    "NumPy": estimates.by_numpy,
    "Numba serial": estimates.by_numba_serial,
    "Numba parallel": estimates.by_numba_parallel,
    "Numba, NumPy's generators": estimates.by_numba_generators,
    "Dask": estimates.by_dask,
    "pyparallel": estimates.by_pyparallel,
}

# The lesson's case, the whole Mandelbrot set, and a whole Julia set.
BOX = fractals.Box(1024, 1024, center=-1.1195 + 0.2718j, extent=0.005 + 0.005j)
WHOLE = fractals.Box(1024, 1024, center=-0.8, extent=3 + 3j)
JULIA = fractals.Box(1024, 1024, center=0, extent=3.2 + 3.2j)

# Just outside the Mandelbrot set, so nearly all orbits of its Julia set escape, but some late.
DRAGON = -0.8 + 0.156j

# Width and height of the picture that the plain Python loop can do in a moment.
SMALL = 128

SAMPLES, FEW_SAMPLES = 10_000_000, 200_000

# Standard errors by which two estimates may differ: by chance they do so once in two million times.
STANDARD_ERRORS = 5


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
    """

    title: str
    contestants: dict[str, Callable[[], object]]
    missing: dict[str, str]
    sources: dict[str, str]
    small: Problem | None = None
    check: Check | None = None


def problems() -> dict[str, Callable[[], Problem]]:
    """All problems, by name; call one to build it.

    Examples
    --------
    >>> from pyparallel import contestants
    >>> list(contestants.problems())
    ['mandelbrot', 'mandelbrot-whole', 'mandelbrot-deep', 'julia', 'pi']
    """
    return {
        "mandelbrot": mandelbrot,
        "mandelbrot-whole": lambda: mandelbrot(WHOLE, 256),
        "mandelbrot-deep": lambda: mandelbrot(WHOLE, 5000),
        "julia": julia,
        "pi": pi,
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
    without = missing(PI_LIBRARIES)
    forms = {name: form for name, form in PI_FORMS.items() if name not in without}

    def problem(n: int, forms: dict[str, Callable[[int], float]]) -> Problem:
        tolerance = STANDARD_ERRORS * math.sqrt(2 * math.pi * (4 - math.pi) / n)
        title = (
            f"pi by Monte Carlo, {n} samples, "
            f"equal within {STANDARD_ERRORS} standard errors ({tolerance:.2g})"
        )
        runners: dict[str, Callable[[], object]]
        runners = {name: partial(form, n) for name, form in forms.items()}
        sources = {name: url for name, url in PI_SOURCES.items() if name in forms}
        check = partial(_within, tolerance)
        return Problem(title, runners, without, sources, check=check)

    small = problem(min(n, FEW_SAMPLES), {"pure Python": estimates.by_python, **forms})
    small = replace(small, title=f"{small.title}: small, for plain Python takes part")
    return replace(problem(n, forms), small=small)


def _within(tolerance: float, first: float, other: float) -> bool:
    return abs(first - other) <= tolerance


def _fractal(function: str, box: object, c: complex | None, max_iter: object) -> Problem:
    if not isinstance(box, fractals.Box):
        raise TypeError(
            f"contestants.{function}: box must be a pyparallel.Box, not {type(box).__name__}"
        )
    number = whole_number(f"contestants.{function}", "max_iter", max_iter, 2**31 - 1)
    without = missing(LIBRARIES)
    forms = {name: form for name, form in FORMS.items() if name not in without}

    def problem(box: fractals.Box, forms: dict[str, Form]) -> Problem:
        runners = {name: _contestant(form, box, c, number) for name, form in forms.items()}
        sources = {name: url for name, url in SOURCES.items() if name in forms}
        return Problem(_title(box, c, number), runners, without, sources)

    small = problem(_shrunk(box), {"pure Python": kernels.by_python, **forms})
    small = replace(small, title=f"{small.title}: small, for plain Python takes part")
    return replace(problem(box, forms), small=small)


def _contestant(
    form: Form, box: fractals.Box, c: complex | None, max_iter: int
) -> Callable[[], object]:
    return lambda: form(box, c, max_iter)


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
