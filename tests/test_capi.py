"""`pp.capi`: C functions with the kernels' bits, by address, by ctypes and by capsules."""

from __future__ import annotations

import ctypes
import math
import threading
from ctypes import POINTER
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pyparallel as pp
from pyparallel import capi
from tests.reference import escape_count, philox4x32, tree_sum

NAMES = ["escape_count", "match_one", "match_one_uint8", "philox4x32", "sum"]

floats = st.floats(-4, 4) | st.sampled_from([math.nan, math.inf, -0.0, 1e300, 5e-324])


def pointer(array: np.ndarray) -> Any:
    kind = np.ctypeslib.as_ctypes_type(array.dtype)
    return array.ctypes.data_as(POINTER(kind))


def match(target: np.ndarray, tiles: np.ndarray) -> int:
    function = pp.capi.match_one_uint8 if tiles.dtype == np.uint8 else pp.capi.match_one
    return function(pointer(target), pointer(tiles), *tiles.shape)


# --- the same results as the kernels, and as the references --------------------------------------


@given(floats, floats, floats, floats, st.integers(1, 60))
def test_escape_count_is_the_loop(zr, zi, cr, ci, max_iter):
    found = pp.capi.escape_count(zr, zi, cr, ci, max_iter)
    assert found == escape_count(zr, zi, cr, ci, max_iter)
    assert found == pp.escape_time(complex(zr, zi), complex(cr, ci), max_iter)


def test_escape_count_lets_pass_what_is_2_away():
    assert pp.capi.escape_count(0, 0, -2, 0, 50) == 49
    assert pp.capi.escape_count(0, 0, -2.0000001, 0, 50) == 0


@pytest.mark.parametrize("max_iter", [0, -1, -(2**63)])
def test_escape_count_without_an_iteration_is_minus_one(max_iter):
    assert pp.capi.escape_count(0, 0, 9, 9, max_iter) == -1


@pytest.mark.parametrize("n", [0, 1, 7, 8, 9, 63, 64, 65, 4097, 32767, 32769, 100_001])
def test_sum_keeps_the_order_of_the_contract(n):
    rng = np.random.default_rng(n)
    values = rng.normal(size=n) * 2.0 ** rng.integers(-20, 20, n)
    found = pp.capi.sum(pointer(values), n)
    assert found == pp.sum(values)
    assert found == (tree_sum(values) if n else 0.0)


@pytest.mark.parametrize(
    "values", [[-0.0], [math.nan, 1], [math.inf, -math.inf], [1e308, 1e308], [-math.nan]]
)
def test_sum_has_one_zero_and_one_nan(values):
    array = np.array(values, float)
    with np.errstate(all="ignore"):
        wanted = np.float64(pp.sum(array))
    assert np.float64(pp.capi.sum(pointer(array), array.size)).tobytes() == wanted.tobytes()


@pytest.mark.parametrize("dtype", [np.float64, np.uint8])
@pytest.mark.parametrize("d", [1, 3, 75])
def test_match_one_is_the_nearest_and_the_lowest_on_ties(dtype, d):
    rng = np.random.default_rng(d)
    tiles = rng.integers(0, 4 if d < 5 else 256, (300, d)).astype(dtype)
    tiles[200:] = tiles[:100]  # ties with the first hundred
    for target in rng.integers(0, 256, (20, d)).astype(dtype):
        distances = [
            sum((int(a) - int(b)) ** 2 for a, b in zip(target, tile, strict=True)) for tile in tiles
        ]
        assert match(target, tiles) == distances.index(min(distances))
    assert match(tiles[250], tiles) <= 50


def test_match_one_of_tiles_that_have_no_distance():
    target = np.zeros(2)
    nan, inf = [math.nan, 0], [math.inf, 0]
    assert match(target, np.array([nan, nan])) == -1
    assert match(target, np.array([nan, inf, inf])) == 1
    assert match(target, np.array([inf, [1e200, 0], [1, 0]])) == 2
    assert match(target, np.empty((0, 2))) == -1


