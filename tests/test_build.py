"""Building from a checkout: what goes into the archives, and when the extension is built again."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tests.source_tree import ROOT, committed

NOT_IN_THE_SDIST = (".", "docs/")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clean copy of the checkout, to build in."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in committed(""):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name)
    return folder


def run(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        check=False,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": "", **environment},
        capture_output=True,
        text=True,
        timeout=240,
    )


def setup(folder: Path, *arguments: str, **environment: str) -> None:
    done = run(folder, "setup.py", *arguments, **environment)
    assert done.returncode == 0, done.stderr


def names_under(folder: Path) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}


def build(folder: Path, **environment: str) -> int:
    """Build in place, for debugging because that is quick; when the extension was made, in ns."""
    setup(folder, "build_ext", "--inplace", PYPARALLEL_DEBUG="1", **environment)
    (made,) = [p for p in (folder / "pyparallel").glob("_core.*") if p.suffix != ".pyi"]
    return made.stat().st_mtime_ns


@pytest.fixture
def unbuilt(checkout: Path, tmp_path: Path) -> Path:
    """A checkout without extension, beside the installed one that these tests run with."""
    ignore = shutil.ignore_patterns("_core.*.*", "test_*")
    for name in ("pyparallel", "tests"):
        shutil.copytree(checkout / name, tmp_path / name, ignore=ignore)
    for name in ("setup.py", "pyproject.toml"):
        shutil.copy(checkout / name, tmp_path)
    (tmp_path / "tests" / "test_nothing.py").write_text("def test_nothing(): pass\n")
    return tmp_path


def test_pytest_in_a_checkout_without_extension_prints_only_that_line(unbuilt):
    done = run(unbuilt, "-m", "pytest")
    (line,) = (done.stdout + done.stderr).strip().splitlines()
    assert line.startswith("ERROR: pyparallel: ")
    assert line.endswith("run `pip install -e .` there")


def test_the_sdist_holds_all_that_building_and_testing_need(checkout, tmp_path):
    setup(checkout, "--quiet", "sdist", "--dist-dir", str(tmp_path))
    (archive,) = tmp_path.iterdir()
    with tarfile.open(archive) as opened:
        packed = {name.partition("/")[2] for name in opened.getnames()}
    wanted = {name for name in committed("") if not name.startswith(NOT_IN_THE_SDIST)}
    assert wanted <= packed


def test_a_wheel_holds_the_package_and_the_notebooks_and_nothing_else(checkout, tmp_path):
    setup(checkout, "--quiet", "build_py", "--build-lib", str(tmp_path))
    wanted = {name for name in committed("") if name.startswith("pyparallel/")}
    shipped = ("notebooks/", "csrc/")  # the C sources to be read
    wanted |= {f"pyparallel/{name}" for name in committed("") if name.startswith(shipped)}
    wanted |= {f"pyparallel/include/{name}" for name in ("pp.h", "exact_sum.h")}
    assert names_under(tmp_path) == wanted


def test_the_extension_is_built_again_when_a_header_or_a_switch_has_changed(checkout):
    first = build(checkout)
    assert build(checkout) == first
    (checkout / "csrc" / "core" / "pp.h").touch()
    touched = build(checkout)
    assert touched > first
    assert build(checkout, PYPARALLEL_OPENMP="0") > touched
    show = "import pyparallel as pp; print(pp.config()['openmp'])"
    assert run(checkout, "-c", show).stdout.strip() == "False"


def test_a_switch_with_a_wrong_value_stops_the_build_in_one_line(checkout):
    done = run(checkout, "setup.py", "--quiet", "build_ext", "--inplace", PYPARALLEL_OPENMP="yes")
    assert done.returncode != 0
    assert done.stderr.splitlines()[-1] == "PYPARALLEL_OPENMP must be 0 or 1, not 'yes'"
