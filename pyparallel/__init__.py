"""Exact, parallel C kernels for NumPy arrays, and the lesson that teaches them.

``import pyparallel as pp`` loads NumPy and the C extension; other modules load on first use.
"""

from importlib import import_module as _import_module

from pyparallel._threads import (
    config,
    get_num_threads,
    set_num_threads,
    show_config,
    threads,
)
from pyparallel._threads import version as _version
from pyparallel.exact import ExactSum, fsum
from pyparallel.fractals import Box, escape_time, julia, mandelbrot, plot_fractal
from pyparallel.histograms import histogram
from pyparallel.monte_carlo import calc_pi
from pyparallel.ranges import conditional_sum_range, sum_range
from pyparallel.reductions import (
    argmax,
    argmin,
    count_nonzero,
    dot,
    max,
    mean,
    min,
    minmax,
    norm,
    std,
    sum,
    var,
)

__all__ = [
    "Box",
    "ExactSum",
    "Race",
    "RaceError",
    "Scaling",
    "argmax",
    "argmin",
    "calc_pi",
    "conditional_sum_range",
    "config",
    "count_nonzero",
    "dot",
    "escape_time",
    "fsum",
    "get_include",
    "get_num_threads",
    "histogram",
    "julia",
    "mandelbrot",
    "max",
    "mean",
    "min",
    "minmax",
    "norm",
    "plot_fractal",
    "race",
    "scaling",
    "set_num_threads",
    "show_config",
    "std",
    "sum",
    "sum_range",
    "threads",
    "var",
]

# Public names that load on first use (PEP 562), and where they live.
_LAZY = {
    "Race": "racing",
    "RaceError": "racing",
    "Scaling": "racing",
    "get_include": "capi",
    "race": "racing",
    "scaling": "racing",
}
_LAZY_MODULES = {
    "capi",
    "checks",
    "compilers",
    "contestants",
    "doctor",
    "explorer",
    "lab",
    "lesson",
    "mosaic",
}


def __getattr__(name: str) -> object:
    if name == "__version__":
        return _version()
    if name in _LAZY:
        return getattr(_import_module(f"{__name__}.{_LAZY[name]}"), name)
    if name in _LAZY_MODULES:
        return _import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_LAZY_MODULES})
