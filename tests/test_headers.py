"""The headers and the C source are found however the package was installed."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from tests.source_tree import ROOT

HEADERS = ["exact_sum.h", "pp.h"]


def found_in(site: Path, elsewhere: Path) -> list[Path]:
    """Where a process with this on its path finds the module, the headers and the source."""
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from pyparallel import capi;"
        "print(capi.__file__, capi.get_include(), capi.source_dir(), sep='|')"
    )
    command = [sys.executable, "-c", code, str(site)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=elsewhere)
    return [Path(path) for path in done.stdout.strip().split("|")]


def extension() -> Path:
    from pyparallel._load import core

    return Path(core.__file__)


def test_headers_and_source_are_found_in_a_checkout(tmp_path):
    checkout = tmp_path / "checkout"
    for name in ("pyparallel", "csrc"):
        shutil.copytree(ROOT / name, checkout / name)
    shutil.copy(extension(), checkout / "pyparallel")
    module, include, source = found_in(checkout, tmp_path)
    assert module.is_relative_to(checkout)
    assert include == checkout / "csrc" / "core"
    assert source == checkout / "csrc"


def test_headers_and_source_are_found_in_a_wheel(tmp_path):
    site, tree = tmp_path / "site", tmp_path / "tree"
    ignore = shutil.ignore_patterns(".*", "build", "*.egg-info", "*.so", "*.pyd", "tests", "docs")
    shutil.copytree(ROOT, tree, ignore=ignore)
    command = [sys.executable, "setup.py", "-q", "build_py", "--build-lib", str(site)]
    subprocess.run(command, check=True, capture_output=True, cwd=tree)
    shutil.copy(extension(), site / "pyparallel")
    module, include, source = found_in(site, tmp_path)
    assert module.is_relative_to(site)
    assert include == site / "pyparallel" / "include"
    assert sorted(path.name for path in include.iterdir()) == HEADERS
    shipped = {path.relative_to(source).as_posix() for path in source.rglob("*.*")}
    there = {path.relative_to(ROOT / "csrc").as_posix() for path in (ROOT / "csrc").rglob("*.[ch]")}
    assert shipped == there
