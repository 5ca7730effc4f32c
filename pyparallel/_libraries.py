"""Optional libraries: who has to do without, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

from pyparallel._metadata import install_line

# The extra that installs a library, where it is not the lesson's.
EXTRAS = dict.fromkeys(("bottleneck", "faiss", "numexpr", "pykdtree.kdtree"), "bench")


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
        cure = install_line(EXTRAS.get(library, "lesson"))
        try:
            import_module(library)
        except ModuleNotFoundError:
            found[name] = cure
        except ImportError as error:  # it is there, but refuses, say, this version of NumPy
            found[name] = next(iter(str(error).splitlines()), cure)
    return found
