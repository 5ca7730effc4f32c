"""Loads the C extension, or says in one line how to build it."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyparallel import _core as core
else:
    folder = Path(__file__).parent
    try:
        core = import_module("pyparallel._core")
        # An editable install of another checkout would lend its extension to this one's Python.
        built_here = folder.samefile(Path(core.__file__).parent)
    except ModuleNotFoundError as missing:
        if missing.name != "pyparallel._core":
            raise
        built_here = False
    if not built_here:
        where = (
            f"{folder.parent} is a checkout without a built extension: run `pip install -e .` there"
            if (folder.parent / "setup.py").exists()
            else f"the C extension is missing from {folder}: reinstall the package"
        )
        raise ImportError(f"pyparallel: {where}")

__all__ = ["core"]
