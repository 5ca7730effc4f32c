"""Files that appear whole or not at all, and those that come with the package."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


def check_writable(path: Path) -> None:
    """Raise OSError now if a file could not be written there later.

    Examples
    --------
    >>> from pathlib import Path
    >>> from pyparallel._files import check_writable
    >>> check_writable(Path("no-such-folder", "picture.png"))
    Traceback (most recent call last):
        ...
    FileNotFoundError: cannot write no-such-folder/picture.png: there is no folder no-such-folder
    """
    folder = path.parent
    if not folder.is_dir():
        raise FileNotFoundError(f"cannot write {path}: there is no folder {folder}")
    if path.exists() and not path.is_file():
        raise OSError(f"cannot write {path}: it is not a file")
    if not os.access(folder, os.W_OK):
        raise PermissionError(f"cannot write {path}: the folder {folder} is read-only")


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file to write, which takes the place of ``path`` when the block ends without an error.

    Until then, and after an error or Ctrl-C, whatever was at ``path`` is untouched.
    """
    path = path.resolve()  # a link stays, what it points to is replaced
    check_writable(path)
    # In the same folder, because a rename is atomic only within one file system.
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            yield file
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def shipped(module: str, installed: str, in_checkout: str, file: str) -> Path | None:
    """The folder that came with the package, and has this file; None where it did not.

    Parameters
    ----------
    module : str
        The ``__file__`` of a module of the package.
    installed, in_checkout : str
        Where the folder is: in the package, as a wheel has it; beside it, in a checkout, also an
        editable one.
    file : str
        Whose presence tells.
    """
    package = Path(module).resolve().parent
    folders = (package / installed, package.parent / in_checkout)
    return next((folder for folder in folders if (folder / file).exists()), None)
