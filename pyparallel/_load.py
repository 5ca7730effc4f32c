"""Loads the C extension, or says in one line how to build it."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyparallel import _core as core
else:
    try:
        core = import_module("pyparallel._core")
    except ModuleNotFoundError as missing:
        if missing.name != "pyparallel._core":
            raise
        folder = Path(__file__).parent
        where = (
            f"{folder.parent} is a checkout without a built extension: run `pip install -e .` there"
            if (folder.parent / "setup.py").exists()
            else f"the C extension is missing from {folder}: reinstall the package"
        )
        raise ImportError(f"pyparallel: {where}") from None

__all__ = ["core"]
