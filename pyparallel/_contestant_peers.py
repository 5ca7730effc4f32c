"""Who takes part in which race: the form of each library, its source, and what it needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from pyparallel import _contestant_kernels as kernels
from pyparallel import _contestant_mosaic as mosaics
from pyparallel import _contestant_pi as estimates
from pyparallel import _contestant_reductions as totals


@dataclass(frozen=True)
class Peers:
    """The field of one race.

    Attributes
    ----------
    forms : mapping of str to callable
        All take the same arguments and give the same result.
    sources : mapping of str to str
        The documentation that a form comes from.
    libraries : mapping of str to str
        The library that a form needs beside NumPy.
    python : callable or None
        Plain Python's form, which takes part where the work is small.
    """

    forms: Mapping[str, Callable[..., object]]
    sources: Mapping[str, str]
    libraries: Mapping[str, str]
    python: Callable[..., object] | None = None


NUMBA = "https://numba.readthedocs.io/en/stable/"
DASK = "https://docs.dask.org/en/stable/"
NUMPY = "https://numpy.org/doc/stable/"
LIBRARIES = {"Numba serial": "numba", "Numba parallel": "numba", "Dask": "dask.array"}

FRACTALS = Peers(
    {
        "NumPy": kernels.by_numpy,
        "Numba serial": kernels.by_numba_serial,
        "Numba parallel": kernels.by_numba_parallel,
        "Dask": kernels.by_dask,
        "pyparallel": kernels.by_pyparallel,
    },
    {
        "NumPy": f"{NUMPY}user/quickstart.html#indexing-with-boolean-arrays",
        "Numba serial": f"{NUMBA}user/examples.html",
        "Numba parallel": f"{NUMBA}user/parallel.html",
        "Dask": f"{DASK}generated/dask.array.map_blocks.html",
    },
    LIBRARIES,
    kernels.by_python,
)

PI = Peers(
    {
        "NumPy": estimates.by_numpy,
        "Numba serial": estimates.by_numba_serial,
        "Numba parallel": estimates.by_numba_parallel,
        "Numba, NumPy's generators": estimates.by_numba_generators,
        "Dask": estimates.by_dask,
        "pyparallel": estimates.by_pyparallel,
    },
    {
        "NumPy": f"{NUMPY}reference/random/performance.html",
        "Numba serial": f"{NUMBA}reference/pysupported.html#random",
        "Numba parallel": f"{NUMBA}user/parallel.html",
        "Numba, NumPy's generators": f"{NUMBA}reference/numpysupported.html#generator-objects",
        "Dask": f"{DASK}delayed.html",
    },
    {**LIBRARIES, "Numba, NumPy's generators": "numba"},
    estimates.by_python,
)

REDUCTION_LIBRARIES = {"bottleneck": "bottleneck", "numexpr": "numexpr", **LIBRARIES}
REDUCTION_SOURCES = {
    "numexpr": "https://numexpr.readthedocs.io/en/latest/user_guide.html"
    "#supported-reduction-operations",
    "Numba serial": f"{NUMBA}user/performance-tips.html#fastmath",
    "Numba parallel": f"{NUMBA}user/parallel.html#explicit-parallel-loops",
    "Dask": f"{DASK}array-design.html",
}
BOTTLENECK = "https://bottleneck.readthedocs.io/en/latest/reference.html"

SUM = Peers(
    {
        "NumPy": totals.sum_by_numpy,
        "bottleneck": totals.sum_by_bottleneck,
        "numexpr": totals.sum_by_numexpr,
        "Numba serial": totals.sum_by_numba_serial,
        "Numba parallel": totals.sum_by_numba_parallel,
        "Dask": totals.sum_by_dask,
        "pyparallel": totals.sum_by_pyparallel,
    },
    {
        "NumPy": f"{NUMPY}reference/generated/numpy.sum.html",
        "bottleneck": f"{BOTTLENECK}#bottleneck.nansum",
        **REDUCTION_SOURCES,
    },
    REDUCTION_LIBRARIES,
    totals.sum_by_python,
)

VAR = Peers(
    {
        "NumPy": totals.var_by_numpy,
        "NumPy in blocks": totals.var_by_numpy_blocks,
        "bottleneck": totals.var_by_bottleneck,
        "numexpr": totals.var_by_numexpr,
        "Numba serial": totals.var_by_numba_serial,
        "Numba parallel": totals.var_by_numba_parallel,
        "Dask": totals.var_by_dask,
        "pyparallel": totals.var_by_pyparallel,
    },
    {
        "NumPy": f"{NUMPY}reference/generated/numpy.var.html",
        "NumPy in blocks": f"{NUMPY}user/basics.ufuncs.html",
        "bottleneck": f"{BOTTLENECK}#bottleneck.nanvar",
        **REDUCTION_SOURCES,
    },
    REDUCTION_LIBRARIES,
    totals.var_by_python,
)

FSUM = Peers(
    {"math.fsum": totals.fsum_by_python, "pyparallel": totals.fsum_by_pyparallel},
    {"math.fsum": "https://docs.python.org/3/library/math.html#math.fsum"},
    {},
)

SCIPY = "https://docs.scipy.org/doc/scipy/reference/generated/"
OR_TOOLS = "https://developers.google.com/optimization/"

MATCH = Peers(
    {
        "NumPy broadcast": mosaics.match_by_broadcast,
        "NumPy product": mosaics.match_by_product,
        "Numba parallel": mosaics.match_by_numba,
        "SciPy cKDTree": mosaics.match_by_scipy,
        "pykdtree": mosaics.match_by_pykdtree,
        "faiss": mosaics.match_by_faiss,
        "pyparallel": mosaics.match_by_pyparallel,
    },
    {
        "NumPy broadcast": f"{NUMPY}user/basics.broadcasting.html",
        "NumPy product": f"{NUMPY}reference/generated/numpy.matmul.html",
        "Numba parallel": f"{NUMBA}user/parallel.html#explicit-parallel-loops",
        "SciPy cKDTree": f"{SCIPY}scipy.spatial.cKDTree.query.html",
        "pykdtree": "https://github.com/storpipfugl/pykdtree#usage",
        "faiss": "https://github.com/facebookresearch/faiss/wiki/Getting-started",
    },
    {
        "Numba parallel": "numba",
        "SciPy cKDTree": "scipy.spatial",
        "pykdtree": "pykdtree.kdtree",
        "faiss": "faiss",
    },
    mosaics.match_by_python,
)

TREES = ("SciPy cKDTree", "pykdtree")
MATCH_WITHOUT_TREES = replace(
    MATCH,
    forms={name: form for name, form in MATCH.forms.items() if name not in TREES},
    libraries={name: module for name, module in MATCH.libraries.items() if name not in TREES},
)

ASSIGN = Peers(
    {
        "SciPy": mosaics.assign_by_scipy,
        "lapx": mosaics.assign_by_lapx,
        "OR-Tools flow": mosaics.assign_by_flow,
        "OR-Tools assignment": mosaics.assign_by_pairing,
        "POT": mosaics.assign_by_pot,
        "pyparallel": mosaics.assign_by_pyparallel,
    },
    {
        "SciPy": f"{SCIPY}scipy.optimize.linear_sum_assignment.html",
        "lapx": "https://github.com/rathaROG/lapx#-usage",
        "OR-Tools flow": f"{OR_TOOLS}flow/assignment_min_cost_flow",
        "OR-Tools assignment": f"{OR_TOOLS}assignment/linear_assignment",
        "POT": "https://pythonot.github.io/all.html#ot.emd",
    },
    {
        "SciPy": "scipy.optimize",
        "lapx": "lap",
        "OR-Tools flow": "ortools.graph",
        "OR-Tools assignment": "ortools.graph",
        "POT": "ot",
    },
)

ASSEMBLE = Peers(
    {
        "NumPy": mosaics.assemble_by_numpy,
        "Pillow": mosaics.assemble_by_pillow,
        "pyparallel": mosaics.assemble_by_pyparallel,
    },
    {
        "NumPy": f"{NUMPY}user/basics.indexing.html#integer-array-indexing",
        "Pillow": "https://pillow.readthedocs.io/en/stable/reference/Image.html"
        "#PIL.Image.Image.paste",
    },
    {"Pillow": "PIL.Image"},
)
