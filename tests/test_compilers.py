"""Compilers are found as the machine has them, and make libraries and modules that load."""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from pyparallel import compilers
from pyparallel.compilers import CompileError, Compiler

HERE = compilers.find_c()
needs_compiler = pytest.mark.skipif(HERE is None, reason="there is no C compiler")
GCC = """gcc (Debian 12.2.0-14+deb12u1) 12.2.0
Copyright (C) 2022 Free Software Foundation, Inc.
"""
ANSWERS = {
    "cc": GCC,
    "gcc": GCC,
    "gcc-14": "gcc-14 (Homebrew GCC 14.1.0) 14.1.0\nCopyright (C) Free Software Foundation, Inc.\n",
    "clang": "Debian clang version 14.0.6\nTarget: x86_64-pc-linux-gnu\n",
    "apple": "Apple clang version 15.0.0 (clang-1500.3.9.4)\nTarget: arm64-apple-darwin23\n",
    "icx": "Intel(R) oneAPI DPC++/C++ Compiler 2024.0.2 (2024.0.2.20231213)\n",
    "g++": GCC.replace("gcc", "g++"),
    "clang++": "Debian clang version 14.0.6\n",
}


@pytest.fixture
def machine(monkeypatch):
    """A machine with these programs only, which answer to --version as they do."""

    def install(*programs: str, ziglang: bool = False, platform: str = "linux", **environment: str):
        def run(command, **kwargs):
            known = ANSWERS.get(command[0])
            return SimpleNamespace(returncode=known is None, stdout=known or "")

        monkeypatch.setattr(compilers.shutil, "which", lambda name: name in programs or None)
        monkeypatch.setattr(compilers.subprocess, "run", run)
        monkeypatch.setattr(compilers.sys, "platform", platform)
        monkeypatch.setattr(
            compilers, "find_spec", lambda name: ziglang or None if name == "ziglang" else True
        )
        monkeypatch.setattr(compilers, "_setuptools_finds_msvc", lambda: "msvc" in programs)
        monkeypatch.setattr("importlib.metadata.version", lambda name: "0.13.0")
        for name in ("CC", "CXX"):
            monkeypatch.delenv(name, raising=False)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)

    return install


@pytest.mark.parametrize(
    ("command", "name", "family"),
    [
        ("gcc", "GCC 12.2.0", "gcc"),
        ("gcc-14", "GCC 14.1.0", "gcc"),
        ("clang", "clang 14.0.6", "clang"),
        ("apple", "Apple clang 15.0.0", "clang"),
        ("icx", "Intel 2024.0.2", "clang"),
    ],
)
def test_cc_chooses_and_names_are_short(machine, command, name, family):
    machine(command, "cc", CC=f"{command} -pipe")
    found = compilers.find_c()
    assert (found.name, found.family) == (name, family)
    assert found.command == (command, "-pipe")


def test_the_platforms_compiler_comes_before_zig(machine):
    machine("clang", ziglang=True)
    assert compilers.find_c().name == "clang 14.0.6"
    machine("gcc", "clang")
    assert compilers.find_c().name == "GCC 12.2.0"
    machine(ziglang=True)
    zig = compilers.find_c()
    assert (zig.name, zig.family) == ("zig 0.13.0", "zig")
    assert zig.command == (sys.executable, "-m", "ziglang", "cc")
    machine()
    assert compilers.find_c() is None


def test_a_compiler_that_only_asks_for_xcode_is_none(machine, monkeypatch):
    monkeypatch.delitem(ANSWERS, "cc")
    machine("cc", platform="darwin")
    assert compilers.find_c() is None


def test_cxx_belongs_to_cc_and_zig_has_none(machine):
    machine("gcc", "g++", "clang", "clang++")
    assert compilers.find_cxx().command == ("g++",)
    machine("gcc", "g++", "clang", "clang++", CC="clang")
    assert compilers.find_cxx().command == ("clang++",)
    machine("gcc")
    assert compilers.find_cxx() is None
    machine("g++", ziglang=True)
    assert compilers.find_cxx() is None
    machine("gcc", "g++", "clang++", CXX="clang++")
    assert compilers.find_cxx().command == ("clang++",)


def test_without_pythons_header_no_module_can_be_built(machine, monkeypatch, tmp_path):
    machine("gcc", "g++")
    monkeypatch.setattr(compilers.sysconfig, "get_path", lambda name: str(tmp_path))
    assert compilers.find_cxx() is None


