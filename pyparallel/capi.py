"""C functions of this package for other languages: callable from ctypes, Numba, Cython, cffi, C.

============================== ===============================================================
``escape_count(zr, zi, cr,``   The escape count of z → z·z + c: what `pyparallel.escape_time`
``ci, max_iter)``              gives for one point; -1 where ``max_iter`` is below 1.
``sum(values, n)``             The sum of n float64, to the bit what `pyparallel.sum` gives.
``match_one(target, tiles,``   The place of the nearest of n tiles to the target, each of d
``n, d)``                      float64 features; the lowest on ties, -1 where there is none.
``match_one_uint8(...)``       The same for features of type uint8.
``philox4x32(counter, key,``   The four random words of Philox4x32-10 for a counter of four
``words)``                     words and a key of two; written to ``words``.
============================== ===============================================================

Each is a ctypes function, with its types declared. It needs no Python: ctypes lets go of the GIL
to call it, and Numba calls it directly, in ``nogil`` and ``prange`` code, too. None of them can
fail, or allocates memory, or starts a thread; all may be called by many threads at once. Like any
C function they trust their arguments: pointers to C-contiguous data of the types declared, and as
much of it as the numbers say.

For each function there are also, under its name:

- ``addresses[name]``: its address, an int;
- ``declarations[name]``: its type in C, as ``cffi.FFI().cast`` takes it;
- ``capsules.name``: the address in a capsule, for ``PyCapsule_Import`` in Cython or C. Its name is
  ``"pyparallel.capi.capsules.name"``, and the type of the function, ``pp_name_function``, is in
  ``pp.h`` in the folder `pyparallel.get_include`.

Examples
--------
>>> import ctypes
>>> import numpy as np
>>> import pyparallel as pp
>>> pp.capi.escape_count(0, 0, 0.3, 0.6, 100)
14
>>> values = np.arange(10) / 10
>>> pp.capi.sum(values.ctypes.data_as(ctypes.POINTER(ctypes.c_double)), values.size)
4.5
>>> pp.capi.declarations["sum"]
'double (*)(const double *, int64_t)'

In Numba, an array's ``.ctypes`` is its pointer::

    total = pp.capi.sum

    @njit(nogil=True)
    def row_sums(a, out):
        for i in range(a.shape[0]):
            out[i] = total(a[i].ctypes, a.shape[1])
"""

from __future__ import annotations

import ctypes
from ctypes import POINTER, c_double, c_int64, c_uint8, c_uint32
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from pyparallel._files import shipped
from pyparallel._load import core

__all__ = [
    "addresses",
    "capsules",
    "declarations",
    "escape_count",
    "get_include",
    "match_one",
    "match_one_uint8",
    "philox4x32",
    "sum",
]

_DOCS = {
    "escape_count": "escape_count(zr, zi, cr, ci, max_iter): the escape count of z*z + c, or -1",
    "sum": "sum(values, n): the sum of n float64, in the order of `pyparallel.sum`",
    "match_one": "match_one(target, tiles, n, d): the nearest of n tiles of d float64, or -1",
    "match_one_uint8": "match_one_uint8(target, tiles, n, d): the same for d features of uint8",
    "philox4x32": "philox4x32(counter, key, words): write the four words of Philox4x32-10",
}

# What a function returns, then what it takes.
_TYPES: dict[str, tuple[Any, ...]] = {
    "escape_count": (c_int64, c_double, c_double, c_double, c_double, c_int64),
    "sum": (c_double, POINTER(c_double), c_int64),
    "match_one": (c_int64, POINTER(c_double), POINTER(c_double), c_int64, c_int64),
    "match_one_uint8": (c_int64, POINTER(c_uint8), POINTER(c_uint8), c_int64, c_int64),
    "philox4x32": (None, POINTER(c_uint32), POINTER(c_uint32), POINTER(c_uint32)),
}

declarations: dict[str, str] = {
    "escape_count": "int64_t (*)(double, double, double, double, int64_t)",
    "sum": "double (*)(const double *, int64_t)",
    "match_one": "int64_t (*)(const double *, const double *, int64_t, int64_t)",
    "match_one_uint8": "int64_t (*)(const uint8_t *, const uint8_t *, int64_t, int64_t)",
    "philox4x32": "void (*)(const uint32_t *, const uint32_t *, uint32_t *)",
}

_capsules = core.capi()
capsules = SimpleNamespace(**_capsules)


def _address(name: str) -> int:
    """The pointer in a capsule, which is asked for by its name."""
    get_pointer = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
        ("PyCapsule_GetPointer", ctypes.pythonapi)
    )
    pointer: int = get_pointer(_capsules[name], f"{__name__}.capsules.{name}".encode())
    return pointer


addresses: dict[str, int] = {name: _address(name) for name in _TYPES}


def _function(name: str) -> Any:
    result, *arguments = _TYPES[name]
    function = ctypes.CFUNCTYPE(result, *arguments)(addresses[name])
    function.__doc__ = _DOCS[name]
    return function


escape_count = _function("escape_count")
sum = _function("sum")
match_one = _function("match_one")
match_one_uint8 = _function("match_one_uint8")
philox4x32 = _function("philox4x32")


def get_include() -> str:
    """The folder of ``pp.h``, for a compiler's ``-I``.

    The header declares the types of the functions in `pyparallel.capi`, for C11 and C++. There is
    no library to link with: get the addresses of the functions from their capsules.

    Returns
    -------
    str

    Raises
    ------
    FileNotFoundError
        The package was installed without its headers.

    Examples
    --------
    >>> from pathlib import Path
    >>> import pyparallel as pp
    >>> Path(pp.get_include(), "pp.h").exists()
    True
    """
    return str(_folder_with("pp.h", "include", "csrc/core"))


def source_dir() -> Path:
    """The folder with the C source, to be read: ``core`` has the kernels, ``bind`` the binding.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    FileNotFoundError
        The package was installed without its source.

    Examples
    --------
    >>> from pyparallel import capi
    >>> (capi.source_dir() / "core" / "ranges.c").exists()
    True
    """
    return _folder_with("core/pp.h", "csrc", "csrc")


def _folder_with(file: str, installed: str, in_checkout: str) -> Path:
    folder = shipped(__file__, installed, in_checkout, file)
    if folder is None:
        package = Path(__file__).resolve().parent
        raise FileNotFoundError(f"capi: no {file} beside {package}: install the package again")
    return folder
