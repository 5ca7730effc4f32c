"""Optional libraries: who has to do without, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

from pyparallel._metadata import install_line

# The extra that installs a library, where it is not the lesson's.
EXTRAS = {"PIL.Image": "cli"} | dict.fromkeys(
    ("bottleneck", "faiss", "lap", "numexpr", "ortools.graph", "ot", "pykdtree.kdtree"), "bench"
)


def missing(needs: Mapping[str, str]) -> dict[str, str]:
    """Those whose library cannot be imported, and how to install it, or why it fails.

    Examples
    --------
    >>> from pyparallel._libraries import missing
    >>> missing({"NumPy's form": "numpy"})
    {}
    """
    found = {}
    for name, library in needs.items():
        try:
            import_module(library)
        except ModuleNotFoundError:
            found[name] = install_line(EXTRAS.get(library, "lesson"))
        except ImportError as error:  # it is there, but refuses, say, this version of NumPy
            found[name] = next(iter(str(error).splitlines()), f"{library} does not load")
    return found
