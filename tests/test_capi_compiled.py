"""`pp.capi` from compiled code: Numba by ctypes, Cython and C++ by capsules, cffi by address."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest

import pyparallel as pp
from tests.reference import escape_counts

COMPILER = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")[0]
needs_compiler = pytest.mark.skipif(
    sys.platform != "win32" and not shutil.which(COMPILER), reason="there is no C compiler"
)

CYTHON = """
from cpython.pycapsule cimport PyCapsule_Import
from libc.stdint cimport int64_t

cdef extern from "pp.h" nogil:
    ctypedef int64_t pp_escape_count_function(double, double, double, double, int64_t)
    ctypedef double pp_sum_function(const double *, int64_t)

cdef pp_escape_count_function *escape_count = <pp_escape_count_function *>PyCapsule_Import(
    "pyparallel.capi.capsules.escape_count", 0)
cdef pp_sum_function *total = <pp_sum_function *>PyCapsule_Import(
    "pyparallel.capi.capsules.sum", 0)

def count(double cr, double ci, int64_t max_iter):
    cdef int64_t k
    with nogil:
        k = escape_count(0, 0, cr, ci, max_iter)
    return k

def sum_of(const double[::1] values):
    return total(&values[0], values.shape[0])

def wrong():
    PyCapsule_Import("pyparallel.capi.capsules.no_such_function", 0)
"""

CPLUSPLUS = """
#include <Python.h>
#include "pp.h"

static pp_match_one_uint8_function *nearest;

static PyObject *match(PyObject *, PyObject *args)
{
    Py_buffer target, tiles;
    if (!PyArg_ParseTuple(args, "y*y*", &target, &tiles))
        return NULL;
    const int64_t place = nearest(static_cast<const uint8_t *>(target.buf),
                                  static_cast<const uint8_t *>(tiles.buf),
                                  tiles.len / target.len, target.len);
    PyBuffer_Release(&target);
    PyBuffer_Release(&tiles);
    return PyLong_FromLongLong(place);
}

static PyMethodDef methods[] = {{"match", match, METH_VARARGS, NULL}, {NULL, NULL, 0, NULL}};
static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "by_cplusplus", NULL, -1, methods,
                                 NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit_by_cplusplus(void)
{
    nearest = reinterpret_cast<pp_match_one_uint8_function *>(
        PyCapsule_Import("pyparallel.capi.capsules.match_one_uint8", 0));
    return nearest ? PyModule_Create(&definition) : NULL;
}
"""


def built(folder: Path, name: str, source: str) -> Any:
    """The extension module of this name, from a source in this folder."""
    (folder / "setup.py").write_text(
        "import setuptools\n"
        f"module = setuptools.Extension({name!r}, [{source!r}],"
        f" include_dirs=[{pp.get_include()!r}])\n"
        "setuptools.setup(ext_modules=[module])\n"
    )
    command = [sys.executable, "setup.py", "-q", "build_ext", "--inplace"]
    done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = [*folder.glob(f"{name}.*.so"), *folder.glob(f"{name}.*.pyd")]
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# --- Numba ---------------------------------------------------------------------------------------

escape_count, total, nearest = pp.capi.escape_count, pp.capi.sum, pp.capi.match_one
nearest_bytes, philox = pp.capi.match_one_uint8, pp.capi.philox4x32


@numba.njit(nogil=True)
def counts_of(points: Any, max_iter: int) -> Any:
    counts = np.empty(points.shape, np.int64)
    for j in range(points.shape[0]):
        for i in range(points.shape[1]):
            c = points[j, i]
            counts[j, i] = escape_count(0.0, 0.0, c.real, c.imag, max_iter)
    return counts


@numba.njit(parallel=True)
def row_sums(a: Any) -> Any:
    sums = np.empty(a.shape[0])
    for i in numba.prange(a.shape[0]):
        sums[i] = total(a[i].ctypes, a.shape[1])
    return sums


@numba.njit
def matches(targets: Any, tiles: Any) -> Any:
    found = np.empty(len(targets), np.int64)
    for i in range(len(targets)):
        found[i] = nearest(targets[i].ctypes, tiles.ctypes, tiles.shape[0], tiles.shape[1])
    return found


@numba.njit
def match_of_bytes(target: Any, tiles: Any) -> int:
    return nearest_bytes(target.ctypes, tiles.ctypes, tiles.shape[0], tiles.shape[1])


@numba.njit
def words_of(counter: Any, key: Any) -> Any:
    words = np.empty(4, np.uint32)
    philox(counter.ctypes, key.ctypes, words.ctypes)
    return words


def test_numba_calls_without_the_gil():
    points = pp.Box(30, 20, center=-0.7, extent=3 + 2j).grid()
    np.testing.assert_array_equal(counts_of(points, 80), escape_counts(0, points, 80))


def test_numba_calls_in_parallel_loops():
    a = np.random.default_rng(0).normal(size=(50, 3001))
    np.testing.assert_array_equal(row_sums(a), pp.sum(a, axis=1))


def test_numba_passes_arrays_of_each_kind():
    rng = np.random.default_rng(1)
    tiles = rng.random((40, 3))
    np.testing.assert_array_equal(matches(tiles[::-1].copy(), tiles), np.arange(40)[::-1])
    few = rng.integers(0, 256, (40, 3), np.uint8)
    assert match_of_bytes(few[7].copy(), few) == 7
    words = words_of(np.zeros(4, np.uint32), np.zeros(2, np.uint32))
    assert [hex(word) for word in words] == ["0x6627e8d5", "0xe169c58d", "0xbc57ac4c", "0x9b00dbd8"]


def test_numba_refuses_an_array_of_another_type():
    with pytest.raises(numba.TypingError):
        row_sums(np.zeros((3, 3), np.float32))


# --- Cython, C++, cffi ---------------------------------------------------------------------------


@needs_compiler
def test_cython_calls_by_capsules(tmp_path):
    (tmp_path / "by_cython.pyx").write_text(CYTHON)
    command = [sys.executable, "-m", "cython", "-3", "by_cython.pyx"]
    subprocess.run(command, check=True, cwd=tmp_path)
    module = built(tmp_path, "by_cython", "by_cython.c")
    assert module.count(0.3, 0.6, 100) == pp.capi.escape_count(0, 0, 0.3, 0.6, 100)
    values = np.random.default_rng(0).normal(size=1001)
    assert module.sum_of(values) == pp.sum(values)
    with pytest.raises(AttributeError, match="no_such_function"):
        module.wrong()


@needs_compiler
def test_cplusplus_reads_the_header(tmp_path):
    (tmp_path / "by_cplusplus.cpp").write_text(CPLUSPLUS)
    module = built(tmp_path, "by_cplusplus", "by_cplusplus.cpp")
    assert module.match(b"\x07\x08", bytes(range(20))) == 3


def test_cffi_calls_by_address():
    cffi = pytest.importorskip("cffi")
    ffi = cffi.FFI()
    for name, declaration in pp.capi.declarations.items():
        function = ffi.cast(declaration, pp.capi.addresses[name])
        arguments = ffi.typeof(declaration).args
        assert len(arguments) == len(getattr(pp.capi, name).argtypes)
        sizes = [ffi.sizeof(argument) for argument in arguments]
        assert sizes == [ctypes.sizeof(argument) for argument in getattr(pp.capi, name).argtypes]
        assert ffi.typeof(function) is ffi.typeof(declaration)
    count = ffi.cast(pp.capi.declarations["escape_count"], pp.capi.addresses["escape_count"])
    assert count(0, 0, 9, 9, 5) == 0