def test_philox_gives_the_words_of_the_paper():
    counter, key = np.array([1, 2, 3, 4], np.uint32), np.array([5, 6], np.uint32)
    words = np.zeros(4, np.uint32)
    assert pp.capi.philox4x32(pointer(counter), pointer(key), pointer(words)) is None
    assert tuple(words.tolist()) == philox4x32((1, 2, 3, 4), (5, 6))


# --- how they are handed out ---------------------------------------------------------------------


def test_each_function_has_an_address_a_declaration_and_a_capsule():
    assert sorted(capi.addresses) == sorted(capi.declarations) == NAMES
    assert sorted(vars(capi.capsules)) == NAMES
    assert len(set(capi.addresses.values())) == len(NAMES)
    for name in NAMES:
        function = getattr(pp.capi, name)
        assert ctypes.cast(function, ctypes.c_void_p).value == capi.addresses[name]
        assert function.__doc__


def get_pointer() -> Any:
    types = ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p
    return ctypes.PYFUNCTYPE(*types)(("PyCapsule_GetPointer", ctypes.pythonapi))


@pytest.mark.parametrize("name", NAMES)
def test_a_capsule_opens_by_its_name_only(name):
    capsule = getattr(capi.capsules, name)
    path = f"pyparallel.capi.capsules.{name}"
    assert get_pointer()(capsule, path.encode()) == capi.addresses[name]
    with pytest.raises(ValueError, match="incorrect name"):
        get_pointer()(capsule, name.encode())


@pytest.mark.parametrize("name", NAMES)
def test_a_capsule_is_where_its_name_says_also_before_the_module_was_used(run_python, name):
    code = f"""
import ctypes
find = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int)(
    ("PyCapsule_Import", ctypes.pythonapi)
)
address = find(b"pyparallel.capi.capsules.{name}", 0)
from pyparallel import capi
print(address == capi.addresses["{name}"])
"""
    assert run_python(code).stdout == "True\n"


def test_wrong_use_is_named():
    array = np.zeros(3)
    with pytest.raises(ctypes.ArgumentError, match="argument 1"):
        pp.capi.sum(array, 3)
    with pytest.raises(ctypes.ArgumentError, match="argument 1"):
        pp.capi.sum(pointer(array.astype(np.float32)), 3)
    with pytest.raises(ctypes.ArgumentError, match="argument 5"):
        pp.capi.escape_count(0, 0, 0, 0, 1.5)
    with pytest.raises(TypeError, match="this function takes at least 5 arguments"):
        pp.capi.escape_count(0, 0, 0, 0)
    with pytest.raises(AttributeError, match="no_such_function"):
        _ = pp.capi.no_such_function


def test_many_threads_may_call_at_once():
    values = np.random.default_rng(0).normal(size=50_000)
    wanted, found = pp.sum(values), []

    def work() -> None:
        found.extend(pp.capi.sum(pointer(values), values.size) for _ in range(20))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [wanted] * 160


# --- headers and source --------------------------------------------------------------------------


def test_the_headers_are_found_here():
    folder = Path(pp.get_include())
    assert (folder / "exact_sum.h").is_file()
    assert folder.is_absolute()
    text = (folder / "pp.h").read_text("utf-8")
    assert all(f"pp_{name}_function pp_{name};" in text for name in NAMES)


def test_the_source_is_found_here():
    folder = capi.source_dir()
    assert (folder / "core" / "ranges.c").is_file()
    assert (folder / "bind" / "py_ranges.c").is_file()


def test_a_package_without_headers_says_so_in_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(capi, "__file__", str(tmp_path / "pyparallel" / "capi.py"))
    with pytest.raises(FileNotFoundError, match=r"^capi: no pp\.h beside .*again$"):
        pp.get_include()
    with pytest.raises(FileNotFoundError, match=r"^capi: no core/pp\.h beside .*again$"):
        capi.source_dir()