def test_on_windows_setuptools_finds_the_compiler(machine):
    machine("msvc", platform="win32")
    assert compilers.find_c() == compilers.find_cxx() == Compiler("MSVC", ("cl",))
    line = compilers.find_c().line(Path("a.c"), Path("a.dll"))
    assert line == ["cl", "/O2", "a.c", "/LD", "/Fe:a.dll"]
    machine("gcc", platform="win32")
    assert "-fPIC" not in compilers.find_c().line(Path("a.c"), Path("a.dll"))
    assert compilers.find_cxx() is None


def test_msvc_is_driven_by_setuptools(monkeypatch, tmp_path):
    calls = []

    class Fake:
        def compile(self, sources, output_dir, extra_postargs):
            calls.append((sources, output_dir, extra_postargs))
            return ["a.obj"]

        def link_shared_object(self, objects, library):
            calls.append(objects)
            Path(library).write_text("library")

    monkeypatch.setattr(compilers, "_msvc", Fake)
    source = tmp_path / "a.c"
    library = Compiler("MSVC", ("cl",)).shared_library(source, "/openmp", to=tmp_path / "b.dll")
    assert library.read_text() == "library"
    assert calls == [([str(source)], str(tmp_path), ["/openmp"]), ["a.obj"]]


@pytest.mark.parametrize(
    ("name", "platform", "first"),
    [
        ("GCC 12.2.0", "linux", ["-O3", "-fopenmp"]),
        ("MSVC", "win32", ["/O2", "/openmp"]),
        ("Apple clang 15.0.0", "darwin", ["-O3", "-fopenmp"]),
    ],
)
def test_openmp_options_are_the_platforms(monkeypatch, name, platform, first):
    monkeypatch.setattr(compilers.sys, "platform", platform)
    options = Compiler(name, ("cc",)).openmp()
    assert options[0] == first
    assert (len(options) > 1) == (platform == "darwin")


# --- with the compiler that is here --------------------------------------------------------------

EXPORTED = """
#ifdef _WIN32
__declspec(dllexport)
#endif
"""


def write(folder: Path, text: str, name: str = "source.c") -> Path:
    path = folder / name
    path.write_text(EXPORTED + text)
    return path


@needs_compiler
def test_a_library_can_be_loaded_and_is_replaced_whole(tmp_path):
    source = write(tmp_path, "int answer(void) { return 42; }")
    library = HERE.shared_library(source)
    assert library == tmp_path / f"source{compilers.SUFFIX}"
    assert ctypes.CDLL(str(library)).answer() == 42
    write(tmp_path, "int answer(void) { return 43; }")
    other = HERE.shared_library(source, to=tmp_path / f"other{compilers.SUFFIX}")
    assert ctypes.CDLL(str(other)).answer() == 43
    assert not list(tmp_path.glob("part-*"))


@needs_compiler
def test_what_the_compiler_says_is_in_the_error_and_nothing_is_left(tmp_path):
    source = write(tmp_path, "int answer(void) { return nothing; }")
    with pytest.raises(CompileError, match="nothing"):
        HERE.shared_library(source)
    assert [path.name for path in tmp_path.iterdir()] == ["source.c"]


@pytest.mark.skipif(compilers.find_cxx() is None, reason="there is no C++ compiler")
def test_modules_are_built_in_place(tmp_path):
    (tmp_path / "setup.py").write_text(
        "from setuptools import Extension, setup\n"
        "setup(ext_modules=[Extension('one', ['one.cpp'])])\n"
    )
    (tmp_path / "one.cpp").write_text("no C++")
    with pytest.raises(CompileError, match=r"one\.cpp"):
        compilers.build_modules(tmp_path)
    (tmp_path / "one.cpp").write_text(
        "#include <Python.h>\n"
        'static PyModuleDef one = {PyModuleDef_HEAD_INIT, "one", NULL, -1, NULL, NULL, NULL,'
        " NULL, NULL};\n"
        "PyMODINIT_FUNC PyInit_one(void) { return PyModule_Create(&one); }\n"
    )
    compilers.build_modules(tmp_path)
    assert [path.stem.partition(".")[0] for path in tmp_path.glob("one.*") if path.suffix != ".cpp"]
