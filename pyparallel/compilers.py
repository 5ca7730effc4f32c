"""The C and C++ compilers of this machine: find one, and make a library or a module with it."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

SUFFIX = {"win32": ".dll", "darwin": ".dylib"}.get(sys.platform, ".so")
# As setup.py finds it: Apple's compiler has OpenMP only with Homebrew's or conda's library.
MAC_PREFIXES = ("/opt/homebrew/opt/libomp", "/usr/local/opt/libomp", sys.prefix)


class CompileError(Exception):
    """A compiler or linker has failed; what it said."""


@dataclass(frozen=True)
class Compiler:
    """A compiler that was found.

    Attributes
    ----------
    name : str
        Whose it is, with its version: "GCC 12.2.0".
    command : tuple of str
        What starts it; for Microsoft's only its name, because setuptools knows where it is.
    """

    name: str
    command: tuple[str, ...]

    @property
    def family(self) -> str:
        """Whose options it takes: "gcc", "clang", "zig" or "msvc"."""
        known = {"zig": "zig", "MSVC": "msvc", "GCC": "gcc"}
        return next((found for start, found in known.items() if start in self.name), "clang")

    def line(self, source: Path, library: Path, *options: str) -> list[str]:
        """The command that makes a shared library of a source.

        Parameters
        ----------
        source, library : pathlib.Path
            What to compile, and where the library goes.
        *options : str
            More for the compiler, in front.

        Returns
        -------
        list of str
        """
        if self.family == "msvc":
            return [*self.command, *(options or ("/O2",)), str(source), "/LD", f"/Fe:{library}"]
        everywhere = [] if sys.platform == "win32" else ["-fPIC"]
        files = [str(source), "-o", str(library)]
        return [*self.command, *(options or ("-O3",)), *everywhere, "-shared", *files]

    def shared_library(
        self,
        source: str | os.PathLike[str],
        *options: str,
        to: str | os.PathLike[str] | None = None,
    ) -> Path:
        """Make a shared library of one C source.

        Parameters
        ----------
        source : path-like
            The file.
        *options : str
            For the compiler; by default the highest level of optimisation, and nothing else.
        to : path-like, optional
            Where the library goes: by default beside the source, with its name.

        Returns
        -------
        pathlib.Path
            The library. A file of that name is replaced; where a program uses it, it keeps the
            old one, or, on Windows, there is a PermissionError.

        Raises
        ------
        CompileError
            With what the compiler said.
        """
        path = Path(source)
        library = Path(to) if to else path.with_suffix(SUFFIX)
        part = library.with_name(f"part-{os.getpid()}-{library.name}")
        try:
            if self.family == "msvc":
                _link_with_setuptools(path, part, options)
            else:
                _run(self.line(path, part, *options), path.parent)
            part.replace(library)
        finally:
            part.unlink(missing_ok=True)
        return library

    def openmp(self) -> list[list[str]]:
        """Options that may switch on OpenMP with this compiler, the likeliest first."""
        if self.family == "msvc":
            return [["/O2", "/openmp"]]
        likely = [["-O3", "-fopenmp"]]
        if sys.platform == "darwin":
            for prefix in MAC_PREFIXES:
                apple = ["-Xpreprocessor", "-fopenmp", f"-I{prefix}/include", f"-L{prefix}/lib"]
                likely.append(["-O3", *apple, "-lomp"])
        return likely


def find_c() -> Compiler | None:
    """The C compiler: CC's, else the platform's, else that of the package ziglang.

    Returns
    -------
    Compiler or None

    Examples
    --------
    >>> from pyparallel import compilers
    >>> compiler = compilers.find_c()
    >>> compiler.name if compiler else "no compiler here"  # doctest: +SKIP
    'GCC 12.2.0'
    """
    chosen = os.environ.get("CC")
    if chosen:
        return _asked(shlex.split(chosen, posix=sys.platform != "win32"))
    if sys.platform == "win32" and _setuptools_finds_msvc():
        return Compiler("MSVC", ("cl",))
    for name in ("cc", "gcc", "clang"):
        found = _asked([name])
        if found:
            return found
    return _zig()


def find_cxx() -> Compiler | None:
    """The C++ compiler that builds modules for this Python, or None; never that of ziglang.

    Returns
    -------
    Compiler or None
    """
    if not Path(sysconfig.get_path("include"), "Python.h").exists() or not find_spec("setuptools"):
        return None
    chosen = os.environ.get("CXX")
    if chosen:
        return _asked(shlex.split(chosen, posix=sys.platform != "win32"))
    if sys.platform == "win32":
        return Compiler("MSVC", ("cl",)) if _setuptools_finds_msvc() else None
    c = find_c()
    if c is None or c.family == "zig":
        return None
    names = {"gcc": ("g++", "c++"), "clang": ("clang++", "c++")}[c.family]
    return next((found for found in (_asked([name]) for name in names) if found), None)


def build_modules(folder: str | os.PathLike[str]) -> None:
    """Build the extension modules of a folder's ``setup.py``, into that folder.

    The command is ``python setup.py build_ext --inplace``, with CC and CXX set to the compilers
    that were found: what this Python was built with need not be here.

    Parameters
    ----------
    folder : path-like
        With the ``setup.py``.

    Raises
    ------
    CompileError
        With what the compiler said.
    """
    environment = dict(os.environ)
    c, cxx = find_c(), find_cxx()
    if sys.platform != "win32" and c and cxx:
        environment |= {"CC": shlex.join(c.command), "CXX": shlex.join(cxx.command)}
    command = [sys.executable, "setup.py", "-q", "build_ext", "--inplace"]
    _run(command, Path(folder), environment)


def _asked(command: list[str]) -> Compiler | None:
    """The compiler that this command starts, if it answers: macOS has a cc that asks for Xcode."""
    if not shutil.which(command[0]):
        return None
    try:
        done = subprocess.run(
            [*command, "--version"], capture_output=True, text=True, check=False, timeout=60
        )
    except (OSError, subprocess.SubprocessError):
        return None
    if done.returncode:
        return None
    return Compiler(_name(done.stdout), tuple(command))


def _name(says: str) -> str:
    first = re.sub(r"\(.*?\)", "", says.partition("\n")[0])
    version = re.search(r"\d+(\.\d+)+", first)
    number = f" {version[0]}" if version else ""
    if "clang" in first.lower():
        return f"{'Apple clang' if 'Apple' in first else 'clang'}{number}"
    maker = "GCC" if "Free Software Foundation" in says else (first.split() or ["C compiler"])[0]
    return f"{maker}{number}"


def _zig() -> Compiler | None:
    if not find_spec("ziglang"):
        return None
    from importlib.metadata import version

    return Compiler(f"zig {version('ziglang')}", (sys.executable, "-m", "ziglang", "cc"))


def _run(command: list[str], folder: Path, environment: dict[str, str] | None = None) -> None:
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise CompileError((done.stderr + done.stdout).strip() or f"{command[0]} failed")


def _msvc() -> Any:
    compiler = import_module("setuptools._distutils.ccompiler").new_compiler(compiler="msvc")
    compiler.initialize()
    return compiler


def _setuptools_finds_msvc() -> bool:
    try:
        errors = import_module("setuptools.errors")
        _msvc()
    except ImportError:
        return False
    except errors.BaseError:
        return False
    return True


def _link_with_setuptools(source: Path, library: Path, options: tuple[str, ...]) -> None:
    """Only setuptools knows where Microsoft's compiler is, and the variables that it needs."""
    errors = import_module("setuptools.errors")
    compiler, folder = _msvc(), str(source.parent)
    try:
        objects = compiler.compile([str(source)], output_dir=folder, extra_postargs=[*options])
        compiler.link_shared_object(objects, str(library))
    except (errors.CompileError, errors.LinkError) as error:
        raise CompileError(str(error)) from None
