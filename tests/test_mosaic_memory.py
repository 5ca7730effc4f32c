"""Memory of the steps of a mosaic: what they return, and little more."""

from __future__ import annotations

import pytest

GROWN = """
import resource, sys
import numpy as np
from pyparallel.mosaic import assemble, assign, features, match
rng = np.random.default_rng(0)
{prepare}
small()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
large()
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(grown // (1024 if sys.platform == "darwin" else 1))
"""

FEATURES = """
a = np.full((1, 4000, 6000, 3), 7, np.uint8)
{layout}
small = lambda: features(a[:, :200, :200], space="{space}", num_threads=2)
large = lambda: features(a, {grid}, space="{space}", num_threads=2)
"""

ASSEMBLE = """
tiles = rng.integers(0, 256, (400, 50, 50, 3), np.uint8)
tiles = tiles{view}
indices = rng.integers(0, 400, (100, 100))
out = np.full((5000, 5000, 3), 7, np.uint8)
small = lambda: assemble(tiles, indices[:3, :3], num_threads=2)
large = lambda: assemble(tiles, indices, out=out, num_threads=2)
"""

CHOOSE = """
targets, tiles = (rng.integers(0, 256, (n, {d}), np.uint8) for n in (4000, 5000))
small = lambda: {function}(targets[:50], tiles[:50], num_threads=2)
large = lambda: {function}(targets, tiles, num_threads=2)
"""


@pytest.mark.parametrize("space", ["rgb", "oklab", "grey"])
@pytest.mark.parametrize("grid", [1, (80, 120)])
@pytest.mark.parametrize("layout", ["", "a = a[:, ::-1, ::2]", "a = a.transpose(0, 2, 1, 3)"])
def test_features_copy_no_picture(run_python, space, grid, layout):
    """Of 72 MB; a MiB per thread is allowed."""
    pytest.importorskip("resource")
    prepare = FEATURES.format(space=space, grid=grid, layout=layout)
    assert int(run_python(GROWN.format(prepare=prepare)).stdout) < 2048


@pytest.mark.parametrize("view", ["", "[:, ::-1, ::-1]"])
def test_assembly_is_in_place(run_python, view):
    pytest.importorskip("resource")
    prepare = ASSEMBLE.format(view=view)
    assert int(run_python(GROWN.format(prepare=prepare)).stdout) < 2048


@pytest.mark.parametrize(("function", "d"), [("match", 3), ("match", 75), ("assign", 3)])
def test_there_is_no_table_of_all_distances(run_python, function, d):
    """It would take 160 MB."""
    pytest.importorskip("resource")
    prepare = CHOOSE.format(function=function, d=d)
    assert int(run_python(GROWN.format(prepare=prepare)).stdout) < 40 * 1024
